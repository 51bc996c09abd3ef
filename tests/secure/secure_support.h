/* secure_support.h - files for the tests of this layer, and what was logged. */
#ifndef SECURE_SUPPORT_H
#define SECURE_SUPPORT_H

#include <stddef.h>
#include <sys/types.h>

enum { PATH_SIZE = 64, LOGGED_SIZE = 4096 };

/* A file below /tmp with these bytes, readable by its owner; to be removed with unlink. */
void file_make(char path[PATH_SIZE], const void *bytes, size_t n);
void text_make(char path[PATH_SIZE], const char *text);

/* What is written to standard error between begin and end. */
int logged_begin(void);
void logged_end(int begun, char text[LOGGED_SIZE]);

#endif
