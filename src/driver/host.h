/* driver/host.h — the services given to drivers. */
#ifndef CH_DRIVER_HOST_H
#define CH_DRIVER_HOST_H

#include "connhub/driver.h"

/* The one table; lives as long as the process. */
extern const ConnhubHost *ch_host_get(void);

/* Who is told of ConnhubHost.phase while an open or a check runs; NULL: nobody. */
typedef void (*ChPhaseListener) (ConnhubPhase phase, void *arg);
extern void ch_host_listen(ChPhaseListener listener, void *arg);

#endif
