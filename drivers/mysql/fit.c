/* fit.c — what a column would make of a value that is stored in it.
 *
 * The source's strict mode refuses most of what does not fit.  Some values it changes without a word, or
 * with a note only: it rounds decimals, cuts fractions of a second, pads binary, takes a number for the
 * position of an enum's member, and a null for the current time.  Those are found here. */
#include <stdlib.h>
#include <string.h>

#include "fit.h"
#include "sql/dialect.h"
#include "types.h"

/* Types of the source that take a value in another form, or change it. */
static const struct
{
	const char *word;
	const char *reason;
}			changing[] = {
	{"year", "the source takes a year below 100 for one of two digits"},
	{"set", "the source puts the members of a set into an order of its own"},
	{"bit", "the source takes a text of digits for its bytes"},
	{"geometry", "the source keeps geometries in another form"},
	{"point", "the source keeps geometries in another form"},
	{"linestring", "the source keeps geometries in another form"},
	{"polygon", "the source keeps geometries in another form"},
	{"multipoint", "the source keeps geometries in another form"},
	{"multilinestring", "the source keeps geometries in another form"},
	{"multipolygon", "the source keeps geometries in another form"},
	{"geometrycollection", "the source keeps geometries in another form"},
	{"geomcollection", "the source keeps geometries in another form"},
	{"vector", "the source keeps vectors in another form"}
};

const char *
my_store_refusal(const ConnhubSource *source, const ConnhubColumn *column)
{
	const char *type = column->remote_type;
	const char *reason = sql_column_refusal(column, SQL_COLUMN_VALUE);

	if (reason != NULL)
		return reason;
	if ((my_type_is(type, "float") || my_type_is(type, "double")) && strchr(type, ',') != NULL)
		return "the source rounds numbers of this type";
	for (size_t i = 0; i < sizeof(changing) / sizeof(changing[0]); i++)
	{
		if (my_type_is(type, changing[i].word) && column->natural.type != CONNHUB_BOOL)
			return changing[i].reason;
	}
	return NULL;
}

const char *
my_assign_refusal(const ConnhubColumn *column)
{
	const char *type = column->remote_type;

	if (my_type_is(type, "char") || my_type_is(type, "binary") || my_type_is(type, "enum"))
		return "the source changes some values of this type, which are looked at one by one";
	if (my_type_is(type, "timestamp"))
		return "the source may take a null for the current time";
	return NULL;
}

/* Digits of a second the column has room for. */
static bool
is_cut(const ConnhubColumn *column, int64_t micros)
{
	static const int64_t units[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
	int32_t		digits = column->natural.precision;

	return micros % units[digits >= 0 && digits <= 6 ? digits : 0] != 0;
}

static bool
is_rounded(const ConnhubColumn *column, const ConnhubSlice *text)
{
	const char *point = memchr(text->data, '.', text->length);
	const char *end = text->data + text->length;

	if (point == NULL)
		return false;
	while (end > point + 1 && end[-1] == '0')
		end--;
	return end - point - 1 > column->natural.scale;
}

/* Is the text, in quotes, in the type's list "enum('a','it''s')"? */
static bool
is_member(const char *remote_type, const ConnhubSlice *text)
{
	const char *p = strchr(remote_type, '(');

	while (p != NULL && (*p == '(' || *p == ','))
	{
		size_t		matched = 0;
		bool		same = true;

		if (*++p != '\'')
			return false;
		for (p++; *p != '\0'; p++)
		{
			if (*p == '\'' && *++p != '\'')
				break;
			same = same && matched < text->length && text->data[matched] == *p;
			matched++;
		}
		if (same && matched == text->length)
			return true;
	}
	return false;
}

static const char *
text_refusal(const ConnhubColumn *column, const ConnhubSlice *text)
{
	if (my_type_is(column->remote_type, "enum") && !is_member(column->remote_type, text))
		return "is no member of the column's enum";
	if (column->type.type == CONNHUB_TEXT && my_type_is(column->remote_type, "char") && text->length > 0 &&
		text->data[text->length - 1] == ' ')
		return "ends in spaces, which the source would leave out";
	return NULL;
}

static const char *
bytes_refusal(const ConnhubColumn *column, const ConnhubSlice *bytes)
{
	if (my_type_is(column->remote_type, "binary") && strchr(column->remote_type, '(') != NULL &&
		bytes->length != strtoul(strchr(column->remote_type, '(') + 1, NULL, 10))
		return "has another length than the column, which would fill it up";
	return NULL;
}

const char *
my_value_refusal(const ConnhubColumn *column, const ConnhubValue *value)
{
	if (value->is_null)
		return column->not_null ? "is null, where the source allows none" : NULL;
	switch (column->type.type)
	{
		case CONNHUB_DECIMAL:
			return is_rounded(column, &value->v.slice) ? "has more digits after the point than the column" : NULL;
		case CONNHUB_FLOAT32:
			return (double) (float) value->v.real != value->v.real ? "has more digits than the column" : NULL;
		case CONNHUB_TIMESTAMP:
		case CONNHUB_TIMESTAMPTZ:
			return is_cut(column, value->v.integer) ? "has more digits of a second than the column" : NULL;
		case CONNHUB_INTERVAL:
			if (value->v.interval.months != 0 || value->v.interval.days != 0)
				return "has months or days, and the column hours only";
			return is_cut(column, value->v.interval.micros) ? "has more digits of a second than the column" : NULL;
		case CONNHUB_TEXT:
		case CONNHUB_BPCHAR:
			return text_refusal(column, &value->v.slice);
		case CONNHUB_BYTES:
			return bytes_refusal(column, &value->v.slice);
		default:
			return NULL;
	}
}
