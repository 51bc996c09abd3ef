/* backprop_forward.c - a window forwards, chunk by chunk. */
#include "engine/train/backprop_network.h"

#include <assert.h>
#include <string.h>

void backprop_drop(const struct backprop *bp, const struct backprop_window *window,
                   const struct backprop_chunk *chunk, size_t l, const float *from, float *to)
{
    const struct k_drop drop = {
        .n_rows = chunk->n_rows,
        .n = bp->layers[l].run.h,
        .first_row = chunk->first_row,
        .p = bp->options.dropout,
        .key =
            window->dropout_key ^ (l + 1) * UINT64_C(0xd1342543de82ef95), /* a key for each layer */
    };
    bp->ops->train->drop(&drop, from, to);
}

/* What a pass carries along. */
struct pass {
    const struct backprop *bp;
    const struct backprop_window *window;
    const struct backprop_chunk *chunk;
    bool keeps;
};

/* Where the chunk's first row is in a layer's arrays: those of a whole window, or of a chunk only.
 */
static size_t base_row(const struct pass *pass, size_t l)
{
    return pass->bp->options.head_only && l + 1 < pass->bp->n_layers ? 0 : pass->chunk->first_row;
}

/* ---- states ---- */

/* Each lane's [h] or [h, c] of every layer: into the rows before the first, or back from row `row`.
 */
static void load_states(const struct backprop *bp, const struct backprop_window *window)
{
    size_t n_lanes = window->n_lanes[0], n_floats = gru_backprop_state_floats(bp);
    for (size_t lane = 0; lane < n_lanes; lane++) {
        const float *from = window->states + lane * n_floats;
        for (size_t l = 0; l < bp->n_layers; l++) {
            const struct backprop_layer *layer = &bp->layers[l];
            float *const to[] = { layer->h, layer->c };
            for (int part = 0; part < 2 && to[part]; part++) {
                float *row = to[part] - (n_lanes - lane) * layer->hp;
                memcpy(row, from, layer->run.h * sizeof *row);
                memset(row + layer->run.h, 0, (layer->hp - layer->run.h) * sizeof *row);
                from += layer->run.h;
            }
        }
    }
}

/* Where c is after a row of the lane: kept for each row, or only the latest. */
static const float *memory_of(const struct pass *pass, size_t l, size_t lane, size_t row)
{
    const struct backprop_layer *layer = &pass->bp->layers[l];
    if (pass->keeps) {
        return layer->c + row * layer->hp;
    }
    return layer->c - (pass->window->n_lanes[0] - lane) * layer->hp;
}

static void store_lane(const struct pass *pass, size_t lane, size_t row_in_chunk)
{
    const struct backprop *bp = pass->bp;
    float *to = pass->window->states + lane * gru_backprop_state_floats(bp);
    for (size_t l = 0; l < bp->n_layers; l++) {
        const struct backprop_layer *layer = &bp->layers[l];
        size_t h = layer->run.h, row = base_row(pass, l) + row_in_chunk;
        memcpy(to, layer->h + row * layer->hp, h * sizeof *to);
        to += h;
        if (layer->c) {
            memcpy(to, memory_of(pass, l, lane, row), h * sizeof *to);
            to += h;
        }
    }
}

/* The lanes whose last step is in the chunk. */
static void store_ended(const struct pass *pass)
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

/* ---- a layer ---- */

/* One step, its rows from `row` of the layer's arrays on. */
static void step_keeping(const struct pass *pass, const struct backprop_layer *layer, size_t step,
                         size_t row, const float *pre)
{
    size_t here = row * layer->hp, back = backprop_lanes_before(pass->window, step) * layer->hp;
    const struct k_forward_step forward = {
        .layer = &layer->run,
        .n_rows = pass->window->n_lanes[step],
        .pre = pre,
        .h_in = layer->h + here - back,
        .h_out = layer->h + here,
        .c_in = layer->c ? layer->c + here - back : NULL,
        .c_out = layer->c ? layer->c + here : NULL,
        .out = backprop_has_own_out(layer->run.cell) ? layer->out + here : NULL,
        .kept = layer->kept + here * layer->cell->n_kept,
        .reset_h = pass->bp->scratch,
    };
    pass->bp->ops->train->forward(&forward);
}

static void step_only(const struct pass *pass, const struct backprop_layer *layer, size_t step,
                      size_t row, const float *pre)
{
    size_t here = row * layer->hp, back = backprop_lanes_before(pass->window, step) * layer->hp;
    pass->bp->ops->recur(
        &layer->run, pass->window->n_lanes[step], pre, layer->h + here - back, layer->h + here,
        layer->c ? layer->c - pass->window->n_lanes[0] * layer->hp : NULL,
        backprop_has_own_out(layer->run.cell) ? layer->out + here : NULL, pass->bp->scratch);
}

/* What the layer sees: the window's readings, or the layer below. */
static const float *layer_in(const struct pass *pass, size_t l, size_t *ret_ld)
{
    size_t i = pass->bp->layers[l].run.i;
    if (l == 0) {
        *ret_ld = i;
        return pass->window->in + pass->chunk->first_row * i;
    }
    *ret_ld = pass->bp->layers[l - 1].hp;
    return backprop_out(pass->bp, pass->window, l - 1, base_row(pass, l - 1));
}

static void run_layer(const struct pass *pass, size_t l)
{
    const struct backprop *bp = pass->bp;
    const struct backprop_layer *layer = &bp->layers[l];
    const struct backprop_chunk *chunk = pass->chunk;
    size_t ld, row = base_row(pass, l);
    const float *in = layer_in(pass, l, &ld), *pre = bp->pre;
    bp->ops->project(&layer->run, chunk->n_rows, in, ld, bp->pre);
    for (size_t k = 0; k < chunk->n_steps; k++) {
        size_t step = chunk->first_step + k;
        (pass->keeps ? step_keeping : step_only)(pass, layer, step, row, pre);
        pre += pass->window->n_lanes[step] * layer->run.wx.n;
        row += pass->window->n_lanes[step];
    }
    if (backprop_drops(bp, pass->window)) {
        size_t at = base_row(pass, l) * layer->hp;
        bool own_out = backprop_has_own_out(layer->run.cell);
        backprop_drop(bp, pass->window, chunk, l, (own_out ? layer->out : layer->h) + at,
                      layer->out + at);
    }
}

/* Where arrays hold a chunk only, the next one's states before go where they belong: before its
 * first row. */
static void carry_over(const struct pass *pass)
{
    size_t n_lanes = pass->window->n_lanes[pass->chunk->first_step + pass->chunk->n_steps - 1];
    for (size_t l = 0; pass->bp->options.head_only && l + 1 < pass->bp->n_layers; l++) {
        const struct backprop_layer *layer = &pass->bp->layers[l];
        size_t n_floats = n_lanes * layer->hp;
        memcpy(layer->h - n_floats, layer->h + pass->chunk->n_rows * layer->hp - n_floats,
               n_floats * sizeof(float));
    }
}

static void read_out(const struct pass *pass, float *out)
{
    const struct backprop *bp = pass->bp;
    size_t top = bp->n_layers - 1, ld = k_padded(bp->y), y = bp->y;
    const float *rows = backprop_out(bp, pass->window, top, pass->chunk->first_row);
    bp->ops->affine(&bp->head, bp->head_bias, pass->chunk->n_rows, rows, bp->layers[top].hp,
                    bp->head_out, ld);
    out += pass->chunk->first_row * y;
    for (size_t row = 0; row < pass->chunk->n_rows; row++) {
        memcpy(out + row * y, bp->head_out + row * ld, y * sizeof *out);
    }
}

/* ---- a window ---- */

void gru_backprop_forward(struct backprop *backprop, const struct backprop_window *window,
                          float *out)
{
    struct backprop_chunk chunk = { .n_steps = 0 };
    const struct pass pass = { .bp = backprop,
                               .window = window,
                               .chunk = &chunk,
                               .keeps = window->is_training && !backprop->options.head_only };
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
        read_out(&pass, out);
        store_ended(&pass);
        carry_over(&pass);
    }
}
