/* types.c — the source's types and ABI types, and the decoding of result values.
 *
 * Built-in types have the same OIDs and the same binary forms on every server, so their values pass
 * through unchanged wherever the column here is of the same type.  Types that name objects of their own
 * database (regclass, …), those whose empty value has a binary form no server reads (oidvector), and everything
 * that is not built in (enums, composites, extensions), are read as text.  A domain counts as its base type. */
#include "pg.h"

#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const PgType types[] = {
	{16, 1000, "boolean", CONNHUB_BOOL, true},
	{21, 1005, "smallint", CONNHUB_INT16, true},
	{23, 1007, "integer", CONNHUB_INT32, true},
	{20, 1016, "bigint", CONNHUB_INT64, true},
	{700, 1021, "real", CONNHUB_FLOAT32, true},
	{701, 1022, "double precision", CONNHUB_FLOAT64, true},
	{1700, 1231, "numeric", CONNHUB_DECIMAL, true},
	{1082, 1182, "date", CONNHUB_DATE, true},
	{1083, 1183, "time without time zone", CONNHUB_TIME, true},
	{1266, 1270, "time with time zone", CONNHUB_TIMETZ, true},
	{1114, 1115, "timestamp without time zone", CONNHUB_TIMESTAMP, true},
	{1184, 1185, "timestamp with time zone", CONNHUB_TIMESTAMPTZ, true},
	{1186, 1187, "interval", CONNHUB_INTERVAL, true},
	{2950, 2951, "uuid", CONNHUB_UUID, true},
	{25, 1009, "text", CONNHUB_TEXT, true},
	{1043, 1015, "character varying", CONNHUB_TEXT, true},
	{19, 1003, "name", CONNHUB_TEXT, true},
	{1042, 1014, "character", CONNHUB_BPCHAR, true},
	{17, 1001, "bytea", CONNHUB_BYTES, true},
	{3802, 3807, "jsonb", CONNHUB_JSON, true},
	{114, 199, "json", CONNHUB_JSON, true},
	/* Whether xml takes a fragment depends on a setting here, which core looks after for text only. */
	{142, 143, "xml", CONNHUB_NATIVE, false},
	{1560, 1561, "bit", CONNHUB_NATIVE, true},
	{1562, 1563, "bit varying", CONNHUB_NATIVE, true},
	{869, 1041, "inet", CONNHUB_NATIVE, true},
	{650, 651, "cidr", CONNHUB_NATIVE, true},
	{829, 1040, "macaddr", CONNHUB_NATIVE, true},
	{774, 775, "macaddr8", CONNHUB_NATIVE, true},
	{600, 1017, "point", CONNHUB_NATIVE, true},
	{628, 629, "line", CONNHUB_NATIVE, true},
	{601, 1018, "lseg", CONNHUB_NATIVE, true},
	{603, 1020, "box", CONNHUB_NATIVE, true},
	{602, 1019, "path", CONNHUB_NATIVE, true},
	{604, 1027, "polygon", CONNHUB_NATIVE, true},
	{718, 719, "circle", CONNHUB_NATIVE, true},
	{3904, 3905, "int4range", CONNHUB_NATIVE, true},
	{3926, 3927, "int8range", CONNHUB_NATIVE, true},
	{3906, 3907, "numrange", CONNHUB_NATIVE, true},
	{3908, 3909, "tsrange", CONNHUB_NATIVE, true},
	{3910, 3911, "tstzrange", CONNHUB_NATIVE, true},
	{3912, 3913, "daterange", CONNHUB_NATIVE, true},
	{4451, 6150, "int4multirange", CONNHUB_NATIVE, true},
	{4536, 6157, "int8multirange", CONNHUB_NATIVE, true},
	{4532, 6151, "nummultirange", CONNHUB_NATIVE, true},
	{4533, 6152, "tsmultirange", CONNHUB_NATIVE, true},
	{4534, 6153, "tstzmultirange", CONNHUB_NATIVE, true},
	{4535, 6155, "datemultirange", CONNHUB_NATIVE, true},
	{3614, 3643, "tsvector", CONNHUB_NATIVE, true},
	{3615, 3645, "tsquery", CONNHUB_NATIVE, true},
	{790, 791, "money", CONNHUB_NATIVE, true},
	{26, 1028, "oid", CONNHUB_NATIVE, true},
	{28, 1011, "xid", CONNHUB_NATIVE, true},
	{29, 1012, "cid", CONNHUB_NATIVE, true},
	{27, 1010, "tid", CONNHUB_NATIVE, true},
	{5069, 271, "xid8", CONNHUB_NATIVE, true},
	{3220, 3221, "pg_lsn", CONNHUB_NATIVE, true},
	{18, 1002, "\"char\"", CONNHUB_NATIVE, true},
	{4072, 4073, "jsonpath", CONNHUB_NATIVE, true},
	{1790, 2201, "refcursor", CONNHUB_NATIVE, true},
	{2970, 2949, "txid_snapshot", CONNHUB_NATIVE, true},
	{5038, 5039, "pg_snapshot", CONNHUB_NATIVE, true},
};

/* Types whose values name objects of their own database. */
static const Oid name_types[] = {24, 2202, 2203, 2204, 2205, 4191, 2206, 4096, 4089, 3734, 3769, 1033};

const PgType *
pg_type_by_oid(Oid oid)
{
	for (size_t i = 0; i < LENGTH(types); i++)
		if (types[i].oid == oid)
			return &types[i];
	return NULL;
}

static const PgType *
type_by_array_oid(Oid oid)
{
	for (size_t i = 0; i < LENGTH(types); i++)
		if (types[i].array_oid == oid)
			return &types[i];
	return NULL;
}

static const PgType *
type_by_name(const char *name, size_t length)
{
	for (size_t i = 0; i < LENGTH(types); i++)
		if (strlen(types[i].name) == length && memcmp(types[i].name, name, length) == 0)
			return &types[i];
	return NULL;
}

/* OID of a built-in type by its name, arrays included.  0: not built in. */
Oid
pg_oid_by_name(const char *name)
{
	size_t		length = name ? strlen(name) : 0;
	bool		is_array = length > 2 && strcmp(name + length - 2, "[]") == 0;
	const PgType *type = length > 0 ? type_by_name(name, is_array ? length - 2 : length) : NULL;

	return !type ? 0 : is_array ? type->array_oid : type->oid;
}

/* ---- Discovery --------------------------------------------------------------------------- */

/* Modifiers as the source stores them. */
static void
put_modifiers(Oid oid, int32_t typmod, ConnhubTypeRef *ref)
{
	if (typmod < 0)
		return;
	switch (oid)
	{
		case 1042:
		case 1043:
			ref->length = typmod - 4;
			break;
		case 1560:
		case 1562:
			ref->length = typmod;
			break;
		case 1700:
			ref->precision = ((typmod - 4) >> 16) & 0xffff;
			ref->scale = (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
			break;
		case 1083:
		case 1266:
		case 1114:
		case 1184:
		case 1186:
			if ((typmod & 0xffff) <= 6)
				ref->precision = typmod & 0xffff;
			break;
		default:
			break;
	}
}

/* What a column of this base type becomes here.  base is an element's type when is_array is set. */
void
pg_type_ref(Oid base, bool is_array, int32_t typmod, ConnhubTypeRef *ref)
{
	static char names[LENGTH(types)][40];
	const PgType *type = pg_type_by_oid(base);

	memset(ref, 0, sizeof(*ref));
	ref->precision = -1;
	ref->type = CONNHUB_TEXT;
	ref->pg_type = "text";
	for (size_t i = 0; is_array && i < LENGTH(name_types); i++)
	{
		if (name_types[i] != base)
			continue;
		ref->type = CONNHUB_NATIVE;
		ref->pg_type = "text[]";
	}
	if (!type)
		return;
	put_modifiers(base, typmod, ref);
	ref->type = type->type;
	ref->pg_type = type->name;
	if (is_array)
	{
		char	   *name = names[type - types];

		if (!name[0])
		{
			size_t		length = strlen(type->name);

			memcpy(name, type->name, length);
			memcpy(name + length, "[]", 3);
		}
		ref->type = CONNHUB_NATIVE;
		ref->pg_type = name;
	}
}

/* What a result column becomes here. */
void
pg_result_type(Oid oid, int32_t typmod, ConnhubTypeRef *ref)
{
	const PgType *element = type_by_array_oid(oid);

	pg_type_ref(element ? element->oid : oid, element != NULL, typmod, ref);
}

bool
pg_is_text_type(Oid oid)
{
	return oid == 25 || oid == 1043 || oid == 19 || oid == 1042 || oid == 705;
}

/* ---- Decoding ---------------------------------------------------------------------------- */

static uint64_t
big_endian(const char *data, int width)
{
	uint64_t	value = 0;

	for (int i = 0; i < width; i++)
		value = value << 8 | (unsigned char) data[i];
	return value;
}

static bool
decode_bool(const char *data, int length, ConnhubVector *vector, uint32_t row)
{
	vector->v.integers[row] = length == 1 && data[0] != 0;
	return length == 1;
}

static bool
decode_integer(const char *data, int length, ConnhubVector *vector, uint32_t row)
{
	if (length == 8)
		vector->v.integers[row] = (int64_t) big_endian(data, 8);
	else if (length == 4)
		vector->v.integers[row] = (int32_t) big_endian(data, 4);
	else if (length == 2)
		vector->v.integers[row] = (int16_t) big_endian(data, 2);
	else
		return false;
	return true;
}

static bool
decode_real(const char *data, int length, ConnhubVector *vector, uint32_t row)
{
	uint64_t	bits64;
	uint32_t	bits32;
	float		single;

	if (length == 8)
	{
		bits64 = big_endian(data, 8);
		memcpy(&vector->v.reals[row], &bits64, sizeof(bits64));
	}
	else if (length == 4)
	{
		bits32 = (uint32_t) big_endian(data, 4);
		memcpy(&single, &bits32, sizeof(single));
		vector->v.reals[row] = single;
	}
	else
		return false;
	return true;
}

static bool
decode_date(const char *data, int length, ConnhubVector *vector, uint32_t row)
{
	int32_t		days;

	if (length != 4)
		return false;
	days = (int32_t) big_endian(data, 4);
	vector->v.integers[row] = days == INT32_MAX ? CONNHUB_INFINITY :
		days == INT32_MIN ? CONNHUB_MINUS_INFINITY : (int64_t) days + PG_EPOCH_DAYS;
	return true;
}

static bool
decode_interval(const char *data, int length, ConnhubVector *vector, uint32_t row)
{
	if (length != 16)
		return false;
	vector->v.intervals[row].micros = (int64_t) big_endian(data, 8);
	vector->v.intervals[row].days = (int32_t) big_endian(data + 8, 4);
	vector->v.intervals[row].months = (int32_t) big_endian(data + 12, 4);
	return true;
}

bool
pg_decode_slice(const char *data, int length, ConnhubVector *vector, uint32_t row)
{
	vector->v.slices[row].data = data;
	vector->v.slices[row].length = (size_t) length;
	return true;
}

static bool
decode_uuid(const char *data, int length, ConnhubVector *vector, uint32_t row)
{
	return length == 16 && pg_decode_slice(data, length, vector, row);
}

/* A version byte stands before the text. */
static bool
decode_jsonb(const char *data, int length, ConnhubVector *vector, uint32_t row)
{
	return length > 0 && data[0] == 1 && pg_decode_slice(data + 1, length - 1, vector, row);
}

typedef struct DecoderRow
{
	Oid			oid;			/* of the result column */
	uint32_t	wanted;			/* set of ABI types it serves */
	PgDecode	decode;
} DecoderRow;

/* Timestamps are not here: the ABI's end thirty years before PostgreSQL's, so they pass through. */
static const DecoderRow decoder_rows[] = {
	{16, SQL_T(CONNHUB_BOOL), decode_bool},
	{21, SQL_INTEGERS, decode_integer},
	{23, SQL_T(CONNHUB_INT32) | SQL_T(CONNHUB_INT64), decode_integer},
	{20, SQL_T(CONNHUB_INT64), decode_integer},
	{700, SQL_FLOATS, decode_real},
	{701, SQL_T(CONNHUB_FLOAT64), decode_real},
	{1082, SQL_T(CONNHUB_DATE), decode_date},
	{1083, SQL_T(CONNHUB_TIME), decode_integer},
	{1186, SQL_T(CONNHUB_INTERVAL), decode_interval},
	{2950, SQL_T(CONNHUB_UUID), decode_uuid},
	{25, SQL_TEXTS, pg_decode_slice},
	{1043, SQL_TEXTS, pg_decode_slice},
	{1042, SQL_TEXTS, pg_decode_slice},
	{19, SQL_TEXTS, pg_decode_slice},
	{17, SQL_T(CONNHUB_BYTES), pg_decode_slice},
	{114, SQL_T(CONNHUB_JSON), pg_decode_slice},
	{3802, SQL_T(CONNHUB_JSON), decode_jsonb},
};

/* Types whose binary form core reads more quickly than a vector of another storage. */
static bool
passes_through(Oid oid)
{
	return oid == 16 || oid == 20 || oid == 21 || oid == 23 || oid == 700 || oid == 701 || oid == 1082 || oid == 1083;
}

/* Is this the type of that name?  Built-in types only; arrays included. */
static bool
is_named(Oid oid, const char *name)
{
	const PgType *type = pg_type_by_oid(oid);

	if (type && name)
		return strcmp(type->name, name) == 0;
	return pg_oid_by_name(name) == oid;
}

static bool
has_binary_form(Oid oid)
{
	const PgType *element = type_by_array_oid(oid);
	const PgType *type = element ? element : pg_type_by_oid(oid);

	return type && type->is_binary;
}

/* How to read a result column of type oid into a vector wanted of some type.  *type becomes the
 * vector's type.  NULL: the column does not hold what was asked for. */
PgDecode
pg_decoder(Oid oid, int format, const ConnhubTypeRef *wanted, ConnhubType *type)
{
	*type = CONNHUB_TEXT;
	if (format != 1)
		return pg_decode_slice;
	if (!passes_through(oid) || !is_named(oid, wanted->pg_type))
	{
		*type = wanted->type;
		for (size_t i = 0; i < LENGTH(decoder_rows); i++)
			if (decoder_rows[i].oid == oid && (decoder_rows[i].wanted & SQL_T(wanted->type)))
				return decoder_rows[i].decode;
	}
	if (is_named(oid, wanted->pg_type) && has_binary_form(oid))
	{
		*type = CONNHUB_PGBINARY;
		return pg_decode_slice;
	}
	*type = CONNHUB_TEXT;
	return pg_is_text_type(oid) ? pg_decode_slice : NULL;
}

/* Is text only what the values are read as, because the source's type is not known here? */
bool
pg_is_stand_in(const ConnhubColumn *column)
{
	static const char *const own[] = {"text", "character varying", "character", "name", "text[]"};
	size_t		length = strcspn(column->remote_type, "(");

	if (!(SQL_T(column->natural.type) & SQL_TEXTS) &&
		(!column->natural.pg_type || strcmp(column->natural.pg_type, "text[]") != 0))
		return false;
	for (size_t i = 0; i < LENGTH(own); i++)
		if (strlen(own[i]) == length && memcmp(own[i], column->remote_type, length) == 0)
			return false;
	return true;
}

/* OID of the built-in type that an ABI type usually is; 0: none in particular. */
static Oid
usual_oid(ConnhubType type)
{
	for (size_t i = 0; type != CONNHUB_NATIVE && i < LENGTH(types); i++)
		if (types[i].type == type)
			return types[i].oid;
	return 0;
}

/* Must an output column be cast to text, because its own form means nothing here? */
bool
pg_needs_text_output(const ConnhubColumn *column)
{
	const ConnhubTypeRef *here = &column->type;
	const ConnhubTypeRef *there = &column->natural;
	Oid			there_oid = there->pg_type ? pg_oid_by_name(there->pg_type) : usual_oid(there->type);
	ConnhubType type;

	if (!column->remote_type || !there_oid || pg_is_stand_in(column))
		return true;
	return !pg_decoder(there_oid, 1, here, &type);
}
