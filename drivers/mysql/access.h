/* access.h — may this account read what the connector is for? */
#ifndef MY_ACCESS_H
#define MY_ACCESS_H

#include "conn.h"

/* Does the schema exist, and is at least one of its tables readable?  A schema without tables passes.
 * Announces the phases database and permission. */
extern ConnhubStatus my_check_access(ConnhubConn *conn, ConnhubError *error);

#endif							/* MY_ACCESS_H */
