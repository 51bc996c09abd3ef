/*
 * watch.h - what a process takes, sampled from /proc for as long as it is watched.
 *
 * Memory is flat if the median of resident memory over the last quarter of the time is at most
 * WATCH_GROWTH_KIB above that over the second quarter. The first quarter is for what fills up to its bound:
 * the allocator's arenas (one a thread), SQLite's page caches, session pools (touched slot by slot),
 * tombstones. What may grow is on disk: rows of jobs and their events. The tolerance is the noise of medians
 * that was seen, so what a soak finds depends on its length: over n minutes with r requests a second, a loss
 * of WATCH_GROWTH_KIB / (30 n r) KiB a request.
 */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { WATCH_GROWTH_KIB = 2048 };

struct sample {
    size_t rss_kib, anonymous_kib, n_threads, n_descriptors;
};

struct watch {
    struct sample *samples;
    size_t n, size;
};

struct sample sample_take(pid_t pid);
/* Which they are, a line each. */
void sample_print_descriptors(pid_t pid);
/* Takes one and keeps it. */
struct sample watch_take(struct watch *watch, pid_t pid);
/* Medians over the quarter (0 to 3) of the samples. */
struct sample watch_quarter(const struct watch *watch, size_t quarter);
void watch_done(struct watch *watch);

#endif
