/* judge.c — sort keys, groups and aggregates that mean the same at the source, and the verdicts. */
#include <stdio.h>
#include <string.h>

#include "translate.h"

bool
mg_sort_key(Translation *t, const ConnhubSortKey *key, MgOperand *operand, bool *needs_flag)
{
	uint32_t	flags;

	if (!mg_operand(t, key->expr, operand))
		return false;
	flags = mg_types[operand->kind].flags;
	if (flags & MG_NAN)
		return mg_refuse(t, "NaN is the smallest number there");
	if ((flags & MG_ORDERED) == 0)
		return mg_refuse(t, "values of type %s are ordered in another way there", mg_types[operand->kind].name);
	if (operand->kind == MG_STRING && (key->collation == NULL || !key->collation->is_c))
		return mg_refuse(t, "text is ordered by collation \"%s\", not by its bytes",
						 key->collation != NULL ? key->collation->name : "unknown");

	/* Nulls are the smallest there. */
	*needs_flag = !operand->never_null && key->descending == key->nulls_first;
	if (*needs_flag && mg_is_ferret(t->source))
		return mg_refuse(t, "nulls come at the other end there");
	return true;
}

/* True where the field has a value. */
static void
put_has_value(Translation *t, const MgOperand *operand, const char *yes, const char *no)
{
	mg_put_text(t, "{\"$cond\":[{\"$gt\":[\"$%s\",null]},%s,%s]}", operand->path, yes, no);
}

bool
mg_accumulator(Translation *t, const ConnhubExpr *expr)
{
	MgOperand	operand;
	bool		ferret = mg_is_ferret(t->source);

	if (expr->is_distinct || expr->filter != NULL || expr->norder > 0)
		return mg_refuse(t, "aggregates of distinct, filtered or ordered rows have no accumulator");
	if (expr->fn == CONNHUB_FN_COUNT_ALL)
	{
		mg_put_text(t, "{\"$sum\":1}");
		return true;
	}
	if (expr->fn != CONNHUB_FN_COUNT && expr->fn != CONNHUB_FN_SUM && expr->fn != CONNHUB_FN_MIN &&
		expr->fn != CONNHUB_FN_MAX)
		return mg_refuse(t, "this aggregate is not computed exactly there");
	if (!mg_operand(t, expr->args[0], &operand))
		return false;
	if (ferret)
		return mg_refuse(t, "the source has no accumulator for it");
	if (expr->fn == CONNHUB_FN_COUNT)
	{
		if (operand.kind == MG_ARRAY || operand.kind == MG_MIXED)
			return mg_refuse(t, "values of mixed type are not counted there");
		mg_put_text(t, "{\"$sum\":");
		put_has_value(t, &operand, "1", "0");
		mg_put_text(t, "}");
		return true;
	}
	if (expr->fn == CONNHUB_FN_SUM)
	{
		/* A sum of longs may become a double. */
		if (operand.kind != MG_INT || expr->type.type != CONNHUB_INT64)
			return mg_refuse(t, "this sum is not computed exactly there");
		mg_put_text(t, "{\"$sum\":\"$%s\"}", operand.path);
		return true;
	}
	if (operand.kind != MG_INT && operand.kind != MG_LONG && operand.kind != MG_DATE && operand.kind != MG_STRING)
		return mg_refuse(t, "values of type %s are ordered in another way there", mg_types[operand.kind].name);
	if (operand.kind == MG_STRING && (expr->collation == NULL || !expr->collation->is_c))
		return mg_refuse(t, "text is ordered by another collation than its bytes");
	mg_put_text(t, "{\"%s\":\"$%s\"}", expr->fn == CONNHUB_FN_MIN ? "$min" : "$max", operand.path);
	return true;
}

static bool
judge_group_key(Translation *t, const ConnhubExpr *expr)
{
	MgOperand	operand;

	if (expr->kind != CONNHUB_EXPR_COLUMN)
		return mg_refuse(t, "only fields themselves are grouped by there");
	if (!mg_operand(t, expr, &operand))
		return false;
	if ((mg_types[operand.kind].flags & MG_EQUAL) == 0)
		return mg_refuse(t, "values of type %s are compared in another way there", mg_types[operand.kind].name);
	return true;
}

static bool
judge_grouping(Translation *t, const ConnhubRequest *request)
{
	uint32_t	nkeys = request->is_grouped ? request->ngroups : request->noutputs;

	if (request->nsets > 0)
		return mg_refuse(t, "there are no grouping sets there");
	if (request->is_grouped && request->is_distinct)
		return mg_refuse(t, "groups are not made distinct there");
	if (request->from != NULL && (request->from->join != CONNHUB_JOIN_NONE || request->from->query != NULL))
		return mg_refuse(t, "only one collection is grouped there");
	if (nkeys > 1 && mg_is_ferret(t->source))
		return mg_refuse(t, "the source groups by one field only");
	for (uint32_t i = 0; !request->is_grouped && i < request->noutputs; i++)
	{
		if (!judge_group_key(t, request->outputs[i]))
			return false;
	}
	return nkeys <= 60 || mg_refuse(t, "too many keys");
}

static bool
judge_output(Translation *t, const ConnhubExpr *expr)
{
	MgOperand	operand;

	if (expr->kind == CONNHUB_EXPR_COLUMN)
		return mg_path(expr->column)[0] != '$' || mg_refuse(t, "the name of the field cannot be used in a pipeline");
	if (expr->kind == CONNHUB_EXPR_AGGREGATE)
		return mg_operand(t, expr, &operand);
	return mg_refuse(t, "only fields themselves are put out there");
}

static bool
judge_write(Translation *t, const ConnhubWrite *write)
{
	const char *taken[256];
	uint32_t	ntaken = 0;

	if (write->kind != CONNHUB_INSERT && write->kind != CONNHUB_UPDATE && write->kind != CONNHUB_DELETE)
		return mg_refuse(t, "the source has no such statement");
	if (write->nreturning > 0)
		return mg_refuse(t, "the source gives nothing back");
	if (write->ncolumns + write->nkeys > sizeof(taken) / sizeof(taken[0]))
		return mg_refuse(t, "too many columns");
	for (uint32_t i = 0; i < write->ncolumns + write->nkeys; i++)
	{
		const ConnhubColumn *column = i < write->ncolumns ? write->columns[i] : write->keys[i - write->ncolumns];
		MgKind		kind = mg_kind(column->remote_type);

		if (kind == MG_ANY)
			return mg_refuse(t, "column \"%s\" was not discovered", column->name);
		if (column->type.type != column->natural.type)
			return mg_refuse(t, "column \"%s\" is declared as another type than it has", column->name);
		if (i >= write->ncolumns && (mg_types[kind].flags & MG_EQUAL) == 0)
			return mg_refuse(t, "no row is found by column \"%s\", whose type is %s", column->name, mg_types[kind].name);
		taken[ntaken++] = mg_path(column);
	}
	for (uint32_t i = 0; write->kind == CONNHUB_UPDATE && i < write->ncolumns; i++)
	{
		if (strcmp(taken[i], "_id") == 0)
			return mg_refuse(t, "the _id of a document cannot be changed");
	}
	return true;
}

void
mg_judge(const ConnhubSource *source, const ConnhubPiece *piece, ConnhubVerdict *verdict)
{
	Translation t = {.source = source, .dry = true};
	MgOperand	operand;
	bool		flag;
	bool		exact = false;

	switch (piece->kind)
	{
		case CONNHUB_PIECE_FILTER:
		case CONNHUB_PIECE_HAVING:
			exact = mg_condition(&t, piece->expr, true);
			break;
		case CONNHUB_PIECE_OUTPUT:
			exact = judge_output(&t, piece->expr);
			break;
		case CONNHUB_PIECE_SORT:
			exact = mg_sort_key(&t, piece->sort, &operand, &flag);
			break;
		case CONNHUB_PIECE_LIMIT:
			exact = true;
			break;
		case CONNHUB_PIECE_GROUP:
			exact = judge_group_key(&t, piece->expr);
			break;
		case CONNHUB_PIECE_GROUPING:
			exact = judge_grouping(&t, piece->query);
			break;
		case CONNHUB_PIECE_WRITE:
			exact = judge_write(&t, piece->write);
			break;
		default:
			mg_refuse(&t, "the pipeline does none of it");
			break;
	}
	verdict->kind = exact ? CONNHUB_EXACT : CONNHUB_REFUSE;
	snprintf(verdict->reason, sizeof(verdict->reason), "%s", exact ? "" : t.reason);
}
