/*
 * files.h - the directories that outlive the process: which model versions there are, and which one
 * is active.
 *
 *     --models DIR:  NAME.safetensors (version 1), NAME/<n>.safetensors            never written
 *     --data DIR:    models/NAME/<n>.safetensors, models/NAME/<n>.digest, models/NAME/active,
 *                    models/NAME/newest, sessions/NAME.pool, clock, lock
 *
 * Here are the data directory and its files as such; names and paths, what is found in the folders,
 * and the versions of a model have headers of their own, which come with this one.
 *
 * A file is written beside its place, synced, renamed over it, and the folder synced: it is there
 * whole or not at all. Any thread; callers keep writers of one model apart.
 */
#ifndef FILES_H
#define FILES_H

#include "base/arena.h"
#include "base/status.h"
#include "store/files_path.h"
#include "store/files_scan.h"
#include "store/files_versions.h"

#include <stdbool.h>
#include <stddef.h>

/* What keeps a second daemon out: a lock of the data directory itself, which goes with it wherever
 * it is moved and stays when files are removed from it, and one of the file `lock`, which is all
 * that earlier releases know. -1: not held. */
struct files_lock {
    int folder, file;
};
#define FILES_UNLOCKED ((struct files_lock){ .folder = -1, .file = -1 })

/* Creates what is missing below the data directory and locks it. */
enum status files_open_data(const char *data, struct files_lock *ret_lock, struct fault *fault);
void files_unlock(struct files_lock *lock); /* also one that is not held */

enum status files_read(const char *path, struct arena *arena, void **ret_bytes, size_t *ret_n,
                       struct fault *fault);
/* On success the file is there; *ret_is_durable: and stays there, whatever happens. */
enum status files_write(const char *path, const void *bytes, size_t n, bool *ret_is_durable,
                        struct fault *fault);
/* One that is gone already is fine. *ret_is_durable false: it is gone, but the disk refused to sync
 * that, and a power failure may bring it back. */
enum status files_delete(const char *path, bool *ret_is_durable, struct fault *fault);
/* Syncs the folder, so that a file that was made or deleted there stays so. */
bool files_sync_folder_of(const char *path);
/* "cannot <what> <path>: ...", of a file that is grud's own, for the reason in errno. */
enum status files_failed(struct fault *fault, const char *what, const char *path);

#endif
