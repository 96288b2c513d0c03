/* command.h — what is sent over a connection, and when its answer is read. */
#ifndef MY_COMMAND_H
#define MY_COMMAND_H

#include "conn.h"

/* Run a statement that returns no rows, and wait for its answer. */
extern ConnhubStatus my_command(ConnhubConn *conn, const char *text, ConnhubError *error);

/* Send one whose answer is read before that of the next: for what does not fail in a healthy session.  A
 * failure then gives the connection up.  more_follows: it may travel with the next, a moment later. */
extern ConnhubStatus my_command_ahead(ConnhubConn *conn, const char *text, bool more_follows, ConnhubError *error);

/* Read the answers still due, or only those that are there. */
extern ConnhubStatus my_settle(ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus my_settle_ready(ConnhubConn *conn, ConnhubError *error);

/* The prepared statement of a text with plain placeholders.  It is kept for the next time, in *kept, or with
 * `once` is the caller's to close. */
extern ConnhubStatus my_statement_get(ConnhubConn *conn, const char *text, bool once, MYSQL_STMT **stmt,
									  MyStatement **kept, ConnhubError *error);
extern void my_statement_forget(ConnhubConn *conn, MyStatement *statement);

/* For close: forget all, without a round trip. */
extern void my_statements_forget(ConnhubConn *conn);

/* Run a statement whose parameters are bound: send it, and read the answer to it, up to the first row. */
extern ConnhubStatus my_statement_send(ConnhubConn *conn, MYSQL_STMT *stmt, ConnhubError *error);
extern ConnhubStatus my_statement_answer(ConnhubConn *conn, MYSQL_STMT *stmt, ConnhubError *error);

#endif							/* MY_COMMAND_H */
