/* Comparisons against what the trainer's own validation and runs of the models say, and what is
 * left out of them. */
#include "engine/failing.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES = 4, ROWS = 60, INPUTS = 2 };

struct compared {
    struct gru_model *base, *trained;
    double *x, *y;
    struct gru_series series[SERIES];
    struct gru_training training;
    struct gru_comparison *comparison;
    const struct gru_comparison_result *result;
};

#define FEEDS                                                                                      \
    "\"inputs\":[{\"name\":\"a\",\"mean\":0.1,\"std\":0.5},{\"name\":\"b\"}],"                     \
    "\"outputs\":[{\"name\":\"a\"},{\"name\":\"c\",\"mean\":0.2,\"std\":2}]"

static void make(struct compared *c, const char *grud, enum gru_loss loss, bool with_y)
{
    memset(c, 0, sizeof *c);
    c->base = training_model(grud, INPUTS, 5, 1, 2);
    c->x = training_noise(SERIES * ROWS * INPUTS, 1);
    c->y = training_noise(SERIES * ROWS * 2, 2);
    for (size_t k = 0; k < SERIES * ROWS * 2; k++) {
        float u = (c->y[k] + 1) / 2;
        c->y[k] = loss == GRU_BCE             ? floorf(2 * u)
                  : loss == GRU_CROSS_ENTROPY ? floorf(2 * u)
                                              : c->y[k];
        c->y[k] = k % 7 == 3 ? NAN : c->y[k];
        c->x[k] = k % 11 == 5 ? NAN : c->x[k];
    }
    size_t width = loss == GRU_CROSS_ENTROPY ? 1 : 2;
    for (size_t k = 0; k < SERIES; k++) {
        c->series[k] = (struct gru_series){ .x = c->x + k * ROWS * INPUTS, .n_rows = ROWS };
        if (with_y) {
            c->series[k].y = c->y + k * ROWS * width;
            c->series[k].n_targets = ROWS;
        }
    }
    if (loss != GRU_CROSS_ENTROPY) {
        training_follow(c->base, c->series, SERIES);
    }
    c->training = (struct gru_training){ .series = c->series,
                                         .n_series = SERIES,
                                         .validation_fraction = 0.4,
                                         .hyperparameters = training_plain() };
    c->training.hyperparameters.loss = (int)loss;
    c->training.hyperparameters.n_epochs = 2;
    c->training.hyperparameters.learning_rate = 0.05;
}

static void compare(struct compared *c)
{
    bool is_done = false;
    ck_assert_int_eq(gru_comparison_create(c->base, c->trained, &c->training, &c->comparison),
                     GRU_OK);
    while (!is_done) {
        ck_assert_int_eq(gru_comparison_advance(c->comparison, &is_done), GRU_OK);
    }
    c->result = gru_comparison_result(c->comparison);
}

static void done(struct compared *c)
{
    gru_comparison_free(c->comparison);
    gru_model_unref(c->trained);
    gru_model_unref(c->base);
    free(c->x);
    free(c->y);
}

static void expect_close(double a, double b)
{
    ck_assert_msg(fabs(a - b) <= 1e-4 * fabs(b), "%.9g, not %.9g", a, b);
}

static const struct {
    const char *grud;
    enum gru_loss loss;
    bool with_y;
} cases[] = {
    { "{" FEEDS ",\"missing\":\"last\"}", GRU_MSE, false },
    { "{" FEEDS ",\"missing\":\"last\",\"residual\":true}", GRU_MSE, false },
    { "{" FEEDS ",\"missing\":\"last\"}", GRU_HUBER, true },
    { "{" FEEDS ",\"missing\":\"forecast\"}", GRU_MAE, false },
    { "{\"activation\":\"sigmoid\"}", GRU_BCE, true },
    { NULL, GRU_BCE, true },
    { "{\"activation\":\"softmax\"}", GRU_CROSS_ENTROPY, true },
    { NULL, GRU_CROSS_ENTROPY, true },
};

TEST(all_targets_lose_what_validation_and_persistence_say)
{
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct compared c;
        struct gru_progress progress;
        make(&c, cases[k].grud, cases[k].loss, cases[k].with_y);
        c.trained = training_whole(c.base, &c.training, &progress);
        compare(&c);
        const struct gru_losses *all = &c.result->all;
        bool fills_itself = cases[k].grud && strstr(cases[k].grud, "forecast");
        expect_close(all->base / (double)all->n, progress.baseline_valid_loss);
        if (!fills_itself) { /* with its own forecasts; training goes on with the base's */
            expect_close(all->trained / (double)all->n, progress.best_valid_loss);
        }
        if (!isnan(progress.persistence_valid_loss)) {
            expect_close(all->naive / (double)all->n, progress.persistence_valid_loss);
        }
        size_t n = 0;
        double trained = 0, blocks = 0;
        for (size_t s = 0; s < c.result->n_streams; s++) {
            n += c.result->streams[s].ahead.n;
            trained += c.result->streams[s].ahead.trained;
        }
        for (size_t b = 0; b < c.result->n_blocks; b++) {
            blocks += c.result->blocks[b].trained;
        }
        ck_assert_uint_eq(n, all->n);
        ck_assert_uint_eq(c.result->outlying.n, 0);
        expect_close(trained, all->trained);
        expect_close(blocks, all->trained);
        done(&c);
    }
}

TEST(accuracies_are_those_of_the_validation)
{
    for (size_t k = 4; k < sizeof cases / sizeof *cases; k++) {
        struct compared c;
        struct gru_progress progress;
        size_t n = 0, n_found = 0, n_found_by_base = 0;
        make(&c, cases[k].grud, cases[k].loss, true);
        c.trained = training_whole(c.base, &c.training, &progress);
        compare(&c);
        for (size_t class = 0; class < c.result->n_classes; class ++) {
            n += c.result->classes[class].n;
            n_found += c.result->classes[class].n_found;
            n_found_by_base += c.result->classes[class].n_found_by_base;
        }
        ck_assert_uint_eq(n, c.result->all.n);
        expect_close((double)n_found / (double)n, progress.best_valid_accuracy);
        expect_close((double)n_found_by_base / (double)n, progress.baseline_valid_accuracy);
        ck_assert_uint_eq(c.result->residuals.n_outputs, 0);
        done(&c);
    }
}

/* The loss of a model's roll-outs from every row, of one series. */
static double rolled_loss(struct gru_model *model, const struct gru_series *series, size_t first,
                          size_t *ret_n)
{
    const struct gru_info *info = gru_model_info(model);
    float state[64];
    double y[2], forecast[12 * 2], future[12];
    struct gru_work *work;
    double sum = 0;
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    gru_state_init(model, state);
    *ret_n = 0;
    for (size_t t = 0; t + 1 < series->n_rows; t++) {
        struct gru_lane lane = {
            .state_in = state, .state_out = state, .x = series->x + t * INPUTS, .n_rows = 1, .y = y
        };
        size_t horizon = series->n_rows - 1 - t < 12 ? series->n_rows - 1 - t : 12;
        ck_assert(gru_run(model, work, &lane, 1) == GRU_OK && lane.status == GRU_OK);
        for (size_t h = 1; h <= horizon; h++) {
            future[h - 1] = series->x[(t + h) * INPUTS + 1];
        }
        ck_assert_int_eq(gru_forecast(model, work, state, horizon, future, horizon, forecast),
                         GRU_OK);
        for (size_t h = 1; h <= horizon && t + 1 >= first; h++) {
            double truth = series->x[(t + h) * INPUTS];
            double e = ((double)forecast[(h - 1) * 2] - (double)truth) / info->outputs[0].std;
            sum += isnan(truth) ? 0 : e * e;
            *ret_n += !isnan(truth);
        }
    }
    gru_work_free(work);
    return sum;
}

TEST(roll_outs_lose_what_forecasts_from_each_row_lose)
{
    for (size_t k = 0; k < 2; k++) {
        struct compared c;
        struct gru_progress progress;
        make(&c, cases[k].grud, GRU_MSE, false);
        c.trained = training_whole(c.base, &c.training, &progress);
        compare(&c);
        ck_assert_uint_eq(c.result->n_streams, SERIES);
        for (size_t s = 0; s < SERIES; s++) {
            const struct gru_losses *rolled = &c.result->streams[s].rolled;
            size_t n;
            expect_close(rolled->trained, rolled_loss(c.trained, &c.series[s], 36, &n));
            expect_close(rolled->base, rolled_loss(c.base, &c.series[s], 36, &n));
            ck_assert_uint_eq(rolled->n, n);
        }
        done(&c);
    }
}

TEST(residuals_are_in_raw_units_and_in_order)
{
    struct compared c;
    make(&c, cases[0].grud, GRU_MSE, false);
    c.trained = gru_model_ref(c.base);
    compare(&c);
    const struct gru_residuals *residuals = &c.result->residuals;
    ck_assert(residuals->n_outputs == 2 && residuals->n_horizons == GRU_RESIDUAL_HORIZON);
    const struct gru_residual *first = &residuals->of[0];
    ck_assert(first->n > 60 && first->n <= 4 * 24);
    ck_assert(first->mean > 0.1 && first->mean < 2);
    for (size_t q = 1; q < GRU_RESIDUAL_QUANTILES; q++) {
        ck_assert(first->quantiles[q] >= first->quantiles[q - 1]);
    }
    ck_assert_int_eq(gru_model_set_residuals(c.trained, residuals), GRU_OK);
    done(&c);
}

TEST(residuals_of_the_base_are_those_of_the_same_forecasts)
{
    struct compared c;
    struct gru_progress progress;
    make(&c, cases[0].grud, GRU_MSE, false);
    c.trained = gru_model_ref(c.base);
    compare(&c);
    const struct gru_residuals *own = &c.result->residuals, *base = &c.result->base_residuals;
    ck_assert_uint_eq(own->n_horizons, base->n_horizons);
    for (size_t k = 0; k < own->n_outputs * own->n_horizons; k++) {
        ck_assert(own->of[k].n == base->of[k].n && own->of[k].mean == base->of[k].mean);
    }
    const double mean = base->of[0].mean;
    gru_comparison_free(c.comparison);
    gru_model_unref(c.trained);
    c.trained = training_whole(c.base, &c.training, &progress);
    compare(&c);
    ck_assert(c.result->base_residuals.of[0].mean == mean);
    ck_assert(c.result->residuals.of[0].mean != mean);
    done(&c);
}

/* ---- what is left out ---- */

TEST(outliers_and_what_is_forecast_from_them_are_left_out)
{
    struct compared c, clean;
    make(&c, cases[0].grud, GRU_MSE, false);
    make(&clean, cases[0].grud, GRU_MSE, false);
    c.x[(ROWS + 50) * INPUTS] = -999;
    clean.x[(ROWS + 50) * INPUTS] = NAN;
    c.trained = gru_model_ref(c.base);
    clean.trained = gru_model_ref(clean.base);
    compare(&c);
    compare(&clean);
    size_t n = 0; /* it, and what is forecast from it on */
    for (size_t t = 50; t < ROWS; t++) {
        n += !isnan(c.x[(ROWS + t) * INPUTS]);
    }
    ck_assert_uint_eq(c.result->outlying.n, n);
    ck_assert(c.result->outlier.series == 1 && c.result->outlier.row == 50 &&
              c.result->outlier.column == 0 && c.result->outlier.value == -999);
    ck_assert(c.result->outlying.base > 0.99 * c.result->all.base);
    ck_assert(c.result->streams[1].ahead.base < 2 * clean.result->streams[1].ahead.base);
    ck_assert(c.result->streams[1].rolled.base < 2 * clean.result->streams[1].rolled.base);
    ck_assert(c.result->streams[0].ahead.base == clean.result->streams[0].ahead.base);
    done(&c);
    done(&clean);
}

TEST(constant_outputs_are_left_out_and_their_stream_stays_in_the_list)
{
    struct compared c;
    make(&c, cases[0].grud, GRU_MSE, false);
    for (size_t t = 0; t < ROWS; t++) {
        c.x[(2 * ROWS + t) * INPUTS] = t < 36 ? c.x[(2 * ROWS + t) * INPUTS] : 0.25F;
    }
    c.trained = gru_model_ref(c.base);
    compare(&c);
    ck_assert_uint_eq(c.result->n_streams, SERIES);
    ck_assert_uint_eq(c.result->streams[2].n_constant, 1);
    ck_assert_uint_eq(c.result->streams[2].ahead.n, 0);
    ck_assert_uint_eq(c.result->streams[2].rolled.n, 0);
    ck_assert(c.result->streams[1].n_constant == 0 && c.result->streams[1].ahead.n > 0);
    done(&c);
}

TEST(series_of_few_targets_are_one_stream)
{
    struct compared c;
    make(&c, NULL, GRU_MSE, true);
    for (size_t k = 1; k < SERIES; k++) {
        c.series[k].n_targets = 1;
    }
    c.training.validation = c.series;
    c.training.n_validation = SERIES;
    c.training.validation_fraction = 0;
    c.trained = gru_model_ref(c.base);
    compare(&c);
    ck_assert_uint_eq(c.result->n_streams, 2);
    ck_assert(c.result->streams[0].n_series == 1 && c.result->streams[0].series == 0);
    ck_assert(c.result->streams[1].n_series == 3 && c.result->streams[1].series == 1);
    ck_assert(c.result->streams[1].ahead.n > 3 && c.result->streams[1].ahead.n <= 6);
    ck_assert(c.result->streams[1].n_blocks == 3);
    done(&c);
}

/* Series 1 and those that continue it make one stream of what they were by themselves. */
TEST(a_series_and_what_continues_it_are_one_stream)
{
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct compared apart, c;
        make(&apart, cases[k].grud, cases[k].loss, cases[k].with_y);
        make(&c, cases[k].grud, cases[k].loss, cases[k].with_y);
        c.series[2].is_continuation = c.series[3].is_continuation = true;
        apart.trained = gru_model_ref(apart.base);
        c.trained = gru_model_ref(c.base);
        compare(&apart);
        compare(&c);
        ck_assert_uint_eq(apart.result->n_streams, SERIES);
        ck_assert_uint_eq(c.result->n_streams, 2);
        const struct gru_stream_losses *one = &c.result->streams[1];
        ck_assert(one->series == 1 && one->n_series == 1);
        size_t n = 0, n_in_blocks = 0, n_empty = 0;
        double base = 0;
        for (size_t s = 1; s < SERIES; s++) {
            n += apart.result->streams[s].ahead.n;
            base += apart.result->streams[s].ahead.base;
        }
        ck_assert_uint_eq(one->ahead.n, n);
        expect_close(one->ahead.base, base);
        for (size_t b = 0; b < one->n_blocks; b++) {
            n_in_blocks += c.result->blocks[one->first_block + b].n;
            n_empty += c.result->blocks[one->first_block + b].n == 0;
        }
        ck_assert(n_in_blocks == n && n_empty == 0 && one->n_blocks > 4);
        done(&apart);
        done(&c);
    }
}

/* Of a sensor whose stream is cut often: three targets a piece say nothing, all of them a lot. */
TEST(a_stream_of_short_pieces_is_judged_as_a_whole)
{
    enum { PIECES = 15, PIECE_ROWS = 4 };
    struct compared c;
    struct gru_series pieces[PIECES];
    for (int is_stuck = 0; is_stuck < 2; is_stuck++) {
        make(&c, cases[0].grud, GRU_MSE, false);
        for (size_t t = 0; t < ROWS; t++) {
            c.x[t * INPUTS] = is_stuck ? 0.25F : c.x[t * INPUTS];
        }
        c.x[(7 * PIECE_ROWS + 2) * INPUTS] = -999;
        for (size_t k = 0; k < PIECES; k++) {
            pieces[k] = (struct gru_series){ .x = c.x + k * PIECE_ROWS * INPUTS,
                                             .n_rows = PIECE_ROWS,
                                             .is_continuation = k > 0 };
        }
        c.training.validation = pieces;
        c.training.n_validation = PIECES;
        c.training.validation_fraction = 0;
        c.trained = gru_model_ref(c.base);
        compare(&c);
        ck_assert_uint_eq(c.result->n_streams, 1);
        const struct gru_stream_losses *stream = c.result->streams;
        ck_assert(stream->n_series == 1 && stream->n_constant == (size_t)is_stuck);
        ck_assert(is_stuck ? stream->ahead.n == 0 : stream->ahead.n >= 30);
        ck_assert(c.result->outlying.n == 2 && c.result->outlier.series == 7);
        done(&c);
    }
}

TEST(without_a_validation_target_there_is_nothing_to_compare)
{
    struct compared c;
    make(&c, NULL, GRU_MSE, true);
    c.training.validation_fraction = 0;
    ck_assert_int_eq(gru_comparison_create(c.base, c.base, &c.training, &c.comparison),
                     GRU_BAD_ARGUMENT);
    ck_assert_ptr_null(c.comparison);
    done(&c);
}

#ifdef FAILING_MEMORY
TEST(a_comparison_says_that_memory_is_out_and_leaks_nothing)
{
    struct compared c;
    make(&c, cases[0].grud, GRU_MSE, false);
    int has_failed = 1;
    for (long k = 0; has_failed; k++) {
        bool is_done = false;
        struct gru_comparison *comparison = NULL;
        failing_memory_start(k);
        enum gru_status status = gru_comparison_create(c.base, c.base, &c.training, &comparison);
        while (status == GRU_OK && !is_done) {
            status = gru_comparison_advance(comparison, &is_done);
        }
        gru_comparison_free(comparison);
        long live = failing_memory_live();
        has_failed = failing_memory_stop();
        ck_assert_int_eq(status, has_failed ? GRU_NO_MEMORY : GRU_OK);
        ck_assert_int_eq(live, 0);
    }
    done(&c);
}
#endif

/* Blocks are then of what is rolled out, over as many rows as training aims at, but 24. */
TEST(a_training_for_roll_outs_is_compared_by_them)
{
    static const size_t horizons[][2] = { { 1, 12 }, { 5, 5 }, { 40, 24 } };
    for (size_t k = 0; k < 3; k++) {
        struct compared c;
        struct gru_progress progress;
        size_t n_blocks = 0, n_rolled = 0;
        double of_blocks = 0, of_rolls = 0;
        make(&c, "{" FEEDS "}", GRU_MSE, false);
        c.training.hyperparameters.horizon_loss = horizons[k][0];
        c.trained = training_whole(c.base, &c.training, &progress);
        compare(&c);
        ck_assert_uint_eq(c.result->horizon, horizons[k][1]);
        ck_assert_int_eq(c.result->is_of_rolls, k > 0);
        for (size_t b = 0; b < c.result->n_blocks; b++) {
            n_blocks += c.result->blocks[b].n;
            of_blocks += c.result->blocks[b].trained;
        }
        for (size_t s = 0; s < c.result->n_streams; s++) {
            n_rolled += c.result->streams[s].rolled.n;
            of_rolls += c.result->streams[s].rolled.trained;
        }
        ck_assert_uint_gt(n_rolled, 0);
        ck_assert_int_eq(n_blocks == n_rolled, k > 0);
        ck_assert_int_eq(fabs(of_blocks - of_rolls) < 1e-6 * of_rolls, k > 0);
        done(&c);
    }
}

TEST(posted_targets_are_not_rolled_out)
{
    struct compared c;
    struct gru_progress progress;
    make(&c, "{" FEEDS "}", GRU_MSE, true);
    c.training.hyperparameters.horizon_loss = 5;
    c.trained = training_whole(c.base, &c.training, &progress);
    compare(&c);
    ck_assert(!c.result->is_of_rolls);
    ck_assert_uint_gt(c.result->blocks[0].n, 0);
    done(&c);
}
