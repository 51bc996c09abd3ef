/* Variables by their names, of which a hostile file may have many. */
#include "engine/file/variable_index.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* n variables whose names are not in order; the caller frees them. */
static struct gru_variable *variables_new(size_t n)
{
    struct gru_variable *variables = calloc(n + 1, sizeof *variables);
    ck_assert_ptr_nonnull(variables);
    for (size_t k = 0; k < n; k++) {
        snprintf(variables[k].name, sizeof variables[k].name, "v%zu", (k * 7919 + 13) % n);
    }
    return variables;
}

TEST(every_name_is_found_and_no_other)
{
    static const size_t sizes[] = { 0, 1, 2, 3, 10, 1000 };
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct gru_variable *variables = variables_new(sizes[s]);
        struct name_index index;
        ck_assert(gru_name_index_init(&index, variables, sizes[s]));
        for (size_t k = 0; k < sizes[s]; k++) {
            ck_assert_ptr_eq(gru_name_index_find(&index, variables[k].name), &variables[k]);
        }
        static const char *const others[] = { "", "a", "v", "v1000", "w" };
        for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
            ck_assert_ptr_null(gru_name_index_find(&index, others[k]));
        }
        ck_assert_ptr_null(gru_name_index_duplicate(&index));
        gru_name_index_done(&index);
        free(variables);
    }
}

TEST(of_two_variables_with_one_name_the_later_is_the_duplicate)
{
    enum { N = 9 };
    for (size_t later = 1; later < N; later++) {
        for (size_t earlier = 0; earlier < later; earlier++) {
            struct gru_variable *variables = variables_new(N);
            struct name_index index;
            memcpy(variables[later].name, variables[earlier].name, sizeof variables->name);
            ck_assert(gru_name_index_init(&index, variables, N));
            ck_assert_ptr_eq(gru_name_index_duplicate(&index), &variables[later]);
            gru_name_index_done(&index);
            free(variables);
        }
    }
}
