/* failing_memory.h - for tests: SQLite's allocator, with a call that fails. */
#ifndef FAILING_MEMORY_H
#define FAILING_MEMORY_H

#include <stdbool.h>

/* While no database is open. */
void memory_instrument(void);
void memory_restore(void);
/* The n-th allocation from here on fails, and all after it; 0: none does. */
void memory_fail(long n);
extern bool memory_has_failed; /* since memory_fail */

#endif
