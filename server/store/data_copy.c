#include "store/data_copy.h"

#include "base/arena.h"
#include "store/files.h"
#include "store/folder.h"
#include "store/page_checksums.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_TIMEOUT_MS = 10000, ATTEMPTS_MAX = 100 };

static enum status too_long(const char *path, struct fault *fault)
{
    errno = ENAMETOOLONG;
    return files_failed(fault, "copy", path);
}

/* ---- databases ---- */

/* SQLite reads at one moment, beside a writer, and writes a file of its own: pages of the
 * write-ahead log and of the file that are copied one after the other would be of different
 * moments. */
static int copy_database(const char *from, const char *to)
{
    sqlite3 *sqlite = NULL;
    sqlite3_stmt *prepared = NULL;
    int result = page_checksums_use();
    if (result == SQLITE_OK) {
        result =
            sqlite3_open_v2(from, &sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, NULL);
    }
    if (result == SQLITE_OK) {
        sqlite3_busy_timeout(sqlite, BUSY_TIMEOUT_MS);
        result = sqlite3_prepare_v2(sqlite, "VACUUM INTO ?", -1, &prepared, NULL);
    }
    if (result == SQLITE_OK) {
        result = sqlite3_bind_text(prepared, 1, to, -1, SQLITE_STATIC);
    }
    if (result == SQLITE_OK) {
        result = sqlite3_step(prepared);
    }
    sqlite3_finalize(prepared);
    sqlite3_close(sqlite);
    return result == SQLITE_DONE ? SQLITE_OK : result;
}

static bool sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool synced = fd >= 0 && fchmod(fd, 0600) == 0 && fsync(fd) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return synced;
}

enum status data_copy_databases(const char *data, const char *to, struct fault *fault)
{
    static const char *const names[] = { "jobs.db", "recordings.db", "rules.db" };
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        char from[PATH_MAX], copy[PATH_MAX];
        if (!files_path_print(from, "%s/%s", data, names[k]) ||
            !files_path_print(copy, "%s/%s", to, names[k])) {
            return too_long(data, fault);
        }
        if (access(from, F_OK) != 0 && errno == ENOENT) {
            continue; /* it records nothing, or has no rules */
        }
        int result = copy_database(from, copy);
        if (result != SQLITE_OK) {
            return fault_set(fault, STATUS_STORAGE_FAILED, NULL, "cannot copy %s to %s: %s", from,
                             copy, sqlite3_errstr(result));
        }
        if (!sync_file(copy)) {
            return files_failed(fault, "sync", copy);
        }
    }
    return STATUS_OK;
}

/* ---- models ---- */

/* *ret_is_there false: it has been deleted by now. */
static enum status copy_file(const char *from, const char *to, const char *name, bool *ret_is_there,
                             struct fault *fault)
{
    char path[PATH_MAX], copy[PATH_MAX];
    struct arena arena;
    void *bytes;
    size_t n;
    bool is_durable;
    if (!files_path_print(path, "%s/%s", from, name) ||
        !files_path_print(copy, "%s/%s", to, name)) {
        return too_long(from, fault);
    }
    arena_init(&arena, SIZE_MAX);
    enum status status = files_read(path, &arena, &bytes, &n, fault);
    *ret_is_there = status == STATUS_OK;
    if (status == STATUS_OK) {
        status = files_write(copy, bytes, n, &is_durable, fault);
    } else if (fault->error == ENOENT) {
        status = STATUS_OK;
    }
    arena_done(&arena);
    return status;
}

/* The version and then its digest: the other way round a version that is deleted in between would
 * look like one that was lost. */
static enum status copy_version(const char *from, const char *to, const char *file,
                                struct fault *fault)
{
    char digest[FILES_NAME_MAX + 16];
    bool is_there = false;
    enum status status = copy_file(from, to, file, &is_there, fault);
    if (status == STATUS_OK && is_there) {
        snprintf(digest, sizeof digest, "%.*s" FILES_DIGEST_EXTENSION,
                 (int)(strlen(file) - strlen(FILES_EXTENSION)), file);
        status = copy_file(from, to, digest, &is_there, fault);
    }
    return status;
}

static bool is_version(const char *file)
{
    size_t n = strlen(file), n_extension = strlen(FILES_EXTENSION);
    return n > n_extension && n < FILES_NAME_MAX && file[0] != '.' &&
           strcmp(file + n - n_extension, FILES_EXTENSION) == 0;
}

struct data_copying {
    const char *from, *to; /* folders */
    struct fault *fault;
};

static enum status take_version(void *context, const char *name)
{
    const struct data_copying *copying = context;
    return is_version(name) ? copy_version(copying->from, copying->to, name, copying->fault)
                            : STATUS_OK;
}

static enum status copy_versions(const char *from, const char *to, struct fault *fault)
{
    struct data_copying copying = { .from = from, .to = to, .fault = fault };
    return folder_each(from, take_version, &copying, fault);
}

static bool is_same_note(const struct files_note *a, const struct files_note *b)
{
    return a->form == b->form && a->number == b->number && a->has_digest == b->has_digest &&
           (!a->has_digest || digest_equals(a->digest, b->digest));
}

/* The active version cannot be deleted, so it is in the copy if it is still active afterwards. The
 * highest number comes last: it is noted before a version goes. */
static enum status copy_model(const char *data, const char *to, const char *name,
                              struct fault *fault)
{
    char from[PATH_MAX], folder[PATH_MAX];
    if (!files_path_print(from, "%s/models/%s", data, name) ||
        !files_path_print(folder, "%s/models/%s", to, name)) {
        return too_long(data, fault);
    }
    if (mkdir(folder, 0700) != 0) {
        return files_failed(fault, "create the directory", folder);
    }
    struct files_note before, after;
    bool is_there = false;
    enum status status = files_read_active(data, name, &after, fault);
    for (int k = 0; k < ATTEMPTS_MAX && status == STATUS_OK; k++) {
        before = after;
        status = copy_file(from, folder, "active", &is_there, fault);
        if (status == STATUS_OK) {
            status = copy_versions(from, folder, fault);
        }
        if (status == STATUS_OK) {
            status = files_read_active(data, name, &after, fault);
        }
        if (status == STATUS_OK && is_same_note(&before, &after)) {
            return copy_file(from, folder, "newest", &is_there, fault);
        }
    }
    return status != STATUS_OK
               ? status
               : fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                           "the active version of model '%s' changes too often", name);
}

static enum status take_model(void *context, const char *name)
{
    const struct data_copying *copying = context;
    return files_name_is_valid(name, strlen(name))
               ? copy_model(copying->from, copying->to, name, copying->fault)
               : STATUS_OK;
}

enum status data_copy_models(const char *data, const char *to, struct fault *fault)
{
    char from[PATH_MAX], path[PATH_MAX];
    if (!files_models_path(data, from) || !files_models_path(to, path)) {
        return too_long(data, fault);
    }
    if (mkdir(path, 0700) != 0) {
        return files_failed(fault, "create the directory", path);
    }
    struct data_copying copying = { .from = data, .to = to, .fault = fault };
    return folder_each(from, take_model, &copying, fault);
}

/* ---- the clock ---- */

enum status data_copy_clock(const char *data, const char *to, struct fault *fault)
{
    bool is_there = false;
    return copy_file(data, to, "clock", &is_there, fault);
}
