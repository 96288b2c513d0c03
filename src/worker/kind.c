/* worker/kind.c — the kinds of jobs there are. */
#include "postgres.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/txn.h"
#include "connhub/driver.h"
#include "discover/discover.h"
#include "health/expiry.h"
#include "health/many.h"
#include "health/notify.h"
#include "vault/kept.h"
#include "worker/scheduler.h"

#define TRIM_PERIOD_S 600
#define EXPIRY_PERIOD_S 21600
#define KEPT_PERIOD_S 600
#define PROGRESS_MS 1000

/* The connectors to be tested. */
#define HEALTH_DUE \
	"SELECT h.connector_id, h.next_due_at FROM connhub_catalog.health AS h JOIN connhub_catalog.connector AS c ON c.id = h.connector_id" \
	" WHERE c.enabled AND c.deleted_at IS NULL AND c.type "

/* Types whose driver never blocks: the bits of CONNHUB_CAP_BLOCKING_OPEN and CONNHUB_CAP_CHECK_STEP. */
#define NEVER_BLOCK "(ARRAY(SELECT t.name FROM connhub_catalog.connector_type AS t WHERE (t.capabilities & 32800) = 32768))"
StaticAssertDecl(CONNHUB_CAP_BLOCKING_OPEN == 32 && CONNHUB_CAP_CHECK_STEP == 32768, "capability bits in SQL");

/* The credential of a connector is fetched over a network first. */
#define IS_FETCHED "EXISTS (SELECT FROM connhub_catalog.secret AS s WHERE s.connector_id = c.id AND s.is_fetched)"

#define HEALTH_ALONE_DUE HEALTH_DUE "<> ALL " NEVER_BLOCK " UNION ALL " HEALTH_DUE "= ANY " NEVER_BLOCK " AND " IS_FETCHED

/* When windows open, and when the last open one of a connector in maintenance closes. */
#define MAINTENANCE_DUE \
	"SELECT m.connector_id, min(m.starts_at) FROM connhub_catalog.maintenance AS m" \
	" JOIN connhub_catalog.connector AS c ON c.id = m.connector_id" \
	" WHERE c.deleted_at IS NULL AND c.status NOT IN ('MAINTENANCE', 'INACTIVE')" \
	" AND coalesce(m.ends_at, 'infinity') > clock_timestamp() GROUP BY m.connector_id" \
	" UNION ALL SELECT c.id, coalesce((SELECT max(coalesce(m.ends_at, 'infinity')) FROM connhub_catalog.maintenance AS m" \
	" WHERE m.connector_id = c.id AND m.starts_at <= clock_timestamp() AND coalesce(m.ends_at, 'infinity') > clock_timestamp())," \
	" clock_timestamp()) FROM connhub_catalog.connector AS c WHERE c.deleted_at IS NULL AND c.status = 'MAINTENANCE'"

/* All deliveries together are one job, due with the first of them. */
#define NOTIFICATION_DUE \
	"SELECT '00000000-0000-0000-0000-000000000000'::uuid, min(d.next_attempt_at) FROM connhub_catalog.delivery AS d" \
	" JOIN connhub_catalog.channel AS h ON h.id = d.channel_id WHERE h.enabled AND d.finished_at IS NULL HAVING count(*) > 0"

#define DISCOVERY_DUE "SELECT * FROM connhub_catalog.discoveries_due()"

/* Tell how many tables there are so far, now and then. */
static void
watch_discovery(const ChCollected *counts)
{
	static int64 told_ms = 0;

	if (ch_clock->now_ms() < told_ms + PROGRESS_MS)
		return;
	told_ms = ch_clock->now_ms();
	ch_job_progress(counts->tables, 0);
}

/* What the source makes of it is recorded with the connector. */
static void
run_discovery(const pg_uuid_t *subject)
{
	(void) ch_discover_refresh(subject, watch_discovery);
}

static void
run_notification(const pg_uuid_t *subject)
{
	(void) ch_notify_deliver_due();
}

static void
check_expiry(void *argument)
{
	(void) ch_expiry_check();
}

static void
run_expiry(const pg_uuid_t *subject)
{
	ErrorData  *error = ch_txn_run(check_expiry, NULL);

	if (error != NULL)
		ReThrowError(error);
}

/* Credentials kept outside, as far as a crash left them unfinished. */
static void
run_kept(const pg_uuid_t *subject)
{
	(void) ch_kept_resolve();
}

static void
apply_maintenance(void *argument)
{
	ch_maintenance_apply(argument, false);
}

static void
run_maintenance(const pg_uuid_t *subject)
{
	ErrorData  *error = ch_txn_run(apply_maintenance, unconstify(pg_uuid_t *, subject));

	if (error != NULL)
		ReThrowError(error);
}

static void
trim_batch(void *argument)
{
	*(int64 *) argument = ch_history_trim();
}

static void
run_trim(const pg_uuid_t *subject)
{
	int64		total = 0;
	int64		trimmed;

	do
	{
		ErrorData  *error = ch_txn_run(trim_batch, &trimmed);

		if (error != NULL)
			ReThrowError(error);
		total += trimmed;
		if (trimmed > 0)
			ch_job_progress(total, 0);
	} while (trimmed > 0);
}

const ChJobKind ch_job_kinds[] = {
	{.name = "maintenance", .place = CH_JOB_HERE, .due = MAINTENANCE_DUE, .run = run_maintenance},
	{.name = "health", .place = CH_JOB_MANY, .due = HEALTH_DUE "= ANY " NEVER_BLOCK " AND NOT " IS_FETCHED, .run = ch_many_test_one},
	{.name = "health_alone", .place = CH_JOB_RUNNER, .due = HEALTH_ALONE_DUE, .run = ch_many_test_one},
	{.name = "discovery", .place = CH_JOB_RUNNER, .due = DISCOVERY_DUE, .run = run_discovery},
	{.name = "notification", .place = CH_JOB_RUNNER, .due = NOTIFICATION_DUE, .run = run_notification},
	{.name = "expiry", .place = CH_JOB_HERE, .period_s = EXPIRY_PERIOD_S, .run = run_expiry},
	{.name = "credentials", .place = CH_JOB_RUNNER, .period_s = KEPT_PERIOD_S, .run = run_kept},
	{.name = "history", .place = CH_JOB_RUNNER, .period_s = TRIM_PERIOD_S, .run = run_trim},
};

const int	ch_job_nkinds = lengthof(ch_job_kinds);
