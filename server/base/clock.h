/*
 * clock.h - the two clocks of the process: the monotonic one measures how long something takes and
 * when it is due, the wall clock says when something happened. Nothing else in server/ reads a
 * clock. A leaf; any thread.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>
#include <time.h>

/* Never goes back, even if somebody sets the wall clock. */
static inline int64_t clock_monotonic_ns(void)
{
    struct timespec now = { 0 };
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
int64_t clock_monotonic_us(void);
int64_t clock_monotonic_ms(void);

/* Since 1970, in UTC. */
int64_t clock_wall_ms(void);

#endif
