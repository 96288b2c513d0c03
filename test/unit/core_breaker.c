/* core_breaker.c — claim: a breaker opens after failures in a row and no others, stays open for its time, lets one trial
 * through, whose lease ends with its process or its time, and closes on any answer.  The clock is a number. */
#include "postgres.h"

#include "conn/breaker.h"
#include "core_parts.h"
#include "tap.h"

#define ME		INT64_C(1001)
#define OTHER	INT64_C(1002)

static const ChBreakerRule rule = {.threshold = 3,.recovery_ms = 60000,.lease_ms = 5000};

static bool
report(ChBreaker *breaker, int64 who, ChBreakerOutcome outcome, int64 now)
{
	return ch_breaker_report(breaker, &rule, who, outcome, now);
}

static bool
admit(ChBreaker *breaker, int64 who, bool owner_lives, int64 now)
{
	return ch_breaker_admit(breaker, &rule, who, owner_lives, now);
}

/* Opened at the time 1000. */
static ChBreaker
opened(void)
{
	ChBreaker	breaker = {0};

	for (int i = 0; i < 3; i++)
		report(&breaker, ME, CH_OUTCOME_DOWN, 1000);
	return breaker;
}

static void
test_opening(void)
{
	ChBreaker	breaker = {0};
	const ChBreakerRule never = {.threshold = 0,.recovery_ms = 60000,.lease_ms = 5000};

	ok(!report(&breaker, ME, CH_OUTCOME_DOWN, 10) && !report(&breaker, OTHER, CH_OUTCOME_DOWN, 20), "two failures are borne");
	ok(admit(&breaker, ME, true, 20), "and everybody may try");
	report(&breaker, ME, CH_OUTCOME_ANSWERED, 30);
	is_int(breaker.failures, 0, "an answer forgets them");
	report(&breaker, ME, CH_OUTCOME_DOWN, 40);
	report(&breaker, ME, CH_OUTCOME_UNKNOWN, 45);
	is_int(breaker.failures, 1, "what tells nothing neither counts nor forgets");
	report(&breaker, ME, CH_OUTCOME_DOWN, 50);
	ok(report(&breaker, ME, CH_OUTCOME_DOWN, 60), "the third in a row opens it, and says so");
	is_int(breaker.state, CH_BREAKER_OPEN, "it is open");
	is_int(breaker.opened_ms, 60, "since then");
	is_int((int64) breaker.trips, 1, "once");
	ok(!report(&breaker, OTHER, CH_OUTCOME_DOWN, 70) && breaker.opened_ms == 60 && breaker.trial_ms == 60060,
	   "a failure that began before changes nothing");

	breaker = (ChBreaker) {0};
	for (int i = 0; i < 100; i++)
		ch_breaker_report(&breaker, &never, ME, CH_OUTCOME_DOWN, i);
	is_int(breaker.state, CH_BREAKER_CLOSED, "a threshold of 0 never opens it");
}

static void
test_trial(void)
{
	ChBreaker	breaker = opened();

	ok(!admit(&breaker, ME, true, 60999), "nobody may try before the time");
	ok(admit(&breaker, ME, true, 61000), "one may, once it has come");
	is_int(breaker.state, CH_BREAKER_HALF_OPEN, "it is half-open");
	ok(!admit(&breaker, OTHER, true, 61001), "a second one may not");
	ok(admit(&breaker, ME, true, 61002), "the first one may go on");
	report(&breaker, OTHER, CH_OUTCOME_DOWN, 61003);
	is_int(breaker.state, CH_BREAKER_HALF_OPEN, "the failure of another tells nothing");
	report(&breaker, ME, CH_OUTCOME_DOWN, 62000);
	is_int(breaker.state, CH_BREAKER_OPEN, "that of the trial opens it again");
	is_int(breaker.trial_ms, 122000, "for as long again");
	is_int(breaker.opened_ms, 1000, "it is down since it first opened");
	is_int((int64) breaker.trips, 1, "and has opened once");

	ok(admit(&breaker, ME, true, 122000), "the next trial");
	report(&breaker, ME, CH_OUTCOME_ANSWERED, 122001);
	is_int(breaker.state, CH_BREAKER_CLOSED, "gets through");
	ok(admit(&breaker, OTHER, true, 122002) && breaker.failures == 0, "and everybody may try");
}

static void
test_lease(void)
{
	ChBreaker	breaker = opened();

	admit(&breaker, ME, true, 61000);
	ok(admit(&breaker, OTHER, false, 61001), "the trial of a process that is gone passes on");
	ok(breaker.lease_owner == OTHER, "to whoever asks");
	ok(!admit(&breaker, ME, true, 66000), "it lasts as long as the lease");
	ok(admit(&breaker, ME, true, 66001), "and no longer, whatever became of its process");
	report(&breaker, OTHER, CH_OUTCOME_DOWN, 66002);
	is_int(breaker.state, CH_BREAKER_HALF_OPEN, "who has lost the lease decides nothing");
	report(&breaker, OTHER, CH_OUTCOME_ANSWERED, 66003);
	is_int(breaker.state, CH_BREAKER_CLOSED, "but an answer is an answer");

	breaker = opened();
	admit(&breaker, ME, true, 61000);
	report(&breaker, ME, CH_OUTCOME_UNKNOWN, 61500);
	is_int(breaker.state, CH_BREAKER_OPEN, "a trial that was cancelled has told nothing");
	ok(admit(&breaker, OTHER, true, 61500), "and another may try at once");
	ch_breaker_reset(&breaker);
	ok(breaker.state == CH_BREAKER_CLOSED && breaker.lease_owner == 0 && breaker.trips == 1, "a reset closes it and keeps the count");
}

static void
test_outcomes(void)
{
	static const ConnhubStatus down[] = {CONNHUB_REFUSED, CONNHUB_DNS, CONNHUB_TIMEOUT, CONNHUB_LOST, CONNHUB_TUNNEL};
	static const ConnhubStatus answers[] = {CONNHUB_TLS, CONNHUB_AUTH, CONNHUB_NO_DATABASE, CONNHUB_PERMISSION, CONNHUB_BUSY, CONNHUB_RATE_LIMITED};
	static const ConnhubStatus nothing[] = {CONNHUB_CANCELLED, CONNHUB_CONFIG, CONNHUB_NO_MEMORY, CONNHUB_INTERNAL, CONNHUB_UNSUPPORTED};

	is_int(ch_breaker_outcome(CONNHUB_OK, CONNHUB_PHASE_NONE), CH_OUTCOME_ANSWERED, "success is an answer");
	for (int i = 0; i < lengthof(down); i++)
		is_int(ch_breaker_outcome(down[i], CONNHUB_PHASE_TCP), CH_OUTCOME_DOWN, "status %d means down", (int) down[i]);
	for (int i = 0; i < lengthof(answers); i++)
		is_int(ch_breaker_outcome(answers[i], CONNHUB_PHASE_AUTH), CH_OUTCOME_ANSWERED, "status %d is an answer", (int) answers[i]);
	for (int i = 0; i < lengthof(nothing); i++)
		is_int(ch_breaker_outcome(nothing[i], CONNHUB_PHASE_TCP), CH_OUTCOME_UNKNOWN, "status %d tells nothing", (int) nothing[i]);
	is_int(ch_breaker_outcome(CONNHUB_PERMISSION, CONNHUB_PHASE_DNS), CH_OUTCOME_UNKNOWN, "a policy of this server is no answer");
	is_int(ch_breaker_outcome((ConnhubStatus) 999, CONNHUB_PHASE_TCP), CH_OUTCOME_UNKNOWN, "nor is a status that is none");
	is_int(ch_breaker_outcome((ConnhubStatus) -1, CONNHUB_PHASE_TCP), CH_OUTCOME_UNKNOWN, "nor a negative one");
}

void
test_breaker(void)
{
	test_opening();
	test_trial();
	test_lease();
	test_outcomes();
}
