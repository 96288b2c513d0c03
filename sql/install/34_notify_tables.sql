-- Channels that events are sent to, and what was or is to be sent.

CREATE TABLE connhub_catalog.channel (
	id uuid NOT NULL,
	tenant_id uuid NOT NULL,
	name text COLLATE pg_catalog."C" NOT NULL,
	kind text COLLATE pg_catalog."C" NOT NULL,
	owner regrole NOT NULL,
	target text NOT NULL,
	options jsonb NOT NULL DEFAULT '{}',
	enabled boolean NOT NULL DEFAULT true,
	secret_version bigint NOT NULL DEFAULT 0,
	key_id bigint,
	sealed bytea,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	CONSTRAINT channel_pkey PRIMARY KEY (id),
	CONSTRAINT channel_name_key UNIQUE (tenant_id, name),
	CONSTRAINT channel_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES connhub_catalog.tenant (id) ON DELETE CASCADE,
	CONSTRAINT channel_key_id_fkey FOREIGN KEY (key_id) REFERENCES connhub_catalog.data_key (id),
	CONSTRAINT channel_name_check CHECK (pg_catalog.length(name) OPERATOR(pg_catalog.>=) 1 AND pg_catalog.octet_length(name) OPERATOR(pg_catalog.<=) 63),
	CONSTRAINT channel_kind_check CHECK (kind OPERATOR(pg_catalog.=) ANY (ARRAY['webhook', 'email'])),
	CONSTRAINT channel_sealed_check CHECK ((key_id IS NULL) OPERATOR(pg_catalog.=) (sealed IS NULL))
);
COMMENT ON TABLE connhub_catalog.channel IS 'Channels that events are sent to';
COMMENT ON COLUMN connhub_catalog.channel.id IS 'Identifier, authenticated with its secret';
COMMENT ON COLUMN connhub_catalog.channel.tenant_id IS 'Tenant whose events it is sent';
COMMENT ON COLUMN connhub_catalog.channel.name IS 'Unique in its tenant';
COMMENT ON COLUMN connhub_catalog.channel.kind IS 'webhook or email';
COMMENT ON COLUMN connhub_catalog.channel.owner IS 'Role that manages it: it is sent what this role may see, over networks open to this role';
COMMENT ON COLUMN connhub_catalog.channel.target IS 'URL of a webhook, or mail addresses separated by commas';
COMMENT ON COLUMN connhub_catalog.channel.options IS 'Which events, and how they are sent';
COMMENT ON COLUMN connhub_catalog.channel.enabled IS 'False: nothing is queued or sent';
COMMENT ON COLUMN connhub_catalog.channel.secret_version IS 'Raised by each change of the secret';
COMMENT ON COLUMN connhub_catalog.channel.key_id IS 'Data key that seals the secret';
COMMENT ON COLUMN connhub_catalog.channel.sealed IS 'Signing key or password: nonce, ciphertext and tag of AES-256-GCM; null: none';
COMMENT ON COLUMN connhub_catalog.channel.created_at IS 'When it was created';
COMMENT ON COLUMN connhub_catalog.channel.updated_at IS 'When it was last changed';

CREATE TABLE connhub_catalog.delivery (
	id bigint GENERATED ALWAYS AS IDENTITY,
	event_id bigint NOT NULL,
	channel_id uuid NOT NULL,
	state text COLLATE pg_catalog."C" NOT NULL DEFAULT 'waiting',
	attempts integer NOT NULL DEFAULT 0,
	next_attempt_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	last_error text,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	finished_at timestamptz,
	CONSTRAINT delivery_pkey PRIMARY KEY (id),
	CONSTRAINT delivery_event_id_channel_id_key UNIQUE (event_id, channel_id),
	CONSTRAINT delivery_event_id_fkey FOREIGN KEY (event_id) REFERENCES connhub_catalog.event (id) ON DELETE CASCADE,
	CONSTRAINT delivery_state_check CHECK (state OPERATOR(pg_catalog.=) ANY (ARRAY['waiting', 'sending', 'delivered', 'failed']))
);
CREATE INDEX delivery_due_idx ON connhub_catalog.delivery (channel_id, next_attempt_at, id) WHERE finished_at IS NULL;
COMMENT ON TABLE connhub_catalog.delivery IS 'Events on their way to channels: each is queued by the transaction of its event; without a foreign key to the channel, since events must not wait for one that is being deleted';
COMMENT ON INDEX connhub_catalog.delivery_due_idx IS 'What is still to be sent to a channel';
COMMENT ON COLUMN connhub_catalog.delivery.id IS 'Identifier';
COMMENT ON SEQUENCE connhub_catalog.delivery_id_seq IS 'Identifiers of deliveries';
COMMENT ON COLUMN connhub_catalog.delivery.event_id IS 'Event';
COMMENT ON COLUMN connhub_catalog.delivery.channel_id IS 'Channel';
COMMENT ON COLUMN connhub_catalog.delivery.state IS 'waiting, sending, delivered or failed (given up)';
COMMENT ON COLUMN connhub_catalog.delivery.attempts IS 'Attempts begun';
COMMENT ON COLUMN connhub_catalog.delivery.next_attempt_at IS 'Not before; while it is being sent: when that attempt counts as lost';
COMMENT ON COLUMN connhub_catalog.delivery.last_error IS 'Why the last attempt failed; no secrets';
COMMENT ON COLUMN connhub_catalog.delivery.created_at IS 'When it was queued';
COMMENT ON COLUMN connhub_catalog.delivery.finished_at IS 'When it was delivered or given up; null: neither yet';

CREATE TABLE connhub_catalog.expiry_notice (
	connector_id uuid NOT NULL,
	fingerprint text COLLATE pg_catalog."C" NOT NULL,
	stage text COLLATE pg_catalog."C" NOT NULL,
	CONSTRAINT expiry_notice_pkey PRIMARY KEY (connector_id, fingerprint, stage),
	CONSTRAINT expiry_notice_stage_check CHECK (stage OPERATOR(pg_catalog.=) ANY (ARRAY['soon', 'expired']))
);
COMMENT ON TABLE connhub_catalog.expiry_notice IS 'Certificates whose end was told of, so that it is told once';
COMMENT ON COLUMN connhub_catalog.expiry_notice.connector_id IS 'Connector that holds the certificate';
COMMENT ON COLUMN connhub_catalog.expiry_notice.fingerprint IS 'SHA-256 of the certificate';
COMMENT ON COLUMN connhub_catalog.expiry_notice.stage IS 'soon or expired';

-- Only finished deliveries are dumped: a copy of the database must not send what this one sends.
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.channel', '');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.delivery', 'WHERE finished_at IS NOT NULL');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.delivery_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('connhub_catalog.expiry_notice', '');
