#include "service/backup.h"

#include "service/pool/pool_copy.h"
#include "store/data_copy.h"
#include "store/files.h"
#include "store/folder.h"

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

struct copying_pools {
    char from[PATH_MAX], to[PATH_MAX]; /* folders */
    struct fault *fault;
};

static enum status copy_pool(void *context, const char *name)
{
    const struct copying_pools *copying = context;
    char path[PATH_MAX], copy[PATH_MAX];
    return is_pool(name) && files_path_print(path, "%s/%s", copying->from, name) &&
                   files_path_print(copy, "%s/%s", copying->to, name)
               ? pool_copy(path, copy, copying->fault)
               : STATUS_OK;
}

static enum status copy_pools(const char *data, const char *to, struct fault *fault)
{
    struct copying_pools copying = { .fault = fault };
    char inside[PATH_MAX];
    if (!files_path_print(copying.from, "%s/sessions", data) ||
        !files_path_print(copying.to, "%s/sessions", to) ||
        !files_path_print(inside, "%s/.", copying.to) || mkdir(copying.to, 0700) != 0) {
        return files_failed(fault, "create the directory of sessions in", to);
    }
    enum status status = folder_each(copying.from, copy_pool, &copying, fault);
    return status == STATUS_OK && !files_sync_folder_of(inside)
               ? files_failed(fault, "sync", copying.to)
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
