/* conn/tunnel_plan.h — where a tunnel leads and how: what the backend hands to its thread.
 *
 * All of it is malloc'ed, because the thread outlives memory contexts.  Text is the plan's own. */
#ifndef CH_CONN_TUNNEL_PLAN_H
#define CH_CONN_TUNNEL_PLAN_H

#include "conn/resolve.h"
#include "conn/tunnel_pin.h"
#include "conn/tunnel_proxy.h"

typedef struct ChTunnelPlan
{
	/* Whom this machine connects to: the proxy if there is one, else the SSH server. */
	ChAddresses addresses;
	uint16_t	port;

	ChProxyUrl	proxy;			/* kind CH_PROXY_NONE: none */
	char	   *proxy_username; /* NULL: none */
	char	   *proxy_password;

	char	   *ssh_host;		/* NULL: none */
	uint16_t	ssh_port;
	char	   *ssh_user;
	char	   *ssh_password;	/* NULL: none; so are the next three */
	char	   *ssh_key;
	char	   *ssh_passphrase;
	char	   *ssh_agent;		/* its socket */
	bool		has_pins;
	ChPins		pins;

	/* Whom the driver wants to reach; a name is resolved at the far end. */
	char	   *host;
	uint16_t	host_port;

	int64_t		timeout_ms;		/* for the way there; 0: none of its own */
	int			keepalive_s;	/* 0: none */
} ChTunnelPlan;

/* Wipe what only logging in to the SSH server needs. */
extern void ch_tunnel_plan_wipe_ssh(ChTunnelPlan *plan);

/* Wipe and free it; NULL is allowed. */
extern void ch_tunnel_plan_free(ChTunnelPlan *plan);

#endif
