/* module.c — what makes this library loadable by PostgreSQL: the only server header of the folder. */
#include "postgres.h"

#include "fmgr.h"

PG_MODULE_MAGIC;
