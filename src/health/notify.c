/* health/notify.c — sends events to channels.
 *
 * Works in rounds: claim some deliveries in a short transaction, open what they need in one each, send all of them at
 * once with no transaction at all, and record each outcome as it comes.  A claim that is never recorded lapses, and the
 * delivery is sent again: a receiver may see one twice, under the same Idempotency-Key. */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "catalog/cat_delivery.h"
#include "catalog/catalog.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/guc.h"
#include "common/http.h"
#include "common/txn.h"
#include "conn/netpolicy.h"
#include "health/channel.h"
#include "health/message.h"
#include "health/notify.h"
#include "vault/crypt.h"
#include "vault/vault.h"

#define MOST_AT_ONCE 64
#define MOST_PER_CHANNEL 8
#define MAX_DELAY_MS (INT64CONST(60) * 60 * 1000)
#define MAX_RETRY_AFTER_MS (INT64CONST(24) * 60 * 60 * 1000)
#define RECORDING_MS 5000		/* for what stands between an answer and its record */
#define SECRET_FIELD "secret"

/* A delivery on its way.  All of it lives in the context of the round. */
typedef struct Sending
{
	MemoryContext context;
	ChDelivery *delivery;
	ChChannelOptions *options;
	ChNetPolicy *policy;
	ChSecret   *secret;			/* NULL: none */
	char	   *authorization;	/* holds the secret; NULL: none */
	StringInfoData body;
	ChHttpRequest request;
	ChHttpMail	mail;
	const char *problem;		/* it cannot be sent; NULL: it can */
} Sending;

/* What leaves this database is UTF-8.  A database without encoding may hold anything. */
static char *
outgoing(const char *text)
{
	char	   *converted = pg_server_to_any(text, strlen(text), PG_UTF8);

	if (converted == text)
		converted = pstrdup(text);
	if (GetDatabaseEncoding() == PG_SQL_ASCII)
		for (char *p = converted; *p != '\0'; p++)
			if (IS_HIGHBIT_SET(*p))
				*p = '?';
	return converted;
}

static int64
now_seconds(void)
{
	return timestamptz_to_time_t(GetCurrentTimestamp());
}

/* ---- Preparing --------------------------------------------------------------------------- */

static const char *
secret_value(const Sending *sending)
{
	return sending->secret != NULL ? ch_vault_field(sending->secret, SECRET_FIELD) : NULL;
}

static char *
delivery_key(const ChDelivery *delivery)
{
	return psprintf("%s-" INT64_FORMAT, ch_uuid_text(&delivery->channel->id), delivery->event_id);
}

static void
prepare_webhook(Sending *sending)
{
	const ChDelivery *delivery = sending->delivery;
	const char *secret = secret_value(sending);
	const char **headers = palloc0(sizeof(char *) * (list_length(sending->options->headers) + 4));
	int			nheaders = 0;
	ListCell   *lc;

	appendStringInfoString(&sending->body, outgoing(delivery->document));
	foreach(lc, sending->options->headers)
		headers[nheaders++] = lfirst(lc);
	headers[nheaders++] = "Content-Type: application/json";
	headers[nheaders++] = psprintf("X-Connhub-Event: " INT64_FORMAT, delivery->event_id);
	headers[nheaders++] = psprintf("Idempotency-Key: %s", delivery_key(delivery));
	if (secret != NULL && sending->options->bearer)
	{
		sending->authorization = psprintf("Authorization: Bearer %s", secret);
		headers[nheaders++] = sending->authorization;
	}
	else if (secret != NULL)
	{
		StringInfoData signature;

		initStringInfo(&signature);
		appendStringInfoString(&signature, "X-Connhub-Signature: ");
		if (!ch_message_sign(&signature, secret, now_seconds(), sending->body.data, sending->body.len))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not sign a notification")));
		headers[nheaders++] = signature.data;
	}
	sending->request.method = "POST";
	sending->request.url = delivery->channel->target;
	sending->request.headers = headers;
	sending->request.nheaders = nheaders;
}

/* One line, whatever stands in it. */
static char *
mail_subject(const ChDelivery *delivery)
{
	char	   *subject = outgoing(psprintf("[connhub] %s: %s", delivery->severity, delivery->message));

	for (char *p = subject; *p != '\0'; p++)
		if ((unsigned char) *p < ' ' || *p == 0x7F)
			*p = ' ';
	return subject;
}

static char *
mail_text(const ChDelivery *delivery)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "%s\n\n", delivery->message);
	if (delivery->connector != NULL)
		appendStringInfo(&text, "Connector: %s\n", delivery->connector);
	appendStringInfo(&text, "Kind: %s\nSeverity: %s\nTime: %s\nEvent: " INT64_FORMAT "\n", delivery->kind,
					 delivery->severity, timestamptz_to_str(delivery->occurred_at), delivery->event_id);
	if (delivery->detail != NULL)
		appendStringInfo(&text, "\n%s\n", delivery->detail);
	return outgoing(text.data);
}

static void
prepare_mail(Sending *sending)
{
	const ChDelivery *delivery = sending->delivery;
	const ChChannelOptions *options = sending->options;
	List	   *addresses = ch_channel_recipients(delivery->channel);
	const char **recipients = palloc(sizeof(char *) * list_length(addresses));
	const char *from = options->smtp_from != NULL ? options->smtp_from : ch_smtp_from;
	ChMail		mail = {.recipients = recipients};
	ListCell   *lc;

	foreach(lc, addresses)
		recipients[mail.nrecipients++] = lfirst(lc);
	if (!ch_message_address(from))
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("there is no sender for mails"),
				 errhint("Set connhub.smtp_from to a mail address, or the options smtp_url and smtp_from of the channel.")));
	mail.from = from;
	mail.id = psprintf("%s%s", delivery_key(delivery), strchr(from, '@'));
	mail.subject = mail_subject(delivery);
	mail.text = mail_text(delivery);
	mail.at_seconds = now_seconds();
	ch_message_mail(&sending->body, &mail);

	sending->mail.from = from;
	sending->mail.recipients = recipients;
	sending->mail.nrecipients = mail.nrecipients;
	sending->mail.user = options->smtp_user;
	sending->mail.password = options->smtp_user != NULL ? secret_value(sending) : NULL;
	sending->mail.plain = options->smtp_plain;
	sending->request.mail = &sending->mail;
	sending->request.url = options->smtp_url != NULL ? options->smtp_url : ch_smtp_url;
	/* The server of the settings was chosen by a superuser. */
	if (options->smtp_url == NULL)
		sending->policy->everything = true;
}

/* All that needs the catalogue or the vault. */
static void
prepare(void *argument)
{
	Sending    *sending = argument;
	ChChannel  *channel = sending->delivery->channel;
	ChHttpRequest *request = &sending->request;
	MemoryContext before = MemoryContextSwitchTo(sending->context);

	sending->options = ch_channel_options(channel);
	sending->policy = ch_netpolicy_load(channel->owner);
	if (channel->sealed != NULL)
		sending->secret = ch_vault_unseal(&channel->tenant_id, &channel->id, channel->secret_version, channel->key_id,
										  channel->sealed);
	initStringInfo(&sending->body);
	if (strcmp(channel->kind, "email") == 0)
		prepare_mail(sending);
	else
		prepare_webhook(sending);
	request->body = sending->body.data;
	request->body_bytes = sending->body.len;
	request->ca_pem = sending->options->ssl_ca;
	request->timeout_ms = ch_notify_timeout_ms;
	request->discard_body = true;
	request->vet = ch_netpolicy_vet;
	request->vet_argument = sending->policy;
	request->tag = sending;
	MemoryContextSwitchTo(before);
}

static Sending *
sending_create(ChDelivery *delivery)
{
	Sending    *sending = palloc0(sizeof(Sending));

	sending->context = CurrentMemoryContext;
	sending->delivery = delivery;
	return sending;
}

static void
sending_wipe(Sending *sending)
{
	if (sending->authorization != NULL)
		ch_wipe(sending->authorization, strlen(sending->authorization));
	sending->authorization = NULL;
	ch_vault_wipe(sending->secret);
	sending->secret = NULL;
}

/* ---- Outcome ----------------------------------------------------------------------------- */

/* OK, or what is wrong with an answer or its absence. */
static ConnhubStatus
judge_answer(ChHttpTransfer *transfer, int64 *retry_after_ms, double *elapsed_ms, ConnhubError *error)
{
	const ChHttpReply *reply;
	ConnhubStatus status = ch_http_result(transfer, &reply, error);

	if (status != CONNHUB_OK)
		return status;
	*elapsed_ms = reply->elapsed_ms;
	*retry_after_ms = Min(reply->retry_after_s * 1000, MAX_RETRY_AFTER_MS);
	if (reply->status >= 200 && reply->status < 300)
		return CONNHUB_OK;
	ch_error_set(error, CONNHUB_QUERY, "the receiver answered %d", reply->status);
	if (reply->status >= 300 && reply->status < 400)
		strlcpy(error->detail, "Redirects are not followed.", sizeof(error->detail));
	error->native_code = reply->status;
	return CONNHUB_QUERY;
}

static char *
describe(const ConnhubError *error)
{
	StringInfoData text;

	initStringInfo(&text);
	if (error->phase != CONNHUB_PHASE_NONE)
		appendStringInfo(&text, "%s: ", ch_phase_name(error->phase));
	appendStringInfoString(&text, error->message);
	if (error->detail[0] != '\0')
		appendStringInfo(&text, ". %s", error->detail);
	return text.data;
}

/* Twice as long after each attempt, and up to a quarter more or less, so that not all come back at once. */
static int64
retry_delay_ms(int attempts, int64 asked_ms)
{
	int64		delay = ch_notify_retry_delay_ms;

	for (int i = 1; i < attempts && delay < MAX_DELAY_MS; i++)
		delay *= 2;
	delay = Min(delay, MAX_DELAY_MS);
	delay += (int64) ((ch_compat_random() - 0.5) * 0.5 * delay);
	return Max(Max(delay, asked_ms), 1);
}

typedef struct Outcome
{
	const ChDelivery *delivery;
	const char *error;			/* NULL: delivered */
	int64		retry_after_ms;
} Outcome;

static void
record(void *argument)
{
	const Outcome *outcome = argument;
	const ChDelivery *delivery = outcome->delivery;

	if (outcome->error == NULL)
		ch_delivery_finish(delivery);
	else if (delivery->attempts >= ch_notify_attempts)
		ch_delivery_give_up(delivery, outcome->error);
	else
		ch_delivery_retry(delivery, outcome->error, retry_delay_ms(delivery->attempts, outcome->retry_after_ms));
}

/* One that cannot be recorded stays claimed, and is sent again. */
static void
record_outcome(Outcome *outcome)
{
	ErrorData  *error = ch_txn_run(record, outcome);

	if (error != NULL)
		ereport(LOG,
				(errmsg("the outcome of a notification could not be recorded: %s", error->message)));
}

/* ---- Sending ----------------------------------------------------------------------------- */

typedef struct Claim
{
	MemoryContext context;
	List	   *deliveries;
} Claim;

static void
claim(void *argument)
{
	Claim	   *claim = argument;
	MemoryContext before = MemoryContextSwitchTo(claim->context);

	claim->deliveries = ch_delivery_claim(MOST_AT_ONCE, MOST_PER_CHANNEL, ch_notify_attempts,
										  2 * (int64) ch_notify_timeout_ms + RECORDING_MS);
	MemoryContextSwitchTo(before);
}

/* Start what can be; what cannot is recorded. */
static void
start(ChHttp *http, ChDelivery *delivery)
{
	Sending    *sending = sending_create(delivery);
	ErrorData  *failed = ch_txn_run(prepare, sending);
	ConnhubError error = {0};
	Outcome		outcome = {.delivery = delivery};

	if (failed != NULL)
		outcome.error = failed->message;
	else if (ch_http_start(http, &sending->request, &error) == NULL)
		outcome.error = describe(&error);
	if (outcome.error == NULL)
		return;
	sending_wipe(sending);
	record_outcome(&outcome);
}

static void
finish(ChHttpTransfer *transfer)
{
	Sending    *sending = ch_http_tag(transfer);
	Outcome		outcome = {.delivery = sending->delivery};
	ConnhubError error = {0};
	double		elapsed_ms;

	if (judge_answer(transfer, &outcome.retry_after_ms, &elapsed_ms, &error) != CONNHUB_OK)
		outcome.error = describe(&error);
	ch_http_end(transfer);
	sending_wipe(sending);
	record_outcome(&outcome);
}

static void
raise_wait(ConnhubStatus status)
{
	ConnhubError error = {0};

	ch_error_set(&error, status, "sending notifications was broken off");
	ch_error_raise(&error, NULL);
}

static int
send_round(List *deliveries)
{
	ChHttp	   *http = ch_http_create(CurrentMemoryContext);
	ChHttpTransfer *transfer;
	ConnhubStatus status;
	ListCell   *lc;

	foreach(lc, deliveries)
		start(http, lfirst(lc));
	while ((status = ch_http_wait(http, &transfer, -1)) == CONNHUB_OK)
		finish(transfer);
	if (status != CONNHUB_DONE)
		raise_wait(status);
	ch_http_destroy(http);
	return list_length(deliveries);
}

int64
ch_notify_deliver_due(void)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext round = AllocSetContextCreate(caller, "connhub notifications", ALLOCSET_DEFAULT_SIZES);
	int64		attempts = 0;
	int			sent;

	do
	{
		Claim		claimed = {.context = round};
		ErrorData  *error;

		MemoryContextSwitchTo(round);
		error = ch_txn_run(claim, &claimed);
		if (error != NULL)
			ReThrowError(error);
		sent = claimed.deliveries != NIL ? send_round(claimed.deliveries) : 0;
		attempts += sent;
		MemoryContextSwitchTo(caller);
		MemoryContextReset(round);
	} while (sent > 0);
	MemoryContextDelete(round);
	return attempts;
}

ConnhubStatus
ch_notify_test(ChChannel *channel, ConnhubError *error, double *elapsed_ms)
{
	ChDelivery	delivery = {.channel = channel, .kind = "test", .severity = "info",
		.message = "this is a test of the channel", .occurred_at = GetCurrentTimestamp()};
	Sending    *sending;
	ChHttp	   *http = ch_http_create(CurrentMemoryContext);
	ChHttpTransfer *transfer;
	int64		retry_after_ms;
	int64		begun = ch_clock->now_ms();
	ConnhubStatus status;

	delivery.document = psprintf("{\"id\": 0, \"kind\": \"test\", \"severity\": \"info\", \"message\": \"%s\"}", delivery.message);
	sending = sending_create(&delivery);
	prepare(sending);
	if (ch_http_start(http, &sending->request, error) == NULL)
		status = error->status;
	else if ((status = ch_http_wait(http, &transfer, -1)) == CONNHUB_OK)
		status = judge_answer(transfer, &retry_after_ms, elapsed_ms, error);
	else
		raise_wait(status);
	*elapsed_ms = ch_clock->now_ms() - begun;
	ch_http_destroy(http);
	sending_wipe(sending);
	return status;
}
