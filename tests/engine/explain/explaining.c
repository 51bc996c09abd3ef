#include "engine/explain/explaining.h"
#include "engine/explain/quadrature.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct explained explaining_parts(const struct gru_model *model,
                                  const struct gru_question *question, size_t most_rows)
{
    struct gru_explain *explain;
    struct gru_work *work;
    struct explained explained = { 0 };
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    ck_assert_int_eq(gru_explain_create(model, question, &explain), GRU_OK);
    while (gru_explain_rows_left(explain) > 0) {
        ck_assert_int_eq(gru_explain_part(explain, work, most_rows), GRU_OK);
    }
    gru_explain_result(explain, &explained.explanation);
    for (size_t i = 0; i < gru_model_info(model)->n_inputs; i++) {
        explained.inputs[i] = explained.explanation.inputs[i];
        explained.sum += explained.inputs[i];
    }
    explained.explanation.inputs = NULL;
    gru_explain_free(explain);
    gru_work_free(work);
    return explained;
}

struct explained explaining(const struct gru_model *model, const struct gru_question *question)
{
    const struct explained explained = explaining_parts(model, question, SIZE_MAX);
    const struct gru_explanation *e = &explained.explanation;
    const double sum = e->baseline + e->state + explained.sum + e->residual;
    ck_assert_msg(fabs(sum - e->value) <= 1e-9 * (1 + fabs(e->value)), "%g of %g", sum, e->value);
    return explained;
}

void explaining_state(const struct gru_model *model, const double *x, size_t n_rows, float *state)
{
    struct gru_work *work;
    double y[EXPLAINING_VALUES];
    ck_assert_uint_le(gru_model_info(model)->state_floats, EXPLAINING_FLOATS);
    struct gru_lane lane = {
        .x = x, .n_rows = n_rows, .y = y, .last_only = true, .state_out = state
    };
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    ck_assert_int_eq(gru_run(model, work, &lane, 1), GRU_OK);
    ck_assert_int_eq(lane.status, GRU_OK);
    gru_work_free(work);
}

void explaining_forecast(const struct gru_model *model, const double *x, size_t n_rows,
                         const double *future, size_t ahead, double *forecast)
{
    struct gru_work *work;
    float state[EXPLAINING_FLOATS];
    explaining_state(model, x, n_rows, state);
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    ck_assert_int_eq(
        gru_forecast(model, work, state, ahead, future, gru_future_rows(model, ahead), forecast),
        GRU_OK);
    gru_work_free(work);
}

/* ---- by the definition ---- */

static double at(const struct gru_variable *input, double x, double a)
{
    return input->mean + a * (x - input->mean);
}

/* With input `moved` at a + by. */
static double value_at(const struct explaining_path *path, double a, size_t moved, double by)
{
    const struct gru_info *info = gru_model_info(path->model);
    const struct gru_question *question = path->question;
    const size_t n = question->n_rows * info->n_inputs;
    double x[EXPLAINING_VALUES], future[EXPLAINING_VALUES], forecast[EXPLAINING_VALUES];
    ck_assert_uint_le(n, EXPLAINING_VALUES);
    for (size_t k = 0; k < n; k++) {
        const size_t i = k % info->n_inputs;
        x[k] = at(&info->inputs[i], question->x[k], i == moved ? a + by : a);
    }
    for (size_t t = 0, k = 0; t < question->n_future_rows; t++) {
        for (size_t i = 0; i < info->n_inputs; i++) {
            if (info->inputs[i].feeds < 0) {
                future[k] = at(&info->inputs[i], question->future[k], i == moved ? a + by : a);
                k++;
            }
        }
    }
    explaining_forecast(path->model, x, question->n_rows, future, question->ahead, forecast);
    return path->turn ? path->turn(path, forecast)
                      : forecast[(question->ahead - 1) * info->n_outputs + question->output];
}

double explaining_value(const struct explaining_path *path, double a)
{
    return value_at(path, a, SIZE_MAX, 0);
}

double explaining_credit(const struct explaining_path *path, size_t input)
{
    enum { POINTS = 24 };
    const double by = 0.02;
    double points[POINTS], weights[POINTS], credit = 0;
    gru_quadrature(POINTS, points, weights);
    for (size_t k = 0; k < POINTS; k++) {
        credit += weights[k] *
                  (value_at(path, points[k], input, by) - value_at(path, points[k], input, -by)) /
                  (2 * by);
    }
    return credit;
}

void explaining_check(const struct gru_model *model, const struct gru_question *question,
                      const struct explaining_path *path, const char *name)
{
    const struct explained explained = explaining(model, question);
    const struct gru_explanation *e = &explained.explanation;
    const double std = gru_model_info(model)->outputs[question->output].std;
    const double difference = e->value - e->state - e->baseline;
    ck_assert_msg(fabs(e->residual) <= fmax(0.01 * fabs(difference), 1e-5 * std),
                  "%s: %g is left over of %g", name, e->residual, difference);
    const double of_none = explaining_value(path, 0), of_all = explaining_value(path, 1);
    ck_assert_msg(fabs(e->baseline - of_none) <= 1e-5 * (std + fabs(of_none)), "%s: %g, not %g",
                  name, e->baseline, of_none);
    ck_assert_msg(fabs(e->value - e->state - of_all) <= 1e-5 * (std + fabs(of_all)),
                  "%s: %g, not %g", name, e->value - e->state, of_all);
    for (size_t i = 0; i < gru_model_info(model)->n_inputs; i++) {
        const double credit = explaining_credit(path, i);
        ck_assert_msg(fabs(explained.inputs[i] - credit) <= 2e-3 * std + 0.01 * fabs(credit),
                      "%s, input %zu: %g, not %g", name, i, explained.inputs[i], credit);
    }
}
