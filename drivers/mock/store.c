/* store.c — what was written: states of tables, transactions, savepoints, prepared transactions.
 *
 * Tables are generated until they are first written to; from then on their rows stand in a state.  A state that
 * others can see is never changed: a write makes a new one.  What was committed belongs to the process, so
 * that a later connection of the same connector finds it, and goes with the process. */
#include "mock.h"

#include <stdlib.h>
#include <string.h>

typedef struct MkPrepared
{
	struct MkPrepared *next;
	char		gid[64];
	uint32_t	ntables;
	MkState   **states;
} MkPrepared;

typedef struct MkSource
{
	struct MkSource *next;
	char	   *key;
	uint64_t	version;		/* raised by each commit */
	uint32_t	ntables;
	MkState   **states;			/* NULL: as generated */
	MkPrepared *prepared;
} MkSource;

/* The states as they were before a savepoint, or now, on top of those set before. */
typedef struct MkTxn
{
	struct MkTxn *below;
	uint32_t	ntables;
	MkState   **states;
} MkTxn;

static MkSource *sources;

static void *
alloc_zeroed(size_t size)
{
	void	   *memory = mk_host->alloc(size);

	return memory ? memset(memory, 0, size) : NULL;
}

void
mk_state_free(MkState *state)
{
	if (state == NULL || --state->refs > 0)
		return;
	mk_arena_free(&state->arena);
	mk_host->free(state->cells);
	mk_host->free(state);
}

static MkState **
states_copy(MkState *const *from, uint32_t ntables)
{
	MkState   **states = alloc_zeroed((ntables + 1) * sizeof(MkState *));
	uint32_t	i;

	for (i = 0; states && from && i < ntables; i++)
	{
		states[i] = from[i];
		if (states[i])
			states[i]->refs++;
	}
	return states;
}

static void
states_free(MkState **states, uint32_t ntables)
{
	uint32_t	i;

	for (i = 0; states && i < ntables; i++)
		mk_state_free(states[i]);
	mk_host->free(states);
}

/* What the connection's connector shares; made when `create` and it is not there.  NULL: none, or no memory. */
static MkSource *
source_get(ConnhubConn *conn, bool create)
{
	MkSource   *source;

	for (source = sources; source && conn->source == NULL; source = source->next)
		if (strcmp(source->key, conn->key) == 0)
			conn->source = source;
	if (conn->source || !create)
		return conn->source;
	source = alloc_zeroed(sizeof(MkSource) + strlen(conn->key) + 1);
	if (source == NULL)
		return NULL;
	source->key = strcpy((char *) (source + 1), conn->key);
	source->ntables = conn->tables.ntables;
	source->states = alloc_zeroed(source->ntables * sizeof(MkState *));
	if (source->states == NULL)
	{
		mk_host->free(source);
		return NULL;
	}
	source->next = sources;
	return conn->source = sources = source;
}

static size_t
index_of(const ConnhubConn *conn, const MkTable *table)
{
	return (size_t) (table - conn->tables.tables);
}

/* ---- States ---- */

const MkState *
mk_state_get(ConnhubConn *conn, const MkTable *table)
{
	MkSource   *source = source_get(conn, false);

	if (conn->txn)
		return conn->txn->states[index_of(conn, table)];
	return source ? source->states[index_of(conn, table)] : NULL;
}

MkState *
mk_state_create(const MkTable *table, uint64_t capacity)
{
	MkState    *state = alloc_zeroed(sizeof(MkState));

	if (state == NULL)
		return NULL;
	state->refs = 1;
	state->cells = alloc_zeroed((capacity * table->ncolumns + 1) * sizeof(ConnhubValue));
	if (state->cells)
		return state;
	mk_host->free(state);
	return NULL;
}

bool
mk_state_set(MkState *state, const MkTable *table, uint64_t row, uint32_t column, const ConnhubValue *value)
{
	const MkType *type = table->columns[column].type;
	ConnhubValue *cell = &state->cells[(row - 1) * table->ncolumns + column];

	*cell = *value;
	memset(&cell->type, 0, sizeof(cell->type));
	cell->type.type = type->type;
	cell->type.precision = -1;
	cell->type.pg_type = type->pg_type;
	if (value->is_null || type->storage != MK_SLICE)
		return true;
	cell->v.slice.data = mk_arena_copy(&state->arena, value->v.slice.data, value->v.slice.length);
	return cell->v.slice.data != NULL;
}

MkState *
mk_state_copy(ConnhubConn *conn, const MkTable *table)
{
	const MkState *from = mk_state_get(conn, table);
	uint64_t	nrows = from ? from->nrows : table->nrows;
	MkState    *state = mk_state_create(table, nrows);
	uint64_t	row;
	uint32_t	i;

	if (state == NULL)
		return NULL;
	state->nrows = nrows;
	state->serial = from ? from->serial : table->nrows;
	for (row = 1; row <= nrows; row++)
		for (i = 0; i < table->ncolumns; i++)
		{
			char		scratch[MK_SCRATCH];
			ConnhubValue value;

			if (!mk_table_value(table, from, &table->columns[i], row, scratch, &value))
				value.is_null = true;
			if (!mk_state_set(state, table, row, i, &value))
			{
				mk_state_free(state);
				return NULL;
			}
		}
	return state;
}

static ConnhubStatus
txn_push(ConnhubConn *conn, ConnhubError *error)
{
	MkSource   *source = source_get(conn, true);
	MkTxn	   *txn = source ? alloc_zeroed(sizeof(MkTxn)) : NULL;

	if (txn == NULL)
		return fail_no_memory(error);
	txn->ntables = source->ntables;
	txn->states = states_copy(conn->txn ? conn->txn->states : source->states, txn->ntables);
	if (txn->states == NULL)
	{
		mk_host->free(txn);
		return fail_no_memory(error);
	}
	if (conn->txn == NULL)
		conn->version = source->version;
	txn->below = conn->txn;
	conn->txn = txn;
	return CONNHUB_OK;
}

ConnhubStatus
mk_state_put(ConnhubConn *conn, const MkTable *table, MkState *state, ConnhubError *error)
{
	MkState   **place;

	if (conn->txn == NULL && txn_push(conn, error) != CONNHUB_OK)
	{
		mk_state_free(state);
		return error->status;
	}
	place = &conn->txn->states[index_of(conn, table)];
	mk_state_free(*place);
	*place = state;
	return conn->in_transaction ? CONNHUB_OK : mk_txn_commit(conn, error);
}

/* ---- Transactions ---- */

static uint32_t
depth_of(const ConnhubConn *conn)
{
	uint32_t	depth = 0;
	const MkTxn *txn;

	for (txn = conn->txn; txn; txn = txn->below)
		depth++;
	return depth;
}

/* Forget the topmost states, or with keep those just below it. */
static void
txn_pop(ConnhubConn *conn, bool keep)
{
	MkTxn	   *txn = conn->txn;
	MkTxn	   *below = txn->below;

	if (keep && below)
	{
		MkState   **states = below->states;

		below->states = txn->states;
		txn->states = states;
	}
	conn->txn = below;
	states_free(txn->states, txn->ntables);
	mk_host->free(txn);
}

void
mk_txn_forget(ConnhubConn *conn)
{
	while (conn->txn)
		txn_pop(conn, false);
}

/* Make states what everybody sees, and forget those it replaces. */
static void
publish(MkSource *source, MkState ***states)
{
	MkState   **old = source->states;

	source->states = *states;
	*states = old;
	source->version++;
}

ConnhubStatus
mk_txn_commit(ConnhubConn *conn, ConnhubError *error)
{
	if (conn->txn == NULL)
		return CONNHUB_OK;
	while (conn->txn->below)
		txn_pop(conn, true);
	if (conn->version != conn->source->version)
	{
		mk_txn_forget(conn);
		fail_as(error, CONNHUB_QUERY, "another transaction has written since this one began");
		memcpy(error->sqlstate, "40001", 6);
		return CONNHUB_QUERY;
	}
	publish(conn->source, &conn->txn->states);
	mk_txn_forget(conn);
	return CONNHUB_OK;
}

/* Depth 1 lies on the transaction's own states, so there are always one more of them than savepoints. */
ConnhubStatus
mk_savepoint(ConnhubConn *conn, uint32_t depth, ConnhubError *error)
{
	ConnhubStatus status = mk_enter(conn, MK_SAVEPOINT, error);

	if (status == CONNHUB_OK && conn->cursor)
		status = fail_as(error, CONNHUB_INTERNAL, "a savepoint is set while a cursor is open");
	if (status == CONNHUB_OK && conn->txn == NULL)
		status = txn_push(conn, error);
	if (status == CONNHUB_OK && (!conn->in_transaction || depth != depth_of(conn)))
		status = fail_as(error, CONNHUB_INTERNAL, "savepoint %u is set out of order", depth);
	return status == CONNHUB_OK ? txn_push(conn, error) : status;
}

static ConnhubStatus
enter_savepoint(ConnhubConn *conn, MkPlace place, uint32_t depth, ConnhubError *error)
{
	ConnhubStatus status = mk_enter(conn, place, error);

	if (status == CONNHUB_OK && (conn->cursor || depth < 1 || depth >= depth_of(conn)))
		status = fail_as(error, CONNHUB_INTERNAL, "savepoint %u is not there, or a cursor is open", depth);
	return status;
}

ConnhubStatus
mk_release(ConnhubConn *conn, uint32_t depth, ConnhubError *error)
{
	ConnhubStatus status = enter_savepoint(conn, MK_RELEASE, depth, error);

	while (status == CONNHUB_OK && depth_of(conn) > depth)
		txn_pop(conn, true);
	return status;
}

ConnhubStatus
mk_rollback_to(ConnhubConn *conn, uint32_t depth, ConnhubError *error)
{
	ConnhubStatus status = enter_savepoint(conn, MK_ROLLBACK_TO, depth, error);

	while (status == CONNHUB_OK && depth_of(conn) > depth)
		txn_pop(conn, false);
	return status == CONNHUB_OK ? txn_push(conn, error) : status;
}

/* ---- Two-phase commit ---- */

ConnhubStatus
mk_prepare(ConnhubConn *conn, const char *gid, ConnhubError *error)
{
	ConnhubStatus status = mk_enter(conn, MK_PREPARE, error);
	MkPrepared *prepared;

	if (status == CONNHUB_OK && !conn->in_transaction)
		status = fail_as(error, CONNHUB_INTERNAL, "no transaction is open");
	if (status == CONNHUB_OK && conn->txn == NULL)
		status = txn_push(conn, error);
	if (status != CONNHUB_OK)
		return status;
	prepared = alloc_zeroed(sizeof(MkPrepared));
	if (prepared == NULL || strlen(gid) >= sizeof(prepared->gid))
	{
		mk_host->free(prepared);
		return fail_no_memory(error);
	}
	while (conn->txn->below)
		txn_pop(conn, true);
	strcpy(prepared->gid, gid);
	prepared->ntables = conn->txn->ntables;
	prepared->states = conn->txn->states;
	conn->txn->states = NULL;
	mk_txn_forget(conn);
	prepared->next = conn->source->prepared;
	conn->source->prepared = prepared;
	conn->in_transaction = false;
	return CONNHUB_OK;
}

ConnhubStatus
mk_finish_prepared(ConnhubConn *conn, const char *gid, bool commit, ConnhubError *error)
{
	ConnhubStatus status = mk_enter(conn, MK_FINISH_PREPARED, error);
	MkSource   *source = source_get(conn, false);
	MkPrepared **link;

	if (status == CONNHUB_OK && conn->in_transaction)
		status = fail_as(error, CONNHUB_INTERNAL, "a transaction is open");
	if (status != CONNHUB_OK)
		return status;
	for (link = source ? &source->prepared : NULL; link && *link; link = &(*link)->next)
	{
		MkPrepared *prepared = *link;

		if (strcmp(prepared->gid, gid) != 0)
			continue;
		*link = prepared->next;
		if (commit)
			publish(source, &prepared->states);
		states_free(prepared->states, prepared->ntables);
		mk_host->free(prepared);
		break;
	}
	return CONNHUB_OK;
}

ConnhubStatus
mk_list_prepared(ConnhubConn *conn, const char *prefix, void (*found) (void *arg, const char *gid), void *arg,
				 ConnhubError *error)
{
	ConnhubStatus status = mk_enter(conn, MK_LIST_PREPARED, error);
	MkSource   *source = source_get(conn, false);
	MkPrepared *prepared;

	for (prepared = source ? source->prepared : NULL; status == CONNHUB_OK && prepared; prepared = prepared->next)
		if (strncmp(prepared->gid, prefix, strlen(prefix)) == 0)
			found(arg, prepared->gid);
	return status;
}
