/* batch/typemap.c — ABI type ↔ PostgreSQL type.
 *
 * Both directions read one table of the types the ABI has a form for; everything else travels as
 * CONNHUB_NATIVE, PostgreSQL's own text.  A type name that comes from a driver is untrusted: it is
 * taken apart here, looked up in the catalogue without search_path, and what reaches a command is
 * printed from the catalogue again. */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "commands/extension.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/pg_locale.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"
#include "utils/varbit.h"
#include "utils/xml.h"

#include "batch/numeric.h"
#include "batch/typemap.h"

/* What a type's modifiers mean. */
typedef enum ChModifier
{
	CH_MOD_NONE,
	CH_MOD_CHARS,				/* (length) */
	CH_MOD_BITS,				/* (length) */
	CH_MOD_DECIMAL,				/* (precision, scale) */
	CH_MOD_SECONDS				/* (digits of a second) */
} ChModifier;

typedef bool (*ChToValue) (Datum value, ConnhubValue *out);

typedef struct ChTypeRow
{
	Oid			oid;
	ConnhubType type;
	ChModifier	modifier;
	const char *name;			/* as format_type prints it without modifiers */
	const char *suffix;			/* what follows the modifiers */
	ChToValue	to_value;
} ChTypeRow;

static bool value_bool(Datum value, ConnhubValue *out);
static bool value_int16(Datum value, ConnhubValue *out);
static bool value_int32(Datum value, ConnhubValue *out);
static bool value_int64(Datum value, ConnhubValue *out);
static bool value_float4(Datum value, ConnhubValue *out);
static bool value_float8(Datum value, ConnhubValue *out);
static bool value_numeric(Datum value, ConnhubValue *out);
static bool value_date(Datum value, ConnhubValue *out);
static bool value_timetz(Datum value, ConnhubValue *out);
static bool value_timestamp(Datum value, ConnhubValue *out);
static bool value_interval(Datum value, ConnhubValue *out);
static bool value_uuid(Datum value, ConnhubValue *out);
static bool value_text(Datum value, ConnhubValue *out);
static bool value_name(Datum value, ConnhubValue *out);
static bool value_bytea(Datum value, ConnhubValue *out);
static bool value_jsonb(Datum value, ConnhubValue *out);

/* The first row of an ABI type is what it becomes when pg_type is silent. */
static const ChTypeRow type_rows[] = {
	{BOOLOID, CONNHUB_BOOL, CH_MOD_NONE, "boolean", "", value_bool},
	{INT2OID, CONNHUB_INT16, CH_MOD_NONE, "smallint", "", value_int16},
	{INT4OID, CONNHUB_INT32, CH_MOD_NONE, "integer", "", value_int32},
	{INT8OID, CONNHUB_INT64, CH_MOD_NONE, "bigint", "", value_int64},
	{FLOAT4OID, CONNHUB_FLOAT32, CH_MOD_NONE, "real", "", value_float4},
	{FLOAT8OID, CONNHUB_FLOAT64, CH_MOD_NONE, "double precision", "", value_float8},
	{NUMERICOID, CONNHUB_DECIMAL, CH_MOD_DECIMAL, "numeric", "", value_numeric},
	{DATEOID, CONNHUB_DATE, CH_MOD_NONE, "date", "", value_date},
	{TIMEOID, CONNHUB_TIME, CH_MOD_SECONDS, "time without time zone", " without time zone", value_int64},
	{TIMETZOID, CONNHUB_TIMETZ, CH_MOD_SECONDS, "time with time zone", " with time zone", value_timetz},
	{TIMESTAMPOID, CONNHUB_TIMESTAMP, CH_MOD_SECONDS, "timestamp without time zone", " without time zone", value_timestamp},
	{TIMESTAMPTZOID, CONNHUB_TIMESTAMPTZ, CH_MOD_SECONDS, "timestamp with time zone", " with time zone", value_timestamp},
	{INTERVALOID, CONNHUB_INTERVAL, CH_MOD_SECONDS, "interval", "", value_interval},
	{UUIDOID, CONNHUB_UUID, CH_MOD_NONE, "uuid", "", value_uuid},
	{TEXTOID, CONNHUB_TEXT, CH_MOD_NONE, "text", "", value_text},
	{VARCHAROID, CONNHUB_TEXT, CH_MOD_CHARS, "character varying", "", value_text},
	{NAMEOID, CONNHUB_TEXT, CH_MOD_NONE, "name", "", value_name},
	{BPCHAROID, CONNHUB_BPCHAR, CH_MOD_CHARS, "character", "", value_text},
	{BYTEAOID, CONNHUB_BYTES, CH_MOD_NONE, "bytea", "", value_bytea},
	{JSONBOID, CONNHUB_JSON, CH_MOD_NONE, "jsonb", "", value_jsonb},
	{JSONOID, CONNHUB_JSON, CH_MOD_NONE, "json", "", value_text},
	{BITOID, CONNHUB_NATIVE, CH_MOD_BITS, "bit", "", NULL},
	{VARBITOID, CONNHUB_NATIVE, CH_MOD_BITS, "bit varying", "", NULL},
};

/* Types whose values are names of objects of their own database, or that take no input. */
static const Oid text_instead[] = {
	REGPROCOID, REGPROCEDUREOID, REGOPEROID, REGOPERATOROID, REGCLASSOID, REGCOLLATIONOID, REGTYPEOID,
	REGROLEOID, REGNAMESPACEOID, REGCONFIGOID, REGDICTIONARYOID, ACLITEMOID, PG_NODE_TREEOID, PG_NDISTINCTOID,
	PG_DEPENDENCIESOID, PG_MCV_LISTOID, PG_BRIN_BLOOM_SUMMARYOID, PG_BRIN_MINMAX_MULTI_SUMMARYOID,
};

static bool
is_text_instead(Oid type)
{
	for (int i = 0; i < lengthof(text_instead); i++)
		if (text_instead[i] == type)
			return true;
	return false;
}

static const ChTypeRow *
row_of_oid(Oid type)
{
	for (int i = 0; i < lengthof(type_rows); i++)
		if (type_rows[i].oid == type)
			return &type_rows[i];
	return NULL;
}

static const ChTypeRow *
row_of_name(const char *name, size_t length)
{
	for (int i = 0; i < lengthof(type_rows); i++)
		if (strlen(type_rows[i].name) == length && memcmp(type_rows[i].name, name, length) == 0)
			return &type_rows[i];
	return NULL;
}

/* ---- PostgreSQL → ABI -------------------------------------------------------------------- */

static void
modifiers_from_typmod(ChModifier modifier, int32 typmod, ConnhubTypeRef *out)
{
	if (typmod < 0)
		return;
	switch (modifier)
	{
		case CH_MOD_NONE:
			break;
		case CH_MOD_CHARS:
			out->length = typmod - VARHDRSZ;
			break;
		case CH_MOD_BITS:
			out->length = typmod;
			break;
		case CH_MOD_DECIMAL:
			/* Eleven bits of signed scale below sixteen of precision. */
			out->precision = ((typmod - VARHDRSZ) >> 16) & 0xffff;
			out->scale = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;
			break;
		case CH_MOD_SECONDS:
			/* An interval keeps its field mask above the digits, and 0xffff for "all digits". */
			if ((typmod & 0xffff) <= MAX_TIMESTAMP_PRECISION)
				out->precision = typmod & 0xffff;
			break;
	}
}

/* Name of a type as drivers know it: qualified unless it lives in pg_catalog, whatever search_path says. */
static char *
type_name(Oid type)
{
	static const char prefix[] = "pg_catalog.";
	char	   *name = format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY);

	return strncmp(name, prefix, strlen(prefix)) == 0 ? name + strlen(prefix) : name;
}

Oid
ch_typemap_base(Oid type, int32 *typmod)
{
	return type < FirstGenbkiObjectId ? type : getBaseTypeAndTypmod(type, typmod);
}

ConnhubType
ch_typemap_from_pg(Oid type, int32 typmod, ConnhubTypeRef *out)
{
	Oid			base = ch_typemap_base(type, &typmod);
	const ChTypeRow *row = row_of_oid(base);
	Oid			element;

	memset(out, 0, sizeof(*out));
	out->precision = -1;
	if (row)
	{
		out->type = row->type;
		out->pg_type = row->name;
		modifiers_from_typmod(row->modifier, typmod, out);
		return out->type;
	}

	out->type = CONNHUB_NATIVE;
	out->pg_type = type_name(base);
	element = get_element_type(base);
	row = OidIsValid(element) ? row_of_oid(element) : NULL;
	if (row)
		modifiers_from_typmod(row->modifier, typmod, out);
	return out->type;
}

/* ---- ABI → PostgreSQL -------------------------------------------------------------------- */

/* Read one identifier, quoted or not, into name.  False when there is none or it is too long. */
static bool
take_identifier(const char **cursor, const char *end, char name[NAMEDATALEN])
{
	const char *p = *cursor;
	int			n = 0;
	bool		quoted = p < end && *p == '"';

	if (quoted)
		p++;
	for (; p < end; p++)
	{
		if (quoted && *p == '"')
		{
			if (p + 1 < end && p[1] == '"')
				p++;
			else
				break;
		}
		else if (!quoted && (*p == '.' || *p == '"' || *p == '(' || *p == ' '))
			break;
		if (n >= NAMEDATALEN - 1)
			return false;
		name[n++] = *p;
	}
	if (quoted)
	{
		if (p == end)
			return false;
		p++;
	}
	name[n] = '\0';
	*cursor = p;
	return n > 0;
}

/* May values of this type be read from elsewhere? */
static bool
type_is_usable(Oid type)
{
	HeapTuple	tuple;
	Form_pg_type form;
	bool		usable;

	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_type) GETSTRUCT(tuple);
	usable = form->typisdefined &&
		strchr("berm", form->typtype) != NULL &&
		OidIsValid(form->typinput) &&
		(form->typnamespace == PG_CATALOG_NAMESPACE ||
		 OidIsValid(getExtensionOfObject(TypeRelationId, type)));
	ReleaseSysCache(tuple);
	return usable;
}

/* The type a driver's pg_type stands for, or InvalidOid. */
static Oid
oid_of_name(const char *text)
{
	const char *end = text + strlen(text);
	bool		is_array = false;
	const ChTypeRow *row;
	Oid			type;

	while (end - text > 2 && end[-1] == ']' && end[-2] == '[')
	{
		end -= 2;
		is_array = true;
	}
	row = row_of_name(text, end - text);
	if (row)
		type = row->oid;
	else
	{
		char		first[NAMEDATALEN];
		char		second[NAMEDATALEN];
		const char *cursor = text;
		const char *name = first;
		Oid			namespace = PG_CATALOG_NAMESPACE;

		if (!take_identifier(&cursor, end, first))
			return InvalidOid;
		if (cursor < end && *cursor == '.')
		{
			cursor++;
			if (!take_identifier(&cursor, end, second))
				return InvalidOid;
			namespace = get_namespace_oid(first, true);
			name = second;
		}
		if (cursor != end || !OidIsValid(namespace))
			return InvalidOid;
		type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name), ObjectIdGetDatum(namespace));
	}
	if (!OidIsValid(type) || !type_is_usable(type))
		return InvalidOid;
	if (is_text_instead(type))
		type = TEXTOID;
	return is_array ? get_array_type(type) : type;
}

Oid
ch_typemap_pg_oid(const ConnhubTypeRef *ref)
{
	Oid			type = ref->pg_type ? oid_of_name(ref->pg_type) : InvalidOid;

	if (OidIsValid(type))
		return type;
	if (ref->type == CONNHUB_TEXT && ref->length > 0)
		return VARCHAROID;
	for (int i = 0; i < lengthof(type_rows); i++)
		if (type_rows[i].type == ref->type && ref->type != CONNHUB_NATIVE)
			return type_rows[i].oid;
	return TEXTOID;
}

char *
ch_typemap_pg_type(const ConnhubTypeRef *ref)
{
	return type_name(ch_typemap_pg_oid(ref));
}

/* The modifiers as "(…)"; empty when there are none PostgreSQL would take. */
static char *
modifier_text(ChModifier modifier, const ConnhubTypeRef *ref)
{
	switch (modifier)
	{
		case CH_MOD_NONE:
			break;
		case CH_MOD_CHARS:
			if (ref->length > 0 && ref->length <= MaxAttrSize)
				return psprintf("(%d)", ref->length);
			break;
		case CH_MOD_BITS:
			if (ref->length > 0 && ref->length <= MaxAttrSize * BITS_PER_BYTE)
				return psprintf("(%d)", ref->length);
			break;
		case CH_MOD_DECIMAL:
			if (ref->precision > 0 && ref->precision <= NUMERIC_MAX_PRECISION &&
				ref->scale >= NUMERIC_MIN_SCALE && ref->scale <= NUMERIC_MAX_SCALE)
				return psprintf("(%d,%d)", ref->precision, ref->scale);
			break;
		case CH_MOD_SECONDS:
			if (ref->precision >= 0 && ref->precision <= MAX_TIMESTAMP_PRECISION)
				return psprintf("(%d)", ref->precision);
			break;
	}
	return pstrdup("");
}

static char *
type_text(const ConnhubTypeRef *ref, bool qualified)
{
	Oid			type = ch_typemap_pg_oid(ref);
	Oid			element = get_element_type(type);
	const ChTypeRow *row = row_of_oid(OidIsValid(element) ? element : type);
	char	   *modifiers = row ? modifier_text(row->modifier, ref) : pstrdup("");

	if (modifiers[0] != '\0')
	{
		const char *name = row->name;
		int			stem = strlen(name) - strlen(row->suffix);

		return psprintf("%.*s%s%s%s", stem, name, modifiers, row->suffix, OidIsValid(element) ? "[]" : "");
	}

	/* "character" and "bit" alone would mean one character, one bit. */
	if (qualified)
		return format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY | FORMAT_TYPE_TYPEMOD_GIVEN);
	if (type == BPCHAROID)
		return pstrdup("bpchar");
	if (type == BITOID)
		return pstrdup("\"bit\"");
	return type_name(type);
}

char *
ch_typemap_pg_type_full(const ConnhubTypeRef *ref)
{
	return type_text(ref, false);
}

char *
ch_typemap_ddl(const ConnhubTypeRef *ref)
{
	return type_text(ref, true);
}

/* ---- Values ------------------------------------------------------------------------------ */

static void
set_slice(ConnhubValue *out, const char *data, size_t length)
{
	out->v.slice.data = data;
	out->v.slice.length = length;
}

static void
set_text(ConnhubValue *out, const char *data, int length)
{
	char	   *utf8 = pg_server_to_any(data, length, PG_UTF8);

	set_slice(out, utf8, utf8 == data ? length : strlen(utf8));
}

static bool
value_bool(Datum value, ConnhubValue *out)
{
	out->v.integer = DatumGetBool(value) ? 1 : 0;
	return true;
}

static bool
value_int16(Datum value, ConnhubValue *out)
{
	out->v.integer = DatumGetInt16(value);
	return true;
}

static bool
value_int32(Datum value, ConnhubValue *out)
{
	out->v.integer = DatumGetInt32(value);
	return true;
}

static bool
value_int64(Datum value, ConnhubValue *out)
{
	out->v.integer = DatumGetInt64(value);
	return true;
}

static bool
value_float4(Datum value, ConnhubValue *out)
{
	out->v.real = DatumGetFloat4(value);
	return true;
}

static bool
value_float8(Datum value, ConnhubValue *out)
{
	out->v.real = DatumGetFloat8(value);
	return true;
}

static bool
value_numeric(Datum value, ConnhubValue *out)
{
	char	   *text;
	Size		length;

	if (!ch_numeric_to_text(value, &text, &length))
	{
		text = DatumGetCString(DirectFunctionCall1(numeric_out, value));
		length = strlen(text);
	}
	set_slice(out, text, length);
	return true;
}

static bool
value_date(Datum value, ConnhubValue *out)
{
	DateADT		date = DatumGetDateADT(value);

	if (DATE_IS_NOBEGIN(date))
		out->v.integer = CONNHUB_MINUS_INFINITY;
	else if (DATE_IS_NOEND(date))
		out->v.integer = CONNHUB_INFINITY;
	else
		out->v.integer = (int64) date + CH_EPOCH_DAYS;
	return true;
}

static bool
value_timetz(Datum value, ConnhubValue *out)
{
	TimeTzADT  *timetz = DatumGetTimeTzADTP(value);
	int64		seconds = timetz->time / USECS_PER_SEC;
	int			micros = (int) (timetz->time % USECS_PER_SEC);
	int			zone = abs(timetz->zone);
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "%02d:%02d:%02d", (int) (seconds / SECS_PER_HOUR),
					 (int) (seconds / SECS_PER_MINUTE % MINS_PER_HOUR), (int) (seconds % SECS_PER_MINUTE));
	if (micros != 0)
		appendStringInfo(&text, ".%06d", micros);

	/* PostgreSQL counts zones westward. */
	appendStringInfo(&text, "%c%02d:%02d", timetz->zone > 0 ? '-' : '+', zone / SECS_PER_HOUR,
					 zone / SECS_PER_MINUTE % MINS_PER_HOUR);
	if (zone % SECS_PER_MINUTE != 0)
		appendStringInfo(&text, ":%02d", zone % SECS_PER_MINUTE);
	set_slice(out, text.data, text.len);
	return true;
}

static bool
value_timestamp(Datum value, ConnhubValue *out)
{
	Timestamp	timestamp = DatumGetTimestamp(value);

	if (TIMESTAMP_IS_NOBEGIN(timestamp))
		out->v.integer = CONNHUB_MINUS_INFINITY;
	else if (TIMESTAMP_IS_NOEND(timestamp))
		out->v.integer = CONNHUB_INFINITY;
	else if (timestamp >= PG_INT64_MAX - CH_EPOCH_USECS)
		return false;
	else
		out->v.integer = timestamp + CH_EPOCH_USECS;
	return true;
}

static bool
value_interval(Datum value, ConnhubValue *out)
{
	Interval   *interval = DatumGetIntervalP(value);

	out->v.interval.micros = interval->time;
	out->v.interval.days = interval->day;
	out->v.interval.months = interval->month;
	return true;
}

static bool
value_uuid(Datum value, ConnhubValue *out)
{
	set_slice(out, (const char *) DatumGetUUIDP(value)->data, UUID_LEN);
	return true;
}

static bool
value_text(Datum value, ConnhubValue *out)
{
	text	   *detoasted = DatumGetTextPP(value);

	set_text(out, VARDATA_ANY(detoasted), VARSIZE_ANY_EXHDR(detoasted));
	return true;
}

static bool
value_name(Datum value, ConnhubValue *out)
{
	const char *name = NameStr(*DatumGetName(value));

	set_text(out, name, strlen(name));
	return true;
}

static bool
value_bytea(Datum value, ConnhubValue *out)
{
	bytea	   *detoasted = DatumGetByteaPP(value);

	set_slice(out, VARDATA_ANY(detoasted), VARSIZE_ANY_EXHDR(detoasted));
	return true;
}

static bool
value_jsonb(Datum value, ConnhubValue *out)
{
	char	   *text = DatumGetCString(DirectFunctionCall1(jsonb_out, value));

	set_text(out, text, strlen(text));
	return true;
}

static void
value_output(Oid base, Datum value, ConnhubValue *out)
{
	Oid			output;
	bool		is_varlena;
	int			saved;
	char	   *text;

	getTypeOutputInfo(base, &output, &is_varlena);
	saved = ch_typemap_canonical_begin(ch_typemap_settings(base));
	text = OidOutputFunctionCall(output, value);
	ch_typemap_canonical_end(saved);
	set_text(out, text, strlen(text));
}

void
ch_typemap_maker(Oid type, ChValueMaker *maker)
{
	int32		typmod = -1;
	const ChTypeRow *row;

	maker->base = ch_typemap_base(type, &typmod);
	ch_typemap_from_pg(maker->base, -1, &maker->type);
	row = row_of_oid(maker->base);
	maker->convert = row ? row->to_value : NULL;
}

bool
ch_typemap_make(const ChValueMaker *maker, Datum value, bool isnull, ConnhubValue *out)
{
	memset(&out->v, 0, sizeof(out->v));
	out->type = maker->type;
	out->is_null = isnull;
	if (isnull)
		return true;
	if (maker->convert)
		return maker->convert(value, out);
	value_output(maker->base, value, out);
	return true;
}

bool
ch_typemap_value(Datum value, bool isnull, Oid type, ConnhubValue *out)
{
	ChValueMaker maker;

	ch_typemap_maker(type, &maker);
	return ch_typemap_make(&maker, value, isnull, out);
}

/* ---- Settings that change the text of a value -------------------------------------------- */

static void
set_locally(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

int
ch_typemap_settings(Oid type)
{
	int32		typmod = -1;
	Oid			base = ch_typemap_base(type, &typmod);
	Oid			element;

	if (row_of_oid(base) && base != INTERVALOID)
		return 0;
	element = get_element_type(base);
	if (!OidIsValid(element))
		element = base;
	if (row_of_oid(element) || type_is_enum(element))
		return CH_SETTING_STYLE;
	if (element >= FirstNormalObjectId && get_typtype(element) != TYPTYPE_BASE)
		return CH_SETTING_STYLE | CH_SETTING_MONEY | CH_SETTING_PATH;
	if (element == CASHOID)
		return CH_SETTING_STYLE | CH_SETTING_MONEY;
	return is_text_instead(element) ? CH_SETTING_STYLE | CH_SETTING_PATH : CH_SETTING_STYLE;
}

int
ch_typemap_canonical_begin(int settings)
{
	int			saved;

	if (settings == 0 ||
		(settings == CH_SETTING_STYLE && DateStyle == USE_ISO_DATES && IntervalStyle == INTSTYLE_POSTGRES &&
		 extra_float_digits > 0 && xmloption == XMLOPTION_CONTENT))
		return 0;

	saved = NewGUCNestLevel();
	set_locally("datestyle", "ISO");
	set_locally("intervalstyle", "postgres");
	set_locally("extra_float_digits", "3");
	set_locally("xmloption", "content");
	if (settings & CH_SETTING_MONEY)
		set_locally("lc_monetary", "C");
	if (settings & CH_SETTING_PATH)
		set_locally("search_path", "pg_catalog");
	return saved;
}

void
ch_typemap_canonical_end(int saved)
{
	if (saved > 0)
		AtEOXact_GUC(true, saved);
}
