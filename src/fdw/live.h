/* fdw/live.h — a native query run as it stands, its rows put into a function's result. */
#ifndef CH_FDW_LIVE_H
#define CH_FDW_LIVE_H

#include "nodes/execnodes.h"

#include "catalog/cat_connector.h"
#include "connhub/driver.h"

typedef struct ChLiveQuery
{
	const ChConnector *connector;
	ConnhubQuery query;			/* its text in UTF-8, its parameters, and whether it may write */
	bool		describes;		/* the driver can tell the columns */
	bool		is_json;		/* one object a row, which needs a driver that can; else columns as result declares them */
} ChLiveQuery;

/* Run it once and put its rows into the tuplestore of result.  Throws, also when the columns are not those declared. */
extern void ch_live_run(const ChLiveQuery *live, ReturnSetInfo *result);

#endif
