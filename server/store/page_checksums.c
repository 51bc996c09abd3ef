#include "store/page_checksums.h"

#include "base/digest.h"
#include "base/log.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* Of the first page: how many bytes of each page are reserved. */
enum { RESERVED_AT = 20, HEADER_BYTES = 100, LEAST_PAGE = 512, MOST_PAGE = 65536 };

/* A database file is SQLite's own file object with this behind it: the same calls, but for two. */
struct checked {
    sqlite3_io_methods methods;
    const sqlite3_io_methods *below;
    const char *name;
    bool has_checksums;
    sqlite3_int64 damaged_at; /* the last page that was logged; -1: none */
};

static sqlite3_vfs *below;            /* SQLite's own */
static sqlite3_vfs checksums = { 0 }; /* ours: the same, with another xOpen */

static size_t checked_at(void)
{
    size_t n = (size_t)below->szOsFile, step = alignof(max_align_t);
    return (n + step - 1) / step * step;
}

static struct checked *checked_of(sqlite3_file *file)
{
    return (struct checked *)(void *)((char *)file + checked_at());
}

/* ---- one page ---- */

static bool is_page(int n, sqlite3_int64 at)
{
    return n >= LEAST_PAGE && n <= MOST_PAGE && (n & (n - 1)) == 0 && at % n == 0;
}

static uint64_t checksum_of(const unsigned char *page, int n, sqlite3_int64 at)
{
    return digest_64(page, (size_t)n - PAGE_CHECKSUM_BYTES, (uint64_t)at + 1);
}

static bool is_right(const unsigned char *page, int n, sqlite3_int64 at)
{
    uint64_t kept;
    memcpy(&kept, page + n - PAGE_CHECKSUM_BYTES, sizeof kept);
    return kept == checksum_of(page, n, at);
}

/* A page that was never written, which the file system has no bytes for. */
static bool is_hole(const unsigned char *page, int n)
{
    return page[0] == 0 && memcmp(page, page + 1, (size_t)n - 1) == 0;
}

/* That the first page says it has none, and has one that would be right if it did not say so. */
static bool is_denied(unsigned char *page, int n)
{
    unsigned char said = page[RESERVED_AT];
    page[RESERVED_AT] = PAGE_CHECKSUM_BYTES;
    bool denied = is_right(page, n, 0);
    page[RESERVED_AT] = said;
    return denied;
}

/* ---- what SQLite calls ---- */

static int damaged(struct checked *checked, sqlite3_int64 at)
{
    if (checked->damaged_at != at) {
        log_event(LOG_ERROR, "page_damaged", LOG_STRING("file", checked->name),
                  LOG_INT("at", (int64_t)at));
    }
    checked->damaged_at = at;
    return SQLITE_CORRUPT;
}

static int read_checked(sqlite3_file *file, void *bytes, int n, sqlite3_int64 at)
{
    struct checked *checked = checked_of(file);
    unsigned char *page = bytes;
    int result = checked->below->xRead(file, bytes, n, at);
    if (result != SQLITE_OK && result != SQLITE_IOERR_SHORT_READ) { /* that is filled with zeros */
        return result;
    }
    if (at == 0 && n >= HEADER_BYTES) {
        checked->has_checksums = page[RESERVED_AT] == PAGE_CHECKSUM_BYTES;
    }
    if (!is_page(n, at)) {
        return result;
    }
    bool is_wrong = checked->has_checksums ? !is_right(page, n, at) && !is_hole(page, n)
                                           : at == 0 && is_denied(page, n);
    return is_wrong ? damaged(checked, at) : result;
}

/* The reserved bytes of SQLite's page are set in place: it has no other use for them. */
static int write_checked(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
    struct checked *checked = checked_of(file);
    unsigned char *page = (unsigned char *)(uintptr_t)bytes;
    if (is_page(n, at)) {
        if (at == 0) {
            checked->has_checksums = page[RESERVED_AT] == PAGE_CHECKSUM_BYTES;
        }
        if (checked->has_checksums) {
            uint64_t checksum = checksum_of(page, n, at);
            memcpy(page + n - PAGE_CHECKSUM_BYTES, &checksum, sizeof checksum);
        }
    }
    return checked->below->xWrite(file, bytes, n, at);
}

static int open_checked(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                        int *ret_flags)
{
    (void)vfs;
    int result = below->xOpen(below, name, file, flags, ret_flags);
    if (result == SQLITE_OK && flags & SQLITE_OPEN_MAIN_DB) {
        struct checked *checked = checked_of(file);
        *checked = (struct checked){
            .methods = *file->pMethods, .below = file->pMethods, .name = name, .damaged_at = -1
        };
        checked->methods.iVersion = 2; /* no mapped memory, which would be read past us */
        checked->methods.xRead = read_checked;
        checked->methods.xWrite = write_checked;
        file->pMethods = &checked->methods;
    }
    return result;
}

/* ---- for database_open ---- */

int page_checksums_use(void)
{
    int result = sqlite3_initialize(); /* after a shutdown it has its own as the default again */
    if (result != SQLITE_OK || sqlite3_vfs_find(NULL) == &checksums) {
        return result;
    }
    below = sqlite3_vfs_find(NULL);
    checksums = *below;
    checksums.zName = "checksums";
    checksums.szOsFile = (int)(checked_at() + sizeof(struct checked));
    checksums.pNext = NULL;
    checksums.xOpen = open_checked;
    return sqlite3_vfs_register(&checksums, 1);
}

bool page_checksums_are_in(const char *path)
{
    unsigned char header[RESERVED_AT + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, header, sizeof header) : -1;
    if (fd >= 0) {
        close(fd);
    }
    return n < (ssize_t)sizeof header || header[RESERVED_AT] == PAGE_CHECKSUM_BYTES;
}
