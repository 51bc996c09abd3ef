/* Memory of training: every failure is survived, none is taken on the way, and it is as much as
 * announced. */
#include "engine/failing.h"
#include "test.h"
#include "training.h"

#include <limits.h>
#include <stdlib.h>

/* The formula of gru.h, for a network that is large enough for its terms to count. */
static void expect_formula(const char *grud, size_t k, double dropout)
{
    enum { I = 6, H = 48, LAYERS = 2, S_O = 3, N = 10, LENGTH = 40 };
    struct gru_model *model = training_model(grud, I, H, LAYERS, S_O);
    float *x = training_noise(LENGTH * I, 1), *y = training_noise(LENGTH * S_O, 2);
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
    double formula =
        4 * (p * (5 + 4) + r * (I + 3 * S_O + (double)k * LAYERS * H) + 128.0 * (15 * H + S_O));
    double n_bytes = (double)training_info(model, &training).n_bytes;
    ck_assert_msg(n_bytes > 0.85 * formula && n_bytes < 1.15 * formula, "%g, not %g", n_bytes,
                  formula);
    free(x);
    free(y);
    gru_model_unref(model);
}

TEST(memory_follows_the_documented_formula)
{
    expect_formula(NULL, 5, 0);
    expect_formula(NULL, 6, 0.5);
    expect_formula("{\"reset\":\"before\"}", 5, 0);
    expect_formula("{\"cell\":\"gru_three_gate\"}", 6, 0);
    expect_formula("{\"cell\":\"gru_output_gate\"}", 7, 0);
}

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
    for (int k = 0; k < 3; k++) {
        int failed = 1;
        for (long n = 0; failed; n++) {
            struct gru_trainer *trainer = NULL;
            struct gru_model *model = NULL;
            void *bytes = NULL;
            size_t n_bytes;
            enum gru_status status = GRU_OK;
            failing_memory_start(n);
            if (k == 0) {
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

TEST(a_trainer_takes_the_memory_that_was_announced)
{
    for (int k = 0; k < 16; k++) {
        struct training_set set;
        make_rich_set(&set);
        struct gru_hyperparameters *h = &set.training.hyperparameters;
        h->train = k & 1 ? GRU_TRAIN_HEAD : GRU_TRAIN_ALL;
        h->optimizer = k & 2 ? GRU_SGD : GRU_ADAM;
        h->window = k & 4 ? 3 : 64;
        h->dropout = k & 8 ? 0.5 : 0;
        h->l2_sp = k & 8 ? 0 : 1;
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
