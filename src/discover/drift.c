/* discover/drift.c — what a discovery finds otherwise than the one before.
 *
 * Columns are told apart by name, and moved only when their order among those that stayed is another: a source that
 * counts positions anew after a DROP COLUMN has not moved the rest.  Comments, estimates and statistics are no drift.
 * What hangs on a table that came or went is not told of beside it. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "catalog/cat_event.h"
#include "discover/drift.h"

#define FIRST_NAMES "10"

/* How the rows of a part are told apart and described.  Where a part lacks a name, it is ''. */
typedef struct DriftSpec
{
	const char *relation;
	const char *kind;
	const char *schema_name;
	const char *table_name;
	const char *name;
	const char *also;			/* what else tells two of one name apart */
	const char *place;			/* among the others of its table */
	const char *document;
} DriftSpec;

static const DriftSpec drift_specs[CH_NPARTS] = {
	[CH_PART_SCHEMA] = {"remote_schema", "schema", "name", "''", "''", "''", "0", "'{}'::jsonb"},
	[CH_PART_TABLE] = {"remote_table", "table", "schema", "name", "''", "''", "0",
	"jsonb_build_object('kind', o.kind)"},
	[CH_PART_COLUMN] = {"remote_column", "column", "schema", "table_name", "name", "''", "position",
		"jsonb_build_object('type', o.remote_type, 'pg_type', o.pg_type_full, 'nullable', NOT o.not_null,"
	" 'generated', o.generated, 'default', o.default_value, 'collation', o.collation)"},
	[CH_PART_KEY] = {"remote_key", "key", "schema", "table_name", "name", "kind", "0",
		"jsonb_build_object('kind', o.kind, 'columns', o.columns, 'ref_schema', o.ref_schema,"
	" 'ref_table', o.ref_table, 'ref_columns', o.ref_columns)"},
	[CH_PART_INDEX] = {"remote_index", "index", "schema", "table_name", "name", "''", "0",
		"jsonb_build_object('unique', o.is_unique, 'method', o.method, 'columns', o.columns,"
	" 'predicate', o.predicate)"},
};

void
ch_comparison_bind(ChSql *sql, const ChComparison *comparison)
{
	ch_sql_uuid(sql, &comparison->connector->id);
	ch_sql_text(sql, comparison->schema_pattern);
	ch_sql_text(sql, comparison->table_pattern);
	ch_sql_value(sql, TIMESTAMPTZOID, TimestampTzGetDatum(comparison->discovered_at), false);
	ch_sql_value(sql, BOOLOID, BoolGetDatum(comparison->was_whole), false);
}

const char *
ch_comparison_scope(ChPart part)
{
	switch (part)
	{
		case CH_PART_SCHEMA:
			/* A schema goes when all of it was asked for. */
			return "o.connector_id = $1 AND ($2 IS NULL OR o.name LIKE $2)"
				" AND ($3 IS NULL OR o.name IN (SELECT f.name FROM found_remote_schema AS f))";
		case CH_PART_TABLE:
			return "o.connector_id = $1 AND ($2 IS NULL OR o.schema LIKE $2) AND ($3 IS NULL OR o.name LIKE $3)";
		default:
			return "o.connector_id = $1 AND ($2 IS NULL OR o.schema LIKE $2) AND ($3 IS NULL OR o.table_name LIKE $3)";
	}
}

/* The rows of one side, each with what tells it apart, its place and its description. */
static char *
side(const DriftSpec *spec, const char *relation, const char *condition, const char *place, const char *document)
{
	return psprintf("(SELECT DISTINCT ON (1, 2, 3, 4) o.%s AS schema, %s%s AS table_name, %s%s AS name, %s%s AS also,"
					" %s AS %s, %s AS %s FROM %s AS o WHERE %s ORDER BY 1, 2, 3, 4, 5, 6)",
					spec->schema_name,
					spec->table_name[0] == '\'' ? "" : "o.", spec->table_name,
					spec->name[0] == '\'' ? "" : "o.", spec->name,
					spec->also[0] == '\'' ? "" : "o.", spec->also,
					spec->place, place, spec->document, document, relation, condition);
}

void
ch_drift_record(ChSql *sql, const ChComparison *comparison, ChPart part)
{
	const DriftSpec *spec = &drift_specs[part];
	bool		is_child = part > CH_PART_TABLE;
	char	   *before = side(spec, psprintf("connhub_catalog.%s", spec->relation), ch_comparison_scope(part),
							  "place_before", "before");
	char	   *after = side(spec, psprintf("found_%s", spec->relation), "true", "place_after", "after");

	ch_comparison_bind(sql, comparison);
	ch_sql_run(sql, psprintf(
							 "WITH pair AS ("
							 " SELECT schema, table_name, name, before, after, place_before, place_after,"
							 "  rank() OVER (PARTITION BY schema, table_name, before IS NULL, after IS NULL ORDER BY place_before) AS rank_before,"
							 "  rank() OVER (PARTITION BY schema, table_name, before IS NULL, after IS NULL ORDER BY place_after) AS rank_after"
							 " FROM %s AS b FULL JOIN %s AS a USING (schema, table_name, name, also)"
							 "), moved AS ("
							 " SELECT p.schema, p.table_name, p.name,"
							 "  CASE WHEN before IS NULL OR after IS NULL OR rank_before = rank_after THEN before"
							 "   ELSE before || jsonb_build_object('position', place_before) END AS before,"
							 "  CASE WHEN before IS NULL OR after IS NULL OR rank_before = rank_after THEN after"
							 "   ELSE after || jsonb_build_object('position', place_after) END AS after"
							 " FROM pair AS p"
							 ")"
							 " INSERT INTO connhub_catalog.drift (connector_id, discovered_at, kind, schema, table_name, name,"
							 "  change, before, after, attached)"
							 " SELECT $1, $4, '%s', m.schema, nullif(m.table_name, ''), nullif(m.name, ''),"
							 "  CASE WHEN before IS NULL THEN 'added' WHEN after IS NULL THEN 'removed' ELSE 'changed' END,"
							 "  CASE WHEN after IS NULL THEN before WHEN before IS NOT NULL THEN"
							 "   (SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(before) AS e"
							 "    WHERE after -> e.key IS DISTINCT FROM e.value) END,"
							 "  CASE WHEN before IS NULL THEN after WHEN after IS NOT NULL THEN"
							 "   (SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(after) AS e"
							 "    WHERE before -> e.key IS DISTINCT FROM e.value) END,"
							 "  EXISTS (SELECT FROM connhub_catalog.attached_tables($1) AS f"
							 "   WHERE f.schema COLLATE \"C\" = m.schema AND f.table_name COLLATE \"C\" = m.table_name)"
							 " FROM moved AS m WHERE before IS DISTINCT FROM after AND %s"
							 " ORDER BY m.schema, m.table_name, m.name",
							 before, after, spec->kind,
							 is_child ?
							 "EXISTS (SELECT FROM connhub_catalog.remote_table AS t WHERE t.connector_id = $1"
							 "  AND t.schema = m.schema AND t.name = m.table_name)"
							 " AND EXISTS (SELECT FROM found_remote_table AS t"
							 "  WHERE t.schema = m.schema AND t.name = m.table_name)" :
							 /* What an earlier discovery of a part has left out did not come now. */
							 "($5 OR before IS NOT NULL)"));
}

void
ch_drift_tell(const ChComparison *comparison)
{
	ChEvent		event = {
		.tenant = &comparison->connector->tenant_id,
		.connector = &comparison->connector->id,
		.kind = "drift",
	};
	ChSql		sql;
	HeapTuple	tuple;
	TupleDesc	descriptor;
	MemoryContext before;
	bool		isnull;
	bool		is_attached;
	int64		count;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, &comparison->connector->id);
	ch_sql_value(&sql, TIMESTAMPTZOID, TimestampTzGetDatum(comparison->discovered_at), false);
	ch_sql_text(&sql, comparison->connector->name);
	ch_sql_run(&sql,
			   "SELECT count(*), coalesce(bool_or(affects), false),"
			   " format('the source of connector \"%s\" changed: %s added, %s removed, %s changed', $3,"
			   "  count(*) FILTER (WHERE change = 'added'), count(*) FILTER (WHERE change = 'removed'),"
			   "  count(*) FILTER (WHERE change = 'changed')),"
			   " jsonb_build_object('discovered_at', $2,"
			   "  'added', count(*) FILTER (WHERE change = 'added'),"
			   "  'removed', count(*) FILTER (WHERE change = 'removed'),"
			   "  'changed', count(*) FILTER (WHERE change = 'changed'),"
			   "  'attached', count(*) FILTER (WHERE affects),"
			   "  'first', (array_agg(change || ' ' || kind || ' ' || concat_ws('.', schema, table_name, name)"
			   "   ORDER BY affects DESC, id))[1:" FIRST_NAMES "])"
			   " FROM (SELECT *, attached AND kind IN ('table', 'column') AS affects"
			   "  FROM connhub_catalog.drift WHERE connector_id = $1 AND discovered_at = $2) AS d");
	tuple = SPI_tuptable->vals[0];
	descriptor = SPI_tuptable->tupdesc;
	count = DatumGetInt64(SPI_getbinval(tuple, descriptor, 1, &isnull));
	is_attached = DatumGetBool(SPI_getbinval(tuple, descriptor, 2, &isnull));
	before = MemoryContextSwitchTo(sql.caller);
	event.severity = is_attached ? "warning" : "info";
	event.message = pstrdup(SPI_getvalue(tuple, descriptor, 3));
	event.detail = DatumGetJsonbPCopy(SPI_getbinval(tuple, descriptor, 4, &isnull));
	MemoryContextSwitchTo(before);
	ch_sql_end(&sql);
	if (count > 0)
		(void) ch_event_record(&event);
}
