/* rows.h — the driver's own questions to the source: text queries, rows streamed. */
#ifndef MY_ROWS_H
#define MY_ROWS_H

#include "conn.h"
#include "text.h"

/* A query being written; out of memory is reported by my_rows_open. */
typedef struct MyText
{
	ConnhubText text;
	TextWriter	writer;
} MyText;

extern void my_text_init(MyText *text, const ConnhubHost *host);
extern void my_text_add(MyText *text, const char *piece);
extern void my_text_add_literal(MyText *text, const char *value);
extern void my_text_add_name(MyText *text, const char *name);
extern void my_text_free(MyText *text);

/* A column of digits. */
extern uint64_t my_text_number(const char *digits);
extern bool my_text_is_number(const char *digits, uint64_t number);

typedef struct MyRows
{
	ConnhubConn *conn;
	MYSQL_RES  *result;
	MYSQL_ROW	row;			/* columns as text, NULL for null; until the next call */
} MyRows;

/* Run text and free it.  On OK the rows must be closed. */
extern ConnhubStatus my_rows_open(ConnhubConn *conn, MyText *text, MyRows *rows, ConnhubError *error);

/* OK with rows->row set, DONE, or a failure. */
extern ConnhubStatus my_rows_next(MyRows *rows, ConnhubError *error);

/* Unread rows are read off: for answers of a few rows, or after DONE or a failure. */
extern void my_rows_close(MyRows *rows);

#endif							/* MY_ROWS_H */
