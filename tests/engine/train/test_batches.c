/* Orders are permutations, batches are longest first, and steps are counted without being made. */
#include "engine/train/batches.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

TEST(a_shuffle_is_a_permutation)
{
    for (size_t n = 1; n < 300; n = n + n / 7 + 1) {
        for (uint64_t key = 0; key < 5; key++) {
            char seen[300] = { 0 };
            for (size_t k = 0; k < n; k++) {
                size_t at = gru_shuffle(key, n, k);
                ck_assert_uint_lt(at, n);
                ck_assert(!seen[at]);
                seen[at] = 1;
            }
        }
    }
}

/* Over many epochs each of 5 things is in each place about equally often. */
TEST(shuffles_of_epochs_are_fair)
{
    enum { N = 5, EPOCHS = 5000 };
    int counts[N][N] = { 0 };
    for (size_t epoch = 0; epoch < EPOCHS; epoch++) {
        for (size_t k = 0; k < N; k++) {
            counts[k][gru_shuffle(gru_epoch_key(1, epoch), N, k)]++;
        }
    }
    for (size_t k = 0; k < N * N; k++) {
        int count = counts[k / N][k % N];
        ck_assert_msg(count > 850 && count < 1150, "%d of %d", count, EPOCHS);
    }
}

enum { SERIES = 9, ROWS_MAX = 23 };

struct set {
    struct gru_model *model;
    double *x;
    struct gru_series series[SERIES];
    struct gru_training training;
    struct dataset dataset;
};

static void make_set(struct set *set)
{
    static const size_t rows[SERIES] = { 5, 23, 5, 1, 12, 7, 23, 2, 6 };
    memset(set, 0, sizeof *set);
    set->model = training_model(NULL, 1, 4, 1, 1);
    set->x = training_noise(ROWS_MAX, 1);
    set->training = (struct gru_training){ .series = set->series,
                                           .n_series = SERIES,
                                           .hyperparameters = training_plain() };
    for (size_t k = 0; k < SERIES; k++) {
        set->series[k] = (struct gru_series){
            .x = set->x, .n_rows = rows[k], .y = set->x, .n_targets = rows[k]
        };
    }
    gru_dataset_init(&set->dataset, set->model, &set->training);
}

static void free_set(struct set *set)
{
    gru_model_unref(set->model);
    free(set->x);
}

TEST(an_epoch_takes_each_series_once_longest_first_in_its_batch)
{
    struct set set;
    make_set(&set);
    for (size_t n_max = 1; n_max <= SERIES + 1; n_max++) {
        struct order order = { &set.dataset, PART_TRAIN, gru_epoch_key(3, n_max) };
        struct dataset_lane lanes[SERIES + 1];
        char seen[SERIES] = { 0 };
        size_t n, cursor = 0, n_all = 0, longest;
        while ((n = gru_batch_take(&order, cursor, n_max, lanes, &cursor)) > 0) {
            for (size_t k = 0; k < n; k++) {
                size_t at = (size_t)(lanes[k].series - set.series);
                ck_assert(!seen[at]);
                seen[at] = 1;
                ck_assert(k == 0 || lanes[k].n_rows <= lanes[k - 1].n_rows);
            }
            n_all += n;
            ck_assert(n == n_max || n_all == SERIES);
        }
        ck_assert_uint_eq(n_all, SERIES);
        ck_assert_uint_eq(gru_batch_extent(&order, 0, SERIES, &longest), SERIES);
        ck_assert_uint_eq(longest, ROWS_MAX);
    }
    free_set(&set);
}

TEST(windows_lose_the_lanes_that_end)
{
    struct set set;
    make_set(&set);
    struct order order = { &set.dataset, PART_TRAIN, 0 };
    struct dataset_lane lanes[SERIES];
    size_t n_lanes[8], n_rows, next;
    size_t n = gru_batch_take(&order, 0, SERIES, lanes, &next);
    ck_assert_uint_eq(gru_window_lanes(lanes, n, 0, 8, n_lanes, &n_rows), 8);
    static const size_t first[] = { 9, 8, 7, 7, 7, 5, 4, 3 };
    ck_assert_mem_eq(n_lanes, first, sizeof first);
    ck_assert_uint_eq(n_rows, 9 + 8 + 21 + 5 + 4 + 3);
    ck_assert_uint_eq(gru_window_lanes(lanes, n, 16, 8, n_lanes, &n_rows), 7);
    ck_assert_uint_eq(n_rows, 14);
    free_set(&set);
}

static size_t count_steps(struct set *set, size_t batch_size, size_t window)
{
    size_t n_steps;
    set->training.hyperparameters.batch_size = batch_size;
    set->training.hyperparameters.window = window;
    set->training.hyperparameters.n_epochs = 3;
    ck_assert(gru_count_steps(&set->dataset, &n_steps));
    return n_steps;
}

TEST(steps_are_windows_with_targets)
{
    struct set set;
    make_set(&set);
    ck_assert_uint_eq(count_steps(&set, SERIES, 100), 3);
    ck_assert_uint_eq(count_steps(&set, SERIES, 8), 3 * 3);
    ck_assert_uint_eq(count_steps(&set, 1, 5), 3 * (1 + 5 + 1 + 1 + 3 + 2 + 5 + 1 + 2));
    for (size_t k = 0; k < SERIES; k++) {
        set.series[k].n_targets = 1;
    }
    ck_assert_uint_eq(count_steps(&set, 1, 5), 3 * SERIES);
    ck_assert_uint_eq(count_steps(&set, SERIES, 5),
                      3 * 4); /* no series ends in the fourth of five */
    free_set(&set);
}

TEST(steps_of_a_million_epochs_are_counted_in_no_time)
{
    struct set set;
    size_t n_steps;
    make_set(&set);
    for (size_t k = 0; k < SERIES; k++) {
        set.series[k].n_rows = set.series[k].n_targets = ROWS_MAX;
    }
    set.training.hyperparameters.n_epochs = 1000000;
    set.training.hyperparameters.batch_size = 2;
    set.training.hyperparameters.window = 10;
    ck_assert(gru_count_steps(&set.dataset, &n_steps));
    ck_assert_uint_eq(n_steps, 15U * 1000000U);
    free_set(&set);
}

/* One series is long, and a batch holds very many that end at once; or a target is far to seek, in
 * each of very many epochs. Each would take hours if it were counted to the end. */
TEST(steps_are_counted_in_a_time_that_the_data_bound)
{
    enum { MANY = 60000, LONG = 300000 };
    struct set set;
    size_t n_steps;
    make_set(&set);
    struct gru_series *series = calloc(MANY, sizeof *series);
    double *x = training_noise(LONG, 1), *y = training_noise(LONG, 2);
    ck_assert_ptr_nonnull(series);
    for (size_t k = 0; k < MANY; k++) {
        size_t n_rows = k == 0 ? LONG : 1;
        series[k] = (struct gru_series){ .x = x, .n_rows = n_rows, .y = y, .n_targets = 1 };
    }
    set.training.series = series;
    set.training.n_series = MANY;
    set.training.hyperparameters.n_epochs = 10;
    set.training.hyperparameters.batch_size = MANY;
    set.training.hyperparameters.window = 1;
    ck_assert(gru_count_steps(&set.dataset, &n_steps));
    ck_assert_uint_ge(n_steps, 2 * 10);
    ck_assert_uint_le(n_steps, (size_t)LONG * 10);

    for (size_t t = 0; t + 1 < LONG; t++) {
        y[t] = NAN;
    }
    series[0].n_targets = series[1].n_targets = series[1].n_rows = LONG;
    set.training.n_series = 2;
    set.training.hyperparameters.n_epochs = 1000000;
    set.training.hyperparameters.batch_size = 1;
    set.training.hyperparameters.window = 65536;
    ck_assert(gru_count_steps(&set.dataset, &n_steps));
    ck_assert_uint_eq(n_steps, 2 * 1000000);
    free_set(&set);
    free(series);
    free(x);
    free(y);
}
