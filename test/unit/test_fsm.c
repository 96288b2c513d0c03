/* test_fsm.c — claim: every status with every input leads where R6 says, in all 48 cases, and over a day on a clock that the
 * test owns a connector is tested when it should be. */
#include "postgres.h"

#include "utils/timestamp.h"

#include "health/fsm.h"
#include "tap.h"

#define SECOND INT64CONST(1000000)
#define MINUTE (60 * SECOND)

/* One letter per status that follows: Testing, Active, Warning, Error, Inactive, Maintenance; a column per input, in the
 * order of ChStatusInput: succeeded, slow, failed, changed, disabled, enabled, window begun, window ended. */
static const char *const expected[CH_STATUS_COUNT] = {
	[CH_STATUS_TESTING] = "AWETITMT",
	[CH_STATUS_ACTIVE] = "AWETIAMA",
	[CH_STATUS_WARNING] = "AWETIWMW",
	[CH_STATUS_ERROR] = "AWEEIEME",
	[CH_STATUS_INACTIVE] = "IIIIITII",
	[CH_STATUS_MAINTENANCE] = "MMMMIMMT",
};

static const char *const input_names[CH_INPUT_COUNT] = {
	"a test that succeeds", "a slow test", "a failed test", "a change", "disable", "enable", "the begin of a window",
	"the end of a window"
};

static void
test_table(void)
{
	for (int from = 0; from < CH_STATUS_COUNT; from++)
	{
		for (int input = 0; input < CH_INPUT_COUNT; input++)
		{
			const char *next = ch_status_names[ch_status_next((ChStatus) from, (ChStatusInput) input)];

			ok(next[0] == expected[from][input], "%s after %s is %s", ch_status_names[from], input_names[input], next);
		}
	}
}

static void
test_names(void)
{
	static const char *const names[] = {"TESTING", "ACTIVE", "WARNING", "ERROR", "INACTIVE", "MAINTENANCE"};
	static const char *const severities[] = {"info", "info", "warning", "error", "info", "info"};

	for (int status = 0; status < CH_STATUS_COUNT; status++)
	{
		is_text(ch_status_names[status], names[status], "status %d is %s", status, names[status]);
		is_int(ch_status_parse(names[status]), status, "%s is status %d", names[status], status);
		is_text(ch_status_severity((ChStatus) status), severities[status], "entering %s is %s", names[status], severities[status]);
		is_int(ch_status_counts((ChStatus) status), status != CH_STATUS_INACTIVE && status != CH_STATUS_MAINTENANCE,
			   "tests in %s count or not", names[status]);
	}
}

static void
test_due(void)
{
	TimestampTz at = 1000 * SECOND;

	is_int(ch_status_due(at, 900000, 0.5), at + 15 * MINUTE, "the next test is an interval later");
	is_int(ch_status_due(at, 900000, 0.0), at + 855 * SECOND, "give");
	ok(ch_status_due(at, 900000, 0.999999) < at + 945 * SECOND, "or take a twentieth");
}

/* A source that is slow from 6:00, gone from 8:00, in maintenance from 9:00 to 11:00 and well again from 12:00. */
static ChStatusInput
tested_at(TimestampTz now)
{
	if (now >= 12 * 60 * MINUTE || now < 6 * 60 * MINUTE)
		return CH_INPUT_SUCCEEDED;
	return now < 8 * 60 * MINUTE ? CH_INPUT_SLOW : CH_INPUT_FAILED;
}

static void
test_day(void)
{
	static const ChStatus story[] = {
		CH_STATUS_ACTIVE, CH_STATUS_WARNING, CH_STATUS_ERROR, CH_STATUS_MAINTENANCE, CH_STATUS_TESTING, CH_STATUS_ERROR,
		CH_STATUS_ACTIVE
	};
	ChStatus	status = CH_STATUS_TESTING;
	TimestampTz due = 0;
	int			tests = 0;
	int			changes = 0;
	bool		as_told = true;

	for (TimestampTz now = 0; now < 24 * 60 * MINUTE; now += SECOND)
	{
		ChStatus	before = status;

		if (now == 9 * 60 * MINUTE)
			status = ch_status_next(status, CH_INPUT_WINDOW_BEGUN);
		if (now == 11 * 60 * MINUTE)
		{
			status = ch_status_next(status, CH_INPUT_WINDOW_ENDED);
			due = now + SECOND;
		}
		if (now >= due)
		{
			status = ch_status_next(status, tested_at(now));
			due = ch_status_due(now, 900000, (tests % 10) / 10.0);
			tests++;
		}
		if (status == before)
			continue;
		as_told &= changes < lengthof(story) && story[changes] == status;
		changes++;
	}
	ok(as_told, "statuses follow each other as the source's day goes");
	is_int(changes, lengthof(story), "and each is told once");
	ok(tests >= 92 && tests <= 103, "with %d tests in a day", tests);
}

int
main(void)
{
	test_table();
	test_names();
	test_due();
	test_day();
	return tap_done();
}
