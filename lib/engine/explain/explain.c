/* explain.c - an explanation's life, and the order of what is done for it; see explain.h. */
#include "engine/explain/explain.h"
#include "kernels/flush.h"

#include <stdlib.h>
#include <string.h>

/* ---- sizes ---- */

enum {
    PIECE_WORK = 32 << 20,  /* rows times parameters: a millisecond or two */
    PIECE_ROWS = 128,       /* as a chunk of backprop.h has */
    WINDOW_BYTES = 16 << 20 /* of a window of several lanes; of one lane it is what it is */
};

static struct backprop_options options_of(const struct explain_sizes *sizes)
{
    return (struct backprop_options){ .rows_max = sizes->n_steps * sizes->n_lanes,
                                      .lanes_max = sizes->n_lanes,
                                      .passes_to_input = true,
                                      .input_only = true };
}

/* Where there are no readings the path has one of which nothing is known. */
static size_t rows_of_window(size_t n_rows)
{
    return n_rows > 0 ? n_rows : 1;
}

/* False: more than fits a size_t. */
static bool find_sizes(const struct gru_model *model, size_t n_rows, size_t ahead,
                       struct explain_sizes *ret_sizes)
{
    const size_t steps = model->info.steps;
    struct explain_sizes sizes = { .n_kept = rows_of_window(n_rows),
                                   .n_blocks = (ahead - 1) / steps,
                                   .n_lanes = 2 * (EXPLAIN_POINTS + 2) };
    size_t n_bytes = SIZE_MAX, n_rows_most;
    if (__builtin_mul_overflow(sizes.n_blocks, steps, &sizes.n_steps) ||
        __builtin_add_overflow(sizes.n_steps, steps, &sizes.n_ahead) ||
        __builtin_add_overflow(sizes.n_steps, sizes.n_kept, &sizes.n_steps) ||
        __builtin_mul_overflow(sizes.n_steps, sizes.n_lanes, &n_rows_most)) {
        return false;
    }
    while (n_bytes > WINDOW_BYTES && sizes.n_lanes > 1) {
        sizes.n_lanes /= 2;
        const struct backprop_options options = options_of(&sizes);
        if (!gru_backprop_bytes(model, &options, &n_bytes)) {
            n_bytes = SIZE_MAX;
        }
    }
    const size_t n_fitting = PIECE_WORK / (model->info.n_parameters + 1) / sizes.n_lanes;
    const size_t n_most = PIECE_ROWS / sizes.n_lanes;
    sizes.n_piece = n_fitting == 0 ? 1 : n_fitting < n_most ? n_fitting : n_most;
    *ret_sizes = sizes;
    return true;
}

/* ---- where it lies ---- */

static void cut_lanes(struct gru_explain *explain, struct block_cutter *cutter)
{
    const struct gru_model *model = explain->model;
    const size_t n = explain->sizes.n_ahead, n_outputs = model->info.n_outputs;
    explain->of = block_take(cutter, explain->sizes.n_lanes, sizeof *explain->of);
    for (size_t p = 0; p < explain->sizes.n_lanes; p++) {
        struct turn_lane lane = { .u = block_take_doubles(cutter, n, n_outputs),
                                  .raw = block_take_doubles(cutter, n, n_outputs),
                                  .unit = block_take_doubles(cutter, n, n_outputs),
                                  .slopes = block_take_doubles(cutter, n, n_outputs),
                                  .walks = block_take(cutter, model->n_transformed,
                                                      sizeof *lane.walks) };
        if (explain->of) {
            explain->of[p] = lane;
        }
    }
}

static void cut_window(struct gru_explain *explain, struct block_cutter *cutter)
{
    const struct gru_info *info = &explain->model->info;
    const struct explain_sizes *sizes = &explain->sizes;
    const size_t n_lanes = sizes->n_lanes, n_outputs = (sizes->n_blocks + 1) * n_lanes;
    const size_t n_piece = (info->steps > sizes->n_piece ? info->steps : sizes->n_piece) * n_lanes;
    explain->lanes = block_take(cutter, sizes->n_steps, sizeof *explain->lanes);
    explain->states = block_take_floats(cutter, n_lanes, info->state_floats);
    explain->seen = block_take_floats(cutter, sizes->n_steps, info->n_inputs);
    explain->in = block_take_floats(cutter, sizes->n_steps * n_lanes, info->n_inputs);
    explain->out = block_take_floats(cutter, n_piece, info->y_floats);
    explain->d_out = block_take_floats(cutter, n_piece, info->y_floats);
    explain->d_in = block_take_floats(cutter, n_piece, info->n_inputs);
    explain->z = block_take_floats(cutter, n_outputs, info->y_floats);
    explain->a = block_take_floats(cutter, n_outputs, info->y_floats);
    explain->d_seen = block_take_doubles(cutter, n_lanes, info->n_inputs);
    cut_lanes(explain, cutter);
}

static void cut(struct gru_explain *explain, size_t ahead, struct block_cutter *cutter)
{
    const struct gru_info *info = &explain->model->info;
    explain->replayed = block_take_floats(cutter, 1, info->state_floats);
    explain->rolled = block_take_floats(cutter, 1, info->state_floats);
    explain->y = block_take_doubles(cutter, explain->sizes.n_kept, info->y_floats);
    explain->forecast = block_take_doubles(cutter, ahead, info->n_outputs);
    explain->inputs = block_take_doubles(cutter, 1, info->n_inputs);
    for (size_t k = 0; k < GRU_EXPLAIN_PARTS_MAX; k++) {
        explain->parts[k].inputs = block_take_doubles(cutter, 1, info->n_inputs);
    }
    cut_window(explain, cutter);
}

size_t gru_explain_bytes(const struct gru_model *model, size_t n_rows, size_t ahead)
{
    struct gru_explain explain = { .model = model };
    struct block_cutter count = { 0 };
    size_t n_backprop, n_bytes;
    if (ahead == 0 || !find_sizes(model, n_rows, ahead, &explain.sizes)) {
        return SIZE_MAX;
    }
    const struct backprop_options options = options_of(&explain.sizes);
    cut(&explain, ahead, &count);
    return count.is_too_large || !gru_backprop_bytes(model, &options, &n_backprop) ||
                   __builtin_add_overflow(count.n_bytes, n_backprop, &n_bytes) ||
                   __builtin_add_overflow(n_bytes, sizeof explain, &n_bytes)
               ? SIZE_MAX
               : n_bytes;
}

/* ---- its life ---- */

static enum gru_status make(struct gru_explain *explain)
{
    struct block_cutter count = { 0 };
    if (!find_sizes(explain->model, explain->question.n_rows, explain->question.ahead,
                    &explain->sizes)) {
        return GRU_NO_MEMORY;
    }
    cut(explain, explain->question.ahead, &count);
    explain->block = block_alloc(&count);
    if (!explain->block) {
        return GRU_NO_MEMORY;
    }
    struct block_cutter cutter = { .block = explain->block };
    const struct backprop_options options = options_of(&explain->sizes);
    cut(explain, explain->question.ahead, &cutter);
    return gru_backprop_create(explain->model, &options, &explain->backprop);
}

/* From the beginning, through the rows that are left. */
static void begin_replay(struct gru_explain *explain, const double *x, size_t n_rows)
{
    explain->lane = (struct gru_lane){
        .state_out = explain->replayed, .x = x, .n_rows = n_rows, .y = explain->y
    };
    explain->sizes.n_kept = rows_of_window(n_rows);
    explain->sizes.n_steps =
        explain->sizes.n_kept + explain->sizes.n_blocks * explain->model->info.steps;
    gru_run_begin(explain->model, &explain->lane, 1, explain->order, &explain->run);
}

static enum gru_status begin(struct gru_explain *explain)
{
    const struct gru_question *question = &explain->question;
    const struct gru_info *info = &explain->model->info;
    memcpy(explain->rolled, question->state, info->state_floats * sizeof *explain->rolled);
    begin_replay(explain, question->x, question->n_rows);
    return gru_roll_begin(explain->model, explain->rolled, question->ahead, question->future,
                          question->n_future_rows, explain->forecast, &explain->roll);
}

enum gru_status gru_explain_create(const struct gru_model *model,
                                   const struct gru_question *question,
                                   struct gru_explain **ret_explain)
{
    if (question->ahead == 0 || question->output >= model->info.n_outputs) {
        return GRU_BAD_ARGUMENT;
    }
    if (model->info.is_bidirectional) {
        return GRU_NOT_CAUSAL;
    }
    struct gru_explain *explain = calloc(1, sizeof *explain);
    if (!explain) {
        return GRU_NO_MEMORY;
    }
    explain->model = model;
    explain->question = *question;
    explain->n_points = EXPLAIN_POINTS + 2;
    const uint64_t before = k_flush_begin();
    enum gru_status status = make(explain);
    k_flush_end(before);
    status = status == GRU_OK ? begin(explain) : status;
    if (status != GRU_OK) {
        gru_explain_free(explain);
        return status;
    }
    *ret_explain = explain;
    return GRU_OK;
}

void gru_explain_free(struct gru_explain *explain)
{
    if (explain) {
        gru_backprop_free(explain->backprop);
        free(explain->block);
        free(explain);
    }
}

/* ---- its phases: each goes on, and says how many rows it has run ---- */

/* A row that does not run from the beginning, or no more, is left out with those before it: as
 * where a session is re-warmed. */
static enum gru_status replay(struct gru_explain *explain, struct gru_work *work, size_t most_rows,
                              size_t *ret_n)
{
    const struct gru_lane *lane = &explain->lane;
    const size_t n_rows = explain->run.n_rows_left;
    const enum gru_status status =
        n_rows > 0 ? gru_run_part(&explain->run, work, most_rows) : GRU_OK;
    *ret_n = n_rows - explain->run.n_rows_left;
    if (status != GRU_OK || explain->run.n_rows_left > 0) {
        return status;
    }
    if (lane->n_rows > 0 && lane->status != GRU_OK) {
        const size_t n_bad = lane->bad_row + 1;
        begin_replay(explain, lane->x + n_bad * explain->model->info.n_inputs,
                     lane->n_rows - n_bad);
        return GRU_OK;
    }
    explain->is_whole =
        lane->n_rows > 0 && memcmp(explain->replayed, explain->question.state,
                                   explain->model->info.state_floats * sizeof(float)) == 0;
    explain->phase = EXPLAIN_FORECAST;
    return gru_explain_see(explain);
}

static enum gru_status forecast(struct gru_explain *explain, struct gru_work *work,
                                size_t most_rows, size_t *ret_n)
{
    const size_t n_rows = explain->roll.n_rows_left;
    const enum gru_status status =
        n_rows > 0 ? gru_roll_part(&explain->roll, work, most_rows) : GRU_OK;
    *ret_n = n_rows - explain->roll.n_rows_left;
    if (status == GRU_OK && explain->roll.n_rows_left == 0) {
        explain->phase = EXPLAIN_PATH;
        explain->least = 1e-5 * explain->model->info.outputs[explain->question.output].std;
        gru_explain_begin_path(explain);
    }
    return status;
}

/* *ret_is_over: all points of the count are. */
static enum gru_status go_along(struct gru_explain *explain, size_t *ret_n, bool *ret_is_over)
{
    const uint64_t before = k_flush_begin();
    *ret_n = gru_explain_piece(explain);
    k_flush_end(before);
    if (!explain->is_back || explain->step > 0) {
        return GRU_OK;
    }
    explain->first += explain->n_lanes;
    *ret_is_over = !gru_explain_begin_window(explain);
    return *ret_is_over ? gru_explain_judge(explain) : GRU_OK;
}

/* ---- all of it ---- */

/* Of the points that are counted. */
static size_t rows_of_path(const struct gru_explain *explain)
{
    const size_t n_steps = explain->sizes.n_steps;
    const size_t n_lanes = explain->n_points - explain->first;
    const size_t n_done = explain->is_back ? 2 * n_steps - explain->step : explain->step;
    return 2 * n_lanes * n_steps - n_done * explain->n_lanes;
}

size_t gru_explain_rows_left(const struct gru_explain *explain)
{
    switch (explain->phase) {
    case EXPLAIN_REPLAY:
        return explain->run.n_rows_left + explain->roll.n_rows_left + rows_of_path(explain);
    case EXPLAIN_FORECAST:
        return explain->roll.n_rows_left + rows_of_path(explain);
    case EXPLAIN_PATH:
        return rows_of_path(explain);
    default:
        return 0;
    }
}

enum gru_status gru_explain_part(struct gru_explain *explain, struct gru_work *work,
                                 size_t most_rows)
{
    enum gru_status status = GRU_OK;
    size_t n_rows = 0;
    bool is_over = false;
    while (status == GRU_OK && n_rows < most_rows && !is_over && explain->phase != EXPLAIN_DONE) {
        size_t n = 0;
        switch (explain->phase) {
        case EXPLAIN_REPLAY:
            status = replay(explain, work, most_rows - n_rows, &n);
            break;
        case EXPLAIN_FORECAST:
            status = forecast(explain, work, most_rows - n_rows, &n);
            break;
        default:
            status = go_along(explain, &n, &is_over);
        }
        n_rows += n;
    }
    return status;
}

void gru_explain_result(const struct gru_explain *explain, struct gru_explanation *ret_explanation)
{
    const struct gru_question *question = &explain->question;
    const double value =
        explain
            ->forecast[(question->ahead - 1) * explain->model->info.n_outputs + question->output];
    const double baseline = gru_explain_value(explain, 0);
    const double state = explain->is_whole ? 0 : value - gru_explain_value(explain, 1);
    *ret_explanation = (struct gru_explanation){
        .value = value,
        .baseline = baseline,
        .state = state,
        .residual = value - baseline - state - gru_explain_sum(explain, explain->inputs),
        .inputs = explain->inputs,
        .n_points = EXPLAIN_POINTS * explain->n_parts,
    };
}
