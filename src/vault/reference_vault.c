/* vault/reference_vault.c — references to a KV store of version 2, as of Vault and OpenBao.
 *
 * A token got by AppRole is kept by the backend for as long as the store lends it; one that the store does not take any
 * more is got again, once.  A value is kept only when the store's cache_time says so. */
#include "postgres.h"

#include "utils/memutils.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "lib/stringinfo.h"
#include "vault/crypt.h"
#include "vault/reference_part.h"
#include "vault/store.h"

#define DEFAULT_TIMEOUT_MS 10000
#define EARLY_MS 5000			/* a token is not used so shortly before its end */
#define KEPT 16

/* A text kept for a while: a token (what is ""), or a value. */
typedef struct Kept
{
	pg_uuid_t	store;
	int64		version;		/* of the store's settings */
	char	   *what;
	char	   *text;			/* NULL: free */
	int64		until_ms;
} Kept;

static Kept kept[KEPT];

static void
forget(Kept *entry)
{
	if (entry->text == NULL)
		return;
	ch_wipe(entry->text, strlen(entry->text));
	pfree(entry->text);
	pfree(entry->what);
	memset(entry, 0, sizeof(*entry));
}

/* Whatever is over is wiped whenever one looks. */
static Kept *
find_kept(const ChStore *store, const char *what)
{
	int64		now = ch_clock->now_ms();
	Kept	   *found = NULL;

	for (int i = 0; i < KEPT; i++)
	{
		Kept	   *entry = &kept[i];

		if (entry->text != NULL && entry->until_ms <= now)
			forget(entry);
		if (entry->text != NULL && entry->version == store->version && strcmp(entry->what, what) == 0 &&
			memcmp(&entry->store, &store->id, UUID_LEN) == 0)
			found = entry;
	}
	return found;
}

static void
keep(const ChStore *store, const char *what, const char *text, int64 ms)
{
	Kept	   *entry = find_kept(store, what);

	if (ms <= 0)
		return;
	for (int i = 0; i < KEPT && entry == NULL; i++)
		if (kept[i].text == NULL)
			entry = &kept[i];
	if (entry == NULL)
		entry = &kept[ch_clock->now_ms() % KEPT];
	forget(entry);
	entry->what = MemoryContextStrdup(TopMemoryContext, what);
	entry->store = store->id;
	entry->version = store->version;
	entry->until_ms = ch_clock->now_ms() + ms;
	entry->text = MemoryContextStrdup(TopMemoryContext, text);
}

/* ---- Asking ------------------------------------------------------------------------------ */

/* Ask; token and body are wiped, whatever comes of it. */
static ChHttpTransfer *
ask(const ChStore *store, const char *method, const char *path, char *token, char *body, const char *subject,
	const ChHttpReply **reply)
{
	const char *headers[4];
	char	   *namespace = ch_store_option(store, "namespace");
	char	   *authorization = token != NULL ? psprintf("X-Vault-Token: %s", token) : NULL;
	ChHttpTransfer *volatile transfer = NULL;
	ChHttpRequest request = {
		.method = method,
		.url = psprintf("%s/v1/%s", ch_store_option(store, "address"), path),
		.headers = headers,
		.body = body,
		.body_bytes = body != NULL ? strlen(body) : 0,
		.ca_pem = ch_store_option(store, "ca"),
		.timeout_ms = ch_store_ms(store, "timeout", DEFAULT_TIMEOUT_MS),
		.secret = true,
	};
	char	   *const secrets[] = {token, authorization, body};

	headers[request.nheaders++] = "X-Vault-Request: true";
	if (namespace != NULL)
		headers[request.nheaders++] = psprintf("X-Vault-Namespace: %s", namespace);
	if (authorization != NULL)
		headers[request.nheaders++] = authorization;
	if (body != NULL)
		headers[request.nheaders++] = "Content-Type: application/json";
	PG_TRY();
	{
		transfer = ch_store_ask(&request, subject, reply);
	}
	PG_FINALLY();
	{
		for (int i = 0; i < lengthof(secrets); i++)
			if (secrets[i] != NULL)
				ch_wipe(secrets[i], strlen(secrets[i]));
	}
	PG_END_TRY();
	return transfer;
}

static void
fail_status(const char *subject, int status, const char *not_found)
{
	static const struct
	{
		int			status;
		const char *cause;
		const char *hint;
	}			causes[] = {
		{400, "The store took the request for malformed.", "Check the login of the secret store, and the mount: it must be a KV store of version 2."},
		{403, "The store refused access.", "Check the login of the secret store, and what its policy lets it read."},
		{429, "The store takes no more requests for now.", "Try again later."},
		{473, "The store is a standby that does not answer.", "Check the address of the secret store."},
		{503, "The store is sealed or under maintenance.", "Unseal it."},
	};

	if (status == 404)
		ch_store_fail(subject, not_found, "Check mount, path and version of the reference.");
	for (int i = 0; i < lengthof(causes); i++)
		if (causes[i].status == status)
			ch_store_fail(subject, causes[i].cause, causes[i].hint);
	ch_store_fail(subject, psprintf("The store answered with status %d.", status), "Look into the log of the store.");
}

/* ---- Token ------------------------------------------------------------------------------- */

/* Log in by AppRole; the token in the current context, kept for its time. */
static char *
approle_login(const ChStore *store, const char *subject)
{
	static const char *const token_path[] = {"auth", "client_token", NULL};
	static const char *const lease_path[] = {"auth", "lease_duration", NULL};
	const char *secret_id = ch_store_login(store, "secret_id");
	char	   *mount = ch_store_option(store, "approle_mount");
	char	   *lease;
	char	   *token;
	StringInfoData body;
	const ChHttpReply *reply;
	ChHttpTransfer *transfer;

	initStringInfo(&body);
	enlargeStringInfo(&body, 4096 + 6 * (int) strlen(secret_id));
	appendStringInfoString(&body, "{\"role_id\": ");
	ch_json_append(&body, ch_store_option(store, "role_id"));
	appendStringInfoString(&body, ", \"secret_id\": ");
	ch_json_append(&body, secret_id);
	appendStringInfoChar(&body, '}');
	transfer = ask(store, "POST", psprintf("auth/%s/login", ch_store_escape(mount != NULL ? mount : "approle", true)), NULL,
				   body.data, subject, &reply);
	if (reply->status == 400 || reply->status == 403)
		ch_store_fail(subject, "The store refused the AppRole.", "Set role_id and secret_id anew with connhub.set_secret_store.");
	if (reply->status != 200)
		fail_status(subject, reply->status, "The store has no such AppRole mount.");
	token = ch_json_pick(reply->body, reply->body_bytes, token_path);
	lease = ch_json_pick(reply->body, reply->body_bytes, lease_path);
	if (token == NULL)
		ch_store_fail(subject, "The store's answer to the login holds no token.", "Check the address of the secret store.");
	/* A lease of 0 does not end. */
	keep(store, "", token, lease == NULL || atoll(lease) == 0 ? INT64CONST(3600000) : atoll(lease) * 1000 - EARLY_MS);
	ch_http_end(transfer);
	return token;
}

/* A token to ask with, to be wiped; *renewable: another try may get a better one. */
static char *
get_token(const ChStore *store, const char *subject, bool *renewable)
{
	char	   *file = ch_store_option(store, "token_file");
	Kept	   *entry;
	size_t		length;
	char	   *text;

	*renewable = true;
	if (file != NULL)
	{
		text = ch_secret_file(file, subject, &length);
		while (length > 0 && strchr(" \r\n", text[length - 1]) != NULL)
			text[--length] = '\0';
		return text;
	}
	if (ch_store_login(store, "secret_id") != NULL)
	{
		entry = find_kept(store, "");
		return entry != NULL ? pstrdup(entry->text) : approle_login(store, subject);
	}
	*renewable = false;
	return pstrdup(ch_store_login(store, "token"));
}

/* The answer of the store, with another token should the first be over. */
static ChHttpTransfer *
ask_with_token(const ChStore *store, const char *path, const char *subject, const ChHttpReply **reply)
{
	bool		renewable = true;
	ChHttpTransfer *transfer = NULL;

	for (int attempt = 0; attempt < 2 && renewable; attempt++)
	{
		char	   *token = get_token(store, subject, &renewable);
		Kept	   *entry;

		if (transfer != NULL)
			ch_http_end(transfer);
		transfer = ask(store, "GET", path, token, NULL, subject, reply);
		if ((*reply)->status != 403)
			break;
		entry = find_kept(store, "");
		if (entry != NULL)
			forget(entry);
	}
	return transfer;
}

void
ch_reference_vault(const ChReference *reference, ChSecret *into, const char *field)
{
	const char *const value_path[] = {"data", "data", reference->key, NULL};
	ChStore    *store = ch_store_require(reference->tenant, "vault");
	Kept	   *entry = find_kept(store, reference->text);
	const ChHttpReply *reply;
	ChHttpTransfer *transfer;
	char	   *value;

	if (entry != NULL)
	{
		ch_reference_add(reference, into, field, entry->text, strlen(entry->text));
		ch_vault_wipe(store->secret);
		return;
	}
	transfer = ask_with_token(store, psprintf("%s/data/%s%s%s", ch_store_escape(reference->mount, false),
											  ch_store_escape(reference->path, true),
											  reference->version != NULL ? "?version=" : "",
											  reference->version != NULL ? reference->version : ""),
							  reference->text, &reply);
	if (reply->status != 200)
		fail_status(reference->text, reply->status, "The store has nothing at this path, or this version was deleted.");
	value = ch_json_pick(reply->body, reply->body_bytes, value_path);
	if (value == NULL)
		ch_store_fail(reference->text, psprintf("The secret has no text field \"%s\".", reference->key),
					  "Check the name after \"#\".");
	ch_reference_add(reference, into, field, value, strlen(value));
	keep(store, reference->text, value, ch_store_ms(store, "cache_time", 0));
	ch_wipe(value, strlen(value));
	ch_http_end(transfer);
	ch_vault_wipe(store->secret);
}
