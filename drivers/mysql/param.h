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

/* Make bind stand for value.  Both must live until the statement has run, and so must param.
 * CONNHUB_DATA when the source has no such value. */
extern ConnhubStatus my_param_set(MYSQL_BIND *bind, MyParam *param, const ConnhubValue *value,
								  uint32_t number, ConnhubError *error);

#endif							/* MY_PARAM_H */
