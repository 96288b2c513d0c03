/* conn/tunnel.c — the way to a source that leads through an SSH server or a proxy.
 *
 * The backend's side: options become a plan, a thread carries it out, and the driver is sent to the thread's local port.
 * Names behind the first machine are not resolved here, and addresses behind it are not held against the network policy:
 * they are that machine's, and whoever may use it decides.  A tunnel is found again by the handle of the
 * connection it was opened for, and ends with it. */
#include "postgres.h"

#include <unistd.h>

#include "lib/ilist.h"
#include "storage/fd.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/offload.h"
#include "conn/netpolicy.h"
#include "conn/tunnel.h"
#include "conn/tunnel_pump.h"
#include "driver/call.h"

/* Listener, two signals, the far side, the driver's connection and that of a cancel. */
#define TUNNEL_FDS 6

#define MARGIN_MS 1000

struct ChTunnel
{
	dlist_node	node;
	ChPump	   *pump;
	const ConnhubConn *handle;	/* NULL: not attached */
};

static dlist_head tunnels = DLIST_STATIC_INIT(tunnels);

/* ---- Plan -------------------------------------------------------------------------------- */

static ConnhubStatus
bad_plan(ConnhubError *error, const char *what, const char *hint)
{
	ch_error_set(error, CONNHUB_CONFIG, "%s", what);
	strlcpy(error->hint, hint, sizeof(error->hint));
	return CONNHUB_CONFIG;
}

static bool
option_is_set(const char *value)
{
	return value != NULL && value[0] != '\0';
}

/* *to stays NULL for what is not set.  False: no memory. */
static bool
take(char **to, const char *value)
{
	if (!option_is_set(value))
		return true;
	*to = strdup(value);
	return *to != NULL;
}

static ConnhubStatus
no_memory(ConnhubError *error)
{
	ch_error_set(error, CONNHUB_NO_MEMORY, "out of memory");
	return CONNHUB_NO_MEMORY;
}

static ConnhubStatus
plan_proxy(ChTunnelPlan *plan, const ChConnector *connector, const ChSecret *secret, ConnhubError *error)
{
	const char *url = ch_connector_option(connector, "proxy_url");
	const char *problem;

	if (!option_is_set(url))
		return CONNHUB_OK;
	if (!ch_proxy_url_parse(url, &plan->proxy, &problem))
		return bad_plan(error, psprintf("option \"proxy_url\" %s", problem),
						"For example http://proxy.example.com:3128 or socks5://proxy.example.com:1080.");
	if (!take(&plan->proxy_username, ch_connector_option(connector, "proxy_username")) ||
		!take(&plan->proxy_password, ch_vault_field(secret, "proxy_password")))
		return no_memory(error);
	if (plan->proxy_password != NULL && plan->proxy_username == NULL)
		return bad_plan(error, "proxy_password is set and proxy_username is not", "Set both, or none.");
	plan->port = plan->proxy.port;
	return CONNHUB_OK;
}

static ConnhubStatus
plan_ssh_login(ChTunnelPlan *plan, const ChConnector *connector, const ChSecret *secret, ConnhubError *error)
{
	const char *agent = ch_connector_option(connector, "ssh_agent");

	if (!take(&plan->ssh_user, ch_connector_option(connector, "ssh_user")) ||
		!take(&plan->ssh_password, ch_vault_field(secret, "ssh_password")) ||
		!take(&plan->ssh_key, ch_vault_field(secret, "ssh_private_key")) ||
		!take(&plan->ssh_passphrase, ch_vault_field(secret, "ssh_passphrase")))
		return no_memory(error);
	if (plan->ssh_user == NULL)
		return bad_plan(error, "option \"ssh_user\" is not set", "An SSH tunnel needs ssh_host, ssh_user and ssh_host_key.");
	if (agent != NULL && strcmp(agent, "true") == 0)
	{
		if (!option_is_set(getenv("SSH_AUTH_SOCK")))
			return bad_plan(error, "there is no SSH agent",
							"The server must have been started with SSH_AUTH_SOCK in its environment.");
		if (!take(&plan->ssh_agent, getenv("SSH_AUTH_SOCK")))
			return no_memory(error);
	}
	if (plan->ssh_password == NULL && plan->ssh_key == NULL && plan->ssh_agent == NULL)
		return bad_plan(error, "there is nothing to log in to the SSH server with",
						"Store ssh_private_key or ssh_password with connhub.set_credentials, or set ssh_agent.");
	return CONNHUB_OK;
}

static ConnhubStatus
plan_ssh(ChTunnelPlan *plan, const ChConnector *connector, const ChSecret *secret, ConnhubError *error)
{
	const char *host = ch_connector_option(connector, "ssh_host");
	const char *port = ch_connector_option(connector, "ssh_port");
	const char *pins = ch_connector_option(connector, "ssh_host_key");

	if (!option_is_set(host))
		return CONNHUB_OK;
	if (!ch_host_is_plain(host))
		return bad_plan(error, "option \"ssh_host\" is neither a host name nor an address", "Set ssh_host to one.");
	if (!take(&plan->ssh_host, host))
		return no_memory(error);
	plan->ssh_port = port != NULL ? atoi(port) : 22;
	if (plan->proxy.kind == CH_PROXY_NONE)
		plan->port = plan->ssh_port;
	plan->has_pins = option_is_set(pins);
	if (plan->has_pins && !ch_pins_parse(pins, &plan->pins))
		return bad_plan(error, "option \"ssh_host_key\" is no host key",
						"It is a fingerprint as ssh-keygen -l prints it, \"SHA256:...\", or a line of a known_hosts file.");
	return plan_ssh_login(plan, connector, secret, error);
}

ConnhubStatus
ch_tunnel_plan(const ChConnector *connector, const ChSecret *secret, const char *host, uint16 port,
			   ChTunnelPlan **plan, ConnhubError *error)
{
	int64		own_ms = ch_connector_option_ms(connector, "tunnel_timeout");
	int64		connect_ms = ch_connector_option_ms(connector, "connect_timeout");
	int64		keepalive_ms = ch_connector_option_ms(connector, "tunnel_keepalive");
	ChTunnelPlan *made;
	ConnhubStatus status;

	*plan = NULL;
	if (!option_is_set(ch_connector_option(connector, "ssh_host")) &&
		!option_is_set(ch_connector_option(connector, "proxy_url")))
		return CONNHUB_OK;
	if (ch_host_is_socket(host))
		return bad_plan(error, "a tunnel leads to a host, and not to a local socket", "Give the connector a host.");
	if (!ch_host_is_plain(host))
		return bad_plan(error, "the host is neither a host name nor an address", "Correct the host of the connector.");
	made = calloc(1, sizeof(ChTunnelPlan));
	if (made == NULL)
		return no_memory(error);
	made->host_port = port;
	/* Where it has no time of its own, that of the whole opening ends first, and tells. */
	made->timeout_ms = own_ms > 0 && (connect_ms <= 0 || own_ms < connect_ms) ? own_ms :
		connect_ms > 0 ? connect_ms + MARGIN_MS : 0;
	made->keepalive_s = keepalive_ms > 0 ? Max(keepalive_ms / 1000, 1) : 0;
	status = take(&made->host, host) ? CONNHUB_OK : no_memory(error);
	if (status == CONNHUB_OK)
		status = plan_proxy(made, connector, secret, error);
	if (status == CONNHUB_OK)
		status = plan_ssh(made, connector, secret, error);
	if (status != CONNHUB_OK)
	{
		ch_tunnel_plan_free(made);
		return status;
	}
	*plan = made;
	return CONNHUB_OK;
}

const char *
ch_tunnel_first_host(const ChTunnelPlan *plan)
{
	return plan->proxy.kind != CH_PROXY_NONE ? plan->proxy.host : plan->ssh_host;
}

const char *
ch_tunnel_host(const ChConnector *connector)
{
	const char *url = ch_connector_option(connector, "proxy_url");
	const char *host = ch_connector_option(connector, "ssh_host");
	const char *problem;
	ChProxyUrl *proxy;

	if (!option_is_set(url))
		return option_is_set(host) ? host : NULL;
	proxy = palloc(sizeof(ChProxyUrl));
	return ch_proxy_url_parse(url, proxy, &problem) ? proxy->host : NULL;
}

/* ---- Tunnel ------------------------------------------------------------------------------ */

static void
release_fds(int count)
{
	for (int i = 0; i < count; i++)
		ReleaseExternalFD();
}

static ConnhubStatus
acquire_fds(ConnhubError *error)
{
	for (int i = 0; i < TUNNEL_FDS; i++)
	{
		if (!AcquireExternalFD())
		{
			release_fds(i);
			ch_error_set(error, CONNHUB_BUSY, "this session has too many files and connections open");
			strlcpy(error->hint, "Raise max_files_per_process, or use fewer connectors in one session.",
					sizeof(error->hint));
			return CONNHUB_BUSY;
		}
	}
	return CONNHUB_OK;
}

ConnhubStatus
ch_tunnel_begin(ChTunnelPlan *plan, ChTunnel **tunnel, ConnhubError *error)
{
	ChTunnel   *made = calloc(1, sizeof(ChTunnel));
	ConnhubStatus status = made != NULL ? acquire_fds(error) : no_memory(error);

	*tunnel = NULL;
	if (status != CONNHUB_OK)
	{
		ch_tunnel_plan_free(plan);
		free(made);
		return status;
	}
	made->pump = ch_pump_create(plan, &ch_call_running);
	if (made->pump == NULL)
		ch_tunnel_plan_free(plan);
	else if (ch_offload_start(ch_pump_run, made->pump))
	{
		dlist_push_tail(&tunnels, &made->node);
		*tunnel = made;
		return CONNHUB_OK;
	}
	else
	{
		ch_pump_release(made->pump);
		ch_pump_release(made->pump);
	}
	release_fds(TUNNEL_FDS);
	free(made);
	ch_error_set(error, CONNHUB_NO_MEMORY, "could not start a tunnel: no thread, memory or file descriptor is left");
	return CONNHUB_NO_MEMORY;
}

ConnhubStatus
ch_tunnel_step(ChTunnel *tunnel, ConnhubWait *wait, ConnhubError *error)
{
	switch ((ChPumpState) __atomic_load_n(&tunnel->pump->state, __ATOMIC_ACQUIRE))
	{
		case CH_PUMP_OPENING:
			break;
		case CH_PUMP_OPEN:
			return CONNHUB_OK;
		case CH_PUMP_FAILED:
			*error = tunnel->pump->error;
			error->column = -1;
			error->phase = CONNHUB_PHASE_TUNNEL;
			return error->status;
	}
	wait->fd = tunnel->pump->ready_fd;
	wait->events = CONNHUB_READABLE;
	wait->timeout_ms = -1;
	return CONNHUB_WAIT;
}

uint16
ch_tunnel_port(const ChTunnel *tunnel)
{
	return tunnel->pump->port;
}

void
ch_tunnel_attach(ChTunnel *tunnel, const ConnhubConn *handle)
{
	tunnel->handle = handle;
	__atomic_store_n(&tunnel->pump->is_opening, 0, __ATOMIC_RELEASE);
}

void
ch_tunnel_end(ChTunnel *tunnel)
{
	uint64		one = 1;

	if (tunnel == NULL)
		return;
	dlist_delete(&tunnel->node);
	(void) !write(tunnel->pump->stop_fd, &one, sizeof(one));
	ch_pump_release(tunnel->pump);
	free(tunnel);
	release_fds(TUNNEL_FDS);
}

void
ch_tunnel_end_of(const ConnhubConn *handle)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &tunnels)
	{
		ChTunnel   *tunnel = dlist_container(ChTunnel, node, iter.cur);

		if (tunnel->handle == handle)
			ch_tunnel_end(tunnel);
	}
}
