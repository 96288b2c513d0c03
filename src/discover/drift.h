/* discover/drift.h — what a discovery finds otherwise than the one before. */
#ifndef CH_DISCOVER_DRIFT_H
#define CH_DISCOVER_DRIFT_H

#include "utils/timestamp.h"

#include "catalog/cat_connector.h"
#include "catalog/cat_sql.h"
#include "discover/stage.h"

/* The parameters every statement of a comparison has. */
typedef struct ChComparison
{
	const ChConnector *connector;
	const char *schema_pattern; /* $2 */
	const char *table_pattern;	/* $3 */
	TimestampTz discovered_at;	/* $4 */
	bool		was_whole;		/* $5: was the connector discovered whole before? */
} ChComparison;

/* Record the drift of one part, before the part is written: the rows staged are the relation found_<part> of the SPI
 * connection. */
extern void ch_drift_record(ChSql *sql, const ChComparison *comparison, ChPart part);

/* Record the event of all the drift of a discovery, if there is any. */
extern void ch_drift_tell(const ChComparison *comparison);

/* Add $1 to $5. */
extern void ch_comparison_bind(ChSql *sql, const ChComparison *comparison);

/* The condition that a row of a part is in what the patterns choose; alias o. */
extern const char *ch_comparison_scope(ChPart part);

#endif
