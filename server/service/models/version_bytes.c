#include "service/models/version_bytes.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

struct version_bytes *version_bytes_create(size_t n)
{
    struct version_bytes *bytes = n < SIZE_MAX - sizeof *bytes ? malloc(sizeof *bytes + n) : NULL;
    if (bytes) {
        atomic_init(&bytes->n_refs, 1);
        bytes->n = n;
    }
    return bytes;
}

struct version_bytes *version_bytes_ref(struct version_bytes *bytes)
{
    if (bytes) {
        atomic_fetch_add(&bytes->n_refs, 1);
    }
    return bytes;
}

void version_bytes_unref(struct version_bytes *bytes)
{
    if (bytes && atomic_fetch_sub(&bytes->n_refs, 1) == 1) {
        free(bytes);
    }
}
