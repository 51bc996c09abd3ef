/*
 * bench_train.c - training steps beside a large cblas_sgemm on one thread, in one run.
 *
 * A step is what an update costs: the passes forward and backward over 32 sequences of 100 readings
 * of a network of one layer and one output, the mean squared error of the last row, Adam, and
 * packing the weights for the next. Its floating-point operations are those of its products,
 * forwards once and backwards twice.
 *
 * The sgemm is square and far larger than the caches; the first line says which kernels OpenBLAS
 * has (openblas_choice.h). libgru trains with the same OpenBLAS. Both alternate; printed are
 * medians of N_RUNS runs, minima and maxima, and the ratio of the medians. With arguments H and I
 * it prints only the ms of a step of that shape, for bench_train_peers.py.
 */
#include "engine/train/backprop.h"

#include "bench/openblas_choice.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N_RUNS = 15, B = 32, T = 100, SGEMM_SIZE = 1024 };

struct bench {
    struct gru_model *model;
    struct backprop *backprop;
    struct backprop_window window;
    size_t n_lanes[T];
    size_t h, i, n;
    unsigned n_steps;
    float *in, *states, *out, *d_out, *targets;
    float *moment, *square; /* of Adam */
};

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void need(bool done)
{
    if (!done) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
}

static float *floats(size_t n)
{
    float *values = aligned_alloc(64, (n * sizeof *values + 127) / 64 * 64);
    need(values);
    for (size_t i = 0; i < n; i++) {
        values[i] = (float)(i * 2654435761U % 1024) / 512.0F - 1.0F;
    }
    return values;
}

/* ---- a training step ------------------------------------------------------------------------- */

static void bench_create(struct bench *b, size_t h, size_t i)
{
    static const char *const inputs[] = { "a", "b", "c", "d", "e", "f", "g", "h" },
                             *const outputs[] = { "y" };
    const struct gru_plan plan = { .n_inputs = i,
                                   .n_outputs = 1,
                                   .n_layers = 1,
                                   .inputs = inputs,
                                   .outputs = outputs,
                                   .hidden_sizes = &h,
                                   .seed = 1 };
    const struct backprop_options options = { .rows_max = B * T, .lanes_max = B };
    *b = (struct bench){ .h = h, .i = i };
    need(gru_model_create(&plan, &b->model, NULL) == GRU_OK);
    need(gru_backprop_create(b->model, &options, &b->backprop) == GRU_OK);
    b->n = gru_backprop_n_parameters(b->backprop);
    b->in = floats(B * T * i);
    b->states = floats(B * h);
    b->out = floats(B * T);
    b->d_out = floats(B * T);
    b->targets = floats(B);
    b->moment = floats(b->n);
    b->square = floats(b->n);
    memset(b->d_out, 0, B * T * sizeof *b->d_out);
    memset(b->moment, 0, b->n * sizeof *b->moment);
    memset(b->square, 0, b->n * sizeof *b->square);
    for (size_t t = 0; t < T; t++) {
        b->n_lanes[t] = B;
    }
    b->window = (struct backprop_window){
        .n_steps = T, .n_lanes = b->n_lanes, .in = b->in, .states = b->states, .is_training = true
    };
}

static void bench_free(struct bench *b)
{
    gru_backprop_free(b->backprop);
    gru_model_unref(b->model);
    float *all[] = { b->in, b->states, b->out, b->d_out, b->targets, b->moment, b->square };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        free(all[k]);
    }
}

static void adam(struct bench *b)
{
    const float rate = 1e-3F, decay_1 = 0.9F, decay_2 = 0.999F;
    float *restrict parameters = gru_backprop_parameters(b->backprop);
    const float *restrict gradients = gru_backprop_gradients(b->backprop);
    float *restrict moment = b->moment, *restrict square = b->square;
    b->n_steps++;
    const float scale_1 = rate / (1 - powf(decay_1, (float)b->n_steps));
    const float scale_2 = 1 / (1 - powf(decay_2, (float)b->n_steps));
    for (size_t k = 0; k < b->n; k++) {
        moment[k] += (1 - decay_1) * (gradients[k] - moment[k]);
        square[k] += (1 - decay_2) * (gradients[k] * gradients[k] - square[k]);
        parameters[k] -= scale_1 * moment[k] / (sqrtf(scale_2 * square[k]) + 1e-8F);
    }
}

static void training_step(struct bench *b)
{
    float *d_last = b->d_out + B * (T - 1);
    const float *last = b->out + B * (T - 1);
    memset(b->states, 0, B * b->h * sizeof *b->states);
    gru_backprop_forward(b->backprop, &b->window, b->out);
    for (size_t k = 0; k < B; k++) {
        d_last[k] = 2.0F / B * (last[k] - b->targets[k]);
    }
    gru_backprop_backward(b->backprop, &b->window, b->d_out);
    adam(b);
    gru_backprop_refresh(b->backprop);
}

static double flop_of_step(size_t h, size_t i)
{
    double forward = 2.0 * B * T * (3.0 * (double)(h * (h + i)) + (double)h);
    return 3 * forward;
}

/* ---- measuring ------------------------------------------------------------------------------- */

static double time_steps(struct bench *b, size_t n)
{
    double start = now_ms();
    for (size_t k = 0; k < n; k++) {
        training_step(b);
    }
    return (now_ms() - start) / (double)n;
}

struct sgemm {
    float *a, *b, *c;
};

static double time_sgemm(const struct sgemm *g)
{
    double start = now_ms();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, SGEMM_SIZE, SGEMM_SIZE, SGEMM_SIZE, 1.0F,
                g->a, SGEMM_SIZE, g->b, SGEMM_SIZE, 0.0F, g->c, SGEMM_SIZE);
    return now_ms() - start;
}

static double median(double *values)
{
    qsort(values, N_RUNS, sizeof *values, compare);
    return values[N_RUNS / 2];
}

/* sgemm: NULL to leave it out. */
static void measure(const struct sgemm *sgemm, size_t h, size_t i, double *ret_ours,
                    double *ret_theirs)
{
    const double run_ms = 40;
    struct bench b;
    bench_create(&b, h, i);
    time_steps(&b, 1);
    size_t n = 1 + (size_t)(run_ms / time_steps(&b, 1));
    for (size_t run = 0; run < N_RUNS; run++) {
        ret_ours[run] = time_steps(&b, n);
        ret_theirs[run] = sgemm ? time_sgemm(sgemm) : 0;
    }
    bench_free(&b);
}

static void report(const struct sgemm *sgemm, size_t h, size_t i)
{
    const double flop = flop_of_step(h, i), sgemm_flop = 2.0 * SGEMM_SIZE * SGEMM_SIZE * SGEMM_SIZE;
    double ours[N_RUNS], theirs[N_RUNS];
    measure(sgemm, h, i, ours, theirs);
    double our = median(ours), their = median(theirs);
    printf("  H %4zu I %zu  %8.3f ms (%.3f..%.3f)  %6.1f GFLOP/s  sgemm %6.1f GFLOP/s (%.1f..%.1f) "
           " %3.0f %%\n",
           h, i, our, ours[0], ours[N_RUNS - 1], flop / our * 1e-6, sgemm_flop / their * 1e-6,
           sgemm_flop / theirs[N_RUNS - 1] * 1e-6, sgemm_flop / theirs[0] * 1e-6,
           flop / our / (sgemm_flop / their) * 100);
}

int main(int argc, char *argv[])
{
    static const struct {
        size_t h, i;
    } shapes[] = { { 32, 1 },  { 32, 8 },  { 64, 1 },  { 64, 8 },
                   { 128, 1 }, { 128, 8 }, { 512, 8 }, { 1024, 8 } };
    size_t n_floats = (size_t)SGEMM_SIZE * SGEMM_SIZE;
    openblas_choose(argv);
    if (argc == 3) {
        double ours[N_RUNS], theirs[N_RUNS];
        measure(NULL, strtoul(argv[1], NULL, 10), strtoul(argv[2], NULL, 10), ours, theirs);
        printf("%.4f\n", median(ours));
        return 0;
    }
    const struct sgemm sgemm = { .a = floats(n_floats),
                                 .b = floats(n_floats),
                                 .c = floats(n_floats) };
    printf("training steps of %d sequences x %d rows, O = 1, Adam; kernels: %s; OpenBLAS: %s, 1 "
           "thread; medians of %d alternating runs (min..max)\n",
           B, T, gru_kernels_name(), openblas_get_corename(), N_RUNS);
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        report(&sgemm, shapes[k].h, shapes[k].i);
    }
    free(sgemm.a);
    free(sgemm.b);
    free(sgemm.c);
    return 0;
}
