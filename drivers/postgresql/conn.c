/* conn.c — opening and closing.
 *
 * One PGconn per address, tried in order; only a failure to connect moves on to the next.  Nothing of
 * this machine's identity is lent out: libpq reads no environment variable, service file, password
 * file, certificate or Kerberos ticket here.  Names of files that cannot exist stand where libpq would
 * look into the home directory, and the environment is empty while it takes its defaults. */
#include "pg.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NO_FILE		"/dev/null/none"	/* below a file: never there */
#define MAX_PARAMS	40

extern char **environ;

char *
pg_strdup(const char *text)
{
	size_t		size = strlen(text) + 1;
	char	   *copy = pg_host->alloc(size);

	return copy ? memcpy(copy, text, size) : NULL;
}

static void
free_strings(char **strings)
{
	if (!strings)
		return;
	for (char **p = strings; *p; p++)
	{
		explicit_bzero(*p, strlen(*p));
		pg_host->free(*p);
	}
	pg_host->free(strings);
}

/* ---- Parameters -------------------------------------------------------------------------- */

/* An environment without variables, for the duration of a call into libpq.  The array is replaced, never
 * changed, so a thread that reads it meanwhile sees one whole state or the other. */
static char **
hide_environment(void)
{
	static char *none[] = {NULL};
	char	  **saved = environ;

	environ = none;
	return saved;
}

static bool
library_knows(const char *keyword)
{
	char	  **saved = hide_environment();
	PQconninfoOption *options = PQconndefaults();
	bool		known = false;

	environ = saved;
	for (PQconninfoOption *option = options; option && option->keyword; option++)
		known |= strcmp(option->keyword, keyword) == 0;
	PQconninfoFree(options);
	return known;
}

/* Bundles of trusted authorities where systems keep them. */
static const char *
system_authorities(void)
{
	static const char *const files[] = {
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/ssl/cert.pem",
	};
	const char *file = X509_get_default_cert_file();

	for (size_t i = 0; file && access(file, R_OK) != 0; i++)
		file = i < sizeof(files) / sizeof(files[0]) ? files[i] : NULL;
	return file;
}

static const char *
option_value(const ConnhubConfig *config, const char *name, const char *otherwise)
{
	for (uint32_t i = 0; i < config->noptions; i++)
		if (strcmp(config->options[i].name, name) == 0 && config->options[i].value && config->options[i].value[0])
			return config->options[i].value;
	return otherwise;
}

/* Append a parameter; false when out of memory.  Empty values would mean "take the default". */
static bool
add_param(ConnhubConn *conn, size_t *n, const char *keyword, const char *value)
{
	if (!value || !value[0])
		return true;
	conn->keywords[*n] = pg_strdup(keyword);
	if (!conn->keywords[*n])
		return false;
	conn->values[*n] = pg_strdup(value);
	if (!conn->values[*n])
		return false;
	++*n;
	return true;
}

static bool
add_tls_params(ConnhubConn *conn, size_t *n, const ConnhubConfig *config, const char *authorities)
{
	static const char *const modes[] = {
		[CONNHUB_SSL_DISABLE] = "disable", [CONNHUB_SSL_REQUIRE] = "require",
		[CONNHUB_SSL_VERIFY_CA] = "verify-ca", [CONNHUB_SSL_VERIFY_FULL] = "verify-full",
	};

	/* A space where there is no passphrase: OpenSSL would ask the terminal for one. */
	return add_param(conn, n, "sslmode", modes[config->ssl_mode]) &&
		add_param(conn, n, "sslrootcert", authorities) &&
		add_param(conn, n, "sslcert", config->ssl_cert_file ? config->ssl_cert_file : NO_FILE) &&
		add_param(conn, n, "sslkey", config->ssl_key_file ? config->ssl_key_file : NO_FILE) &&
		add_param(conn, n, "sslpassword", option_value(config, "ssl_key_password", " ")) &&
		add_param(conn, n, "sslcrl", NO_FILE) &&
		add_param(conn, n, "ssl_min_protocol_version", "TLSv1.2") &&
		add_param(conn, n, "sslsni", "1") &&
		add_param(conn, n, "channel_binding",
				  config->ssl_mode == CONNHUB_SSL_DISABLE ? "disable" : option_value(config, "channel_binding", "prefer"));
}

static bool
add_params(ConnhubConn *conn, const ConnhubConfig *config, const char *authorities)
{
	char		port[8];
	size_t		n = 0;

	snprintf(port, sizeof(port), "%u", config->port);
	if (!add_param(conn, &n, "hostaddr", config->addresses[0]))
		return false;
	conn->hostaddr = 0;
	return add_param(conn, &n, "host", config->host) &&
		add_param(conn, &n, "port", port) &&
		add_param(conn, &n, "dbname", config->database ? config->database : config->username) &&
		add_param(conn, &n, "user", config->username) &&
		add_param(conn, &n, "password", config->password) &&
		add_param(conn, &n, "passfile", NO_FILE) &&
		add_param(conn, &n, "application_name", config->application ? config->application : "connhub") &&
		add_param(conn, &n, "client_encoding", "UTF8") &&
		add_param(conn, &n, "gssencmode", "disable") &&
		add_param(conn, &n, "krbsrvname", "connhub-uses-no-tickets") &&
		(!library_knows("require_auth") || add_param(conn, &n, "require_auth", "!gss,!sspi")) &&
		add_param(conn, &n, "target_session_attrs", "any") &&
		add_param(conn, &n, "keepalives", "1") &&
		add_param(conn, &n, "keepalives_idle", "60") &&
		add_param(conn, &n, "keepalives_interval", "15") &&
		add_param(conn, &n, "keepalives_count", "4") &&
		add_tls_params(conn, &n, config, authorities);
}

/* ---- One address ------------------------------------------------------------------------- */

/* Notices are not shown: the library would print them.  But an error that comes between statements is the
 * server's farewell, and arrives here. */
static void
take_notice(void *arg, const PGresult *result)
{
	ConnhubConn *conn = arg;
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (sqlstate && strncmp(sqlstate, "57P", 3) == 0)
		conn->lost = true;
}

static void
forget_tls(ConnhubConn *conn)
{
	SSL_free(conn->tls);
	conn->tls = NULL;
}

static void
finish_pg(ConnhubConn *conn)
{
	forget_tls(conn);
	if (conn->pg)
	{
		PQfinish(conn->pg);
		conn->pg = NULL;
	}
}

/* Start on the current address.  False: out of memory. */
static bool
start_address(ConnhubConn *conn)
{
	bool		last = conn->address + 1 == conn->naddresses;
	char	   *kept = conn->values[conn->hostaddr];
	char	  **saved;

	finish_pg(conn);
	conn->values[conn->hostaddr] = conn->addresses[conn->address];
	saved = hide_environment();
	conn->pg = PQconnectStartParams((const char *const *) conn->keywords, (const char *const *) conn->values, 0);
	environ = saved;
	conn->values[conn->hostaddr] = kept;
	if (!conn->pg)
		return false;
	PQsetNoticeReceiver(conn->pg, take_notice, conn);
	PQsetErrorVerbosity(conn->pg, PQERRORS_VERBOSE);
	conn->polling = PGRES_POLLING_WRITING;
	conn->phase = CONNHUB_PHASE_NONE;
	conn->hung_up = false;
	conn->foreign = false;
	conn->address_deadline = last ? INT64_MAX : pg_host->now_ms() + conn->address_ms;
	return true;
}

ConnhubStatus
pg_open(const ConnhubConfig *config, ConnhubConn **result, ConnhubError *error)
{
	const char *authorities = config->ssl_ca_file ? config->ssl_ca_file : NO_FILE;
	ConnhubConn *conn;

	if (!config->username || !config->username[0])
		return fail_as(error, CONNHUB_CONFIG, "a user name is required");
	if (config->host && strchr(config->host, ','))
		return fail_as(error, CONNHUB_CONFIG, "a connector has one host");
	if (config->naddresses == 0)
		return fail_as(error, CONNHUB_CONFIG, "no address to connect to");
	if (!config->ssl_ca_file && config->ssl_mode >= CONNHUB_SSL_VERIFY_CA)
	{
		authorities = system_authorities();
		if (!authorities)
		{
			fail_as(error, CONNHUB_CONFIG, "this machine has no list of trusted certificate authorities");
			fail_hint(error, "Set ssl_ca to the authority's certificate.");
			return CONNHUB_CONFIG;
		}
	}

	conn = pg_host->alloc(sizeof(ConnhubConn));
	if (!conn)
		return fail_no_memory(error);
	memset(conn, 0, sizeof(*conn));
	conn->type = strcmp(config->type, pg_types[PG_TYPE_REDSHIFT].name) == 0 ? PG_TYPE_REDSHIFT : PG_TYPE_POSTGRESQL;
	conn->text_results = conn->type == PG_TYPE_REDSHIFT;
	conn->has_savepoints = conn->type == PG_TYPE_POSTGRESQL;
	conn->query_timeout_ms = config->query_timeout_ms;
	conn->require_password = config->require_password;
	conn->tls_expected = config->ssl_mode != CONNHUB_SSL_DISABLE;
	conn->verify_name = config->ssl_mode == CONNHUB_SSL_VERIFY_FULL;
	conn->naddresses = config->naddresses;
	conn->address_ms = config->connect_timeout_ms > 0 ? config->connect_timeout_ms / config->naddresses : 10000;

	conn->schema = config->schema ? pg_strdup(config->schema) : NULL;
	conn->keywords = pg_host->alloc(sizeof(char *) * MAX_PARAMS);
	conn->values = pg_host->alloc(sizeof(char *) * MAX_PARAMS);
	conn->addresses = pg_host->alloc(sizeof(char *) * (config->naddresses + 1));
	if (conn->keywords)
		memset(conn->keywords, 0, sizeof(char *) * MAX_PARAMS);
	if (conn->values)
		memset(conn->values, 0, sizeof(char *) * MAX_PARAMS);
	if (conn->addresses)
		memset(conn->addresses, 0, sizeof(char *) * (config->naddresses + 1));
	if ((config->schema && !conn->schema) || !conn->keywords || !conn->values || !conn->addresses)
		goto no_memory;
	for (uint32_t i = 0; i < config->naddresses; i++)
	{
		conn->addresses[i] = pg_strdup(config->addresses[i]);
		if (!conn->addresses[i])
			goto no_memory;
	}
	if (!add_params(conn, config, authorities) || !start_address(conn))
		goto no_memory;
	*result = conn;
	return CONNHUB_OK;

no_memory:
	pg_close(conn);
	return fail_no_memory(error);
}

/* ---- Stepping ---------------------------------------------------------------------------- */

static void
enter_phase(ConnhubConn *conn, ConnhubPhase phase)
{
	if (conn->phase >= phase)
		return;
	conn->phase = phase;
	pg_host->phase(phase);
}

/* Which phase does libpq's own state belong to? */
static void
follow_phase(ConnhubConn *conn)
{
	switch (PQstatus(conn->pg))
	{
		case CONNECTION_STARTED:
		case CONNECTION_NEEDED:
			enter_phase(conn, CONNHUB_PHASE_TCP);
			break;
		case CONNECTION_MADE:
		case CONNECTION_SSL_STARTUP:
			enter_phase(conn, conn->tls_expected ? CONNHUB_PHASE_TLS : CONNHUB_PHASE_AUTH);
			break;
		case CONNECTION_AWAITING_RESPONSE:
			enter_phase(conn, CONNHUB_PHASE_AUTH);
			break;
		case CONNECTION_BAD:
			break;
		default:
			enter_phase(conn, CONNHUB_PHASE_DATABASE);
			break;
	}
}

/* Look at the socket before libpq does: what it finds there it reports as text only.  Returns the
 * socket's error, or 0. */
static int
inspect_socket(ConnhubConn *conn)
{
	int			fd = PQsocket(conn->pg);
	int			socket_errno = 0;
	socklen_t	length = sizeof(socket_errno);
	char		byte;

	if (fd < 0)
		return 0;
	if (conn->phase <= CONNHUB_PHASE_TCP)
		return getsockopt(fd, SOL_SOCKET, SO_ERROR, &socket_errno, &length) == 0 ? socket_errno : 0;
	switch (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT))
	{
		case 0:
			conn->hung_up = true;
			break;
		case 1:
			if (conn->phase == CONNHUB_PHASE_AUTH && !PQsslInUse(conn->pg) && !strchr("RENv", byte))
				conn->foreign = true;
			break;
		default:
			if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
				conn->hung_up = true;
			break;
	}
	return 0;
}

/* Is the socket connected, or has it failed?  libpq takes it for granted when it is called. */
static bool
connect_is_over(ConnhubConn *conn)
{
	struct pollfd pollfd = {PQsocket(conn->pg), POLLOUT, 0};

	return pollfd.fd < 0 || poll(&pollfd, 1, 0) != 0;
}

static ConnhubStatus
wait_for_socket(ConnhubConn *conn, ConnhubWait *wait, int64_t now)
{
	wait->fd = PQsocket(conn->pg);
	wait->events = conn->polling == PGRES_POLLING_READING ? CONNHUB_READABLE : CONNHUB_WRITABLE;
	wait->timeout_ms = conn->phase == CONNHUB_PHASE_TCP && conn->address_deadline != INT64_MAX ?
		(conn->address_deadline > now ? conn->address_deadline - now : 0) : -1;
	return CONNHUB_WAIT;
}

/* Keep the handshake's SSL alive beyond libpq's own use, for its verdict. */
static void
hold_tls(ConnhubConn *conn)
{
	SSL		   *tls = PQsslStruct(conn->pg, "OpenSSL");

	if (tls && !conn->tls && SSL_up_ref(tls))
		conn->tls = tls;
}

/* The current address failed.  Only a failure to connect is tried again on the next one. */
static ConnhubStatus
address_failed(ConnhubConn *conn, int socket_errno, ConnhubWait *wait, ConnhubError *error)
{
	pg_open_error(conn, socket_errno, error);
	if (error->phase > CONNHUB_PHASE_TCP || conn->address + 1 >= conn->naddresses)
		return error->status;
	conn->address++;
	if (!start_address(conn))
		return fail_no_memory(error);
	memset(error, 0, sizeof(*error));
	wait->fd = -1;
	wait->events = 0;
	wait->timeout_ms = 0;
	return CONNHUB_WAIT;
}

static ConnhubStatus
connected(ConnhubConn *conn, ConnhubWait *wait, ConnhubError *error)
{
	forget_tls(conn);
	enter_phase(conn, CONNHUB_PHASE_DATABASE);
	free_strings(conn->keywords);
	free_strings(conn->values);
	conn->keywords = conn->values = NULL;
	if (conn->require_password && !PQconnectionUsedPassword(conn->pg))
	{
		fail_as(error, CONNHUB_AUTH, "the server asked for no password");
		error->phase = CONNHUB_PHASE_AUTH;
		fail_detail(error, "It would let anyone of this machine in, which is not the user's own right.");
		fail_hint(error, "Let the server ask for a password, or have an administrator create the connector.");
		return CONNHUB_AUTH;
	}
	conn->in_setup = true;
	if (pg_setup_send(conn, error) != CONNHUB_OK)
		return error->status;
	return pg_setup_step(conn, wait, error);
}

ConnhubStatus
pg_step(ConnhubConn *conn, ConnhubWait *wait, ConnhubError *error)
{
	char	  **saved;
	int			socket_errno;
	int64_t		now = pg_host->now_ms();

	if (conn->in_setup)
		return pg_setup_step(conn, wait, error);
	if (PQstatus(conn->pg) == CONNECTION_BAD)
	{
		enter_phase(conn, CONNHUB_PHASE_TCP);
		return address_failed(conn, 0, wait, error);
	}
	if (conn->phase == CONNHUB_PHASE_NONE)
		enter_phase(conn, CONNHUB_PHASE_TCP);
	else if (conn->phase == CONNHUB_PHASE_TCP && !connect_is_over(conn))
	{
		if (now >= conn->address_deadline)
			return address_failed(conn, ETIMEDOUT, wait, error);
	}
	else
	{
		socket_errno = inspect_socket(conn);
		if (socket_errno != 0)
			return address_failed(conn, socket_errno, wait, error);
		hold_tls(conn);
		saved = hide_environment();
		conn->polling = PQconnectPoll(conn->pg);
		environ = saved;
		follow_phase(conn);
		hold_tls(conn);
	}
	if (conn->polling == PGRES_POLLING_FAILED)
		return address_failed(conn, 0, wait, error);
	if (conn->polling == PGRES_POLLING_OK)
		return connected(conn, wait, error);
	return wait_for_socket(conn, wait, now);
}

void
pg_close(ConnhubConn *conn)
{
	ConnhubCursor *cursor = conn->cursor;

	if (cursor)
	{
		ConnhubError ignored = {0};

		/* On a lost connection a cursor only frees what it holds. */
		conn->lost = true;
		pg_close_cursor(cursor, &ignored);
	}
	finish_pg(conn);
	PQclear(conn->head);
	PQclear(conn->access);
	text_free(pg_host, &conn->copy_in.chunk);
	free_strings(conn->keywords);
	free_strings(conn->values);
	free_strings(conn->addresses);
	pg_forget_statements(conn);
	pg_host->free(conn->schema);
	pg_host->free(conn);
}
