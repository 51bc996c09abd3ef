/*
 * version_bytes.h - the file of a version that is kept in memory: immutable once it is filled, and
 * shared by the copies of the version in one catalogue after the other. Any thread.
 */
#ifndef VERSION_BYTES_H
#define VERSION_BYTES_H

#include <stddef.h>

struct version_bytes {
    _Atomic unsigned n_refs;
    size_t n;
    char bytes[];
};

/* Room for n bytes, to be filled; NULL: no memory. */
struct version_bytes *version_bytes_create(size_t n);
struct version_bytes *version_bytes_ref(struct version_bytes *bytes); /* takes NULL */
void version_bytes_unref(struct version_bytes *bytes);                /* likewise */

#endif
