# connhub — PGXS build of the core library, with one sub-make per driver.
#
#   make, make install, make uninstall, make clean, make installcheck     as for any PGXS extension
#   make deps     install what building and testing need (Debian, as root; else it says what is missing)
#   make demo     the main job against throwaway servers; DEMO=embedded: SQLite only
#   make check    every test, against throwaway servers; CHECK="lint tap/codes" runs some of them
#   make differential   random queries pushed, kept here and on a copy; QUERIES=200000 per driver, SEED= of the clock
#   make lint     the rules of the tree alone
#   make bench    the speed side by side with the peers; BENCH="scan_pg lookup_pg" runs some works, see docs/performance.md

OWN_GOALS = deps demo check differential lint bench
DEMO ?= all

ifneq ($(filter $(OWN_GOALS),$(MAKECMDGOALS)),)

# These work before there is a pg_config, so PGXS stays out; what else was asked for is made by itself.

.PHONY: $(MAKECMDGOALS)

deps:
	@test/deps.sh $(PG_CONFIG)

demo: deps
	@test/demo/run.sh $(DEMO)

check: deps
	@test/deps.sh --check $(PG_CONFIG)
	@test/check.sh $(CHECK)

differential: QUERIES ?= 200000
differential: SEED ?= $(shell date +%s)
differential: deps
	@echo "seed $(SEED)"
	@CONNHUB_DIFFERENTIAL_QUERIES=$(QUERIES) CONNHUB_DIFFERENTIAL_SEED=$(SEED) CONNHUB_CHECK_SECONDS=86400 CONNHUB_CHECK_JOBS=3 test/check.sh differential

lint:
	@test/lint/run_all.sh

bench: deps
	@test/deps.sh --bench $(PG_CONFIG)
	@test/bench/run.sh $(BENCH)

$(filter-out $(OWN_GOALS),$(MAKECMDGOALS)):
	@$(MAKE) --no-print-directory $@

.NOTPARALLEL:

else

EXTENSION = connhub
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" connhub.control)
MODULE_big = connhub
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
HEADERS_connhub = src/include/connhub/driver.h
SCRIPT = sql/connhub--$(EXTVERSION).sql
DATA_built = $(SCRIPT)
DATA = $(wildcard sql/update/connhub--*--*.sql)
REGRESS = $(sort $(patsubst sql/%.sql,%,$(filter-out $(SCRIPT),$(wildcard sql/*.sql))))
DRIVERS = $(notdir $(patsubst %/Makefile,%,$(wildcard drivers/*/Makefile)))
EXTRA_CLEAN = $(OBJS:.o=.d) build

PG_CPPFLAGS = -I$(srcdir)/src/include -I$(srcdir)/src $(shell pkg-config --cflags libcurl libssh)
PG_CFLAGS = -MMD -MP -Werror -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Wno-sign-compare
SHLIB_LINK = $(shell pkg-config --libs libcurl libssh) -lcrypto -lpthread -Wl,--version-script=$(srcdir)/src/exports.map

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifeq ($(wildcard $(PGXS)),)
$(error PGXS was not found by PG_CONFIG=$(PG_CONFIG): install the server's development files, or run "make deps")
endif

# Bitcode would be built a second time by clang, with other warnings, for a library that is never inlined.
override with_llvm = no
include $(PGXS)
-include $(OBJS:.o=.d)
$(OBJS): Makefile
$(shlib): $(srcdir)/src/exports.map

$(SCRIPT): $(sort $(wildcard sql/install/*.sql))
	cat $^ > $@

.PHONY: drivers $(DRIVERS:%=driver-%)
all: drivers
drivers: $(DRIVERS:%=driver-%)
$(DRIVERS:%=driver-%): driver-%:
	@$(MAKE) --no-print-directory -C drivers/$* all

.PHONY: install-drivers uninstall-drivers clean-drivers
install: install-drivers
install-drivers: drivers
uninstall: uninstall-drivers
clean: clean-drivers

install-drivers uninstall-drivers clean-drivers: %-drivers:
	@for d in $(DRIVERS); do $(MAKE) --no-print-directory -C drivers/$$d $* || exit 1; done

endif
