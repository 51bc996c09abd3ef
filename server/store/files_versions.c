#include "store/files_versions.h"

#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status make_folder(const char *path, struct fault *fault)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST) {
        return STATUS_OK;
    }
    return files_failed(fault, "create the directory", path);
}

/* The number that a file holds; 0 if it is not there. Nonsense counts as more than INT_MAX. */
static enum status read_number(const char *path, unsigned *ret_number, struct fault *fault)
{
    char text[16] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        *ret_number = 0;
        return STATUS_OK;
    }
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    enum status status = n < 0 ? files_failed(fault, "read", path) : STATUS_OK;
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
    return files_write(path, text, (size_t)n, ret_is_durable, fault);
}

/* The number that keep_number wrote down last; 0: none yet. */
static enum status read_newest(const char *folder, unsigned *ret_number, struct fault *fault)
{
    char path[PATH_MAX];
    unsigned number;
    if (!files_path_print(path, "%s/newest", folder)) {
        return files_failed(fault, "read below", folder);
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
    unsigned newest = 0, highest = 0;
    bool is_durable = true;
    enum status status = read_newest(folder, &newest, fault);
    if (status == STATUS_OK) {
        status = files_find_highest(folder, number, &highest, fault);
    }
    if (status != STATUS_OK || newest >= number || highest > number) {
        return status;
    }
    if (!files_path_print(path, "%s/newest", folder)) {
        return files_failed(fault, "write below", folder);
    }
    status = write_number(path, number, &is_durable, fault);
    return status == STATUS_OK && !is_durable ? files_failed(fault, "sync the directory of", path)
                                              : status;
}

/* The first number from version->number on that is beyond all that versions have or had, and its
 * path. */
static enum status find_free(const char *folder, struct file_version *version, struct fault *fault)
{
    unsigned newest = 0, highest = 0;
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
        return files_failed(fault, "write below", data);
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
    struct stat file = { 0 };
    struct file_version version = { .number = number };
    snprintf(version.name, sizeof version.name, "%s", name);
    if (!files_path_print(folder, "%s/models/%s", data, name)) {
        return files_failed(fault, "write below", data);
    }
    enum status status = make_folder(folder, fault);
    if (status == STATUS_OK) {
        status = find_free(folder, &version, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    bool is_durable;
    status = files_write(version.path, bytes, n, &is_durable, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (!is_durable) {
        status = files_failed(fault, "sync the directory of", version.path);
    } else if (stat(version.path, &file) != 0) {
        status = files_failed(fault, "find", version.path);
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

enum status files_delete_version(const char *data, const char *name, unsigned number,
                                 bool *ret_is_durable, struct fault *fault)
{
    char folder[PATH_MAX], path[PATH_MAX];
    if (!files_path_print(folder, "%s/models/%s", data, name) ||
        !files_path_print(path, "%s/%u" FILES_EXTENSION, folder, number)) {
        return files_failed(fault, "delete below", data);
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
        return files_failed(fault, "read below", data);
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
        return files_failed(fault, "write below", data);
    }
    enum status status = make_folder(path, fault);
    if (status != STATUS_OK || !files_path_print(path, "%s/models/%s/active", data, name)) {
        return status != STATUS_OK ? status : files_failed(fault, "write below", data);
    }
    return write_number(path, number, ret_is_durable, fault);
}
