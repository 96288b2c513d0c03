# connhub — PGXS build of the core library, with one sub-make per driver.

EXTENSION = connhub
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" connhub.control)
MODULE_big = connhub
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
HEADERS_connhub = src/include/connhub/driver.h
SCRIPT = sql/connhub--$(EXTVERSION).sql
DATA_built = $(SCRIPT)
DATA = $(wildcard sql/update/connhub--*--*.sql)
DRIVERS = $(notdir $(patsubst %/Makefile,%,$(wildcard drivers/*/Makefile)))
EXTRA_CLEAN = $(SCRIPT) build

PG_CPPFLAGS = -I$(srcdir)/src/include -I$(srcdir)/src
PG_CFLAGS = -fvisibility=hidden -Werror -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Wno-sign-compare
SHLIB_LINK = -lcrypto -ljansson -lpthread

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
with_llvm ?= no
include $(PGXS)

$(SCRIPT): $(sort $(wildcard sql/install/*.sql))
	cat $^ > $@

.PHONY: drivers $(DRIVERS:%=driver-%)
all: drivers
drivers: $(DRIVERS:%=driver-%)
$(DRIVERS:%=driver-%): driver-%:
	$(MAKE) -C drivers/$* with_llvm=no all

install: install-drivers
.PHONY: install-drivers
install-drivers: drivers
	for d in $(DRIVERS); do $(MAKE) -C drivers/$$d with_llvm=no install || exit 1; done

clean: clean-drivers
.PHONY: clean-drivers
clean-drivers:
	for d in $(DRIVERS); do $(MAKE) -C drivers/$$d with_llvm=no clean || exit 1; done
