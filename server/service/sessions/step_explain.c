#include "service/sessions/step_explain.h"

#include "service/models/models.h"
#include "service/pool/record_ring.h"
#include "service/service_private.h"
#include "service/sessions/predict.h"
#include "service/sessions/steps.h"

#include <string.h>

struct step_explaining {
    struct prediction prediction; /* the first member: its verbs find the rest by it */
    struct step *step;
    unsigned version; /* of what is explained */
    uint64_t number;
    float *state;
    double *x; /* [n_rows][I] */
    size_t n_rows;
    bool is_ready;
    struct gru_explain *explain; /* as long as the prediction is */
    size_t n_bytes;              /* of it, that count as a request's */
    struct gru_explanation result;
};

static enum status no_memory(struct step *step)
{
    return fault_set(&step->fault, STATUS_NO_MEMORY, NULL, "no memory for this explanation");
}

/* step->model is valid in service_steps alone, not between slices. */
static enum status explain_fault(const struct step *step, const struct gru_model *gru,
                                 enum gru_status failure, struct fault *fault)
{
    if (failure == GRU_NON_FINITE) {
        return fault_set(
            fault, STATUS_NON_FINITE_RESULT, "explain",
            "cannot be answered: on the way from the inputs' means to the readings the "
            "forecast leaves the range of finite numbers; step without it");
    }
    return forecast_options_fault(gru, failure, &step->forecast_options, fault);
}

/* ---- how much it is ---- */

/* Of a session that keeps as many readings as there may be. */
static size_t rows_of_path(const struct step *step)
{
    enum { POINTS = 18 }; /* of the first count (gru_explain.h), with both ends; forth and back */
    return 2 * POINTS * (step->model->pool->layout.n_history + step->explain->ahead);
}

static bool is_long(const struct step *step)
{
    return rows_of_path(step) > slice_rows(step->model->active->gru);
}

size_t step_explain_rows_at_once(const struct step *step)
{
    enum { SHARE = 2 }; /* of what a row of a step takes: many share the weights */
    return step->explain && !is_long(step) ? rows_of_path(step) / SHARE : 0;
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
    explaining->n_rows = n_old + n_new;
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
    *explaining = (struct step_explaining){ .step = step };
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
    explaining->is_ready = false;
    memcpy(explaining->state, place->state,
           gru_model_info(active->gru)->state_floats * sizeof *place->state);
    take_readings(step, place, explaining);
    step->explaining = explaining;
    return explaining->n_rows > 0
               ? STATUS_OK
               : fault_set(&step->fault, STATUS_NO_READING, "explain",
                           "cannot be answered: session '%s' was restored without its readings, "
                           "and keeps none yet",
                           step->session);
}

/* ---- the prediction: its rows are those of the path ---- */

static enum status run_rows(struct service_context *context, struct prediction *prediction,
                            size_t most_rows, struct fault *fault)
{
    struct step_explaining *explaining = (struct step_explaining *)(void *)prediction;
    const enum gru_status failure = gru_explain_part(explaining->explain, context->work, most_rows);
    if (failure != GRU_OK) {
        return explain_fault(explaining->step, prediction->gru, failure, fault);
    }
    const size_t n_before = prediction->n_rows_left;
    prediction->n_rows_left = gru_explain_rows_left(explaining->explain);
    if (prediction->n_rows_left >= n_before) { /* a part of the path is halved */
        prediction->n_rows_added = prediction->n_rows_left;
    }
    return STATUS_OK;
}

static void end(struct prediction *prediction)
{
    struct step_explaining *explaining = (struct step_explaining *)(void *)prediction;
    struct arena_total *total = explaining->step->arena->total;
    gru_explain_free(explaining->explain);
    explaining->explain = NULL;
    if (total) {
        arena_total_subtract(total, explaining->n_bytes);
    }
}

static struct gru_question question_of(const struct step_explaining *explaining)
{
    const struct step *step = explaining->step;
    return (struct gru_question){ .state = explaining->state,
                                  .x = explaining->x,
                                  .n_rows = explaining->n_rows,
                                  .future = step->forecast_options.future,
                                  .n_future_rows = step->forecast_options.n_future_rows,
                                  .output = step->explain->output,
                                  .ahead = step->explain->ahead };
}

/* Counts as the request's, like what its arena has. */
static enum status take_memory(struct step_explaining *explaining)
{
    struct step *step = explaining->step;
    const struct arena *arena = step->arena;
    explaining->n_bytes =
        gru_explain_bytes(step->model->active->gru, explaining->n_rows, step->explain->ahead);
    if (explaining->n_bytes > arena->cap) {
        return fault_no_room(&step->fault, true, "explain",
                             "would need more memory than a request may use; ask for a forecast "
                             "that is less far ahead");
    }
    return !arena->total || arena_total_add(arena->total, explaining->n_bytes) ? STATUS_OK
                                                                               : no_memory(step);
}

static enum status begin_path(struct step_explaining *explaining)
{
    struct step *step = explaining->step;
    struct gru_model *gru = step->model->active->gru;
    const struct gru_question question = question_of(explaining);
    enum status status = take_memory(explaining);
    if (status != STATUS_OK) {
        return status;
    }
    const enum gru_status failure = gru_explain_create(gru, &question, &explaining->explain);
    if (failure != GRU_OK) {
        explaining->explain = NULL;
        if (step->arena->total) {
            arena_total_subtract(step->arena->total, explaining->n_bytes);
        }
        return explain_fault(step, gru, failure, &step->fault);
    }
    explaining->prediction =
        (struct prediction){ .gru = gru, .version = explaining->version, .n_sequences = 0 };
    predict_begin_other(&explaining->prediction, gru_explain_rows_left(explaining->explain),
                        run_rows, end);
    return STATUS_OK;
}

/* ---- it goes on ---- */

static enum status take_result(struct step_explaining *explaining)
{
    struct step *step = explaining->step;
    const size_t n = gru_model_info(explaining->prediction.gru)->n_inputs;
    double *inputs = arena_array(step->arena, n, sizeof *inputs);
    if (!inputs) {
        return no_memory(step);
    }
    gru_explain_result(explaining->explain, &explaining->result);
    memcpy(inputs, explaining->result.inputs, n * sizeof *inputs);
    explaining->result.inputs = inputs;
    explaining->is_ready = true;
    return STATUS_OK;
}

/* At once, if it is short and does not turn out to be long; else in slices. A step that may have
 * none yet begins again when it may. */
static enum status work(struct service_context *context, struct step_explaining *explaining)
{
    struct step *step = explaining->step;
    struct prediction *prediction = &explaining->prediction;
    if (!step->may_slice && is_long(step)) {
        return STATUS_OK;
    }
    enum status status = begin_path(explaining);
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
    if (status == STATUS_OK && prediction->n_rows_left == 0) {
        status = take_result(explaining);
    }
    predict_end(prediction);
    return status;
}

enum status step_explain_go_on(struct service_context *context, struct step *step,
                               const struct explain_place *place, bool *ret_is_ready)
{
    const size_t n_rows =
        forecast_options_rows(gru_model_info(step->model->active->gru), &step->forecast_options);
    enum status status = STATUS_OK;
    *ret_is_ready = false;
    step->explanation = NULL;
    if (step->explain->ahead > 1 && step->explain->ahead > n_rows) {
        return fault_set(&step->fault, STATUS_INVALID_VALUE, "explain.ahead",
                         "is %zu, but a version was activated meanwhile that forecasts %zu steps; "
                         "send a `horizon`",
                         step->explain->ahead, n_rows);
    }
    if (!step->explaining || !is_at(step->explaining, step, place)) {
        status = begin(step, place);
    }
    if (status == STATUS_OK && !step->explaining->is_ready && context->n_work_left > 0) {
        status = work(context, step->explaining);
    }
    if (status == STATUS_OK && step->explaining->is_ready) {
        step->explanation = &step->explaining->result;
        *ret_is_ready = true;
    }
    return status;
}

bool step_explain_end_slices(struct step *step, enum status status, const struct fault *fault)
{
    struct step_explaining *explaining = step->explaining;
    if (!explaining || step->slices != &explaining->prediction) {
        return false;
    }
    if (status == STATUS_OK) {
        status = take_result(explaining);
    } else {
        step->fault = *fault;
    }
    predict_end(step->slices);
    step->slices = NULL;
    step->is_done = status != STATUS_OK;
    return true;
}
