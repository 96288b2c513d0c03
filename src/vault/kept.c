/* vault/kept.c — credentials kept as Secrets of Kubernetes: what the transaction does, and what follows it.
 *
 * Requests after the end of a transaction must not throw: what fails there is left to ch_kept_resolve, which finds it by
 * the rows of connhub_catalog.kept_secret and by the stages that are there.  A commit is finished before its locks on
 * the connector are given up, so that two commits cannot be finished in the wrong order. */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/base64.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "catalog/cat_sql.h"
#include "common/error.h"
#include "common/json.h"
#include "common/wait.h"
#include "vault/crypt.h"
#include "vault/kept.h"
#include "vault/kept_part.h"

#define FINISH_MS 5000
#define STAGE_BYTES 8
#define Anum_tenant_id 1
#define Anum_tenant_name 2

/* A stage that this transaction has written. */
typedef struct Pending
{
	ChKeptSecret final;
	char	   *staged_name;
	char	   *final_body;
	ChKube	   *kube;
	SubTransactionId subid;
	bool		rolled_back;	/* to a savepoint, or replaced by a later one */
} Pending;

static List *pending = NIL;		/* in TopTransactionContext */

/* ---- Names ------------------------------------------------------------------------------- */

static char *
tenant_name(const pg_uuid_t *tenant)
{
	ChScan		scan;
	ScanKeyData key;
	HeapTuple	tuple;
	char	   *name = NULL;
	bool		isnull;

	ch_scan_key_uuid(&key, Anum_tenant_id, tenant);
	ch_scan_begin(&scan, "tenant", "tenant_pkey", 1, &key);
	tuple = ch_scan_next(&scan);
	if (HeapTupleIsValid(tuple))
		name = TextDatumGetCString(heap_getattr(tuple, Anum_tenant_name, RelationGetDescr(scan.relation), &isnull));
	ch_scan_end(&scan);
	if (name == NULL)
		elog(ERROR, "tenant of a secret store is missing");
	return name;
}

/* A namespace is a label of DNS. */
static char *
namespace_of(const ChStore *store)
{
	char	   *namespace = psprintf("%s-%s", ch_store_option(store, "prefix"), tenant_name(&store->tenant));
	size_t		length = strlen(namespace);

	if (length > 63 || strspn(namespace, "abcdefghijklmnopqrstuvwxyz0123456789-") != length || namespace[0] == '-' ||
		namespace[length - 1] == '-')
		ereport(ERROR,
				(errcode(ERRCODE_CH_INVALID_CONFIGURATION),
				 errmsg("\"%s\" cannot be a namespace of Kubernetes", namespace),
				 errhint("Prefix and name of the tenant must consist of a-z, 0-9 and -, and have 62 of them together at most.")));
	return namespace;
}

static char *
secret_name(const pg_uuid_t *connector)
{
	return psprintf("connector-%.8s", ch_uuid_text(connector));
}

static char *
new_stage(void)
{
	uint8		bytes[STAGE_BYTES];
	char	   *text = palloc(2 * STAGE_BYTES + 1);

	ch_random(bytes, sizeof(bytes));
	for (int i = 0; i < STAGE_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return text;
}

/* ---- In the transaction ------------------------------------------------------------------ */

bool
ch_kept_wanted(const pg_uuid_t *tenant)
{
	ChStore    *store = ch_store_load(tenant, "k8s");
	bool		wanted = store != NULL && ch_store_flag(store, "write");

	if (store != NULL)
		ch_vault_wipe(store->secret);
	return wanted;
}

static ChSecretField *
encoded(const ChSecretField *fields, int nfields)
{
	ChSecretField *result = palloc(sizeof(ChSecretField) * Max(nfields, 1));

	for (int i = 0; i < nfields; i++)
	{
		int			length = strlen(fields[i].value);
		int			room = pg_b64_enc_len(length) + 1;
		char	   *text = palloc0(room);

		if (pg_b64_encode(fields[i].value, length, text, room - 1) < 0)
			elog(ERROR, "could not encode a credential");
		result[i].name = pstrdup(fields[i].name);
		result[i].value = text;
	}
	return result;
}

static void
record(const ChKeptSecret *secret, const pg_uuid_t *tenant, const pg_uuid_t *connector)
{
	Datum	   *names = palloc(sizeof(Datum) * Max(secret->nfields, 1));
	ChSql		sql;

	for (int i = 0; i < secret->nfields; i++)
		names[i] = CStringGetTextDatum(secret->fields[i].name);
	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, connector);
	ch_sql_uuid(&sql, tenant);
	ch_sql_text(&sql, secret->namespace);
	ch_sql_text(&sql, secret->name);
	ch_sql_text(&sql, secret->type);
	ch_sql_text(&sql, secret->stage);
	ch_sql_value(&sql, TEXTARRAYOID,
				 PointerGetDatum(construct_array(names, secret->nfields, TEXTOID, -1, false, TYPALIGN_INT)), false);
	ch_sql_run(&sql, "INSERT INTO connhub_catalog.kept_secret (connector_id, tenant_id, namespace, name, type, stage, fields, state)"
			   " VALUES ($1, $2, $3, $4, $5, $6, $7, 'staged') ON CONFLICT (connector_id) DO UPDATE SET"
			   " tenant_id = excluded.tenant_id, namespace = excluded.namespace, name = excluded.name,"
			   " type = excluded.type, stage = excluded.stage, fields = excluded.fields, state = 'staged'");
	ch_sql_end(&sql);
}

/* Everything the end of the transaction needs is made here, where it may fail. */
static Pending *
prepare(const ChStore *store, const pg_uuid_t *connector, const char *type, const ChSecretField *fields, int nfields)
{
	MemoryContext before = MemoryContextSwitchTo(TopTransactionContext);
	Pending    *entry = palloc0(sizeof(Pending));
	ChKeptSecret *final = &entry->final;

	final->namespace = namespace_of(store);
	final->name = secret_name(connector);
	final->connector = ch_uuid_text(connector);
	final->type = pstrdup(type);
	final->stage = new_stage();
	final->fields = encoded(fields, nfields);
	final->nfields = nfields;
	entry->staged_name = psprintf("%s-%s", final->name, final->stage);
	entry->final_body = ch_kept_body(final);
	entry->kube = ch_kube_open(store, final->name);
	entry->kube->timeout_ms = Min(entry->kube->timeout_ms, FINISH_MS);
	entry->subid = GetCurrentSubTransactionId();
	MemoryContextSwitchTo(before);
	return entry;
}

static void
remember(Pending *entry)
{
	MemoryContext before = MemoryContextSwitchTo(TopTransactionContext);

	pending = lappend(pending, entry);
	MemoryContextSwitchTo(before);
}

static void
fail_write(const ChKeptSecret *secret, const ConnhubError *error)
{
	if (error->status == CONNHUB_CANCELLED)
		ch_error_raise(error, NULL);
	ch_store_fail(psprintf("\"%s\" in namespace \"%s\" of Kubernetes", secret->name, secret->namespace),
				  psprintf("It could not be written: %s.", error->message),
				  "Check the secret store, that the namespace exists, and that the account may create, update and delete Secrets there.");
}

ChSecretField *
ch_kept_put(const pg_uuid_t *tenant, const pg_uuid_t *connector, const char *type, const ChSecretField *fields,
			int nfields)
{
	ChStore    *store = ch_store_require(tenant, "k8s");
	Pending    *entry = prepare(store, connector, type, fields, nfields);
	ChKeptSecret staged = entry->final;
	ChSecretField *references = palloc(sizeof(ChSecretField) * Max(nfields, 1));
	ConnhubError error = {0};
	ChDeadline	deadline;
	char	   *body;
	bool		done;

	record(&entry->final, tenant, connector);
	staged.name = entry->staged_name;
	staged.staged_by = ch_kept_staged_by();
	staged.transaction = psprintf("%llu", (unsigned long long) U64FromFullTransactionId(GetTopFullTransactionId()));
	body = ch_kept_body(&staged);
	/* From here on a rollback removes the stage, should it be there. */
	remember(entry);
	ch_deadline_begin(&deadline, FINISH_MS);
	done = ch_kept_write(entry->kube, &staged, body, &error);
	ch_deadline_end(&deadline);
	ch_wipe(body, strlen(body));
	ch_vault_wipe(store->secret);
	if (!done)
		fail_write(&staged, &error);
	for (int i = 0; i < nfields; i++)
	{
		references[i].name = fields[i].name;
		references[i].value = psprintf("kept://%s/%s#%s", entry->final.namespace, entry->final.name, entry->final.stage);
	}
	return references;
}

void
ch_kept_forget(const pg_uuid_t *connector)
{
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, connector);
	ch_sql_run(&sql, "UPDATE connhub_catalog.kept_secret SET state = 'gone' WHERE connector_id = $1 AND state <> 'gone'");
	ch_sql_end(&sql);
}

bool
ch_kept_any(const pg_uuid_t *tenant)
{
	ChSql		sql;
	bool		any;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, tenant);
	any = ch_sql_run(&sql, "SELECT FROM connhub_catalog.kept_secret WHERE tenant_id = $1 LIMIT 1") > 0;
	ch_sql_end(&sql);
	return any;
}

/* ---- The end of the transaction ---------------------------------------------------------- */

static void
finish(Pending *entry, bool commit)
{
	ConnhubError error = {0};
	bool		done = true;

	if (commit && !entry->rolled_back)
		done = ch_kept_write(entry->kube, &entry->final, entry->final_body, &error);
	if (done)
		done = ch_kept_delete(entry->kube, entry->final.namespace, entry->staged_name, &error);
	if (!done)
		ereport(WARNING,
				(errmsg("Secret \"%s\" of Kubernetes is not finished: %s", entry->final.name, error.message),
				 errhint("CALL connhub.resolve_secrets() finishes it.")));
}

static void
wipe(Pending *entry)
{
	ch_wipe(entry->final_body, strlen(entry->final_body));
	for (int i = 0; i < entry->final.nfields; i++)
		ch_wipe(unconstify(char *, entry->final.fields[i].value), strlen(entry->final.fields[i].value));
}

/* Nothing may be thrown any more: want of memory leaves the rest to ch_kept_resolve. */
static void
finish_all(bool commit)
{
	MemoryContext before = CurrentMemoryContext;
	ChDeadline	deadline;
	ListCell   *lc;

	ch_deadline_begin_shielded(&deadline, FINISH_MS);
	PG_TRY();
	{
		foreach(lc, pending)
			finish(lfirst(lc), commit);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(before);
		FlushErrorState();
	}
	PG_END_TRY();
	ch_deadline_end(&deadline);
	foreach(lc, pending)
		wipe(lfirst(lc));
	pending = NIL;
}

static void
on_xact(XactEvent event, void *arg)
{
	if (pending == NIL)
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("a transaction that has changed a credential kept in Kubernetes cannot be prepared"),
					 errhint("Commit it.")));
			break;
		case XACT_EVENT_COMMIT:
			finish_all(true);
			break;
		case XACT_EVENT_ABORT:
			finish_all(false);
			break;
		default:
			break;
	}
}

static void
on_subxact(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	ListCell   *lc;

	foreach(lc, pending)
	{
		Pending    *entry = lfirst(lc);

		if (entry->subid != mine)
			continue;
		if (event == SUBXACT_EVENT_ABORT_SUB)
			entry->rolled_back = true;
		else if (event == SUBXACT_EVENT_COMMIT_SUB)
			entry->subid = parent;
	}
}

void
ch_kept_init(void)
{
	RegisterXactCallback(on_xact, NULL);
	RegisterSubXactCallback(on_subxact, NULL);
}
