/* common/offload.h — a call in a thread of its own: ConnhubHost.offload. */
#ifndef CH_COMMON_OFFLOAD_H
#define CH_COMMON_OFFLOAD_H

#include "connhub/driver.h"

/* As ConnhubHost.offload: OK, or TIMEOUT or CANCELLED when fn goes on alone and owns arg, or NO_MEMORY
 * when it was not started.  Does not throw. */
extern ConnhubStatus ch_offload(void (*fn) (void *arg), void *arg, int64 wait_ms);

/* Start fn(arg) and go on: a descriptor that becomes readable when it has ended, to be closed by the caller at any
 * time; -1: it was not started.  The thread owns arg.  Does not throw. */
extern int	ch_offload_begin(void (*fn) (void *arg), void *arg);

/* Threads that run now. */
extern int	ch_offload_running(void);

/* Run fn(arg) likewise and do not wait for it: fn tells whoever wants to know.  False: it was not started. */
extern bool ch_offload_start(void (*fn) (void *arg), void *arg);

#endif
