#include "store/files.h"

#include "base/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status refused(struct fault *fault, const char *option, const char *what,
                           const char *path, enum refusal_of refusal)
{
    return refusal_set(fault, option, what, path, refusal, errno);
}

enum status files_failed(struct fault *fault, const char *what, const char *path)
{
    return refused(fault, NULL, what, path, REFUSAL_TO_KEEP);
}

/* ---- folders ---- */

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

static enum status make_folders(const char *data, struct fault *fault)
{
    static const char *const folders[] = { "", "/models", "/sessions" };
    for (size_t k = 0; k < sizeof folders / sizeof *folders; k++) {
        char path[PATH_MAX];
        if (!files_path_print(path, "%s%s", data, folders[k])) {
            return files_failed(fault, "use", data);
        }
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            return refused(fault, "data", "create the directory", path, REFUSAL_TO_KEEP);
        }
    }
    return STATUS_OK;
}

/* Locks the folder or the file. A network file system locks only what is open for writing, which no
 * folder is (EBADF): there the lock of the file has to do. */
static enum status lock(const char *path, int flags, const char *data, int *ret_fd,
                        struct fault *fault)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0) {
        return refused(fault, "data", "open", path, REFUSAL_TO_KEEP);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && !(flags & O_DIRECTORY && errno == EBADF)) {
        enum status status = errno != EWOULDBLOCK
                                 ? refused(fault, "data", "lock", path, REFUSAL_TO_KEEP)
                                 : fault_set(fault, STATUS_STORAGE_FAILED, "data",
                                             "another grud is using the data directory %s; end "
                                             "that one, or give this one another",
                                             data);
        close(fd);
        return status;
    }
    *ret_fd = fd;
    return STATUS_OK;
}

enum status files_open_data(const char *data, struct files_lock *ret_lock, struct fault *fault)
{
    char path[PATH_MAX];
    struct files_lock held = FILES_UNLOCKED;
    enum status status = make_folders(data, fault);
    if (status == STATUS_OK) {
        status = lock(data, O_RDONLY | O_DIRECTORY, data, &held.folder, fault);
    }
    if (status == STATUS_OK && !files_path_print(path, "%s/lock", data)) {
        status = files_failed(fault, "use", data);
    }
    if (status == STATUS_OK) {
        status = lock(path, O_RDWR | O_CREAT, data, &held.file, fault);
    }
    if (status != STATUS_OK) {
        files_unlock(&held);
        return status;
    }
    *ret_lock = held;
    return STATUS_OK;
}

void files_unlock(struct files_lock *lock)
{
    if (lock->file >= 0) {
        close(lock->file);
    }
    if (lock->folder >= 0) {
        close(lock->folder);
    }
    *lock = FILES_UNLOCKED;
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
        return files_failed(fault, "read all of", path);
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

enum status files_write(const char *path, const void *bytes, size_t n, bool *ret_is_durable,
                        struct fault *fault)
{
    char beside[PATH_MAX];
    if (!files_path_print(beside, "%s.tmp", path)) {
        return files_failed(fault, "write", path);
    }
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return files_failed(fault, "create", beside);
    }
    bool written = write_all(fd, bytes, n) && fsync(fd) == 0;
    enum status status = written ? STATUS_OK : files_failed(fault, "write", beside);
    close(fd);
    if (status == STATUS_OK && rename(beside, path) != 0) {
        status = files_failed(fault, "put in place", path);
    }
    if (status != STATUS_OK) {
        unlink(beside);
        return status;
    }
    *ret_is_durable = files_sync_folder_of(path);
    return STATUS_OK;
}

enum status files_delete(const char *path, bool *ret_is_durable, struct fault *fault)
{
    if (unlink(path) != 0 && errno != ENOENT) { /* it may be the second attempt */
        return files_failed(fault, "delete", path);
    }
    *ret_is_durable = files_sync_folder_of(path);
    return STATUS_OK;
}
