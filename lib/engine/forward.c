/*
 * forward.c - gru_run: lanes through the network.
 *
 * Lanes are sorted, longest first, and run in groups of at most GRID_LANES. A group advances in
 * chunks of time steps within which the set of its running lanes does not change, so every array of
 * a chunk is a dense [steps][lanes] grid of rows. In a chunk each layer projects all its rows in
 * one product, then walks through time; the kernels' laws (kernels.h) make the cut into groups and
 * chunks invisible in the result. So a run may also stop behind any chunk, leave its states with
 * the lanes, and go on from there (gru_run_part).
 */
#include "engine/activation.h"
#include "engine/forward_grid.h"
#include "engine/readings.h"
#include "engine/transform.h"
#include "engine/work.h"
#include "kernels/flush.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The first place counts. */
static void note_non_finite(struct gru_lane *lane, size_t row, size_t column)
{
    if (lane->status == GRU_OK) {
        lane->status = GRU_NON_FINITE;
        lane->bad_row = row;
        lane->bad_column = column;
    }
}

/* ---- states ---- */

/* Each layer's [h] or [h, c], from a lane's state into the grid's padded arrays. */
static void load_hidden(const struct grid *g, size_t lane, const float *state)
{
    float *states = g->states;
    for (size_t l = 0; l < g->model->n_stepwise; l++) {
        const struct layer_shape *shape = &g->model->layers[l].shape;
        const size_t h = shape->n_units, hp = k_padded(h);
        for (size_t part = 0; part < shape->kind->n_states; part++) {
            float *padded = states + lane * hp;
            memcpy(padded, state, h * sizeof *padded);
            memset(padded + h, 0, (hp - h) * sizeof *padded);
            state += h;
            states += g->model->run.n_lanes * hp;
        }
    }
}

/* And back. */
static void store_hidden(const struct grid *g, size_t lane, float *state)
{
    const float *states = g->states;
    for (size_t l = 0; l < g->model->n_stepwise; l++) {
        const struct layer_shape *shape = &g->model->layers[l].shape;
        const size_t h = shape->n_units, hp = k_padded(h);
        for (size_t part = 0; part < shape->kind->n_states; part++) {
            memcpy(state, states + lane * hp, h * sizeof *state);
            state += h;
            states += g->model->run.n_lanes * hp;
        }
    }
}

static void gather_transforms(const struct grid *g, size_t b, const float *state)
{
    const size_t n = g->model->transform_floats;
    memcpy(g->seen + b * n, state, n * sizeof *state);
    memcpy(g->written + b * n, state, n * sizeof *state);
}

static void gather_lane(struct grid *g, size_t b)
{
    const struct gru_info *info = &g->model->info;
    const float *state = g->t == 0 ? g->lanes[b]->state_in : g->lanes[b]->state_out;
    state = state ? state : g->model->initial_state;
    load_hidden(g, b, state);
    gru_readings_unpack(info, state + gru_state_last_offset(g->model), info->n_inputs,
                        g->last + b * info->n_inputs);
    gru_readings_unpack(info, state + gru_state_y_offset(g->model), info->y_floats,
                        g->y + b * info->y_floats);
    gather_transforms(g, b, state + gru_state_transforms_offset(g->model));
}

static bool hidden_is_finite(const struct grid *g, size_t b)
{
    const float *states = g->states;
    for (size_t l = 0; l < g->model->n_stepwise; l++) {
        const struct layer_shape *shape = &g->model->layers[l].shape;
        const size_t hp = k_padded(shape->n_units);
        for (size_t part = 0; part < shape->kind->n_states; part++) {
            float zero =
                0.0F; /* stays zero unless a value is not finite: one pass without branches */
            for (size_t k = 0; k < hp; k++) {
                zero += states[b * hp + k] * 0.0F;
            }
            if (zero != 0.0F) {
                return false;
            }
            states += g->model->run.n_lanes * hp;
        }
    }
    return true;
}

static void scatter_lane(const struct grid *g, size_t b)
{
    const struct gru_info *info = &g->model->info;
    float *state = g->lanes[b]->state_out;
    store_hidden(g, b, state);
    gru_readings_pack(info, g->last + b * info->n_inputs, info->n_inputs,
                      state + gru_state_last_offset(g->model));
    gru_readings_pack(info, g->y + b * info->y_floats, info->y_floats,
                      state + gru_state_y_offset(g->model));
    memcpy(state + gru_state_transforms_offset(g->model),
           g->written + b * g->model->transform_floats, g->model->transform_floats * sizeof *state);
}

static void finish_lane(const struct grid *g, size_t b)
{
    struct gru_lane *lane = g->lanes[b];
    if (!hidden_is_finite(g, b)) {
        note_non_finite(lane, lane->n_rows - 1, 0);
    }
    if (lane->status == GRU_OK && lane->state_out) {
        scatter_lane(g, b);
    }
}

/* ---- readings ---- */

static void read_row(struct grid *g, size_t b, size_t step)
{
    const struct gru_model *model = g->model;
    const struct gru_info *info = &model->info;
    const size_t row = step * g->n_lanes + b;
    const struct gru_transformed *next = model->transformed, *end = next + model->n_transformed;
    const double *x = g->lanes[b]->x + (g->t + step) * info->n_inputs,
                 *y = g->y + b * info->y_floats;
    double *last = g->last + b * info->n_inputs, *raw = g->raw + row * info->n_inputs;
    float *in = g->in + row * k_padded(info->n_inputs);
    for (size_t i = 0; i < info->n_inputs; i++) {
        double u;
        if (next < end && next->input == i) {
            float *state = g->seen + b * model->transform_floats + next++->at;
            u = gru_read_transformed(info, i, x[i], last, y, state, &raw[i]);
        } else {
            u = gru_read_plain(info, i, x[i], last, y, &raw[i]);
        }
        if (isinf(raw[i])) { /* saturated gates would hide it */
            note_non_finite(g->lanes[b], g->t + step, i);
        }
        in[i] = gru_normalise(&info->inputs[i], u);
    }
}

/* ---- transforms, on the way back ---- */

/* Takes the raw readings of a row in where outputs are written, and leaves what the network saw of
 * them in their place. */
static void settle_row(const struct grid *g, size_t b, size_t step)
{
    const struct gru_model *model = g->model;
    double *raw = g->raw + (step * g->n_lanes + b) * model->info.n_inputs;
    for (size_t k = 0; k < model->n_transformed; k++) {
        const struct gru_variable *input = &model->info.inputs[model->transformed[k].input];
        float *state = g->written + b * model->transform_floats + model->transformed[k].at;
        const struct transform_map map = gru_transform_map(&input->transform, state);
        double *x = &raw[model->transformed[k].input];
        gru_transform_push(&input->transform, state, *x);
        *x = isnan(*x) ? input->mean : gru_transform_apply(map, *x, input->mean);
    }
}

/* Turns the outputs that feed inputs with a transform back into raw values, step by step: each goes
 * on from those before it. */
static void turn_back(const struct grid *g, size_t b, double *y)
{
    const struct gru_model *model = g->model;
    const struct gru_info *info = &model->info;
    for (size_t k = 0; k < model->n_transformed; k++) {
        const struct gru_variable *input = &info->inputs[model->transformed[k].input];
        struct transform_walk walk = { .transform = &input->transform,
                                       .state = g->written + b * model->transform_floats +
                                                model->transformed[k].at,
                                       .forecasts = y + input->feeds,
                                       .stride = info->n_outputs };
        for (size_t s = 0; s < info->steps; s++) {
            double *value = y + s * info->n_outputs + (size_t)input->feeds;
            const struct transform_map map = gru_transform_walk_map(&walk);
            *value = gru_reading(info, gru_transform_invert(map, *value));
            gru_transform_walk_on(&walk);
        }
    }
}

/* ---- one chunk ---- */

/* A row of the read-out: std * output + mean, on top of what the network saw of the input, not
 * normalised, where the model is residual. */
static void write_outputs(const struct grid *g, size_t b, size_t step, double *y)
{
    const struct gru_info *info = &g->model->info;
    const size_t row = step * g->n_lanes + b;
    const float *out = g->y_out + row * k_padded(info->y_floats);
    const double *seen = g->raw + row * info->n_inputs;
    for (size_t k = 0; k < info->y_floats; k++) {
        const struct gru_variable *output = &info->outputs[k % info->n_outputs];
        y[k] = output->std * (double)out[k] + output->mean;
        if (info->residual && output->feeds >= 0) {
            y[k] += seen[output->feeds];
        }
    }
}

/* The same in raw units. */
static void write_row(struct grid *g, size_t b, size_t step)
{
    const struct gru_info *info = &g->model->info;
    struct gru_lane *lane = g->lanes[b];
    double *y = g->y + b * info->y_floats;
    bool is_last = g->t + step + 1 == lane->n_rows;
    bool wanted = is_last || !lane->last_only;
    write_outputs(g, b, step, y);
    turn_back(g, b, y);
    for (size_t k = 0; k < info->y_floats; k++) {
        y[k] = gru_reading(info, y[k]);
        if (wanted && !isfinite(y[k])) {
            note_non_finite(lane, g->t + step, k);
        }
    }
    if (wanted) {
        memcpy(lane->y + (lane->last_only ? 0 : g->t + step) * info->y_floats, y,
               info->y_floats * sizeof *y);
    }
}

static void run_chunk(struct grid *g)
{
    const struct gru_info *info = &g->model->info;
    size_t n = g->n_lanes, ld = k_padded(info->y_floats);
    for (size_t step = 0; step < g->n_steps; step++) {
        for (size_t b = 0; b < n; b++) {
            read_row(g, b, step);
        }
    }
    size_t first = info->is_bidirectional ? gru_grid_run_both_ways(g) : gru_grid_run_layers(g);
    gru_activate_output(info, g->y_out + first * n * ld, (g->n_steps - first) * n, ld);
    for (size_t step = 0; step < g->n_steps; step++) {
        for (size_t b = 0; b < n; b++) {
            settle_row(g, b, step);
            if (step >= first) {
                write_row(g, b, step);
            }
        }
    }
}

/* ---- groups ---- */

/* A missing reading that takes the model's own forecast needs the output of the step before it: it
 * begins a chunk. */
static size_t steps_before_missing(const struct grid *g, size_t n_steps)
{
    const struct gru_info *info = &g->model->info;
    for (size_t step = 1; info->missing == GRU_MISSING_FORECAST && step < n_steps; step++) {
        for (size_t b = 0; b < g->n_lanes; b++) {
            const double *x = g->lanes[b]->x + (g->t + step) * info->n_inputs;
            for (size_t i = 0; i < info->n_inputs; i++) {
                if (isnan(x[i])) {
                    return step;
                }
            }
        }
    }
    return n_steps;
}

/* The number of steps that all lanes which still run can go together. */
static size_t steps_at_once(const struct grid *g, size_t most_rows)
{
    size_t remaining = g->lanes[g->n_lanes - 1]->n_rows - g->t; /* of the shortest */
    if (g->model->info.is_bidirectional) {
        return remaining;
    }
    size_t fitting = max_size((most_rows < GRID_ROWS ? most_rows : GRID_ROWS) / g->n_lanes, 1);
    return steps_before_missing(g, remaining < fitting ? remaining : fitting);
}

/* Until its lanes are done, or as many rows are. Returns how many. */
static size_t run_group(struct grid *g, size_t most_rows)
{
    size_t n_rows = 0;
    for (size_t b = 0; b < g->n_lanes; b++) {
        gather_lane(g, b);
    }
    while (g->n_lanes > 0 && n_rows < most_rows) {
        g->n_steps = steps_at_once(g, most_rows - n_rows);
        run_chunk(g);
        n_rows += g->n_steps * g->n_lanes;
        g->t += g->n_steps;
        while (g->n_lanes > 0 && g->lanes[g->n_lanes - 1]->n_rows == g->t) {
            finish_lane(g, --g->n_lanes);
        }
    }
    for (size_t b = 0; b < g->n_lanes; b++) {
        scatter_lane(g, b);
    }
    return n_rows;
}

/* A model that reads both ways has to see all of a sequence at once. */
static bool refuse_state(const struct gru_info *info, struct gru_lane *lane)
{
    if (info->is_bidirectional && lane->state_in) {
        lane->status = GRU_NOT_CAUSAL;
    }
    return lane->status != GRU_OK;
}

/* Under the policy `error` a lane with a missing reading is refused before it runs. */
static bool refuse_missing(const struct gru_info *info, struct gru_lane *lane)
{
    if (info->missing != GRU_MISSING_ERROR) {
        return false;
    }
    for (size_t k = 0; k < lane->n_rows * info->n_inputs; k++) {
        if (isnan(lane->x[k])) {
            lane->status = GRU_MISSING_INPUT;
            lane->bad_row = k / info->n_inputs;
            lane->bad_column = k % info->n_inputs;
            return true;
        }
    }
    return false;
}

static int longest_first(const void *a, const void *b)
{
    const struct gru_lane *left = *(struct gru_lane *const *)a;
    const struct gru_lane *right = *(struct gru_lane *const *)b;
    return (left->n_rows < right->n_rows) - (left->n_rows > right->n_rows);
}

/* ---- runs ---- */

static double *doubles_at(float *block, size_t at)
{
    return (double *)(void *)(block + at);
}

static struct grid make_grid(const struct gru_model *model, const struct run_layout *at,
                             float *block)
{
    return (struct grid){ .model = model,
                          .ops = k_best(),
                          .in = block + at->in,
                          .between = block + at->between,
                          .y_out = block + at->y_out,
                          .raw = doubles_at(block, at->raw),
                          .h = block + at->h,
                          .pre = block + at->pre,
                          .scratch = block + at->scratch,
                          .turned = block + at->turned,
                          .half = block + at->half,
                          .states = block + at->states,
                          .last = doubles_at(block, at->last),
                          .y = doubles_at(block, at->y),
                          .seen = block + at->seen,
                          .written = block + at->written };
}

void gru_run_begin(const struct gru_model *model, struct gru_lane *lanes, size_t n,
                   struct gru_lane **order, struct gru_run *ret_run)
{
    struct gru_run run = { .model = model, .order = order };
    bool same_length = true;
    for (size_t k = 0; k < n; k++) {
        lanes[k].status = lanes[k].n_rows > 0 ? GRU_OK : GRU_BAD_ARGUMENT;
        if (lanes[k].n_rows > 0 && !refuse_state(&model->info, &lanes[k]) &&
            !refuse_missing(&model->info, &lanes[k])) {
            order[run.n_lanes++] = &lanes[k];
            same_length = same_length && lanes[k].n_rows == order[0]->n_rows;
            run.n_rows_left += lanes[k].n_rows;
        }
    }
    if (!same_length) {
        qsort(order, run.n_lanes, sizeof(struct gru_lane *), longest_first);
    }
    *ret_run = run;
}

static void begin_group(struct gru_run *run)
{
    const size_t n_left = run->n_lanes - run->n_begun, n_most = run->model->run.n_lanes;
    run->group = run->order + run->n_begun;
    run->n_running = n_left < n_most ? n_left : n_most;
    run->n_begun += run->n_running;
    run->t = 0;
}

static void run_rows(struct gru_run *run, const struct run_layout *layout, float *block,
                     size_t most_rows)
{
    struct grid g = make_grid(run->model, layout, block);
    for (size_t n_rows = 0; run->n_rows_left > 0 && n_rows < most_rows;) {
        if (run->n_running == 0) {
            begin_group(run);
        }
        g.lanes = run->group;
        g.n_lanes = run->n_running;
        g.t = run->t;
        size_t n_done = run_group(&g, most_rows - n_rows);
        run->n_running = g.n_lanes;
        run->t = g.t;
        run->n_rows_left -= n_done;
        n_rows += n_done;
    }
}

enum gru_status gru_run_part(struct gru_run *run, struct gru_work *work, size_t most_rows)
{
    struct run_layout layout = run->model->run;
    if (run->model->info.is_bidirectional && run->n_lanes > 0 && /* the longest is the first one */
        !gru_run_lay_out(run->model, run->order[0]->n_rows, &layout)) {
        return GRU_NO_MEMORY;
    }
    if (gru_work_rows(work, layout.n_floats) != GRU_OK) {
        return GRU_NO_MEMORY;
    }
    const uint64_t before = k_flush_begin();
    run_rows(run, &layout, work->rows, most_rows);
    k_flush_end(before);
    if (run->model->info.is_bidirectional) {
        gru_work_drop_rows(work);
    }
    return GRU_OK;
}

enum gru_status gru_run(const struct gru_model *model, struct gru_work *work,
                        struct gru_lane *lanes, size_t n)
{
    struct gru_run run;
    if (gru_work_order(work, n) != GRU_OK) {
        return GRU_NO_MEMORY;
    }
    gru_run_begin(model, lanes, n, work->order, &run);
    return gru_run_part(&run, work, SIZE_MAX);
}
