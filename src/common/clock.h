/* common/clock.h — monotonic time, behind a table so that tests own it. */
#ifndef CH_COMMON_CLOCK_H
#define CH_COMMON_CLOCK_H

typedef struct ChClock
{
	int64		(*now_ms) (void);
	int64		(*now_us) (void);
} ChClock;

extern const ChClock *ch_clock;

#endif
