/* store_support.h - for the tests of what SQLite stores: folders, and SQL. */
#ifndef STORE_SUPPORT_H
#define STORE_SUPPORT_H

#include "filled_jobs.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct folder {
    char path[64];
};
struct folder folder_make(void);
/* Where nothing waits for a disk, for what opens databases by the hundred. */
struct folder folder_make_in_memory(void);
void folder_remove(const struct folder *folder);
void folder_path(const struct folder *folder, const char *name, char path[PATH_MAX]);
void folder_add(const struct folder *folder, const char *name);
void text_write(const struct folder *folder, const char *name, const char *text);
/* A data directory that nobody has locked. */
struct folder data_make(void);

/* Runs SQL on the file with a connection of its own. */
void sql_run(const struct folder *folder, const char *name, const char *sql);
/* The first column of the first row. */
int64_t sql_ask(const struct folder *folder, const char *name, const char *sql);

#endif
