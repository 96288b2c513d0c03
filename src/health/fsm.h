/* health/fsm.h — a connector's status: which one follows another, and the only way to change it. */
#ifndef CH_HEALTH_FSM_H
#define CH_HEALTH_FSM_H

#include "utils/uuid.h"

#include "health/probe.h"

typedef enum ChStatus
{
	CH_STATUS_TESTING,			/* not tested since it was made, enabled or changed */
	CH_STATUS_ACTIVE,
	CH_STATUS_WARNING,			/* the last test succeeded, but slowly */
	CH_STATUS_ERROR,			/* the last test failed */
	CH_STATUS_INACTIVE,			/* disabled by its user */
	CH_STATUS_MAINTENANCE,		/* its user has set a window: nobody is alarmed */
	CH_STATUS_COUNT
} ChStatus;

typedef enum ChStatusInput
{
	CH_INPUT_SUCCEEDED,			/* a test */
	CH_INPUT_SLOW,				/* a test that succeeded, but slower than the connector's limit */
	CH_INPUT_FAILED,			/* a test */
	CH_INPUT_CHANGED,			/* the configuration, without a test */
	CH_INPUT_DISABLED,
	CH_INPUT_ENABLED,
	CH_INPUT_WINDOW_BEGUN,		/* a maintenance window */
	CH_INPUT_WINDOW_ENDED,		/* the last open one */
	CH_INPUT_COUNT
} ChStatusInput;

extern const char *const ch_status_names[CH_STATUS_COUNT];
extern ChStatus ch_status_parse(const char *name);

/* The status that follows. */
extern ChStatus ch_status_next(ChStatus from, ChStatusInput input);

/* How much an event of entering a status matters: "info", "warning" or "error". */
extern const char *ch_status_severity(ChStatus to);

/* Do tests count for uptime in this status? */
extern bool ch_status_counts(ChStatus status);

/* When the test after one at tested_at is due: an interval later, give or take a twentieth, so that connectors made
 * together do not stay together.  chance is a random number from 0 up to 1. */
extern TimestampTz ch_status_due(TimestampTz tested_at, int64 interval_ms, double chance);

/* Apply an input to a connector, as part of the running transaction: its row is locked, a change of status is written
 * with an event about it, and the status is returned.  probe: the test behind the input, or NULL.  With
 * may_wait false a row that is locked by another is left alone, and false is returned. */
extern bool ch_status_apply(const pg_uuid_t *id, ChStatusInput input, const ChProbe *probe, bool may_wait, ChStatus *status);

#endif
