/*
 * secret.h - the text of a file that holds a secret: read whole, and wiped from memory after use.
 * Any thread.
 */
#ifndef SECRET_H
#define SECRET_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

struct secret {
    char *text; /* ends with a NUL that does not count */
    size_t n;
    bool is_group_readable, is_world_readable; /* the file */
};

/* A regular file of at most a megabyte. A fault names the file, and `param` as the option that
 * named it. */
__attribute__((warn_unused_result)) enum status
secret_read(const char *path, const char *param, struct secret *ret_secret, struct fault *fault);
/* Wipes and frees the text, and wipes the stack below the caller, where functions that worked on
 * the text may have left copies. So it is for the function that called secret_read and then those.
 */
void secret_wipe(struct secret *secret);

#endif
