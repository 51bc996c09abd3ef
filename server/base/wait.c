#include "base/wait.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

int64_t clock_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t wait_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool wait_for(int fd, short events, int64_t deadline_ms)
{
    for (;;) {
        int64_t left_ms = deadline_ms - wait_now_ms();
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
