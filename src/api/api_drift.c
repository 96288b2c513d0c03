/* api/api_drift.c — connhub.apply_drift.
 *
 * It runs as the caller: each statement needs the rights it would need by hand, and runs in a subtransaction of its
 * own, so that one that fails is a row of the result and the rest is done.  A dry run does all of it too, and
 * undoes it. */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"

#include "api/api.h"
#include "catalog/cat_drift.h"
#include "catalog/cat_remote.h"
#include "common/error.h"
#include "fdw/alter.h"

PG_FUNCTION_INFO_V1(connhub_apply_drift);

typedef struct ApplyDrift
{
	const ChConnector *connector;	/* lasts to the end of the transaction */
	bool		is_dry;
	bool		drop_missing;
	bool		attach_new;
	ReturnSetInfo *result;
} ApplyDrift;

/* ---- One statement ------------------------------------------------------------------------- */

static void
run(void *statement)
{
	int			result;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	result = SPI_execute(statement, false, 0);
	if (result < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
	SPI_finish();
}

static char *
describe(const ErrorData *error)
{
	char	   *text = error->detail != NULL ? psprintf("%s: %s", error->message, error->detail) : pstrdup(error->message);

	for (char *p = text; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	return text;
}

/* Errors that end the statement whatever they interrupt. */
static bool
must_rethrow(const ErrorData *error)
{
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION ||
		error->sqlerrcode == ERRCODE_OUT_OF_MEMORY;
}

/* Run an alteration unless something speaks against it, and make it a row of the result. */
static void
carry_out(ApplyDrift *apply, const ChAlteration *alteration)
{
	char	   *problem = alteration->problem;
	Datum		values[5];
	bool		nulls[5] = {false};

	if (problem == NULL)
	{
		ErrorData  *error = ch_error_catch(run, alteration->statement);

		if (error != NULL && must_rethrow(error))
			ReThrowError(error);
		if (error != NULL)
			problem = describe(error);
	}
	values[0] = CStringGetTextDatum(alteration->action);
	values[1] = CStringGetTextDatum(alteration->object);
	values[2] = CStringGetTextDatum(alteration->statement);
	values[3] = BoolGetDatum(problem == NULL && !apply->is_dry);
	values[4] = problem == NULL ? (Datum) 0 : CStringGetTextDatum(problem);
	nulls[4] = problem == NULL;
	tuplestore_putvalues(apply->result->setResult, apply->result->setDesc, values, nulls);
}

/* ---- Tables -------------------------------------------------------------------------------- */

static void
lose_table(ApplyDrift *apply, const ChAttachedTable *attached)
{
	ChAlteration alteration = {.action = "drop table"};

	alteration.object = quote_qualified_identifier(get_namespace_name(get_rel_namespace(attached->relation)),
												   get_rel_name(attached->relation));
	alteration.statement = psprintf("DROP FOREIGN TABLE %s", alteration.object);
	if (!ch_drift_table_removed(apply->connector, attached->schema, attached->table))
		alteration.problem = "its table is not among the discovered, but no discovery that is recorded found it removed";
	else if (!apply->drop_missing)
		alteration.problem = "its table is gone at the source; drop_missing => true drops it here";
	carry_out(apply, &alteration);
}

static void
follow_table(ApplyDrift *apply, const ChAttachedTable *attached)
{
	const ChRemoteTable *remote;
	ListCell   *cell;

	/* Which schema the source would look in is then known to the source only. */
	if (attached->schema == NULL)
		return;
	remote = ch_remote_table_load(apply->connector, attached->schema, attached->table);
	if (remote == NULL)
	{
		lose_table(apply, attached);
		return;
	}
	foreach(cell, ch_alter_table(attached->relation, remote,
								 ch_drift_columns_load(apply->connector, attached->schema, attached->table)))
		carry_out(apply, lfirst(cell));
}

static void
gain_table(ApplyDrift *apply, const ChNewTable *table)
{
	ChAlteration alteration = {.action = "attach table"};
	const char *into = table->into_schema == NULL ? "" :
		psprintf(", into_schema => %s", quote_literal_cstr(table->into_schema));

	alteration.object = psprintf("%s.%s", quote_identifier(table->schema), quote_identifier(table->table));
	alteration.statement = psprintf("SELECT * FROM connhub.attach(%s, remote_schema => %s, tables => ARRAY[%s]%s)",
									quote_literal_cstr(apply->connector->name),
									quote_literal_cstr(table->schema), quote_literal_cstr(table->table), into);
	if (!apply->attach_new)
		alteration.problem = "it is new at the source; attach_new => true attaches it";
	carry_out(apply, &alteration);
}

static void
apply_all(ApplyDrift *apply)
{
	ListCell   *cell;

	foreach(cell, ch_attached_tables_load(apply->connector))
	{
		CHECK_FOR_INTERRUPTS();
		follow_table(apply, lfirst(cell));
	}
	foreach(cell, ch_new_tables_load(apply->connector))
	{
		CHECK_FOR_INTERRUPTS();
		gain_table(apply, lfirst(cell));
	}
}

/* All of it, undone. */
static void
rehearse(ApplyDrift *apply)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	apply_all(apply);
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
}

Datum
connhub_apply_drift(PG_FUNCTION_ARGS)
{
	ApplyDrift	apply = {
		.connector = ch_connector_require(ch_api_required_text(fcinfo, 0, "connector")),
		.is_dry = ch_api_bool(fcinfo, 1, true),
		.drop_missing = ch_api_bool(fcinfo, 2, false),
		.attach_new = ch_api_bool(fcinfo, 3, false),
	};

	PreventCommandIfReadOnly("connhub.apply_drift()");
	ch_connector_require_manage(apply.connector);
	InitMaterializedSRF(fcinfo, 0);
	apply.result = (ReturnSetInfo *) fcinfo->resultinfo;
	if (apply.is_dry)
		rehearse(&apply);
	else
		apply_all(&apply);
	return (Datum) 0;
}
