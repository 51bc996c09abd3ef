/* Gradients by central differences of chains of layers of every kind, in every place. */
#include "engine/random.h"
#include "engine/train/backprop_layer.h"
#include "test.h"
#include "trial.h"

#include <stdlib.h>
#include <string.h>

static void check_plan(const struct plan *plan)
{
    struct trial t = trial_new(plan);
    trial_both(&t);
    struct reference ref = reference_new(&t);
    trial_check_forward(&t, &ref);
    trial_check_gradients(&t, &ref);
    reference_free(&ref);
    trial_free(&t);
}

/* From the beginning and from states, all trained and the head alone, with dropout and without. */
static void check_chain(const struct plan_layer *chain, size_t n_layers)
{
    struct plan plan = { .chain = chain,
                         .n_layers = n_layers,
                         .n_inputs = 3,
                         .steps = 1,
                         .n_steps = 5,
                         .n_lanes = { 4, 4, 3, 3, 1 } };
    for (int k = 0; k < 4; k++) {
        plan.begins = k % 2 == 0;
        plan.head_only = k == 2;
        plan.dropout = k > 0 ? 0 : 0.3;
        check_plan(&plan);
    }
}

#define LENGTH(chain) (sizeof(chain) / sizeof *(chain))

/* ---- each kind, in each place ---- */

TEST(a_norm_has_its_gradient_before_between_and_behind)
{
    for (int kind = 0; kind < GRU_N_LAYER_KINDS; kind++) {
        const enum layer_family family = gru_layer_kind_row((enum gru_layer_kind)kind)->family;
        if (family != LAYER_NORM && family != LAYER_BATCH_NORM) {
            continue;
        }
        for (int is_bare = 0; is_bare < 2; is_bare++) {
            const struct plan_layer norm = { .kind = (enum gru_layer_kind)kind,
                                             .is_bare = is_bare };
            const struct plan_layer gru = { .kind = GRU_LAYER_GRU, .n_units = 6 };
            const struct plan_layer dense = { .kind = GRU_LAYER_DENSE, .n_units = 2 };
            const struct plan_layer first[] = { norm, gru, dense };
            const struct plan_layer between[] = { gru, norm, gru, norm, dense };
            const struct plan_layer last[] = { gru, dense, norm };
            check_chain(first, LENGTH(first));
            check_chain(between, LENGTH(between));
            check_chain(last, LENGTH(last));
        }
    }
}

TEST(each_activation_has_its_gradient_before_between_and_behind)
{
    for (int activation = 0; activation < GRU_N_ACTIVATIONS; activation++) {
        if (activation == GRU_SOFTMAX) { /* of the outputs only */
            continue;
        }
        const struct plan_layer gru = { .kind = GRU_LAYER_GRU, .n_units = 5 };
        const struct plan_layer dense = { .kind = GRU_LAYER_DENSE, .n_units = 4 };
        const struct plan_layer f = { .kind = GRU_LAYER_ACTIVATION,
                                      .activation = (enum gru_activation)activation };
        const struct plan_layer first[] = { f, dense, f, gru, f, dense };
        const struct plan_layer behind[] = { gru, dense, f, dense, f };
        check_chain(first, LENGTH(first));
        check_chain(behind, LENGTH(behind));
    }
}

TEST(a_recurrent_layer_may_be_the_last_or_the_only_one)
{
    for (int kind = 0; kind < GRU_N_LAYER_KINDS; kind++) {
        for (int reset = 0; reset < GRU_N_RESETS; reset++) {
            const struct plan_layer cell = { .kind = (enum gru_layer_kind)kind,
                                             .reset = (enum gru_reset)reset,
                                             .n_units = 5 };
            const struct plan_layer projected[] = { { .kind = GRU_LAYER_DENSE, .n_units = 20 },
                                                    cell };
            if (gru_layer_kind_is_recurrent(cell.kind)) {
                check_chain(&cell, 1);
                check_chain(projected, LENGTH(projected));
            }
        }
    }
}

TEST(learned_first_states_have_gradients_where_lanes_begin)
{
    for (int kind = 0; kind < GRU_N_LAYER_KINDS; kind++) {
        for (int reset = 0; reset < GRU_N_RESETS; reset++) {
            const struct plan_layer cell = { .kind = (enum gru_layer_kind)kind,
                                             .reset = (enum gru_reset)reset,
                                             .n_units = 5,
                                             .has_learned_state = true };
            const struct plan_layer plain = { .kind = GRU_LAYER_GRU, .n_units = 4 };
            const struct plan_layer dense = { .kind = GRU_LAYER_DENSE, .n_units = 2 };
            const struct plan_layer below[] = { cell, plain, dense };
            const struct plan_layer above[] = { plain, cell, cell, dense };
            if (gru_layer_kind_is_recurrent(cell.kind)) {
                check_chain(below, LENGTH(below));
                check_chain(above, LENGTH(above));
            }
        }
    }
}

/* ---- many chains ---- */

static size_t draw(uint64_t *at, size_t n)
{
    return (size_t)(gru_random_at(12, (*at)++) >> 33) % n;
}

static struct plan_layer random_layer(uint64_t *at)
{
    struct plan_layer layer = { .kind = (enum gru_layer_kind)draw(at, GRU_N_LAYER_KINDS),
                                .reset = (enum gru_reset)draw(at, GRU_N_RESETS),
                                .activation = (enum gru_activation)draw(at, GRU_N_ACTIVATIONS),
                                .is_bare = draw(at, 3) == 0,
                                .has_learned_state = draw(at, 2) == 0 };
    const enum layer_family family = gru_layer_kind_row(layer.kind)->family;
    layer.activation = layer.activation == GRU_SOFTMAX ? GRU_GELU : layer.activation;
    layer.n_units = family == LAYER_RECURRENT || family == LAYER_DENSE ? 1 + draw(at, 20) : 0;
    return layer;
}

/* At least one layer is recurrent. */
static size_t random_chain(uint64_t *at, struct plan_layer chain[PLAN_LAYERS_MAX])
{
    size_t n = 1 + draw(at, 7), cell = draw(at, n);
    for (size_t l = 0; l < n; l++) {
        do {
            chain[l] = random_layer(at);
        } while (l == cell && !gru_layer_kind_is_recurrent(chain[l].kind));
    }
    return n;
}

TEST(random_chains_have_the_slopes_of_the_loss)
{
    uint64_t at = 0;
    for (int k = 0; k < 60; k++) {
        struct plan_layer chain[PLAN_LAYERS_MAX];
        const size_t n = random_chain(&at, chain);
        check_chain(chain, n);
    }
}

/* More than a chunk's rows, and chunks in which the number of lanes changes. */
TEST(chains_hold_over_many_chunks)
{
    uint64_t at = 1000;
    for (int k = 0; k < 12; k++) {
        struct plan_layer chain[PLAN_LAYERS_MAX];
        struct plan plan = { .chain = chain,
                             .n_layers = random_chain(&at, chain),
                             .n_inputs = 2,
                             .steps = 1,
                             .begins = k % 2 == 0,
                             .head_only = k % 3 == 0,
                             .n_steps = 8,
                             .n_lanes = { 70, 60, 60, 50, 50, 33, 3, 1 } };
        check_plan(&plan);
    }
}
