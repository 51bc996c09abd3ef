#include "base/wait.h"
#include "base/clock.h"

#include <errno.h>
#include <poll.h>

bool wait_for(int fd, short events, int64_t deadline_ms)
{
    for (;;) {
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        struct pollfd pollfd = { .fd = fd, .events = events };
        int n = left_ms > 0 ? poll(&pollfd, 1, (int)left_ms) : 0;
        if (n == 0) {
            errno = ETIMEDOUT;
        }
        if (n >= 0 || errno != EINTR) {
            return n > 0;
        }
    }
}
