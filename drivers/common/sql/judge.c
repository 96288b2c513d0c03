/* sql/judge.c — what a source may be asked to do.
 *
 * A superset is sound only where more rows are harmless: at the top of a filter, and below AND and OR
 * there; anywhere else it would turn into missing rows or wrong values, so it is refused.  What grows
 * without bound (nesting, or forms that repeat an argument) is refused too. */
#include "match.h"

#include <stdio.h>
#include <string.h>

/* Expression nodes in one rendered piece. */
#define MAX_WEIGHT	100000

/* Types whose precision counts digits of a second. */
#define SQL_FRACTIONS	(SQL_T(CONNHUB_TIME) | SQL_T(CONNHUB_TIMETZ) | SQL_T(CONNHUB_TIMESTAMP) | \
						 SQL_T(CONNHUB_TIMESTAMPTZ) | SQL_T(CONNHUB_INTERVAL))

typedef struct Judge
{
	const SqlDialect *dialect;
	const ConnhubSource *source;
	ConnhubVerdict *verdict;
} Judge;

/* How often a form writes each argument: once, or as often as it stands there. */
static uint32_t
repetitions(const char *form)
{
	uint32_t	counts[10] = {0};
	uint32_t	most = 1;

	for (const char *p = form; *p; p++)
	{
		if (p[0] != '%')
			continue;
		p++;
		if (*p == '[')
			while (*p && *p != ']')
				p++;
		if (*p == ']')
			p++;
		if (*p >= '1' && *p <= '9' && ++counts[*p - '0'] > most)
			most = counts[*p - '0'];
		if (!*p)
			break;
	}
	return most;
}

void
sql_refuse(ConnhubVerdict *verdict, const char *reason)
{
	verdict->kind = CONNHUB_REFUSE;
	snprintf(verdict->reason, sizeof(verdict->reason), "%s", reason);
}

static uint64_t
refused(Judge *judge, const char *reason)
{
	sql_refuse(judge->verdict, reason);
	return 0;
}

const char *
sql_column_refusal(const ConnhubColumn *column, SqlColumnUse use)
{
	const ConnhubTypeRef *here = &column->type;
	const ConnhubTypeRef *there = &column->natural;

	if (!column->remote_type)
		return "the column has not been discovered, so its type at the source is not known";
	if (use == SQL_COLUMN_NULL_TEST)
		return NULL;
	if (here->type != there->type ||
		((here->type == CONNHUB_NATIVE || here->type == CONNHUB_JSON) &&
		 (!here->pg_type || !there->pg_type || strcmp(here->pg_type, there->pg_type) != 0)))
		return "the column is declared with another type than it has at the source";
	if ((here->length > 0 && (there->length == 0 || here->length < there->length)) ||
		(here->type == CONNHUB_DECIMAL && here->precision > 0 &&
		 (there->precision <= 0 || here->precision < there->precision || here->scale != there->scale)) ||
		((SQL_T(here->type) & SQL_FRACTIONS) && here->precision >= 0 &&
		 (there->precision < 0 || here->precision < there->precision)) ||
		(here->type == CONNHUB_NATIVE && here->precision > 0 &&
		 (here->precision != there->precision || here->scale != there->scale)))
		return "the column is declared narrower than it is at the source";
	return NULL;
}

bool
sql_pattern_dangles(const ConnhubExpr *pattern)
{
	size_t		backslashes = 0;

	if (pattern->kind != CONNHUB_EXPR_CONST || pattern->value->is_null)
		return false;
	for (size_t i = pattern->value->v.slice.length; i > 0 && pattern->value->v.slice.data[i - 1] == '\\'; i--)
		backslashes++;
	return backslashes % 2 == 1;
}

const char *
sql_refusal_of(const SqlDialect *dialect, const ConnhubSource *source, const ConnhubColumn *column, SqlColumnUse use)
{
	return dialect->column ? dialect->column(source, column, use) : sql_column_refusal(column, use);
}

static const char *
column_refusal(const Judge *judge, const ConnhubColumn *column, SqlColumnUse use)
{
	return sql_refusal_of(judge->dialect, judge->source, column, use);
}

static uint64_t judge_call(Judge *judge, const ConnhubExpr *expr, int depth, bool filter);
static uint64_t judge_aggregate(Judge *judge, const ConnhubExpr *expr, int depth);
static uint64_t judge_subquery(Judge *judge, const ConnhubExpr *expr, int depth);

/* Judge expr and all below it.  filter: more rows than asked for do no harm.  Returns its weight, or 0
 * when it was refused. */
static uint64_t
judge_expr(Judge *judge, const ConnhubExpr *expr, int depth, bool filter)
{
	const SqlTypeForm *form;
	const char *reason = NULL;

	if (depth > SQL_MAX_DEPTH)
		return refused(judge, "the expression is nested too deeply");
	switch (expr->kind)
	{
		case CONNHUB_EXPR_COLUMN:
			reason = column_refusal(judge, expr->column, SQL_COLUMN_VALUE);
			if (!reason && expr->type.type == CONNHUB_BOOL && judge->dialect->excess)
			{
				const char *excess = judge->dialect->excess(judge->source, CONNHUB_FN_NONE, expr);

				if (excess && filter)
				{
					judge->verdict->kind = CONNHUB_SUPERSET;
					snprintf(judge->verdict->reason, sizeof(judge->verdict->reason), "%s", excess);
				}
				else
					reason = excess;
			}
			break;
		case CONNHUB_EXPR_CONST:
			reason = sql_constant_refusal(judge->dialect, expr->value);
			if (!reason && judge->dialect->veto)
				reason = judge->dialect->veto(judge->source, CONNHUB_FN_NONE, expr);
			break;
		case CONNHUB_EXPR_PARAM:
			form = (unsigned) expr->type.type < CONNHUB_NTYPES ? &judge->dialect->types[expr->type.type] : NULL;
			if (!form || (form->encoding == SQL_NO_LITERAL && !form->param))
				reason = "values of this type are not sent";
			else if (judge->dialect->veto)
				reason = judge->dialect->veto(judge->source, CONNHUB_FN_NONE, expr);
			break;
		case CONNHUB_EXPR_CALL:
			return judge_call(judge, expr, depth, filter);
		case CONNHUB_EXPR_AGGREGATE:
		case CONNHUB_EXPR_WINDOW:
			return judge_aggregate(judge, expr, depth);
		case CONNHUB_EXPR_EXISTS:
		case CONNHUB_EXPR_SUBQUERY:
		case CONNHUB_EXPR_IN_QUERY:
			return judge_subquery(judge, expr, depth);
		default:
			reason = "the expression is of a kind not known";
			break;
	}
	return reason ? refused(judge, reason) : 1;
}

static uint64_t
judge_call(Judge *judge, const ConnhubExpr *expr, int depth, bool filter)
{
	bool		null_test = expr->fn == CONNHUB_FN_IS_NULL || expr->fn == CONNHUB_FN_IS_NOT_NULL;
	bool		below = filter && (expr->fn == CONNHUB_FN_AND || expr->fn == CONNHUB_FN_OR);
	uint64_t	weight = 1;
	SqlMatch	match;

	sql_match_call(judge->dialect, judge->source, expr, &match);
	if (match.kind == CONNHUB_REFUSE || (match.kind == CONNHUB_SUPERSET && !filter))
		return refused(judge, match.reason);
	if (match.kind == CONNHUB_SUPERSET)
	{
		judge->verdict->kind = CONNHUB_SUPERSET;
		memcpy(judge->verdict->reason, match.reason, sizeof(match.reason));
	}
	for (uint32_t i = 0; i < expr->nargs; i++)
	{
		const ConnhubExpr *arg = sql_operand(judge->dialect, expr, i);
		uint64_t	arg_weight;

		if (null_test && arg->kind == CONNHUB_EXPR_COLUMN)
		{
			const char *reason = column_refusal(judge, arg->column, SQL_COLUMN_NULL_TEST);

			arg_weight = reason ? refused(judge, reason) : 1;
		}
		else
			arg_weight = judge_expr(judge, arg, depth + 1, below);
		if (arg_weight == 0)
			return 0;
		weight += arg_weight;
	}
	weight *= repetitions(match.form);
	return weight > MAX_WEIGHT ? refused(judge, "the expression is too large") : weight;
}

/* ---- Aggregates, windows, sub-selects ----------------------------------------------------- */

static void
judge_group(Judge *judge, const ConnhubExpr *key)
{
	SqlMatch	match;

	if (judge_expr(judge, key, 0, false) == 0)
		return;
	sql_match_group(judge->dialect, judge->source, key, &match);
	if (match.kind != CONNHUB_EXACT)
		refused(judge, match.reason);
}

static bool
judge_window(Judge *judge, const ConnhubWindow *window)
{
	ConnhubExpr row_number = {.struct_size = sizeof(ConnhubExpr), .kind = CONNHUB_EXPR_WINDOW,
		.fn = CONNHUB_FN_ROW_NUMBER, .type = {.type = CONNHUB_INT64, .pg_type = "bigint"}};
	SqlMatch	match;

	/* Who knows this one knows windows. */
	sql_match_call(judge->dialect, judge->source, &row_number, &match);
	if (match.kind != CONNHUB_EXACT)
		refused(judge, match.reason);
	else if (window->frame == CONNHUB_FRAME_GROUPS && (judge->dialect->flags & SQL_FRAME_GROUPS) == 0)
		refused(judge, "frames do not count groups of peers there");
	for (uint32_t i = 0; i < window->npartition && judge->verdict->kind == CONNHUB_EXACT; i++)
		judge_group(judge, window->partition[i]);
	return judge->verdict->kind == CONNHUB_EXACT;
}

static uint64_t
judge_aggregate(Judge *judge, const ConnhubExpr *expr, int depth)
{
	uint64_t	weight = 1;
	SqlMatch	match;

	sql_match_call(judge->dialect, judge->source, expr, &match);
	if (match.kind != CONNHUB_EXACT)
		return refused(judge, match.reason);
	if (expr->norder > 0)
		return refused(judge, "the order of an aggregate's input is not sent");
	if (expr->nargs > 1)
		return refused(judge, "an aggregate of several arguments is not sent");
	for (uint32_t i = 0; i < expr->nargs; i++)
	{
		uint64_t	arg_weight = judge_expr(judge, expr->args[i], depth + 1, false);

		if (arg_weight == 0)
			return 0;
		weight += arg_weight;
		if (expr->is_distinct)
			judge_group(judge, expr->args[i]);
	}
	if (expr->filter)
	{
		bool		has_words = (judge->dialect->flags & SQL_AGGREGATE_FILTER) != 0;
		ConnhubExpr conditional;
		const ConnhubExpr *pair[2];
		const ConnhubExpr *filter = has_words ? expr->filter : sql_filtered_argument(expr, &conditional, pair);
		uint64_t	filter_weight = judge_expr(judge, filter, depth + 1, false);

		if (filter_weight == 0)
			return 0;
		weight += filter_weight;
	}
	if (judge->verdict->kind != CONNHUB_EXACT || (expr->window && !judge_window(judge, expr->window)))
		return 0;
	weight *= repetitions(match.form);
	return weight > MAX_WEIGHT ? refused(judge, "the expression is too large") : weight;
}

static bool
judge_all(Judge *judge, const ConnhubExpr *const *exprs, uint32_t count, int depth)
{
	for (uint32_t i = 0; i < count; i++)
		if (judge_expr(judge, exprs[i], depth + 1, false) == 0)
			return false;
	return true;
}

static bool judge_request(Judge *judge, const ConnhubRequest *request, int depth);

static bool
judge_relation(Judge *judge, const ConnhubRelation *relation, int depth)
{
	if (depth > SQL_MAX_DEPTH)
		return refused(judge, "the expression is nested too deeply");
	if (relation->join == CONNHUB_JOIN_NONE)
		return (!relation->query || judge_request(judge, relation->query, depth + 1)) &&
			judge_all(judge, relation->filters, relation->nfilters, depth);
	return judge_relation(judge, relation->left, depth + 1) && judge_relation(judge, relation->right, depth + 1) &&
		judge_all(judge, relation->on, relation->non, depth);
}

/* The pieces of a sub-select were judged when it was planned, with parameters where columns of the query around
 * it stand by now: what compares with a value may be refused with a column. */
static bool
judge_request(Judge *judge, const ConnhubRequest *request, int depth)
{
	for (uint32_t i = 0; i < request->nsort; i++)
	{
		SqlMatch	match;

		sql_match_sort(judge->dialect, judge->source, &request->sort[i], &match);
		if (match.kind != CONNHUB_EXACT)
			return refused(judge, match.reason);
		if (judge_expr(judge, request->sort[i].expr, depth + 1, false) == 0)
			return false;
	}
	return (!request->from || judge_relation(judge, request->from, depth + 1)) &&
		judge_all(judge, request->filters, request->nfilters, depth) &&
		judge_all(judge, request->having, request->nhaving, depth) &&
		judge_all(judge, request->outputs, request->noutputs, depth);
}

static uint64_t
judge_subquery(Judge *judge, const ConnhubExpr *expr, int depth)
{
	const ConnhubExpr *operands[2];
	ConnhubExpr equality = {.struct_size = sizeof(ConnhubExpr), .kind = CONNHUB_EXPR_CALL, .fn = CONNHUB_FN_EQ,
		.type = {.type = CONNHUB_BOOL, .pg_type = "boolean"}, .nargs = 2, .args = operands};
	ConnhubCollation bytes = {.name = "C", .is_c = true, .deterministic = true};
	SqlMatch	match;

	if (!judge_request(judge, expr->query, depth))
		return 0;
	if (expr->kind != CONNHUB_EXPR_IN_QUERY)
		return 1;
	if ((judge->dialect->flags & SQL_LIMIT_OUTSIDE_IN) && (expr->query->limit || expr->query->offset))
		return refused(judge, "a limit may not stand in a sub-select there");
	operands[0] = expr->args[0];
	operands[1] = expr->query->outputs[0];
	equality.collation = &bytes;
	sql_match_call(judge->dialect, judge->source, &equality, &match);
	if (match.kind != CONNHUB_EXACT)
		return refused(judge, match.reason);
	if (strcmp(match.form, "(%1 = %2)") != 0)
		return refused(judge, "values are compared by more than = there");
	if (judge->dialect->membership && judge->dialect->membership(operands[0], operands[1]))
		return refused(judge, judge->dialect->membership(operands[0], operands[1]));
	return judge_expr(judge, expr->args[0], depth + 1, false);
}

static void
judge_join(Judge *judge, const ConnhubRelation *join)
{
	uint32_t	since = judge->dialect->full_join;

	if (join->join == CONNHUB_JOIN_FULL && (since == 0 || judge->source->version_num < since))
		refused(judge, "the source knows no full join");
}

static void
judge_grouping(Judge *judge, const ConnhubRequest *query)
{
	if (query->nsets > 0 && (judge->dialect->flags & SQL_GROUPING_SETS) == 0)
		refused(judge, "the source knows no grouping sets");
}

static void
judge_sort(Judge *judge, const ConnhubSortKey *key)
{
	SqlMatch	match;

	if (judge_expr(judge, key->expr, 0, false) == 0)
		return;
	sql_match_sort(judge->dialect, judge->source, key, &match);
	if (match.kind != CONNHUB_EXACT)
		refused(judge, match.reason);
}

void
sql_judge_value(const SqlDialect *dialect, const ConnhubSource *source, const ConnhubExpr *expr,
				ConnhubVerdict *verdict)
{
	Judge		judge = {dialect, source, verdict};

	judge_expr(&judge, expr, 0, false);
}

void
sql_judge(const SqlDialect *dialect, const ConnhubSource *source, const ConnhubPiece *piece,
		  ConnhubVerdict *verdict)
{
	Judge		judge = {dialect, source, verdict};

	memset(verdict, 0, sizeof(*verdict));
	verdict->kind = CONNHUB_EXACT;
	switch (piece->kind)
	{
		case CONNHUB_PIECE_FILTER:
			judge_expr(&judge, piece->expr, 0, true);
			break;
		case CONNHUB_PIECE_ON:
		case CONNHUB_PIECE_HAVING:
			judge_expr(&judge, piece->expr, 0, false);
			break;
		case CONNHUB_PIECE_JOIN:
			judge_join(&judge, piece->relation);
			break;
		case CONNHUB_PIECE_GROUP:
			judge_group(&judge, piece->expr);
			break;
		case CONNHUB_PIECE_GROUPING:
			judge_grouping(&judge, piece->query);
			break;
		case CONNHUB_PIECE_DERIVED:
			break;
		case CONNHUB_PIECE_OUTPUT:
			/* A bare column is only read: its values are converted on their way in. */
			if (piece->expr->kind != CONNHUB_EXPR_COLUMN)
				judge_expr(&judge, piece->expr, 0, false);
			break;
		case CONNHUB_PIECE_SORT:
			judge_sort(&judge, piece->sort);
			break;
		case CONNHUB_PIECE_LIMIT:
			if (!dialect->limit)
				refused(&judge, "the source cannot cut off rows");
			else if ((dialect->flags & SQL_LIMIT_CONSTANT) && piece->expr && piece->expr->kind != CONNHUB_EXPR_CONST)
				refused(&judge, "the source takes only a constant here");
			break;
		case CONNHUB_PIECE_RANGE:
			if (!dialect->blocks)
				refused(&judge, "the source has no ranges of blocks");
			break;
		case CONNHUB_PIECE_LOCK:
			sql_judge_lock(dialect, piece->query, verdict);
			break;
		case CONNHUB_PIECE_WRITE:
			sql_judge_write(dialect, source, piece->write, verdict);
			break;
		case CONNHUB_PIECE_ASSIGN:
			sql_judge_assign(dialect, source, piece, verdict);
			break;
		default:
			refused(&judge, "the piece is of a kind not known");
			break;
	}
}
