#include "service/sessions/predict.h"

#include "service/models/models.h"
#include "service/service_private.h"
#include "service/sessions/sequence_blend.h"

#include <stdio.h>
#include <string.h>

static enum status no_room(const struct arena *arena, struct fault *fault)
{
    return fault_no_room(fault, arena->is_full, NULL,
                         "the reply would need more memory than a request may use");
}

/* "x[3][1]" or "instances[2].x[3][1]" */
static void name_field(const struct prediction *prediction, size_t sequence, const char *field,
                       const struct gru_lane *lane, char *param, size_t size)
{
    int n = prediction->has_instances ? snprintf(param, size, "instances[%zu].", sequence) : 0;
    if (lane) {
        snprintf(param + n, size - (size_t)n, "%s[%zu][%zu]", field, lane->bad_row,
                 lane->bad_column);
    } else {
        snprintf(param + n, size - (size_t)n, "%s", field);
    }
}

static enum status lane_fault(const struct prediction *prediction, size_t sequence,
                              const struct gru_lane *lane, struct fault *fault)
{
    char param[96];
    const char *field = prediction->rows_field ? prediction->rows_field : "x";
    const struct gru_info *info = gru_model_info(prediction->gru);
    if (lane->status == GRU_MISSING_INPUT) {
        name_field(prediction, sequence, field, lane, param, sizeof param);
        return fault_set(fault, STATUS_MISSING_INPUT, param,
                         "input '%s' is missing, and the model's policy is to refuse that",
                         info->inputs[lane->bad_column].name);
    }
    name_field(prediction, sequence, field, NULL, param, sizeof param);
    return fault_set(fault, status_of_gru(lane->status), param,
                     "output '%s' at row %zu would not be a finite number",
                     info->outputs[lane->bad_column % info->n_outputs].name, lane->bad_row);
}

static enum status check_lanes(const struct prediction *prediction, struct fault *fault)
{
    for (size_t k = 0; k < prediction->n_sequences; k++) {
        if (prediction->lanes[k].status != GRU_OK) {
            return lane_fault(prediction, k, &prediction->lanes[k], fault);
        }
    }
    return STATUS_OK;
}

/* ---- it begins ---- */

/* A bidirectional model holds all rows of a sequence at once, and its rows are not forecast one by
 * one. */
static enum status check_sequence(const struct prediction *prediction,
                                  const struct sequence *sequence, const struct arena *arena,
                                  struct fault *fault)
{
    if (!gru_model_info(prediction->gru)->is_bidirectional) {
        return STATUS_OK;
    }
    if (sequence->forecast_options.levels) {
        return fault_set(fault, STATUS_NOT_CAUSAL, "level",
                         "intervals are measured by forecasts row by row, and the model is "
                         "bidirectional: each of its rows has seen those after it");
    }
    return gru_run_bytes(prediction->gru, sequence->n_rows) > arena->cap
               ? fault_no_room(fault, true, NULL,
                               "the sequence would need more memory than a request may use")
               : STATUS_OK;
}

static enum status make_lane(const struct prediction *prediction, struct sequence *sequence,
                             struct gru_lane *ret_lane, struct arena *arena, struct fault *fault)
{
    const struct gru_info *info = gru_model_info(prediction->gru);
    size_t n_rows = prediction->last_only ? 1 : sequence->n_rows;
    float *state = arena_array(arena, info->state_floats, sizeof *state);
    sequence->y = arena_array(arena, n_rows * info->y_floats, sizeof *sequence->y);
    if (!state || !sequence->y) {
        return no_room(arena, fault);
    }
    const bool has_intervals = sequence->forecast_options.levels != NULL;
    *ret_lane =
        (struct gru_lane){ .state_out = state,
                           .x = sequence->x,
                           .n_rows = has_intervals ? sequence_intervals_first(sequence->n_rows)
                                                   : sequence->n_rows,
                           .y = sequence->y,
                           .last_only = prediction->last_only };
    return STATUS_OK;
}

/* Of the forecast, or of y. */
static enum status make_calibration(const struct prediction *prediction, struct sequence *sequence,
                                    struct arena *arena, struct fault *fault)
{
    const struct interval_levels *levels = sequence->forecast_options.levels;
    if (!levels) {
        return STATUS_OK;
    }
    const size_t n_ahead = sequence->n_forecast > 0 ? sequence->n_forecast : 1;
    sequence->calibration =
        sequence_intervals_create(prediction->gru, levels, n_ahead, sequence->n_rows, arena);
    return sequence->calibration ? STATUS_OK : no_room(arena, fault);
}

static enum status make_lanes(struct prediction *prediction, struct arena *arena,
                              struct fault *fault)
{
    const struct gru_info *info = gru_model_info(prediction->gru);
    enum status status = STATUS_OK;
    for (size_t k = 0; k < prediction->n_sequences && status == STATUS_OK; k++) {
        struct sequence *sequence = &prediction->sequences[k];
        status = check_sequence(prediction, sequence, arena, fault);
        if (status == STATUS_OK) {
            status = make_lane(prediction, sequence, &prediction->lanes[k], arena, fault);
        }
        if (status == STATUS_OK) {
            status = forecast_options_room(info, &sequence->forecast_options, arena,
                                           &sequence->forecast, &sequence->n_forecast, fault);
        }
        if (status == STATUS_OK) {
            status = make_calibration(prediction, sequence, arena, fault);
        }
        if (status == STATUS_OK) {
            prediction->n_rows_left += prediction->lanes[k].n_rows + sequence->n_forecast;
            prediction->n_rows_left +=
                sequence->calibration ? sequence->calibration->n_rows_left : 0;
        }
    }
    return status;
}

/* How long its slices are; nothing of it is done. */
static void measure(struct prediction *prediction)
{
    prediction->row_work = slice_row_work(prediction->gru);
    prediction->slice_rows = slice_rows(prediction->gru);
    prediction->n_rows_left = 0;
    prediction->end = NULL;
    prediction->n_calibrated = 0;
    prediction->n_forecast = 0;
    prediction->is_rolling = false;
}

void predict_add_rows(struct prediction *prediction, size_t n_rows,
                      enum status (*run_rows)(struct service_context *context,
                                              struct prediction *prediction, size_t most_rows,
                                              struct fault *fault),
                      void (*end)(struct prediction *prediction))
{
    prediction->n_rows_left += n_rows;
    prediction->run_rows = run_rows;
    prediction->end = end;
}

void predict_begin_other(struct prediction *prediction, size_t n_rows,
                         enum status (*run_rows)(struct service_context *context,
                                                 struct prediction *prediction, size_t most_rows,
                                                 struct fault *fault),
                         void (*end)(struct prediction *prediction))
{
    measure(prediction);
    predict_add_rows(prediction, n_rows, run_rows, end);
    gru_model_ref(prediction->gru);
}

enum status predict_begin(struct prediction *prediction, struct arena *arena, struct fault *fault)
{
    size_t n = prediction->n_sequences;
    struct gru_lane **order = arena_array(arena, n, sizeof(struct gru_lane *));
    prediction->lanes = arena_array(arena, n, sizeof *prediction->lanes);
    if (!order || !prediction->lanes) {
        return no_room(arena, fault);
    }
    measure(prediction);
    enum status status = make_lanes(prediction, arena, fault);
    if (status == STATUS_OK) {
        gru_run_begin(prediction->gru, prediction->lanes, n, order, &prediction->run);
        status = check_lanes(prediction, fault);
    }
    if (status == STATUS_OK) {
        gru_model_ref(prediction->gru);
    }
    return status;
}

enum status predict_begin_forecast(struct prediction *prediction, struct sequence *sequence,
                                   struct gru_model *gru, unsigned version, float *state,
                                   const struct forecast_options *forecast_options,
                                   struct arena *arena, struct fault *fault)
{
    struct gru_lane *lane = arena_alloc(arena, sizeof *lane);
    if (!lane) {
        return no_room(arena, fault);
    }
    *lane = (struct gru_lane){ .state_out = state };
    *sequence = (struct sequence){ .forecast_options = *forecast_options };
    *prediction = (struct prediction){
        .gru = gru, .version = version, .n_sequences = 1, .sequences = sequence, .lanes = lane
    };
    measure(prediction);
    enum status status = forecast_options_room(gru_model_info(gru), forecast_options, arena,
                                               &sequence->forecast, &sequence->n_forecast, fault);
    if (status == STATUS_OK) {
        prediction->n_rows_left = sequence->n_forecast;
        gru_model_ref(prediction->gru);
    }
    return status;
}

void predict_end(struct prediction *prediction)
{
    if (prediction->end) {
        prediction->end(prediction);
    }
    gru_model_unref(prediction->gru);
}

bool predict_is_long(const struct prediction *prediction)
{
    return prediction->n_rows_left > prediction->slice_rows;
}

/* ---- it goes on ---- */

static enum status run_some(struct service_context *context, struct prediction *prediction,
                            size_t most_rows, struct fault *fault)
{
    size_t n_rows = prediction->run.n_rows_left;
    if (gru_run_part(&prediction->run, context->work, most_rows) != GRU_OK) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to run the sequences");
    }
    n_rows -= prediction->run.n_rows_left;
    prediction->n_rows_left -= n_rows;
    atomic_fetch_add_explicit(&context->service->counters.n_sequence_rows, n_rows,
                              memory_order_relaxed);
    return prediction->run.n_rows_left == 0 ? check_lanes(prediction, fault) : STATUS_OK;
}

/* The next of the last rows of a sequence whose forecast has intervals, or past a sequence whose
 * forecast has none. */
static enum status calibrate_some(struct service_context *context, struct prediction *prediction,
                                  struct fault *fault)
{
    const size_t k = prediction->n_calibrated;
    struct sequence *sequence = &prediction->sequences[k];
    struct sequence_intervals *calibration = sequence->calibration;
    if (!calibration || calibration->n_rows_left == 0) {
        prediction->n_calibrated++;
        return STATUS_OK;
    }
    struct gru_lane *lane = &prediction->lanes[k];
    const size_t n_rows = calibration->n_rows_left;
    const size_t y_floats = gru_model_info(prediction->gru)->y_floats;
    lane->y = sequence->y + (prediction->last_only ? 0 : calibration->row * y_floats);
    enum gru_status status =
        sequence_intervals_go_on(calibration, context->work, sequence->x, lane);
    if (status == GRU_NO_MEMORY) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to run the sequences");
    }
    if (status != GRU_OK) {
        return lane_fault(prediction, k, lane, fault);
    }
    prediction->n_rows_left -= n_rows - calibration->n_rows_left;
    atomic_fetch_add_explicit(&context->service->counters.n_sequence_rows, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&context->service->counters.n_forecast_rows,
                              n_rows - calibration->n_rows_left - 1, memory_order_relaxed);
    return STATUS_OK;
}

static enum status forecast_fault(const struct prediction *prediction, enum gru_status failure,
                                  struct fault *fault)
{
    char field[sizeof fault->param];
    size_t k = prediction->n_forecast;
    enum status status = forecast_options_fault(prediction->gru, failure,
                                                &prediction->sequences[k].forecast_options, fault);
    snprintf(field, sizeof field, "%s", fault->param);
    if (field[0]) {
        name_field(prediction, k, field, NULL, fault->param, sizeof fault->param);
    }
    return status;
}

/* Whether one is left to be made; the next one is. */
static bool find_forecast(struct prediction *prediction)
{
    while (prediction->n_forecast < prediction->n_sequences &&
           prediction->sequences[prediction->n_forecast].n_forecast == 0) {
        prediction->n_forecast++;
    }
    return prediction->n_forecast < prediction->n_sequences;
}

/* The forecast behind one sequence, or a part of it. */
static enum status forecast_some(struct service_context *context, struct prediction *prediction,
                                 size_t most_rows, struct fault *fault)
{
    const struct sequence *sequence = &prediction->sequences[prediction->n_forecast];
    struct gru_roll *roll = &prediction->roll;
    size_t n_rows = prediction->is_rolling ? roll->n_rows_left : sequence->n_forecast;
    enum gru_status status =
        prediction->is_rolling
            ? gru_roll_part(roll, context->work, most_rows)
            : gru_roll_begin(prediction->gru, prediction->lanes[prediction->n_forecast].state_out,
                             n_rows, sequence->forecast_options.future,
                             sequence->forecast_options.n_future_rows, sequence->forecast, roll);
    if (status != GRU_OK) {
        return forecast_fault(prediction, status, fault);
    }
    n_rows -= roll->n_rows_left;
    prediction->n_rows_left -= n_rows;
    prediction->is_rolling = roll->n_rows_left > 0;
    prediction->n_forecast += !prediction->is_rolling;
    atomic_fetch_add_explicit(&context->service->counters.n_forecast_rows, n_rows,
                              memory_order_relaxed);
    return STATUS_OK;
}

/* What the intervals are of: the forecast, or the last y. */
static const double *looked_ahead(const struct prediction *prediction,
                                  const struct sequence *sequence)
{
    const size_t y_floats = gru_model_info(prediction->gru)->y_floats;
    const size_t last = prediction->last_only ? 0 : sequence->n_rows - 1;
    return sequence->forecast ? sequence->forecast : sequence->y + last * y_floats;
}

/* Mixes what is to be mixed, and tells the intervals. */
static enum status tell(const struct prediction *prediction, struct fault *fault)
{
    for (size_t k = 0; k < prediction->n_sequences; k++) {
        struct sequence *sequence = &prediction->sequences[k];
        const struct sequence_intervals *calibration = sequence->calibration;
        if (sequence->mixing) {
            sequence_blend_tell(sequence);
        }
        if (!calibration) {
            continue;
        }
        const double *forecast = looked_ahead(prediction, sequence);
        if (calibration->asked &&
            !sequence_intervals_tell(calibration, forecast, &sequence->intervals)) {
            return no_room(calibration->arena, fault);
        }
        if (sequence->crossing.by_horizon) {
            crossing_reply_fill(sequence->forecast_options.crossing, &calibration->tracker,
                                forecast, gru_model_info(prediction->gru)->n_outputs,
                                &sequence->crossing);
        }
    }
    return STATUS_OK;
}

static enum status go_on(struct service_context *context, struct prediction *prediction,
                         size_t most_rows, struct fault *fault)
{
    if (prediction->run.n_rows_left > 0) {
        return run_some(context, prediction, most_rows, fault);
    }
    if (prediction->n_calibrated < prediction->n_sequences) {
        return calibrate_some(context, prediction, fault);
    }
    return find_forecast(prediction) ? forecast_some(context, prediction, most_rows, fault)
                                     : prediction->run_rows(context, prediction, most_rows, fault);
}

enum status predict_go_on(struct service_context *context, struct prediction *prediction,
                          struct fault *fault)
{
    enum status status = STATUS_OK;
    prediction->n_rows_run = 0;
    while (status == STATUS_OK && prediction->n_rows_left > 0 &&
           prediction->n_rows_run < prediction->slice_rows) {
        const size_t n_rows = prediction->n_rows_left,
                     n_of_slice = prediction->slice_rows - prediction->n_rows_run;
        prediction->n_rows_added = 0;
        status = go_on(context, prediction, n_rows < n_of_slice ? n_rows : n_of_slice, fault);
        prediction->n_rows_run += n_rows + prediction->n_rows_added - prediction->n_rows_left;
    }
    return status == STATUS_OK && prediction->n_rows_left == 0 ? tell(prediction, fault) : status;
}
