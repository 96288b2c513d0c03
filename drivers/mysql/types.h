/* types.h — the source's column types, and what they become. */
#ifndef MY_TYPES_H
#define MY_TYPES_H

#include "connhub/driver.h"

/* What information_schema.columns says of a column. */
typedef struct MyColumnFacts
{
	const char *data_type;		/* "varchar" */
	const char *column_type;	/* "varchar(20)", "int(10) unsigned", "enum('a','b')" */
	const char *characters;		/* character_maximum_length; NULL: none; so the next three */
	const char *precision;
	const char *scale;
	const char *fraction;		/* datetime_precision */
	bool		is_json;		/* MariaDB: a longtext that must be JSON */
	bool		tinyint1_is_boolean;
} MyColumnFacts;

extern void my_type_of(const MyColumnFacts *facts, ConnhubTypeRef *type);

/* The first word of a remote type, as in a ConnhubColumn: is it this one? */
extern bool my_type_is(const char *remote_type, const char *word);

#endif							/* MY_TYPES_H */
