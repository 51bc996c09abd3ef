#include "store/region.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status map_more(struct region *region, size_t from, size_t to, int flags, struct fault *fault)
{
    flags |= MAP_FIXED | (region->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);
    void *at = mmap(region->base + from, to - from, PROT_READ | PROT_WRITE, flags, region->fd,
                    region->fd < 0 ? 0 : (off_t)from);
    if (at == MAP_FAILED) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "cannot map %zu bytes: %s", to - from,
                         strerrordesc_np(errno));
    }
    atomic_store(&region->size, to);
    return STATUS_OK;
}

static enum status map_existing(struct region *region, const char *path, struct fault *fault)
{
    struct stat file;
    if (fstat(region->fd, &file) != 0) {
        return fault_set(fault, STATUS_STORAGE_FAILED, NULL, "cannot read %s: %s", path,
                         strerrordesc_np(errno));
    }
    size_t size = (size_t)file.st_size;
    if (size > region->reserved) {
        return fault_set(fault, STATUS_STORAGE_FAILED, NULL, "%s holds %zu bytes, more than the %zu that fit",
                         path, size, region->reserved);
    }
    if (size == 0) {
        return STATUS_OK;
    }
    /* Populated at once: a million page faults one by one would cost more than the rest of a restart. */
    return map_more(region, 0, size, MAP_POPULATE, fault);
}

enum status region_open(struct region *region, const char *path, size_t reserved_bytes, struct fault *fault)
{
    *region = (struct region){ .fd = -1, .reserved = reserved_bytes };
    void *base = mmap(NULL, reserved_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "cannot reserve %zu bytes of address space: %s",
                         reserved_bytes, strerrordesc_np(errno));
    }
    region->base = base;
    if (!path) {
        return STATUS_OK;
    }
    region->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    enum status status = region->fd < 0 ? fault_set(fault, STATUS_STORAGE_FAILED, NULL, "cannot open %s: %s",
                                                    path, strerrordesc_np(errno))
                                        : map_existing(region, path, fault);
    if (status != STATUS_OK) {
        region_close(region);
    }
    return status;
}

enum status region_grow(struct region *region, size_t size, struct fault *fault)
{
    size_t old = atomic_load(&region->size);
    if (size > region->reserved) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "more than the %zu bytes that were reserved",
                         region->reserved);
    }
    if (region->fd >= 0) {
        int error = posix_fallocate(region->fd, (off_t)old, (off_t)(size - old));
        if (error != 0) {
            /* What was allocated of it must go, or the next start would map it. Best effort: the file is
             * valid either way. */
            (void)!ftruncate(region->fd, (off_t)old);
            return fault_set(fault, STATUS_STORAGE_FAILED, NULL, "no room on the disk for more sessions: %s",
                             strerrordesc_np(error));
        }
    }
    return map_more(region, old, size, 0, fault);
}

bool region_sync(struct region *region)
{
    size_t size = atomic_load(&region->size);
    return region->fd < 0 || size == 0 || msync(region->base, size, MS_SYNC) == 0;
}

void region_close(struct region *region)
{
    if (region->base) {
        munmap(region->base, region->reserved);
    }
    if (region->fd >= 0) {
        close(region->fd);
    }
    *region = (struct region){ .fd = -1 };
}
