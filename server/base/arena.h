/*
 * arena.h - the memory of one request: bump allocation, freed as a whole. An arena has a cap of its
 * own, and a total that it shares with others. A leaf.
 *
 * One thread at a time. The first block is kept from request to request and counts in no total, so
 * a small request allocates nothing and touches no shared figure, and an idle arena takes nothing
 * from the others. An arena gets its first kilobytes however much the others have taken.
 * Allocations are 16-byte aligned and not zeroed.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct arena_block;

/* The memory that several arenas take together. */
struct arena_total {
    atomic_size_t used;       /* bytes; anyone may count further ones with arena_total_add */
    const atomic_size_t *max; /* beyond it only small arenas grow */
};

struct arena {
    struct arena_block *first, *current;
    char *p, *end;             /* the rest of the current block */
    size_t used, cap;          /* bytes of all blocks; none is added beyond the cap */
    struct arena_total *total; /* NULL: it shares nothing */
    bool is_short; /* the newest block that it asked for was refused for the total's sake */
    bool is_full;  /* why the last allocation that failed did: the cap; false: memory was short */
};

/* False, and nothing is counted, if that is more than there may be. */
bool arena_total_add(struct arena_total *total, size_t n);
void arena_total_subtract(struct arena_total *total, size_t n);

void arena_init(struct arena *arena,
                size_t cap_bytes); /* allocates nothing yet; `total` may be set then */
void arena_done(struct arena *arena);
void arena_reset(struct arena *arena); /* frees all but the first block */

/* NULL beyond the cap or when memory is short. n may be 0. */
void *arena_alloc(struct arena *arena, size_t n_bytes);
void *arena_array(struct arena *arena, size_t n, size_t size); /* checks the product */
/* Lengthens the newest allocation in place if it can, else moves it; like realloc without the free.
 */
void *arena_grow(struct arena *arena, void *p, size_t old_bytes, size_t new_bytes);

#endif
