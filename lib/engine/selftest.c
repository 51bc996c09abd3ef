/* See selftest.h. */
#include "engine/selftest.h"
#include "engine/buffer.h"
#include "engine/random.h"
#include "engine/transform.h"

#include <math.h>
#include <stdlib.h>

/* docs/MODELS.md: 1e-4 of the expected value, or 1e-4 where that is near 0. */
#define TOLERANCE 1e-4

/* Of a new model: behind the longest season whose differences the network sees, if that is short.
 */
enum { ROWS_DRAWN = 8, SEASON_DRAWN_MAX = 400 };

static enum gru_status compare(const struct gru_model *model, const double *y,
                               struct gru_error *error)
{
    const struct gru_info *info = &model->info;
    for (size_t k = 0; k < model->selftest.n_rows * info->y_floats; k++) {
        double expected = model->selftest.y[k];
        double got = y[k];
        if (fabs(got - expected) <= TOLERANCE * fmax(1, fabs(expected))) {
            continue;
        }
        size_t row = k / info->y_floats;
        size_t column = k % info->y_floats;
        const char *output = info->outputs[column % info->n_outputs].name;
        return gru_fail(
            error, GRU_SELFTEST_FAILED, "grud.selftest",
            "the selftest expects %.9g in row %zu for the output '%s' (column %zu), but the model "
            "gives %.9g",
            expected, row, gru_show(output).text, column, got);
    }
    return GRU_OK;
}

static enum gru_status run(const struct gru_model *model, struct gru_work *work, double *y,
                           struct gru_error *error)
{
    struct gru_lane lane = { .x = model->selftest.x, .n_rows = model->selftest.n_rows, .y = y };
    enum gru_status status = gru_run(model, work, &lane, 1);
    if (status != GRU_OK) {
        return gru_fail_no_memory(error);
    }
    if (lane.status != GRU_OK) {
        return gru_fail(error, GRU_SELFTEST_FAILED, "grud.selftest",
                        "the selftest cannot be run: at row %zu, column %zu, %s", lane.bad_row,
                        lane.bad_column, gru_status_text(lane.status));
    }
    return compare(model, y, error);
}

static void round_values(const struct gru_info *info, double *values, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        values[k] = gru_reading(info, values[k]);
    }
}

enum gru_status gru_selftest_run(struct gru_model *model, struct gru_error *error)
{
    struct gru_selftest *selftest = &model->selftest;
    if (selftest->n_rows == 0) {
        return GRU_OK;
    }
    round_values(&model->info, selftest->x, selftest->n_rows * model->info.n_inputs);
    round_values(&model->info, selftest->y, selftest->n_rows * model->info.y_floats);
    size_t n;
    struct gru_work *work = NULL;
    double *y = __builtin_mul_overflow(model->selftest.n_rows, model->info.y_floats, &n)
                    ? NULL
                    : gru_array_alloc(n, sizeof *y);
    enum gru_status status = y && gru_work_create(&work) == GRU_OK ? run(model, work, y, error)
                                                                   : gru_fail_no_memory(error);
    gru_work_free(work);
    free(y);
    return status;
}

bool gru_model_is_verified(const struct gru_model *model)
{
    return model->selftest.n_rows > 0;
}

/* ---- of a new model ---- */

static size_t count_rows(const struct gru_model *model)
{
    size_t n_before = 0;
    for (size_t k = 0; k < model->n_transformed; k++) {
        const size_t season = model->info.inputs[model->transformed[k].input].transform.season;
        n_before = season <= SEASON_DRAWN_MAX && season > n_before ? season : n_before;
    }
    return n_before + ROWS_DRAWN;
}

/* What the network sees is within a standard deviation or two of the mean. */
static void draw_rows(const struct gru_info *info, double *x, size_t n_rows, uint64_t *random)
{
    for (size_t k = 0; k < n_rows * info->n_inputs; k++) {
        const struct gru_variable *input = &info->inputs[k % info->n_inputs];
        const double unit = (double)(gru_random_next(random) >> 40) * 0x1p-24; /* [0, 1) */
        x[k] = gru_reading(info, input->mean + input->std * (4 * unit - 2));
    }
}

/* Of inputs with a transform, what was drawn is u: in its place come readings that have it. */
static void turn_back(const struct gru_model *model, double *x, size_t n_rows, float *state)
{
    const struct gru_info *info = &model->info;
    gru_state_init_transforms(model, state);
    for (size_t k = 0; k < model->n_transformed; k++) {
        const struct gru_transformed *transformed = &model->transformed[k];
        const struct gru_transform *transform = &info->inputs[transformed->input].transform;
        for (size_t t = 0; t < n_rows; t++) {
            const struct transform_map map = gru_transform_map(transform, state + transformed->at);
            double *value = &x[t * info->n_inputs + transformed->input];
            if (gru_transform_is_known(map)) {
                *value = gru_reading(info, gru_transform_invert(map, *value));
            }
            gru_transform_push(transform, state + transformed->at, *value);
        }
    }
}

enum gru_status gru_selftest_draw(struct gru_model *model, uint64_t *random)
{
    const struct gru_info *info = &model->info;
    const size_t n_rows = count_rows(model);
    struct gru_work *work = NULL;
    double *x = gru_array_alloc(n_rows * info->n_inputs, sizeof *x);
    double *y = gru_array_alloc(n_rows * info->y_floats, sizeof *y);
    float *state = gru_array_alloc(model->transform_floats, sizeof *state);
    enum gru_status status = x && y && state ? gru_work_create(&work) : GRU_NO_MEMORY;
    struct gru_lane lane = { .x = x, .n_rows = n_rows, .y = y };
    if (status == GRU_OK) {
        draw_rows(info, x, n_rows, random);
        turn_back(model, x, n_rows, state);
        status = gru_run(model, work, &lane, 1);
    }
    gru_work_free(work);
    free(state);
    if (status == GRU_OK && lane.status == GRU_OK) {
        model->selftest = (struct gru_selftest){ .n_rows = n_rows, .x = x, .y = y };
    } else {
        free(x);
        free(y);
    }
    return status;
}
