#include "store/region.h"

#include "base/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status map_more(struct region *region, size_t from, size_t to, int flags,
                            struct fault *fault)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t first =
        (from + page - 1) / page * page; /* the page in which the region ends is mapped already */
    flags |= MAP_FIXED | (region->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);
    if (first < to && mmap(region->base + first, to - first, PROT_READ | PROT_WRITE, flags,
                           region->fd, region->fd < 0 ? 0 : (off_t)first) == MAP_FAILED) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "cannot map %zu bytes: %s", to - from,
                         strerrordesc_np(errno));
    }
    atomic_store(&region->size, to);
    return STATUS_OK;
}

static enum status open_file(struct region *region, const char *path, size_t *ret_size,
                             struct fault *fault)
{
    struct stat file;
    region->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (region->fd < 0 || fstat(region->fd, &file) != 0) {
        return refusal_set(fault, NULL, "open", path, REFUSAL_TO_KEEP, errno);
    }
    *ret_size = (size_t)file.st_size;
    return STATUS_OK;
}

static enum status map_file(struct region *region, size_t size, size_t reserved_bytes,
                            struct fault *fault)
{
    region->reserved = size > reserved_bytes ? size : reserved_bytes;
    void *base =
        mmap(NULL, region->reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL,
                         "cannot reserve %zu bytes of address space: %s", region->reserved,
                         strerrordesc_np(errno));
    }
    region->base = base;
    if (region->fd >= 0) {
        region->guard = region_guard_take(base, region->reserved);
        if (!region->guard) {
            return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to map a file");
        }
    }
    /* Populated at once: a million page faults one by one would cost more than the rest of a
     * restart. */
    return size > 0 ? map_more(region, 0, size, MAP_POPULATE, fault) : STATUS_OK;
}

enum status region_open(struct region *region, const char *path, size_t reserved_bytes,
                        struct fault *fault)
{
    size_t size = 0;
    *region = (struct region){ .fd = -1 };
    enum status status = path ? open_file(region, path, &size, fault) : STATUS_OK;
    if (status == STATUS_OK) {
        status = map_file(region, size, reserved_bytes, fault);
    }
    if (status != STATUS_OK) {
        region_close(region);
    }
    return status;
}

enum status region_grow(struct region *region, size_t size, struct fault *fault)
{
    size_t old = atomic_load(&region->size);
    if (size <= old) {
        return STATUS_OK;
    }
    if (size > region->reserved) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL,
                         "more than the %zu bytes that were reserved", region->reserved);
    }
    if (!region_check(region)) {
        return fault_set(fault, STATUS_STORAGE_FAILED, NULL, "the file was cut");
    }
    if (region->fd >= 0) {
        int error = posix_fallocate(region->fd, (off_t)old, (off_t)(size - old));
        if (error != 0) {
            /* What was allocated of it must go, or the next start would map it. Best effort: the
             * file is valid either way. */
            (void)!ftruncate(region->fd, (off_t)old);
            return fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                             "no room on the disk for more sessions: %s", strerrordesc_np(error));
        }
    }
    return map_more(region, old, size, 0, fault);
}

bool region_sync(struct region *region)
{
    size_t size = atomic_load(&region->size);
    return region->fd < 0 || size == 0 ||
           (region_check(region) && msync(region->base, size, MS_SYNC) == 0 &&
            !region_is_broken(region));
}

bool region_check(struct region *region)
{
    struct stat file;
    const size_t size = atomic_load(&region->size); /* first: another thread may grow it */
    if (region->fd >= 0 && fstat(region->fd, &file) == 0 && (size_t)file.st_size < size) {
        atomic_store(&region->guard->is_broken, true);
    }
    return !region_is_broken(region);
}

void region_touch(struct region *region)
{
    size_t size = atomic_load(&region->size);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t at = 0; at < size; at += page) {
        volatile char *byte = region->base + at;
        *byte = *byte;
    }
}

void region_close(struct region *region)
{
    region_guard_drop(region->guard);
    if (region->base) {
        munmap(region->base, region->reserved);
    }
    if (region->fd >= 0) {
        close(region->fd);
    }
    *region = (struct region){ .fd = -1 };
}
