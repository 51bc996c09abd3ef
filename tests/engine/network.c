#include "network.h"

#include "engine/layer_dense.h"
#include "engine/layer_recurrent.h"
#include "engine/model.h"
#include "test.h"

#include <math.h>
#include <string.h>

enum { WIDEST = 512 };

/* One layer's weights and sizes; biases may be NULL. */
struct level {
    enum gru_layer_kind cell;
    bool before;
    size_t i, h;
    const double *w, *u, *b_w, *b_u;
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
        out[j] = v->cell == GRU_LAYER_GRU ? next[j] : logistic(v, 3, j, x, h) * tanh(next[j]);
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

static const double *next_tensor(const double **cursor, const struct gru_tensor *tensor)
{
    if (!tensor->values) {
        return NULL;
    }
    const double *values = *cursor;
    *cursor += tensor->rows * (tensor->columns ? tensor->columns : 1);
    return values;
}

static const double *levels_of(const struct network *network, struct level *levels)
{
    const struct gru_info *info = &network->model->info;
    const double *cursor = network->parameters;
    for (size_t l = 0; l < info->n_layers; l++) {
        const struct gru_tensor *tensors = network->model->layers[l].tensors;
        levels[l] = (struct level){ .cell = info->layers[l].kind,
                                    .before = info->layers[l].reset == GRU_RESET_BEFORE,
                                    .i = info->layers[l].input_size,
                                    .h = info->layers[l].hidden_size };
        levels[l].w = next_tensor(&cursor, &tensors[RECURRENT_WEIGHT_IH]);
        levels[l].u = next_tensor(&cursor, &tensors[RECURRENT_WEIGHT_HH]);
        levels[l].b_w = next_tensor(&cursor, &tensors[RECURRENT_BIAS_IH]);
        levels[l].b_u = next_tensor(&cursor, &tensors[RECURRENT_BIAS_HH]);
    }
    return cursor;
}

/* One row through all layers; what the read-out sees is left in x. */
static void run_row(const struct network *network, const struct level *levels, size_t n_rows,
                    size_t row, double *state, double *x)
{
    double out[WIDEST];
    for (size_t l = 0; l < network->model->info.n_layers; l++) {
        const struct level *v = &levels[l];
        if (v->cell == GRU_LAYER_THREE_GATE || v->cell == GRU_LAYER_LSTM) {
            (v->cell == GRU_LAYER_LSTM ? lstm_step : three_gate_step)(v, x, state, state + v->h,
                                                                      out);
            state += 2 * v->h;
        } else {
            gru_step(v, x, state, out);
            state += v->h;
        }
        for (size_t j = 0; j < v->h; j++) {
            double mask =
                network->masks ? network->masks[(l * n_rows + row) * network->widest + j] : 1;
            x[j] = out[j] * mask;
        }
    }
}

void network_run(const struct network *network, size_t n_steps, const size_t *n_lanes,
                 const float *in, double *states, double *out)
{
    const struct gru_info *info = &network->model->info;
    struct level levels[GRU_LAYERS_MAX];
    const double *head = levels_of(network, levels);
    size_t n_state = gru_state_last_offset(network->model),
           width = info->layers[info->n_layers - 1].hidden_size;
    const double *bias = gru_model_read_out(network->model)->tensors[DENSE_BIAS].values
                             ? head + info->y_floats * width
                             : NULL;
    size_t n_rows = 0, row = 0;
    for (size_t t = 0; t < n_steps; t++) {
        n_rows += n_lanes[t];
    }
    for (size_t t = 0; t < n_steps; t++) {
        for (size_t lane = 0; lane < n_lanes[t]; lane++, row++) {
            double x[WIDEST];
            for (size_t k = 0; k < info->n_inputs; k++) {
                x[k] = (double)in[row * info->n_inputs + k];
            }
            run_row(network, levels, n_rows, row, states + lane * n_state, x);
            for (size_t k = 0; k < info->y_floats; k++) {
                out[row * info->y_floats + k] =
                    dot(head + k * width, x, NULL, width) + (bias ? bias[k] : 0);
            }
        }
    }
}
