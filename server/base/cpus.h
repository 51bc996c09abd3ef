/* cpus.h - how many processors this process may use: the cgroup's quota (v2 cpu.max, v1 cfs quota)
 * rounded up, at most what its affinity mask allows, at least 1. A leaf; called once at start. */
#ifndef CPUS_H
#define CPUS_H

#include <stddef.h>

size_t cpus_available(void);
/* The same from files below `root` (for tests), and a given mask size. */
size_t cpus_from_cgroup(const char *root, size_t n_affinity);

#endif
