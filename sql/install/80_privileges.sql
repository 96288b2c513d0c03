-- Who may do what.  Nothing is open to PUBLIC, and nobody but the owner reaches a table: views and
-- functions show and change what the caller may see and manage.

REVOKE ALL ON ALL TABLES IN SCHEMA connhub, connhub_catalog FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA connhub, connhub_catalog FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA connhub, connhub_catalog FROM PUBLIC;
REVOKE ALL ON TYPE connhub.test_result, connhub.connector_result FROM PUBLIC;

GRANT USAGE ON SCHEMA connhub TO connhub_admin, connhub_operator, connhub_reader;
GRANT USAGE ON TYPE connhub.test_result, connhub.connector_result TO connhub_admin, connhub_operator, connhub_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA connhub TO connhub_admin, connhub_operator, connhub_reader;
GRANT EXECUTE ON FUNCTION
	connhub_catalog.connector_id(text),
	connhub_catalog.may_see(uuid),
	connhub_catalog.may_see_tenant(uuid),
	connhub_catalog.may_use(uuid),
	connhub_catalog.tenant_is_open(uuid),
	connhub_catalog.tenant_level(uuid),
	connhub_catalog.server_name(uuid),
	connhub_catalog.owner_name(uuid),
	connhub_catalog.one_of(text, text, text[]),
	connhub_catalog.common_options(integer),
	connhub_catalog.shared_metrics(),
	connhub_catalog.shared_errors(),
	connhub_catalog.shared_latency(),
	connhub_catalog.prometheus_label(text),
	connhub_catalog.html(text),
	connhub_catalog.uptime_bars(),
	connhub_catalog.may_see_channel(oid)
	TO connhub_admin, connhub_operator, connhub_reader;

GRANT EXECUTE ON FUNCTION
	connhub.about(),
	connhub.types(),
	connhub.connectors(text, text, text, text, text, text, boolean, bigint, bigint),
	connhub.get_connector(text),
	connhub.current_tenant(),
	connhub.schemas(text),
	connhub.tables(text, text, text),
	connhub.columns(text, text, text),
	connhub.schemas_json(text),
	connhub.prometheus_metrics(),
	connhub.status_page()
	TO connhub_reader;

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA connhub TO connhub_admin, connhub_operator;
GRANT EXECUTE ON PROCEDURE connhub.run_due() TO connhub_admin;
GRANT EXECUTE ON PROCEDURE connhub.deliver_notifications() TO connhub_admin, connhub_operator;
REVOKE EXECUTE ON FUNCTION connhub.register_driver(text), connhub.register_drivers(), connhub.check_expiry(),
	connhub.create_tenant(text, text, regrole, jsonb), connhub.update_tenant(text, text, text, jsonb), connhub.delete_tenant(text, boolean),
	connhub.rotate_master_key(text), connhub.set_secret_store(text, jsonb, jsonb, text), connhub.remove_secret_store(text, text)
	FROM connhub_operator;
GRANT EXECUTE ON PROCEDURE connhub.rotate_tenant_key(text), connhub.resolve_secrets() TO connhub_admin;

-- A second line: should a right on a table ever be granted, rows stay hidden from those who may not see them.
ALTER TABLE connhub_catalog.tier ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.tenant ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.tenant_member ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.connector_type ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.connector ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.data_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.secret ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.remote_schema ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.remote_table ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.remote_column ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.remote_statistics ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.remote_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.remote_index ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.connector_limit ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.event ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.discovery ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.drift ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.health ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.health_check ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.health_day ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.maintenance ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.job ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.secret_store ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.kept_secret ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.channel ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.delivery ENABLE ROW LEVEL SECURITY;
ALTER TABLE connhub_catalog.expiry_notice ENABLE ROW LEVEL SECURITY;

CREATE POLICY visible ON connhub_catalog.connector FOR SELECT USING (connhub_catalog.may_see(id));
COMMENT ON POLICY visible ON connhub_catalog.connector IS 'Rows of the connectors the user may see';

CREATE POLICY visible ON connhub_catalog.remote_schema FOR SELECT USING (connhub_catalog.may_see(connector_id));
COMMENT ON POLICY visible ON connhub_catalog.remote_schema IS 'Rows of the connectors the user may see';

CREATE POLICY visible ON connhub_catalog.remote_table FOR SELECT USING (connhub_catalog.may_see(connector_id));
COMMENT ON POLICY visible ON connhub_catalog.remote_table IS 'Rows of the connectors the user may see';

CREATE POLICY visible ON connhub_catalog.remote_column FOR SELECT USING (connhub_catalog.may_see(connector_id));
COMMENT ON POLICY visible ON connhub_catalog.remote_column IS 'Rows of the connectors the user may see';

CREATE POLICY visible ON connhub_catalog.remote_statistics FOR SELECT USING (connhub_catalog.may_see(connector_id));
COMMENT ON POLICY visible ON connhub_catalog.remote_statistics IS 'Rows of the connectors the user may see';

CREATE POLICY visible ON connhub_catalog.remote_key FOR SELECT USING (connhub_catalog.may_see(connector_id));
COMMENT ON POLICY visible ON connhub_catalog.remote_key IS 'Rows of the connectors the user may see';

CREATE POLICY visible ON connhub_catalog.remote_index FOR SELECT USING (connhub_catalog.may_see(connector_id));
COMMENT ON POLICY visible ON connhub_catalog.remote_index IS 'Rows of the connectors the user may see';

CREATE POLICY visible ON connhub_catalog.event FOR SELECT USING (
	CASE WHEN connector_id IS NULL THEN connhub_catalog.tenant_level(tenant_id) OPERATOR(pg_catalog.=) 'admin' ELSE connhub_catalog.may_see(connector_id) END);
COMMENT ON POLICY visible ON connhub_catalog.event IS 'Events of the connectors and tenants the user may see';

CREATE POLICY visible ON connhub_catalog.tenant FOR SELECT USING (connhub_catalog.tenant_level(id) IS NOT NULL);
COMMENT ON POLICY visible ON connhub_catalog.tenant IS 'Tenants of the user';

CREATE POLICY visible ON connhub_catalog.tenant_member FOR SELECT USING (connhub_catalog.may_see_tenant(tenant_id));
COMMENT ON POLICY visible ON connhub_catalog.tenant_member IS 'Members of the tenants of the user';

CREATE POLICY visible ON connhub_catalog.health FOR SELECT USING (connhub_catalog.may_see(connector_id));
COMMENT ON POLICY visible ON connhub_catalog.health IS 'Rows of the connectors the user may see';

CREATE POLICY visible ON connhub_catalog.health_check FOR SELECT USING (connhub_catalog.may_see(connector_id));
COMMENT ON POLICY visible ON connhub_catalog.health_check IS 'Rows of the connectors the user may see';

CREATE POLICY visible ON connhub_catalog.health_day FOR SELECT USING (connhub_catalog.may_see(connector_id));
COMMENT ON POLICY visible ON connhub_catalog.health_day IS 'Rows of the connectors the user may see';

CREATE POLICY visible ON connhub_catalog.maintenance FOR SELECT USING (connhub_catalog.may_see(connector_id));
COMMENT ON POLICY visible ON connhub_catalog.maintenance IS 'Rows of the connectors the user may see';

CREATE POLICY visible ON connhub_catalog.connector_limit FOR SELECT USING (connhub_catalog.may_see(connector_id));
COMMENT ON POLICY visible ON connhub_catalog.connector_limit IS 'Limits of the connectors the user may see';

CREATE POLICY visible ON connhub_catalog.discovery FOR SELECT USING (connhub_catalog.may_see(connector_id));
COMMENT ON POLICY visible ON connhub_catalog.discovery IS 'Rows of the connectors the user may see';

CREATE POLICY visible ON connhub_catalog.drift FOR SELECT USING (connhub_catalog.may_see(connector_id));
COMMENT ON POLICY visible ON connhub_catalog.drift IS 'Rows of the connectors the user may see';

CREATE POLICY visible ON connhub_catalog.channel FOR SELECT USING (connhub_catalog.may_see_channel(owner) AND connhub_catalog.tenant_is_open(tenant_id));
COMMENT ON POLICY visible ON connhub_catalog.channel IS 'Channels the user may manage';
