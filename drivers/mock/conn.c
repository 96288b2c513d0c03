/* conn.c — opening, checking, transactions; the option table of type mock.
 *
 * Opening walks through the phases of a network source, one per step, so that scripted faults can
 * strike in any of them. */
#include "mock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const ConnhubOptionSpec mk_options[] = {
	{"tables", CONNHUB_OPTION_TEXT, 0, "items(10): id int64 key, name text, price decimal, added date",
	NULL, 0, 0, "Tables to generate."},
	{"fault", CONNHUB_OPTION_TEXT, 0, NULL, NULL, 0, 0, "Faults to strike, as place[@number][#connection]:action[:ms]."},
	{"judge", CONNHUB_OPTION_TEXT, 0, NULL, NULL, 0, 0,
	"Verdicts to weaken, as name:superset or name:refused."},
	{"vectors", CONNHUB_OPTION_ENUM, 0, "typed", "typed,text", 0, 0,
	"Whether columns are handed over in their own type or as text."},
	{"batch_rows", CONNHUB_OPTION_INTEGER, 0, "0", NULL, 0, 1000000,
	"Most rows of one fetch; 0: as many as fit."},
	{"latency", CONNHUB_OPTION_DURATION, 0, "0", NULL, 0, 3600000, "How long each query takes to start."},
	{"token", CONNHUB_OPTION_TEXT, CONNHUB_OPTION_SECRET, NULL, NULL, 0, 0,
	"A secret without use, for tests of secrecy."},
};

const ConnhubTypeSpec mk_types[1] = {
	{
		.name = MK_NAME,
		.category = "test",
		.description = "Generated tables with scripted faults, for tests",
		.default_port = 0,
		.flags = 0,
		.tier = "free",
		.options = mk_options,
		.noptions = sizeof(mk_options) / sizeof(mk_options[0]),
		.example = "SELECT connhub.create_connector(name => 'sample', type => 'mock', "
		"options => '{\"tables\": \"people(100): id int64 key, name text\"}');",
	}
};

/* Phases of opening, in order.  A fault of an earlier phase strikes in the first. */
static const ConnhubPhase phases[] = {
	CONNHUB_PHASE_TCP, CONNHUB_PHASE_TLS, CONNHUB_PHASE_AUTH, CONNHUB_PHASE_DATABASE,
	CONNHUB_PHASE_PERMISSION, CONNHUB_NPHASES
};

struct MkBlock
{
	struct MkBlock *next;
};

#define BLOCK_HEADER 16			/* keeps what follows aligned for any type */

void *
mk_arena_alloc(MkArena *arena, size_t size)
{
	struct MkBlock *block = mk_host->alloc(BLOCK_HEADER + size);

	if (block == NULL)
		return NULL;
	block->next = arena->blocks;
	arena->blocks = block;
	return memset((char *) block + BLOCK_HEADER, 0, size);
}

char *
mk_arena_copy(MkArena *arena, const char *data, size_t length)
{
	char	   *copy = mk_arena_alloc(arena, length + 1);

	if (copy != NULL && length > 0)
		memcpy(copy, data, length);
	return copy;
}

void
mk_arena_free(MkArena *arena)
{
	while (arena->blocks)
	{
		struct MkBlock *next = arena->blocks->next;

		mk_host->free(arena->blocks);
		arena->blocks = next;
	}
}

static const char *
option(const ConnhubConfig *config, const char *name)
{
	uint32_t	i;

	for (i = 0; i < config->noptions; i++)
		if (strcmp(config->options[i].name, name) == 0)
			return config->options[i].value;
	for (i = 0; i < sizeof(mk_options) / sizeof(mk_options[0]); i++)
		if (strcmp(mk_options[i].name, name) == 0)
			return mk_options[i].default_value;
	return NULL;
}

ConnhubStatus
mk_enter(ConnhubConn *conn, MkPlace place, ConnhubError *error)
{
	const MkFault *fault;

	mk_calls[place]++;
	conn->calls[place]++;
	fault = mk_fault_find(&conn->faults, place, conn->calls[place]);
	return fault ? mk_fault_strike(fault, error) : CONNHUB_OK;
}

ConnhubStatus
mk_open(const ConnhubConfig *config, ConnhubConn **conn, ConnhubError *error)
{
	ConnhubConn *self = mk_host->alloc(sizeof(ConnhubConn));
	const MkFault *fault;
	ConnhubStatus status;

	if (self == NULL)
		return fail_no_memory(error);
	memset(self, 0, sizeof(*self));
	self->phase = phases[0];
	self->latency_ms = strtoll(option(config, "latency"), NULL, 10);
	self->batch_rows = (uint32_t) strtoul(option(config, "batch_rows"), NULL, 10);
	self->text_vectors = strcmp(option(config, "vectors"), "text") == 0;
	mk_calls[MK_OPEN]++;
	status = mk_faults_parse(&self->arena, option(config, "fault"), &self->faults, error);
	if (status == CONNHUB_OK)
		status = mk_tables_parse(&self->arena, option(config, "tables"), &self->tables, error);
	self->key = mk_arena_alloc(&self->arena, strlen(config->application ? config->application : "") +
							   strlen(option(config, "tables")) + 2);
	if (status == CONNHUB_OK && self->key == NULL)
		status = fail_no_memory(error);
	else if (status == CONNHUB_OK)
		sprintf(self->key, "%s\n%s", config->application ? config->application : "", option(config, "tables"));
	self->faults.connection = mk_calls[MK_OPEN];
	fault = mk_fault_find(&self->faults, MK_OPEN, mk_calls[MK_OPEN]);
	if (status == CONNHUB_OK && fault && (fault->action == MK_ACT_FAIL || fault->action == MK_ACT_LATER))
		status = mk_fault_fail(fault, error);
	if (status != CONNHUB_OK)
	{
		mk_arena_free(&self->arena);
		mk_host->free(self);
		return status;
	}
	*conn = self;
	return CONNHUB_OK;
}

/* Let a fault of the current phase, or of a stepwise check, strike.  OK: go on; WAIT: *wait says until when. */
static ConnhubStatus
strike_by_steps(ConnhubConn *conn, const MkFault *fault, ConnhubWait *wait, ConnhubError *error)
{
	int64_t		now = mk_host->now_ms();

	wait->fd = -1;
	wait->events = 0;
	if (fault->action == MK_ACT_HANG)
	{
		wait->timeout_ms = -1;
		return CONNHUB_WAIT;
	}
	if (fault->action == MK_ACT_BLOCK)
		return mk_fault_strike(fault, error);
	if (fault->ms > 0 && conn->wake_ms == 0)
		conn->wake_ms = now + fault->ms;
	if (conn->wake_ms > now)
	{
		wait->timeout_ms = conn->wake_ms - now;
		return CONNHUB_WAIT;
	}
	conn->wake_ms = 0;
	return fault->action == MK_ACT_FAIL || fault->action == MK_ACT_LATER ? mk_fault_fail(fault, error) : CONNHUB_OK;
}

ConnhubStatus
mk_step(ConnhubConn *conn, ConnhubWait *wait, ConnhubError *error)
{
	const MkFault *fault = mk_fault_find(&conn->faults, MK_STEP, conn->faults.connection);
	int			i = 0;

	mk_calls[MK_STEP]++;
	while (phases[i] != conn->phase)
		i++;
	mk_host->phase(conn->phase);
	if (fault && (fault->phase == conn->phase || (i == 0 && fault->phase < conn->phase)))
	{
		ConnhubStatus status = strike_by_steps(conn, fault, wait, error);

		if (status != CONNHUB_OK)
			return status;
	}
	conn->phase = phases[i + 1];
	if (conn->phase == CONNHUB_NPHASES)
		return CONNHUB_OK;
	wait->fd = -1;
	wait->events = 0;
	wait->timeout_ms = 0;
	return CONNHUB_WAIT;
}

void
mk_close(ConnhubConn *conn)
{
	mk_calls[MK_CLOSE]++;
	if (conn->cursor)
	{
		ConnhubError ignored = {0};

		mk_close_cursor(conn->cursor, &ignored);
	}
	mk_txn_forget(conn);
	mk_arena_free(&conn->arena);
	mk_host->free(conn);
}

static void
fill_info(ConnhubInfo *info)
{
	snprintf(info->product, sizeof(info->product), "Mock");
	snprintf(info->version, sizeof(info->version), "1.0.0");
	info->version_num = 10000;
	snprintf(info->encoding, sizeof(info->encoding), "UTF8");
}

ConnhubStatus
mk_check(ConnhubConn *conn, ConnhubCheckLevel level, ConnhubInfo *info, ConnhubError *error)
{
	ConnhubStatus status;

	if (level == CONNHUB_CHECK_ACCESS)
		mk_host->phase(CONNHUB_PHASE_PERMISSION);
	status = mk_enter(conn, MK_CHECK, error);
	fill_info(info);
	return status;
}

ConnhubStatus
mk_check_step(ConnhubConn *conn, ConnhubInfo *info, ConnhubWait *wait, ConnhubError *error)
{
	const MkFault *fault;
	ConnhubStatus status = CONNHUB_OK;

	if (!conn->in_check)
	{
		mk_host->phase(CONNHUB_PHASE_PERMISSION);
		mk_calls[MK_CHECK]++;
		conn->calls[MK_CHECK]++;
		conn->in_check = true;
	}
	fault = mk_fault_find(&conn->faults, MK_CHECK, conn->calls[MK_CHECK]);
	if (fault)
		status = strike_by_steps(conn, fault, wait, error);
	conn->in_check = status == CONNHUB_WAIT;
	fill_info(info);
	return status;
}

ConnhubStatus
mk_cancel(ConnhubConn *conn, ConnhubError *error)
{
	return mk_enter(conn, MK_CANCEL, error);
}

ConnhubStatus
mk_begin(ConnhubConn *conn, const ConnhubTxn *txn, ConnhubError *error)
{
	ConnhubStatus status = mk_enter(conn, MK_BEGIN, error);

	if (status != CONNHUB_OK)
		return status;
	if (conn->in_transaction)
		return fail_as(error, CONNHUB_INTERNAL, "a transaction is already open");
	conn->in_transaction = true;
	conn->is_read_only = txn->read_only;
	return CONNHUB_OK;
}

static ConnhubStatus
end_transaction(ConnhubConn *conn, MkPlace place, ConnhubError *error)
{
	ConnhubStatus status = mk_enter(conn, place, error);

	if (status != CONNHUB_OK)
		return status;
	if (!conn->in_transaction)
		return fail_as(error, CONNHUB_INTERNAL, "no transaction is open");
	conn->in_transaction = false;
	if (place == MK_COMMIT)
		return mk_txn_commit(conn, error);
	mk_txn_forget(conn);
	return CONNHUB_OK;
}

ConnhubStatus
mk_commit(ConnhubConn *conn, ConnhubError *error)
{
	return end_transaction(conn, MK_COMMIT, error);
}

ConnhubStatus
mk_rollback(ConnhubConn *conn, ConnhubError *error)
{
	return end_transaction(conn, MK_ROLLBACK, error);
}
