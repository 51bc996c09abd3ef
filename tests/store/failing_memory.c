#include "failing_memory.h"

#include "test.h"

#include <sqlite3.h>

/* SQLite's allocator, with a call that fails. */
static sqlite3_mem_methods real_memory;
static long n_until_failure; /* 0: none fails */
bool memory_has_failed;

static bool fails_now(void)
{
    if (n_until_failure == 0 || --n_until_failure > 0) {
        return false;
    }
    memory_has_failed = true;
    n_until_failure = 1; /* and all after it, until memory is back */
    return true;
}

static void *failing_malloc(int n)
{
    return fails_now() ? NULL : real_memory.xMalloc(n);
}

static void *failing_realloc(void *p, int n)
{
    return fails_now() ? NULL : real_memory.xRealloc(p, n);
}

void memory_instrument(void)
{
    ck_assert_int_eq(sqlite3_shutdown(), SQLITE_OK);
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), SQLITE_OK);
    sqlite3_mem_methods failing = real_memory;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
    /* without the lookaside of each connection every allocation is seen */
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0), SQLITE_OK);
}

void memory_restore(void)
{
    ck_assert_int_eq(sqlite3_shutdown(), SQLITE_OK);
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &real_memory), SQLITE_OK);
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 1200, 40), SQLITE_OK);
}

void memory_fail(long n)
{
    memory_has_failed = false;
    n_until_failure = n;
}
