/* fault.c — scripted faults and call counters.
 *
 * Option "fault" is a comma-separated list of  place[@number][#connection]:action[:milliseconds].
 * place    a slot (see MK_PLACES)
 * number   strike only there.  open, step: number of the connection in this process; fetch: number of
 *          the row about to be returned; other places: number of the call on its connection
 * connection   strike only on the connection of this number in this process
 * action   the name of a status (then it fails, after the given time), retry_after (it fails at once, and asks for a pause
 *          of the given time), slow, hang, or block
 */
#include "mock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

uint64_t	mk_calls[MK_NPLACES];

const char *const mk_place_names[MK_NPLACES] = {
#define MK_PLACE_NAME(symbol, name) name,
	MK_PLACES(MK_PLACE_NAME)
#undef MK_PLACE_NAME
};

/* Actions, the phase in which a failing step fails, and what the caller may do about it. */
static const struct
{
	const char *name;
	MkAction	action;
	ConnhubStatus status;
	ConnhubPhase phase;
	bool		retryable;
	bool		connection_lost;
}			actions[] = {
	{"slow", MK_ACT_SLOW, CONNHUB_OK, CONNHUB_PHASE_TCP, false, false},
	{"hang", MK_ACT_HANG, CONNHUB_OK, CONNHUB_PHASE_TCP, false, false},
	{"block", MK_ACT_BLOCK, CONNHUB_OK, CONNHUB_PHASE_TCP, false, false},
	{"refused", MK_ACT_FAIL, CONNHUB_REFUSED, CONNHUB_PHASE_TCP, true, false},
	{"dns", MK_ACT_FAIL, CONNHUB_DNS, CONNHUB_PHASE_DNS, true, false},
	{"timeout", MK_ACT_FAIL, CONNHUB_TIMEOUT, CONNHUB_PHASE_TCP, true, false},
	{"tls", MK_ACT_FAIL, CONNHUB_TLS, CONNHUB_PHASE_TLS, false, false},
	{"auth", MK_ACT_FAIL, CONNHUB_AUTH, CONNHUB_PHASE_AUTH, false, false},
	{"no_database", MK_ACT_FAIL, CONNHUB_NO_DATABASE, CONNHUB_PHASE_DATABASE, false, false},
	{"permission", MK_ACT_FAIL, CONNHUB_PERMISSION, CONNHUB_PHASE_PERMISSION, false, false},
	{"lost", MK_ACT_FAIL, CONNHUB_LOST, CONNHUB_PHASE_TCP, true, true},
	{"busy", MK_ACT_FAIL, CONNHUB_BUSY, CONNHUB_PHASE_AUTH, true, false},
	{"rate_limited", MK_ACT_FAIL, CONNHUB_RATE_LIMITED, CONNHUB_PHASE_AUTH, true, false},
	{"retry_after", MK_ACT_LATER, CONNHUB_RATE_LIMITED, CONNHUB_PHASE_AUTH, true, false},
	{"quota", MK_ACT_FAIL, CONNHUB_QUOTA, CONNHUB_PHASE_AUTH, false, false},
	{"unsupported", MK_ACT_FAIL, CONNHUB_UNSUPPORTED, CONNHUB_PHASE_TCP, false, false},
	{"config", MK_ACT_FAIL, CONNHUB_CONFIG, CONNHUB_PHASE_NONE, false, false},
	{"query", MK_ACT_FAIL, CONNHUB_QUERY, CONNHUB_PHASE_DATABASE, false, false},
	{"data", MK_ACT_FAIL, CONNHUB_DATA, CONNHUB_PHASE_DATABASE, false, false},
	{"no_memory", MK_ACT_FAIL, CONNHUB_NO_MEMORY, CONNHUB_PHASE_TCP, false, false},
	{"internal", MK_ACT_FAIL, CONNHUB_INTERNAL, CONNHUB_PHASE_TCP, false, false},
	{"schema_changed", MK_ACT_FAIL, CONNHUB_SCHEMA_CHANGED, CONNHUB_PHASE_DATABASE, false, false},
};

#define NACTIONS (sizeof(actions) / sizeof(actions[0]))

static bool
word_is(const char *word, size_t length, const char *name)
{
	return strlen(name) == length && memcmp(word, name, length) == 0;
}

/* The number from `start` to `end`, which must not be 0. */
static bool
parse_number(const char *start, const char *end, uint64_t *number)
{
	char	   *stop;

	*number = strtoull(start, &stop, 10);
	return *number != 0 && stop == end;
}

static bool
parse_place(const char *word, size_t length, MkFault *fault)
{
	const char *end = word + length;
	const char *hash = memchr(word, '#', length);
	const char *number_end = hash ? hash : end;
	const char *at = memchr(word, '@', (size_t) (number_end - word));
	const char *name_end = at ? at : number_end;
	int			place;

	for (place = 0; place < MK_NPLACES; place++)
		if (word_is(word, (size_t) (name_end - word), mk_place_names[place]))
			break;
	if (place == MK_NPLACES || place == MK_CLOSE)
		return false;
	fault->place = (MkPlace) place;
	return (at == NULL || parse_number(at + 1, number_end, &fault->number)) &&
		(hash == NULL || parse_number(hash + 1, end, &fault->connection));
}

static bool
parse_action(const char *word, size_t length, MkFault *fault)
{
	size_t		i;

	for (i = 0; i < NACTIONS; i++)
	{
		if (!word_is(word, length, actions[i].name))
			continue;
		fault->action = actions[i].action;
		fault->status = actions[i].status;
		fault->phase = actions[i].phase;
		return true;
	}
	return false;
}

/* One fault from `length` bytes of text. */
static bool
parse_fault(const char *text, size_t length, MkFault *fault)
{
	const char *end = text + length;
	const char *colon = memchr(text, ':', length);
	const char *action;
	const char *second;

	if (colon == NULL || !parse_place(text, (size_t) (colon - text), fault))
		return false;
	action = colon + 1;
	second = memchr(action, ':', (size_t) (end - action));
	if (!parse_action(action, (size_t) ((second ? second : end) - action), fault))
		return false;
	if (second)
	{
		char	   *stop;

		fault->ms = strtoll(second + 1, &stop, 10);
		if (stop == second + 1 || stop != end || fault->ms < 0)
			return false;
	}
	return fault->action != MK_ACT_SLOW || fault->ms > 0;
}

ConnhubStatus
mk_faults_parse(MkArena *arena, const char *text, MkFaults *faults, ConnhubError *error)
{
	const char *p;
	uint32_t	n = 1;

	memset(faults, 0, sizeof(*faults));
	if (text == NULL || text[0] == '\0')
		return CONNHUB_OK;
	for (p = text; *p; p++)
		n += (*p == ',');
	faults->faults = mk_arena_alloc(arena, n * sizeof(MkFault));
	if (faults->faults == NULL)
		return fail_no_memory(error);
	for (p = text; faults->nfaults < n; faults->nfaults++)
	{
		size_t		length;

		p += strspn(p, " ");
		length = strcspn(p, ", ");
		if (!parse_fault(p, length, &faults->faults[faults->nfaults]))
		{
			fail_as(error, CONNHUB_CONFIG, "invalid fault \"%.*s\"", (int) length, p);
			fail_hint(error, "A fault is place[@number][#connection]:action[:milliseconds], as in \"fetch@3:lost\".");
			return CONNHUB_CONFIG;
		}
		p += length;
		p += strspn(p, " ");
		if (*p == ',')
			p++;
		else if (*p == '\0')
		{
			faults->nfaults++;
			break;
		}
	}
	return CONNHUB_OK;
}

const MkFault *
mk_fault_find(const MkFaults *faults, MkPlace place, uint64_t number)
{
	uint32_t	i;

	for (i = 0; i < faults->nfaults; i++)
	{
		const MkFault *fault = &faults->faults[i];

		if (fault->place == place && (fault->number == 0 || fault->number == number) &&
			(fault->connection == 0 || fault->connection == faults->connection))
			return fault;
	}
	return NULL;
}

ConnhubStatus
mk_fault_fail(const MkFault *fault, ConnhubError *error)
{
	size_t		i;

	fail_as(error, fault->status, "scripted fault at %s", mk_place_names[fault->place]);
	for (i = 0; i < NACTIONS; i++)
		if (actions[i].action == MK_ACT_FAIL && actions[i].status == fault->status)
			break;
	if (fault->action == MK_ACT_LATER)
		error->retry_after_ms = fault->ms;
	error->retryable = actions[i].retryable;
	error->connection_lost = actions[i].connection_lost;
	error->native_code = (int64_t) fault->status;
	if (fault->status == CONNHUB_DATA)
		error->column = 0;
	if (fault->place == MK_OPEN || fault->place == MK_STEP)
		error->phase = fault->phase;
	return fault->status;
}

/* As a client library that reads from its socket and cannot be made to wait elsewhere: the guard shuts
 * the socket down when it is time to stop. */
static ConnhubStatus
block(const MkFault *fault, ConnhubError *error)
{
	int			pair[2];
	char		byte;
	ssize_t		got;
	ConnhubStatus status;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return fail_as(error, CONNHUB_NO_MEMORY, "could not make a socket");
	mk_host->guard_begin(pair[0]);
	do
		got = read(pair[0], &byte, 1);
	while (got < 0 && errno == EINTR);
	mk_host->guard_end();
	close(pair[0]);
	close(pair[1]);
	status = mk_host->cancelled();
	return fail_as(error, status == CONNHUB_OK ? CONNHUB_INTERNAL : status, "%s at %s",
				   status == CONNHUB_TIMEOUT ? "timed out" : "cancelled", mk_place_names[fault->place]);
}

ConnhubStatus
mk_fault_strike(const MkFault *fault, ConnhubError *error)
{
	if (fault->action == MK_ACT_BLOCK)
		return block(fault, error);
	if (fault->action == MK_ACT_LATER)
		return mk_fault_fail(fault, error);
	if (fault->action == MK_ACT_HANG || fault->ms > 0)
	{
		int64_t		ms = fault->action == MK_ACT_HANG ? -1 : fault->ms;
		ConnhubStatus status = mk_host->wait(-1, 0, ms);

		if (status != CONNHUB_OK)
			return fail_as(error, status, "%s at %s",
						   status == CONNHUB_TIMEOUT ? "timed out" : "cancelled",
						   mk_place_names[fault->place]);
	}
	return fault->action == MK_ACT_FAIL ? mk_fault_fail(fault, error) : CONNHUB_OK;
}
