/* discover_sql.c — the catalogue queries.
 *
 * Each result column has a fixed place that discover.c knows.  $1 is the schema pattern, $2 the table
 * pattern, null for all.  Rows of one table follow each other.  Nothing here waits for a table's lock:
 * sizes of tables that someone rebuilds are taken from the catalogue. */
#include "pg.h"

/* A cast of each parameter in the first place it is used gives it its type. */
#define SCHEMA_FILTER \
	"CASE WHEN $1::text IS NULL THEN n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' " \
	"ELSE n.nspname LIKE $1 END "
#define TABLE_FILTER \
	"AND ($2::text IS NULL OR c.relname LIKE $2) AND c.relkind IN ('r', 'v', 'm', 'f', 'p') AND NOT c.relispartition "
#define OF_TABLES \
	"FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "

/* "C" for every name of it; nothing where the type has no collation. */
#define COLLATION \
	"CASE WHEN a.attcollation = 0 THEN NULL " \
	"WHEN a.attcollation = 100 THEN (SELECT CASE WHEN d.datcollate IN ('C', 'POSIX') " \
	"AND COALESCE(pg_catalog.to_jsonb(d) ->> 'datlocprovider', 'c') = 'c' THEN 'C' " \
	"ELSE COALESCE(pg_catalog.to_jsonb(d) ->> 'datlocale', pg_catalog.to_jsonb(d) ->> 'daticulocale', d.datcollate) END " \
	"FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) " \
	"WHEN l.collname IN ('C', 'POSIX', 'ucs_basic') THEN 'C' " \
	"ELSE l.collname || CASE WHEN pg_catalog.to_jsonb(l) ->> 'collisdeterministic' = 'false' " \
	"THEN ' (nondeterministic)' ELSE '' END END "

static const char postgresql_schemas[] =
	"SELECT n.nspname, pg_catalog.obj_description(n.oid, 'pg_namespace') "
	"FROM pg_catalog.pg_namespace n WHERE " SCHEMA_FILTER "AND $2::text IS NOT DISTINCT FROM $2::text ORDER BY 1";

static const char postgresql_tables[] =
	"SELECT n.nspname, c.relname, c.relkind, pg_catalog.obj_description(c.oid, 'pg_class'), "
	"CASE WHEN c.relkind IN ('v', 'f') AND c.reltuples <= 0 OR c.relpages = 0 AND c.reltuples <= 0 THEN -1 "
	"ELSE c.reltuples END, "
	"CASE WHEN c.relkind NOT IN ('r', 'm') THEN -1 "
	"WHEN c.oid IN (SELECT k.relation FROM pg_catalog.pg_locks k WHERE k.mode = 'AccessExclusiveLock' "
	"AND k.relation IS NOT NULL) THEN c.relpages::bigint * pg_catalog.current_setting('block_size')::bigint "
	"ELSE COALESCE(pg_catalog.pg_relation_size(c.oid), -1) END "
	OF_TABLES "WHERE " SCHEMA_FILTER TABLE_FILTER "ORDER BY c.oid";

/* A domain is followed to its base, which is an array or not. */
static const char postgresql_columns[] =
	"WITH RECURSIVE base AS ("
	"SELECT t.oid, t.typbasetype AS base, t.typtypmod AS typmod FROM pg_catalog.pg_type t WHERE t.typtype = 'd' "
	"UNION ALL SELECT b.oid, t.typbasetype, CASE WHEN b.typmod >= 0 THEN b.typmod ELSE t.typtypmod END "
	"FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.base WHERE t.typtype = 'd'), "
	"domains AS (SELECT b.oid, b.base, b.typmod FROM base b "
	"JOIN pg_catalog.pg_type t ON t.oid = b.base WHERE t.typtype <> 'd') "
	"SELECT n.nspname, c.relname, a.attname, a.attnum, pg_catalog.format_type(a.atttypid, a.atttypmod), "
	"COALESCE(e.oid, t.oid), (e.oid IS NOT NULL)::text, COALESCE(NULLIF(a.atttypmod, -1), m.typmod, -1), "
	"(a.attnotnull OR y.typnotnull)::text, (pg_catalog.to_jsonb(a) ->> 'attgenerated' > '')::text, "
	"CASE WHEN pg_catalog.to_jsonb(a) ->> 'attidentity' > '' THEN 'GENERATED ' || "
	"CASE pg_catalog.to_jsonb(a) ->> 'attidentity' WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END || ' AS IDENTITY' "
	"ELSE pg_catalog.pg_get_expr(d.adbin, d.adrelid) END, x.description, " COLLATION
	OF_TABLES
	"JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
	"JOIN pg_catalog.pg_type y ON y.oid = a.atttypid "
	"LEFT JOIN domains m ON m.oid = a.atttypid "
	"JOIN pg_catalog.pg_type t ON t.oid = COALESCE(m.base, a.atttypid) "
	"LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typlen = -1 AND e.typarray = t.oid "
	"LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum "
	"LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation "
	"LEFT JOIN pg_catalog.pg_description x ON x.objoid = c.oid AND x.objsubid = a.attnum "
	"AND x.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass "
	"WHERE " SCHEMA_FILTER TABLE_FILTER "ORDER BY c.oid, a.attnum";

static const char postgresql_keys[] =
	"SELECT n.nspname, c.relname, k.conname, k.contype, a.attname, rn.nspname, r.relname, ra.attname "
	OF_TABLES
	"JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype IN ('p', 'u', 'f') "
	"CROSS JOIN LATERAL pg_catalog.generate_subscripts(k.conkey, 1) i "
	"JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[i] "
	"LEFT JOIN pg_catalog.pg_class r ON r.oid = k.confrelid "
	"LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace "
	"LEFT JOIN pg_catalog.pg_attribute ra ON ra.attrelid = k.confrelid AND ra.attnum = k.confkey[i] "
	"WHERE " SCHEMA_FILTER TABLE_FILTER "ORDER BY c.oid, k.oid, i";

static const char postgresql_indexes[] =
	"SELECT n.nspname, c.relname, i.relname, x.indisunique::text, m.amname, "
	"COALESCE(a.attname, pg_catalog.pg_get_indexdef(x.indexrelid, s, true)), "
	"pg_catalog.pg_get_expr(x.indpred, x.indrelid) "
	OF_TABLES
	"JOIN pg_catalog.pg_index x ON x.indrelid = c.oid AND x.indisvalid "
	"JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid "
	"JOIN pg_catalog.pg_am m ON m.oid = i.relam "
	"CROSS JOIN LATERAL pg_catalog.generate_series(1, COALESCE((pg_catalog.to_jsonb(x) ->> 'indnkeyatts')::int, "
	"x.indnatts)) s "
	"LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[s - 1] AND a.attnum <> 0 "
	"WHERE " SCHEMA_FILTER TABLE_FILTER "ORDER BY c.oid, i.oid, s";

/* Values are text; those of array columns would run together and are left out. */
static const char postgresql_stats[] =
	"SELECT n.nspname, c.relname, p.attname, p.null_frac, p.n_distinct, p.avg_width, p.correlation, "
	"CASE WHEN pg_catalog.array_ndims(p.common) = 1 AND "
	"pg_catalog.array_length(p.common, 1) = pg_catalog.array_length(p.most_common_freqs, 1) THEN "
	"(SELECT pg_catalog.json_agg(pg_catalog.json_build_array(u.value, u.frequency) ORDER BY u.frequency DESC, u.value)::text "
	"FROM ROWS FROM (pg_catalog.unnest(p.common), pg_catalog.unnest(p.most_common_freqs)) u(value, frequency)) END, "
	"CASE WHEN pg_catalog.array_ndims(p.bounds) = 1 THEN pg_catalog.array_to_json(p.bounds)::text END "
	OF_TABLES
	"JOIN (SELECT s.*, s.most_common_vals::text::text[] AS common, s.histogram_bounds::text::text[] AS bounds "
	"FROM pg_catalog.pg_stats s) p ON p.schemaname = n.nspname AND p.tablename = c.relname "
	"AND p.inherited = (c.relkind = 'p') "
	"WHERE " SCHEMA_FILTER TABLE_FILTER "ORDER BY c.oid";

/* Redshift's own views; external tables are among them. */
#define REDSHIFT_SCHEMAS \
	"CASE WHEN $1::varchar IS NULL THEN s.table_schema NOT LIKE 'pg\\\\_%' AND s.table_schema <> 'information_schema' " \
	"ELSE s.table_schema LIKE $1 END AND ($2::varchar IS NULL OR s.table_name LIKE $2) "

static const char redshift_schemas[] =
	"SELECT DISTINCT s.table_schema::varchar, NULL FROM svv_tables s WHERE " REDSHIFT_SCHEMAS "ORDER BY 1";

static const char redshift_tables[] =
	"SELECT s.table_schema::varchar, s.table_name::varchar, CASE s.table_type WHEN 'VIEW' THEN 'v' "
	"WHEN 'EXTERNAL TABLE' THEN 'f' ELSE 'r' END, s.remarks::varchar, COALESCE(i.tbl_rows, -1), "
	"COALESCE(i.size * 1048576, -1) FROM svv_tables s LEFT JOIN svv_table_info i "
	"ON i.\"schema\" = s.table_schema AND i.\"table\" = s.table_name "
	"WHERE " REDSHIFT_SCHEMAS "ORDER BY 1, 2";

static const char redshift_columns[] =
	"SELECT s.table_schema::varchar, s.table_name::varchar, s.column_name::varchar, s.ordinal_position, "
	"s.data_type::varchar, 0, 'false', "
	"CASE WHEN s.data_type = 'numeric' AND s.numeric_precision IS NOT NULL "
	"THEN s.numeric_precision * 65536 + s.numeric_scale + 4 "
	"WHEN s.data_type LIKE 'character%' AND s.character_maximum_length IS NOT NULL "
	"THEN s.character_maximum_length + 4 ELSE -1 END, "
	"CASE s.is_nullable WHEN 'NO' THEN 'true' ELSE 'false' END, 'false', s.column_default::varchar, "
	"s.remarks::varchar, NULL FROM svv_columns s WHERE " REDSHIFT_SCHEMAS "ORDER BY 1, 2, 4";

const PgCatalogue pg_catalogues[PG_NTYPES] = {
	[PG_TYPE_POSTGRESQL] = {
		postgresql_schemas, postgresql_tables, postgresql_columns, postgresql_keys, postgresql_indexes,
		postgresql_stats
	},
	[PG_TYPE_REDSHIFT] = {redshift_schemas, redshift_tables, redshift_columns, NULL, NULL, NULL},
};
