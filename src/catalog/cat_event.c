/* catalog/cat_event.c — events: what happened to a connector that somebody may want to be told of.
 *
 * An event belongs to the transaction that made it happen, so that whoever reads it can rely on it. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "catalog/cat_event.h"
#include "catalog/cat_sql.h"

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
	return id;
}
