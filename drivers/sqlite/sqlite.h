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

/* Statements kept for another use. */
#define SQ_KEPT 16

typedef struct SqKept
{
	sqlite3_stmt *statement;
	uint64_t	last_use;
	bool		in_use;
} SqKept;

struct ConnhubConn
{
	sqlite3    *db;				/* NULL until opened */
	char	   *path;
	char	   *schema;			/* as configured, or NULL */
	bool		read_only;		/* so configured */
	bool		is_writable;	/* opened for writing */
	bool		in_transaction; /* begun and not ended by core; the library may have rolled it back by itself */
	bool		refuses_writes; /* the transaction is to read only */
	bool		is_own;			/* a statement of the driver's own is being prepared */
	SqKept		kept[SQ_KEPT];
	uint64_t	uses;			/* of kept statements */
	int64_t		busy_timeout_ms;
	ConnhubStatus stop;			/* why the library was interrupted; OK: it was not */
	uint64_t	flags;			/* ConnhubInfo.flags */
	ConnhubCursor *cursors;		/* those open */
};

/* ---- Errors (conn.c) ---- */

/* Fill *error from the library's last failure on the connection. */
extern ConnhubStatus sq_library_error(ConnhubConn *conn, ConnhubError *error);

/* Prepare a statement of the driver's own, or run it and forget its rows. */
extern ConnhubStatus sq_prepare(ConnhubConn *conn, const char *sql, sqlite3_stmt **statement,
								ConnhubError *error);
extern ConnhubStatus sq_run(ConnhubConn *conn, const char *sql, ConnhubError *error);

/* A boolean option's value. */
extern bool sq_is_true(const char *value);

/* ---- Statements (statement.c) ---- */

/* The prepared statement of a text that is one statement and no more, for one user at a time; prepared anew when
 * it is not kept.  keep: it may come again. */
extern ConnhubStatus sq_acquire(ConnhubConn *conn, const char *text, bool keep, sqlite3_stmt **statement,
								ConnhubError *error);
extern void sq_release(ConnhubConn *conn, sqlite3_stmt *statement);
extern void sq_forget_statements(ConnhubConn *conn);

/* ---- Transactions (transaction.c) ---- */

/* Is the transaction that core began still there?  The library rolls one back by itself when the disk is full. */
extern ConnhubStatus sq_require_transaction(ConnhubConn *conn, ConnhubError *error);

/* May rows be changed now? */
extern ConnhubStatus sq_require_writable(ConnhubConn *conn, ConnhubError *error);

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

/* One filling of a batch. */
typedef struct SqFill
{
	ConnhubBatch *batch;
	size_t		bytes;			/* payload held */
	char	   *room;			/* of the batch, not used yet */
	size_t		left;
} SqFill;

/* Set the vectors' types, and append the row the statement stands on, or copies of its values; DATA names the column. */
extern void sq_vector_types(ConnhubBatch *batch);
extern ConnhubStatus sq_read_row(sqlite3_stmt *statement, sqlite3_value *const *values, SqFill *fill,
								 ConnhubError *error);

/* [sign] digits [. digits] [e [sign] digits], with at least one digit before the exponent and at most so many in it? */
extern bool sq_is_number_text(const char *text, size_t length, size_t exponent_digits);

/* Shortest digits that read back as the same real, which is not NaN; returns their length.  size is at least 40. */
extern int	sq_real_text(double real, char *buffer, size_t size);

/* Bind parameter number (from 1) of a statement.  The value outlives the statement's next reset only
 * when the library copies it, so it does. */
extern ConnhubStatus sq_bind(sqlite3_stmt *statement, int number, const ConnhubValue *value,
							 ConnhubError *error);

/* Valid UTF-8 without a zero byte? */
extern bool sq_is_clean_text(const unsigned char *text, size_t length);

/* ---- Checks (check.c) ---- */

/* How the library tells that a check found a value that cannot be read here. */
#define SQ_ERROR_UNFIT (SQLITE_MISMATCH | (1 << 8))

/* Form of a value of this type that fails where reading it here fails; NULL: there is none. */
extern const char *sq_check_form(ConnhubType type);

/* Make the functions of these forms known to a connection; false when memory ran out. */
extern bool sq_add_checks(sqlite3 *db);

/* ---- Sums (sum.c) ---- */

/* Make connhub_sum known to a connection: the sum of integers that are not null, an integer when it is one of 64 bits,
 * else text.  False when memory ran out. */
extern bool sq_add_sum(sqlite3 *db);

/* ---- Stored forms (store.c) ---- */

/* May values of the column's type be put into it and read back the same?  NULL, or the reason why not. */
extern const char *sq_store_refusal(const ConnhubColumn *column);

/* A column that values are bound for, with what the library will do to them. */
typedef struct SqTarget
{
	const ConnhubColumn *column;
	SqAffinity	affinity;
} SqTarget;

extern void sq_aim(SqTarget *target, const ConnhubColumn *column);

/* Bind a value on its way into a column, or one of its key.  DATA, with the column's name, when it could not be read
 * back the same.  Slices are not copied: they must live until the bindings are cleared. */
extern ConnhubStatus sq_bind_stored(sqlite3_stmt *statement, int number, const SqTarget *target,
									const ConnhubValue *value, ConnhubError *error);

/* ---- Rows held (write.c, query.c) ---- */

typedef struct SqValues
{
	sqlite3_value **items;		/* from the C library's malloc and sqlite3_value_dup */
	size_t		n;
	size_t		capacity;
} SqValues;

extern void sq_free_values(SqValues *values);

/* A cursor over rows held; takes them and the statement over when it succeeds. */
extern ConnhubStatus sq_hold_rows(ConnhubConn *conn, sqlite3_stmt *statement, uint32_t ncolumns, SqValues *values,
								  ConnhubCursor **cursor, ConnhubError *error);

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

/* ISO 8601 text of times of day and, with days from sq_format_date's range, of moments; false outside. */
extern bool sq_format_time(int64_t micros, char *buffer, size_t size);
extern bool sq_format_moment(int64_t micros, char *buffer, size_t size);

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
extern ConnhubStatus sq_savepoint(ConnhubConn *conn, uint32_t depth, ConnhubError *error);
extern ConnhubStatus sq_release_savepoint(ConnhubConn *conn, uint32_t depth, ConnhubError *error);
extern ConnhubStatus sq_rollback_to(ConnhubConn *conn, uint32_t depth, ConnhubError *error);
extern ConnhubStatus sq_affected(ConnhubCursor *cursor, uint64_t *rows, ConnhubError *error);
extern ConnhubStatus sq_ready(ConnhubCursor *cursor, ConnhubWait *wait, ConnhubError *error);
extern ConnhubStatus sq_render_write(const ConnhubSource *source, const ConnhubWrite *write, ConnhubText *out,
									 ConnhubError *error);
extern ConnhubStatus sq_render_modify(const ConnhubSource *source, const ConnhubModify *modify, ConnhubText *out,
									  ConnhubError *error);
extern ConnhubStatus sq_write(ConnhubConn *conn, const ConnhubWrite *write, const char *text, const ConnhubRows *rows,
							  uint64_t *affected, ConnhubCursor **cursor, ConnhubError *error);
extern ConnhubStatus sq_discover(ConnhubConn *conn, const ConnhubDiscoverRequest *request,
								 ConnhubSink *sink, ConnhubError *error);

#endif							/* SQ_SQLITE_H */
