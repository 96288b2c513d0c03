/* error.h — from what the library or the server says to a ConnhubError. */
#ifndef MY_ERROR_H
#define MY_ERROR_H

#include <mysql.h>

#include "connhub/driver.h"
#include "fail.h"

/* A wait that ended before what it waited for: TIMEOUT, CANCELLED. */
extern ConnhubStatus my_error_wait(ConnhubError *error, ConnhubStatus status);

/* What the server or the library reported by number.  Returns error->status. */
extern ConnhubStatus my_error_native(ConnhubError *error, unsigned int code, const char *sqlstate,
									 const char *text);

/* A connect that failed with this errno. */
extern ConnhubStatus my_error_connect(ConnhubError *error, int sys_errno, const char *host,
									  uint16_t port);

#endif							/* MY_ERROR_H */
