/* backprop_recurrent.c - recurrent layers while they are trained; see struct backprop_family. */
#include "engine/layer_recurrent.h"
#include "engine/train/backprop_layer.h"
#include "kernels/product.h"

#include <string.h>

/* ---- what there is ---- */

static void describe(struct backprop_layer *layer)
{
    const struct layer_shape *shape = layer->shape;
    const size_t i = shape->n_inputs, h = shape->n_units;
    struct backprop_recurrent *r = &layer->recurrent;
    r->cell = &k_cells[gru_recurrent_cell(shape)];
    r->ld_deltas = k_deltas_stride(&r->cell->planes, h);
    r->back.cell = gru_recurrent_cell(shape);
    r->back.h = h;
    r->back.ut = (struct k_matrix){ .n = h, .k = r->cell->planes.n_u * layer->hp };
    r->back.ut_reset = (struct k_matrix){ .n = h, .k = layer->hp };
    r->back.wt = (struct k_matrix){ .n = i, .k = r->cell->n_gates * layer->hp };
}

static struct backprop_needs needs(const struct backprop_layer *layer)
{
    const struct backprop_recurrent *r = &layer->recurrent;
    return (struct backprop_needs){ .pre = r->cell->n_gates * layer->hp,
                                    .deltas = r->ld_deltas,
                                    .before = layer->hp,
                                    .scratch = r->cell->resets_before ? 3 * layer->hp : 0 };
}

/* Rows with room in front. */
static float *take_states(struct block_cutter *cutter, size_t n_lanes, size_t n_rows, size_t hp)
{
    float *piece = block_take_floats(cutter, n_lanes + n_rows, hp);
    return piece ? piece + n_lanes * hp : NULL;
}

static void cut_back(const struct backprop *bp, struct backprop_layer *layer,
                     struct block_cutter *cutter)
{
    struct backprop_recurrent *r = &layer->recurrent;
    const struct k_planes *planes = &r->cell->planes;
    const size_t i = layer->shape->n_inputs, h = layer->shape->n_units, hp = layer->hp;
    const size_t lanes = bp->options.lanes_max, n = r->cell->n_gates * hp;
    r->back.ut.packed = block_take_floats(cutter, 1, k_transposed_floats(planes->n_u, hp, h));
    r->back.ut_reset.packed =
        block_take_floats(cutter, r->cell->resets_before, k_transposed_floats(1, hp, h));
    r->back.wt.packed =
        block_take_floats(cutter, layer->passes_back, k_transposed_floats(r->cell->n_gates, hp, i));
    r->sums = block_take_floats(cutter, planes->n, hp);
    r->d_w = block_take_floats(cutter, bp->options.input_only ? 0 : i, n);
    r->d_u = block_take_floats(cutter, bp->options.input_only ? 0 : h, n);
    r->kept = block_take_floats(cutter, layer->n_rows, r->cell->n_kept * hp);
    r->d_h = block_take_floats(cutter, lanes, hp);
    r->d_hu = block_take_floats(cutter, lanes, hp);
    r->d_c = block_take_floats(cutter, r->cell->has_memory ? lanes : 0, hp);
}

static void cut(const struct backprop *bp, struct backprop_layer *layer,
                struct block_cutter *cutter)
{
    struct backprop_recurrent *r = &layer->recurrent;
    const size_t lanes = bp->options.lanes_max, hp = layer->hp;
    r->h = take_states(cutter, lanes, layer->n_rows, hp);
    r->c = r->cell->has_memory
               ? take_states(cutter, lanes, layer->is_trained ? layer->n_rows : 0, hp)
               : NULL;
    const bool has_out = r->cell->has_own_output || layer->may_drop;
    float *out = block_take_floats(cutter, has_out ? layer->n_rows : 0, hp);
    layer->result = r->cell->has_own_output ? out : r->h;
    layer->dropped = out;
    if (layer->is_trained) {
        cut_back(bp, layer, cutter);
    }
}

static void pack(const float *const *values, struct backprop_layer *layer)
{
    static const unsigned char candidate[] = { K_CANDIDATE };
    const struct backprop_recurrent *r = &layer->recurrent;
    const struct k_planes *planes = &r->cell->planes;
    const float *w = values[RECURRENT_WEIGHT_IH], *u = values[RECURRENT_WEIGHT_HH];
    const size_t i = layer->shape->n_inputs, h = layer->shape->n_units, hp = layer->hp;
    unsigned char w_gates[K_PLANES_MAX], u_gates[K_PLANES_MAX];
    for (size_t gate = 0; gate < r->cell->n_gates; gate++) {
        w_gates[planes->x[gate] - planes->x_first] = (unsigned char)gate;
        u_gates[planes->u[gate]] = (unsigned char)gate;
    }
    k_pack_transposed(u, u_gates, planes->n_u, h, hp, h, r->back.ut.packed);
    if (r->cell->resets_before) {
        k_pack_transposed(u, candidate, 1, h, hp, h, r->back.ut_reset.packed);
    }
    if (layer->passes_back) {
        k_pack_transposed(w, w_gates, r->cell->n_gates, h, hp, i, r->back.wt.packed);
    }
}

/* ---- states ---- */

/* The tensors of the first states h and c. */
static const size_t initial[] = { RECURRENT_INITIAL_H, RECURRENT_INITIAL_C };

static bool is_learned(const struct backprop_layer *layer, size_t part)
{
    return layer->offsets[initial[part]] < SIZE_MAX;
}

static void load_state(const struct backprop *bp, const struct backprop_window *window,
                       const struct backprop_layer *layer, size_t lane, const float *state)
{
    const size_t n_lanes = window->n_lanes[0], h = layer->shape->n_units;
    float *const to[] = { layer->recurrent.h, layer->recurrent.c };
    for (size_t part = 0; part < 2 && to[part]; part++, state += h) {
        float *row = to[part] - (n_lanes - lane) * layer->hp;
        memset(row, 0, layer->hp * sizeof *row);
        if (!window->begins) {
            memcpy(row, state, h * sizeof *row);
        } else if (is_learned(layer, part)) {
            memcpy(row, bp->parameters + layer->offsets[initial[part]], h * sizeof *row);
        }
    }
}

static bool keeps(const struct backprop_pass *pass, const struct backprop_layer *layer)
{
    return pass->keeps && layer->is_trained;
}

/* Where c is after a row of the lane: kept for each row, or only the latest. */
static const float *memory_of(const struct backprop_pass *pass, const struct backprop_layer *layer,
                              size_t lane, size_t row)
{
    const float *c = layer->recurrent.c;
    return keeps(pass, layer) ? c + row * layer->hp
                              : c - (pass->window->n_lanes[0] - lane) * layer->hp;
}

static void store_state(const struct backprop_pass *pass, const struct backprop_layer *layer,
                        size_t lane, size_t row, float *state)
{
    const size_t h = layer->shape->n_units;
    memcpy(state, layer->recurrent.h + row * layer->hp, h * sizeof *state);
    if (layer->recurrent.c) {
        memcpy(state + h, memory_of(pass, layer, lane, row), h * sizeof *state);
    }
}

static void store_first(const struct backprop_layer *layer, size_t lane, float *d_state)
{
    const struct backprop_recurrent *r = &layer->recurrent;
    const size_t h = layer->shape->n_units, at = lane * layer->hp;
    for (size_t k = 0; k < h; k++) {
        d_state[k] = r->d_h[at + k] + r->d_hu[at + k];
    }
    if (r->d_c) {
        memcpy(d_state + h, r->d_c + at, h * sizeof *d_state);
    }
}

/* ---- forwards ---- */

/* One step, its rows from `row` of the layer's arrays on. */
static void step_keeping(const struct backprop_pass *pass, const struct backprop_layer *layer,
                         size_t step, size_t row, const float *pre)
{
    const struct backprop_recurrent *r = &layer->recurrent;
    size_t here = row * layer->hp, back = backprop_lanes_before(pass->window, step) * layer->hp;
    const struct k_forward_step forward = {
        .layer = &layer->packed.recurrent,
        .n_rows = pass->window->n_lanes[step],
        .pre = pre,
        .h_in = r->h + here - back,
        .h_out = r->h + here,
        .c_in = r->c ? r->c + here - back : NULL,
        .c_out = r->c ? r->c + here : NULL,
        .out = r->cell->has_own_output ? layer->result + here : NULL,
        .kept = r->kept + here * r->cell->n_kept,
        .reset_h = pass->bp->scratch,
    };
    pass->bp->ops->train->forward(&forward);
}

static void step_only(const struct backprop_pass *pass, const struct backprop_layer *layer,
                      size_t step, size_t row, const float *pre)
{
    const struct backprop_recurrent *r = &layer->recurrent;
    size_t here = row * layer->hp, back = backprop_lanes_before(pass->window, step) * layer->hp;
    pass->bp->ops->recur(&layer->packed.recurrent, pass->window->n_lanes[step], pre,
                         r->h + here - back, r->h + here,
                         r->c ? r->c - pass->window->n_lanes[0] * layer->hp : NULL,
                         r->cell->has_own_output ? layer->result + here : NULL, pass->bp->scratch);
}

/* Where arrays hold a chunk only, the next one's states before go where they belong: before its
 * first row. */
static void carry_over(const struct backprop_pass *pass, const struct backprop_layer *layer)
{
    const struct backprop_chunk *chunk = pass->chunk;
    size_t n_floats = pass->window->n_lanes[chunk->first_step + chunk->n_steps - 1] * layer->hp;
    float *h = layer->recurrent.h;
    memcpy(h - n_floats, h + chunk->n_rows * layer->hp - n_floats, n_floats * sizeof *h);
}

static void forward(const struct backprop_pass *pass, const struct backprop_layer *layer,
                    const float *in, size_t ld_in)
{
    const struct backprop *bp = pass->bp;
    const struct backprop_chunk *chunk = pass->chunk;
    const bool is_kept = keeps(pass, layer);
    const float *pre = bp->pre;
    size_t row = backprop_first_row(pass, layer);
    bp->ops->project(&layer->packed.recurrent, chunk->n_rows, in, ld_in, bp->pre);
    for (size_t k = 0; k < chunk->n_steps; k++) {
        size_t step = chunk->first_step + k;
        (is_kept ? step_keeping : step_only)(pass, layer, step, row, pre);
        pre += pass->window->n_lanes[step] * layer->packed.recurrent.wx.n;
        row += pass->window->n_lanes[step];
    }
    if (layer->holds_chunk) {
        carry_over(pass, layer);
    }
}

/* ---- backwards ---- */

/* Whether the lanes' first states are learned. */
static bool has_learned_state(const struct backprop_pass *pass, const struct backprop_layer *layer)
{
    return pass->window->begins && (is_learned(layer, 0) || is_learned(layer, 1));
}

/* The gradient by a learned first state is the sum of those by the lanes' states before their first
 * rows: a + b, b may be NULL. */
static void add_by_first(const struct backprop_pass *pass, const struct backprop_layer *layer,
                         size_t part, const float *a, const float *b)
{
    const size_t h = layer->shape->n_units;
    if (!is_learned(layer, part)) {
        return;
    }
    float *d = pass->bp->gradients + layer->offsets[initial[part]];
    for (size_t lane = 0; lane < pass->window->n_lanes[0]; lane++) {
        const size_t at = lane * layer->hp;
        for (size_t k = 0; k < h; k++) {
            d[k] += a[at + k] + (b ? b[at + k] : 0);
        }
    }
}

/* Gradients by the states after the rows of a step that are marked. */
static void add_marked(const struct backprop_pass *pass, const struct backprop_layer *layer,
                       size_t first_row, size_t n_rows)
{
    const struct backprop_recurrent *r = &layer->recurrent;
    const struct backprop_window *window = pass->window;
    const size_t h = layer->shape->n_units;
    for (size_t lane = 0; window->marks && lane < n_rows; lane++) {
        const size_t mark = window->marks[first_row + lane];
        if (mark == SIZE_MAX) {
            continue;
        }
        const float *d = window->d_marked_states + mark * pass->bp->n_states + layer->at_state;
        for (size_t k = 0; k < h; k++) {
            r->d_h[lane * layer->hp + k] += d[k];
        }
        for (size_t k = 0; r->d_c && k < h; k++) {
            r->d_c[lane * layer->hp + k] += d[h + k];
        }
    }
}

static void run_back(const struct backprop_pass *pass, const struct backprop_layer *layer,
                     const float *d_out)
{
    const struct backprop *bp = pass->bp;
    const struct backprop_chunk *chunk = pass->chunk;
    const struct backprop_recurrent *r = &layer->recurrent;
    const bool wants_first = has_learned_state(pass, layer) || bp->options.passes_to_input;
    size_t hp = layer->hp, in_chunk = chunk->n_rows;
    for (size_t k = chunk->n_steps; k-- > 0;) {
        size_t step = chunk->first_step + k, n_rows = pass->window->n_lanes[step];
        in_chunk -= n_rows;
        add_marked(pass, layer, chunk->first_row + in_chunk, n_rows);
        size_t here = (chunk->first_row + in_chunk) * hp;
        size_t back = backprop_lanes_before(pass->window, step) * hp;
        const struct k_backward_step backward = {
            .layer = &r->back,
            .n_rows = n_rows,
            .kept = r->kept + here * r->cell->n_kept,
            .h_in = r->h + here - back,
            .h_out = r->h + here,
            .c_in = r->c ? r->c + here - back : NULL,
            .c_out = r->c ? r->c + here : NULL,
            .d_out = d_out + in_chunk * hp,
            .d_h = r->d_h,
            .d_hu = r->d_hu,
            .d_c = r->d_c,
            .deltas = bp->deltas + in_chunk * r->ld_deltas,
            .ld_deltas = r->ld_deltas,
            .sums = r->sums,
            .reset_h = r->cell->resets_before ? bp->scratch + in_chunk * hp : NULL,
            .is_first = step == 0 && !wants_first,
        };
        bp->ops->train->backward(&backward);
    }
}

/* The states before each row of the chunk, as rows that follow each other: those that do so
 * already, or copies. */
static const float *states_before(const struct backprop_pass *pass,
                                  const struct backprop_layer *layer)
{
    const struct backprop_chunk *chunk = pass->chunk;
    const struct backprop_window *window = pass->window;
    size_t hp = layer->hp, last = chunk->first_step + chunk->n_steps - 1;
    size_t n_before = backprop_lanes_before(window, chunk->first_step);
    const float *from = layer->recurrent.h + chunk->first_row * hp;
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

/* Sums over the chunk's rows: of n deltas from plane `plane` on with m values. */
static void add_outer(const struct backprop_pass *pass, const struct backprop_layer *layer,
                      const float *values, size_t ld, size_t m, size_t plane, size_t n, float *sums)
{
    const struct backprop_recurrent *r = &layer->recurrent;
    const struct k_outer outer = { .n_rows = pass->chunk->n_rows,
                                   .m = m,
                                   .n = n * layer->hp,
                                   .a = values,
                                   .b = pass->bp->deltas + plane * layer->hp,
                                   .lda = ld,
                                   .ldb = r->ld_deltas,
                                   .c = sums,
                                   .ldc = r->cell->n_gates * layer->hp };
    k_add_outer(pass->bp->ops, &outer);
}

/* Sums of the gradients by the weights. */
static void add_weights(const struct backprop_pass *pass, const struct backprop_layer *layer,
                        const struct backprop_rows *rows)
{
    const struct backprop_recurrent *r = &layer->recurrent;
    const struct k_planes *planes = &r->cell->planes;
    const size_t i = layer->shape->n_inputs, h = layer->shape->n_units, hp = layer->hp;
    add_outer(pass, layer, rows->in, rows->ld_in, i, planes->x_first, r->cell->n_gates, r->d_w);
    add_outer(pass, layer, states_before(pass, layer), hp, h, 0, planes->n_u, r->d_u);
    if (r->cell->resets_before) {
        add_outer(pass, layer, pass->bp->scratch, hp, h, planes->n_u, 1, r->d_u + planes->n_u * hp);
    }
}

static void backward(const struct backprop_pass *pass, const struct backprop_layer *layer,
                     const struct backprop_rows *rows)
{
    const struct backprop *bp = pass->bp;
    const struct backprop_recurrent *r = &layer->recurrent;
    run_back(pass, layer, rows->d_out);
    if (pass->chunk->first_step == 0 && has_learned_state(pass, layer)) {
        add_by_first(pass, layer, 0, r->d_h, r->d_hu);
        add_by_first(pass, layer, 1, r->d_c, NULL);
    }
    if (!bp->options.input_only) {
        add_weights(pass, layer, rows);
    }
    if (layer->passes_back) {
        bp->ops->train->back_project(&r->back.wt, pass->chunk->n_rows,
                                     bp->deltas + r->cell->planes.x_first * layer->hp, r->ld_deltas,
                                     rows->d_in, rows->ld_d_in);
    }
}

/* ---- sums ---- */

static void clear_floats(float *values, size_t n)
{
    if (values) {
        memset(values, 0, n * sizeof *values);
    }
}

static void clear(const struct backprop *bp, const struct backprop_layer *layer)
{
    const struct backprop_recurrent *r = &layer->recurrent;
    const size_t state = bp->options.lanes_max * layer->hp, n = r->cell->n_gates * layer->hp;
    clear_floats(r->sums, r->cell->planes.n * layer->hp);
    clear_floats(r->d_w, layer->shape->n_inputs * n);
    clear_floats(r->d_u, layer->shape->n_units * n);
    clear_floats(r->d_h, state);
    clear_floats(r->d_hu, state);
    clear_floats(r->d_c, state);
}

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
                        size_t tensor, const unsigned char *planes)
{
    const size_t h = layer->shape->n_units;
    float *to = backprop_gradient(bp, layer, tensor);
    for (size_t gate = 0; to && gate < layer->recurrent.cell->n_gates; gate++) {
        memcpy(to + gate * h, layer->recurrent.sums + planes[gate] * layer->hp, h * sizeof *to);
    }
}

static void gather(const struct backprop *bp, const struct backprop_layer *layer)
{
    const struct backprop_recurrent *r = &layer->recurrent;
    const struct k_planes *planes = &r->cell->planes;
    const size_t i = layer->shape->n_inputs, h = layer->shape->n_units, hp = layer->hp;
    const size_t ld = r->cell->n_gates * hp;
    float *d_w = backprop_gradient(bp, layer, RECURRENT_WEIGHT_IH);
    float *d_u = backprop_gradient(bp, layer, RECURRENT_WEIGHT_HH);
    for (size_t gate = 0; gate < r->cell->n_gates; gate++) {
        transpose(r->d_w + (planes->x[gate] - planes->x_first) * hp, i, h, ld, d_w + gate * h * i);
        transpose(r->d_u + planes->u[gate] * hp, h, h, ld, d_u + gate * h * h);
    }
    gather_bias(bp, layer, RECURRENT_BIAS_IH, planes->bias_x);
    gather_bias(bp, layer, RECURRENT_BIAS_HH, planes->bias_u);
}

const struct backprop_family backprop_recurrent_family = {
    .keeps_rows = true,
    .has_padded_rows = true,
    .describe = describe,
    .needs = needs,
    .cut = cut,
    .pack = pack,
    .load_state = load_state,
    .store_state = store_state,
    .store_first = store_first,
    .forward = forward,
    .backward = backward,
    .clear = clear,
    .gather = gather,
};
