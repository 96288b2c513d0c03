/* translate.c — the judge, and expressions → conditions of $match.
 *
 * A condition of $match looks at BSON types before it compares, so it never fails, and a value of another type than the column's
 * makes it false.  An array's elements are compared one by one; render.c leaves out documents with an array where the
 * column has none.  SQL's null is a field that is null or missing.  A condition is written as "it is true" or as "it is false", so
 * that NOT needs no third value. */
#include "translate.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bind.h"

#define MOST_DEPTH	40

bool
mg_refuse(Translation *t, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	vsnprintf(t->reason, sizeof(t->reason), format, args);
	va_end(args);
	return false;
}

void
mg_put_text(Translation *t, const char *format,...)
{
	char		buffer[512];
	va_list		args;

	if (t->dry)
		return;
	va_start(args, format);
	vsnprintf(buffer, sizeof(buffer), format, args);
	va_end(args);
	text_string(&t->out, buffer);
}

void
mg_put_string(Translation *t, const char *data, size_t length)
{
	if (t->dry)
		return;
	text_char(&t->out, '"');
	for (size_t i = 0; i < length; i++)
	{
		unsigned char c = (unsigned char) data[i];

		if (c == '"' || c == '\\')
			text_char(&t->out, '\\');
		if (c < 0x20 || c == 0x7f)
			text_format(&t->out, "\\u%04x", c);
		else
			text_char(&t->out, (char) c);
	}
	text_char(&t->out, '"');
}

bool
mg_is_ferret(const ConnhubSource *source)
{
	return (source->flags & MG_FLAG_FERRETDB) != 0 || (source->flags & MG_FLAG_REACHED) == 0;
}

bool
mg_same(const ConnhubExpr *a, const ConnhubExpr *b)
{
	if (a == b)
		return true;
	if (a->kind != b->kind || a->fn != b->fn || a->nargs != b->nargs)
		return false;
	if (a->kind == CONNHUB_EXPR_COLUMN)
		return strcmp(a->column->name, b->column->name) == 0;
	if (a->kind != CONNHUB_EXPR_AGGREGATE && a->kind != CONNHUB_EXPR_CALL)
		return false;
	for (uint32_t i = 0; i < a->nargs; i++)
	{
		if (!mg_same(a->args[i], b->args[i]))
			return false;
	}
	return true;
}

int
mg_group_number(const ConnhubRequest *request, const ConnhubExpr *expr)
{
	const ConnhubExpr *const *keys = request->is_grouped ? request->groups : request->outputs;
	uint32_t	n = request->is_grouped ? request->ngroups : request->noutputs;

	for (uint32_t i = 0; i < n; i++)
	{
		if (mg_same(keys[i], expr))
			return (int) i;
	}
	return -1;
}

/* ---- Fields ------------------------------------------------------------------------------ */

static bool
column_operand(Translation *t, const ConnhubExpr *expr, MgOperand *operand)
{
	const ConnhubColumn *column = expr->column;
	const char *path = mg_path(column);

	if (column->remote_type == NULL || mg_kind(column->remote_type) == MG_ANY)
		return mg_refuse(t, "column \"%s\" was not discovered", column->name);
	if (column->type.type != column->natural.type)
		return mg_refuse(t, "column \"%s\" is declared as another type than it has", column->name);
	if (path[0] == '\0' || path[0] == '$' || strlen(path) >= sizeof(operand->path))
		return mg_refuse(t, "the name of the field cannot be used in a pipeline");
	operand->kind = mg_kind(column->remote_type);
	operand->type = mg_types[operand->kind].type;
	operand->never_null = column->not_null && !expr->is_nullable;
	snprintf(operand->path, sizeof(operand->path), "%s", path);
	if (t->in_groups && t->request != NULL)
	{
		uint32_t	n = t->request->is_grouped ? t->request->ngroups : t->request->noutputs;

		if (n == 1)
			snprintf(operand->path, sizeof(operand->path), "_id");
		else
			snprintf(operand->path, sizeof(operand->path), "_id.k%d", mg_group_number(t->request, expr));
	}
	return true;
}

/* Every aggregate of a request has the number of its first use: outputs, then having, then sort keys. */
static int
find_aggregate(const ConnhubExpr *within, const ConnhubExpr *expr, int *number)
{
	if (within->kind == CONNHUB_EXPR_AGGREGATE)
	{
		(*number)++;
		return mg_same(within, expr) ? *number - 1 : -1;
	}
	for (uint32_t i = 0; within->kind == CONNHUB_EXPR_CALL && i < within->nargs; i++)
	{
		int			found = find_aggregate(within->args[i], expr, number);

		if (found >= 0)
			return found;
	}
	return -1;
}

static int
aggregate_number(const ConnhubRequest *request, const ConnhubExpr *expr)
{
	int			number = 0;
	int			found = -1;

	for (uint32_t i = 0; found < 0 && i < request->noutputs; i++)
		found = find_aggregate(request->outputs[i], expr, &number);
	for (uint32_t i = 0; found < 0 && i < request->nhaving; i++)
		found = find_aggregate(request->having[i], expr, &number);
	for (uint32_t i = 0; found < 0 && i < request->nsort; i++)
		found = find_aggregate(request->sort[i].expr, expr, &number);
	return found;
}

static bool
aggregate_operand(Translation *t, const ConnhubExpr *expr, MgOperand *operand)
{
	Translation dry = {.source = t->source, .dry = true};
	MgOperand	argument;

	if (!mg_accumulator(&dry, expr))
		return mg_refuse(t, "%s", dry.reason);
	operand->kind = MG_LONG;
	operand->type = CONNHUB_INT64;
	operand->never_null = expr->fn == CONNHUB_FN_COUNT_ALL || expr->fn == CONNHUB_FN_COUNT;
	if (expr->fn == CONNHUB_FN_MIN || expr->fn == CONNHUB_FN_MAX)
	{
		if (!mg_operand(&dry, expr->args[0], &argument))
			return mg_refuse(t, "%s", dry.reason);
		operand->kind = argument.kind;
		operand->type = argument.type;
	}
	if (t->request != NULL)
		snprintf(operand->path, sizeof(operand->path), "a%d", aggregate_number(t->request, expr));
	else
		operand->path[0] = '\0';
	return true;
}

bool
mg_operand(Translation *t, const ConnhubExpr *expr, MgOperand *operand)
{
	if (expr->kind == CONNHUB_EXPR_COLUMN)
		return column_operand(t, expr, operand);
	if (expr->kind == CONNHUB_EXPR_AGGREGATE)
		return aggregate_operand(t, expr, operand);
	if (expr->kind != CONNHUB_EXPR_CALL || expr->fn != CONNHUB_FN_CAST)
		return mg_refuse(t, "only fields themselves are compared there");
	if (!mg_operand(t, expr->args[0], operand))
		return false;

	/* By value, numbers of all types are compared alike, but a long is not always a double. */
	if (!(operand->kind == MG_INT &&
		  (expr->type.type == CONNHUB_INT64 || expr->type.type == CONNHUB_DECIMAL || expr->type.type == CONNHUB_FLOAT64)) &&
		!(operand->kind == MG_LONG && expr->type.type == CONNHUB_DECIMAL))
		return mg_refuse(t, "this cast does not mean the same there");
	operand->type = expr->type.type;
	return true;
}

/* ---- Constants --------------------------------------------------------------------------- */

static void
put_base64(Translation *t, const ConnhubSlice *slice, const char *subtype)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *data = (const unsigned char *) slice->data;

	mg_put_text(t, "{\"$binary\":{\"base64\":\"");
	for (size_t i = 0; i < slice->length; i += 3)
	{
		size_t		left = slice->length - i;
		uint32_t	bits = (uint32_t) data[i] << 16 | (left > 1 ? (uint32_t) data[i + 1] << 8 : 0) |
			(left > 2 ? data[i + 2] : 0);

		mg_put_text(t, "%c%c%c%c", digits[bits >> 18], digits[bits >> 12 & 63],
					left > 1 ? digits[bits >> 6 & 63] : '=', left > 2 ? digits[bits & 63] : '=');
	}
	mg_put_text(t, "\",\"subType\":\"%s\"}}", subtype);
}

/* Milliseconds for a comparison with fn; false: no date is equal. */
static bool
date_bound(int64_t micros, ConnhubFunction fn, int64_t *ms)
{
	int64_t		rest = micros % 1000;
	int64_t		floor = micros / 1000 - (rest < 0 ? 1 : 0);

	*ms = floor;
	if (rest == 0)
		return true;
	if (fn == CONNHUB_FN_LT || fn == CONNHUB_FN_GE)
		*ms = floor + 1;
	return fn == CONNHUB_FN_LT || fn == CONNHUB_FN_GE || fn == CONNHUB_FN_LE || fn == CONNHUB_FN_GT;
}

static void
put_constant(Translation *t, MgKind kind, const ConnhubValue *value, ConnhubFunction fn)
{
	const ConnhubSlice *slice = &value->v.slice;
	int64_t		ms;

	switch (value->type.type)
	{
		case CONNHUB_BOOL:
			mg_put_text(t, value->v.integer ? "true" : "false");
			break;
		case CONNHUB_FLOAT64:
			if (isinf(value->v.real))
				mg_put_text(t, "{\"$numberDouble\":\"%sInfinity\"}", value->v.real < 0 ? "-" : "");
			else
				mg_put_text(t, "{\"$numberDouble\":\"%.17g\"}", value->v.real);
			break;
		case CONNHUB_DECIMAL:
			mg_put_text(t, "{\"$numberDecimal\":");
			mg_put_string(t, slice->data, slice->length);
			mg_put_text(t, "}");
			break;
		case CONNHUB_TIMESTAMPTZ:
			if (date_bound(value->v.integer, fn, &ms))
				mg_put_text(t, "{\"$date\":{\"$numberLong\":\"%lld\"}}", (long long) ms);
			else
				mg_put_text(t, "\"\"");
			break;
		case CONNHUB_BYTES:
			put_base64(t, slice, "00");
			break;
		case CONNHUB_UUID:
			put_base64(t, slice, "04");
			break;
		case CONNHUB_TEXT:
			if (kind == MG_OBJECTID && mg_is_objectid(slice->data, slice->length))
				mg_put_text(t, "{\"$oid\":\"%.24s\"}", slice->data);
			else if (kind == MG_OBJECTID)
				mg_put_text(t, "\"\"");
			else
				mg_put_string(t, slice->data, slice->length);
			break;
		default:
			mg_put_text(t, "%lld", (long long) value->v.integer);
			break;
	}
}

static void
put_value(Translation *t, const MgOperand *operand, const ConnhubExpr *value, ConnhubFunction fn)
{
	const char *how = mg_types[operand->kind].name;

	if (value->kind == CONNHUB_EXPR_CONST)
	{
		put_constant(t, operand->kind, value->value, fn);
		return;
	}
	if (operand->kind == MG_DATE && (fn == CONNHUB_FN_LT || fn == CONNHUB_FN_GE))
		how = MG_BIND_UP;
	else if (operand->kind == MG_DATE && (fn == CONNHUB_FN_LE || fn == CONNHUB_FN_GT))
		how = MG_BIND_DOWN;
	mg_put_text(t, "{\"$%u\":\"%s\"}", value->param + 1, how);
}

static bool
check_constant(Translation *t, const ConnhubValue *value)
{
	if (value->is_null)
		return mg_refuse(t, "a null is compared");
	if (value->type.type == CONNHUB_FLOAT64 && isnan(value->v.real))
		return mg_refuse(t, "NaN is the smallest number there");
	if (value->type.type == CONNHUB_DECIMAL && value->v.slice.length > 0 && value->v.slice.data[0] == 'N')
		return mg_refuse(t, "NaN is the smallest number there");
	if (value->type.type == CONNHUB_DECIMAL && !mg_decimal_fits(value->v.slice.data, value->v.slice.length))
		return mg_refuse(t, "the number has more digits than a Decimal128");
	if (value->type.type == CONNHUB_TIMESTAMPTZ &&
		(value->v.integer == CONNHUB_INFINITY || value->v.integer == CONNHUB_MINUS_INFINITY))
		return mg_refuse(t, "there are no infinite dates there");
	return true;
}

/* May the field be compared with the value: are both of one sort, and is the order the same? */
static bool
check_comparison(Translation *t, const ConnhubExpr *call, const MgOperand *operand, const ConnhubExpr *value, bool by_order)
{
	ConnhubType type = value->type.type;
	bool		numeric = type == CONNHUB_INT16 || type == CONNHUB_INT32 || type == CONNHUB_INT64 ||
		type == CONNHUB_FLOAT64 || type == CONNHUB_DECIMAL;
	uint32_t	flags = mg_types[operand->kind].flags;

	if (value->kind != CONNHUB_EXPR_CONST && value->kind != CONNHUB_EXPR_PARAM)
		return mg_refuse(t, "a field is compared with constants only");
	if ((flags & (by_order ? MG_ORDERED : MG_EQUAL)) == 0)
		return mg_refuse(t, "values of type %s are compared in another way there", mg_types[operand->kind].name);
	if (flags & MG_NUMERIC)
	{
		if (!numeric || (operand->type == CONNHUB_FLOAT64) != (type == CONNHUB_FLOAT64))
			return mg_refuse(t, "operands differ in type");
		if (type == CONNHUB_DECIMAL && mg_is_ferret(t->source))
			return mg_refuse(t, "the source has no decimal numbers");
	}
	else if (type != operand->type)
		return mg_refuse(t, "operands differ in type");
	if (type == CONNHUB_TEXT && (call->collation == NULL || !call->collation->deterministic))
		return mg_refuse(t, "collation is not deterministic");
	if (type == CONNHUB_TEXT && by_order && !call->collation->is_c)
		return mg_refuse(t, "text is ordered by collation \"%s\", not by its bytes", call->collation->name);
	return value->kind == CONNHUB_EXPR_PARAM || check_constant(t, value->value);
}

/* ---- Conditions -------------------------------------------------------------------------- */

static const struct
{
	ConnhubFunction fn;
	ConnhubFunction negated;
	ConnhubFunction turned;		/* with its sides exchanged */
	const char *name;
}			comparisons[] = {
	{CONNHUB_FN_EQ, CONNHUB_FN_NE, CONNHUB_FN_EQ, "$eq"},
	{CONNHUB_FN_NE, CONNHUB_FN_EQ, CONNHUB_FN_NE, "$ne"},
	{CONNHUB_FN_LT, CONNHUB_FN_GE, CONNHUB_FN_GT, "$lt"},
	{CONNHUB_FN_LE, CONNHUB_FN_GT, CONNHUB_FN_GE, "$lte"},
	{CONNHUB_FN_GT, CONNHUB_FN_LE, CONNHUB_FN_LT, "$gt"},
	{CONNHUB_FN_GE, CONNHUB_FN_LT, CONNHUB_FN_LE, "$gte"}
};

static int
comparison(ConnhubFunction fn)
{
	for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++)
	{
		if (comparisons[i].fn == fn)
			return (int) i;
	}
	return -1;
}

/* The $type that values of a kind have. */
static const char *
type_name(MgKind kind)
{
	if (mg_types[kind].flags & MG_NUMERIC)
		return "number";
	return kind == MG_UUID ? "binData" : mg_types[kind].name;
}

static void
put_path(Translation *t, const MgOperand *operand)
{
	mg_put_string(t, operand->path, strlen(operand->path));
	mg_put_text(t, ":");
}

/* NaN, which is greater than all here and equal to none there, passes what says "not at most". */
static bool
put_greater(Translation *t, const MgOperand *operand, const ConnhubExpr *value, ConnhubFunction fn)
{
	mg_put_text(t, "{");
	put_path(t, operand);
	mg_put_text(t, "{\"$not\":{\"%s\":", fn == CONNHUB_FN_GT ? "$lte" : "$lt");
	put_value(t, operand, value, fn == CONNHUB_FN_GT ? CONNHUB_FN_LE : CONNHUB_FN_LT);
	mg_put_text(t, "},\"$type\":\"number\"}}");
	return true;
}

static bool
put_comparison(Translation *t, const ConnhubExpr *call, ConnhubFunction fn)
{
	const ConnhubExpr *field = call->args[0];
	const ConnhubExpr *value = call->args[1];
	bool		by_order = fn != CONNHUB_FN_EQ && fn != CONNHUB_FN_NE;
	MgOperand	operand;

	if (field->kind == CONNHUB_EXPR_CONST || field->kind == CONNHUB_EXPR_PARAM)
	{
		field = call->args[1];
		value = call->args[0];
		fn = comparisons[comparison(fn)].turned;
	}
	if (!mg_operand(t, field, &operand) || !check_comparison(t, call, &operand, value, by_order))
		return false;
	if ((mg_types[operand.kind].flags & MG_NAN) && (fn == CONNHUB_FN_GT || fn == CONNHUB_FN_GE))
		return put_greater(t, &operand, value, fn);
	mg_put_text(t, "{");
	put_path(t, &operand);
	mg_put_text(t, "{\"%s\":", comparisons[comparison(fn)].name);
	put_value(t, &operand, value, fn);
	if (fn == CONNHUB_FN_NE)
		mg_put_text(t, ",\"$type\":\"%s\"", type_name(operand.kind));
	mg_put_text(t, "}}");
	return true;
}

static bool
put_in(Translation *t, const ConnhubExpr *call, bool want)
{
	MgOperand	operand;

	if (!mg_operand(t, call->args[0], &operand))
		return false;
	for (uint32_t i = 1; i < call->nargs; i++)
	{
		if (!check_comparison(t, call, &operand, call->args[i], false))
			return false;
	}
	mg_put_text(t, "{");
	put_path(t, &operand);
	mg_put_text(t, "{\"%s\":[", want ? "$in" : "$nin");
	for (uint32_t i = 1; i < call->nargs; i++)
	{
		mg_put_text(t, i > 1 ? "," : "");
		put_value(t, &operand, call->args[i], CONNHUB_FN_EQ);
	}
	mg_put_text(t, "]");
	if (!want)
		mg_put_text(t, ",\"$type\":\"%s\"", type_name(operand.kind));
	mg_put_text(t, "}}");
	return true;
}

static bool
put_is_null(Translation *t, const ConnhubExpr *call, bool want)
{
	MgOperand	operand;

	if (!mg_operand(t, call->args[0], &operand))
		return false;
	if (operand.kind == MG_ARRAY || operand.kind == MG_MIXED)
		return mg_refuse(t, "a null within an array would count there");
	mg_put_text(t, "{");
	put_path(t, &operand);
	mg_put_text(t, want ? "{\"$eq\":null}}" : "{\"$ne\":null}}");
	return true;
}

static bool
put_distinct(Translation *t, const ConnhubExpr *call, bool want)
{
	MgOperand	operand;

	if (!mg_operand(t, call->args[0], &operand) || !check_comparison(t, call, &operand, call->args[1], false))
		return false;
	if (call->args[1]->kind == CONNHUB_EXPR_PARAM)
		return mg_refuse(t, "the value may be null");
	mg_put_text(t, "{");
	put_path(t, &operand);
	mg_put_text(t, want ? "{\"$ne\":" : "{\"$eq\":");
	put_value(t, &operand, call->args[1], CONNHUB_FN_EQ);
	mg_put_text(t, "}}");
	return true;
}

/* A field of truth values: one of these. */
static bool
put_truth(Translation *t, const ConnhubExpr *expr, const char *values)
{
	MgOperand	operand;

	if (!mg_operand(t, expr, &operand))
		return false;
	if (operand.kind != MG_BOOL)
		return mg_refuse(t, "the condition is not a field of truth values");
	mg_put_text(t, "{");
	put_path(t, &operand);
	mg_put_text(t, "%s}", values);
	return true;
}

static bool
put_like(Translation *t, const ConnhubExpr *call, bool want)
{
	const ConnhubExpr *pattern = call->args[1];
	ConnhubText regex = {0};
	MgOperand	operand;
	bool		is_const = pattern->kind == CONNHUB_EXPR_CONST;

	if (!mg_operand(t, call->args[0], &operand))
		return false;
	if (operand.kind != MG_STRING || pattern->type.type != CONNHUB_TEXT || (!is_const && pattern->kind != CONNHUB_EXPR_PARAM))
		return mg_refuse(t, "the pattern is no constant, or the field no string");
	if (call->collation == NULL || !call->collation->deterministic)
		return mg_refuse(t, "collation is not deterministic");
	if (is_const && (pattern->value->is_null ||
					 !mg_like(mg_host, pattern->value->v.slice.data, pattern->value->v.slice.length, &regex)))
	{
		text_free(mg_host, &regex);
		return mg_refuse(t, "the pattern ends with its escape");
	}
	mg_put_text(t, "{");
	put_path(t, &operand);
	mg_put_text(t, want ? "" : "{\"$not\":");
	if (is_const)
	{
		mg_put_text(t, "{\"$regularExpression\":{\"pattern\":");
		mg_put_string(t, regex.data, regex.length);
		mg_put_text(t, ",\"options\":\"s\"}}");
	}
	else
		mg_put_text(t, "{\"$%u\":\"" MG_BIND_LIKE "\"}", pattern->param + 1);
	mg_put_text(t, want ? "}" : ",\"$type\":\"string\"}}");
	text_free(mg_host, &regex);
	return true;
}

static bool condition(Translation *t, const ConnhubExpr *expr, bool want, int depth);

static bool
put_list(Translation *t, const ConnhubExpr *call, const char *name, bool want, int depth)
{
	mg_put_text(t, "{\"%s\":[", name);
	for (uint32_t i = 0; i < call->nargs; i++)
	{
		mg_put_text(t, i > 0 ? "," : "");
		if (!condition(t, call->args[i], want, depth))
			return false;
	}
	mg_put_text(t, "]}");
	return true;
}

static bool
put_call(Translation *t, const ConnhubExpr *call, bool want, int depth)
{
	int			i = comparison(call->fn);

	if (i >= 0)
		return put_comparison(t, call, want ? call->fn : comparisons[i].negated);
	switch (call->fn)
	{
		case CONNHUB_FN_AND:
			return put_list(t, call, want ? "$and" : "$or", want, depth);
		case CONNHUB_FN_OR:
			return put_list(t, call, want ? "$or" : "$and", want, depth);
		case CONNHUB_FN_NOT:
			return condition(t, call->args[0], !want, depth);
		case CONNHUB_FN_IS_NULL:
		case CONNHUB_FN_IS_NOT_NULL:
			return put_is_null(t, call, want == (call->fn == CONNHUB_FN_IS_NULL));
		case CONNHUB_FN_IS_DISTINCT:
		case CONNHUB_FN_IS_NOT_DISTINCT:
			return put_distinct(t, call, want == (call->fn == CONNHUB_FN_IS_DISTINCT));
		case CONNHUB_FN_IS_TRUE:
		case CONNHUB_FN_IS_NOT_TRUE:
			return put_truth(t, call->args[0], want == (call->fn == CONNHUB_FN_IS_TRUE) ? "true" : "{\"$in\":[false,null]}");
		case CONNHUB_FN_IS_FALSE:
		case CONNHUB_FN_IS_NOT_FALSE:
			return put_truth(t, call->args[0], want == (call->fn == CONNHUB_FN_IS_FALSE) ? "false" : "{\"$in\":[true,null]}");
		case CONNHUB_FN_IN:
		case CONNHUB_FN_NOT_IN:
			return put_in(t, call, want == (call->fn == CONNHUB_FN_IN));
		case CONNHUB_FN_LIKE:
		case CONNHUB_FN_NOT_LIKE:
			return put_like(t, call, want == (call->fn == CONNHUB_FN_LIKE));
		default:
			return mg_refuse(t, "the pipeline has no form of this function that means the same");
	}
}

static bool
condition(Translation *t, const ConnhubExpr *expr, bool want, int depth)
{
	if (depth > MOST_DEPTH)
		return mg_refuse(t, "the expression is nested too deeply");
	if (expr->kind == CONNHUB_EXPR_COLUMN)
		return put_truth(t, expr, want ? "true" : "false");
	if (expr->kind != CONNHUB_EXPR_CALL)
		return mg_refuse(t, "the pipeline has no form of this condition");
	return put_call(t, expr, want, depth + 1);
}

bool
mg_condition(Translation *t, const ConnhubExpr *expr, bool want)
{
	return condition(t, expr, want, 0);
}
