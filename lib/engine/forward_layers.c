/* The rows of a chunk through the chain of layers; see forward_grid.h. */
#include "engine/forward_grid.h"

#include <string.h>

/* ---- layers that read one way ---- */

static bool all_last_only(const struct grid *g)
{
    for (size_t b = 0; b < g->n_lanes; b++) {
        if (!g->lanes[b]->last_only) {
            return false;
        }
    }
    return true;
}

size_t gru_grid_run_layers(const struct grid *g)
{
    const struct gru_model *model = g->model;
    struct layer_rows rows = { .ops = g->ops,
                               .n_lanes = g->n_lanes,
                               .n_steps = g->n_steps,
                               .in = g->in,
                               .ld_in = k_padded(model->info.n_inputs),
                               .states = g->states,
                               .h = g->h,
                               .pre = g->pre,
                               .scratch = g->scratch };
    float *y_out = g->y_out, *free_rows = g->in;
    size_t first = 0;
    rows.out = g->between;
    for (size_t l = 0; l < model->n_layers; l++) {
        const struct gru_layer *layer = &model->layers[l];
        const size_t hp = k_padded(layer->shape.n_units);
        if (l == model->n_stepwise && all_last_only(g)) {
            first = g->n_steps - 1;
            rows.in += first * g->n_lanes * rows.ld_in;
            y_out += first * g->n_lanes * k_padded(model->info.y_floats);
            rows.n_steps = 1;
        }
        rows.ld_states = model->run.n_lanes * hp;
        rows.out = l + 1 == model->n_layers ? y_out : rows.out;
        layer->shape.kind->forward(&layer->packed, &rows);
        rows.states += layer->shape.kind->n_states * rows.ld_states;
        rows.in = rows.out;
        rows.ld_in = hp;
        float *swap = rows.out;
        rows.out = free_rows;
        free_rows = swap;
    }
    return first;
}

/* ---- layers that read both ways ---- */

/* Rows on their way through the chain, all of one lane. */
struct passage {
    const float *in;
    size_t ld_in;
    float *out;
    size_t ld_out;
    float *states;
};

/* to[k] = from[n - 1 - k] */
static void turn_rows(const float *from, size_t ld_from, size_t n, size_t width, float *to,
                      size_t ld_to)
{
    for (size_t k = 0; k < n; k++) {
        memcpy(to + k * ld_to, from + (n - 1 - k) * ld_from, width * sizeof *to);
    }
}

/* One half's rows [t, t + n), or of the half that reads from the end the n rows that it reaches
 * after t others; their outputs go to the columns from `column` on. */
static void run_half(const struct grid *g, const struct gru_layer *layer,
                     const struct passage *passage, size_t column, size_t t, size_t n)
{
    const struct layer_shape *shape = &layer->shape;
    const size_t hp = k_padded(shape->n_units);
    const size_t first = shape->is_reverse ? g->n_steps - t - n : t;
    struct layer_rows rows = { .ops = g->ops,
                               .n_lanes = 1,
                               .n_steps = n,
                               .in = passage->in + first * passage->ld_in,
                               .ld_in = passage->ld_in,
                               .out = g->half,
                               .states = passage->states,
                               .ld_states = hp,
                               .h = g->h,
                               .pre = g->pre,
                               .scratch = g->scratch };
    if (shape->is_reverse) {
        turn_rows(rows.in, rows.ld_in, n, shape->n_inputs, g->turned, rows.ld_in);
        rows.in = g->turned;
    }
    shape->kind->forward(&layer->packed, &rows);
    float *out = passage->out + first * passage->ld_out + column;
    for (size_t k = 0; k < n; k++) {
        const size_t from = shape->is_reverse ? n - 1 - k : k;
        memcpy(out + k * passage->ld_out, g->half + from * hp, shape->n_units * sizeof *out);
    }
}

static void run_whole(const struct grid *g, const struct gru_layer *layer,
                      const struct passage *passage, size_t column)
{
    for (size_t t = 0; t < g->n_steps; t += GRID_ROWS) {
        const size_t n = g->n_steps - t < GRID_ROWS ? g->n_steps - t : GRID_ROWS;
        run_half(g, layer, passage, column, t, n);
    }
}

size_t gru_grid_run_both_ways(const struct grid *g)
{
    const struct gru_model *model = g->model;
    struct passage passage = {
        .in = g->in, .ld_in = k_padded(model->info.n_inputs), .out = g->between, .states = g->states
    };
    float *free_rows = g->in;
    for (size_t l = 0; l < model->n_layers;) {
        const size_t width = gru_layer_width(model, l), end = l + gru_layer_halves(model, l);
        passage.ld_out = k_padded(width);
        passage.out = end == model->n_layers ? g->y_out : passage.out;
        memset(passage.out, 0, g->n_steps * passage.ld_out * sizeof *passage.out);
        for (size_t column = 0; l < end; l++) {
            const struct layer_shape *shape = &model->layers[l].shape;
            run_whole(g, &model->layers[l], &passage, column);
            passage.states += shape->kind->n_states * k_padded(shape->n_units);
            column += shape->n_units;
        }
        float *swap = passage.out;
        passage.in = passage.out;
        passage.ld_in = passage.ld_out;
        passage.out = free_rows;
        free_rows = swap;
    }
    return 0;
}
