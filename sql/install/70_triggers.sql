-- Each change of a table tells every backend to drop what it caches of it, whoever makes the change.

CREATE TRIGGER invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON connhub_catalog.connector_type
	FOR EACH STATEMENT EXECUTE FUNCTION connhub_catalog.invalidate();
ALTER TABLE connhub_catalog.connector_type ENABLE ALWAYS TRIGGER invalidate;
COMMENT ON TRIGGER invalidate ON connhub_catalog.connector_type IS 'Drops what backends cache of the table';

CREATE TRIGGER invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON connhub_catalog.connector
	FOR EACH STATEMENT EXECUTE FUNCTION connhub_catalog.invalidate();
ALTER TABLE connhub_catalog.connector ENABLE ALWAYS TRIGGER invalidate;
COMMENT ON TRIGGER invalidate ON connhub_catalog.connector IS 'Drops what backends cache of the table';

CREATE TRIGGER invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON connhub_catalog.remote_schema
	FOR EACH STATEMENT EXECUTE FUNCTION connhub_catalog.invalidate();
ALTER TABLE connhub_catalog.remote_schema ENABLE ALWAYS TRIGGER invalidate;
COMMENT ON TRIGGER invalidate ON connhub_catalog.remote_schema IS 'Drops what backends cache of the table';

CREATE TRIGGER invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON connhub_catalog.remote_table
	FOR EACH STATEMENT EXECUTE FUNCTION connhub_catalog.invalidate();
ALTER TABLE connhub_catalog.remote_table ENABLE ALWAYS TRIGGER invalidate;
COMMENT ON TRIGGER invalidate ON connhub_catalog.remote_table IS 'Drops what backends cache of the table';

CREATE TRIGGER invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON connhub_catalog.remote_column
	FOR EACH STATEMENT EXECUTE FUNCTION connhub_catalog.invalidate();
ALTER TABLE connhub_catalog.remote_column ENABLE ALWAYS TRIGGER invalidate;
COMMENT ON TRIGGER invalidate ON connhub_catalog.remote_column IS 'Drops what backends cache of the table';

CREATE TRIGGER invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON connhub_catalog.remote_statistics
	FOR EACH STATEMENT EXECUTE FUNCTION connhub_catalog.invalidate();
ALTER TABLE connhub_catalog.remote_statistics ENABLE ALWAYS TRIGGER invalidate;
COMMENT ON TRIGGER invalidate ON connhub_catalog.remote_statistics IS 'Drops what backends cache of the table';

CREATE TRIGGER invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON connhub_catalog.remote_key
	FOR EACH STATEMENT EXECUTE FUNCTION connhub_catalog.invalidate();
ALTER TABLE connhub_catalog.remote_key ENABLE ALWAYS TRIGGER invalidate;
COMMENT ON TRIGGER invalidate ON connhub_catalog.remote_key IS 'Drops what backends cache of the table';

CREATE TRIGGER invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON connhub_catalog.remote_index
	FOR EACH STATEMENT EXECUTE FUNCTION connhub_catalog.invalidate();
ALTER TABLE connhub_catalog.remote_index ENABLE ALWAYS TRIGGER invalidate;
COMMENT ON TRIGGER invalidate ON connhub_catalog.remote_index IS 'Drops what backends cache of the table';

CREATE TRIGGER invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON connhub_catalog.tenant_member
	FOR EACH STATEMENT EXECUTE FUNCTION connhub_catalog.invalidate();
ALTER TABLE connhub_catalog.tenant_member ENABLE ALWAYS TRIGGER invalidate;
COMMENT ON TRIGGER invalidate ON connhub_catalog.tenant_member IS 'Drops what backends cache of the table';
