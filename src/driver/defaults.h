/* driver/defaults.h — stubs for optional slots. */
#ifndef CH_DRIVER_DEFAULTS_H
#define CH_DRIVER_DEFAULTS_H

#include "connhub/driver.h"

/* Put a stub that returns UNSUPPORTED in every optional slot that is NULL. */
extern void ch_driver_fill_defaults(ConnhubDriver *driver);

#endif
