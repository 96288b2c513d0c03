/* conn/breaker.h — when a source that is down is tried again: states and times, nothing of the server.
 *
 * Closed: everybody tries.  After `threshold` failures in a row it opens: nobody does.  When `recovery_ms` has passed it
 * is half-open: one process tries, under a lease that ends with the process or its time, and decides for all. */
#ifndef CH_CONN_BREAKER_H
#define CH_CONN_BREAKER_H

#include "connhub/driver.h"

typedef enum ChBreakerState
{
	CH_BREAKER_CLOSED = 0,
	CH_BREAKER_OPEN,
	CH_BREAKER_HALF_OPEN,
	CH_BREAKER_NSTATES
} ChBreakerState;

typedef struct ChBreaker
{
	int32		state;			/* ChBreakerState */
	int32		failures;		/* in a row */
	int64		opened_ms;		/* when it left CLOSED */
	int64		trial_ms;		/* OPEN: when the next trial is due */
	int64		lease_until_ms; /* HALF_OPEN */
	int64		lease_owner;	/* HALF_OPEN: a token of the process that tries; 0: none */
	uint64		trips;			/* how often it opened */
} ChBreaker;

typedef struct ChBreakerRule
{
	int			threshold;		/* 0: it never opens */
	int64		recovery_ms;
	int64		lease_ms;		/* how long one trial may take */
} ChBreakerRule;

/* What an attempt tells of the source. */
typedef enum ChBreakerOutcome
{
	CH_OUTCOME_ANSWERED = 0,	/* it is there, whatever it said */
	CH_OUTCOME_DOWN,
	CH_OUTCOME_UNKNOWN			/* the attempt did not get so far */
} ChBreakerOutcome;

extern ChBreakerOutcome ch_breaker_outcome(ConnhubStatus status, ConnhubPhase phase);

/* May `me` (a token, not 0) try?  owner_lives: does the process that holds the lease?  Whoever may reports the outcome. */
extern bool ch_breaker_admit(ChBreaker *breaker, const ChBreakerRule *rule, int64 me, bool owner_lives, int64 now_ms);

/* How an attempt of `me` ended.  True when the breaker has just opened. */
extern bool ch_breaker_report(ChBreaker *breaker, const ChBreakerRule *rule, int64 me, ChBreakerOutcome outcome, int64 now_ms);

/* Close it.  Trips stay counted. */
extern void ch_breaker_reset(ChBreaker *breaker);

/* "closed", "open", "half_open". */
extern const char *ch_breaker_state_name(int state);

#endif
