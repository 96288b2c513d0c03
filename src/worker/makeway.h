/* worker/makeway.h — workers give way to whoever wants a database for himself. */
#ifndef CH_WORKER_MAKEWAY_H
#define CH_WORKER_MAKEWAY_H

extern void ch_makeway_init(void);

#endif
