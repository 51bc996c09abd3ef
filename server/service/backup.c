#include "service/backup.h"

#include "service/pool/pool_copy.h"
#include "store/data_copy.h"
#include "store/files.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_OPEN = 8 };

/* ---- sessions ---- */

static bool is_pool(const char *file)
{
    static const char extension[] = ".pool";
    size_t n = strlen(file);
    return n >= sizeof extension && strcmp(file + n - (sizeof extension - 1), extension) == 0;
}

static enum status copy_pools(const char *data, const char *to, struct fault *fault)
{
    char from[PATH_MAX], folder[PATH_MAX], path[PATH_MAX], copy[PATH_MAX];
    if (!files_path_print(from, "%s/sessions", data) ||
        !files_path_print(folder, "%s/sessions", to) || mkdir(folder, 0700) != 0) {
        return files_failed(fault, "create the directory of sessions in", to);
    }
    DIR *directory = opendir(from);
    if (!directory) {
        return files_failed(fault, "read the directory", from);
    }
    enum status status = STATUS_OK;
    const struct dirent *entry;
    errno = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of our own
    while (status == STATUS_OK && (entry = readdir(directory)) != NULL) {
        if (is_pool(entry->d_name) && files_path_print(path, "%s/%s", from, entry->d_name) &&
            files_path_print(copy, "%s/%s", folder, entry->d_name)) {
            status = pool_copy(path, copy, fault);
        }
        errno = 0;
    }
    if (status == STATUS_OK && errno != 0) {
        status = files_failed(fault, "read the directory", from);
    }
    closedir(directory);
    return status == STATUS_OK && !files_sync_folder_of(copy) ? files_failed(fault, "sync", folder)
                                                              : status;
}

/* ---- the whole ---- */

/* In this order each part finds what it speaks of in the next: a job names versions that were
 * stored before, and a session that belongs to a later version is brought to the one that is
 * there. The clock comes last, since the times of the sessions are by it. */
static enum status copy_all(const char *data, const char *to, struct fault *fault)
{
    enum status status = data_copy_databases(data, to, fault);
    if (status == STATUS_OK) {
        status = data_copy_models(data, to, fault);
    }
    if (status == STATUS_OK) {
        status = copy_pools(data, to, fault);
    }
    return status == STATUS_OK ? data_copy_clock(data, to, fault) : status;
}

static int remove_one(const char *path, const struct stat *file, int type, struct FTW *walk)
{
    (void)file;
    (void)type;
    (void)walk;
    return remove(path);
}

enum status service_backup(const char *data, const char *to, struct fault *fault)
{
    char partial[PATH_MAX];
    if (access(to, F_OK) == 0) {
        return fault_set(fault, STATUS_INVALID_VALUE, NULL,
                         "%s is there already: a backup is a directory of its own", to);
    }
    if (!files_path_print(partial, "%s.partial", to)) {
        return files_failed(fault, "copy to", to);
    }
    if (mkdir(partial, 0700) != 0) {
        return errno == EEXIST
                   ? fault_set(fault, STATUS_INVALID_VALUE, NULL,
                               "%s is left of a backup that did not end: remove it", partial)
                   : files_failed(fault, "create the directory", partial);
    }
    enum status status = copy_all(data, partial, fault);
    if (status == STATUS_OK && (rename(partial, to) != 0 || !files_sync_folder_of(to))) {
        status = files_failed(fault, "put in place", to);
    }
    if (status != STATUS_OK) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): a process of one thread
        (void)nftw(partial, remove_one, MOST_OPEN, FTW_DEPTH | FTW_PHYS);
    }
    return status;
}
