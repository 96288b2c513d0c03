/* field.h — the type of a result column. */
#ifndef MY_FIELD_H
#define MY_FIELD_H

#include <mysql.h>

#include "connhub/driver.h"

/* What a result column becomes here, as far as the protocol tells its type. */
extern void my_field_type(const MYSQL_FIELD *field, bool tinyint1_is_boolean, ConnhubTypeRef *type);

#endif							/* MY_FIELD_H */
