/* mock.h — private structures of the mock driver.
 *
 * A connection is a set of generated tables, a list of scripted faults and counters.  A native query
 * is parsed into an expression tree over one table's columns and evaluated row by row; no row is
 * stored anywhere, each is computed from its number. */
#ifndef MOCK_H
#define MOCK_H

#include "connhub/driver.h"
#include "fail.h"

#include <inttypes.h>

/* A build may serve its type under another name and promise less: 0 no transactions, 1 transactions, 2 savepoints
 * and two-phase commit too. */
#ifndef MK_NAME
#define MK_NAME	"mock"
#endif
#ifndef MK_PROMISES
#define MK_PROMISES	2
#endif

#define MK_DATA_SCHEMA	"data"	/* the tables of option "tables" */
#define MK_SELF_SCHEMA	"mock"	/* what the driver tells of itself */

/* The host, set once by connhub_driver_init. */
extern const ConnhubHost *mk_host;

/* ---- Memory that goes away as a whole (conn.c) ---- */

typedef struct MkArena
{
	struct MkBlock *blocks;
} MkArena;

/* Zeroed memory that lives until mk_arena_free; NULL when there is none left. */
extern void *mk_arena_alloc(MkArena *arena, size_t size);
extern char *mk_arena_copy(MkArena *arena, const char *data, size_t length);
extern void mk_arena_free(MkArena *arena);

/* ---- Types (types.c) ---- */

typedef enum MkStorage
{
	MK_INTEGER,
	MK_REAL,
	MK_SLICE,
	MK_INTERVAL
} MkStorage;

typedef struct MkEdge
{
	int64_t		integer;
	double		real;
	ConnhubSlice slice;
	ConnhubInterval interval;
} MkEdge;

typedef struct MkType
{
	const char *name;			/* in option "tables" and in native queries */
	ConnhubType type;			/* what discovery reports and expressions see */
	ConnhubType vector;			/* what fetch fills in */
	MkStorage	storage;
	const char *pg_type;
	const MkEdge *edges;		/* boundary values, for columns marked "edges" */
	uint32_t	nedges;
} MkType;

#define MK_SCRATCH 64			/* bytes that any generated slice fits into */
#define MK_TEXT_MAX 128			/* bytes that the text of any value but a slice fits into */

extern const MkType *mk_type_by_name(const char *name, size_t length);
extern const MkType *mk_type_by_id(ConnhubType type);
extern MkStorage mk_storage(ConnhubType type);

/* The ordinary value number n of a type.  Slices point into scratch. */
extern void mk_type_generate(const MkType *type, uint64_t n, char *scratch, ConnhubValue *value);

/* Canonical PostgreSQL text of a value that is not null, in *text: inside buffer (MK_TEXT_MAX bytes) or
 * inside the value; BYTES takes 2 * length + 2 bytes from `alloc`.  False: no memory. */
typedef void *(*MkAlloc) (void *owner, size_t size);
extern bool mk_value_text(const ConnhubValue *value, char *buffer, MkAlloc alloc, void *owner,
						  ConnhubSlice *text);

/* ---- Tables (tables.c) ---- */

typedef struct MkColumn
{
	const char *name;
	const MkType *type;
	bool		is_key;
	bool		has_edges;
	uint64_t	modulus;		/* values repeat after so many rows; 0: never */
	uint64_t	nulls_every;	/* each so-many-th row is null; 0: none */
	uint64_t	bad_row;		/* this row cannot be represented; 0: none */
	bool		has_default;	/* an INSERT that leaves it out gets the value of the row's number */
	bool		is_computed;	/* it always has that value, and cannot be written */
} MkColumn;

typedef struct MkTable
{
	const char *schema;
	const char *name;
	uint64_t	nrows;
	uint32_t	ncolumns;
	MkColumn   *columns;
	bool		is_calls;		/* mock.calls: row n tells of call place n */
} MkTable;

/* The rows of a table that has been written to (store.c).  Never changed once others can see it. */
typedef struct MkState
{
	uint32_t	refs;
	MkArena		arena;
	uint64_t	nrows;
	uint64_t	serial;			/* number of the last row ever made */
	ConnhubValue *cells;		/* row after row */
} MkState;

typedef struct MkTables
{
	uint32_t	ntables;
	MkTable    *tables;
} MkTables;

/* Parse option "tables"; mock.calls is added.  CONFIG names the place that is wrong. */
extern ConnhubStatus mk_tables_parse(MkArena *arena, const char *text, MkTables *tables,
									 ConnhubError *error);
extern const MkColumn *mk_column_find(const MkTable *table, const char *name);
extern const MkTable *mk_table_find(const MkTables *tables, const char *schema, const char *name);

/* Value of a column in a row, counted from 1; state NULL: as generated.  False: the row is marked bad. */
extern bool mk_table_value(const MkTable *table, const MkState *state, const MkColumn *column, uint64_t row,
						   char *scratch, ConnhubValue *value);

/* ---- Faults and counters (fault.c) ---- */

/* Places where a fault can strike; also the rows of mock.calls. */
#define MK_PLACES(X) \
	X(MK_OPEN, "open") \
	X(MK_STEP, "step") \
	X(MK_CLOSE, "close") \
	X(MK_CHECK, "check") \
	X(MK_DISCOVER, "discover") \
	X(MK_EXECUTE, "execute") \
	X(MK_FETCH, "fetch") \
	X(MK_CLOSE_CURSOR, "close_cursor") \
	X(MK_CANCEL, "cancel") \
	X(MK_BEGIN, "begin") \
	X(MK_COMMIT, "commit") \
	X(MK_ROLLBACK, "rollback") \
	X(MK_WRITE, "write") \
	X(MK_SAVEPOINT, "savepoint") \
	X(MK_RELEASE, "release") \
	X(MK_ROLLBACK_TO, "rollback_to") \
	X(MK_PREPARE, "prepare") \
	X(MK_FINISH_PREPARED, "finish_prepared") \
	X(MK_LIST_PREPARED, "list_prepared")

typedef enum MkPlace
{
#define MK_PLACE_ENUM(symbol, name) symbol,
	MK_PLACES(MK_PLACE_ENUM)
#undef MK_PLACE_ENUM
	MK_NPLACES
} MkPlace;

extern const char *const mk_place_names[MK_NPLACES];

/* Calls made in this process, by place. */
extern uint64_t mk_calls[MK_NPLACES];

typedef enum MkAction
{
	MK_ACT_FAIL,				/* fail with status */
	MK_ACT_SLOW,				/* take ms longer */
	MK_ACT_HANG,				/* wait until cancelled */
	MK_ACT_BLOCK,				/* the same in a call that can only block */
	MK_ACT_LATER				/* fail with status, and ask for a pause of ms */
} MkAction;

typedef struct MkFault
{
	MkPlace		place;
	uint64_t	number;			/* strike only at this one; 0: always */
	uint64_t	connection;		/* and only on this one; 0: on all */
	MkAction	action;
	ConnhubStatus status;
	ConnhubPhase phase;			/* of a failing step */
	int64_t		ms;				/* SLOW: how long; FAIL: after how long */
} MkFault;

typedef struct MkFaults
{
	uint64_t	connection;		/* number of the one they are of */
	uint32_t	nfaults;
	MkFault    *faults;
} MkFaults;

extern ConnhubStatus mk_faults_parse(MkArena *arena, const char *text, MkFaults *faults,
									 ConnhubError *error);

/* The fault due at call or row `number` of a place, or NULL. */
extern const MkFault *mk_fault_find(const MkFaults *faults, MkPlace place, uint64_t number);

/* Let it strike in a slot that may wait: OK when the slot is to go on. */
extern ConnhubStatus mk_fault_strike(const MkFault *fault, ConnhubError *error);

/* Fill *error as the fault says and return its status. */
extern ConnhubStatus mk_fault_fail(const MkFault *fault, ConnhubError *error);

/* ---- Expressions (expr.c) ---- */

typedef struct MkExpr
{
	ConnhubExprKind kind;
	const MkColumn *column;		/* COLUMN */
	ConnhubValue value;			/* CONST */
	uint32_t	param;			/* PARAM */
	ConnhubFunction fn;			/* CALL; NONE: "maybe", which is true of every row */
	ConnhubType cast;			/* FN_CAST: target */
	uint32_t	nargs;
	struct MkExpr **args;
	char	   *scratch;		/* COLUMN: 2 * MK_SCRATCH bytes, a half for each side of MkRow */
} MkExpr;

/* What an expression is evaluated over. */
typedef struct MkRow
{
	const MkTable *table;
	uint64_t	number;			/* from 1 */
	const ConnhubValue *params;
	int			side;			/* 0 or 1: two rows can be held against each other */
	ConnhubError *error;
	const MkState *state;		/* of the table's rows, or NULL */
} MkRow;

/* OK, DATA or QUERY with row->error filled in.  Slices live until the next evaluation for the same
 * side. */
extern ConnhubStatus mk_expr_evaluate(const MkExpr *expr, const MkRow *row, ConnhubValue *value);

/* The name of a function in option "judge"; NULL when the driver does not evaluate it. */
extern const char *mk_function_name(ConnhubFunction fn);

/* The function of a name of `length` bytes in which _ stands for a blank; NONE when unknown. */
extern ConnhubFunction mk_function_by_name(const char *name, size_t length);

/* Can values of a type be compared as PostgreSQL does, text by its bytes? */
extern bool mk_type_comparable(ConnhubType type);

/* May values of these two types meet in one comparison? */
extern bool mk_types_match(ConnhubType a, ConnhubType b);

/* Order of two values of one type, neither null: < 0, 0, > 0, with NaN above all numbers. */
extern int	mk_value_compare(const ConnhubValue *a, const ConnhubValue *b);

/* ---- Native queries (parse.c) ---- */

typedef struct MkSortKey
{
	MkExpr	   *expr;
	bool		descending;
	bool		nulls_first;
} MkSortKey;

typedef struct MkSet
{
	const MkColumn *column;
	MkExpr	   *value;
} MkSet;

typedef struct MkPlan
{
	const MkTable *table;
	ConnhubWriteKind kind;		/* UPDATE, DELETE; 0: a query */
	uint32_t	nsets;
	MkSet	   *sets;
	uint32_t	noutputs;
	MkExpr	  **outputs;
	uint32_t	nfilters;
	MkExpr	  **filters;
	uint32_t	nsort;
	MkSortKey  *sort;
	MkExpr	   *limit;
	MkExpr	   *offset;
} MkPlan;

extern ConnhubStatus mk_parse(MkArena *arena, const MkTables *tables, const char *text,
							  uint32_t nparams, MkPlan *plan, ConnhubError *error);

/* ---- Connection ---- */

struct ConnhubConn
{
	MkArena		arena;
	MkTables	tables;
	MkFaults	faults;
	int64_t		latency_ms;
	uint32_t	batch_rows;		/* most rows of a fetch; 0: as many as fit */
	bool		text_vectors;	/* hand every column over as text */
	ConnhubPhase phase;			/* next phase of opening */
	int64_t		wake_ms;		/* a slow phase ends then; 0: none runs */
	bool		in_check;		/* a stepwise check has begun */
	bool		in_transaction;
	bool		is_read_only;	/* the transaction */
	struct MkSource *source;	/* what all connections to it share; NULL: nothing was ever written */
	char	   *key;			/* of it */
	struct MkTxn *txn;			/* what this transaction has written; NULL: nothing yet */
	uint64_t	version;		/* of the source, when the transaction began */
	uint64_t	calls[MK_NPLACES];
	ConnhubCursor *cursor;		/* the one that is open, or NULL */
};

/* Count a call and let a scripted fault strike. */
extern ConnhubStatus mk_enter(ConnhubConn *conn, MkPlace place, ConnhubError *error);

extern const ConnhubTypeSpec mk_types[1];

extern ConnhubStatus mk_open(const ConnhubConfig *config, ConnhubConn **conn, ConnhubError *error);
extern ConnhubStatus mk_step(ConnhubConn *conn, ConnhubWait *wait, ConnhubError *error);
extern void mk_close(ConnhubConn *conn);
extern ConnhubStatus mk_check(ConnhubConn *conn, ConnhubCheckLevel level, ConnhubInfo *info,
							  ConnhubError *error);
extern ConnhubStatus mk_check_step(ConnhubConn *conn, ConnhubInfo *info, ConnhubWait *wait, ConnhubError *error);
extern ConnhubStatus mk_cancel(ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus mk_begin(ConnhubConn *conn, const ConnhubTxn *txn, ConnhubError *error);
extern ConnhubStatus mk_commit(ConnhubConn *conn, ConnhubError *error);
extern ConnhubStatus mk_rollback(ConnhubConn *conn, ConnhubError *error);
extern void mk_judge(const ConnhubSource *source, const ConnhubPiece *piece, ConnhubVerdict *verdict);
extern ConnhubStatus mk_render(const ConnhubSource *source, const ConnhubRequest *request,
							   ConnhubText *out, ConnhubError *error);
extern ConnhubStatus mk_execute(ConnhubConn *conn, const ConnhubQuery *query, ConnhubCursor **cursor,
								ConnhubError *error);
extern ConnhubStatus mk_fetch(ConnhubCursor *cursor, ConnhubBatch *batch, ConnhubError *error);
extern ConnhubStatus mk_describe(ConnhubCursor *cursor,
								 void (*found) (void *arg, const char *name, const ConnhubTypeRef *type), void *arg,
								 ConnhubError *error);
extern ConnhubStatus mk_close_cursor(ConnhubCursor *cursor, ConnhubError *error);
/* ---- Writing (store.c: states and transactions; write.c: rows) ---- */

/* The table's state as this connection sees it, or NULL. */
extern const MkState *mk_state_get(ConnhubConn *conn, const MkTable *table);

/* A state of the connection's own to be changed, then handed to mk_state_put, which takes it over and publishes
 * it outside a transaction; or to mk_state_free.  NULL: no memory. */
extern MkState *mk_state_copy(ConnhubConn *conn, const MkTable *table);
extern ConnhubStatus mk_state_put(ConnhubConn *conn, const MkTable *table, MkState *state, ConnhubError *error);
extern MkState *mk_state_create(const MkTable *table, uint64_t capacity);
extern void mk_state_free(MkState *state);

/* Copy a value into the state. */
extern bool mk_state_set(MkState *state, const MkTable *table, uint64_t row, uint32_t column, const ConnhubValue *value);

/* Forget what the transaction wrote. */
extern void mk_txn_forget(ConnhubConn *conn);
extern ConnhubStatus mk_txn_commit(ConnhubConn *conn, ConnhubError *error);

/* Run an UPDATE or DELETE: *changed becomes the rows as RETURNING sees them, *affected their number. */
extern ConnhubStatus mk_modify(ConnhubConn *conn, const MkPlan *plan, const ConnhubValue *params, MkState **changed,
							   ConnhubError *error);

/* A cursor over some columns of rows, which it takes over. */
extern ConnhubStatus mk_cursor_over(ConnhubConn *conn, const MkTable *table, MkState *rows,
									const ConnhubColumn *const *columns, uint32_t ncolumns, ConnhubCursor **cursor,
									ConnhubError *error);

extern ConnhubStatus mk_render_write(const ConnhubSource *source, const ConnhubWrite *write, ConnhubText *out,
									 ConnhubError *error);
extern ConnhubStatus mk_render_modify(const ConnhubSource *source, const ConnhubModify *modify, ConnhubText *out,
									  ConnhubError *error);
extern ConnhubStatus mk_write(ConnhubConn *conn, const ConnhubWrite *write, const char *text, const ConnhubRows *rows,
							  uint64_t *affected, ConnhubCursor **cursor, ConnhubError *error);
extern ConnhubStatus mk_affected(ConnhubCursor *cursor, uint64_t *rows, ConnhubError *error);
extern ConnhubStatus mk_savepoint(ConnhubConn *conn, uint32_t depth, ConnhubError *error);
extern ConnhubStatus mk_release(ConnhubConn *conn, uint32_t depth, ConnhubError *error);
extern ConnhubStatus mk_rollback_to(ConnhubConn *conn, uint32_t depth, ConnhubError *error);
extern ConnhubStatus mk_prepare(ConnhubConn *conn, const char *gid, ConnhubError *error);
extern ConnhubStatus mk_finish_prepared(ConnhubConn *conn, const char *gid, bool commit, ConnhubError *error);
extern ConnhubStatus mk_list_prepared(ConnhubConn *conn, const char *prefix,
									  void (*found) (void *arg, const char *gid), void *arg, ConnhubError *error);

extern ConnhubStatus mk_discover(ConnhubConn *conn, const ConnhubDiscoverRequest *request,
								 ConnhubSink *sink, ConnhubError *error);

#endif							/* MOCK_H */
