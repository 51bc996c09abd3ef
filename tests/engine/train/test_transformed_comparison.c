/* Comparisons of models with transforms: raw forecasts, in the network's units. */
#include "engine/transform.h"
#include "test.h"
#include "training.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 90, HELD = 30, I = 2 };

/* x0 has the transform and is forecast; x1 is neither. */
static struct gru_model *model_of(const char *transform)
{
    char grud[400];
    snprintf(grud, sizeof grud,
             "{\"inputs\":[{\"name\":\"x0\",\"mean\":1,\"std\":4,\"transform\":%s},{\"name\":"
             "\"x1\"}],\"outputs\":[{\"name\":\"x0\",\"mean\":0.5,\"std\":2}]}",
             transform);
    return training_model(grud, I, 4, 1, 1);
}

/* Whole numbers: no sum or difference of them is rounded. */
static void make_rows(double *x, size_t n)
{
    srand(11);
    double level = 4000;
    for (size_t t = 0; t < n; t++) {
        level += 2 + rand() % 7;
        x[t * I] = level;
        x[t * I + 1] = rand() % 5;
    }
}

static struct gru_training training_of(const struct gru_series *series)
{
    return (struct gru_training){ .series = series,
                                  .n_series = 1,
                                  .validation_fraction = 1.0 / 3,
                                  .hyperparameters = training_plain() };
}

/* Of a level with a scale the losses are in the network's units: by the scale of their row. */
TEST(comparison_judges_in_the_units_of_the_network)
{
    struct gru_model *model = model_of("{\"level\":0.2,\"scale\":true}");
    double x[ROWS * I], y[ROWS], u[ROWS], loss = 0;
    make_rows(x, ROWS);
    const struct gru_series series = { .x = x, .n_rows = ROWS };
    const struct gru_training training = training_of(&series);
    struct gru_comparison *comparison;
    struct gru_work *work;
    struct gru_lane lane = { .x = x, .n_rows = ROWS, .y = y };
    bool is_done = false;
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    ck_assert_int_eq(gru_run(model, work, &lane, 1), GRU_OK);
    float state[6];
    const struct gru_transform *transform = &gru_model_info(model)->inputs[0].transform;
    gru_transform_init(transform, state);
    for (size_t t = 0; t + 1 < ROWS; t++) {
        gru_transform_push(transform, state, x[t * I]);
        u[t] = (y[t] - x[(t + 1) * I]) / gru_transform_map(transform, state).unit / 2;
        loss += t + 1 >= ROWS - HELD ? u[t] * u[t] : 0;
    }
    ck_assert_int_eq(gru_comparison_create(model, model, &training, &comparison), GRU_OK);
    while (!is_done) {
        ck_assert_int_eq(gru_comparison_advance(comparison, &is_done), GRU_OK);
    }
    const struct gru_comparison_result *result = gru_comparison_result(comparison);
    ck_assert_uint_eq(result->all.n, HELD);
    training_expect_near("trained", result->all.trained, loss, 1e-9);
    ck_assert(result->all.trained == result->all.base);
    gru_comparison_free(comparison);
    gru_work_free(work);
    gru_model_unref(model);
}

/* How many targets of the one stream, all of which are judged, repeat others. */
static size_t count_repeats(struct gru_model *model, const struct gru_training *training)
{
    struct gru_comparison *comparison;
    bool is_done = false;
    ck_assert_int_eq(gru_comparison_create(model, model, training, &comparison), GRU_OK);
    while (!is_done) {
        ck_assert_int_eq(gru_comparison_advance(comparison, &is_done), GRU_OK);
    }
    const struct gru_comparison_result *result = gru_comparison_result(comparison);
    const struct gru_stream_losses stream = result->streams[0];
    ck_assert_uint_eq(result->n_streams, 1);
    ck_assert_uint_eq(stream.n_constant, 0);
    ck_assert_uint_eq(stream.ahead.n, HELD);
    gru_comparison_free(comparison);
    return stream.n_repeated;
}

/* A counter that moves by far less than a float can tell is not stuck. */
TEST(counter_is_not_constant_and_repeats_as_the_network_sees_it)
{
    struct gru_model *model = model_of("\"difference\"");
    double x[ROWS * I];
    make_rows(x, ROWS);
    for (size_t t = 0; t < ROWS; t++) {
        x[t * I] += 1e12;
    }
    const struct gru_series series = { .x = x, .n_rows = ROWS };
    const struct gru_training training = training_of(&series);
    ck_assert_uint_eq(count_repeats(model, &training), 0);
    for (size_t t = 0; t < ROWS; t++) { /* by a pattern of 5 steps, over and over */
        const size_t n_over = t / 5, place = t % 5;
        x[t * I] = 1e12 + 20 * (double)n_over + (double)(place * place);
        x[t * I + 1] = 0;
    }
    ck_assert_uint_ge(count_repeats(model, &training), HELD - 5);
    gru_model_unref(model);
}
