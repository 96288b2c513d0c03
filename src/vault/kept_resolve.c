/* vault/kept_resolve.c — reading credentials kept in Kubernetes, and finishing what transactions have left.
 *
 * Finishing looks at what is committed, then asks, then looks again before it changes anything: the version of what was
 * read goes along with what is written, so that a transaction that was quicker wins. */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/xid8.h"

#include "catalog/cat_sql.h"
#include "common/error.h"
#include "common/json.h"
#include "common/txn.h"
#include "vault/crypt.h"
#include "vault/kept.h"
#include "vault/kept_part.h"

#define PREFIX "kept://"
#define MOST_STAGES 100
#define DONE_ROW \
	"SELECT connector_id FROM connhub_catalog.kept_secret" \
	" WHERE connector_id = $1::uuid AND stage = $2 AND state = $3 FOR UPDATE SKIP LOCKED"

static const char *const stage_path[] = {"metadata", "annotations", CH_KEPT_STAGE, NULL};
static const char *const version_path[] = {"metadata", "resourceVersion", NULL};

/* ---- Reading ----------------------------------------------------------------------------- */

/* kept://namespace/name#stage in its parts. */
static bool
split(const char *value, char **namespace, char **name, char **stage)
{
	if (strncmp(value, PREFIX, strlen(PREFIX)) != 0)
		return false;
	*namespace = pstrdup(value + strlen(PREFIX));
	*name = strchr(*namespace, '/');
	*stage = *name != NULL ? strchr(*name, '#') : NULL;
	if (*stage == NULL)
		return false;
	*(*name)++ = '\0';
	*(*stage)++ = '\0';
	return true;
}

static bool
is_stage(const ChHttpReply *reply, const char *stage)
{
	char	   *found = ch_json_pick(reply->body, reply->body_bytes, stage_path);

	return found != NULL && strcmp(found, stage) == 0;
}

/* The Secret, under its first or its final name.  It may move from one to the other between our two questions. */
static ChHttpTransfer *
find_secret(const ChKube *kube, const char *namespace, const char *name, const char *stage, const char *subject,
			const ChHttpReply **reply)
{
	char	   *const names[] = {psprintf("%s-%s", name, stage), pstrdup(name), psprintf("%s-%s", name, stage)};

	for (int i = 0; i < lengthof(names); i++)
	{
		ChHttpTransfer *transfer = ch_kube_ask(kube, "GET", ch_kept_path(namespace, names[i]), NULL, subject, reply);

		if ((*reply)->status == 200 && is_stage(*reply, stage))
			return transfer;
		if ((*reply)->status != 200 && (*reply)->status != 404)
			ch_kube_fail(subject, (*reply)->status);
		ch_http_end(transfer);
	}
	ch_store_fail(subject, "The Secret is not there, or was changed by others.",
				  "Store the credential again with connhub.set_credentials.");
}

ChSecret *
ch_kept_open(const ChSecret *stored, const pg_uuid_t *tenant)
{
	ChHttpTransfer *transfer = NULL;
	const ChHttpReply *reply = NULL;
	ChSecret   *result;
	char	   *namespace;
	char	   *name;
	char	   *stage;
	char	   *subject;
	ChStore    *store;
	ChKube	   *kube;

	if (stored->nfields == 0 || !split(stored->fields[0].value, &namespace, &name, &stage))
		return NULL;
	subject = psprintf("\"%s\" in namespace \"%s\" of Kubernetes", name, namespace);
	store = ch_store_require(tenant, "k8s");
	kube = ch_kube_open(store, subject);
	transfer = find_secret(kube, namespace, name, stage, subject, &reply);
	result = ch_vault_empty(stored->nfields);
	for (int i = 0; i < stored->nfields; i++)
	{
		const char *field = stored->fields[i].name;
		const char *const path[] = {"data", field, NULL};
		char	   *text = ch_json_pick(reply->body, reply->body_bytes, path);
		size_t		length = 0;
		char	   *value = text != NULL ? ch_kube_decode(text, &length) : NULL;

		if (value == NULL || memchr(value, '\0', length) != NULL)
			ch_store_fail(subject, psprintf("The Secret has no usable entry \"%s\".", field),
						  "Store the credential again with connhub.set_credentials.");
		ch_vault_add(result, field, strlen(field), value, length);
		ch_wipe(value, length);
		ch_wipe(text, strlen(text));
	}
	ch_http_end(transfer);
	ch_kube_close(kube);
	ch_vault_wipe(store->secret);
	return result;
}

/* ---- Finishing --------------------------------------------------------------------------- */

/* A row that is not finished, or (connector NULL) a namespace in which stages may be left. */
typedef struct Task
{
	ChKube	   *kube;
	char	   *connector;
	char	   *namespace;
	char	   *name;
	char	   *type;
	char	   *stage;
	char	   *state;
	ChSecretField *fields;		/* values are NULL */
	int			nfields;
} Task;

typedef struct Job
{
	MemoryContext context;
	List	   *tasks;
	const Task *task;
	const char *stage;			/* asked about: */
	const char *transaction;
	bool		answer;
} Job;

static char *
column(uint64 row, int number)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number);
}

static void
read_fields(uint64 row, int number, Task *task)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number, &isnull);
	Datum	   *names;

	if (isnull)
		return;
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &task->nfields);
	task->fields = palloc0(sizeof(ChSecretField) * Max(task->nfields, 1));
	for (int i = 0; i < task->nfields; i++)
		task->fields[i].name = TextDatumGetCString(names[i]);
}

static void
load_tasks(void *argument)
{
	Job		   *job = argument;
	List	   *tenants = NIL;
	ListCell   *lc;
	ListCell   *lt;
	MemoryContext before;
	ChSql		sql;
	uint64		count;

	ch_sql_begin(&sql);
	count = ch_sql_run(&sql, "SELECT k.connector_id, k.namespace, k.name, k.type, k.stage, k.state, k.fields, k.tenant_id"
					   " FROM connhub_catalog.kept_secret AS k WHERE k.state <> 'final'"
					   " UNION ALL SELECT NULL, s.options->>'prefix' || '-' || t.name, NULL, NULL, NULL, NULL, NULL, t.id"
					   " FROM connhub_catalog.secret_store AS s JOIN connhub_catalog.tenant AS t ON t.id = s.tenant_id"
					   " WHERE s.kind = 'k8s' AND s.options ? 'prefix'");
	before = MemoryContextSwitchTo(job->context);
	for (uint64 i = 0; i < count; i++)
	{
		Task	   *task = palloc0(sizeof(Task));
		pg_uuid_t  *tenant = palloc(sizeof(pg_uuid_t));

		task->connector = column(i, 1);
		task->namespace = column(i, 2);
		task->name = column(i, 3);
		task->type = column(i, 4);
		task->stage = column(i, 5);
		task->state = column(i, 6);
		read_fields(i, 7, task);
		if (!ch_uuid_parse(column(i, 8), tenant))
			elog(ERROR, "malformed id of a tenant");
		job->tasks = lappend(job->tasks, task);
		tenants = lappend(tenants, tenant);
	}
	MemoryContextSwitchTo(before);
	ch_sql_end(&sql);
	MemoryContextSwitchTo(job->context);
	forboth(lc, job->tasks, lt, tenants)
	{
		ChStore    *store = ch_store_require(lfirst(lt), "k8s");

		((Task *) lfirst(lc))->kube = ch_kube_open(store, "of Kubernetes");
		ch_vault_wipe(store->secret);
	}
	MemoryContextSwitchTo(before);
}

/* Does the stage still hold, and is it not finished? */
static void
ask_current(void *argument)
{
	Job		   *job = argument;
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_text(&sql, job->task->connector);
	ch_sql_text(&sql, job->task->stage);
	ch_sql_text(&sql, job->task->state);
	job->answer = ch_sql_run(&sql, "SELECT FROM connhub_catalog.kept_secret"
							 " WHERE connector_id = $1::uuid AND stage = $2 AND state = $3") > 0;
	ch_sql_end(&sql);
}

static void
record_done(void *argument)
{
	Job		   *job = argument;
	bool		is_gone = strcmp(job->task->state, "gone") == 0;
	ChSql		sql;

	ch_sql_begin(&sql);
	ch_sql_text(&sql, job->task->connector);
	ch_sql_text(&sql, job->task->stage);
	ch_sql_text(&sql, job->task->state);
	/* A transaction that holds the row is about to make it another. */
	ch_sql_run(&sql, is_gone ?
			   "DELETE FROM connhub_catalog.kept_secret WHERE connector_id IN (" DONE_ROW ")" :
			   "UPDATE connhub_catalog.kept_secret SET state = 'final' WHERE connector_id IN (" DONE_ROW ")");
	ch_sql_end(&sql);
}

/* Is a stage nobody's any more?  Its transaction is over, and no row names it: in this order. */
static void
ask_abandoned(void *argument)
{
	Job		   *job = argument;
	uint64		xid = job->transaction != NULL ? strtou64(job->transaction, NULL, 10) : 0;
	ChSql		sql;

	job->answer = false;
	if (xid != 0 && xid < U64FromFullTransactionId(ReadNextFullTransactionId()))
	{
		LOCAL_FCINFO(call, 1);
		Datum		status;

		InitFunctionCallInfoData(*call, NULL, 1, InvalidOid, NULL, NULL);
		call->args[0].value = FullTransactionIdGetDatum(FullTransactionIdFromU64(xid));
		call->args[0].isnull = false;
		status = pg_xact_status(call);
		if (!call->isnull && strcmp(TextDatumGetCString(status), "in progress") == 0)
			return;
	}
	ch_sql_begin(&sql);
	ch_sql_text(&sql, job->stage);
	job->answer = ch_sql_run(&sql, "SELECT FROM connhub_catalog.kept_secret WHERE stage = $1") == 0;
	ch_sql_end(&sql);
}

static void
run(void (*step) (void *argument), Job *job)
{
	ErrorData  *error = ch_txn_run(step, job);

	if (error != NULL)
		ReThrowError(error);
}

/* Copy the stage to its final name, over what was there when we looked. */
static bool
copy_stage(Job *job, const ChHttpReply *staged, ConnhubError *error)
{
	const Task *task = job->task;
	ChKeptSecret secret = {.namespace = task->namespace, .name = task->name, .connector = task->connector,
		.type = task->type, .stage = task->stage, .nfields = task->nfields};
	ChSecretField *fields = palloc(sizeof(ChSecretField) * Max(task->nfields, 1));
	ChHttpTransfer *transfer = NULL;
	const ChHttpReply *reply;
	int			status = ch_kept_ask(task->kube, "GET", ch_kept_path(task->namespace, task->name), NULL, &transfer, &reply, error);
	char	   *body;

	if (status != 200 && status != 404)
		return false;
	if (status == 200)
		secret.resource_version = ch_json_pick(reply->body, reply->body_bytes, version_path);
	ch_http_end(transfer);
	for (int i = 0; i < task->nfields; i++)
	{
		const char *const path[] = {"data", task->fields[i].name, NULL};

		fields[i].name = task->fields[i].name;
		fields[i].value = ch_json_pick(staged->body, staged->body_bytes, path);
		if (fields[i].value == NULL)
			return false;
	}
	secret.fields = fields;
	run(ask_current, job);
	if (!job->answer)
		return false;
	body = ch_kept_body(&secret);
	status = ch_kept_ask(task->kube, status == 200 ? "PUT" : "POST",
						 ch_kept_path(task->namespace, status == 200 ? task->name : NULL), body, NULL, NULL, error);
	ch_wipe(body, strlen(body));
	for (int i = 0; i < task->nfields; i++)
		ch_wipe(unconstify(char *, fields[i].value), strlen(fields[i].value));
	return status == 200 || status == 201;
}

static bool
finish_staged(Job *job, ConnhubError *error)
{
	const Task *task = job->task;
	char	   *staged_name = psprintf("%s-%s", task->name, task->stage);
	ChHttpTransfer *transfer = NULL;
	const ChHttpReply *reply;
	int			status = ch_kept_ask(task->kube, "GET", ch_kept_path(task->namespace, staged_name), NULL, &transfer, &reply, error);
	bool		done = false;

	if (status == 0)
		return false;
	if (status == 200)
		done = copy_stage(job, reply, error) && ch_kept_delete(task->kube, task->namespace, staged_name, error);
	else if (status == 404)
	{
		ch_http_end(transfer);
		status = ch_kept_ask(task->kube, "GET", ch_kept_path(task->namespace, task->name), NULL, &transfer, &reply, error);
		done = status == 200 && is_stage(reply, task->stage);
		if (status == 0)
			return false;
	}
	ch_http_end(transfer);
	return done;
}

static bool
finish_gone(Job *job, ConnhubError *error)
{
	const Task *task = job->task;

	run(ask_current, job);
	return job->answer && ch_kept_delete(task->kube, task->namespace, task->name, error) &&
		ch_kept_delete(task->kube, task->namespace, psprintf("%s-%s", task->name, task->stage), error);
}

/* Remove the stages of this database that rolled back transactions have left in a namespace. */
static int64
sweep(Job *job, ConnhubError *error)
{
	const Task *task = job->task;
	ChHttpTransfer *transfer = NULL;
	const ChHttpReply *reply;
	int64		removed = 0;
	char	   *path = psprintf("%s?labelSelector=%s%%3D%s&limit=%d", ch_kept_path(task->namespace, NULL),
								ch_store_escape(CH_KEPT_STAGED, false), ch_kept_staged_by(), MOST_STAGES);

	if (ch_kept_ask(task->kube, "GET", path, NULL, &transfer, &reply, error) != 200)
	{
		if (transfer != NULL)
			ch_http_end(transfer);
		return 0;
	}
	for (int i = 0; i < MOST_STAGES; i++)
	{
		char	   *index = psprintf("%d", i);
		const char *const name_path[] = {"items", index, "metadata", "name", NULL};
		const char *const item_stage[] = {"items", index, "metadata", "annotations", CH_KEPT_STAGE, NULL};
		const char *const item_xid[] = {"items", index, "metadata", "annotations", CH_KEPT_TRANSACTION, NULL};
		char	   *name = ch_json_pick(reply->body, reply->body_bytes, name_path);

		if (name == NULL)
			break;
		job->stage = ch_json_pick(reply->body, reply->body_bytes, item_stage);
		job->transaction = ch_json_pick(reply->body, reply->body_bytes, item_xid);
		if (job->stage == NULL)
			continue;
		run(ask_abandoned, job);
		if (job->answer && ch_kept_delete(task->kube, task->namespace, name, error))
			removed++;
	}
	ch_http_end(transfer);
	return removed;
}

static int64
do_task(Job *job)
{
	ConnhubError error = {0};
	bool		done = false;
	int64		count = 0;

	if (job->task->connector == NULL)
		count = sweep(job, &error);
	else
		done = strcmp(job->task->state, "gone") == 0 ? finish_gone(job, &error) : finish_staged(job, &error);
	if (error.status == CONNHUB_CANCELLED)
		ch_error_raise(&error, NULL);
	if (error.status != CONNHUB_OK)
		ereport(WARNING,
				(errmsg("credentials in namespace \"%s\" of Kubernetes could not be finished: %s", job->task->namespace, error.message),
				 errhint("It is tried again by the next call of connhub.resolve_secrets().")));
	if (done)
	{
		run(record_done, job);
		count = 1;
	}
	return count;
}

int64
ch_kept_resolve(void)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "connhub kept secrets", ALLOCSET_DEFAULT_SIZES);
	Job			job = {.context = context};
	int64		count = 0;
	ListCell   *lc;

	MemoryContextSwitchTo(context);
	run(load_tasks, &job);
	foreach(lc, job.tasks)
	{
		job.task = lfirst(lc);
		count += do_task(&job);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return count;
}
