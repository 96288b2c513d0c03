/* driver.c — a driver that does nothing, and with one of the macros below is broken in one way.
 *
 * NAME is the family it is built for.  Without a macro it must load. */
#include "postgres.h"

#include "fmgr.h"

#include "connhub/driver.h"

#ifndef NO_MODULE_MAGIC
PG_MODULE_MAGIC;
#endif

#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)

static ConnhubStatus
do_open(const ConnhubConfig *config, ConnhubConn **conn, ConnhubError *error)
{
	return error->status = CONNHUB_UNSUPPORTED;
}

static ConnhubStatus
do_step(ConnhubConn *conn, ConnhubWait *wait, ConnhubError *error)
{
	return error->status = CONNHUB_UNSUPPORTED;
}

static void
do_close(ConnhubConn *conn)
{
}

static ConnhubStatus
do_check(ConnhubConn *conn, ConnhubCheckLevel level, ConnhubInfo *info, ConnhubError *error)
{
	return error->status = CONNHUB_UNSUPPORTED;
}

static void
do_judge(const ConnhubSource *source, const ConnhubPiece *piece, ConnhubVerdict *verdict)
{
	verdict->kind = CONNHUB_REFUSE;
}

static ConnhubStatus
do_render(const ConnhubSource *source, const ConnhubRequest *request, ConnhubText *out, ConnhubError *error)
{
	return error->status = CONNHUB_UNSUPPORTED;
}

static ConnhubStatus
do_execute(ConnhubConn *conn, const ConnhubQuery *query, ConnhubCursor **cursor, ConnhubError *error)
{
	return error->status = CONNHUB_UNSUPPORTED;
}

static ConnhubStatus
do_fetch(ConnhubCursor *cursor, ConnhubBatch *batch, ConnhubError *error)
{
	return error->status = CONNHUB_UNSUPPORTED;
}

static ConnhubStatus
do_close_cursor(ConnhubCursor *cursor, ConnhubError *error)
{
	return CONNHUB_OK;
}

static const ConnhubOptionSpec options[] = {
	{"colour", CONNHUB_OPTION_ENUM, 0, "red", "red,blue", 0, 0, "A choice."},
#ifdef OPTION_TWICE
	{"colour", CONNHUB_OPTION_TEXT, 0, NULL, NULL, 0, 0, "A choice."},
#endif
#ifdef OPTION_WITHOUT_HELP
	{"silent", CONNHUB_OPTION_TEXT, 0, NULL, NULL, 0, 0, NULL},
#endif
#ifdef OPTION_WITHOUT_CHOICES
	{"choice", CONNHUB_OPTION_ENUM, 0, NULL, NULL, 0, 0, "A choice."},
#endif
#ifdef OPTION_KIND
	{"kind", (ConnhubOptionKind) 99, 0, NULL, NULL, 0, 0, "A kind."},
#endif
#ifdef OPTION_BOUNDS
	{"bounds", CONNHUB_OPTION_INTEGER, 0, NULL, NULL, 5, 4, "A number."},
#endif
#ifdef OPTION_SECRET_DEFAULT
	{"secret", CONNHUB_OPTION_TEXT, CONNHUB_OPTION_SECRET, "x", NULL, 0, 0, "A secret."},
#endif
#ifdef OPTION_NAME
	{"No Name", CONNHUB_OPTION_TEXT, 0, NULL, NULL, 0, 0, "An option."},
#endif
};

static const ConnhubTypeSpec types[] = {
	{
#ifdef TYPE_NAME
		.name = "No Name",
#else
		.name = STRING(NAME),
#endif
		.category = "test",
#ifndef TYPE_WITHOUT_DESCRIPTION
		.description = "Nothing",
#endif
#ifdef TYPE_TIER
		.tier = "gold",
#else
		.tier = "free",
#endif
#ifndef OPTIONS_NULL
		.options = options,
#endif
		.noptions = sizeof(options) / sizeof(options[0]),
		.example = "none",
	},
#ifdef TYPE_TWICE
	{
		.name = STRING(NAME), .category = "test", .description = "Nothing", .tier = "free", .example = "none"
	},
#endif
};

#ifdef SAVEPOINT_ALONE
static ConnhubStatus
do_savepoint(ConnhubConn *conn, uint32_t depth, ConnhubError *error)
{
	return CONNHUB_OK;
}
#endif

static const ConnhubDriver driver = {
#ifdef MAGIC
	.magic = CONNHUB_MAGIC + 1,
#else
	.magic = CONNHUB_MAGIC,
#endif
#ifdef MAJOR
	.abi_major = CONNHUB_ABI_MAJOR + 1,
#else
	.abi_major = CONNHUB_ABI_MAJOR,
#endif
	.abi_minor = CONNHUB_ABI_MINOR,
#ifdef SIZE
	.struct_size = offsetof(ConnhubDriver, fetch),
#else
	.struct_size = sizeof(ConnhubDriver),
#endif
#ifdef OTHER_NAME
	.name = "other",
#else
	.name = STRING(NAME),
#endif
#ifndef NO_VERSION
	.version = "1.0",
#endif
	.library = "none",
#if defined(UNKNOWN_CAPABILITY)
	.capabilities = UINT64_C(1) << 63,
#elif defined(BIT_WITHOUT_SLOT)
	.capabilities = CONNHUB_CAP_DISCOVER,
#elif defined(SNAPSHOT_ALONE)
	.capabilities = CONNHUB_CAP_SNAPSHOT,
#elif defined(STATS_ALONE)
	.capabilities = CONNHUB_CAP_STATS,
#elif defined(WRITE_WITHOUT_SLOT)
	.capabilities = CONNHUB_CAP_WRITE,
#elif defined(MODIFY_WITHOUT_SLOT)
	.capabilities = CONNHUB_CAP_MODIFY,
#elif defined(SAVEPOINT_ALONE)
	.capabilities = CONNHUB_CAP_SAVEPOINT,
	.savepoint = do_savepoint,
	.release = do_savepoint,
	.rollback_to = do_savepoint,
#endif
#ifndef TYPES_NULL
	.types = types,
#endif
	.ntypes = sizeof(types) / sizeof(types[0]),
	.open = do_open,
	.step = do_step,
	.close = do_close,
	.check = do_check,
	.judge = do_judge,
	.render = do_render,
	.execute = do_execute,
#ifndef NO_FETCH
	.fetch = do_fetch,
#endif
	.close_cursor = do_close_cursor,
};

#ifdef NO_SYMBOL
#define connhub_driver_init another_symbol
extern CONNHUB_EXPORT const ConnhubDriver *another_symbol(const ConnhubHost *host);
#endif

const ConnhubDriver *
connhub_driver_init(const ConnhubHost *host)
{
#ifdef DECLINES
	return NULL;
#else
	return &driver;
#endif
}
