/* backprop_backward.c - a window backwards, chunk by chunk from its end. */
#include "engine/train/backprop_network.h"
#include "kernels/product.h"

#include <string.h>

/* What a pass carries along. */
struct pass {
    const struct backprop *bp;
    const struct backprop_window *window;
    const struct backprop_chunk *chunk;
};

/* ---- sums over a chunk's rows ---- */

static void add_outer(const struct pass *pass, const float *a, size_t lda, size_t m, const float *b,
                      size_t ldb, size_t n, float *c, size_t ldc)
{
    const struct k_outer outer = { .n_rows = pass->chunk->n_rows,
                                   .m = m,
                                   .n = n,
                                   .a = a,
                                   .b = b,
                                   .lda = lda,
                                   .ldb = ldb,
                                   .c = c,
                                   .ldc = ldc };
    k_add_outer(pass->bp->ops, &outer);
}

/* The states before each row of the chunk, as rows that follow each other: those that do so
 * already, or copies. */
static const float *states_before(const struct pass *pass, const struct backprop_layer *layer)
{
    const struct backprop_chunk *chunk = pass->chunk;
    const struct backprop_window *window = pass->window;
    size_t hp = layer->hp, last = chunk->first_step + chunk->n_steps - 1;
    size_t n_before = backprop_lanes_before(window, chunk->first_step);
    const float *from = layer->h + chunk->first_row * hp;
    if (window->n_lanes[last] == n_before) { /* never growing, so it was the same all the time */
        return from - n_before * hp;
    }
    float *to = pass->bp->before;
    for (size_t step = chunk->first_step; step <= last; step++) {
        size_t n_floats = window->n_lanes[step] * hp;
        memcpy(to, from - backprop_lanes_before(window, step) * hp, n_floats * sizeof *to);
        to += n_floats;
        from += n_floats;
    }
    return pass->bp->before;
}

static void add_weights(const struct pass *pass, size_t l)
{
    const struct backprop *bp = pass->bp;
    const struct backprop_layer *layer = &bp->layers[l];
    const struct k_planes *planes = layer->planes;
    size_t hp = layer->hp, n = layer->n_gates * hp, ld = layer->ld_deltas,
           row = pass->chunk->first_row;
    size_t i = layer->run.i, h = layer->run.h;
    const float *in =
        l == 0 ? pass->window->in + row * i : backprop_out(bp, pass->window, l - 1, row);
    size_t ld_in = l == 0 ? i : bp->layers[l - 1].hp;
    add_outer(pass, in, ld_in, i, bp->deltas + planes->x_first * hp, ld, n, layer->d_w, n);
    add_outer(pass, states_before(pass, layer), hp, h, bp->deltas, ld, planes->n_u * hp, layer->d_u,
              n);
    if (layer->cell->resets_before) {
        size_t reset = planes->n_u * hp;
        add_outer(pass, bp->scratch, hp, h, bp->deltas + reset, ld, hp, layer->d_u + reset, n);
    }
}

static void add_head(const struct pass *pass, const float *d_out)
{
    const struct backprop *bp = pass->bp;
    size_t top = bp->n_layers - 1, hp = bp->layers[top].hp, y = bp->y;
    const float *rows = backprop_out(bp, pass->window, top, pass->chunk->first_row);
    add_outer(pass, d_out, y, y, rows, hp, hp, bp->d_head, hp);
    float *d_bias = bp->gradients + bp->head_offset + y * bp->head.k;
    for (size_t row = 0; bp->model->head_bias.values && row < pass->chunk->n_rows; row++) {
        for (size_t k = 0; k < y; k++) {
            d_bias[k] += d_out[row * y + k];
        }
    }
}

/* ---- a layer ---- */

/* d_out: of the chunk's rows, by the layer's output as its own arithmetic gave it. */
static void run_layer_back(const struct pass *pass, const struct backprop_layer *layer,
                           const float *d_out)
{
    const struct backprop *bp = pass->bp;
    const struct backprop_chunk *chunk = pass->chunk;
    size_t hp = layer->hp, in_chunk = chunk->n_rows;
    for (size_t k = chunk->n_steps; k-- > 0;) {
        size_t step = chunk->first_step + k, n_rows = pass->window->n_lanes[step];
        in_chunk -= n_rows;
        size_t here = (chunk->first_row + in_chunk) * hp;
        size_t back = backprop_lanes_before(pass->window, step) * hp;
        const struct k_backward_step backward = {
            .layer = &layer->back,
            .n_rows = n_rows,
            .kept = layer->kept + here * layer->cell->n_kept,
            .h_in = layer->h + here - back,
            .h_out = layer->h + here,
            .c_in = layer->c ? layer->c + here - back : NULL,
            .c_out = layer->c ? layer->c + here : NULL,
            .d_out = d_out + in_chunk * hp,
            .d_h = layer->d_h,
            .d_hu = layer->d_hu,
            .d_c = layer->d_c,
            .deltas = bp->deltas + in_chunk * layer->ld_deltas,
            .ld_deltas = layer->ld_deltas,
            .sums = layer->sums,
            .reset_h = layer->cell->resets_before ? bp->scratch + in_chunk * hp : NULL,
            .is_first = step == 0,
        };
        bp->ops->train->backward(&backward);
    }
}

static void run_chunk_back(const struct pass *pass, const float *d_out)
{
    const struct backprop *bp = pass->bp;
    const struct k_train_ops *train = bp->ops->train;
    size_t n_rows = pass->chunk->n_rows;
    float *by_out = bp->d_out[0], *by_in = bp->d_out[1];
    train->back_project(&bp->head_t, n_rows, d_out, bp->y, by_out, bp->layers[bp->n_layers - 1].hp);
    for (size_t l = bp->n_layers; l-- > 0;) {
        const struct backprop_layer *layer = &bp->layers[l];
        if (backprop_drops(bp, pass->window)) {
            backprop_drop(bp, pass->window, pass->chunk, l, by_out, by_out);
        }
        run_layer_back(pass, layer, by_out);
        add_weights(pass, l);
        if (l > 0) {
            train->back_project(&layer->back.wt, n_rows,
                                bp->deltas + layer->planes->x_first * layer->hp, layer->ld_deltas,
                                by_in, bp->layers[l - 1].hp);
            float *swap = by_out;
            by_out = by_in;
            by_in = swap;
        }
    }
}

/* ---- from planes to the tensors' order ---- */

/* to[column][row] = from[row][column], by squares that stay in the first-level cache. */
static void transpose(const float *from, size_t n_rows, size_t n_columns, size_t ld, float *to)
{
    for (size_t row = 0; row < n_rows; row += K_BLOCK) {
        size_t end = row + K_BLOCK < n_rows ? row + K_BLOCK : n_rows;
        for (size_t column = 0; column < n_columns; column++) {
            for (size_t r = row; r < end; r++) {
                to[column * n_rows + r] = from[r * ld + column];
            }
        }
    }
}

static void gather_bias(const struct backprop *bp, const struct backprop_layer *layer,
                        enum gru_layer_tensor tensor, const unsigned char *planes)
{
    size_t h = layer->run.h, offset = layer->offsets[tensor];
    for (size_t gate = 0; offset < SIZE_MAX && gate < layer->n_gates; gate++) {
        memcpy(bp->gradients + offset + gate * h, layer->sums + planes[gate] * layer->hp,
               h * sizeof(float));
    }
}

static void gather_layer(const struct backprop *bp, const struct backprop_layer *layer)
{
    const struct k_planes *planes = layer->planes;
    size_t i = layer->run.i, h = layer->run.h, hp = layer->hp, ld = layer->n_gates * hp;
    float *d_w = bp->gradients + layer->offsets[GRU_TENSOR_WEIGHT_IH];
    float *d_u = bp->gradients + layer->offsets[GRU_TENSOR_WEIGHT_HH];
    for (size_t gate = 0; gate < layer->n_gates; gate++) {
        transpose(layer->d_w + (planes->x[gate] - planes->x_first) * hp, i, h, ld,
                  d_w + gate * h * i);
        transpose(layer->d_u + planes->u[gate] * hp, h, h, ld, d_u + gate * h * h);
    }
    gather_bias(bp, layer, GRU_TENSOR_BIAS_IH, planes->bias_x);
    gather_bias(bp, layer, GRU_TENSOR_BIAS_HH, planes->bias_u);
}

static void gather_head(const struct backprop *bp)
{
    size_t hp = bp->layers[bp->n_layers - 1].hp;
    for (size_t k = 0; k < bp->y; k++) {
        memcpy(bp->gradients + bp->head_offset + k * bp->head.k, bp->d_head + k * hp,
               bp->head.k * sizeof(float));
    }
}

/* ---- a window ---- */

static void clear(float *values, size_t n)
{
    memset(values, 0, n * sizeof *values);
}

static void clear_sums(const struct backprop *bp)
{
    clear(bp->gradients, bp->n_parameters);
    clear(bp->d_head, bp->y * bp->layers[bp->n_layers - 1].hp);
    for (size_t l = 0; !bp->options.head_only && l < bp->n_layers; l++) {
        const struct backprop_layer *layer = &bp->layers[l];
        size_t state = bp->options.lanes_max * layer->hp, n = layer->n_gates * layer->hp;
        clear(layer->sums, layer->planes->n * layer->hp);
        clear(layer->d_w, layer->run.i * n);
        clear(layer->d_u, layer->run.h * n);
        clear(layer->d_h, state);
        clear(layer->d_hu, state);
        if (layer->d_c) {
            clear(layer->d_c, state);
        }
    }
}

void gru_backprop_backward(struct backprop *backprop, const struct backprop_window *window,
                           const float *d_out)
{
    struct backprop_chunk chunk = { .first_step = window->n_steps };
    const struct pass pass = { .bp = backprop, .window = window, .chunk = &chunk };
    for (size_t step = 0; step < window->n_steps; step++) {
        chunk.first_row += window->n_lanes[step];
    }
    const unsigned before = k_flush_begin();
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
        add_head(&pass, d_out + chunk.first_row * backprop->y);
        if (!backprop->options.head_only) {
            run_chunk_back(&pass, d_out + chunk.first_row * backprop->y);
        }
    }
    for (size_t l = 0; !backprop->options.head_only && l < backprop->n_layers; l++) {
        gather_layer(backprop, &backprop->layers[l]);
    }
    gather_head(backprop);
    k_flush_end(before);
}
