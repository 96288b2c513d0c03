/* batch/typemap.h — ABI type ↔ PostgreSQL type, one table, and a PostgreSQL value as an ABI value. */
#ifndef CH_BATCH_TYPEMAP_H
#define CH_BATCH_TYPEMAP_H

#include "connhub/driver.h"

/* The ABI type of a PostgreSQL type; returns out->type.  A domain is its base type.  What the table
 * does not know (enums, arrays, ranges, composites, inet, …) is CONNHUB_NATIVE.  pg_type is always set:
 * static, or in the current memory context. */
extern ConnhubType ch_typemap_from_pg(Oid type, int32 typmod, ConnhubTypeRef *out);

/* The type a domain stands on, with its modifier; another type itself, which costs nothing where the server brings it. */
extern Oid	ch_typemap_base(Oid type, int32 *typmod);

/* The PostgreSQL type of an ABI type; never fails.  pg_type wins when it names a type that can hold
 * foreign values here: one of pg_catalog, or of an installed extension.  A type that is unknown here,
 * and one whose text means nothing here (regclass, aclitem), becomes text.
 *
 * _pg_type: without modifiers, as format_type prints it: "numeric", "integer[]".
 * _pg_type_full: with modifiers, for people: "numeric(10,2)"; modifiers beyond PostgreSQL's range are left out.
 * _ddl: the same, schema-qualified where the grammar has no word for the type: safe in a command
 * under any search_path. */
extern char *ch_typemap_pg_type(const ConnhubTypeRef *ref);
extern char *ch_typemap_pg_type_full(const ConnhubTypeRef *ref);
extern char *ch_typemap_ddl(const ConnhubTypeRef *ref);
extern Oid	ch_typemap_pg_oid(const ConnhubTypeRef *ref);

/* A value as constant or parameter, exact under every setting.  The result points into the value or
 * into the current memory context.  False when the ABI cannot hold it (a timestamp of the last thirty
 * years before 294277 AD); *out is then unset.  Throws when text has no UTF-8 form. */
extern bool ch_typemap_value(Datum value, bool isnull, Oid type, ConnhubValue *out);

/* The same for many values of one type, which is looked up once. */
typedef struct ChValueMaker
{
	Oid			base;
	ConnhubTypeRef type;
	bool		(*convert) (Datum value, ConnhubValue *out);	/* NULL: by its output function */
} ChValueMaker;

extern void ch_typemap_maker(Oid type, ChValueMaker *maker);
extern bool ch_typemap_make(const ChValueMaker *maker, Datum value, bool isnull, ConnhubValue *out);

/* Seconds and days between 1970-01-01 and 2000-01-01. */
#define CH_EPOCH_DAYS	(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)
#define CH_EPOCH_USECS	((int64) CH_EPOCH_DAYS * USECS_PER_DAY)

/* Which settings of the session the text form of a type depends on, as bits; 0: none. */
#define CH_SETTING_STYLE	0x1 /* DateStyle, IntervalStyle, extra_float_digits, xmloption */
#define CH_SETTING_MONEY	0x2 /* lc_monetary */
#define CH_SETTING_PATH		0x4 /* search_path */
extern int	ch_typemap_settings(Oid type);

/* Between these two such forms are canonical.  Undone by abort. */
extern int	ch_typemap_canonical_begin(int settings);
extern void ch_typemap_canonical_end(int saved);

#endif
