/* discover.c — collections, and what a sample of their documents holds → sink. */
#include <stdio.h>
#include <string.h>

#include "like.h"
#include "sample.h"

#define LIST_ROWS	1000		/* collections and indexes per reply */

typedef struct Discovery
{
	ConnhubConn *conn;
	const ConnhubDiscoverRequest *request;
	ConnhubSink *sink;
	ConnhubError *error;
	const char *schema;
} Discovery;

/* Called for each document of a list; anything but OK ends it. */
typedef ConnhubStatus (*Visit) (Discovery *discovery, void *arg, const bson_t *document);

/* Run a command that answers with a cursor, to its end. */
static ConnhubStatus
visit_all(Discovery *d, const bson_t *command, Visit visit, void *arg)
{
	char		namespace[512] = "";
	bson_t		reply;
	bson_iter_t documents;
	int64_t		id = 0;
	const char *batch = "firstBatch";
	ConnhubStatus status = mg_command(d->conn, d->schema, command, &reply, d->error);

	while (status == CONNHUB_OK && mg_reply_cursor(&reply, batch, &id, &documents, namespace, sizeof(namespace)))
	{
		while (status == CONNHUB_OK && bson_iter_next(&documents))
		{
			const uint8_t *data;
			uint32_t	length;
			bson_t		document;

			if (!BSON_ITER_HOLDS_DOCUMENT(&documents))
				continue;
			bson_iter_document(&documents, &length, &data);
			if (bson_init_static(&document, data, length))
				status = visit(d, arg, &document);
		}
		if (status != CONNHUB_OK || id == 0)
			break;
		bson_destroy(&reply);
		batch = "nextBatch";
		status = mg_get_more(d->conn, namespace, id, LIST_ROWS, &reply, d->error);
	}
	bson_destroy(&reply);
	return status;
}

static const char *
string_of(const bson_t *document, const char *path)
{
	bson_iter_t iter;
	bson_iter_t at;

	return bson_iter_init(&iter, document) && bson_iter_find_descendant(&iter, path, &at) && BSON_ITER_HOLDS_UTF8(&at) ?
		bson_iter_utf8(&at, NULL) : NULL;
}

/* ---- Columns ----------------------------------------------------------------------------- */

static ConnhubStatus
sample_document(Discovery *d, void *arg, const bson_t *document)
{
	bson_iter_t iter;

	if (bson_iter_init(&iter, document))
		mg_sample_add(arg, &iter);
	return CONNHUB_OK;
}

/* Some documents by chance where there are more than are looked at, else all. */
static ConnhubStatus
sample_collection(Discovery *d, const char *table, double rows, MgSample *sample)
{
	bson_t		command = BSON_INITIALIZER;
	bson_t		list;
	bson_t		stage;
	bson_t		inner;
	ConnhubStatus status;

	if (rows > (double) d->conn->sample_size && (d->conn->flags & MG_FLAG_FERRETDB) == 0)
	{
		BSON_APPEND_UTF8(&command, "aggregate", table);
		BSON_APPEND_ARRAY_BEGIN(&command, "pipeline", &list);
		BSON_APPEND_DOCUMENT_BEGIN(&list, "0", &stage);
		BSON_APPEND_DOCUMENT_BEGIN(&stage, "$sample", &inner);
		BSON_APPEND_INT64(&inner, "size", d->conn->sample_size);
		bson_append_document_end(&stage, &inner);
		bson_append_document_end(&list, &stage);
		bson_append_array_end(&command, &list);
		BSON_APPEND_DOCUMENT_BEGIN(&command, "cursor", &inner);
		bson_append_document_end(&command, &inner);
		status = visit_all(d, &command, sample_document, sample);
		bson_destroy(&command);
		if (status != CONNHUB_UNSUPPORTED && status != CONNHUB_QUERY)
			return status;
		memset(d->error, 0, sizeof(*d->error));
		bson_init(&command);
	}
	BSON_APPEND_UTF8(&command, "find", table);
	BSON_APPEND_INT64(&command, "limit", d->conn->sample_size);
	status = visit_all(d, &command, sample_document, sample);
	bson_destroy(&command);
	return status;
}

/* The types that a validator names, for fields that no document of the sample has. */
static uint32_t
validator_type(const char *name)
{
	static const struct
	{
		const char *name;
		bson_type_t type;
	}			rows[] = {
		{"string", BSON_TYPE_UTF8}, {"objectId", BSON_TYPE_OID}, {"int", BSON_TYPE_INT32}, {"long", BSON_TYPE_INT64},
		{"double", BSON_TYPE_DOUBLE}, {"decimal", BSON_TYPE_DECIMAL128}, {"bool", BSON_TYPE_BOOL},
		{"date", BSON_TYPE_DATE_TIME}, {"binData", BSON_TYPE_BINARY}, {"object", BSON_TYPE_DOCUMENT},
		{"array", BSON_TYPE_ARRAY}, {"null", BSON_TYPE_NULL}
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		if (strcmp(rows[i].name, name) == 0)
			return mg_bit(rows[i].type);
	}
	return MG_BIT_OTHER;
}

static void
add_validator(MgSample *sample, const bson_t *info)
{
	bson_iter_t iter;
	bson_iter_t at;
	bson_iter_t properties;
	bson_iter_t types;

	if (!bson_iter_init(&iter, info) ||
		!bson_iter_find_descendant(&iter, "options.validator.$jsonSchema.properties", &at) ||
		!BSON_ITER_HOLDS_DOCUMENT(&at) || !bson_iter_recurse(&at, &properties))
		return;
	while (bson_iter_next(&properties))
	{
		MgField    *field;
		bson_iter_t property;

		if (!BSON_ITER_HOLDS_DOCUMENT(&properties) || !bson_iter_recurse(&properties, &property) ||
			!bson_iter_find(&property, "bsonType") || strpbrk(bson_iter_key(&properties), ".$") != NULL)
			continue;
		field = mg_sample_field(&sample->root, bson_iter_key(&properties));
		if (field == NULL || field->seen != 0)
			continue;
		if (BSON_ITER_HOLDS_UTF8(&property))
			field->seen = validator_type(bson_iter_utf8(&property, NULL));
		else if (BSON_ITER_HOLDS_ARRAY(&property) && bson_iter_recurse(&property, &types))
		{
			while (bson_iter_next(&types))
				field->seen |= BSON_ITER_HOLDS_UTF8(&types) ? validator_type(bson_iter_utf8(&types, NULL)) : MG_BIT_OTHER;
		}
	}
}

static ConnhubStatus
put_columns(Discovery *d, const char *table, const MgSample *sample)
{
	ConnhubStatus status = CONNHUB_OK;

	for (uint32_t i = 0; i < sample->ncolumns && status == CONNHUB_OK; i++)
	{
		const MgSampleColumn *column = &sample->columns[i];
		const MgType *type = &mg_types[column->kind];
		char		remote[MG_NAME_SIZE + 32];
		ConnhubColumnInfo info = {.schema = d->schema, .table = table, .name = column->name, .position = i + 1,
			.remote_type = type->name,
		.type = {.type = type->type, .precision = column->kind == MG_DATE ? 3 : -1, .pg_type = type->pg_type}};

		if (strcmp(column->path, column->name) != 0)
		{
			snprintf(remote, sizeof(remote), "%s at %s", type->name, column->path);
			info.remote_type = remote;
		}
		info.not_null = strcmp(column->path, "_id") == 0 && column->kind != MG_MIXED;
		status = d->sink->column(d->sink, &info);
	}
	return status;
}

/* ---- Indexes ----------------------------------------------------------------------------- */

typedef struct Indexed
{
	const char *table;
	const MgSample *sample;
} Indexed;

static const char *
column_at(const MgSample *sample, const char *path)
{
	for (uint32_t i = 0; i < sample->ncolumns; i++)
	{
		if (strcmp(sample->columns[i].path, path) == 0)
			return sample->columns[i].name;
	}
	return path;
}

static ConnhubStatus
put_index(Discovery *d, void *arg, const bson_t *document)
{
	const Indexed *indexed = arg;
	const char *columns[32];
	const char *name = string_of(document, "name");
	const char *method = "btree";
	ConnhubIndexInfo info = {.schema = d->schema, .table = indexed->table, .columns = columns};
	bson_iter_t iter;
	bson_iter_t keys;

	if (name == NULL || !bson_iter_init_find(&iter, document, "key") || !BSON_ITER_HOLDS_DOCUMENT(&iter) ||
		!bson_iter_recurse(&iter, &keys))
		return CONNHUB_OK;
	while (bson_iter_next(&keys) && info.ncolumns < 32)
	{
		columns[info.ncolumns++] = column_at(indexed->sample, bson_iter_key(&keys));
		if (BSON_ITER_HOLDS_UTF8(&keys))
			method = bson_iter_utf8(&keys, NULL);
	}
	info.name = name;
	info.method = method;
	info.is_unique = strcmp(name, "_id_") == 0 || (bson_iter_init_find(&iter, document, "unique") && bson_iter_as_bool(&iter));
	return d->sink->index(d->sink, &info);
}

static ConnhubStatus
put_keys(Discovery *d, const char *table, const MgSample *sample)
{
	Indexed		indexed = {table, sample};
	bson_t		command = BSON_INITIALIZER;
	ConnhubStatus status = CONNHUB_OK;

	for (uint32_t i = 0; i < sample->ncolumns && status == CONNHUB_OK; i++)
	{
		static const char *const id[] = {"_id"};
		ConnhubKeyInfo key = {.schema = d->schema, .table = table, .name = "_id_", .kind = CONNHUB_PRIMARY_KEY,
		.columns = id, .ncolumns = 1};

		if (strcmp(sample->columns[i].path, "_id") == 0 && (mg_types[sample->columns[i].kind].flags & MG_EQUAL))
			status = d->sink->key(d->sink, &key);
	}
	if (status != CONNHUB_OK)
		return status;
	BSON_APPEND_UTF8(&command, "listIndexes", table);
	status = visit_all(d, &command, put_index, &indexed);
	bson_destroy(&command);

	/* Not all who may read may list indexes. */
	if (status == CONNHUB_PERMISSION || status == CONNHUB_UNSUPPORTED || status == CONNHUB_SCHEMA_CHANGED)
	{
		memset(d->error, 0, sizeof(*d->error));
		return CONNHUB_OK;
	}
	return status;
}

/* ---- Collections ------------------------------------------------------------------------- */

static void
read_size(Discovery *d, ConnhubTableInfo *table)
{
	bson_t		command = BSON_INITIALIZER;
	bson_t		reply;

	BSON_APPEND_UTF8(&command, "collStats", table->name);
	if (mg_command(d->conn, d->schema, &command, &reply, d->error) == CONNHUB_OK)
	{
		table->rows = (double) mg_reply_number(&reply, "count");
		table->bytes = mg_reply_number(&reply, "storageSize");
	}
	bson_destroy(&reply);
	bson_destroy(&command);
	memset(d->error, 0, sizeof(*d->error));
}

static ConnhubStatus
put_collection(Discovery *d, void *arg, const bson_t *document)
{
	const char *name = string_of(document, "name");
	const char *type = string_of(document, "type");
	ConnhubTableInfo table = {.schema = d->schema, .name = name, .rows = -1, .bytes = -1};
	bool		is_view = type != NULL && strcmp(type, "view") == 0;
	MgSample	sample;
	ConnhubStatus status;

	if (name == NULL || strncmp(name, "system.", 7) == 0 || !common_like_match(name, d->request->table_pattern))
		return CONNHUB_OK;
	if (is_view)
		table.kind = CONNHUB_VIEW;
	else
		read_size(d, &table);
	if (d->conn->wait_status != CONNHUB_OK)
		return mg_fail_wait(d->conn->wait_status, d->error);
	mg_sample_begin(&sample, (int) d->conn->flatten_depth);
	status = sample_collection(d, name, table.rows, &sample);
	if (status == CONNHUB_OK)
	{
		add_validator(&sample, document);
		mg_sample_finish(&sample);
		status = d->sink->table(d->sink, &table);
	}
	if (status == CONNHUB_OK)
		status = put_columns(d, name, &sample);
	if (status == CONNHUB_OK && !is_view)
		status = put_keys(d, name, &sample);
	mg_sample_end(&sample);
	return status;
}

ConnhubStatus
mg_discover(ConnhubConn *conn, const ConnhubDiscoverRequest *request, ConnhubSink *sink, ConnhubError *error)
{
	Discovery	d = {conn, request, sink, error, conn->schema != NULL ? conn->schema : conn->database};
	ConnhubSchemaInfo schema = {.name = d.schema};
	bson_t		command = BSON_INITIALIZER;
	ConnhubStatus status = CONNHUB_OK;

	if (d.schema != NULL && common_like_match(d.schema, request->schema_pattern))
	{
		status = sink->schema(sink, &schema);
		BSON_APPEND_INT32(&command, "listCollections", 1);
		if (status == CONNHUB_OK)
			status = visit_all(&d, &command, put_collection, NULL);
	}
	bson_destroy(&command);
	return status;
}
