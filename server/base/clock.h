/*
 * clock.h - the clocks of the process. Nothing else in server/ reads a clock. A leaf; any thread,
 * but where it says otherwise.
 *
 *     monotonic   measures how long something takes and when it is due
 *     steady      says when something happened, to be kept and compared: idle times, jobs
 *     wall        what people read, and may be set at any time
 *
 * The steady clock began as the wall clock and goes on at the same pace, also while the machine is
 * suspended, but never jumps: not when the wall clock is set, and not from one start to the next
 * (store/clock_file.h). A steady time is shown as clock_wall_of it.
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

int64_t clock_steady_ms(void);
/* By the wall clock as it is set now; and the other way round. */
int64_t clock_wall_of(int64_t steady_ms);
int64_t clock_steady_of(int64_t wall_ms);
/* The seconds by which the wall clock was set since the last call, 0: it was not. The main thread's
 * alone. */
int64_t clock_note_jump(void);

/* What the next process needs to go on with the steady clock. */
struct clock_state {
    int64_t steady_ms;
    int64_t boot_ms;      /* since the machine was started, at that moment */
    int64_t wall_ahead_s; /* of the steady clock */
};
struct clock_state clock_read_state(void);
/* Before other threads read the clock: it is `steady_ms` now, and the wall clock was that much
 * ahead when it was last looked at. */
void clock_set_steady(int64_t steady_ms, int64_t wall_ahead_s);

#endif
