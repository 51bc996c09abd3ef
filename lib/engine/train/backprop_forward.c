/* backprop_forward.c - a window forwards, chunk by chunk. */
#include "engine/train/backprop_layer.h"

#include <assert.h>
#include <string.h>

/* ---- states ---- */

/* Each lane's state of every layer, into the rows before the first. */
static void load_states(const struct backprop *bp, const struct backprop_window *window)
{
    size_t n_floats = gru_backprop_state_floats(bp);
    for (size_t lane = 0; lane < window->n_lanes[0]; lane++) {
        const float *state = window->states + lane * n_floats;
        for (size_t l = 0; l < bp->model->n_stepwise; l++) {
            const struct backprop_layer *layer = &bp->layers[l];
            if (layer_kind_is_recurrent(layer->shape->kind)) {
                layer->family->load_state(bp, window, layer, lane, state);
                state += layer->shape->kind->n_states * layer->shape->n_units;
            }
        }
    }
}

static void store_lane(const struct backprop_pass *pass, size_t lane, size_t row_in_chunk)
{
    const struct backprop *bp = pass->bp;
    float *state = pass->window->states + lane * gru_backprop_state_floats(bp);
    for (size_t l = 0; l < bp->model->n_stepwise; l++) {
        const struct backprop_layer *layer = &bp->layers[l];
        if (layer_kind_is_recurrent(layer->shape->kind)) {
            size_t row = backprop_first_row(pass, layer) + row_in_chunk;
            layer->family->store_state(pass, layer, lane, row, state);
            state += layer->shape->kind->n_states * layer->shape->n_units;
        }
    }
}

/* The lanes whose last step is in the chunk. */
static void store_ended(const struct backprop_pass *pass)
{
    const struct backprop_window *window = pass->window;
    size_t row = 0;
    for (size_t k = 0; k < pass->chunk->n_steps; k++) {
        size_t step = pass->chunk->first_step + k;
        size_t n_next = step + 1 < window->n_steps ? window->n_lanes[step + 1] : 0;
        for (size_t lane = n_next; lane < window->n_lanes[step]; lane++) {
            store_lane(pass, lane, row + lane);
        }
        row += window->n_lanes[step];
    }
}

/* ---- a chunk ---- */

static void run_layer(const struct backprop_pass *pass, size_t l)
{
    const struct backprop_layer *layer = &pass->bp->layers[l];
    size_t ld;
    const float *in = backprop_in(pass, l, &ld);
    layer->family->forward(pass, layer, in, ld);
    if (backprop_drops(pass, layer)) {
        const struct k_drop drop = backprop_drop(pass, l);
        size_t at = backprop_first_row(pass, layer) * layer->hp;
        pass->bp->ops->train->drop(&drop, layer->result + at, layer->dropped + at);
    }
}

/* The last layer's rows, without their padding. */
static void copy_out(const struct backprop_pass *pass, float *out)
{
    const struct backprop_layer *last = &pass->bp->layers[pass->bp->n_layers - 1];
    const float *result = backprop_result(pass, last);
    size_t y = last->shape->n_units;
    out += pass->chunk->first_row * y;
    for (size_t row = 0; row < pass->chunk->n_rows; row++) {
        memcpy(out + row * y, result + row * last->hp, y * sizeof *out);
    }
}

/* ---- a window ---- */

void gru_backprop_forward(struct backprop *backprop, const struct backprop_window *window,
                          float *out)
{
    struct backprop_chunk chunk = { .n_steps = 0 };
    const struct backprop_pass pass = {
        .bp = backprop, .window = window, .chunk = &chunk, .keeps = window->is_training
    };
    load_states(backprop, window);
    for (size_t step = 0; step < window->n_steps; step = chunk.first_step + chunk.n_steps) {
        chunk = (struct backprop_chunk){ .first_step = step,
                                         .first_row = chunk.first_row + chunk.n_rows };
        do {
            chunk.n_rows += window->n_lanes[step];
            chunk.n_steps++;
            step++;
        } while (step < window->n_steps &&
                 chunk.n_rows + window->n_lanes[step] <= backprop->chunk_rows);
        assert(chunk.first_row + chunk.n_rows <= backprop->options.rows_max);
        for (size_t l = 0; l < backprop->n_layers; l++) {
            run_layer(&pass, l);
        }
        copy_out(&pass, out);
        store_ended(&pass);
    }
}
