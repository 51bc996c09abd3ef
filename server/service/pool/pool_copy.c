#include "service/pool/pool_copy.h"

#include "service/pool/pool_extents.h"
#include "service/pool/pool_file.h"
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The file as the daemon's own memory is mapped to it, and the copy. */
struct copying {
    const char *bytes;
    size_t n;
    int to;
};

/* ---- one record ---- */

/* Bytes that are the same twice were all there at one moment: had one been written while they were
 * first read, before or behind where the reading was, the second time would show it. The exchange
 * keeps the two readings in order, for the compiler and for the processor. */
static bool read_stable(const char *record, size_t n, char *first, char *second)
{
    enum { ATTEMPTS_MAX = 100000 };
    static const struct timespec nap = { .tv_nsec = 20000 };
    _Atomic int between = 0;
    memcpy(first, record, n);
    for (int k = 0; k < ATTEMPTS_MAX; k++) {
        atomic_exchange(&between, 0);
        memcpy(second, record, n);
        if (memcmp(first, second, n) == 0) {
            return true;
        }
        memcpy(first, second, n);
        nanosleep(&nap, NULL); /* a step takes less, and the next one needs a request */
    }
    errno = EBUSY;
    return false;
}

static bool is_zero(const char *bytes, size_t n)
{
    return n == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0);
}

/* What is zero is left to the file system. */
static bool write_at(const struct copying *copying, const char *bytes, size_t n, size_t at)
{
    while (n > 0 && !is_zero(bytes, n)) {
        ssize_t done = pwrite(copying->to, bytes, n, (off_t)at);
        if (done < 0 && errno != EINTR) {
            return false;
        }
        bytes += done > 0 ? done : 0;
        at += done > 0 ? (size_t)done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

/* A copy that is being written over its predecessor is in the journal, which is not copied: so the
 * record is read again until it is whole, or for so long that it must be damaged. */
static bool read_whole(const struct record_layout *layout, const char *record, char *first,
                       char *second)
{
    enum { ATTEMPTS_MAX = 1000 };
    static const struct timespec nap = { .tv_nsec = 100000 };
    struct record_findings findings = { .is_behind = true };
    bool fine = true;
    for (int k = 0; fine && findings.is_behind && k < ATTEMPTS_MAX; k++) {
        if (k > 0) {
            nanosleep(&nap, NULL);
        }
        findings.is_behind = false;
        fine = read_stable(record, layout->record_bytes, first, second);
        if (fine && record_use_of(layout, first) == RECORD_IN_USE) {
            record_examine(layout, first, &findings);
        }
    }
    return fine;
}

static bool copy_extent(const struct copying *copying, const struct extent_place *place)
{
    const struct record_layout *layout = &place->layout;
    size_t n = layout->record_bytes;
    char *first = malloc(2 * n);
    bool fine = first != NULL;
    for (size_t slot = 0; fine && slot < place->n_slots; slot++) {
        size_t at = place->from + record_offset(layout, slot);
        if (at + n > copying->n) {
            break;
        }
        fine = read_whole(layout, copying->bytes + at, first, first + n) &&
               write_at(copying, first, n, at);
    }
    free(first);
    return fine;
}

/* The journal is left out. A note that is just being written is, too: nothing of its extent was
 * there when the copying began. */
static bool copy_extents(const struct copying *copying, char *head,
                         const struct record_layout layouts[POOL_CLASSES])
{
    struct extent_note *notes = (struct extent_note *)(void *)(head + RECORD_PAGE);
    struct extent_place place;
    size_t from = POOL_HEAD_BYTES, k = 0;
    bool fine = true;
    while (fine && k < EXTENTS_MAX && extent_note_read(notes, k, from, layouts, &place)) {
        fine = place.record_class == EXTENT_JOURNAL || copy_extent(copying, &place);
        from = place.from + place.n_bytes;
        k++;
    }
    memset(&notes[k], 0, (EXTENTS_MAX - k) * sizeof *notes);
    return fine;
}

/* A file without a valid header is copied as it is: its sessions are refused, there as here. */
static bool copy_bytes(const struct copying *copying)
{
    struct record_layout layouts[POOL_CLASSES];
    if (!pool_file_read_layouts(copying->bytes, copying->n, layouts)) {
        return write_at(copying, copying->bytes, copying->n, 0);
    }
    _Alignas(max_align_t) char head[POOL_HEAD_BYTES];
    memcpy(head, copying->bytes, sizeof head);
    pool_file_set_size(head, copying->n); /* it may have grown since */
    return copy_extents(copying, head, layouts) && write_at(copying, head, sizeof head, 0);
}

/* ---- the file ---- */

static enum status copy_to(int fd, const char *from, const char *to, struct fault *fault)
{
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        return files_failed(fault, "read", from);
    }
    struct copying copying = { .n = (size_t)info.st_size,
                               .to = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) };
    if (copying.to < 0) {
        return files_failed(fault, "create", to);
    }
    void *bytes = copying.n > 0 ? mmap(NULL, copying.n, PROT_READ, MAP_SHARED, fd, 0) : NULL;
    copying.bytes = bytes;
    bool fine = bytes != MAP_FAILED && ftruncate(copying.to, info.st_size) == 0 &&
                (copying.n == 0 || copy_bytes(&copying)) && fsync(copying.to) == 0;
    enum status status = fine ? STATUS_OK : files_failed(fault, "write", to);
    if (bytes && bytes != MAP_FAILED) {
        munmap(bytes, copying.n);
    }
    close(copying.to);
    return status;
}

enum status pool_copy(const char *from, const char *to, struct fault *fault)
{
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)flock(fd, LOCK_SH); /* where files cannot be locked, it is copied all the same */
    }
    enum status status = copy_to(fd, from, to, fault);
    if (fd >= 0) {
        close(fd);
    }
    return status;
}
