/* health/history.h — what tests found, recorded: the last one, the history, each day's sum, and the status. */
#ifndef CH_HEALTH_HISTORY_H
#define CH_HEALTH_HISTORY_H

#include "catalog/cat_connector.h"
#include "health/fsm.h"
#include "health/probe.h"

/* A test on its way from the connector it is about to the history. */
typedef struct ChCheck
{
	pg_uuid_t	id;
	int64		config_version; /* of what was tested */
	int64		interval_ms;	/* until the next one */
	double		warning_ms;		/* slower than this is a warning */
	bool		is_void;		/* nothing was tested: the connector is gone, disabled or changed */
	bool		is_recorded;
	ChProbe		probe;
} ChCheck;

/* Everything of a check but its probe. */
extern void ch_check_of(const ChConnector *connector, ChCheck *check);

/* Test a connector with its stored credential, waiting for the source.  The caller holds a transaction or none. */
extern void ch_check_run(const ChConnector *connector, Oid user, ChCheck *check);

/* Record checks as part of the running transaction.  A check of a configuration that has changed meanwhile is
 * dropped.  With may_wait false so is one whose connector another transaction holds: is_recorded says which. */
extern void ch_check_record(ChCheck *checks, int count, bool may_wait);

/* When real traffic last showed that a connector's source is well; DT_NOBEGIN: never, or nobody knows. */
extern TimestampTz ch_health_alive_at(const pg_uuid_t *id);

/* Put the test that is due off when real traffic has shown meanwhile that an active connector's source is well. */
extern bool ch_health_postpone(const ChConnector *connector);

/* Drop a batch of tests that are older than connhub.history_days; the number dropped. */
extern int64 ch_history_trim(void);

/* Maintenance: open a window (until DT_NOEND: without end), close those that are open, and bring the status of a
 * connector in line with its windows.  Part of the running transaction. */
extern int64 ch_maintenance_set(const pg_uuid_t *id, TimestampTz from, TimestampTz until, const char *reason);
extern bool ch_maintenance_end(const pg_uuid_t *id);
extern void ch_maintenance_apply(const pg_uuid_t *id, bool may_wait);

#endif
