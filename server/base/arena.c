#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum {
    ALIGNMENT = 16,
    FIRST_BLOCK = 16 << 10,    /* enough for a small request; it is kept, so it stays small */
    SMALL_BYTES = 64 << 10,    /* an arena gets as much, however much others have taken */
    BLOCK_GROWTH_MAX = 1 << 20 /* blocks double up to here */
};

/* Blocks form a stack: `current` is the newest, `first` the oldest. */
struct arena_block {
    struct arena_block *previous;
    size_t size; /* with this header */
    _Alignas(ALIGNMENT) char bytes[];
};

/* False if the result does not fit into a size_t. */
static bool round_up(size_t n, size_t *ret_rounded)
{
    if (__builtin_add_overflow(n, ALIGNMENT - 1, &n)) {
        return false;
    }
    *ret_rounded = n & ~(size_t)(ALIGNMENT - 1);
    return true;
}

void arena_init(struct arena *arena, size_t cap_bytes)
{
    *arena = (struct arena){ .cap = cap_bytes };
}

/* ---- the total ---- */

bool arena_total_add(struct arena_total *total, size_t n)
{
    size_t used = atomic_fetch_add_explicit(&total->used, n, memory_order_relaxed) + n;
    if (used <= atomic_load_explicit(total->max, memory_order_relaxed)) {
        return true;
    }
    arena_total_subtract(total, n);
    return false;
}

void arena_total_subtract(struct arena_total *total, size_t n)
{
    atomic_fetch_sub_explicit(&total->used, n, memory_order_relaxed);
}

/* ---- blocks ---- */

static struct arena_block *make_block(struct arena *arena, size_t size)
{
    struct arena_total *total = arena->first ? arena->total : NULL;
    if (total && arena->used + size <= SMALL_BYTES) {
        atomic_fetch_add_explicit(&total->used, size, memory_order_relaxed);
    } else if (total && !arena_total_add(total, size)) {
        arena->is_short = true;
        return NULL;
    }
    struct arena_block *block = malloc(size);
    if (block) {
        block->size = size;
        arena->used += size;
        arena->is_short = false;
    } else if (total) {
        arena_total_subtract(total, size);
    }
    return block;
}

static void free_all_but_first(struct arena *arena)
{
    while (arena->current != arena->first) {
        struct arena_block *block = arena->current;
        arena->current = block->previous;
        arena->used -= block->size;
        if (arena->total) {
            arena_total_subtract(arena->total, block->size);
        }
        free(block);
    }
}

static void begin_block(struct arena *arena, struct arena_block *block)
{
    arena->current = block;
    arena->p = block->bytes;
    arena->end = (char *)block + block->size;
}

void arena_done(struct arena *arena)
{
    if (arena) {
        free_all_but_first(arena);
        free(arena->first);
        *arena = (struct arena){ .cap = arena->cap, .total = arena->total };
    }
}

void arena_reset(struct arena *arena)
{
    arena->is_short = arena->is_full = false;
    if (arena->first) {
        free_all_but_first(arena);
        begin_block(arena, arena->first);
    }
}

/* A block for n bytes, a multiple of ALIGNMENT, becomes the current one. */
static bool add_block(struct arena *arena, size_t n)
{
    size_t size, left = arena->cap - arena->used;
    if (__builtin_add_overflow(n, sizeof(struct arena_block), &size) || size > left) {
        arena->is_full = true;
        return false;
    }
    size_t wanted = FIRST_BLOCK;
    if (arena->current) {
        wanted = arena->current->size < BLOCK_GROWTH_MAX / 2 ? 2 * arena->current->size
                                                             : BLOCK_GROWTH_MAX;
    }
    wanted = wanted < left ? wanted : left;
    struct arena_block *block = make_block(arena, size > wanted ? size : wanted);
    if (!block && size < wanted) {
        block = make_block(arena, size); /* not more than is needed, then */
    }
    if (!block) {
        arena->is_full = false;
        return false;
    }
    block->previous = arena->current;
    if (!arena->first) {
        arena->first = block;
    }
    begin_block(arena, block);
    return true;
}

void *arena_alloc(struct arena *arena, size_t n_bytes)
{
    size_t n;
    if (!round_up(n_bytes, &n)) {
        arena->is_full = true;
        return NULL;
    }
    /* the first block has one size: it is kept, and a large one would be kept for good */
    if (!arena->first && !add_block(arena, 0)) {
        return NULL;
    }
    if (n > (size_t)(arena->end - arena->p) && !add_block(arena, n)) {
        return NULL;
    }
    void *result = arena->p;
    arena->p += n;
    return result;
}

void *arena_array(struct arena *arena, size_t n, size_t size)
{
    size_t n_bytes;
    if (__builtin_mul_overflow(n, size, &n_bytes)) {
        arena->is_full = true;
        return NULL;
    }
    return arena_alloc(arena, n_bytes);
}

void *arena_grow(struct arena *arena, void *p, size_t old_bytes, size_t new_bytes)
{
    if (p && new_bytes <= old_bytes) {
        return p;
    }
    size_t old_n, new_n;
    if (!round_up(old_bytes, &old_n) || !round_up(new_bytes, &new_n)) {
        arena->is_full = true;
        return NULL;
    }
    if (p && (char *)p + old_n == arena->p && new_n - old_n <= (size_t)(arena->end - arena->p)) {
        arena->p += new_n - old_n;
        return p;
    }
    void *moved = arena_alloc(arena, new_bytes);
    if (moved && p) {
        memcpy(moved, p, old_bytes);
    }
    return moved;
}
