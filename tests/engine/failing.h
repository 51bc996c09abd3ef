/*
 * failing.h - memory that runs out at a chosen allocation, to walk through every out-of-memory
 * path.
 *
 * The C library's malloc and its family are interposed in this test program. Not in a
 * sanitizer build, which needs them itself: there FAILING_MEMORY is not defined.
 */
#ifndef FAILING_H
#define FAILING_H

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FAILING_MEMORY

#include <stddef.h>

/* The n-th allocation from now on fails (0: the next), and all those after it succeed again. */
void failing_memory_start(long n);
/* Back to normal; nonzero if an allocation was made to fail. */
int failing_memory_stop(void);
/* Blocks allocated and not freed since the last start, as long as failing memory is on. */
long failing_memory_live(void);
/* Their bytes, as the allocator counts them: at least those that were asked for. */
size_t failing_memory_bytes(void);
#endif

#endif
