/* fdw/handler.c — the table of callbacks, and the function that hands it out.
 *
 * What is not in the table the server refuses by itself, with feature_not_supported. */
#include "postgres.h"

#include "fmgr.h"

#include "fdw/fdw.h"
#include "fdw/import.h"
#include "fdw/modify.h"

PG_FUNCTION_INFO_V1(connhub_fdw_handler);

Datum
connhub_fdw_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	routine->GetForeignRelSize = ch_get_foreign_rel_size;
	routine->GetForeignPaths = ch_get_foreign_paths;
	routine->GetForeignJoinPaths = ch_get_foreign_join_paths;
	routine->GetForeignPlan = ch_get_foreign_plan;
	routine->GetForeignUpperPaths = ch_get_foreign_upper_paths;
	routine->BeginForeignScan = ch_begin_foreign_scan;
	routine->IterateForeignScan = ch_iterate_foreign_scan;
	routine->ReScanForeignScan = ch_rescan_foreign_scan;
	routine->EndForeignScan = ch_end_foreign_scan;
	routine->IsForeignScanParallelSafe = ch_is_foreign_scan_parallel_safe;
	routine->EstimateDSMForeignScan = ch_estimate_foreign_scan;
	routine->InitializeDSMForeignScan = ch_initialize_foreign_scan;
	routine->ReInitializeDSMForeignScan = ch_reinitialize_foreign_scan;
	routine->InitializeWorkerForeignScan = ch_initialize_worker_scan;
	routine->IsForeignPathAsyncCapable = ch_is_foreign_path_async_capable;
	routine->ForeignAsyncRequest = ch_foreign_async_request;
	routine->ForeignAsyncConfigureWait = ch_foreign_async_configure_wait;
	routine->ForeignAsyncNotify = ch_foreign_async_notify;
	routine->AddForeignUpdateTargets = ch_add_foreign_update_targets;
	routine->PlanForeignModify = ch_plan_foreign_modify;
	routine->BeginForeignModify = ch_begin_foreign_modify;
	routine->ExecForeignInsert = ch_exec_foreign_insert;
	routine->ExecForeignBatchInsert = ch_exec_foreign_batch_insert;
	routine->GetForeignModifyBatchSize = ch_get_foreign_modify_batch_size;
	routine->ExecForeignUpdate = ch_exec_foreign_update;
	routine->ExecForeignDelete = ch_exec_foreign_delete;
	routine->EndForeignModify = ch_end_foreign_modify;
	routine->BeginForeignInsert = ch_begin_foreign_insert;
	routine->EndForeignInsert = ch_end_foreign_insert;
	routine->IsForeignRelUpdatable = ch_is_foreign_rel_updatable;
	routine->PlanDirectModify = ch_plan_direct_modify;
	routine->BeginDirectModify = ch_begin_foreign_scan;
	routine->IterateDirectModify = ch_iterate_direct_modify;
	routine->EndDirectModify = ch_end_foreign_scan;
	routine->ExecForeignTruncate = ch_exec_foreign_truncate;
	routine->ExplainForeignScan = ch_explain_foreign_scan;
	routine->ExplainForeignModify = ch_explain_foreign_modify;
	routine->ExplainDirectModify = ch_explain_direct_modify;
	routine->AnalyzeForeignTable = ch_analyze_foreign_table;
	routine->ImportForeignSchema = ch_import_foreign_schema;
	PG_RETURN_POINTER(routine);
}
