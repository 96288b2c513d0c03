/* types.h — what a field may hold, and what that becomes here. */
#ifndef MG_TYPES_H
#define MG_TYPES_H

#include "mongo.h"

/* A kind binds the values of a field: a value of another BSON type in it is an error, not a conversion.  The name of a
 * kind is the remote type of a column; " at " and a path follow when the field lies in nested documents. */
typedef enum MgKind
{
	MG_ANY = 0,					/* nothing is known */
	MG_STRING,
	MG_OBJECTID,
	MG_INT,
	MG_LONG,
	MG_DOUBLE,
	MG_DECIMAL,
	MG_NUMBER,					/* numbers of several types whose order is not that of one type here */
	MG_BOOL,
	MG_DATE,
	MG_BINARY,					/* of subtype 0 */
	MG_UUID,
	MG_OBJECT,
	MG_ARRAY,
	MG_MIXED,
	MG_NKINDS
} MgKind;

#define MG_NUMERIC	0x1			/* compared by value with every other number */
#define MG_NAN		0x2			/* may be NaN, which is the smallest number there and the largest here */
#define MG_EQUAL	0x4			/* equal there is equal here */
#define MG_ORDERED	0x8			/* and so is less */

typedef struct MgType
{
	const char *name;
	ConnhubType type;
	const char *pg_type;
	uint32_t	accepted;		/* bits of the BSON types a value may have, see mg_bit */
	uint32_t	flags;
} MgType;

extern const MgType mg_types[MG_NKINDS];

/* The bit of a BSON type in MgType.accepted. */
extern uint32_t mg_bit(bson_type_t type);

/* The kind a remote type names; MG_ANY for NULL and what is unknown. */
extern MgKind mg_kind(const char *remote_type);

/* Where the values of a column are, as a path with dots. */
extern const char *mg_path(const ConnhubColumn *column);

/* The kind of a field that was seen to hold values of these types; binary values of other subtypes than 0 and of the one for
 * UUIDs count as MG_BIT_OTHER. */
extern MgKind mg_merge(uint32_t seen);

#define MG_BIT_UUID		(UINT32_C(1) << 28)
#define MG_BIT_OTHER	(UINT32_C(1) << 29)

/* The bit of the value at iter for mg_merge. */
extern uint32_t mg_seen(const bson_iter_t *iter);

typedef enum MgPut
{
	MG_PUT_DONE = 0,
	MG_PUT_WRONG_TYPE,			/* not a value of this kind */
	MG_PUT_OUT_OF_RANGE,
	MG_PUT_NO_MEMORY
} MgPut;

/* In which type a vector takes values of the kind, when core would like `wanted`. */
extern ConnhubType mg_vector_type(MgKind kind, ConnhubType wanted);

/* Put the value at iter into row batch->nrows of the vector, whose type mg_vector_type has given.  Strings and bytes stay where
 * they are.  *bytes grows by what was put. */
extern MgPut mg_put(ConnhubConn *conn, MgKind kind, const bson_iter_t *iter, ConnhubBatch *batch, ConnhubVector *vector,
					size_t *bytes);

/* Append a value under key as what the field holds there.  CONNHUB_DATA: it cannot be said in that kind. */
extern ConnhubStatus mg_append(bson_t *to, const char *key, MgKind kind, const ConnhubValue *value, ConnhubError *error);

/* Decimal text of a Decimal128 without an exponent, in at least MG_DECIMAL_SIZE bytes. */
#define MG_DECIMAL_SIZE	6400
extern size_t mg_decimal_text(const bson_decimal128_t *value, char *text);

#endif							/* MG_TYPES_H */
