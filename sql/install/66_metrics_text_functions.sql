-- The metrics as Prometheus reads them, and as a page for people.  Their callers may not enter connhub_catalog, so the bodies
-- are parsed here and now, where nobody's operators stand in the way.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE FUNCTION connhub_catalog.prometheus_label(value text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
	AS $$ SELECT replace(replace(replace(value, '\', '\\'), '"', '\"'), E'\n', '\n') $$;
COMMENT ON FUNCTION connhub_catalog.prometheus_label(text) IS 'A value as it stands between the quotes of a label';

CREATE FUNCTION connhub_catalog.html(value text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
	AS $$ SELECT replace(replace(replace(replace(replace(COALESCE(value, ''), '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;') $$;
COMMENT ON FUNCTION connhub_catalog.html(text) IS 'Text as it may stand anywhere in a page';

CREATE FUNCTION connhub.prometheus_metrics() RETURNS text
	LANGUAGE sql VOLATILE PARALLEL RESTRICTED
BEGIN ATOMIC
WITH family (number, name, type, help) AS (VALUES
		(1, 'connhub_calls_total', 'counter', 'Native queries and writes sent to the source.'),
		(2, 'connhub_rows_read_total', 'counter', 'Rows that came from the source.'),
		(3, 'connhub_read_bytes_total', 'counter', 'Bytes of the values of those rows.'),
		(4, 'connhub_rows_written_total', 'counter', 'Rows written at the source.'),
		(5, 'connhub_requests_total', 'counter', 'Messages sent: statements, begin, commit, savepoints.'),
		(6, 'connhub_retries_total', 'counter', 'Attempts after a failure that passes.'),
		(7, 'connhub_opens_total', 'counter', 'Connections opened.'),
		(8, 'connhub_open_failures_total', 'counter', 'Attempts to open a connection that failed.'),
		(9, 'connhub_errors_total', 'counter', 'Failures by code.'),
		(10, 'connhub_ceilings_total', 'counter', 'Statements stopped at a ceiling.'),
		(11, 'connhub_pool_size', 'gauge', 'Connections that may be open at once.'),
		(12, 'connhub_pool_open', 'gauge', 'Connections that are open.'),
		(13, 'connhub_pool_idle', 'gauge', 'Open connections that no transaction uses.'),
		(14, 'connhub_pool_waiting', 'gauge', 'Sessions that wait for a connection.'),
		(15, 'connhub_pool_waits_total', 'counter', 'Waits for a connection.'),
		(16, 'connhub_pool_wait_seconds_total', 'counter', 'Time of those waits.'),
		(17, 'connhub_pool_exhausted_total', 'counter', 'Waits that ended without a connection.'),
		(18, 'connhub_pool_beyond_total', 'counter', 'Connections opened beyond the size of the pool.'),
		(19, 'connhub_breaker_state', 'gauge', 'State of the breaker: 1 for the one it is in.'),
		(20, 'connhub_breaker_trips_total', 'counter', 'How often the breaker opened.'),
		(21, 'connhub_breaker_refusals_total', 'counter', 'Attempts the breaker did not let through.'),
		(22, 'connhub_last_success_timestamp_seconds', 'gauge', 'When the source last answered.'),
		(23, 'connhub_last_failure_timestamp_seconds', 'gauge', 'When something last failed.'),
		(24, 'connhub_open_duration_seconds', 'histogram', 'Time to open a connection.'),
		(25, 'connhub_query_duration_seconds', 'histogram', 'Time of the source for a native query or a batch of writes.')),
metric AS MATERIALIZED (
	SELECT format('connector="%s",id="%s"', connhub_catalog.prometheus_label(m.connector), m.connector_id) AS label, m.*
	FROM connhub.metrics m),
histogram AS MATERIALIZED (
	SELECT format('connector="%s",id="%s"', connhub_catalog.prometheus_label(l.connector), l.connector_id) AS label, l.*,
		CASE l.kind WHEN 'open' THEN 24 ELSE 25 END AS number
	FROM connhub.metrics_latency l),
sample (number, suffix, label, place, value) AS (
	SELECT v.number, '', m.label, 0::double precision, v.value::text
	FROM metric m, LATERAL (VALUES
		(1, m.calls::numeric), (2, m.rows_read), (3, m.bytes_read), (4, m.rows_written), (5, m.requests), (6, m.retries), (7, m.opens),
		(8, m.open_failures), (10, m.ceilings), (11, m.pool_size), (12, m.pool_open), (13, m.pool_idle), (14, m.pool_waiting),
		(15, m.pool_waits), (16, m.pool_wait_ms::numeric / 1000), (17, m.pool_exhausted), (18, m.pool_beyond), (20, m.breaker_trips),
		(21, m.breaker_refusals), (22, extract(epoch FROM m.last_success_at)), (23, extract(epoch FROM m.last_failure_at))) AS v (number, value)
	WHERE v.value IS NOT NULL
	UNION ALL
	SELECT 9, '', format('%s,code="%s"', m.label, e.code), 0, e.count::text
	FROM metric m JOIN connhub.metrics_errors e USING (connector_id)
	UNION ALL
	SELECT 19, '', format('%s,state="%s"', m.label, s.state), 0, (m.breaker_state = s.state)::integer::text
	FROM metric m, unnest(ARRAY['closed', 'half_open', 'open']) AS s (state)
	UNION ALL
	SELECT h.number, '_bucket', format('%s,le="%s"', h.label, COALESCE(h.le_seconds::text, '+Inf')), COALESCE(h.le_seconds, 'infinity'), h.count::text
	FROM histogram h
	UNION ALL
	SELECT h.number, '_sum', h.label, 0, h.total_seconds::text FROM histogram h WHERE h.le_seconds IS NULL
	UNION ALL
	SELECT h.number, '_count', h.label, 0, h.count::text FROM histogram h WHERE h.le_seconds IS NULL)
SELECT COALESCE(string_agg(text, '' ORDER BY number), '')
FROM (
	SELECT f.number, format(E'# HELP %s %s\n# TYPE %s %s\n', f.name, f.help, f.name, f.type)
		|| string_agg(format(E'%s%s{%s} %s\n', f.name, s.suffix, s.label, s.value), ''
			ORDER BY split_part(s.label, ',le=', 1), s.suffix, s.place, s.label) AS text
	FROM family f JOIN sample s USING (number)
	GROUP BY f.number, f.name, f.type, f.help) AS families;
END;
COMMENT ON FUNCTION connhub.prometheus_metrics() IS 'The metrics of the connectors the caller may see, in the text format of Prometheus';

CREATE FUNCTION connhub_catalog.uptime_bars(OUT connector_id uuid, OUT svg text) RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF to_regclass('connhub.health_uptime') IS NULL THEN
		RETURN;
	END IF;
	RETURN QUERY EXECUTE $q$
		SELECT u.connector_id,
			'<svg class="plot" viewBox="0 0 180 40" role="img" aria-label="uptime of the last 30 days">'
			|| string_agg(format('<rect class="%s" x="%s" y="0" width="5" height="40"><title>%s: %s %%</title></rect>',
				CASE WHEN u.uptime >= 99.9 THEN 'up' WHEN u.uptime >= 95 THEN 'shaky' ELSE 'down' END,
				6 * (29 - (current_date - u.starts)), u.starts, round(u.uptime::numeric, 2)), '' ORDER BY u.starts)
			|| '</svg>'
		FROM connhub.health_uptime u
		WHERE u.period = 'day' AND u.uptime IS NOT NULL AND u.starts BETWEEN current_date - 29 AND current_date
		GROUP BY u.connector_id $q$;
END
$$;
COMMENT ON FUNCTION connhub_catalog.uptime_bars() IS 'Uptime day by day, as pictures, of the connectors the caller may see; none where no health is kept';

CREATE FUNCTION connhub.status_page() RETURNS text
	LANGUAGE sql VOLATILE PARALLEL RESTRICTED
BEGIN ATOMIC
WITH bucket AS MATERIALIZED (
	SELECT l.connector_id, l.kind, l.le_seconds,
		l.count - lag(l.count, 1, 0::bigint) OVER series AS count, row_number() OVER series - 1 AS place
	FROM connhub.metrics_latency l
	WINDOW series AS (PARTITION BY l.connector_id, l.kind ORDER BY l.le_seconds NULLS LAST)),
highest AS (SELECT connector_id, kind, max(count) AS count FROM bucket GROUP BY connector_id, kind),
plot AS (
	SELECT b.connector_id, b.kind,
		format('<svg class="plot" viewBox="0 0 160 40" role="img" aria-label="%s">', CASE b.kind WHEN 'open' THEN 'time to connect' ELSE 'time of queries' END)
		|| string_agg(format('<rect x="%s" y="%s" width="7" height="%s"><title>%s: %s</title></rect>', b.place * 8, 40 - v.height, v.height,
			COALESCE('up to ' || b.le_seconds * 1000 || ' ms', 'longer'), b.count), '' ORDER BY b.place)
		|| '</svg>' AS svg
	FROM bucket b JOIN highest h USING (connector_id, kind),
		LATERAL (SELECT CASE WHEN b.count = 0 THEN 0 ELSE greatest(1, round(38.0 * b.count / h.count)) END AS height) AS v
	WHERE h.count > 0
	GROUP BY b.connector_id, b.kind),
line AS (
	SELECT c.name,
		format(E'<tr><td><strong>%s</strong><br><small>%s</small></td><td><span class="state %s">%s</span></td><td>%s</td><td>%s of %s<br><small>%s idle, %s waiting</small></td>'
				'<td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>\n',
			connhub_catalog.html(c.name), connhub_catalog.html(c.type), lower(c.status), c.status,
			CASE m.breaker_state WHEN 'closed' THEN 'closed' ELSE format('<span class="state error">%s</span><br><small>since %s</small>',
				replace(m.breaker_state, '_', ' '), to_char(m.breaker_opened_at, 'YYYY-MM-DD HH24:MI:SS TZ')) END,
			m.pool_open, m.pool_size, m.pool_idle, m.pool_waiting, m.calls, m.rows_read, pg_size_pretty(m.bytes_read),
			COALESCE(u.svg, ''), COALESCE(q.svg, ''), COALESCE(o.svg, ''),
			CASE WHEN m.errors = 0 THEN '0' ELSE format('%s<br><small>%s: %s</small>', m.errors, m.last_error_code, connhub_catalog.html(m.last_error)) END) AS html
	FROM connhub.connector c
	JOIN connhub.metrics m ON m.connector_id = c.id
	LEFT JOIN plot q ON q.connector_id = c.id AND q.kind = 'query'
	LEFT JOIN connhub_catalog.uptime_bars() u ON u.connector_id = c.id
	LEFT JOIN plot o ON o.connector_id = c.id AND o.kind = 'open')
SELECT E'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
	'<meta name="color-scheme" content="light dark">\n<title>connhub status</title>\n<style>\n'
	':root { --ground: #fff; --text: #1b1f24; --faint: #667; --line: #d8dce2; --ok: #1a7f37; --warn: #9a6700; --bad: #cf222e; --bar: #3b6fd4 }\n'
	'@media (prefers-color-scheme: dark) { :root { --ground: #14171b; --text: #e6e8eb; --faint: #9aa3ad; --line: #333a42; --ok: #3fb950; --warn: #d29922; --bad: #f85149; --bar: #79a6ff } }\n'
	'body { background: var(--ground); color: var(--text); font: 15px/1.45 system-ui, sans-serif; margin: 2rem }\n'
	'h1 { font-size: 1.4rem } small, p { color: var(--faint) } table { border-collapse: collapse; width: 100% }\n'
	'th, td { border-bottom: 1px solid var(--line); padding: .5rem .6rem; text-align: left; vertical-align: top }\n'
	'.state { color: var(--faint); font-weight: 600 } .active { color: var(--ok) } .warning { color: var(--warn) } .error { color: var(--bad) }\n'
	'.plot { width: 160px; height: 40px } .plot rect { fill: var(--bar) } .plot .up { fill: var(--ok) } .plot .shaky { fill: var(--warn) } .plot .down { fill: var(--bad) }\n</style>\n</head>\n<body>\n<h1>connhub status</h1>\n'
	|| format(E'<p>Database %s at %s.</p>\n', connhub_catalog.html(current_database()), to_char(clock_timestamp(), 'YYYY-MM-DD HH24:MI:SS TZ'))
	|| '<table>' || E'\n<thead><tr><th>Connector</th><th>Status</th><th>Breaker</th><th>Pool</th><th>Calls</th><th>Rows</th><th>Bytes</th><th>Uptime</th><th>Queries</th><th>Connecting</th><th>Errors</th></tr></thead>\n<tbody>\n'
	|| COALESCE((SELECT string_agg(html, '' ORDER BY name) FROM line), E'<tr><td colspan="11">There is no connector.</td></tr>\n')
	|| E'</tbody>\n</table>\n</body>\n</html>\n';
END;
COMMENT ON FUNCTION connhub.status_page() IS 'A page about the connectors the caller may see: one HTML document that needs nothing else';
