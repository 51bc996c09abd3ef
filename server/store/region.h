/*
 * region.h - memory that grows: a file mapped shared, or anonymous memory. It is mapped a window at
 * a time, and a window never moves, so that its owner may keep addresses. File space is allocated
 * before it is used, so that a full disk is an error here and not a SIGBUS later.
 *
 * A file that another program cuts while it is mapped ends nothing: the region is broken from then
 * on (region_guard.h), reads as zeros where it was cut, and is not synced any more.
 *
 * region_grow, region_map and region_sync may run in different threads; two threads must not grow
 * or map one region at a time. A region stays where it is while it is open.
 */
#ifndef REGION_H
#define REGION_H

#include "base/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct region_window;

struct region {
    _Atomic size_t size;           /* bytes that may be used */
    int fd;                        /* -1: anonymous */
    _Atomic bool is_broken;        /* the file was cut */
    struct region_window *windows; /* the last one first */
};

/* Whether the file was cut. To be asked after reading, before what was read is used, and after
 * writing, before it is acknowledged. */
static inline bool region_is_broken(const struct region *region)
{
    return atomic_load_explicit(&region->is_broken, memory_order_relaxed);
}

/* Opens or creates the file (path NULL: anonymous). A new region has size 0. */
__attribute__((warn_unused_result)) enum status region_open(struct region *region, const char *path,
                                                            struct fault *fault);
/* Makes the region at least `size` bytes long; new bytes are zero. */
__attribute__((warn_unused_result)) enum status region_grow(struct region *region, size_t size,
                                                            struct fault *fault);
/* Makes the region at most `size` bytes long. Nobody may use what is behind. */
__attribute__((warn_unused_result)) enum status region_cut(struct region *region, size_t size,
                                                           struct fault *fault);
/* Maps the bytes from `from` on, until the region is closed. They may be used as far as the region
 * reaches, or will. Windows of one file may overlap; of anonymous memory each is its own. */
__attribute__((warn_unused_result)) enum status region_map(struct region *region, size_t from,
                                                           size_t n_bytes, char **ret_base,
                                                           struct fault *fault);
/* Where in the region that byte of one of its windows is. */
size_t region_place(const struct region *region, const void *byte);
/* Everything written so far to disk; a no-op in anonymous memory. False if the disk refused: what
 * was written since the last sync that worked may be lost in a power failure, whatever later syncs
 * say. */
__attribute__((warn_unused_result)) bool region_sync(struct region *region);
/* Looks whether the file was cut where nobody has read or written since. */
bool region_check(struct region *region);
/* Marks every page that is mapped as written to, so that the next sync writes them all. Nothing
 * else may use the region. */
void region_touch(struct region *region);
void region_close(struct region *region);

#endif
