/*
 * Roll-outs, forwards and backwards; see horizon.h.
 *
 * In block k an origin's output a has the raw forecasts y = std a + mean + b, where b is the last
 * reading before the block of the input that a residual output feeds, else 0. They are the readings
 * of the next block: what the network sees is (y - mean_i) / std_i, and b becomes the last y of its
 * input. Gradients go back the same way: G by y is the loss's own, 1 / std_i of that by what the
 * network saw, and that by the next b, which is the sum of the next block's G. Sums are in double,
 * because a raw value has more digits than a float.
 */
#include "engine/train/horizon.h"
#include "engine/activation.h"
#include "engine/readings.h"
#include "engine/train/scaling_fit.h"

#include <math.h>
#include <string.h>

size_t gru_horizon_first(const struct horizon *horizon, size_t k)
{
    size_t n = 0;
    for (size_t j = 0; j < k; j++) {
        n += horizon->n_of[j];
    }
    return n;
}

/* ---- origins ---- */

/* Blocks whose readings are in the lane, up to the last that has targets; 0: none has. */
static size_t blocks_from(const struct horizon *horizon, const struct dataset_lane *lane, size_t t)
{
    const size_t steps = horizon->dataset->info->steps, n_most = horizon->sizes.n_blocks;
    size_t n = (lane->n_known - 1 - t) / steps + 1;
    n = n < n_most ? n : n_most;
    while (n > 0 && !gru_dataset_may_have_targets(horizon->dataset, lane, t + (n - 1) * steps)) {
        n--;
    }
    return n;
}

/* The lanes and rows of a window that are origins, in their order. */
struct origins {
    const struct horizon *horizon;
    const struct horizon_window *window;
    size_t step, lane, first_row;
};

/* The next one that has blocks; false: there are no more. */
static bool next_origin(struct origins *at, struct horizon_origin *ret_origin)
{
    const struct horizon_window *window = at->window;
    for (; at->step < window->n_steps; at->step++, at->lane = 0) {
        const bool is_one = at->step % at->horizon->sizes.spacing == window->phase;
        for (; is_one && at->lane < window->n_lanes[at->step]; at->lane++) {
            const size_t t = window->t + at->step;
            const struct dataset_lane *lane = &window->lanes[at->lane];
            const size_t n = t < lane->n_burned ? 0 : blocks_from(at->horizon, lane, t);
            if (n > 0) {
                *ret_origin = (struct horizon_origin){ at->first_row + at->lane, at->lane, t, n };
                at->lane++;
                return true;
            }
        }
        at->first_row += window->n_lanes[at->step];
    }
    return false;
}

/* Longest first, those of one length in their order: n_of is counted, and where each length begins
 * is kept in n_lanes' place meanwhile. */
void gru_horizon_begin(struct horizon *horizon, const struct horizon_window *window)
{
    const size_t n_blocks = horizon->sizes.n_blocks, steps = horizon->dataset->info->steps;
    struct horizon_origin origin;
    memset(horizon->n_of, 0, (n_blocks + 1) * sizeof *horizon->n_of);
    for (size_t row = 0; row < horizon->sizes.n_window_rows; row++) {
        horizon->marks[row] = SIZE_MAX;
    }
    for (struct origins at = { horizon, window, 0, 0, 0 }; next_origin(&at, &origin);) {
        horizon->n_of[origin.n_blocks - 1]++;
    }
    for (size_t k = n_blocks - 1; k > 0; k--) {
        horizon->n_of[k - 1] += horizon->n_of[k];
    }
    for (size_t k = n_blocks; k > 0; k--) { /* the places behind those that are longer */
        size_t place = horizon->n_of[k];
        for (struct origins at = { horizon, window, 0, 0, 0 };
             place < horizon->n_of[k - 1] && next_origin(&at, &origin);) {
            if (origin.n_blocks == k) {
                horizon->origins[place++] = origin;
            }
        }
    }
    for (size_t j = 0; j < horizon->n_of[0]; j++) {
        horizon->marks[horizon->origins[j].row] = j;
    }
    for (size_t step = 0; step < horizon->sizes.n_steps; step++) {
        horizon->n_lanes[step] = horizon->n_of[step / steps + 1];
    }
}

/* ---- forwards ---- */

/* Where each output begins: at the reading of the row behind which the roll-out begins. */
static void take_first_bases(struct horizon *horizon, const struct horizon_window *window)
{
    const struct gru_info *info = horizon->seen->info;
    for (size_t j = 0; j < horizon->n_of[0]; j++) {
        const struct horizon_origin *origin = &horizon->origins[j];
        const struct dataset_lane *lane = &window->lanes[origin->lane];
        for (size_t o = 0; o < info->n_outputs; o++) {
            const int fed = info->residual ? info->outputs[o].feeds : -1;
            horizon->base[j * info->n_outputs + o] =
                fed >= 0 ? gru_dataset_seen(horizon->dataset, lane, origin->t, (size_t)fed) : 0;
        }
    }
}

/* An output's target in the network's units; NaN: there is none. */
static float target_at(const struct horizon *horizon, const struct horizon_window *window, size_t k,
                       size_t j, size_t column)
{
    const struct gru_info *info = horizon->dataset->info;
    const struct horizon_origin *origin = &horizon->origins[j];
    const size_t o = column % info->n_outputs;
    const size_t ahead = k * info->steps + column / info->n_outputs + 1;
    if (ahead > horizon->dataset->training->hyperparameters.horizon_loss) {
        return NAN;
    }
    const double raw = (double)gru_dataset_raw_target(
        horizon->dataset, &window->lanes[origin->lane], origin->t + k * info->steps, column);
    const double base = horizon->base[j * info->n_outputs + o];
    return (float)((raw - base - info->outputs[o].mean) / info->outputs[o].std);
}

/* Block k, whose z is there: what it gives, what is lost, and its raw forecasts. */
static void take_block(struct horizon *horizon, const struct horizon_window *window, size_t k,
                       struct loss_sum *sum)
{
    const struct gru_info *info = horizon->dataset->info;
    const struct loss_terms terms = gru_dataset_loss(horizon->dataset);
    const size_t n = horizon->n_of[k], at = gru_horizon_first(horizon, k) * info->y_floats;
    float *a = horizon->a + at, *targets = horizon->targets + at;
    memcpy(a, horizon->z + at, n * info->y_floats * sizeof *a);
    gru_activate_output(info, a, n, info->y_floats);
    for (size_t i = 0; i < n * info->y_floats; i++) {
        const size_t j = i / info->y_floats, column = i % info->y_floats;
        const size_t o = column % info->n_outputs;
        const struct gru_variable *output = &horizon->seen->info->outputs[o];
        targets[i] = target_at(horizon, window, k, j, column);
        horizon->raw[i] =
            output->std * (double)a[i] + output->mean + horizon->base[j * info->n_outputs + o];
        if (horizon->seen != horizon->dataset && gru_fits_output(horizon->dataset, o)) {
            a[i] = gru_express_output(output, &info->outputs[o], a[i]);
            horizon->z[at + i] = a[i];
        }
        if (!isnan(targets[i])) {
            const double weight = gru_output_weight(&terms, column);
            sum->loss += weight * gru_loss_of_one(terms.loss, (double)a[i] - (double)targets[i]);
            sum->weight += weight;
            sum->n++;
        }
    }
}

/* Where block k's rows begin among those behind the origins, from block 1 on. */
static size_t first_row(const struct horizon *horizon, size_t k)
{
    const size_t n_before = gru_horizon_first(horizon, k) - horizon->n_of[0];
    return n_before * horizon->dataset->info->steps;
}

/* What the network sees in block k: the forecasts before it, and the others' own readings. */
static void feed_back(struct horizon *horizon, const struct horizon_window *window, size_t k)
{
    const struct gru_info *info = horizon->seen->info;
    const size_t n = horizon->n_of[k];
    float *in = horizon->in + first_row(horizon, k) * info->n_inputs;
    for (size_t s = 0; s < info->steps; s++) {
        for (size_t j = 0; j < n; j++) {
            const struct horizon_origin *origin = &horizon->origins[j];
            const size_t t = origin->t + (k - 1) * info->steps + s + 1;
            const double *x = window->lanes[origin->lane].x + t * info->n_inputs;
            const double *y = horizon->raw + j * info->y_floats + s * info->n_outputs;
            for (size_t i = 0; i < info->n_inputs; i++) {
                const struct gru_variable *input = &info->inputs[i];
                const double raw = input->feeds >= 0 ? y[input->feeds] : x[i];
                *in++ = gru_normalise(input, gru_reading(info, raw));
            }
        }
    }
    for (size_t i = 0; info->residual && i < n * info->n_outputs; i++) {
        const int fed = info->outputs[i % info->n_outputs].feeds;
        const double *last = horizon->raw + i / info->n_outputs * info->y_floats +
                             (info->steps - 1) * info->n_outputs;
        horizon->base[i] = fed >= 0 ? gru_reading(info, last[info->inputs[fed].feeds]) : 0;
    }
}

static struct backprop_part part_of(const struct horizon *horizon, size_t k)
{
    const size_t steps = horizon->dataset->info->steps;
    return (struct backprop_part){ (k - 1) * steps, steps, first_row(horizon, k) };
}

/* Block k through the network: its last step's read-out is the block's. */
static void run_block(struct horizon *horizon, size_t k)
{
    const struct gru_info *info = horizon->dataset->info;
    const struct backprop_part part = part_of(horizon, k);
    const size_t n = horizon->n_of[k] * info->y_floats;
    gru_backprop_forward_part(horizon->backprop, &horizon->window, &part, horizon->out);
    memcpy(horizon->z + gru_horizon_first(horizon, k) * info->y_floats,
           horizon->out + (info->steps - 1) * n, n * sizeof *horizon->z);
}

struct loss_sum gru_horizon_forward(struct horizon *horizon, const struct horizon_window *window,
                                    const float *out, bool is_training, uint64_t dropout_key)
{
    const size_t y = horizon->dataset->info->y_floats;
    struct loss_sum sum = { 0 };
    horizon->window = (struct backprop_window){ .n_steps = horizon->sizes.n_steps,
                                                .n_lanes = horizon->n_lanes,
                                                .in = horizon->in,
                                                .states = horizon->states,
                                                .is_training = is_training,
                                                .dropout_key = dropout_key };
    for (size_t j = 0; j < horizon->n_of[0]; j++) {
        memcpy(horizon->z + j * y, out + horizon->origins[j].row * y, y * sizeof *out);
    }
    take_first_bases(horizon, window);
    take_block(horizon, window, 0, &sum);
    if (horizon->n_of[1] > 0) {
        gru_backprop_begin_forward(horizon->backprop, &horizon->window);
    }
    for (size_t k = 1; k < horizon->sizes.n_blocks && horizon->n_of[k] > 0; k++) {
        feed_back(horizon, window, k);
        run_block(horizon, k);
        take_block(horizon, window, k, &sum);
    }
    return sum;
}

/* ---- backwards ---- */

/* From G, the gradient by the raw forecasts of block k so far, to that by its z, which takes z's
 * place; and to that by what the forecasts were added to. */
static void undo_block(struct horizon *horizon, size_t k, double weight)
{
    const struct gru_info *info = horizon->dataset->info;
    const struct loss_terms terms = gru_dataset_loss(horizon->dataset);
    const size_t first = gru_horizon_first(horizon, k);
    for (size_t j = 0; j < horizon->n_of[k]; j++) {
        const size_t at = (first + j) * info->y_floats;
        float *z = horizon->z + at, *d = horizon->targets + at;
        double *d_raw = horizon->raw + j * info->y_floats;
        double *d_base = horizon->d_base + j * info->n_outputs;
        memset(d_base, 0, info->n_outputs * sizeof *d_base);
        for (size_t c = 0; c < info->y_floats; c++) {
            const struct gru_variable *output = &info->outputs[c % info->n_outputs];
            const double lost =
                isnan(d[c])
                    ? 0
                    : gru_output_weight(&terms, c) / weight *
                          gru_loss_slope(terms.loss, (double)horizon->a[at + c] - (double)d[c]);
            const double d_a = d_raw[c] * output->std + lost;
            d_base[c % info->n_outputs] += d_a / output->std;
            d[c] = (float)d_a;
        }
        gru_loss_undo_activation(info, horizon->a + at, z, d);
        memcpy(z, d, info->y_floats * sizeof *z);
    }
}

/* From the gradient by what block k saw to G of the block before it. */
static void undo_feeding(struct horizon *horizon, size_t k)
{
    const struct gru_info *info = horizon->dataset->info;
    const size_t n = horizon->n_of[k], n_before = horizon->n_of[k - 1];
    const float *d_in = horizon->d_in;
    memset(horizon->raw, 0, n_before * info->y_floats * sizeof *horizon->raw);
    for (size_t s = 0; s < info->steps; s++) {
        for (size_t j = 0; j < n; j++, d_in += info->n_inputs) {
            double *d_raw = horizon->raw + j * info->y_floats + s * info->n_outputs;
            for (size_t i = 0; i < info->n_inputs; i++) {
                const struct gru_variable *input = &info->inputs[i];
                if (input->feeds >= 0) {
                    d_raw[input->feeds] += (double)d_in[i] / input->std;
                }
            }
        }
    }
    for (size_t i = 0; info->residual && i < n * info->n_outputs; i++) {
        const int fed = info->outputs[i % info->n_outputs].feeds;
        double *last = horizon->raw + i / info->n_outputs * info->y_floats +
                       (info->steps - 1) * info->n_outputs;
        if (fed >= 0) {
            last[info->inputs[fed].feeds] += horizon->d_base[i];
        }
    }
}

/* Block k back through the network. */
static void run_back(struct horizon *horizon, size_t k)
{
    const struct gru_info *info = horizon->dataset->info;
    const struct backprop_part part = part_of(horizon, k);
    const size_t n = horizon->n_of[k] * info->y_floats, n_others = (info->steps - 1) * n;
    memset(horizon->d_out, 0, n_others * sizeof *horizon->d_out);
    memcpy(horizon->d_out + n_others, horizon->z + gru_horizon_first(horizon, k) * info->y_floats,
           n * sizeof *horizon->z);
    gru_backprop_backward_part(horizon->backprop, &horizon->window, &part, horizon->d_out,
                               horizon->d_in);
}

void gru_horizon_backward(struct horizon *horizon, double weight, size_t n_rows, float *d_out)
{
    const size_t y = horizon->dataset->info->y_floats;
    size_t k = horizon->sizes.n_blocks;
    while (k > 1 && horizon->n_of[k - 1] == 0) {
        k--;
    }
    memset(horizon->raw, 0, horizon->n_of[k - 1] * y * sizeof *horizon->raw);
    gru_backprop_begin_backward(horizon->backprop);
    for (; k > 1; k--) {
        undo_block(horizon, k - 1, weight);
        run_back(horizon, k - 1);
        undo_feeding(horizon, k - 1);
    }
    gru_backprop_end_backward(horizon->backprop);
    memset(horizon->d_states, 0,
           horizon->n_of[0] * horizon->sizes.n_state_floats * sizeof *horizon->d_states);
    if (horizon->n_of[1] > 0) {
        gru_backprop_first_gradients(horizon->backprop, &horizon->window, horizon->d_states);
    }
    undo_block(horizon, 0, weight);
    memset(d_out, 0, n_rows * y * sizeof *d_out);
    for (size_t j = 0; j < horizon->n_of[0]; j++) {
        memcpy(d_out + horizon->origins[j].row * y, horizon->z + j * y, y * sizeof *d_out);
    }
}
