/* sql/match.c — which rule a call falls under.
 *
 * Judge and renderer ask the same question here, so what was accepted and what is sent cannot differ.
 * Everything is a pure function of dialect, source and expression. */
#include "match.h"

#include <stdio.h>
#include <string.h>

static const char *const function_names[CONNHUB_NFUNCTIONS] = {
#define NAME_OF(symbol, name, least, most) [symbol] = name,
	CONNHUB_FUNCTIONS(NAME_OF)
#undef NAME_OF
};

const char *
sql_function_name(ConnhubFunction fn)
{
	return (unsigned) fn < CONNHUB_NFUNCTIONS && function_names[fn] ? function_names[fn] : "this operation";
}

static bool
in_set(uint32_t set, ConnhubType type)
{
	return (unsigned) type < CONNHUB_NTYPES && (set & SQL_T(type)) != 0;
}

static void
refuse(SqlMatch *match, const char *reason)
{
	match->kind = CONNHUB_REFUSE;
	match->form = NULL;
	snprintf(match->reason, sizeof(match->reason), "%s", reason);
}

bool
sql_is_comparison(ConnhubFunction fn)
{
	return (fn >= CONNHUB_FN_EQ && fn <= CONNHUB_FN_GE) ||
		fn == CONNHUB_FN_IS_DISTINCT || fn == CONNHUB_FN_IS_NOT_DISTINCT ||
		fn == CONNHUB_FN_IN || fn == CONNHUB_FN_NOT_IN;
}

/* Does the source compare the one type with the other as this cast would have it? */
static bool
is_needless(const SqlDialect *dialect, ConnhubType from, ConnhubType to)
{
	if ((dialect->flags & SQL_MIXED_INTEGERS) && in_set(SQL_INTEGERS, from) && in_set(SQL_INTEGERS, to))
		return true;
	return (dialect->flags & SQL_MIXED_DATES) && from == CONNHUB_DATE && to == CONNHUB_TIMESTAMP;
}

const ConnhubExpr *
sql_operand(const SqlDialect *dialect, const ConnhubExpr *call, uint32_t i)
{
	const ConnhubExpr *arg = call->args[i];

	if (!sql_is_comparison(call->fn))
		return arg;
	while (arg->kind == CONNHUB_EXPR_CALL && arg->fn == CONNHUB_FN_CAST && arg->nargs == 1 &&
		   is_needless(dialect, arg->args[0]->type.type, arg->type.type))
		arg = arg->args[0];
	return arg;
}

/* ---- Text -------------------------------------------------------------------------------- */

typedef struct TextInquiry
{
	const SqlDialect *dialect;
	const ConnhubSource *source;
	SqlTextQuestion question;
	SqlTextAnswer answer;
	bool		answered;
} TextInquiry;

/* Ask about question.column and merge the answer: the worst verdict counts, and forms must agree. */
static void
ask_text(TextInquiry *inquiry)
{
	SqlTextAnswer answer = {CONNHUB_REFUSE, NULL, "text is not known to compare the same way there"};

	inquiry->dialect->text(inquiry->source, &inquiry->question, &answer);
	if (!inquiry->answered)
	{
		inquiry->answer = answer;
		inquiry->answered = true;
		return;
	}
	if (inquiry->answer.kind != CONNHUB_REFUSE && answer.kind != CONNHUB_REFUSE &&
		(!inquiry->answer.form != !answer.form ||
		 (answer.form && strcmp(inquiry->answer.form, answer.form) != 0)))
	{
		answer.kind = CONNHUB_REFUSE;
		answer.reason = "columns of different collations are not compared there";
	}
	if (answer.kind > inquiry->answer.kind)
		inquiry->answer = answer;
}

/* Ask about every text column below expr. */
static void
ask_columns(TextInquiry *inquiry, const ConnhubExpr *expr, int depth)
{
	if (depth > SQL_MAX_DEPTH)
		return;
	if (expr->kind == CONNHUB_EXPR_COLUMN && in_set(SQL_TEXTS, expr->type.type))
	{
		inquiry->question.column = expr->column;
		ask_text(inquiry);
	}
	if (expr->kind == CONNHUB_EXPR_SUBQUERY)
		ask_columns(inquiry, expr->query->outputs[0], depth + 1);
	for (uint32_t i = 0; i < expr->nargs; i++)
		ask_columns(inquiry, expr->args[i], depth + 1);
}

/* Put the answer about text operands into match. */
static void
match_text(const SqlDialect *dialect, const ConnhubSource *source, SqlTextUse use, ConnhubFunction fn,
		   ConnhubType type, const ConnhubCollation *collation,
		   const ConnhubExpr *const *args, uint32_t nargs, SqlMatch *match)
{
	TextInquiry inquiry = {dialect, source, {use, fn, NULL, type, collation}, {CONNHUB_REFUSE, NULL, NULL}, false};

	if (!dialect->text)
	{
		refuse(match, "text is not known to compare the same way there");
		return;
	}
	if (!collation)
	{
		refuse(match, "the collation of the comparison is not known");
		return;
	}
	if (!collation->deterministic)
	{
		refuse(match, "the collation is nondeterministic here");
		return;
	}
	for (uint32_t i = 0; i < nargs; i++)
		ask_columns(&inquiry, args[i], 0);
	if (!inquiry.answered)
	{
		inquiry.question.column = NULL;
		ask_text(&inquiry);
	}
	if (inquiry.answer.kind == CONNHUB_REFUSE)
	{
		refuse(match, inquiry.answer.reason);
		return;
	}
	if (inquiry.answer.form)
		match->form = inquiry.answer.form;
	if (inquiry.answer.kind > match->kind)
	{
		match->kind = inquiry.answer.kind;
		snprintf(match->reason, sizeof(match->reason), "%s", inquiry.answer.reason);
	}
}

/* ---- Rules ------------------------------------------------------------------------------- */

static bool
rule_matches(const SqlRule *rule, const ConnhubSource *source, const ConnhubExpr *call)
{
	if (rule->fn != call->fn)
		return false;
	if (rule->result != 0 && !in_set(rule->result, call->type.type))
		return false;
	if (rule->min_version > source->version_num ||
		(rule->flags & source->flags) != rule->flags ||
		(rule->product && (!source->product || strcmp(rule->product, source->product) != 0)))
		return false;
	for (uint32_t i = 0; i < call->nargs; i++)
		if (!in_set(rule->operands, call->args[i]->type.type))
			return false;
	return true;
}

void
sql_match_call(const SqlDialect *dialect, const ConnhubSource *source, const ConnhubExpr *call, SqlMatch *match)
{
	const SqlRule *rule = NULL;
	ConnhubType text_type = CONNHUB_TYPE_NONE;
	const char *objection;

	memset(match, 0, sizeof(*match));
	for (uint32_t i = 0; i < dialect->nrules && !rule; i++)
		if (rule_matches(&dialect->rules[i], source, call))
			rule = &dialect->rules[i];
	if (!rule)
	{
		match->kind = CONNHUB_REFUSE;
		snprintf(match->reason, sizeof(match->reason), "no form of \"%s\" on these types means the same in %s",
				 sql_function_name(call->fn), dialect->name);
		return;
	}
	if (rule->kind == CONNHUB_REFUSE)
	{
		refuse(match, rule->reason);
		return;
	}
	match->kind = rule->kind;
	match->form = rule->form;
	if (rule->kind != CONNHUB_EXACT)
		snprintf(match->reason, sizeof(match->reason), "%s", rule->reason);

	for (uint32_t i = 0; i < call->nargs && rule->text != SQL_TEXT_UNUSED; i++)
	{
		ConnhubType type = call->args[i]->type.type;

		if (!in_set(SQL_TEXTS, type))
			continue;
		if (text_type == CONNHUB_TYPE_NONE)
			text_type = type;
		else if (type != text_type && rule->text != SQL_TEXT_PATTERN && rule->text != SQL_TEXT_FOLD)
		{
			refuse(match, "text and blank-padded text are not compared there");
			return;
		}
	}
	if (text_type != CONNHUB_TYPE_NONE)
		match_text(dialect, source, rule->text, call->fn, text_type, call->collation, call->args, call->nargs, match);
	if (call->nargs == 0)
		return;
	if (match->kind == CONNHUB_EXACT && dialect->excess && (objection = dialect->excess(source, call->fn, call)))
	{
		match->kind = CONNHUB_SUPERSET;
		snprintf(match->reason, sizeof(match->reason), "%s", objection);
	}
	if (match->kind == CONNHUB_REFUSE || !dialect->veto)
		return;
	objection = dialect->veto(source, call->fn, call);
	if (objection)
		refuse(match, objection);
}

void
sql_match_sort(const SqlDialect *dialect, const ConnhubSource *source, const ConnhubSortKey *key, SqlMatch *match)
{
	const char *objection;

	memset(match, 0, sizeof(*match));
	match->kind = CONNHUB_EXACT;
	match->form = "%1";
	if (key->expr->kind == CONNHUB_EXPR_CONST || key->expr->kind == CONNHUB_EXPR_PARAM)
		refuse(match, "a sort by a constant is not sent");
	else if (in_set(SQL_TEXTS, key->expr->type.type))
		match_text(dialect, source, SQL_TEXT_SORT, CONNHUB_FN_NONE, key->expr->type.type, key->collation,
				   &key->expr, 1, match);
	else if (!in_set(dialect->sortable, key->expr->type.type))
		refuse(match, "values of this type are not known to sort the same way there");
	if (match->kind == CONNHUB_REFUSE || !dialect->veto)
		return;
	objection = dialect->veto(source, CONNHUB_FN_NONE, key->expr);
	if (objection)
		refuse(match, objection);
}

/* Values are grouped by what = finds equal.  That lets some rows through too many does not matter: a value
 * that should not be there is met when it is read. */
void
sql_match_group(const SqlDialect *dialect, const ConnhubSource *source, const ConnhubExpr *key, SqlMatch *match)
{
	const ConnhubExpr *operands[2] = {key, key};
	ConnhubExpr equality = {.struct_size = sizeof(ConnhubExpr), .kind = CONNHUB_EXPR_CALL, .fn = CONNHUB_FN_EQ,
		.type = {.type = CONNHUB_BOOL, .pg_type = "boolean"}, .nargs = 2, .args = operands};
	ConnhubCollation bytes = {.name = "C", .is_c = true, .deterministic = true};

	if (in_set(SQL_TEXTS, key->type.type))
	{
		memset(match, 0, sizeof(*match));
		match->kind = CONNHUB_EXACT;
		match->form = "%1";
		match_text(dialect, source, SQL_TEXT_GROUP, CONNHUB_FN_NONE, key->type.type, &bytes, &key, 1, match);
		if (match->kind == CONNHUB_SUPERSET)
			match->kind = CONNHUB_REFUSE;
		return;
	}
	sql_match_call(dialect, source, &equality, match);
	if (match->kind == CONNHUB_REFUSE)
		snprintf(match->reason, sizeof(match->reason), "values of this type are not known to be equal when they are here");
	else
	{
		match->kind = CONNHUB_EXACT;
		match->form = "%1";
	}
}

bool
sql_is_group_key(const ConnhubRequest *request, const ConnhubExpr *expr)
{
	for (uint32_t i = 0; i < request->ngroups; i++)
		if (request->groups[i] == expr)
			return true;
	if (!request->is_distinct)
		return false;
	for (uint32_t i = 0; i < request->noutputs; i++)
		if (request->outputs[i] == expr)
			return true;
	return false;
}

/* ---- Aggregates -------------------------------------------------------------------------- */

/* The row of count(*), where a filter must turn it into the count of a value. */
static const ConnhubValue one = {.type = {CONNHUB_INT64, 0, -1, 0, "bigint"},.v.integer = 1};
static const ConnhubExpr one_expr = {.struct_size = sizeof(ConnhubExpr),.kind = CONNHUB_EXPR_CONST,
	.type = {CONNHUB_INT64, 0, -1, 0, "bigint"},.value = &one};

const ConnhubExpr *
sql_filtered_argument(const ConnhubExpr *aggregate, ConnhubExpr *call, const ConnhubExpr *pair[2])
{
	pair[0] = aggregate->filter;
	pair[1] = aggregate->nargs > 0 ? aggregate->args[0] : &one_expr;
	memset(call, 0, sizeof(*call));
	call->struct_size = sizeof(*call);
	call->kind = CONNHUB_EXPR_CALL;
	call->type = pair[1]->type;
	call->fn = CONNHUB_FN_CASE;
	call->nargs = 2;
	call->args = pair;
	return call;
}
