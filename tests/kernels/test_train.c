/* A step of training, forwards and back, of every cell and in every table that this processor can
 * run. */
#include "kernels/train.h"
#include "reference.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const size_t hidden_sizes[] = { 1, 5, 16, 37 };
static const size_t batches[] = { 1, 3, 8, 13 };
enum {
    N_HIDDEN = sizeof hidden_sizes / sizeof *hidden_sizes,
    N_BATCHES = sizeof batches / sizeof *batches
};

/* One step of n rows: what goes in, what the way forward gives, what the way back gives. */
struct step {
    const struct cell *cell;
    const struct k_planes *planes;
    size_t n_rows, ld;
    float *x, *pre, *h_in, *c_in, *h_out, *c_out, *out, *kept, *reset_h;
    float *d_out, *d_h, *d_hu, *d_c, *deltas, *sums;
    struct k_back_layer back;
};

/* Rows of Hp whose padding is zero. */
static float *new_rows(const struct cell *cell, size_t n_rows, unsigned seed)
{
    float *rows = new_floats(n_rows * cell->hp);
    memset(rows, 0, n_rows * cell->hp * sizeof *rows);
    for (size_t row = 0; row < n_rows; row++) {
        fill_random(rows + row * cell->hp, cell->h, 0.9f, seed + (unsigned)row);
    }
    return rows;
}

static struct k_back_layer pack_back(const struct cell *cell, const struct k_planes *planes)
{
    static const unsigned char n_gate[] = { 2 };
    unsigned char gates[K_PLANES_MAX];
    struct k_back_layer back = { .cell = cell->kind,
                                 .h = cell->h,
                                 .ut = { .n = cell->h, .k = planes->n_u * cell->hp },
                                 .ut_reset = { .n = cell->h, .k = cell->hp } };
    for (size_t gate = 0; gate < cell->n_gates; gate++) {
        gates[planes->u[gate]] = (unsigned char)gate;
    }
    back.ut.packed = new_floats(k_transposed_floats(planes->n_u, cell->hp, cell->h));
    back.ut_reset.packed = new_floats(k_transposed_floats(1, cell->hp, cell->h));
    k_pack_transposed(cell->u, gates, planes->n_u, cell->h, cell->hp, cell->h, back.ut.packed);
    k_pack_transposed(cell->u, n_gate, 1, cell->h, cell->hp, cell->h, back.ut_reset.packed);
    return back;
}

static struct step step_create(const struct cell *cell, size_t n_rows)
{
    struct step s = { .cell = cell, .planes = &k_cells[cell->kind].planes, .n_rows = n_rows };
    s.ld = k_deltas_stride(s.planes, cell->h);
    s.x = new_floats(n_rows * cell->i);
    fill_random(s.x, n_rows * cell->i, 1.0f, 11);
    s.pre = new_floats(n_rows * cell->layer.wx.n);
    s.h_in = new_rows(cell, n_rows, 20);
    s.c_in = new_rows(cell, n_rows, 40);
    s.d_out = new_rows(cell, n_rows, 60);
    s.d_h = new_rows(cell, n_rows, 80);
    s.d_hu = new_rows(cell, n_rows, 100);
    s.d_c = new_rows(cell, n_rows, 120);
    s.h_out = new_floats(n_rows * cell->hp);
    s.c_out = new_floats(n_rows * cell->hp);
    s.out = new_floats(n_rows * cell->hp);
    s.reset_h = new_floats(n_rows * cell->hp);
    s.kept = new_floats(n_rows * k_cells[cell->kind].n_kept * cell->hp);
    s.deltas = new_floats(n_rows * s.ld);
    s.sums = new_floats(s.planes->n * cell->hp);
    memset(s.sums, 0, s.planes->n * cell->hp * sizeof *s.sums);
    s.back = pack_back(cell, s.planes);
    return s;
}

static void step_free(struct step *s)
{
    float *all[] = { s->x,
                     s->pre,
                     s->h_in,
                     s->c_in,
                     s->d_out,
                     s->d_h,
                     s->d_hu,
                     s->d_c,
                     s->h_out,
                     s->c_out,
                     s->out,
                     s->reset_h,
                     s->kept,
                     s->deltas,
                     s->sums,
                     s->back.ut.packed,
                     s->back.ut_reset.packed };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        free(all[k]);
    }
}

static bool gates_output(const struct cell *cell)
{
    return cell->kind == K_OUTPUT_GATE_AFTER || cell->kind == K_OUTPUT_GATE_BEFORE;
}

static void step_forward(const struct k_ops *ops, struct step *s)
{
    bool has_c = k_cells[s->cell->kind].has_memory;
    ops->project(&s->cell->layer, s->n_rows, s->x, s->cell->i, s->pre);
    const struct k_forward_step forward = { .layer = &s->cell->layer,
                                            .n_rows = s->n_rows,
                                            .pre = s->pre,
                                            .h_in = s->h_in,
                                            .c_in = has_c ? s->c_in : NULL,
                                            .h_out = s->h_out,
                                            .c_out = has_c ? s->c_out : NULL,
                                            .out = gates_output(s->cell) ? s->out : NULL,
                                            .kept = s->kept,
                                            .reset_h = k_cells[s->cell->kind].resets_before
                                                           ? s->reset_h
                                                           : NULL };
    ops->train->forward(&forward);
}

static void step_backward(const struct k_ops *ops, struct step *s, bool is_first)
{
    bool has_c = k_cells[s->cell->kind].has_memory;
    const struct k_backward_step backward = { .layer = &s->back,
                                              .n_rows = s->n_rows,
                                              .kept = s->kept,
                                              .h_in = s->h_in,
                                              .c_in = has_c ? s->c_in : NULL,
                                              .h_out = s->h_out,
                                              .c_out = has_c ? s->c_out : NULL,
                                              .d_out = s->d_out,
                                              .d_h = s->d_h,
                                              .d_hu = s->d_hu,
                                              .d_c = has_c ? s->d_c : NULL,
                                              .deltas = s->deltas,
                                              .ld_deltas = s->ld,
                                              .sums = s->sums,
                                              .reset_h = k_cells[s->cell->kind].resets_before
                                                             ? s->reset_h
                                                             : NULL,
                                              .is_first = is_first };
    ops->train->backward(&backward);
}

/* Calls check for every table, cell, hidden size and number of rows. */
static void for_every_step(void (*check)(const struct k_ops *, struct step *))
{
    for (int kind = 0; kind < K_N_CELLS; kind++) {
        for (size_t i = 0; i < N_HIDDEN; i++) {
            struct cell cell;
            cell_create(&cell, (enum k_cell)kind, 1 + i, hidden_sizes[i]);
            for (size_t table = 0; k_table(table); table++) {
                for (size_t b = 0; b < N_BATCHES; b++) {
                    struct step s = step_create(&cell, batches[b]);
                    check(k_table(table), &s);
                    step_free(&s);
                }
            }
            cell_free(&cell);
        }
    }
}

/* ---- forwards ---- */

static void check_forward(const struct k_ops *ops, struct step *s)
{
    const size_t h = s->cell->h, hp = s->cell->hp;
    step_forward(ops, s);
    for (size_t row = 0; row < s->n_rows; row++) {
        double state[64], memory[64], out[64];
        for (size_t j = 0; j < h; j++) {
            state[j] = (double)s->h_in[row * hp + j];
            memory[j] = (double)s->c_in[row * hp + j];
        }
        cell_step(s->cell, s->x + row * s->cell->i, state, memory, out);
        for (size_t j = 0; j < h; j++) {
            ck_assert_double_eq_tol((double)s->h_out[row * hp + j], state[j], 5e-6);
            if (k_cells[s->cell->kind].has_memory) {
                ck_assert_double_eq_tol((double)s->c_out[row * hp + j], memory[j], 5e-6);
            }
            if (gates_output(s->cell)) {
                ck_assert_double_eq_tol((double)s->out[row * hp + j], out[j], 5e-6);
            }
        }
        for (size_t j = h; j < hp; j++) {
            ck_assert(s->h_out[row * hp + j] == 0.0f);
        }
    }
}

TEST(the_step_that_keeps_follows_the_equations)
{
    for_every_step(check_forward);
}

/* ---- back ---- */

/* What the gradients that come into a row's step say about its results: the loss that they belong
 * to. */
static double loss_of(const struct step *s, size_t row, const double *h_in, const double *c_in)
{
    const size_t h = s->cell->h, at = row * s->cell->hp;
    double state[64], memory[64], out[64], loss = 0;
    memcpy(state, h_in, h * sizeof *state);
    memcpy(memory, c_in, h * sizeof *memory);
    cell_step(s->cell, s->x + row * s->cell->i, state, memory, out);
    for (size_t j = 0; j < h; j++) {
        loss += out[j] * (double)s->d_out[at + j];
        loss += state[j] * ((double)s->d_h[at + j] + (double)s->d_hu[at + j]);
        loss += k_cells[s->cell->kind].has_memory ? memory[j] * (double)s->d_c[at + j] : 0;
    }
    return loss;
}

/* The slope of the loss as the float (a bias) changes. */
static double slope_by_float(const struct step *s, size_t row, const double *h, const double *c,
                             float *value)
{
    const float was = *value, step = 1.0f / 512;
    *value = was + step;
    const double above = loss_of(s, row, h, c), high = (double)*value;
    *value = was - step;
    const double below = loss_of(s, row, h, c), low = (double)*value;
    *value = was;
    return (above - below) / (high - low);
}

static double slope_by_double(const struct step *s, size_t row, const double *h, const double *c,
                              double *value)
{
    const double was = *value, step = 1e-5;
    *value = was + step;
    const double above = loss_of(s, row, h, c);
    *value = was - step;
    const double below = loss_of(s, row, h, c);
    *value = was;
    return (above - below) / (2 * step);
}

/* Slopes of a row, in the order: each b_ih, each b_hh, each h_in, each c_in. */
static size_t slopes_of(const struct step *s, size_t row, double *slopes)
{
    const size_t h = s->cell->h, n = s->cell->n_gates * h;
    double state[64], memory[64];
    for (size_t j = 0; j < h; j++) {
        state[j] = (double)s->h_in[row * s->cell->hp + j];
        memory[j] = (double)s->c_in[row * s->cell->hp + j];
    }
    for (size_t j = 0; j < n; j++) {
        slopes[j] = slope_by_float(s, row, state, memory, s->cell->bias_w + j);
        slopes[n + j] = slope_by_float(s, row, state, memory, s->cell->bias_u + j);
    }
    for (size_t j = 0; j < h; j++) {
        slopes[2 * n + j] = slope_by_double(s, row, state, memory, state + j);
        slopes[2 * n + h + j] = slope_by_double(s, row, state, memory, memory + j);
    }
    return 2 * n + 2 * h;
}

static void expect_near(const struct k_ops *ops, const struct step *s, const char *what, size_t j,
                        float got, double want, double tolerance)
{
    ck_assert_msg(fabs((double)got - want) <= tolerance,
                  "%s cell %d H %zu B %zu: %s %zu is %.9g, not %.9g", ops->name, s->cell->kind,
                  s->cell->h, s->n_rows, what, j, (double)got, want);
}

static void check_row_back(const struct k_ops *ops, const struct step *s, size_t row,
                           const double *slopes)
{
    const size_t h = s->cell->h, hp = s->cell->hp, n = s->cell->n_gates * h;
    const float *deltas = s->deltas + row * s->ld;
    for (size_t j = 0; j < n; j++) {
        const size_t gate = j / h, unit = j % h;
        expect_near(ops, s, "b_ih", j, deltas[s->planes->bias_x[gate] * hp + unit], slopes[j],
                    3e-5);
        expect_near(ops, s, "b_hh", j, deltas[s->planes->bias_u[gate] * hp + unit], slopes[n + j],
                    3e-5);
    }
    for (size_t j = 0; j < h; j++) {
        const size_t at = row * hp + j;
        expect_near(ops, s, "h", j, s->d_h[at] + s->d_hu[at], slopes[2 * n + j], 3e-5);
        if (k_cells[s->cell->kind].has_memory) {
            expect_near(ops, s, "c", j, s->d_c[at], slopes[2 * n + h + j], 3e-5);
        }
    }
}

static void check_backward(const struct k_ops *ops, struct step *s)
{
    const size_t hp = s->cell->hp, per_row = (2 * s->cell->n_gates + 2) * s->cell->h;
    double *slopes = calloc(s->n_rows * per_row, sizeof *slopes);
    ck_assert_ptr_nonnull(slopes);
    step_forward(ops, s);
    for (size_t row = 0; row < s->n_rows; row++) {
        ck_assert_uint_eq(slopes_of(s, row, slopes + row * per_row), per_row);
    }
    step_backward(ops, s, false);
    for (size_t row = 0; row < s->n_rows; row++) {
        check_row_back(ops, s, row, slopes + row * per_row);
    }
    for (size_t j = 0; j < s->planes->n * hp; j++) {
        double sum = 0;
        for (size_t row = 0; row < s->n_rows; row++) {
            sum += (double)s->deltas[row * s->ld + j];
        }
        expect_near(ops, s, "sum", j, s->sums[j], sum, 1e-5);
    }
    free(slopes);
}

TEST(the_step_back_gives_the_slopes_of_the_loss)
{
    for_every_step(check_backward);
}

/* reset_h is r . h_in again on the way back; the first step spares the last product and nothing
 * else. */
static void check_first(const struct k_ops *ops, struct step *s)
{
    const size_t n_state = s->n_rows * s->cell->hp;
    struct step first = step_create(s->cell, s->n_rows);
    step_forward(ops, s);
    step_forward(ops, &first);
    float *kept = new_floats(n_state);
    memcpy(kept, s->reset_h, n_state * sizeof *kept);
    step_backward(ops, s, false);
    step_backward(ops, &first, true);
    ck_assert_mem_eq(first.sums, s->sums, s->planes->n * s->cell->hp * sizeof *s->sums);
    ck_assert_mem_eq(first.d_h, s->d_h, n_state * sizeof *s->d_h);
    if (k_cells[s->cell->kind].resets_before) {
        ck_assert_mem_eq(s->reset_h, kept, n_state * sizeof *kept);
    }
    free(kept);
    step_free(&first);
}

TEST(the_first_step_gives_the_same_deltas)
{
    for_every_step(check_first);
}

/* A row's results do not depend on its neighbours. */
static void check_alone(const struct k_ops *ops, struct step *s)
{
    const size_t hp = s->cell->hp, last = s->n_rows - 1;
    struct step alone = step_create(s->cell, 1);
    float *const from[] = { s->h_in, s->c_in, s->d_out, s->d_h, s->d_hu, s->d_c };
    float *const to[] = { alone.h_in, alone.c_in, alone.d_out, alone.d_h, alone.d_hu, alone.d_c };
    for (size_t k = 0; k < 6; k++) {
        memcpy(to[k], from[k] + last * hp, hp * sizeof(float));
    }
    memcpy(alone.x, s->x + last * s->cell->i, s->cell->i * sizeof(float));
    step_forward(ops, s);
    step_forward(ops, &alone);
    step_backward(ops, s, false);
    step_backward(ops, &alone, false);
    ck_assert_mem_eq(alone.h_out, s->h_out + last * hp, hp * sizeof(float));
    ck_assert_mem_eq(alone.deltas, s->deltas + last * s->ld, s->planes->n * hp * sizeof(float));
    ck_assert_mem_eq(alone.d_h, s->d_h + last * hp, hp * sizeof(float));
    ck_assert_mem_eq(alone.d_hu, s->d_hu + last * hp, hp * sizeof(float));
    step_free(&alone);
}

TEST(a_row_is_trained_the_same_in_every_batch)
{
    for_every_step(check_alone);
}
