/* Explanations of models with transforms: by the same network without them, which is given what
 * this one sees, and by the equations of gru.h, which turn its forecasts back. */
#include "engine/explain/explaining.h"
#include "engine/fixture.h"
#include "engine/train/training.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { I = 2, O = 2, ROWS = 14, SEASON = 5 };

static const char *const transforms[] = { "\"difference\"", "{\"seasonal_difference\":5}",
                                          "{\"level\":0.2}", "{\"level\":0.2,\"scale\":true}",
                                          "{\"level\":0.5,\"scale\":true}" };
enum { N_TRANSFORMS = sizeof transforms / sizeof *transforms };

/* "x" is forecast by the output "x"; "known" and "z" are neither fed nor feeding. */
static struct gru_model *load(size_t steps, const char *transform, bool residual)
{
    struct fixture f = fixture_new();
    char grud[400];
    fixture_layer(&f, "gru.", 0, 3, I, 6);
    fixture_tensor(&f, "fc.weight", steps * O, 6);
    fixture_tensor(&f, "fc.bias", steps * O, 0);
    snprintf(grud, sizeof grud,
             "{\"inputs\":[{\"name\":\"x\",\"mean\":0.5,\"std\":2,\"transform\":%s},"
             "{\"name\":\"known\"}],\"outputs\":[{\"name\":\"z\"},"
             "{\"name\":\"x\",\"mean\":0.25,\"std\":1.5}],\"steps\":%zu%s}",
             transform, steps, residual ? ",\"residual\":true" : "");
    f.grud = grud;
    return fixture_loaded(&f);
}

static void make_rows(double *x, size_t n_rows, double level)
{
    double *noise = training_noise(2 * n_rows, 5);
    for (size_t t = 0; t < n_rows; t++) {
        x[t * I] = level + 0.5 * (double)t + 3 * noise[2 * t];
        x[t * I + 1] = noise[2 * t + 1];
    }
    free(noise);
}

/* ---- turned back ---- */

/* All that the stream has had. */
struct stream {
    const struct gru_transform *transform;
    const double *x; /* [n][I] */
    size_t n;
};

static double turn_difference(const struct stream *stream, const double *u, size_t ahead)
{
    const size_t lag = stream->transform->kind == GRU_DIFFERENCE ? 1 : SEASON;
    double x[ROWS + 16];
    for (size_t t = 0; t < stream->n; t++) {
        x[t] = stream->x[t * I];
    }
    for (size_t j = 0; j < ahead; j++) {
        x[stream->n + j] = x[stream->n + j - lag] + u[j];
    }
    return x[stream->n + ahead - 1];
}

static double turn_level(const struct stream *stream, const double *u, size_t ahead)
{
    const struct gru_transform *of = stream->transform;
    double level = stream->x[0], scale = 0, x = level;
    for (size_t n = 1; n < stream->n + ahead; n++) {
        x = n < stream->n ? stream->x[n * I] : level + (of->scale ? scale : 1) * u[n - stream->n];
        const double off = x - level;
        scale += fmax(of->rate, 1 / (double)n) * (fabs(off) - scale);
        level += fmax(of->rate, 1 / (double)(n + 1)) * off;
    }
    return x;
}

static double turn(const struct explaining_path *path, const double *forecast)
{
    const struct stream *stream = path->of;
    const size_t ahead = path->question->ahead, output = path->question->output;
    double u[16];
    for (size_t j = 0; j < ahead; j++) {
        u[j] = forecast[j * O + output];
    }
    return output == 0                            ? u[ahead - 1]
           : stream->transform->kind == GRU_LEVEL ? turn_level(stream, u, ahead)
                                                  : turn_difference(stream, u, ahead);
}

/* ---- by the plain network ---- */

/* n_before: readings that the session has had, and keeps no more. */
static void check(size_t transform, size_t steps, bool residual, size_t n_before)
{
    struct gru_model *model = load(steps, transforms[transform], residual);
    struct gru_model *plain = load(steps, "\"none\"", residual);
    const struct gru_transform *of = &gru_model_info(model)->inputs[0].transform;
    double x[ROWS * I], u[ROWS * I], column[ROWS], *future = training_noise(32, 6);
    float state[EXPLAINING_FLOATS];
    char name[64];
    make_rows(x, ROWS, 1000);
    const size_t n = ROWS - n_before;
    ck_assert_int_eq(gru_transform_column(of, x + n_before * I, n, I, column), GRU_OK);
    for (size_t t = 0; t < n; t++) {
        u[t * I] = isnan(column[t]) ? gru_model_info(model)->inputs[0].mean : column[t];
        u[t * I + 1] = x[(n_before + t) * I + 1];
    }
    explaining_state(model, x, ROWS, state);
    const struct stream stream = { of, x, ROWS };
    for (size_t ahead = 1; ahead <= 10; ahead += 3) {
        for (size_t output = 0; output < O; output++) {
            struct gru_question question = { .state = state,
                                             .x = x + n_before * I,
                                             .n_rows = n,
                                             .future = future,
                                             .n_future_rows = gru_future_rows(model, ahead),
                                             .output = output,
                                             .ahead = ahead };
            struct gru_question asked_of_plain = question;
            asked_of_plain.x = u;
            const struct explaining_path path = {
                .model = plain, .question = &asked_of_plain, .turn = turn, .of = &stream
            };
            snprintf(name, sizeof name, "%s, S %zu, output %zu, %zu ahead", transforms[transform],
                     steps, output, ahead);
            explaining_check(model, &question, &path, name);
        }
    }
    free(future);
    gru_model_unref(plain);
    gru_model_unref(model);
}

TEST(transforms_are_turned_back_along_the_path)
{
    for (size_t k = 0; k < N_TRANSFORMS; k++) {
        check(k, 1, false, 0);
        check(k, 3, false, 0);
        check(k, 1, true, 0);
        check(k, 3, true, 0);
    }
}

TEST(of_a_long_stream_the_level_belongs_to_the_baseline)
{
    for (size_t k = 0; k < N_TRANSFORMS; k++) {
        check(k, 1, false, 6);
        check(k, 3, true, 6);
    }
}

/* ---- while the transform is not known ---- */

TEST(while_nothing_is_known_there_is_nothing_to_explain)
{
    for (size_t k = 0; k < N_TRANSFORMS; k++) {
        struct gru_model *model = load(1, transforms[k], false);
        double x[] = { 7, 0 }, future[20] = { 0 };
        float state[EXPLAINING_FLOATS];
        explaining_state(model, x, 1, state);
        for (size_t ahead = 1; ahead <= 9; ahead += 4) {
            const struct gru_question question = { .state = state,
                                                   .x = x,
                                                   .n_rows = 1,
                                                   .future = future,
                                                   .n_future_rows = ahead - 1,
                                                   .output = 1,
                                                   .ahead = ahead };
            const struct explained explained = explaining(model, &question);
            const struct gru_explanation *e = &explained.explanation;
            ck_assert_double_eq_tol(e->baseline + explained.sum, e->value, 1e-4);
            ck_assert(e->state == 0 && explained.inputs[0] == 0);
        }
        gru_model_unref(model);
    }
}
