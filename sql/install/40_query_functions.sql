-- Looking at a query before it runs.  Runs as the caller.

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
