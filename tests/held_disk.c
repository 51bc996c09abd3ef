/*
 * held_disk.c - preloaded into the daemon: a disk whose syncs are held. While the file $HELD_DISK
 * exists, a sync waits until it is gone, or for $HELD_DISK_MS milliseconds where that is set; that
 * one waits is said by the file $HELD_DISK.held. Then the kernel is asked. The file holds a number
 * of its own and how many syncs pass before one is held.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 5 };

/* Whether this sync is one of those that pass. */
static bool passes(const char *path)
{
    static _Atomic int number = -1, n_seen;
    int number_now = 0, n_pass = 0;
    FILE *file = fopen(path, "re");
    if (file) {
        (void)!fscanf(file, "%d %d", &number_now, &n_pass); // NOLINT(cert-err34-c): our own file
        fclose(file);
    }
    if (atomic_exchange(&number, number_now) != number_now) {
        atomic_store(&n_seen, 0);
    }
    return atomic_fetch_add(&n_seen, 1) < n_pass;
}

static void wait_here(void)
{
    /* NOLINTBEGIN(concurrency-mt-unsafe): nothing changes the environment */
    const char *path = getenv("HELD_DISK"), *most = getenv("HELD_DISK_MS");
    /* NOLINTEND(concurrency-mt-unsafe) */
    const struct timespec look = { .tv_nsec = LOOK_MS * 1000000 };
    char held[512];
    if (!path || access(path, F_OK) != 0 || passes(path)) {
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
