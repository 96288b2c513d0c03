-- Schema connhub is the API; the tables have one of their own.  Both belong to the extension: they are not dumped,
-- they go with it, and CREATE EXTENSION refuses a schema that somebody else has made.

CREATE SCHEMA connhub;
COMMENT ON SCHEMA connhub IS 'Connectors to other data sources: functions and views for users';
CREATE SCHEMA connhub_catalog;
COMMENT ON SCHEMA connhub_catalog IS 'Tables behind connhub; use the functions and views of schema connhub';
REVOKE ALL ON SCHEMA connhub FROM PUBLIC;
REVOKE ALL ON SCHEMA connhub_catalog FROM PUBLIC;

-- Roles belong to the whole cluster: one that exists is left as it is, and DROP EXTENSION leaves them.
DO LANGUAGE plpgsql $$
DECLARE
	spec pg_catalog.text[];
BEGIN
	FOREACH spec SLICE 1 IN ARRAY ARRAY[
		ARRAY['connhub_admin', 'connhub: may manage every connector and set privileged options'],
		ARRAY['connhub_operator', 'connhub: may create connectors and manage those it owns'],
		ARRAY['connhub_reader', 'connhub: may look at connectors and what was discovered']]
	LOOP
		IF pg_catalog.to_regrole(spec[1]) IS NULL THEN
			BEGIN
				EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', spec[1]);
				EXECUTE pg_catalog.format('COMMENT ON ROLE %I IS %L', spec[1], spec[2]);
			EXCEPTION
				-- Another database's CREATE EXTENSION was quicker.
				WHEN duplicate_object OR unique_violation THEN NULL;
			END;
		END IF;
	END LOOP;
END
$$;
