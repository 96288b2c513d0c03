-- Discovered tables as foreign tables.  Both functions run as the caller.

CREATE FUNCTION connhub.attach(
	connector text,
	remote_schema text DEFAULT NULL,
	tables text[] DEFAULT NULL,
	into_schema text DEFAULT NULL,
	prefix text DEFAULT '',
	rename jsonb DEFAULT NULL,
	if_exists text DEFAULT 'skip',
	include_views boolean DEFAULT true
) RETURNS TABLE (schema text, "table" text, columns integer, action text)
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'connhub_attach';
COMMENT ON FUNCTION connhub.attach(text, text, text[], text, text, jsonb, text, boolean) IS
	'Make discovered tables foreign tables: of the default schema, or all, into a schema named like the connector';
REVOKE ALL ON FUNCTION connhub.attach(text, text, text[], text, text, jsonb, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION connhub.attach(text, text, text[], text, text, jsonb, text, boolean)
	TO connhub_reader, connhub_operator, connhub_admin;

CREATE FUNCTION connhub.detach(
	connector text,
	from_schema text DEFAULT NULL,
	tables text[] DEFAULT NULL,
	cascade boolean DEFAULT false
) RETURNS TABLE (schema text, "table" text, action text)
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'connhub_detach';
COMMENT ON FUNCTION connhub.detach(text, text, text[], boolean) IS
	'Drop foreign tables of a connector: all, those of a schema, or the named ones';
REVOKE ALL ON FUNCTION connhub.detach(text, text, text[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION connhub.detach(text, text, text[], boolean)
	TO connhub_reader, connhub_operator, connhub_admin;
