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
extern ConnhubStatus my_affected(ConnhubCursor *cursor, uint64_t *rows, ConnhubError *error);
extern ConnhubStatus my_ready(ConnhubCursor *cursor, ConnhubWait *wait, ConnhubError *error);

/* For a write that gives rows back: a cursor of so many columns, over the answer to a statement that was
 * sent.  Whatever fails behind my_cursor_open ends in my_cursor_fail, which frees it. */
extern ConnhubStatus my_cursor_open(ConnhubConn *conn, uint32_t ncolumns, ConnhubCursor **cursor, ConnhubError *error);
extern ConnhubStatus my_cursor_answer(ConnhubCursor *cursor, MYSQL_STMT *stmt, MyStatement *kept, ConnhubError *error);
extern ConnhubStatus my_cursor_fail(ConnhubCursor *cursor, ConnhubError *error);

/* For close: free the open cursor without a round trip. */
extern void my_cursor_discard(ConnhubConn *conn);

#endif							/* MY_QUERY_H */
