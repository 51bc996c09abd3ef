#include "failing.h"

#ifdef FAILING_MEMORY
#include <dlfcn.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

static bool on, failed;
static long countdown, n_live;
static size_t n_live_bytes;

/* `name`: the next definition of a function after this program's own, found at its first call. */
#define NEXT(name)                                                                                 \
    static __typeof__(name) *next;                                                                 \
    if (!next) {                                                                                   \
        *(void **)(void *)&next = dlsym(RTLD_NEXT, #name);                                         \
    }

static bool fails(void)
{
    if (on && countdown-- == 0) {
        failed = true;
        return true;
    }
    return false;
}

static void *counted(void *p)
{
    n_live += on && p ? 1 : 0;
    n_live_bytes += on && p ? malloc_usable_size(p) : 0;
    return p;
}

void *malloc(size_t n)
{
    NEXT(malloc)
    return fails() ? NULL : counted(next(n));
}

void *calloc(size_t n, size_t size)
{
    NEXT(calloc)
    return fails() ? NULL : counted(next(n, size));
}

void *aligned_alloc(size_t alignment, size_t n)
{
    NEXT(aligned_alloc)
    return fails() ? NULL : counted(next(alignment, n));
}

void *realloc(void *p, size_t n)
{
    NEXT(realloc)
    if (fails()) {
        return NULL;
    }
    size_t n_before = on && p ? malloc_usable_size(p) : 0;
    void *grown = next(p, n);
    if (on && p && grown) {
        n_live_bytes += malloc_usable_size(grown) - n_before;
    }
    return p ? grown : counted(grown);
}

/* The C library's own does not call the realloc above. */
void *reallocarray(void *p, size_t n, size_t size)
{
    size_t n_bytes;
    return __builtin_mul_overflow(n, size, &n_bytes) ? NULL : realloc(p, n_bytes);
}

void free(void *p)
{
    NEXT(free)
    n_live -= on && p ? 1 : 0;
    n_live_bytes -= on && p ? malloc_usable_size(p) : 0;
    next(p);
}

void failing_memory_start(long n)
{
    countdown = n;
    n_live = 0;
    n_live_bytes = 0;
    failed = false;
    on = true;
}

int failing_memory_stop(void)
{
    on = false;
    return failed;
}

long failing_memory_live(void)
{
    return n_live;
}

size_t failing_memory_bytes(void)
{
    return n_live_bytes;
}
#endif
