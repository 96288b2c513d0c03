/* catalog/cat_event.c — events: what happened to a connector that somebody may want to be told of.
 *
 * An event belongs to the transaction that made it happen, so that whoever reads it can rely on it.  So do the NOTIFY
 * and the deliveries that come of it. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/async.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "catalog/cat_connector.h"
#include "catalog/cat_delivery.h"
#include "catalog/cat_event.h"
#include "catalog/cat_sql.h"
#include "common/wake.h"
#include "common/guc.h"

/* NOTIFY takes less than 8000 bytes. */
#define PAYLOAD_BYTES 7900

static void
append_member(StringInfo out, const char *name, const char *value)
{
	appendStringInfo(out, ", \"%s\": ", name);
	if (value != NULL)
		escape_json(out, value);
	else
		appendStringInfoString(out, "null");
}

/* Everything, with a message of at most message_bytes. */
static void
render_payload(StringInfo out, int64 id, const ChEvent *event, int message_bytes)
{
	const ChConnector *connector = event->connector != NULL ? ch_connector_get(event->connector, true) : NULL;
	int			length = pg_mbcliplen(event->message, strlen(event->message), message_bytes);

	resetStringInfo(out);
	appendStringInfo(out, "{\"id\": " INT64_FORMAT, id);
	append_member(out, "kind", event->kind);
	if (ch_notify_full)
	{
		append_member(out, "severity", event->severity);
		append_member(out, "tenant", ch_uuid_text(event->tenant));
		append_member(out, "connector", connector != NULL ? connector->name : NULL);
		append_member(out, "connector_id", event->connector != NULL ? ch_uuid_text(event->connector) : NULL);
		append_member(out, "message", pnstrdup(event->message, length));
		append_member(out, "occurred_at", timestamptz_to_str(GetCurrentTimestamp()));
	}
	appendStringInfoChar(out, '}');
}

/* Whoever is connected to the database may listen, so that by default the payload tells no more than where to look. */
static void
notify_listeners(int64 id, const ChEvent *event)
{
	StringInfoData payload;
	int			message_bytes = PAYLOAD_BYTES;

	initStringInfo(&payload);
	do
	{
		render_payload(&payload, id, event, message_bytes);
		message_bytes /= 2;
	} while (payload.len > PAYLOAD_BYTES && message_bytes > 0);
	Async_Notify("connhub_event", payload.data);
}

int64
ch_event_record(const ChEvent *event)
{
	ChSql		sql;
	bool		isnull;
	int64		id;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, event->tenant);
	ch_sql_value(&sql, UUIDOID, UUIDPGetDatum(event->connector), event->connector == NULL);
	ch_sql_text(&sql, event->kind);
	ch_sql_text(&sql, event->severity);
	ch_sql_text(&sql, event->message);
	ch_sql_value(&sql, JSONBOID, JsonbPGetDatum(event->detail), event->detail == NULL);
	ch_sql_run(&sql, "INSERT INTO connhub_catalog.event (tenant_id, connector_id, kind, severity, message, detail)"
			   " VALUES ($1, $2, $3, $4, $5, coalesce($6, '{}')) RETURNING id");
	id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	ch_sql_end(&sql);
	ch_delivery_queue(id, event);
	notify_listeners(id, event);
	ch_wake_at_commit();
	return id;
}
