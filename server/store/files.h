/*
 * files.h - the directories that outlive the process: which model versions there are, and which one
 * is active.
 *
 *     --models DIR:  NAME.safetensors (version 1), NAME/<n>.safetensors            never written
 *     --data DIR:    models/NAME/<n>.safetensors, models/NAME/active, models/NAME/newest,
 *                    sessions/NAME.pool, lock
 *
 * No number is given twice: the next one is beyond those of all files and beyond `newest`, into
 * which a number is written before its file is deleted, if no file has a higher one.
 *
 * A file is written beside its place, synced, renamed over it, and the folder synced: it is there
 * whole or not at all. Any thread; callers keep writers of one model apart.
 */
#ifndef FILES_H
#define FILES_H

#include "base/arena.h"
#include "base/status.h"

#include <limits.h>
#include <stddef.h>

enum {
    FILES_NAME_MAX = 64,
    FILES_CLOSED_FOLDER =
        0 /* in the place of a version's number, which is 1 at least: see files_scan */
};

struct file_version {
    char name[FILES_NAME_MAX + 1];
    unsigned number; /* or FILES_CLOSED_FOLDER */
    bool read_only;
    int64_t created_at_ms;
    char path[PATH_MAX];
};

/* Whether a name may be a model's: 1 to 64 of A-Z a-z 0-9 . _ - and not beginning with '.'. */
bool files_name_is_valid(const char *name, size_t n);

/* Creates what is missing below the data directory and locks it against a second daemon; *ret_lock
 * is to be closed at the end. */
enum status files_open_data(const char *data, int *ret_lock, struct fault *fault);

/* Calls `found` for each version in the directory (form: models or data), in no particular order;
 * stops at the first status that is not OK. A folder of versions that may not be read is found as
 * one, numbered FILES_CLOSED_FOLDER, whose path is the folder's: files_read of it says why. Files
 * that look like models and have no fitting name are logged. */
enum status files_scan(const char *directory, bool read_only,
                       enum status (*found)(void *context, const struct file_version *version),
                       void *context, struct fault *fault);

enum status files_read(const char *path, struct arena *arena, void **ret_bytes, size_t *ret_n,
                       struct fault *fault);
/* Stores a new version under `number`, or, if that is not beyond all that versions had, under the
 * next one that is. */
enum status files_write_version(const char *data, const char *name, unsigned number,
                                const void *bytes, size_t n, struct file_version *ret_version,
                                struct fault *fault);
/* The number that files_write_version would take. */
enum status files_next_version(const char *data, const char *name, unsigned number,
                               unsigned *ret_number, struct fault *fault);
/* For a version that nobody was told of: its number may be given again. One that is gone already is
 * fine. *ret_is_durable false: it is gone, but the disk refused to sync that, and a power failure
 * may bring it back. */
enum status files_delete(const char *path, bool *ret_is_durable, struct fault *fault);
/* The same for a version that was served, whose number is not given again: where that cannot be
 * written down, nothing is deleted. */
enum status files_delete_version(const char *data, const char *name, unsigned number,
                                 bool *ret_is_durable, struct fault *fault);

/* The version that was activated last, 0 if none was. */
enum status files_read_active(const char *data, const char *name, unsigned *ret_number,
                              struct fault *fault);
/* *ret_is_durable false: it is written, but a power failure may bring back what was there before.
 */
enum status files_write_active(const char *data, const char *name, unsigned number,
                               bool *ret_is_durable, struct fault *fault);

/* Where the data directory keeps its versions, in the form that files_scan reads. */
bool files_models_path(const char *data, char path[PATH_MAX]);
/* The path of a model's session pool. */
bool files_pool_path(const char *data, const char *name, const char *suffix, char path[PATH_MAX]);
/* Makes durable that the file is there, or that it is not. */
bool files_sync_folder_of(const char *path);

#endif
