/* conn.c — opening, guarding, checking; errors; the option table of type sqlite.
 *
 * The file is somebody else's, and so is every query that comes in by connhub.live: the connection
 * is fenced in before the first statement runs.  No other file can be attached, no extension loaded, no
 * setting changed, and a schema cannot call functions that do more than compute.  The library calls back
 * while it works or waits for a lock; both callbacks ask the host whether to go on. */
#include "sqlite.h"

#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const ConnhubOptionSpec sq_options[] = {
	{"read_only", CONNHUB_OPTION_BOOLEAN, CONNHUB_OPTION_PRIVILEGED, "true", NULL, 0, 0,
	"Open the file for reading only."},
	{"busy_timeout", CONNHUB_OPTION_DURATION, 0, "5s", NULL, 0, 3600000,
	"How long to wait for another process to release its lock on the file."},
};

const ConnhubTypeSpec sq_types[1] = {
	{
		.name = "sqlite",
		.category = "relational",
		.description = "SQLite database file",
		.default_port = 0,
		.flags = CONNHUB_TYPE_NEEDS_DATABASE | CONNHUB_TYPE_FILE,
		.tier = "professional",
		.options = sq_options,
		.noptions = sizeof(sq_options) / sizeof(sq_options[0]),
		.example = "SELECT connhub.create_connector(name => 'shop', type => 'sqlite', "
		"database => '/srv/data/shop.db');",
	}
};

#define OPS_BETWEEN_CHECKS 2000 /* virtual machine steps: well under a millisecond */
#define BUSY_WAIT_MS 20

#define STALE_SNAPSHOT "Another process has written since the transaction began to read, or is writing now.  Run the transaction again."

/* ---- Errors ---- */

/* Result codes of the library, extended ones before the primary one they belong to.  Anything else is a query it could
 * not run. */
static const struct
{
	int			code;
	ConnhubStatus status;
	const char *sqlstate;
	bool		retryable;
	bool		connection_lost;
	const char *hint;
}			library_errors[] = {
	{SQLITE_PERM, CONNHUB_PERMISSION, "", false, false, ""},
	{SQLITE_AUTH, CONNHUB_PERMISSION, "", false, false,
	"Only queries that read tables of this file are allowed, and writes to them when the connector is not read-only."},
	{SQLITE_BUSY_SNAPSHOT, CONNHUB_QUERY, "40001", false, false, STALE_SNAPSHOT},
	{SQLITE_BUSY, CONNHUB_BUSY, "55P03", true, false,
	"Another process holds a lock on the file; option \"busy_timeout\" says how long to wait for it."},
	{SQLITE_LOCKED, CONNHUB_BUSY, "55P03", true, false, ""},
	{SQLITE_NOMEM, CONNHUB_NO_MEMORY, "", false, false, ""},
	{SQLITE_READONLY, CONNHUB_PERMISSION, "25006", false, false,
	"The file cannot be written to, needs recovery, or its write-ahead log cannot be opened: the server must be able to "
	"write to the file and its folder."},
	{SQLITE_IOERR, CONNHUB_LOST, "", true, true, ""},
	{SQLITE_CORRUPT, CONNHUB_QUERY, "XX001", false, false,
	"Check the file with \"PRAGMA integrity_check\"."},
	{SQLITE_FULL, CONNHUB_QUOTA, "53100", false, false, ""},
	{SQLITE_CANTOPEN, CONNHUB_PERMISSION, "", false, false,
	"The server must be able to read the file, and to write to its folder when the file has a write-ahead log."},
	{SQLITE_SCHEMA, CONNHUB_SCHEMA_CHANGED, "", true, false, ""},
	{SQLITE_TOOBIG, CONNHUB_QUERY, "54000", false, false, ""},
	{SQLITE_CONSTRAINT_NOTNULL, CONNHUB_QUERY, "23502", false, false, ""},
	{SQLITE_CONSTRAINT_FOREIGNKEY, CONNHUB_QUERY, "23503", false, false, ""},
	{SQLITE_CONSTRAINT_PRIMARYKEY, CONNHUB_QUERY, "23505", false, false, ""},
	{SQLITE_CONSTRAINT_ROWID, CONNHUB_QUERY, "23505", false, false, ""},
	{SQLITE_CONSTRAINT_UNIQUE, CONNHUB_QUERY, "23505", false, false, ""},
	{SQLITE_CONSTRAINT_CHECK, CONNHUB_QUERY, "23514", false, false, ""},
	{SQLITE_CONSTRAINT_DATATYPE, CONNHUB_QUERY, "42804", false, false, ""},
	{SQLITE_CONSTRAINT, CONNHUB_QUERY, "23000", false, false, ""},
	{SQ_ERROR_UNFIT, CONNHUB_DATA, "", false, false, "Declare the foreign column as text to read whatever it holds."},
	{SQLITE_MISMATCH, CONNHUB_QUERY, "42804", false, false, ""},
	{SQLITE_NOTADB, CONNHUB_NO_DATABASE, "", false, false,
	"The file is not a SQLite database, or it is encrypted."},
};

/* Who holds a snapshot and wants to write is refused at once while another process writes: to wait for it could only
 * end in a stale snapshot. */
static bool
is_stale(const ConnhubConn *conn, int code)
{
	return (code & 0xFF) == SQLITE_BUSY && conn->is_writable && sqlite3_txn_state(conn->db, "main") == SQLITE_TXN_READ;
}

/* The library has one code for every error it finds in a statement: what is missing is in its words alone. */
static bool
is_missing(const ConnhubConn *conn, int code)
{
	static const char *const words[] = {"no such table: ", "no such column: ", " has no column named "};
	size_t		i;

	for (i = 0; code == SQLITE_ERROR && i < sizeof(words) / sizeof(words[0]); i++)
	{
		if (strstr(sqlite3_errmsg(conn->db), words[i]) != NULL)
			return true;
	}
	return false;
}

ConnhubStatus
sq_library_error(ConnhubConn *conn, ConnhubError *error)
{
	int			code = sqlite3_extended_errcode(conn->db);
	int			known = is_stale(conn, code) ? SQLITE_BUSY_SNAPSHOT : code;
	size_t		i;

	if (conn->stop != CONNHUB_OK)
		return fail_as(error, conn->stop, conn->stop == CONNHUB_TIMEOUT ? "timed out" : "cancelled");
	fail_as(error, is_missing(conn, code) ? CONNHUB_SCHEMA_CHANGED : CONNHUB_QUERY, "%s", sqlite3_errmsg(conn->db));
	for (i = 0; i < sizeof(library_errors) / sizeof(library_errors[0]); i++)
	{
		if (library_errors[i].code != known && library_errors[i].code != (known & 0xFF))
			continue;
		error->status = library_errors[i].status;
		error->retryable = library_errors[i].retryable;
		error->connection_lost = library_errors[i].connection_lost;
		snprintf(error->sqlstate, sizeof(error->sqlstate), "%s", library_errors[i].sqlstate);
		fail_hint(error, "%s", library_errors[i].hint);
		break;
	}
	error->native_code = code;
	return error->status;
}

ConnhubStatus
sq_prepare(ConnhubConn *conn, const char *sql, sqlite3_stmt **statement, ConnhubError *error)
{
	int			code;

	conn->stop = CONNHUB_OK;
	conn->is_own = true;
	code = sqlite3_prepare_v2(conn->db, sql, -1, statement, NULL);
	conn->is_own = false;
	return code == SQLITE_OK ? CONNHUB_OK : sq_library_error(conn, error);
}

/* Run a statement of the driver's own; the first column of its first row goes to *number and text. */
static ConnhubStatus
run(ConnhubConn *conn, const char *sql, char *text, size_t size, ConnhubError *error)
{
	sqlite3_stmt *statement;
	ConnhubStatus status = sq_prepare(conn, sql, &statement, error);
	int			code;

	if (status != CONNHUB_OK)
		return status;
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW && text)
	{
		const unsigned char *value = sqlite3_column_text(statement, 0);

		snprintf(text, size, "%s", value ? (const char *) value : "");
	}
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		status = sq_library_error(conn, error);
	sqlite3_finalize(statement);
	return status;
}

ConnhubStatus
sq_run(ConnhubConn *conn, const char *sql, ConnhubError *error)
{
	return run(conn, sql, NULL, 0, error);
}

/* ---- Callbacks of the library ---- */

static int
on_progress(void *opaque)
{
	ConnhubConn *conn = opaque;

	conn->stop = sq_host->cancelled();
	return conn->stop != CONNHUB_OK;
}

static int
on_busy(void *opaque, int tries)
{
	ConnhubConn *conn = opaque;

	if ((int64_t) tries * BUSY_WAIT_MS >= conn->busy_timeout_ms)
		return 0;
	conn->stop = sq_host->wait(-1, 0, BUSY_WAIT_MS);
	return conn->stop == CONNHUB_OK;
}

/* Pragmas that only tell what the file holds.  Discovery uses them as table functions. */
static bool
is_harmless_pragma(const char *name)
{
	static const char *const harmless[] = {
		"table_list", "table_info", "table_xinfo", "index_list", "index_info", "index_xinfo",
		"foreign_key_list", "encoding", "schema_version", "page_count", "page_size", "collation_list",
		"function_list", "compile_options", "user_version", "application_id"
	};
	size_t		i;

	for (i = 0; name && i < sizeof(harmless) / sizeof(harmless[0]); i++)
		if (sqlite3_stricmp(name, harmless[i]) == 0)
			return true;
	return false;
}

/* The library's own tables, of statistics and sequences, are not data. */
static int
may_write(const ConnhubConn *conn, const char *table)
{
	return conn->is_writable && sqlite3_strnicmp(table, "sqlite_", 7) != 0 ? SQLITE_OK : SQLITE_DENY;
}

/* What a statement may do, asked while it is prepared. */
static int
on_authorize(void *opaque, int action, const char *a, const char *b, const char *database,
			 const char *trigger)
{
	const ConnhubConn *conn = opaque;

	switch (action)
	{
		case SQLITE_SELECT:
		case SQLITE_READ:
		case SQLITE_RECURSIVE:
			return SQLITE_OK;
		case SQLITE_TRANSACTION:
		case SQLITE_SAVEPOINT:
			return conn->is_own ? SQLITE_OK : SQLITE_DENY;
		case SQLITE_FUNCTION:
			return b && sqlite3_stricmp(b, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
		case SQLITE_PRAGMA:
			/* With an argument most of them set something; those of a table have its name there. */
			if (!is_harmless_pragma(a))
				return SQLITE_DENY;
			return b == NULL || sqlite3_strnicmp(a, "table", 5) == 0 || sqlite3_strnicmp(a, "index", 5) == 0 ||
				sqlite3_strnicmp(a, "foreign", 7) == 0 ? SQLITE_OK : SQLITE_DENY;
		case SQLITE_UPDATE:
			/* Asked, but never run, when a table function declares its columns.  DEFENSIVE keeps the schema from being
			 * written. */
			if (sqlite3_stricmp(a, "sqlite_master") == 0)
				return SQLITE_OK;
			return may_write(conn, a);
		case SQLITE_INSERT:
		case SQLITE_DELETE:
			return may_write(conn, a);
		default:
			return SQLITE_DENY;
	}
}

/* ---- Opening ---- */

static const char *
option(const ConnhubConfig *config, const char *name, const char *absent)
{
	uint32_t	i;

	for (i = 0; i < config->noptions; i++)
		if (strcmp(config->options[i].name, name) == 0 && config->options[i].value)
			return config->options[i].value;
	return absent;
}

bool
sq_is_true(const char *value)
{
	return strcmp(value, "false") != 0 && strcmp(value, "off") != 0;
}

ConnhubStatus
sq_open(const ConnhubConfig *config, ConnhubConn **conn, ConnhubError *error)
{
	ConnhubConn *self;

	if (config->database == NULL || config->database[0] != '/')
		return fail_as(error, CONNHUB_CONFIG, "database must be the absolute name of a file");
	self = sq_host->alloc(sizeof(ConnhubConn));
	if (self == NULL)
		return fail_no_memory(error);
	memset(self, 0, sizeof(*self));
	if (!text_copy(sq_host, config->database, &self->path) || !text_copy(sq_host, config->schema, &self->schema))
	{
		sq_close(self);
		return fail_no_memory(error);
	}
	self->read_only = sq_is_true(option(config, "read_only", "true"));
	self->busy_timeout_ms = strtoll(option(config, "busy_timeout", "5000"), NULL, 10);
	*conn = self;
	return CONNHUB_OK;
}

/* Only a file that is there, is regular and can be read is given to the library: it would make a
 * missing one up, and wait for ever on a pipe. */
static ConnhubStatus
inspect_file(ConnhubConn *conn, ConnhubError *error)
{
	struct stat file;

	error->phase = CONNHUB_PHASE_DATABASE;
	if (stat(conn->path, &file) != 0)
	{
		int			cause = errno;

		error->native_code = cause;
		if (cause == ENOENT || cause == ENOTDIR)
			return fail_as(error, CONNHUB_NO_DATABASE, "file does not exist");
		error->phase = CONNHUB_PHASE_PERMISSION;
		return fail_as(error, CONNHUB_PERMISSION, "could not look at the file: %s", strerror(cause));
	}
	error->phase = CONNHUB_PHASE_PERMISSION;
	if (!S_ISREG(file.st_mode))
		return fail_as(error, CONNHUB_PERMISSION, "the name is that of %s, not of a regular file",
					   S_ISDIR(file.st_mode) ? "a directory" : "a device or pipe");
	if (access(conn->path, R_OK) != 0)
	{
		error->native_code = errno;
		fail_hint(error, "The operating system user that the server runs as must be able to read it.");
		return fail_as(error, CONNHUB_PERMISSION, "could not open the file: %s", strerror(errno));
	}
	error->phase = CONNHUB_PHASE_NONE;
	return CONNHUB_OK;
}

/* Can the file be written to?  A journal is made beside it. */
static bool
can_write(const ConnhubConn *conn)
{
	const char *slash = strrchr(conn->path, '/');
	char		folder[4096];

	if ((size_t) (slash - conn->path) >= sizeof(folder) - 1)
		return false;
	snprintf(folder, sizeof(folder), "%.*s", (int) (slash - conn->path) + 1, conn->path);
	return access(conn->path, W_OK) == 0 && access(folder, W_OK | X_OK) == 0;
}

/* Put up the fence.  Who writes keeps the rules of the file: its triggers run, its foreign keys hold. */
static bool
guard(ConnhubConn *conn)
{
	const struct
	{
		int			option;
		int			value;
	}			settings[] = {
		{SQLITE_DBCONFIG_DEFENSIVE, 1},
		{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
		{SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
		{SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
		{SQLITE_DBCONFIG_ENABLE_TRIGGER, conn->is_writable},
		{SQLITE_DBCONFIG_ENABLE_FKEY, conn->is_writable},
		{SQLITE_DBCONFIG_DQS_DML, 0},	/* a misspelled column must not become a string */
	};
	size_t		i;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (sqlite3_db_config(conn->db, settings[i].option, settings[i].value, NULL) != SQLITE_OK)
			return false;
	sqlite3_limit(conn->db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(conn->db, SQLITE_LIMIT_WORKER_THREADS, 0);
	sqlite3_limit(conn->db, SQLITE_LIMIT_LENGTH, 0x3FFFFFFF);	/* PostgreSQL's own */
	sqlite3_progress_handler(conn->db, OPS_BETWEEN_CHECKS, on_progress, conn);
	return sq_add_checks(conn->db) && sq_add_sum(conn->db) && sqlite3_busy_handler(conn->db, on_busy, conn) == SQLITE_OK &&
		sqlite3_set_authorizer(conn->db, on_authorize, conn) == SQLITE_OK;
}

/* Opening a local file is done in one step.  The library reads nothing before the first statement, so
 * one is run: it finds out whether this is a database at all. */
ConnhubStatus
sq_step(ConnhubConn *conn, ConnhubWait *wait, ConnhubError *error)
{
	int			flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE;
	char		encoding[16] = "";
	ConnhubStatus status;

	sq_host->phase(CONNHUB_PHASE_DATABASE);
	status = inspect_file(conn, error);
	if (status != CONNHUB_OK)
		return status;
	conn->is_writable = !conn->read_only && can_write(conn);
	flags |= conn->is_writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	if (sqlite3_open_v2(conn->path, &conn->db, flags, NULL) != SQLITE_OK || !guard(conn))
	{
		if (conn->db == NULL)
			status = fail_no_memory(error);
		else
			status = sq_library_error(conn, error);
	}
	if (status == CONNHUB_OK)
		status = sq_run(conn, "SELECT count(*) FROM sqlite_schema", error);
	if (status == CONNHUB_OK)
		status = run(conn, "PRAGMA encoding", encoding, sizeof(encoding), error);
	if (strcmp(encoding, "UTF-8") == 0)
		conn->flags |= SQ_FLAG_UTF8;
	if (status != CONNHUB_OK)
		error->phase = status == CONNHUB_PERMISSION ? CONNHUB_PHASE_PERMISSION : CONNHUB_PHASE_DATABASE;
	return status;
}

void
sq_close(ConnhubConn *conn)
{
	ConnhubError ignored = {0};

	while (conn->cursors)
		sq_close_cursor(conn->cursors, &ignored);
	sq_forget_statements(conn);
	sqlite3_close(conn->db);
	sq_host->free(conn->path);
	sq_host->free(conn->schema);
	sq_host->free(conn);
}

/* ---- Checking ---- */

/* The file behind the connection may have been replaced or removed. */
static bool
file_has_moved(ConnhubConn *conn)
{
	int			moved = 0;

	return sqlite3_file_control(conn->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved;
}

ConnhubStatus
sq_check(ConnhubConn *conn, ConnhubCheckLevel level, ConnhubInfo *info, ConnhubError *error)
{
	int			number = sqlite3_libversion_number();

	snprintf(info->product, sizeof(info->product), "SQLite");
	snprintf(info->version, sizeof(info->version), "%s", sqlite3_libversion());
	info->version_num = (uint32_t) (number / 1000000 * 10000 + number / 1000 % 1000 * 100 + number % 1000);
	snprintf(info->encoding, sizeof(info->encoding), "%s", conn->flags & SQ_FLAG_UTF8 ? "UTF-8" : "UTF-16");
	info->flags = conn->flags;
	if (file_has_moved(conn))
	{
		error->connection_lost = true;
		error->retryable = true;
		return fail_as(error, CONNHUB_LOST, "the file was removed or replaced");
	}
	if (level == CONNHUB_CHECK_ALIVE)
		return CONNHUB_OK;
	if (level == CONNHUB_CHECK_ACCESS)
	{
		sq_host->phase(CONNHUB_PHASE_DATABASE);
		if (conn->schema && strcmp(conn->schema, "main") != 0)
		{
			error->phase = CONNHUB_PHASE_DATABASE;
			fail_hint(error, "The only schema of a SQLite file is \"main\".");
			return fail_as(error, CONNHUB_NO_DATABASE, "schema \"%s\" does not exist", conn->schema);
		}
		sq_host->phase(CONNHUB_PHASE_PERMISSION);
	}
	return sq_run(conn, "SELECT count(*) FROM sqlite_schema", error);
}

/* A statement runs inside a call of ours, which has ended by itself when the user cancels; nothing is
 * left running at the source. */
ConnhubStatus
sq_cancel(ConnhubConn *conn, ConnhubError *error)
{
	sqlite3_interrupt(conn->db);
	return CONNHUB_OK;
}
