/* query.h — running queries and fetching their rows. */
#ifndef MY_QUERY_H
#define MY_QUERY_H

#include "conn.h"

extern ConnhubStatus my_execute(ConnhubConn *conn, const ConnhubQuery *query, ConnhubCursor **cursor,
								ConnhubError *error);
extern ConnhubStatus my_describe(ConnhubCursor *cursor,
								 void (*found) (void *arg, const char *name, const ConnhubTypeRef *type), void *arg,
								 ConnhubError *error);
extern ConnhubStatus my_fetch(ConnhubCursor *cursor, ConnhubBatch *batch, ConnhubError *error);
extern ConnhubStatus my_close_cursor(ConnhubCursor *cursor, ConnhubError *error);

/* For close: free the open cursor and the kept statements without a round trip. */
extern void my_cursor_discard(ConnhubConn *conn);
extern void my_statements_forget(ConnhubConn *conn);

#endif							/* MY_QUERY_H */
