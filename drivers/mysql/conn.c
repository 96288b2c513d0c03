/* conn.c — open, check, stop and close a connection.
 *
 * A session is put into one known state before its first query, whatever the server's defaults are:
 * utf8mb4 both ways, UTC, a sql_mode under which a backslash is an ordinary character, subtraction of
 * unsigned numbers is signed and a value that does not fit is an error, and no rewriting of
 * "id IS NULL".  dialect.c and write.c rely on it.
 *
 * The password is kept until close because only a second connection can stop a query; it is wiped
 * then.  A database is selected after login, so that its absence is told apart from a failed login. */
#include <stdio.h>
#include <string.h>

#include <errmsg.h>
#include <mysqld_error.h>
#include <openssl/crypto.h>

#include "access.h"
#include "command.h"
#include "conn.h"
#include "error.h"
#include "query.h"
#include "text.h"
#include "tls.h"

#define SQL_MODE \
	"NO_BACKSLASH_ESCAPES,NO_UNSIGNED_SUBTRACTION,STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO," \
	"ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"

/* A scan may rest between two fetches as long as the rest of its query takes, and a cached connection
 * as long as its session.  In seconds. */
#define REST_SECONDS	86400

#define CANCEL_MS		2000	/* most time for stopping a query */

/* Methods of authentication that never send a password in clear text over a connection that is not
 * encrypted; the second list is for a server whose certificate has been verified. */
#define SAFE_METHODS	"mysql_native_password,caching_sha2_password,sha256_password,client_ed25519"
#define CLEAR_METHODS	SAFE_METHODS ",mysql_clear_password"

const ConnhubHost *my_host;

static bool
copy_config(ConnhubConn *conn, const ConnhubConfig *config)
{
	const ConnhubHost *host = conn->host;

	conn->port = config->port;
	conn->ssl_mode = config->ssl_mode;
	conn->require_password = config->require_password;
	conn->connect_timeout_ms = config->connect_timeout_ms;
	conn->query_timeout_ms = config->query_timeout_ms;
	if (!text_copy(host, config->host, &conn->name) ||
		!text_copy(host, config->username, &conn->user) ||
		!text_copy(host, config->password, &conn->password) ||
		!text_copy(host, config->database, &conn->database) ||
		!text_copy(host, config->schema, &conn->schema) ||
		!text_copy(host, config->application, &conn->application))
		return false;
	conn->addresses = host->alloc(sizeof(char *) * config->naddresses);
	if (conn->addresses == NULL)
		return false;
	for (uint32_t i = 0; i < config->naddresses; i++)
	{
		if (!text_copy(host, config->addresses[i], &conn->addresses[i]))
			return false;
		conn->naddresses = i + 1;
	}
	return true;
}

static ConnhubStatus
read_options(ConnhubConn *conn, const ConnhubConfig *config)
{
	for (uint32_t i = 0; i < config->noptions; i++)
	{
		const ConnhubOption *option = &config->options[i];

		if (option->value == NULL)
			continue;
		if (strcmp(option->name, "zero_dates") == 0)
			conn->zero_dates = strcmp(option->value, "null") == 0 ? MY_ZERO_NULL : MY_ZERO_ERROR;
		else if (strcmp(option->name, "tinyint1") == 0)
			conn->tinyint1_is_boolean = strcmp(option->value, "boolean") == 0;
	}
	return CONNHUB_OK;
}

/* The library takes a name with a comma for a list of hosts and one with "://" for a plug-in. */
static bool
name_is_plain(const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:%") ==
		strlen(name);
}

static ConnhubStatus
refuse_config(const ConnhubConfig *config, ConnhubError *error)
{
	if (config->host == NULL || config->naddresses == 0 || !name_is_plain(config->host))
		fail_as(error, CONNHUB_CONFIG, "host is missing or malformed");
	else if (config->username == NULL || config->username[0] == '\0')
	{
		fail_as(error, CONNHUB_CONFIG, "user name is missing");
		fail_hint(error, "Give the connector a user name of the source.");
	}
	else
		return CONNHUB_OK;
	return CONNHUB_CONFIG;
}

/* Local files are the server's to ask for in this protocol; here they never leave. */
static int
refuse_local_infile(void **pointer, const char *name, void *data)
{
	*pointer = NULL;
	return 1;
}

static int
refuse_local_read(void *pointer, char *buffer, unsigned int length)
{
	return -1;
}

static void
end_local_infile(void *pointer)
{
}

static int
explain_local_infile(void *pointer, char *text, unsigned int length)
{
	snprintf(text, length, "the source asked for a local file, which is never sent");
	return CR_UNKNOWN_ERROR;
}

static void
set_options(ConnhubConn *conn)
{
	MYSQL	   *mysql = conn->mysql;
	unsigned int protocol = MYSQL_PROTOCOL_TCP;
	unsigned int local_infile = 0;
	my_bool		encrypt = conn->ssl_mode != CONNHUB_SSL_DISABLE;
	my_bool		no = 0;

	mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
	mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &local_infile);
	mysql_set_local_infile_handler(mysql, refuse_local_infile, refuse_local_read, end_local_infile,
								   explain_local_infile, NULL);
	mysql_options(mysql, MYSQL_OPT_RECONNECT, &no);
	mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_options(mysql, MYSQL_PLUGIN_DIR, MY_PLUGIN_DIR);
	mysql_optionsv(mysql, MARIADB_OPT_RESTRICTED_AUTH,
				   conn->ssl_mode >= CONNHUB_SSL_VERIFY_CA ? CLEAR_METHODS : SAFE_METHODS);
	mysql_optionsv(mysql, MYSQL_OPT_SSL_ENFORCE, &encrypt);

	/* tls.c verifies; the library would compare with what it takes for the host.  Without a place for
	 * authorities it would parse the system's whole bundle for each connection. */
	mysql_optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &no);
	if (encrypt)
		mysql_optionsv(mysql, MYSQL_OPT_SSL_CAPATH, "/dev/null");
	if (conn->application != NULL)
		mysql_optionsv(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", conn->application);
}

/* ---- Opening, on a stack of its own ------------------------------------------------------ */

static ConnhubStatus
fail_open(ConnhubConn *conn)
{
	ConnhubError *error = &conn->open_error;
	MyIo	   *io = &conn->io;
	long		reason = my_tls_verify_error(conn->tls);
	const char *hint;

	my_io_note_handshake(io);
	if (io->status == CONNHUB_TIMEOUT || io->status == CONNHUB_CANCELLED)
		return my_error_wait(error, io->status);
	if (io->status == CONNHUB_TLS)
	{
		fail_as(error, CONNHUB_TLS, "the source does not offer an encrypted connection");
		fail_hint(error, "Enable TLS at the source, or set ssl_mode to disable if the network is trusted.");
		return error->status;
	}
	if (io->phase == CONNHUB_PHASE_TLS)
	{
		const char *text = mysql_error(conn->mysql);

		fail_as(error, CONNHUB_TLS, "could not establish an encrypted connection");
		error->native_code = reason;
		if (reason != 0)
		{
			fail_detail(error, "The server's certificate was not accepted: %s.", my_tls_reason(reason, &hint));
			fail_hint(error, "%s", hint);
		}
		else
			fail_detail(error, "The TLS library reports: %s.", text);
		error->connection_lost = true;
		return error->status;
	}
	if (io->pvio == NULL && io->sys_errno != 0 && io->phase == CONNHUB_PHASE_TCP)
		return my_error_connect(error, io->sys_errno, conn->name, conn->port);
	my_error_native(error, mysql_errno(conn->mysql), mysql_sqlstate(conn->mysql), mysql_error(conn->mysql));
	if (error->status == CONNHUB_LOST && io->phase == CONNHUB_PHASE_TCP)
	{
		fail_as(error, CONNHUB_REFUSED, "the source closed the connection without a greeting");
		fail_hint(error, "Check host and port: what answers there may not be this kind of source.");
	}
	error->connection_lost = true;
	return error->status;
}

static bool
run_text(ConnhubConn *conn, const char *text)
{
	return mysql_real_query(conn->mysql, text, strlen(text)) == 0;
}

static bool
set_session(ConnhubConn *conn)
{
	char		text[1024];
	int			length;

	length = snprintf(text, sizeof(text),
					  "SET NAMES utf8mb4 COLLATE utf8mb4_bin, SESSION sql_mode = '" SQL_MODE "', "
					  "SESSION time_zone = '+00:00', SESSION sql_auto_is_null = 0, "
					  "SESSION sql_select_limit = 18446744073709551615, SESSION autocommit = 1, SESSION sql_notes = 1, "
					  "SESSION max_error_count = 1024, "
					  "SESSION net_write_timeout = %d, SESSION wait_timeout = %d",
					  REST_SECONDS, REST_SECONDS);
	if (conn->query_timeout_ms > 0 && conn->is_mariadb && conn->version >= 100101)
		snprintf(text + length, sizeof(text) - length, ", SESSION max_statement_time = %lld.%03d",
				 (long long) (conn->query_timeout_ms / 1000), (int) (conn->query_timeout_ms % 1000));
	else if (conn->query_timeout_ms > 0 && !conn->is_mariadb && conn->version >= 50708)
		snprintf(text + length, sizeof(text) - length, ", SESSION max_execution_time = %lld",
				 (long long) conn->query_timeout_ms);
	return run_text(conn, text);
}

/* A source that lets the account in without a password would be trusting something else, such as the
 * machine the hub runs on. */
static ConnhubStatus
refuse_without_password(ConnhubConn *conn)
{
	my_io_enter_phase(&conn->io, CONNHUB_PHASE_AUTH);
	fail_as(&conn->open_error, CONNHUB_AUTH, "a password is required");
	fail_hint(&conn->open_error, "Give the connector the password of its account at the source.");
	return CONNHUB_AUTH;
}

static ConnhubStatus
open_session(ConnhubConn *conn)
{
	if (conn->require_password && (conn->password == NULL || conn->password[0] == '\0'))
		return refuse_without_password(conn);
	if (!my_io_connect(&conn->io, conn->mysql, conn->name, conn->user,
					   conn->password != NULL ? conn->password : ""))
		return fail_open(conn);
	my_io_note_handshake(&conn->io);
	if (conn->mysql->passwd != NULL)
		OPENSSL_cleanse(conn->mysql->passwd, strlen(conn->mysql->passwd));
	conn->is_mariadb = mariadb_connection(conn->mysql) != 0;
	conn->version = mysql_get_server_version(conn->mysql);
	if (conn->for_kill)
		return CONNHUB_OK;
	if (!set_session(conn))
		return fail_open(conn);
	my_io_enter_phase(&conn->io, CONNHUB_PHASE_DATABASE);
	if (conn->database != NULL && mysql_select_db(conn->mysql, conn->database) != 0)
		return fail_open(conn);
	return CONNHUB_OK;
}

static void
open_main(void *arg)
{
	ConnhubConn *conn = arg;

	conn->opened = open_session(conn);
}

/* ---- Slots ------------------------------------------------------------------------------- */

static ConnhubConn *
create_conn(const ConnhubHost *host)
{
	ConnhubConn *conn = host->alloc(sizeof(ConnhubConn));

	if (conn == NULL)
		return NULL;
	memset(conn, 0, sizeof(*conn));
	conn->host = host;
	my_io_init(&conn->io, host);
	return conn;
}

static ConnhubStatus
start_conn(ConnhubConn *conn, ConnhubError *error)
{
	conn->mysql = mysql_init(NULL);
	if (conn->mysql == NULL)
		return fail_no_memory(error);
	set_options(conn);
	conn->io.addresses = (const char *const *) conn->addresses;
	conn->io.naddresses = conn->naddresses;
	conn->io.port = conn->port;
	conn->io.connect_timeout_ms = conn->connect_timeout_ms;
	conn->io.must_encrypt = conn->ssl_mode != CONNHUB_SSL_DISABLE;
	conn->io.tls = conn->tls;
	if (!my_io_begin(&conn->io, open_main, conn))
		return fail_no_memory(error);
	return CONNHUB_OK;
}

ConnhubStatus
my_open(const ConnhubConfig *config, ConnhubConn **result, ConnhubError *error)
{
	ConnhubConn *conn;
	ConnhubStatus status = refuse_config(config, error);

	if (status != CONNHUB_OK)
		return status;
	conn = create_conn(my_host);
	if (conn == NULL)
		return fail_no_memory(error);
	if (!copy_config(conn, config))
		status = fail_no_memory(error);
	if (status == CONNHUB_OK)
		status = read_options(conn, config);
	if (status == CONNHUB_OK && conn->ssl_mode != CONNHUB_SSL_DISABLE)
	{
		conn->owns_tls = true;
		conn->tls = my_tls_create(my_host, config, error);
		if (conn->tls == NULL)
			status = error->status;
	}
	if (status == CONNHUB_OK)
		status = start_conn(conn, error);
	if (status != CONNHUB_OK)
	{
		my_close(conn);
		return status;
	}
	*result = conn;
	return CONNHUB_OK;
}

ConnhubStatus
my_step(ConnhubConn *conn, ConnhubWait *wait, ConnhubError *error)
{
	if (conn->is_open)
		return CONNHUB_OK;
	if (!my_io_resume(&conn->io, wait))
		return CONNHUB_WAIT;
	conn->is_open = conn->opened == CONNHUB_OK;
	if (!conn->is_open)
	{
		*error = conn->open_error;
		error->phase = conn->io.phase;
	}
	return conn->opened;
}

static void
free_config(ConnhubConn *conn)
{
	const ConnhubHost *host = conn->host;

	if (conn->password != NULL)
		OPENSSL_cleanse(conn->password, strlen(conn->password));
	for (uint32_t i = 0; i < conn->naddresses; i++)
		host->free(conn->addresses[i]);
	host->free(conn->addresses);
	host->free(conn->name);
	host->free(conn->user);
	host->free(conn->password);
	host->free(conn->database);
	host->free(conn->schema);
	host->free(conn->application);
}

void
my_close(ConnhubConn *conn)
{
	ConnhubWait wait;

	if (conn == NULL)
		return;

	/* An unfinished opening or check unwinds itself once its waits fail, and frees what it holds. */
	if (conn->io.stack != NULL && !conn->io.finished)
	{
		my_io_abort(&conn->io, CONNHUB_CANCELLED);
		while (!my_io_resume(&conn->io, &wait))
			;
	}

	/* Unread rows are not read off: the socket is shut first.  An idle connection says farewell. */
	if (conn->cursor != NULL || conn->io.status != CONNHUB_OK)
		my_io_abort(&conn->io, CONNHUB_CANCELLED);
	conn->io.closing = true;
	my_cursor_discard(conn);
	my_statements_forget(conn);
	if (conn->mysql != NULL)
		mysql_close(conn->mysql);
	my_io_fini(&conn->io);
	if (conn->owns_tls)
		my_tls_free(conn->tls);
	free_config(conn);
	conn->host->free(conn);
}

ConnhubStatus
my_conn_error(ConnhubConn *conn, ConnhubError *error)
{
	if (conn->io.status != CONNHUB_OK)
		return my_error_wait(error, conn->io.status);
	my_error_native(error, mysql_errno(conn->mysql), mysql_sqlstate(conn->mysql), mysql_error(conn->mysql));
	if (error->status == CONNHUB_TLS && conn->is_open)
		error->status = CONNHUB_LOST;	/* a record that cannot be read or written */
	return error->status;
}

ConnhubStatus
my_stmt_error(ConnhubConn *conn, MYSQL_STMT *stmt, ConnhubError *error)
{
	if (conn->io.status != CONNHUB_OK)
		return my_error_wait(error, conn->io.status);

	/* A failure between two rows is left on the connection alone. */
	if (mysql_stmt_errno(stmt) == 0)
		return my_conn_error(conn, error);
	my_error_native(error, mysql_stmt_errno(stmt), mysql_stmt_sqlstate(stmt), mysql_stmt_error(stmt));
	if (error->status == CONNHUB_TLS)
		error->status = CONNHUB_LOST;
	return error->status;
}

/* ---- Check ------------------------------------------------------------------------------- */

static void
fill_info(ConnhubConn *conn, ConnhubInfo *info)
{
	const char *tls = NULL;

	memset(info, 0, sizeof(*info));
	snprintf(info->product, sizeof(info->product), "%s", conn->is_mariadb ? "MariaDB" : "MySQL");
	snprintf(info->version, sizeof(info->version), "%s", mysql_get_server_info(conn->mysql));
	info->version_num = (uint32_t) conn->version;
	snprintf(info->encoding, sizeof(info->encoding), "UTF8");
	info->flags = MY_FLAG_REACHED | (conn->is_mariadb ? MY_FLAG_MARIADB : 0);
	info->tls = conn->ssl_mode != CONNHUB_SSL_DISABLE;
	if (info->tls && mariadb_get_infov(conn->mysql, MARIADB_CONNECTION_TLS_VERSION, &tls) == 0 && tls != NULL)
		snprintf(info->tls_version, sizeof(info->tls_version), "%s", tls);
}

ConnhubStatus
my_check(ConnhubConn *conn, ConnhubCheckLevel level, ConnhubInfo *info, ConnhubError *error)
{
	ConnhubStatus status = my_settle_ready(conn, error);

	if (status != CONNHUB_OK)
		return status;
	if (my_io_is_stale(&conn->io))
	{
		fail_as(error, CONNHUB_LOST, "the source has closed the connection");
		error->connection_lost = true;
		error->retryable = true;
		return CONNHUB_LOST;
	}
	if (level >= CONNHUB_CHECK_PING)
	{
		status = my_settle(conn, error);
		if (status != CONNHUB_OK)
			return status;
		if (mysql_ping(conn->mysql) != 0)
			return my_conn_error(conn, error);
	}
	fill_info(conn, info);
	return level >= CONNHUB_CHECK_ACCESS ? my_check_access(conn, error) : CONNHUB_OK;
}

static void
check_main(void *arg)
{
	ConnhubConn *conn = arg;

	conn->checked = my_check(conn, CONNHUB_CHECK_ACCESS, &conn->check_info, &conn->check_error);
}

/* The same code as check, on a stack of its own. */
ConnhubStatus
my_check_step(ConnhubConn *conn, ConnhubInfo *info, ConnhubWait *wait, ConnhubError *error)
{
	if (conn->io.stack == NULL)
	{
		memset(&conn->check_error, 0, sizeof(conn->check_error));
		if (!my_io_begin(&conn->io, check_main, conn))
			return fail_no_memory(error);
	}
	if (!my_io_resume(&conn->io, wait))
		return CONNHUB_WAIT;
	*info = conn->check_info;
	*error = conn->check_error;
	return conn->checked;
}

/* ---- Stopping a query -------------------------------------------------------------------- */

/* A connection like the other, that borrows everything it was configured with. */
static ConnhubConn *
create_killer(ConnhubConn *victim)
{
	ConnhubConn *conn = create_conn(victim->host);

	if (conn == NULL)
		return NULL;
	conn->for_kill = true;
	conn->io.quiet = true;
	conn->name = victim->name;
	conn->addresses = victim->addresses;
	conn->naddresses = victim->naddresses;
	conn->port = victim->port;
	conn->user = victim->user;
	conn->password = victim->password;
	conn->application = victim->application;
	conn->ssl_mode = victim->ssl_mode;
	conn->require_password = victim->require_password;
	conn->tls = victim->tls;
	return conn;
}

static void
close_killer(ConnhubConn *conn)
{
	conn->name = conn->user = conn->password = conn->application = NULL;
	conn->addresses = NULL;
	conn->naddresses = 0;
	my_close(conn);
}

ConnhubStatus
my_kill_query(ConnhubConn *victim, int64_t within_ms, ConnhubError *error)
{
	const ConnhubHost *host = victim->host;
	int64_t		until_ms = host->now_ms() + within_ms;
	ConnhubConn *killer = create_killer(victim);
	ConnhubWait wait;
	ConnhubStatus status;
	char		text[64];

	if (killer == NULL)
		return fail_no_memory(error);
	status = start_conn(killer, error);
	while (status == CONNHUB_OK && (status = my_step(killer, &wait, error)) == CONNHUB_WAIT)
	{
		int64_t		left = until_ms - host->now_ms();

		if (wait.timeout_ms < 0 || wait.timeout_ms > left)
			wait.timeout_ms = left > 0 ? left : 0;
		status = host->wait(wait.fd, wait.events, wait.timeout_ms);
		if (status == CONNHUB_TIMEOUT && left > 0)
			status = host->cancelled();
		if (status != CONNHUB_OK)
			my_error_wait(error, status);
	}
	if (status == CONNHUB_OK)
	{
		killer->io.deadline_ms = until_ms;
		snprintf(text, sizeof(text), "KILL QUERY %lu", mysql_thread_id(victim->mysql));
		status = my_command(killer, text, error);
	}
	close_killer(killer);
	return status;
}

ConnhubStatus
my_cancel(ConnhubConn *conn, ConnhubError *error)
{
	if (!conn->is_open)
		return CONNHUB_OK;
	return my_kill_query(conn, CANCEL_MS, error);
}
