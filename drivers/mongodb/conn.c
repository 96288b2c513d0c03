/* conn.c — open, check and close a connection.
 *
 * The library is told of one host only, whose name means nothing: its streams go to the addresses core has vetted
 * (stream.c).  So it talks to one server, the one that the connector names, be it alone, a member of a replica set or a
 * router of a sharded cluster; a member that is not the primary takes no writes. */
#include "mongo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/crypto.h>

#include "text.h"
#include "tls.h"

const ConnhubHost *mg_host;

static bool
copy_config(ConnhubConn *conn, const ConnhubConfig *config)
{
	const ConnhubHost *host = conn->host;

	conn->port = config->port;
	conn->ssl_mode = config->ssl_mode;
	conn->require_password = config->require_password;
	conn->connect_timeout_ms = config->connect_timeout_ms > 0 ? config->connect_timeout_ms : 10000;
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

static bool
read_options(ConnhubConn *conn, const ConnhubConfig *config)
{
	for (uint32_t i = 0; i < config->noptions; i++)
	{
		const char *name = config->options[i].name;
		const char *value = config->options[i].value;

		if (value == NULL || value[0] == '\0')
			continue;
		if (strcmp(name, "auth_source") == 0 && !text_copy(conn->host, value, &conn->auth_source))
			return false;
		if (strcmp(name, "auth_mechanism") == 0 && strcmp(value, "default") != 0 &&
			!text_copy(conn->host, value, &conn->mechanism))
			return false;
		if (strcmp(name, "json_format") == 0)
			conn->json = strcmp(value, "canonical") == 0 ? MG_JSON_CANONICAL : MG_JSON_RELAXED;
		if (strcmp(name, "native_commands") == 0)
			conn->any_command = strcmp(value, "any") == 0;
		if (strcmp(name, "sample_size") == 0)
			conn->sample_size = strtoll(value, NULL, 10);
		if (strcmp(name, "flatten_depth") == 0)
			conn->flatten_depth = strtoll(value, NULL, 10);
	}
	return true;
}

static bool
by_certificate(const ConnhubConn *conn)
{
	return conn->mechanism != NULL && strcmp(conn->mechanism, "MONGODB-X509") == 0;
}

static ConnhubStatus
refuse_config(const ConnhubConn *conn, ConnhubError *error)
{
	if (conn->name == NULL || conn->naddresses == 0)
		return fail_as(error, CONNHUB_CONFIG, "host is missing");
	if (by_certificate(conn) && (conn->ssl_mode == CONNHUB_SSL_DISABLE || !conn->has_certificate))
	{
		fail_as(error, CONNHUB_CONFIG, "X.509 needs an encrypted connection and a client certificate with its key");
		fail_hint(error, "Set ssl_mode, ssl_cert and ssl_key.");
		return CONNHUB_CONFIG;
	}
	return CONNHUB_OK;
}

/* Everything but the host is set by value, so no name or password is ever parsed. */
static bool
make_client(ConnhubConn *conn)
{
	mongoc_uri_t *uri = mongoc_uri_new_for_host_port("source", conn->port);
	bool		done = uri != NULL;

	if (!done)
		return false;
	mongoc_uri_set_option_as_bool(uri, MONGOC_URI_DIRECTCONNECTION, true);
	mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYREADS, false);
	mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYWRITES, false);
	mongoc_uri_set_option_as_int32(uri, MONGOC_URI_CONNECTTIMEOUTMS, (int32_t) conn->connect_timeout_ms);
	mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, (int32_t) conn->connect_timeout_ms);
	mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SOCKETTIMEOUTMS, INT32_MAX);
	mongoc_uri_set_option_as_int32(uri, MONGOC_URI_HEARTBEATFREQUENCYMS, INT32_MAX);
	mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SOCKETCHECKINTERVALMS, INT32_MAX);
	if (conn->application != NULL)
		mongoc_uri_set_appname(uri, conn->application);
	if (conn->user != NULL && conn->user[0] != '\0')
	{
		done = mongoc_uri_set_username(uri, conn->user);
		if (conn->password != NULL && !by_certificate(conn))
			done = done && mongoc_uri_set_password(uri, conn->password);
		done = done && mongoc_uri_set_auth_source(uri, by_certificate(conn) ? "$external" :
												  conn->auth_source != NULL ? conn->auth_source : "admin");
	}
	else if (by_certificate(conn))
		done = mongoc_uri_set_auth_source(uri, "$external");
	if (conn->mechanism != NULL)
		done = done && mongoc_uri_set_auth_mechanism(uri, conn->mechanism);
	if (done)
		conn->client = mongoc_client_new_from_uri(uri);
	mongoc_uri_destroy(uri);
	if (conn->client == NULL)
		return false;
	mongoc_client_set_error_api(conn->client, MONGOC_ERROR_API_VERSION_2);
	mongoc_client_set_stream_initiator(conn->client, mg_stream_initiate, conn);
	return true;
}

ConnhubStatus
mg_open(const ConnhubConfig *config, ConnhubConn **result, ConnhubError *error)
{
	ConnhubConn *conn = mg_host->alloc(sizeof(ConnhubConn));
	ConnhubStatus status = CONNHUB_OK;

	if (conn == NULL)
		return fail_no_memory(error);
	memset(conn, 0, sizeof(*conn));
	conn->host = mg_host;
	conn->fd = -1;
	conn->sample_size = 1000;
	conn->flatten_depth = 2;
	conn->product = "MongoDB";
	if (!copy_config(conn, config) || !read_options(conn, config))
		status = fail_no_memory(error);
	else if (config->ssl_mode != CONNHUB_SSL_DISABLE)
		status = mg_tls_init(conn, config, error);
	if (status == CONNHUB_OK)
		status = refuse_config(conn, error);
	if (status == CONNHUB_OK && !make_client(conn))
		status = fail_as(error, CONNHUB_CONFIG, "user name, database or application name is malformed");
	if (status != CONNHUB_OK)
	{
		mg_close(conn);
		return status;
	}
	*result = conn;
	return CONNHUB_OK;
}

/* The library calls the initiator, which says hello and logs in, when a server is chosen and a command sent. */
static ConnhubStatus
choose_server(ConnhubConn *conn, ConnhubError *error)
{
	bson_error_t problem = {0};
	mongoc_server_description_t *server;

	conn->wait_status = CONNHUB_OK;
	server = mongoc_client_select_server(conn->client, false, NULL, &problem);
	if (server == NULL)
		return mg_fail_open(conn, &problem, error);
	conn->server = mongoc_server_description_id(server);
	mongoc_server_description_destroy(server);
	return CONNHUB_OK;
}

static void
read_build(ConnhubConn *conn, const bson_t *reply)
{
	bson_iter_t iter;
	unsigned int part[3] = {0, 0, 0};

	conn->flags = MG_FLAG_REACHED;
	if (bson_iter_init_find(&iter, reply, "version") && BSON_ITER_HOLDS_UTF8(&iter))
	{
		snprintf(conn->version, sizeof(conn->version), "%s", bson_iter_utf8(&iter, NULL));
		sscanf(conn->version, "%u.%u.%u", &part[0], &part[1], &part[2]);
	}
	conn->version_num = part[0] * 10000 + part[1] % 100 * 100 + part[2] % 100;
	if (bson_iter_init_find(&iter, reply, "ferretdbVersion") || bson_iter_init_find(&iter, reply, "ferretdb"))
	{
		conn->flags |= MG_FLAG_FERRETDB;
		conn->product = "FerretDB";
	}
}

ConnhubStatus
mg_step(ConnhubConn *conn, ConnhubWait *wait, ConnhubError *error)
{
	bson_t		command = BSON_INITIALIZER;
	bson_t		reply = BSON_INITIALIZER;
	bson_error_t problem = {0};
	ConnhubStatus status;

	if (conn->is_open)
		return CONNHUB_OK;
	if (conn->require_password && !by_certificate(conn) && (conn->password == NULL || conn->password[0] == '\0'))
	{
		conn->host->phase(CONNHUB_PHASE_AUTH);
		fail_as(error, CONNHUB_AUTH, "a password is required");
		fail_hint(error, "Give the connector the password of its account at the source.");
		error->phase = CONNHUB_PHASE_AUTH;
		return CONNHUB_AUTH;
	}
	status = choose_server(conn, error);
	BSON_APPEND_INT32(&command, "buildInfo", 1);
	if (status == CONNHUB_OK &&
		!mongoc_client_command_simple_with_server_id(conn->client, "admin", &command, NULL, conn->server, &reply,
													 &problem))
		status = mg_fail_open(conn, &problem, error);
	bson_destroy(&command);
	if (status == CONNHUB_OK)
	{
		read_build(conn, &reply);
		conn->session = mongoc_client_start_session(conn->client, NULL, &problem);
		conn->is_open = true;
		conn->host->phase(CONNHUB_PHASE_DATABASE);
	}
	bson_destroy(&reply);
	return status;
}

void
mg_close(ConnhubConn *conn)
{
	const ConnhubHost *host;

	if (conn == NULL)
		return;
	host = conn->host;
	mg_cursors_forget(conn);

	/* A session's end would be told to the source, and waited for. */
	conn->wait_status = CONNHUB_CANCELLED;
	if (conn->fd >= 0)
		shutdown(conn->fd, SHUT_RDWR);
	if (conn->session != NULL)
		mongoc_client_session_destroy(conn->session);
	if (conn->client != NULL)
		mongoc_client_destroy(conn->client);
	mg_tls_fini(conn);
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
	host->free(conn->auth_source);
	host->free(conn->mechanism);
	host->free(conn);
}

/* ---- Check ------------------------------------------------------------------------------- */

static bool
is_stale(const ConnhubConn *conn)
{
	char		byte;

	return conn->fd < 0 || recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Databases come into being with their first document, so only a database that may not be read is a failure. */
static ConnhubStatus
check_access(ConnhubConn *conn, ConnhubError *error)
{
	bson_t		command = BSON_INITIALIZER;
	bson_t		reply;
	ConnhubStatus status;

	conn->host->phase(CONNHUB_PHASE_DATABASE);
	BSON_APPEND_INT32(&command, "listCollections", 1);
	BSON_APPEND_BOOL(&command, "nameOnly", true);
	conn->host->phase(CONNHUB_PHASE_PERMISSION);
	status = mg_command(conn, conn->schema, &command, &reply, error);
	bson_destroy(&reply);
	bson_destroy(&command);
	if (status != CONNHUB_OK)
		error->phase = CONNHUB_PHASE_PERMISSION;
	return status;
}

ConnhubStatus
mg_check(ConnhubConn *conn, ConnhubCheckLevel level, ConnhubInfo *info, ConnhubError *error)
{
	bson_t		command = BSON_INITIALIZER;
	bson_t		reply;
	ConnhubStatus status = CONNHUB_OK;

	if (is_stale(conn))
	{
		fail_as(error, CONNHUB_LOST, "the source has closed the connection");
		error->connection_lost = true;
		error->retryable = true;
		return CONNHUB_LOST;
	}
	if (level >= CONNHUB_CHECK_PING)
	{
		BSON_APPEND_INT32(&command, "ping", 1);
		status = mg_command(conn, "admin", &command, &reply, error);
		bson_destroy(&reply);
		bson_destroy(&command);
	}
	if (status != CONNHUB_OK)
		return status;
	memset(info, 0, sizeof(*info));
	snprintf(info->product, sizeof(info->product), "%s", conn->product);
	snprintf(info->version, sizeof(info->version), "%s", conn->version);
	snprintf(info->encoding, sizeof(info->encoding), "UTF8");
	info->version_num = conn->version_num;
	info->flags = conn->flags;
	info->tls = conn->ssl_mode != CONNHUB_SSL_DISABLE;
	snprintf(info->tls_version, sizeof(info->tls_version), "%s", conn->tls_version);
	return level >= CONNHUB_CHECK_ACCESS ? check_access(conn, error) : CONNHUB_OK;
}

/* What runs at the source is a cursor's command; the socket's end stops the one being waited for. */
ConnhubStatus
mg_cancel(ConnhubConn *conn, ConnhubError *error)
{
	if (conn->fd >= 0)
		shutdown(conn->fd, SHUT_RDWR);
	conn->wait_status = CONNHUB_OK;
	conn->may_reconnect = true;
	return conn->is_open ? mg_cursors_kill(conn, error) : CONNHUB_OK;
}
