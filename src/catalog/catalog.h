/* catalog/catalog.h — what the tables of schema connhub_catalog look like from C.
 *
 * Mirrors sql/install/30_tables.sql, column for column; 30_tables.sql names this file.  Reads go
 * straight to the tables with an MVCC snapshot, so that a user who may read a foreign table need
 * hold no right on the catalogue behind it.  Writes go through SQL as the extension's owner, after
 * the api layer has checked the caller. */
#ifndef CH_CATALOG_CATALOG_H
#define CH_CATALOG_CATALOG_H

#define CH_SCHEMA			"connhub"
#define CH_CATALOG_SCHEMA	"connhub_catalog"
#define CH_FDW				"connhub"

/* Run SQL as the owner of the extension between these two, with search_path pg_catalog, pg_temp.
 * They nest and are undone by transaction abort. */
typedef struct ChAsOwner
{
	Oid			user;
	int			context;
	int			nest_level;
} ChAsOwner;

extern void ch_catalog_as_owner(ChAsOwner *saved);
extern void ch_catalog_as_before(const ChAsOwner *saved);

/* Oid of a table or index of connhub_catalog; throws when the extension is not there. */
extern Oid	ch_catalog_relation(const char *name);

#endif
