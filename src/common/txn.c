/* common/txn.c — short transactions of work that goes on between them. */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "common/error.h"
#include "common/txn.h"

static bool in_procedure = false;

void
ch_txn_set_procedure(bool value)
{
	in_procedure = value;
}

bool
ch_txn_in_procedure(void)
{
	return in_procedure;
}

void
ch_txn_begin(void)
{
	if (!in_procedure)
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
	}
	PushActiveSnapshot(GetTransactionSnapshot());
}

void
ch_txn_end(void)
{
	PopActiveSnapshot();
	if (in_procedure)
	{
		SPI_commit();
		return;
	}
	CommitTransactionCommand();
	pgstat_report_stat(false);
}

/* Errors that must end the whole work, not one step of it. */
static bool
must_rethrow(const ErrorData *error)
{
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION;
}

ErrorData *
ch_txn_run(void (*fn) (void *argument), void *argument)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorData  *error;

	ch_txn_begin();
	MemoryContextSwitchTo(context);
	error = ch_error_catch(fn, argument);
	if (error != NULL && must_rethrow(error))
		ReThrowError(error);
	ch_txn_end();
	MemoryContextSwitchTo(context);
	return error;
}
