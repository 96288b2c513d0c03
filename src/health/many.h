/* health/many.h — tests of hundreds of connectors at once, in one process with one wait. */
#ifndef CH_HEALTH_MANY_H
#define CH_HEALTH_MANY_H

#include "health/history.h"

typedef struct ChMany ChMany;

/* At most limit tests at once; fewer when this process may not have so many descriptors.  Lives in the current memory
 * context, which must last over transactions. */
extern ChMany *ch_many_create(int limit);

/* How many more may be added now, and how many are under way. */
extern int	ch_many_room(const ChMany *many);
extern int	ch_many_active(const ChMany *many);

/* Test a connector.  One whose driver can only block must be the only one. */
extern void ch_many_add(ChMany *many, const pg_uuid_t *id);

/* Move everything on that can be moved, and if there is nothing, wait up to timeout_ms (< 0: for ever) for a source or the
 * latch.  Called outside any transaction: opens short ones to read connectors and credentials, and holds none
 * while it waits.  Returns how many tests have ended and not been taken.  Throws for local causes only. */
extern int	ch_many_step(ChMany *many, int64 timeout_ms);

/* Take up to count of the tests that have ended. */
extern int	ch_many_take(ChMany *many, ChCheck *checks, int count);

/* Test one connector, whatever its driver, and record what was found; outside any transaction.  Throws for local
 * causes, and when the outcome could not be recorded because the connector is being changed. */
extern void ch_many_test_one(const pg_uuid_t *id);

/* Give up what is under way.  Does not throw. */
extern void ch_many_free(ChMany *many);

#endif
