#include "base/refusal.h"
#include "store/files_internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

bool files_name_is_valid(const char *name, size_t n)
{
    if (n == 0 || n > FILES_NAME_MAX || name[0] == '.') {
        return false;
    }
    for (size_t k = 0; k < n; k++) {
        if (!isalnum((unsigned char)name[k]) && (name[k] == '\0' || !strchr("._-", name[k]))) {
            return false;
        }
    }
    return true;
}

static enum status refused(struct fault *fault, const char *option, const char *what,
                           const char *path, enum refusal_of refusal)
{
    return refusal_set(fault, option, what, path, refusal, errno);
}

static enum status failed(struct fault *fault, const char *what, const char *path)
{
    return refused(fault, NULL, what, path, REFUSAL_TO_KEEP);
}

bool files_path_print(char path[PATH_MAX], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(path, PATH_MAX, format, arguments);
    va_end(arguments);
    if (n < 0 || n >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    return true;
}

/* ---- folders ---- */

static enum status make_folder(const char *path, struct fault *fault)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST) {
        return STATUS_OK;
    }
    return failed(fault, "create the directory", path);
}

bool files_sync_folder_of(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (!files_path_print(folder, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".")) {
        return false;
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return synced;
}

enum status files_open_data(const char *data, int *ret_lock, struct fault *fault)
{
    char path[PATH_MAX];
    static const char *const folders[] = { "", "/models", "/sessions" };
    for (size_t k = 0; k < sizeof folders / sizeof *folders; k++) {
        if (!files_path_print(path, "%s%s", data, folders[k])) {
            return failed(fault, "use", data);
        }
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            return refused(fault, "data", "create the directory", path, REFUSAL_TO_KEEP);
        }
    }
    if (!files_path_print(path, "%s/lock", data)) {
        return failed(fault, "use", data);
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return refused(fault, "data", "open", path, REFUSAL_TO_KEEP);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum status status = errno != EWOULDBLOCK
                                 ? refused(fault, "data", "lock", path, REFUSAL_TO_KEEP)
                                 : fault_set(fault, STATUS_STORAGE_FAILED, "data",
                                             "another grud is using the data directory %s; end "
                                             "that one, or give this one another",
                                             data);
        close(fd);
        return status;
    }
    *ret_lock = fd;
    return STATUS_OK;
}

/* ---- files ---- */

enum status files_read(const char *path, struct arena *arena, void **ret_bytes, size_t *ret_n,
                       struct fault *fault)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat file;
    if (fd < 0 || fstat(fd, &file) != 0) {
        enum status status = refused(fault, NULL, "read", path, REFUSAL_TO_READ);
        if (fd >= 0) {
            close(fd);
        }
        return status;
    }
    size_t n = (size_t)file.st_size;
    size_t got = 0;
    char *bytes = arena_alloc(arena, n);
    while (bytes && got < n) {
        ssize_t more = read(fd, bytes + got, n - got);
        if (more <= 0 && !(more < 0 && errno == EINTR)) {
            break;
        }
        got += more > 0 ? (size_t)more : 0;
    }
    close(fd);
    if (!bytes) {
        return fault_no_room(fault, arena->is_full, NULL, "%s is too large to be read into memory",
                             path);
    }
    if (got < n) {
        return failed(fault, "read all of", path);
    }
    *ret_bytes = bytes;
    *ret_n = n;
    return STATUS_OK;
}

static bool write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno != EINTR) {
            return false;
        }
        bytes += done > 0 ? done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

/* On success the file is there; *ret_is_durable: and stays there, whatever happens. */
static enum status write_file(const char *path, const void *bytes, size_t n, bool *ret_is_durable,
                              struct fault *fault)
{
    char beside[PATH_MAX];
    if (!files_path_print(beside, "%s.tmp", path)) {
        return failed(fault, "write", path);
    }
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return failed(fault, "create", beside);
    }
    bool written = write_all(fd, bytes, n) && fsync(fd) == 0;
    enum status status = written ? STATUS_OK : failed(fault, "write", beside);
    close(fd);
    if (status == STATUS_OK && rename(beside, path) != 0) {
        status = failed(fault, "put in place", path);
    }
    if (status != STATUS_OK) {
        unlink(beside);
        return status;
    }
    *ret_is_durable = files_sync_folder_of(path);
    return STATUS_OK;
}

/* ---- numbers: those that a model's versions had, and which one is active ---- */

/* The number that a file holds; 0 if it is not there. What makes no sense is more than INT_MAX. */
static enum status read_number(const char *path, unsigned *ret_number, struct fault *fault)
{
    char text[16] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        *ret_number = 0;
        return STATUS_OK;
    }
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    enum status status = n < 0 ? failed(fault, "read", path) : STATUS_OK;
    if (fd >= 0) {
        close(fd);
    }
    if (status == STATUS_OK) {
        unsigned long number = strtoul(text, NULL, 10);
        *ret_number = number > 0 && number <= INT_MAX ? (unsigned)number : UINT_MAX;
    }
    return status;
}

static enum status write_number(const char *path, unsigned number, bool *ret_is_durable,
                                struct fault *fault)
{
    char text[16];
    int n = snprintf(text, sizeof text, "%u\n", number);
    return write_file(path, text, (size_t)n, ret_is_durable, fault);
}

/* The number that keep_number wrote down last; 0: none yet. */
static enum status read_newest(const char *folder, unsigned *ret_number, struct fault *fault)
{
    char path[PATH_MAX];
    unsigned number;
    if (!files_path_print(path, "%s/newest", folder)) {
        return failed(fault, "read below", folder);
    }
    enum status status = read_number(path, &number, fault);
    if (status == STATUS_OK && number > INT_MAX) {
        return fault_set(
            fault, STATUS_STORAGE_FAILED, NULL,
            "%s does not hold a number: write the highest one into it that a version had", path);
    }
    if (status == STATUS_OK) {
        *ret_number = number;
    }
    return status;
}

/* Notes a number whose file is to go, unless a higher one shows that it was given. */
static enum status keep_number(const char *folder, unsigned number, struct fault *fault)
{
    char path[PATH_MAX];
    unsigned newest, highest;
    bool is_durable = true;
    enum status status = read_newest(folder, &newest, fault);
    if (status == STATUS_OK) {
        status = files_find_highest(folder, number, &highest, fault);
    }
    if (status != STATUS_OK || newest >= number || highest > number) {
        return status;
    }
    if (!files_path_print(path, "%s/newest", folder)) {
        return failed(fault, "write below", folder);
    }
    status = write_number(path, number, &is_durable, fault);
    return status == STATUS_OK && !is_durable ? failed(fault, "sync the directory of", path)
                                              : status;
}

/* The first number from version->number on that is beyond all that versions have or had, and its
 * path. */
static enum status find_free(const char *folder, struct file_version *version, struct fault *fault)
{
    unsigned newest, highest;
    enum status status = read_newest(folder, &newest, fault);
    if (status == STATUS_OK) {
        status = files_find_highest(folder, 0, &highest, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    unsigned last = newest > highest ? newest : highest;
    version->number = version->number > last ? version->number : last + 1;
    if (version->number > INT_MAX ||
        !files_path_print(version->path, "%s/%u" FILES_EXTENSION, folder, version->number)) {
        return fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                         "no name is left for another version in %s", folder);
    }
    return STATUS_OK;
}

enum status files_next_version(const char *data, const char *name, unsigned number,
                               unsigned *ret_number, struct fault *fault)
{
    char folder[PATH_MAX];
    struct file_version version = { .number = number };
    if (!files_path_print(folder, "%s/models/%s", data, name)) {
        return failed(fault, "write below", data);
    }
    enum status status = find_free(folder, &version, fault);
    if (status == STATUS_OK) {
        *ret_number = version.number;
    }
    return status;
}

enum status files_write_version(const char *data, const char *name, unsigned number,
                                const void *bytes, size_t n, struct file_version *ret_version,
                                struct fault *fault)
{
    char folder[PATH_MAX];
    struct stat file;
    struct file_version version = { .number = number };
    snprintf(version.name, sizeof version.name, "%s", name);
    if (!files_path_print(folder, "%s/models/%s", data, name)) {
        return failed(fault, "write below", data);
    }
    enum status status = make_folder(folder, fault);
    if (status == STATUS_OK) {
        status = find_free(folder, &version, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    bool is_durable;
    status = write_file(version.path, bytes, n, &is_durable, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (!is_durable) {
        status = failed(fault, "sync the directory of", version.path);
    } else if (stat(version.path, &file) != 0) {
        status = failed(fault, "find", version.path);
    }
    if (status != STATUS_OK) {
        unlink(version.path); /* the next start would take it for one that was acknowledged */
    } else {
        version.created_at_ms =
            (int64_t)file.st_mtim.tv_sec * 1000 + file.st_mtim.tv_nsec / 1000000;
        *ret_version = version;
    }
    return status;
}

enum status files_delete(const char *path, bool *ret_is_durable, struct fault *fault)
{
    if (unlink(path) != 0 && errno != ENOENT) { /* it may be the second attempt */
        return failed(fault, "delete", path);
    }
    *ret_is_durable = files_sync_folder_of(path);
    return STATUS_OK;
}

enum status files_delete_version(const char *data, const char *name, unsigned number,
                                 bool *ret_is_durable, struct fault *fault)
{
    char folder[PATH_MAX], path[PATH_MAX];
    if (!files_path_print(folder, "%s/models/%s", data, name) ||
        !files_path_print(path, "%s/%u" FILES_EXTENSION, folder, number)) {
        return failed(fault, "delete below", data);
    }
    enum status status = keep_number(folder, number, fault);
    return status == STATUS_OK ? files_delete(path, ret_is_durable, fault) : status;
}

enum status files_read_active(const char *data, const char *name, unsigned *ret_number,
                              struct fault *fault)
{
    char path[PATH_MAX];
    unsigned number;
    if (!files_path_print(path, "%s/models/%s/active", data, name)) {
        return failed(fault, "read below", data);
    }
    enum status status = read_number(path, &number, fault);
    if (status == STATUS_OK) {
        *ret_number = number <= INT_MAX ? number : 0;
    }
    return status;
}

enum status files_write_active(const char *data, const char *name, unsigned number,
                               bool *ret_is_durable, struct fault *fault)
{
    char path[PATH_MAX];
    if (!files_path_print(path, "%s/models/%s", data, name)) {
        return failed(fault, "write below", data);
    }
    enum status status = make_folder(path, fault);
    if (status != STATUS_OK || !files_path_print(path, "%s/models/%s/active", data, name)) {
        return status != STATUS_OK ? status : failed(fault, "write below", data);
    }
    return write_number(path, number, ret_is_durable, fault);
}

bool files_models_path(const char *data, char path[PATH_MAX])
{
    return files_path_print(path, "%s/models", data);
}

bool files_pool_path(const char *data, const char *name, const char *suffix, char path[PATH_MAX])
{
    return files_path_print(path, "%s/sessions/%s.pool%s", data, name, suffix);
}
