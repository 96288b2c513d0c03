-- What processes share of connectors: the functions in C behind the views, ceilings, and what begins anew.

CREATE FUNCTION connhub_catalog.shared_metrics(OUT connector_id uuid, OUT errors bigint, OUT calls bigint, OUT rows_read bigint, OUT bytes_read bigint, OUT rows_written bigint, OUT requests bigint, OUT retries bigint, OUT opens bigint, OUT open_failures bigint, OUT pool_waits bigint, OUT pool_wait_us bigint, OUT pool_exhausted bigint, OUT pool_beyond bigint, OUT pool_given_back bigint, OUT breaker_refusals bigint, OUT ceilings bigint,
	OUT pool_size integer, OUT pool_open integer, OUT pool_idle integer, OUT pool_waiting integer,
	OUT breaker_state text, OUT breaker_failures integer, OUT breaker_trips bigint, OUT breaker_opened_at timestamptz, OUT breaker_next_trial_at timestamptz,
	OUT last_success_at timestamptz, OUT last_failure_at timestamptz, OUT last_error_code text, OUT last_error text, OUT shared boolean, OUT since timestamptz)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'connhub_shared_metrics'
	LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 100;
COMMENT ON FUNCTION connhub_catalog.shared_metrics() IS 'Counters, pool and breaker of the connectors the caller may see';

CREATE FUNCTION connhub_catalog.shared_errors(OUT connector_id uuid, OUT code text, OUT count bigint) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'connhub_shared_errors'
	LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 100;
COMMENT ON FUNCTION connhub_catalog.shared_errors() IS 'Failures by code of the connectors the caller may see';

CREATE FUNCTION connhub_catalog.shared_latency(OUT connector_id uuid, OUT kind text, OUT le_seconds double precision, OUT count bigint, OUT total_seconds double precision) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'connhub_shared_latency'
	LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 4000;
COMMENT ON FUNCTION connhub_catalog.shared_latency() IS 'Histograms of the connectors the caller may see';

CREATE FUNCTION connhub.reset_metrics(connector text) RETURNS void
	AS 'MODULE_PATHNAME', 'connhub_metrics_reset'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.reset_metrics(text) IS 'Count from zero again; pool and breaker stay as they are';

CREATE FUNCTION connhub.reset_breaker(connector text) RETURNS void
	AS 'MODULE_PATHNAME', 'connhub_breaker_reset'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.reset_breaker(text) IS 'Let every session try the source again at once';

CREATE FUNCTION connhub.set_limit(
	connector text,
	role text DEFAULT NULL,
	rows bigint DEFAULT NULL,
	bytes bigint DEFAULT NULL,
	seconds bigint DEFAULT NULL,
	calls bigint DEFAULT NULL
) RETURNS void
	AS 'MODULE_PATHNAME', 'connhub_limit_set'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.set_limit(text, text, bigint, bigint, bigint, bigint) IS 'Set how much one statement of a member of a role, or of anybody, may fetch from a connector, and how many calls a minute they have; all null: no limit';
