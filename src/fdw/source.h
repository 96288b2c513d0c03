/* fdw/source.h — the source a relation lives at: its driver asked, and its driver's text taken. */
#ifndef CH_FDW_SOURCE_H
#define CH_FDW_SOURCE_H

#include "nodes/pg_list.h"

#include "catalog/cat_connector.h"
#include "connhub/driver.h"

typedef struct ChRelSource
{
	const ChConnector *connector;
	const ConnhubDriver *driver;
	ConnhubSource source;		/* what judge and render may know */
	int			fetch_size;		/* rows per round trip; 0: the driver's choice */
} ChRelSource;

extern ChRelSource *ch_source_make(const ChConnector *connector, List *table_options);

/* The driver's verdict on a piece: a superset of a condition alone, else exact or refused.  *reason says why it is not
 * exact, and is NULL when it is. */
extern ConnhubVerdictKind ch_source_ask(const ChRelSource *at, ConnhubPiece *piece, const char **reason);

/* A copy of what a render function of the driver put into text, which is freed.  Throws error when the function did not
 * return OK. */
extern char *ch_source_take_text(const ChRelSource *at, ConnhubStatus status, ConnhubText *text,
								 const ConnhubError *error);

/* The connector's configuration as a plan remembers it: a Const.  Throws when it is another one by now. */
extern Node *ch_source_version(const ChConnector *connector);
extern void ch_source_require_version(const ChConnector *connector, const Node *version);

/* A name as drivers have it, in UTF-8; it is the same text where the database is in UTF-8. */
extern char *ch_source_name(const char *name);

#endif
