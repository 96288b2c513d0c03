/* catalog/cat_event.h — events: what happened to a connector that somebody may want to be told of. */
#ifndef CH_CATALOG_CAT_EVENT_H
#define CH_CATALOG_CAT_EVENT_H

#include "utils/jsonb.h"
#include "utils/uuid.h"

typedef struct ChEvent
{
	const pg_uuid_t *tenant;
	const pg_uuid_t *connector; /* NULL: none in particular */
	const char *kind;			/* "status", "drift", … */
	const char *severity;		/* "info", "warning" or "error" */
	const char *message;		/* one line for people */
	const Jsonb *detail;		/* NULL: {} */
} ChEvent;

/* Write an event as part of the running transaction; its id. */
extern int64 ch_event_record(const ChEvent *event);

#endif
