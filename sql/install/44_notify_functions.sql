-- Channels of notifications, and sending.

CREATE FUNCTION connhub.create_channel(
	name text,
	kind text,
	target text,
	options jsonb DEFAULT NULL,
	secret text DEFAULT NULL
) RETURNS uuid
	AS 'MODULE_PATHNAME', 'connhub_channel_create'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.create_channel(text, text, text, jsonb, text) IS 'Create a channel, webhook or email, that events are sent to; the secret is sealed';

CREATE FUNCTION connhub.update_channel(
	channel text,
	name text DEFAULT NULL,
	target text DEFAULT NULL,
	options jsonb DEFAULT NULL,
	secret text DEFAULT NULL,
	enabled boolean DEFAULT NULL
) RETURNS uuid
	AS 'MODULE_PATHNAME', 'connhub_channel_update'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.update_channel(text, text, text, jsonb, text, boolean) IS 'Change a channel; what is null stays, an empty secret removes it';

CREATE FUNCTION connhub.delete_channel(channel text) RETURNS uuid
	AS 'MODULE_PATHNAME', 'connhub_channel_delete'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.delete_channel(text) IS 'Delete a channel with what was still to be sent to it';

CREATE FUNCTION connhub.test_channel(
	channel text,
	OUT success boolean,
	OUT code text,
	OUT phase text,
	OUT message text,
	OUT detail text,
	OUT latency_ms double precision
)
	AS 'MODULE_PATHNAME', 'connhub_channel_test'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.test_channel(text) IS 'Send a test message now; a failure is a row, not an error';

CREATE PROCEDURE connhub.deliver_notifications()
	AS 'MODULE_PATHNAME', 'connhub_notifications_deliver'
	LANGUAGE C;
COMMENT ON PROCEDURE connhub.deliver_notifications() IS 'Send what is due to all channels, between short transactions';

CREATE FUNCTION connhub.check_expiry() RETURNS bigint
	AS 'MODULE_PATHNAME', 'connhub_expiry_check'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION connhub.check_expiry() IS 'Record an event for each certificate of a connector that is about to expire or has expired, once; the number recorded';

CREATE FUNCTION connhub_catalog.may_see_channel(owner oid) RETURNS boolean
	LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT COALESCE(pg_catalog.pg_has_role(may_see_channel.owner, 'MEMBER'), false) OR pg_catalog.pg_has_role('connhub_admin', 'MEMBER');
END;
COMMENT ON FUNCTION connhub_catalog.may_see_channel(oid) IS 'Whether the current user may see and manage the channels of a role';
