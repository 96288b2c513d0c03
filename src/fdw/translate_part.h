/* fdw/translate_part.h — what the parts of the translation share; private to the translate files.
 *
 * A function that translates returns NULL, with the reason set, where something has no counterpart. */
#ifndef CH_FDW_TRANSLATE_PART_H
#define CH_FDW_TRANSLATE_PART_H

#include "nodes/pg_list.h"

#include "fdw/relinfo.h"
#include "request/semantics.h"

typedef struct ChTranslation
{
	ChRelInfo  *info;
	Relids		outer;			/* relations whose columns are values known at execution */
	bool		in_aggregate;	/* below an aggregate, where columns need not be grouped by */
	const ConnhubExpr *case_test;	/* what CASE x WHEN compares, else NULL */
	int			lazy;			/* > 0: below a branch that may never be computed */
	List	   *guards;			/* Expr *: where one is true, an expression to the right of it in the
								 * same OR is not needed (in an AND: where it is false) */
	const char *reason;			/* set when a translate function returns NULL */
} ChTranslation;

static inline const ConnhubExpr *
refuse(ChTranslation *t, const char *reason)
{
	t->reason = reason;
	return NULL;
}

extern const ConnhubExpr *ch_translate_refuse_operator(ChTranslation *t, Oid op);

/* Types of results. */
extern ConnhubTypeRef ch_translate_type(Node *node);
extern ConnhubTypeRef ch_translate_bool_type(void);

extern const ConnhubExpr *ch_translate_node(Node *node, ChTranslation *t);

/* Translations of a list, or NIL with the reason set. */
extern List *ch_translate_list(List *nodes, ChTranslation *t);

/* A call of fn, which `meaning` tells the operands of, in place of node. */
extern const ConnhubExpr *ch_translate_meaning(ConnhubFunction fn, const ChMeaning *meaning, Node *node, Oid collation,
											   List *nodes, ChTranslation *t);

extern const ConnhubExpr *ch_translate_constant(Datum value, bool isnull, Oid type, ChTranslation *t);

/* A parameter for an expression, sent as `type`. */
extern const ConnhubExpr *ch_translate_candidate(Expr *expr, Oid type, const ConnhubTypeRef *ref, ChTranslation *t);

#endif
