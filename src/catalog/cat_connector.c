/* catalog/cat_connector.c — connectors: name or id → ChConnector, and who may do what with one.
 *
 * Assumes that callers hold no right on the tables.  A connector that was deleted is not found here,
 * whoever asks. */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/reloptions.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_server.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "catalog/cat_cache.h"
#include "catalog/cat_connector.h"
#include "catalog/cat_limit.h"
#include "catalog/cat_remote.h"
#include "catalog/cat_tenant.h"
#include "catalog/cat_type.h"
#include "catalog/catalog.h"
#include "common/compat.h"
#include "common/error.h"

typedef struct ConnectorEntry
{
	pg_uuid_t	id;				/* hash key, must be first */
	ChConnector connector;
	Oid			server;
} ConnectorEntry;

static ChCache connector_cache = {
	.name = "connhub connectors",
	.relations = {"connector", "connector_type"},
	.servers = true,
	.control = {.keysize = sizeof(pg_uuid_t), .entrysize = sizeof(ConnectorEntry)},
	.flags = HASH_BLOBS,
};

/* A foreign server that names a connector. */
typedef struct ServerFact
{
	Oid			server;
	Oid			owner;
	NameData	name;
} ServerFact;

typedef struct ServerEntry
{
	pg_uuid_t	connector;		/* hash key, must be first; the nil id marks that all were loaded */
	List	   *servers;		/* of ServerFact */
} ServerEntry;

static ChCache server_cache = {
	.name = "connhub servers",
	.servers = true,
	.control = {.keysize = sizeof(pg_uuid_t), .entrysize = sizeof(ServerEntry)},
	.flags = HASH_BLOBS,
};

static const ServerFact *server_get(const pg_uuid_t *id, const char *name);

const char *const ch_ssl_mode_names[4] = {
	[CONNHUB_SSL_DISABLE] = "disable",
	[CONNHUB_SSL_REQUIRE] = "require",
	[CONNHUB_SSL_VERIFY_CA] = "verify-ca",
	[CONNHUB_SSL_VERIFY_FULL] = "verify-full",
};

void
ch_connector_cache_init(void)
{
	ch_tenant_cache_init();
	ch_type_cache_init();
	ch_cache_register(&connector_cache);
	ch_cache_register(&server_cache);
	ch_remote_cache_init();
	ch_limit_cache_init();
}

ConnhubSslMode
ch_ssl_mode_parse(const char *name)
{
	const char *closest;

	for (int i = 0; i < lengthof(ch_ssl_mode_names); i++)
	{
		if (strcmp(name, ch_ssl_mode_names[i]) == 0)
			return (ConnhubSslMode) i;
	}
	closest = ch_closest(name, ch_ssl_mode_names, lengthof(ch_ssl_mode_names));
	ereport(ERROR,
			(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
			 errmsg("invalid ssl_mode \"%s\"", name),
			 errdetail("It is one of disable, require, verify-ca and verify-full."),
			 closest != NULL ? errhint("Perhaps you meant \"%s\".", closest) : 0));
	return CONNHUB_SSL_DISABLE;
}

static char *
text_or_null(const Datum *values, const bool *nulls, int attribute)
{
	return nulls[attribute - 1] ? NULL : TextDatumGetCString(values[attribute - 1]);
}

static void
connector_fill(ChConnector *connector, TupleDesc descriptor, HeapTuple tuple)
{
	Datum		values[Natts_ch_connector];
	bool		nulls[Natts_ch_connector];
	ChOptionSet options;
	const ChType *type;

#define ATTRIBUTE(column) Anum_ch_connector_##column
#define VALUE(column) values[ATTRIBUTE(column) - 1]
#define TEXT(column) text_or_null(values, nulls, ATTRIBUTE(column))
	heap_deform_tuple(tuple, descriptor, values, nulls);
	memset(connector, 0, sizeof(*connector));
	connector->id = *DatumGetUUIDP(VALUE(id));
	connector->tenant_id = *DatumGetUUIDP(VALUE(tenant_id));
	connector->name = TEXT(name);
	connector->type = TEXT(type);
	connector->owner = DatumGetObjectId(VALUE(owner));
	connector->host = TEXT(host);
	connector->database = TEXT(database);
	connector->schema = TEXT(schema);
	connector->username = TEXT(username);
	connector->ssl_mode = ch_ssl_mode_parse(TEXT(ssl_mode));
	connector->enabled = DatumGetBool(VALUE(enabled));
	connector->status = TEXT(status);
	connector->config_version = DatumGetInt64(VALUE(config_version));
	connector->secret_version = DatumGetInt64(VALUE(secret_version));
	connector->product = TEXT(source_product);
	connector->version_num = nulls[ATTRIBUTE(source_version_num) - 1] ? 0 :
		DatumGetInt32(VALUE(source_version_num));
	connector->flags = (uint64) DatumGetInt64(VALUE(source_flags));
	options = ch_options_from_jsonb(DatumGetJsonbP(VALUE(options)));
	connector->options = options.items;
	connector->noptions = options.count;

	/* A dump may be restored where the driver is missing or not registered: asking for one of the type's
	 * name says what to do about it. */
	type = ch_type_get(connector->type, true);
	connector->driver = pstrdup(type != NULL ? type->driver : connector->type);
	connector->port = !nulls[ATTRIBUTE(port) - 1] ? DatumGetInt32(VALUE(port)) :
		type != NULL ? type->default_port : 0;
#undef ATTRIBUTE
#undef VALUE
#undef TEXT
}

static ConnectorEntry *
entry_get(const pg_uuid_t *id)
{
	HTAB	   *entries = ch_cache_entries(&connector_cache);
	MemoryContext context = connector_cache.context;
	ConnectorEntry *entry = hash_search(entries, id, HASH_FIND, NULL);
	const ServerFact *server;
	ChConnector connector;
	ScanKeyData key;
	ChScan		scan;
	HeapTuple	tuple;
	bool		live = false;

	if (entry != NULL)
		return entry;

	ch_scan_key_uuid(&key, Anum_ch_connector_id, id);
	ch_scan_begin(&scan, "connector", "connector_pkey", 1, &key);
	tuple = ch_scan_next(&scan);
	if (HeapTupleIsValid(tuple))
	{
		TupleDesc	descriptor = RelationGetDescr(scan.relation);

		live = heap_attisnull(tuple, Anum_ch_connector_deleted_at, descriptor);
		if (live)
		{
			MemoryContext before = MemoryContextSwitchTo(context);

			connector_fill(&connector, descriptor, tuple);
			MemoryContextSwitchTo(before);
		}
	}
	ch_scan_end(&scan);
	if (!live)
		return NULL;

	/* A connector belongs to whom its server belongs to: REASSIGN OWNED and ALTER SERVER ... OWNER TO
	 * know of the server only.  The column tells while there is none. */
	server = server_get(id, ch_tenant_is_default(&connector.tenant_id) ? connector.name : ch_uuid_text(id));
	if (server != NULL)
		connector.owner = server->owner;

	/* An invalidation accepted meanwhile has only marked the generation: it is still there. */
	entry = hash_search(entries, id, HASH_ENTER, NULL);
	entry->connector = connector;
	entry->server = server != NULL ? server->server : InvalidOid;
	return entry;
}

const ChConnector *
ch_connector_get(const pg_uuid_t *id, bool missing_ok)
{
	ConnectorEntry *entry = entry_get(id);

	if (entry == NULL && !missing_ok)
		ereport(ERROR,
				(errcode(ERRCODE_CH_UNKNOWN_CONNECTOR),
				 errmsg("connector with id %s does not exist", ch_uuid_text(id)),
				 errhint("It may have been deleted; SELECT name, id FROM connhub.connectors() lists those there are.")));
	return entry == NULL ? NULL : &entry->connector;
}

/* The id of the connector of a name in a tenant. */
static bool
find_by_name(const pg_uuid_t *tenant, const char *name, pg_uuid_t *id)
{
	ScanKeyData keys[2];
	ChScan		scan;
	HeapTuple	tuple;
	bool		found;

	ch_scan_key_uuid(&keys[0], Anum_ch_connector_tenant_id, tenant);
	ch_scan_key_text(&keys[1], Anum_ch_connector_name, name);
	ch_scan_begin(&scan, "connector", "connector_name_key", 2, keys);
	tuple = ch_scan_next(&scan);
	found = HeapTupleIsValid(tuple);
	if (found)
	{
		bool		isnull;

		*id = *DatumGetUUIDP(heap_getattr(tuple, Anum_ch_connector_id,
										  RelationGetDescr(scan.relation), &isnull));
	}
	ch_scan_end(&scan);
	return found;
}

/* Name of a connector of the tenant that the user may see and that is closest to `name`, or NULL. */
static const char *
closest_name(const pg_uuid_t *tenant, const char *name, Oid user)
{
	const char *names[512];
	pg_uuid_t	ids[lengthof(names)];
	int			nids = 0;
	int			nnames = 0;
	ScanKeyData key;
	ChScan		scan;
	HeapTuple	tuple;

	ch_scan_key_uuid(&key, Anum_ch_connector_tenant_id, tenant);
	ch_scan_begin(&scan, "connector", "connector_name_key", 1, &key);
	while (nids < lengthof(ids) && HeapTupleIsValid(tuple = ch_scan_next(&scan)))
	{
		bool		isnull;

		ids[nids++] = *DatumGetUUIDP(heap_getattr(tuple, Anum_ch_connector_id,
												  RelationGetDescr(scan.relation), &isnull));
	}
	ch_scan_end(&scan);
	for (int i = 0; i < nids; i++)
	{
		const ChConnector *connector = ch_connector_get(&ids[i], true);

		if (connector != NULL && ch_connector_may_see(connector, user))
			names[nnames++] = connector->name;
	}
	return ch_closest(name, names, nnames);
}

const ChConnector *
ch_connector_require(const char *name_or_id)
{
	const ChConnector *connector = NULL;
	const char *closest = NULL;
	pg_uuid_t	tenant;
	pg_uuid_t	id;
	bool		is_id = ch_uuid_parse(name_or_id, &id);

	/* A name is looked up in one tenant, so that what others have costs nothing and changes nothing. */
	AcceptInvalidationMessages();
	if (!is_id)
		ch_tenant_current(&tenant);
	if (is_id || find_by_name(&tenant, name_or_id, &id))
		connector = ch_connector_get(&id, true);
	if (connector != NULL && ch_connector_may_see(connector, GetUserId()))
		return connector;

	if (!is_id)
		closest = closest_name(&tenant, name_or_id, GetUserId());
	ereport(ERROR,
			(errcode(ERRCODE_CH_UNKNOWN_CONNECTOR),
			 errmsg("connector \"%s\" does not exist", name_or_id),
			 closest != NULL
			 ? errhint("Perhaps you meant the connector \"%s\".", closest)
			 : errhint("SELECT name, id FROM connhub.connectors() lists those you may use.")));
	return NULL;
}

/* The id in the options of a foreign server. */
static bool
server_connector_id(List *options, pg_uuid_t *id)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, CH_SERVER_OPTION) == 0)
			return ch_uuid_parse(defGetString(option), id);
	}
	return false;
}

/* Refuse what leads to a connector by its id.  Only who may see the connector learns that it is there. */
static void
refuse_id(const char *kind, const char *name, const pg_uuid_t *id, const ChConnector *connector)
{
	if (connector != NULL && ch_connector_may_see(connector, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("owner of %s \"%s\" may not use its connector", kind, name),
				 errhint("Give the connector to the same owner with connhub.set_owner(), or make the owner a member of "
						 "its tenant with connhub.grant_tenant().")));
	ereport(ERROR,
			(errcode(ERRCODE_CH_UNKNOWN_CONNECTOR),
			 errmsg("connector of %s \"%s\" does not exist", kind, name),
			 errdetail("Connector %s was deleted, its row was not restored from the dump, or the owner of the %s may not use it.",
					   ch_uuid_text(id), kind),
			 errhint("Restore the data of the dump, or drop the server with its foreign tables and attach them anew.")));
}

/* A server or table that was made while its owner was a member must not outlive the membership.  In the default tenant
 * the rights on the objects alone decide. */
void
ch_connector_require_table(const ChConnector *connector, Oid table)
{
	HeapTuple	tuple;
	Oid			owner;

	if (ch_tenant_is_default(&connector->tenant_id))
		return;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", table);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	if (!ch_tenant_is_open(&connector->tenant_id, owner) ||
		!ch_tenant_may_own(&connector->tenant_id, connector->owner))
		refuse_id("foreign table", get_rel_name(table), &connector->id, connector);
}

const ChConnector *
ch_connector_of_server(Oid server_oid)
{
	ForeignServer *server = GetForeignServer(server_oid);
	const ChConnector *connector;
	pg_uuid_t	id;

	if (!server_connector_id(server->options, &id))
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("server \"%s\" names no connector", server->servername),
				 errhint("Its option \"%s\" must hold the id of a connector; connhub.create_connector() "
						 "makes a server of its own.", CH_SERVER_OPTION)));
	connector = ch_connector_get(&id, true);

	/* Whoever owns a server may change its options, but not borrow another's connector by that. */
	if (connector == NULL || !ch_connector_may_manage(connector, server->owner))
		refuse_id("server", server->servername, &id, connector);
	return connector;
}

const ChConnector *
ch_connector_of_server_for(Oid server, Oid user)
{
	const ChConnector *connector = ch_connector_of_server(server);

	if (!ch_connector_may_use(connector, user))
		refuse_id("server", GetForeignServer(server)->servername, &connector->id, connector);
	return connector;
}

/* Read every server of the wrapper: there are about as many as connectors. */
static void
servers_load(HTAB *entries, MemoryContext context)
{
	Relation	relation = table_open(ForeignServerRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	Oid			wrapper = get_foreign_data_wrapper_oid(CH_FDW, true);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_foreign_server form = (Form_pg_foreign_server) GETSTRUCT(tuple);
		bool		isnull;
		Datum		options = heap_getattr(tuple, Anum_pg_foreign_server_srvoptions,
										   RelationGetDescr(relation), &isnull);
		ServerEntry *entry;
		ServerFact *fact;
		pg_uuid_t	id;
		MemoryContext before;
		bool		found;

		if (isnull || form->srvfdw != wrapper ||
			!server_connector_id(untransformRelOptions(options), &id))
			continue;
		entry = hash_search(entries, &id, HASH_ENTER, &found);
		if (!found)
			entry->servers = NIL;
		before = MemoryContextSwitchTo(context);
		fact = palloc(sizeof(ServerFact));
		fact->server = form->oid;
		fact->owner = form->srvowner;
		fact->name = form->srvname;
		entry->servers = lappend(entry->servers, fact);
		MemoryContextSwitchTo(before);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

/* The server of a name, if it names the connector: most have one of their own, and it takes no look at all the others, which
 * each change of a server would make necessary again. */
static const ServerFact *
server_of_name(const pg_uuid_t *id, const char *name)
{
	Oid			oid = get_foreign_server_oid(name, true);
	ForeignServer *server = OidIsValid(oid) ? GetForeignServer(oid) : NULL;
	ServerFact *fact;
	pg_uuid_t	named;

	if (server == NULL || server->fdwid != get_foreign_data_wrapper_oid(CH_FDW, true) ||
		!server_connector_id(server->options, &named) || memcmp(&named, id, sizeof(named)) != 0)
		return NULL;
	fact = palloc(sizeof(ServerFact));
	fact->server = oid;
	fact->owner = server->owner;
	namestrcpy(&fact->name, server->servername);
	return fact;
}

/* The server of a connector, or NULL.  Administrators may have made copies by hand: the one of the name that it was
 * made with comes first, then the oldest. */
static const ServerFact *
server_get(const pg_uuid_t *id, const char *name)
{
	static const pg_uuid_t nil;
	HTAB	   *entries;
	const ServerFact *best;
	ServerEntry *entry;
	ListCell   *cell;

	best = server_of_name(id, name);
	if (best != NULL)
		return best;
	entries = ch_cache_entries(&server_cache);
	if (hash_search(entries, &nil, HASH_FIND, NULL) == NULL)
	{
		servers_load(entries, server_cache.context);
		entry = hash_search(entries, &nil, HASH_ENTER, NULL);
		entry->servers = NIL;
	}
	entry = hash_search(entries, id, HASH_FIND, NULL);
	if (entry == NULL)
		return NULL;
	foreach(cell, entry->servers)
	{
		const ServerFact *fact = lfirst(cell);

		if (strcmp(NameStr(fact->name), name) == 0)
			return fact;
		if (best == NULL || fact->server < best->server)
			best = fact;
	}
	return best;
}

Oid
ch_connector_server(const ChConnector *connector)
{
	ConnectorEntry *entry = entry_get(&connector->id);

	return entry == NULL ? InvalidOid : entry->server;
}

Oid
ch_connector_find_server(const pg_uuid_t *id, const char *name, Oid *owner)
{
	const ServerFact *server = server_get(id, name);

	if (server == NULL)
		return InvalidOid;
	*owner = server->owner;
	return server->server;
}

const char *
ch_connector_option(const ChConnector *connector, const char *name)
{
	const ChType *type;
	const ConnhubOptionSpec *spec;

	for (int i = 0; i < connector->noptions; i++)
	{
		if (strcmp(connector->options[i].name, name) == 0)
			return connector->options[i].value;
	}
	type = ch_type_get(connector->type, true);
	spec = type == NULL ? NULL : ch_option_find(type, name);
	return spec == NULL ? NULL : spec->default_value;
}

static void pg_attribute_noreturn()
raise_unfit(const ChConnector *connector, const char *name, const char *kind)
{
	ereport(ERROR,
			(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
			 errmsg("option \"%s\" of connector \"%s\" is not %s", name, connector->name, kind),
			 errhint("Set it again with connhub.update_connector().")));
}

int64
ch_connector_option_ms(const ChConnector *connector, const char *name)
{
	const char *value = ch_connector_option(connector, name);
	int64		ms = 0;

	if (value != NULL && !ch_duration_parse(value, &ms))
		raise_unfit(connector, name, "a duration");
	return ms;
}

int
ch_connector_option_integer(const ChConnector *connector, const char *name)
{
	const char *value = ch_connector_option(connector, name);
	int			number = 0;

	if (value != NULL && !parse_int(value, &number, 0, NULL))
		raise_unfit(connector, name, "an integer");
	return number;
}

bool
ch_connector_option_bool(const ChConnector *connector, const char *name)
{
	const char *value = ch_connector_option(connector, name);
	bool		is_set = false;

	if (value != NULL && !parse_bool(value, &is_set))
		raise_unfit(connector, name, "a boolean");
	return is_set;
}

void
ch_connector_source(const ChConnector *connector, ConnhubSource *source)
{
	memset(source, 0, sizeof(*source));
	source->struct_size = sizeof(*source);
	source->type = connector->type;
	source->product = connector->product == NULL ? "" : connector->product;
	source->version_num = connector->version_num;
	source->flags = connector->flags;
	source->schema = connector->schema;
	source->options = connector->options;
	source->noptions = connector->noptions;
}

bool
ch_connector_may_manage(const ChConnector *connector, Oid user)
{
	if (ch_tenant_level(&connector->tenant_id, user) >= CH_LEVEL_ADMIN)
		return true;
	return (ch_tenant_is_default(&connector->tenant_id) || ch_tenant_may_own(&connector->tenant_id, user)) &&
		has_privs_of_role(user, connector->owner);
}

bool
ch_connector_may_use(const ChConnector *connector, Oid user)
{
	Oid			server;

	if (ch_connector_may_manage(connector, user))
		return true;
	if (!ch_tenant_is_open(&connector->tenant_id, user))
		return false;
	server = ch_connector_server(connector);
	return OidIsValid(server) && ch_compat_server_usable(server, user);
}

bool
ch_connector_may_see(const ChConnector *connector, Oid user)
{
	return ch_tenant_level(&connector->tenant_id, user) >= CH_LEVEL_READER || ch_connector_may_use(connector, user);
}

void
ch_connector_require_manage(const ChConnector *connector)
{
	if (!ch_connector_may_manage(connector, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for connector \"%s\"", connector->name),
				 errhint("Only its owner, admins of its tenant and members of connhub_admin may do this.")));
}
