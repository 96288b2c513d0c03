/* bind.c — values → BSON, and parameters put into a native query. */
#include "bind.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* Most characters of a decimal's text; a Decimal128 that fits has fewer. */
#define DECIMAL_TEXT	6400

bool
mg_is_objectid(const char *text, size_t length)
{
	if (length != 24)
		return false;
	for (size_t i = 0; i < 24; i++)
	{
		if (!isdigit((unsigned char) text[i]) && !(text[i] >= 'a' && text[i] <= 'f'))
			return false;
	}
	return true;
}

bool
mg_decimal_fits(const char *text, size_t length)
{
	size_t		digits = 0;
	size_t		zeros = 0;		/* since the last other digit */

	if (length >= DECIMAL_TEXT)
		return false;
	for (size_t i = 0; i < length; i++)
	{
		if (text[i] == '0')
			zeros += digits > 0 ? 1 : 0;
		else if (isdigit((unsigned char) text[i]))
		{
			digits += zeros + 1;
			zeros = 0;
		}
	}
	return digits <= 34;
}

static ConnhubStatus
append_decimal(bson_t *to, const char *key, const ConnhubSlice *slice, ConnhubError *error)
{
	bson_decimal128_t decimal;

	if (!mg_decimal_fits(slice->data, slice->length) ||
		!bson_decimal128_from_string_w_len(slice->data, (int) slice->length, &decimal))
		return fail_as(error, CONNHUB_DATA, "the number has more digits than a Decimal128 of the source");
	bson_append_decimal128(to, key, -1, &decimal);
	return CONNHUB_OK;
}

static ConnhubStatus
append_json(bson_t *to, const char *key, const ConnhubSlice *slice, ConnhubError *error)
{
	char	   *around = bson_malloc(slice->length + 16);
	bson_t		parsed;
	bson_iter_t iter;
	bson_error_t problem;
	int			length = sprintf(around, "{\"v\":");
	bool		done;

	memcpy(around + length, slice->data, slice->length);
	around[length + slice->length] = '}';
	done = bson_init_from_json(&parsed, around, (ssize_t) (length + slice->length + 1), &problem);
	bson_free(around);
	if (!done)
		return fail_as(error, CONNHUB_DATA, "the JSON is not Extended JSON of the source");
	done = bson_iter_init_find(&iter, &parsed, "v") && bson_append_iter(to, key, -1, &iter);
	bson_destroy(&parsed);
	return done ? CONNHUB_OK : fail_as(error, CONNHUB_DATA, "the JSON is not Extended JSON of the source");
}

static ConnhubStatus
append_date(bson_t *to, const char *key, int64_t micros, ConnhubError *error)
{
	if (micros == CONNHUB_INFINITY || micros == CONNHUB_MINUS_INFINITY)
		return fail_as(error, CONNHUB_DATA, "the source has no infinite dates");
	if (micros % 1000 != 0)
	{
		fail_as(error, CONNHUB_DATA, "the source keeps dates to the millisecond");
		fail_hint(error, "Round the value: value::timestamptz(3).");
		return CONNHUB_DATA;
	}
	bson_append_date_time(to, key, -1, micros / 1000);
	return CONNHUB_OK;
}

static ConnhubStatus
append_text(bson_t *to, const char *key, MgKind kind, const ConnhubSlice *slice, ConnhubError *error)
{
	bson_oid_t	oid;

	if (kind != MG_OBJECTID)
	{
		bson_append_utf8(to, key, -1, slice->data, (int) slice->length);
		return CONNHUB_OK;
	}
	if (!mg_is_objectid(slice->data, slice->length))
	{
		fail_as(error, CONNHUB_DATA, "the text is not an ObjectId");
		fail_hint(error, "An ObjectId is 24 hexadecimal digits in lower case.");
		return CONNHUB_DATA;
	}
	bson_oid_init_from_string(&oid, slice->data);
	bson_append_oid(to, key, -1, &oid);
	return CONNHUB_OK;
}

ConnhubStatus
mg_append(bson_t *to, const char *key, MgKind kind, const ConnhubValue *value, ConnhubError *error)
{
	const ConnhubSlice *slice = &value->v.slice;

	if (value->is_null)
	{
		bson_append_null(to, key, -1);
		return CONNHUB_OK;
	}
	switch (value->type.type)
	{
		case CONNHUB_BOOL:
			bson_append_bool(to, key, -1, value->v.integer != 0);
			return CONNHUB_OK;
		case CONNHUB_INT16:
		case CONNHUB_INT32:
			bson_append_int32(to, key, -1, (int32_t) value->v.integer);
			return CONNHUB_OK;
		case CONNHUB_INT64:
			bson_append_int64(to, key, -1, value->v.integer);
			return CONNHUB_OK;
		case CONNHUB_FLOAT32:
		case CONNHUB_FLOAT64:
			bson_append_double(to, key, -1, value->v.real);
			return CONNHUB_OK;
		case CONNHUB_DECIMAL:
			return append_decimal(to, key, slice, error);
		case CONNHUB_TIMESTAMPTZ:
			return append_date(to, key, value->v.integer, error);
		case CONNHUB_BYTES:
			bson_append_binary(to, key, -1, BSON_SUBTYPE_BINARY, (const uint8_t *) slice->data, (uint32_t) slice->length);
			return CONNHUB_OK;
		case CONNHUB_UUID:
			bson_append_binary(to, key, -1, BSON_SUBTYPE_UUID, (const uint8_t *) slice->data, (uint32_t) slice->length);
			return CONNHUB_OK;
		case CONNHUB_TEXT:
			return append_text(to, key, kind, slice, error);
		case CONNHUB_JSON:
			return append_json(to, key, slice, error);
		default:
			return fail_as(error, CONNHUB_UNSUPPORTED, "values of this type are not sent to the source");
	}
}

bool
mg_like(const ConnhubHost *host, const char *pattern, size_t length, ConnhubText *out)
{
	TextWriter	writer;
	bool		whole = true;

	text_begin(&writer, host, out);
	text_char(&writer, '^');
	for (size_t i = 0; i < length; i++)
	{
		char		c = pattern[i];

		if (c == '%' && i + 1 == length)
			whole = false;
		else if (c == '%')
			text_string(&writer, ".*");
		else if (c == '_')
			text_char(&writer, '.');
		else
		{
			if (c == '\\' && ++i == length)
				return false;
			c = pattern[i];
			if (strchr("\\^$.[]|()?*+{}-/#", c) != NULL)
				text_char(&writer, '\\');
			text_char(&writer, c);
		}
	}
	if (whole)
		text_string(&writer, "\\z");
	return text_end(&writer) == CONNHUB_OK;
}

/* The library takes {"$type": …} for the beginning of a binary value in an old form, so it is read under another name. */
#define TYPE_KEY	"\"$type\""
#define OTHER_KEY	"\"$kind\""

bool
mg_parse(const char *text, bson_t *parsed, bson_error_t *error)
{
	char	   *copy = bson_strdup(text);
	bool		done;

	for (char *at = strstr(copy, TYPE_KEY); at != NULL; at = strstr(at + 1, TYPE_KEY))
	{
		size_t		length = strlen(TYPE_KEY);

		if (at[length + strspn(at + length, " \t\r\n")] == ':')
			memcpy(at, OTHER_KEY, length);
	}
	done = bson_init_from_json(parsed, copy, -1, error);
	bson_free(copy);
	return done;
}

/* ---- Parameters -------------------------------------------------------------------------- */

typedef struct Binding
{
	const ConnhubQuery *query;
	ConnhubError *error;
	ConnhubStatus status;
	bool		met_null;		/* in the value copied last */
} Binding;

/* The parameter that the value at iter stands for, and how it is written; NULL: it is an ordinary value. */
static const ConnhubValue *
parameter(const Binding *binding, const bson_iter_t *iter, const char **how)
{
	bson_iter_t inner;
	char	   *end;
	unsigned long number;

	if (!BSON_ITER_HOLDS_DOCUMENT(iter) || !bson_iter_recurse(iter, &inner) || !bson_iter_next(&inner) ||
		bson_iter_key(&inner)[0] != '$' || !BSON_ITER_HOLDS_UTF8(&inner))
		return NULL;
	number = strtoul(bson_iter_key(&inner) + 1, &end, 10);
	if (*end != '\0' || number < 1 || number > binding->query->nparams)
		return NULL;
	*how = bson_iter_utf8(&inner, NULL);
	return &binding->query->params[number - 1];
}

static int64_t
floor_ms(int64_t micros)
{
	return micros / 1000 - (micros % 1000 < 0 ? 1 : 0);
}

/* A value to be compared with a field.  What cannot be equal to any value of the kind becomes an empty string, which is of
 * another type. */
static ConnhubStatus
append_operand(bson_t *to, const char *key, const char *how, const ConnhubValue *value, ConnhubError *error)
{
	int64_t		micros = value->v.integer;
	bool		is_date = value->type.type == CONNHUB_TIMESTAMPTZ;
	bool		infinite = is_date && (micros == CONNHUB_INFINITY || micros == CONNHUB_MINUS_INFINITY);
	MgKind		kind = mg_kind(how);

	if (strcmp(how, MG_BIND_LIKE) == 0)
	{
		ConnhubText regex = {0};

		if (!mg_like(mg_host, value->v.slice.data, value->v.slice.length, &regex))
		{
			text_free(mg_host, &regex);
			fail_as(error, CONNHUB_DATA, "the pattern must not end with its escape");
			memcpy(error->sqlstate, "22025", 6);
			return CONNHUB_DATA;
		}
		bson_append_regex(to, key, -1, regex.data, "s");
		text_free(mg_host, &regex);
		return CONNHUB_OK;
	}
	if (infinite && strcmp(how, "date") != 0)
		bson_append_date_time(to, key, -1, micros == CONNHUB_INFINITY ? INT64_MAX : INT64_MIN);
	else if (is_date && strcmp(how, MG_BIND_UP) == 0)
		bson_append_date_time(to, key, -1, floor_ms(micros) + (micros % 1000 != 0 ? 1 : 0));
	else if (is_date && strcmp(how, MG_BIND_DOWN) == 0)
		bson_append_date_time(to, key, -1, floor_ms(micros));
	else if (is_date && (infinite || micros % 1000 != 0))
		bson_append_utf8(to, key, -1, "", 0);
	else if (kind == MG_OBJECTID && !mg_is_objectid(value->v.slice.data, value->v.slice.length))
		bson_append_utf8(to, key, -1, "", 0);
	else if ((value->type.type == CONNHUB_FLOAT64 && isnan(value->v.real)) ||
			 (value->type.type == CONNHUB_DECIMAL && value->v.slice.length > 0 && value->v.slice.data[0] == 'N'))
		return fail_as(error, CONNHUB_DATA, "NaN is ordered in another way at the source");
	else
		return mg_append(to, key, kind, value, error);
	return CONNHUB_OK;
}

static void copy_fields(Binding *binding, bson_iter_t *iter, bson_t *to, bool is_array, bool skips_nulls);

/* Copy one value.  False: nothing was appended, since it is a null parameter that is left out. */
static bool
copy_value(Binding *binding, const bson_iter_t *iter, const char *key, bson_t *to, bool skips_nulls)
{
	const char *how;
	const ConnhubValue *value = parameter(binding, iter, &how);
	bson_t		child;
	bson_iter_t inner;

	if (value != NULL)
	{
		if (value->is_null)
		{
			binding->met_null = binding->met_null || !skips_nulls;
			return false;
		}
		if (binding->status == CONNHUB_OK && strcmp(how, MG_BIND_COUNT) == 0)
			bson_append_int64(to, key, -1, value->v.integer);
		else if (binding->status == CONNHUB_OK)
			binding->status = append_operand(to, key, how, value, binding->error);
		return true;
	}
	if (BSON_ITER_HOLDS_DOCUMENT(iter))
	{
		bson_iter_recurse(iter, &inner);
		bson_append_document_begin(to, key, -1, &child);
		copy_fields(binding, &inner, &child, false, false);
		bson_append_document_end(to, &child);
	}
	else if (BSON_ITER_HOLDS_ARRAY(iter))
	{
		bson_iter_recurse(iter, &inner);
		bson_append_array_begin(to, key, -1, &child);
		copy_fields(binding, &inner, &child, true, strcmp(key, "$in") == 0);
		bson_append_array_end(to, &child);
	}
	else
		bson_append_iter(to, key, -1, iter);
	return true;
}

/* Replace what a null has made void: the condition on a field, by one that nothing fulfils. */
static void
append_never(bson_t *to, const char *key)
{
	bson_t		condition;
	bson_t		none;

	bson_append_document_begin(to, key, -1, &condition);
	bson_append_array_begin(&condition, "$in", 3, &none);
	bson_append_array_end(&condition, &none);
	bson_append_document_end(to, &condition);
}

static void
copy_fields(Binding *binding, bson_iter_t *iter, bson_t *to, bool is_array, bool skips_nulls)
{
	uint32_t	n = 0;

	while (bson_iter_next(iter))
	{
		bson_t		one = BSON_INITIALIZER;
		bson_iter_t copied;
		char		number[16];
		const char *key = bson_iter_key(iter);
		bool		outer_null = binding->met_null;
		bool		put;

		if (is_array)
		{
			snprintf(number, sizeof(number), "%u", n);
			key = number;
		}
		else if (strcmp(key, "$kind") == 0)
			key = "$type";
		binding->met_null = false;
		put = copy_value(binding, iter, bson_iter_key(iter), &one, skips_nulls);
		if (binding->met_null && !is_array && key[0] != '$')
		{
			append_never(to, key);
			binding->met_null = false;
		}
		else if (is_array && binding->met_null && put && bson_iter_type(iter) == BSON_TYPE_DOCUMENT)
			binding->met_null = false;	/* a stage whose count is null */
		else if (put && bson_iter_init(&copied, &one) && bson_iter_next(&copied))
		{
			bson_append_iter(to, key, -1, &copied);
			n++;
		}
		binding->met_null = binding->met_null || outer_null;
		bson_destroy(&one);
	}
}

ConnhubStatus
mg_bind(const bson_t *from, const ConnhubQuery *query, bson_t *to, ConnhubError *error)
{
	Binding		binding = {query, error, CONNHUB_OK, false};
	bson_iter_t iter;

	bson_init(to);
	if (bson_iter_init(&iter, from))
		copy_fields(&binding, &iter, to, false, false);
	return binding.status;
}
