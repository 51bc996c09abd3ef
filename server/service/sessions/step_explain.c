#include "service/sessions/step_explain.h"

#include "service/models/models.h"
#include "service/pool/record_ring.h"
#include "service/service_private.h"
#include "service/sessions/explanation.h"
#include "service/sessions/predict.h"
#include "service/sessions/steps.h"

#include <string.h>

struct step_explaining {
    struct prediction prediction; /* the first member: its verbs find the rest by it */
    unsigned version;             /* of what is explained */
    uint64_t number;
    float *state;
    double *x; /* [K][I] */
    struct explanation explanation;
};

static enum status no_memory(struct step *step)
{
    return fault_set(&step->fault, STATUS_NO_MEMORY, NULL, "no memory for this explanation");
}

/* ---- how much it is ---- */

/* Of a session that keeps as many readings as there may be. */
static size_t rows_of_path(const struct step *step)
{
    enum { POINTS = 18 }; /* of the first count (gru_explain.h), with both ends; forth and back */
    return 2 * POINTS *
           (step->model->pool->layout.n_history + step->forecast_options.explain->ahead);
}

static bool is_long(const struct step *step)
{
    return rows_of_path(step) > slice_rows(step->model->active->gru);
}

size_t step_explain_rows_at_once(const struct step *step)
{
    enum { SHARE = 2 }; /* of what a row of a step takes: many share the weights */
    return step->forecast_options.explain && !is_long(step) ? rows_of_path(step) / SHARE : 0;
}

/* ---- it begins ---- */

/* The last K of those that the copy stands for and those that the step brings. */
static void take_readings(const struct step *step, const struct explain_place *place,
                          struct step_explaining *explaining)
{
    const size_t n_inputs = gru_model_info(step->model->active->gru)->n_inputs;
    const size_t n_most = step->model->pool->layout.n_history;
    const size_t n_new = place->n_new < n_most ? place->n_new : n_most;
    size_t n_old = place->copy ? place->copy->n_readings : 0;
    n_old = n_old < n_most - n_new ? n_old : n_most - n_new;
    double *x = explaining->x;
    for (size_t k = 0; k < n_old; k++, x += n_inputs) {
        record_read_reading(place->layout, place->record, place->copy->step - n_old + 1 + k, x);
    }
    for (size_t k = place->n_new - n_new; k < place->n_new; k++, x += n_inputs) {
        memcpy(x, k + 1 < place->n_new ? place->missing : step->x, n_inputs * sizeof *x);
    }
    explaining->explanation.n_rows = n_old + n_new;
}

/* What was begun before has the room already. */
static struct step_explaining *find_room(struct step *step)
{
    const struct gru_info *info = gru_model_info(step->model->active->gru);
    struct step_explaining *explaining = step->explaining;
    if (explaining && explaining->version == step->model->active->number) {
        return explaining;
    }
    explaining = arena_alloc(step->arena, sizeof *explaining);
    if (!explaining) {
        return NULL;
    }
    *explaining = (struct step_explaining){ .version = 0 };
    explaining->state = arena_array(step->arena, info->state_floats, sizeof *explaining->state);
    explaining->x = arena_array(step->arena, step->model->pool->layout.n_history * info->n_inputs,
                                sizeof *explaining->x);
    return explaining->state && explaining->x ? explaining : NULL;
}

static bool is_at(const struct step_explaining *explaining, const struct step *step,
                  const struct explain_place *place)
{
    const struct version *active = step->model->active;
    return explaining->version == active->number && explaining->number == place->number &&
           memcmp(explaining->state, place->state,
                  gru_model_info(active->gru)->state_floats * sizeof *place->state) == 0;
}

static enum status begin(struct step *step, const struct explain_place *place)
{
    const struct version *active = step->model->active;
    struct step_explaining *explaining = find_room(step);
    if (!explaining) {
        return no_memory(step);
    }
    explaining->version = active->number;
    explaining->number = place->number;
    memcpy(explaining->state, place->state,
           gru_model_info(active->gru)->state_floats * sizeof *place->state);
    explaining->explanation = (struct explanation){ .arena = step->arena,
                                                    .forecast_options = &step->forecast_options,
                                                    .state = explaining->state,
                                                    .x = explaining->x };
    take_readings(step, place, explaining);
    step->explaining = explaining;
    return STATUS_OK;
}

/* ---- the prediction: its rows are those of the path ---- */

static enum status run_rows(struct service_context *context, struct prediction *prediction,
                            size_t most_rows, struct fault *fault)
{
    struct step_explaining *explaining = (struct step_explaining *)(void *)prediction;
    return explanation_run(context, &explaining->explanation, prediction, most_rows, fault);
}

static void end(struct prediction *prediction)
{
    explanation_end(&((struct step_explaining *)(void *)prediction)->explanation);
}

static enum status begin_path(struct step *step)
{
    struct step_explaining *explaining = step->explaining;
    struct gru_model *gru = step->model->active->gru;
    enum status status = explanation_begin(&explaining->explanation, gru, &step->fault);
    if (status == STATUS_OK) {
        explaining->prediction =
            (struct prediction){ .gru = gru, .version = explaining->version, .n_sequences = 0 };
        predict_begin_other(&explaining->prediction,
                            explanation_rows_left(&explaining->explanation), run_rows, end);
    }
    return status;
}

/* ---- it goes on ---- */

/* At once, if it is short and does not turn out to be long; else in slices. A step that may have
 * none yet begins again when it may. */
static enum status work(struct service_context *context, struct step *step)
{
    struct prediction *prediction = &step->explaining->prediction;
    if (!step->may_slice && is_long(step)) {
        return STATUS_OK;
    }
    enum status status = begin_path(step);
    if (status != STATUS_OK) {
        return status;
    }
    if (!predict_is_long(prediction)) {
        status = predict_go_on(context, prediction, &step->fault);
        context->n_work_left -= (int64_t)(prediction->n_rows_run * prediction->row_work);
    }
    if (status == STATUS_OK && prediction->n_rows_left > 0 && step->may_slice) {
        step->slices = prediction;
        return STATUS_OK;
    }
    predict_end(prediction);
    return status;
}

enum status step_explain_go_on(struct service_context *context, struct step *step,
                               const struct explain_place *place, bool *ret_is_ready)
{
    const size_t n_rows =
        forecast_options_rows(gru_model_info(step->model->active->gru), &step->forecast_options);
    const size_t ahead = step->forecast_options.explain->ahead;
    enum status status = STATUS_OK;
    *ret_is_ready = false;
    step->explanation = NULL;
    if (ahead > 1 && ahead > n_rows) {
        return fault_set(&step->fault, STATUS_INVALID_VALUE, "explain.ahead",
                         "is %zu, but a version was activated meanwhile that forecasts %zu steps; "
                         "send a `horizon`",
                         ahead, n_rows);
    }
    if (!step->explaining || !is_at(step->explaining, step, place)) {
        status = begin(step, place);
    }
    if (status == STATUS_OK && !step->explaining->explanation.is_ready &&
        context->n_work_left > 0) {
        status = work(context, step);
    }
    if (status == STATUS_OK && step->explaining->explanation.is_ready) {
        step->explanation = &step->explaining->explanation.result;
        *ret_is_ready = true;
    }
    return status;
}

bool step_explain_end_slices(struct step *step, enum status status, const struct fault *fault)
{
    if (!step->explaining || step->slices != &step->explaining->prediction) {
        return false;
    }
    predict_end(step->slices);
    step->slices = NULL;
    if (status != STATUS_OK) {
        step->fault = *fault;
        step->is_done = true;
    }
    return true;
}
