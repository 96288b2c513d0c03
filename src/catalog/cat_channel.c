/* catalog/cat_channel.c — channels that events are sent to. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "catalog/cat_channel.h"
#include "catalog/cat_sql.h"
#include "catalog/cat_tenant.h"
#include "catalog/catalog.h"

enum ChannelColumn
{
	COLUMN_ID,
	COLUMN_TENANT_ID,
	COLUMN_NAME,
	COLUMN_KIND,
	COLUMN_OWNER,
	COLUMN_TARGET,
	COLUMN_OPTIONS,
	COLUMN_ENABLED,
	COLUMN_SECRET_VERSION,
	COLUMN_KEY_ID,
	COLUMN_SEALED
};

ChChannel *
ch_channel_read(SPITupleTable *table, uint64 row, int first)
{
	ChChannel  *channel = palloc0(sizeof(ChChannel));
	Datum		values[CH_CHANNEL_NCOLUMNS];
	bool		nulls[CH_CHANNEL_NCOLUMNS];

	for (int i = 0; i < CH_CHANNEL_NCOLUMNS; i++)
		values[i] = SPI_getbinval(table->vals[row], table->tupdesc, first + i, &nulls[i]);
	channel->id = *DatumGetUUIDP(values[COLUMN_ID]);
	channel->tenant_id = *DatumGetUUIDP(values[COLUMN_TENANT_ID]);
	channel->name = TextDatumGetCString(values[COLUMN_NAME]);
	channel->kind = TextDatumGetCString(values[COLUMN_KIND]);
	channel->owner = DatumGetObjectId(values[COLUMN_OWNER]);
	channel->target = TextDatumGetCString(values[COLUMN_TARGET]);
	channel->options = DatumGetJsonbPCopy(values[COLUMN_OPTIONS]);
	channel->enabled = DatumGetBool(values[COLUMN_ENABLED]);
	channel->secret_version = DatumGetInt64(values[COLUMN_SECRET_VERSION]);
	if (!nulls[COLUMN_SEALED])
	{
		channel->key_id = DatumGetInt64(values[COLUMN_KEY_ID]);
		channel->sealed = DatumGetByteaPCopy(values[COLUMN_SEALED]);
	}
	return channel;
}

#define FIND_CHANNEL \
	"SELECT " CH_CHANNEL_COLUMNS " FROM connhub_catalog.channel AS h" \
	" WHERE h.id = $1 OR (h.tenant_id = $2 AND h.name = $3)"

/* Who may not manage a channel is not told that it is there. */
static ChChannel *
find_channel(const char *name_or_id, const char *query)
{
	ChSql		sql;
	ChChannel  *channel = NULL;
	Oid			user = GetUserId();

	pg_uuid_t	tenant;
	pg_uuid_t	id;
	bool		is_id = ch_uuid_parse(name_or_id, &id);

	if (!is_id)
		ch_tenant_current(&tenant);
	ch_sql_begin(&sql);
	ch_sql_value(&sql, UUIDOID, UUIDPGetDatum(&id), !is_id);
	ch_sql_value(&sql, UUIDOID, UUIDPGetDatum(&tenant), is_id);
	ch_sql_text(&sql, name_or_id);
	if (ch_sql_run(&sql, query) > 0)
	{
		MemoryContext before = MemoryContextSwitchTo(sql.caller);

		channel = ch_channel_read(SPI_tuptable, 0, 1);
		MemoryContextSwitchTo(before);
	}
	ch_sql_end(&sql);
	if (channel == NULL || !ch_tenant_is_open(&channel->tenant_id, user) ||
		!(is_member_of_role(user, channel->owner) || ch_catalog_has_role(user, CH_ROLE_ADMIN)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("channel \"%s\" does not exist", name_or_id),
				 errhint("The view connhub.channel lists those you may manage.")));
	return channel;
}

ChChannel *
ch_channel_require(const char *name_or_id)
{
	return find_channel(name_or_id, FIND_CHANNEL);
}

ChChannel *
ch_channel_lock(const char *name_or_id)
{
	return find_channel(name_or_id, FIND_CHANNEL " FOR NO KEY UPDATE");
}

static void
require_free_name(ChSql *sql, const ChChannel *channel)
{
	ch_sql_uuid(sql, &channel->tenant_id);
	ch_sql_text(sql, channel->name);
	ch_sql_uuid(sql, &channel->id);
	if (ch_sql_run(sql, "SELECT FROM connhub_catalog.channel WHERE tenant_id = $1 AND name = $2 AND id <> $3") > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("a channel \"%s\" exists already", channel->name),
				 errhint("Choose another name.")));
}

static void
add_values(ChSql *sql, const ChChannel *channel)
{
	ch_sql_uuid(sql, &channel->id);
	ch_sql_text(sql, channel->name);
	ch_sql_text(sql, channel->target);
	ch_sql_value(sql, JSONBOID, JsonbPGetDatum(channel->options), false);
	ch_sql_value(sql, BOOLOID, BoolGetDatum(channel->enabled), false);
	ch_sql_value(sql, INT8OID, Int64GetDatum(channel->secret_version), false);
	ch_sql_value(sql, INT8OID, Int64GetDatum(channel->key_id), channel->sealed == NULL);
	ch_sql_value(sql, BYTEAOID, PointerGetDatum(channel->sealed), channel->sealed == NULL);
}

void
ch_channel_insert(const ChChannel *channel)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	require_free_name(&sql, channel);
	add_values(&sql, channel);
	ch_sql_uuid(&sql, &channel->tenant_id);
	ch_sql_text(&sql, channel->kind);
	ch_sql_value(&sql, OIDOID, ObjectIdGetDatum(channel->owner), false);
	ch_sql_run(&sql, "INSERT INTO connhub_catalog.channel"
			   " (id, name, target, options, enabled, secret_version, key_id, sealed, tenant_id, kind, owner)"
			   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::regrole)");
	ch_sql_end(&sql);
}

void
ch_channel_store(const ChChannel *channel)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	require_free_name(&sql, channel);
	add_values(&sql, channel);
	ch_sql_run(&sql, "UPDATE connhub_catalog.channel SET name = $2, target = $3, options = $4, enabled = $5,"
			   " secret_version = $6, key_id = $7, sealed = $8, updated_at = now() WHERE id = $1");
	ch_sql_end(&sql);
}

void
ch_channel_remove(const pg_uuid_t *id)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, id);
	ch_sql_run(&sql, "DELETE FROM connhub_catalog.channel WHERE id = $1");
	ch_sql_uuid(&sql, id);
	ch_sql_run(&sql, "DELETE FROM connhub_catalog.delivery WHERE channel_id = $1");
	ch_sql_end(&sql);
}
