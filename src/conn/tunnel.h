/* conn/tunnel.h — the way to a source that leads through an SSH server or a proxy. */
#ifndef CH_CONN_TUNNEL_H
#define CH_CONN_TUNNEL_H

#include "catalog/cat_connector.h"
#include "conn/tunnel_plan.h"
#include "vault/vault.h"

typedef struct ChTunnel ChTunnel;

/* What the connector's options say; *plan is NULL when they ask for no tunnel.  Everything is copied.  host and port
 * are the source's. */
extern ConnhubStatus ch_tunnel_plan(const ChConnector *connector, const ChSecret *secret, const char *host, uint16 port,
									ChTunnelPlan **plan, ConnhubError *error);

/* Whom this machine connects to: its addresses are looked up, vetted and stored in plan->addresses. */
extern const char *ch_tunnel_first_host(const ChTunnelPlan *plan);

/* The same before there is a plan; NULL when the connector asks for no tunnel, or not in words that make a plan. */
extern const char *ch_tunnel_host(const ChConnector *connector);

/* Begin to open it; does not wait.  The plan is the tunnel's from now on, whatever comes. */
extern ConnhubStatus ch_tunnel_begin(ChTunnelPlan *plan, ChTunnel **tunnel, ConnhubError *error);

/* OK: it is open.  WAIT: wait as *wait says and ask again.  Else it failed. */
extern ConnhubStatus ch_tunnel_step(ChTunnel *tunnel, ConnhubWait *wait, ConnhubError *error);

/* Where the driver is sent: this port of 127.0.0.1. */
extern uint16 ch_tunnel_port(const ChTunnel *tunnel);

/* The driver's connection is open: the tunnel ends with it. */
extern void ch_tunnel_attach(ChTunnel *tunnel, const ConnhubConn *handle);

/* End it, or the one of a connection that has been closed; without one nothing happens.  Does not throw, does not wait. */
extern void ch_tunnel_end(ChTunnel *tunnel);
extern void ch_tunnel_end_of(const ConnhubConn *handle);

#endif
