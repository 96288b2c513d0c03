/* batch/convert.h — one value of a vector → Datum of a declared type. */
#ifndef CH_BATCH_CONVERT_H
#define CH_BATCH_CONVERT_H

#include "access/tupdesc.h"
#include "fmgr.h"
#include "lib/stringinfo.h"

#include "connhub/driver.h"

struct TypeCacheEntry;

typedef struct ChConvert ChConvert;
typedef Datum (*ChConvertFunction) (ChConvert *convert, const ConnhubVector *vector, uint32 row);

/* Conversion into one attribute. */
struct ChConvert
{
	const char *name;			/* of the attribute, for errors */
	Oid			type;			/* as declared */
	Oid			base;			/* below any domain */
	int32		typmod;			/* of the base type */
	MemoryContext context;		/* for what is looked up */
	StringInfo	scratch;		/* NUL-terminated copy of one value; shared by a reader's columns */

	/* Settled for one vector type; CONNHUB_TYPE_NONE: not yet.  The result of function is below any
	 * domain; values by reference are allocated in the current memory context. */
	ConnhubType settled;
	ChConvertFunction function;

	/* Looked up when first needed. */
	FmgrInfo	input;			/* fn_oid InvalidOid: not looked up; so below */
	Oid			input_param;
	FmgrInfo	receive;
	Oid			receive_param;
	int			settings;		/* CH_SETTING_… the type's text form depends on */
	struct TypeCacheEntry *types;	/* for equality before and after modifiers */
};

/* Prepare for an attribute; *wanted is the type a driver should deliver. */
extern void ch_convert_init(ChConvert *convert, Form_pg_attribute attribute, StringInfo scratch,
							ConnhubTypeRef *wanted);

/* Choose the function for vectors of this type.  Throws when there is none. */
extern void ch_convert_settle(ChConvert *convert, ConnhubType type);

#endif
