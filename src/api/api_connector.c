/* api/api_connector.c — test, create_connector, update_connector, set_credentials.
 *
 * Assumes that EXECUTE was checked: whoever gets here may create connectors, and what belongs to
 * another is checked by the lock on it.  Everything is part of the caller's transaction: an error, or a
 * later ROLLBACK, leaves what was there before. */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "api/api.h"
#include "catalog/cat_plan.h"
#include "catalog/cat_store.h"
#include "catalog/cat_tenant.h"
#include "catalog/cat_type.h"
#include "catalog/catalog.h"
#include "common/error.h"
#include "common/redact.h"
#include "conn/conn.h"
#include "health/history.h"
#include "vault/kept.h"
#include "vault/reference.h"

PG_FUNCTION_INFO_V1(connhub_connector_create);
PG_FUNCTION_INFO_V1(connhub_connector_update);
PG_FUNCTION_INFO_V1(connhub_connector_set_credentials);
PG_FUNCTION_INFO_V1(connhub_connector_rotate_credentials);
PG_FUNCTION_INFO_V1(connhub_connector_test);

/* Positions of the arguments of a configuration, which come in one order in every function. */
typedef enum ConfigurationArgument
{
	ARG_HOST,
	ARG_PORT,
	ARG_DATABASE,
	ARG_SCHEMA,
	ARG_USERNAME,
	ARG_PASSWORD,
	ARG_SSL_MODE,
	ARG_OPTIONS,
	ARG_CREDENTIALS,
	ARG_LABELS,
	ARG_TEST,
	ARG_DISCOVER,
	ARG_KEEP
} ConfigurationArgument;

static pg_uuid_t
new_id(void)
{
	return *DatumGetUUIDP(DirectFunctionCall1(gen_random_uuid, (Datum) 0));
}

/* A version that no other state of the connector ever had, that of a rolled back change included:
 * connections are cached under it. */
static int64
next_version(int64 version)
{
	return Max(version + 1, (int64) GetCurrentTimestamp());
}

static void
read_port(FunctionCallInfo fcinfo, int argument, const ChType *type, ChDraft *draft)
{
	if (PG_ARGISNULL(argument))
		return;
	draft->connector.port = PG_GETARG_INT32(argument);
	ch_draft_check_port(type, draft->connector.port);
}

static void
read_text(FunctionCallInfo fcinfo, int argument, char **field)
{
	if (!PG_ARGISNULL(argument))
		*field = ch_api_text(fcinfo, argument);
}

/* References are judged by the rights of whom the connector belongs to, when it is used too. */
static void
take_credentials(ChDraft *draft, ChOptionSet given)
{
	for (int i = 0; i < given.count; i++)
		ch_reference_check(given.items[i].value, &draft->connector.tenant_id, draft->connector.owner);
	draft->credentials = ch_options_merge(draft->credentials, given);
}

/* Lay the arguments from `first` on over the draft; nulls leave what is there. */
static void
read_configuration(FunctionCallInfo fcinfo, int first, ChDraft *draft)
{
	const ChType *type = ch_type_get(draft->connector.type, false);
	bool		privileged = ch_catalog_has_role(GetUserId(), CH_ROLE_ADMIN);

	read_text(fcinfo, first + ARG_HOST, &draft->connector.host);
	read_port(fcinfo, first + ARG_PORT, type, draft);
	read_text(fcinfo, first + ARG_DATABASE, &draft->connector.database);
	read_text(fcinfo, first + ARG_SCHEMA, &draft->connector.schema);
	read_text(fcinfo, first + ARG_USERNAME, &draft->connector.username);
	if (!PG_ARGISNULL(first + ARG_SSL_MODE))
		draft->ssl_mode = ch_api_text(fcinfo, first + ARG_SSL_MODE);
	draft->options = ch_options_merge(draft->options,
									  ch_options_check(type, ch_api_jsonb(fcinfo, first + ARG_OPTIONS),
													   privileged));
	take_credentials(draft, ch_api_credentials(type, ch_api_text(fcinfo, first + ARG_PASSWORD),
											   ch_api_jsonb(fcinfo, first + ARG_CREDENTIALS)));
}

/* A failed test, as the error that undoes the call. */
static void
refuse_failed(const ChProbe *probe, const char *name, const char *outcome, const char *way_out)
{
	const char *detail = ch_probe_detail(probe);
	const char *hint = ch_probe_hint(probe);
	const char *phase = probe->error.phase == CONNHUB_PHASE_NONE ? NULL : ch_phase_name(probe->error.phase);
	Size		length = detail != NULL ? strlen(detail) : 0;
	const char *gap = length == 0 ? "" : strchr(".!?", detail[length - 1]) != NULL ? " " : ". ";

	ereport(ERROR,
			(errcode(ERRCODE_CH_TEST_FAILED),
			 errmsg("test of connector \"%s\" failed: %s", name, ch_probe_message(probe)),
			 errdetail("%s%s%s. %s%s%s", ch_probe_code(probe), phase != NULL ? " in phase " : "",
					   phase != NULL ? phase : "", detail != NULL ? detail : "", gap, outcome),
			 errhint("%s%s%s", hint != NULL ? hint : "", hint != NULL ? " " : "", way_out)));
}

static void
put_secret(const pg_uuid_t *id, const ChConnector *connector, ChOptionSet credentials)
{
	const pg_uuid_t *tenant = &connector->tenant_id;
	ChSecretField *fields = ch_api_secret_fields(credentials);
	bool		outside = credentials.count > 0 && ch_kept_wanted(tenant);
	int64		version = 0;

	if (outside)
		fields = ch_kept_put(tenant, id, connector->type, fields, credentials.count);
	else
		ch_kept_forget(id);
	if (credentials.count > 0)
		version = ch_vault_put(tenant, id, fields, credentials.count);
	else
		ch_vault_forget(id);
	ch_connector_set_secret_version(id, version);
}

Datum
connhub_connector_create(PG_FUNCTION_ARGS)
{
	ChDraft		draft;
	ChDiscovery discovery;
	ChProbe		probe;
	Jsonb	   *labels = ch_api_jsonb(fcinfo, 2 + ARG_LABELS);
	bool		test = ch_api_bool(fcinfo, 2 + ARG_TEST, true);
	pg_uuid_t	id = new_id();

	ch_redact_statement();
	PreventCommandIfReadOnly("connhub.create_connector()");
	memset(&draft, 0, sizeof(draft));
	draft.connector.id = id;
	draft.connector.owner = GetUserId();
	draft.connector.enabled = true;
	ch_tenant_current_own(&draft.connector.tenant_id);
	draft.connector.name = ch_api_required_text(fcinfo, 0, "name");
	draft.connector.type = ch_api_required_text(fcinfo, 1, "type");
	read_configuration(fcinfo, 2, &draft);
	ch_draft_check(&draft);
	ch_labels_check(labels);
	draft.connector.config_version = next_version(0);
	ch_plan_admit(&draft.connector.tenant_id, draft.connector.type, 1);

	ch_connector_insert(&draft.connector,
						ch_options_to_jsonb(ch_type_get(draft.connector.type, false), draft.options), labels);
	ch_connector_make_server(&draft.connector);
	if (draft.credentials.count > 0)
		put_secret(&id, &draft.connector, draft.credentials);
	if (test)
	{
		ch_api_test_saved(&id, &probe);
		if (!probe.success && !ch_api_bool(fcinfo, 2 + ARG_KEEP, false))
			refuse_failed(&probe, draft.connector.name, "The connector was not created.",
						  "With keep_on_failure => true it is kept with the status ERROR.");
	}
	if (test && probe.success && ch_api_bool(fcinfo, 2 + ARG_DISCOVER, true))
		ch_discover_try(ch_connector_get(&id, false), GetUserId(), &discovery);
	return ch_api_connector_row(fcinfo, &id);
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Does the change matter for connecting, or for what is found there? */
static bool
is_relevant(const ChConnector *old, const ChDraft *draft, ChOptionSet old_options, bool new_secret)
{
	const ChConnector *new = &draft->connector;

	return new_secret || new->port != old->port || new->ssl_mode != old->ssl_mode ||
		!same_text(new->host, old->host) || !same_text(new->database, old->database) ||
		!same_text(new->schema, old->schema) || !same_text(new->username, old->username) ||
		!ch_options_equal(draft->options, old_options);
}

typedef struct OpenCall
{
	const ChConnector *connector;
	ChSecret   *secret;
} OpenCall;

static void
open_secret(void *argument)
{
	OpenCall   *call = argument;

	ChSecret   *kept;

	call->secret = ch_vault_open(&call->connector->tenant_id, &call->connector->id);
	kept = ch_kept_open(call->secret, &call->connector->tenant_id);
	if (kept == NULL)
		return;
	ch_vault_wipe(call->secret);
	call->secret = kept;
}

/* The stored credential, to lay new fields over.  One that cannot be opened any more is lost: storing
 * another must be possible then, so it counts as empty. */
static ChSecret *
open_stored(const ChConnector *connector)
{
	OpenCall	call = {.connector = connector};
	ErrorData  *error = ch_error_catch(open_secret, &call);

	if (error == NULL)
		return call.secret;
	if (error->sqlerrcode != ERRCODE_CH_VAULT)
		ReThrowError(error);
	ereport(WARNING,
			(errcode(ERRCODE_CH_VAULT),
			 errmsg("the stored credential of connector \"%s\" is replaced as a whole", connector->name),
			 errdetail("It could not be opened: %s.", error->message)));
	FreeErrorData(error);
	return ch_vault_plain(NULL, 0);
}

/* Fill a draft with a connector as it is. */
static void
draft_of(const ChConnector *connector, ChDraft *draft)
{
	memset(draft, 0, sizeof(*draft));
	draft->connector = *connector;
	draft->ssl_mode = ch_ssl_mode_names[connector->ssl_mode];
	draft->options.items = connector->options;
	draft->options.count = connector->noptions;
	draft->keeps_credentials = true;
}

/* Put the stored credential into it too; the result is to be wiped. */
static ChSecret *
draft_secrets(const ChConnector *connector, ChDraft *draft)
{
	ChSecret   *secret = open_stored(connector);

	draft->keeps_credentials = false;
	draft->credentials.items = palloc0(sizeof(ConnhubOption) * Max(secret->nfields, 1));
	for (int i = 0; i < secret->nfields; i++)
	{
		/* By insertion, since a set is kept in name order. */
		int			at = draft->credentials.count++;

		while (at > 0 && strcmp(draft->credentials.items[at - 1].name, secret->fields[i].name) > 0)
		{
			draft->credentials.items[at] = draft->credentials.items[at - 1];
			at--;
		}
		draft->credentials.items[at].name = secret->fields[i].name;
		draft->credentials.items[at].value = secret->fields[i].value;
	}
	return secret;
}

/* Store a checked draft over a connector, test it, and throw when that fails. */
static bool
replace(const ChConnector *old, ChDraft *draft, const Jsonb *labels, bool new_secret, bool test,
		ChProbe *probe)
{
	const ChType *type = ch_type_get(draft->connector.type, false);
	ChOptionSet old_options = {old->options, old->noptions};
	bool		relevant = is_relevant(old, draft, old_options, new_secret);
	bool		enabled = old->enabled;
	pg_uuid_t	id = old->id;
	ChStatus	status;

	if (relevant)
		draft->connector.config_version = next_version(old->config_version);
	ch_connector_store(&draft->connector, ch_options_to_jsonb(type, draft->options), labels);
	if (new_secret)
		put_secret(&id, &draft->connector, draft->credentials);
	if (!same_text(old->name, draft->connector.name))
		ch_connector_rename_server(&draft->connector, old->name);
	ch_connector_ensure_server(ch_connector_get(&id, false));
	if (!relevant)
		return false;

	if (!test)
	{
		ch_status_apply(&id, CH_INPUT_CHANGED, NULL, true, &status);
		ch_connector_test_soon(&id);
	}
	if (test && enabled)
	{
		ch_api_test_saved(&id, probe);
		if (!probe->success)
			refuse_failed(probe, draft->connector.name, "Nothing was changed.",
						  "With test => false it is changed all the same.");
	}
	ch_conn_close_all(&id);
	ch_connector_forget_plans(ch_connector_get(&id, false));
	return test && enabled;
}

Datum
connhub_connector_update(PG_FUNCTION_ARGS)
{
	Jsonb	   *labels = ch_api_jsonb(fcinfo, 2 + ARG_LABELS);
	const ChConnector *old;
	ChDraft		draft;
	ChDiscovery discovery;
	ChProbe		probe;
	ChSecret   *secret = NULL;
	pg_uuid_t	id;
	bool		tested;
	bool		new_secret = !PG_ARGISNULL(2 + ARG_PASSWORD) || !PG_ARGISNULL(2 + ARG_CREDENTIALS);

	ch_redact_statement();
	PreventCommandIfReadOnly("connhub.update_connector()");
	old = ch_connector_lock(ch_api_required_text(fcinfo, 0, "connector"));
	id = old->id;
	draft_of(old, &draft);
	if (new_secret)
		secret = draft_secrets(old, &draft);
	read_text(fcinfo, 1, &draft.connector.name);
	read_configuration(fcinfo, 2, &draft);
	ch_draft_check(&draft);
	ch_labels_check(labels);

	tested = replace(old, &draft, labels, new_secret, ch_api_bool(fcinfo, 2 + ARG_TEST, true), &probe);
	if (secret != NULL)
		ch_vault_wipe(secret);
	if (tested && ch_api_bool(fcinfo, 2 + ARG_DISCOVER, true))
		ch_discover_try(ch_connector_get(&id, false), GetUserId(), &discovery);
	return ch_api_connector_row(fcinfo, &id);
}

/* Arguments: connector, username, password, credentials. */
static Datum
set_credentials(FunctionCallInfo fcinfo, const ChConnector *old, bool test)
{
	const ChType *type;
	ChDraft		draft;
	ChProbe		probe;
	ChSecret   *secret = NULL;
	pg_uuid_t	id = old->id;
	bool		new_secret = !PG_ARGISNULL(2) || !PG_ARGISNULL(3);

	if (PG_ARGISNULL(1) && PG_ARGISNULL(2) && PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("no credential was given"),
				 errhint("Give username, password or credentials.")));
	type = ch_type_get(old->type, false);
	draft_of(old, &draft);
	if (new_secret)
		secret = draft_secrets(old, &draft);
	read_text(fcinfo, 1, &draft.connector.username);
	take_credentials(&draft, ch_api_credentials(type, ch_api_text(fcinfo, 2), ch_api_jsonb(fcinfo, 3)));
	ch_draft_check(&draft);
	(void) replace(old, &draft, NULL, new_secret, test, &probe);
	if (secret != NULL)
		ch_vault_wipe(secret);
	return ch_api_connector_row(fcinfo, &id);
}

Datum
connhub_connector_set_credentials(PG_FUNCTION_ARGS)
{
	ch_redact_statement();
	PreventCommandIfReadOnly("connhub.set_credentials()");
	return set_credentials(fcinfo, ch_connector_lock(ch_api_required_text(fcinfo, 0, "connector")),
						   ch_api_bool(fcinfo, 4, true));
}

Datum
connhub_connector_rotate_credentials(PG_FUNCTION_ARGS)
{
	const ChConnector *connector;

	ch_redact_statement();
	PreventCommandIfReadOnly("connhub.rotate_credentials()");
	connector = ch_connector_lock(ch_api_required_text(fcinfo, 0, "connector"));
	if (!connector->enabled)
		ereport(ERROR,
				(errcode(ERRCODE_CH_DISABLED),
				 errmsg("connector \"%s\" is disabled, so new credentials cannot be tested", connector->name),
				 errhint("Enable it, or store them untested with connhub.set_credentials(..., test => false).")));
	return set_credentials(fcinfo, connector, true);
}

static Datum
test_saved(FunctionCallInfo fcinfo)
{
	const ChConnector *connector = ch_connector_require(ch_api_text(fcinfo, 0));
	pg_uuid_t	id = connector->id;
	ChProbe		probe;

	for (int i = 1; i < PG_NARGS(); i++)
	{
		if (!PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
					 errmsg("a saved connector is tested as it is"),
					 errhint("Give either a connector, or a type and the configuration to try.")));
	}
	if (!ch_connector_may_use(connector, GetUserId()))
		ch_connector_require_manage(connector);
	ch_api_test_saved(&id, &probe);
	return ch_api_test_row(fcinfo, &id, &probe);
}

static Datum
test_unsaved(FunctionCallInfo fcinfo)
{
	ChDraft		draft;
	ChProbe		probe;
	ChTarget	target;
	ChSecret   *secret;

	memset(&draft, 0, sizeof(draft));
	draft.connector.owner = GetUserId();
	draft.connector.enabled = true;
	if (!ch_uuid_parse(CH_DEFAULT_TENANT, &draft.connector.tenant_id))
		elog(ERROR, "malformed id of the default tenant");
	draft.connector.type = ch_api_text(fcinfo, 1);
	read_configuration(fcinfo, 2, &draft);
	ch_draft_check(&draft);
	draft.connector.name = "(unsaved)";

	secret = ch_vault_plain(ch_api_secret_fields(draft.credentials), draft.credentials.count);
	target.connector = &draft.connector;
	target.secret = secret;
	target.user = GetUserId();
	ch_probe_run(&target, &probe);
	ch_vault_wipe(secret);
	return ch_api_test_row(fcinfo, NULL, &probe);
}

Datum
connhub_connector_test(PG_FUNCTION_ARGS)
{
	ch_redact_statement();
	if (!PG_ARGISNULL(0))
		return test_saved(fcinfo);
	if (!PG_ARGISNULL(1))
		return test_unsaved(fcinfo);
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("neither a connector nor a type was given"),
			 errhint("connhub.test('name') tests a connector; connhub.test(type => ..., host => ...) a configuration.")));
	PG_RETURN_NULL();
}
