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
#include "optimizer/clauses.h"
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
#include "fdw/translate_aggregate.h"
#include "request/request.h"
#include "request/semantics.h"

static const char *const pushdown_is_off = "connhub.pushdown is off";

/* Translate a node and ask about it as one kind of piece; NULL unless it is exact. */
static const ConnhubExpr *
ask_exact(ChRelInfo *info, ConnhubPieceKind kind, Node *node, const char **reason)
{
	const ConnhubExpr *expr = ch_translate(info, node, NULL, reason);
	ConnhubPiece piece = {.kind = kind,.expr = expr};

	return expr && ch_source_ask(info->at, &piece, reason) == CONNHUB_EXACT ? expr : NULL;
}

ChPiece *
ch_judge_filter(RelOptInfo *rel, ChRelInfo *info, RestrictInfo *rinfo, Relids outer)
{
	ChPiece    *piece = palloc0(sizeof(ChPiece));
	const ConnhubExpr *expr = NULL;
	ConnhubPiece asked = {.kind = CONNHUB_PIECE_FILTER};

	piece->clause = rinfo->clause;
	piece->rinfo = rinfo;
	piece->verdict = CONNHUB_REFUSE;
	if (!ch_pushdown)
		piece->reason = pushdown_is_off;
	else if (!restriction_is_securely_promotable(rinfo, rel))
		piece->reason = "it must run after the conditions of a security barrier";
	else
		expr = ch_translate(info, (Node *) rinfo->clause, outer, &piece->reason);
	asked.expr = expr;
	if (expr)
		piece->verdict = ch_source_ask(info->at, &asked, &piece->reason);
	if (piece->verdict != CONNHUB_REFUSE)
		piece->expr = expr;
	return piece;
}

ChPiece *
ch_judge_having(ChRelInfo *info, Expr *clause)
{
	ChPiece    *piece = palloc0(sizeof(ChPiece));

	piece->clause = clause;
	piece->expr = ask_exact(info, CONNHUB_PIECE_HAVING, (Node *) clause, &piece->reason);
	piece->verdict = piece->expr ? CONNHUB_EXACT : CONNHUB_REFUSE;
	return piece;
}

bool
ch_judge_condition(ChRelInfo *info, const ConnhubExpr *expr, const char **reason)
{
	ConnhubPiece piece = {.kind = CONNHUB_PIECE_FILTER,.expr = expr};

	return ch_source_ask(info->at, &piece, reason) == CONNHUB_EXACT;
}

bool
ch_judge_sent(ChRelInfo *info, const ConnhubExpr *expr)
{
	ConnhubPiece piece = {.kind = CONNHUB_PIECE_FILTER,.expr = expr};
	const char *reason;

	return ch_source_ask(info->at, &piece, &reason) != CONNHUB_REFUSE;
}

const ConnhubExpr *
ch_judge_on(RelOptInfo *rel, ChRelInfo *info, RestrictInfo *rinfo, const char **reason)
{
	if (!restriction_is_securely_promotable(rinfo, rel))
	{
		*reason = "a condition must run after those of a security barrier";
		return NULL;
	}
	return ask_exact(info, CONNHUB_PIECE_ON, (Node *) rinfo->clause, reason);
}

bool
ch_judge_join(ChRelInfo *info, const ConnhubRelation *join, const char **reason)
{
	ConnhubPiece piece = {.kind = CONNHUB_PIECE_JOIN,.relation = join};

	return ch_source_ask(info->at, &piece, reason) == CONNHUB_EXACT;
}

/* Is the operator the usual equality of its type, as grouping at a source takes it? */
static bool
equality_is_usual(Oid op, ConnhubType type)
{
	const ChMeaning *meaning = OidIsValid(op) ? ch_meaning_get(get_opcode(op)) : NULL;

	return meaning && meaning->fn == CONNHUB_FN_EQ &&
		(meaning->operand == CONNHUB_TYPE_NONE || meaning->operand == type);
}

const ConnhubExpr *
ch_judge_group(ChRelInfo *info, Node *node, const SortGroupClause *clause, const char **reason)
{
	const ConnhubExpr *expr = ask_exact(info, CONNHUB_PIECE_GROUP, node, reason);

	if (expr == NULL)
		return NULL;
	if (!ch_equals_by_bytes(exprCollation(node)))
		*reason = "the collation is nondeterministic here";
	else if (ch_expr_has_param(expr))
		*reason = "a group key is not of columns and constants alone";
	else if (!equality_is_usual(clause->eqop, expr->type.type))
		*reason = psprintf("the equality of %s has no counterpart", format_type_be(exprType(node)));
	else
		return expr;
	return NULL;
}

const ConnhubExpr *
ch_judge_output(ChRelInfo *info, Node *node, const char **reason)
{
	return ask_exact(info, CONNHUB_PIECE_OUTPUT, node, reason);
}

bool
ch_judge_average(ChRelInfo *info, Node *node, ChOutput *output)
{
	ConnhubPiece piece = {.kind = CONNHUB_PIECE_OUTPUT};
	const char *reason;

	if (!ch_translate_average(info, node, &output->sent, &output->count))
		return false;
	piece.expr = output->sent;
	if (ch_source_ask(info->at, &piece, &reason) != CONNHUB_EXACT)
		return false;
	piece.expr = output->count;
	return ch_source_ask(info->at, &piece, &reason) == CONNHUB_EXACT;
}

bool
ch_judge_request(ChRelInfo *info, ConnhubPieceKind kind, const ConnhubRequest *request, const char **reason)
{
	ConnhubPiece piece = {.kind = kind,.query = request};

	return ch_source_ask(info->at, &piece, reason) == CONNHUB_EXACT;
}

/* ---- Order ------------------------------------------------------------------------------- */

/* Can a stage that computes its output sort by the expression?  A change of type that keeps the bits does not matter. */
static bool
is_computed(ChRelInfo *info, Expr *expr)
{
	ListCell   *cell;

	while (IsA(expr, RelabelType))
		expr = ((RelabelType *) expr)->arg;
	foreach(cell, info->outputs)
	{
		if (equal(((ChOutput *) lfirst(cell))->expr, expr))
			return true;
	}
	return list_member(info->group_exprs, expr) || contain_agg_clause((Node *) expr);
}

/* The expression of a pathkey that this relation alone can compute. */
static EquivalenceMember *
sort_member(PathKey *key, ChRelInfo *info)
{
	ListCell   *cell;

	foreach(cell, key->pk_eclass->ec_members)
	{
		EquivalenceMember *member = lfirst(cell);

		if (member->em_is_const || !bms_is_subset(member->em_relids, info->relids) ||
			bms_overlap(member->em_relids, info->hidden))
			continue;
		if (info->computes ? is_computed(info, member->em_expr) : !bms_is_empty(member->em_relids))
			return member;
	}
	return NULL;
}

/* Does the "<" of an operator family order values as the request's sort does: by the type's own? */
static bool
order_is_usual(Oid op, ConnhubType type)
{
	const ChMeaning *meaning = OidIsValid(op) ? ch_meaning_get(get_opcode(op)) : NULL;

	return meaning && meaning->fn == CONNHUB_FN_LT &&
		(meaning->operand == CONNHUB_TYPE_NONE || meaning->operand == type);
}

static bool
sort_make(ChRelInfo *info, Expr *node, Oid less, Oid type, ConnhubSortKey *sort, const char **reason)
{
	ConnhubPiece piece = {.kind = CONNHUB_PIECE_SORT,.sort = sort};

	sort->expr = ch_translate(info, (Node *) node, NULL, reason);
	if (sort->expr == NULL)
		return false;
	if (!order_is_usual(less, sort->expr->type.type))
		*reason = psprintf("the order of %s has no counterpart", format_type_be(type));
	else if (info->is_distinct && sort->collation)
		*reason = "text in another order than it is compared by is not put out";
	else if (sort->expr->kind != CONNHUB_EXPR_COLUMN && !info->all_exact)
		*reason = "it sorts by a computed value while conditions are checked here";
	else
		return ch_source_ask(info->at, &piece, reason) == CONNHUB_EXACT;
	return false;
}

static ConnhubSortKey *
judge_sort_key(ChRelInfo *info, PathKey *key, const char **reason)
{
	ConnhubSortKey *sort = palloc0(sizeof(ConnhubSortKey));
	EquivalenceMember *member = sort_member(key, info);

	*reason = NULL;
	if (member == NULL || key->pk_eclass->ec_has_volatile)
	{
		*reason = "it sorts by more than columns of this relation";
		return NULL;
	}
	sort->descending = ch_compat_is_descending(key);
	sort->nulls_first = key->pk_nulls_first;
	sort->collation = ch_collation_make(key->pk_eclass->ec_collation, false);
	return sort_make(info, member->em_expr,
					 get_opfamily_member(key->pk_opfamily, member->em_datatype, member->em_datatype, BTLessStrategyNumber),
					 member->em_datatype, sort, reason) ? sort : NULL;
}

bool
ch_judge_sort(ChRelInfo *info, List *pathkeys, List **sort, const char **reason)
{
	ListCell   *cell;

	*sort = NIL;
	*reason = ch_pushdown ? NULL : pushdown_is_off;
	foreach(cell, pathkeys)
	{
		ConnhubSortKey *key = *reason ? NULL : judge_sort_key(info, lfirst(cell), reason);

		if (key == NULL)
		{
			*sort = NIL;
			return false;
		}
		*sort = lappend(*sort, key);
	}
	return *reason == NULL;
}

bool
ch_judge_sort_clause(ChRelInfo *info, Node *node, const SortGroupClause *clause, ConnhubSortKey *sort, const char **reason)
{
	Oid			family;
	Oid			type;
	bool		descending;

	if (!ch_compat_ordering_of(clause->sortop, &family, &type, &descending))
	{
		*reason = "a sort operator has no counterpart";
		return false;
	}
	sort->descending = descending;
	sort->nulls_first = clause->nulls_first;
	sort->collation = ch_collation_make(exprCollation(node), false);
	return sort_make(info, (Expr *) node, get_opfamily_member(family, type, type, BTLessStrategyNumber), type, sort, reason);
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
	return ch_translate(info, node, NULL, reason);
}

bool
ch_judge_limit(ChRelInfo *info, Node *count, Node *offset,
			   const ConnhubExpr **limit, const ConnhubExpr **skip, const char **reason)
{
	ConnhubPiece piece = {.kind = CONNHUB_PIECE_LIMIT};

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
	piece.expr = *limit ? *limit : *skip;
	return ch_source_ask(info->at, &piece, reason) == CONNHUB_EXACT;
}
