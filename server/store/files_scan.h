/* files_scan.h - which versions the directories hold (files.h). Other files in them are ignored.
 * Any thread. */
#ifndef FILES_SCAN_H
#define FILES_SCAN_H

#include "base/status.h"
#include "store/files_path.h"

#include <stdint.h>

/* Stands where a version's number would, which is 1 at least. */
enum { FILES_CLOSED_FOLDER = 0 };

struct file_version {
    char name[FILES_NAME_MAX + 1];
    unsigned number; /* or FILES_CLOSED_FOLDER */
    bool read_only;
    bool is_gone; /* its digest is there, and the file at `path` is not */
    int64_t created_at_ms;
    char path[PATH_MAX];
};

/* Calls `found` for each version in the directory (form: models or data), in no particular order;
 * stops at the first status that is not OK. A folder of versions that may not be read is found as
 * one, numbered FILES_CLOSED_FOLDER, whose path is the folder's: files_read of it says why. A
 * version of the data directory whose digest alone is left is found as one that is gone. Files that
 * look like models and have no fitting name are logged, in --models those of other programs, too
 * (files_foreign.h), and *n_ignored is raised by each. */
enum status files_scan(const char *directory, bool read_only,
                       enum status (*found)(void *context, const struct file_version *version),
                       void *context, size_t *n_ignored, struct fault *fault);

/* The highest number of a version's file, or of its digest, in a model's folder, but for one; 0:
 * there is none. */
enum status files_find_highest(const char *folder, unsigned other_than, unsigned *ret_highest,
                               struct fault *fault);

#endif
