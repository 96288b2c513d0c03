/* translate.h — pieces of a request as text of a pipeline; the judge writes them too, to nowhere. */
#ifndef MG_TRANSLATE_H
#define MG_TRANSLATE_H

#include "text.h"
#include "types.h"

typedef struct Translation
{
	const ConnhubSource *source;
	const ConnhubRequest *request;	/* NULL: judging one piece */
	bool		in_groups;		/* fields are those of $group */
	TextWriter	out;
	bool		dry;			/* nothing is written */
	char		reason[192];	/* why not, when a function below has returned false */
} Translation;

/* What is compared or sorted: a field. */
typedef struct MgOperand
{
	char		path[256];
	MgKind		kind;
	ConnhubType type;			/* as which it takes part */
	bool		never_null;
} MgOperand;

extern bool mg_refuse(Translation *t, const char *format,...) CONNHUB_PRINTF(2, 3);
extern void mg_put_text(Translation *t, const char *format,...) CONNHUB_PRINTF(2, 3);

/* A string in quotes. */
extern void mg_put_string(Translation *t, const char *data, size_t length);

/* The field an expression stands for. */
extern bool mg_operand(Translation *t, const ConnhubExpr *expr, MgOperand *operand);

/* The condition that the expression is true, or with want false, that it is false; null is neither. */
extern bool mg_condition(Translation *t, const ConnhubExpr *expr, bool want);

extern bool mg_sort_key(Translation *t, const ConnhubSortKey *key, MgOperand *operand, bool *needs_flag);

/* Number of an expression among the group keys of a request, or -1. */
extern int	mg_group_number(const ConnhubRequest *request, const ConnhubExpr *expr);

/* The accumulator of an aggregate over the field `name`: "{\"$sum\":1}". */
extern bool mg_accumulator(Translation *t, const ConnhubExpr *expr);

extern bool mg_same(const ConnhubExpr *a, const ConnhubExpr *b);

extern bool mg_is_ferret(const ConnhubSource *source);

#endif							/* MG_TRANSLATE_H */
