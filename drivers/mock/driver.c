/* driver.c — the driver's table and its one exported symbol. */
#include "mock.h"

/* What a build offers that promises so much, else nothing. */
#define PROMISED(least, what)	(MK_PROMISES >= (least) ? (what) : 0)

const ConnhubHost *mk_host;

static const ConnhubDriver mk_driver = {
	.magic = CONNHUB_MAGIC,
	.abi_major = CONNHUB_ABI_MAJOR,
	.abi_minor = CONNHUB_ABI_MINOR,
	.struct_size = sizeof(ConnhubDriver),
	.name = MK_NAME,
	.version = "1.0",
	.library = "none",
	.capabilities = CONNHUB_CAP_DISCOVER | CONNHUB_CAP_CANCEL | CONNHUB_CAP_STATS | CONNHUB_CAP_WRITE |
	CONNHUB_CAP_MODIFY | CONNHUB_CAP_DESCRIBE | CONNHUB_CAP_CHECK_STEP | PROMISED(1, CONNHUB_CAP_TRANSACTION | CONNHUB_CAP_SNAPSHOT) |
	PROMISED(2, CONNHUB_CAP_SAVEPOINT | CONNHUB_CAP_PREPARE),
	.types = mk_types,
	.ntypes = 1,
	.open = mk_open,
	.step = mk_step,
	.close = mk_close,
	.check = mk_check,
	.judge = mk_judge,
	.render = mk_render,
	.execute = mk_execute,
	.fetch = mk_fetch,
	.close_cursor = mk_close_cursor,
	.cancel = mk_cancel,
	.discover = mk_discover,
	.begin = PROMISED(1, mk_begin),
	.commit = PROMISED(1, mk_commit),
	.rollback = PROMISED(1, mk_rollback),
	.render_write = mk_render_write,
	.write = mk_write,
	.render_modify = mk_render_modify,
	.affected = mk_affected,
	.savepoint = PROMISED(2, mk_savepoint),
	.release = PROMISED(2, mk_release),
	.rollback_to = PROMISED(2, mk_rollback_to),
	.prepare = PROMISED(2, mk_prepare),
	.finish_prepared = PROMISED(2, mk_finish_prepared),
	.list_prepared = PROMISED(2, mk_list_prepared),
	.describe = mk_describe,
	.check_step = mk_check_step,
};

const ConnhubDriver *
connhub_driver_init(const ConnhubHost *host)
{
	mk_host = host;
	return &mk_driver;
}
