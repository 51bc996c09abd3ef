/*
 * forward.c - gru_run: lanes through the network.
 *
 * Lanes are sorted, longest first, and run in groups of at most GROUP_LANES. A group advances in
 * chunks of time steps within which the set of its running lanes does not change, so every array of
 * a chunk is a dense [steps][lanes] grid of rows. In a chunk each layer projects all its rows in
 * one product, then walks through time; the kernels' laws (kernels.h) make the cut into groups and
 * chunks invisible in the result. So a run may also stop behind any chunk, leave its states with
 * the lanes, and go on from there (gru_run_part).
 */
#include "engine/readings.h"
#include "engine/model.h"
#include "engine/work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    GROUP_LANES = 64,
    CHUNK_ROWS = 128 /* rows of a chunk: enough for a full-speed product, few enough to stay in the
                        second-level cache */
};

/* The arrays of one run. R rows of a chunk, B lanes of a group. */
struct grid {
    const struct gru_model *model;
    const struct k_ops *ops;
    struct gru_lane **lanes; /* [B], longest first */
    size_t n_lanes;          /* B: those that still run */
    size_t t, n_steps;       /* the chunk's first row, and its length in steps */
    size_t ld;               /* stride of the rows of `in` and `out` */
    float
        *raw; /* [R][I] readings as the network sees them, but in raw units (missing ones filled) */
    float *in, *out, *h; /* [R][ld] a layer's inputs, its outputs, its hidden states */
    float *pre;          /* [R][G * Hp] */
    float *scratch;
    float *states; /* per layer: h [GROUP_LANES][Hp] (, c [GROUP_LANES][Hp]) */
    float *last;   /* [GROUP_LANES][I] last observed values */
    float *y;      /* [GROUP_LANES][S * O] the lane's last output */
    float *head;   /* [R][k_padded(S * O)] */
};

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

size_t gru_state_layer_floats(const struct gru_model *model, size_t layer)
{
    return model->info.layers[layer].hidden_size *
           (model->info.cell == GRU_CELL_THREE_GATE ? 2 : 1);
}

size_t gru_state_last_offset(const struct gru_model *model)
{
    return model->info.state_floats - model->info.y_floats - model->info.n_inputs;
}

size_t gru_state_y_offset(const struct gru_model *model)
{
    return model->info.state_floats - model->info.y_floats;
}

void gru_state_init(const struct gru_model *model, float *state)
{
    size_t n_hidden = gru_state_last_offset(model);
    memset(state, 0, n_hidden * sizeof *state);
    for (size_t k = n_hidden; k < model->info.state_floats; k++) {
        state[k] = NAN;
    }
}

/* Moves each layer's [h] or [h, c] between a lane's state and the grid's padded arrays. */
static void move_hidden(const struct grid *g, size_t lane, float *state, const float *from)
{
    float *states = g->states;
    bool has_c = g->model->info.cell == GRU_CELL_THREE_GATE;
    for (size_t l = 0; l < g->model->info.n_layers; l++) {
        size_t h = g->model->info.layers[l].hidden_size;
        size_t hp = k_padded(h);
        for (int part = 0; part <= (int)has_c; part++) {
            float *padded = states + lane * hp;
            if (state) {
                memcpy(state, padded, h * sizeof *state);
                state += h;
            } else if (from) {
                memcpy(padded, from, h * sizeof *padded);
                memset(padded + h, 0, (hp - h) * sizeof *padded);
                from += h;
            } else {
                memset(padded, 0, hp * sizeof *padded);
            }
            states += GROUP_LANES * hp;
        }
    }
}

static void gather_lane(struct grid *g, size_t b)
{
    const struct gru_info *info = &g->model->info;
    const float *state = g->t == 0 ? g->lanes[b]->state_in : g->lanes[b]->state_out;
    float *last = g->last + b * info->n_inputs;
    float *y = g->y + b * info->y_floats;
    move_hidden(g, b, NULL, state);
    if (state) {
        memcpy(last, state + gru_state_last_offset(g->model), info->n_inputs * sizeof *last);
        memcpy(y, state + gru_state_y_offset(g->model), info->y_floats * sizeof *y);
        return;
    }
    for (size_t k = 0; k < info->n_inputs; k++) {
        last[k] = NAN;
    }
    for (size_t k = 0; k < info->y_floats; k++) {
        y[k] = NAN;
    }
}

static bool hidden_is_finite(const struct grid *g, size_t b)
{
    const float *states = g->states;
    int n_parts = g->model->info.cell == GRU_CELL_THREE_GATE ? 2 : 1;
    for (size_t l = 0; l < g->model->info.n_layers; l++) {
        size_t hp = k_padded(g->model->info.layers[l].hidden_size);
        for (int part = 0; part < n_parts; part++) {
            float zero =
                0.0F; /* stays zero unless a value is not finite: one pass without branches */
            for (size_t k = 0; k < hp; k++) {
                zero += states[b * hp + k] * 0.0F;
            }
            if (zero != 0.0F) {
                return false;
            }
            states += GROUP_LANES * hp;
        }
    }
    return true;
}

static void scatter_lane(const struct grid *g, size_t b)
{
    const struct gru_info *info = &g->model->info;
    float *state = g->lanes[b]->state_out;
    move_hidden(g, b, state, NULL);
    memcpy(state + gru_state_last_offset(g->model), g->last + b * info->n_inputs,
           info->n_inputs * sizeof(float));
    memcpy(state + gru_state_y_offset(g->model), g->y + b * info->y_floats,
           info->y_floats * sizeof(float));
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
    const struct gru_info *info = &g->model->info;
    size_t row = step * g->n_lanes + b;
    const float *x = g->lanes[b]->x + (g->t + step) * info->n_inputs;
    float *last = g->last + b * info->n_inputs;
    float *raw = g->raw + row * info->n_inputs;
    float *in = g->in + row * g->ld;
    for (size_t i = 0; i < info->n_inputs; i++) {
        if (isnan(x[i])) {
            raw[i] = gru_fill_missing(info, i, last, g->y + b * info->y_floats);
        } else {
            raw[i] = x[i];
            last[i] = x[i];
        }
        if (isinf(raw[i])) { /* saturated gates would hide it */
            note_non_finite(g->lanes[b], g->t + step, i);
        }
        in[i] = gru_normalise(&info->inputs[i], raw[i]);
    }
}

/* ---- one chunk ---- */

static void run_layer(struct grid *g, size_t l, float *states)
{
    const struct k_layer *layer = &g->model->layers[l].packed;
    size_t hp = k_padded(layer->h);
    size_t n = g->n_lanes;
    bool own_out = layer->cell == K_OUTPUT_GATE_AFTER || layer->cell == K_OUTPUT_GATE_BEFORE;
    float *c = layer->cell == K_THREE_GATE ? states + GROUP_LANES * hp : NULL;
    float *h = own_out ? g->h : g->out;
    const float *h_in = states;
    g->ops->project(layer, g->n_steps * n, g->in, l == 0 ? g->ld : k_padded(layer->i), g->pre);
    for (size_t step = 0; step < g->n_steps; step++) {
        float *h_out = h + step * n * hp;
        g->ops->recur(layer, n, g->pre + step * n * layer->uh.n, h_in, h_out, c,
                      own_out ? g->out + step * n * hp : NULL, g->scratch);
        h_in = h_out;
    }
    memcpy(states, h_in, n * hp * sizeof *states);
}

static void run_layers(struct grid *g)
{
    float *states = g->states;
    int n_parts = g->model->info.cell == GRU_CELL_THREE_GATE ? 2 : 1;
    for (size_t l = 0; l < g->model->info.n_layers; l++) {
        run_layer(g, l, states);
        states += (size_t)n_parts * GROUP_LANES * k_padded(g->model->info.layers[l].hidden_size);
        float *swap = g->in;
        g->in = g->out;
        g->out = swap;
    }
}

/* A row of the read-out in raw units: std * output + mean, on top of the input's last raw value
 * where the model is residual. */
static void write_row(struct grid *g, size_t b, size_t step)
{
    const struct gru_info *info = &g->model->info;
    size_t row = step * g->n_lanes + b;
    struct gru_lane *lane = g->lanes[b];
    const float *out = g->head + row * k_padded(info->y_floats);
    const float *raw = g->raw + row * info->n_inputs;
    float *y = g->y + b * info->y_floats;
    bool is_last = g->t + step + 1 == lane->n_rows;
    bool wanted = is_last || !lane->last_only;
    for (size_t k = 0; k < info->y_floats; k++) {
        const struct gru_variable *output = &info->outputs[k % info->n_outputs];
        double value = output->std * (double)out[k] + output->mean;
        if (info->residual && output->feeds >= 0) {
            value += (double)raw[output->feeds];
        }
        y[k] = (float)value;
        if (wanted && !isfinite(y[k])) {
            note_non_finite(lane, g->t + step, k);
        }
    }
    if (wanted) {
        memcpy(lane->y + (lane->last_only ? 0 : g->t + step) * info->y_floats, y,
               info->y_floats * sizeof *y);
    }
}

static bool all_last_only(const struct grid *g)
{
    for (size_t b = 0; b < g->n_lanes; b++) {
        if (!g->lanes[b]->last_only) {
            return false;
        }
    }
    return true;
}

static void run_chunk(struct grid *g)
{
    const struct gru_info *info = &g->model->info;
    size_t n = g->n_lanes;
    for (size_t step = 0; step < g->n_steps; step++) {
        for (size_t b = 0; b < n; b++) {
            read_row(g, b, step);
        }
    }
    run_layers(g);
    /* Lanes end only where a chunk ends, so if nobody wants the rows between, the last step's will
     * do. */
    size_t first = all_last_only(g) ? g->n_steps - 1 : 0;
    size_t n_rows = (g->n_steps - first) * n;
    size_t head_ld = k_padded(info->y_floats);
    size_t width = k_padded(info->layers[info->n_layers - 1].hidden_size);
    float *head = g->head + first * n * head_ld;
    g->ops->affine(&g->model->head, g->model->head_bias_padded, n_rows, g->in + first * n * width,
                   width, head, head_ld);
    gru_activate(info, head, n_rows, head_ld);
    for (size_t step = first; step < g->n_steps; step++) {
        for (size_t b = 0; b < n; b++) {
            write_row(g, b, step);
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
            const float *x = g->lanes[b]->x + (g->t + step) * info->n_inputs;
            for (size_t i = 0; i < info->n_inputs; i++) {
                if (isnan(x[i])) {
                    return step;
                }
            }
        }
    }
    return n_steps;
}

/* How far all lanes that still run can go together. */
static size_t steps_at_once(const struct grid *g, size_t most_rows)
{
    size_t remaining = g->lanes[g->n_lanes - 1]->n_rows - g->t; /* of the shortest */
    size_t fitting = max_size((most_rows < CHUNK_ROWS ? most_rows : CHUNK_ROWS) / g->n_lanes, 1);
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

/* Cuts the run's arrays out of the work's block; called first with block = NULL, to learn how long
 * it must be. */
static size_t lay_out(struct grid *g, float *block, size_t n_rows)
{
    const struct gru_info *info = &g->model->info;
    size_t widest = 0, widest_pre = 0, scratch = 0, n_states = 0;
    for (size_t l = 0; l < info->n_layers; l++) {
        const struct k_layer *layer = &g->model->layers[l].packed;
        widest = max_size(widest, k_padded(layer->h));
        widest_pre = max_size(widest_pre, layer->uh.n);
        scratch = max_size(scratch, k_recur_scratch(layer, GROUP_LANES));
        n_states += k_padded(layer->h) * (info->cell == GRU_CELL_THREE_GATE ? 2 : 1);
    }
    g->ld = k_padded(info->n_inputs);
    size_t row = max_size(widest, g->ld);
    const struct {
        float **array;
        size_t n_floats;
    } pieces[] = { { &g->in, n_rows * row },
                   { &g->out, n_rows * row },
                   { &g->h, n_rows * row },
                   { &g->pre, n_rows * widest_pre },
                   { &g->scratch, scratch },
                   { &g->states, GROUP_LANES * n_states },
                   { &g->head, n_rows * k_padded(info->y_floats) },
                   { &g->raw, n_rows * info->n_inputs },
                   { &g->last, GROUP_LANES * info->n_inputs },
                   { &g->y, GROUP_LANES * info->y_floats } };
    size_t used = 0;
    for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
        if (block) {
            *pieces[k].array = block + used;
        }
        used += k_padded(pieces[k].n_floats);
    }
    return used;
}

/* ---- runs ---- */

void gru_run_begin(const struct gru_model *model, struct gru_lane *lanes, size_t n,
                   struct gru_lane **order, struct gru_run *ret_run)
{
    struct gru_run run = { .model = model, .order = order };
    bool same_length = true;
    for (size_t k = 0; k < n; k++) {
        lanes[k].status = lanes[k].n_rows > 0 ? GRU_OK : GRU_BAD_ARGUMENT;
        if (lanes[k].n_rows > 0 && !refuse_missing(&model->info, &lanes[k])) {
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
    size_t n_left = run->n_lanes - run->n_begun;
    run->group = run->order + run->n_begun;
    run->n_running = n_left < GROUP_LANES ? n_left : GROUP_LANES;
    run->n_begun += run->n_running;
    run->t = 0;
}

enum gru_status gru_run_part(struct gru_run *run, struct gru_work *work, size_t most_rows)
{
    struct grid g = { .model = run->model, .ops = k_best() };
    if (gru_work_rows(work, lay_out(&g, NULL, CHUNK_ROWS)) != GRU_OK) {
        return GRU_NO_MEMORY;
    }
    for (size_t n_rows = 0; run->n_rows_left > 0 && n_rows < most_rows;) {
        if (run->n_running == 0) {
            begin_group(run);
        }
        lay_out(&g, work->rows, CHUNK_ROWS);
        g.lanes = run->group;
        g.n_lanes = run->n_running;
        g.t = run->t;
        size_t n_done = run_group(&g, most_rows - n_rows);
        run->n_running = g.n_lanes;
        run->t = g.t;
        run->n_rows_left -= n_done;
        n_rows += n_done;
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
