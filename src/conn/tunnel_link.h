/* conn/tunnel_link.h — a socket to the first machine on the way, and through a proxy if there is one.  In a tunnel's thread. */
#ifndef CH_CONN_TUNNEL_LINK_H
#define CH_CONN_TUNNEL_LINK_H

#include "conn/tunnel_plan.h"

typedef struct ChLink
{
	const ChTunnelPlan *plan;
	int			fd;				/* -1: none */
	bool		is_connected;	/* to the first machine */
	int			address;		/* of the plan's, the one being tried */
	int64_t		address_until_ms;
	int64_t		address_ms;		/* for each but the last */
	ChProxyTalk talk;
} ChLink;

extern int64_t ch_link_now_ms(void);

extern void ch_link_begin(ChLink *link, const ChTunnelPlan *plan);

/* Go on: OK, WAIT (for link->fd and ch_link_events, at the latest until address_until_ms), or a failure. */
extern ConnhubStatus ch_link_step(ChLink *link, ConnhubError *error);
extern short ch_link_events(const ChLink *link);

/* Close the socket, unless somebody has taken it and set it to -1. */
extern void ch_link_end(ChLink *link);

#endif
