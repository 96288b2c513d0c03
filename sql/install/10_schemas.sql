-- Schema connhub, the API, is made by CREATE EXTENSION; the tables have one of their own.

-- A schema that was there before could be changed by its owner, with everything in it.
DO LANGUAGE plpgsql $$
DECLARE
	schema_owner pg_catalog.name := (
		SELECT r.rolname FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) n.nspowner
		WHERE n.nspname OPERATOR(pg_catalog.=) 'connhub' AND NOT r.rolsuper AND r.rolname OPERATOR(pg_catalog.<>) CURRENT_USER);
BEGIN
	IF schema_owner IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = pg_catalog.format('schema "connhub" belongs to "%s"', schema_owner),
			DETAIL = 'Its owner could change the functions that administrators call.',
			HINT = 'Drop it, or rename it, before CREATE EXTENSION connhub.';
	END IF;
END
$$;
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
