-- Looking at a query before it runs, and native queries.  All run as the caller.

CREATE FUNCTION connhub.pushdown_summary(query text) RETURNS TABLE (
	scan integer,
	relation text,
	connector text,
	native_query text,
	piece text,
	verdict text,
	reason text,
	rows_fetched double precision,
	bytes_fetched double precision,
	rows_returned double precision
)
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'connhub_pushdown_summary';
COMMENT ON FUNCTION connhub.pushdown_summary(text) IS
	'Plan a query, without running it, and tell of each remote scan what the source does, what stays here and why, and the rows and bytes expected';
REVOKE ALL ON FUNCTION connhub.pushdown_summary(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION connhub.pushdown_summary(text) TO connhub_reader, connhub_operator, connhub_admin;

-- Native queries as they stand, each function with and without parameters, since VARIADIC "any" takes one at least.

CREATE FUNCTION connhub.live(connector text, query text) RETURNS SETOF record
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'connhub_live';
COMMENT ON FUNCTION connhub.live(text, text) IS 'Run a native query at the source; declare the columns with AS name(column type, ...)';

CREATE FUNCTION connhub.live(connector text, query text, VARIADIC params "any") RETURNS SETOF record
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'connhub_live';
COMMENT ON FUNCTION connhub.live(text, text, "any") IS 'Run a native query with parameters at the source; declare the columns with AS name(column type, ...)';

CREATE FUNCTION connhub.live_as("row" anyelement, connector text, query text) RETURNS SETOF anyelement
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'connhub_live_as';
COMMENT ON FUNCTION connhub.live_as(anyelement, text, text) IS 'Run a native query at the source; rows are of the type of the first argument, a null row';

CREATE FUNCTION connhub.live_as("row" anyelement, connector text, query text, VARIADIC params "any") RETURNS SETOF anyelement
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'connhub_live_as';
COMMENT ON FUNCTION connhub.live_as(anyelement, text, text, "any") IS 'Run a native query with parameters at the source; rows are of the type of the first argument, a null row';

CREATE FUNCTION connhub.live_json(connector text, query text) RETURNS SETOF jsonb
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'connhub_live_json';
COMMENT ON FUNCTION connhub.live_json(text, text) IS 'Run a native query at the source; one object a row';

CREATE FUNCTION connhub.live_json(connector text, query text, VARIADIC params "any") RETURNS SETOF jsonb
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'connhub_live_json';
COMMENT ON FUNCTION connhub.live_json(text, text, "any") IS 'Run a native query with parameters at the source; one object a row';

REVOKE ALL ON FUNCTION connhub.live(text, text), connhub.live(text, text, "any"),
	connhub.live_as(anyelement, text, text), connhub.live_as(anyelement, text, text, "any"),
	connhub.live_json(text, text), connhub.live_json(text, text, "any") FROM PUBLIC;
GRANT EXECUTE ON FUNCTION connhub.live(text, text), connhub.live(text, text, "any"),
	connhub.live_as(anyelement, text, text), connhub.live_as(anyelement, text, text, "any"),
	connhub.live_json(text, text), connhub.live_json(text, text, "any")
	TO connhub_reader, connhub_operator, connhub_admin;
