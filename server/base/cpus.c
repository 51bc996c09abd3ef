/* Where the quota stands is found from /proc/self/cgroup and the customary mount points. A path
 * there is that of the host if the container has no cgroup name space of its own; then the
 * directory does not exist here, and the walk up ends at the mount point, which is the container's
 * own directory. */
#include "base/cpus.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MASK_SIZE_MAX = 1 << 20 }; /* processors in the largest affinity mask asked for */

/* The start of the file, NUL-terminated. False if it cannot be read or does not fit. */
static bool read_text(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        return false;
    }
    size_t n = fread(text, 1, size, file);
    bool fine = !ferror(file) && n < size;
    fclose(file);
    if (fine) {
        text[n] = '\0';
    }
    return fine;
}

/* A number and what follows it; "max" and -1, which both say that there is no limit, are none. */
static bool parse_number(const char **text, uint64_t *ret_value)
{
    char *end;
    if (**text < '0' || **text > '9') {
        return false;
    }
    errno = 0;
    unsigned long long value = strtoull(*text, &end, 10);
    *text = end;
    *ret_value = value;
    return errno == 0;
}

static bool read_number(const char *folder, const char *name, uint64_t *ret_value)
{
    char path[PATH_MAX], text[64];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    const char *p = text;
    return n < (int)sizeof path && read_text(path, text, sizeof text) &&
           parse_number(&p, ret_value);
}

/* "QUOTA PERIOD", in microseconds, or "max PERIOD" */
static bool read_quota_v2(const char *folder, uint64_t *ret_quota, uint64_t *ret_period)
{
    char path[PATH_MAX], text[64];
    int n = snprintf(path, sizeof path, "%s/cpu.max", folder);
    const char *p = text;
    if (n >= (int)sizeof path || !read_text(path, text, sizeof text) ||
        !parse_number(&p, ret_quota) || *p != ' ') {
        return false;
    }
    p++;
    return parse_number(&p, ret_period);
}

static bool read_quota_v1(const char *folder, uint64_t *ret_quota, uint64_t *ret_period)
{
    return read_number(folder, "cpu.cfs_quota_us", ret_quota) &&
           read_number(folder, "cpu.cfs_period_us", ret_period);
}

/* The least quota of the cgroup and those around it, at most `limit`. A hierarchy that is mounted
 * elsewhere, or has no quota, limits nothing. */
static size_t limit_of_hierarchy(const char *root, const char *mount, const char *cgroup, bool v2,
                                 size_t limit)
{
    char folder[PATH_MAX];
    int n_mount = snprintf(folder, sizeof folder, "%s/sys/fs/cgroup%s", root, mount);
    if (n_mount >= (int)sizeof folder || strstr(cgroup, "..")) {
        return limit;
    }
    int n = snprintf(folder + n_mount, sizeof folder - (size_t)n_mount, "%s", cgroup);
    if (n >= (int)sizeof folder - n_mount) {
        return limit;
    }
    for (;;) {
        uint64_t quota, period;
        bool found =
            v2 ? read_quota_v2(folder, &quota, &period) : read_quota_v1(folder, &quota, &period);
        if (found && period > 0) {
            uint64_t n_cpus = quota / period + (quota % period != 0);
            limit = n_cpus < limit ? (size_t)n_cpus : limit;
        }
        char *slash = strrchr(folder + n_mount, '/');
        if (!slash) {
            return limit;
        }
        *slash = '\0';
    }
}

/* Whether the comma-separated list has the word "cpu". */
static bool lists_cpu(const char *controllers, size_t n)
{
    for (const char *p = controllers, *end = controllers + n; p < end;) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const char *word_end = comma ? comma : end;
        if (word_end - p == 3 && memcmp(p, "cpu", 3) == 0) {
            return true;
        }
        p = word_end + 1;
    }
    return false;
}

/* A line of /proc/self/cgroup: "ID:CONTROLLERS:PATH", for version 2 "0::PATH". */
static size_t limit_of_line(const char *root, char *line, size_t limit)
{
    char *controllers = strchr(line, ':');
    char *cgroup = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!cgroup || cgroup[1] != '/') {
        return limit;
    }
    controllers++;
    *cgroup++ = '\0';
    if (*controllers == '\0') {
        limit = limit_of_hierarchy(root, "", cgroup, true, limit);
        return limit_of_hierarchy(root, "/unified", cgroup, true, limit);
    }
    if (lists_cpu(controllers, strlen(controllers))) {
        limit = limit_of_hierarchy(root, "/cpu", cgroup, false, limit);
        return limit_of_hierarchy(root, "/cpu,cpuacct", cgroup, false, limit);
    }
    return limit;
}

size_t cpus_from_cgroup(const char *root, size_t n_affinity)
{
    char path[PATH_MAX], text[16 << 10];
    size_t limit = n_affinity;
    int n = snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    if (n < (int)sizeof path && read_text(path, text, sizeof text)) {
        char *rest = text;
        for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
            limit = limit_of_line(root, line, limit);
        }
    }
    return limit > 0 ? limit : 1;
}

/* The kernel refuses a mask smaller than its own, so it grows until it is taken. */
static size_t count_affinity(void)
{
    for (size_t n = CPU_SETSIZE; n <= MASK_SIZE_MAX; n *= 2) {
        cpu_set_t *mask = CPU_ALLOC(n);
        if (!mask) {
            return 1;
        }
        int failed = sched_getaffinity(0, CPU_ALLOC_SIZE(n), mask);
        int count = failed ? 0 : CPU_COUNT_S(CPU_ALLOC_SIZE(n), mask);
        CPU_FREE(mask);
        if (!failed || errno != EINVAL) {
            return count > 0 ? (size_t)count : 1;
        }
    }
    return 1;
}

size_t cpus_available(void)
{
    return cpus_from_cgroup("", count_affinity());
}
