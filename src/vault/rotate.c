/* vault/rotate.c — new keys for what is sealed.
 *
 * A row that is sealed anew keeps its version: who has it open, or has a connection under it, sees no change. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "catalog/cat_sql.h"
#include "common/error.h"
#include "common/txn.h"
#include "vault/keyring.h"
#include "vault/rotate.h"
#include "vault/vault.h"

#define BATCH 100

/* Every table with sealed text.  $1 is the tenant, $2 the key that no row should have any more. */
static const struct
{
	const char *select;			/* id, version, key, sealed */
	const char *update;			/* $1 id, $2 version, $3 key, $4 sealed */
}			sealed_tables[] = {
	{"SELECT s.connector_id, s.version, s.key_id, s.sealed FROM connhub_catalog.secret AS s"
		" JOIN connhub_catalog.connector AS c ON c.id = s.connector_id"
		" WHERE c.tenant_id = $1 AND s.key_id < $2 LIMIT $3 FOR UPDATE OF s",
	"UPDATE connhub_catalog.secret SET key_id = $3, sealed = $4 WHERE connector_id = $1 AND version = $2"},
	{"SELECT id, secret_version, key_id, sealed FROM connhub_catalog.channel"
		" WHERE tenant_id = $1 AND key_id < $2 LIMIT $3 FOR UPDATE",
	"UPDATE connhub_catalog.channel SET key_id = $3, sealed = $4 WHERE id = $1 AND secret_version = $2"},
	{"SELECT id, secret_version, key_id, sealed FROM connhub_catalog.secret_store"
		" WHERE tenant_id = $1 AND key_id < $2 LIMIT $3 FOR UPDATE",
	"UPDATE connhub_catalog.secret_store SET key_id = $3, sealed = $4 WHERE id = $1 AND secret_version = $2"},
};

typedef struct Rotation
{
	pg_uuid_t	tenant;
	int64		key_id;			/* the new one */
	int			table;
	uint64		done;			/* rows of the last batch */
} Rotation;

typedef struct SealedRow
{
	pg_uuid_t	id;
	int64		version;
	int64		key_id;
	bytea	   *sealed;
} SealedRow;

static void
renew(void *argument)
{
	Rotation   *rotation = argument;

	rotation->key_id = ch_data_key_renew(&rotation->tenant);
}

static void
read_row(uint64 i, SealedRow *row)
{
	HeapTuple	tuple = SPI_tuptable->vals[i];
	TupleDesc	desc = SPI_tuptable->tupdesc;
	bool		isnull;

	row->id = *DatumGetUUIDP(SPI_getbinval(tuple, desc, 1, &isnull));
	row->version = DatumGetInt64(SPI_getbinval(tuple, desc, 2, &isnull));
	row->key_id = DatumGetInt64(SPI_getbinval(tuple, desc, 3, &isnull));
	row->sealed = DatumGetByteaPCopy(SPI_getbinval(tuple, desc, 4, &isnull));
}

static void
seal_anew(ChSql *sql, const Rotation *rotation, SealedRow *row)
{
	ChSecret   *secret = ch_vault_unseal(&rotation->tenant, &row->id, row->version, row->key_id, row->sealed);

	row->sealed = ch_vault_seal(&rotation->tenant, &row->id, row->version, secret->fields, secret->nfields,
								&row->key_id);
	ch_vault_wipe(secret);
	ch_sql_uuid(sql, &row->id);
	ch_sql_value(sql, INT8OID, Int64GetDatum(row->version), false);
	ch_sql_value(sql, INT8OID, Int64GetDatum(row->key_id), false);
	ch_sql_value(sql, BYTEAOID, PointerGetDatum(row->sealed), false);
	ch_sql_run(sql, sealed_tables[rotation->table].update);
}

static void
rotate_batch(void *argument)
{
	Rotation   *rotation = argument;
	SealedRow  *rows;
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, &rotation->tenant);
	ch_sql_value(&sql, INT8OID, Int64GetDatum(rotation->key_id), false);
	ch_sql_value(&sql, INT8OID, Int64GetDatum(BATCH), false);
	rotation->done = ch_sql_run(&sql, sealed_tables[rotation->table].select);
	rows = palloc(sizeof(SealedRow) * Max(rotation->done, 1));
	for (uint64 i = 0; i < rotation->done; i++)
		read_row(i, &rows[i]);
	for (uint64 i = 0; i < rotation->done; i++)
		seal_anew(&sql, rotation, &rows[i]);
	ch_sql_end(&sql);
}

/* A key that a transaction still under way has used fails this by its foreign key. */
static void
remove_unused(void *argument)
{
	Rotation   *rotation = argument;
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, &rotation->tenant);
	ch_sql_value(&sql, INT8OID, Int64GetDatum(rotation->key_id), false);
	ch_sql_run(&sql, "DELETE FROM connhub_catalog.data_key AS k WHERE k.tenant_id = $1 AND k.id < $2"
			   " AND NOT EXISTS (SELECT FROM connhub_catalog.secret WHERE key_id = k.id)"
			   " AND NOT EXISTS (SELECT FROM connhub_catalog.channel WHERE key_id = k.id)"
			   " AND NOT EXISTS (SELECT FROM connhub_catalog.secret_store WHERE key_id = k.id)");
	ch_sql_end(&sql);
}

static void
run(void (*step) (void *argument), Rotation *rotation)
{
	ErrorData  *error = ch_txn_run(step, rotation);

	if (error != NULL)
		ReThrowError(error);
}

int64
ch_rotate_tenant_key(const pg_uuid_t *tenant)
{
	Rotation	rotation = {.tenant = *tenant};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext batch = AllocSetContextCreate(caller, "connhub rotation", ALLOCSET_DEFAULT_SIZES);
	ErrorData  *error;
	int64		rows = 0;

	MemoryContextSwitchTo(batch);
	run(renew, &rotation);
	for (rotation.table = 0; rotation.table < lengthof(sealed_tables); rotation.table++)
	{
		do
		{
			run(rotate_batch, &rotation);
			rows += rotation.done;
			MemoryContextReset(batch);
		} while (rotation.done == BATCH);
	}
	error = ch_txn_run(remove_unused, &rotation);
	if (error != NULL)
		ereport(NOTICE,
				(errmsg("a former data key is still in use and was kept"),
				 errdetail("%s.", error->message),
				 errhint("The next rotation removes it.")));
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(batch);
	return rows;
}

/* ---- Master key -------------------------------------------------------------------------- */

typedef struct Masters
{
	uint8		old[CH_KEY_BYTES];
	uint8		present[CH_KEY_BYTES];
	char		old_id[CH_FINGERPRINT_BYTES];
	char		present_id[CH_FINGERPRINT_BYTES];
} Masters;

static void
require_known(ChSql *sql, const Masters *masters)
{
	char	   *names;
	bool		isnull;
	Datum		value;

	ch_sql_text(sql, masters->old_id);
	ch_sql_text(sql, masters->present_id);
	ch_sql_run(sql, "SELECT pg_catalog.string_agg(pg_catalog.format('%s of tenant %s (master key %s)', k.id, t.name, k.master_id), ', ' ORDER BY k.id)"
			   " FROM connhub_catalog.data_key AS k JOIN connhub_catalog.tenant AS t ON t.id = k.tenant_id"
			   " WHERE k.master_id NOT IN ($1, $2)");
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (isnull)
		return;
	names = TextDatumGetCString(value);
	ereport(ERROR,
			(errcode(ERRCODE_CH_VAULT),
			 errmsg("some data keys of connhub are sealed by a master key that is not at hand"),
			 errdetail("Data key %s.", names),
			 errhint("Rotate from that master key first, or remove what these keys seal.")));
}

static void
wrap_anew(ChSql *sql, const Masters *masters, int64 id, const pg_uuid_t *tenant, bytea *wrapped)
{
	uint8		key[CH_KEY_BYTES];

	if (!ch_data_key_unwrap(tenant, masters->old, wrapped, key))
		ereport(ERROR,
				(errcode(ERRCODE_CH_VAULT),
				 errmsg("data key %lld of connhub does not open", (long long) id),
				 errdetail("Its row in connhub_catalog.data_key has been changed or belongs to another tenant."),
				 errhint("Restore connhub_catalog.data_key.")));
	ch_sql_value(sql, INT8OID, Int64GetDatum(id), false);
	ch_sql_value(sql, BYTEAOID, PointerGetDatum(ch_data_key_wrap(tenant, masters->present, key)), false);
	ch_wipe(key, sizeof(key));
	ch_sql_text(sql, masters->present_id);
	ch_sql_run(sql, "UPDATE connhub_catalog.data_key SET wrapped = $2, master_id = $3 WHERE id = $1");
}

static int64
wrap_all(const Masters *masters)
{
	ChSql		sql;
	SPITupleTable *table;
	uint64		count;

	ch_sql_begin(&sql);
	require_known(&sql, masters);
	ch_sql_text(&sql, masters->old_id);
	count = ch_sql_run(&sql, "SELECT id, tenant_id, wrapped FROM connhub_catalog.data_key WHERE master_id = $1"
					   " ORDER BY id FOR UPDATE");
	table = SPI_tuptable;
	for (uint64 i = 0; i < count; i++)
	{
		bool		isnull;
		int64		id = DatumGetInt64(SPI_getbinval(table->vals[i], table->tupdesc, 1, &isnull));
		pg_uuid_t  *tenant = DatumGetUUIDP(SPI_getbinval(table->vals[i], table->tupdesc, 2, &isnull));
		bytea	   *wrapped = DatumGetByteaPCopy(SPI_getbinval(table->vals[i], table->tupdesc, 3, &isnull));

		wrap_anew(&sql, masters, id, tenant, wrapped);
	}
	ch_sql_end(&sql);
	return (int64) count;
}

/* Apart from the caller, whose variables a jump would endanger. */
static pg_noinline int64
rotate_masters(const char *source, Masters *masters)
{
	ch_key_fetch(source, masters->old);
	ch_master_key_fetch(masters->present, true);
	ch_fingerprint(masters->old, masters->old_id);
	ch_fingerprint(masters->present, masters->present_id);
	if (strcmp(masters->old_id, masters->present_id) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_CH_VAULT),
				 errmsg("the former master key is the present one"),
				 errhint("Name the new key in connhub.master_key and the former one in connhub.former_master_key, and "
						 "reload the configuration.")));
	return wrap_all(masters);
}

int64
ch_rotate_master_key(const char *source)
{
	Masters    *masters = palloc0(sizeof(Masters));
	volatile int64 count = 0;

	PG_TRY();
	{
		count = rotate_masters(source, masters);
	}
	PG_CATCH();
	{
		ch_wipe(masters, sizeof(*masters));
		PG_RE_THROW();
	}
	PG_END_TRY();
	ch_wipe(masters, sizeof(*masters));
	return count;
}
