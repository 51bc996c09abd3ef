#include "kernels/kernels.h"
#include "test.h"

/* Whether the n numbers are first, first + 1, ... in some order. */
static bool are_successive(const unsigned char *numbers, size_t n, size_t first)
{
    unsigned seen = 0;
    for (size_t k = 0; k < n; k++) {
        if (numbers[k] < first || numbers[k] >= first + n) {
            return false;
        }
        seen |= 1U << numbers[k];
    }
    return seen >> first == (1U << n) - 1;
}

TEST(planes_that_meet_one_matrix_are_one_run)
{
    for (int cell = 0; cell < K_N_CELLS; cell++) {
        const struct k_cell_traits *traits = &k_cells[cell];
        const struct k_planes *planes = &traits->planes;
        ck_assert_uint_eq(traits->n_gates, k_n_gates((enum k_cell)cell));
        ck_assert_uint_le(traits->n_gates, K_GATES_MAX);
        ck_assert_uint_le(planes->n, K_PLANES_MAX);
        ck_assert(are_successive(planes->x, traits->n_gates, planes->x_first));
        ck_assert(are_successive(planes->u, traits->n_gates, 0));
        ck_assert_uint_eq(planes->n_u, traits->n_gates - traits->resets_before);
        ck_assert_uint_eq(planes->u[K_CANDIDATE] == planes->n_u, traits->resets_before);
    }
}

TEST(a_bias_has_a_plane_of_its_own_where_it_acts_apart)
{
    for (int cell = 0; cell < K_N_CELLS; cell++) {
        const struct k_cell_traits *traits = &k_cells[cell];
        const struct k_planes *planes = &traits->planes;
        bool apart = planes->bias_x[K_CANDIDATE] != planes->bias_u[K_CANDIDATE];
        ck_assert_int_eq(apart, traits->bias == K_BIAS_HH_IN_RESET);
        ck_assert_uint_eq(planes->n, traits->n_gates + (traits->bias != K_BIAS_SUM));
        for (size_t gate = 0; gate < traits->n_gates; gate++) {
            ck_assert(gate == K_CANDIDATE || planes->bias_x[gate] == planes->bias_u[gate]);
        }
    }
}
