/* driver.c — the driver's table, its connector types and its one exported symbol. */
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "dialect.h"
#include "discover.h"
#include "query.h"
#include "txn.h"
#include "write.h"

static const ConnhubOptionSpec options[] = {
	{"zero_dates", CONNHUB_OPTION_ENUM, 0, "error", "error,null", 0, 0,
	"What to do with dates such as 0000-00-00: raise an error, or read them as null."},
	{"tinyint1", CONNHUB_OPTION_ENUM, 0, "smallint", "smallint,boolean", 0, 0,
	"Type that discovery gives to tinyint(1); as boolean, a value other than 0 and 1 is an error."}
};

#define TYPE_FLAGS (CONNHUB_TYPE_NEEDS_HOST | CONNHUB_TYPE_NEEDS_USER | CONNHUB_TYPE_TLS)

static const ConnhubTypeSpec types[] = {
	{"mysql", "relational", "MySQL and servers that speak its protocol", 3306, TYPE_FLAGS, "free",
		options, sizeof(options) / sizeof(options[0]),
	"SELECT connhub.create_connector('shop', 'mysql', host => 'db.example.com', database => 'shop', username => 'reader', password => '...')"},
	{"mariadb", "relational", "MariaDB", 3306, TYPE_FLAGS, "free",
		options, sizeof(options) / sizeof(options[0]),
	"SELECT connhub.create_connector('shop', 'mariadb', host => 'db.example.com', database => 'shop', username => 'reader', password => '...')"}
};

static ConnhubDriver driver = {
	.magic = CONNHUB_MAGIC,
	.abi_major = CONNHUB_ABI_MAJOR,
	.abi_minor = CONNHUB_ABI_MINOR,
	.struct_size = sizeof(ConnhubDriver),
	.name = "mysql",
	.version = "1.0",
	.library = "MariaDB Connector/C",
	.capabilities = CONNHUB_CAP_DISCOVER | CONNHUB_CAP_TRANSACTION | CONNHUB_CAP_SNAPSHOT |
	CONNHUB_CAP_CANCEL | CONNHUB_CAP_STATS | CONNHUB_CAP_WRITE | CONNHUB_CAP_MODIFY | CONNHUB_CAP_SAVEPOINT |
	CONNHUB_CAP_PREPARE | CONNHUB_CAP_READY | CONNHUB_CAP_DESCRIBE | CONNHUB_CAP_CHECK_STEP,
	.types = types,
	.ntypes = sizeof(types) / sizeof(types[0]),
	.open = my_open,
	.step = my_step,
	.close = my_close,
	.check = my_check,
	.judge = my_judge,
	.render = my_render,
	.execute = my_execute,
	.fetch = my_fetch,
	.close_cursor = my_close_cursor,
	.cancel = my_cancel,
	.discover = my_discover,
	.begin = my_begin,
	.commit = my_commit,
	.rollback = my_rollback,
	.render_write = my_render_write,
	.write = my_write,
	.render_modify = my_render_modify,
	.affected = my_affected,
	.savepoint = my_savepoint,
	.release = my_release,
	.rollback_to = my_rollback_to,
	.prepare = my_prepare,
	.finish_prepared = my_finish_prepared,
	.list_prepared = my_list_prepared,
	.ready = my_ready,
	.describe = my_describe,
	.check_step = my_check_step,
};

/* The library loads plug-ins named in the environment when it starts: not here. */
static bool
start_library(void)
{
	static const char name[] = "LIBMYSQL_PLUGINS";
	const char *value = getenv(name);
	char	   *saved = value != NULL ? strdup(value) : NULL;
	bool		started;

	unsetenv(name);
	started = mysql_server_init(0, NULL, NULL) == 0;
	if (saved != NULL)
		setenv(name, saved, 1);
	free(saved);
	return started;
}

const ConnhubDriver *
connhub_driver_init(const ConnhubHost *host)
{
	static char library[64];

	if (my_host == NULL && (!start_library() || !my_io_supported()))
		return NULL;
	my_host = host;
	strcpy(library, "MariaDB Connector/C ");
	strncat(library, mysql_get_client_info(), sizeof(library) - strlen(library) - 1);
	driver.library = library;
	return &driver;
}
