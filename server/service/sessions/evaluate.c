#include "service/sessions/evaluate.h"

#include "service/models/interval_classes.h"
#include "service/service_private.h"
#include "service/sessions/slice.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    ORIGINS_MAX = 128,       /* lanes of roll-outs that share the weights */
    SCORES_AT_ONCE = 1 << 16 /* values of their forecasts; some milliseconds of comparing */
};

static enum status no_room(const struct arena *arena, struct fault *fault)
{
    return fault_no_room(fault, arena->is_full, NULL,
                         "the evaluation would need more memory than a request may use");
}

/* ---- what is compared ---- */

/* A series may be too short for the model's season: that is no error of the request. */
static size_t season_of(const struct evaluation *evaluation)
{
    const size_t known = gru_model_info(evaluation->prediction.gru)->season;
    if (evaluation->season > 0) {
        return evaluation->season;
    }
    return known < evaluation->n_rows ? known : 0;
}

static enum status check_length(const struct evaluation *evaluation, struct fault *fault)
{
    size_t n_least = evaluation->horizon + (evaluation->y ? 0 : 1);
    if (evaluation->n_rows < n_least) {
        return fault_set(fault, STATUS_SERIES_TOO_SHORT, "x",
                         "x has %zu row%s, and a horizon of %zu needs at least %zu",
                         evaluation->n_rows, evaluation->n_rows == 1 ? "" : "s",
                         evaluation->horizon, n_least);
    }
    if (evaluation->season >= evaluation->n_rows) {
        return fault_set(fault, STATUS_SERIES_TOO_SHORT, "season",
                         "a season of %zu needs at least %zu rows, and x has %zu",
                         evaluation->season, evaluation->season + 1, evaluation->n_rows);
    }
    return STATUS_OK;
}

/* A bidirectional model's rows have seen what they would forecast. */
static enum status check_causal(const struct evaluation *evaluation, const struct arena *arena,
                                struct fault *fault)
{
    const struct gru_model *gru = evaluation->prediction.gru;
    const struct gru_info *info = gru_model_info(gru);
    if (!info->is_bidirectional) {
        return STATUS_OK;
    }
    if (info->n_feeds > 0) {
        return fault_set(
            fault, STATUS_NOT_CAUSAL, "x",
            "the model is bidirectional, and its outputs forecast its own inputs: each "
            "of its rows has seen what it would be compared with");
    }
    return gru_run_bytes(gru, evaluation->n_rows) > arena->cap ? no_room(arena, fault) : STATUS_OK;
}

/* Under the policy `error`; of others each reading may be missing. */
static enum status check_missing(const struct evaluation *evaluation, struct fault *fault)
{
    const struct gru_info *info = gru_model_info(evaluation->prediction.gru);
    const size_t n = evaluation->n_rows * info->n_inputs;
    for (size_t k = 0; info->missing == GRU_MISSING_ERROR && k < n; k++) {
        if (isnan(evaluation->x[k])) {
            char param[64];
            snprintf(param, sizeof param, "x[%zu][%zu]", k / info->n_inputs, k % info->n_inputs);
            return fault_set(fault, STATUS_MISSING_INPUT, param,
                             "input '%s' is missing, and the model's policy is to refuse that",
                             info->inputs[k % info->n_inputs].name);
        }
    }
    return STATUS_OK;
}

/* The value of the output that row `row` of the back-test has: what came with reading `row`, or
 * was to come with the one before. */
static enum status take_value(const struct evaluation *evaluation, size_t row, size_t o,
                              double *ret_value, struct fault *fault)
{
    const struct gru_info *info = gru_model_info(evaluation->prediction.gru);
    const struct gru_variable *output = &info->outputs[o];
    double seen = NAN, given = NAN;
    if (output->feeds >= 0 && row < evaluation->n_rows) {
        seen = evaluation->x[row * info->n_inputs + (size_t)output->feeds];
    }
    if (evaluation->y && row > 0) {
        given = evaluation->y[(row - 1) * info->n_outputs + o];
    }
    if (!isnan(seen) && !isnan(given) && seen != given) {
        char param[64];
        snprintf(param, sizeof param, "y[%zu][%zu]", row - 1, o);
        return fault_set(fault, STATUS_INVALID_VALUE, param,
                         "%s is %g, but output '%s' forecasts an input, whose next value in x is "
                         "%g; send null for it",
                         param, given, output->name, seen);
    }
    *ret_value = isnan(seen) ? given : seen;
    return STATUS_OK;
}

/* [n_rows][O]; *ret_has_any: there is one that a forecast can be compared with. */
static enum status fill_values(const struct evaluation *evaluation, size_t n_rows, double *values,
                               bool *ret_has_any, struct fault *fault)
{
    const size_t n_outputs = gru_model_info(evaluation->prediction.gru)->n_outputs;
    enum status status = STATUS_OK;
    *ret_has_any = false;
    for (size_t row = 0; row < n_rows; row++) {
        for (size_t o = 0; status == STATUS_OK && o < n_outputs; o++, values++) {
            status = take_value(evaluation, row, o, values, fault);
            *ret_has_any = *ret_has_any || (status == STATUS_OK && row > 0 && !isnan(*values));
        }
    }
    return status;
}

static enum status refuse_emptiness(const struct evaluation *evaluation, struct fault *fault)
{
    const char *field = evaluation->y ? "y" : "x";
    if (!evaluation->y && gru_model_info(evaluation->prediction.gru)->n_feeds == 0) {
        return fault_set(fault, STATUS_MISSING_FIELD, "y",
                         "y is missing: no output of this model forecasts an input, so x does not "
                         "say what the outputs should be");
    }
    return fault_set(fault, STATUS_SERIES_TOO_SHORT, field,
                     "%s holds no value that a forecast could be compared with", field);
}

static enum status take_values(struct evaluation *evaluation, struct arena *arena,
                               struct fault *fault)
{
    const struct gru_info *info = gru_model_info(evaluation->prediction.gru);
    const size_t n_rows = evaluation->n_rows + (evaluation->y ? 1 : 0);
    double *values = arena_array(arena, n_rows * info->n_outputs, sizeof *values);
    if (!values) {
        return no_room(arena, fault);
    }
    bool has_any;
    enum status status = fill_values(evaluation, n_rows, values, &has_any, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (!has_any) {
        return refuse_emptiness(evaluation, fault);
    }
    evaluation->back_test = (struct back_test){ .values = values,
                                                .n_values = n_rows,
                                                .n_outputs = info->n_outputs,
                                                .horizon = evaluation->horizon,
                                                .season = season_of(evaluation),
                                                .level = evaluation->level,
                                                .is_wide = info->is_wide };
    if (!evaluation->y) {
        evaluation->back_test.untracked = interval_untracked_of(info);
    }
    return back_test_begin(&evaluation->back_test, arena) ? STATUS_OK : no_room(arena, fault);
}

/* ---- it begins ---- */

static size_t rolled_rows(const struct gru_model *gru, size_t horizon)
{
    size_t steps = gru_model_info(gru)->steps;
    return horizon > steps ? (horizon - 1) / steps * steps : 0;
}

size_t evaluation_rows(const struct gru_model *gru, size_t n_rows, size_t horizon)
{
    size_t n, n_origins = n_rows >= horizon ? n_rows - horizon + 1 : 0;
    return __builtin_mul_overflow(n_origins, 1 + rolled_rows(gru, horizon), &n) ? SIZE_MAX : n;
}

/* What no output feeds is taken as known ahead: a column of x each. */
static bool take_future(struct evaluation *evaluation, struct arena *arena)
{
    const struct gru_info *info = gru_model_info(evaluation->prediction.gru);
    if (evaluation->roll_rows == 0 || info->n_future == 0) {
        return true;
    }
    double *future = arena_array(arena, evaluation->n_rows * info->n_future, sizeof *future);
    evaluation->future = future;
    for (size_t k = 0; future && k < evaluation->n_rows * info->n_inputs; k++) {
        if (info->inputs[k % info->n_inputs].feeds < 0) {
            *future++ = evaluation->x[k];
        }
    }
    return future != NULL;
}

static bool take_room(struct evaluation *evaluation, struct arena *arena)
{
    const struct gru_info *info = gru_model_info(evaluation->prediction.gru);
    size_t n_steps = evaluation->horizon > info->steps ? evaluation->horizon : info->steps;
    evaluation->forecast_values = n_steps * info->n_outputs;
    evaluation->most_origins = SCORES_AT_ONCE / evaluation->forecast_values;
    if (evaluation->most_origins > ORIGINS_MAX) {
        evaluation->most_origins = ORIGINS_MAX;
    } else if (evaluation->most_origins == 0) {
        evaluation->most_origins = 1;
    }
    if (info->is_bidirectional) { /* all rows are one pass */
        evaluation->most_origins = evaluation->n_rows;
    }
    const size_t n = evaluation->most_origins;
    evaluation->state = arena_array(arena, info->state_floats, sizeof *evaluation->state);
    evaluation->states = arena_array(arena, n * info->state_floats, sizeof *evaluation->states);
    evaluation->forecasts =
        arena_array(arena, n * evaluation->forecast_values, sizeof *evaluation->forecasts);
    evaluation->rolls = arena_array(arena, n, sizeof *evaluation->rolls);
    return evaluation->state && evaluation->states && evaluation->forecasts && evaluation->rolls;
}

static enum status run_rows(struct service_context *context, struct prediction *prediction,
                            size_t most_rows, struct fault *fault);

enum status evaluation_begin(struct evaluation *evaluation, struct arena *arena,
                             struct fault *fault)
{
    struct prediction *prediction = &evaluation->prediction;
    evaluation->roll_rows = rolled_rows(prediction->gru, evaluation->horizon);
    evaluation->n_begun = 0;
    evaluation->n_ready = 0;
    evaluation->future = NULL;
    enum status status = check_length(evaluation, fault);
    if (status == STATUS_OK) {
        status = check_causal(evaluation, arena, fault);
    }
    if (status == STATUS_OK) {
        status = check_missing(evaluation, fault);
    }
    if (status == STATUS_OK) {
        status = take_values(evaluation, arena, fault);
    }
    if (status == STATUS_OK && (!take_future(evaluation, arena) || !take_room(evaluation, arena))) {
        status = no_room(arena, fault);
    }
    if (status == STATUS_OK) {
        predict_begin_other(prediction,
                            evaluation->back_test.n_windows * (1 + evaluation->roll_rows), run_rows,
                            NULL);
    }
    return status;
}

/* ---- it goes on ---- */

static void note_rows(struct prediction *prediction, _Atomic uint64_t *counter, size_t n_rows)
{
    prediction->n_rows_left -= n_rows;
    atomic_fetch_add_explicit(counter, n_rows, memory_order_relaxed);
}

static enum status run_lane(struct service_context *context, struct evaluation *evaluation,
                            size_t n_rows, double *y, struct fault *fault)
{
    const struct gru_model *gru = evaluation->prediction.gru;
    const struct gru_info *info = gru_model_info(gru);
    struct gru_lane lane = { .state_in = evaluation->n_begun > 0 ? evaluation->state : NULL,
                             .state_out = evaluation->state,
                             .x = evaluation->x + evaluation->n_begun * info->n_inputs,
                             .n_rows = n_rows,
                             .y = y };
    if (gru_run(gru, context->work, &lane, 1) != GRU_OK) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to run the series");
    }
    if (lane.status != GRU_OK) {
        return fault_set(fault, status_of_gru(lane.status), "x",
                         "output '%s' at row %zu would not be a finite number",
                         info->outputs[lane.bad_column % info->n_outputs].name,
                         evaluation->n_begun + lane.bad_row);
    }
    evaluation->n_begun += n_rows;
    evaluation->n_ready += n_rows;
    note_rows(&evaluation->prediction, &context->service->counters.n_sequence_rows, n_rows);
    return STATUS_OK;
}

/* Each row's own outputs are its forecasts: as many rows as may be share a pass. */
static enum status run_together(struct service_context *context, struct evaluation *evaluation,
                                size_t n_rows, struct fault *fault)
{
    return run_lane(context, evaluation, n_rows,
                    evaluation->forecasts + evaluation->n_ready * evaluation->forecast_values,
                    fault);
}

/* The whole series, of which the last rows may have no forecast that can be scored. */
static enum status run_whole(struct service_context *context, struct evaluation *evaluation,
                             struct fault *fault)
{
    const size_t n_unscored = evaluation->n_rows - evaluation->back_test.n_windows;
    evaluation->prediction.n_rows_left += n_unscored; /* run_lane counts them down */
    enum status status =
        run_lane(context, evaluation, evaluation->n_rows, evaluation->forecasts, fault);
    evaluation->n_begun = evaluation->n_ready = evaluation->back_test.n_windows;
    return status;
}

/* Each row's state is kept, to roll out from. */
static enum status run_singly(struct service_context *context, struct evaluation *evaluation,
                              size_t n_rows, struct fault *fault)
{
    const struct gru_model *gru = evaluation->prediction.gru;
    const struct gru_info *info = gru_model_info(gru);
    enum status status = STATUS_OK;
    for (size_t k = 0; status == STATUS_OK && k < n_rows; k++) {
        const size_t which = evaluation->n_ready;
        float *state = evaluation->states + which * info->state_floats;
        double *forecast = evaluation->forecasts + which * evaluation->forecast_values;
        status = run_lane(context, evaluation, 1, forecast, fault);
        if (status != STATUS_OK) {
            break;
        }
        memcpy(state, evaluation->state, info->state_floats * sizeof *state);
        const double *future =
            evaluation->future ? evaluation->future + evaluation->n_begun * info->n_future : NULL;
        enum gru_status begun = gru_roll_begin(gru, state, evaluation->horizon, future,
                                               evaluation->n_rows - evaluation->n_begun, forecast,
                                               &evaluation->rolls[which]);
        if (begun != GRU_OK) {
            status =
                fault_set(fault, status_of_gru(begun), "horizon", "%s", gru_status_text(begun));
        }
    }
    return status;
}

/* Rows from here on until enough forecasts wait, or as many as may be. */
static enum status run_some(struct service_context *context, struct evaluation *evaluation,
                            size_t most_rows, struct fault *fault)
{
    size_t n = evaluation->most_origins - evaluation->n_ready,
           n_left = evaluation->back_test.n_windows - evaluation->n_begun;
    n = n < n_left ? n : n_left;
    if (gru_model_info(evaluation->prediction.gru)->is_bidirectional) {
        return run_whole(context, evaluation, fault);
    }
    n = n < most_rows ? n : most_rows;
    return evaluation->roll_rows > 0 ? run_singly(context, evaluation, n, fault)
                                     : run_together(context, evaluation, n, fault);
}

/* All roll-outs began together, so all have as many rows left. */
static size_t rows_to_roll(const struct evaluation *evaluation)
{
    return evaluation->roll_rows > 0 ? evaluation->rolls[0].n_rows_left : 0;
}

static enum status roll_some(struct service_context *context, struct evaluation *evaluation,
                             size_t most_rows, struct fault *fault)
{
    const size_t n = evaluation->n_ready, steps = gru_model_info(evaluation->prediction.gru)->steps;
    size_t n_blocks = (rows_to_roll(evaluation) + steps - 1) / steps, failed;
    enum gru_status status =
        gru_rolls_part(evaluation->rolls, n, context->work, most_rows, &failed);
    if (status == GRU_NO_MEMORY) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to forecast");
    }
    if (status != GRU_OK) {
        return fault_set(fault, status_of_gru(status), "horizon",
                         "the forecast from row %zu leaves the range of finite numbers",
                         evaluation->n_begun - n + failed);
    }
    n_blocks -= (rows_to_roll(evaluation) + steps - 1) / steps;
    note_rows(&evaluation->prediction, &context->service->counters.n_forecast_rows,
              n * n_blocks * steps);
    return STATUS_OK;
}

static void score(struct evaluation *evaluation)
{
    for (size_t k = 0; k < evaluation->n_ready; k++) {
        back_test_take(&evaluation->back_test,
                       evaluation->forecasts + k * evaluation->forecast_values);
    }
    evaluation->n_ready = 0;
}

/* Whether no further row is run before those that wait were scored. */
static bool is_full(const struct evaluation *evaluation)
{
    return evaluation->n_ready == evaluation->most_origins ||
           evaluation->n_begun == evaluation->back_test.n_windows;
}

static enum status run_rows(struct service_context *context, struct prediction *prediction,
                            size_t most_rows, struct fault *fault)
{
    struct evaluation *evaluation =
        (struct evaluation *)((char *)prediction - offsetof(struct evaluation, prediction));
    enum status status = is_full(evaluation) ? roll_some(context, evaluation, most_rows, fault)
                                             : run_some(context, evaluation, most_rows, fault);
    if (status == STATUS_OK && is_full(evaluation) && rows_to_roll(evaluation) == 0) {
        score(evaluation);
    }
    return status;
}
