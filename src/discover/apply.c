/* discover/apply.c — from what was discovered to what the catalogue holds, by differences only.
 *
 * The staged rows are relations of the SPI connection, so that SQL compares them with the tables: it sorts and hashes
 * within work_mem, however much there is.  A row that is the same is not touched; one that changed is deleted and
 * inserted, since its key may have moved to another row.  Where nothing changed, nothing is written but the time. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "catalog/cat_store.h"
#include "discover/apply.h"
#include "discover/drift.h"
#include "discover/stage.h"

/* What tells the rows of a part from each other, beside the connector. */
static const char *const part_keys[CH_NPARTS] = {
	[CH_PART_SCHEMA] = "name",
	[CH_PART_TABLE] = "schema, name",
	[CH_PART_COLUMN] = "schema, table_name, position",
	[CH_PART_KEY] = "schema, table_name, kind, name",
	[CH_PART_INDEX] = "schema, table_name, name",
	[CH_PART_STATISTICS] = "schema, table_name, column_name",
};

/* Statements on one part: their pieces. */
typedef struct PartText
{
	const char *relation;
	const char *found;			/* the staged rows as n: of those with one key the least */
	const char *same_key;		/* o and n have one key */
	const char *same;			/* o and n are equal */
	const char *scope;
} PartText;

/* The columns of a part as a list, each after the alias; without the connector. */
static char *
column_list(const ChStagePart *part, const char *alias)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 1; i < part->descriptor->natts; i++)
		appendStringInfo(&list, "%s%s%s", i > 1 ? ", " : "", alias,
						 quote_identifier(NameStr(TupleDescAttr(part->descriptor, i)->attname)));
	return list.data;
}

static void
part_text(const ChStage *stage, ChPart which, PartText *text)
{
	const ChStagePart *part = ch_stage_part(stage, which);
	const char *key = part_keys[which];
	char	   *rest = pstrdup(key);
	StringInfoData same_key;

	initStringInfo(&same_key);
	for (char *column = strtok(rest, ", "); column != NULL; column = strtok(NULL, ", "))
		appendStringInfo(&same_key, " AND o.%s = n.%s", column, column);
	text->relation = psprintf("connhub_catalog.%s", part->relation);
	text->found = psprintf("(SELECT DISTINCT ON (%s) * FROM found_%s ORDER BY %s, %s) AS n",
						   key, part->relation, key, column_list(part, ""));
	text->same_key = psprintf("o.connector_id = $1%s", same_key.data);
	text->same = psprintf("ROW(%s) IS NOT DISTINCT FROM ROW(%s)", column_list(part, "o."), column_list(part, "n."));
	text->scope = ch_comparison_scope(which);
}

/* ---- The staged rows as relations ---------------------------------------------------------- */

/* Make them relations of the SPI connection. */
static void
register_parts(const ChStage *stage)
{
	for (int i = 0; i < CH_NPARTS; i++)
	{
		const ChStagePart *part = ch_stage_part(stage, (ChPart) i);
		EphemeralNamedRelation relation = palloc0(sizeof(EphemeralNamedRelationData));

		relation->md.name = psprintf("found_%s", part->relation);
		relation->md.reliddesc = InvalidOid;
		relation->md.tupdesc = part->descriptor;
		relation->md.enrtype = ENR_NAMED_TUPLESTORE;
		relation->md.enrtuples = part->nrows;
		relation->reldata = part->rows;
		if (SPI_register_relation(relation) != SPI_OK_REL_REGISTER)
			elog(ERROR, "could not compare discovered rows");
	}
}

/* Sources without schemas of their own may name one in their tables only. */
static void
add_unannounced_schemas(ChSql *sql, ChStage *stage)
{
	SPITupleTable *found;

	ch_sql_run(sql, "SELECT DISTINCT t.schema FROM found_remote_table AS t"
			   " WHERE NOT EXISTS (SELECT FROM found_remote_schema AS s WHERE s.name = t.schema)");
	found = SPI_tuptable;
	for (uint64 i = 0; i < found->numvals; i++)
		ch_stage_add_schema(stage, SPI_getvalue(found->vals[i], found->tupdesc, 1));
	SPI_freetuptable(found);
}

/* ---- Comparing and writing ----------------------------------------------------------------- */

static bool
answer(const ChSql *sql, int column)
{
	bool		isnull;

	return DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull));
}

/* Does the catalogue hold anything of what the patterns choose? */
static bool
holds_any(ChSql *sql, const ChComparison *comparison)
{
	ch_comparison_bind(sql, comparison);
	ch_sql_run(sql, psprintf("SELECT EXISTS (SELECT FROM connhub_catalog.remote_schema AS o WHERE %s),"
							 " EXISTS (SELECT FROM connhub_catalog.remote_table AS o WHERE %s)",
							 ch_comparison_scope(CH_PART_SCHEMA), ch_comparison_scope(CH_PART_TABLE)));
	return answer(sql, 1) || answer(sql, 2);
}

typedef struct Difference
{
	bool		is_lost;		/* rows of the catalogue are not among the found, or not as they are */
	bool		is_found;		/* found ones have a key that is not there */
} Difference;

static Difference
compare(ChSql *sql, const ChComparison *comparison, const PartText *text)
{
	Difference	difference;

	ch_comparison_bind(sql, comparison);
	ch_sql_run(sql, psprintf("SELECT EXISTS (SELECT FROM %s AS o WHERE %s"
							 " AND NOT EXISTS (SELECT FROM %s WHERE %s AND %s)),"
							 " EXISTS (SELECT FROM %s WHERE NOT EXISTS (SELECT FROM %s AS o WHERE %s))",
							 text->relation, text->scope, text->found, text->same_key, text->same,
							 text->found, text->relation, text->same_key));
	difference.is_lost = answer(sql, 1);
	difference.is_found = answer(sql, 2);
	return difference;
}

static void
write_difference(ChSql *sql, const ChComparison *comparison, const PartText *text, Difference difference)
{
	if (difference.is_lost)
	{
		ch_comparison_bind(sql, comparison);
		ch_sql_run(sql, psprintf("DELETE FROM %s AS o WHERE %s AND NOT EXISTS (SELECT FROM %s WHERE %s AND %s)",
								 text->relation, text->scope, text->found, text->same_key, text->same));
	}
	/* A row that was changed is new now. */
	ch_comparison_bind(sql, comparison);
	ch_sql_run(sql, psprintf("INSERT INTO %s SELECT n.* FROM %s WHERE NOT EXISTS (SELECT FROM %s AS o WHERE %s)",
							 text->relation, text->found, text->relation, text->same_key));
}

/* Drift is found in all parts before any is written. */
static bool
apply_parts(ChSql *sql, const ChComparison *comparison, const ChStage *stage)
{
	bool		is_known = holds_any(sql, comparison);
	PartText	texts[CH_NPARTS];
	Difference	differences[CH_NPARTS];
	bool		is_changed = false;

	for (int i = 0; i < CH_NPARTS; i++)
	{
		part_text(stage, (ChPart) i, &texts[i]);
		differences[i] = compare(sql, comparison, &texts[i]);
	}
	for (int i = 0; i < CH_NPARTS && is_known; i++)
		if (i != CH_PART_STATISTICS && (differences[i].is_lost || differences[i].is_found))
			ch_drift_record(sql, comparison, (ChPart) i);
	for (int i = 0; i < CH_NPARTS; i++)
	{
		if (!differences[i].is_lost && !differences[i].is_found)
			continue;
		write_difference(sql, comparison, &texts[i], differences[i]);
		is_changed = true;
	}
	return is_changed;
}

/* Was the connector discovered whole before?  Note that it is discovered now. */
static bool
note_discovery(const ChConnector *connector, bool is_whole)
{
	ChSql		sql;
	bool		was_whole;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, &connector->id);
	ch_sql_run(&sql, "SELECT last_discovered_at IS NOT NULL FROM connhub_catalog.connector WHERE id = $1");
	was_whole = answer(&sql, 1);
	ch_sql_uuid(&sql, &connector->id);
	ch_sql_run(&sql, is_whole ?
			   "INSERT INTO connhub_catalog.discovery AS d (connector_id, serial, finished_at)"
			   " VALUES ($1, 1, clock_timestamp()) ON CONFLICT (connector_id) DO UPDATE SET serial = d.serial + 1,"
			   " started_at = NULL, finished_at = EXCLUDED.finished_at, failure = NULL" :
			   "UPDATE connhub_catalog.discovery SET serial = serial + 1 WHERE connector_id = $1");
	ch_sql_end(&sql);
	if (is_whole)
		ch_connector_record_discovery(&connector->id);
	return was_whole;
}

/* A nested loop over what no statistics tell of could take for ever, and nothing here is worth compiling. */
static int
plan_plainly(void)
{
	int			level = NewGUCNestLevel();

	(void) set_config_option("enable_nestloop", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return level;
}

void
ch_apply(const ChConnector *connector, ChCollection *collection, const char *schema_pattern,
		 const char *table_pattern, ChDiscovery *result)
{
	ChStage    *stage = ch_stage_create(connector, schema_pattern, table_pattern);
	ChComparison comparison = {
		.connector = connector,
		.schema_pattern = schema_pattern,
		.table_pattern = table_pattern,
		.discovered_at = GetCurrentTimestamp(),
	};
	int			level;
	ChSql		sql;
	bool		is_changed;

	ch_collection_replay(collection, ch_stage_sink(stage));
	comparison.was_whole = note_discovery(connector, schema_pattern == NULL && table_pattern == NULL);
	ch_sql_begin(&sql);
	level = plan_plainly();
	register_parts(stage);
	add_unannounced_schemas(&sql, stage);
	is_changed = apply_parts(&sql, &comparison, stage);
	AtEOXact_GUC(false, level);
	ch_sql_end(&sql);
	*result = *ch_stage_counts(stage);
	ch_stage_free(stage);
	ch_drift_tell(&comparison);
	if (is_changed)
		ch_connector_forget_plans(ch_connector_get(&connector->id, false));
}
