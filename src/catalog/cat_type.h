/* catalog/cat_type.h — connector types and the driver of each. */
#ifndef CH_CATALOG_CAT_TYPE_H
#define CH_CATALOG_CAT_TYPE_H

#include "connhub/driver.h"

typedef struct ChType
{
	char	   *name;
	char	   *driver;
	char	   *category;
	int			default_port;
	uint32		flags;			/* CONNHUB_TYPE_… */
	uint64		capabilities;	/* CONNHUB_CAP_… */
} ChType;

/* The type of a name.  missing_ok false: throws ERRCODE_CH_UNKNOWN_TYPE with the closest name. */
extern const ChType *ch_type_get(const char *name, bool missing_ok);

#endif
