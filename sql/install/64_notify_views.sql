-- Events and the channels they are sent to, as far as the caller may see them.

CREATE VIEW connhub.event WITH (security_barrier) AS
	SELECT e.id, e.occurred_at, e.kind, e.severity, c.name AS connector, e.connector_id, e.message, e.detail
	FROM connhub_catalog.event e
	LEFT JOIN connhub_catalog.connector c ON c.id OPERATOR(pg_catalog.=) e.connector_id
	WHERE CASE WHEN e.connector_id IS NULL THEN connhub_catalog.tenant_level(e.tenant_id) OPERATOR(pg_catalog.=) 'admin'
		ELSE connhub_catalog.may_see(e.connector_id) END;
COMMENT ON VIEW connhub.event IS 'What happened to the connectors the caller may see';
COMMENT ON COLUMN connhub.event.id IS 'Identifier, rising with time; the payload of connhub_event names it';
COMMENT ON COLUMN connhub.event.occurred_at IS 'When it happened';
COMMENT ON COLUMN connhub.event.kind IS 'status, drift, expiry, delivery, ...';
COMMENT ON COLUMN connhub.event.severity IS 'info, warning or error';
COMMENT ON COLUMN connhub.event.connector IS 'Connector it concerns; null: none in particular';
COMMENT ON COLUMN connhub.event.connector_id IS 'Its identifier';
COMMENT ON COLUMN connhub.event.message IS 'One line';
COMMENT ON COLUMN connhub.event.detail IS 'What happened, for programs';

CREATE VIEW connhub.channel WITH (security_barrier) AS
	SELECT
		h.id, h.name, h.kind, pg_catalog.pg_get_userbyid(h.owner) AS owner, h.target, h.options,
		h.sealed IS NOT NULL AS has_secret, h.enabled,
		(SELECT pg_catalog.count(*) FROM connhub_catalog.delivery d
			WHERE d.channel_id OPERATOR(pg_catalog.=) h.id AND d.finished_at IS NULL) AS waiting,
		h.created_at, h.updated_at
	FROM connhub_catalog.channel h
	WHERE connhub_catalog.may_see_channel(h.owner) AND connhub_catalog.tenant_is_open(h.tenant_id);
COMMENT ON VIEW connhub.channel IS 'Channels the caller may manage';
COMMENT ON COLUMN connhub.channel.id IS 'Identifier';
COMMENT ON COLUMN connhub.channel.name IS 'Unique name';
COMMENT ON COLUMN connhub.channel.kind IS 'webhook or email';
COMMENT ON COLUMN connhub.channel.owner IS 'Role that manages it: it is sent what this role may see';
COMMENT ON COLUMN connhub.channel.target IS 'URL, or mail addresses';
COMMENT ON COLUMN connhub.channel.options IS 'Options as set';
COMMENT ON COLUMN connhub.channel.has_secret IS 'Whether a secret is stored';
COMMENT ON COLUMN connhub.channel.enabled IS 'False: nothing is queued or sent';
COMMENT ON COLUMN connhub.channel.waiting IS 'Deliveries still to be made';
COMMENT ON COLUMN connhub.channel.created_at IS 'When it was created';
COMMENT ON COLUMN connhub.channel.updated_at IS 'When it was last changed';

CREATE VIEW connhub.delivery WITH (security_barrier) AS
	SELECT
		d.id, d.event_id, h.name AS channel, e.kind, e.severity, e.message, d.state, d.attempts,
		CASE WHEN d.finished_at IS NULL THEN d.next_attempt_at END AS next_attempt_at,
		d.last_error, d.created_at, d.finished_at
	FROM connhub_catalog.delivery d
	JOIN connhub_catalog.channel h ON h.id OPERATOR(pg_catalog.=) d.channel_id
	JOIN connhub_catalog.event e ON e.id OPERATOR(pg_catalog.=) d.event_id
	WHERE connhub_catalog.may_see_channel(h.owner) AND connhub_catalog.tenant_is_open(h.tenant_id);
COMMENT ON VIEW connhub.delivery IS 'Events on their way to the channels the caller may manage';
COMMENT ON COLUMN connhub.delivery.id IS 'Identifier';
COMMENT ON COLUMN connhub.delivery.event_id IS 'Event';
COMMENT ON COLUMN connhub.delivery.channel IS 'Channel';
COMMENT ON COLUMN connhub.delivery.kind IS 'Kind of the event';
COMMENT ON COLUMN connhub.delivery.severity IS 'Severity of the event';
COMMENT ON COLUMN connhub.delivery.message IS 'Message of the event';
COMMENT ON COLUMN connhub.delivery.state IS 'waiting, sending, delivered or failed (given up)';
COMMENT ON COLUMN connhub.delivery.attempts IS 'Attempts begun';
COMMENT ON COLUMN connhub.delivery.next_attempt_at IS 'When it is tried next at the earliest; null: it is finished';
COMMENT ON COLUMN connhub.delivery.last_error IS 'Why the last attempt failed';
COMMENT ON COLUMN connhub.delivery.created_at IS 'When it was queued';
COMMENT ON COLUMN connhub.delivery.finished_at IS 'When it was delivered or given up';
