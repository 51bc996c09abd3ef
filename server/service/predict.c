/* predict.c - whole sequences: many at once share the weights; no session is kept. */
#include "service/internal.h"

#include <stdio.h>

static enum status no_room(const struct arena *arena, struct fault *fault)
{
    return fault_no_room(fault, arena->is_full, NULL,
                         "the reply would need more memory than a request may use");
}

/* "x[3][1]" or "instances[2].x[3][1]" */
static void name_place(const struct prediction *prediction, size_t sequence, const char *field,
                       const struct gru_lane *lane, char *param, size_t size)
{
    int n = prediction->has_instances ? snprintf(param, size, "instances[%zu].", sequence) : 0;
    if (lane) {
        snprintf(param + n, size - (size_t)n, "%s[%zu][%zu]", field, lane->bad_row, lane->bad_column);
    } else {
        snprintf(param + n, size - (size_t)n, "%s", field);
    }
}

static enum status lane_fault(const struct prediction *prediction, size_t sequence,
                              const struct gru_lane *lane, struct fault *fault)
{
    char param[96];
    const struct gru_info *info = gru_model_info(prediction->version->gru);
    if (lane->status == GRU_MISSING_INPUT) {
        name_place(prediction, sequence, "x", lane, param, sizeof param);
        return fault_set(fault, STATUS_MISSING_INPUT, param,
                         "input '%s' is missing, and the model's policy is to refuse that",
                         info->inputs[lane->bad_column].name);
    }
    name_place(prediction, sequence, "x", NULL, param, sizeof param);
    return fault_set(fault, status_of_gru(lane->status), param,
                     "output '%s' at row %zu would not be a finite number",
                     info->outputs[lane->bad_column % info->n_outputs].name, lane->bad_row);
}

static enum status forecast_all(struct worker *worker, struct prediction *prediction,
                                const struct gru_lane *lanes, struct arena *arena, struct fault *fault)
{
    const struct gru_model *gru = prediction->version->gru;
    for (size_t k = 0; k < prediction->n_sequences; k++) {
        struct sequence *sequence = &prediction->sequences[k];
        enum status status = outlook_run(worker, gru, lanes[k].state_out, &sequence->outlook, arena,
                                         &sequence->forecast, &sequence->n_forecast, fault);
        if (status != STATUS_OK) {
            char field[sizeof fault->param];
            snprintf(field, sizeof field, "%s", fault->param);
            if (field[0]) {
                name_place(prediction, k, field, NULL, fault->param, sizeof fault->param);
            }
            return status;
        }
    }
    return STATUS_OK;
}

static enum status make_lanes(struct prediction *prediction, struct gru_lane *lanes, struct arena *arena,
                              struct fault *fault)
{
    const struct gru_info *info = gru_model_info(prediction->version->gru);
    for (size_t k = 0; k < prediction->n_sequences; k++) {
        struct sequence *sequence = &prediction->sequences[k];
        size_t n_rows = prediction->last_only ? 1 : sequence->n_rows;
        float *state = arena_array(arena, info->state_floats, sizeof *state);
        sequence->y = arena_array(arena, n_rows * info->y_floats, sizeof *sequence->y);
        if (!state || !sequence->y) {
            return no_room(arena, fault);
        }
        lanes[k] = (struct gru_lane){ .state_out = state,
                                      .x = sequence->x,
                                      .n_rows = sequence->n_rows,
                                      .y = sequence->y,
                                      .last_only = prediction->last_only };
    }
    return STATUS_OK;
}

enum status service_predict(struct worker *worker, struct prediction *prediction, struct arena *arena,
                            struct fault *fault)
{
    size_t n = prediction->n_sequences;
    struct gru_lane *lanes = arena_array(arena, n, sizeof *lanes);
    if (!lanes) {
        return no_room(arena, fault);
    }
    enum status status = make_lanes(prediction, lanes, arena, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (gru_run(prediction->version->gru, worker->work, lanes, n) != GRU_OK) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to run the sequences");
    }
    uint64_t n_rows = 0;
    for (size_t k = 0; k < n; k++) {
        if (lanes[k].status != GRU_OK) {
            return lane_fault(prediction, k, &lanes[k], fault);
        }
        n_rows += lanes[k].n_rows;
    }
    atomic_fetch_add_explicit(&worker->service->counters.n_sequence_rows, n_rows, memory_order_relaxed);
    return forecast_all(worker, prediction, lanes, arena, fault);
}
