-- Secret stores and rotations.

CREATE FUNCTION connhub.rotate_credentials(
	connector text,
	username text DEFAULT NULL,
	password text DEFAULT NULL,
	credentials jsonb DEFAULT NULL
) RETURNS connhub.connector_result
	AS 'MODULE_PATHNAME', 'connhub_connector_rotate_credentials'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.rotate_credentials(text, text, text, jsonb) IS 'Test new credentials, then put them in place of the old; nothing changes when the test fails';

CREATE PROCEDURE connhub.rotate_tenant_key(tenant text DEFAULT 'default')
	AS 'MODULE_PATHNAME', 'connhub_rotate_tenant_key'
	LANGUAGE C;
COMMENT ON PROCEDURE connhub.rotate_tenant_key(text) IS 'Make a new data key for a tenant and seal all its secrets with it, in short transactions';

CREATE FUNCTION connhub.rotate_master_key(old_key_source text DEFAULT NULL) RETURNS bigint
	AS 'MODULE_PATHNAME', 'connhub_rotate_master_key'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.rotate_master_key(text) IS 'Seal the data keys with the present master key instead of the old one, by default that of connhub.former_master_key; the number of keys';

CREATE FUNCTION connhub.set_secret_store(
	kind text,
	options jsonb DEFAULT NULL,
	credentials jsonb DEFAULT NULL,
	tenant text DEFAULT 'default'
) RETURNS uuid
	AS 'MODULE_PATHNAME', 'connhub_secret_store_set'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.set_secret_store(text, jsonb, jsonb, text) IS 'Say where a secret store of a tenant is and how to log in; members given as null are removed, others stay';

CREATE FUNCTION connhub.remove_secret_store(kind text, tenant text DEFAULT 'default') RETURNS boolean
	AS 'MODULE_PATHNAME', 'connhub_secret_store_remove'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.remove_secret_store(text, text) IS 'Forget a secret store of a tenant; false when there was none';

CREATE PROCEDURE connhub.resolve_secrets()
	AS 'MODULE_PATHNAME', 'connhub_secrets_resolve'
	LANGUAGE C;
COMMENT ON PROCEDURE connhub.resolve_secrets() IS 'Finish what transactions have left unfinished among credentials kept in Kubernetes, between short transactions';
