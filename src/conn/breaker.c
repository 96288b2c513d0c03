/* conn/breaker.c — the states of a breaker.
 *
 * The caller holds the lock of what the breaker stands in, and brings the time.  Reports may come late, from attempts
 * that began in another state: only an answer, or the word of the trial's own process, moves a breaker that is not
 * closed. */
#include "postgres.h"

#include "conn/breaker.h"

typedef enum Event
{
	EVENT_ANSWERED = 0,			/* an attempt reached the source */
	EVENT_FAILED,				/* one did not, and the threshold is not reached */
	EVENT_TRIPPED,				/* one did not: as many as the threshold in a row */
	EVENT_DUE,					/* somebody wants to try, and the time has come */
	EVENT_TRIAL_FAILED,			/* the trial did not reach the source */
	EVENT_TRIAL_GIVEN_UP,		/* the trial told nothing */
	NEVENTS
} Event;

static const ChBreakerState edges[CH_BREAKER_NSTATES][NEVENTS] = {
	[CH_BREAKER_CLOSED] = {
		[EVENT_ANSWERED] = CH_BREAKER_CLOSED,	/* failures are counted anew */
		[EVENT_FAILED] = CH_BREAKER_CLOSED, /* one more in a row */
		[EVENT_TRIPPED] = CH_BREAKER_OPEN,	/* enough: leave the source alone */
		[EVENT_DUE] = CH_BREAKER_CLOSED,	/* everybody may try */
		[EVENT_TRIAL_FAILED] = CH_BREAKER_CLOSED,	/* somebody else got through meanwhile */
		[EVENT_TRIAL_GIVEN_UP] = CH_BREAKER_CLOSED, /* likewise */
	},
	[CH_BREAKER_OPEN] = {
		[EVENT_ANSWERED] = CH_BREAKER_CLOSED,	/* a test got through */
		[EVENT_FAILED] = CH_BREAKER_OPEN,	/* began before it opened */
		[EVENT_TRIPPED] = CH_BREAKER_OPEN,	/* likewise */
		[EVENT_DUE] = CH_BREAKER_HALF_OPEN, /* this one is the trial */
		[EVENT_TRIAL_FAILED] = CH_BREAKER_OPEN, /* its lease had passed on and failed again */
		[EVENT_TRIAL_GIVEN_UP] = CH_BREAKER_OPEN,	/* likewise */
	},
	[CH_BREAKER_HALF_OPEN] = {
		[EVENT_ANSWERED] = CH_BREAKER_CLOSED,	/* the source is back */
		[EVENT_FAILED] = CH_BREAKER_HALF_OPEN,	/* not the trial: began before */
		[EVENT_TRIPPED] = CH_BREAKER_HALF_OPEN, /* likewise */
		[EVENT_DUE] = CH_BREAKER_HALF_OPEN, /* the last lease is over: the trial passes on */
		[EVENT_TRIAL_FAILED] = CH_BREAKER_OPEN, /* still down: wait once more */
		[EVENT_TRIAL_GIVEN_UP] = CH_BREAKER_OPEN,	/* the next one may try at once */
	},
};

/* One status each: what an attempt to open a connection that ended so tells of the source. */
static const ChBreakerOutcome outcomes[] = {
	[CONNHUB_OK] = CH_OUTCOME_ANSWERED,
	[CONNHUB_WAIT] = CH_OUTCOME_UNKNOWN,
	[CONNHUB_DONE] = CH_OUTCOME_ANSWERED,
	[CONNHUB_CANCELLED] = CH_OUTCOME_UNKNOWN,
	[CONNHUB_REFUSED] = CH_OUTCOME_DOWN,
	[CONNHUB_DNS] = CH_OUTCOME_DOWN,
	[CONNHUB_TIMEOUT] = CH_OUTCOME_DOWN,
	[CONNHUB_TLS] = CH_OUTCOME_ANSWERED,	/* a certificate does not become valid by waiting: say so each time */
	[CONNHUB_AUTH] = CH_OUTCOME_ANSWERED,
	[CONNHUB_NO_DATABASE] = CH_OUTCOME_ANSWERED,
	[CONNHUB_PERMISSION] = CH_OUTCOME_ANSWERED,
	[CONNHUB_LOST] = CH_OUTCOME_DOWN,	/* hung up in the middle of the login */
	[CONNHUB_BUSY] = CH_OUTCOME_ANSWERED,
	[CONNHUB_RATE_LIMITED] = CH_OUTCOME_ANSWERED,
	[CONNHUB_QUOTA] = CH_OUTCOME_ANSWERED,
	[CONNHUB_UNSUPPORTED] = CH_OUTCOME_UNKNOWN,
	[CONNHUB_CONFIG] = CH_OUTCOME_UNKNOWN,
	[CONNHUB_QUERY] = CH_OUTCOME_ANSWERED,
	[CONNHUB_DATA] = CH_OUTCOME_ANSWERED,
	[CONNHUB_NO_MEMORY] = CH_OUTCOME_UNKNOWN,
	[CONNHUB_INTERNAL] = CH_OUTCOME_UNKNOWN,
	[CONNHUB_SCHEMA_CHANGED] = CH_OUTCOME_ANSWERED,
	[CONNHUB_TUNNEL] = CH_OUTCOME_DOWN, /* the way to it is closed */
};

/* What fails before anything was sent is this server's own: a policy, a missing option. */
ChBreakerOutcome
ch_breaker_outcome(ConnhubStatus status, ConnhubPhase phase)
{
	ChBreakerOutcome outcome;

	if ((int) status < 0 || (int) status >= (int) lengthof(outcomes))
		return CH_OUTCOME_UNKNOWN;
	outcome = outcomes[status];
	if (outcome == CH_OUTCOME_ANSWERED && status != CONNHUB_OK && phase < CONNHUB_PHASE_TCP)
		return CH_OUTCOME_UNKNOWN;
	return outcome;
}

static void
step(ChBreaker *breaker, Event event)
{
	breaker->state = edges[breaker->state][event];
	if (breaker->state == CH_BREAKER_CLOSED && event != EVENT_FAILED)
		breaker->failures = 0;
	if (breaker->state != CH_BREAKER_HALF_OPEN)
		breaker->lease_owner = 0;
}

bool
ch_breaker_admit(ChBreaker *breaker, const ChBreakerRule *rule, int64 me, bool owner_lives, int64 now_ms)
{
	if (breaker->state == CH_BREAKER_CLOSED)
		return true;
	if (breaker->state == CH_BREAKER_OPEN ? now_ms < breaker->trial_ms :
		breaker->lease_owner != 0 && breaker->lease_owner != me && owner_lives && now_ms < breaker->lease_until_ms)
		return false;
	step(breaker, EVENT_DUE);
	breaker->lease_owner = me;
	breaker->lease_until_ms = now_ms + rule->lease_ms;
	return true;
}

bool
ch_breaker_report(ChBreaker *breaker, const ChBreakerRule *rule, int64 me, ChBreakerOutcome outcome, int64 now_ms)
{
	bool		is_trial = breaker->state == CH_BREAKER_HALF_OPEN && breaker->lease_owner == me;

	if (outcome == CH_OUTCOME_ANSWERED)
	{
		step(breaker, EVENT_ANSWERED);
		return false;
	}
	if (is_trial)
	{
		step(breaker, outcome == CH_OUTCOME_DOWN ? EVENT_TRIAL_FAILED : EVENT_TRIAL_GIVEN_UP);
		breaker->trial_ms = outcome == CH_OUTCOME_DOWN ? now_ms + rule->recovery_ms : now_ms;
		return false;
	}
	if (outcome == CH_OUTCOME_UNKNOWN || breaker->state != CH_BREAKER_CLOSED)
		return false;
	breaker->failures++;
	if (rule->threshold <= 0 || breaker->failures < rule->threshold)
	{
		step(breaker, EVENT_FAILED);
		return false;
	}
	step(breaker, EVENT_TRIPPED);
	breaker->opened_ms = now_ms;
	breaker->trial_ms = now_ms + rule->recovery_ms;
	breaker->trips++;
	return true;
}

void
ch_breaker_reset(ChBreaker *breaker)
{
	step(breaker, EVENT_ANSWERED);
}

const char *
ch_breaker_state_name(int state)
{
	static const char *const names[CH_BREAKER_NSTATES] = {"closed", "open", "half_open"};

	return names[state];
}
