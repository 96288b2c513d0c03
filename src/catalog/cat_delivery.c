/* catalog/cat_delivery.c — events on their way to channels. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "catalog/cat_connector.h"
#include "catalog/cat_delivery.h"
#include "catalog/cat_sql.h"
#include "catalog/catalog.h"

/* Channels that failed to take an event are not told of that, and neither are others, which might fail in turn. */
#define KIND_DELIVERY "delivery"

/* Not locked: whoever deletes a channel in a long transaction would stop every event.  What is queued for one that is
 * gone then goes with its event. */
#define WANTED_CHANNELS \
	"SELECT h.id, h.owner::oid FROM connhub_catalog.channel AS h" \
	" LEFT JOIN connhub_catalog.connector AS c ON c.id = $2" \
	" WHERE h.tenant_id = $1 AND h.enabled AND c.status IS DISTINCT FROM 'MAINTENANCE'" \
	" AND array_position(ARRAY['info', 'warning', 'error'], $4)" \
	" >= array_position(ARRAY['info', 'warning', 'error'], coalesce(h.options ->> 'min_severity', 'info'))" \
	" AND (h.options -> 'kinds' IS NULL OR h.options -> 'kinds' ? $3)" \
	" AND (h.options -> 'labels' IS NULL OR coalesce(c.labels @> (h.options -> 'labels'), false))" \
	" ORDER BY h.id"

#define CLAIM \
	"UPDATE connhub_catalog.delivery AS d SET state = 'sending', attempts = d.attempts + 1," \
	" next_attempt_at = $1 + $5 * interval '1 millisecond'" \
	" FROM (SELECT due.id FROM connhub_catalog.channel AS h CROSS JOIN LATERAL (" \
	" SELECT w.id FROM connhub_catalog.delivery AS w" \
	" WHERE w.channel_id = h.id AND w.finished_at IS NULL AND w.next_attempt_at <= $1" \
	" AND w.attempts < $4 ORDER BY w.next_attempt_at, w.id LIMIT $3 FOR UPDATE SKIP LOCKED) AS due" \
	" WHERE h.enabled LIMIT $2) AS picked" \
	" WHERE d.id = picked.id RETURNING d.id"

#define LOST \
	"SELECT w.id FROM connhub_catalog.delivery AS w" \
	" WHERE w.finished_at IS NULL AND w.next_attempt_at <= $1 AND w.attempts >= $2" \
	" AND EXISTS (SELECT FROM connhub_catalog.channel AS h WHERE h.id = w.channel_id)" \
	" ORDER BY w.id LIMIT 100 FOR UPDATE SKIP LOCKED"

#define CLAIMED \
	"SELECT d.id, d.event_id, d.attempts, e.tenant_id, e.connector_id, c.name, e.kind, e.severity, e.message," \
	" CASE WHEN e.detail <> '{}' THEN jsonb_pretty(e.detail) END, e.occurred_at," \
	" jsonb_build_object('id', e.id, 'kind', e.kind, 'severity', e.severity, 'message', e.message," \
	" 'occurred_at', to_char(e.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), 'tenant', e.tenant_id, 'detail', e.detail," \
	" 'connector', CASE WHEN e.connector_id IS NOT NULL THEN" \
	" jsonb_build_object('id', e.connector_id, 'name', c.name, 'type', c.type) END)::text, " CH_CHANNEL_COLUMNS \
	" FROM connhub_catalog.delivery AS d" \
	" JOIN connhub_catalog.event AS e ON e.id = d.event_id" \
	" JOIN connhub_catalog.channel AS h ON h.id = d.channel_id" \
	" LEFT JOIN connhub_catalog.connector AS c ON c.id = e.connector_id" \
	" WHERE d.id = ANY ($1) ORDER BY d.id"

enum ClaimedColumn
{
	CLAIMED_ID = 1,
	CLAIMED_EVENT_ID,
	CLAIMED_ATTEMPTS,
	CLAIMED_TENANT_ID,
	CLAIMED_CONNECTOR_ID,
	CLAIMED_CONNECTOR,
	CLAIMED_KIND,
	CLAIMED_SEVERITY,
	CLAIMED_MESSAGE,
	CLAIMED_DETAIL,
	CLAIMED_OCCURRED_AT,
	CLAIMED_DOCUMENT,
	CLAIMED_CHANNEL
};

/* May the owner of a channel know of the event? */
static bool
owner_may_see(Oid owner, const pg_uuid_t *connector_id)
{
	const ChConnector *connector;

	if (!OidIsValid(owner))
		return false;
	if (connector_id == NULL)
		return ch_catalog_has_role(owner, CH_ROLE_ADMIN);
	connector = ch_connector_get(connector_id, true);
	return connector != NULL && ch_connector_may_see(connector, owner);
}

static void
queue_for(ChSql *sql, int64 event_id, Datum channel)
{
	ch_sql_value(sql, INT8OID, Int64GetDatum(event_id), false);
	ch_sql_value(sql, UUIDOID, channel, false);
	ch_sql_run(sql, "INSERT INTO connhub_catalog.delivery (event_id, channel_id) VALUES ($1, $2)");
}

void
ch_delivery_queue(int64 event_id, const ChEvent *event)
{
	ChSql		sql;
	SPITupleTable *wanted;
	uint64		count;

	if (strcmp(event->kind, KIND_DELIVERY) == 0)
		return;
	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, event->tenant);
	ch_sql_value(&sql, UUIDOID, UUIDPGetDatum(event->connector), event->connector == NULL);
	ch_sql_text(&sql, event->kind);
	ch_sql_text(&sql, event->severity);
	count = ch_sql_run(&sql, WANTED_CHANNELS);
	wanted = SPI_tuptable;
	for (uint64 i = 0; i < count; i++)
	{
		bool		isnull;
		Datum		channel = SPI_getbinval(wanted->vals[i], wanted->tupdesc, 1, &isnull);
		Oid			owner = DatumGetObjectId(SPI_getbinval(wanted->vals[i], wanted->tupdesc, 2, &isnull));

		if (owner_may_see(owner, event->connector))
			queue_for(&sql, event_id, channel);
	}
	ch_sql_end(&sql);
}

static char *
text_column(SPITupleTable *table, uint64 row, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(table->vals[row], table->tupdesc, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static ChDelivery *
read_claimed(SPITupleTable *table, uint64 row)
{
	ChDelivery *delivery = palloc0(sizeof(ChDelivery));
	bool		isnull;
	Datum		connector;

#define VALUE(column) SPI_getbinval(table->vals[row], table->tupdesc, column, &isnull)
	delivery->id = DatumGetInt64(VALUE(CLAIMED_ID));
	delivery->event_id = DatumGetInt64(VALUE(CLAIMED_EVENT_ID));
	delivery->attempts = DatumGetInt32(VALUE(CLAIMED_ATTEMPTS));
	delivery->tenant_id = *DatumGetUUIDP(VALUE(CLAIMED_TENANT_ID));
	delivery->occurred_at = DatumGetTimestampTz(VALUE(CLAIMED_OCCURRED_AT));
	connector = VALUE(CLAIMED_CONNECTOR_ID);
	delivery->has_connector = !isnull;
	if (delivery->has_connector)
		delivery->connector_id = *DatumGetUUIDP(connector);
#undef VALUE
	delivery->connector = text_column(table, row, CLAIMED_CONNECTOR);
	delivery->kind = text_column(table, row, CLAIMED_KIND);
	delivery->severity = text_column(table, row, CLAIMED_SEVERITY);
	delivery->message = text_column(table, row, CLAIMED_MESSAGE);
	delivery->detail = text_column(table, row, CLAIMED_DETAIL);
	delivery->document = text_column(table, row, CLAIMED_DOCUMENT);
	delivery->channel = ch_channel_read(table, row, CLAIMED_CHANNEL);
	return delivery;
}

/* The deliveries of the ids that the last statement gave. */
static List *
read_all(ChSql *sql, uint64 count)
{
	Datum	   *ids = palloc(sizeof(Datum) * Max(count, 1));
	List	   *deliveries = NIL;
	MemoryContext before;
	bool		isnull;

	for (uint64 i = 0; i < count; i++)
		ids[i] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
	ch_sql_value(sql, INT8ARRAYOID,
				 PointerGetDatum(construct_array(ids, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)),
				 false);
	count = ch_sql_run(sql, CLAIMED);
	before = MemoryContextSwitchTo(sql->caller);
	for (uint64 i = 0; i < count; i++)
		deliveries = lappend(deliveries, read_claimed(SPI_tuptable, i));
	MemoryContextSwitchTo(before);
	return deliveries;
}

static void
give_up_lost(TimestampTz now, int max_attempts)
{
	ChSql		sql;
	List	   *lost;
	ListCell   *lc;

	ch_sql_begin(&sql);
	ch_sql_value(&sql, TIMESTAMPTZOID, TimestampTzGetDatum(now), false);
	ch_sql_value(&sql, INT4OID, Int32GetDatum(max_attempts), false);
	lost = read_all(&sql, ch_sql_run(&sql, LOST));
	ch_sql_end(&sql);
	foreach(lc, lost)
		ch_delivery_give_up(lfirst(lc), "the sender was lost in its last attempt");
}

List *
ch_delivery_claim(int most, int per_channel, int max_attempts, int64 lease_ms)
{
	ChSql		sql;
	List	   *claimed;
	TimestampTz now = GetCurrentTimestamp();

	give_up_lost(now, max_attempts);
	ch_sql_begin(&sql);
	ch_sql_value(&sql, TIMESTAMPTZOID, TimestampTzGetDatum(now), false);
	ch_sql_value(&sql, INT4OID, Int32GetDatum(most), false);
	ch_sql_value(&sql, INT4OID, Int32GetDatum(per_channel), false);
	ch_sql_value(&sql, INT4OID, Int32GetDatum(max_attempts), false);
	ch_sql_value(&sql, INT8OID, Int64GetDatum(lease_ms), false);
	claimed = read_all(&sql, ch_sql_run(&sql, CLAIM));
	ch_sql_end(&sql);
	return claimed;
}

/* The claim still stands: nobody has counted another attempt, or finished it. */
#define STILL_CLAIMED " WHERE id = $1 AND attempts = $2 AND finished_at IS NULL"

static void
add_claim(ChSql *sql, const ChDelivery *delivery)
{
	ch_sql_value(sql, INT8OID, Int64GetDatum(delivery->id), false);
	ch_sql_value(sql, INT4OID, Int32GetDatum(delivery->attempts), false);
}

void
ch_delivery_finish(const ChDelivery *delivery)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	add_claim(&sql, delivery);
	ch_sql_run(&sql, "UPDATE connhub_catalog.delivery SET state = 'delivered', finished_at = clock_timestamp(),"
			   " last_error = NULL" STILL_CLAIMED);
	ch_sql_end(&sql);
}

void
ch_delivery_retry(const ChDelivery *delivery, const char *error, int64 delay_ms)
{
	ChSql		sql;
	TimestampTz next = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), delay_ms);

	ch_sql_begin(&sql);
	add_claim(&sql, delivery);
	ch_sql_text(&sql, error);
	ch_sql_value(&sql, TIMESTAMPTZOID, TimestampTzGetDatum(next), false);
	ch_sql_run(&sql, "UPDATE connhub_catalog.delivery SET state = 'waiting', last_error = $3, next_attempt_at = $4"
			   STILL_CLAIMED);
	ch_sql_uuid(&sql, &delivery->channel->id);
	ch_sql_value(&sql, TIMESTAMPTZOID, TimestampTzGetDatum(next), false);
	ch_sql_run(&sql, "UPDATE connhub_catalog.delivery SET next_attempt_at = $2"
			   " WHERE channel_id = $1 AND finished_at IS NULL AND state = 'waiting' AND next_attempt_at < $2");
	ch_sql_end(&sql);
}

void
ch_delivery_give_up(const ChDelivery *delivery, const char *error)
{
	ChSql		sql;
	ChEvent		event = {.tenant = &delivery->tenant_id, .kind = KIND_DELIVERY, .severity = "warning"};
	uint64		changed;

	ch_sql_begin(&sql);
	add_claim(&sql, delivery);
	ch_sql_text(&sql, error);
	changed = ch_sql_run(&sql, "UPDATE connhub_catalog.delivery SET state = 'failed', finished_at = clock_timestamp(),"
						 " last_error = $3" STILL_CLAIMED);
	ch_sql_end(&sql);
	if (changed == 0)
		return;
	event.connector = delivery->has_connector ? &delivery->connector_id : NULL;
	event.message = psprintf("event " INT64_FORMAT " could not be sent to channel \"%s\": %s", delivery->event_id,
							 delivery->channel->name, error);
	ch_event_record(&event);
}
