/* health/notify.h — sends events to channels. */
#ifndef CH_HEALTH_NOTIFY_H
#define CH_HEALTH_NOTIFY_H

#include "catalog/cat_channel.h"
#include "connhub/driver.h"

/* Send what is due, until nothing is; the number of attempts.  Called outside any transaction, in a memory context
 * that lasts: works between short ones, and holds none while it waits for the network.  What a receiver does is recorded,
 * never an error. */
extern int64 ch_notify_deliver_due(void);

/* Send a test message now, within the running transaction.  OK, or why not; *elapsed_ms is how long it took.  Throws when
 * the channel cannot be used as it is. */
extern ConnhubStatus ch_notify_test(ChChannel *channel, ConnhubError *error, double *elapsed_ms);

#endif
