/* field.c — the type of a result column, by the names that information_schema uses. */
#include <stdio.h>
#include <string.h>

#include "field.h"
#include "types.h"

#define BINARY_CHARSET	63

static const struct
{
	enum enum_field_types type;
	const char *name;
}			names[] = {
	{MYSQL_TYPE_TINY, "tinyint"},
	{MYSQL_TYPE_SHORT, "smallint"},
	{MYSQL_TYPE_INT24, "mediumint"},
	{MYSQL_TYPE_LONG, "int"},
	{MYSQL_TYPE_LONGLONG, "bigint"},
	{MYSQL_TYPE_YEAR, "year"},
	{MYSQL_TYPE_FLOAT, "float"},
	{MYSQL_TYPE_DOUBLE, "double"},
	{MYSQL_TYPE_DECIMAL, "decimal"},
	{MYSQL_TYPE_NEWDECIMAL, "decimal"},
	{MYSQL_TYPE_DATE, "date"},
	{MYSQL_TYPE_NEWDATE, "date"},
	{MYSQL_TYPE_DATETIME, "datetime"},
	{MYSQL_TYPE_TIMESTAMP, "timestamp"},
	{MYSQL_TYPE_TIME, "time"},
	{MYSQL_TYPE_BIT, "bit"},
	{MYSQL_TYPE_JSON, "json"},
	{MYSQL_TYPE_GEOMETRY, "geometry"},
};

/* Text and bytes share their types; the character set tells which. */
static const char *
name_of(const MYSQL_FIELD *field)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		if (names[i].type == field->type)
			return names[i].name;
	}
	return field->charsetnr == BINARY_CHARSET ? "blob" : "text";
}

void
my_field_type(const MYSQL_FIELD *field, bool tinyint1_is_boolean, ConnhubTypeRef *type)
{
	MyColumnFacts facts = {.data_type = name_of(field), .tinyint1_is_boolean = tinyint1_is_boolean};
	char		column_type[64];

	snprintf(column_type, sizeof(column_type), "%s(%lu)%s", facts.data_type, field->length,
			 field->flags & UNSIGNED_FLAG ? " unsigned" : "");
	facts.column_type = column_type;
	my_type_of(&facts, type);

	/* How many digits an expression has is a guess of the source's. */
	type->precision = -1;
	type->scale = 0;
}
