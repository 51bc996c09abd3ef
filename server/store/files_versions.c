#include "store/files_versions.h"

#include "store/files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static enum status make_folder(const char *path, struct fault *fault)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST) {
        return STATUS_OK;
    }
    return files_failed(fault, "create the directory", path);
}

/* The number that keep_number wrote down last; 0: none yet. */
static enum status read_newest(const char *folder, unsigned *ret_number, struct fault *fault)
{
    char path[PATH_MAX];
    struct files_note note;
    if (!files_path_print(path, "%s/newest", folder)) {
        return files_failed(fault, "read below", folder);
    }
    enum status status = files_note_read(path, &note, fault);
    if (status == STATUS_OK && note.form == NOTE_DAMAGED) {
        return fault_set(
            fault, STATUS_STORAGE_FAILED, NULL,
            "%s does not hold a number: write the highest one into it that a version had", path);
    }
    if (status == STATUS_OK) {
        *ret_number = note.number;
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
    status = files_note_write(path, number, NULL, &is_durable, fault);
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
    status = files_write_digest(&version, digest_128(bytes, n), &is_durable, fault);
    if (status == STATUS_OK && !is_durable) {
        status = files_failed(fault, "sync the directory of", version.path);
    } else if (status == STATUS_OK && stat(version.path, &file) != 0) {
        status = files_failed(fault, "find", version.path);
    }
    if (status != STATUS_OK) { /* the next start would take it for one that was acknowledged */
        struct fault ignored;
        files_take_back_version(version.path, &is_durable, &ignored);
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
    return status == STATUS_OK ? files_take_back_version(path, ret_is_durable, fault) : status;
}

/* ---- digests ---- */

/* Beside the file of a version. */
static bool digest_path(const char *version_path, char path[PATH_MAX])
{
    size_t n = strlen(version_path) - strlen(FILES_EXTENSION);
    return files_path_print(path, "%.*s" FILES_DIGEST_EXTENSION, (int)n, version_path);
}

/* The digest first: a version without one is whole, but a digest without its version means that
 * the version was lost. */
enum status files_take_back_version(const char *version_path, bool *ret_is_durable,
                                    struct fault *fault)
{
    char path[PATH_MAX];
    if (!digest_path(version_path, path)) {
        return files_failed(fault, "delete", version_path);
    }
    enum status status = files_delete(path, ret_is_durable, fault);
    return status == STATUS_OK ? files_delete(version_path, ret_is_durable, fault) : status;
}

enum status files_read_digest(const struct file_version *version, struct files_note *ret_note,
                              struct fault *fault)
{
    char path[PATH_MAX];
    if (!digest_path(version->path, path)) {
        return files_failed(fault, "read the digest of", version->path);
    }
    enum status status = files_note_read(path, ret_note, fault);
    if (status == STATUS_OK && ret_note->form != NOTE_ABSENT &&
        (ret_note->number != version->number || !ret_note->has_digest)) {
        ret_note->form = NOTE_DAMAGED;
    }
    return status;
}

enum status files_write_digest(const struct file_version *version, struct digest digest,
                               bool *ret_is_durable, struct fault *fault)
{
    char path[PATH_MAX];
    return digest_path(version->path, path)
               ? files_note_write(path, version->number, &digest, ret_is_durable, fault)
               : files_failed(fault, "write the digest of", version->path);
}

/* ---- the active version, and the highest number ---- */

enum status files_seal_newest(const char *data, const char *name, struct fault *fault)
{
    char path[PATH_MAX];
    struct files_note note;
    bool ignored;
    if (!files_path_print(path, "%s/models/%s/newest", data, name)) {
        return files_failed(fault, "read below", data);
    }
    enum status status = files_note_read(path, &note, fault);
    return status == STATUS_OK && note.form == NOTE_PLAIN
               ? files_note_write(path, note.number, NULL, &ignored, fault)
               : status;
}

enum status files_read_active(const char *data, const char *name, struct files_note *ret_note,
                              struct fault *fault)
{
    char path[PATH_MAX];
    return files_path_print(path, "%s/models/%s/active", data, name)
               ? files_note_read(path, ret_note, fault)
               : files_failed(fault, "read below", data);
}

enum status files_write_active(const char *data, const char *name, unsigned number,
                               struct digest digest, bool *ret_is_durable, struct fault *fault)
{
    char path[PATH_MAX];
    if (!files_path_print(path, "%s/models/%s", data, name)) {
        return files_failed(fault, "write below", data);
    }
    enum status status = make_folder(path, fault);
    if (status != STATUS_OK || !files_path_print(path, "%s/models/%s/active", data, name)) {
        return status != STATUS_OK ? status : files_failed(fault, "write below", data);
    }
    return files_note_write(path, number, &digest, ret_is_durable, fault);
}
