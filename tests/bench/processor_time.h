/*
 * processor_time.h - the processor time of another process, from /proc. Owns nothing; any thread
 * may call it.
 */
#ifndef PROCESSOR_TIME_H
#define PROCESSOR_TIME_H

#include <stdbool.h>
#include <stdint.h>

struct processor_time {
    double seconds; /* of all threads that run now; exact */
    uint64_t user_ticks, ticks;
};

/* False, with errno: the process cannot be read. */
bool processor_time_read(int pid, struct processor_time *ret_time);

/*
 * How much of the time between the two was spent in user space, 0 to 1. The kernel samples this
 * (250 times a second on most machines) and reports it in hundredths of a second: one round says
 * little, the mean over many is good to a few hundredths.
 */
double processor_time_user_share(const struct processor_time *before,
                                 const struct processor_time *after);

#endif
