/* conn/open.c — from a connector to an open connection of its driver.
 *
 * Opening has two halves.  The first reads all that the catalogue has to say, in a transaction; the second
 * resolves the host and lets the driver connect, and needs none, so that nobody has to hold one while it waits.
 * Everything the driver may see is put together here and gone when the connection is open: the secrets are
 * wiped, the files that carry PEM text are closed.  Such a file has no name in any folder; the driver
 * opens it as /proc/self/fd/N.  Driver code runs only where nothing throws, so a connection is never lost between being
 * opened and being handed out. */
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
struct ChOpening
{
	MemoryContext context;		/* holds all of it */
	const ChTarget *target;		/* until it is prepared */
	const ConnhubTypeSpec *type;
	bool		is_unrestricted;	/* may its owner have it point anywhere? */
	ChSecret   *secret;
	ConnhubConfig config;
	ChAddresses addresses;
	const char *address_list[CH_MAX_ADDRESSES];
	ChTunnelPlan *plan;			/* NULL: the driver reaches the source by itself, or the tunnel has it */
	ChTunnel   *tunnel;
	int			pem_fds[MAX_PEM];
	int			npem;
	MemoryContextCallback reset;
	bool		has_ended;		/* its secrets are no longer masked */
};

static ConnhubStatus prepare(ChOpening *opening, ConnhubError *error);
static ConnhubStatus prepare_place(ChOpening *opening, ConnhubError *error);
static ConnhubStatus prepare_options(ChOpening *opening, ConnhubError *error);
static ConnhubStatus prepare_tls(ChOpening *opening, ConnhubError *error);
static ConnhubStatus open_by_steps(ChCall *call, ChOpening *opening, ConnhubConn **handle, ConnhubError *error);

/* ---- Phases ------------------------------------------------------------------------------ */

/* That of the one opening that is waited for, and the one that counts now. */
static ChPhaseClock own_clock;
static ChPhaseClock *phases = &own_clock;

static void
phase_listener(ConnhubPhase phase, void *arg)
{
	ch_phases_enter(phase);
}

void
ch_phases_use(ChPhaseClock *clock)
{
	phases = clock != NULL ? clock : &own_clock;
	ch_host_listen(clock != NULL ? phase_listener : NULL, NULL);
}

void
ch_phases_begin(ChPhaseTimes *times)
{
	phases->times = times;
	phases->phase = CONNHUB_PHASE_NONE;
	phases->entered_us = ch_clock->now_us();
	ch_host_listen(phase_listener, NULL);
}

/* Times add up when a phase is entered again, as for the next address. */
void
ch_phases_enter(ConnhubPhase phase)
{
	int64		now = ch_clock->now_us();

	if (phases->times != NULL)
	{
		if (phases->phase != CONNHUB_PHASE_NONE)
			phases->times->us[phases->phase] += now - phases->entered_us;
		if (phase != CONNHUB_PHASE_NONE && phases->times->us[phase] < 0)
			phases->times->us[phase] = 0;
	}
	phases->phase = phase;
	phases->entered_us = now;
}

ConnhubPhase
ch_phases_end(void)
{
	ConnhubPhase last = phases->phase;

	ch_phases_enter(CONNHUB_PHASE_NONE);
	phases->times = NULL;
	ch_host_listen(NULL, NULL);
	return last;
}

/* ---- Opening ----------------------------------------------------------------------------- */

/* The end of an opening, with its memory. */
static void
release(void *arg)
{
	ChOpening  *opening = arg;

	ch_tunnel_end(opening->tunnel);
	ch_tunnel_plan_free(opening->plan);
	for (int i = 0; i < opening->npem; i++)
		close(opening->pem_fds[i]);
	if (!opening->has_ended)
		ch_redact_forget_all();
}

ChOpening *
ch_opening_prepare(const ChCall *call, const ChTarget *target, ConnhubError *error)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "connhub open", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ChOpening  *opening = palloc0(sizeof(ChOpening));
	volatile ConnhubStatus status = CONNHUB_CONFIG;

	memset(error, 0, sizeof(*error));
	error->column = -1;
	opening->context = context;
	opening->target = target;
	opening->type = ch_driver_type(call->driver, target->connector->type);
	opening->reset.func = release;
	opening->reset.arg = opening;
	MemoryContextRegisterResetCallback(context, &opening->reset);
	PG_TRY();
	{
		if (opening->type != NULL)
			status = prepare(opening, error);
		else
			ch_error_set(error, CONNHUB_CONFIG, "driver \"%s\" does not serve connector type \"%s\"",
						 call->driver->name, target->connector->type);
	}
	PG_FINALLY();
	{
		MemoryContextSwitchTo(old);
		if (status != CONNHUB_OK)
			ch_opening_end(opening, NULL);
	}
	PG_END_TRY();
	return status == CONNHUB_OK ? opening : NULL;
}

const char *
ch_opening_host(const ChConnector *connector, const ConnhubTypeSpec *type)
{
	const char *first;

	if ((type->flags & (CONNHUB_TYPE_FILE | CONNHUB_TYPE_NEEDS_HOST)) != CONNHUB_TYPE_NEEDS_HOST)
		return NULL;
	first = ch_tunnel_host(connector);
	if (first != NULL)
		return first;
	return ch_host_is_socket(connector->host) ? NULL : connector->host;
}

/* Does not throw, so that a connection is never lost between being opened and being handed out. */
ConnhubStatus
ch_opening_start(ChCall *call, ChOpening *opening, ConnhubConn **handle, ConnhubError *error)
{
	ConnhubStatus status;

	*handle = NULL;
	if (!AcquireExternalFD())
	{
		ch_error_set(error, CONNHUB_BUSY, "this session has too many files and connections open");
		strlcpy(error->hint, "Raise max_files_per_process, or use fewer connectors in one session.",
				sizeof(error->hint));
		return CONNHUB_BUSY;
	}
	status = ch_call_open(call, &opening->config, handle, error);
	if (status != CONNHUB_OK)
		ReleaseExternalFD();
	return status;
}

void
ch_opening_end(ChOpening *opening, const ConnhubConn *handle)
{
	if (opening == NULL)
		return;
	if (handle != NULL && opening->tunnel != NULL)
	{
		ch_tunnel_attach(opening->tunnel, handle);
		opening->tunnel = NULL;
	}
	for (int i = 0; opening->secret != NULL && i < opening->secret->nfields; i++)
		ch_redact_forget(opening->secret->fields[i].value);
	opening->has_ended = true;
	MemoryContextDelete(opening->context);
}

ConnhubStatus
ch_opening_run(ChCall *call, ChOpening *opening, ConnhubConn **handle, ChPhaseTimes *times, ConnhubError *error)
{
	MemoryContext old = MemoryContextSwitchTo(opening->context);
	ChDeadline	deadline;
	ChWaitKind	shown;
	volatile ConnhubStatus status = CONNHUB_INTERNAL;

	*handle = NULL;
	memset(error, 0, sizeof(*error));
	error->column = -1;
	ch_phases_begin(times);
	ch_deadline_begin(&deadline, opening->config.connect_timeout_ms);
	shown = ch_wait_show(CH_WAIT_CONNECT);
	PG_TRY();
	{
		status = ch_opening_find(opening, NULL, error);
		if (status == CONNHUB_OK)
			status = open_by_steps(call, opening, handle, error);
	}
	PG_FINALLY();
	{
		ConnhubPhase last = ch_phases_end();

		ch_deadline_end(&deadline);
		ch_wait_show(shown);
		if (status != CONNHUB_OK && error->phase == CONNHUB_PHASE_NONE)
			error->phase = last;
		/* While the secrets are known: the text is shown when they are not any more. */
		if (status != CONNHUB_OK)
			ch_error_tidy(error);
		MemoryContextSwitchTo(old);
		ch_opening_end(opening, *handle);
	}
	PG_END_TRY();
	return status;
}

ConnhubStatus
ch_open(ChCall *call, const ChTarget *target, ConnhubConn **handle, ChPhaseTimes *times, ConnhubError *error)
{
	ChOpening  *opening = ch_opening_prepare(call, target, error);

	*handle = NULL;
	return opening == NULL ? error->status : ch_opening_run(call, opening, handle, times, error);
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

static char *
copy(const char *text)
{
	return text != NULL ? pstrdup(text) : NULL;
}

/* Go on with another secret, unless it is NULL; the one before is wiped with the opening, or is its caller's. */
static void
use_secret(ChOpening *opening, ChSecret *secret)
{
	if (secret != NULL)
		opening->secret = secret;
}

/* What stands outside is fetched with the rights of whoever the connector belongs to. */
static void
resolve_references(ChOpening *opening)
{
	const ChConnector *connector = opening->target->connector;

	use_secret(opening, ch_kept_open(opening->secret, &connector->tenant_id));
	use_secret(opening, ch_reference_resolve(opening->secret, &connector->tenant_id, connector->owner));
}

/* Everything is copied: the cached connector may change while we wait. */
static ConnhubStatus
prepare(ChOpening *opening, ConnhubError *error)
{
	const ChTarget *target = opening->target;
	const ChConnector *connector = target->connector;
	ConnhubConfig *config = &opening->config;
	ConnhubStatus status;

	config->struct_size = sizeof(*config);
	config->connect_timeout_ms = ch_connector_option_ms(connector, "connect_timeout");
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
		opening->secret = ch_vault_open(&connector->tenant_id, &connector->id);
	resolve_references(opening);
	for (int i = 0; i < opening->secret->nfields; i++)
		ch_redact_remember(opening->secret->fields[i].value);
	config->password = ch_vault_field(opening->secret, "password");

	status = prepare_options(opening, error);
	if (status == CONNHUB_OK && (opening->type->flags & CONNHUB_TYPE_TLS))
		status = prepare_tls(opening, error);
	if (status == CONNHUB_OK && (opening->type->flags & CONNHUB_TYPE_NEEDS_HOST))
		status = ch_tunnel_plan(connector, opening->secret, config->host, config->port, &opening->plan, error);
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
prepare_place(ChOpening *opening, ConnhubError *error)
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
	if (opening->plan == NULL && ch_host_is_socket(config->host))
		return ch_netpolicy_socket(user, config->host, error);
	opening->is_unrestricted = ch_netpolicy_is_unrestricted(user);
	return CONNHUB_OK;
}

/* Whom this machine connects to: the source, or the first machine of a tunnel. */
ConnhubStatus
ch_opening_find(ChOpening *opening, const ChAddresses *known, ConnhubError *error)
{
	ConnhubConfig *config = &opening->config;
	ChAddresses *addresses = opening->plan != NULL ? &opening->plan->addresses : &opening->addresses;
	const char *host = opening->plan != NULL ? ch_tunnel_first_host(opening->plan) : config->host;
	ConnhubStatus status = CONNHUB_OK;

	if ((opening->type->flags & CONNHUB_TYPE_NEEDS_HOST) == 0 || (opening->type->flags & CONNHUB_TYPE_FILE) != 0 ||
		(opening->plan == NULL && ch_host_is_socket(host)))
		return CONNHUB_OK;
	ch_phases_enter(CONNHUB_PHASE_DNS);
	if (known != NULL)
		*addresses = *known;
	else
		status = ch_resolve(host, addresses, error);
	if (status == CONNHUB_OK && !opening->is_unrestricted)
		status = ch_netpolicy_addresses(host, addresses, error);
	if (status != CONNHUB_OK)
		return status;
	ch_phases_enter(CONNHUB_PHASE_NONE);
	for (int i = 0; i < opening->addresses.count; i++)
		opening->address_list[i] = opening->addresses.text[i];
	config->addresses = opening->address_list;
	config->naddresses = opening->addresses.count;
	return CONNHUB_OK;
}

/* PEM text as a file without a name, which ends with its descriptor. */
static ConnhubStatus
pem_file(ChOpening *opening, const char *name, const char *text, const char **path, ConnhubError *error)
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
option_value(ChOpening *opening, const ConnhubOptionSpec *spec, const char **value, ConnhubError *error)
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
prepare_options(ChOpening *opening, ConnhubError *error)
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
prepare_tls(ChOpening *opening, ConnhubError *error)
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

/* Open the tunnel, if there is to be one; the driver is sent to this end of it. */
ConnhubStatus
ch_opening_step(ChOpening *opening, ConnhubWait *wait, ConnhubError *error)
{
	static const char *const local[] = {"127.0.0.1"};
	ChTunnelPlan *plan = opening->plan;
	ConnhubStatus status;

	if (plan != NULL)
	{
		ch_phases_enter(CONNHUB_PHASE_TUNNEL);
		opening->plan = NULL;
		status = ch_tunnel_begin(plan, &opening->tunnel, error);
		if (status != CONNHUB_OK)
			return status;
	}
	if (opening->tunnel == NULL)
		return CONNHUB_OK;
	status = ch_tunnel_step(opening->tunnel, wait, error);
	if (status != CONNHUB_OK)
		return status;
	ch_phases_enter(CONNHUB_PHASE_NONE);
	opening->config.addresses = local;
	opening->config.naddresses = lengthof(local);
	opening->config.port = ch_tunnel_port(opening->tunnel);
	return CONNHUB_OK;
}

/* Wait as the driver or the tunnel says: OK when it is to be called again. */
static ConnhubStatus
wait_for_step(const ChOpening *opening, const ConnhubWait *wait, ConnhubError *error)
{
	ConnhubStatus status = ch_wait(wait->fd, wait->events, wait->timeout_ms);

	/* It asked to be called again by then; the deadline is another matter. */
	if (status == CONNHUB_TIMEOUT)
		status = ch_cancelled();
	if (status != CONNHUB_OK)
		ch_error_set(error, status, status == CONNHUB_TIMEOUT ?
					 "no connection within %lld ms" : "connecting was given up after at most %lld ms",
					 (long long) opening->config.connect_timeout_ms);
	return status;
}

static ConnhubStatus
open_by_steps(ChCall *call, ChOpening *opening, ConnhubConn **handle, ConnhubError *error)
{
	ConnhubStatus status;
	ConnhubWait wait;

	while ((status = ch_opening_step(opening, &wait, error)) == CONNHUB_WAIT)
	{
		status = wait_for_step(opening, &wait, error);
		if (status != CONNHUB_OK)
			break;
	}
	if (status == CONNHUB_OK)
		status = ch_opening_start(call, opening, handle, error);
	if (status != CONNHUB_OK)
		return status;
	while ((status = ch_call_step(call, *handle, &wait, error)) == CONNHUB_WAIT)
	{
		status = wait_for_step(opening, &wait, error);
		if (status != CONNHUB_OK)
			break;
	}
	if (status != CONNHUB_OK)
	{
		ch_close(call, *handle);
		*handle = NULL;
	}
	return status;
}
