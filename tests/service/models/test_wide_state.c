/* States that former builds kept of a model whose values are wide. */
#include "service/models/wide_state.h"
#include "service/service_support.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct gru_model *loaded(struct bytes bytes)
{
    struct gru_model *gru;
    struct gru_error error;
    ck_assert_msg(gru_model_load(bytes.p, bytes.n, &gru, &error) == GRU_OK, "%s", error.message);
    free(bytes.p);
    return gru;
}

TEST(a_former_state_of_a_wide_model_is_what_it_was)
{
    struct gru_model *gru = loaded(network_file_wide());
    const struct gru_info *info = gru_model_info(gru);
    const size_t n_former = HIDDEN + INPUTS + OUTPUTS;
    float former[64], state[64];
    ck_assert(info->is_wide && info->state_floats == n_former + INPUTS + OUTPUTS);
    ck_assert_uint_le(info->state_floats, 64);
    for (size_t k = 0; k < n_former; k++) {
        former[k] = k == HIDDEN + 1 ? NAN : 1e8F + 8 * (float)k;
    }
    ck_assert(wide_state_translate(gru, former, n_former, state));
    ck_assert_mem_eq(state, former, HIDDEN * sizeof *state);
    ck_assert(gru_state_last(gru, state, 0) == 1e8 + 8 * HIDDEN);
    ck_assert(isnan(gru_state_last(gru, state, 1)));
    for (size_t o = 0; o < OUTPUTS; o++) {
        ck_assert(gru_state_y(gru, state, o) == 1e8 + 8 * (double)(HIDDEN + INPUTS + o));
    }
    ck_assert(!wide_state_translate(gru, former, n_former - 1, state));
    ck_assert(!wide_state_translate(gru, former, info->state_floats, state));
    ck_assert(!wide_state_translate(gru, former, 0, state));
    gru_model_unref(gru);
}

TEST(other_models_have_no_former_states)
{
    struct gru_model *gru = loaded(network_file(HIDDEN, SEED));
    float former[64] = { 0 }, state[64];
    ck_assert(!gru_model_info(gru)->is_wide);
    for (size_t n = 0; n <= 64; n++) {
        ck_assert(!wide_state_translate(gru, former, n, state));
    }
    gru_model_unref(gru);
}
