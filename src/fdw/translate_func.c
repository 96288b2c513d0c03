/* fdw/translate_func.c — calls of functions, and casts.
 *
 * Most functions stand in the table of meanings.  Those whose first argument is a word ('year') become as many
 * functions as there are words; modifiers of a numeric type become arguments. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/regproc.h"

#include "batch/typemap.h"
#include "fdw/translate_func.h"
#include "fdw/translate_operand.h"
#include "request/request.h"
#include "request/semantics.h"

/* The meaning of a function whose first argument is a constant word, or NULL. */
static const ChMeaning *
meaning_of_word(const FuncExpr *func)
{
	Node	   *first = func->args != NIL ? linitial(func->args) : NULL;

	if (first == NULL || !IsA(first, Const) || ((Const *) first)->consttype != TEXTOID || ((Const *) first)->constisnull)
		return NULL;
	return ch_meaning_of_word(func->funcid, TextDatumGetCString(((Const *) first)->constvalue));
}

static const ConnhubExpr *
translate_fit(FuncExpr *func, ChTranslation *t)
{
	Node	   *modifier = lsecond(func->args);
	const ConnhubExpr *arg = ch_translate_node(linitial(func->args), t);
	ConnhubTypeRef type;

	if (arg == NULL)
		return NULL;
	if (!IsA(modifier, Const) || ((Const *) modifier)->constisnull)
		return refuse(t, "the modifiers of a cast are not constant");
	ch_typemap_from_pg(NUMERICOID, DatumGetInt32(((Const *) modifier)->constvalue), &type);
	if (type.precision < 0)
		return arg;
	return ch_expr_call(CONNHUB_FN_FIT, &type, NULL,
						list_make3((void *) arg,
								   (void *) ch_translate_constant(Int32GetDatum(type.precision), false, INT4OID, t),
								   (void *) ch_translate_constant(Int32GetDatum(type.scale), false, INT4OID, t)));
}

const ConnhubExpr *
ch_translate_func(Node *node, ChTranslation *t)
{
	FuncExpr   *func = (FuncExpr *) node;
	const ChMeaning *meaning = ch_meaning_get(func->funcid);
	List	   *args = func->args;

	if (func->funcid == F_NUMERIC_NUMERIC_INT4)
		return translate_fit(func, t);
	if (meaning == NULL)
	{
		meaning = meaning_of_word(func);
		if (meaning != NULL)
			args = list_copy_tail(args, 1);
	}
	if (meaning == NULL || func->funcvariadic)
		return refuse(t, psprintf("function %s has no counterpart", format_procedure(func->funcid)));
	return ch_translate_meaning(meaning->fn, meaning, node, func->inputcollid, args, t);
}

/* A cast by way of text is exact where the text of a value depends on nothing but the value. */
const ConnhubExpr *
ch_translate_coerce_via_io(Node *node, ChTranslation *t)
{
	CoerceViaIO *coerce = (CoerceViaIO *) node;
	Oid			from = exprType((Node *) coerce->arg);
	ConnhubTypeRef type = ch_translate_type(node);
	const ConnhubExpr *arg;

	if (coerce->resulttype != TEXTOID ||
		(from != INT2OID && from != INT4OID && from != INT8OID && from != NUMERICOID && from != UUIDOID))
		return refuse(t, psprintf("a cast from %s to %s by way of text has no counterpart", format_type_be(from),
								  format_type_be(coerce->resulttype)));
	arg = ch_translate_node((Node *) coerce->arg, t);
	return arg ? ch_expr_call(CONNHUB_FN_CONVERT, &type, NULL, list_make1((void *) arg)) : NULL;
}
