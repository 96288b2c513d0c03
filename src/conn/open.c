/* conn/open.c — from a connector to an open connection of its driver.
 *
 * Everything the driver may see is put together here and gone when the connection is open: the secrets are
 * wiped, the files that carry PEM text are closed.  Such a file has no name in any folder; the driver
 * opens it as /proc/self/fd/N.  Driver code runs only in open_by_steps, which does not throw, so a
 * connection is never lost between being opened and being handed out. */
#include "postgres.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/memutils.h"

#include "catalog/cat_option.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/guc.h"
#include "common/redact.h"
#include "common/wait.h"
#include "conn/filepolicy.h"
#include "conn/netpolicy.h"
#include "conn/open.h"
#include "conn/resolve.h"
#include "conn/tunnel.h"
#include "driver/host.h"
#include "driver/registry.h"
#include "vault/kept.h"
#include "vault/reference.h"

#define MAX_PEM 8

/* Whatever made us close, a farewell is hardly to be waited for. */
#define FAREWELL_MS 10

/* One opening: what the driver is given, and what must be given up afterwards. */
typedef struct Opening
{
	const ChTarget *target;
	const ConnhubTypeSpec *type;
	ChSecret   *secret;
	bool		owns_secret;
	ConnhubConfig config;
	ChAddresses addresses;
	const char *address_list[CH_MAX_ADDRESSES];
	ChTunnelPlan *plan;			/* NULL: the driver reaches the source by itself, or the tunnel has it */
	ChTunnel   *tunnel;
	int			pem_fds[MAX_PEM];
	int			npem;
} Opening;

static ConnhubStatus prepare(Opening *opening, ConnhubError *error);
static ConnhubStatus prepare_place(Opening *opening, ConnhubError *error);
static ConnhubStatus prepare_tunnel(Opening *opening, Oid user, ConnhubError *error);
static ConnhubStatus prepare_options(Opening *opening, ConnhubError *error);
static ConnhubStatus prepare_tls(Opening *opening, ConnhubError *error);
static ConnhubStatus open_by_steps(ChCall *call, const ConnhubConfig *config, ConnhubConn **handle,
								   ConnhubError *error);
static void release(Opening *opening);

/* ---- Phases ------------------------------------------------------------------------------ */

static struct
{
	ChPhaseTimes *times;
	ConnhubPhase phase;
	int64		entered_us;
}			phases;

static void
phase_listener(ConnhubPhase phase, void *arg)
{
	ch_phases_enter(phase);
}

void
ch_phases_begin(ChPhaseTimes *times)
{
	phases.times = times;
	phases.phase = CONNHUB_PHASE_NONE;
	phases.entered_us = ch_clock->now_us();
	ch_host_listen(phase_listener, NULL);
}

/* Times add up when a phase is entered again, as for the next address. */
void
ch_phases_enter(ConnhubPhase phase)
{
	int64		now = ch_clock->now_us();

	if (phases.times != NULL)
	{
		if (phases.phase != CONNHUB_PHASE_NONE)
			phases.times->us[phases.phase] += now - phases.entered_us;
		if (phase != CONNHUB_PHASE_NONE && phases.times->us[phase] < 0)
			phases.times->us[phase] = 0;
	}
	phases.phase = phase;
	phases.entered_us = now;
}

ConnhubPhase
ch_phases_end(void)
{
	ConnhubPhase last = phases.phase;

	ch_phases_enter(CONNHUB_PHASE_NONE);
	phases.times = NULL;
	ch_host_listen(NULL, NULL);
	return last;
}

/* ---- Opening ----------------------------------------------------------------------------- */

ConnhubStatus
ch_open(ChCall *call, const ChTarget *target, ConnhubConn **handle, ChPhaseTimes *times, ConnhubError *error)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "connhub open", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Opening    *opening = palloc0(sizeof(Opening));
	ChDeadline	deadline;
	ChWaitKind	shown;
	volatile ConnhubStatus status = CONNHUB_INTERNAL;

	*handle = NULL;
	memset(error, 0, sizeof(*error));
	error->column = -1;
	opening->target = target;
	opening->type = ch_driver_type(call->driver, target->connector->type);
	if (opening->type == NULL)
	{
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
		ch_error_set(error, CONNHUB_CONFIG, "driver \"%s\" does not serve connector type \"%s\"",
					 call->driver->name, target->connector->type);
		return CONNHUB_CONFIG;
	}

	opening->config.connect_timeout_ms = ch_connector_option_ms(target->connector, "connect_timeout");
	ch_phases_begin(times);
	ch_deadline_begin(&deadline, opening->config.connect_timeout_ms);
	shown = ch_wait_show(CH_WAIT_CONNECT);
	PG_TRY();
	{
		status = prepare(opening, error);
		if (status == CONNHUB_OK)
			status = open_by_steps(call, &opening->config, handle, error);
		if (status == CONNHUB_OK && opening->tunnel != NULL)
		{
			ch_tunnel_attach(opening->tunnel, *handle);
			opening->tunnel = NULL;
		}
	}
	PG_FINALLY();
	{
		ConnhubPhase last = ch_phases_end();

		ch_deadline_end(&deadline);
		ch_wait_show(shown);
		if (status != CONNHUB_OK && error->phase == CONNHUB_PHASE_NONE)
			error->phase = last;
		release(opening);
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
	}
	PG_END_TRY();
	return status;
}

void
ch_stop(ChCall *call, ConnhubConn *handle)
{
	ChCall		cancel = *call;
	ConnhubError error;

	if ((call->driver->capabilities & CONNHUB_CAP_CANCEL) == 0)
		return;
	cancel.timeout_ms = ch_cancel_timeout_ms;
	cancel.shielded = true;
	ch_call_cancel(&cancel, handle, &error);
}

void
ch_close(ChCall *call, ConnhubConn *handle)
{
	ChDeadline	deadline;

	ch_deadline_begin_shielded(&deadline, FAREWELL_MS);
	ch_call_close(call, handle);
	ch_tunnel_end_of(handle);
	ch_deadline_end(&deadline);
	ReleaseExternalFD();
}

static void
release(Opening *opening)
{
	ch_tunnel_end(opening->tunnel);
	ch_tunnel_plan_free(opening->plan);
	for (int i = 0; i < opening->npem; i++)
		close(opening->pem_fds[i]);
	if (opening->owns_secret)
		ch_vault_wipe(opening->secret);
	ch_redact_forget_all();
}

static char *
copy(const char *text)
{
	return text != NULL ? pstrdup(text) : NULL;
}

/* Go on with another secret, unless it is NULL. */
static void
use_secret(Opening *opening, ChSecret *secret)
{
	if (secret == NULL)
		return;
	if (opening->owns_secret)
		ch_vault_wipe(opening->secret);
	opening->secret = secret;
	opening->owns_secret = true;
}

/* What stands outside is fetched with the rights of whoever the connector belongs to. */
static void
resolve_references(Opening *opening)
{
	const ChConnector *connector = opening->target->connector;

	use_secret(opening, ch_kept_open(opening->secret, &connector->tenant_id));
	use_secret(opening, ch_reference_resolve(opening->secret, &connector->tenant_id, connector->owner));
}

/* Everything is copied: the cached connector may change while we wait. */
static ConnhubStatus
prepare(Opening *opening, ConnhubError *error)
{
	const ChTarget *target = opening->target;
	const ChConnector *connector = target->connector;
	ConnhubConfig *config = &opening->config;
	ConnhubStatus status;

	config->struct_size = sizeof(*config);
	config->type = opening->type->name;
	config->application = psprintf("connhub:%s", connector->name != NULL ? connector->name : "test");
	config->schema = copy(connector->schema);
	config->database = copy(connector->database);
	config->username = copy(connector->username);
	config->host = copy(connector->host);
	config->port = connector->port > 0 ? connector->port : opening->type->default_port;
	config->ssl_mode = connector->ssl_mode;
	config->require_password = !superuser_arg(connector->owner);
	config->query_timeout_ms = ch_connector_option_ms(connector, "query_timeout");

	if (target->secret != NULL)
		opening->secret = unconstify(ChSecret *, target->secret);
	else
	{
		opening->secret = ch_vault_open(&connector->tenant_id, &connector->id);
		opening->owns_secret = true;
	}
	resolve_references(opening);
	for (int i = 0; i < opening->secret->nfields; i++)
		ch_redact_remember(opening->secret->fields[i].value);
	config->password = ch_vault_field(opening->secret, "password");

	status = prepare_options(opening, error);
	if (status == CONNHUB_OK && (opening->type->flags & CONNHUB_TYPE_TLS))
		status = prepare_tls(opening, error);
	if (status == CONNHUB_OK && (opening->type->flags & CONNHUB_TYPE_NEEDS_HOST))
		status = ch_tunnel_plan(connector, opening->secret, config->host, config->port, &opening->plan, error);
	/* Last, because a look-up waits, and the cached connector is not to be trusted after that. */
	if (status == CONNHUB_OK)
		status = prepare_place(opening, error);
	return status;
}

static ConnhubStatus
missing(ConnhubError *error, const char *what, const char *type)
{
	ch_error_set(error, CONNHUB_CONFIG, "connector type \"%s\" needs a %s", type, what);
	return CONNHUB_CONFIG;
}

/* Host, database and user: where the driver is sent, as the policies allow it. */
static ConnhubStatus
prepare_place(Opening *opening, ConnhubError *error)
{
	ConnhubConfig *config = &opening->config;
	uint32		flags = opening->type->flags;
	/* Whoever configured it, not whoever happens to use it: an administrator who reads a table must not lend
	 * his rights to the address another user chose, nor a reader be refused one an administrator chose. */
	Oid			user = opening->target->connector->owner;
	ConnhubStatus status;

	if ((flags & CONNHUB_TYPE_NEEDS_USER) && (config->username == NULL || config->username[0] == '\0'))
		return missing(error, "username", config->type);
	if ((flags & CONNHUB_TYPE_NEEDS_DATABASE) && (config->database == NULL || config->database[0] == '\0'))
		return missing(error, "database", config->type);
	if (flags & CONNHUB_TYPE_FILE)
	{
		char	   *real;

		status = ch_filepolicy_file(user, config->database, &real, error);
		if (status == CONNHUB_OK)
			config->database = real;
		return status;
	}
	if ((flags & CONNHUB_TYPE_NEEDS_HOST) == 0)
		return CONNHUB_OK;
	if (opening->plan != NULL)
		return prepare_tunnel(opening, user, error);
	if (ch_host_is_socket(config->host))
		return ch_netpolicy_socket(user, config->host, error);

	ch_phases_enter(CONNHUB_PHASE_DNS);
	status = ch_resolve(config->host, &opening->addresses, error);
	if (status == CONNHUB_OK)
		status = ch_netpolicy_addresses(user, config->host, &opening->addresses, error);
	if (status != CONNHUB_OK)
		return status;
	ch_phases_enter(CONNHUB_PHASE_NONE);
	for (int i = 0; i < opening->addresses.count; i++)
		opening->address_list[i] = opening->addresses.text[i];
	config->addresses = opening->address_list;
	config->naddresses = opening->addresses.count;
	return CONNHUB_OK;
}

/* The policy is asked about the first machine on the way; the driver is sent to this end of the tunnel. */
static ConnhubStatus
prepare_tunnel(Opening *opening, Oid user, ConnhubError *error)
{
	static const char *const local[] = {"127.0.0.1"};
	ConnhubConfig *config = &opening->config;
	const char *first = ch_tunnel_first_host(opening->plan);
	ChTunnelPlan *plan = opening->plan;
	ConnhubStatus status;
	ConnhubWait wait;

	ch_phases_enter(CONNHUB_PHASE_DNS);
	status = ch_resolve(first, &plan->addresses, error);
	if (status == CONNHUB_OK)
		status = ch_netpolicy_addresses(user, first, &plan->addresses, error);
	if (status != CONNHUB_OK)
		return status;

	ch_phases_enter(CONNHUB_PHASE_TUNNEL);
	opening->plan = NULL;
	status = ch_tunnel_begin(plan, &opening->tunnel, error);
	if (status != CONNHUB_OK)
		return status;
	while ((status = ch_tunnel_step(opening->tunnel, &wait, error)) == CONNHUB_WAIT)
	{
		status = ch_wait(wait.fd, wait.events, wait.timeout_ms);
		if (status != CONNHUB_OK)
		{
			ch_error_set(error, status, "no tunnel within %lld ms", (long long) config->connect_timeout_ms);
			return status;
		}
	}
	if (status != CONNHUB_OK)
		return status;
	ch_phases_enter(CONNHUB_PHASE_NONE);
	config->addresses = local;
	config->naddresses = lengthof(local);
	config->port = ch_tunnel_port(opening->tunnel);
	return CONNHUB_OK;
}

/* PEM text as a file without a name, which ends with its descriptor. */
static ConnhubStatus
pem_file(Opening *opening, const char *name, const char *text, const char **path, ConnhubError *error)
{
	size_t		length = strlen(text);
	int			fd;

	*path = NULL;
	if (opening->npem >= MAX_PEM)
	{
		ch_error_set(error, CONNHUB_CONFIG, "more than %d PEM options are set", MAX_PEM);
		return CONNHUB_CONFIG;
	}
	fd = memfd_create("connhub", MFD_CLOEXEC);
	if (fd >= 0)
		opening->pem_fds[opening->npem++] = fd;
	if (fd < 0 || fchmod(fd, S_IRUSR | S_IWUSR) != 0 || write(fd, text, length) != (ssize_t) length)
	{
		ch_error_set(error, CONNHUB_NO_MEMORY, "could not hand over option \"%s\": %s", name, strerror(errno));
		return CONNHUB_NO_MEMORY;
	}
	*path = psprintf("/proc/self/fd/%d", fd);
	return CONNHUB_OK;
}

/* The value of an option as the driver gets it: from the vault when secret; durations in milliseconds. */
static ConnhubStatus
option_value(Opening *opening, const ConnhubOptionSpec *spec, const char **value, ConnhubError *error)
{
	int64		ms;

	*value = (spec->flags & CONNHUB_OPTION_SECRET) ? ch_vault_field(opening->secret, spec->name) :
		ch_connector_option(opening->target->connector, spec->name);
	if (*value == NULL)
		*value = spec->default_value;
	if (*value == NULL)
		return CONNHUB_OK;
	if (spec->kind == CONNHUB_OPTION_PEM)
		return pem_file(opening, spec->name, *value, value, error);
	if (spec->kind == CONNHUB_OPTION_DURATION)
	{
		if (!ch_duration_parse(*value, &ms))
		{
			ch_error_set(error, CONNHUB_CONFIG, "option \"%s\" is no duration", spec->name);
			return CONNHUB_CONFIG;
		}
		*value = psprintf(INT64_FORMAT, ms);
	}
	else if ((spec->flags & CONNHUB_OPTION_SECRET) == 0)
		*value = pstrdup(*value);
	return CONNHUB_OK;
}

static ConnhubStatus
prepare_options(Opening *opening, ConnhubError *error)
{
	const ConnhubTypeSpec *type = opening->type;
	ConnhubOption *options = palloc0(sizeof(ConnhubOption) * (type->noptions + 1));
	int			n = 0;

	for (uint32 i = 0; i < type->noptions; i++)
	{
		const ConnhubOptionSpec *spec = &type->options[i];
		const char *value;
		ConnhubStatus status = option_value(opening, spec, &value, error);

		if (status != CONNHUB_OK)
			return status;
		if (value == NULL)
		{
			if (spec->flags & CONNHUB_OPTION_REQUIRED)
			{
				ch_error_set(error, CONNHUB_CONFIG, "option \"%s\" of connector type \"%s\" is not set",
							 spec->name, type->name);
				return CONNHUB_CONFIG;
			}
			continue;
		}
		options[n].name = spec->name;
		options[n++].value = value;
	}
	opening->config.options = options;
	opening->config.noptions = n;
	return CONNHUB_OK;
}

static ConnhubStatus
prepare_tls(Opening *opening, ConnhubError *error)
{
	ConnhubConfig *config = &opening->config;
	const struct
	{
		const char *option;
		const char **path;
	}			files[] = {
		{"ssl_ca", &config->ssl_ca_file},
		{"ssl_cert", &config->ssl_cert_file},
		{"ssl_key", &config->ssl_key_file},
	};

	for (int i = 0; i < lengthof(files); i++)
	{
		const ConnhubOptionSpec *spec = ch_type_option(opening->type, files[i].option);
		ConnhubStatus status = CONNHUB_OK;

		if (spec != NULL)
			status = option_value(opening, spec, files[i].path, error);
		if (status != CONNHUB_OK)
			return status;
	}
	return CONNHUB_OK;
}

static ConnhubStatus
open_by_steps(ChCall *call, const ConnhubConfig *config, ConnhubConn **handle, ConnhubError *error)
{
	ConnhubStatus status;
	ConnhubWait wait;

	if (!AcquireExternalFD())
	{
		ch_error_set(error, CONNHUB_BUSY, "this session has too many files and connections open");
		strlcpy(error->hint, "Raise max_files_per_process, or use fewer connectors in one session.",
				sizeof(error->hint));
		return CONNHUB_BUSY;
	}
	status = ch_call_open(call, config, handle, error);
	if (status != CONNHUB_OK)
	{
		ReleaseExternalFD();
		return status;
	}
	while ((status = ch_call_step(call, *handle, &wait, error)) == CONNHUB_WAIT)
	{
		status = ch_wait(wait.fd, wait.events, wait.timeout_ms);
		/* The driver asked to be called again by then; the deadline is another matter. */
		if (status == CONNHUB_TIMEOUT)
			status = ch_cancelled();
		if (status != CONNHUB_OK)
		{
			ch_error_set(error, status, status == CONNHUB_TIMEOUT ?
						 "no connection within %lld ms" : "connecting was given up after at most %lld ms",
						 (long long) config->connect_timeout_ms);
			break;
		}
	}
	if (status != CONNHUB_OK)
	{
		ch_close(call, *handle);
		*handle = NULL;
	}
	return status;
}
