/* query.c — run a native query, and documents → batches.
 *
 * The reply that holds a batch of documents is kept until the next one, so strings and bytes are handed over where they
 * are.  Which columns a field goes to is found by a tree of the paths; fields mostly come in the order of the last document, which is
 * tried first. */
#include <stdio.h>
#include <string.h>

#include "bind.h"
#include "sample.h"

#define BATCH_ROWS	10000		/* of a reply, which the source cuts off at 16 MB */

typedef struct Column
{
	char	   *path;
	MgKind		kind;
	int			next;			/* another column of the same path, -1: none */
} Column;

typedef struct Node
{
	char	   *key;
	size_t		length;
	int			column;			/* the first of this path, -1: none */
	struct Node *children;
	uint32_t	nchildren;
} Node;

struct ConnhubCursor
{
	ConnhubConn *conn;
	void	   *memory;			/* in which it lies, at the alignment that the library's types ask for */
	ConnhubCursor *next;		/* of the connection's list */
	bson_t		reply;			/* the documents come from */
	bson_iter_t documents;
	bool		has_documents;	/* documents is in use */
	int64_t		id;				/* of the source's cursor, 0: at its end */
	char		namespace[512];
	int64_t		batch_size;
	Column	   *columns;
	uint32_t	ncolumns;
	Node		root;
	bool		columns_unknown;	/* a field without a column is an error */
	bool		is_empty;		/* nothing was sent: a limit of 0 */
	bool		had_rows;
	bson_t		empty;			/* the row of a grouping that no document came for */
	bool		has_empty;
};

/* ---- Columns ----------------------------------------------------------------------------- */

static Node *
child_of(Node *parent, const char *key, size_t length)
{
	Node	   *node;

	for (uint32_t i = 0; i < parent->nchildren; i++)
	{
		if (parent->children[i].length == length && memcmp(parent->children[i].key, key, length) == 0)
			return &parent->children[i];
	}
	parent->children = bson_realloc(parent->children, (parent->nchildren + 1) * sizeof(Node));
	node = &parent->children[parent->nchildren++];
	memset(node, 0, sizeof(*node));
	node->key = bson_strndup(key, length);
	node->length = length;
	node->column = -1;
	return node;
}

static void
add_column(ConnhubCursor *cursor, const char *path, MgKind kind)
{
	Node	   *node = &cursor->root;
	Column	   *column;

	cursor->columns = bson_realloc(cursor->columns, (cursor->ncolumns + 1) * sizeof(Column));
	column = &cursor->columns[cursor->ncolumns];
	column->path = bson_strdup(path);
	column->kind = kind;
	for (const char *p = column->path;; p++)
	{
		size_t		length = strcspn(p, ".");

		node = child_of(node, p, length);
		p += length;
		if (*p == '\0')
			break;
	}
	column->next = node->column;
	node->column = (int) cursor->ncolumns++;
}

static void
free_children(Node *node)
{
	for (uint32_t i = 0; i < node->nchildren; i++)
	{
		free_children(&node->children[i]);
		bson_free(node->children[i].key);
	}
	bson_free(node->children);
}

/* ---- Life of a cursor -------------------------------------------------------------------- */

static void
free_cursor(ConnhubCursor *cursor)
{
	ConnhubCursor **link = &cursor->conn->cursors;

	while (*link != NULL && *link != cursor)
		link = &(*link)->next;
	if (*link == cursor)
		*link = cursor->next;
	for (uint32_t i = 0; i < cursor->ncolumns; i++)
		bson_free(cursor->columns[i].path);
	bson_free(cursor->columns);
	free_children(&cursor->root);
	bson_destroy(&cursor->reply);
	if (cursor->has_empty)
		bson_destroy(&cursor->empty);
	cursor->conn->host->free(cursor->memory);
}

void
mg_cursors_forget(ConnhubConn *conn)
{
	while (conn->cursors != NULL)
		free_cursor(conn->cursors);
}

ConnhubStatus
mg_cursors_kill(ConnhubConn *conn, ConnhubError *error)
{
	ConnhubStatus status = CONNHUB_OK;

	for (ConnhubCursor *cursor = conn->cursors; cursor != NULL && status == CONNHUB_OK; cursor = cursor->next)
	{
		if (cursor->id != 0)
			status = mg_kill_cursor(conn, cursor->namespace, cursor->id, error);
		cursor->id = 0;
	}
	return status;
}

/* ---- The command ------------------------------------------------------------------------- */

typedef struct Command
{
	char		database[256];	/* empty: the default one */
	bson_t		send;
	bool		returns_cursor;
} Command;

/* A query of a person: {"collection": …, "pipeline": …} is short for the command. */
static void
put_head(const bson_t *bound, bson_t *send)
{
	bson_iter_t iter;

	if (bson_iter_init_find(&iter, bound, "collection") && BSON_ITER_HOLDS_UTF8(&iter) && bson_has_field(bound, "pipeline") &&
		!bson_has_field(bound, "aggregate"))
		BSON_APPEND_UTF8(send, "aggregate", bson_iter_utf8(&iter, NULL));
}

static bool
is_ours(const char *key, bool shortened)
{
	return strcmp(key, "$db") == 0 || strcmp(key, "columns") == 0 || strcmp(key, "empty") == 0 ||
		strcmp(key, "cursor") == 0 || strcmp(key, "batchSize") == 0 || (shortened && strcmp(key, "collection") == 0);
}

static void
make_command(ConnhubCursor *cursor, const bson_t *bound, Command *command)
{
	ConnhubConn *conn = cursor->conn;
	bson_iter_t iter;
	bson_t		child;
	const char *verb = "";
	bool		shortened;

	bson_init(&command->send);
	put_head(bound, &command->send);
	shortened = !bson_empty(&command->send);
	if (bson_iter_init(&iter, bound))
	{
		while (bson_iter_next(&iter))
		{
			const char *key = bson_iter_key(&iter);

			if (strcmp(key, "$db") == 0 && BSON_ITER_HOLDS_UTF8(&iter))
				snprintf(command->database, sizeof(command->database), "%s", bson_iter_utf8(&iter, NULL));
			if (!is_ours(key, shortened))
				bson_append_iter(&command->send, NULL, 0, &iter);
		}
	}
	if (bson_iter_init(&iter, &command->send) && bson_iter_next(&iter))
		verb = bson_iter_key(&iter);
	if (strcmp(verb, "aggregate") == 0)
	{
		BSON_APPEND_DOCUMENT_BEGIN(&command->send, "cursor", &child);
		BSON_APPEND_INT32(&child, "batchSize", (int32_t) cursor->batch_size);
		bson_append_document_end(&command->send, &child);
		if (!bson_has_field(&command->send, "allowDiskUse") && (conn->flags & MG_FLAG_FERRETDB) == 0)
			BSON_APPEND_BOOL(&command->send, "allowDiskUse", true);
	}
	else if (strcmp(verb, "find") == 0)
		BSON_APPEND_INT32(&command->send, "batchSize", (int32_t) cursor->batch_size);
	command->returns_cursor = strcmp(verb, "aggregate") == 0 || strcmp(verb, "find") == 0;

	/* A collection may have a collation of its own, by which other strings would be equal. */
	if (command->returns_cursor && !cursor->columns_unknown && (conn->flags & MG_FLAG_FERRETDB) == 0)
	{
		BSON_APPEND_DOCUMENT_BEGIN(&command->send, "collation", &child);
		BSON_APPEND_UTF8(&child, "locale", "simple");
		bson_append_document_end(&command->send, &child);
	}
	if (command->returns_cursor && conn->query_timeout_ms > 0)
		BSON_APPEND_INT64(&command->send, "maxTimeMS", conn->query_timeout_ms);
}

/* A command that changes nothing, as far as its name and its stages tell. */
static bool
only_reads(const bson_t *command)
{
	static const char *const readers[] = {
		"aggregate", "find", "count", "distinct", "listCollections", "listIndexes", "collStats", "dbStats", "ping", "buildInfo", "hello"
	};
	bson_iter_t iter;
	bson_iter_t stages;
	bson_iter_t stage;
	bool		known = false;

	if (!bson_iter_init(&iter, command) || !bson_iter_next(&iter))
		return false;
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		known = known || strcmp(bson_iter_key(&iter), readers[i]) == 0;
	if (!known || !bson_iter_init_find(&iter, command, "pipeline") || !bson_iter_recurse(&iter, &stages))
		return known;
	while (bson_iter_next(&stages))
	{
		if (bson_iter_recurse(&stages, &stage) && bson_iter_next(&stage) &&
			(strcmp(bson_iter_key(&stage), "$out") == 0 || strcmp(bson_iter_key(&stage), "$merge") == 0))
			return false;
	}
	return true;
}

/* Does the pipeline keep no row?  The source refuses a $limit of 0.  *skips: it passes over rows. */
static bool
keeps_none(const bson_t *bound, bool *skips)
{
	bson_iter_t iter;
	bson_iter_t stages;
	bson_iter_t stage;
	bool		none = false;

	*skips = false;
	if (!bson_iter_init_find(&iter, bound, "pipeline") || !bson_iter_recurse(&iter, &stages))
		return false;
	while (bson_iter_next(&stages))
	{
		if (!BSON_ITER_HOLDS_DOCUMENT(&stages) || !bson_iter_recurse(&stages, &stage) || !bson_iter_next(&stage))
			continue;
		if (strcmp(bson_iter_key(&stage), "$limit") == 0 && bson_iter_as_int64(&stage) == 0)
			none = true;
		if (strcmp(bson_iter_key(&stage), "$skip") == 0 && bson_iter_as_int64(&stage) > 0)
			*skips = true;
	}
	return none;
}

static void
read_columns(ConnhubCursor *cursor, const bson_t *bound)
{
	bson_iter_t iter;
	bson_iter_t inner;
	bool		skips;

	if (bson_iter_init_find(&iter, bound, "columns") && BSON_ITER_HOLDS_DOCUMENT(&iter) && bson_iter_recurse(&iter, &inner))
	{
		while (bson_iter_next(&inner))
			add_column(cursor, bson_iter_key(&inner),
					   BSON_ITER_HOLDS_UTF8(&inner) ? mg_kind(bson_iter_utf8(&inner, NULL)) : MG_ANY);
	}
	cursor->is_empty = keeps_none(bound, &skips);
	if (!skips && bson_iter_init_find(&iter, bound, "empty") && BSON_ITER_HOLDS_ARRAY(&iter))
	{
		bson_init(&cursor->empty);
		bson_append_iter(&cursor->empty, "row", 3, &iter);
		cursor->has_empty = true;
	}
}

/* The first reply of a command. */
static ConnhubStatus
send_command(ConnhubCursor *cursor, const Command *command, ConnhubError *error)
{
	bson_t		around;
	ConnhubStatus status;

	bson_destroy(&cursor->reply);
	status = mg_command(cursor->conn, command->database[0] != '\0' ? command->database : NULL, &command->send,
						&cursor->reply, error);
	if (status != CONNHUB_OK)
		return status;
	cursor->has_documents = mg_reply_cursor(&cursor->reply, "firstBatch", &cursor->id, &cursor->documents,
											cursor->namespace, sizeof(cursor->namespace));
	if (cursor->has_documents)
		return CONNHUB_OK;

	/* A command without a cursor: its reply is the one row. */
	bson_init(&around);
	BSON_APPEND_DOCUMENT(&around, "0", &cursor->reply);
	bson_destroy(&cursor->reply);
	bson_steal(&cursor->reply, &around);
	cursor->has_documents = bson_iter_init(&cursor->documents, &cursor->reply);
	return CONNHUB_OK;
}

static ConnhubStatus
start(ConnhubCursor *cursor, const ConnhubQuery *query, ConnhubError *error)
{
	Command		command = {{0}};
	bson_error_t problem;
	bson_t		parsed;
	bson_t		bound;
	ConnhubStatus status;

	if (!mg_parse(query->text, &parsed, &problem))
	{
		fail_as(error, CONNHUB_QUERY, "the query is not Extended JSON");
		fail_detail(error, "The library reports: %s", problem.message);
		fail_hint(error, "Write a command as a document: {\"collection\": \"orders\", \"pipeline\": [...]}.");
		return CONNHUB_QUERY;
	}
	status = mg_bind(&parsed, query, &bound, error);
	bson_destroy(&parsed);
	if (status == CONNHUB_OK)
	{
		read_columns(cursor, &bound);
		if (!query->columns_unknown && cursor->ncolumns != query->ncolumns)
			status = fail_as(error, CONNHUB_QUERY, "the query has %u columns, %u were asked for", cursor->ncolumns,
							 query->ncolumns);
	}
	if (status == CONNHUB_OK && !cursor->is_empty)
	{
		make_command(cursor, &bound, &command);
		if (!cursor->conn->any_command && !only_reads(&command.send))
		{
			status = fail_as(error, CONNHUB_PERMISSION, "the command may change data");
			fail_hint(error, "Set the option native_commands of the connector to any, or write to the foreign table.");
		}
		else
			status = send_command(cursor, &command, error);
		bson_destroy(&command.send);
	}
	bson_destroy(&bound);
	return status;
}

ConnhubStatus
mg_execute(ConnhubConn *conn, const ConnhubQuery *query, ConnhubCursor **result, ConnhubError *error)
{
	size_t		alignment = _Alignof(ConnhubCursor);
	void	   *memory = conn->host->alloc(sizeof(ConnhubCursor) + alignment);
	ConnhubCursor *cursor;
	ConnhubStatus status;

	if (memory == NULL)
		return fail_no_memory(error);
	cursor = (ConnhubCursor *) (((uintptr_t) memory + alignment - 1) / alignment * alignment);
	memset(cursor, 0, sizeof(*cursor));
	cursor->memory = memory;
	cursor->conn = conn;
	cursor->root.column = -1;
	cursor->columns_unknown = query->columns_unknown;
	cursor->batch_size = query->fetch_size > 0 ? query->fetch_size : BATCH_ROWS;
	bson_init(&cursor->reply);
	cursor->next = conn->cursors;
	conn->cursors = cursor;
	status = start(cursor, query, error);
	if (status != CONNHUB_OK)
	{
		free_cursor(cursor);
		return status;
	}
	*result = cursor;
	return CONNHUB_OK;
}

/* ---- Rows -------------------------------------------------------------------------------- */

typedef struct Row
{
	ConnhubCursor *cursor;
	ConnhubBatch *batch;
	size_t		bytes;
	ConnhubError *error;
} Row;

static ConnhubStatus
fail_value(Row *row, int column, MgPut put, const bson_iter_t *iter)
{
	const Column *field = &row->cursor->columns[column];

	if (put == MG_PUT_NO_MEMORY)
		return fail_no_memory(row->error);
	fail_as(row->error, CONNHUB_DATA, put == MG_PUT_WRONG_TYPE ?
			"field \"%s\" holds a value of another type than %s" : "a value of field \"%s\" cannot be represented as %s",
			field->path, mg_types[field->kind].name);
	row->error->column = column;
	if (put == MG_PUT_WRONG_TYPE)
	{
		fail_detail(row->error, "BSON type %d was found in a document that discovery did not look at.",
					(int) bson_iter_type(iter));
		fail_hint(row->error, "Discover the source again with a larger sample_size.");
	}
	return CONNHUB_DATA;
}

static ConnhubStatus put_fields(Row *row, const Node *parent, bson_iter_t *iter);

static bool
is_null(const bson_iter_t *iter)
{
	return BSON_ITER_HOLDS_NULL(iter) || BSON_ITER_HOLDS_UNDEFINED(iter);
}

static ConnhubStatus
put_node(Row *row, const Node *node, const bson_iter_t *iter)
{
	ConnhubBatch *batch = row->batch;
	bson_iter_t inner;

	if (is_null(iter))
		return CONNHUB_OK;
	for (int i = node->column; i >= 0; i = row->cursor->columns[i].next)
	{
		ConnhubVector *vector = &batch->columns[i];
		MgPut		put = mg_put(row->cursor->conn, row->cursor->columns[i].kind, iter, batch, vector, &row->bytes);

		if (put != MG_PUT_DONE)
			return fail_value(row, i, put, iter);
		CONNHUB_SET_VALID(vector, batch->nrows);
	}
	if (node->nchildren == 0)
		return CONNHUB_OK;
	if (!BSON_ITER_HOLDS_DOCUMENT(iter) || !bson_iter_recurse(iter, &inner))
	{
		fail_as(row->error, CONNHUB_DATA, "field \"%s\" holds a value where discovery found documents", node->key);
		fail_hint(row->error, "Discover the source again with a larger sample_size.");
		return CONNHUB_DATA;
	}
	return put_fields(row, node, &inner);
}

static ConnhubStatus
put_fields(Row *row, const Node *parent, bson_iter_t *iter)
{
	uint32_t	expected = 0;	/* the child that will probably be next */

	while (bson_iter_next(iter))
	{
		const char *key = bson_iter_key(iter);
		size_t		length = bson_iter_key_len(iter);
		uint32_t	tried;
		ConnhubStatus status;

		for (tried = 0; tried < parent->nchildren; tried++)
		{
			const Node *node = &parent->children[expected];

			expected = expected + 1 < parent->nchildren ? expected + 1 : 0;
			if (node->length != length || memcmp(node->key, key, length) != 0)
				continue;
			status = put_node(row, node, iter);
			if (status != CONNHUB_OK)
				return status;
			break;
		}
		if (tried == parent->nchildren && row->cursor->columns_unknown && parent == &row->cursor->root)
		{
			fail_as(row->error, CONNHUB_DATA, "a document has a field \"%s\" that the first ones lack", key);
			fail_hint(row->error, "End the pipeline with a $project that names every field.");
			return CONNHUB_DATA;
		}
	}
	return CONNHUB_OK;
}

/* Have a document to put out, or nothing any more: *more false. */
static ConnhubStatus
next_document(ConnhubCursor *cursor, bool may_ask, bson_iter_t *document, bool *more, ConnhubError *error)
{
	ConnhubConn *conn = cursor->conn;

	*more = false;
	for (;;)
	{
		while (cursor->has_documents && bson_iter_next(&cursor->documents))
		{
			if (BSON_ITER_HOLDS_DOCUMENT(&cursor->documents) && bson_iter_recurse(&cursor->documents, document))
			{
				*more = true;
				return CONNHUB_OK;
			}
		}
		cursor->has_documents = false;
		if (cursor->id == 0 || !may_ask)
			return CONNHUB_OK;
		bson_destroy(&cursor->reply);
		bson_init(&cursor->reply);
		{
			bson_t		reply;
			int64_t		id = cursor->id;
			ConnhubStatus status = mg_get_more(conn, cursor->namespace, id, cursor->batch_size, &reply, error);

			bson_destroy(&cursor->reply);
			bson_steal(&cursor->reply, &reply);
			if (status != CONNHUB_OK)
				return status;
		}
		cursor->has_documents = mg_reply_cursor(&cursor->reply, "nextBatch", &cursor->id, &cursor->documents, NULL, 0);
		if (!cursor->has_documents)
			return fail_as(error, CONNHUB_LOST, "the source sent no documents");
	}
}

/* The one row of a grouping without keys over no documents. */
static ConnhubStatus
put_empty(ConnhubCursor *cursor, ConnhubBatch *batch)
{
	bson_iter_t iter;
	bson_iter_t values;

	if (bson_iter_init(&iter, &cursor->empty) && bson_iter_next(&iter) && bson_iter_recurse(&iter, &values))
	{
		for (uint32_t i = 0; i < batch->ncolumns && bson_iter_next(&values); i++)
		{
			if (is_null(&values) || batch->columns[i].type == CONNHUB_TEXT)
				continue;
			batch->columns[i].v.integers[0] = bson_iter_as_int64(&values);
			CONNHUB_SET_VALID(&batch->columns[i], 0);
		}
	}
	cursor->had_rows = true;
	batch->nrows = 1;
	return CONNHUB_OK;
}

ConnhubStatus
mg_fetch(ConnhubCursor *cursor, ConnhubBatch *batch, ConnhubError *error)
{
	Row			row = {cursor, batch, 0, error};
	ConnhubStatus status = cursor->conn->host->cancelled();
	bson_iter_t document;
	bool		more;

	if (status != CONNHUB_OK)
		return mg_fail_wait(status, error);
	for (uint32_t i = 0; i < batch->ncolumns; i++)
		batch->columns[i].type = mg_vector_type(cursor->columns[i].kind, batch->columns[i].type);
	if (cursor->is_empty)
		return CONNHUB_DONE;
	while (batch->nrows < batch->capacity && row.bytes < batch->max_bytes)
	{
		status = next_document(cursor, batch->nrows == 0, &document, &more, error);
		if (status != CONNHUB_OK)
			return status;
		if (!more)
			break;
		status = put_fields(&row, &cursor->root, &document);
		if (status != CONNHUB_OK)
			return status;
		batch->nrows++;
		cursor->had_rows = true;
	}
	if (batch->nrows == 0 && cursor->has_empty && !cursor->had_rows)
		return put_empty(cursor, batch);
	return batch->nrows > 0 ? CONNHUB_OK : CONNHUB_DONE;
}

ConnhubStatus
mg_close_cursor(ConnhubCursor *cursor, ConnhubError *error)
{
	ConnhubStatus status = CONNHUB_OK;

	if (cursor->id != 0)
		status = mg_kill_cursor(cursor->conn, cursor->namespace, cursor->id, error);
	free_cursor(cursor);

	/* One that the source has forgotten already leaves the connection as good as before. */
	return error->connection_lost ? status : CONNHUB_OK;
}

/* The columns of what came first; a later document with another field is an error. */
ConnhubStatus
mg_describe(ConnhubCursor *cursor, void (*found) (void *arg, const char *name, const ConnhubTypeRef *type), void *arg,
			ConnhubError *error)
{
	bson_iter_t documents = cursor->documents;
	bson_iter_t document;
	MgSample	sample;

	mg_sample_begin(&sample, 0);
	while (cursor->has_documents && bson_iter_next(&documents))
	{
		if (BSON_ITER_HOLDS_DOCUMENT(&documents) && bson_iter_recurse(&documents, &document))
			mg_sample_add(&sample, &document);
	}
	mg_sample_finish(&sample);
	for (uint32_t i = 0; i < sample.ncolumns; i++)
	{
		const MgType *type = &mg_types[sample.columns[i].kind];
		ConnhubTypeRef ref = {.type = type->type, .precision = -1, .pg_type = type->pg_type};

		add_column(cursor, sample.columns[i].path, sample.columns[i].kind);
		found(arg, sample.columns[i].name, &ref);
	}
	mg_sample_end(&sample);
	return CONNHUB_OK;
}
