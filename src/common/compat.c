/* common/compat.c — the only file that tests PG_VERSION_NUM. */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_database.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/vacuum.h"
#if PG_VERSION_NUM >= 150000
#include "common/pg_prng.h"
#endif
#include "executor/executor.h"
#include "nodes/extensible.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "storage/procsignal.h"
#include "storage/sinval.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/pg_locale.h"
#include "utils/syscache.h"
#include "utils/wait_event.h"

#include "common/compat.h"

#if PG_VERSION_NUM < 140000
#error "connhub needs PostgreSQL 14 or later"
#endif

void
ch_compat_reserve_prefix(const char *prefix)
{
#if PG_VERSION_NUM >= 150000
	MarkGUCPrefixReserved(prefix);
#else
	EmitWarningsOnPlaceholders(prefix);
#endif
}

bool
ch_compat_stop_pending(void)
{
	if (!InterruptPending)
		return false;
#if PG_VERSION_NUM >= 170000
	if (TransactionTimeoutPending)
		return true;
#endif
	return QueryCancelPending || ProcDiePending || ClientConnectionLost;
}

void
ch_compat_serve_barriers(void)
{
	MemoryContext context = CurrentMemoryContext;
	uint32		holdoff;

	if (!ProcSignalBarrierPending)
		return;

	/* A barrier that fails stays pending and is raised by the next CHECK_FOR_INTERRUPTS.  An interrupt is
	 * held back, or it would be lost here; an error forgets the count. */
	HOLD_INTERRUPTS();
	holdoff = InterruptHoldoffCount;
	PG_TRY();
	{
		ProcessProcSignalBarrier();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
		InterruptHoldoffCount = holdoff;
	}
	PG_END_TRY();
	RESUME_INTERRUPTS();
}

uint32
ch_compat_wait_event(ChWaitKind kind)
{
#if PG_VERSION_NUM >= 170000
	static const char *const names[CH_NWAITS] = {
		[CH_WAIT_SOURCE] = "ConnhubSource",
		[CH_WAIT_CONNECT] = "ConnhubConnect",
		[CH_WAIT_POOL] = "ConnhubPool",
		[CH_WAIT_RETRY] = "ConnhubRetry",
	};
	static uint32 events[CH_NWAITS];

	if (events[kind] == 0)
		events[kind] = WaitEventExtensionNew(names[kind]);
	return events[kind];
#else
	return PG_WAIT_EXTENSION;
#endif
}

#if PG_VERSION_NUM >= 150000
static shmem_request_hook_type previous_request = NULL;
static void (*own_request) (void) = NULL;

static void
request_shmem(void)
{
	if (previous_request != NULL)
		previous_request();
	own_request();
}
#endif

void
ch_compat_on_shmem_request(void (*request) (void))
{
#if PG_VERSION_NUM >= 150000
	own_request = request;
	previous_request = shmem_request_hook;
	shmem_request_hook = request_shmem;
#else
	request();
#endif
}

void
ch_compat_nudge(int pid)
{
#if PG_VERSION_NUM >= 170000
	SendProcSignal(pid, PROCSIG_CATCHUP_INTERRUPT, INVALID_PROC_NUMBER);
#else
	SendProcSignal(pid, PROCSIG_CATCHUP_INTERRUPT, InvalidBackendId);
#endif
}

void
ch_compat_nudge_self(void)
{
	HandleCatchupInterrupt();
}

/* A connection is its process's own, and a worker's would see other data. */
static Path *
not_for_workers(Path *path)
{
	path->parallel_safe = false;
	return path;
}

Path *
ch_compat_scan_path(PlannerInfo *root, RelOptInfo *rel, double rows, Cost startup, Cost total, List *pathkeys,
					Relids outer)
{
#if PG_VERSION_NUM >= 180000
	return not_for_workers((Path *) create_foreignscan_path(root, rel, NULL, rows, 0, startup, total, pathkeys, outer, NULL, NIL, NIL));
#elif PG_VERSION_NUM >= 170000
	return not_for_workers((Path *) create_foreignscan_path(root, rel, NULL, rows, startup, total, pathkeys, outer, NULL, NIL, NIL));
#else
	return not_for_workers((Path *) create_foreignscan_path(root, rel, NULL, rows, startup, total, pathkeys, outer, NULL, NIL));
#endif
}

bool
ch_compat_append_wakes(void)
{
	static const int first[][2] = {{140000, 140018}, {150000, 150013}, {160000, 160009}, {170000, 170005}};
	int			version = atoi(GetConfigOption("server_version_num", false, false));

	for (int i = 0; i < lengthof(first); i++)
	{
		if (version / 10000 == first[i][0] / 10000)
			return version >= first[i][1];
	}
	return true;
}

/* Throw when the user holds none of the wanted rights, neither on the relation nor on any column. */
static void
require_any_right(Oid relation, Oid user, AclMode wanted)
{
	Oid			asking = OidIsValid(user) ? user : GetUserId();

	if (wanted == 0 || pg_class_aclmask(relation, asking, wanted, ACLMASK_ANY) != 0 ||
		pg_attribute_aclcheck_all(relation, asking, wanted, ACLMASK_ANY) == ACLCHECK_OK)
		return;
	aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(relation)), get_rel_name(relation));
}

void
ch_compat_require_rights(PlannerInfo *root)
{
	ListCell   *cell;

	for (; root != NULL; root = root->parent_root)
	{
#if PG_VERSION_NUM >= 160000
		foreach(cell, root->parse->rteperminfos)
		{
			const RTEPermissionInfo *info = lfirst_node(RTEPermissionInfo, cell);

			require_any_right(info->relid, info->checkAsUser, info->requiredPerms);
		}
#else
		foreach(cell, root->parse->rtable)
		{
			const RangeTblEntry *entry = lfirst_node(RangeTblEntry, cell);

			if (entry->rtekind == RTE_RELATION)
				require_any_right(entry->relid, entry->checkAsUser, entry->requiredPerms);
		}
#endif
	}
}

Oid
ch_compat_modify_user(ResultRelInfo *rinfo, EState *estate)
{
	ResultRelInfo *named = rinfo->ri_RootResultRelInfo ? rinfo->ri_RootResultRelInfo : rinfo;
#if PG_VERSION_NUM >= 160000
	Oid			user = ExecGetResultRelCheckAsUser(named, estate);
#else
	Oid			user = exec_rt_fetch(named->ri_RangeTableIndex, estate)->checkAsUser;
#endif

	return OidIsValid(user) ? user : GetUserId();
}

Path *
ch_compat_join_path(PlannerInfo *root, RelOptInfo *rel, double rows, Cost startup, Cost total, List *pathkeys)
{
#if PG_VERSION_NUM >= 180000
	return not_for_workers((Path *) create_foreign_join_path(root, rel, NULL, rows, 0, startup, total, pathkeys,
											 rel->lateral_relids, NULL, NIL, NIL));
#elif PG_VERSION_NUM >= 170000
	return not_for_workers((Path *) create_foreign_join_path(root, rel, NULL, rows, startup, total, pathkeys,
											 rel->lateral_relids, NULL, NIL, NIL));
#else
	return not_for_workers((Path *) create_foreign_join_path(root, rel, NULL, rows, startup, total, pathkeys,
											 rel->lateral_relids, NULL, NIL));
#endif
}

Path *
ch_compat_upper_path(PlannerInfo *root, RelOptInfo *rel, PathTarget *target, double rows, Cost startup,
					 Cost total, List *pathkeys)
{
#if PG_VERSION_NUM >= 180000
	return not_for_workers((Path *) create_foreign_upper_path(root, rel, target, rows, 0, startup, total, pathkeys, NULL, NIL, NIL));
#elif PG_VERSION_NUM >= 170000
	return not_for_workers((Path *) create_foreign_upper_path(root, rel, target, rows, startup, total, pathkeys, NULL, NIL, NIL));
#else
	return not_for_workers((Path *) create_foreign_upper_path(root, rel, target, rows, startup, total, pathkeys, NULL, NIL));
#endif
}

bool
ch_compat_server_usable(Oid server, Oid user)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ForeignServerRelationId, server, user, ACL_USAGE) == ACLCHECK_OK;
#else
	return pg_foreign_server_aclcheck(server, user, ACL_USAGE) == ACLCHECK_OK;
#endif
}

bool
ch_compat_type_usable(Oid type, Oid user)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Oid			namespace;

	if (!HeapTupleIsValid(tuple))
		return false;
	namespace = ((Form_pg_type) GETSTRUCT(tuple))->typnamespace;
	ReleaseSysCache(tuple);
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(TypeRelationId, type, user, ACL_USAGE) == ACLCHECK_OK &&
		object_aclcheck(NamespaceRelationId, namespace, user, ACL_USAGE) == ACLCHECK_OK;
#else
	return pg_type_aclcheck(type, user, ACL_USAGE) == ACLCHECK_OK &&
		pg_namespace_aclcheck(namespace, user, ACL_USAGE) == ACLCHECK_OK;
#endif
}

bool
ch_compat_may_take_database(Oid database)
{
#if PG_VERSION_NUM >= 160000
	bool		owns = object_ownercheck(DatabaseRelationId, database, GetUserId());
#else
	bool		owns = pg_database_ownercheck(database, GetUserId());
#endif

	return owns || have_createdb_privilege();
}

void
ch_compat_require_set_role(Oid member, Oid role)
{
#if PG_VERSION_NUM >= 160000
	check_can_set_role(member, role);
#else
	check_is_member_of_role(member, role);
#endif
}

void
ch_compat_analyze_delay(void)
{
#if PG_VERSION_NUM >= 180000
	vacuum_delay_point(true);
#else
	vacuum_delay_point();
#endif
}

bool
ch_compat_is_descending(const PathKey *key)
{
#if PG_VERSION_NUM >= 180000
	return key->pk_cmptype == COMPARE_GT;
#else
	return key->pk_strategy == BTGreaterStrategyNumber;
#endif
}

uint32
ch_compat_custom_projection(void)
{
#if PG_VERSION_NUM >= 150000
	return CUSTOMPATH_SUPPORT_PROJECTION;
#else
	return 0;
#endif
}

bool
ch_compat_ordering_of(Oid op, Oid *family, Oid *type, bool *descending)
{
#if PG_VERSION_NUM >= 180000
	CompareType kind;

	if (!get_ordering_op_properties(op, family, type, &kind))
		return false;
	*descending = kind == COMPARE_GT;
#else
	int16		strategy;

	if (!get_ordering_op_properties(op, family, type, &strategy))
		return false;
	*descending = strategy == BTGreaterStrategyNumber;
#endif
	return true;
}

int
ch_compat_locale_attribute(void)
{
#if PG_VERSION_NUM >= 170000
	return Anum_pg_database_datlocale;
#elif PG_VERSION_NUM >= 150000
	return Anum_pg_database_daticulocale;
#else
	return 0;
#endif
}

bool
ch_compat_collate_is_c(Oid collation)
{
#if PG_VERSION_NUM >= 180000
	return pg_newlocale_from_collation(collation)->collate_is_c;
#else
	return lc_collate_is_c(collation);
#endif
}

bool
ch_compat_ctype_is_c(Oid collation)
{
#if PG_VERSION_NUM >= 180000
	return pg_newlocale_from_collation(collation)->ctype_is_c;
#else
	return lc_ctype_is_c(collation);
#endif
}

List *
ch_compat_analyze_query(RawStmt *statement, const char *text)
{
#if PG_VERSION_NUM >= 150000
	return pg_analyze_and_rewrite_fixedparams(statement, text, NULL, 0, NULL);
#else
	return pg_analyze_and_rewrite(statement, text, NULL, 0, NULL);
#endif
}

bool
ch_compat_has_run_condition(Query *query, List *outputs)
{
	ListCell   *cell;

#if PG_VERSION_NUM >= 170000
	foreach(cell, pull_var_clause((Node *) outputs, PVC_RECURSE_AGGREGATES | PVC_INCLUDE_WINDOWFUNCS | PVC_RECURSE_PLACEHOLDERS))
	{
		if (IsA(lfirst(cell), WindowFunc) && lfirst_node(WindowFunc, cell)->runCondition != NIL)
			return true;
	}
#elif PG_VERSION_NUM >= 150000
	foreach(cell, query->windowClause)
	{
		if (lfirst_node(WindowClause, cell)->runCondition != NIL)
			return true;
	}
#else
	(void) cell;
#endif
	return false;
}

double
ch_compat_random(void)
{
#if PG_VERSION_NUM >= 150000
	return pg_prng_double(&pg_global_prng_state);
#else
	return random() / ((double) MAX_RANDOM_VALUE + 1);
#endif
}
