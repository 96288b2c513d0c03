/* sample.h — columns from documents. */
#ifndef MG_SAMPLE_H
#define MG_SAMPLE_H

#include "types.h"

#define MG_NAME_SIZE	512		/* of a path or a column's name; a longer one is no column */

typedef struct MgField
{
	char	   *name;
	uint32_t	seen;			/* mg_seen of its values */
	struct MgField *children;	/* of the documents among them */
	uint32_t	nchildren;
	bool		is_sealed;		/* holds a name that no path can say: stays one column */
} MgField;

typedef struct MgSampleColumn
{
	char		path[MG_NAME_SIZE];
	char		name[MG_NAME_SIZE]; /* with _ between the levels, and a number when it is taken */
	MgKind		kind;
} MgSampleColumn;

typedef struct MgSample
{
	MgField		root;
	int			depth;			/* levels of documents whose fields become columns of their own */
	MgSampleColumn *columns;	/* from mg_sample_finish */
	uint32_t	ncolumns;
} MgSample;

extern void mg_sample_begin(MgSample *sample, int depth);
extern void mg_sample_add(MgSample *sample, bson_iter_t *document);

/* Say of a field that it holds values of a type, as a validator does. */
extern MgField *mg_sample_field(MgField *parent, const char *name);

extern void mg_sample_finish(MgSample *sample);
extern void mg_sample_end(MgSample *sample);

#endif							/* MG_SAMPLE_H */
