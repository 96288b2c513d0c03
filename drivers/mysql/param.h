/* param.h — parameters of a statement. */
#ifndef MY_PARAM_H
#define MY_PARAM_H

#include "conn.h"

/* Storage behind one MYSQL_BIND. */
typedef struct MyParam
{
	int64_t		integer;
	double		real;
	MYSQL_TIME	time;
	unsigned long length;
	char		text[40];
} MyParam;

/* Make bind stand for value.  Both must live until the statement has run, and so must param.  Returns NULL,
 * or what the value is that the source has no such: "a date outside the years 1 to 9999". */
extern const char *my_param_set(MYSQL_BIND *bind, MyParam *param, const ConnhubValue *value);

/* The type under which values of an ABI type are bound, unless they are null. */
extern enum enum_field_types my_param_type(ConnhubType type);

#endif							/* MY_PARAM_H */
