/* discover/stage.h — what was discovered, as rows of the catalogue's tables, before they are compared with those. */
#ifndef CH_DISCOVER_STAGE_H
#define CH_DISCOVER_STAGE_H

#include "utils/tuplestore.h"

#include "discover/discover.h"

/* The tables that a discovery fills. */
typedef enum ChPart
{
	CH_PART_SCHEMA,
	CH_PART_TABLE,
	CH_PART_COLUMN,
	CH_PART_KEY,
	CH_PART_INDEX,
	CH_PART_STATISTICS,
	CH_NPARTS
} ChPart;

typedef struct ChStagePart
{
	const char *relation;		/* of connhub_catalog, whose row type the rows have */
	TupleDesc	descriptor;
	Tuplestorestate *rows;
	double		nrows;
} ChStagePart;

typedef struct ChStage ChStage;

/* A stage for what matches the LIKE patterns (NULL: everything), in a context below the current one.  It belongs to
 * the running transaction. */
extern ChStage *ch_stage_create(const ChConnector *connector, const char *schema_pattern,
								const char *table_pattern);

/* The sink that fills it.  Its functions throw. */
extern ConnhubSink *ch_stage_sink(ChStage *stage);

/* A schema that only a table's row names. */
extern void ch_stage_add_schema(ChStage *stage, const char *name);

extern const ChStagePart *ch_stage_part(const ChStage *stage, ChPart part);
extern const ChDiscovery *ch_stage_counts(const ChStage *stage);
extern void ch_stage_free(ChStage *stage);

#endif
