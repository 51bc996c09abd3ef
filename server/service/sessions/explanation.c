#include "service/sessions/explanation.h"

#include "service/service_private.h"
#include "service/sessions/forecast_options.h"
#include "service/sessions/predict.h"

#include <string.h>

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for this explanation");
}

static enum status explain_fault(const struct explanation *explanation, const struct gru_model *gru,
                                 enum gru_status failure, struct fault *fault)
{
    if (failure == GRU_NON_FINITE) {
        return fault_set(
            fault, STATUS_NON_FINITE_RESULT, "explain",
            "cannot be answered: on the way from the inputs' means to the readings the "
            "forecast leaves the range of finite numbers; leave it out");
    }
    return forecast_options_fault(gru, failure, explanation->forecast_options, fault);
}

/* ---- it begins ---- */

/* Counts as the request's, like what its arena has. */
static enum status take_memory(struct explanation *explanation, const struct gru_model *gru,
                               struct fault *fault)
{
    const struct arena *arena = explanation->arena;
    const size_t n_bytes =
        gru_explain_bytes(gru, explanation->n_rows, explanation->forecast_options->explain->ahead);
    if (n_bytes > arena->cap) {
        return fault_no_room(fault, true, "explain",
                             "would need more memory than a request may use; ask for a forecast "
                             "that is less far ahead");
    }
    if (arena->total && !arena_total_add(arena->total, n_bytes)) {
        return no_memory(fault);
    }
    explanation->n_bytes = n_bytes;
    return STATUS_OK;
}

static struct gru_question question_of(const struct explanation *explanation)
{
    const struct forecast_options *options = explanation->forecast_options;
    return (struct gru_question){ .state = explanation->state,
                                  .x = explanation->x,
                                  .n_rows = explanation->n_rows,
                                  .future = options->future,
                                  .n_future_rows = options->n_future_rows,
                                  .output = options->explain->output,
                                  .ahead = options->explain->ahead };
}

enum status explanation_begin(struct explanation *explanation, const struct gru_model *gru,
                              struct fault *fault)
{
    const struct gru_question question = question_of(explanation);
    explanation->is_ready = false;
    explanation->explain = NULL;
    enum status status = take_memory(explanation, gru, fault);
    if (status != STATUS_OK) {
        return status;
    }
    const enum gru_status failure = gru_explain_create(gru, &question, &explanation->explain);
    if (failure != GRU_OK) {
        explanation->explain = NULL;
        explanation_end(explanation);
        return explain_fault(explanation, gru, failure, fault);
    }
    return STATUS_OK;
}

/* ---- it goes on, and ends ---- */

size_t explanation_rows_left(const struct explanation *explanation)
{
    return gru_explain_rows_left(explanation->explain);
}

static enum status take_result(struct explanation *explanation, const struct gru_model *gru,
                               struct fault *fault)
{
    const size_t n = gru_model_info(gru)->n_inputs;
    double *inputs = arena_array(explanation->arena, n, sizeof *inputs);
    if (!inputs) {
        return no_memory(fault);
    }
    gru_explain_result(explanation->explain, &explanation->result);
    memcpy(inputs, explanation->result.inputs, n * sizeof *inputs);
    explanation->result.inputs = inputs;
    explanation->is_ready = true;
    return STATUS_OK;
}

enum status explanation_run(struct service_context *context, struct explanation *explanation,
                            struct prediction *prediction, size_t most_rows, struct fault *fault)
{
    const enum gru_status failure =
        gru_explain_part(explanation->explain, context->work, most_rows);
    if (failure != GRU_OK) {
        return explain_fault(explanation, prediction->gru, failure, fault);
    }
    const size_t n_before = prediction->n_rows_left;
    prediction->n_rows_left = gru_explain_rows_left(explanation->explain);
    if (prediction->n_rows_left == 0) {
        return take_result(explanation, prediction->gru, fault);
    }
    if (prediction->n_rows_left >= n_before) { /* a part of the path is halved */
        prediction->n_rows_added = prediction->n_rows_left;
    }
    return STATUS_OK;
}

void explanation_end(struct explanation *explanation)
{
    gru_explain_free(explanation->explain);
    explanation->explain = NULL;
    if (explanation->arena->total) {
        arena_total_subtract(explanation->arena->total, explanation->n_bytes);
    }
    explanation->n_bytes = 0;
}
