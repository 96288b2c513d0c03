-- Functions that create, test, change and delete connectors, and the helpers of views.

CREATE FUNCTION connhub.register_driver(name text) RETURNS text[]
	AS 'MODULE_PATHNAME', 'connhub_driver_register'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.register_driver(text) IS 'Load an installed driver and record the connector types it serves; returns their names';

CREATE FUNCTION connhub.register_drivers() RETURNS text[]
	AS 'MODULE_PATHNAME', 'connhub_driver_register_all'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.register_drivers() IS 'Register every installed driver but those for tests; one that does not load is a warning';

CREATE FUNCTION connhub.about(OUT version text, OUT postgresql_version text, OUT driver_abi text, OUT preloaded boolean, OUT drivers jsonb, OUT sharing jsonb)
	AS 'MODULE_PATHNAME', 'connhub_about'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.about() IS 'Versions of connhub, of the server and of each driver with its library, whether connhub is preloaded, and what shares pools, breakers and counters';

CREATE FUNCTION connhub.create_connector(
	name text,
	type text,
	host text DEFAULT NULL,
	port integer DEFAULT NULL,
	database text DEFAULT NULL,
	schema text DEFAULT NULL,
	username text DEFAULT NULL,
	password text DEFAULT NULL,
	ssl_mode text DEFAULT NULL,
	options jsonb DEFAULT NULL,
	credentials jsonb DEFAULT NULL,
	labels jsonb DEFAULT NULL,
	test boolean DEFAULT true,
	discover boolean DEFAULT true,
	keep_on_failure boolean DEFAULT false
) RETURNS connhub.connector_result
	AS 'MODULE_PATHNAME', 'connhub_connector_create'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.create_connector(text, text, text, integer, text, text, text, text, text, jsonb, jsonb, jsonb, boolean, boolean, boolean) IS 'Create a connector: check, seal the credential, test, save, discover; a failed test saves nothing unless keep_on_failure';

CREATE FUNCTION connhub.test(
	connector text DEFAULT NULL,
	type text DEFAULT NULL,
	host text DEFAULT NULL,
	port integer DEFAULT NULL,
	database text DEFAULT NULL,
	schema text DEFAULT NULL,
	username text DEFAULT NULL,
	password text DEFAULT NULL,
	ssl_mode text DEFAULT NULL,
	options jsonb DEFAULT NULL,
	credentials jsonb DEFAULT NULL
) RETURNS connhub.test_result
	AS 'MODULE_PATHNAME', 'connhub_connector_test'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.test(text, text, text, integer, text, text, text, text, text, jsonb, jsonb) IS 'Test a connector and record the outcome, or, given a type, a configuration that is not saved; a failure is a row, not an error';

CREATE FUNCTION connhub.update_connector(
	connector text,
	name text DEFAULT NULL,
	host text DEFAULT NULL,
	port integer DEFAULT NULL,
	database text DEFAULT NULL,
	schema text DEFAULT NULL,
	username text DEFAULT NULL,
	password text DEFAULT NULL,
	ssl_mode text DEFAULT NULL,
	options jsonb DEFAULT NULL,
	credentials jsonb DEFAULT NULL,
	labels jsonb DEFAULT NULL,
	test boolean DEFAULT true,
	discover boolean DEFAULT true
) RETURNS connhub.connector_result
	AS 'MODULE_PATHNAME', 'connhub_connector_update'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.update_connector(text, text, text, integer, text, text, text, text, text, jsonb, jsonb, jsonb, boolean, boolean) IS 'Change what is not null; an empty text clears, a JSON null removes an option; tested before it replaces the old';

CREATE FUNCTION connhub.set_credentials(
	connector text,
	username text DEFAULT NULL,
	password text DEFAULT NULL,
	credentials jsonb DEFAULT NULL,
	test boolean DEFAULT true
) RETURNS connhub.connector_result
	AS 'MODULE_PATHNAME', 'connhub_connector_set_credentials'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.set_credentials(text, text, text, jsonb, boolean) IS 'Change user, password or other secrets; the new ones are tested before they replace the old';

CREATE FUNCTION connhub.set_owner(connector text, owner regrole) RETURNS void
	AS 'MODULE_PATHNAME', 'connhub_connector_set_owner'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.set_owner(text, regrole) IS 'Give a connector and its foreign server to another role';

CREATE FUNCTION connhub.enable(connector text, test boolean DEFAULT true) RETURNS connhub.connector_result
	AS 'MODULE_PATHNAME', 'connhub_connector_enable'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.enable(text, boolean) IS 'Put a disabled connector to use again, and test it';

CREATE FUNCTION connhub.disable(connector text) RETURNS connhub.connector_result
	AS 'MODULE_PATHNAME', 'connhub_connector_disable'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.disable(text) IS 'Put a connector out of use; its foreign tables say so when they are queried';

CREATE FUNCTION connhub.delete_connector(
	connector text,
	force boolean DEFAULT false,
	OUT id uuid,
	OUT name text,
	OUT removed boolean,
	OUT server_dropped boolean,
	OUT foreign_tables text[]
)
	AS 'MODULE_PATHNAME', 'connhub_connector_delete'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.delete_connector(text, boolean) IS 'Delete a connector: marked and unusable, or with force gone for good with its foreign tables; says which depend on it';

CREATE FUNCTION connhub.discover(
	connector text,
	schema_pattern text DEFAULT NULL,
	table_pattern text DEFAULT NULL,
	OUT connector_id uuid,
	OUT schemas bigint,
	OUT tables bigint,
	OUT columns bigint,
	OUT keys bigint,
	OUT indexes bigint,
	OUT duration_ms double precision,
	OUT discovered_at timestamptz
)
	AS 'MODULE_PATHNAME', 'connhub_connector_discover'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.discover(text, text, text) IS 'Read schemas, tables, columns, keys, indexes and statistics of the source; LIKE patterns limit it to a part';

CREATE FUNCTION connhub.resolve_prepared(connector text, OUT gid text, OUT action text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'connhub_connector_resolve_prepared'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.resolve_prepared(text) IS 'Finish the transactions this database has prepared at the source and could not commit or roll back: by what became of the local transaction of each';

CREATE FUNCTION connhub_catalog.connector_id(connector text) RETURNS uuid
	AS 'MODULE_PATHNAME', 'connhub_connector_id'
	LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION connhub_catalog.connector_id(text) IS 'Id of the connector of a name or id; an error with the closest name when there is none';

CREATE FUNCTION connhub_catalog.may_use(connector uuid) RETURNS boolean
	AS 'MODULE_PATHNAME', 'connhub_connector_may_use'
	LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION connhub_catalog.may_use(uuid) IS 'Whether the current user may read what a connector leads to';

CREATE FUNCTION connhub_catalog.may_see(connector uuid) RETURNS boolean
	AS 'MODULE_PATHNAME', 'connhub_connector_may_see'
	LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION connhub_catalog.may_see(uuid) IS 'Whether the current user may know of a connector';

CREATE FUNCTION connhub_catalog.server_name(connector uuid) RETURNS text
	AS 'MODULE_PATHNAME', 'connhub_connector_server_name'
	LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION connhub_catalog.server_name(uuid) IS 'Foreign server of a connector; null when it was dropped';

CREATE FUNCTION connhub_catalog.owner_name(connector uuid) RETURNS text
	AS 'MODULE_PATHNAME', 'connhub_connector_owner_name'
	LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION connhub_catalog.owner_name(uuid) IS 'Owner of a connector; null when the role was dropped';

CREATE FUNCTION connhub_catalog.one_of(argument text, value text, choices text[]) RETURNS text
	AS 'MODULE_PATHNAME', 'connhub_argument_one_of'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION connhub_catalog.one_of(text, text, text[]) IS 'The value when it is one of the choices; else an error with the closest of them';

CREATE FUNCTION connhub_catalog.common_options(flags integer) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'connhub_type_common_options'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION connhub_catalog.common_options(integer) IS 'Options every type with these flags has';

CREATE FUNCTION connhub_catalog.invalidate() RETURNS trigger
	AS 'MODULE_PATHNAME', 'connhub_catalog_invalidate'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub_catalog.invalidate() IS 'Tell every backend to drop what it caches of a table';
