/* write.c — rows → the commands insert, update and delete, many at a time, their counts checked. */
#include <stdio.h>
#include <string.h>

#include "bind.h"

#define MOST_ROWS	1000		/* of one command */
#define MOST_BYTES	(12 * 1024 * 1024)	/* likewise; the source takes 48 MB, and 16 MB a document */

typedef struct Writing
{
	ConnhubConn *conn;
	const ConnhubWrite *write;
	const ConnhubRows *rows;
	ConnhubError *error;
} Writing;

/* Documents within a document, while values are appended at paths: "a.b" stands in the document a. */
typedef struct Nesting
{
	bson_t		level[16];
	char		path[256];		/* of the innermost open document, with a dot at its end */
	int			depth;
} Nesting;

static void
close_levels(Nesting *nesting, int depth)
{
	for (; nesting->depth > depth; nesting->depth--)
	{
		size_t		length = strlen(nesting->path) - 1;

		bson_append_document_end(&nesting->level[nesting->depth - 1], &nesting->level[nesting->depth]);
		while (length > 0 && nesting->path[length - 1] != '.')
			length--;
		nesting->path[length] = '\0';
	}
}

/* Open the documents of a path, and return what its last name is to be appended to. */
static bson_t *
open_levels(Nesting *nesting, const char *path, const char **name)
{
	while (nesting->depth > 0 && strncmp(path, nesting->path, strlen(nesting->path)) != 0)
		close_levels(nesting, nesting->depth - 1);
	path += strlen(nesting->path);
	for (const char *dot = strchr(path, '.'); dot != NULL && nesting->depth < 15; dot = strchr(path, '.'))
	{
		size_t		held = strlen(nesting->path);

		snprintf(nesting->path + held, sizeof(nesting->path) - held, "%.*s.", (int) (dot - path), path);
		bson_append_document_begin(&nesting->level[nesting->depth], path, (int) (dot - path),
								   &nesting->level[nesting->depth + 1]);
		nesting->depth++;
		path = dot + 1;
	}
	*name = path;
	return &nesting->level[nesting->depth];
}

/* Does an earlier column lie in the same document, with others between?  Such columns are put out with the first. */
static bool
was_put(const ConnhubWrite *write, uint32_t column)
{
	const char *path = mg_path(write->columns[column]);
	const char *dot = strchr(path, '.');

	for (uint32_t i = 0; dot != NULL && i < column; i++)
	{
		if (strncmp(mg_path(write->columns[i]), path, (size_t) (dot - path) + 1) == 0)
			return true;
	}
	return false;
}

static ConnhubStatus
put_document(Writing *w, const ConnhubValue *values, bson_t *to)
{
	Nesting		nesting = {.path = "", .depth = 0};
	const ConnhubWrite *write = w->write;
	ConnhubStatus status = CONNHUB_OK;

	bson_init(&nesting.level[0]);
	for (uint32_t first = 0; first < write->ncolumns && status == CONNHUB_OK; first++)
	{
		const char *head = mg_path(write->columns[first]);
		size_t		length = strcspn(head, ".");

		if (was_put(write, first))
			continue;
		for (uint32_t i = first; i < write->ncolumns && status == CONNHUB_OK; i++)
		{
			const char *path = mg_path(write->columns[i]);
			const char *name;
			bson_t	   *level;

			if (i > first && (head[length] != '.' || strncmp(path, head, length + 1) != 0))
				continue;
			if (values[i].is_null && head[length] == '.')
				continue;
			level = open_levels(&nesting, path, &name);
			status = mg_append(level, name, mg_kind(write->columns[i]->remote_type), &values[i], w->error);
			if (status != CONNHUB_OK)
				w->error->column = (int32_t) i;
		}
		close_levels(&nesting, 0);
	}
	close_levels(&nesting, 0);
	bson_concat(to, &nesting.level[0]);
	bson_destroy(&nesting.level[0]);
	return status;
}

static ConnhubStatus
put_keys(Writing *w, const ConnhubValue *values, bson_t *to)
{
	const ConnhubWrite *write = w->write;
	ConnhubStatus status = CONNHUB_OK;

	for (uint32_t i = 0; i < write->nkeys && status == CONNHUB_OK; i++)
	{
		bson_t		condition;

		bson_append_document_begin(to, mg_path(write->keys[i]), -1, &condition);
		status = mg_append(&condition, "$eq", mg_kind(write->keys[i]->remote_type), &values[write->ncolumns + i], w->error);
		bson_append_document_end(to, &condition);
	}
	return status;
}

static ConnhubStatus
put_set(Writing *w, const ConnhubValue *values, bson_t *to)
{
	const ConnhubWrite *write = w->write;
	ConnhubStatus status = CONNHUB_OK;
	bson_t		set;

	BSON_APPEND_DOCUMENT_BEGIN(to, "$set", &set);
	for (uint32_t i = 0; i < write->ncolumns && status == CONNHUB_OK; i++)
	{
		status = mg_append(&set, mg_path(write->columns[i]), mg_kind(write->columns[i]->remote_type), &values[i], w->error);
		if (status != CONNHUB_OK)
			w->error->column = (int32_t) i;
	}
	bson_append_document_end(to, &set);
	return status;
}

/* One row as an element of the command's list. */
static ConnhubStatus
put_row(Writing *w, uint32_t number, bson_t *row)
{
	const ConnhubValue *values = &w->rows->values[(size_t) number * w->rows->ncolumns];
	bson_t		child;
	ConnhubStatus status;

	if (w->write->kind == CONNHUB_INSERT)
		return put_document(w, values, row);
	BSON_APPEND_DOCUMENT_BEGIN(row, "q", &child);
	status = put_keys(w, values, &child);
	bson_append_document_end(row, &child);
	if (w->write->kind == CONNHUB_DELETE)
		BSON_APPEND_INT32(row, "limit", 0);
	else if (status == CONNHUB_OK)
	{
		BSON_APPEND_DOCUMENT_BEGIN(row, "u", &child);
		status = put_set(w, values, &child);
		bson_append_document_end(row, &child);
		BSON_APPEND_BOOL(row, "multi", true);
	}
	return status;
}

/* Did each row go through?  Rows that a unique key forbids are left out where that was asked for. */
static ConnhubStatus
check_reply(Writing *w, const bson_t *reply, uint32_t *left_out)
{
	bson_iter_t iter;
	bson_iter_t list;
	bson_iter_t problem;

	if (bson_iter_init_find(&iter, reply, "writeErrors") && bson_iter_recurse(&iter, &list))
	{
		while (bson_iter_next(&list))
		{
			bson_error_t found = {.domain = MONGOC_ERROR_SERVER};
			bson_iter_t message;

			if (!bson_iter_recurse(&list, &problem) || !bson_iter_find(&problem, "code"))
				continue;
			found.code = (uint32_t) bson_iter_as_int64(&problem);
			if (found.code == 11000 && w->write->skip_conflicts)
			{
				(*left_out)++;
				continue;
			}
			if (bson_iter_recurse(&list, &message) && bson_iter_find(&message, "errmsg") && BSON_ITER_HOLDS_UTF8(&message))
				snprintf(found.message, sizeof(found.message), "%s", bson_iter_utf8(&message, NULL));
			return mg_fail(w->conn, &found, w->error);
		}
	}
	if (bson_has_field(reply, "writeConcernError"))
		return fail_as(w->error, CONNHUB_QUERY, "the source has not confirmed that the rows are kept");
	return CONNHUB_OK;
}

static ConnhubStatus
write_some(Writing *w, uint32_t *first, uint64_t *affected)
{
	static const char *const verbs[] = {
		[CONNHUB_INSERT] = "insert", [CONNHUB_UPDATE] = "update", [CONNHUB_DELETE] = "delete"
	};
	static const char *const lists[] = {
		[CONNHUB_INSERT] = "documents", [CONNHUB_UPDATE] = "updates", [CONNHUB_DELETE] = "deletes"
	};
	ConnhubWriteKind kind = w->write->kind;
	bson_t		command = BSON_INITIALIZER;
	bson_t		list;
	bson_t		reply;
	uint32_t	n = 0;
	uint32_t	left_out = 0;
	ConnhubStatus status = CONNHUB_OK;

	bson_append_utf8(&command, verbs[kind], -1, w->write->table, -1);
	BSON_APPEND_BOOL(&command, "ordered", !w->write->skip_conflicts);
	bson_append_array_begin(&command, lists[kind], -1, &list);
	for (; *first < w->rows->nrows && n < MOST_ROWS && list.len < MOST_BYTES && status == CONNHUB_OK; (*first)++, n++)
	{
		char		number[16];
		bson_t		row;

		snprintf(number, sizeof(number), "%u", n);
		BSON_APPEND_DOCUMENT_BEGIN(&list, number, &row);
		status = put_row(w, *first, &row);
		bson_append_document_end(&list, &row);
	}
	bson_append_array_end(&command, &list);
	if (status == CONNHUB_OK)
	{
		status = mg_command(w->conn, w->write->schema != NULL ? w->write->schema : w->conn->schema, &command, &reply,
							w->error);
		if (status == CONNHUB_OK)
		{
			status = check_reply(w, &reply, &left_out);
			*affected += kind == CONNHUB_INSERT ? n - left_out : (uint64_t) mg_reply_number(&reply, "n");
		}
		bson_destroy(&reply);
	}
	bson_destroy(&command);
	return status;
}

ConnhubStatus
mg_write(ConnhubConn *conn, const ConnhubWrite *write, const char *text, const ConnhubRows *rows, uint64_t *affected,
		 ConnhubCursor **cursor, ConnhubError *error)
{
	Writing		w = {.conn = conn, .write = write, .rows = rows, .error = error};
	uint32_t	first = 0;
	ConnhubStatus status = CONNHUB_OK;

	*affected = 0;
	if (cursor != NULL)
		*cursor = NULL;
	while (status == CONNHUB_OK && first < rows->nrows)
		status = write_some(&w, &first, affected);
	return status;
}
