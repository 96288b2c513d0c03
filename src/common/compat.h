/* common/compat.h — what differs between server versions. */
#ifndef CH_COMMON_COMPAT_H
#define CH_COMMON_COMPAT_H

/* Reserve a prefix of settings, so that a misspelt one is reported. */
extern void ch_compat_reserve_prefix(const char *prefix);

/* Is a query cancel, a termination or another request to end the statement pending? */
extern bool ch_compat_stop_pending(void);

/* Serve what may be served inside a wait: everything that neither throws nor ends the statement. */
extern void ch_compat_serve_barriers(void);

/* The wait event shown in pg_stat_activity while a source is waited for. */
extern uint32 ch_compat_wait_event(void);

/* A random number from 0 up to 1. */
extern double ch_compat_random(void);

#endif
