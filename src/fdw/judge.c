/* fdw/judge.c — the driver's verdict on each piece of a query, reasons kept.
 *
 * A driver is asked only about what has a translation.  Beyond its answer two rules of the server hold:
 * a condition is sent only when it may run before the conditions of a security barrier, and rows are
 * sorted by a computed value, or cut off, only where every condition is checked at the source. */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "batch/typemap.h"
#include "common/compat.h"
#include "common/guc.h"
#include "fdw/judge.h"
#include "fdw/translate.h"
#include "request/request.h"
#include "request/semantics.h"

static const char *const pushdown_is_off = "connhub.pushdown is off";

static ConnhubVerdictKind
ask(ChRelInfo *info, ConnhubPieceKind kind, const ConnhubExpr *expr, const ConnhubSortKey *sort,
	const char **reason)
{
	ConnhubPiece piece = {.struct_size = sizeof(ConnhubPiece),.kind = kind,.expr = expr,.sort = sort};
	ConnhubVerdict verdict = {.kind = CONNHUB_REFUSE};

	info->at->driver->judge(&info->at->source, &piece, &verdict);
	verdict.reason[sizeof(verdict.reason) - 1] = '\0';
	*reason = NULL;
	if (verdict.kind == CONNHUB_EXACT)
		return CONNHUB_EXACT;
	*reason = verdict.reason[0] ? pstrdup(verdict.reason) : "the driver gave no reason";
	return verdict.kind == CONNHUB_SUPERSET && kind == CONNHUB_PIECE_FILTER ? CONNHUB_SUPERSET : CONNHUB_REFUSE;
}

ChPiece *
ch_judge_filter(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info, RestrictInfo *rinfo)
{
	ChPiece    *piece = palloc0(sizeof(ChPiece));
	int			nparams = list_length(*info->params);
	const ConnhubExpr *expr = NULL;

	piece->rinfo = rinfo;
	piece->verdict = CONNHUB_REFUSE;
	if (!ch_pushdown)
		piece->reason = pushdown_is_off;
	else if (!restriction_is_securely_promotable(rinfo, rel))
		piece->reason = "it must run after the conditions of a security barrier";
	else
		expr = ch_translate(info, (Node *) rinfo->clause, &piece->reason);
	if (expr)
		piece->verdict = ask(info, CONNHUB_PIECE_FILTER, expr, NULL, &piece->reason);
	if (piece->verdict == CONNHUB_REFUSE)
		*info->params = list_truncate(*info->params, nparams);
	else
		piece->expr = expr;
	return piece;
}

/* The expression of a pathkey that this relation alone can compute. */
static EquivalenceMember *
sort_member(PathKey *key, RelOptInfo *rel)
{
	ListCell   *cell;

	foreach(cell, key->pk_eclass->ec_members)
	{
		EquivalenceMember *member = lfirst(cell);

		if (!member->em_is_const && !bms_is_empty(member->em_relids) &&
			bms_is_subset(member->em_relids, rel->relids))
			return member;
	}
	return NULL;
}

/* Does the key's operator family order values as the request's sort does: by the type's own "<"? */
static bool
order_is_usual(PathKey *key, EquivalenceMember *member, ConnhubType type)
{
	Oid			op = get_opfamily_member(key->pk_opfamily, member->em_datatype, member->em_datatype,
										 BTLessStrategyNumber);
	const ChMeaning *meaning = OidIsValid(op) ? ch_meaning_get(get_opcode(op)) : NULL;

	return meaning && meaning->fn == CONNHUB_FN_LT &&
		(meaning->operand == CONNHUB_TYPE_NONE || meaning->operand == type);
}

static ConnhubSortKey *
judge_sort_key(ChRelInfo *info, RelOptInfo *rel, PathKey *key, const char **reason)
{
	ConnhubSortKey *sort = palloc0(sizeof(ConnhubSortKey));
	EquivalenceMember *member = sort_member(key, rel);
	const ConnhubExpr *expr;

	*reason = NULL;
	if (member == NULL || key->pk_eclass->ec_has_volatile)
	{
		*reason = "it sorts by more than columns of this relation";
		return NULL;
	}
	expr = ch_translate(info, (Node *) member->em_expr, reason);
	if (expr == NULL)
		return NULL;
	if (!order_is_usual(key, member, expr->type.type))
		*reason = psprintf("the order of %s has no counterpart", format_type_be(member->em_datatype));
	else if (expr->kind != CONNHUB_EXPR_COLUMN && !info->all_exact)
		*reason = "it sorts by a computed value while conditions are checked here";
	if (*reason)
		return NULL;

	sort->expr = expr;
	sort->descending = ch_compat_is_descending(key);
	sort->nulls_first = key->pk_nulls_first;
	sort->collation = ch_collation_make(key->pk_eclass->ec_collation, false);
	return ask(info, CONNHUB_PIECE_SORT, NULL, sort, reason) == CONNHUB_EXACT ? sort : NULL;
}

bool
ch_judge_sort(PlannerInfo *root, RelOptInfo *rel, ChRelInfo *info, List *pathkeys, List **sort,
			  const char **reason)
{
	int			nparams = list_length(*info->params);
	ListCell   *cell;

	*sort = NIL;
	*reason = ch_pushdown ? NULL : pushdown_is_off;
	foreach(cell, pathkeys)
	{
		ConnhubSortKey *key = *reason ? NULL : judge_sort_key(info, rel, lfirst(cell), reason);

		if (key == NULL)
		{
			*info->params = list_truncate(*info->params, nparams);
			*sort = NIL;
			return false;
		}
		*sort = lappend(*sort, key);
	}
	return *reason == NULL;
}

/* LIMIT or OFFSET as a request expression.  A constant null is no limit at all; a negative number is an
 * error, which the server is to raise. */
static const ConnhubExpr *
limit_make(ChRelInfo *info, Node *node, const char **reason)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Const))
	{
		Const	   *constant = (Const *) node;
		ConnhubValue value;

		if (constant->constisnull)
			return NULL;
		if (DatumGetInt64(constant->constvalue) < 0)
		{
			*reason = "it is negative";
			return NULL;
		}
		if (!ch_typemap_value(constant->constvalue, false, INT8OID, &value))
			elog(ERROR, "no request constant for a row count");
		return ch_expr_const(&value);
	}
	return ch_translate(info, node, reason);
}

bool
ch_judge_limit(PlannerInfo *root, ChRelInfo *info, Node *count, Node *offset,
			   const ConnhubExpr **limit, const ConnhubExpr **skip, const char **reason)
{
	*limit = NULL;
	*skip = NULL;
	*reason = NULL;
	if (!ch_pushdown)
		*reason = pushdown_is_off;
	else if (!info->all_exact)
		*reason = "conditions are checked here";
	else if (info->has_gate)
		*reason = "a condition without columns is checked here";
	if (*reason)
		return false;

	*limit = limit_make(info, count, reason);
	if (*reason == NULL)
		*skip = limit_make(info, offset, reason);
	if (*reason)
		return false;
	return ask(info, CONNHUB_PIECE_LIMIT, *limit ? *limit : *skip, NULL, reason) == CONNHUB_EXACT;
}
