/* fdw/plan_modify.c — writes row by row: which columns are sent, how a row is found again.
 *
 * A column that a statement does not name is left out, so that the source gives it its own default.  Whether it
 * was named, the query's target list says: the rewriter adds to it what has a default here and nothing
 * else.  A row is found again by its key as discovered, or as the user declares it. */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "foreign/foreign.h"
#include "nodes/makefuncs.h"
#include "optimizer/appendinfo.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/prep.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "catalog/cat_connector.h"
#include "catalog/cat_remote.h"
#include "catalog/cat_type.h"
#include "catalog/catalog.h"
#include "fdw/collect.h"
#include "fdw/fdw.h"
#include "fdw/judge.h"
#include "fdw/modify.h"
#include "fdw/option.h"
#include "request/request.h"

/* ---- May it be written to? --------------------------------------------------------------- */

static bool
table_is_updatable(Oid table)
{
	const char *option = ch_option_of(GetForeignTable(table)->options, CH_OPTION_UPDATABLE);
	bool		value = true;

	return option == NULL || !parse_bool(option, &value) || value;
}

/* Asked for every view of the information schema, so a connector that is gone is no error. */
int
ch_is_foreign_rel_updatable(Relation relation)
{
	Oid			table = RelationGetRelid(relation);
	ForeignServer *server = GetForeignServer(GetForeignTable(table)->serverid);
	const char *text = ch_option_of(server->options, CH_SERVER_OPTION);
	const ChConnector *connector;
	const ChType *type;
	pg_uuid_t	id;

	if (!table_is_updatable(table) || text == NULL || !ch_uuid_parse(text, &id))
		return 0;
	connector = ch_connector_get(&id, true);
	type = connector ? ch_type_get(connector->type, true) : NULL;
	if (type == NULL || (type->capabilities & CONNHUB_CAP_WRITE) == 0)
		return 0;
	return (1 << CMD_INSERT) | (1 << CMD_UPDATE) | (1 << CMD_DELETE);
}

static const char *
verb_of(ConnhubWriteKind kind)
{
	static const char *const verbs[] = {
		[CONNHUB_INSERT] = "insert into",
		[CONNHUB_UPDATE] = "update",
		[CONNHUB_DELETE] = "delete from",
		[CONNHUB_TRUNCATE] = "truncate",
	};

	return verbs[kind];
}

static const char *
refusal_of(ChRelInfo *info, const ConnhubWrite *write)
{
	ConnhubPiece piece = {.kind = CONNHUB_PIECE_WRITE,.write = write};
	const char *reason;

	if ((info->at->driver->capabilities & CONNHUB_CAP_WRITE) == 0)
		return "its driver only reads";
	(void) ch_source_ask(info->at, &piece, &reason);
	return reason;
}

void
ch_modify_require(ChRelInfo *info, const ConnhubWrite *write)
{
	const ChConnector *connector = info->at->connector;
	const char *reason;

	if (!table_is_updatable(info->table))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot %s foreign table \"%s\"", verb_of(write->kind), info->name),
				 errdetail("Its option \"%s\" is false.", CH_OPTION_UPDATABLE),
				 errhint("ALTER FOREIGN TABLE %s OPTIONS (SET %s 'true') allows writes.", quote_identifier(info->name),
						 CH_OPTION_UPDATABLE)));
	if (ch_connector_option_bool(connector, "read_only"))
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot %s foreign table \"%s\"", verb_of(write->kind), info->name),
				 errdetail("Connector \"%s\" is read-only.", connector->name),
				 errhint("Set its option \"read_only\" to false with connhub.update_connector to allow writes.")));
	reason = refusal_of(info, write);
	if (reason == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot %s foreign table \"%s\" in this way", verb_of(write->kind), info->name),
			 errdetail("Connector \"%s\" does not take the write: %s.", connector->name, reason),
			 write->nreturning > 0 ? errhint("Leave out RETURNING, and read the rows by a statement of its own.") : 0));
}

/* ---- Writes in the driver's words -------------------------------------------------------- */

static const ConnhubColumn *const *
columns_of(ChRelInfo *info, List *attnums, uint32_t *count)
{
	const ConnhubColumn **columns = palloc(sizeof(ConnhubColumn *) * Max(list_length(attnums), 1));
	ListCell   *cell;

	*count = 0;
	foreach(cell, attnums)
		columns[(*count)++] = &info->columns[lfirst_int(cell) - 1].column;
	return columns;
}

ConnhubWrite *
ch_modify_write(ChRelInfo *info, const ChWriteParts *parts)
{
	ConnhubWrite *write = palloc0(sizeof(ConnhubWrite));
	const ChRemoteTable *remote = info->remote;

	write->struct_size = sizeof(ConnhubWrite);
	write->kind = parts->kind;
	write->schema = ch_source_name(info->remote_schema);
	write->table = ch_source_name(info->remote_table);
	write->is_plain_table = remote && remote->kind == CONNHUB_TABLE;
	write->columns = columns_of(info, parts->columns, &write->ncolumns);
	write->keys = columns_of(info, parts->keys, &write->nkeys);
	write->returning = columns_of(info, parts->returning, &write->nreturning);
	write->skip_conflicts = parts->skip_conflicts;
	write->cascade = parts->cascade;
	write->restart_identity = parts->restart_identity;
	return write;
}

char *
ch_modify_render(ChRelInfo *info, const ConnhubWrite *write)
{
	ConnhubText text = {0};
	ConnhubError error = {0};
	ConnhubStatus status = info->at->driver->render_write(&info->at->source, write, &text, &error);

	return ch_source_take_text(info->at, status, &text, &error);
}

int
ch_modify_batch_size(Relation relation)
{
	ForeignTable *foreign = GetForeignTable(RelationGetRelid(relation));

	return Max(ch_option_integer(foreign->options, ch_connector_of_server(foreign->serverid), CH_OPTION_BATCH_SIZE), 1);
}

/* ---- Columns ----------------------------------------------------------------------------- */

List *
ch_modify_columns(ChRelInfo *info, Relation relation, bool with_remote)
{
	const ChRemoteTable *remote = info->remote;
	List	   *attnums = NIL;

	for (int i = 0; i < info->ncolumns; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation), i);
		const ChRemoteColumn *column;

		if (attribute->attisdropped || attribute->attgenerated != '\0')
			continue;
		column = remote ? ch_remote_column_get(remote, info->columns[i].name) : NULL;
		if (with_remote || column == NULL || !column->generated)
			attnums = lappend_int(attnums, i + 1);
	}
	return attnums;
}

/* What an INSERT names, or has a default for here. */
static List *
inserted_columns(PlannerInfo *root, Relation relation)
{
	List	   *attnums = NIL;
	ListCell   *cell;

	foreach(cell, root->parse->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);

		if (!entry->resjunk && TupleDescAttr(RelationGetDescr(relation), entry->resno - 1)->attgenerated == '\0')
			attnums = lappend_int(attnums, entry->resno);
	}
	return attnums;
}

/* What an UPDATE sets; a trigger before it may change any column. */
static List *
updated_columns(PlannerInfo *root, ChRelInfo *info, Relation relation, Index result)
{
	List	   *attnums = NIL;
	List	   *targets;
	List	   *numbers;
	ListCell   *cell;

	get_translated_update_targetlist(root, result, &targets, &numbers);
	if (relation->trigdesc && relation->trigdesc->trig_update_before_row)
		attnums = ch_modify_columns(info, relation, false);
	foreach(cell, numbers)
	{
		int			number = lfirst_int(cell);

		if (TupleDescAttr(RelationGetDescr(relation), number - 1)->attgenerated == '\0')
			attnums = list_append_unique_int(attnums, number);
	}
	return attnums;
}

/* Attribute numbers of columns by their remote names; NIL when one has no counterpart here. */
static List *
attributes_of(ChRelInfo *info, const ChRemoteTable *remote, const ChRemoteKey *key)
{
	List	   *attnums = NIL;

	for (int k = 0; k < key->ncolumns; k++)
	{
		const ChRemoteColumn *column = ch_remote_column_get(remote, key->columns[k]);
		int			found = 0;

		for (int i = 0; i < info->ncolumns && found == 0; i++)
			if (info->columns[i].name && strcmp(info->columns[i].name, key->columns[k]) == 0)
				found = i + 1;
		if (found == 0 || column == NULL || (key->kind == CONNHUB_UNIQUE_KEY && !column->not_null))
			return NIL;
		attnums = lappend_int(attnums, found);
	}
	return attnums;
}

/* Attribute numbers that identify a row: as declared here, else the primary key, else a unique key without
 * nulls; NIL when there is none. */
static List *
key_columns(ChRelInfo *info)
{
	const ChRemoteTable *remote = info->remote;
	static const ConnhubKeyKind kinds[] = {CONNHUB_PRIMARY_KEY, CONNHUB_UNIQUE_KEY};
	List	   *attnums = NIL;

	for (int i = 0; i < info->ncolumns; i++)
	{
		const char *option = info->columns[i].column.name ?
			ch_option_of(GetForeignColumnOptions(info->table, i + 1), CH_OPTION_KEY) : NULL;
		bool		is_key = false;

		if (option && parse_bool(option, &is_key) && is_key)
			attnums = lappend_int(attnums, i + 1);
	}
	for (int kind = 0; remote && kind < lengthof(kinds) && attnums == NIL; kind++)
		for (int i = 0; i < remote->nkeys && attnums == NIL; i++)
			if (remote->keys[i].kind == kinds[kind])
				attnums = attributes_of(info, remote, &remote->keys[i]);
	return attnums;
}

/* Names must tell apart what differs between the children of one parent. */
char *
ch_modify_key_name(Form_pg_attribute attribute)
{
	return psprintf("connhub_key_%d_%u_%d_%u", attribute->attnum, attribute->atttypid, attribute->atttypmod,
					attribute->attcollation);
}

void
ch_add_foreign_update_targets(PlannerInfo *root, Index rtindex, RangeTblEntry *target_rte, Relation target_relation)
{
	ChRelInfo  *info = ch_relinfo_make(root, rtindex, RelationGetRelid(target_relation));
	ListCell   *cell;

	foreach(cell, key_columns(info))
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(target_relation), lfirst_int(cell) - 1);
		Var		   *var = makeVar(rtindex, attribute->attnum, attribute->atttypid, attribute->atttypmod,
								  attribute->attcollation, 0);

		add_row_identity_var(root, var, rtindex, ch_modify_key_name(attribute));
	}
}

List *
ch_modify_returning(ChRelInfo *info, ConnhubWriteKind kind, Relation relation, Index varno, List *returning,
					List *checks, bool *is_asked)
{
	TriggerDesc *triggers = relation ? relation->trigdesc : NULL;
	Bitmapset  *used = NULL;
	List	   *attnums = NIL;
	bool		all;

	pull_varattnos((Node *) returning, varno, &used);
	*is_asked = used != NULL;
	all = checks != NIL || bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used) ||
		(triggers && kind == CONNHUB_INSERT && triggers->trig_insert_after_row) ||
		(triggers && kind == CONNHUB_UPDATE && triggers->trig_update_after_row);
	for (int i = 1; i <= info->ncolumns; i++)
	{
		if (info->columns[i - 1].column.name &&
			(all || bms_is_member(i - FirstLowInvalidHeapAttributeNumber, used)))
			attnums = lappend_int(attnums, i);
	}
	return attnums;
}

void
ch_modify_settle_returning(ChRelInfo *info, ChWriteParts *parts, bool is_asked, bool is_whole)
{
	if (parts->returning != NIL && !is_asked && is_whole && refusal_of(info, ch_modify_write(info, parts)) != NULL)
		parts->returning = NIL;
}

/* ---- Planning ---------------------------------------------------------------------------- */

static ConnhubWriteKind
kind_of(CmdType operation)
{
	if (operation == CMD_INSERT)
		return CONNHUB_INSERT;
	if (operation == CMD_UPDATE)
		return CONNHUB_UPDATE;
	if (operation == CMD_DELETE)
		return CONNHUB_DELETE;
	elog(ERROR, "a foreign table cannot be changed by command %d", (int) operation);
	return CONNHUB_INSERT;
}

static void
require_key(ChRelInfo *info, const ChWriteParts *parts)
{
	if (parts->kind == CONNHUB_INSERT || parts->keys != NIL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot %s foreign table \"%s\" row by row", verb_of(parts->kind), info->name),
			 errdetail("No key is known that tells its rows apart, and the source cannot do the whole statement by itself."),
			 errhint("Discover the source again if the table has a primary key there, or mark the columns that identify a row: "
					 "ALTER FOREIGN TABLE %s ALTER COLUMN ... OPTIONS (ADD %s 'true').",
					 quote_identifier(info->name), CH_OPTION_KEY)));
}

/* Why the statement was not planned to be done at one go. */
static const char *
reason_of(ChRelInfo *info, ModifyTable *plan)
{
	if (plan->operation == CMD_INSERT)
		return "";
	return info->direct_reason ? info->direct_reason :
		"row triggers, checks of a view or generated columns need each row here";
}

List *
ch_plan_foreign_modify(PlannerInfo *root, ModifyTable *plan, Index result, int subplan_index)
{
	Oid			table = planner_rt_fetch(result, root)->relid;
	RelOptInfo *rel = plan->operation == CMD_INSERT ? NULL : find_base_rel(root, result);
	ChRelInfo  *info = rel && rel->fdw_private ? rel->fdw_private : ch_relinfo_make(root, result, table);
	Relation	relation = table_open(table, NoLock);
	ChWriteParts parts = {.kind = kind_of(plan->operation)};
	List	   *checks = plan->withCheckOptionLists ? list_nth(plan->withCheckOptionLists, subplan_index) : NIL;
	List	   *returning = plan->returningLists ? list_nth(plan->returningLists, subplan_index) : NIL;
	bool		is_whole = true;
	bool		is_asked;
	ConnhubWrite *write;
	Node	   *items[CH_MODIFY_ITEMS];
	List	   *private = NIL;

	if (parts.kind == CONNHUB_INSERT)
	{
		parts.columns = inserted_columns(root, relation);
		is_whole = list_difference_int(ch_modify_columns(info, relation, true), parts.columns) == NIL;
	}
	else
		parts.keys = key_columns(info);
	if (parts.kind == CONNHUB_UPDATE)
		parts.columns = updated_columns(root, info, relation, result);
	if (plan->onConflictAction == ONCONFLICT_UPDATE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("ON CONFLICT DO UPDATE is not supported on foreign table \"%s\"", info->name)));
	parts.skip_conflicts = plan->onConflictAction == ONCONFLICT_NOTHING;
	parts.returning = ch_modify_returning(info, parts.kind, relation, result, returning, checks, &is_asked);
	table_close(relation, NoLock);

	require_key(info, &parts);
	ch_modify_settle_returning(info, &parts, is_asked, is_whole);
	write = ch_modify_write(info, &parts);
	ch_modify_require(info, write);
	ch_collect_first(root, plan);

	items[CH_MODIFY_CONNECTOR_NAME] = (Node *) makeString(pstrdup(info->at->connector->name));
	items[CH_MODIFY_CONFIG_VERSION] = ch_source_version(info->at->connector);
	items[CH_MODIFY_STATEMENT] = (Node *) makeString(ch_modify_render(info, write));
	items[CH_MODIFY_COLUMNS] = (Node *) parts.columns;
	items[CH_MODIFY_KEYS] = (Node *) parts.keys;
	items[CH_MODIFY_RETURNING] = (Node *) parts.returning;
	items[CH_MODIFY_SKIP] = (Node *) makeInteger(parts.skip_conflicts);
	items[CH_MODIFY_REASON] = (Node *) makeString(pstrdup(reason_of(info, plan)));
	for (int i = 0; i < CH_MODIFY_ITEMS; i++)
		private = lappend(private, items[i]);
	return private;
}

/* ---- Locks ------------------------------------------------------------------------------- */

ConnhubLock
ch_lock_wanted(PlannerInfo *root, RelOptInfo *rel)
{
	PlanRowMark *mark;

	if (ch_connector_option_bool(((ChRelInfo *) rel->fdw_private)->at->connector, "read_only"))
		return CONNHUB_LOCK_NONE;
	if (bms_is_member(rel->relid, root->all_result_relids) && root->parse->commandType != CMD_INSERT)
		return CONNHUB_LOCK_UPDATE;
	mark = get_plan_rowmark(root->rowMarks, rel->relid);
	if (mark == NULL || mark->strength == LCS_NONE)
		return CONNHUB_LOCK_NONE;
	return mark->strength == LCS_FORKEYSHARE || mark->strength == LCS_FORSHARE ? CONNHUB_LOCK_SHARE :
		CONNHUB_LOCK_UPDATE;
}

bool
ch_rows_are_rechecked(PlannerInfo *root)
{
	return root->parse->rowMarks != NIL ||
		(root->parse->commandType != CMD_SELECT && root->parse->commandType != CMD_INSERT);
}

ConnhubLock
ch_modify_lock(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info, const ChRequestParts *parts)
{
	ChRequestParts locked = *parts;
	const char *reason;
	List	   *sources;

	locked.lock = ch_lock_wanted(root, rel);
	if (locked.lock == CONNHUB_LOCK_NONE ||
		!ch_judge_request(info, CONNHUB_PIECE_LOCK, ch_request_finish(ch_request_make(&locked), &sources), &reason))
		return CONNHUB_LOCK_NONE;
	return locked.lock;
}
