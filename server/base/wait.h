/* wait.h - waiting for a file descriptor, but not for ever. A leaf; any thread. */
#ifndef WAIT_H
#define WAIT_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds since 1970, by the wall clock. */
int64_t clock_now_ms(void);
/* Milliseconds of the monotonic clock. */
int64_t wait_now_ms(void);
/* Until one of poll's events is there; false leaves the reason in errno: ETIMEDOUT at the deadline.
 */
bool wait_for(int fd, short events, int64_t deadline_ms);

#endif
