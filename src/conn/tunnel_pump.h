/* conn/tunnel_pump.h — the thread of a tunnel, and what it shares with the backend. */
#ifndef CH_CONN_TUNNEL_PUMP_H
#define CH_CONN_TUNNEL_PUMP_H

#include "conn/tunnel_plan.h"

typedef enum ChPumpState
{
	CH_PUMP_OPENING = 0,
	CH_PUMP_OPEN,				/* the far end has answered */
	CH_PUMP_FAILED				/* it did not come up: error says why */
} ChPumpState;

/* malloc'ed; two references, the backend's and the thread's. */
typedef struct ChPump
{
	int			references;		/* atomic */
	int			state;			/* atomic: ChPumpState; error is complete when it says FAILED */
	int			is_opening;		/* atomic: the driver is opening its connection */
	const int  *drivers_running;	/* atomic: how many slots of drivers run in this process */
	int			listener;		/* on 127.0.0.1, for connections of this process alone */
	uint16_t	port;
	int			ready_fd;		/* readable once the state is no longer OPENING */
	int			stop_fd;		/* made readable by the backend */
	ChTunnelPlan *plan;
	ConnhubError error;
} ChPump;

/* Both references in one hand; the pump owns the plan.  NULL: no descriptor or memory is left, and the plan is still the
 * caller's. */
extern ChPump *ch_pump_create(ChTunnelPlan *plan, const int *drivers_running);
extern void ch_pump_release(ChPump *pump);

/* The thread: until it is told to stop.  Then it has a moment to deliver what the driver sent last. */
extern void ch_pump_run(void *arg);

#endif
