/* catalog/cat_type.h — connector types and the driver of each. */
#ifndef CH_CATALOG_CAT_TYPE_H
#define CH_CATALOG_CAT_TYPE_H

#include "utils/jsonb.h"

#include "connhub/driver.h"

/* Cached per backend and valid until the transaction ends. */
typedef struct ChType
{
	char	   *name;
	char	   *driver;
	char	   *category;
	int			default_port;
	uint32		flags;			/* CONNHUB_TYPE_… */
	uint64		capabilities;	/* CONNHUB_CAP_… */
	ConnhubOptionSpec *options; /* the type's own, as recorded at registration */
	int			noptions;
} ChType;

/* The type of a name.  missing_ok false: throws ERRCODE_CH_UNKNOWN_TYPE with the closest name. */
extern const ChType *ch_type_get(const char *name, bool missing_ok);

/* Record the types a driver serves, in place of what it served before. */
extern void ch_type_store(const ConnhubDriver *driver);

/* The names of capability bits, as a text[]. */
extern Datum ch_type_features(uint64 capabilities);

/* An option table as a JSON array of {name, kind, default, …}. */
extern Jsonb *ch_type_options_document(const ConnhubOptionSpec *specs, int count);

extern void ch_type_cache_init(void);

#endif
