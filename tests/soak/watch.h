/*
 * watch.h - what a process takes, sampled from /proc for as long as it is watched.
 *
 * Memory is flat if the median of resident memory over the last quarter of the time is above that
 * over the second quarter by no more than watch_allowance_kib. The first quarter is for what fills
 * up to its bound: the allocator's arenas (one a thread), session pools (touched slot by slot),
 * tombstones, recordings. The allowance is the noise of medians that was seen, and what keeps
 * filling: the pages of jobs.db (its rows stay for ever, on disk) in SQLite's cache, which ends at
 * 16 MiB. So what a soak finds depends on its length: in two minutes a loss of some 20 bytes a
 * request, in an hour one of a byte.
 */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { WATCH_NOISE_KIB = 2048, WATCH_JOB_KIB = 4, WATCH_CACHE_KIB = 16384 };

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
/* While so many jobs were made. */
size_t watch_allowance_kib(size_t n_jobs);
void watch_done(struct watch *watch);

#endif
