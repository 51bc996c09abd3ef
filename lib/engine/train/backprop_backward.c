/* backprop_backward.c - a window backwards, chunk by chunk from its end. */
#include "engine/train/backprop_layer.h"

#include <string.h>

/* The gradient by the last layer's output, with a padding where the layer reads one. */
static void take_d_out(const struct backprop_pass *pass, const float *d_out,
                       struct backprop_rows *rows)
{
    const struct backprop_layer *last = &pass->bp->layers[pass->bp->n_layers - 1];
    const size_t n = last->shape->n_units;
    rows->d_out = d_out;
    rows->ld_d_out = n;
    if (last->family->has_padded_rows) {
        float *padded = pass->bp->d_rows[pass->bp->n_layers % 2];
        for (size_t row = 0; row < pass->chunk->n_rows; row++) {
            memcpy(padded + row * last->hp, d_out + row * n, n * sizeof *padded);
            memset(padded + row * last->hp + n, 0, (last->hp - n) * sizeof *padded);
        }
        rows->d_out = padded;
        rows->ld_d_out = last->hp;
    }
}

/* d_out: of the chunk's rows, by the last layer. Layers are trained from some one on up to it. */
static void run_chunk(const struct backprop_pass *pass, const float *d_out)
{
    const struct backprop *bp = pass->bp;
    struct backprop_rows rows;
    take_d_out(pass, d_out, &rows);
    for (size_t l = bp->n_layers; l-- > 0 && bp->layers[l].is_trained;) {
        const struct backprop_layer *layer = &bp->layers[l];
        rows.in = backprop_in(pass, l, &rows.ld_in);
        rows.d_in = bp->d_rows[l % 2];
        rows.ld_d_in = l > 0 ? bp->layers[l - 1].hp : 0;
        layer->family->backward(pass, layer, &rows);
        if (layer->passes_back && backprop_drops(pass, layer - 1)) {
            const struct k_drop drop = backprop_drop(pass, l - 1);
            bp->ops->train->drop(&drop, rows.d_in, rows.d_in);
        }
        rows.d_out = rows.d_in;
        rows.ld_d_out = rows.ld_d_in;
    }
}

/* ---- a window ---- */

static void clear_sums(const struct backprop *bp)
{
    memset(bp->gradients, 0, bp->n_parameters * sizeof *bp->gradients);
    for (size_t l = 0; l < bp->n_layers; l++) {
        if (bp->layers[l].is_trained && bp->layers[l].family->clear) {
            bp->layers[l].family->clear(bp, &bp->layers[l]);
        }
    }
}

void gru_backprop_backward(struct backprop *backprop, const struct backprop_window *window,
                           const float *d_out)
{
    struct backprop_chunk chunk = { .first_step = window->n_steps };
    const struct backprop_pass pass = { .bp = backprop, .window = window, .chunk = &chunk };
    for (size_t step = 0; step < window->n_steps; step++) {
        chunk.first_row += window->n_lanes[step];
    }
    clear_sums(backprop);
    while (chunk.first_step > 0) {
        chunk =
            (struct backprop_chunk){ .first_step = chunk.first_step, .first_row = chunk.first_row };
        do {
            chunk.first_step--;
            chunk.n_steps++;
            chunk.n_rows += window->n_lanes[chunk.first_step];
        } while (chunk.first_step > 0 &&
                 chunk.n_rows + window->n_lanes[chunk.first_step - 1] <= backprop->chunk_rows);
        chunk.first_row -= chunk.n_rows;
        run_chunk(&pass, d_out + chunk.first_row * backprop->model->info.y_floats);
    }
    for (size_t l = 0; l < backprop->n_layers; l++) {
        if (backprop->layers[l].is_trained && backprop->layers[l].family->gather) {
            backprop->layers[l].family->gather(backprop, &backprop->layers[l]);
        }
    }
}
