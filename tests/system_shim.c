/*
 * system_shim.c - preloaded into the real daemon: the wall clock, the random numbers and names as
 * the control page says (system_control.h). The rest goes to the kernel, or to libc.
 */
#include "system_control.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static const struct system_control *control; /* NULL: not found */

__attribute__((constructor)) static void find_control(void)
{
    const char *path = getenv(SYSTEM_FILE_VARIABLE); // NOLINT(concurrency-mt-unsafe): one thread
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *page = fd >= 0 ? mmap(NULL, sizeof *control, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    close(fd);
    control = page != MAP_FAILED ? page : NULL;
}

EXPORT int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    bool is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    time->tv_sec += control && is_wall ? atomic_load(&control->wall_set_s) : 0;
    return result;
}

EXPORT time_t time(time_t *ret_time)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (ret_time) {
        *ret_time = now.tv_sec;
    }
    return now.tv_sec;
}

EXPORT int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    *ret_time = (struct timeval){ .tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000 };
    return result;
}

EXPORT ssize_t getrandom(void *bytes, size_t n, unsigned flags)
{
    if (control && atomic_load(&control->has_no_random)) {
        errno = ENOSYS;
        return -1;
    }
    return syscall(SYS_getrandom, bytes, n, flags);
}

EXPORT int getaddrinfo(const char *restrict name, const char *restrict service,
                       const struct addrinfo *restrict hints,
                       struct addrinfo **restrict ret_addresses)
{
    int (*libcs)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    void *found = dlsym(RTLD_NEXT, "getaddrinfo");
    while (control && atomic_load(&control->names_hang)) {
        usleep(10000);
    }
    memcpy(&libcs, &found, sizeof libcs);
    return libcs(name, service, hints, ret_addresses);
}
