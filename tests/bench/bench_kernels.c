/*
 * bench_kernels.c - the kernels beside OpenBLAS on one thread, in one run.
 *
 * A streaming step is project + recur of one row with I = 4, and a read-out of one output. Its
 * opponent does the same with cblas_sgemv: W x and U h (each in the row or column order that is
 * faster here), the read-out as cblas_sdot, and the gates with this library's own vector sigmoid
 * and tanh over whole gates, so that it loses nothing to scalar expf. Batches and whole projections
 * stand beside cblas_sgemm without any gates.
 *
 * Contenders alternate; printed are the median of N_RUNS runs, their minimum and maximum, and the
 * ratio of the medians. From H = 512 on the weights (3 MiB) do not fit into the second-level cache
 * of most processors, and a step is bound by reading them. The first line says which kernels
 * OpenBLAS has (openblas_choice.h); OPENBLAS_CORETYPE=Haswell chooses others. Pin the run to a
 * processor: taskset -c 1 build/bench/bench_kernels
 */
#include "kernels/kernels.h"

#include "bench/openblas_choice.h"

#include <cblas.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N_RUNS = 15, N_GATES = 3, N_INPUTS = 4, ROWS_MAX = 1000 };

struct times {
    double us[N_RUNS]; /* per call */
};

struct bench {
    const struct k_ops *ops;
    size_t h, i, n_rows;
    struct k_layer layer;
    struct k_matrix head;
    float *w, *u, *head_w; /* as in model files */
    float *w_columns, *u_columns;
    float *bias;
    float *x, *pre, *both_states, *states[2], *y, *scratch, *gates, *hidden;
    bool by_columns;
};

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Sorts the runs, so that [0] is the minimum and [N_RUNS - 1] the maximum. */
static double median(struct times *times)
{
    qsort(times->us, N_RUNS, sizeof *times->us, compare);
    return times->us[N_RUNS / 2];
}

static float *floats(size_t n)
{
    float *values = aligned_alloc(64, (n * sizeof *values + 127) / 64 * 64);
    if (!values) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    for (size_t i = 0; i < n; i++) {
        values[i] = (float)(i * 2654435761U % 1024) / 8192.0f - 0.0625f;
    }
    return values;
}

static float *transposed(const float *w, size_t rows, size_t columns)
{
    float *t = floats(rows * columns);
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++) {
            t[c * rows + r] = w[r * columns + c];
        }
    }
    return t;
}

static void bench_create(struct bench *b, const struct k_ops *ops, size_t h, size_t i,
                         size_t n_rows)
{
    const size_t n = N_GATES * k_padded(h);
    *b = (struct bench){ .ops = ops, .h = h, .i = i, .n_rows = n_rows };
    b->w = floats(N_GATES * h * i);
    b->u = floats(N_GATES * h * h);
    b->w_columns = transposed(b->w, N_GATES * h, i);
    b->u_columns = transposed(b->u, N_GATES * h, h);
    b->head_w = floats(h);
    b->bias = floats(n);
    b->layer = (struct k_layer){ .cell = K_GRU_AFTER,
                                 .i = i,
                                 .h = h,
                                 .wx = { .n = n, .k = i, .packed = floats(k_packed_floats(n, i)) },
                                 .uh = { .n = n, .k = h, .packed = floats(k_packed_floats(n, h)) },
                                 .bias_x = b->bias,
                                 .bias_n = b->bias };
    k_pack_gates(b->w, N_GATES, h, i, b->layer.wx.packed);
    k_pack_gates(b->u, N_GATES, h, h, b->layer.uh.packed);
    b->head = (struct k_matrix){ .n = 1, .k = h, .packed = floats(k_packed_floats(1, h)) };
    k_pack(b->head_w, 1, h, b->head.packed);
    b->x = floats(n_rows * i);
    b->pre = floats(n_rows * n);
    b->gates = floats(n_rows * n);
    b->both_states = floats(2 * n_rows * k_padded(h));
    b->states[0] = b->both_states;
    b->states[1] = b->states[0] + n_rows * k_padded(h);
    b->y = floats(n_rows * K_BLOCK);
    b->scratch = floats(k_recur_scratch(&b->layer, n_rows));
    b->hidden = floats(n);
}

static void bench_free(struct bench *b)
{
    float *all[] = { b->w,
                     b->u,
                     b->w_columns,
                     b->u_columns,
                     b->head_w,
                     b->bias,
                     b->layer.wx.packed,
                     b->layer.uh.packed,
                     b->head.packed,
                     b->x,
                     b->pre,
                     b->gates,
                     b->both_states,
                     b->y,
                     b->scratch,
                     b->hidden };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
}

/* ---- the contenders: one call each ----------------------------------------------------------- */

static void swap_states(struct bench *b)
{
    float *old = b->states[0];
    b->states[0] = b->states[1];
    b->states[1] = old;
}

static void library_step(struct bench *b)
{
    b->ops->project(&b->layer, 1, b->x, b->i, b->pre);
    b->ops->recur(&b->layer, 1, b->pre, b->states[0], b->states[1], NULL, NULL, b->scratch);
    b->ops->affine(&b->head, b->bias, 1, b->states[1], b->h, b->y, K_BLOCK);
    swap_states(b);
}

/* y += w x, w[rows][columns]. */
static void sgemv(const struct bench *b, const float *rows_first, const float *columns_first,
                  size_t rows, size_t columns, const float *x, float *y)
{
    if (b->by_columns) {
        cblas_sgemv(CblasColMajor, CblasNoTrans, (int)rows, (int)columns, 1.0f, columns_first,
                    (int)rows, x, 1, 1.0f, y, 1);
    } else {
        cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)rows, (int)columns, 1.0f, rows_first,
                    (int)columns, x, 1, 1.0f, y, 1);
    }
}

static void sgemv_step(struct bench *b)
{
    const size_t h = b->h, n = N_GATES * h;
    float *restrict pre = b->pre, *restrict hidden = b->hidden, *restrict next = b->states[1];
    const float *restrict state = b->states[0];
    memcpy(pre, b->bias, n * sizeof *pre);
    memset(hidden, 0, 2 * h * sizeof *hidden);
    memcpy(hidden + 2 * h, b->bias, h * sizeof *hidden);
    sgemv(b, b->w, b->w_columns, n, b->i, b->x, pre);
    sgemv(b, b->u, b->u_columns, n, h, state, hidden);
    for (size_t j = 0; j < 2 * h; j++) {
        pre[j] += hidden[j];
    }
    b->ops->sigmoid(pre, 1, 2 * h, 2 * h);
    for (size_t j = 0; j < h; j++) {
        pre[2 * h + j] += pre[j] * hidden[2 * h + j];
    }
    b->ops->tanh(pre + 2 * h, 1, h, h);
    for (size_t j = 0; j < h; j++) {
        next[j] = pre[2 * h + j] + pre[h + j] * (state[j] - pre[2 * h + j]);
    }
    b->y[0] = b->bias[0] + cblas_sdot((int)h, b->head_w, 1, next, 1);
    swap_states(b);
}

static void library_recur(struct bench *b)
{
    b->ops->recur(&b->layer, b->n_rows, b->pre, b->states[0], b->states[1], NULL, NULL, b->scratch);
    swap_states(b);
}

static void library_project(struct bench *b)
{
    b->ops->project(&b->layer, b->n_rows, b->x, b->i, b->pre);
}

/* gates = x w^T for a row of 3 H per row of x. */
static void sgemm(struct bench *b, const float *w, const float *x, size_t k, size_t ldx)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)b->n_rows, (int)(N_GATES * b->h),
                (int)k, 1.0f, x, (int)ldx, w, (int)k, 0.0f, b->gates, (int)(N_GATES * b->h));
}

static void sgemm_recur(struct bench *b)
{
    sgemm(b, b->u, b->states[0], b->h, k_padded(b->h));
}

static void sgemm_project(struct bench *b)
{
    sgemm(b, b->w, b->x, b->i, b->i);
}

/* ---- measuring ------------------------------------------------------------------------------- */

static double time_calls(struct bench *b, void (*call)(struct bench *), size_t n_calls)
{
    double start = now_us();
    for (size_t i = 0; i < n_calls; i++) {
        call(b);
    }
    return (now_us() - start) / (double)n_calls;
}

/* How many calls take the time, after a warm-up of a tenth of it. */
static size_t calls_within(struct bench *b, void (*call)(struct bench *), double us)
{
    double start = now_us(), spent = 0;
    size_t n = 0;
    while (spent < us / 10) {
        call(b);
        n++;
        spent = now_us() - start;
    }
    return 1 + (size_t)(us * (double)n / spent);
}

static void alternate(struct bench *b, void (*ours)(struct bench *), void (*theirs)(struct bench *),
                      struct times *ret_ours, struct times *ret_theirs)
{
    const double run_us = 4000;
    size_t n_ours = calls_within(b, ours, run_us), n_theirs = calls_within(b, theirs, run_us);
    for (size_t run = 0; run < N_RUNS; run++) {
        ret_ours->us[run] = time_calls(b, ours, n_ours);
        ret_theirs->us[run] = time_calls(b, theirs, n_theirs);
    }
}

static void choose_order(struct bench *b)
{
    const double trial_us = 20000;
    double us[2];
    for (int i = 0; i < 2; i++) {
        b->by_columns = i;
        us[i] = time_calls(b, sgemv_step, calls_within(b, sgemv_step, trial_us));
    }
    b->by_columns = us[1] < us[0];
}

static void report_step(const struct k_ops *ops, size_t h)
{
    struct bench b;
    struct times ours, theirs;
    bench_create(&b, ops, h, N_INPUTS, 1);
    choose_order(&b);
    alternate(&b, library_step, sgemv_step, &ours, &theirs);
    double our = median(&ours), their = median(&theirs);
    printf(
        "  H %4zu  libgru %7.3f us (%.3f..%.3f)  sgemv loop %7.3f us (%.3f..%.3f, by %s)  %.2fx\n",
        h, our, ours.us[0], ours.us[N_RUNS - 1], their, theirs.us[0], theirs.us[N_RUNS - 1],
        b.by_columns ? "columns" : "rows", their / our);
    bench_free(&b);
}

static void report_product(const struct k_ops *ops, const char *what, size_t h, size_t i,
                           size_t n_rows, bool recurrent)
{
    struct bench b;
    struct times ours, theirs;
    bench_create(&b, ops, h, i, n_rows);
    alternate(&b, recurrent ? library_recur : library_project,
              recurrent ? sgemm_recur : sgemm_project, &ours, &theirs);
    double flop = 2.0 * N_GATES * (double)(h * (recurrent ? h : i) * n_rows);
    double our = median(&ours), their = median(&theirs);
    printf("  H %4zu I %4zu B %4zu  %s %6.1f GFLOP/s (%.1f..%.1f)  sgemm %6.1f GFLOP/s "
           "(%.1f..%.1f)  %.2fx\n",
           h, i, n_rows, what, flop / our * 1e-3, flop / ours.us[N_RUNS - 1] * 1e-3,
           flop / ours.us[0] * 1e-3, flop / their * 1e-3, flop / theirs.us[N_RUNS - 1] * 1e-3,
           flop / theirs.us[0] * 1e-3, their / our);
    bench_free(&b);
}

int main(int argc, char *argv[])
{
    static const size_t sizes[] = { 64, 128, 256, 512, 1024 }, batches[] = { 8, 32, 64 };
    const size_t n_sizes = sizeof sizes / sizeof *sizes,
                 n_batches = sizeof batches / sizeof *batches;
    (void)argc;
    openblas_choose(argv);
    const struct k_ops *ops = k_best();
    printf("kernels: %s; OpenBLAS: %s, 1 thread; medians of %d alternating runs (min..max)\n",
           ops->name, openblas_get_corename(), N_RUNS);
    puts("one streaming step, B = 1, I = 4, O = 1:");
    for (size_t s = 0; s < n_sizes; s++) {
        report_step(ops, sizes[s]);
    }
    puts("recurrent products of a batch (libgru: with the gates; sgemm: the product alone):");
    for (size_t s = 0; s < n_sizes; s++) {
        for (size_t b = 0; b < n_batches; b++) {
            report_product(ops, "recur", sizes[s], N_INPUTS, batches[b], true);
        }
    }
    puts("input projections of a whole sequence:");
    for (size_t s = 0; s < n_sizes; s++) {
        report_product(ops, "project", sizes[s], N_INPUTS, ROWS_MAX, false);
        report_product(ops, "project", sizes[s], sizes[s], ROWS_MAX, false);
    }
    return 0;
}
