/* command.c — one command to the connection's server, and what its reply holds. */
#include "mongo.h"

#include <stdio.h>
#include <string.h>

ConnhubStatus
mg_command(ConnhubConn *conn, const char *database, const bson_t *command, bson_t *reply, ConnhubError *error)
{
	bson_error_t problem = {0};
	bson_t		options = BSON_INITIALIZER;
	bool		done;

	BSON_APPEND_INT32(&options, "serverId", (int32_t) conn->server);
	if (conn->session != NULL)
		mongoc_client_session_append(conn->session, &options, NULL);
	conn->wait_status = CONNHUB_OK;
	done = mongoc_client_command_with_opts(conn->client, database != NULL ? database :
										   conn->database != NULL ? conn->database : "admin",
										   command, NULL, &options, reply, &problem);
	bson_destroy(&options);
	return done ? CONNHUB_OK : mg_fail(conn, &problem, error);
}

bool
mg_reply_cursor(const bson_t *reply, const char *batch, int64_t *id, bson_iter_t *documents, char *namespace, size_t size)
{
	bson_iter_t iter;
	bson_iter_t inner;
	bool		found = false;

	*id = 0;
	if (!bson_iter_init_find(&iter, reply, "cursor") || !bson_iter_recurse(&iter, &inner))
		return false;
	while (bson_iter_next(&inner))
	{
		const char *key = bson_iter_key(&inner);

		if (strcmp(key, "id") == 0)
			*id = bson_iter_as_int64(&inner);
		else if (strcmp(key, "ns") == 0 && namespace != NULL && BSON_ITER_HOLDS_UTF8(&inner))
			snprintf(namespace, size, "%s", bson_iter_utf8(&inner, NULL));
		else if (strcmp(key, batch) == 0 && BSON_ITER_HOLDS_ARRAY(&inner))
			found = bson_iter_recurse(&inner, documents);
	}
	return found;
}

/* Database and collection of a namespace. */
static const char *
split(const char *namespace, char *database, size_t size)
{
	const char *dot = strchr(namespace, '.');
	size_t		length = dot != NULL ? (size_t) (dot - namespace) : strlen(namespace);

	snprintf(database, size, "%.*s", (int) length, namespace);
	return dot != NULL ? dot + 1 : "";
}

ConnhubStatus
mg_get_more(ConnhubConn *conn, const char *namespace, int64_t id, int64_t batch_size, bson_t *reply, ConnhubError *error)
{
	bson_t		command = BSON_INITIALIZER;
	char		database[256];
	const char *collection = split(namespace, database, sizeof(database));
	ConnhubStatus status;

	BSON_APPEND_INT64(&command, "getMore", id);
	BSON_APPEND_UTF8(&command, "collection", collection);
	BSON_APPEND_INT64(&command, "batchSize", batch_size);
	status = mg_command(conn, database, &command, reply, error);
	bson_destroy(&command);
	return status;
}

ConnhubStatus
mg_kill_cursor(ConnhubConn *conn, const char *namespace, int64_t id, ConnhubError *error)
{
	bson_t		command = BSON_INITIALIZER;
	bson_t		list;
	bson_t		reply;
	char		database[256];
	const char *collection = split(namespace, database, sizeof(database));
	ConnhubStatus status;

	BSON_APPEND_UTF8(&command, "killCursors", collection);
	BSON_APPEND_ARRAY_BEGIN(&command, "cursors", &list);
	BSON_APPEND_INT64(&list, "0", id);
	bson_append_array_end(&command, &list);
	status = mg_command(conn, database, &command, &reply, error);
	bson_destroy(&reply);
	bson_destroy(&command);
	return status;
}

int64_t
mg_reply_number(const bson_t *reply, const char *field)
{
	bson_iter_t iter;

	return bson_iter_init_find(&iter, reply, field) && BSON_ITER_HOLDS_NUMBER(&iter) ? bson_iter_as_int64(&iter) : 0;
}
