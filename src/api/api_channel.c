/* api/api_channel.c — channels of notifications, and sending. */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/uuid.h"

#include "api/api.h"
#include "catalog/cat_channel.h"
#include "catalog/cat_tenant.h"
#include "catalog/catalog.h"
#include "common/error.h"
#include "common/redact.h"
#include "common/txn.h"
#include "health/channel.h"
#include "health/expiry.h"
#include "health/notify.h"
#include "vault/vault.h"

PG_FUNCTION_INFO_V1(connhub_channel_create);
PG_FUNCTION_INFO_V1(connhub_channel_update);
PG_FUNCTION_INFO_V1(connhub_channel_delete);
PG_FUNCTION_INFO_V1(connhub_channel_test);
PG_FUNCTION_INFO_V1(connhub_notifications_deliver);
PG_FUNCTION_INFO_V1(connhub_expiry_check);

/* Seal a new secret; an empty one removes what was there. */
static void
set_secret(ChChannel *channel, const char *value)
{
	ChSecretField field = {.name = "secret", .value = value};

	if (value == NULL)
		return;
	channel->secret_version++;
	channel->sealed = NULL;
	if (value[0] == '\0')
		return;
	for (const char *p = value; *p != '\0'; p++)
		if ((unsigned char) *p < ' ')
			ereport(ERROR,
					(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
					 errmsg("the secret has a control character"),
					 errhint("Give it without line breaks.")));
	channel->sealed = ch_vault_seal(&channel->tenant_id, &channel->id, channel->secret_version, &field, 1, &channel->key_id);
}

static void
require_name(const char *name)
{
	if (name[0] == '\0' || strlen(name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("the name of a channel has 1 to %d bytes", NAMEDATALEN - 1),
				 errhint("Choose another name.")));
}

Datum
connhub_channel_create(PG_FUNCTION_ARGS)
{
	ChChannel	channel = {0};

	ch_redact_statement();
	PreventCommandIfReadOnly("connhub.create_channel()");
	channel.id = *DatumGetUUIDP(DirectFunctionCall1(gen_random_uuid, (Datum) 0));
	ch_tenant_current_own(&channel.tenant_id);
	channel.name = ch_api_required_text(fcinfo, 0, "name");
	channel.kind = ch_api_required_text(fcinfo, 1, "kind");
	channel.target = ch_api_required_text(fcinfo, 2, "target");
	channel.options = ch_api_jsonb(fcinfo, 3);
	if (channel.options == NULL)
		channel.options = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	channel.owner = GetUserId();
	channel.enabled = true;
	require_name(channel.name);
	if (strcmp(channel.kind, "webhook") != 0 && strcmp(channel.kind, "email") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("there is no channel of kind \"%s\"", channel.kind),
				 errhint("The kinds are webhook and email.")));
	ch_channel_options(&channel);
	set_secret(&channel, ch_api_text(fcinfo, 4));
	ch_channel_insert(&channel);
	PG_RETURN_DATUM(DirectFunctionCall1(uuid_in, CStringGetDatum(ch_uuid_text(&channel.id))));
}

Datum
connhub_channel_update(PG_FUNCTION_ARGS)
{
	ChChannel  *channel;

	ch_redact_statement();
	PreventCommandIfReadOnly("connhub.update_channel()");
	channel = ch_channel_lock(ch_api_required_text(fcinfo, 0, "channel"));
	if (!PG_ARGISNULL(1))
		channel->name = ch_api_text(fcinfo, 1);
	if (!PG_ARGISNULL(2))
		channel->target = ch_api_text(fcinfo, 2);
	if (!PG_ARGISNULL(3))
		channel->options = ch_api_jsonb(fcinfo, 3);
	channel->enabled = ch_api_bool(fcinfo, 5, channel->enabled);
	require_name(channel->name);
	ch_channel_options(channel);
	set_secret(channel, ch_api_text(fcinfo, 4));
	ch_channel_store(channel);
	PG_RETURN_UUID_P(&channel->id);
}

Datum
connhub_channel_delete(PG_FUNCTION_ARGS)
{
	ChChannel  *channel;

	PreventCommandIfReadOnly("connhub.delete_channel()");
	channel = ch_channel_lock(ch_api_required_text(fcinfo, 0, "channel"));
	ch_channel_remove(&channel->id);
	PG_RETURN_UUID_P(&channel->id);
}

static void
set_text(Datum *value, bool *is_null, const char *text)
{
	*is_null = text == NULL || text[0] == '\0';
	if (!*is_null)
		*value = CStringGetTextDatum(text);
}

Datum
connhub_channel_test(PG_FUNCTION_ARGS)
{
	ChChannel  *channel;
	ConnhubError error = {0};
	double		elapsed_ms = 0;
	ConnhubStatus status;
	Datum		values[6] = {0};
	bool		nulls[6] = {false};

	PreventCommandIfReadOnly("connhub.test_channel()");
	channel = ch_channel_require(ch_api_required_text(fcinfo, 0, "channel"));
	status = ch_notify_test(channel, &error, &elapsed_ms);
	values[0] = BoolGetDatum(status == CONNHUB_OK);
	set_text(&values[1], &nulls[1], ch_status_code(status));
	set_text(&values[2], &nulls[2], error.phase != CONNHUB_PHASE_NONE ? ch_phase_name(error.phase) : NULL);
	set_text(&values[3], &nulls[3], status == CONNHUB_OK ? "the receiver has taken the message" : error.message);
	set_text(&values[4], &nulls[4], error.detail);
	values[5] = Float8GetDatum(elapsed_ms);
	return ch_api_row(fcinfo, values, nulls, lengthof(values));
}

Datum
connhub_notifications_deliver(PG_FUNCTION_ARGS)
{
	CallContext *call = castNode(CallContext, fcinfo->context);

	PreventCommandIfReadOnly("connhub.deliver_notifications()");
	if (call->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("connhub.deliver_notifications() cannot run inside a transaction block"),
				 errhint("Call it by itself: it works between short transactions of its own.")));
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	MemoryContextSwitchTo(PortalContext);
	ch_txn_set_procedure(true);
	PG_TRY();
	{
		ch_notify_deliver_due();
	}
	PG_FINALLY();
	{
		ch_txn_set_procedure(false);
	}
	PG_END_TRY();
	SPI_finish();
	PG_RETURN_VOID();
}

Datum
connhub_expiry_check(PG_FUNCTION_ARGS)
{
	PreventCommandIfReadOnly("connhub.check_expiry()");
	PG_RETURN_INT64(ch_expiry_check());
}
