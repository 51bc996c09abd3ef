#include "failing_system.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

_Atomic bool disk_fails;
_Atomic int folder_syncs_left = INT_MAX;
_Atomic int64_t set_back_s;
void (*while_syncing)(void);

static bool is_session_file(int fd)
{
    char link[64], path[256] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    (void)!readlink(link, path, sizeof path - 1);
    return strstr(path, ".pool") != NULL;
}

int fdatasync(int fd)
{
    bool is_ours = is_session_file(fd);
    if (is_ours && disk_fails) {
        errno = EIO;
        return -1;
    }
    if (is_ours && while_syncing) {
        while_syncing();
    }
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    char link[64], path[256] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n > 9 && strcmp(path + n - 9, "/sessions") == 0 && folder_syncs_left-- <= 0) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    time->tv_sec -= clock == CLOCK_REALTIME ? set_back_s : 0;
    return result;
}
