#include "watch.h"

#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t n_descriptors(pid_t pid)
{
    char path[64];
    size_t n = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *folder = opendir(path);
    ck_assert_msg(folder != NULL, "the daemon has ended");
    for (const struct dirent *one;
         (one = readdir(folder));) { // NOLINT(concurrency-mt-unsafe): its own folder
        n += one->d_name[0] != '.';
    }
    closedir(folder);
    return n;
}

void sample_print_descriptors(pid_t pid)
{
    char path[64], link[64], target[256];
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *folder = opendir(path);
    ck_assert_msg(folder != NULL, "the daemon has ended");
    for (const struct dirent *one;
         (one = readdir(folder));) { // NOLINT(concurrency-mt-unsafe): its own folder
        snprintf(link, sizeof link, "/proc/%d/fd/%.16s", pid, one->d_name);
        ssize_t n = readlink(link, target, sizeof target);
        if (n > 0) {
            printf("%-24s %.*s\n", link, (int)n, target);
        }
    }
    closedir(folder);
}

struct sample sample_take(pid_t pid)
{
    char path[64], line[256];
    struct sample sample = { .n_descriptors = n_descriptors(pid) };
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "the daemon has ended");
    while (fgets(line, sizeof line, file)) {
        const char *value = strchr(line, ':');
        const size_t number = value ? strtoul(value + 1, NULL, 10) : 0;
        if (strncmp(line, "VmRSS:", 6) == 0) {
            sample.rss_kib = number;
        } else if (strncmp(line, "RssAnon:", 8) == 0) {
            sample.anonymous_kib = number;
        } else if (strncmp(line, "Threads:", 8) == 0) {
            sample.n_threads = number;
        }
    }
    fclose(file);
    ck_assert_msg(sample.rss_kib > 0, "the daemon has ended");
    return sample;
}

struct sample watch_take(struct watch *watch, pid_t pid)
{
    if (watch->n == watch->size) {
        watch->size = watch->size * 2 + 256;
        watch->samples = reallocarray(watch->samples, watch->size, sizeof *watch->samples);
        ck_assert_ptr_nonnull(watch->samples);
    }
    watch->samples[watch->n] = sample_take(pid);
    return watch->samples[watch->n++];
}

static int compare(const void *a, const void *b)
{
    const size_t *one = a, *other = b;
    return (*one > *other) - (*one < *other);
}

/* Of the field at `offset`. */
static size_t median(const struct sample *samples, size_t n, size_t offset)
{
    size_t *values = reallocarray(NULL, n, sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (size_t k = 0; k < n; k++) {
        memcpy(&values[k], (const char *)&samples[k] + offset, sizeof *values);
    }
    qsort(values, n, sizeof *values, compare);
    const size_t middle = values[n / 2];
    free(values);
    return middle;
}

struct sample watch_quarter(const struct watch *watch, size_t quarter)
{
    const size_t from = watch->n * quarter / 4, n = watch->n * (quarter + 1) / 4 - from;
    ck_assert_uint_gt(n, 0);
    const struct sample *samples = watch->samples + from;
    return (struct sample){ .rss_kib = median(samples, n, offsetof(struct sample, rss_kib)),
                            .anonymous_kib =
                                median(samples, n, offsetof(struct sample, anonymous_kib)),
                            .n_threads = median(samples, n, offsetof(struct sample, n_threads)),
                            .n_descriptors =
                                median(samples, n, offsetof(struct sample, n_descriptors)) };
}

size_t watch_allowance_kib(size_t n_jobs)
{
    const size_t kib = n_jobs * WATCH_JOB_KIB;
    return WATCH_NOISE_KIB + (kib < WATCH_CACHE_KIB ? kib : WATCH_CACHE_KIB);
}

void watch_done(struct watch *watch)
{
    free(watch->samples);
}
