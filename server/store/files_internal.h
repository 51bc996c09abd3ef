/* files_internal.h - what the files of files.h share. */
#ifndef FILES_INTERNAL_H
#define FILES_INTERNAL_H

#include "store/files.h"

#define FILES_EXTENSION ".safetensors"

/* False, with errno: it is too long. */
__attribute__((format(printf, 2, 3))) bool files_path_print(char path[PATH_MAX], const char *format,
                                                            ...);

/* The highest number of a version's file in a model's folder, but for one; 0: there is none. */
enum status files_find_highest(const char *folder, unsigned other_than, unsigned *ret_highest,
                               struct fault *fault);

#endif
