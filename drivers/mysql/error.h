/* error.h — from what the library or the server says to a ConnhubError. */
#ifndef MY_ERROR_H
#define MY_ERROR_H

#include <mysql.h>

#include "connhub/driver.h"

extern void my_error_set(ConnhubError *error, ConnhubStatus status, const char *format,...)
			CONNHUB_PRINTF(3, 4);
extern void my_error_detail(ConnhubError *error, const char *format,...) CONNHUB_PRINTF(2, 3);
extern void my_error_hint(ConnhubError *error, const char *format,...) CONNHUB_PRINTF(2, 3);
extern ConnhubStatus my_error_no_memory(ConnhubError *error);

/* A wait that ended before what it waited for: TIMEOUT, CANCELLED. */
extern ConnhubStatus my_error_wait(ConnhubError *error, ConnhubStatus status);

/* What the server or the library reported by number.  Returns error->status. */
extern ConnhubStatus my_error_native(ConnhubError *error, unsigned int code, const char *sqlstate,
									 const char *text);

/* A connect that failed with this errno. */
extern ConnhubStatus my_error_connect(ConnhubError *error, int sys_errno, const char *host,
									  uint16_t port);

#endif							/* MY_ERROR_H */
