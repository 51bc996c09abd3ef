/* wait.h - waiting for a file descriptor until a deadline. A leaf; any thread. */
#ifndef WAIT_H
#define WAIT_H

#include <stdbool.h>
#include <stdint.h>

/* Until one of poll's events is there; false leaves the reason in errno: ETIMEDOUT at the deadline,
 * a time of clock_monotonic_ms. */
bool wait_for(int fd, short events, int64_t deadline_ms);

#endif
