#include "store/region.h"

#include "base/refusal.h"
#include "store/region_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The pages in which the mapped bytes are. */
struct region_window {
    struct region_window *next;
    char *pages;
    size_t n_bytes;             /* of the pages */
    size_t from;                /* where in the region the first page is */
    struct region_guard *guard; /* NULL: anonymous */
};

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* ---- life ---- */

enum status region_open(struct region *region, const char *path, struct fault *fault)
{
    struct stat file;
    *region = (struct region){ .fd = -1 };
    if (!path) {
        return STATUS_OK;
    }
    region->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (region->fd < 0 || fstat(region->fd, &file) != 0) {
        enum status status = refusal_set(fault, NULL, "open", path, REFUSAL_TO_KEEP, errno);
        region_close(region);
        return status;
    }
    atomic_store(&region->size, (size_t)file.st_size);
    return STATUS_OK;
}

void region_close(struct region *region)
{
    while (region->windows) {
        struct region_window *window = region->windows;
        region->windows = window->next;
        region_guard_drop(window->guard);
        munmap(window->pages, window->n_bytes);
        free(window);
    }
    if (region->fd >= 0) {
        close(region->fd);
    }
    *region = (struct region){ .fd = -1 };
}

/* ---- windows ---- */

static bool map_window(struct region *region, struct region_window *window)
{
    bool is_file = region->fd >= 0;
    /* Populated at once, as far as the file reaches: a million page faults one by one would cost
     * more than the rest of a restart. */
    int flags = is_file ? MAP_SHARED | MAP_POPULATE : MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *pages = mmap(NULL, window->n_bytes, PROT_READ | PROT_WRITE, flags, region->fd,
                       is_file ? (off_t)window->from : 0);
    if (pages == MAP_FAILED) {
        return false;
    }
    window->pages = pages;
    if (is_file) {
        window->guard = region_guard_take(pages, window->n_bytes, &region->is_broken);
        if (!window->guard) {
            munmap(pages, window->n_bytes);
            errno = ENOMEM;
            return false;
        }
    }
    return true;
}

enum status region_map(struct region *region, size_t from, size_t n_bytes, char **ret_base,
                       struct fault *fault)
{
    size_t page = page_bytes();
    size_t first = from / page * page;
    size_t n_pages = (from - first + n_bytes + page - 1) / page;
    struct region_window *window = calloc(1, sizeof *window);
    if (window) {
        *window = (struct region_window){ .next = region->windows,
                                          .from = first,
                                          .n_bytes = n_pages * page };
    }
    if (!window || !map_window(region, window)) {
        free(window);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "cannot map %zu bytes: %s", n_bytes,
                         strerrordesc_np(errno));
    }
    region->windows = window;
    *ret_base = window->pages + (from - first);
    return STATUS_OK;
}

size_t region_place(const struct region *region, const void *byte)
{
    const struct region_window *window = region->windows;
    uintptr_t address = (uintptr_t)byte;
    while (address - (uintptr_t)window->pages >= window->n_bytes) {
        window = window->next;
    }
    return window->from + (address - (uintptr_t)window->pages);
}

void region_touch(struct region *region)
{
    size_t size = atomic_load(&region->size);
    size_t page = page_bytes();
    for (struct region_window *window = region->windows; window; window = window->next) {
        for (size_t at = 0; at < window->n_bytes && window->from + at < size; at += page) {
            volatile char *byte = window->pages + at;
            *byte = *byte;
        }
    }
}

/* ---- the file ---- */

enum status region_grow(struct region *region, size_t size, struct fault *fault)
{
    size_t old = atomic_load(&region->size);
    if (size <= old) {
        return STATUS_OK;
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
    atomic_store(&region->size, size);
    return STATUS_OK;
}

enum status region_cut(struct region *region, size_t size, struct fault *fault)
{
    if (atomic_load(&region->size) <= size) {
        return STATUS_OK;
    }
    if (region->fd >= 0 && ftruncate(region->fd, (off_t)size) != 0) {
        return fault_set(fault, STATUS_STORAGE_FAILED, NULL, "cannot cut a session file: %s",
                         strerrordesc_np(errno));
    }
    atomic_store(&region->size, size);
    return STATUS_OK;
}

/* One call for all windows; to the kernel it is what msync of them all would be. */
bool region_sync(struct region *region)
{
    return region->fd < 0 || atomic_load(&region->size) == 0 ||
           (region_check(region) && fdatasync(region->fd) == 0 && !region_is_broken(region));
}

bool region_check(struct region *region)
{
    struct stat file;
    const size_t size = atomic_load(&region->size); /* first: another thread may grow it */
    if (region->fd >= 0 && fstat(region->fd, &file) == 0 && (size_t)file.st_size < size) {
        atomic_store(&region->is_broken, true);
    }
    return !region_is_broken(region);
}
