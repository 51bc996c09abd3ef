/* Numbers below FLT_MIN are zero between the two calls, in every table that this processor can run.
 */
#include "flush_mode.h"
#include "kernels/flush.h"
#include "reference.h"
#include "test.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the mode ---- */

TEST(denormals_are_zero_only_in_between)
{
    volatile float small = FLT_MIN, tiny = FLT_TRUE_MIN, large = 1e38F;
    const uint64_t before = k_flush_begin();
    volatile float half = small / 2, product = tiny * large;
    k_flush_end(before);
    volatile float half_after = small / 2, product_after = tiny * large;
    ck_assert((half == 0.0F && product == 0.0F) || !flush_mode_exists());
    ck_assert(half_after > 0.0F && product_after > 0.0F);
}

TEST(the_inner_of_two_leaves_the_mode_of_the_outer)
{
    const uint64_t none = flush_mode_now(), outer = k_flush_begin();
    const uint64_t set = flush_mode_now(), inner = k_flush_begin();
    k_flush_end(inner);
    ck_assert_uint_eq(flush_mode_now(), set);
    k_flush_end(outer);
    ck_assert_uint_eq(flush_mode_now(), none);
    ck_assert(set != none || !flush_mode_exists());
}

/* ---- operands ---- */

static bool is_denormal(float value)
{
    return fpclassify(value) == FP_SUBNORMAL;
}

/* Makes every third of some values denormal, or all of them; in `zeroed` they are zero instead, of
 * the same sign. */
static void make_small(float *values, float *zeroed, size_t n, bool all)
{
    for (size_t k = 0; k < n; k++) {
        if (all || k % 3 == 1) {
            const float sign = values[k] < 0 ? -1.0F : 1.0F;
            values[k] = sign * (k % 2 ? FLT_MIN / (float)(2 + k % 7) : FLT_TRUE_MIN);
            ck_assert(is_denormal(values[k]));
            zeroed[k] = sign * 0.0F;
        } else {
            zeroed[k] = values[k];
        }
    }
}

static void expect_same(const struct k_ops *ops, const char *what, const float *got,
                        const float *want, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        ck_assert_msg(memcmp(&got[k], &want[k], sizeof *got) == 0 && !is_denormal(got[k]),
                      "%s %s[%zu]: %a, and of zeros %a", ops->name, what, k, (double)got[k],
                      (double)want[k]);
    }
}

/* ---- cells ---- */

enum { ROWS_MAX = 9, N_KINDS_OF_SMALL = 5 };

/* A layer, and what one step of it takes and gives. */
struct layer_step {
    struct cell cell;
    float *x, *h, *c, *h_out, *out;
};

static void layer_step_create(struct layer_step *s, enum k_cell kind, size_t i, size_t h)
{
    cell_create(&s->cell, kind, i, h);
    const size_t n = ROWS_MAX * s->cell.hp;
    s->x = new_floats(ROWS_MAX * i);
    s->h = new_floats(n);
    s->c = new_floats(n);
    s->h_out = new_floats(n);
    s->out = new_floats(n);
    fill_random(s->x, ROWS_MAX * i, 2.0F, 5);
    fill_random(s->h, n, 1.0F, 6);
    fill_random(s->c, n, 1.0F, 7);
}

static void layer_step_free(struct layer_step *s)
{
    cell_free(&s->cell);
    free(s->x);
    free(s->h);
    free(s->c);
    free(s->h_out);
    free(s->out);
}

static void layer_step_run(const struct k_ops *ops, struct layer_step *s, size_t n_rows)
{
    struct cell *cell = &s->cell;
    struct k_layer *layer = &cell->layer;
    float *pre = new_floats(n_rows * cell->n_gates * cell->hp);
    float *scratch = new_floats(k_recur_scratch(layer, n_rows));
    const bool has_own_output = k_cells[cell->kind].has_own_output;
    k_pack_gates(cell->w, cell->n_gates, cell->h, cell->i, layer->wx.packed);
    k_pack_gates(cell->u, cell->n_gates, cell->h, cell->h, layer->uh.packed);
    k_pack_biases(cell->kind, cell->h, cell->bias_w, cell->bias_u, layer->bias_x, layer->bias_n);
    const uint64_t before = k_flush_begin();
    ops->project(layer, n_rows, s->x, cell->i, pre);
    ops->recur(layer, n_rows, pre, s->h, s->h_out, k_cells[cell->kind].has_memory ? s->c : NULL,
               has_own_output ? s->out : NULL, scratch);
    k_flush_end(before);
    free(pre);
    free(scratch);
}

/* Readings, states, weights, both biases, or all of them at once. */
static void spoil(struct layer_step *small, struct layer_step *zeroed, size_t which, bool all)
{
    const struct cell *cell = &small->cell, *zeros = &zeroed->cell;
    const size_t g = cell->n_gates, h = cell->h, n = ROWS_MAX * cell->hp;
    if (which == 0 || which == 4) {
        make_small(small->x, zeroed->x, ROWS_MAX * cell->i, all);
    }
    if (which == 1 || which == 4) {
        make_small(small->h, zeroed->h, n, all);
        make_small(small->c, zeroed->c, n, all);
    }
    if (which == 2 || which == 4) {
        make_small(cell->w, zeros->w, g * h * cell->i, all);
        make_small(cell->u, zeros->u, g * h * h, all);
    }
    if (which == 3 || which == 4) { /* two of them may make a normal number together */
        make_small(cell->bias_w, zeros->bias_w, g * h, all);
        make_small(cell->bias_u, zeros->bias_u, g * h, all);
    }
}

static void check_cell(const struct k_ops *ops, enum k_cell kind, size_t i, size_t h, size_t which)
{
    static const size_t batches[] = { 1, 3, ROWS_MAX };
    for (size_t k = 0; k < 6; k++) {
        struct layer_step small, zeroed;
        const size_t n_rows = batches[k % 3];
        layer_step_create(&small, kind, i, h);
        layer_step_create(&zeroed, kind, i, h);
        spoil(&small, &zeroed, which, k >= 3);
        layer_step_run(ops, &small, n_rows);
        layer_step_run(ops, &zeroed, n_rows);
        const size_t n = n_rows * small.cell.hp;
        expect_same(ops, "h", small.h_out, zeroed.h_out, n);
        if (k_cells[kind].has_memory) {
            expect_same(ops, "c", small.c, zeroed.c, n);
        }
        if (k_cells[kind].has_own_output) {
            expect_same(ops, "out", small.out, zeroed.out, n);
        }
        layer_step_free(&small);
        layer_step_free(&zeroed);
    }
}

TEST(a_cell_takes_denormals_for_zeros)
{
    static const size_t sizes[] = { 1, 16, 37 };
    for (size_t table = 0; k_table(table) && flush_mode_exists(); table++) {
        for (int kind = 0; kind < K_N_CELLS; kind++) {
            for (size_t k = 0; k < 3 * N_KINDS_OF_SMALL; k++) {
                check_cell(k_table(table), (enum k_cell)kind, 1 + k % 5, sizes[k % 3],
                           k / 3 % N_KINDS_OF_SMALL);
            }
        }
    }
}

/* A state that fades out step by step ends at zero, and never stays just above it. */
TEST(a_state_that_fades_out_becomes_zero)
{
    for (size_t table = 0; k_table(table) && flush_mode_exists(); table++) {
        struct layer_step s;
        layer_step_create(&s, K_GRU_AFTER, 1, 16);
        memset(s.cell.w, 0, s.cell.n_gates * 16 * sizeof(float));
        memset(s.cell.u, 0, s.cell.n_gates * 256 * sizeof(float));
        memset(s.cell.bias_w, 0, s.cell.n_gates * 16 * sizeof(float));
        memset(s.cell.bias_u, 0, s.cell.n_gates * 16 * sizeof(float));
        for (int step = 0; step < 140; step++) { /* z = 1/2: half of it each time */
            layer_step_run(k_table(table), &s, 1);
            memcpy(s.h, s.h_out, 16 * sizeof(float));
            for (size_t j = 0; j < 16; j++) {
                ck_assert(!is_denormal(s.h[j]) && (step < 139 || s.h[j] == 0.0F));
            }
        }
        layer_step_free(&s);
    }
}

/* ---- the read-out ---- */

static void check_affine(const struct k_ops *ops, size_t n, size_t k)
{
    const size_t np = k_padded(n), n_packed = k_packed_floats(n, k);
    float *values[2][4]; /* of denormals, and of zeros: w, bias, x, y */
    for (size_t zeros = 0; zeros < 2; zeros++) {
        values[zeros][0] = new_floats(n * k);
        values[zeros][1] = new_floats(np);
        values[zeros][2] = new_floats(ROWS_MAX * k);
        values[zeros][3] = new_floats(ROWS_MAX * np);
        fill_random(values[zeros][0], n * k, 1.0F, 1);
        memset(values[zeros][1], 0, np * sizeof(float));
        fill_random(values[zeros][1], n, 1.0F, 2);
        fill_random(values[zeros][2], ROWS_MAX * k, 1.0F, 3);
    }
    make_small(values[0][0], values[1][0], n * k, false);
    make_small(values[0][1], values[1][1], n, true);
    make_small(values[0][2], values[1][2], ROWS_MAX * k, false);
    for (size_t zeros = 0; zeros < 2; zeros++) {
        const struct k_matrix m = { .n = n, .k = k, .packed = new_floats(n_packed) };
        k_pack(values[zeros][0], n, k, m.packed);
        const uint64_t before = k_flush_begin();
        ops->affine(&m, values[zeros][1], ROWS_MAX, values[zeros][2], k, values[zeros][3], np);
        k_flush_end(before);
        free(m.packed);
    }
    for (size_t row = 0; row < ROWS_MAX; row++) {
        expect_same(ops, "y", values[0][3] + row * np, values[1][3] + row * np, n);
    }
    for (size_t array = 0; array < 8; array++) {
        free(values[array / 4][array % 4]);
    }
}

TEST(a_product_takes_denormals_for_zeros)
{
    static const size_t sizes[] = { 1, 4, 5, 16, 37, 100 };
    for (size_t table = 0; k_table(table) && flush_mode_exists(); table++) {
        for (size_t k = 0; k < 36; k++) {
            check_affine(k_table(table), sizes[k / 6], sizes[k % 6]);
        }
    }
}

TEST(an_activation_takes_denormals_for_zeros)
{
    enum { N = 37 };
    for (size_t k = 0; flush_mode_exists() && k_table(k / 3); k++) {
        const struct k_ops *ops = k_table(k / 3);
        void (*const activations[])(float *, size_t, size_t, size_t) = { ops->sigmoid, ops->tanh,
                                                                         ops->softmax };
        float *small = new_floats(N), *zeroed = new_floats(N);
        fill_random(small, N, 80.0F, 1); /* softmax: quotients down to e^-160 */
        make_small(small, zeroed, N, false);
        const uint64_t before = k_flush_begin();
        activations[k % 3](small, 1, N, N);
        activations[k % 3](zeroed, 1, N, N);
        k_flush_end(before);
        expect_same(ops, "y", small, zeroed, N);
        free(small);
        free(zeroed);
    }
}
