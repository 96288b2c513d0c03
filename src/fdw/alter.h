/* fdw/alter.h — the commands that bring a foreign table after the table it stands for. */
#ifndef CH_FDW_ALTER_H
#define CH_FDW_ALTER_H

#include "catalog/cat_remote.h"

/* One difference between a foreign table and its source, and what to do about it. */
typedef struct ChAlteration
{
	const char *action;			/* "add column", "drop column", "alter type", … */
	char	   *object;			/* what it is about, by its local name */
	char	   *statement;
	char	   *problem;		/* why it is left to the user; NULL: nothing speaks against it */
} ChAlteration;

/* What a foreign table lacks to be as its source is.  drift: what was found of its columns.  What the user has chosen is
 * left alone: what attach would not have made of any discovery that drift tells of.  ChAlteration, in the order in which
 * they are to be run. */
extern List *ch_alter_table(Oid relation, const ChRemoteTable *remote, List *drift);

#endif
