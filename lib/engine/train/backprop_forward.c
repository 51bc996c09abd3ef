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

static void store_lane(const struct backprop_pass *pass, size_t lane, size_t row_in_chunk,
                       float *state)
{
    const struct backprop *bp = pass->bp;
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
            store_lane(pass, lane, row + lane,
                       window->states + lane * gru_backprop_state_floats(pass->bp));
        }
        row += window->n_lanes[step];
    }
}

/* Whether states are wanted after any of the rows. */
static bool has_marks(const struct backprop_window *window, size_t first_row, size_t n_rows)
{
    for (size_t row = first_row; window->marks && row < first_row + n_rows; row++) {
        if (window->marks[row] < SIZE_MAX) {
            return true;
        }
    }
    return false;
}

/* Of the chunk's last step: a chunk ends behind each step that has some. */
static void store_marked(const struct backprop_pass *pass)
{
    const struct backprop_window *window = pass->window;
    const struct backprop_chunk *chunk = pass->chunk;
    const size_t n_lanes = window->n_lanes[chunk->first_step + chunk->n_steps - 1];
    const size_t row = chunk->n_rows - n_lanes;
    for (size_t lane = 0; window->marks && lane < n_lanes; lane++) {
        const size_t mark = window->marks[chunk->first_row + row + lane];
        if (mark < SIZE_MAX) {
            store_lane(pass, lane, row + lane,
                       window->marked_states + mark * gru_backprop_state_floats(pass->bp));
        }
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
    for (size_t row = 0; row < pass->chunk->n_rows; row++) {
        memcpy(out + row * y, result + row * last->hp, y * sizeof *out);
    }
}

/* ---- a window ---- */

/* As many whole steps from `step` on as a chunk has room for, before step `end`. */
static struct backprop_chunk take_chunk(const struct backprop *bp,
                                        const struct backprop_window *window, size_t step,
                                        size_t end, size_t first_row)
{
    struct backprop_chunk chunk = { .first_step = step, .first_row = first_row };
    bool is_marked;
    do {
        is_marked = has_marks(window, first_row + chunk.n_rows, window->n_lanes[step]);
        chunk.n_rows += window->n_lanes[step];
        chunk.n_steps++;
        step++;
    } while (step < end && !is_marked && chunk.n_rows + window->n_lanes[step] <= bp->chunk_rows);
    assert(chunk.first_row + chunk.n_rows <= bp->options.rows_max);
    return chunk;
}

void gru_backprop_begin_forward(struct backprop *backprop, const struct backprop_window *window)
{
    load_states(backprop, window);
}

void gru_backprop_forward_part(struct backprop *backprop, const struct backprop_window *window,
                               const struct backprop_part *part, float *out)
{
    struct backprop_chunk chunk;
    const struct backprop_pass pass = {
        .bp = backprop, .window = window, .chunk = &chunk, .keeps = window->is_training
    };
    const size_t end = part->first_step + part->n_steps;
    size_t row = part->first_row;
    for (size_t step = part->first_step; step < end; step += chunk.n_steps) {
        chunk = take_chunk(backprop, window, step, end, row);
        for (size_t l = 0; l < backprop->n_layers; l++) {
            run_layer(&pass, l);
        }
        copy_out(&pass, out + (row - part->first_row) * backprop->model->info.y_floats);
        store_marked(&pass);
        store_ended(&pass);
        row += chunk.n_rows;
    }
}

void gru_backprop_forward(struct backprop *backprop, const struct backprop_window *window,
                          float *out)
{
    const struct backprop_part whole = { .n_steps = window->n_steps };
    gru_backprop_begin_forward(backprop, window);
    gru_backprop_forward_part(backprop, window, &whole, out);
}
