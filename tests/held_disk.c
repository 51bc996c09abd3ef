/*
 * held_disk.c - preloaded into the daemon: a disk whose syncs are held. While the file $HELD_DISK
 * exists, a sync waits until it is gone, or for $HELD_DISK_MS milliseconds where that is set; that
 * one waits is said by the file $HELD_DISK.held. Then the kernel is asked.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 5 };

static void wait_here(void)
{
    /* NOLINTBEGIN(concurrency-mt-unsafe): nothing changes the environment */
    const char *path = getenv("HELD_DISK"), *most = getenv("HELD_DISK_MS");
    /* NOLINTEND(concurrency-mt-unsafe) */
    const struct timespec look = { .tv_nsec = LOOK_MS * 1000000 };
    char held[512];
    if (!path || access(path, F_OK) != 0) {
        return;
    }
    snprintf(held, sizeof held, "%s.held", path);
    close(open(held, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    long left_ms = most ? strtol(most, NULL, 10) : LONG_MAX;
    for (; left_ms > 0 && access(path, F_OK) == 0; left_ms -= LOOK_MS) {
        nanosleep(&look, NULL);
    }
}

int fsync(int fd)
{
    wait_here();
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    wait_here();
    return (int)syscall(SYS_fdatasync, fd);
}

int msync(void *address, size_t n, int flags)
{
    wait_here();
    return (int)syscall(SYS_msync, address, n, flags);
}
