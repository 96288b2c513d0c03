/* driver/loader.h — from a driver name to a checked table of callbacks. */
#ifndef CH_DRIVER_LOADER_H
#define CH_DRIVER_LOADER_H

#include "connhub/driver.h"

/* [a-z][a-z0-9_]*, short enough for a file name. */
extern bool ch_driver_name_check(const char *name);

/* Does connhub.allowed_drivers hold the name? */
extern bool ch_driver_allowed_check(const char *name);

/* Path of the library of a driver, whose name is valid. */
extern char *ch_driver_path(const char *name);

/* Load and check the driver of a valid, allowed name into *driver, stubs filled in.  NULL, or what is
 * wrong as a message; *detail may then say more.  Does not throw for what the library does wrong. */
extern char *ch_driver_load(const char *name, ConnhubDriver *driver, char **detail);

#endif
