/* fail.h — filling a ConnhubError.
 *
 * The core hands every slot a cleared error, so only what differs from that is written. */
#ifndef CONNHUB_COMMON_FAIL_H
#define CONNHUB_COMMON_FAIL_H

#include "connhub/driver.h"

/* Set status and message, and that no column is meant.  Returns status, so that a slot may end with
 * "return fail_as(…)". */
extern ConnhubStatus fail_as(ConnhubError *error, ConnhubStatus status, const char *format,...)
			CONNHUB_PRINTF(3, 4);

extern ConnhubStatus fail_no_memory(ConnhubError *error);

/* Sentences beside the message; the hint says what to do. */
extern void fail_detail(ConnhubError *error, const char *format,...) CONNHUB_PRINTF(2, 3);
extern void fail_hint(ConnhubError *error, const char *format,...) CONNHUB_PRINTF(2, 3);

#endif							/* CONNHUB_COMMON_FAIL_H */
