#include "network.h"

#include "engine/layer_dense.h"
#include "engine/layer_norm.h"
#include "engine/layer_recurrent.h"
#include "engine/model.h"
#include "test.h"

#include <math.h>
#include <string.h>

enum { WIDEST = 512 };

/* One layer's weights and sizes; tensors that it lacks are NULL. */
struct level {
    const struct gru_layer *layer;
    bool before;
    size_t i, h;
    const double *tensors[LAYER_TENSORS_MAX];
    const double *w, *u, *b_w, *b_u; /* of a recurrent one */
};

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double dot(const double *row, const double *x, const double *factor, size_t n)
{
    double sum = 0;
    for (size_t k = 0; k < n; k++) {
        sum += row[k] * x[k] * (factor ? factor[k] : 1);
    }
    return sum;
}

static double w_part(const struct level *v, size_t gate, size_t unit, const double *x)
{
    size_t row = gate * v->h + unit;
    return dot(v->w + row * v->i, x, NULL, v->i) + (v->b_w ? v->b_w[row] : 0);
}

static double u_part(const struct level *v, size_t gate, size_t unit, const double *r,
                     const double *h)
{
    size_t row = gate * v->h + unit;
    return dot(v->u + row * v->h, h, r, v->h) + (v->b_u ? v->b_u[row] : 0);
}

static double logistic(const struct level *v, size_t gate, size_t unit, const double *x,
                       const double *h)
{
    return sigmoid(w_part(v, gate, unit, x) + u_part(v, gate, unit, NULL, h));
}

static void gru_step(const struct level *v, const double *x, double *h, double *out)
{
    double r[WIDEST], next[WIDEST];
    ck_assert_uint_le(v->h, WIDEST);
    for (size_t j = 0; j < v->h; j++) {
        r[j] = logistic(v, 0, j, x, h);
    }
    for (size_t j = 0; j < v->h; j++) {
        double z = logistic(v, 1, j, x, h);
        double inner = v->before ? u_part(v, 2, j, r, h) : r[j] * u_part(v, 2, j, NULL, h);
        next[j] = (1 - z) * tanh(w_part(v, 2, j, x) + inner) + z * h[j];
        out[j] = v->layer->shape.kind->id == GRU_LAYER_GRU
                     ? next[j]
                     : logistic(v, 3, j, x, h) * tanh(next[j]);
    }
    memcpy(h, next, v->h * sizeof *h);
}

static void three_gate_step(const struct level *v, const double *x, double *h, double *c,
                            double *out)
{
    for (size_t j = 0; j < v->h; j++) {
        double f = logistic(v, 0, j, x, h), i = logistic(v, 1, j, x, h),
               o = logistic(v, 3, j, x, h);
        size_t row = 2 * v->h + j;
        double bias = (v->b_w ? v->b_w[row] : 0) + (v->b_u ? v->b_u[row] : 0);
        double inner =
            dot(v->w + row * v->i, x, NULL, v->i) + dot(v->u + row * v->h, h, NULL, v->h);
        double memory = tanh(f * inner + bias);
        out[j] = f * h[j] + i * memory + o * c[j];
        c[j] = memory;
    }
    memcpy(h, out, v->h * sizeof *h);
}

static void lstm_step(const struct level *v, const double *x, double *h, double *c, double *out)
{
    for (size_t j = 0; j < v->h; j++) {
        double i = logistic(v, 0, j, x, h), f = logistic(v, 1, j, x, h);
        double g = tanh(w_part(v, 2, j, x) + u_part(v, 2, j, NULL, h));
        c[j] = f * c[j] + i * g;
        out[j] = logistic(v, 3, j, x, h) * tanh(c[j]);
    }
    memcpy(h, out, v->h * sizeof *h);
}

/* ---- layers without a state ---- */

static double activated(enum gru_activation activation, double z)
{
    const double alpha = 1.6732632423543772, scale = 1.0507009873554805;
    switch (activation) {
    case GRU_SIGMOID:
        return sigmoid(z);
    case GRU_TANH:
        return tanh(z);
    case GRU_RELU:
        return z > 0 ? z : 0;
    case GRU_LEAKY_RELU:
        return z > 0 ? z : 0.01 * z;
    case GRU_ELU:
        return z > 0 ? z : exp(z) - 1;
    case GRU_SELU:
        return scale * (z > 0 ? z : alpha * (exp(z) - 1));
    case GRU_GELU:
        return z / 2 * (1 + erf(z / sqrt(2)));
    case GRU_SILU:
        return z * sigmoid(z);
    case GRU_SOFTPLUS:
        return log(1 + exp(z));
    default:
        return z;
    }
}

static double tensor_or(const struct level *v, size_t tensor, size_t k, double otherwise)
{
    return v->tensors[tensor] ? v->tensors[tensor][k] : otherwise;
}

static void norm_row(const struct level *v, const double *x, double *out)
{
    const double n = (double)v->h, eps = (double)v->layer->shape.eps;
    const bool is_batch = v->layer->shape.kind->id == GRU_LAYER_BATCH_NORM;
    double mean = 0, variance = 0;
    for (size_t k = 0; k < v->h; k++) {
        mean += x[k] / n;
    }
    for (size_t k = 0; k < v->h; k++) {
        variance += (x[k] - mean) * (x[k] - mean) / n;
    }
    for (size_t k = 0; k < v->h; k++) {
        if (is_batch) { /* statistics are no parameters */
            mean = (double)v->layer->tensors[NORM_MEAN].values[k];
            variance = (double)v->layer->tensors[NORM_VARIANCE].values[k];
        }
        out[k] = (x[k] - mean) / sqrt(variance + eps) * tensor_or(v, NORM_WEIGHT, k, 1) +
                 tensor_or(v, NORM_BIAS, k, 0);
    }
}

static void dense_row(const struct level *v, const double *x, double *out)
{
    for (size_t k = 0; k < v->h; k++) {
        out[k] = dot(v->tensors[DENSE_WEIGHT] + k * v->i, x, NULL, v->i) +
                 tensor_or(v, DENSE_BIAS, k, 0);
    }
}

static void activation_row(const struct level *v, const double *x, double *out)
{
    for (size_t k = 0; k < v->h; k++) {
        out[k] = activated(v->layer->shape.activation, x[k]);
    }
}

/* ---- the whole ---- */

static void run_level(const struct level *v, const double *x, double *state, double *out)
{
    switch (v->layer->shape.kind->id) {
    case GRU_LAYER_GRU:
    case GRU_LAYER_OUTPUT_GATE:
        gru_step(v, x, state, out);
        break;
    case GRU_LAYER_THREE_GATE:
        three_gate_step(v, x, state, state + v->h, out);
        break;
    case GRU_LAYER_LSTM:
        lstm_step(v, x, state, state + v->h, out);
        break;
    case GRU_LAYER_DENSE:
        dense_row(v, x, out);
        break;
    case GRU_LAYER_ACTIVATION:
        activation_row(v, x, out);
        break;
    default:
        norm_row(v, x, out);
    }
}

static void read_levels(const struct network *network, struct level *levels)
{
    const double *cursor = network->parameters;
    for (size_t l = 0; l < network->model->n_layers; l++) {
        const struct gru_layer *layer = &network->model->layers[l];
        struct level *v = &levels[l];
        *v = (struct level){ .layer = layer,
                             .before = layer->shape.reset == GRU_RESET_BEFORE,
                             .i = layer->shape.n_inputs,
                             .h = layer->shape.n_units };
        for (size_t k = 0; k < layer->shape.kind->n_tensors; k++) {
            if (layer->tensors[k].values && !layer->shape.kind->tensors[k].is_statistic) {
                v->tensors[k] = cursor;
                cursor += gru_tensor_floats(&layer->tensors[k]);
            }
        }
        v->w = v->tensors[RECURRENT_WEIGHT_IH];
        v->u = v->tensors[RECURRENT_WEIGHT_HH];
        v->b_w = v->tensors[RECURRENT_BIAS_IH];
        v->b_u = v->tensors[RECURRENT_BIAS_HH];
    }
}

/* A lane's state before its first row. */
static void begin_lane(const struct network *network, const struct level *levels, double *state)
{
    for (size_t l = 0; l < network->model->n_layers; l++) {
        const struct level *v = &levels[l];
        for (size_t part = 0; part < v->layer->shape.kind->n_states; part++, state += v->h) {
            for (size_t k = 0; k < v->h; k++) {
                state[k] = tensor_or(v, RECURRENT_INITIAL_H + part, k, 0);
            }
        }
    }
}

/* One row through all layers; what the last one gives is left in x. */
static void run_row(const struct network *network, const struct level *levels, size_t n_rows,
                    size_t row, double *state, double *x)
{
    const size_t n_layers = network->model->n_layers;
    for (size_t l = 0; l < n_layers; l++) {
        const struct level *v = &levels[l];
        const size_t n_states = v->layer->shape.kind->n_states;
        const bool may_drop = network->masks && n_states > 0 && l + 1 < n_layers;
        double out[WIDEST];
        run_level(v, x, state, out);
        state += n_states * v->h;
        for (size_t j = 0; j < v->h; j++) {
            x[j] =
                out[j] * (may_drop ? network->masks[(l * n_rows + row) * network->widest + j] : 1);
        }
    }
}

void network_run(const struct network *network, size_t n_steps, const size_t *n_lanes,
                 const float *in, double *states, double *out)
{
    const struct gru_info *info = &network->model->info;
    struct level levels[LAYER_CHAIN_MAX];
    size_t n_state = gru_state_last_offset(network->model), n_rows = 0, row = 0;
    read_levels(network, levels);
    for (size_t t = 0; t < n_steps; t++) {
        n_rows += n_lanes[t];
    }
    for (size_t lane = 0; network->begins && lane < n_lanes[0]; lane++) {
        begin_lane(network, levels, states + lane * n_state);
    }
    for (size_t t = 0; t < n_steps; t++) {
        for (size_t lane = 0; lane < n_lanes[t]; lane++, row++) {
            double x[WIDEST];
            for (size_t k = 0; k < info->n_inputs; k++) {
                x[k] = (double)in[row * info->n_inputs + k];
            }
            run_row(network, levels, n_rows, row, states + lane * n_state, x);
            memcpy(out + row * info->y_floats, x, info->y_floats * sizeof *out);
        }
    }
}
