/* driver/registry.h — driver name → loaded driver. */
#ifndef CH_DRIVER_REGISTRY_H
#define CH_DRIVER_REGISTRY_H

#include "nodes/pg_list.h"

#include "connhub/driver.h"

/* The loaded driver of a name, loading it on first use.  Throws ERRCODE_CH_DRIVER_LOAD, naming what
 * was wrong; a failed load is remembered.  Every optional slot of the result is callable. */
extern const ConnhubDriver *ch_driver_require(const char *name);

/* Names of the driver libraries installed and allowed, sorted: a List of char *. */
extern List *ch_driver_list(void);

/* The type a driver serves, or NULL. */
extern const ConnhubTypeSpec *ch_driver_type(const ConnhubDriver *driver, const char *type);

/* The option of a name among core's common and the type's own, or NULL. */
extern const ConnhubOptionSpec *ch_type_option(const ConnhubTypeSpec *type, const char *name);

#endif
