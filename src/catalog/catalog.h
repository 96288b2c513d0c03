/* catalog/catalog.h — what the tables of schema connhub_catalog look like from C.
 *
 * Mirrors sql/install/30_tables.sql and 35_tenant_tables.sql, column for column.  Reads go
 * straight to the tables with an MVCC snapshot, so that a user who may read a foreign table need
 * hold no right on the catalogue behind it.  Writes go through SQL as the extension's owner, after
 * the api layer has checked the caller. */
#ifndef CH_CATALOG_CATALOG_H
#define CH_CATALOG_CATALOG_H

#include "access/genam.h"
#include "access/skey.h"
#include "utils/relcache.h"
#include "utils/uuid.h"

#define CH_SCHEMA			"connhub"
#define CH_CATALOG_SCHEMA	"connhub_catalog"
#define CH_FDW				"connhub"
#define CH_SERVER_OPTION	"connector"

#define CH_ROLE_ADMIN		"connhub_admin"
#define CH_ROLE_OPERATOR	"connhub_operator"
#define CH_ROLE_READER		"connhub_reader"

/* The tenant of those who are members of none. */
#define CH_DEFAULT_TENANT	"00000000-0000-0000-0000-000000000001"

enum ChAnumTier
{
	Anum_ch_tier_name = 1,
	Anum_ch_tier_rank,
	Anum_ch_tier_max_connectors,
	Anum_ch_tier_types,
	Anum_ch_tier_description,
	Natts_ch_tier = Anum_ch_tier_description
};

enum ChAnumTenant
{
	Anum_ch_tenant_id = 1,
	Anum_ch_tenant_name,
	Anum_ch_tenant_tier,
	Anum_ch_tenant_limits,
	Anum_ch_tenant_created_at,
	Natts_ch_tenant = Anum_ch_tenant_created_at
};

enum ChAnumTenantMember
{
	Anum_ch_tenant_member_tenant_id = 1,
	Anum_ch_tenant_member_role,
	Anum_ch_tenant_member_level,
	Anum_ch_tenant_member_granted_at,
	Natts_ch_tenant_member = Anum_ch_tenant_member_granted_at
};

enum ChAnumConnectorType
{
	Anum_ch_connector_type_name = 1,
	Anum_ch_connector_type_driver,
	Anum_ch_connector_type_category,
	Anum_ch_connector_type_description,
	Anum_ch_connector_type_version,
	Anum_ch_connector_type_default_port,
	Anum_ch_connector_type_flags,
	Anum_ch_connector_type_capabilities,
	Anum_ch_connector_type_features,
	Anum_ch_connector_type_tier,
	Anum_ch_connector_type_options,
	Anum_ch_connector_type_example,
	Natts_ch_connector_type = Anum_ch_connector_type_example
};

enum ChAnumConnector
{
	Anum_ch_connector_id = 1,
	Anum_ch_connector_tenant_id,
	Anum_ch_connector_name,
	Anum_ch_connector_type,
	Anum_ch_connector_owner,
	Anum_ch_connector_host,
	Anum_ch_connector_port,
	Anum_ch_connector_database,
	Anum_ch_connector_schema,
	Anum_ch_connector_username,
	Anum_ch_connector_ssl_mode,
	Anum_ch_connector_options,
	Anum_ch_connector_labels,
	Anum_ch_connector_enabled,
	Anum_ch_connector_status,
	Anum_ch_connector_config_version,
	Anum_ch_connector_secret_version,
	Anum_ch_connector_source_product,
	Anum_ch_connector_source_version,
	Anum_ch_connector_source_version_num,
	Anum_ch_connector_source_flags,
	Anum_ch_connector_last_discovered_at,
	Anum_ch_connector_created_at,
	Anum_ch_connector_updated_at,
	Anum_ch_connector_deleted_at,
	Natts_ch_connector = Anum_ch_connector_deleted_at
};

enum ChAnumRemoteSchema
{
	Anum_ch_remote_schema_connector_id = 1,
	Anum_ch_remote_schema_name,
	Anum_ch_remote_schema_comment,
	Natts_ch_remote_schema = Anum_ch_remote_schema_comment
};

enum ChAnumRemoteTable
{
	Anum_ch_remote_table_connector_id = 1,
	Anum_ch_remote_table_schema,
	Anum_ch_remote_table_name,
	Anum_ch_remote_table_kind,
	Anum_ch_remote_table_comment,
	Anum_ch_remote_table_rows,
	Anum_ch_remote_table_bytes,
	Natts_ch_remote_table = Anum_ch_remote_table_bytes
};

enum ChAnumRemoteColumn
{
	Anum_ch_remote_column_connector_id = 1,
	Anum_ch_remote_column_schema,
	Anum_ch_remote_column_table_name,
	Anum_ch_remote_column_position,
	Anum_ch_remote_column_name,
	Anum_ch_remote_column_remote_type,
	Anum_ch_remote_column_type,
	Anum_ch_remote_column_length,
	Anum_ch_remote_column_precision,
	Anum_ch_remote_column_scale,
	Anum_ch_remote_column_pg_type,
	Anum_ch_remote_column_pg_type_full,
	Anum_ch_remote_column_not_null,
	Anum_ch_remote_column_generated,
	Anum_ch_remote_column_default_value,
	Anum_ch_remote_column_comment,
	Anum_ch_remote_column_collation,
	Natts_ch_remote_column = Anum_ch_remote_column_collation
};

enum ChAnumRemoteStatistics
{
	Anum_ch_remote_statistics_connector_id = 1,
	Anum_ch_remote_statistics_schema,
	Anum_ch_remote_statistics_table_name,
	Anum_ch_remote_statistics_column_name,
	Anum_ch_remote_statistics_null_fraction,
	Anum_ch_remote_statistics_distinct_values,
	Anum_ch_remote_statistics_average_width,
	Anum_ch_remote_statistics_correlation,
	Anum_ch_remote_statistics_most_common,
	Anum_ch_remote_statistics_histogram,
	Natts_ch_remote_statistics = Anum_ch_remote_statistics_histogram
};

enum ChAnumRemoteKey
{
	Anum_ch_remote_key_connector_id = 1,
	Anum_ch_remote_key_schema,
	Anum_ch_remote_key_table_name,
	Anum_ch_remote_key_name,
	Anum_ch_remote_key_kind,
	Anum_ch_remote_key_columns,
	Anum_ch_remote_key_ref_schema,
	Anum_ch_remote_key_ref_table,
	Anum_ch_remote_key_ref_columns,
	Natts_ch_remote_key = Anum_ch_remote_key_ref_columns
};

enum ChAnumRemoteIndex
{
	Anum_ch_remote_index_connector_id = 1,
	Anum_ch_remote_index_schema,
	Anum_ch_remote_index_table_name,
	Anum_ch_remote_index_name,
	Anum_ch_remote_index_is_unique,
	Anum_ch_remote_index_method,
	Anum_ch_remote_index_columns,
	Anum_ch_remote_index_predicate,
	Natts_ch_remote_index = Anum_ch_remote_index_predicate
};

enum ChAnumConnectorLimit
{
	Anum_ch_connector_limit_connector_id = 1,
	Anum_ch_connector_limit_role,
	Anum_ch_connector_limit_rows,
	Anum_ch_connector_limit_bytes,
	Anum_ch_connector_limit_seconds,
	Anum_ch_connector_limit_calls,
	Natts_ch_connector_limit = Anum_ch_connector_limit_calls
};

/* Run SQL as the owner of the extension between these two, with search_path pg_catalog, pg_temp.
 * They nest and are undone by transaction abort. */
typedef struct ChAsOwner
{
	Oid			user;
	int			context;
	int			nest_level;
} ChAsOwner;

extern void ch_catalog_as_owner(ChAsOwner *saved);
extern void ch_catalog_as_before(const ChAsOwner *saved);

/* Version of the extension in this database. */
extern char *ch_catalog_extension_version(void);

/* Oid of a table or index of connhub_catalog; throws when the extension is not there. */
extern Oid	ch_catalog_relation(const char *name);

/* A scan of a table by its index, with a fresh snapshot: it sees what was committed, and what this
 * transaction wrote.  keys name table attributes. */
typedef struct ChScan
{
	Relation	relation;
	SysScanDesc scan;
} ChScan;

extern void ch_scan_begin(ChScan *scan, const char *table, const char *index, int nkeys, ScanKeyData *keys);
extern HeapTuple ch_scan_next(ChScan *scan);
extern void ch_scan_end(ChScan *scan);
extern void ch_scan_key_uuid(ScanKeyData *key, AttrNumber attribute, const pg_uuid_t *id);
extern void ch_scan_key_text(ScanKeyData *key, AttrNumber attribute, const char *text);

/* Is user a member of one of connhub's roles?  Superusers are members of all. */
extern bool ch_catalog_has_role(Oid user, const char *role);

/* uuid as text, palloc'd, and back; false when text is not one. */
extern char *ch_uuid_text(const pg_uuid_t *id);
extern bool ch_uuid_parse(const char *text, pg_uuid_t *id);

#endif
