/* Memory of training: every failure is survived, none is taken on the way, and it is as much as
 * announced. */
#include "engine/failing.h"
#include "engine/train/trainer_memory.h"
#include "test.h"
#include "training.h"
#include "trial.h"

#include <limits.h>
#include <stdlib.h>

enum { I = 6, H = 48, LAYERS = 2, S_O = 3, N = 10, LENGTH = 40 };

/* The formula of gru.h, for a network that is large enough for its terms to count: kh is the sum of
 * k H over its layers. Ends the model. */
static void expect_formula_of(struct gru_model *model, double kh, double dropout)
{
    double *x = training_noise(LENGTH * I, 1), *y = training_noise(LENGTH * S_O, 2);
    struct gru_series series[N];
    for (size_t s = 0; s < N; s++) {
        series[s] = (struct gru_series){ .x = x, .n_rows = LENGTH, .y = y, .n_targets = LENGTH };
    }
    struct gru_training training = { .series = series,
                                     .n_series = N,
                                     .validation_fraction = 0.3,
                                     .hyperparameters = training_plain() };
    training.hyperparameters.early_stopping_patience = 1;
    training.hyperparameters.l2_sp = 0.1;
    training.hyperparameters.dropout = dropout;
    training.hyperparameters.batch_size = 8;
    training.hyperparameters.window = 32;
    double p = (double)gru_model_info(model)->n_parameters, r = 8 * 32;
    double formula = 4 * (p * (5 + 4) + r * (I + 3 * S_O + kh) + 128.0 * (15 * H + S_O));
    double n_bytes = (double)training_info(model, &training).n_bytes;
    ck_assert_msg(n_bytes > 0.85 * formula && n_bytes < 1.15 * formula, "%g, not %g", n_bytes,
                  formula);
    free(x);
    free(y);
    gru_model_unref(model);
}

static void expect_formula(const char *grud, size_t k, double dropout)
{
    expect_formula_of(training_model(grud, I, H, LAYERS, S_O), (double)k * LAYERS * H, dropout);
}

TEST(memory_follows_the_documented_formula)
{
    expect_formula(NULL, 5, 0);
    expect_formula(NULL, 6, 0.5);
    expect_formula("{\"reset\":\"before\"}", 5, 0);
    expect_formula("{\"cell\":\"gru_three_gate\"}", 6, 0);
    expect_formula("{\"cell\":\"lstm\"}", 6, 0);
    expect_formula("{\"cell\":\"gru_output_gate\"}", 7, 0);
}

TEST(memory_of_a_network_follows_it_too)
{
    const struct plan_layer chain[] = {
        { .kind = GRU_LAYER_BATCH_NORM },
        { .kind = GRU_LAYER_DENSE, .n_units = H },
        { .kind = GRU_LAYER_ACTIVATION, .activation = GRU_RELU },
        { .kind = GRU_LAYER_LSTM, .n_units = H, .has_learned_state = true },
        { .kind = GRU_LAYER_NORM },
        { .kind = GRU_LAYER_DENSE, .n_units = H },
        { .kind = GRU_LAYER_ACTIVATION, .activation = GRU_TANH },
        { .kind = GRU_LAYER_DENSE, .n_units = S_O },
    };
    const struct plan plan = {
        .chain = chain, .n_layers = sizeof chain / sizeof *chain, .n_inputs = I, .steps = 1
    };
    const double k_of_all = 16 + (1 + 1 + 6 + 1 + 1 + 1) * H;
    expect_formula_of(trial_model(&plan), k_of_all, 0);
    expect_formula_of(trial_model(&plan), k_of_all + H, 0.5);
}

/* ---- sizes and arrays ---- */

TEST(sizes_are_no_larger_than_the_data)
{
    struct training_set set;
    struct trainer_sizes sizes;
    training_set_make(&set, NULL);
    struct gru_hyperparameters *h = &set.training.hyperparameters;
    h->batch_size = 1000;
    h->window = 1000;
    ck_assert(gru_trainer_sizes(set.model, &set.training, &sizes));
    ck_assert_uint_eq(sizes.n_lanes, TRAINING_SERIES);
    ck_assert_uint_eq(sizes.n_steps, TRAINING_ROWS); /* the longest series */
    ck_assert_uint_eq(sizes.n_rows, (size_t)TRAINING_SERIES * TRAINING_ROWS);
    ck_assert_uint_eq(sizes.n_states, TRAINING_SERIES * gru_state_last_offset(set.model));
    set.training.n_series = 1; /* of 6 rows; those for validation count too */
    set.training.validation = &set.series[2];
    set.training.n_validation = 2;
    ck_assert(gru_trainer_sizes(set.model, &set.training, &sizes));
    ck_assert(sizes.n_lanes == 2 && sizes.n_steps == 12);
    h->batch_size = 1;
    h->window = 5;
    ck_assert(gru_trainer_sizes(set.model, &set.training, &sizes));
    ck_assert(sizes.n_lanes == 1 && sizes.n_steps == 5 && sizes.n_rows == 5);
    training_set_free(&set);
}

TEST(of_the_head_alone_only_its_parameters_are_trained)
{
    struct training_set set;
    struct trainer_sizes sizes;
    training_set_make(&set, NULL);
    ck_assert(gru_trainer_sizes(set.model, &set.training, &sizes));
    ck_assert_uint_eq(sizes.n_trained, sizes.n_parameters);
    set.training.hyperparameters.train = GRU_TRAIN_HEAD;
    ck_assert(gru_trainer_sizes(set.model, &set.training, &sizes));
    ck_assert_uint_eq(sizes.n_trained, 5 * TRAINING_OUTPUTS + TRAINING_OUTPUTS);
    ck_assert_uint_eq(sizes.n_trained + training_head(set.model), sizes.n_parameters);
    ck_assert(gru_trainer_backprop_options(&set.training, &sizes).head_only);
    training_set_free(&set);
}

TEST(sizes_that_no_size_holds_are_refused)
{
    struct training_set set;
    struct trainer_sizes sizes = { .n_lanes = 77 };
    training_set_make(&set, NULL);
    set.training.hyperparameters.window = SIZE_MAX;
    set.series[0].n_rows = SIZE_MAX / 2;
    ck_assert(!gru_trainer_sizes(set.model, &set.training, &sizes));
    ck_assert_uint_eq(sizes.n_lanes, 77);
    training_set_free(&set);
}

static struct trainer_arrays cut(const struct training_set *set, struct block_cutter *cutter)
{
    struct trainer_sizes sizes;
    struct trainer_arrays arrays;
    struct dataset dataset;
    gru_dataset_init(&dataset, set->model, &set->training);
    ck_assert(gru_trainer_sizes(set->model, &set->training, &sizes));
    gru_trainer_cut(&dataset, &sizes, cutter, &arrays);
    return arrays;
}

/* Counts, and then cuts exactly that. The caller frees the block. */
static struct trainer_arrays cut_new(const struct training_set *set, void **ret_block)
{
    struct block_cutter count = { 0 };
    cut(set, &count);
    *ret_block = block_alloc(&count);
    ck_assert_ptr_nonnull(*ret_block);
    struct block_cutter cutter = { .block = *ret_block };
    struct trainer_arrays arrays = cut(set, &cutter);
    ck_assert_uint_eq(cutter.n_bytes, count.n_bytes);
    return arrays;
}

TEST(arrays_are_there_where_something_needs_them)
{
    struct training_set set;
    void *block;
    training_set_make(&set, NULL);
    struct gru_hyperparameters *h = &set.training.hyperparameters;
    h->optimizer = GRU_SGD;
    h->momentum = 0;
    struct trainer_arrays arrays = cut_new(&set, &block);
    ck_assert(arrays.in && arrays.out && arrays.d_out && arrays.targets && arrays.states);
    ck_assert(arrays.lanes && arrays.n_lanes);
    ck_assert(!arrays.start && !arrays.best && !arrays.seen && !arrays.moments[0]);
    free(block);
    h->early_stopping_patience = 1; /* nothing validates, so there is no best */
    h->l2_sp = 0.1;
    h->momentum = 0.9;
    arrays = cut_new(&set, &block);
    ck_assert(arrays.start && !arrays.best && !arrays.seen && arrays.moments[0]);
    free(block);
    set.training.validation_fraction = 0.2;
    arrays = cut_new(&set, &block);
    ck_assert(arrays.best && arrays.seen);
    free(block);
    h->early_stopping_patience = 0; /* the best epoch's weights are the model all the same */
    arrays = cut_new(&set, &block);
    ck_assert(arrays.best && arrays.seen);
    free(block);
    training_set_free(&set);
}

/* ---- memory that is taken ---- */

#ifdef FAILING_MEMORY
static void make_rich_set(struct training_set *set)
{
    training_set_make(
        set,
        "{\"missing\":\"forecast\",\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"outputs\":[{"
        "\"name\":\"a\"},{\"name\":\"b\"}]}");
    set->x[7] = set->x[50] = NAN;
    set->training.validation_fraction = 0.3;
    set->training.hyperparameters.early_stopping_patience = 2;
    set->training.hyperparameters.l2_sp = 0.1;
    set->training.hyperparameters.dropout = 0.2;
    set->training.hyperparameters.horizon_loss = 4;
}

TEST(advancing_allocates_nothing)
{
    struct training_set set;
    struct gru_progress progress;
    make_rich_set(&set);
    struct gru_trainer *trainer = training_begin(set.model, &set.training);
    failing_memory_start(0);
    do {
    } while (gru_trainer_advance(trainer, &progress) != GRU_ADVANCED_END);
    int failed = failing_memory_stop();
    ck_assert_int_eq(failed, 0);
    gru_trainer_free(trainer);
    training_set_free(&set);
}

TEST(training_survives_every_failed_allocation)
{
    struct training_set set;
    struct gru_progress progress;
    make_rich_set(&set);
    struct gru_trainer *kept = training_begin(set.model, &set.training);
    gru_trainer_advance(kept, &progress);
    for (int k = 0; k < 4; k++) {
        int failed = 1;
        set.training.hyperparameters.scaling = k < 3 ? GRU_SCALING_KEEP : GRU_SCALING_FIT;
        for (long n = 0; failed; n++) {
            struct gru_trainer *trainer = NULL;
            struct gru_model *model = NULL;
            void *bytes = NULL;
            size_t n_bytes;
            enum gru_status status = GRU_OK;
            failing_memory_start(n);
            if (k == 0 || k == 3) {
                status = gru_trainer_create(set.model, &set.training, &trainer, NULL);
            } else if (k == 1) {
                status = gru_trainer_model(kept, &model);
            } else {
                status = gru_trainer_save(kept, &bytes, &n_bytes);
            }
            long live = failing_memory_live();
            failed = failing_memory_stop();
            ck_assert_int_lt(n, 1000);
            ck_assert_int_eq(status, failed ? GRU_NO_MEMORY : GRU_OK);
            ck_assert_msg(!failed || live == 0, "%ld blocks lost after allocation %ld of %d", live,
                          n, k);
            ck_assert(!failed || (!trainer && !model && !bytes));
            gru_trainer_free(trainer);
            gru_model_unref(model);
            free(bytes);
        }
    }
    gru_trainer_free(kept);
    training_set_free(&set);
}

/* A network in the place of the set's model. */
static void take_network(struct training_set *set)
{
    const struct plan_layer chain[] = {
        { .kind = GRU_LAYER_ACTIVATION, .activation = GRU_SILU },
        { .kind = GRU_LAYER_DENSE, .n_units = 9 },
        { .kind = GRU_LAYER_GRU, .n_units = 20, .has_learned_state = true },
        { .kind = GRU_LAYER_BATCH_NORM },
        { .kind = GRU_LAYER_LSTM, .n_units = TRAINING_OUTPUTS },
    };
    const struct plan plan = { .chain = chain,
                               .n_layers = sizeof chain / sizeof *chain,
                               .n_inputs = TRAINING_INPUTS,
                               .steps = 1 };
    gru_model_unref(set->model);
    set->model = trial_model(&plan);
    set->training.hyperparameters.horizon_loss = 1; /* its outputs feed no inputs */
}

TEST(a_trainer_takes_the_memory_that_was_announced)
{
    for (int k = 0; k < 64; k++) {
        struct training_set set;
        make_rich_set(&set);
        if (k & 16) {
            take_network(&set);
        }
        struct gru_hyperparameters *h = &set.training.hyperparameters;
        h->train = k & 1 ? GRU_TRAIN_HEAD : GRU_TRAIN_ALL;
        h->optimizer = k & 2 ? GRU_SGD : GRU_ADAM;
        h->window = k & 4 ? 3 : 64;
        h->dropout = k & 8 ? 0.5 : 0;
        h->l2_sp = k & 8 ? 0 : 1;
        h->horizon_loss = k & 16 || k & 2 ? 1 : 5;
        h->sampling_length = k % 3 == 0 ? 4 : 0;
        h->scaling = k & 32 ? GRU_SCALING_FIT : GRU_SCALING_KEEP;
        size_t n_announced = training_info(set.model, &set.training).n_bytes;
        failing_memory_start(LONG_MAX);
        struct gru_trainer *trainer = training_begin(set.model, &set.training);
        size_t n_bytes = failing_memory_bytes();
        long n_blocks = failing_memory_live();
        failing_memory_stop();
        enum {
            OVERHEAD = 32,
            PAGE = 4096
        }; /* of a block in the allocator; a large one ends with a page */
        ck_assert_msg(n_bytes <= n_announced + (size_t)n_blocks * OVERHEAD + PAGE,
                      "%zu, not %zu, in %ld blocks", n_bytes, n_announced, n_blocks);
        ck_assert_msg(n_bytes + n_bytes / 4 >= n_announced, "only %zu of %zu", n_bytes,
                      n_announced);
        gru_trainer_free(trainer);
        training_set_free(&set);
    }
}
#endif
