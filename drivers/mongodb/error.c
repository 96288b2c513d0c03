/* error.c — what went wrong at the source or in the library → ConnhubError.  By domain and number, never by text. */
#include "mongo.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/x509_vfy.h>

/* Numbers of the server's own errors. */
static const struct
{
	uint32_t	code;
	ConnhubStatus status;
	bool		is_retryable;
	const char *sqlstate;
}			server_rows[] = {
	{2, CONNHUB_QUERY, false, "42601"},	/* BadValue */
	{6, CONNHUB_LOST, true, ""},	/* HostUnreachable */
	{7, CONNHUB_LOST, true, ""},	/* HostNotFound */
	{8, CONNHUB_AUTH, false, ""},	/* UnknownError of an old login */
	{9, CONNHUB_QUERY, false, "42601"},	/* FailedToParse */
	{11, CONNHUB_AUTH, false, ""},	/* UserNotFound */
	{13, CONNHUB_PERMISSION, false, ""},	/* Unauthorized */
	{18, CONNHUB_AUTH, false, ""},	/* AuthenticationFailed */
	{26, CONNHUB_SCHEMA_CHANGED, false, ""},	/* NamespaceNotFound */
	{43, CONNHUB_QUERY, false, ""},	/* CursorNotFound */
	{50, CONNHUB_TIMEOUT, false, ""},	/* MaxTimeMSExpired */
	{59, CONNHUB_UNSUPPORTED, false, ""},	/* CommandNotFound */
	{89, CONNHUB_LOST, true, ""},	/* NetworkTimeout */
	{91, CONNHUB_BUSY, true, ""},	/* ShutdownInProgress */
	{112, CONNHUB_QUERY, true, "40001"},	/* WriteConflict */
	{115, CONNHUB_UNSUPPORTED, false, ""},	/* CommandNotSupported */
	{121, CONNHUB_QUERY, false, "23514"},	/* DocumentValidationFailure */
	{189, CONNHUB_BUSY, true, ""},	/* PrimarySteppedDown */
	{202, CONNHUB_BUSY, true, ""},	/* NetworkInterfaceExceededTimeLimit */
	{238, CONNHUB_UNSUPPORTED, false, ""},	/* NotImplemented */
	{262, CONNHUB_TIMEOUT, false, ""},	/* ExceededTimeLimit */
	{292, CONNHUB_QUERY, false, "53200"},	/* QueryExceededMemoryLimitNoDiskUseAllowed */
	{10107, CONNHUB_BUSY, true, ""},	/* NotWritablePrimary */
	{11000, CONNHUB_QUERY, false, "23505"},	/* DuplicateKey */
	{11600, CONNHUB_BUSY, true, ""},	/* InterruptedAtShutdown */
	{11601, CONNHUB_CANCELLED, false, ""},	/* Interrupted */
	{13435, CONNHUB_BUSY, true, ""}	/* NotPrimaryNoSecondaryOk */
};

/* The library's own. */
static const struct
{
	uint32_t	domain;
	uint32_t	code;			/* 0: any */
	ConnhubStatus status;
}			library_rows[] = {
	{MONGOC_ERROR_CLIENT, MONGOC_ERROR_CLIENT_AUTHENTICATE, CONNHUB_AUTH},
	{MONGOC_ERROR_SASL, 0, CONNHUB_AUTH},
	{MONGOC_ERROR_SCRAM, 0, CONNHUB_AUTH},
	{MONGOC_ERROR_STREAM, 0, CONNHUB_LOST},
	{MONGOC_ERROR_SERVER_SELECTION, 0, CONNHUB_LOST},
	{MONGOC_ERROR_PROTOCOL, MONGOC_ERROR_PROTOCOL_BAD_WIRE_VERSION, CONNHUB_UNSUPPORTED},
	{MONGOC_ERROR_PROTOCOL, 0, CONNHUB_LOST},
	{MONGOC_ERROR_COMMAND, 0, CONNHUB_QUERY},
	{MONGOC_ERROR_BSON, 0, CONNHUB_DATA}
};

ConnhubStatus
mg_fail_wait(ConnhubStatus status, ConnhubError *error)
{
	fail_as(error, status, status == CONNHUB_TIMEOUT ? "the source did not answer in time" : "the query was stopped");
	error->connection_lost = true;
	return status;
}

static bool
is_server_domain(uint32_t domain)
{
	return domain == MONGOC_ERROR_SERVER || domain == MONGOC_ERROR_QUERY || domain == MONGOC_ERROR_WRITE_CONCERN ||
		domain == MONGOC_ERROR_COLLECTION;
}

ConnhubStatus
mg_fail(ConnhubConn *conn, const bson_error_t *from, ConnhubError *error)
{
	size_t		i;

	if (conn->wait_status != CONNHUB_OK)
		return mg_fail_wait(conn->wait_status, error);
	fail_as(error, CONNHUB_QUERY, "the source rejected the command");
	fail_detail(error, "The source reports: %s", from->message);
	error->native_code = from->code;
	if (is_server_domain(from->domain))
	{
		for (i = 0; i < sizeof(server_rows) / sizeof(server_rows[0]); i++)
		{
			if (server_rows[i].code != from->code)
				continue;
			error->status = server_rows[i].status;
			error->retryable = server_rows[i].is_retryable;
			snprintf(error->sqlstate, sizeof(error->sqlstate), "%s", server_rows[i].sqlstate);
		}
		return error->status;
	}
	for (i = 0; i < sizeof(library_rows) / sizeof(library_rows[0]); i++)
	{
		if (library_rows[i].domain == from->domain && (library_rows[i].code == 0 || library_rows[i].code == from->code))
		{
			error->status = library_rows[i].status;
			break;
		}
	}
	if (error->status == CONNHUB_LOST)
	{
		fail_as(error, CONNHUB_LOST, "the connection to the source broke");
		fail_detail(error, "The library reports: %s", from->message);
		error->native_code = from->code;
		error->connection_lost = true;
		error->retryable = true;
	}
	return error->status;
}

static ConnhubStatus
fail_connect(ConnhubConn *conn, ConnhubError *error)
{
	fail_as(error, CONNHUB_REFUSED, "could not connect to %s port %u", conn->name, conn->port);
	fail_detail(error, "The system reports: %s.", strerror(conn->connect_errno));
	fail_hint(error, "Check host and port, and that a firewall lets the connection through.");
	error->native_code = conn->connect_errno;
	error->retryable = true;
	return error->status;
}

/* Opening tells more: at which stage the stream was. */
ConnhubStatus
mg_fail_open(ConnhubConn *conn, const bson_error_t *from, ConnhubError *error)
{
	if (conn->wait_status != CONNHUB_OK)
		mg_fail_wait(conn->wait_status, error);
	else if (conn->handshake_failed)
	{
		fail_as(error, CONNHUB_TLS, "could not establish an encrypted connection");
		if (conn->verify_error != 0)
			fail_detail(error, "The server's certificate was not accepted: %s.",
						X509_verify_cert_error_string(conn->verify_error));
		else if (conn->tls_reason != NULL)
			fail_detail(error, "The TLS library reports: %s.", conn->tls_reason);
		else
			fail_detail(error, "The source closed the connection during the handshake.");
		fail_hint(error, "Check that the source offers TLS, and ssl_mode and the certificates of the connector.");
		error->native_code = conn->verify_error;
	}
	else if (conn->phase == CONNHUB_PHASE_TCP && conn->connect_errno != 0)
		fail_connect(conn, error);
	else
	{
		mg_fail(conn, from, error);
		if (error->status == CONNHUB_LOST && conn->phase <= CONNHUB_PHASE_AUTH)
		{
			error->status = CONNHUB_REFUSED;
			fail_hint(error, "Check host and port: what answers there may not be this kind of source.");
		}
	}
	error->connection_lost = true;
	error->phase = conn->phase;
	return error->status;
}
