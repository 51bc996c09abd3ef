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

/* The gradient by what the network saw, without its padding. */
static void copy_d_in(const struct backprop_pass *pass, const struct backprop_rows *rows,
                      float *d_in)
{
    const size_t n = pass->bp->model->info.n_inputs;
    for (size_t row = 0; row < pass->chunk->n_rows; row++) {
        memcpy(d_in + row * n, rows->d_in + row * rows->ld_d_in, n * sizeof *d_in);
    }
}

/* d_out: of the chunk's rows, by the last layer. Layers are trained from some one on up to it.
 * d_in: of them, or NULL. */
static void run_chunk(const struct backprop_pass *pass, const float *d_out, float *d_in)
{
    const struct backprop *bp = pass->bp;
    struct backprop_rows rows;
    take_d_out(pass, d_out, &rows);
    for (size_t l = bp->n_layers; l-- > 0 && bp->layers[l].is_trained;) {
        const struct backprop_layer *layer = &bp->layers[l];
        rows.in = backprop_in(pass, l, &rows.ld_in);
        rows.d_in = bp->d_rows[l % 2];
        rows.ld_d_in = l > 0 ? bp->layers[l - 1].hp : k_padded(bp->model->info.n_inputs);
        layer->family->backward(pass, layer, &rows);
        if (l > 0 && layer->passes_back && backprop_drops(pass, layer - 1)) {
            const struct k_drop drop = backprop_drop(pass, l - 1);
            bp->ops->train->drop(&drop, rows.d_in, rows.d_in);
        }
        rows.d_out = rows.d_in;
        rows.ld_d_out = rows.ld_d_in;
    }
    if (d_in) {
        copy_d_in(pass, &rows, d_in);
    }
}

/* ---- a window ---- */

static void clear_sums(const struct backprop *bp)
{
    if (bp->n_parameters > 0) {
        memset(bp->gradients, 0, bp->n_parameters * sizeof *bp->gradients);
    }
    for (size_t l = 0; l < bp->n_layers; l++) {
        if (bp->layers[l].is_trained && bp->layers[l].family->clear) {
            bp->layers[l].family->clear(bp, &bp->layers[l]);
        }
    }
}

void gru_backprop_begin_backward(struct backprop *backprop)
{
    clear_sums(backprop);
}

void gru_backprop_backward_part(struct backprop *backprop, const struct backprop_window *window,
                                const struct backprop_part *part, const float *d_out, float *d_in)
{
    const struct gru_info *info = &backprop->model->info;
    struct backprop_chunk chunk = { .first_step = part->first_step + part->n_steps,
                                    .first_row = part->first_row };
    const struct backprop_pass pass = { .bp = backprop, .window = window, .chunk = &chunk };
    for (size_t k = 0; k < part->n_steps; k++) {
        chunk.first_row += window->n_lanes[part->first_step + k];
    }
    while (chunk.first_step > part->first_step) {
        chunk =
            (struct backprop_chunk){ .first_step = chunk.first_step, .first_row = chunk.first_row };
        do {
            chunk.first_step--;
            chunk.n_steps++;
            chunk.n_rows += window->n_lanes[chunk.first_step];
        } while (chunk.first_step > part->first_step &&
                 chunk.n_rows + window->n_lanes[chunk.first_step - 1] <= backprop->chunk_rows);
        chunk.first_row -= chunk.n_rows;
        const size_t row = chunk.first_row - part->first_row;
        run_chunk(&pass, d_out + row * info->y_floats, d_in ? d_in + row * info->n_inputs : NULL);
    }
}

void gru_backprop_end_backward(struct backprop *backprop)
{
    for (size_t l = 0; l < backprop->n_layers; l++) {
        if (backprop->layers[l].is_trained && backprop->layers[l].family->gather) {
            backprop->layers[l].family->gather(backprop, &backprop->layers[l]);
        }
    }
}

void gru_backprop_backward(struct backprop *backprop, const struct backprop_window *window,
                           const float *d_out)
{
    const struct backprop_part whole = { .n_steps = window->n_steps };
    gru_backprop_begin_backward(backprop);
    gru_backprop_backward_part(backprop, window, &whole, d_out, NULL);
    gru_backprop_end_backward(backprop);
}

void gru_backprop_first_gradients(const struct backprop *backprop,
                                  const struct backprop_window *window, float *d_states)
{
    for (size_t lane = 0; lane < window->n_lanes[0]; lane++) {
        float *d_state = d_states + lane * backprop->n_states;
        for (size_t l = 0; l < backprop->model->n_stepwise; l++) {
            const struct backprop_layer *layer = &backprop->layers[l];
            if (layer_kind_is_recurrent(layer->shape->kind)) {
                layer->family->store_first(layer, lane, d_state + layer->at_state);
            }
        }
    }
}
