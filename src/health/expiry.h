/* health/expiry.h — certificates that are about to end. */
#ifndef CH_HEALTH_EXPIRY_H
#define CH_HEALTH_EXPIRY_H

/* Record an event for each certificate stored with a connector that ends within connhub.expiry_warning_days or has ended,
 * once for either; the number of events.  Connectors that are disabled or in maintenance are left for later.  Part of the
 * running transaction; waits for nothing. */
extern int64 ch_expiry_check(void);

#endif
