-- Backends cache the ceilings of connectors, too.

CREATE TRIGGER invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON connhub_catalog.connector_limit
	FOR EACH STATEMENT EXECUTE FUNCTION connhub_catalog.invalidate();
ALTER TABLE connhub_catalog.connector_limit ENABLE ALWAYS TRIGGER invalidate;
COMMENT ON TRIGGER invalidate ON connhub_catalog.connector_limit IS 'Drops what backends cache of the table';
