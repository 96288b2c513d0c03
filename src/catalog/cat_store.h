/* catalog/cat_store.h — writing connectors and their foreign servers.
 *
 * Nothing here asks who the caller is: the api layer did.  Everything is part of the running
 * transaction. */
#ifndef CH_CATALOG_CAT_STORE_H
#define CH_CATALOG_CAT_STORE_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "catalog/cat_connector.h"

/* The connector of a name or id, locked against other changes until the transaction ends and read
 * again under the lock; the current user must be allowed to manage it. */
extern const ChConnector *ch_connector_lock(const char *name_or_id);

/* Keep the connector from being changed or deleted until the transaction ends; tests go on.  Throws when
 * it is gone.  Returns it as it is under the lock.  Whoever locks anything else of a connector does
 * this before. */
extern const ChConnector *ch_connector_share(const ChConnector *connector);

/* The softly deleted connector of an id, or of a name that no live one has in the tenant the caller works in, locked: id,
 * tenant, name and owner are filled.  The current user must be allowed to manage it. */
extern bool ch_connector_lock_deleted(const char *name_or_id, ChConnector *connector);

/* A new row, with status TESTING.  Throws when the name is taken. */
extern void ch_connector_insert(const ChConnector *connector, const Jsonb *options, const Jsonb *labels);

/* Configuration of an existing row; labels NULL: as they are.  config_version is stored as given. */
extern void ch_connector_store(const ChConnector *connector, const Jsonb *options, const Jsonb *labels);

extern void ch_connector_set_secret_version(const pg_uuid_t *id, int64 version);
extern void ch_connector_set_enabled(const pg_uuid_t *id, bool enabled);
extern void ch_connector_set_owner(const ChConnector *connector, Oid owner);

/* A status that is another one than before.  For health/fsm.c alone: ch_status_apply knows what follows what. */
extern void ch_connector_set_status(const pg_uuid_t *id, const char *status);

/* What a successful test found. */
extern void ch_connector_record_source(const pg_uuid_t *id, const ConnhubInfo *info);

/* Have the connector tested in the background as soon as may be. */
extern void ch_connector_test_soon(const pg_uuid_t *id);
extern void ch_connector_record_discovery(const pg_uuid_t *id);

extern void ch_connector_mark_deleted(const pg_uuid_t *id);
extern void ch_connector_remove(const pg_uuid_t *id);

/* The foreign server that stands for the connector: owned by its owner, named like it, or
 * name_<first 8 of id> when that is taken; outside the default tenant named by its id.  make creates it; ensure only unless
 * it is there. */
extern Oid	ch_connector_make_server(const ChConnector *connector);
extern Oid	ch_connector_ensure_server(const ChConnector *connector);
extern void ch_connector_rename_server(const ChConnector *connector, const char *old_name);
extern void ch_connector_drop_server(Oid server);

/* Make every backend plan again what was planned with the connector. */
extern void ch_connector_forget_plans(const ChConnector *connector);

typedef struct ChServerTable
{
	char	   *schema;
	char	   *name;
} ChServerTable;

/* The foreign tables of a server, in the order of schemas and names: ChServerTable. */
extern List *ch_server_tables(Oid server);

#endif
