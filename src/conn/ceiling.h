/* conn/ceiling.h — how much one statement may fetch from a connector, and how often it may ask.
 *
 * The options max_rows, max_bytes and max_seconds hold for everybody, the limits of connhub.set_limit for members of a
 * role; the least of all that apply counts.  A statement is what the client sent: all native queries it needs count
 * together.  A parallel worker takes no part in a scan under a ceiling, so that one process counts. */
#ifndef CH_CONN_CEILING_H
#define CH_CONN_CEILING_H

#include "utils/timestamp.h"

#include "conn/shared.h"

typedef enum ChCeilingKind
{
	CH_CEILING_ROWS,
	CH_CEILING_BYTES,
	CH_CEILING_SECONDS,
	CH_NCEILINGS
} ChCeilingKind;

typedef struct ChCeiling
{
	int64		most;			/* 0: none */
	Oid			role;			/* of the limit; InvalidOid: everybody's, or an option of the connector */
} ChCeiling;

typedef struct ChCeilings
{
	ChCeiling	ceilings[CH_NCEILINGS];
	int			ncalls;
	ChCeiling	calls[CH_NCALL_WINDOWS];
	TimestampTz statement;		/* that used what follows */
	int64		used[CH_NCEILINGS]; /* time in microseconds */
} ChCeilings;

/* What applies to the user now.  What was used stays. */
extern void ch_ceilings_load(ChCeilings *ceilings, const ChConnector *connector, Oid user);

/* Is there one on what a statement fetches? */
extern bool ch_ceilings_apply(const ChCeilings *ceilings);

/* A native query or write is about to be sent.  Throws QUOTA_EXCEEDED. */
extern void ch_ceilings_begin(ChCeilings *ceilings, ChShared *shared, const char *connector);

/* Something came.  Throws QUOTA_EXCEEDED. */
extern void ch_ceilings_use(ChCeilings *ceilings, ChShared *shared, const char *connector, ChCeilingKind kind, int64 amount);

/* How many milliseconds of the source the statement may still use; 0: as many as it likes. */
extern int64 ch_ceilings_left_ms(const ChCeilings *ceilings);

#endif
