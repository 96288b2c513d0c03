/* types.c — kinds of fields, and BSON values → vectors. */
#include "types.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT(type)	(UINT32_C(1) << (type))
#define BIT_MINKEY	(UINT32_C(1) << 24)
#define BIT_MAXKEY	(UINT32_C(1) << 25)

#define WHOLE		(BIT(BSON_TYPE_INT32) | BIT(BSON_TYPE_INT64))
#define NUMBERS		(WHOLE | BIT(BSON_TYPE_DOUBLE) | BIT(BSON_TYPE_DECIMAL128))
#define ALL			UINT32_MAX

const MgType mg_types[MG_NKINDS] = {
	[MG_ANY] = {"any", CONNHUB_TEXT, "text", ALL, 0},
	[MG_STRING] = {"string", CONNHUB_TEXT, "text", BIT(BSON_TYPE_UTF8), MG_EQUAL | MG_ORDERED},
	[MG_OBJECTID] = {"objectId", CONNHUB_TEXT, "text", BIT(BSON_TYPE_OID), MG_EQUAL},
	[MG_INT] = {"int", CONNHUB_INT32, "integer", WHOLE | BIT(BSON_TYPE_DOUBLE), MG_NUMERIC | MG_EQUAL | MG_ORDERED},
	[MG_LONG] = {"long", CONNHUB_INT64, "bigint", WHOLE | BIT(BSON_TYPE_DOUBLE), MG_NUMERIC | MG_EQUAL | MG_ORDERED},
	[MG_DOUBLE] = {"double", CONNHUB_FLOAT64, "double precision", WHOLE | BIT(BSON_TYPE_DOUBLE),
	MG_NUMERIC | MG_NAN | MG_EQUAL | MG_ORDERED},
	[MG_DECIMAL] = {"decimal", CONNHUB_DECIMAL, "numeric", WHOLE | BIT(BSON_TYPE_DECIMAL128),
	MG_NUMERIC | MG_NAN | MG_EQUAL | MG_ORDERED},
	[MG_NUMBER] = {"number", CONNHUB_DECIMAL, "numeric", NUMBERS, MG_NUMERIC | MG_NAN},
	[MG_BOOL] = {"bool", CONNHUB_BOOL, "boolean", BIT(BSON_TYPE_BOOL), MG_EQUAL | MG_ORDERED},
	[MG_DATE] = {"date", CONNHUB_TIMESTAMPTZ, "timestamp with time zone", BIT(BSON_TYPE_DATE_TIME), MG_EQUAL | MG_ORDERED},
	[MG_BINARY] = {"binData", CONNHUB_BYTES, "bytea", BIT(BSON_TYPE_BINARY), MG_EQUAL},
	[MG_UUID] = {"uuid", CONNHUB_UUID, "uuid", MG_BIT_UUID, MG_EQUAL | MG_ORDERED},
	[MG_OBJECT] = {"object", CONNHUB_JSON, "jsonb", BIT(BSON_TYPE_DOCUMENT), 0},
	[MG_ARRAY] = {"array", CONNHUB_JSON, "jsonb", BIT(BSON_TYPE_ARRAY), 0},
	[MG_MIXED] = {"mixed", CONNHUB_JSON, "jsonb", ALL, 0},
};

uint32_t
mg_bit(bson_type_t type)
{
	if (type == BSON_TYPE_MINKEY)
		return BIT_MINKEY;
	if (type == BSON_TYPE_MAXKEY)
		return BIT_MAXKEY;
	return BIT(type);
}

uint32_t
mg_seen(const bson_iter_t *iter)
{
	bson_subtype_t subtype;
	uint32_t	length;
	const uint8_t *data;

	if (!BSON_ITER_HOLDS_BINARY(iter))
		return mg_bit(bson_iter_type(iter));
	bson_iter_binary(iter, &subtype, &length, &data);
	if (subtype == BSON_SUBTYPE_BINARY)
		return BIT(BSON_TYPE_BINARY);
	return subtype == BSON_SUBTYPE_UUID && length == 16 ? MG_BIT_UUID : MG_BIT_OTHER;
}

MgKind
mg_kind(const char *remote_type)
{
	size_t		length;

	if (remote_type == NULL)
		return MG_ANY;
	length = strcspn(remote_type, " ");
	for (int kind = 0; kind < MG_NKINDS; kind++)
	{
		if (strncmp(mg_types[kind].name, remote_type, length) == 0 && mg_types[kind].name[length] == '\0')
			return (MgKind) kind;
	}
	return MG_ANY;
}

const char *
mg_path(const ConnhubColumn *column)
{
	const char *at = column->remote_type != NULL ? strstr(column->remote_type, " at ") : NULL;

	return at != NULL ? at + 4 : column->name;
}

MgKind
mg_merge(uint32_t seen)
{
	/* The first row that holds all of them; INT before LONG only without 64-bit values. */
	static const struct
	{
		uint32_t	types;
		MgKind		kind;
	}			rows[] = {
		{BIT(BSON_TYPE_UTF8), MG_STRING},
		{BIT(BSON_TYPE_OID), MG_OBJECTID},
		{BIT(BSON_TYPE_INT32), MG_INT},
		{WHOLE, MG_LONG},
		{BIT(BSON_TYPE_INT32) | BIT(BSON_TYPE_DOUBLE), MG_DOUBLE},
		{WHOLE | BIT(BSON_TYPE_DECIMAL128), MG_DECIMAL},
		{NUMBERS, MG_NUMBER},
		{BIT(BSON_TYPE_BOOL), MG_BOOL},
		{BIT(BSON_TYPE_DATE_TIME), MG_DATE},
		{BIT(BSON_TYPE_BINARY), MG_BINARY},
		{MG_BIT_UUID, MG_UUID},
		{BIT(BSON_TYPE_DOCUMENT), MG_OBJECT},
		{BIT(BSON_TYPE_ARRAY), MG_ARRAY}
	};

	seen &= ~(BIT(BSON_TYPE_NULL) | BIT(BSON_TYPE_UNDEFINED));
	for (size_t i = 0; seen != 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		if ((seen & ~rows[i].types) == 0)
			return rows[i].kind;
	}
	return MG_MIXED;
}

ConnhubType
mg_vector_type(MgKind kind, ConnhubType wanted)
{
	ConnhubType own = mg_types[kind].type;

	if (wanted == own)
		return own;
	if ((kind == MG_INT || kind == MG_LONG) &&
		(wanted == CONNHUB_INT16 || wanted == CONNHUB_INT32 || wanted == CONNHUB_INT64))
		return wanted;
	return CONNHUB_TEXT;
}

/* ---- Text -------------------------------------------------------------------------------- */

size_t
mg_decimal_text(const bson_decimal128_t *value, char *text)
{
	char		raw[BSON_DECIMAL128_STRING];
	char		digits[64];
	const char *p = raw;
	char	   *out = text;
	char	   *exponent_at;
	long		exponent;
	int			ndigits = 0;

	bson_decimal128_to_string(value, raw);
	exponent_at = strchr(raw, 'E');
	if (exponent_at == NULL)
	{
		strcpy(text, raw);
		return strlen(text);
	}
	exponent = strtol(exponent_at + 1, NULL, 10);
	if (*p == '-')
		*out++ = *p++;
	for (bool behind = false; p < exponent_at; p++)
	{
		if (*p == '.')
			behind = true;
		else
		{
			digits[ndigits++] = *p;
			exponent -= behind ? 1 : 0;
		}
	}
	if (exponent >= 0)
	{
		memcpy(out, digits, (size_t) ndigits);
		out += ndigits;
		for (long i = 0; i < exponent && !(ndigits == 1 && digits[0] == '0'); i++)
			*out++ = '0';
	}
	else
	{
		long		whole = ndigits + exponent;	/* digits before the point */

		if (whole <= 0)
			*out++ = '0';
		for (long i = 0; i < ndigits || i < whole; i++)
		{
			if (i == (whole > 0 ? whole : 0))
			{
				*out++ = '.';
				for (long zero = whole; zero < 0; zero++)
					*out++ = '0';
			}
			*out++ = digits[i];
		}
	}
	*out = '\0';
	return (size_t) (out - text);
}

static size_t
double_text(double value, char *text, size_t size)
{
	if (isnan(value))
		return (size_t) snprintf(text, size, "NaN");
	if (isinf(value))
		return (size_t) snprintf(text, size, value > 0 ? "Infinity" : "-Infinity");
	for (int digits = 15; digits <= 17; digits++)
	{
		snprintf(text, size, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	return strlen(text);
}

/* A double as a decimal without an exponent, with the digits that tell it apart. */
static size_t
double_decimal_text(double value, char *text, size_t size)
{
	bson_decimal128_t decimal;

	double_text(value, text, size);
	if (bson_decimal128_from_string(text, &decimal))
		return mg_decimal_text(&decimal, text);
	return strlen(text);
}

/* "2024-02-29 12:34:56.789+00", as PostgreSQL reads it. */
static size_t
date_text(int64_t ms, char *text, size_t size)
{
	int64_t		days = ms / 86400000;
	int64_t		rest = ms % 86400000;
	int64_t		era;
	int64_t		year;
	unsigned	of_era;
	unsigned	year_of_era;
	unsigned	of_year;
	unsigned	month;

	if (rest < 0)
	{
		rest += 86400000;
		days--;
	}
	/* Civil date from days: eras of 400 years that begin in March. */
	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	of_era = (unsigned) (days - era * 146097);
	year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	month = (5 * of_year + 2) / 153;
	year = (int64_t) year_of_era + era * 400 + (month >= 10 ? 1 : 0);
	return (size_t) snprintf(text, size, "%04lld-%02u-%02u %02d:%02d:%02d.%03d+00%s",
							 (long long) (year > 0 ? year : 1 - year), month < 10 ? month + 3 : month - 9,
							 of_year - (153 * month + 2) / 5 + 1, (int) (rest / 3600000), (int) (rest / 60000 % 60),
							 (int) (rest / 1000 % 60), (int) (rest % 1000), year > 0 ? "" : " BC");
}

static MgPut
put_copy(ConnhubConn *conn, ConnhubBatch *batch, ConnhubVector *vector, const char *text, size_t length, size_t *bytes)
{
	char	   *copy = conn->host->batch_alloc(batch, length + 1);

	if (copy == NULL)
		return MG_PUT_NO_MEMORY;
	memcpy(copy, text, length);
	vector->v.slices[batch->nrows].data = copy;
	vector->v.slices[batch->nrows].length = length;
	*bytes += length;
	return MG_PUT_DONE;
}

/* A string that ends where it says, for PostgreSQL's text has no zero bytes. */
static MgPut
put_string(ConnhubBatch *batch, ConnhubVector *vector, const char *data, uint32_t length, size_t *bytes)
{
	if (memchr(data, '\0', length) != NULL)
		return MG_PUT_OUT_OF_RANGE;
	vector->v.slices[batch->nrows].data = data;
	vector->v.slices[batch->nrows].length = length;
	*bytes += length;
	return MG_PUT_DONE;
}

/* Extended JSON of a value: that of a document around it, without the document. */
static MgPut
put_json(ConnhubConn *conn, const bson_iter_t *iter, ConnhubBatch *batch, ConnhubVector *vector, size_t *bytes)
{
	bson_t		around = BSON_INITIALIZER;
	size_t		length = 0;
	char	   *json;
	MgPut		result = MG_PUT_NO_MEMORY;

	if (!bson_append_iter(&around, "v", 1, iter))
	{
		bson_destroy(&around);
		return MG_PUT_OUT_OF_RANGE;
	}
	json = conn->json == MG_JSON_CANONICAL ? bson_as_canonical_extended_json(&around, &length) :
		bson_as_relaxed_extended_json(&around, &length);
	bson_destroy(&around);

	/* NULL: not UTF-8. */
	if (json == NULL)
		return MG_PUT_OUT_OF_RANGE;
	if (length > 10)
		result = put_copy(conn, batch, vector, json + 8, length - 10, bytes);
	bson_free(json);
	return result;
}

static MgPut
put_text(ConnhubConn *conn, const bson_iter_t *iter, ConnhubBatch *batch, ConnhubVector *vector, size_t *bytes)
{
	char		text[MG_DECIMAL_SIZE];
	bson_decimal128_t decimal;
	bson_subtype_t subtype;
	uint32_t	length;
	const uint8_t *data;
	const char *string;
	size_t		n = 0;

	switch (bson_iter_type(iter))
	{
		case BSON_TYPE_UTF8:
			string = bson_iter_utf8(iter, &length);
			return put_string(batch, vector, string, length, bytes);
		case BSON_TYPE_SYMBOL:
			string = bson_iter_symbol(iter, &length);
			return put_string(batch, vector, string, length, bytes);
		case BSON_TYPE_OID:
			bson_oid_to_string(bson_iter_oid(iter), text);
			n = 24;
			break;
		case BSON_TYPE_BOOL:
			n = (size_t) snprintf(text, sizeof(text), bson_iter_bool(iter) ? "true" : "false");
			break;
		case BSON_TYPE_INT32:
		case BSON_TYPE_INT64:
			n = (size_t) snprintf(text, sizeof(text), "%lld", (long long) bson_iter_as_int64(iter));
			break;
		case BSON_TYPE_DOUBLE:
			n = double_text(bson_iter_double(iter), text, sizeof(text));
			break;
		case BSON_TYPE_DECIMAL128:
			bson_iter_decimal128(iter, &decimal);
			n = mg_decimal_text(&decimal, text);
			break;
		case BSON_TYPE_DATE_TIME:
			n = date_text(bson_iter_date_time(iter), text, sizeof(text));
			break;
		case BSON_TYPE_BINARY:
			bson_iter_binary(iter, &subtype, &length, &data);
			if (subtype == BSON_SUBTYPE_UUID && length == 16)
			{
				for (uint32_t i = 0; i < 16; i++)
					n += (size_t) sprintf(text + n, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", data[i]);
				break;
			}
			return put_json(conn, iter, batch, vector, bytes);
		default:
			return put_json(conn, iter, batch, vector, bytes);
	}
	return put_copy(conn, batch, vector, text, n, bytes);
}

/* ---- Vectors ----------------------------------------------------------------------------- */

/* A whole number of any of the types that count as one. */
static MgPut
whole(const bson_iter_t *iter, int64_t least, int64_t most, int64_t *value)
{
	double		real;

	if (!BSON_ITER_HOLDS_DOUBLE(iter))
		*value = bson_iter_as_int64(iter);
	else
	{
		real = bson_iter_double(iter);
		if (!(real >= -9223372036854775808.0 && real < 9223372036854775808.0) || real != floor(real))
			return MG_PUT_OUT_OF_RANGE;
		*value = (int64_t) real;
	}
	return *value < least || *value > most ? MG_PUT_OUT_OF_RANGE : MG_PUT_DONE;
}

static MgPut
put_whole(ConnhubType type, const bson_iter_t *iter, ConnhubBatch *batch, ConnhubVector *vector)
{
	int64_t		least = type == CONNHUB_INT16 ? INT16_MIN : type == CONNHUB_INT32 ? INT32_MIN : INT64_MIN;
	int64_t		most = type == CONNHUB_INT16 ? INT16_MAX : type == CONNHUB_INT32 ? INT32_MAX : INT64_MAX;

	return whole(iter, least, most, &vector->v.integers[batch->nrows]);
}

static MgPut
put_double(const bson_iter_t *iter, ConnhubBatch *batch, ConnhubVector *vector)
{
	double		value = bson_iter_as_double(iter);

	/* A 64-bit integer that no double is equal to. */
	if (BSON_ITER_HOLDS_INT64(iter) && (value >= 9223372036854775808.0 || (int64_t) value != bson_iter_int64(iter)))
		return MG_PUT_OUT_OF_RANGE;
	vector->v.reals[batch->nrows] = value;
	return MG_PUT_DONE;
}

static MgPut
put_decimal(ConnhubConn *conn, const bson_iter_t *iter, ConnhubBatch *batch, ConnhubVector *vector, size_t *bytes)
{
	char		text[MG_DECIMAL_SIZE];

	if (!BSON_ITER_HOLDS_DOUBLE(iter))
		return put_text(conn, iter, batch, vector, bytes);
	return put_copy(conn, batch, vector, text, double_decimal_text(bson_iter_double(iter), text, sizeof(text)), bytes);
}

static MgPut
put_date(const bson_iter_t *iter, ConnhubBatch *batch, ConnhubVector *vector)
{
	int64_t		ms = bson_iter_date_time(iter);

	if (ms > INT64_MAX / 1000 || ms < INT64_MIN / 1000)
		return MG_PUT_OUT_OF_RANGE;
	vector->v.integers[batch->nrows] = ms * 1000;
	return MG_PUT_DONE;
}

static MgPut
put_bytes(const bson_iter_t *iter, ConnhubBatch *batch, ConnhubVector *vector, size_t *bytes)
{
	bson_subtype_t subtype;
	uint32_t	length;
	const uint8_t *data;

	bson_iter_binary(iter, &subtype, &length, &data);
	vector->v.slices[batch->nrows].data = (const char *) data;
	vector->v.slices[batch->nrows].length = length;
	*bytes += length;
	return MG_PUT_DONE;
}

/* PostgreSQL's text of bytes. */
static MgPut
put_hex(ConnhubConn *conn, const bson_iter_t *iter, ConnhubBatch *batch, ConnhubVector *vector, size_t *bytes)
{
	static const char digits[] = "0123456789abcdef";
	bson_subtype_t subtype;
	uint32_t	length;
	const uint8_t *data;
	char	   *text;

	bson_iter_binary(iter, &subtype, &length, &data);
	text = conn->host->batch_alloc(batch, 2 * (size_t) length + 2);
	if (text == NULL)
		return MG_PUT_NO_MEMORY;
	text[0] = '\\';
	text[1] = 'x';
	for (uint32_t i = 0; i < length; i++)
	{
		text[2 + 2 * i] = digits[data[i] >> 4];
		text[3 + 2 * i] = digits[data[i] & 15];
	}
	vector->v.slices[batch->nrows].data = text;
	vector->v.slices[batch->nrows].length = 2 * (size_t) length + 2;
	*bytes += 2 * (size_t) length + 2;
	return MG_PUT_DONE;
}

MgPut
mg_put(ConnhubConn *conn, MgKind kind, const bson_iter_t *iter, ConnhubBatch *batch, ConnhubVector *vector, size_t *bytes)
{
	if ((mg_types[kind].accepted & mg_seen(iter)) == 0)
		return MG_PUT_WRONG_TYPE;
	*bytes += 8;
	switch (vector->type)
	{
		case CONNHUB_BOOL:
			vector->v.integers[batch->nrows] = bson_iter_bool(iter);
			return MG_PUT_DONE;
		case CONNHUB_INT16:
		case CONNHUB_INT32:
		case CONNHUB_INT64:
			return put_whole(vector->type, iter, batch, vector);
		case CONNHUB_FLOAT64:
			return put_double(iter, batch, vector);
		case CONNHUB_DECIMAL:
			return put_decimal(conn, iter, batch, vector, bytes);
		case CONNHUB_TIMESTAMPTZ:
			return put_date(iter, batch, vector);
		case CONNHUB_BYTES:
		case CONNHUB_UUID:
			return put_bytes(iter, batch, vector, bytes);
		case CONNHUB_JSON:
			return put_json(conn, iter, batch, vector, bytes);
		default:
			break;
	}
	if (kind == MG_BINARY)
		return put_hex(conn, iter, batch, vector, bytes);
	if (kind == MG_MIXED || kind == MG_OBJECT || kind == MG_ARRAY)
		return put_json(conn, iter, batch, vector, bytes);
	return kind == MG_NUMBER ? put_decimal(conn, iter, batch, vector, bytes) : put_text(conn, iter, batch, vector, bytes);
}
