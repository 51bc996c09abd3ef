/* A job's training data: how large they are, whether they fit, and their way through the
 * database. */
#include "service/jobs/training_set.h"
#include "service/service_support.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static struct gru_model *make_network(void)
{
    struct gru_model *gru;
    struct gru_error error;
    struct bytes bytes = network_file(HIDDEN, SEED);
    ck_assert_int_eq(gru_model_load(bytes.p, bytes.n, &gru, &error), GRU_OK);
    free(bytes.p);
    return gru;
}

TEST(bytes_are_those_of_all_values)
{
    struct gru_model *gru = make_network();
    const struct gru_series series[] = { { .n_rows = 10 }, { .n_rows = 5, .n_targets = 5 } };
    const struct gru_series validation = { .n_rows = 2 };
    struct gru_training training = { .series = series, .n_series = 2 };
    ck_assert_uint_eq(training_set_bytes(gru, &training),
                      (15 * INPUTS + 5 * OUTPUTS) * sizeof(double));
    training.validation = &validation;
    training.n_validation = 1;
    ck_assert_uint_eq(training_set_bytes(gru, &training),
                      (17 * INPUTS + 5 * OUTPUTS) * sizeof(double));
    gru_model_unref(gru);
}

TEST(bytes_that_no_size_holds_stay_at_its_end)
{
    struct gru_model *gru = make_network();
    const struct gru_series series[] = { { .n_rows = SIZE_MAX / 4 },
                                         { .n_rows = SIZE_MAX / 16 },
                                         { .n_rows = 1 } };
    struct gru_training training = { .series = series, .n_series = 3 };
    ck_assert_uint_eq(training_set_bytes(gru, &training), SIZE_MAX);
    gru_model_unref(gru);
}

TEST(targets_of_classes_are_one_number_a_step)
{
    struct gru_model *gru = make_network();
    const struct gru_info *info = gru_model_info(gru);
    struct gru_hyperparameters hyperparameters;
    gru_hyperparameters_init(&hyperparameters);
    ck_assert_uint_eq(training_set_y_width(info, &hyperparameters), info->y_floats);
    hyperparameters.loss = GRU_CROSS_ENTROPY;
    ck_assert_uint_eq(training_set_y_width(info, &hyperparameters), info->steps);
    gru_model_unref(gru);
}

TEST(rows_of_the_database_give_back_the_same_set)
{
    struct gru_model *gru = make_network();
    struct gru_hyperparameters hyperparameters;
    struct arena arena;
    static const double x[20], y[20];
    const struct gru_series series[] = { { .x = x, .n_rows = 3 }, { .x = x + 6, .n_rows = 4 } };
    const struct gru_series validation[] = { { .x = x, .y = y, .n_rows = 2, .n_targets = 2 } };
    const struct training_set set = {
        .series = series, .n_series = 2, .validation = validation, .n_validation = 1
    };
    struct training_set back;
    size_t n;
    arena_init(&arena, 1 << 20);
    gru_hyperparameters_init(&hyperparameters);
    struct job_series *rows = training_set_to_rows(&set, gru_model_info(gru), &hyperparameters, &n);
    ck_assert_uint_eq(n, 3);
    ck_assert(rows[0].x_width == INPUTS && rows[0].y_width == 0 && !rows[0].is_validation);
    ck_assert(rows[2].x_width == INPUTS && rows[2].y_width == OUTPUTS && rows[2].is_validation);
    ck_assert(training_set_of_rows(rows, n, &arena, &back));
    ck_assert(back.n_series == 2 && back.n_validation == 1);
    ck_assert_mem_eq(back.series, series, sizeof series);
    ck_assert_mem_eq(back.validation, validation, sizeof validation);
    free(rows);
    arena_done(&arena);
    gru_model_unref(gru);
}

TEST(rows_that_do_not_fit_into_the_arena_are_refused)
{
    enum { N = 1000 };
    struct arena arena;
    struct training_set back;
    struct job_series *rows = calloc(N, sizeof *rows);
    arena_init(&arena, 4096);
    ck_assert(!training_set_of_rows(rows, N, &arena, &back));
    free(rows);
    arena_done(&arena);
}
