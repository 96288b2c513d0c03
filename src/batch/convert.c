/* batch/convert.c — one value of a vector → Datum of a declared type.
 *
 * How a value becomes a Datum depends on the vector's type and the attribute's; that is looked up once
 * per batch column in convert_rows, and each value is then one call.  Batch text is UTF-8 from an
 * untrusted source: it is validated here and nowhere else.  A declared type never rounds, cuts or wraps
 * a value: the source compares the whole value when a condition is pushed down, so a value changed
 * here would make the two sides disagree. */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

#include "batch/binary.h"
#include "batch/convert.h"
#include "batch/numeric.h"
#include "batch/typemap.h"
#include "common/compat.h"

#define MAX_SHOWN	64			/* bytes of a value shown in an error */

/* A value does not fit.  shown: the value as text, or NULL. */
static void pg_attribute_noreturn()
raise_unfit(const ChConvert *column, int sqlstate, const char *shown, const char *why)
{
	const char *type = format_type_with_typemod(column->base, column->typmod);

	if (shown == NULL)
		ereport(ERROR,
				(errcode(sqlstate),
				 errmsg("value from the source does not fit column \"%s\" of type %s", column->name, type),
				 errdetail("The value %s.", why)));
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("value \"%s\" from the source does not fit column \"%s\" of type %s", shown, column->name, type),
			 errdetail("The value %s.", why)));
}

static void pg_attribute_noreturn()
raise_malformed(const ChConvert *column, const char *form, size_t length)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
			 errmsg("malformed %s value of %zu bytes from the source for column \"%s\" of type %s",
					form, length, column->name, format_type_be(column->base)),
			 errhint("Run connhub.discover and attach the table again; the column may have changed its type at the source.")));
}

/* The start of a text that is known to be valid, for an error. */
static char *
shorten(const char *text, int length)
{
	int			shown = length <= MAX_SHOWN ? length : pg_mbcliplen(text, length, MAX_SHOWN);

	return psprintf("%.*s%s", shown, text, shown < length ? "..." : "");
}

static void pg_attribute_noreturn()
raise_integer(const ChConvert *column, int64 value)
{
	raise_unfit(column, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, psprintf(INT64_FORMAT, value), "is out of range");
}

/* ---- Fixed-size types -------------------------------------------------------------------- */

static Datum
integer_bool(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	int64		value = vector->v.integers[row];

	if (unlikely(value != 0 && value != 1))
		raise_integer(column, value);
	return BoolGetDatum(value == 1);
}

static Datum
integer_int2(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	int64		value = vector->v.integers[row];

	if (unlikely(value < PG_INT16_MIN || value > PG_INT16_MAX))
		raise_integer(column, value);
	return Int16GetDatum((int16) value);
}

static Datum
integer_int4(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	int64		value = vector->v.integers[row];

	if (unlikely(value < PG_INT32_MIN || value > PG_INT32_MAX))
		raise_integer(column, value);
	return Int32GetDatum((int32) value);
}

static Datum
integer_int8(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	return Int64GetDatum(vector->v.integers[row]);
}

static Datum
real_float4(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	double		value = vector->v.reals[row];

	if (unlikely((double) (float) value != value && !isnan(value)))
		raise_unfit(column, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, float8out_internal(value),
					"would lose digits in single precision");
	return Float4GetDatum((float) value);
}

static Datum
real_float8(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	return Float8GetDatum(vector->v.reals[row]);
}

static Datum
integer_date(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	int64		value = vector->v.integers[row];
	int64		days;

	if (unlikely(value == CONNHUB_INFINITY))
		return DateADTGetDatum(DATEVAL_NOEND);
	if (unlikely(value == CONNHUB_MINUS_INFINITY))
		return DateADTGetDatum(DATEVAL_NOBEGIN);
	if (unlikely(pg_sub_s64_overflow(value, CH_EPOCH_DAYS, &days) || !IS_VALID_DATE(days)))
		raise_unfit(column, ERRCODE_DATETIME_VALUE_OUT_OF_RANGE,
					psprintf("1970-01-01 %+lld days", (long long) value), "is out of range");
	return DateADTGetDatum((DateADT) days);
}

/* Would the declared digits of a second cut this off? */
static void
require_precision(const ChConvert *column, int64 micros)
{
	static const int64 unit[] = {1000000, 100000, 10000, 1000, 100, 10, 1};

	if (column->typmod >= 0 && column->typmod < lengthof(unit) && unlikely(micros % unit[column->typmod] != 0))
		raise_unfit(column, ERRCODE_DATETIME_FIELD_OVERFLOW, NULL, "has more digits of a second than the column");
}

static Datum
integer_time(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	int64		value = vector->v.integers[row];

	if (unlikely(value < 0 || value > USECS_PER_DAY))
		raise_unfit(column, ERRCODE_DATETIME_VALUE_OUT_OF_RANGE,
					psprintf("%lld microseconds", (long long) value), "is not a time of day");
	require_precision(column, value);
	return TimeADTGetDatum(value);
}

static Datum
integer_timestamp(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	int64		value = vector->v.integers[row];
	int64		micros;

	if (unlikely(value == CONNHUB_INFINITY))
		return TimestampGetDatum(DT_NOEND);
	if (unlikely(value == CONNHUB_MINUS_INFINITY))
		return TimestampGetDatum(DT_NOBEGIN);
	if (unlikely(pg_sub_s64_overflow(value, CH_EPOCH_USECS, &micros) || !IS_VALID_TIMESTAMP(micros)))
		raise_unfit(column, ERRCODE_DATETIME_VALUE_OUT_OF_RANGE,
					psprintf("1970-01-01 %+lld microseconds", (long long) value), "is out of range");
	require_precision(column, micros);
	return TimestampGetDatum(micros);
}

static Datum
interval_interval(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	const ConnhubInterval *value = &vector->v.intervals[row];
	Interval   *result = palloc(sizeof(Interval));
	Interval   *fitted;

	result->time = value->micros;
	result->day = value->days;
	result->month = value->months;
	if (column->typmod < 0)
		return IntervalPGetDatum(result);

	fitted = DatumGetIntervalP(DirectFunctionCall2(interval_scale, IntervalPGetDatum(result),
												   Int32GetDatum(column->typmod)));
	if (fitted->time != result->time || fitted->day != result->day || fitted->month != result->month)
		raise_unfit(column, ERRCODE_INTERVAL_FIELD_OVERFLOW,
					DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(result))),
					"has fields or digits that the column leaves out");
	return IntervalPGetDatum(fitted);
}

static Datum
slice_uuid(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	const ConnhubSlice *slice = &vector->v.slices[row];
	pg_uuid_t  *result;

	if (unlikely(slice->length != UUID_LEN))
		raise_malformed(column, "uuid", slice->length);
	result = palloc(sizeof(pg_uuid_t));
	memcpy(result->data, slice->data, UUID_LEN);
	return UUIDPGetDatum(result);
}

/* ---- Text -------------------------------------------------------------------------------- */

static struct varlena *
slice_to_varlena(const char *data, size_t length)
{
	struct varlena *result;

	if (unlikely(length > MaxAllocSize - VARHDRSZ))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("value of %zu bytes from the source is too long", length)));
	result = palloc(length + VARHDRSZ);
	SET_VARSIZE(result, length + VARHDRSZ);
	memcpy(VARDATA(result), data, length);
	return result;
}

static Datum
slice_bytea(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	const ConnhubSlice *slice = &vector->v.slices[row];

	return PointerGetDatum(slice_to_varlena(slice->data, slice->length));
}

/* Nothing but ASCII, and no zero byte: valid in every encoding a server may have. */
static bool
is_plain(const char *data, size_t length)
{
	const uint64 high = UINT64CONST(0x8080808080808080);
	const uint64 ones = UINT64CONST(0x0101010101010101);
	const char *end = data + length;
	uint64		seen = 0;

	for (; end - data >= (ptrdiff_t) sizeof(uint64); data += sizeof(uint64))
	{
		uint64		chunk;

		/* A zero byte borrows from its high bit; a byte above it at most sets more bits. */
		memcpy(&chunk, data, sizeof(chunk));
		seen |= chunk | (chunk - ones);
	}
	for (; data < end; data++)
		seen |= (uint8) *data | (uint64) (*data == '\0') << 7;
	return (seen & high) == 0;
}

/* Validated text of the server's encoding: the slice itself when that is UTF-8. */
static ConnhubSlice
server_text(const ConnhubSlice *slice)
{
	ConnhubSlice result = *slice;

	if (unlikely(slice->length > MaxAllocSize - VARHDRSZ))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("value of %zu bytes from the source is too long", slice->length)));
	if (likely(is_plain(slice->data, slice->length)) ||
		(GetDatabaseEncoding() == PG_UTF8 && pg_verify_mbstr(PG_UTF8, slice->data, (int) slice->length, true)))
		return result;

	if (memchr(slice->data, '\0', slice->length) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
				 errmsg("text from the source contains a zero byte"),
				 errdetail("PostgreSQL's text types cannot hold it.")));
	result.data = pg_any_to_server(slice->data, (int) slice->length, PG_UTF8);
	if (result.data != slice->data)
		result.length = strlen(result.data);
	return result;
}

static Datum
slice_text(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	ConnhubSlice text = server_text(&vector->v.slices[row]);

	return PointerGetDatum(slice_to_varlena(text.data, text.length));
}

static int
count_characters(const ConnhubSlice *text)
{
	return is_plain(text->data, text->length) ? (int) text->length :
		pg_mbstrlen_with_len(text->data, (int) text->length);
}

static Datum
slice_varchar(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	ConnhubSlice text = server_text(&vector->v.slices[row]);
	int			most = column->typmod - VARHDRSZ;

	if (unlikely(column->typmod >= VARHDRSZ && text.length > (size_t) most && count_characters(&text) > most))
		raise_unfit(column, ERRCODE_STRING_DATA_RIGHT_TRUNCATION, shorten(text.data, (int) text.length),
					"is too long");
	return PointerGetDatum(slice_to_varlena(text.data, text.length));
}

/* Trailing blanks carry no meaning, so as many are added or left off as the length asks for. */
static Datum
slice_bpchar(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	ConnhubSlice text = server_text(&vector->v.slices[row]);
	int			most = column->typmod - VARHDRSZ;
	int			characters;
	struct varlena *result;

	if (column->typmod < VARHDRSZ)
		return PointerGetDatum(slice_to_varlena(text.data, text.length));

	characters = count_characters(&text);
	while (characters > most && text.data[text.length - 1] == ' ')
	{
		text.length--;
		characters--;
	}
	if (unlikely(characters > most))
		raise_unfit(column, ERRCODE_STRING_DATA_RIGHT_TRUNCATION, shorten(text.data, (int) text.length),
					"is too long");
	result = palloc(VARHDRSZ + text.length + (most - characters));
	SET_VARSIZE(result, VARHDRSZ + text.length + (most - characters));
	memcpy(VARDATA(result), text.data, text.length);
	memset(VARDATA(result) + text.length, ' ', most - characters);
	return PointerGetDatum(result);
}

/* ---- Any type, by its input or receive function ------------------------------------------ */

/* `fitted` is `whole` with the column's modifiers applied: raise unless that changed nothing. */
static Datum
require_same(ChConvert *column, Datum whole, Datum fitted)
{
	TypeCacheEntry *types = column->types;
	bool		same;

	if (types == NULL)
		types = column->types = lookup_type_cache(column->base, TYPECACHE_EQ_OPR_FINFO);
	if (OidIsValid(types->eq_opr_finfo.fn_oid))
		same = DatumGetBool(FunctionCall2Coll(&types->eq_opr_finfo, types->typcollation, whole, fitted));
	else
		same = datumIsEqual(whole, fitted, types->typbyval, types->typlen);
	if (unlikely(!same))
	{
		Oid			output;
		bool		is_varlena;
		char	   *shown;

		getTypeOutputInfo(column->base, &output, &is_varlena);
		shown = OidOutputFunctionCall(output, whole);
		raise_unfit(column, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, shorten(shown, strlen(shown)),
					"would be changed by the length or precision of the column");
	}
	return fitted;
}

static void
look_up_input(ChConvert *column)
{
	MemoryContext old = MemoryContextSwitchTo(column->context);
	Oid			function;

	getTypeInputInfo(column->base, &function, &column->input_param);
	fmgr_info_cxt(function, &column->input, column->context);
	MemoryContextSwitchTo(old);
}

/* NUL-terminated, in the reader's own buffer. */
static char *
scratch_copy(StringInfo scratch, const char *data, size_t length)
{
	resetStringInfo(scratch);
	appendBinaryStringInfo(scratch, data, (int) length);
	return scratch->data;
}

static Datum
slice_input(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	ConnhubSlice text = server_text(&vector->v.slices[row]);
	char	   *copy = scratch_copy(column->scratch, text.data, text.length);
	int			saved;
	Datum		result;

	if (unlikely(!OidIsValid(column->input.fn_oid)))
		look_up_input(column);
	saved = ch_typemap_canonical_begin(column->settings);
	result = InputFunctionCall(&column->input, copy, column->input_param, -1);
	if (column->typmod >= 0)
		result = require_same(column, result,
							  InputFunctionCall(&column->input, copy, column->input_param, column->typmod));
	ch_typemap_canonical_end(saved);
	return result;
}

#define TYPMOD_SCALE(typmod) (((((typmod) - VARHDRSZ) & 0x7ff) ^ 1024) - 1024)

static Datum
slice_numeric(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	const ConnhubSlice *slice = &vector->v.slices[row];
	Datum		result;

	if (likely(ch_numeric_from_text(slice->data, slice->length, column->typmod, &result)))
		return result;
	return slice_input(column, vector, row);
}

/* ---- PostgreSQL's binary forms ----------------------------------------------------------- */

#define REQUIRE_LENGTH(column, slice, n) \
	do { \
		if (unlikely((slice)->length != (n))) \
			raise_malformed(column, "binary", (slice)->length); \
	} while (0)

static inline uint16
load16(const char *data)
{
	uint16		value;

	memcpy(&value, data, sizeof(value));
	return pg_ntoh16(value);
}

static inline uint32
load32(const char *data)
{
	uint32		value;

	memcpy(&value, data, sizeof(value));
	return pg_ntoh32(value);
}

static inline uint64
load64(const char *data)
{
	uint64		value;

	memcpy(&value, data, sizeof(value));
	return pg_ntoh64(value);
}

static Datum
binary_bool(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	const ConnhubSlice *slice = &vector->v.slices[row];

	REQUIRE_LENGTH(column, slice, 1);
	return BoolGetDatum(slice->data[0] != 0);
}

static Datum
binary_int2(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	const ConnhubSlice *slice = &vector->v.slices[row];

	REQUIRE_LENGTH(column, slice, 2);
	return Int16GetDatum((int16) load16(slice->data));
}

static Datum
binary_int4(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	const ConnhubSlice *slice = &vector->v.slices[row];

	REQUIRE_LENGTH(column, slice, 4);
	return Int32GetDatum((int32) load32(slice->data));
}

static Datum
binary_int8(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	const ConnhubSlice *slice = &vector->v.slices[row];

	REQUIRE_LENGTH(column, slice, 8);
	return Int64GetDatum((int64) load64(slice->data));
}

static Datum
binary_float4(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	const ConnhubSlice *slice = &vector->v.slices[row];
	uint32		bits;
	float		value;

	REQUIRE_LENGTH(column, slice, 4);
	bits = load32(slice->data);
	memcpy(&value, &bits, sizeof(value));
	return Float4GetDatum(value);
}

static Datum
binary_float8(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	const ConnhubSlice *slice = &vector->v.slices[row];
	uint64		bits;
	double		value;

	REQUIRE_LENGTH(column, slice, 8);
	bits = load64(slice->data);
	memcpy(&value, &bits, sizeof(value));
	return Float8GetDatum(value);
}

static Datum
binary_date(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	const ConnhubSlice *slice = &vector->v.slices[row];
	DateADT		date;

	REQUIRE_LENGTH(column, slice, 4);
	date = (DateADT) load32(slice->data);
	if (unlikely(!DATE_NOT_FINITE(date) && !IS_VALID_DATE(date)))
		raise_malformed(column, "binary", slice->length);
	return DateADTGetDatum(date);
}

static Datum
binary_time(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	const ConnhubSlice *slice = &vector->v.slices[row];
	int64		micros;

	REQUIRE_LENGTH(column, slice, 8);
	micros = (int64) load64(slice->data);
	if (unlikely(micros < 0 || micros > USECS_PER_DAY))
		raise_malformed(column, "binary", slice->length);
	require_precision(column, micros);
	return TimeADTGetDatum(micros);
}

static Datum
binary_timestamp(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	const ConnhubSlice *slice = &vector->v.slices[row];
	Timestamp	timestamp;

	REQUIRE_LENGTH(column, slice, 8);
	timestamp = (Timestamp) load64(slice->data);
	if (TIMESTAMP_NOT_FINITE(timestamp))
		return TimestampGetDatum(timestamp);
	if (unlikely(!IS_VALID_TIMESTAMP(timestamp)))
		raise_malformed(column, "binary", slice->length);
	require_precision(column, timestamp);
	return TimestampGetDatum(timestamp);
}

static void
look_up_receive(ChConvert *column)
{
	MemoryContext old = MemoryContextSwitchTo(column->context);
	Oid			function;

	getTypeBinaryInputInfo(column->base, &function, &column->receive_param);
	fmgr_info_cxt(function, &column->receive, column->context);
	MemoryContextSwitchTo(old);
}

static Datum
receive_once(ChConvert *column, const ConnhubSlice *slice, int32 typmod)
{
	StringInfo	buffer = column->scratch;
	Datum		result;

	/* Receive functions of containers write a terminator behind each member, so never give them the
	 * driver's memory. */
	scratch_copy(column->scratch, slice->data, slice->length);
	result = ReceiveFunctionCall(&column->receive, buffer, column->receive_param, typmod);
	if (unlikely(buffer->cursor != buffer->len))
		raise_malformed(column, "binary", slice->length);
	return result;
}

static Datum
receive(ChConvert *column, const ConnhubSlice *slice)
{
	Datum		result = receive_once(column, slice, -1);

	return column->typmod < 0 ? result : require_same(column, result, receive_once(column, slice, column->typmod));
}

/* Receive functions take text to be in the client's encoding; the source's is UTF-8. */
static Datum
receive_as_utf8(ChConvert *column, const ConnhubSlice *slice, int client)
{
	volatile Datum result = (Datum) 0;

	PG_TRY();
	{
		SetClientEncoding(PG_UTF8);
		result = receive(column, slice);
	}
	PG_CATCH();
	{
		SetClientEncoding(client);
		PG_RE_THROW();
	}
	PG_END_TRY();
	SetClientEncoding(client);
	return result;
}

static Datum
binary_receive(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	const ConnhubSlice *slice = &vector->v.slices[row];
	int			client = pg_get_client_encoding();
	int			saved;
	Datum		result;

	if (unlikely(!OidIsValid(column->receive.fn_oid)))
		look_up_receive(column);
	if (unlikely(slice->length > MaxAllocSize - 1))
		raise_malformed(column, "binary", slice->length);

	/* xml is parsed as a document or as content, as a setting says. */
	saved = ch_typemap_canonical_begin(column->settings & CH_SETTING_STYLE);
	if (likely(client == PG_UTF8) || PrepareClientEncoding(PG_UTF8) != 0)
		result = receive(column, slice);
	else
		result = receive_as_utf8(column, slice, client);
	ch_typemap_canonical_end(saved);
	return result;
}

static Datum
binary_numeric(ChConvert *column, const ConnhubVector *vector, uint32 row)
{
	const ConnhubSlice *slice = &vector->v.slices[row];
	Datum		result;

	if (likely(ch_numeric_from_binary(slice->data, slice->length, column->typmod, &result)))
		return result;
	return binary_receive(column, vector, row);
}

/* ---- The table --------------------------------------------------------------------------- */

typedef struct ChConvertRow
{
	ConnhubType from;
	Oid			to;				/* InvalidOid: any type; such rows come after all others */
	ChConvertFunction function;
} ChConvertRow;

#define INTEGER_ROWS(type) \
	{type, BOOLOID, integer_bool}, \
	{type, INT2OID, integer_int2}, \
	{type, INT4OID, integer_int4}, \
	{type, INT8OID, integer_int8}

/* Forms of text: a text type takes them as they are, any other parses them. */
#define TEXT_ROWS(type) \
	{type, TEXTOID, slice_text}, \
	{type, VARCHAROID, slice_varchar}, \
	{type, BPCHAROID, slice_bpchar}, \
	{type, NUMERICOID, slice_numeric}

static const ChConvertRow convert_rows[] = {
	INTEGER_ROWS(CONNHUB_BOOL),
	INTEGER_ROWS(CONNHUB_INT16),
	INTEGER_ROWS(CONNHUB_INT32),
	INTEGER_ROWS(CONNHUB_INT64),
	{CONNHUB_FLOAT32, FLOAT4OID, real_float4},
	{CONNHUB_FLOAT32, FLOAT8OID, real_float8},
	{CONNHUB_FLOAT64, FLOAT4OID, real_float4},
	{CONNHUB_FLOAT64, FLOAT8OID, real_float8},
	{CONNHUB_DATE, DATEOID, integer_date},
	{CONNHUB_TIME, TIMEOID, integer_time},
	{CONNHUB_TIMESTAMP, TIMESTAMPOID, integer_timestamp},
	{CONNHUB_TIMESTAMPTZ, TIMESTAMPTZOID, integer_timestamp},
	{CONNHUB_INTERVAL, INTERVALOID, interval_interval},
	{CONNHUB_UUID, UUIDOID, slice_uuid},
	{CONNHUB_BYTES, BYTEAOID, slice_bytea},
	{CONNHUB_PGBINARY, BOOLOID, binary_bool},
	{CONNHUB_PGBINARY, INT2OID, binary_int2},
	{CONNHUB_PGBINARY, INT4OID, binary_int4},
	{CONNHUB_PGBINARY, INT8OID, binary_int8},
	{CONNHUB_PGBINARY, FLOAT4OID, binary_float4},
	{CONNHUB_PGBINARY, FLOAT8OID, binary_float8},
	{CONNHUB_PGBINARY, DATEOID, binary_date},
	{CONNHUB_PGBINARY, TIMEOID, binary_time},
	{CONNHUB_PGBINARY, TIMESTAMPOID, binary_timestamp},
	{CONNHUB_PGBINARY, TIMESTAMPTZOID, binary_timestamp},
	{CONNHUB_PGBINARY, UUIDOID, slice_uuid},
	{CONNHUB_PGBINARY, TEXTOID, slice_text},
	{CONNHUB_PGBINARY, VARCHAROID, slice_varchar},
	{CONNHUB_PGBINARY, BPCHAROID, slice_bpchar},
	{CONNHUB_PGBINARY, BYTEAOID, slice_bytea},
	{CONNHUB_PGBINARY, NUMERICOID, binary_numeric},
	TEXT_ROWS(CONNHUB_TEXT),
	TEXT_ROWS(CONNHUB_BPCHAR),
	TEXT_ROWS(CONNHUB_DECIMAL),
	TEXT_ROWS(CONNHUB_JSON),
	TEXT_ROWS(CONNHUB_NATIVE),
	{CONNHUB_TIMETZ, TIMETZOID, slice_input},

	{CONNHUB_PGBINARY, InvalidOid, binary_receive},
	{CONNHUB_TEXT, InvalidOid, slice_input},
	{CONNHUB_BPCHAR, InvalidOid, slice_input},
	{CONNHUB_JSON, InvalidOid, slice_input},
	{CONNHUB_NATIVE, InvalidOid, slice_input},
};

void
ch_convert_settle(ChConvert *column, ConnhubType type)
{
	for (int i = 0; i < lengthof(convert_rows); i++)
	{
		const ChConvertRow *row = &convert_rows[i];

		if (row->from == type && (row->to == column->base || row->to == InvalidOid))
		{
			column->function = row->function;
			column->settled = type;
			return;
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
			 errmsg("column \"%s\" of type %s cannot be read from what the source returned",
					column->name, format_type_be(column->type)),
			 errdetail("The driver answered with values of type number %d.", (int) type),
			 errhint("Declare the column as text, or attach the table again.")));
}

void
ch_convert_init(ChConvert *column, Form_pg_attribute attribute, StringInfo scratch, ConnhubTypeRef *wanted)
{
	ch_typemap_from_pg(attribute->atttypid, attribute->atttypmod, wanted);
	memset(column, 0, sizeof(*column));
	column->name = NameStr(attribute->attname);
	column->type = attribute->atttypid;
	column->typmod = attribute->atttypmod;
	column->base = ch_typemap_base(column->type, &column->typmod);
	column->context = CurrentMemoryContext;
	column->scratch = scratch;
	column->settings = ch_typemap_settings(column->base);
}
