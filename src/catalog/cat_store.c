/* catalog/cat_store.c — writing connectors and their foreign servers.
 *
 * Assumes that the caller was checked.  A unique index, not a look beforehand, decides between two
 * sessions that take one name. */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "foreign/foreign.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "catalog/cat_sql.h"
#include "catalog/cat_store.h"
#include "catalog/cat_tenant.h"
#include "catalog/cat_type.h"
#include "catalog/catalog.h"
#include "common/error.h"
#include "common/wake.h"

static void
deleted_meanwhile(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_CH_UNKNOWN_CONNECTOR),
			 errmsg("connector \"%s\" does not exist", name),
			 errdetail("It was deleted by another session just now."),
			 errhint("SELECT name, id FROM connhub.connectors() lists those you may use.")));
}

const ChConnector *
ch_connector_share(const ChConnector *connector)
{
	pg_uuid_t	id = connector->id;
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, &connector->id);
	if (ch_sql_run(&sql, "SELECT FROM connhub_catalog.connector"
				   " WHERE id = $1 AND deleted_at IS NULL FOR KEY SHARE") == 0)
		deleted_meanwhile(connector->name);
	ch_sql_end(&sql);
	AcceptInvalidationMessages();
	return ch_connector_get(&id, false);
}

const ChConnector *
ch_connector_lock(const char *name_or_id)
{
	const ChConnector *connector = ch_connector_require(name_or_id);
	pg_uuid_t	id = connector->id;
	ChSql		sql;

	ch_connector_require_manage(connector);
	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, &id);
	ch_sql_run(&sql, "SELECT FROM connhub_catalog.connector WHERE id = $1 FOR UPDATE");
	ch_sql_end(&sql);

	/* It may have been changed or deleted while we waited. */
	AcceptInvalidationMessages();
	connector = ch_connector_get(&id, true);
	if (connector == NULL)
		deleted_meanwhile(name_or_id);
	ch_connector_require_manage(connector);
	return connector;
}

bool
ch_connector_lock_deleted(const char *name_or_id, ChConnector *connector)
{
	pg_uuid_t	tenant;
	pg_uuid_t	id;
	bool		is_id = ch_uuid_parse(name_or_id, &id);
	ChSql		sql;
	bool		found;

	memset(connector, 0, sizeof(*connector));
	if (!is_id)
		ch_tenant_current(&tenant);
	ch_sql_begin(&sql);
	ch_sql_value(&sql, UUIDOID, UUIDPGetDatum(&id), !is_id);
	ch_sql_value(&sql, UUIDOID, UUIDPGetDatum(&tenant), is_id);
	ch_sql_text(&sql, name_or_id);
	found = ch_sql_run(&sql,
					   "SELECT c.id, c.tenant_id, c.owner::oid, c.name FROM connhub_catalog.connector AS c"
					   " WHERE c.deleted_at IS NOT NULL AND (c.id = $1 OR c.tenant_id = $2 AND c.name = $3"
					   " AND NOT EXISTS (SELECT FROM connhub_catalog.connector AS live"
					   " WHERE live.deleted_at IS NULL AND live.tenant_id = $2 AND live.name = $3))"
					   " ORDER BY c.deleted_at DESC LIMIT 1") > 0;
	if (found)
	{
		HeapTuple	tuple = SPI_tuptable->vals[0];
		TupleDesc	descriptor = SPI_tuptable->tupdesc;
		bool		isnull;

		connector->id = *DatumGetUUIDP(SPI_getbinval(tuple, descriptor, 1, &isnull));
		connector->tenant_id = *DatumGetUUIDP(SPI_getbinval(tuple, descriptor, 2, &isnull));
		connector->owner = DatumGetObjectId(SPI_getbinval(tuple, descriptor, 3, &isnull));
		connector->name = MemoryContextStrdup(sql.caller, SPI_getvalue(tuple, descriptor, 4));
	}
	ch_sql_end(&sql);
	if (found)
		(void) ch_connector_find_server(&connector->id, connector->name, &connector->owner);

	/* Whose it is not does not learn that it was there, by waiting for a lock neither. */
	if (!found || !ch_connector_may_manage(connector, GetUserId()))
		return false;
	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, &connector->id);
	found = ch_sql_run(&sql, "SELECT FROM connhub_catalog.connector WHERE id = $1 FOR UPDATE") > 0;
	ch_sql_end(&sql);
	return found;
}

static void
name_taken(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("connector \"%s\" already exists", name),
			 errhint("Choose another name, or change it with connhub.update_connector().")));
}

/* The stored port: null when it is the type's default. */
static void
port_argument(ChSql *sql, const ChConnector *connector)
{
	const ChType *type = ch_type_get(connector->type, true);

	ch_sql_value(sql, INT4OID, Int32GetDatum(connector->port),
				 connector->port == 0 || (type != NULL && connector->port == type->default_port));
}

void
ch_connector_insert(const ChConnector *connector, const Jsonb *options, const Jsonb *labels)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, &connector->id);
	ch_sql_uuid(&sql, &connector->tenant_id);
	ch_sql_text(&sql, connector->name);
	ch_sql_text(&sql, connector->type);
	ch_sql_value(&sql, OIDOID, ObjectIdGetDatum(connector->owner), false);
	ch_sql_text(&sql, connector->host);
	port_argument(&sql, connector);
	ch_sql_text(&sql, connector->database);
	ch_sql_text(&sql, connector->schema);
	ch_sql_text(&sql, connector->username);
	ch_sql_text(&sql, ch_ssl_mode_names[connector->ssl_mode]);
	ch_sql_value(&sql, JSONBOID, JsonbPGetDatum(options), false);
	ch_sql_value(&sql, JSONBOID, JsonbPGetDatum(labels), labels == NULL);
	if (ch_sql_run(&sql,
				   "INSERT INTO connhub_catalog.connector (id, tenant_id, name, type, owner, host, port,"
				   " database, schema, username, ssl_mode, options, labels, status)"
				   " VALUES ($1, $2, $3, $4, $5::regrole, $6, $7, $8, $9, $10, $11, $12,"
				   " coalesce($13, '{}'), 'TESTING')"
				   " ON CONFLICT (tenant_id, name) WHERE deleted_at IS NULL DO NOTHING") == 0)
		name_taken(connector->name);
	ch_sql_uuid(&sql, &connector->id);
	ch_sql_run(&sql, "INSERT INTO connhub_catalog.health (connector_id) VALUES ($1)");
	ch_sql_end(&sql);
	ch_wake_at_commit();
}

void
ch_connector_store(const ChConnector *connector, const Jsonb *options, const Jsonb *labels)
{
	ChSql		sql;

	/* A taken name must say so clearly; the unique index still decides a race. */
	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, &connector->tenant_id);
	ch_sql_text(&sql, connector->name);
	ch_sql_uuid(&sql, &connector->id);
	if (ch_sql_run(&sql, "SELECT FROM connhub_catalog.connector"
				   " WHERE tenant_id = $1 AND name = $2 AND deleted_at IS NULL AND id <> $3") > 0)
		name_taken(connector->name);

	ch_sql_uuid(&sql, &connector->id);
	ch_sql_text(&sql, connector->name);
	ch_sql_text(&sql, connector->host);
	port_argument(&sql, connector);
	ch_sql_text(&sql, connector->database);
	ch_sql_text(&sql, connector->schema);
	ch_sql_text(&sql, connector->username);
	ch_sql_text(&sql, ch_ssl_mode_names[connector->ssl_mode]);
	ch_sql_value(&sql, JSONBOID, JsonbPGetDatum(options), false);
	ch_sql_value(&sql, JSONBOID, JsonbPGetDatum(labels), labels == NULL);
	ch_sql_value(&sql, INT8OID, Int64GetDatum(connector->config_version), false);
	ch_sql_value(&sql, OIDOID, ObjectIdGetDatum(connector->owner), false);
	ch_sql_run(&sql,
			   "UPDATE connhub_catalog.connector SET name = $2, host = $3, port = $4, database = $5,"
			   " schema = $6, username = $7, ssl_mode = $8, options = $9,"
			   " labels = coalesce($10, labels), config_version = $11, owner = $12::regrole,"
			   " updated_at = now()"
			   " WHERE id = $1");
	ch_sql_end(&sql);
}

void
ch_connector_set_secret_version(const pg_uuid_t *id, int64 version)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, id);
	ch_sql_value(&sql, INT8OID, Int64GetDatum(version), false);
	ch_sql_run(&sql, "UPDATE connhub_catalog.connector SET secret_version = $2, updated_at = now()"
			   " WHERE id = $1");
	ch_sql_end(&sql);
}

void
ch_connector_set_enabled(const pg_uuid_t *id, bool enabled)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, id);
	ch_sql_value(&sql, BOOLOID, BoolGetDatum(enabled), false);
	ch_sql_run(&sql, "UPDATE connhub_catalog.connector SET enabled = $2, updated_at = now() WHERE id = $1");
	ch_sql_end(&sql);
}

void
ch_connector_set_status(const pg_uuid_t *id, const char *status)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, id);
	ch_sql_text(&sql, status);
	ch_sql_run(&sql, "UPDATE connhub_catalog.connector SET status = $2 WHERE id = $1");
	ch_sql_uuid(&sql, id);
	ch_sql_run(&sql, "UPDATE connhub_catalog.health SET since = clock_timestamp() WHERE connector_id = $1");
	ch_sql_end(&sql);
}

void
ch_connector_record_source(const pg_uuid_t *id, const ConnhubInfo *info)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, id);
	ch_sql_text(&sql, info->product);
	ch_sql_text(&sql, info->version);
	ch_sql_value(&sql, INT4OID, Int32GetDatum((int32) info->version_num), false);
	ch_sql_value(&sql, INT8OID, Int64GetDatum((int64) info->flags), false);
	ch_sql_run(&sql, "UPDATE connhub_catalog.connector SET source_product = $2, source_version = $3,"
			   " source_version_num = $4, source_flags = $5 WHERE id = $1");
	ch_sql_end(&sql);
}

void
ch_connector_test_soon(const pg_uuid_t *id)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, id);
	ch_sql_run(&sql, "UPDATE connhub_catalog.health SET next_due_at = now() WHERE connector_id = $1");
	ch_sql_end(&sql);
	ch_wake_at_commit();
}

void
ch_connector_record_discovery(const pg_uuid_t *id)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, id);
	ch_sql_run(&sql, "UPDATE connhub_catalog.connector SET last_discovered_at = clock_timestamp()"
			   " WHERE id = $1");
	ch_sql_end(&sql);
}

void
ch_connector_mark_deleted(const pg_uuid_t *id)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, id);
	ch_sql_run(&sql, "UPDATE connhub_catalog.connector SET enabled = false,"
			   " deleted_at = now() WHERE id = $1");
	ch_sql_end(&sql);
}

void
ch_connector_remove(const pg_uuid_t *id)
{
	/* Schemas go by their foreign key; tables and what hangs on them, and what background work writes, have none. */
	static const char *const statements[] = {
		"DELETE FROM connhub_catalog.remote_statistics WHERE connector_id = $1",
		"DELETE FROM connhub_catalog.remote_column WHERE connector_id = $1",
		"DELETE FROM connhub_catalog.remote_key WHERE connector_id = $1",
		"DELETE FROM connhub_catalog.remote_index WHERE connector_id = $1",
		"DELETE FROM connhub_catalog.remote_table WHERE connector_id = $1",
		"DELETE FROM connhub_catalog.health_check WHERE connector_id = $1",
		"DELETE FROM connhub_catalog.health_day WHERE connector_id = $1",
		"DELETE FROM connhub_catalog.event WHERE connector_id = $1",
		"DELETE FROM connhub_catalog.expiry_notice WHERE connector_id = $1",
		"DELETE FROM connhub_catalog.job WHERE subject = $1 AND state <> 'running'",
		"DELETE FROM connhub_catalog.connector WHERE id = $1",
	};
	ChSql		sql;

	ch_sql_begin(&sql);
	for (int i = 0; i < lengthof(statements); i++)
	{
		ch_sql_uuid(&sql, id);
		ch_sql_run(&sql, statements[i]);
	}
	ch_sql_end(&sql);
}

/* A server name that is free: the wanted one, else with the start of the id behind it.  Everybody can read the names of
 * servers, so that of a tenant's own tells nothing. */
static char *
free_server_name(const char *wanted, const pg_uuid_t *tenant, const pg_uuid_t *id)
{
	char	   *short_id;
	char	   *name;
	int			room = NAMEDATALEN - 1 - 9;

	if (!ch_tenant_is_default(tenant))
		return ch_uuid_text(id);
	if (!OidIsValid(get_foreign_server_oid(wanted, true)))
		return pstrdup(wanted);
	short_id = ch_uuid_text(id);
	short_id[8] = '\0';
	name = psprintf("%.*s_%s", pg_mbcliplen(wanted, strlen(wanted), room), wanted, short_id);
	if (!OidIsValid(get_foreign_server_oid(name, true)))
		return name;
	return ch_uuid_text(id);
}

static void
give_server(ChSql *sql, const char *server, Oid owner)
{
	ch_sql_run(sql, psprintf("ALTER SERVER %s OWNER TO %s", quote_identifier(server),
							 quote_identifier(GetUserNameFromId(owner, false))));
}

Oid
ch_connector_make_server(const ChConnector *connector)
{
	Oid			owner;
	char	   *name;
	ChSql		sql;

	name = free_server_name(connector->name, &connector->tenant_id, &connector->id);
	/* Its owner may be gone with the server. */
	owner = connector->owner;
	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(owner)))
		owner = GetUserId();
	ch_sql_begin(&sql);
	ch_sql_run(&sql, psprintf("CREATE SERVER %s FOREIGN DATA WRAPPER %s OPTIONS (%s '%s')",
							  quote_identifier(name), CH_FDW, CH_SERVER_OPTION,
							  ch_uuid_text(&connector->id)));
	give_server(&sql, name, owner);
	ch_sql_end(&sql);
	return get_foreign_server_oid(name, false);
}

Oid
ch_connector_ensure_server(const ChConnector *connector)
{
	Oid			server = ch_connector_server(connector);

	return OidIsValid(server) ? server : ch_connector_make_server(connector);
}

void
ch_connector_rename_server(const ChConnector *connector, const char *old_name)
{
	Oid			server = ch_connector_server(connector);
	char	   *server_name;
	ChSql		sql;

	if (!OidIsValid(server))
		return;
	server_name = GetForeignServer(server)->servername;
	/* A server renamed by hand keeps its name. */
	if (strcmp(server_name, old_name) != 0)
		return;
	ch_sql_begin(&sql);
	ch_sql_run(&sql, psprintf("ALTER SERVER %s RENAME TO %s", quote_identifier(server_name),
							  quote_identifier(free_server_name(connector->name, &connector->tenant_id,
															   &connector->id))));
	ch_sql_end(&sql);
}

void
ch_connector_set_owner(const ChConnector *connector, Oid owner)
{
	Oid			server = ch_connector_server(connector);
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, &connector->id);
	ch_sql_value(&sql, OIDOID, ObjectIdGetDatum(owner), false);
	ch_sql_run(&sql, "UPDATE connhub_catalog.connector SET owner = $2::regrole, updated_at = now()"
			   " WHERE id = $1");
	if (OidIsValid(server))
		give_server(&sql, GetForeignServer(server)->servername, owner);
	ch_sql_end(&sql);
}

void
ch_connector_drop_server(Oid server)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_run(&sql, psprintf("DROP SERVER %s CASCADE",
							  quote_identifier(GetForeignServer(server)->servername)));
	ch_sql_end(&sql);
}

void
ch_connector_forget_plans(const ChConnector *connector)
{
	Oid			server = ch_connector_server(connector);
	Relation	relation;
	HeapTuple	tuple;

	if (!OidIsValid(server))
		return;

	/* As if its row had changed: plan caches watch pg_foreign_server. */
	relation = table_open(ForeignServerRelationId, AccessShareLock);
	tuple = SearchSysCache1(FOREIGNSERVEROID, ObjectIdGetDatum(server));
	if (HeapTupleIsValid(tuple))
	{
		CacheInvalidateHeapTuple(relation, tuple, NULL);
		ReleaseSysCache(tuple);
	}
	table_close(relation, AccessShareLock);

	/* Nothing was written, so the command counter would not move by itself, and a message left over
	 * forbids subtransactions. */
	(void) GetCurrentCommandId(true);
	CommandCounterIncrement();
}

static int
compare_tables(const ListCell *a, const ListCell *b)
{
	const ChServerTable *x = lfirst(a);
	const ChServerTable *y = lfirst(b);
	int			order = strcmp(x->schema, y->schema);

	return order != 0 ? order : strcmp(x->name, y->name);
}

List *
ch_server_tables(Oid server)
{
	Relation	relation = table_open(ForeignTableRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	List	   *tables = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_foreign_table form = (Form_pg_foreign_table) GETSTRUCT(tuple);
		ChServerTable *table;

		if (form->ftserver != server)
			continue;
		table = palloc(sizeof(ChServerTable));
		table->schema = get_namespace_name(get_rel_namespace(form->ftrelid));
		table->name = get_rel_name(form->ftrelid);
		if (table->schema != NULL && table->name != NULL)
			tables = lappend(tables, table);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	list_sort(tables, compare_tables);
	return tables;
}
