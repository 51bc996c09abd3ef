/* files_path.h - names and paths of what is in the directories (files.h). Any thread. */
#ifndef FILES_PATH_H
#define FILES_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define FILES_EXTENSION        ".safetensors"
#define FILES_DIGEST_EXTENSION ".digest"

enum { FILES_NAME_MAX = 64 };

/* Whether a name may be a model's: 1 to 64 of A-Z a-z 0-9 . _ - and not beginning with '.'. */
bool files_name_is_valid(const char *name, size_t n);

/* False, with errno: it is too long. */
__attribute__((format(printf, 2, 3))) bool files_path_print(char path[PATH_MAX], const char *format,
                                                            ...);

/* Where the data directory keeps its versions, in the form that files_scan reads. */
bool files_models_path(const char *data, char path[PATH_MAX]);
/* The path of a model's session pool. */
bool files_pool_path(const char *data, const char *name, const char *suffix, char path[PATH_MAX]);

#endif
