/*
 * region.h - memory that grows in place: a file mapped shared, or anonymous memory. Its address
 * never changes, since the address space for the largest size is reserved at once. File space is
 * allocated before it is used, so that a full disk is an error here and not a SIGBUS later.
 *
 * A file that another program cuts while it is mapped ends nothing: the region is broken from then
 * on (region_guard.h), reads as zeros where it was cut, and is not synced any more.
 *
 * region_grow and region_sync may run in different threads; two threads must not grow one region at
 * a time.
 */
#ifndef REGION_H
#define REGION_H

#include "base/status.h"
#include "store/region_guard.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct region {
    char *base;
    _Atomic size_t size; /* bytes that may be used */
    size_t reserved;
    int fd;                     /* -1: anonymous */
    struct region_guard *guard; /* NULL: anonymous */
};

/* Whether the file was cut. To be asked after reading, before what was read is used, and after
 * writing, before it is acknowledged. */
static inline bool region_is_broken(const struct region *region)
{
    return region->guard && atomic_load_explicit(&region->guard->is_broken, memory_order_relaxed);
}

/* Opens or creates the file (path NULL: anonymous) and maps what it holds, however much that is. A
 * new region has size 0. */
__attribute__((warn_unused_result)) enum status
region_open(struct region *region, const char *path, size_t reserved_bytes, struct fault *fault);
/* Makes the region at least `size` bytes long; new bytes are zero. */
__attribute__((warn_unused_result)) enum status region_grow(struct region *region, size_t size,
                                                            struct fault *fault);
/* Everything written so far to disk; a no-op in anonymous memory. False if the disk refused: what
 * was written since the last sync that worked may be lost in a power failure, whatever later syncs
 * say. */
__attribute__((warn_unused_result)) bool region_sync(struct region *region);
/* Looks whether the file was cut where nobody has read or written since. */
bool region_check(struct region *region);
/* Marks every page as written to, so that the next sync writes them all. Nothing else may use the
 * region. */
void region_touch(struct region *region);
void region_close(struct region *region);

#endif
