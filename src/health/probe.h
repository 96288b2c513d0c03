/* health/probe.h — one bounded test of a connector, and its result as rows and documents show it. */
#ifndef CH_HEALTH_PROBE_H
#define CH_HEALTH_PROBE_H

#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "conn/conn.h"

typedef struct ChProbe
{
	bool		success;
	TimestampTz tested_at;
	ConnhubError error;			/* when it failed */
	ConnhubInfo info;			/* when it succeeded */
	ChPhaseTimes times;
	const char *code;			/* of a failure that has no status of the driver ABI; else NULL */
} ChProbe;

/* Test a target.  What the source does is a result, never an error.  Writes nothing. */
extern void ch_probe_run(const ChTarget *target, ChProbe *probe);

/* The same in pieces, for whoever drives many: a result that is not there yet, what was thrown as a finding (false: it is
 * none, but an error of the call), and the end of it. */
extern void ch_probe_begin(ChProbe *probe);
extern bool ch_probe_note(ChProbe *probe, const ErrorData *error);
extern void ch_probe_end(ChProbe *probe);

/* "TIMEOUT", …; NULL when it succeeded. */
extern const char *ch_probe_code(const ChProbe *probe);

/* For people: what was reached, or what went wrong; palloc'd.  detail and hint may be NULL. */
extern char *ch_probe_message(const ChProbe *probe);
extern const char *ch_probe_detail(const ChProbe *probe);
extern const char *ch_probe_hint(const ChProbe *probe);

/* Milliseconds of a phase; negative when it was not reached. */
extern double ch_probe_phase_ms(const ChProbe *probe, ConnhubPhase phase);
extern double ch_probe_latency_ms(const ChProbe *probe);

/* {"dns": 0.3, "tcp": 1.2, …}: the phases that were reached. */
extern Jsonb *ch_probe_phases(const ChProbe *probe);

/* The whole result, as kept in health.result. */
extern Jsonb *ch_probe_document(const ChProbe *probe);

#endif
