/* conn/ceiling.c — how much one statement may fetch from a connector, and how often it may ask. */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/acl.h"

#include "catalog/cat_limit.h"
#include "common/error.h"
#include "conn/ceiling.h"

static const struct
{
	const char *option;
	const char *unit;
	size_t		limit;			/* offset in ChLimit */
	int64		scale;			/* of what is counted, per unit */
}			kinds[CH_NCEILINGS] = {
	[CH_CEILING_ROWS] = {"max_rows", "rows", offsetof(ChLimit, rows), 1},
	[CH_CEILING_BYTES] = {"max_bytes", "bytes", offsetof(ChLimit, bytes), 1},
	[CH_CEILING_SECONDS] = {"max_seconds", "seconds", offsetof(ChLimit, seconds), 1000000},
};

static void
lower(ChCeiling *ceiling, int64 most, Oid role)
{
	if (most > 0 && (ceiling->most == 0 || most < ceiling->most))
	{
		ceiling->most = most;
		ceiling->role = role;
	}
}

/* Superusers are bound by what names them or everybody, not by each role there is. */
static bool
holds_for(const ChLimit *limit, Oid user)
{
	return !OidIsValid(limit->role) || limit->role == user || is_member_of_role_nosuper(user, limit->role);
}

void
ch_ceilings_load(ChCeilings *ceilings, const ChConnector *connector, Oid user)
{
	ListCell   *cell;

	memset(ceilings->ceilings, 0, sizeof(ceilings->ceilings));
	ceilings->ncalls = 0;
	for (int i = 0; i < CH_NCEILINGS; i++)
		lower(&ceilings->ceilings[i], strtoll(ch_connector_option(connector, kinds[i].option), NULL, 10), InvalidOid);
	foreach(cell, ch_limits_get(&connector->id))
	{
		const ChLimit *limit = lfirst(cell);

		if (!holds_for(limit, user))
			continue;
		for (int i = 0; i < CH_NCEILINGS; i++)
			lower(&ceilings->ceilings[i], *(const int64 *) ((const char *) limit + kinds[i].limit), limit->role);
		if (limit->calls > 0 && ceilings->ncalls < CH_NCALL_WINDOWS)
			ceilings->calls[ceilings->ncalls++] = (ChCeiling) {limit->calls, limit->role};
	}
}

bool
ch_ceilings_apply(const ChCeilings *ceilings)
{
	for (int i = 0; i < CH_NCEILINGS; i++)
	{
		if (ceilings->ceilings[i].most > 0)
			return true;
	}
	return false;
}

static void
raise_exceeded(const ChCeiling *ceiling, ChShared *shared, const char *connector, const char *unit)
{
	const char *role = OidIsValid(ceiling->role) ? GetUserNameFromId(ceiling->role, true) : NULL;

	ch_shared_count(shared, CH_COUNT_CEILINGS, 1);
	ereport(ERROR,
			(errcode(ERRCODE_CH_QUOTA_EXCEEDED),
			 errmsg("connector \"%s\": the ceiling of %lld %s is exceeded", connector, (long long) ceiling->most, unit),
			 role != NULL ? errdetail("It is set for role \"%s\".", role) : errdetail("It is set for every role."),
			 errhint("Ask for less, or have it raised with connhub.set_limit or the options of the connector.")));
}

void
ch_ceilings_begin(ChCeilings *ceilings, ChShared *shared, const char *connector)
{
	TimestampTz statement = GetCurrentStatementStartTimestamp();

	if (ceilings->statement != statement)
	{
		ceilings->statement = statement;
		memset(ceilings->used, 0, sizeof(ceilings->used));
	}
	for (int i = 0; i < ceilings->ncalls; i++)
	{
		const ChCeiling *ceiling = &ceilings->calls[i];

		if (!ch_shared_take_call(shared, ceiling->role, ceiling->most))
			raise_exceeded(ceiling, shared, connector, "calls per minute");
	}
	ch_ceilings_use(ceilings, shared, connector, CH_CEILING_SECONDS, 0);
}

void
ch_ceilings_use(ChCeilings *ceilings, ChShared *shared, const char *connector, ChCeilingKind kind, int64 amount)
{
	const ChCeiling *ceiling = &ceilings->ceilings[kind];

	ceilings->used[kind] += amount;
	if (ceiling->most > 0 && ceilings->used[kind] / kinds[kind].scale >= ceiling->most + (kind == CH_CEILING_SECONDS ? 0 : 1))
		raise_exceeded(ceiling, shared, connector, kinds[kind].unit);
}

int64
ch_ceilings_left_ms(const ChCeilings *ceilings)
{
	int64		most = ceilings->ceilings[CH_CEILING_SECONDS].most;

	return most == 0 ? 0 : Max(most * 1000 - ceilings->used[CH_CEILING_SECONDS] / 1000, 1);
}
