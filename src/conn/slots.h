/* conn/slots.h — places in the pool of a connector: pool_size over all processes.
 *
 * A connection that is opened takes a place, and gives it back when it is closed.  Where none is free, an idle
 * connection of another process is asked for, and the wait is bounded.  Without shared memory nobody else is known, so
 * there is nothing to wait for. */
#ifndef CH_CONN_SLOTS_H
#define CH_CONN_SLOTS_H

#include "conn/shared.h"

/* What to do when no place is free. */
typedef enum ChSlotWish
{
	CH_SLOT_WAIT,				/* wait, at most pool_timeout; then throw POOL_EXHAUSTED */
	CH_SLOT_BEYOND,				/* take one beyond pool_size: this transaction holds a connection it cannot give up */
	CH_SLOT_NOW					/* do without */
} ChSlotWish;

/* A place taken; all zero: none. */
typedef struct ChPlace
{
	ChShared   *shared;
	struct ChHold *hold;		/* NULL: not counted */
	bool		is_idle;
} ChPlace;

/* Take a place.  False only for CH_SLOT_NOW.  Throws; interrupts are served. */
extern bool ch_slot_take(ChPlace *place, ChShared *shared, const ChConnector *connector, ChSlotWish wish);

/* Give it back, if there is one.  Does not throw; safe when the process exits, too. */
extern void ch_slot_give(ChPlace *place);

/* Its connection is idle now, or in use. */
extern void ch_slot_set_idle(ChPlace *place, bool is_idle);

/* Should it be given back once it is idle, because somebody waits? */
extern bool ch_slot_is_wanted(const ChPlace *place);

/* How many connections are idle in the pool that this is a copy of. */
extern int	ch_slot_count_idle(const ChShared *copy);

extern void ch_slots_init(void);

#endif
