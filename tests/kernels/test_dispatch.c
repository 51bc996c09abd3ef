/* The choice between the tables. */
#include "kernels/kernels.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(every_processor_has_the_baseline_table_last)
{
    size_t n = 0;
    while (k_table(n)) {
        n++;
    }
    ck_assert_uint_ge(n, 1);
    ck_assert_str_eq(k_table(n - 1)->name, "baseline");
    ck_assert_ptr_null(k_table(n + 1));
}

/* k_best chooses once per process, so each choice is made in a process of its own. */
static bool best_is(const char *wanted, const char *expected)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (wanted) {
            setenv("GRUD_KERNELS", wanted, 1);
        } else {
            unsetenv("GRUD_KERNELS");
        }
        _exit(strcmp(k_best()->name, expected) == 0 ? 0 : 1);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status == 0;
}

TEST(the_best_table_is_the_first)
{
    ck_assert(best_is(NULL, k_table(0)->name));
}

TEST(grud_kernels_overrides_the_choice)
{
    for (size_t i = 0; k_table(i); i++) {
        ck_assert(best_is(k_table(i)->name, k_table(i)->name));
    }
}

TEST(an_unknown_instruction_set_is_ignored)
{
    ck_assert(best_is("avx1024", k_table(0)->name));
}
