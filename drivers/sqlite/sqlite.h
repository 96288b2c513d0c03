/* sqlite.h — private structures of the sqlite driver. */
#ifndef SQ_SQLITE_H
#define SQ_SQLITE_H

#include "connhub/driver.h"
#include "fail.h"

#include <sqlite3.h>

/* Oldest library that lists tables with their kind and strictness. */
#define SQ_MIN_LIBRARY 3037000

/* ConnhubInfo.flags */
#define SQ_FLAG_UTF8	0x1		/* text is stored as UTF-8, so BINARY order is byte order */

/* The host, set once by connhub_driver_init. */
extern const ConnhubHost *sq_host;

struct ConnhubConn
{
	sqlite3    *db;				/* NULL until opened */
	char	   *path;
	char	   *schema;			/* as configured, or NULL */
	bool		read_only;
	int64_t		busy_timeout_ms;
	ConnhubStatus stop;			/* why the library was interrupted; OK: it was not */
	uint64_t	flags;			/* ConnhubInfo.flags */
	ConnhubCursor *cursors;		/* those open */
};

/* ---- Errors (conn.c) ---- */

/* Fill *error from the library's last failure on the connection. */
extern ConnhubStatus sq_library_error(ConnhubConn *conn, ConnhubError *error);

/* Prepare a statement of the driver's own. */
extern ConnhubStatus sq_prepare(ConnhubConn *conn, const char *sql, sqlite3_stmt **statement,
								ConnhubError *error);

/* ---- Types (types.c) ---- */

/* What the library does to values on their way into a column. */
typedef enum SqAffinity
{
	SQ_BLOB,					/* nothing: any value may stand there */
	SQ_TEXT,					/* numbers become text */
	SQ_NUMERIC,					/* text that looks like a number becomes one */
	SQ_INTEGER,
	SQ_REAL
} SqAffinity;

extern SqAffinity sq_affinity(const char *declared);

/* What a declared type becomes. */
extern void sq_type_from_declared(const char *declared, ConnhubTypeRef *type);

/* How remote_type tells that a column can hold nothing but its type. */
#define SQ_STRICT_SUFFIX " STRICT"
#define SQ_ROWID_TYPE "INTEGER PRIMARY KEY"
extern bool sq_type_is_enforced(const char *remote_type);

/* ---- Values (value.c) ---- */

/* Set the vectors' types, and append the row the statement stands on; DATA names the column. */
extern void sq_vector_types(ConnhubBatch *batch);
extern ConnhubStatus sq_read_row(sqlite3_stmt *statement, ConnhubBatch *batch, size_t *bytes,
								 ConnhubError *error);

/* Bind parameter number (from 1) of a statement.  The value outlives the statement's next reset only
 * when the library copies it, so it does. */
extern ConnhubStatus sq_bind(sqlite3_stmt *statement, int number, const ConnhubValue *value,
							 ConnhubError *error);

/* ---- Dates and times (datetime.c) ---- */

/* Read the forms SQLite's own date functions take: ISO 8601 text without a modifier.  A zone is taken only when `zone`
 * is not NULL: minutes east of UTC.  *has_time tells whether a time of day stood there. */
extern bool sq_parse_moment(const char *text, size_t length, int64_t *days, int64_t *micros,
							bool *has_time, int *zone);
extern bool sq_parse_time(const char *text, size_t length, int64_t *micros);

/* Microseconds since 1970 of a Julian day number; false outside the years 0000 to 9999. */
extern bool sq_julian_to_micros(double julian, int64_t *micros);

/* Date of days since 1970 as YYYY-MM-DD; false outside the years 0001 to 9999. */
extern bool sq_format_date(int64_t days, char *buffer, size_t size);

/* ---- Slots ---- */

extern const ConnhubTypeSpec sq_types[1];

extern ConnhubStatus sq_open(const ConnhubConfig *config, ConnhubConn **conn, ConnhubError *error);
extern ConnhubStatus sq_step(ConnhubConn *conn, ConnhubWait *wait, ConnhubError *error);
extern void sq_close(ConnhubConn *conn);
extern ConnhubStatus sq_check(ConnhubConn *conn, ConnhubCheckLevel level, ConnhubInfo *info,
							  ConnhubError *error);
extern ConnhubStatus sq_cancel(ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus sq_begin(ConnhubConn *conn, const ConnhubTxn *txn, ConnhubError *error);
extern ConnhubStatus sq_commit(ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus sq_rollback(ConnhubConn *conn, ConnhubError *error);
extern void sq_judge(const ConnhubSource *source, const ConnhubPiece *piece, ConnhubVerdict *verdict);
extern ConnhubStatus sq_render(const ConnhubSource *source, const ConnhubRequest *request,
							   ConnhubText *out, ConnhubError *error);
extern ConnhubStatus sq_execute(ConnhubConn *conn, const ConnhubQuery *query, ConnhubCursor **cursor,
								ConnhubError *error);
extern ConnhubStatus sq_fetch(ConnhubCursor *cursor, ConnhubBatch *batch, ConnhubError *error);
extern ConnhubStatus sq_describe(ConnhubCursor *cursor,
								 void (*found) (void *arg, const char *name, const ConnhubTypeRef *type), void *arg,
								 ConnhubError *error);
extern ConnhubStatus sq_close_cursor(ConnhubCursor *cursor, ConnhubError *error);
extern ConnhubStatus sq_discover(ConnhubConn *conn, const ConnhubDiscoverRequest *request,
								 ConnhubSink *sink, ConnhubError *error);

#endif							/* SQ_SQLITE_H */
