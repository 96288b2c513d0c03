/* driver.c — the driver's table, its connector type and its one exported symbol. */
#include "mongo.h"

#include <stdio.h>

static const ConnhubOptionSpec options[] = {
	{"auth_source", CONNHUB_OPTION_TEXT, 0, NULL, NULL, 0, 0, "Database that knows the user; admin when not given."},
	{"auth_mechanism", CONNHUB_OPTION_ENUM, 0, "default", "default,SCRAM-SHA-1,SCRAM-SHA-256,MONGODB-X509", 0, 0,
	"How to log in; by default the source chooses."},
	{"sample_size", CONNHUB_OPTION_INTEGER, 0, "1000", NULL, 1, 1000000,
	"Documents of each collection that discovery looks at."},
	{"flatten_depth", CONNHUB_OPTION_INTEGER, 0, "2", NULL, 0, 8,
	"Levels of nested documents whose fields become columns."},
	{"native_commands", CONNHUB_OPTION_ENUM, CONNHUB_OPTION_PRIVILEGED, "read", "read,any", 0, 0,
	"Which commands native queries may be: those that read, or any."},
	{"json_format", CONNHUB_OPTION_ENUM, 0, "relaxed", "relaxed,canonical", 0, 0,
	"Form of Extended JSON in which documents, arrays and values of mixed type are read."}
};

static const ConnhubTypeSpec types[] = {
	{.name = "mongodb",.category = "nosql",.description = "MongoDB and servers that speak its protocol",
		.default_port = 27017,.flags = CONNHUB_TYPE_NEEDS_HOST | CONNHUB_TYPE_NEEDS_DATABASE | CONNHUB_TYPE_TLS,.tier = "free",
		.options = options,.noptions = sizeof(options) / sizeof(options[0]),
	.example = "SELECT connhub.create_connector('shop', 'mongodb', host => 'db.example.com', database => 'shop', username => 'reader', password => '...')"}
};

static ConnhubDriver driver = {
	.magic = CONNHUB_MAGIC,
	.abi_major = CONNHUB_ABI_MAJOR,
	.abi_minor = CONNHUB_ABI_MINOR,
	.struct_size = sizeof(ConnhubDriver),
	.name = "mongodb",
	.version = "1.0",
	.library = "libmongoc",
	.capabilities = CONNHUB_CAP_DISCOVER | CONNHUB_CAP_CANCEL | CONNHUB_CAP_MULTI_CURSOR | CONNHUB_CAP_BLOCKING_OPEN |
	CONNHUB_CAP_WRITE | CONNHUB_CAP_DESCRIBE,
	.types = types,
	.ntypes = sizeof(types) / sizeof(types[0]),
	.open = mg_open,
	.step = mg_step,
	.close = mg_close,
	.check = mg_check,
	.judge = mg_judge,
	.render = mg_render,
	.execute = mg_execute,
	.fetch = mg_fetch,
	.close_cursor = mg_close_cursor,
	.cancel = mg_cancel,
	.discover = mg_discover,
	.render_write = mg_render_write,
	.write = mg_write,
	.describe = mg_describe,
};

/* What the library logs may hold names and values of users. */
static void
log_nothing(mongoc_log_level_t level, const char *domain, const char *message, void *user_data)
{
}

const ConnhubDriver *
connhub_driver_init(const ConnhubHost *host)
{
	static char library[64];

	if (mg_host == NULL)
	{
		mongoc_log_set_handler(log_nothing, NULL);
		mongoc_init();
	}
	mg_host = host;
	snprintf(library, sizeof(library), "libmongoc %s", mongoc_get_version());
	driver.library = library;
	return &driver;
}
