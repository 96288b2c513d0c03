/* test/servers/mongodb_load.c — puts lines of standard input into a MongoDB: URI DATABASE.
 *
 * "<collection> <document>" inserts a document of Extended JSON, in which {"$hex": "00ff"} at the top is binary; "! <command>" runs a
 * command, "? <command>" one that may fail. */
#include <mongoc/mongoc.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 500

static mongoc_client_t *client;
static const char *database;
static mongoc_bulk_operation_t *bulk;
static mongoc_collection_t *collection;
static char name[128];
static int	pending;

static void
check(bool done, const bson_error_t *error, const char *line)
{
	if (done)
		return;
	fprintf(stderr, "mongodb_load: %s: %.200s\n", error->message, line);
	exit(1);
}

static void
flush(void)
{
	bson_error_t error = {0};
	bson_t		reply;

	if (bulk != NULL && pending > 0)
		check(mongoc_bulk_operation_execute(bulk, &reply, &error) != 0, &error, name);
	if (bulk != NULL)
		mongoc_bulk_operation_destroy(bulk);
	bulk = NULL;
	pending = 0;
}

/* The document with its hexadecimal values as bytes. */
static void
put_bytes(const bson_t *from, bson_t *to)
{
	bson_iter_t iter;
	bson_iter_t inner;

	bson_init(to);
	for (bson_iter_init(&iter, from); bson_iter_next(&iter);)
	{
		uint8_t		bytes[8192];
		uint32_t	n = 0;
		uint32_t	length;
		const char *hex;

		if (!BSON_ITER_HOLDS_DOCUMENT(&iter) || !bson_iter_recurse(&iter, &inner) || !bson_iter_find(&inner, "$hex"))
		{
			bson_append_iter(to, NULL, 0, &iter);
			continue;
		}
		hex = bson_iter_utf8(&inner, &length);
		for (; 2 * n + 1 < length && n < sizeof(bytes); n++)
			sscanf(hex + 2 * n, "%2hhx", &bytes[n]);
		bson_append_binary(to, bson_iter_key(&iter), -1, BSON_SUBTYPE_BINARY, bytes, n);
	}
}

static void
insert(const char *into, const bson_t *document, const char *line)
{
	bson_error_t error = {0};

	if (strcmp(into, name) != 0)
	{
		flush();
		if (collection != NULL)
			mongoc_collection_destroy(collection);
		snprintf(name, sizeof(name), "%s", into);
		collection = mongoc_client_get_collection(client, database, name);
	}
	if (bulk == NULL)
		bulk = mongoc_collection_create_bulk_operation_with_opts(collection, NULL);
	check(mongoc_bulk_operation_insert_with_opts(bulk, document, NULL, &error), &error, line);
	if (++pending == BATCH)
		flush();
}

int
main(int argc, char **argv)
{
	static char line[65536];

	if (argc != 3)
		return 2;
	mongoc_init();
	client = mongoc_client_new(argv[1]);
	database = argv[2];
	while (client != NULL && fgets(line, sizeof(line), stdin))
	{
		char	   *space = strchr(line, ' ');
		bson_error_t error = {0};
		bson_t		parsed;
		bson_t		document;
		bson_t		reply;

		if (space == NULL)
			continue;
		*space = '\0';
		check(bson_init_from_json(&parsed, space + 1, -1, &error), &error, space + 1);
		if (line[0] == '!' || line[0] == '?')
		{
			flush();
			check(mongoc_client_command_simple(client, database, &parsed, NULL, &reply, &error) || line[0] == '?', &error, space + 1);
			continue;
		}
		put_bytes(&parsed, &document);
		insert(line, &document, space + 1);
		bson_destroy(&document);
		bson_destroy(&parsed);
	}
	flush();
	return client == NULL;
}
