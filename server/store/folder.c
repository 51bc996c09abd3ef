#include "store/folder.h"

#include "store/files.h"

#include <dirent.h>
#include <errno.h>

enum status folder_each(const char *path, enum status (*take)(void *context, const char *name),
                        void *context, struct fault *fault)
{
    DIR *directory = opendir(path);
    if (!directory) {
        return files_failed(fault, "read the directory", path);
    }
    enum status status = STATUS_OK;
    const struct dirent *entry;
    errno = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of our own
    while (status == STATUS_OK && (entry = readdir(directory)) != NULL) {
        status = take(context, entry->d_name);
        errno = 0;
    }
    if (status == STATUS_OK && errno != 0) {
        status = files_failed(fault, "read the directory", path);
    }
    closedir(directory);
    return status;
}
