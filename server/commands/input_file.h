/*
 * input_file.h - reads a file that a sub-command was given, whole. A leaf.
 */
#ifndef INPUT_FILE_H
#define INPUT_FILE_H

#include <stddef.h>

/* The bytes of a regular file, with room for one more, from malloc; NULL with errno set. */
char *input_file_read(const char *path, size_t *ret_n);

#endif
