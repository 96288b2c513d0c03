# drivers/driver.mk — shared rules of every driver folder.
#
# A driver's Makefile sets
#   DRIVER      the family: the library becomes connhub_$(DRIVER).so
#   SOURCES     its .c files, module.c among them
#   COMMON      files of drivers/common it compiles in, e.g. sql/render.c
#   PACKAGE     pkg-config name of its client library, empty for none
#   INCLUDES, LIBS   when pkg-config does not know the library
# and then includes this file.  When the library is absent the driver is skipped with a notice.
# Nothing but connhub_driver_init and the server's module magic leaves the library.

PG_CONFIG ?= pg_config
MODULE_big = connhub_$(DRIVER)

top := $(dir $(lastword $(MAKEFILE_LIST)))..

ifneq ($(PACKAGE),)
AVAILABLE := $(shell pkg-config --exists $(PACKAGE) && echo yes)
CLIENT_CFLAGS := $(shell pkg-config --cflags $(PACKAGE) 2>/dev/null)
CLIENT_LIBS := $(shell pkg-config --libs $(PACKAGE) 2>/dev/null)
else
AVAILABLE := yes
CLIENT_CFLAGS := $(INCLUDES)
CLIENT_LIBS := $(LIBS)
endif

ifeq ($(AVAILABLE),yes)

# The object of a common file stands here, so that drivers build in parallel.
COMMON_OBJS := $(addprefix common-,$(subst /,-,$(COMMON:.c=.o)))
OBJS = $(SOURCES:.c=.o) $(COMMON_OBJS)
EXTRA_CLEAN = $(OBJS:.o=.d)

# PostgreSQL 15 leaves PGDLLEXPORT empty, which would hide the module magic.
PG_CPPFLAGS = -I$(top)/src/include -I$(top)/drivers/common $(CLIENT_CFLAGS) \
	'-DPGDLLEXPORT=__attribute__((visibility("default")))'
PG_CFLAGS = -fvisibility=hidden -MMD -MP -Werror -Wextra -Wno-unused-parameter -Wno-missing-field-initializers
SHLIB_LINK = $(CLIENT_LIBS)

PGXS := $(shell $(PG_CONFIG) --pgxs)
override with_llvm = no
include $(PGXS)
-include $(OBJS:.o=.d)
$(OBJS): Makefile $(top)/drivers/driver.mk

define common_rule
common-$(subst /,-,$(1:.c=.o)): $(top)/drivers/common/$(1)
	$$(CC) $$(CFLAGS) $$(CPPFLAGS) -c -o $$@ $$<
endef
$(foreach file,$(COMMON),$(eval $(call common_rule,$(file))))

else

.PHONY: all install uninstall clean
all install uninstall clean:
	@echo "NOTICE: driver $(DRIVER) is skipped: pkg-config does not know its client library $(PACKAGE)"

endif
