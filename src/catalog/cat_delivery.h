/* catalog/cat_delivery.h — events on their way to channels.
 *
 * A delivery is queued by the transaction of its event.  Whoever sends it claims it first, for a time: when the sender
 * dies, another one claims it again.  So each is sent at least once. */
#ifndef CH_CATALOG_CAT_DELIVERY_H
#define CH_CATALOG_CAT_DELIVERY_H

#include "nodes/pg_list.h"
#include "utils/timestamp.h"

#include "catalog/cat_channel.h"
#include "catalog/cat_event.h"

typedef struct ChDelivery
{
	int64		id;
	int64		event_id;
	int			attempts;		/* this one included */
	ChChannel  *channel;
	pg_uuid_t	tenant_id;		/* of the event, as all that follows */
	bool		has_connector;
	pg_uuid_t	connector_id;
	char	   *connector;		/* its name; NULL: none */
	char	   *kind;
	char	   *severity;
	char	   *message;
	char	   *detail;			/* indented JSON; NULL: nothing in it */
	char	   *document;		/* all of it as a JSON object */
	TimestampTz occurred_at;
} ChDelivery;

/* Queue an event for every channel that wants it and whose owner may see it. */
extern void ch_delivery_queue(int64 event_id, const ChEvent *event);

/* Claim deliveries that are due, at most `most`, and at most per_channel of one channel, for lease_ms.  Those whose sender
 * was lost in the last of max_attempts are given up instead.  A list of ChDelivery in the current memory context. */
extern List *ch_delivery_claim(int most, int per_channel, int max_attempts, int64 lease_ms);

/* What became of an attempt.  Nothing happens when the claim has lapsed and another sender has it.  retry puts off whatever
 * else waits for the channel, which is not answering.  give_up records an event. */
extern void ch_delivery_finish(const ChDelivery *delivery);
extern void ch_delivery_retry(const ChDelivery *delivery, const char *error, int64 delay_ms);
extern void ch_delivery_give_up(const ChDelivery *delivery, const char *error);

#endif
