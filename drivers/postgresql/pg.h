/* pg.h — what the files of this driver share.
 *
 * A connection stays in libpq's pipeline mode once it is open, but for the rows of a COPY: every statement travels
 * with what must precede and follow it (BEGIN, SAVEPOINT, PREPARE, RELEASE) in one flight, ended by a sync. */
#ifndef CONNHUB_PG_H
#define CONNHUB_PG_H

#include <libpq-fe.h>

#include "connhub/driver.h"
#include "sql/dialect.h"
#include "fail.h"
#include "text.h"

extern const ConnhubHost *pg_host;

#define PG_TYPE_POSTGRESQL	0	/* indexes of pg_types */
#define PG_TYPE_REDSHIFT	1
#define PG_NTYPES			2
extern const ConnhubTypeSpec pg_types[PG_NTYPES];

/* ConnhubInfo.flags: what judge must know of a source. */
#define PG_FLAG_GENUINE		(UINT64_C(1) << 0)	/* PostgreSQL itself, not a relative */
#define PG_FLAG_UTF8		(UINT64_C(1) << 1)	/* the database's encoding is UTF8 */

/* Prepared statements kept per connection. */
#define PG_STATEMENTS		32

/* What travels in one flight, in this order; each is there or not. */
typedef enum PgStep
{
	PG_STEP_EARLIER,			/* of an earlier flight whose answer nobody has waited for; so its sync */
	PG_STEP_EARLIER_SYNC,
	PG_STEP_OPENING,			/* BEGIN and what else the transaction is due, once or many times */
	PG_STEP_SAVEPOINT,
	PG_STEP_DEALLOCATE,
	PG_STEP_PREPARE,
	PG_STEP_DESCRIBE,
	PG_STEP_QUERY,				/* once or many times */
	PG_STEP_RELEASE,
	PG_STEP_SYNC,
	PG_NSTEPS
} PgStep;

#define PG_STEP(step)	(UINT32_C(1) << (step))

/* A statement text and how often it was sent; the second time it is prepared. */
typedef struct PgStatement
{
	char	   *text;			/* NULL: free */
	size_t		length;
	uint32_t	executions;
	uint32_t	number;			/* of its name at the source; 0: not prepared */
	uint32_t	stale_number;	/* a name to be deallocated before this slot is used; 0: none */
	uint64_t	last_use;
	uint64_t	copies_in;		/* transaction for which it is known whether an INSERT can go by COPY */
	bool		is_copied;		/* that it can */
	bool		keeps_rows;		/* no trigger of the table leaves rows out */
	bool		in_binary;		/* the columns are of the types that binary rows are made for */
} PgStatement;

/* An INSERT that goes by COPY, outside pipeline mode. */
typedef struct PgCopyIn
{
	bool		is_open;		/* it takes rows */
	const char *insert;			/* the statement it stands for, as core handed it over */
	bool		stays;			/* it may stay open between calls */
	bool		keeps_rows;
	bool		is_binary;
	bool		has_answer;		/* the source has said something that libpq has read and not shown */
	uint64_t	sent;			/* rows */
	ConnhubText chunk;			/* rows not yet handed to libpq */
} PgCopyIn;

/* The answers to one flight. */
typedef struct PgStream
{
	bool		active;
	uint32_t	steps;			/* bits of PgStep still to be answered, the current one included */
	uint32_t	nopening;		/* answers that PG_STEP_OPENING still stands for */
	uint32_t	nqueries;		/* and PG_STEP_QUERY */
	PgStatement *statement;		/* that PREPARE or the query belongs to, or NULL */
	bool		has_savepoint;
	const char *begin;			/* what has begun the transaction, when it is this statement's own; or NULL */
	bool		is_small;		/* its rows are read off rather than stopped where there is no savepoint */
	bool		has_rows;		/* one was given out */
	bool		is_first;		/* the transaction, if any, begins with it */
	bool		is_stale;		/* it failed for having been prepared before something changed, and may run anew */
	bool		keeps_head;		/* PG_SEND_HEAD */
	bool		writes;			/* to stop it would undo it */
	bool		is_told;		/* its error was handed on */
	bool		is_copy;		/* the query is a COPY, outside pipeline mode */
	bool		is_copying;		/* its rows are coming */
	bool		has_header;		/* the first of them has come */
	bool		failed;			/* an answer was an error: a savepoint must be rolled back to */
	ConnhubError error;			/* that error */
	char		tag[32];		/* command tag of the last query */
	uint64_t	affected;		/* rows its queries have changed or returned */
} PgStream;

struct ConnhubConn
{
	PGconn	   *pg;
	int			type;			/* PG_TYPE_… */
	char	   *schema;
	int64_t		query_timeout_ms;
	bool		require_password;
	bool		text_results;	/* the source's binary forms are not relied upon */
	bool		has_savepoints;
	bool		has_copy;		/* rows can be had by COPY */
	bool		lost;			/* of no more use */

	/* Opening. */
	char	  **keywords;		/* NULL-terminated; freed when open */
	char	  **values;
	size_t		hostaddr;		/* index of the address in values */
	char	  **addresses;
	uint32_t	naddresses;
	uint32_t	address;		/* the one being tried */
	int64_t		address_ms;		/* budget of each but the last */
	int64_t		address_deadline;
	PostgresPollingStatusType polling;
	ConnhubPhase phase;
	bool		in_setup;		/* connected; session settings are on their way */
	bool		tls_expected;
	bool		verify_name;
	bool		hung_up;		/* the far end closed the socket while opening */
	bool		foreign;		/* its first answer is none of this protocol */
	void	   *tls;			/* our own reference to the handshake's SSL, for its verdict */
	ConnhubError first_error;	/* of an earlier address */

	/* Open. */
	char		version[64];	/* as version() gives it, shortened */
	const char *pending_begin;	/* to be sent with the next statement; NULL: none */
	char		snapshot[96];	/* the command that takes over a snapshot right behind it, or empty */
	bool		in_transaction;
	bool		only_reads;		/* the transaction: its end can be left to itself */
	uint64_t	transaction;	/* its number; another one also after a savepoint was rolled back to */
	uint32_t	savepoints;		/* depth of those at the source, besides a statement's own */
	uint32_t	savepoints_due; /* depth they should have when the next statement is sent */
	bool		wants_no_timeout;	/* the next statement is to run without the source's own timeout */
	bool		timeout_lifted; /* and the transaction now has none, or may have none */
	bool		has_lifted_timeout; /* it had none at some time */
	bool		has_stale_savepoint;	/* the savepoint of a statement is still to be released */
	uint32_t	unanswered;		/* steps of an earlier flight whose answers are still to come */
	PgStream	stream;
	PgCopyIn	copy_in;
	PGresult   *head;			/* columns of the query sent with PG_SEND_HEAD, once its rows have ended; or NULL */
	bool		in_check;		/* the access query of a stepwise check is on its way */
	PGresult   *access;			/* and this is its row; or NULL */
	ConnhubCursor *cursor;
	PgStatement statements[PG_STATEMENTS];
	uint32_t	next_statement;
	uint64_t	uses;
};

/* error.c: what the server, libpq or the socket says gets its status here. */
extern ConnhubStatus pg_result_error(ConnhubConn *conn, const PGresult *result, ConnhubError *error);
extern ConnhubStatus pg_lost(ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus pg_open_error(ConnhubConn *conn, int socket_errno, ConnhubError *error);
extern ConnhubStatus pg_wait_failed(ConnhubStatus status, ConnhubError *error);
extern void pg_copy_line(char *target, size_t size, const char *text);

/* conn.c */
extern ConnhubStatus pg_open(const ConnhubConfig *config, ConnhubConn **conn, ConnhubError *error);
extern ConnhubStatus pg_step(ConnhubConn *conn, ConnhubWait *wait, ConnhubError *error);
extern void pg_close(ConnhubConn *conn);
extern char *pg_strdup(const char *text);

/* statement.c */
extern void pg_statement_name(char name[32], uint32_t number);
extern PgStatement *pg_find_statement(ConnhubConn *conn, const char *text);
extern void pg_retire_statement(PgStatement *statement);
extern void pg_forget_statements(ConnhubConn *conn);

/* stream.c: one flight of statements and its answers. */
typedef struct PgParams
{
	int			count;
	const Oid  *types;
	const char *const *values;
	const int  *lengths;
	const int  *formats;
} PgParams;

#define PG_SEND_BINARY	0x1		/* results in binary */
#define PG_SEND_ONCE	0x2		/* not to be prepared */
#define PG_SEND_SMALL	0x4		/* its rows will be read to their end */
#define PG_SEND_WRITES	0x8		/* it changes rows: never stopped, and core undoes it when it fails */
#define PG_SEND_BARE	0x10	/* without a savepoint */
#define PG_SEND_HEAD	0x20	/* keep its columns in conn->head when it has no row */

extern ConnhubStatus pg_send(ConnhubConn *conn, const char *text, const PgParams *params, int flags,
							 ConnhubError *error);
extern ConnhubStatus pg_next_row(ConnhubConn *conn, bool may_wait, PGresult **row, ConnhubError *error);
extern ConnhubStatus pg_finish(ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus pg_command(ConnhubConn *conn, const char *text, const char *expected_tag, ConnhubError *error);
extern ConnhubStatus pg_send_unanswered(ConnhubConn *conn, const char *text, ConnhubError *error);
extern ConnhubStatus pg_look_at_unanswered(ConnhubConn *conn, ConnhubError *error);

/* The pieces that flights are made of. */
extern ConnhubStatus pg_begin_stream(ConnhubConn *conn, ConnhubError *error);
extern bool pg_send_plain(ConnhubConn *conn, PgStep step, const char *text);
extern bool pg_has_opening(const ConnhubConn *conn);
extern bool pg_send_opening(ConnhubConn *conn);
extern ConnhubStatus pg_open_transaction(ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus pg_tell_failure(ConnhubConn *conn, ConnhubError *error);
extern bool pg_send_prologue(ConnhubConn *conn, PgStatement *statement, int flags);
extern bool pg_send_query(ConnhubConn *conn, PgStatement *statement, const char *text, const PgParams *params,
						  bool binary);
extern ConnhubStatus pg_send_epilogue(ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus pg_send_sync(ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus pg_flush(ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus pg_more_input(ConnhubConn *conn, bool may_wait, int64_t timeout_ms, ConnhubError *error);
extern ConnhubStatus pg_next_answer(ConnhubConn *conn, bool may_wait, int64_t timeout_ms, PGresult **row,
									ConnhubError *error);
extern ConnhubStatus pg_await(ConnhubConn *conn, ConnhubError *error);
extern void pg_note_failure(ConnhubConn *conn, PgStep step, const PGresult *result);
extern bool pg_tls_pending(ConnhubConn *conn);

/* copy.c: a query's rows by COPY. */
extern ConnhubStatus pg_copy_send(ConnhubConn *conn, const char *text, PGresult **shape, ConnhubError *error);
extern ConnhubStatus pg_copy_next(ConnhubConn *conn, bool may_wait, char **row, int *length, ConnhubError *error);
extern ConnhubStatus pg_copy_skip(ConnhubConn *conn, bool may_wait, int64_t timeout_ms, ConnhubError *error);

/* session.c */
extern ConnhubStatus pg_setup_send(ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus pg_setup_step(ConnhubConn *conn, ConnhubWait *wait, ConnhubError *error);
extern ConnhubStatus pg_one_row(ConnhubConn *conn, const char *text, const char *const *values, int nvalues, int flags,
								PGresult **row, ConnhubError *error);
extern ConnhubStatus pg_check(ConnhubConn *conn, ConnhubCheckLevel level, ConnhubInfo *info, ConnhubError *error);
extern ConnhubStatus pg_check_step(ConnhubConn *conn, ConnhubInfo *info, ConnhubWait *wait, ConnhubError *error);
extern ConnhubStatus pg_cancel(ConnhubConn *conn, ConnhubError *error);

/* txn.c */
extern ConnhubStatus pg_begin(ConnhubConn *conn, const ConnhubTxn *txn, ConnhubError *error);
extern ConnhubStatus pg_commit(ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus pg_rollback(ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus pg_savepoint(ConnhubConn *conn, uint32_t depth, ConnhubError *error);
extern ConnhubStatus pg_release(ConnhubConn *conn, uint32_t depth, ConnhubError *error);
extern ConnhubStatus pg_rollback_to(ConnhubConn *conn, uint32_t depth, ConnhubError *error);
extern void pg_savepoint_command(char text[64], const char *verb, uint32_t depth);
extern ConnhubStatus pg_prepare(ConnhubConn *conn, const char *gid, ConnhubError *error);
extern ConnhubStatus pg_finish_prepared(ConnhubConn *conn, const char *gid, bool commit, ConnhubError *error);
extern ConnhubStatus pg_list_prepared(ConnhubConn *conn, const char *prefix, void (*found) (void *arg, const char *gid),
									  void *arg, ConnhubError *error);
extern ConnhubStatus pg_export_snapshot(ConnhubConn *conn, char *name, size_t size, ConnhubError *error);

/* query.c */
extern ConnhubStatus pg_execute(ConnhubConn *conn, const ConnhubQuery *query, ConnhubCursor **cursor,
								ConnhubError *error);
extern ConnhubStatus pg_fetch(ConnhubCursor *cursor, ConnhubBatch *batch, ConnhubError *error);
extern ConnhubStatus pg_describe(ConnhubCursor *cursor,
								 void (*found) (void *arg, const char *name, const ConnhubTypeRef *type), void *arg,
								 ConnhubError *error);
extern ConnhubStatus pg_close_cursor(ConnhubCursor *cursor, ConnhubError *error);
extern ConnhubStatus pg_affected(ConnhubCursor *cursor, uint64_t *rows, ConnhubError *error);
extern ConnhubStatus pg_ready(ConnhubCursor *cursor, ConnhubWait *wait, ConnhubError *error);

/* A cursor over results at hand, which it then owns, the array too.  NULL: out of memory, and they are the
 * caller's still. */
extern ConnhubCursor *pg_stored_cursor(ConnhubConn *conn, const ConnhubTypeRef *columns, uint32_t ncolumns,
									   PGresult **rows, uint32_t nrows);

/* write.c */
extern ConnhubStatus pg_write(ConnhubConn *conn, const ConnhubWrite *write, const char *text, const ConnhubRows *rows,
							  uint64_t *affected, ConnhubCursor **cursor, ConnhubError *error);
extern ConnhubStatus pg_end_flight(ConnhubConn *conn, ConnhubStatus status, ConnhubError *error);

/* copy_in.c: rows of an INSERT by COPY. */
extern bool pg_suits_copy_in(ConnhubConn *conn, const ConnhubWrite *write, const ConnhubRows *rows);
extern ConnhubStatus pg_may_copy_in(ConnhubConn *conn, const ConnhubWrite *write, PgStatement *statement,
									const char *insert, ConnhubError *error);
extern ConnhubStatus pg_copy_in(ConnhubConn *conn, const ConnhubWrite *write, const PgStatement *statement,
								const char *insert, const ConnhubRows *rows, uint64_t *affected, ConnhubError *error);
extern ConnhubStatus pg_copy_in_rows(ConnhubConn *conn, const ConnhubRows *rows, uint64_t *affected,
									 ConnhubError *error);
extern ConnhubStatus pg_give_up_copy(ConnhubConn *conn, ConnhubError *error);

/* copy_row.c: a row as COPY takes it. */
extern bool pg_has_binary_row(const ConnhubColumn *column, Oid oid);
extern bool pg_append_copy_head(ConnhubText *chunk);
extern ConnhubStatus pg_append_copy_row(ConnhubText *chunk, bool is_binary, const ConnhubValue *values, uint32_t count,
										ConnhubError *error);

/* param.c */
typedef struct PgBound
{
	PgParams	params;
	void	   *memory;			/* everything params points to */
} PgBound;

extern ConnhubStatus pg_bind(const ConnhubValue *values, uint32_t count, PgBound *bound, ConnhubError *error);
extern void pg_unbind(PgBound *bound);

/* Bytes of the binary form of a type that has a fixed one; and that form of a value.  False: out of its range. */
extern int	pg_wire_width(ConnhubType type);
extern bool pg_put_wire(char *target, const ConnhubValue *value, int width);

/* types.c */
#define PG_EPOCH_DAYS	10957	/* 1970-01-01 to 2000-01-01 */
#define PG_EPOCH_MICROS INT64_C(946684800000000)

typedef struct PgType
{
	Oid			oid;
	Oid			array_oid;		/* 0: none */
	const char *name;			/* as format_type prints it without modifiers */
	ConnhubType type;
	bool		is_binary;		/* has a binary form that any server reads */
} PgType;

extern const PgType *pg_type_by_oid(Oid oid);
extern Oid	pg_oid_by_name(const char *name);
extern void pg_type_ref(Oid base, bool is_array, int32_t typmod, ConnhubTypeRef *ref);
extern void pg_result_type(Oid oid, int32_t typmod, ConnhubTypeRef *ref);
extern bool pg_is_text_type(Oid oid);
extern bool pg_is_stand_in(const ConnhubColumn *column);
extern bool pg_needs_text_output(const ConnhubColumn *column);

/* Put one value of a result into a row of a vector.  False: it does not fit the vector's type. */
typedef bool (*PgDecode) (const char *data, int length, ConnhubVector *vector, uint32_t row);

extern bool pg_decode_slice(const char *data, int length, ConnhubVector *vector, uint32_t row);
extern PgDecode pg_decoder(Oid oid, int format, const ConnhubTypeRef *wanted, ConnhubType *type);

/* discover.c */
extern ConnhubStatus pg_discover(ConnhubConn *conn, const ConnhubDiscoverRequest *request, ConnhubSink *sink,
								 ConnhubError *error);

/* discover_sql.c: the catalogue queries of a source. */
typedef struct PgCatalogue
{
	const char *schemas;
	const char *tables;
	const char *columns;
	const char *keys;
	const char *indexes;
	const char *stats;			/* NULL: none; so above */
} PgCatalogue;

extern const PgCatalogue pg_catalogues[PG_NTYPES];

/* dialect.c */
extern void pg_judge(const ConnhubSource *source, const ConnhubPiece *piece, ConnhubVerdict *verdict);
extern ConnhubStatus pg_render(const ConnhubSource *source, const ConnhubRequest *request, ConnhubText *out,
							   ConnhubError *error);
extern ConnhubStatus pg_render_write(const ConnhubSource *source, const ConnhubWrite *write, ConnhubText *out,
									 ConnhubError *error);
extern ConnhubStatus pg_render_modify(const ConnhubSource *source, const ConnhubModify *modify, ConnhubText *out,
									  ConnhubError *error);

#endif							/* CONNHUB_PG_H */
