/* common/clock.c — the real clock.  It never runs backwards and is safe in a signal handler. */
#include "postgres.h"

#include <time.h>

#include "common/clock.h"

static int64
monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64
monotonic_ms(void)
{
	return monotonic_us() / 1000;
}

static const ChClock monotonic_clock = {
	.now_ms = monotonic_ms,
	.now_us = monotonic_us,
};

const ChClock *ch_clock = &monotonic_clock;
