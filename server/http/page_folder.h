/*
 * page_folder.h - the files of the page read anew for each request, from the folder of --page-dir:
 * for those who work on the page. Only what lies in that folder, or in a folder directly in it, is
 * read; links and names that begin with a dot are not. Waits for the disk: not for workers.
 */
#ifndef PAGE_FOLDER_H
#define PAGE_FOLDER_H

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Refuses a folder that is not there, or has no index.html. */
__attribute__((warn_unused_result)) enum status page_folder_check(const char *folder,
                                                                  struct fault *fault);
/* Reads the file into the arena. *ret_bytes NULL: there is no such file. */
__attribute__((warn_unused_result)) enum status
page_folder_read(const char *folder, const char *name, struct arena *arena, const char **ret_bytes,
                 size_t *ret_n, struct fault *fault);

#endif
