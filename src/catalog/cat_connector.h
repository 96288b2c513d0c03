/* catalog/cat_connector.h — connectors: name or id → ChConnector. */
#ifndef CH_CATALOG_CAT_CONNECTOR_H
#define CH_CATALOG_CAT_CONNECTOR_H

#include "utils/uuid.h"

#include "catalog/cat_option.h"
#include "connhub/driver.h"

/* A connector as configured.  Cached per backend and read-only; stays readable until the
 * transaction ends, though it may be out of date before. */
typedef struct ChConnector
{
	pg_uuid_t	id;
	pg_uuid_t	tenant_id;
	char	   *name;
	char	   *type;
	char	   *driver;			/* of the type */
	Oid			owner;			/* of its server; of the row while there is none */
	char	   *host;			/* NULLs as in the table */
	int			port;			/* the type's default filled in; 0: none */
	char	   *database;
	char	   *schema;
	char	   *username;
	ConnhubSslMode ssl_mode;
	ConnhubOption *options;		/* non-secret, as set, without defaults */
	int			noptions;
	bool		enabled;
	char	   *status;
	int64		config_version; /* raised by every change that matters for connecting */
	int64		secret_version; /* raised by every change of the credential; 0: none stored */

	/* From the last successful test. */
	char	   *product;
	int			version_num;
	uint64		flags;
} ChConnector;

/* The connector of an id.  missing_ok false: throws ERRCODE_CH_UNKNOWN_CONNECTOR. */
extern const ChConnector *ch_connector_get(const pg_uuid_t *id, bool missing_ok);

/* The connector a caller named by name, in the tenant they work in, or by id text.  Throws with the closest name
 * the caller may see. */
extern const ChConnector *ch_connector_require(const char *name_or_id);

/* The connector behind a foreign server: its server option "connector" holds the id. */
extern const ChConnector *ch_connector_of_server(Oid server);

/* The same, for a user who is about to own foreign tables of the server. */
extern const ChConnector *ch_connector_of_server_for(Oid server, Oid user);

/* Throws unless the owners of the foreign table and of the connector are members of its tenant. */
extern void ch_connector_require_table(const ChConnector *connector, Oid table);

/* The foreign server of a connector; InvalidOid when it was dropped. */
extern Oid	ch_connector_server(const ChConnector *connector);

/* The same from id and name alone, for a connector that was deleted; *owner is set when there is one. */
extern Oid	ch_connector_find_server(const pg_uuid_t *id, const char *name, Oid *owner);

/* Value of an option: as set, else the default of the type or of core; NULL when neither. */
extern const char *ch_connector_option(const ChConnector *connector, const char *name);

/* The same of a duration, an integer and a boolean: 0 or false when there is no value.  Throws when it is none of its
 * kind. */
extern int64 ch_connector_option_ms(const ChConnector *connector, const char *name);
extern int	ch_connector_option_integer(const ChConnector *connector, const char *name);
extern bool ch_connector_option_bool(const ChConnector *connector, const char *name);

/* Everything judge and render may know; options point into the connector. */
extern void ch_connector_source(const ChConnector *connector, ConnhubSource *source);

/* May the user use, or manage, this connector?  Managing: its owner, an admin of its tenant or connhub_admin.  Using:
 * managing, or USAGE on its foreign server.  Who is not a member of its tenant may neither, owner or not; in the default
 * tenant no membership is asked for.  require_ throws 42501 without revealing more. */
extern bool ch_connector_may_use(const ChConnector *connector, Oid user);
extern bool ch_connector_may_manage(const ChConnector *connector, Oid user);
extern void ch_connector_require_manage(const ChConnector *connector);

/* May the user know that it exists?  Those who may use it, and the members of its tenant. */
extern bool ch_connector_may_see(const ChConnector *connector, Oid user);

/* The names of ssl_mode, in the order of ConnhubSslMode. */
extern const char *const ch_ssl_mode_names[4];
extern ConnhubSslMode ch_ssl_mode_parse(const char *name);

extern void ch_connector_cache_init(void);

#endif
