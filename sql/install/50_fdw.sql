-- The foreign-data wrapper.  Its servers are made by connhub.create_connector.

CREATE FUNCTION connhub.fdw_handler() RETURNS fdw_handler
LANGUAGE c STRICT VOLATILE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'connhub_fdw_handler';
COMMENT ON FUNCTION connhub.fdw_handler() IS 'Handler of the foreign-data wrapper connhub';
REVOKE ALL ON FUNCTION connhub.fdw_handler() FROM PUBLIC;

CREATE FUNCTION connhub.fdw_validator(options text[], catalog oid) RETURNS void
LANGUAGE c STRICT VOLATILE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'connhub_fdw_validator';
COMMENT ON FUNCTION connhub.fdw_validator(text[], oid) IS 'Validator of the options of the foreign-data wrapper connhub';
REVOKE ALL ON FUNCTION connhub.fdw_validator(text[], oid) FROM PUBLIC;

CREATE FOREIGN DATA WRAPPER connhub
	HANDLER connhub.fdw_handler
	VALIDATOR connhub.fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER connhub IS 'Other data sources, each a connector; see connhub.create_connector';
GRANT USAGE ON FOREIGN DATA WRAPPER connhub TO connhub_operator, connhub_admin;
