/* error.c — from a cause to a status.
 *
 * A server's error has an SQLSTATE.  While opening, libpq hands it over only inside a message; verbose
 * messages carry it at a fixed place, after the severity, and nothing else of the text is looked at.
 * Without one, the cause is the socket's errno, the certificate verdict of OpenSSL, or the stage at
 * which opening stood. */
#include "pg.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

typedef struct StateRow
{
	const char *prefix;			/* of an SQLSTATE; the first match counts */
	ConnhubStatus status;
	ConnhubPhase phase;			/* of a failure to open */
	bool		retryable;
	bool		connection_lost;
} StateRow;

static const StateRow state_rows[] = {
	{"28", CONNHUB_AUTH, CONNHUB_PHASE_AUTH, false, false},
	{"3D000", CONNHUB_NO_DATABASE, CONNHUB_PHASE_DATABASE, false, false},
	{"3F000", CONNHUB_SCHEMA_CHANGED, CONNHUB_PHASE_DATABASE, false, false},
	{"42501", CONNHUB_PERMISSION, CONNHUB_PHASE_PERMISSION, false, false},
	{"42P01", CONNHUB_SCHEMA_CHANGED, CONNHUB_PHASE_PERMISSION, false, false},
	{"42703", CONNHUB_SCHEMA_CHANGED, CONNHUB_PHASE_PERMISSION, false, false},
	{"53300", CONNHUB_BUSY, CONNHUB_PHASE_DATABASE, true, false},
	{"53", CONNHUB_BUSY, CONNHUB_PHASE_DATABASE, true, false},
	{"57P03", CONNHUB_BUSY, CONNHUB_PHASE_DATABASE, true, false},
	{"57P01", CONNHUB_LOST, CONNHUB_PHASE_DATABASE, true, true},
	{"57P02", CONNHUB_LOST, CONNHUB_PHASE_DATABASE, true, true},
	{"57P04", CONNHUB_LOST, CONNHUB_PHASE_DATABASE, false, true},
	{"57P05", CONNHUB_LOST, CONNHUB_PHASE_DATABASE, true, true},
	{"25P03", CONNHUB_LOST, CONNHUB_PHASE_DATABASE, true, true},
	{"57014", CONNHUB_TIMEOUT, CONNHUB_PHASE_DATABASE, false, false},
	{"08", CONNHUB_LOST, CONNHUB_PHASE_TCP, true, true},
	{"40", CONNHUB_QUERY, CONNHUB_PHASE_DATABASE, true, false},
	{"55P03", CONNHUB_QUERY, CONNHUB_PHASE_DATABASE, true, false},
	{"", CONNHUB_QUERY, CONNHUB_PHASE_DATABASE, false, false},
};

static const StateRow *
row_of_state(const char *sqlstate)
{
	size_t		i = 0;

	while (strncmp(sqlstate, state_rows[i].prefix, strlen(state_rows[i].prefix)) != 0)
		i++;
	return &state_rows[i];
}

/* Copy text, never splitting a character, without what follows its last line. */
void
pg_copy_line(char *target, size_t size, const char *text)
{
	size_t		length = strlen(text);

	while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
		length--;
	if (length > size - 1)
	{
		length = size - 1;
		while (length > 0 && ((unsigned char) text[length] & 0xC0) == 0x80)
			length--;
	}
	memcpy(target, text, length);
	target[length] = '\0';
}

ConnhubStatus
pg_wait_failed(ConnhubStatus status, ConnhubError *error)
{
	return fail_as(error, status, status == CONNHUB_CANCELLED ? "cancelled" : "the time for the operation is over");
}

ConnhubStatus
pg_lost(ConnhubConn *conn, ConnhubError *error)
{
	conn->lost = true;
	fail_as(error, CONNHUB_LOST, "connection to the server was lost");
	pg_copy_line(error->detail, sizeof(error->detail), PQerrorMessage(conn->pg));
	error->retryable = true;
	error->connection_lost = true;
	return CONNHUB_LOST;
}

/* The library made the error itself, out of bytes that are no answer.  It goes on reading behind them, but nobody knows
 * any more which answer belongs to what, nor whether a command was carried out. */
static ConnhubStatus
misunderstood(ConnhubConn *conn, const PGresult *result, ConnhubError *error)
{
	conn->lost = true;
	fail_as(error, CONNHUB_LOST, "the answer of the server could not be understood");
	pg_copy_line(error->detail, sizeof(error->detail), PQresultErrorMessage(result));
	memcpy(error->sqlstate, "08P01", 6);
	error->connection_lost = true;
	return CONNHUB_LOST;
}

ConnhubStatus
pg_result_error(ConnhubConn *conn, const PGresult *result, ConnhubError *error)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
	const StateRow *row;

	if (!sqlstate || strlen(sqlstate) != 5)
	{
		if (PQstatus(conn->pg) == CONNECTION_BAD)
			return pg_lost(conn, error);
		return misunderstood(conn, result, error);
	}
	row = row_of_state(sqlstate);
	fail_as(error, row->status, "%s", "");
	memcpy(error->sqlstate, sqlstate, 6);
	error->phase = row->phase;
	error->retryable = row->retryable;
	error->connection_lost = row->connection_lost;
	pg_copy_line(error->message, sizeof(error->message), message ? message : "the server reported an error");
	if (detail)
		pg_copy_line(error->detail, sizeof(error->detail), detail);
	if (hint)
		pg_copy_line(error->hint, sizeof(error->hint), hint);
	if (row->status == CONNHUB_TIMEOUT && pg_host->cancelled() == CONNHUB_CANCELLED)
		error->status = CONNHUB_CANCELLED;
	if (row->connection_lost)
		conn->lost = true;
	return error->status;
}

/* ---- Opening ----------------------------------------------------------------------------- */

/* Where the SQLSTATE of a verbose server message stands: "SEVERITY:  XXXXX: message".  NULL: none. */
static const char *
find_state(const char *message)
{
	const char *p = message;

	while ((p = strstr(p, ":  ")) != NULL)
	{
		p += 3;
		if (strspn(p, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && p[5] == ':' && p[6] == ' ')
			return p;
	}
	return NULL;
}

typedef struct CertificateRow
{
	long		verdict;
	const char *detail;
	const char *hint;
} CertificateRow;

#define UNTRUSTED	"The server's certificate is not signed by a trusted authority."
#define UNTRUSTED_HINT "Set ssl_ca to the certificate of the authority that signed it."

static const CertificateRow certificate_rows[] = {
	{X509_V_ERR_CERT_HAS_EXPIRED, "The server's certificate has expired.",
	"Renew the certificate on the server."},
	{X509_V_ERR_CERT_NOT_YET_VALID, "The server's certificate is not yet valid.",
	"Check the clocks, or renew the certificate on the server."},
	{X509_V_ERR_CERT_REVOKED, "The server's certificate was revoked.", "Replace the certificate on the server."},
	{X509_V_ERR_HOSTNAME_MISMATCH, "The server's certificate is for another host name.",
	"Connect to a name that stands in the certificate, or use ssl_mode verify-ca."},
	{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, UNTRUSTED, UNTRUSTED_HINT},
	{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, UNTRUSTED, UNTRUSTED_HINT},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, UNTRUSTED, UNTRUSTED_HINT},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, UNTRUSTED, UNTRUSTED_HINT},
	{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, UNTRUSTED, UNTRUSTED_HINT},
	{X509_V_ERR_CERT_UNTRUSTED, UNTRUSTED, UNTRUSTED_HINT},
	{X509_V_ERR_CERT_SIGNATURE_FAILURE, UNTRUSTED, UNTRUSTED_HINT},
};

static ConnhubStatus
certificate_error(long verdict, ConnhubError *error)
{
	fail_as(error, CONNHUB_TLS, "the server's certificate was not accepted");
	error->phase = CONNHUB_PHASE_TLS;
	error->native_code = verdict;
	for (size_t i = 0; i < LENGTH(certificate_rows); i++)
	{
		if (certificate_rows[i].verdict != verdict)
			continue;
		fail_detail(error, "%s (%s)", certificate_rows[i].detail,
					X509_verify_cert_error_string(verdict));
		fail_hint(error, "%s", certificate_rows[i].hint);
		return CONNHUB_TLS;
	}
	fail_detail(error, "Verification says: %s.", X509_verify_cert_error_string(verdict));
	return CONNHUB_TLS;
}

static ConnhubStatus
tls_error(ConnhubConn *conn, ConnhubError *error)
{
	SSL		   *tls = conn->tls;

	if (tls && SSL_get_verify_result(tls) != X509_V_OK)
		return certificate_error(SSL_get_verify_result(tls), error);

	/* The handshake went well and yet the library gave up: it did not find the name. */
	if (tls && conn->verify_name && SSL_is_init_finished(tls))
		return certificate_error(X509_V_ERR_HOSTNAME_MISMATCH, error);
	fail_as(error, CONNHUB_TLS, tls ? "the TLS handshake failed" : "no TLS connection could be started");
	error->phase = CONNHUB_PHASE_TLS;
	pg_copy_line(error->detail, sizeof(error->detail), PQerrorMessage(conn->pg));
	if (!tls)
		fail_hint(error, "Enable TLS on the server, or set ssl_mode to disable where the network is trusted.");
	return CONNHUB_TLS;
}

static ConnhubStatus
server_error(ConnhubConn *conn, const char *state, ConnhubError *error)
{
	const StateRow *row;
	size_t		length;

	memcpy(error->sqlstate, state, 5);
	error->sqlstate[5] = '\0';
	row = row_of_state(error->sqlstate);
	error->status = row->status;
	error->phase = row->phase;
	error->retryable = row->retryable;
	error->column = -1;

	/* One line; file and line of the server's source follow it. */
	state += 7;
	length = strcspn(state, "\n");
	snprintf(error->message, sizeof(error->message), "%.*s", (int) (length < 400 ? length : 400), state);
	if (row->status == CONNHUB_QUERY)
		error->status = CONNHUB_CONFIG;
	return error->status;
}

/* Opening failed: say why.  socket_errno is the socket's own error, or 0. */
ConnhubStatus
pg_open_error(ConnhubConn *conn, int socket_errno, ConnhubError *error)
{
	const char *message = PQerrorMessage(conn->pg);
	const char *state = conn->phase >= CONNHUB_PHASE_TLS && !socket_errno ? find_state(message) : NULL;

	if (state)
		return server_error(conn, state, error);
	if (conn->phase == CONNHUB_PHASE_TLS)
		return tls_error(conn, error);
	if (conn->phase <= CONNHUB_PHASE_TCP)
	{
		bool		late = socket_errno == ETIMEDOUT;

		fail_as(error, late ? CONNHUB_TIMEOUT : CONNHUB_REFUSED,
				late ? "no answer from the server" : "connection refused or server unreachable");
		error->phase = CONNHUB_PHASE_TCP;
		error->native_code = socket_errno;
		error->retryable = true;
		if (socket_errno != 0)
			fail_detail(error, "Address %s: %s.", conn->addresses[conn->address],
						strerror(socket_errno));
		else
			pg_copy_line(error->detail, sizeof(error->detail), message);
		fail_hint(error, "Check host and port, and that the server accepts connections.");
		return error->status;
	}

	/* Past the first greeting: the far end hung up, or asked for what we do not have. */
	if (conn->foreign)
	{
		fail_as(error, CONNHUB_REFUSED, "the server does not speak the PostgreSQL protocol");
		fail_hint(error, "Check the port.");
	}
	else if (conn->hung_up || conn->phase != CONNHUB_PHASE_AUTH)
	{
		fail_as(error, CONNHUB_LOST, "the server closed the connection");
		error->retryable = true;
	}
	else
		fail_as(error, CONNHUB_AUTH, PQconnectionNeedsPassword(conn->pg) ? "the server asks for a password" :
				"authentication could not be completed");
	error->phase = conn->phase;
	pg_copy_line(error->detail, sizeof(error->detail), message);
	return error->status;
}
