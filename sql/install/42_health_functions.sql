-- Maintenance windows, and background work without background workers.

CREATE FUNCTION connhub.set_maintenance(connector text, "from" timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, reason text DEFAULT NULL)
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'connhub_health_set_maintenance'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.set_maintenance(text, timestamptz, timestamptz, text) IS 'Set a time in which a connector is in maintenance and nobody is alarmed, from now and without end unless given; id of the window';

CREATE FUNCTION connhub.end_maintenance(connector text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'connhub_health_end_maintenance'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.end_maintenance(text) IS 'End a connector''s maintenance now; false when it was in none';

CREATE PROCEDURE connhub.run_due()
	AS 'MODULE_PATHNAME', 'connhub_health_run_due'
	LANGUAGE C;
COMMENT ON PROCEDURE connhub.run_due() IS 'Do all background work that is due: for pg_cron or a client where no workers run; commits as it goes, so not within a transaction block';
