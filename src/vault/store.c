/* vault/store.c — secret stores, as rows and over HTTPS.
 *
 * Only administrators set them, so no network policy is asked.  A file that one names is held to connhub.secret_folders
 * by whoever reads it. */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "catalog/cat_option.h"
#include "catalog/cat_sql.h"
#include "catalog/catalog.h"
#include "common/error.h"
#include "vault/crypt.h"
#include "vault/store.h"

#define DEFAULT_TIMEOUT_MS 10000
#define MAX_CACHE_MS 300000

enum AnumStore
{
	Anum_store_id = 1,
	Anum_store_tenant_id,
	Anum_store_kind,
	Anum_store_options,
	Anum_store_secret_version,
	Anum_store_key_id,
	Anum_store_sealed
};

typedef enum Shape
{
	SHAPE_TEXT,
	SHAPE_URL,
	SHAPE_PATH,
	SHAPE_DURATION,
	SHAPE_FLAG
} Shape;

typedef struct StoreItem
{
	const char *kind;			/* of store; NULL: each */
	const char *name;
	Shape		shape;
	bool		is_login;		/* sealed */
} StoreItem;

static const StoreItem store_items[] = {
	{NULL, "address", SHAPE_URL, false},
	{NULL, "ca", SHAPE_TEXT, false},
	{NULL, "timeout", SHAPE_DURATION, false},
	{NULL, "token", SHAPE_TEXT, true},
	{NULL, "token_file", SHAPE_PATH, false},
	{"vault", "approle_mount", SHAPE_TEXT, false},
	{"vault", "cache_time", SHAPE_DURATION, false},
	{"vault", "namespace", SHAPE_TEXT, false},
	{"vault", "role_id", SHAPE_TEXT, false},
	{"vault", "secret_id", SHAPE_TEXT, true},
	{"k8s", "client_cert", SHAPE_TEXT, false},
	{"k8s", "client_key", SHAPE_TEXT, true},
	{"k8s", "in_cluster", SHAPE_FLAG, false},
	{"k8s", "kubeconfig", SHAPE_PATH, false},
	{"k8s", "prefix", SHAPE_TEXT, false},
	{"k8s", "write", SHAPE_FLAG, false},
};

static void
refuse(const char *message, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
			 errmsg("%s", message),
			 errhint("%s", hint)));
}

/* ---- Rows -------------------------------------------------------------------------------- */

static ChStore *
read_store(HeapTuple tuple, TupleDesc desc)
{
	ChStore    *store = palloc0(sizeof(ChStore));
	bool		isnull;
	Datum		sealed;
	int64		key_id;

	store->id = *DatumGetUUIDP(heap_getattr(tuple, Anum_store_id, desc, &isnull));
	store->tenant = *DatumGetUUIDP(heap_getattr(tuple, Anum_store_tenant_id, desc, &isnull));
	store->kind = TextDatumGetCString(heap_getattr(tuple, Anum_store_kind, desc, &isnull));
	store->options = DatumGetJsonbPCopy(heap_getattr(tuple, Anum_store_options, desc, &isnull));
	store->version = DatumGetInt64(heap_getattr(tuple, Anum_store_secret_version, desc, &isnull));
	key_id = DatumGetInt64(heap_getattr(tuple, Anum_store_key_id, desc, &isnull));
	sealed = heap_getattr(tuple, Anum_store_sealed, desc, &isnull);
	store->secret = isnull ? ch_vault_empty(0) :
		ch_vault_unseal(&store->tenant, &store->id, store->version, key_id, DatumGetByteaPCopy(sealed));
	return store;
}

ChStore *
ch_store_load(const pg_uuid_t *tenant, const char *kind)
{
	ChScan		scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;
	ChStore    *store = NULL;

	ch_scan_key_uuid(&keys[0], Anum_store_tenant_id, tenant);
	ch_scan_key_text(&keys[1], Anum_store_kind, kind);
	ch_scan_begin(&scan, "secret_store", "secret_store_tenant_id_kind_key", 2, keys);
	tuple = ch_scan_next(&scan);
	if (HeapTupleIsValid(tuple))
		store = read_store(tuple, RelationGetDescr(scan.relation));
	ch_scan_end(&scan);
	return store;
}

ChStore *
ch_store_require(const pg_uuid_t *tenant, const char *kind)
{
	ChStore    *store = ch_store_load(tenant, kind);

	if (store == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CH_VAULT),
				 errmsg("no secret store of kind \"%s\" is set up for this tenant", kind),
				 errhint("Ask an administrator to set one up with connhub.set_secret_store.")));
	return store;
}

static const StoreItem *
require_item(const char *kind, const char *name, bool is_login)
{
	for (int i = 0; i < lengthof(store_items); i++)
	{
		if (strcmp(store_items[i].name, name) != 0 || (store_items[i].kind != NULL && strcmp(store_items[i].kind, kind) != 0))
			continue;
		if (store_items[i].is_login && !is_login)
			refuse(psprintf("\"%s\" is secret and cannot stand in \"options\"", name), "Pass it in \"credentials\", which is sealed.");
		if (!store_items[i].is_login && is_login)
			refuse(psprintf("\"%s\" is not a secret", name), "Pass it in \"options\".");
		return &store_items[i];
	}
	refuse(psprintf("a secret store of kind \"%s\" has no option \"%s\"", kind, name), "docs/secrets.md lists them.");
	return NULL;
}

static void
check_item(const StoreItem *item, const char *value)
{
	ConnhubError error = {0};
	int64		ms;
	bool		flag;

	switch (item->shape)
	{
		case SHAPE_URL:
			if (pg_strncasecmp(value, "https://", 8) != 0 || ch_http_check_url(value, false, &error) != CONNHUB_OK)
				refuse(psprintf("\"%s\" must be an https URL without a user", item->name), "For example https://vault.example.com:8200.");
			break;
		case SHAPE_PATH:
			if (value[0] != '/')
				refuse(psprintf("\"%s\" must be an absolute path", item->name), "It must lie below a folder of connhub.secret_folders.");
			break;
		case SHAPE_DURATION:
			if (!ch_duration_parse(value, &ms) || ms > MAX_CACHE_MS)
				refuse(psprintf("\"%s\" must be a duration of at most 5 minutes", item->name), "For example \"10s\".");
			break;
		case SHAPE_FLAG:
			if (!parse_bool(value, &flag))
				refuse(psprintf("\"%s\" must be true or false", item->name), "Correct it.");
			break;
		case SHAPE_TEXT:
			break;
	}
}

/* base with patch laid over it; what patch sets to null is gone. */
static ChOptionSet
lay_over(ChOptionSet base, const char *kind, const Jsonb *patch, bool is_login)
{
	ChOptionSet given = {NULL, 0};

	if (patch == NULL)
		return base;
	given = ch_options_from_jsonb(patch);
	for (int i = 0; i < given.count; i++)
	{
		const StoreItem *item = require_item(kind, given.items[i].name, is_login);

		if (given.items[i].value != NULL)
			check_item(item, given.items[i].value);
	}
	return ch_options_merge(base, given);
}

static bool
has(ChOptionSet set, const char *name)
{
	for (int i = 0; i < set.count; i++)
		if (strcmp(set.items[i].name, name) == 0)
			return true;
	return false;
}

static bool
is_on(ChOptionSet set, const char *name)
{
	bool		flag = false;

	for (int i = 0; i < set.count; i++)
		if (strcmp(set.items[i].name, name) == 0)
			(void) parse_bool(set.items[i].value, &flag);
	return flag;
}

/* The token of a pod or of a kubeconfig goes where these say, and nowhere else. */
static void
check_whole(ChOptionSet options, ChOptionSet login)
{
	bool		elsewhere = is_on(options, "in_cluster") || has(options, "kubeconfig");

	if (!elsewhere && !has(options, "address"))
		refuse("a secret store needs an address", "Give \"address\" in options.");
	if (elsewhere && (has(options, "address") || has(options, "token_file") || (is_on(options, "in_cluster") && has(options, "kubeconfig"))))
		refuse("in_cluster, kubeconfig and address exclude each other", "Give one of them.");
	if (has(options, "role_id") != has(login, "secret_id"))
		refuse("an AppRole needs both role_id and secret_id", "Give role_id in options and secret_id in credentials.");
	if (has(options, "client_cert") != has(login, "client_key"))
		refuse("a client certificate needs its key", "Give client_cert in options and client_key in credentials.");
	if (!elsewhere && !has(options, "token_file") && !has(login, "token") && !has(login, "secret_id") && !has(login, "client_key"))
		refuse("there is no way to log in to the secret store", "docs/secrets.md lists them.");
	if (is_on(options, "write") && !has(options, "prefix"))
		refuse("\"write\" needs \"prefix\"", "The namespace of a tenant is <prefix>-<tenant>.");
}

static Jsonb *
set_to_jsonb(ChOptionSet set)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < set.count; i++)
	{
		JsonbValue	text = {.type = jbvString};

		text.val.string.val = unconstify(char *, set.items[i].name);
		text.val.string.len = strlen(set.items[i].name);
		pushJsonbValue(&state, WJB_KEY, &text);
		text.val.string.val = unconstify(char *, set.items[i].value);
		text.val.string.len = strlen(set.items[i].value);
		pushJsonbValue(&state, WJB_VALUE, &text);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

void
ch_store_set(const pg_uuid_t *tenant, const char *kind, const Jsonb *options, const Jsonb *login, pg_uuid_t *id)
{
	ChStore    *old;
	ChOptionSet open = {NULL, 0};
	ChOptionSet closed = {NULL, 0};
	ChSql		sql;
	bytea	   *sealed = NULL;
	int64		key_id = 0;
	int64		version;

	if (strcmp(kind, "vault") != 0 && strcmp(kind, "k8s") != 0)
		refuse(psprintf("there is no secret store of kind \"%s\"", kind), "The kinds are vault and k8s.");
	old = ch_store_load(tenant, kind);
	*id = old != NULL ? old->id : *DatumGetUUIDP(DirectFunctionCall1(gen_random_uuid, (Datum) 0));
	version = old != NULL ? old->version + 1 : 1;
	if (old != NULL)
	{
		open = ch_options_from_jsonb(old->options);
		closed.items = palloc(sizeof(ConnhubOption) * Max(old->secret->nfields, 1));
		for (; closed.count < old->secret->nfields; closed.count++)
		{
			closed.items[closed.count].name = old->secret->fields[closed.count].name;
			closed.items[closed.count].value = old->secret->fields[closed.count].value;
		}
	}
	open = lay_over(open, kind, options, false);
	closed = lay_over(closed, kind, login, true);
	check_whole(open, closed);
	if (closed.count > 0)
	{
		ChSecretField *fields = palloc(sizeof(ChSecretField) * closed.count);

		for (int i = 0; i < closed.count; i++)
		{
			fields[i].name = closed.items[i].name;
			fields[i].value = closed.items[i].value;
		}
		sealed = ch_vault_seal(tenant, id, version, fields, closed.count, &key_id);
	}
	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, id);
	ch_sql_uuid(&sql, tenant);
	ch_sql_text(&sql, kind);
	ch_sql_value(&sql, JSONBOID, JsonbPGetDatum(set_to_jsonb(open)), false);
	ch_sql_value(&sql, INT8OID, Int64GetDatum(version), false);
	ch_sql_value(&sql, INT8OID, Int64GetDatum(key_id), sealed == NULL);
	ch_sql_value(&sql, BYTEAOID, PointerGetDatum(sealed), sealed == NULL);
	ch_sql_run(&sql, "INSERT INTO connhub_catalog.secret_store (id, tenant_id, kind, options, secret_version, key_id, sealed)"
			   " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET options = excluded.options,"
			   " secret_version = excluded.secret_version, key_id = excluded.key_id, sealed = excluded.sealed, updated_at = now()");
	ch_sql_end(&sql);
	if (old != NULL)
		ch_vault_wipe(old->secret);
}

bool
ch_store_remove(const pg_uuid_t *tenant, const char *kind)
{
	ChSql		sql;
	bool		removed;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, tenant);
	ch_sql_text(&sql, kind);
	removed = ch_sql_run(&sql, "DELETE FROM connhub_catalog.secret_store WHERE tenant_id = $1 AND kind = $2") > 0;
	ch_sql_end(&sql);
	return removed;
}

char *
ch_store_option(const ChStore *store, const char *name)
{
	JsonbValue	buffer;
	JsonbValue *value = getKeyJsonValueFromContainer(&store->options->root, name, strlen(name), &buffer);

	return value != NULL && value->type == jbvString ? pnstrdup(value->val.string.val, value->val.string.len) : NULL;
}

bool
ch_store_flag(const ChStore *store, const char *name)
{
	char	   *text = ch_store_option(store, name);
	bool		flag = false;

	return text != NULL && parse_bool(text, &flag) && flag;
}

int64
ch_store_ms(const ChStore *store, const char *name, int64 otherwise)
{
	char	   *text = ch_store_option(store, name);
	int64		ms;

	return text != NULL && ch_duration_parse(text, &ms) ? ms : otherwise;
}

const char *
ch_store_login(const ChStore *store, const char *name)
{
	return ch_vault_field(store->secret, name);
}

/* ---- Asking ------------------------------------------------------------------------------ */

void
ch_store_fail(const char *subject, const char *cause, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_CH_VAULT),
			 errmsg("the secret %s is not to be had", subject),
			 errdetail("%s", cause),
			 errhint("%s", hint)));
	pg_unreachable();
}

ChHttpTransfer *
ch_store_ask(const ChHttpRequest *request, const char *subject, const ChHttpReply **reply)
{
	ChHttpTransfer *transfer;
	ConnhubError error = {0};
	ConnhubStatus status = ch_http_call(request, &transfer, reply, &error);

	if (status == CONNHUB_OK)
		return transfer;
	if (status == CONNHUB_CANCELLED)
		ch_error_raise(&error, NULL);
	ch_store_fail(subject,
				  psprintf("The store could not be asked%s%s: %s.",
						   error.phase != CONNHUB_PHASE_NONE ? ", phase " : "",
						   error.phase != CONNHUB_PHASE_NONE ? ch_phase_name(error.phase) : "", error.message),
				  status == CONNHUB_TLS ? "Check \"ca\" and \"address\" of the secret store." :
				  "Check the address of the secret store, and that it is running.");
}

char *
ch_store_escape(const char *text, bool keep_slash)
{
	StringInfoData out;

	initStringInfo(&out);
	for (const char *p = text; *p != '\0'; p++)
	{
		bool		plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
			strchr("-_.~", *p) != NULL || (keep_slash && *p == '/');

		if (plain)
			appendStringInfoChar(&out, *p);
		else
			appendStringInfo(&out, "%%%02X", (unsigned char) *p);
	}
	return out.data;
}
