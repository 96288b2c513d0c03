/* connhub/driver.h — the contract between connhub and a driver.
 *
 * A driver is a loadable module connhub_<family>.so that speaks to one family of data sources.  It
 * sees this header, drivers/common and its own client library, and nothing of the server.  Core
 * loads it, checks magic, ABI version and size, and calls it through the table ConnhubDriver.
 *
 * Rules that hold for every slot:
 *   - One thread calls a driver, and never two slots at once.  A driver installs no signal handler,
 *     forks nothing, and starts no thread but through ConnhubHost.offload.
 *   - A slot reports failure by its return value and a filled ConnhubError.  It never prints, exits
 *     or jumps.  Core raises the error after the driver's frames are gone.
 *   - A slot waits only in ConnhubHost.wait, or in a blocking library call between guard_begin and
 *     guard_end.  CONNHUB_CANCELLED from wait means: give up, release nothing twice, return
 *     CONNHUB_CANCELLED.
 *   - Strings are UTF-8 and NUL-terminated unless they come with a length.  Input pointers belong to
 *     the caller and are valid for the call only, unless the slot says otherwise.
 *   - Structures that may grow start with struct_size: the size the writer knew.  Fields and enum
 *     values are appended; a number is never reused.
 *
 * ABI 1.2.  What came after 1.0 says so.
 */
#ifndef CONNHUB_DRIVER_H
#define CONNHUB_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C"
{
#endif

#define CONNHUB_MAGIC		UINT32_C(0x43484231)	/* "CHB1" */
#define CONNHUB_ABI_MAJOR	1	/* raised when an old driver must not be loaded */
#define CONNHUB_ABI_MINOR	2	/* raised when fields are appended */

#if defined(__GNUC__)
#define CONNHUB_EXPORT __attribute__((visibility("default")))
#define CONNHUB_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define CONNHUB_EXPORT
#define CONNHUB_PRINTF(f, a)
#endif

/* ---- Status and errors ------------------------------------------------------------------- */

/* What a slot returns.  The causes from CONNHUB_REFUSED on are what a test of a connector reports;
 * a driver derives them from errno, the TLS library, an SQLSTATE or a native code, never from the
 * text of a message. */
typedef enum ConnhubStatus
{
	CONNHUB_OK = 0,				/* done */
	CONNHUB_WAIT = 1,			/* step: not done, wait as *wait says and call again */
	CONNHUB_DONE = 2,			/* fetch: no more rows; nothing was written to the batch */
	CONNHUB_CANCELLED = 3,		/* the user or the server asked to stop */

	CONNHUB_REFUSED = 10,		/* connection refused, unreachable, closed port */
	CONNHUB_DNS = 11,			/* the name does not resolve */
	CONNHUB_TIMEOUT = 12,		/* the deadline of the operation passed */
	CONNHUB_TLS = 13,			/* handshake or certificate; the detail gives the reason */
	CONNHUB_AUTH = 14,			/* wrong user, password, token or certificate */
	CONNHUB_NO_DATABASE = 15,	/* the database, or its counterpart, does not exist */
	CONNHUB_PERMISSION = 16,	/* known, but not allowed */
	CONNHUB_LOST = 17,			/* an open connection broke */
	CONNHUB_BUSY = 18,			/* the source has no connection or capacity left */
	CONNHUB_RATE_LIMITED = 19,
	CONNHUB_QUOTA = 20,
	CONNHUB_UNSUPPORTED = 21,	/* the driver or the source cannot do this */
	CONNHUB_CONFIG = 22,		/* an option is missing, malformed or contradictory */
	CONNHUB_QUERY = 23,			/* the source rejected the native query */
	CONNHUB_DATA = 24,			/* a value cannot be represented as the type asked for */
	CONNHUB_NO_MEMORY = 25,
	CONNHUB_INTERNAL = 26,		/* a defect: an impossible state */
	CONNHUB_SCHEMA_CHANGED = 27,	/* the remote object is gone or has another shape */
	CONNHUB_TUNNEL = 28			/* core's alone: the SSH server or proxy on the way; since 1.1 */
} ConnhubStatus;

/* Stages of opening and testing a connection, in order.  dns and tunnel belong to core. */
typedef enum ConnhubPhase
{
	CONNHUB_PHASE_NONE = 0,
	CONNHUB_PHASE_DNS,
	CONNHUB_PHASE_TUNNEL,
	CONNHUB_PHASE_TCP,
	CONNHUB_PHASE_TLS,
	CONNHUB_PHASE_AUTH,
	CONNHUB_PHASE_DATABASE,
	CONNHUB_PHASE_PERMISSION,
	CONNHUB_NPHASES
} ConnhubPhase;

/* Why a slot failed.  The caller zeroes it before the call and owns it; everything is stored inside,
 * so nothing is freed.  No field may hold a secret. */
typedef struct ConnhubError
{
	ConnhubStatus status;		/* same as the slot's return value */
	ConnhubPhase phase;			/* where opening or checking stood; NONE elsewhere */
	char		sqlstate[6];	/* five characters when the source gave one, else empty */
	int64_t		native_code;	/* the source's or library's own number, else 0 */
	bool		retryable;		/* the same call may succeed later without a change */
	bool		connection_lost;	/* the connection is of no more use: close it */
	int32_t		column;			/* 0-based result column of a CONNHUB_DATA failure, else -1 */
	char		message[512];	/* lower case, no full stop */
	char		detail[1024];	/* sentences, or empty */
	char		hint[512];		/* what to do, or empty */
	int64_t		retry_after_ms; /* the source asks for this pause before the next try; 0: it does not.  Since 1.1 */
} ConnhubError;

/* ---- Types and values -------------------------------------------------------------------- */

/* Logical types.  The second column is the storage of a value in ConnhubValue and ConnhubVector. */
typedef enum ConnhubType
{
	CONNHUB_TYPE_NONE = 0,
	CONNHUB_BOOL = 1,			/* integer: 0 or 1 */
	CONNHUB_INT16 = 2,			/* integer */
	CONNHUB_INT32 = 3,			/* integer */
	CONNHUB_INT64 = 4,			/* integer */
	CONNHUB_FLOAT32 = 5,		/* real, exactly representable as float */
	CONNHUB_FLOAT64 = 6,		/* real */
	CONNHUB_DECIMAL = 7,		/* slice: decimal text, "NaN", "Infinity", "-Infinity" */
	CONNHUB_DATE = 8,			/* integer: days since 1970-01-01, proleptic Gregorian */
	CONNHUB_TIME = 9,			/* integer: microseconds since midnight, 0 to 86400000000 */
	CONNHUB_TIMETZ = 10,		/* slice: text "HH:MM:SS[.ffffff]±HH[:MM[:SS]]" */
	CONNHUB_TIMESTAMP = 11,		/* integer: microseconds since 1970-01-01 00:00, no zone */
	CONNHUB_TIMESTAMPTZ = 12,	/* integer: microseconds since 1970-01-01 00:00 UTC */
	CONNHUB_INTERVAL = 13,		/* interval */
	CONNHUB_UUID = 14,			/* slice of 16 bytes */
	CONNHUB_TEXT = 15,			/* slice, UTF-8 */
	CONNHUB_BPCHAR = 16,		/* slice, UTF-8; blank-padded: trailing spaces carry no meaning */
	CONNHUB_BYTES = 17,			/* slice */
	CONNHUB_JSON = 18,			/* slice: JSON text */
	CONNHUB_NATIVE = 19,		/* slice: PostgreSQL's own text form of the type named beside it */
	CONNHUB_PGBINARY = 20,		/* slice: PostgreSQL's binary form of the column's PostgreSQL type; vectors only */
	CONNHUB_NTYPES
} ConnhubType;

/* Date and time infinities, in the storage of DATE, TIMESTAMP and TIMESTAMPTZ. */
#define CONNHUB_INFINITY		INT64_MAX
#define CONNHUB_MINUS_INFINITY	INT64_MIN

typedef struct ConnhubSlice
{
	const char *data;			/* not NUL-terminated */
	size_t		length;
} ConnhubSlice;

typedef struct ConnhubInterval
{
	int64_t		micros;
	int32_t		days;
	int32_t		months;
} ConnhubInterval;

/* A type with its modifiers.  pg_type is PostgreSQL's name of it as format_type prints it without
 * modifiers ("integer", "timestamp without time zone", "inet", "integer[]"); NULL when unknown. */
typedef struct ConnhubTypeRef
{
	ConnhubType type;
	int32_t		length;			/* characters or bytes; 0: unlimited */
	int32_t		precision;		/* DECIMAL digits, or digits of a second for times; -1: unset */
	int32_t		scale;			/* DECIMAL; meaningful when precision > 0 */
	const char *pg_type;
} ConnhubTypeRef;

/* One typed value: a constant of a request, or a parameter. */
typedef struct ConnhubValue
{
	ConnhubTypeRef type;
	bool		is_null;
	union
	{
		int64_t		integer;
		double		real;
		ConnhubSlice slice;
		ConnhubInterval interval;
	}			v;
} ConnhubValue;

/* One column of a batch.  Core sets `type` to the type it would like before each fetch; the driver
 * may set it to CONNHUB_TEXT (core then parses the canonical text of PostgreSQL), to CONNHUB_PGBINARY
 * or to a type of the same storage class that loses nothing, once for the whole batch. */
typedef struct ConnhubVector
{
	ConnhubType type;
	uint8_t    *validity;		/* bit i (least significant first) set: row i is not null */
	union
	{
		void	   *values;		/* capacity * 16 bytes, aligned for any member below */
		int64_t    *integers;
		double	   *reals;
		ConnhubSlice *slices;
		ConnhubInterval *intervals;
	}			v;
} ConnhubVector;

/* Rows on their way in.  Core allocates it and resets it (nrows 0, validity cleared, arena emptied)
 * before each fetch.  Slices may point into the client library's memory or into memory from
 * batch_alloc; both must stay valid until the next fetch or close_cursor. */
typedef struct ConnhubBatch
{
	size_t		struct_size;
	uint32_t	capacity;		/* most rows */
	uint32_t	nrows;			/* set by the driver */
	uint32_t	ncolumns;
	size_t		max_bytes;		/* stop adding rows once this much payload is held */
	ConnhubVector *columns;
	void	   *arena;			/* core's; pass to batch_alloc */
} ConnhubBatch;

#define CONNHUB_SET_VALID(vec, row) ((vec)->validity[(row) >> 3] |= (uint8_t) (1u << ((row) & 7)))
#define CONNHUB_IS_VALID(vec, row) (((vec)->validity[(row) >> 3] >> ((row) & 7)) & 1)

/* ---- Host services ----------------------------------------------------------------------- */

typedef enum ConnhubLogLevel
{
	CONNHUB_LOG_DEBUG = 0,
	CONNHUB_LOG_INFO = 1,
	CONNHUB_LOG_WARNING = 2
} ConnhubLogLevel;

#define CONNHUB_READABLE	1
#define CONNHUB_WRITABLE	2

/* Services core gives to drivers.  None of them throws or jumps. */
typedef struct ConnhubHost
{
	uint32_t	magic;
	uint16_t	abi_major;
	uint16_t	abi_minor;
	size_t		struct_size;

	/* Memory that lives until it is freed.  NULL when there is none left. */
	void	   *(*alloc) (size_t size);
	void	   *(*realloc) (void *pointer, size_t size);
	void		(*free) (void *pointer);	/* NULL is allowed */

	/* Memory that lives until the batch is reset.  NULL when there is none left. */
	void	   *(*batch_alloc) (ConnhubBatch *batch, size_t size);

	/* One line to the server log.  Core masks secrets it knows of, but do not rely on it. */
	void		(*log) (ConnhubLogLevel level, const char *text);

	/* Wait until fd is ready for one of `events` (CONNHUB_READABLE | CONNHUB_WRITABLE).  fd -1 waits
	 * for time alone.  timeout_ms < 0: only the deadline of the running operation bounds it.
	 * Returns OK (ready, or the time of an fd -1 wait is over), TIMEOUT or CANCELLED. */
	ConnhubStatus (*wait) (int fd, int events, int64_t timeout_ms);

	/* Has the user, the server or the operation's deadline asked to stop?  OK, TIMEOUT or CANCELLED.
	 * Cheap enough for every thousand steps of a loop. */
	ConnhubStatus (*cancelled) (void);

	/* Monotonic clock, milliseconds. */
	int64_t		(*now_ms) (void);

	/* Bracket a library call that can only block.  From guard_begin to guard_end, a cancel or a passed
	 * deadline shuts the socket down, so that the call returns with an error; ask cancelled() then.
	 * Not nested. */
	void		(*guard_begin) (int fd);
	void		(*guard_end) (void);

	/* Run fn(arg) in a thread of its own with every signal blocked, and wait up to wait_ms for it.
	 * OK: it has finished.  TIMEOUT or CANCELLED: it goes on by itself, and owns arg.  NO_MEMORY: it was
	 * not started.  fn may use nothing but the C library and arg: neither this table nor memory from
	 * alloc. */
	ConnhubStatus (*offload) (void (*fn) (void *arg), void *arg, int64_t wait_ms);

	/* The running open or check enters this phase.  Core keeps the times. */
	void		(*phase) (ConnhubPhase phase);
} ConnhubHost;

/* ---- Connector types --------------------------------------------------------------------- */

typedef enum ConnhubOptionKind
{
	CONNHUB_OPTION_TEXT = 0,
	CONNHUB_OPTION_INTEGER,		/* min and max apply */
	CONNHUB_OPTION_BOOLEAN,
	CONNHUB_OPTION_ENUM,		/* choices: comma-separated */
	CONNHUB_OPTION_DURATION,	/* "30s", "5min"; handed to the driver in milliseconds */
	CONNHUB_OPTION_PEM			/* PEM text; handed to the driver as a readable file name */
} ConnhubOptionKind;

#define CONNHUB_OPTION_SECRET		0x1 /* kept in the vault, never shown */
#define CONNHUB_OPTION_REQUIRED		0x2
#define CONNHUB_OPTION_PRIVILEGED	0x4 /* only connhub_admin may set it */

typedef struct ConnhubOptionSpec
{
	const char *name;			/* lower case, digits and _ */
	ConnhubOptionKind kind;
	uint32_t	flags;
	const char *default_value;	/* NULL: none */
	const char *choices;		/* ENUM only */
	int64_t		min;			/* INTEGER and DURATION (ms); both 0: unbounded */
	int64_t		max;
	const char *help;			/* one sentence */
} ConnhubOptionSpec;

#define CONNHUB_TYPE_NEEDS_HOST		0x1 /* speaks over the network to host and port */
#define CONNHUB_TYPE_NEEDS_DATABASE	0x2
#define CONNHUB_TYPE_NEEDS_USER		0x4
#define CONNHUB_TYPE_FILE			0x8 /* database is a file name of this machine: folder policy applies */
#define CONNHUB_TYPE_TLS			0x10	/* ssl_mode and ssl_* options apply */

typedef struct ConnhubTypeSpec
{
	const char *name;			/* "postgresql" */
	const char *category;		/* "relational", "warehouse", "nosql", … */
	const char *description;
	uint16_t	default_port;	/* 0: none */
	uint32_t	flags;
	const char *tier;			/* least tier: "free", "professional", "enterprise" */
	const ConnhubOptionSpec *options;	/* beyond core's common ones */
	uint32_t	noptions;
	const char *example;		/* a whole call of connhub.create_connector */
} ConnhubTypeSpec;

/* ---- Opening ----------------------------------------------------------------------------- */

typedef enum ConnhubSslMode
{
	CONNHUB_SSL_DISABLE = 0,
	CONNHUB_SSL_REQUIRE = 1,	/* encrypted, certificate not checked */
	CONNHUB_SSL_VERIFY_CA = 2,
	CONNHUB_SSL_VERIFY_FULL = 3 /* and the name must match `host` */
} ConnhubSslMode;

typedef struct ConnhubOption
{
	const char *name;
	const char *value;
} ConnhubOption;

/* Everything open needs.  Valid until step returns OK or a failure, or close is called. */
typedef struct ConnhubConfig
{
	size_t		struct_size;
	const char *type;			/* ConnhubTypeSpec.name */
	const char *application;	/* for the source's list of sessions: "connhub:<connector>" */
	const char *host;			/* as configured: for certificates and SNI, never to resolve */
	const char *const *addresses;	/* numeric, vetted by core, in order of preference */
	uint32_t	naddresses;
	uint16_t	port;
	const char *database;		/* NULL or a name; for CONNHUB_TYPE_FILE an absolute path */
	const char *schema;			/* default schema, or NULL */
	const char *username;		/* or NULL */
	const char *password;		/* or NULL; core wipes it after open */
	bool		require_password;	/* fail with AUTH when the source asked for none: the caller must
									 * not borrow the server's own identity */
	ConnhubSslMode ssl_mode;
	const char *ssl_ca_file;	/* readable file names, or NULL: the system's store */
	const char *ssl_cert_file;
	const char *ssl_key_file;
	int64_t		connect_timeout_ms;
	int64_t		query_timeout_ms;	/* 0: none */
	const ConnhubOption *options;	/* the type's own, secret ones included, defaults filled in */
	uint32_t	noptions;
} ConnhubConfig;

typedef struct ConnhubWait
{
	int			fd;				/* -1: only time */
	int			events;
	int64_t		timeout_ms;		/* call again at the latest then; < 0: no own limit */
} ConnhubWait;

/* What is known of the far end once a connection is open. */
typedef struct ConnhubInfo
{
	char		product[64];	/* "PostgreSQL", "MariaDB", … */
	char		version[64];	/* as the source prints it */
	uint32_t	version_num;	/* major * 10000 + minor * 100 + patch */
	bool		tls;
	char		tls_version[32];
	char		encoding[32];
	uint64_t	flags;			/* driver-defined; reaches judge and render through ConnhubSource */
} ConnhubInfo;

typedef struct ConnhubConn ConnhubConn; /* the driver's own */
typedef struct ConnhubCursor ConnhubCursor; /* the driver's own */

typedef enum ConnhubCheckLevel
{
	CONNHUB_CHECK_ALIVE = 0,	/* no round trip: has the far end closed the socket? */
	CONNHUB_CHECK_PING = 1,		/* one round trip */
	CONNHUB_CHECK_ACCESS = 2	/* database and schema exist and may be read; names the phases */
} ConnhubCheckLevel;

/* ---- Discovery --------------------------------------------------------------------------- */

typedef enum ConnhubTableKind
{
	CONNHUB_TABLE = 0,
	CONNHUB_VIEW = 1,
	CONNHUB_MATVIEW = 2,
	CONNHUB_FOREIGN_TABLE = 3,
	CONNHUB_PARTITIONED_TABLE = 4
} ConnhubTableKind;

typedef struct ConnhubSchemaInfo
{
	const char *name;
	const char *comment;		/* NULL: none; so everywhere below */
} ConnhubSchemaInfo;

typedef struct ConnhubTableInfo
{
	const char *schema;
	const char *name;
	ConnhubTableKind kind;
	const char *comment;
	double		rows;			/* estimate; < 0: unknown */
	int64_t		bytes;			/* on disk, indexes excluded; < 0: unknown */
} ConnhubTableInfo;

typedef struct ConnhubColumnInfo
{
	const char *schema;
	const char *table;
	const char *name;
	uint32_t	position;		/* from 1 */
	const char *remote_type;	/* as the source declares it, with modifiers */
	ConnhubTypeRef type;		/* what it becomes here; pg_type overrides the usual mapping */
	bool		not_null;
	bool		generated;
	const char *default_value;	/* the source's own text */
	const char *comment;
	const char *collation;		/* the source's own name */
} ConnhubColumnInfo;

typedef enum ConnhubKeyKind
{
	CONNHUB_PRIMARY_KEY = 0,
	CONNHUB_UNIQUE_KEY = 1,
	CONNHUB_FOREIGN_KEY = 2
} ConnhubKeyKind;

typedef struct ConnhubKeyInfo
{
	const char *schema;
	const char *table;
	const char *name;
	ConnhubKeyKind kind;
	const char *const *columns; /* in key order */
	uint32_t	ncolumns;
	const char *ref_schema;		/* FOREIGN_KEY only */
	const char *ref_table;
	const char *const *ref_columns; /* as many as columns */
} ConnhubKeyInfo;

typedef struct ConnhubIndexInfo
{
	const char *schema;
	const char *table;
	const char *name;
	bool		is_unique;
	const char *method;			/* "btree", … */
	const char *const *columns; /* names, or expressions as text */
	uint32_t	ncolumns;
	const char *predicate;		/* of a partial index */
} ConnhubIndexInfo;

typedef struct ConnhubStatsInfo
{
	const char *schema;
	const char *table;
	const char *column;
	double		null_fraction;	/* 0 to 1; < 0: unknown */
	double		distinct_values;	/* > 0 a count, < 0 minus the fraction of rows, 0 unknown */
	int32_t		average_width;	/* bytes; < 0: unknown */
	double		correlation;	/* -1 to 1; 0 when unknown */
	const char *most_common;	/* JSON [[value, frequency], …] with values as text, or NULL */
	const char *histogram;		/* JSON [value, …] equal-count bounds as text, or NULL */
} ConnhubStatsInfo;

/* Where discovery puts what it finds.  Each function copies what it is given, and returns OK, or a
 * status to be handed back from discover at once.  A table comes before its columns, keys, indexes
 * and statistics; the tables themselves may come in any order, and all tables may come before the
 * first column. */
typedef struct ConnhubSink
{
	size_t		struct_size;
	ConnhubStatus (*schema) (struct ConnhubSink *sink, const ConnhubSchemaInfo *info);
	ConnhubStatus (*table) (struct ConnhubSink *sink, const ConnhubTableInfo *info);
	ConnhubStatus (*column) (struct ConnhubSink *sink, const ConnhubColumnInfo *info);
	ConnhubStatus (*key) (struct ConnhubSink *sink, const ConnhubKeyInfo *info);
	ConnhubStatus (*index) (struct ConnhubSink *sink, const ConnhubIndexInfo *info);
	ConnhubStatus (*stats) (struct ConnhubSink *sink, const ConnhubStatsInfo *info);
} ConnhubSink;

typedef struct ConnhubDiscoverRequest
{
	size_t		struct_size;
	const char *schema_pattern; /* SQL LIKE pattern over names, backslash escapes; NULL: all but the
								 * source's own system schemas */
	const char *table_pattern;	/* likewise; NULL: all */
	bool		with_stats;
} ConnhubDiscoverRequest;

/* ---- Requests ---------------------------------------------------------------------------- */

/* Operations and functions a request may use, by meaning.  Unless said otherwise an operation is
 * strict (null in, null out) and works on operands of one type.  Comparison of TEXT follows the
 * call's collation; the arithmetic of INT16/32/64 fails on overflow of the result type.
 *    X(symbol, name in EXPLAIN and docs, least args, most args (-1: any)) */
#define CONNHUB_FUNCTIONS(X) \
	X(CONNHUB_FN_AND, "and", 2, -1)				/* three-valued */ \
	X(CONNHUB_FN_OR, "or", 2, -1)				/* three-valued */ \
	X(CONNHUB_FN_NOT, "not", 1, 1) \
	X(CONNHUB_FN_EQ, "=", 2, 2) \
	X(CONNHUB_FN_NE, "<>", 2, 2) \
	X(CONNHUB_FN_LT, "<", 2, 2) \
	X(CONNHUB_FN_LE, "<=", 2, 2) \
	X(CONNHUB_FN_GT, ">", 2, 2) \
	X(CONNHUB_FN_GE, ">=", 2, 2) \
	X(CONNHUB_FN_IS_NULL, "is null", 1, 1)		/* never null */ \
	X(CONNHUB_FN_IS_NOT_NULL, "is not null", 1, 1)	/* never null */ \
	X(CONNHUB_FN_IS_DISTINCT, "is distinct from", 2, 2)	/* never null */ \
	X(CONNHUB_FN_IS_NOT_DISTINCT, "is not distinct from", 2, 2)	/* never null */ \
	X(CONNHUB_FN_IS_TRUE, "is true", 1, 1)		/* never null; so the next three */ \
	X(CONNHUB_FN_IS_NOT_TRUE, "is not true", 1, 1) \
	X(CONNHUB_FN_IS_FALSE, "is false", 1, 1) \
	X(CONNHUB_FN_IS_NOT_FALSE, "is not false", 1, 1) \
	X(CONNHUB_FN_IN, "in", 2, -1)				/* x in (a, b, …); null as x = a or x = b … is */ \
	X(CONNHUB_FN_NOT_IN, "not in", 2, -1)		/* not (x in …) */ \
	X(CONNHUB_FN_LIKE, "like", 2, 2)			/* % and _, escape \, whole string, case-sensitive */ \
	X(CONNHUB_FN_NOT_LIKE, "not like", 2, 2) \
	X(CONNHUB_FN_ILIKE, "ilike", 2, 2) \
	X(CONNHUB_FN_NOT_ILIKE, "not ilike", 2, 2) \
	X(CONNHUB_FN_ADD, "+", 2, 2) \
	X(CONNHUB_FN_SUB, "-", 2, 2) \
	X(CONNHUB_FN_MUL, "*", 2, 2) \
	X(CONNHUB_FN_DIV, "/", 2, 2)				/* integers: toward zero; by zero fails */ \
	X(CONNHUB_FN_MOD, "%", 2, 2)				/* sign of the dividend; by zero fails */ \
	X(CONNHUB_FN_NEG, "unary -", 1, 1) \
	X(CONNHUB_FN_ABS, "abs", 1, 1) \
	X(CONNHUB_FN_COALESCE, "coalesce", 1, -1)	/* not strict: first that is not null */ \
	X(CONNHUB_FN_NULLIF, "nullif", 2, 2)		/* not strict */ \
	X(CONNHUB_FN_CASE, "case", 2, -1)			/* when, then, …, [else]; not strict */ \
	X(CONNHUB_FN_LOWER, "lower", 1, 1)			/* by the call's collation */ \
	X(CONNHUB_FN_UPPER, "upper", 1, 1) \
	X(CONNHUB_FN_CHAR_LENGTH, "char_length", 1, 1) \
	X(CONNHUB_FN_CAST, "cast", 1, 1)			/* to the call's type, lossless widening only */ \
	/* Since 1.1.  x = any element of an array, a parameter or constant of type NATIVE: null as IN is. */ \
	X(CONNHUB_FN_EQ_ANY, "= any", 2, 2) \
	/* Aggregates and window functions stand in AGGREGATE and WINDOW expressions only.  Nulls are left out, \
	 * and without a value the result is null, unless said otherwise. */ \
	X(CONNHUB_FN_COUNT_ALL, "count(*)", 0, 0)	/* rows; never null */ \
	X(CONNHUB_FN_COUNT, "count", 1, 1)			/* never null */ \
	X(CONNHUB_FN_SUM, "sum", 1, 1)				/* in the call's type; INT64 and DECIMAL exactly */ \
	X(CONNHUB_FN_AVG, "avg", 1, 1)				/* DECIMAL: as numeric division here gives it */ \
	X(CONNHUB_FN_MIN, "min", 1, 1)				/* text by the call's collation */ \
	X(CONNHUB_FN_MAX, "max", 1, 1) \
	X(CONNHUB_FN_BOOL_AND, "bool_and", 1, 1) \
	X(CONNHUB_FN_BOOL_OR, "bool_or", 1, 1) \
	X(CONNHUB_FN_GROUPING, "grouping", 1, -1)	/* INT32; bit i from the right: argument i from the right is not grouped by */ \
	X(CONNHUB_FN_ROW_NUMBER, "row_number", 0, 0) \
	X(CONNHUB_FN_RANK, "rank", 0, 0) \
	X(CONNHUB_FN_DENSE_RANK, "dense_rank", 0, 0) \
	/* Functions of values.  TEXT is counted in characters, from 1.  What leaves the result's type fails, and so does an \
	 * argument that the line calls wrong.  Numbers written without a type are INT32. */ \
	X(CONNHUB_FN_GREATEST, "greatest", 2, -1)	/* nulls are left out: null when all are; text by the call's collation */ \
	X(CONNHUB_FN_LEAST, "least", 2, -1)	/* likewise */ \
	X(CONNHUB_FN_CONCAT, "||", 2, 2)	/* TEXT, TEXT */ \
	/* TEXT, first, [count]: first may be below 1 and counts all the same; count < 0 is wrong */ \
	X(CONNHUB_FN_SUBSTR, "substr", 2, 3) \
	X(CONNHUB_FN_LEFT, "left", 2, 2)	/* TEXT, n: the first n; n < 0: all but the last -n */ \
	X(CONNHUB_FN_RIGHT, "right", 2, 2)	/* TEXT, n: the last n; n < 0: all but the first -n */ \
	X(CONNHUB_FN_STRPOS, "strpos", 2, 2)	/* TEXT, TEXT sought: where it begins, 0 when nowhere; an empty one at 1 */ \
	/* TEXT, TEXT from, TEXT to: each occurrence from left to right; an empty from: none */ \
	X(CONNHUB_FN_REPLACE, "replace", 3, 3) \
	X(CONNHUB_FN_BTRIM, "btrim", 1, 2)	/* TEXT, [TEXT set of characters]: off both ends; without a set spaces only */ \
	X(CONNHUB_FN_LTRIM, "ltrim", 1, 2)	/* likewise off the beginning */ \
	X(CONNHUB_FN_RTRIM, "rtrim", 1, 2)	/* likewise off the end */ \
	/* TEXT, n, TEXT fill: to n characters, or cut to the first n; n < 0 is 0; an empty fill only cuts */ \
	X(CONNHUB_FN_LPAD, "lpad", 3, 3) \
	X(CONNHUB_FN_RPAD, "rpad", 3, 3)	/* likewise */ \
	X(CONNHUB_FN_REPEAT, "repeat", 2, 2)	/* TEXT, n; n < 1: empty */ \
	X(CONNHUB_FN_REVERSE, "reverse", 1, 1)	/* TEXT, by characters */ \
	X(CONNHUB_FN_OCTET_LENGTH, "octet_length", 1, 1)	/* of TEXT in UTF-8, or of BYTES */ \
	X(CONNHUB_FN_STARTS_WITH, "starts_with", 2, 2)	/* TEXT, TEXT prefix: by bytes */ \
	X(CONNHUB_FN_ASCII, "ascii", 1, 1)	/* TEXT: code point of the first character; 0 when empty */ \
	X(CONNHUB_FN_CHR, "chr", 1, 1)	/* code point, not 0: TEXT */ \
	/* TEXT, TEXT delimiter, n: the nth field, from the end when n < 0, else empty; n = 0 is wrong; an empty delimiter \
	 * separates nothing */ \
	X(CONNHUB_FN_SPLIT_PART, "split_part", 3, 3) \
	/* TEXT, TEXT: an advanced regular expression of PostgreSQL's, whose classes follow the call's collation */ \
	X(CONNHUB_FN_MATCHES, "~", 2, 2) \
	X(CONNHUB_FN_NOT_MATCHES, "!~", 2, 2) \
	X(CONNHUB_FN_IMATCHES, "~*", 2, 2)	/* whatever the case, by the call's collation */ \
	X(CONNHUB_FN_NOT_IMATCHES, "!~*", 2, 2) \
	X(CONNHUB_FN_CEIL, "ceil", 1, 1)	/* DECIMAL or FLOAT64; a DECIMAL without digits after the point */ \
	X(CONNHUB_FN_FLOOR, "floor", 1, 1)	/* likewise */ \
	/* DECIMAL, [digits, 0]: half away from zero, with exactly so many digits after the point, none when < 0; FLOAT64 \
	 * alone: half to even */ \
	X(CONNHUB_FN_ROUND, "round", 1, 2) \
	X(CONNHUB_FN_TRUNC, "trunc", 1, 2)	/* likewise toward zero */ \
	X(CONNHUB_FN_SIGN, "sign", 1, 1)	/* DECIMAL or FLOAT64: -1, 0, 1 */ \
	X(CONNHUB_FN_SQRT, "sqrt", 1, 1)	/* FLOAT64, correctly rounded; of a negative number fails */ \
	/* DECIMAL: the quotient toward zero, without digits after the point; by zero fails */ \
	X(CONNHUB_FN_DIV_WHOLE, "div", 2, 2) \
	X(CONNHUB_FN_BIT_AND, "&", 2, 2)	/* integers of one type, in two's complement; so the next five */ \
	X(CONNHUB_FN_BIT_OR, "|", 2, 2) \
	X(CONNHUB_FN_BIT_XOR, "#", 2, 2) \
	X(CONNHUB_FN_BIT_NOT, "~ of bits", 1, 1) \
	X(CONNHUB_FN_SHIFT_LEFT, "<<", 2, 2)	/* integer, n: bits shifted out are lost; n from 0 up to the type's width only */ \
	X(CONNHUB_FN_SHIFT_RIGHT, ">>", 2, 2)	/* likewise; the sign fills */ \
	X(CONNHUB_FN_ADD_DAYS, "date +", 2, 2)	/* DATE, n */ \
	X(CONNHUB_FN_SUB_DAYS, "date -", 2, 2)	/* DATE, n */ \
	X(CONNHUB_FN_DATE_DIFF, "days between", 2, 2)	/* DATE, DATE subtracted: days; an infinite one fails */ \
	/* TIMESTAMP or TIMESTAMPTZ, INTERVAL: months first, and a day the month lacks becomes its last; then days, then \
	 * time; TIMESTAMPTZ by the clock of the session here */ \
	X(CONNHUB_FN_ADD_INTERVAL, "time +", 2, 2) \
	X(CONNHUB_FN_SUB_INTERVAL, "time -", 2, 2)	/* the interval negated, then added */ \
	/* parts of a DATE or TIMESTAMP, as the call's type, DECIMAL or FLOAT64.  1 BC is -1 */ \
	X(CONNHUB_FN_YEAR, "year", 1, 1) \
	X(CONNHUB_FN_QUARTER, "quarter", 1, 1) \
	X(CONNHUB_FN_MONTH, "month", 1, 1) \
	X(CONNHUB_FN_WEEK, "week", 1, 1)	/* by ISO 8601 */ \
	X(CONNHUB_FN_ISOYEAR, "isoyear", 1, 1)	/* of that week; 1 BC is -1 */ \
	X(CONNHUB_FN_DAY, "day", 1, 1) \
	X(CONNHUB_FN_DOW, "dow", 1, 1)	/* Sunday is 0 */ \
	X(CONNHUB_FN_ISODOW, "isodow", 1, 1)	/* Monday is 1, Sunday 7 */ \
	X(CONNHUB_FN_DOY, "doy", 1, 1)	/* the first of January is 1 */ \
	X(CONNHUB_FN_HOUR, "hour", 1, 1)	/* of a TIMESTAMP; so the next three */ \
	X(CONNHUB_FN_MINUTE, "minute", 1, 1) \
	X(CONNHUB_FN_SECOND, "second", 1, 1)	/* with six digits after the point */ \
	X(CONNHUB_FN_EPOCH, "epoch", 1, 1)	/* seconds since 1970-01-01, of a TIMESTAMP with six digits after the point */ \
	/* the TIMESTAMP in which the unit around a TIMESTAMP begins; so the next seven */ \
	X(CONNHUB_FN_TRUNC_YEAR, "trunc to year", 1, 1) \
	X(CONNHUB_FN_TRUNC_QUARTER, "trunc to quarter", 1, 1) \
	X(CONNHUB_FN_TRUNC_MONTH, "trunc to month", 1, 1) \
	X(CONNHUB_FN_TRUNC_WEEK, "trunc to week", 1, 1)	/* on Monday */ \
	X(CONNHUB_FN_TRUNC_DAY, "trunc to day", 1, 1) \
	X(CONNHUB_FN_TRUNC_HOUR, "trunc to hour", 1, 1) \
	X(CONNHUB_FN_TRUNC_MINUTE, "trunc to minute", 1, 1) \
	X(CONNHUB_FN_TRUNC_SECOND, "trunc to second", 1, 1) \
	X(CONNHUB_FN_MAKE_DATE, "make_date", 3, 3)	/* year (below 0: BC; 0 is wrong), month, day */ \
	/* TIMESTAMPTZ: the TIMESTAMP a clock of UTC shows; TIMESTAMP: that instant */ \
	X(CONNHUB_FN_AT_UTC, "at time zone UTC", 1, 1) \
	/* to the call's type: a number to another type of number, DECIMAL to an integer half away from zero, a real to an \
	 * integer half to even; TIMESTAMP to DATE, and back where a timestamp can be so far off; integers, DECIMAL, UUID and BOOL (true, false) to \
	 * TEXT; BPCHAR to TEXT without its trailing blanks; BOOL to INT32 and back */ \
	X(CONNHUB_FN_CONVERT, "convert", 1, 1) \
	/* DECIMAL, p, s, both CONST: rounded to s digits after the point, half away from zero; fails when p - s digits \
	 * before it are too few */ \
	X(CONNHUB_FN_FIT, "numeric(p,s)", 3, 3) \
	/* JSON, TEXT key or index from 0, from the end when < 0: JSON, or null when there is none */ \
	X(CONNHUB_FN_JSON_GET, "->", 2, 2) \
	X(CONNHUB_FN_JSON_GET_TEXT, "->>", 2, 2)	/* likewise as TEXT: a string without its quotes, null for a JSON null */ \
	X(CONNHUB_FN_JSON_PATH, "#>", 2, 2)	/* JSON, NATIVE text[] of keys and indexes: JSON */ \
	X(CONNHUB_FN_JSON_PATH_TEXT, "#>>", 2, 2)	/* likewise as TEXT */ \
	X(CONNHUB_FN_JSON_TYPEOF, "jsonb_typeof", 1, 1)	/* TEXT: object, array, string, number, boolean, null */ \
	X(CONNHUB_FN_JSON_CONTAINS, "@>", 2, 2)	/* JSON, JSON, as jsonb does */ \
	X(CONNHUB_FN_JSON_HAS_KEY, "?", 2, 2)	/* JSON, TEXT: a key of an object, or a string in an array */

typedef enum ConnhubFunction
{
	CONNHUB_FN_NONE = 0,
#define CONNHUB_FN_ENUM(symbol, name, least, most) symbol,
	CONNHUB_FUNCTIONS(CONNHUB_FN_ENUM)
#undef CONNHUB_FN_ENUM
	CONNHUB_NFUNCTIONS
} ConnhubFunction;

/* How the local side compares text here.  Equality under a deterministic collation is equality of
 * bytes; order under "C" is order of UTF-8 bytes. */
typedef struct ConnhubCollation
{
	const char *name;			/* PostgreSQL's, or the locale's when it is the database default */
	bool		is_c;
	bool		deterministic;
} ConnhubCollation;

/* A column of the relation.  The remote facts are those last discovered; remote_type NULL means that
 * nothing is known, and a driver must then assume the worst. */
typedef struct ConnhubColumn
{
	const char *name;			/* remote name */
	ConnhubTypeRef type;		/* as declared here */
	const char *remote_type;	/* as the source declares it, or NULL */
	ConnhubTypeRef natural;		/* what discovery maps remote_type to */
	const char *collation;		/* the source's name, or NULL */
	bool		not_null;		/* known at the source */
} ConnhubColumn;

typedef enum ConnhubExprKind
{
	CONNHUB_EXPR_COLUMN = 1,
	CONNHUB_EXPR_CONST = 2,
	CONNHUB_EXPR_PARAM = 3,		/* value known at execution */
	CONNHUB_EXPR_CALL = 4,

	/* Since 1.1. */
	CONNHUB_EXPR_AGGREGATE = 5, /* fn over the rows of a group: args, is_distinct, filter, order */
	CONNHUB_EXPR_WINDOW = 6,	/* fn, or an aggregate, over a window: args, filter, window */
	CONNHUB_EXPR_EXISTS = 7,	/* has `query` a row?  BOOL, never null */
	CONNHUB_EXPR_SUBQUERY = 8,	/* the one value of `query`, which has one output and at most one row; null
								 * without a row */
	CONNHUB_EXPR_IN_QUERY = 9	/* args, one per output of `query`, equal to a row of it; null as IN is.  Integers
								 * may differ in width */
} ConnhubExprKind;

struct ConnhubRequest;
struct ConnhubSortKey;
struct ConnhubWindow;

typedef struct ConnhubExpr
{
	size_t		struct_size;
	ConnhubExprKind kind;
	ConnhubTypeRef type;		/* of the result */
	const ConnhubColumn *column;	/* COLUMN */
	const ConnhubValue *value;	/* CONST */
	uint32_t	param;			/* PARAM: 0-based number in ConnhubQuery.params.  A request uses each
								 * number once, in the order outputs, filters, sort, limit, offset,
								 * arguments left to right */
	ConnhubFunction fn;			/* CALL */
	uint32_t	nargs;
	const struct ConnhubExpr *const *args;
	const ConnhubCollation *collation;	/* CALL that compares or folds text, else NULL */

	/* Since 1.1. */
	uint32_t	relation;		/* COLUMN: number of the ConnhubRelation it is of, in this request or in one around
								 * it; 0: the only relation of a request without `from` */
	bool		is_nullable;	/* COLUMN: may be null whatever is known of it: an outer join or a grouping set
								 * makes it so */
	bool		is_distinct;	/* AGGREGATE: of distinct arguments */
	const struct ConnhubExpr *filter;	/* AGGREGATE, WINDOW: of rows where it is true; NULL: of all */
	const struct ConnhubSortKey *order; /* AGGREGATE whose result depends on the order of its input */
	uint32_t	norder;
	const struct ConnhubWindow *window; /* WINDOW */
	const struct ConnhubRequest *query; /* EXISTS, SUBQUERY, IN_QUERY */
} ConnhubExpr;

typedef struct ConnhubSortKey
{
	const ConnhubExpr *expr;
	bool		descending;
	bool		nulls_first;
	const ConnhubCollation *collation;	/* text only */
} ConnhubSortKey;

/* Where a window's frame begins or ends. */
typedef enum ConnhubBound
{
	CONNHUB_BOUND_UNBOUNDED = 0,	/* the partition's first row at the beginning, its last at the end */
	CONNHUB_BOUND_CURRENT = 1,	/* the current row, in RANGE and GROUPS its peers */
	CONNHUB_BOUND_PRECEDING = 2,	/* `offset` before the current row */
	CONNHUB_BOUND_FOLLOWING = 3
} ConnhubBound;

typedef enum ConnhubFrame
{
	CONNHUB_FRAME_RANGE = 0,
	CONNHUB_FRAME_ROWS = 1,
	CONNHUB_FRAME_GROUPS = 2
} ConnhubFrame;

/* Since 1.1.  The default frame is RANGE from UNBOUNDED to CURRENT. */
typedef struct ConnhubWindow
{
	size_t		struct_size;
	const ConnhubExpr *const *partition;
	uint32_t	npartition;
	const ConnhubSortKey *order;
	uint32_t	norder;
	ConnhubFrame frame;
	ConnhubBound start;
	ConnhubBound end;
	const ConnhubExpr *start_offset;	/* PRECEDING and FOLLOWING: INT64 CONST, else NULL */
	const ConnhubExpr *end_offset;
} ConnhubWindow;

typedef enum ConnhubJoinKind
{
	CONNHUB_JOIN_NONE = 0,		/* no join: a table, or a derived one */
	CONNHUB_JOIN_INNER = 1,		/* without conditions: every pair */
	CONNHUB_JOIN_LEFT = 2,		/* every left row; right columns null where no right row matches */
	CONNHUB_JOIN_FULL = 3
} ConnhubJoinKind;

/* Since 1.1.  What a request reads from: a table, the rows of another request, or a join of two. */
typedef struct ConnhubRelation
{
	size_t		struct_size;
	ConnhubJoinKind join;

	/* NONE. */
	uint32_t	number;			/* by which columns refer to it; from 1, unique in the whole request */
	const char *schema;			/* remote; NULL: the connection's default */
	const char *table;
	const struct ConnhubRequest *query; /* a derived table instead: output i is its column "c<i + 1>" */
	const ConnhubExpr *const *filters;	/* of its rows, before anything is joined to it.  Given only
										 * where it makes a difference: below a FULL join */
	uint32_t	nfilters;

	/* A join. */
	const struct ConnhubRelation *left;
	const struct ConnhubRelation *right;
	const ConnhubExpr *const *on;	/* all must hold for two rows to match */
	uint32_t	non;
} ConnhubRelation;

/* Since 1.1.  One of several groupings: numbers of group keys, 0-based. */
typedef struct ConnhubGroupingSet
{
	const uint32_t *keys;
	uint32_t	nkeys;
} ConnhubGroupingSet;

/* What is to happen to the rows read, besides reading. */
typedef enum ConnhubLock
{
	CONNHUB_LOCK_NONE = 0,
	CONNHUB_LOCK_SHARE = 1,		/* nobody else may change them until the transaction ends */
	CONNHUB_LOCK_UPDATE = 2		/* nor lock them */
} ConnhubLock;

/* A whole request for rows.  The pieces are ones that judge accepted. */
#define CONNHUB_LAST_BLOCK	INT64_C(4294967296)	/* ConnhubRequest.until_block: behind every block */

typedef struct ConnhubRequest
{
	size_t		struct_size;
	const char *schema;			/* remote; NULL: the connection's default */
	const char *table;
	const ConnhubExpr *const *outputs;	/* one per result column, in order; may be none: the source
										 * then still returns one row per row, with no columns used */
	uint32_t	noutputs;
	const ConnhubExpr *const *filters;	/* all must hold */
	uint32_t	nfilters;
	const ConnhubSortKey *sort;
	uint32_t	nsort;
	const ConnhubExpr *limit;	/* INT64 CONST or PARAM, or NULL; a null value means no limit */
	const ConnhubExpr *offset;

	/* Since 1.1.  The order of evaluation: from, filters, groups, having, outputs (windows among them),
	 * distinct, sort, offset, limit.  Group keys, sort keys and outputs that are the same expression are the
	 * same ConnhubExpr, or equal ones. */
	const ConnhubRelation *from;	/* instead of schema and table */
	bool		is_grouped;		/* one row per group: outputs, having and sort use group keys and aggregates */
	const ConnhubExpr *const *groups;	/* none: all rows are one group, even without a row */
	uint32_t	ngroups;
	const ConnhubGroupingSet *sets; /* none: one grouping by all keys */
	uint32_t	nsets;
	const ConnhubExpr *const *having;	/* all must hold */
	uint32_t	nhaving;
	bool		is_distinct;	/* each row of outputs once */
	ConnhubLock lock;			/* never with groups, distinct or derived tables */
	const ConnhubExpr *from_block;	/* INT64 PARAMs, of an accepted CONNHUB_PIECE_RANGE: only rows stored in this block of */
	const ConnhubExpr *until_block; /* the table or behind it, and before this one; CONNHUB_LAST_BLOCK: to the end */
} ConnhubRequest;

/* Since 1.1.  A statement that changes rows.  Written row by row (ConnhubDriver.write) or, for an UPDATE or
 * DELETE the source can do by itself, at one go (render_modify). */
typedef enum ConnhubWriteKind
{
	CONNHUB_INSERT = 1,
	CONNHUB_UPDATE = 2,
	CONNHUB_DELETE = 3,
	CONNHUB_TRUNCATE = 4
} ConnhubWriteKind;

/* Rows to be written.  A row's values are those of `columns`, then those of `keys`. */
typedef struct ConnhubWrite
{
	size_t		struct_size;
	ConnhubWriteKind kind;
	const char *schema;			/* remote; NULL: the connection's default */
	const char *table;
	bool		is_plain_table; /* known to be an ordinary table, not a view or a foreign table */
	const ConnhubColumn *const *columns;	/* INSERT: given; may be none.  UPDATE: set */
	uint32_t	ncolumns;
	const ConnhubColumn *const *keys;	/* UPDATE, DELETE: they identify a row, by their old values, and
										 * are never null.  None where judge is asked about a change at one go */
	uint32_t	nkeys;
	const ConnhubColumn *const *returning;	/* columns of the row as it is then (DELETE: was) */
	uint32_t	nreturning;
	bool		skip_conflicts; /* INSERT: leave out rows that a unique key forbids, and nothing else */
	bool		cascade;		/* TRUNCATE */
	bool		restart_identity;
} ConnhubWrite;

/* Row after row: values[row * ncolumns + column]. */
typedef struct ConnhubRows
{
	size_t		struct_size;
	uint32_t	nrows;
	uint32_t	ncolumns;
	const ConnhubValue *values;
	bool		more;			/* the statement is not over: these may be left in flight.  Only with CAP_FLOW */
} ConnhubRows;

typedef struct ConnhubAssignment
{
	const ConnhubColumn *column;
	const ConnhubExpr *value;
} ConnhubAssignment;

/* An UPDATE or DELETE of all rows that a request describes. */
typedef struct ConnhubModify
{
	size_t		struct_size;
	ConnhubWriteKind kind;
	const ConnhubRequest *request;	/* which rows: schema, table, filters; outputs: RETURNING; nothing else */
	const ConnhubAssignment *assignments;	/* UPDATE; they come first in the numbers of parameters */
	uint32_t	nassignments;
} ConnhubModify;

/* Where a request is bound for: everything judge and render may know of the source.  Recorded at the
 * last successful test, so that planning needs no network. */
typedef struct ConnhubSource
{
	size_t		struct_size;
	const char *type;
	const char *product;		/* "" when it was never reached */
	uint32_t	version_num;	/* 0 when it was never reached: assume the oldest supported */
	uint64_t	flags;			/* ConnhubInfo.flags */
	const char *schema;			/* default schema, or NULL */
	const ConnhubOption *options;	/* not the secret ones */
	uint32_t	noptions;
} ConnhubSource;

typedef enum ConnhubVerdictKind
{
	CONNHUB_EXACT = 0,			/* means the same there: core drops it here */
	CONNHUB_SUPERSET = 1,		/* lets through at least the right rows: core sends it and rechecks */
	CONNHUB_REFUSE = 2			/* not sent */
} ConnhubVerdictKind;

typedef struct ConnhubVerdict
{
	ConnhubVerdictKind kind;
	char		reason[192];	/* why not exact: a phrase without full stop; empty when exact */
} ConnhubVerdict;

typedef enum ConnhubPieceKind
{
	CONNHUB_PIECE_FILTER = 0,	/* expr: keep rows where it is true */
	CONNHUB_PIECE_OUTPUT = 1,	/* expr: compute it there; exact or refused */
	CONNHUB_PIECE_SORT = 2,		/* sort: exact or refused */
	CONNHUB_PIECE_LIMIT = 3,	/* exact or refused: may rows be cut off there at all? */

	/* Since 1.1; all are exact or refused. */
	CONNHUB_PIECE_JOIN = 4,		/* relation: a join whose two sides and conditions were accepted.  Conditions
								 * are asked about as CONNHUB_PIECE_ON first */
	CONNHUB_PIECE_ON = 5,		/* expr: join rows where it is true */
	CONNHUB_PIECE_GROUP = 6,	/* expr: a group key, or with DISTINCT an output */
	CONNHUB_PIECE_GROUPING = 7, /* query: its groups and sets as a whole; aggregates are OUTPUTs */
	CONNHUB_PIECE_HAVING = 8,	/* expr: keep groups where it is true */
	CONNHUB_PIECE_DERIVED = 9,	/* query: may it stand where a table does? */
	CONNHUB_PIECE_LOCK = 10,	/* query: may its rows be locked? */
	CONNHUB_PIECE_WRITE = 11,	/* write: may rows be written so, by ConnhubDriver.write? */
	CONNHUB_PIECE_ASSIGN = 12,	/* column, expr: may an UPDATE set column to expr? */
	CONNHUB_PIECE_RANGE = 13	/* query: may its one ordinary table be read in ranges of blocks, over connections that
								 * share a snapshot?  Ranges that leave out no block must give each row once */
} ConnhubPieceKind;

typedef struct ConnhubPiece
{
	size_t		struct_size;
	ConnhubPieceKind kind;
	const ConnhubExpr *expr;
	const ConnhubSortKey *sort;

	/* Since 1.1. */
	const ConnhubRelation *relation;
	const ConnhubRequest *query;
	const ConnhubWrite *write;
	const ConnhubColumn *column;
} ConnhubPiece;

/* Text built by a driver with host memory; the caller frees data with host->free. */
typedef struct ConnhubText
{
	char	   *data;			/* NUL-terminated, or NULL while empty */
	size_t		length;
	size_t		capacity;
} ConnhubText;

/* A native query with its parameters.  columns tells which types core would like. */
typedef struct ConnhubQuery
{
	size_t		struct_size;
	const char *text;
	const ConnhubValue *params;
	uint32_t	nparams;
	const ConnhubTypeRef *columns;
	uint32_t	ncolumns;
	uint32_t	fetch_size;		/* rows per round trip where the protocol has such a thing; 0: driver's choice */
	bool		once;			/* will not be run again soon: do not prepare it under a name */

	/* Since 1.1. */
	bool		few_rows;		/* a small result is expected: to read it off is quicker than to stop it */
	bool		writes;			/* it changes rows: never to be sent twice */
	bool		columns_unknown;	/* describe comes before the first fetch; ncolumns is 0.  CAP_DESCRIBE only */
	bool		alone;			/* it only reads, and nothing else is to see the same data: no transaction was begun for it,
								 * and none may be open once its cursor is closed */
} ConnhubQuery;

/* What a transaction asks of the source. */
typedef struct ConnhubTxn
{
	size_t		struct_size;
	bool		read_only;		/* the source is to refuse writes; else it may write, or not */
	bool		one_snapshot;	/* every statement of the transaction sees the same data */

	/* Since 1.1. */
	bool		two_phase;		/* `prepare` will be called: for sources that must know beforehand */
	const char *gid;			/* with two_phase: what prepare will be given */
	const char *snapshot;		/* from export_snapshot of another connection: see the same data; or NULL */
} ConnhubTxn;

/* ---- The driver -------------------------------------------------------------------------- */

#define CONNHUB_CAP_DISCOVER		(UINT64_C(1) << 0)
#define CONNHUB_CAP_TRANSACTION		(UINT64_C(1) << 1)	/* begin, commit, rollback */
#define CONNHUB_CAP_SNAPSHOT		(UINT64_C(1) << 2)	/* ConnhubTxn.one_snapshot is honoured */
#define CONNHUB_CAP_CANCEL			(UINT64_C(1) << 3)	/* a running native query can be stopped at the source */
#define CONNHUB_CAP_MULTI_CURSOR	(UINT64_C(1) << 4)	/* several open cursors on one connection */
#define CONNHUB_CAP_BLOCKING_OPEN	(UINT64_C(1) << 5)	/* step may block in its library for longer than a moment */
#define CONNHUB_CAP_STATS			(UINT64_C(1) << 6)	/* discover emits column statistics */
/* Since 1.1. */
#define CONNHUB_CAP_WRITE			(UINT64_C(1) << 7)	/* render_write, write */
#define CONNHUB_CAP_MODIFY			(UINT64_C(1) << 8)	/* render_modify, affected */
#define CONNHUB_CAP_SAVEPOINT		(UINT64_C(1) << 9)	/* savepoint, release, rollback_to */
#define CONNHUB_CAP_PREPARE			(UINT64_C(1) << 10) /* prepare, finish_prepared, list_prepared */
#define CONNHUB_CAP_READY			(UINT64_C(1) << 11) /* ready */
#define CONNHUB_CAP_EXPORT			(UINT64_C(1) << 12) /* export_snapshot, and ConnhubTxn.snapshot is honoured */
#define CONNHUB_CAP_DESCRIBE		(UINT64_C(1) << 13) /* describe, and ConnhubQuery.columns_unknown is honoured */
#define CONNHUB_CAP_FLOW			(UINT64_C(1) << 14) /* ConnhubRows.more is honoured */
/* Since 1.2. */
#define CONNHUB_CAP_CHECK_STEP		(UINT64_C(1) << 15) /* check_step */
#define CONNHUB_CAP_ALL				((UINT64_C(1) << 16) - 1)

typedef struct ConnhubDriver
{
	uint32_t	magic;			/* CONNHUB_MAGIC */
	uint16_t	abi_major;		/* CONNHUB_ABI_MAJOR */
	uint16_t	abi_minor;		/* CONNHUB_ABI_MINOR */
	size_t		struct_size;	/* sizeof(ConnhubDriver) as the driver was compiled */
	const char *name;			/* the <family> of connhub_<family>.so */
	const char *version;		/* of the driver */
	const char *library;		/* client library and its run-time version, for connhub.about() */
	uint64_t	capabilities;	/* CONNHUB_CAP_… */
	const ConnhubTypeSpec *types;
	uint32_t	ntypes;			/* at least 1 */

	/* Required slots. */

	/* Start opening a connection.  Never blocks and never waits.  On OK *conn is set and step is
	 * called next; on failure nothing was allocated.  OK, CONFIG, NO_MEMORY, UNSUPPORTED. */
	ConnhubStatus (*open) (const ConnhubConfig *config, ConnhubConn **conn, ConnhubError *error);

	/* Move opening one step on.  WAIT fills *wait.  OK: open and ready.  Any failure: only close may
	 * follow.  Announces phases by host->phase.  Does not block unless CAP_BLOCKING_OPEN is set, and
	 * then only between guard_begin and guard_end or for local work. */
	ConnhubStatus (*step) (ConnhubConn *conn, ConnhubWait *wait, ConnhubError *error);

	/* Close in any state, from any error path; at most a farewell that cannot block.  Cannot fail.
	 * Frees *conn and every cursor still open on it. */
	void		(*close) (ConnhubConn *conn);

	/* Is the open connection of use, and what is at its far end?  Fills *info.  May wait, except
	 * for CHECK_ALIVE.  OK, LOST, NO_DATABASE, PERMISSION, TIMEOUT, CANCELLED, QUERY. */
	ConnhubStatus (*check) (ConnhubConn *conn, ConnhubCheckLevel level, ConnhubInfo *info,
							ConnhubError *error);

	/* Verdict on one piece of a request.  Pure: no network, no state.  A piece that holds something the
	 * driver does not know must be refused. */
	void		(*judge) (const ConnhubSource *source, const ConnhubPiece *piece,
						  ConnhubVerdict *verdict);

	/* Native query of a request made of accepted pieces.  Pure.  Appends printable text that
	 * contains no parameter value to *out.  OK, NO_MEMORY, INTERNAL. */
	ConnhubStatus (*render) (const ConnhubSource *source, const ConnhubRequest *request,
							 ConnhubText *out, ConnhubError *error);

	/* Start a native query.  May wait.  query lives until execute returns.  On OK *cursor is set;
	 * rows stream from it, never the whole result in memory.  Without CAP_MULTI_CURSOR core has no
	 * other cursor open on conn. */
	ConnhubStatus (*execute) (ConnhubConn *conn, const ConnhubQuery *query, ConnhubCursor **cursor,
							  ConnhubError *error);

	/* Fill the batch with at least one row, as many as came without further waiting is enough.  May
	 * wait.  OK, DONE, DATA (with error->column), LOST, QUERY, TIMEOUT, CANCELLED, NO_MEMORY. */
	ConnhubStatus (*fetch) (ConnhubCursor *cursor, ConnhubBatch *batch, ConnhubError *error);

	/* End a cursor in any state.  OK: the connection can take the next query.  When rows remain the
	 * driver stops the source or reads them off, whichever is quicker; LOST when it can do neither. */
	ConnhubStatus (*close_cursor) (ConnhubCursor *cursor, ConnhubError *error);

	/* Optional slots: NULL becomes a stub that returns UNSUPPORTED. */

	/* Ask the source to stop what runs on conn.  Called when the user has cancelled, on an interrupted
	 * connection; waits are bounded by core to a fraction of a second.  The connection is closed
	 * afterwards.  CAP_CANCEL. */
	ConnhubStatus (*cancel) (ConnhubConn *conn, ConnhubError *error);

	/* Put what the source holds into sink.  May wait.  CAP_DISCOVER. */
	ConnhubStatus (*discover) (ConnhubConn *conn, const ConnhubDiscoverRequest *request,
							   ConnhubSink *sink, ConnhubError *error);

	/* Transaction control.  May wait.  A failed commit leaves the outcome to error.  CAP_TRANSACTION. */
	ConnhubStatus (*begin) (ConnhubConn *conn, const ConnhubTxn *txn, ConnhubError *error);
	ConnhubStatus (*commit) (ConnhubConn *conn, ConnhubError *error);
	ConnhubStatus (*rollback) (ConnhubConn *conn, ConnhubError *error);

	/* Since 1.1: optional slots. */

	/* Native statement of a write, as `write` runs it for one row, printable and without values; for EXPLAIN, and
	 * handed back to `write`.  Pure.  OK, NO_MEMORY, INTERNAL.  CAP_WRITE. */
	ConnhubStatus (*render_write) (const ConnhubSource *source, const ConnhubWrite *write, ConnhubText *out,
								   ConnhubError *error);

	/* Write rows.  text is what render_write made; write and text are the same for every call of one
	 * statement, and their pointers too, so what was prepared for them may be kept.  How is the driver's
	 * choice: one by one, many in one statement, a bulk load; all rows or, on failure, possibly some of
	 * them: core then rolls back.  May wait.  *affected becomes the number of rows that were changed, found
	 * and left as they are, or inserted.  With returning and CAP_WRITE *cursor gives one row for each; the driver
	 * sets *cursor to NULL otherwise.  rows lives until write returns.  TRUNCATE has no rows.
	 *
	 * With CAP_FLOW an INSERT without returning and skip_conflicts may come with rows->more: the driver then may send the
	 * rows without waiting for the answer, and counts them in *affected, where each will be inserted or the statement
	 * fails.  After such a call comes another of the same statement, the last without more and possibly
	 * without rows, which tells how it went.  Before that core calls nothing else on conn but check (CHECK_ALIVE), and
	 * rollback, rollback_to, cancel and close, which give up what is in flight.  A query's timeout is not to count the time
	 * between calls.  After a failure nothing is in flight.
	 * OK, QUERY, DATA, PERMISSION, LOST, TIMEOUT, CANCELLED, NO_MEMORY.  CAP_WRITE. */
	ConnhubStatus (*write) (ConnhubConn *conn, const ConnhubWrite *write, const char *text,
							const ConnhubRows *rows, uint64_t *affected, ConnhubCursor **cursor,
							ConnhubError *error);

	/* Native statement of an UPDATE or DELETE at one go, made of accepted pieces; run by execute, its
	 * RETURNING read by fetch.  Pure.  OK, NO_MEMORY, INTERNAL.  CAP_MODIFY. */
	ConnhubStatus (*render_modify) (const ConnhubSource *source, const ConnhubModify *modify, ConnhubText *out,
									ConnhubError *error);

	/* Rows changed by a cursor's statement; called once fetch has returned DONE.  CAP_MODIFY. */
	ConnhubStatus (*affected) (ConnhubCursor *cursor, uint64_t *rows, ConnhubError *error);

	/* Savepoints, numbered from 1 by depth.  rollback_to keeps the savepoint; release forgets it and all
	 * deeper ones.  No cursor is open.  May wait, or travel with the next statement.  CAP_SAVEPOINT. */
	ConnhubStatus (*savepoint) (ConnhubConn *conn, uint32_t depth, ConnhubError *error);
	ConnhubStatus (*release) (ConnhubConn *conn, uint32_t depth, ConnhubError *error);
	ConnhubStatus (*rollback_to) (ConnhubConn *conn, uint32_t depth, ConnhubError *error);

	/* Two-phase commit.  prepare ends the transaction begun with two_phase: it then survives a crash of
	 * either side, under gid (letters, digits, "_" and "-", at most 60).  finish_prepared commits it or rolls
	 * it back, over any connection of the same user, outside a transaction; OK when there is none of
	 * that name.  list_prepared calls found for each one whose gid starts with prefix.  CAP_PREPARE. */
	ConnhubStatus (*prepare) (ConnhubConn *conn, const char *gid, ConnhubError *error);
	ConnhubStatus (*finish_prepared) (ConnhubConn *conn, const char *gid, bool commit, ConnhubError *error);
	ConnhubStatus (*list_prepared) (ConnhubConn *conn, const char *prefix,
									void (*found) (void *arg, const char *gid), void *arg, ConnhubError *error);

	/* Would fetch return without waiting?  OK: yes.  WAIT: no; *wait says for what.  Never waits.  CAP_READY. */
	ConnhubStatus (*ready) (ConnhubCursor *cursor, ConnhubWait *wait, ConnhubError *error);

	/* A name under which other connections can see this transaction's data (ConnhubTxn.snapshot) while it is
	 * open.  Called after begin; may wait.  CAP_EXPORT. */
	ConnhubStatus (*export_snapshot) (ConnhubConn *conn, char *name, size_t size, ConnhubError *error);

	/* Tell the result columns of a query run with columns_unknown, each with the type that discovery would give it;
	 * TEXT where the source cannot say.  Called once, before the first fetch, whose batch then has these columns.
	 * A statement without a result has none.  May wait for the head of the result.  found copies what it is
	 * given.  OK, LOST, QUERY, TIMEOUT, CANCELLED, NO_MEMORY.  CAP_DESCRIBE. */
	ConnhubStatus (*describe) (ConnhubCursor *cursor,
							   void (*found) (void *arg, const char *name, const ConnhubTypeRef *type), void *arg,
							   ConnhubError *error);

	/* Since 1.2: optional slots. */

	/* The check of CHECK_ACCESS, one step at a time, as `step` opens: the first call begins it, WAIT fills *wait, and
	 * anything else ends it.  Nothing but it and close is called on conn before that.  Announces phases.  Never
	 * blocks and never waits, so that one process can test hundreds of sources at once; without it, or with
	 * CAP_BLOCKING_OPEN, a health check has a process to itself.  On OK *info is filled.  Returns what check
	 * may return.  CAP_CHECK_STEP. */
	ConnhubStatus (*check_step) (ConnhubConn *conn, ConnhubInfo *info, ConnhubWait *wait, ConnhubError *error);
} ConnhubDriver;

/* The one symbol a driver exports.  host lives as long as the process.  Returns a table that is static and
 * const, or NULL when this process cannot use the driver. */
extern CONNHUB_EXPORT const ConnhubDriver *connhub_driver_init(const ConnhubHost *host);

typedef const ConnhubDriver *(*ConnhubDriverInit) (const ConnhubHost *host);

#ifdef __cplusplus
}
#endif

#endif							/* CONNHUB_DRIVER_H */
