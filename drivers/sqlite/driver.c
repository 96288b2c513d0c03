/* driver.c — the driver's table and its one exported symbol. */
#include "sqlite.h"

const ConnhubHost *sq_host;

static const ConnhubDriver sq_driver = {
	.magic = CONNHUB_MAGIC,
	.abi_major = CONNHUB_ABI_MAJOR,
	.abi_minor = CONNHUB_ABI_MINOR,
	.struct_size = sizeof(ConnhubDriver),
	.name = "sqlite",
	.version = "1.0",
	.library = "SQLite " SQLITE_VERSION,
	.capabilities = CONNHUB_CAP_DISCOVER | CONNHUB_CAP_TRANSACTION | CONNHUB_CAP_SNAPSHOT |
	CONNHUB_CAP_CANCEL | CONNHUB_CAP_MULTI_CURSOR | CONNHUB_CAP_STATS |
	CONNHUB_CAP_WRITE | CONNHUB_CAP_MODIFY | CONNHUB_CAP_SAVEPOINT | CONNHUB_CAP_READY |
	CONNHUB_CAP_DESCRIBE,
	.types = sq_types,
	.ntypes = 1,
	.open = sq_open,
	.step = sq_step,
	.close = sq_close,
	.check = sq_check,
	.judge = sq_judge,
	.render = sq_render,
	.execute = sq_execute,
	.fetch = sq_fetch,
	.close_cursor = sq_close_cursor,
	.cancel = sq_cancel,
	.discover = sq_discover,
	.begin = sq_begin,
	.commit = sq_commit,
	.rollback = sq_rollback,
	.render_write = sq_render_write,
	.write = sq_write,
	.render_modify = sq_render_modify,
	.affected = sq_affected,
	.savepoint = sq_savepoint,
	.release = sq_release_savepoint,
	.rollback_to = sq_rollback_to,
	.ready = sq_ready,
	.describe = sq_describe,
};

const ConnhubDriver *
connhub_driver_init(const ConnhubHost *host)
{
	if (sqlite3_libversion_number() < SQ_MIN_LIBRARY)
	{
		host->log(CONNHUB_LOG_WARNING, "the sqlite driver needs SQLite 3.37 or later");
		return NULL;
	}
	sq_host = host;
	return &sq_driver;
}
