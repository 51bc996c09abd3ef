#include "reference.h"

#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void fill_random(float *values, size_t n, float scale, unsigned seed)
{
    unsigned long state = seed * 2654435761UL + 12345;
    for (size_t i = 0; i < n; i++) {
        state = state * 6364136223846793005UL + 1442695040888963407UL;
        values[i] = scale * ((float)(state >> 40) / (float)(1 << 23) - 1.0f);
    }
}

float *new_floats(size_t n)
{
    float *values = aligned_alloc(64, (n * sizeof *values + 127) / 64 * 64);
    ck_assert_ptr_nonnull(values);
    for (size_t i = 0; i < n; i++) {
        values[i] = NAN;
    }
    return values;
}

static void pack_cell(struct cell *cell)
{
    const size_t g = cell->n_gates, h = cell->h, n = g * cell->hp;
    float *wx = new_floats(k_packed_floats(n, cell->i));
    float *uh = new_floats(k_packed_floats(n, h));
    float *bias_x = new_floats(n), *bias_n = new_floats(cell->hp);
    k_pack_gates(cell->w, g, h, cell->i, wx);
    k_pack_gates(cell->u, g, h, h, uh);
    k_pack_biases(cell->kind, h, cell->bias_w, cell->bias_u, bias_x, bias_n);
    cell->layer = (struct k_layer){
        .cell = cell->kind,
        .i = cell->i,
        .h = h,
        .wx = { .n = n, .k = cell->i, .packed = wx },
        .uh = { .n = n, .k = h, .packed = uh },
        .bias_x = bias_x,
        .bias_n = bias_n,
    };
}

void cell_create(struct cell *cell, enum k_cell kind, size_t i, size_t h)
{
    const size_t g = k_n_gates(kind);
    *cell = (struct cell){ .kind = kind, .i = i, .h = h, .hp = k_padded(h), .n_gates = g };
    cell->w = new_floats(g * h * i);
    cell->u = new_floats(g * h * h);
    cell->bias_w = new_floats(g * h);
    cell->bias_u = new_floats(g * h);
    fill_random(cell->w, g * h * i, 1.0f, 1);
    fill_random(cell->u, g * h * h, 1.5f / sqrtf((float)h), 2);
    fill_random(cell->bias_w, g * h, 0.5f, 3);
    fill_random(cell->bias_u, g * h, 0.5f, 4);
    pack_cell(cell);
}

void cell_free(struct cell *cell)
{
    free(cell->w);
    free(cell->u);
    free(cell->bias_w);
    free(cell->bias_u);
    free(cell->layer.wx.packed);
    free(cell->layer.uh.packed);
    free((void *)(uintptr_t)cell->layer.bias_x);
    free((void *)(uintptr_t)cell->layer.bias_n);
}

static double dot(const float *row, const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)row[i] * (double)x[i];
    }
    return sum;
}

static double dot_state(const float *row, const double *r, const double *h, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)row[i] * (r ? r[i] * h[i] : h[i]);
    }
    return sum;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* W x and U h of a gate's unit, without biases. */
static double wx(const struct cell *cell, size_t gate, size_t unit, const float *x)
{
    return dot(cell->w + (gate * cell->h + unit) * cell->i, x, cell->i);
}

static double uh(const struct cell *cell, size_t gate, size_t unit, const double *r,
                 const double *h)
{
    return dot_state(cell->u + (gate * cell->h + unit) * cell->h, r, h, cell->h);
}

static double bias(const struct cell *cell, size_t gate, size_t unit)
{
    size_t j = gate * cell->h + unit;
    return (double)cell->bias_w[j] + (double)cell->bias_u[j];
}

static double logistic_gate(const struct cell *cell, size_t gate, size_t unit, const float *x,
                            const double *h)
{
    return sigmoid(wx(cell, gate, unit, x) + uh(cell, gate, unit, NULL, h) +
                   bias(cell, gate, unit));
}

static void gru_step(const struct cell *cell, const float *x, double *h, double *out)
{
    const size_t n = cell->h;
    bool before = cell->kind == K_GRU_BEFORE || cell->kind == K_OUTPUT_GATE_BEFORE;
    double *r = malloc(n * sizeof *r), *next = malloc(n * sizeof *next);
    for (size_t j = 0; j < n; j++) {
        r[j] = logistic_gate(cell, 0, j, x, h);
    }
    for (size_t j = 0; j < n; j++) {
        double z = logistic_gate(cell, 1, j, x, h), candidate;
        if (before) {
            candidate = tanh(wx(cell, 2, j, x) + uh(cell, 2, j, r, h) + bias(cell, 2, j));
        } else {
            double inner = uh(cell, 2, j, NULL, h) + (double)cell->bias_u[2 * n + j];
            candidate = tanh(wx(cell, 2, j, x) + (double)cell->bias_w[2 * n + j] + r[j] * inner);
        }
        next[j] = (1 - z) * candidate + z * h[j];
        out[j] = cell->n_gates == 3 ? next[j] : logistic_gate(cell, 3, j, x, h) * tanh(next[j]);
    }
    memcpy(h, next, n * sizeof *h);
    free(next);
    free(r);
}

static void three_gate_step(const struct cell *cell, const float *x, double *h, double *c,
                            double *out)
{
    const size_t n = cell->h;
    for (size_t j = 0; j < n; j++) {
        double f = logistic_gate(cell, 0, j, x, h), i = logistic_gate(cell, 1, j, x, h);
        double o = logistic_gate(cell, 3, j, x, h);
        double p = wx(cell, 2, j, x) + uh(cell, 2, j, NULL, h);
        double memory = tanh(f * p + bias(cell, 2, j));
        out[j] = f * h[j] + i * memory + o * c[j];
        c[j] = memory;
    }
    memcpy(h, out, n * sizeof *h);
}

static void lstm_step(const struct cell *cell, const float *x, double *h, double *c, double *out)
{
    const size_t n = cell->h;
    for (size_t j = 0; j < n; j++) {
        double i = logistic_gate(cell, 0, j, x, h), f = logistic_gate(cell, 1, j, x, h);
        double g = tanh(wx(cell, 2, j, x) + uh(cell, 2, j, NULL, h) + bias(cell, 2, j));
        c[j] = f * c[j] + i * g;
        out[j] = logistic_gate(cell, 3, j, x, h) * tanh(c[j]);
    }
    memcpy(h, out, n * sizeof *h);
}

void cell_step(const struct cell *cell, const float *x, double *h, double *c, double *out)
{
    if (cell->kind == K_LSTM) {
        lstm_step(cell, x, h, c, out);
    } else if (cell->kind == K_THREE_GATE) {
        three_gate_step(cell, x, h, c, out);
    } else {
        gru_step(cell, x, h, out);
    }
}

void cell_run(const struct k_ops *ops, const struct cell *cell, size_t n_steps, size_t n_rows,
              const float *x, float *y, float *h, float *c, bool by_step)
{
    const size_t state = n_rows * cell->hp, pre_step = cell->n_gates * state;
    const bool gated_output =
        cell->kind == K_OUTPUT_GATE_AFTER || cell->kind == K_OUTPUT_GATE_BEFORE;
    float *pre = new_floats(n_steps * pre_step), *h_next = new_floats(state);
    float *scratch = new_floats(k_recur_scratch(&cell->layer, n_rows));
    if (!by_step) {
        ops->project(&cell->layer, n_steps * n_rows, x, cell->i, pre);
    }
    memset(h, 0, state * sizeof *h);
    if (k_cells[cell->kind].has_memory) {
        memset(c, 0, state * sizeof *c);
    }
    for (size_t t = 0; t < n_steps; t++) {
        for (size_t row = 0; by_step && row < n_rows; row++) {
            size_t at = t * n_rows + row;
            ops->project(&cell->layer, 1, x + at * cell->i, cell->i,
                         pre + at * cell->n_gates * cell->hp);
        }
        ops->recur(&cell->layer, n_rows, pre + t * pre_step, h, h_next,
                   k_cells[cell->kind].has_memory ? c : NULL, gated_output ? y + t * state : NULL,
                   scratch);
        memcpy(h, h_next, state * sizeof *h);
        if (!gated_output) {
            memcpy(y + t * state, h, state * sizeof *h);
        }
    }
    free(scratch);
    free(h_next);
    free(pre);
}
