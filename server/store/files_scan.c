#include "store/files_scan.h"

#include "base/log.h"
#include "base/refusal.h"
#include "store/files_foreign.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "<n>.safetensors" with n a positive number without leading zeros; 0 if it is something else. */
static unsigned version_of_file(const char *file, const char *extension)
{
    char *end;
    if (file[0] < '1' || file[0] > '9') {
        return 0;
    }
    errno = 0;
    unsigned long number = strtoul(file, &end, 10);
    return errno == 0 && number <= INT_MAX && strcmp(end, extension) == 0 ? (unsigned)number : 0;
}

/* What looks like a model file. */
static bool has_extension(const char *file, size_t n)
{
    const size_t n_extension = sizeof FILES_EXTENSION - 1;
    return n > n_extension && strcmp(file + n - n_extension, FILES_EXTENSION) == 0;
}

struct scan {
    bool read_only; /* it is --models */
    enum status (*found)(void *context, const struct file_version *version);
    void *context;
    size_t *n_ignored;
    struct fault *fault;
};

static void ignore(const struct scan *scan, const char *path, const char *reason)
{
    ++*scan->n_ignored;
    log_event(LOG_WARN, "model_ignored", LOG_STRING("file", path), LOG_STRING("reason", reason));
}

static enum status failed_scan(const struct scan *scan, const char *what, const char *path)
{
    return scan->read_only ? refusal_set(scan->fault, "models", what, path, REFUSAL_TO_READ, errno)
                           : refusal_set(scan->fault, "data", what, path, REFUSAL_TO_KEEP, errno);
}

static enum status report(const struct scan *scan, const char *name, size_t n_name, unsigned number,
                          const char *path)
{
    struct stat file;
    struct file_version version = { .number = number, .read_only = scan->read_only };
    if (stat(path, &file) != 0) {
        return errno == ENOENT ? STATUS_OK
                               : failed_scan(scan, "look at", path); /* a link to nowhere */
    }
    if (!S_ISREG(file.st_mode)) {
        return STATUS_OK;
    }
    memcpy(version.name, name, n_name);
    version.created_at_ms = (int64_t)file.st_mtim.tv_sec * 1000 + file.st_mtim.tv_nsec / 1000000;
    snprintf(version.path, sizeof version.path, "%s", path);
    return scan->found(scan->context, &version);
}

/* *ret_entry NULL: there are no more. */
static enum status next_entry(const struct scan *scan, DIR *stream, const char *path,
                              const struct dirent **ret_entry)
{
    errno = 0;
    *ret_entry = readdir(stream); // NOLINT(concurrency-mt-unsafe): a stream of our own
    return *ret_entry || errno == 0 ? STATUS_OK : failed_scan(scan, "read the directory", path);
}

static enum status report_closed(const struct scan *scan, const char *name, const char *folder)
{
    struct file_version version = { .number = FILES_CLOSED_FOLDER, .read_only = scan->read_only };
    memcpy(version.name, name, strlen(name));
    snprintf(version.path, sizeof version.path, "%s", folder);
    return scan->found(scan->context, &version);
}

/* By its digest, which grud keeps of its own versions only. */
static enum status report_gone(const struct scan *scan, const char *folder, const char *name,
                               unsigned number)
{
    struct file_version version = { .number = number, .is_gone = true };
    if (scan->read_only ||
        !files_path_print(version.path, "%s/%u" FILES_EXTENSION, folder, number) ||
        access(version.path, F_OK) == 0 || errno != ENOENT) {
        return STATUS_OK;
    }
    memcpy(version.name, name, strlen(name));
    return scan->found(scan->context, &version);
}

static enum status scan_model_folder(const struct scan *scan, const char *folder, const char *name)
{
    DIR *directory = opendir(folder);
    if (!directory && errno == EACCES) {
        return report_closed(scan, name, folder);
    }
    if (!directory) { /* some other file may lie about */
        return errno == ENOTDIR || errno == ENOENT
                   ? STATUS_OK
                   : failed_scan(scan, "read the directory", folder);
    }
    const struct dirent *entry;
    char path[PATH_MAX];
    enum status status = next_entry(scan, directory, folder, &entry);
    for (; status == STATUS_OK && entry; status = next_entry(scan, directory, folder, &entry)) {
        unsigned number = version_of_file(entry->d_name, FILES_EXTENSION);
        unsigned of_digest = version_of_file(entry->d_name, FILES_DIGEST_EXTENSION);
        if (of_digest > 0) {
            status = report_gone(scan, folder, name, of_digest);
        } else if (number > 0 && files_path_print(path, "%s/%s", folder, entry->d_name)) {
            status = report(scan, name, strlen(name), number, path);
        } else if (number == 0 && has_extension(entry->d_name, strlen(entry->d_name)) &&
                   files_path_print(path, "%s/%s", folder, entry->d_name)) {
            ignore(scan, path, "in a model's directory files are NUMBER.safetensors");
        } else if (scan->read_only && number == 0 && entry->d_name[0] != '.' &&
                   files_path_print(path, "%s/%s", folder, entry->d_name)) {
            *scan->n_ignored += files_log_foreign(path);
        }
        if (status != STATUS_OK) {
            break;
        }
    }
    closedir(directory);
    return status;
}

enum status files_scan(const char *directory, bool read_only,
                       enum status (*found)(void *context, const struct file_version *version),
                       void *context, size_t *n_ignored, struct fault *fault)
{
    const struct scan scan = { .read_only = read_only,
                               .found = found,
                               .context = context,
                               .n_ignored = n_ignored,
                               .fault = fault };
    DIR *stream = opendir(directory);
    if (!stream) {
        return failed_scan(&scan, "read the directory", directory);
    }
    const struct dirent *entry;
    char path[PATH_MAX];
    enum status status = next_entry(&scan, stream, directory, &entry);
    for (; status == STATUS_OK && entry; status = next_entry(&scan, stream, directory, &entry)) {
        size_t n = strlen(entry->d_name);
        if (!files_path_print(path, "%s/%s", directory, entry->d_name)) {
            continue;
        }
        size_t n_name = n - (sizeof FILES_EXTENSION - 1);
        bool is_file = read_only && has_extension(entry->d_name, n);
        if (read_only && !is_file && entry->d_name[0] != '.') {
            *n_ignored += files_log_foreign(path);
        }
        if (is_file && files_name_is_valid(entry->d_name, n_name)) {
            status = report(&scan, entry->d_name, n_name, 1, path);
        } else if (is_file && entry->d_name[0] != '.') {
            ignore(&scan, path,
                   "a model's name is 1 to 64 letters, digits, dots, dashes and underscores");
        } else if (!is_file && files_name_is_valid(entry->d_name, n)) {
            status = scan_model_folder(&scan, path, entry->d_name);
        }
        if (status != STATUS_OK) {
            break;
        }
    }
    closedir(stream);
    return status;
}

enum status files_find_highest(const char *folder, unsigned other_than, unsigned *ret_highest,
                               struct fault *fault)
{
    DIR *directory = opendir(folder);
    if (!directory && errno == ENOENT) {
        *ret_highest = 0;
        return STATUS_OK;
    }
    const struct dirent *entry = NULL;
    unsigned highest = 0;
    while (directory && (errno = 0, entry = readdir(directory))) { // NOLINT(concurrency-mt-unsafe)
        unsigned of_file = version_of_file(entry->d_name, FILES_EXTENSION);
        unsigned number =
            of_file > 0 ? of_file : version_of_file(entry->d_name, FILES_DIGEST_EXTENSION);
        highest = number > highest && number != other_than ? number : highest;
    }
    enum status status =
        errno == 0 ? STATUS_OK
                   : refusal_set(fault, NULL, "read the directory", folder, REFUSAL_TO_KEEP, errno);
    if (directory) {
        closedir(directory);
    }
    if (status == STATUS_OK) {
        *ret_highest = highest;
    }
    return status;
}
