/* write.h — rows into the source. */
#ifndef MY_WRITE_H
#define MY_WRITE_H

#include "conn.h"

extern ConnhubStatus my_write(ConnhubConn *conn, const ConnhubWrite *write, const char *text, const ConnhubRows *rows,
							  uint64_t *affected, ConnhubCursor **cursor, ConnhubError *error);

/* Did the statement just run store what it was given?  warnings: how many it raised.  The other asks besides whether
 * its transaction still lives. */
extern ConnhubStatus my_require_unchanged(ConnhubConn *conn, unsigned int warnings, ConnhubError *error);
extern ConnhubStatus my_write_outcome(ConnhubConn *conn, unsigned int warnings, ConnhubError *error);

/* Text of an INSERT of one row → of `count` rows. */
extern ConnhubStatus my_repeat_row(const ConnhubHost *host, const char *text, uint32_t count, ConnhubText *out,
								   ConnhubError *error);

#endif							/* MY_WRITE_H */
