/* driver.c — the driver's table, its connector types and its one exported symbol. */
#include "pg.h"

#include <stdio.h>

const ConnhubHost *pg_host;

static const ConnhubOptionSpec postgresql_options[] = {
	{"channel_binding", CONNHUB_OPTION_ENUM, 0, "prefer", "disable,prefer,require", 0, 0,
	"Whether SCRAM authentication is bound to the TLS channel."},
	{"ssl_key_password", CONNHUB_OPTION_TEXT, CONNHUB_OPTION_SECRET, NULL, NULL, 0, 0,
	"Passphrase of the client certificate's key."},
};

static const ConnhubOptionSpec redshift_options[] = {
	{"ssl_key_password", CONNHUB_OPTION_TEXT, CONNHUB_OPTION_SECRET, NULL, NULL, 0, 0,
	"Passphrase of the client certificate's key."},
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

const ConnhubTypeSpec pg_types[PG_NTYPES] = {
	[PG_TYPE_POSTGRESQL] = {
		.name = "postgresql",
		.category = "relational",
		.description = "PostgreSQL",
		.default_port = 5432,
		.flags = CONNHUB_TYPE_NEEDS_HOST | CONNHUB_TYPE_NEEDS_DATABASE | CONNHUB_TYPE_NEEDS_USER | CONNHUB_TYPE_TLS,
		.tier = "free",
		.options = postgresql_options,
		.noptions = LENGTH(postgresql_options),
		.example = "SELECT connhub.create_connector(name => 'shop', type => 'postgresql', host => 'db.example.com', "
		"database => 'shop', username => 'reader', password => '...');",
	},
	[PG_TYPE_REDSHIFT] = {
		.name = "redshift",
		.category = "warehouse",
		.description = "Amazon Redshift",
		.default_port = 5439,
		.flags = CONNHUB_TYPE_NEEDS_HOST | CONNHUB_TYPE_NEEDS_DATABASE | CONNHUB_TYPE_NEEDS_USER | CONNHUB_TYPE_TLS,
		.tier = "professional",
		.options = redshift_options,
		.noptions = LENGTH(redshift_options),
		.example = "SELECT connhub.create_connector(name => 'dwh', type => 'redshift', "
		"host => 'dwh.example.com', database => 'dwh', username => 'reader', password => '...');",
	},
};

static char library[32];

static const ConnhubDriver pg_driver = {
	.magic = CONNHUB_MAGIC,
	.abi_major = CONNHUB_ABI_MAJOR,
	.abi_minor = CONNHUB_ABI_MINOR,
	.struct_size = sizeof(ConnhubDriver),
	.name = "postgresql",
	.version = "1.0",
	.library = library,
	.capabilities = CONNHUB_CAP_DISCOVER | CONNHUB_CAP_TRANSACTION | CONNHUB_CAP_SNAPSHOT |
	CONNHUB_CAP_CANCEL | CONNHUB_CAP_STATS | CONNHUB_CAP_WRITE | CONNHUB_CAP_MODIFY | CONNHUB_CAP_SAVEPOINT |
	CONNHUB_CAP_PREPARE | CONNHUB_CAP_READY | CONNHUB_CAP_EXPORT | CONNHUB_CAP_DESCRIBE |
	CONNHUB_CAP_FLOW | CONNHUB_CAP_CHECK_STEP,
	.types = pg_types,
	.ntypes = PG_NTYPES,
	.open = pg_open,
	.step = pg_step,
	.close = pg_close,
	.check = pg_check,
	.judge = pg_judge,
	.render = pg_render,
	.execute = pg_execute,
	.fetch = pg_fetch,
	.close_cursor = pg_close_cursor,
	.cancel = pg_cancel,
	.discover = pg_discover,
	.begin = pg_begin,
	.commit = pg_commit,
	.rollback = pg_rollback,
	.render_write = pg_render_write,
	.write = pg_write,
	.render_modify = pg_render_modify,
	.affected = pg_affected,
	.savepoint = pg_savepoint,
	.release = pg_release,
	.rollback_to = pg_rollback_to,
	.prepare = pg_prepare,
	.finish_prepared = pg_finish_prepared,
	.list_prepared = pg_list_prepared,
	.ready = pg_ready,
	.export_snapshot = pg_export_snapshot,
	.describe = pg_describe,
	.check_step = pg_check_step,
};

const ConnhubDriver *
connhub_driver_init(const ConnhubHost *host)
{
	int			version = PQlibVersion();

	pg_host = host;
	snprintf(library, sizeof(library), "libpq %d.%d", version / 10000, version % 10000);
	return &pg_driver;
}
