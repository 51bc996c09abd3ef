/*
 * arena.h - the memory of one request: bump allocation, freed as a whole, with a cap. A leaf.
 *
 * One thread at a time. The first block is kept from request to request, so a small request allocates
 * nothing. Allocations are 16-byte aligned and not zeroed.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *first, *current;
    char *p, *end;    /* the rest of the current block */
    size_t used, cap; /* bytes of all blocks; none is added beyond the cap */
};

void arena_init(struct arena *arena, size_t cap_bytes); /* allocates nothing yet */
void arena_done(struct arena *arena);
void arena_reset(struct arena *arena); /* frees all but the first block */

/* NULL beyond the cap or when memory is short. n may be 0. */
void *arena_alloc(struct arena *arena, size_t n_bytes);
void *arena_array(struct arena *arena, size_t n, size_t size); /* checks the product */
/* Lengthens the newest allocation in place if it can, else moves it; like realloc without the free. */
void *arena_grow(struct arena *arena, void *p, size_t old_bytes, size_t new_bytes);

#endif
