/*
 * bench_explain.c - an explanation (gru_explain.h) of the readings that a session keeps, beside the
 * steps that these readings were. Prints the least processor time of ROUNDS in microseconds, and
 * how many such steps it is worth.
 *
 * Usage: bench_explain [ROUNDS]
 */
#include "gru.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { N_INPUTS = 4, N_ROWS = 32, AHEAD_MAX = 12, STATE_FLOATS_MAX = 4096 };

struct bench {
    struct gru_model *model;
    struct gru_work *work;
    double x[N_ROWS * N_INPUTS], future[AHEAD_MAX * N_INPUTS];
    float state[STATE_FLOATS_MAX];
};

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return 1e6 * (double)now.tv_sec + 1e-3 * (double)now.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_explain: %s\n", what);
    exit(EXIT_FAILURE);
}

static void start(struct bench *bench, size_t n_hidden)
{
    static const char *const inputs[] = { "a", "b", "c", "d" }, *const outputs[] = { "a" };
    const struct gru_plan plan = { .n_inputs = N_INPUTS,
                                   .n_outputs = 1,
                                   .n_layers = 1,
                                   .inputs = inputs,
                                   .outputs = outputs,
                                   .hidden_sizes = &n_hidden,
                                   .seed = 1 };
    if (gru_model_create(&plan, &bench->model, NULL) != GRU_OK ||
        gru_work_create(&bench->work) != GRU_OK ||
        gru_model_info(bench->model)->state_floats > STATE_FLOATS_MAX) {
        fail("no memory");
    }
    for (size_t k = 0; k < N_ROWS * N_INPUTS; k++) {
        bench->x[k] = (double)(k * 7919 % 200) / 100 - 1;
    }
}

/* One after the other, as they come. */
static void step(struct bench *bench)
{
    double y;
    gru_state_init(bench->model, bench->state);
    for (size_t t = 0; t < N_ROWS; t++) {
        struct gru_lane lane = { .state_in = bench->state,
                                 .state_out = bench->state,
                                 .x = bench->x + t * N_INPUTS,
                                 .n_rows = 1,
                                 .y = &y };
        if (gru_run(bench->model, bench->work, &lane, 1) != GRU_OK || lane.status != GRU_OK) {
            fail("a step has failed");
        }
    }
}

static void explain(struct bench *bench, size_t ahead)
{
    const struct gru_question question = { .state = bench->state,
                                           .x = bench->x,
                                           .n_rows = N_ROWS,
                                           .future = bench->future,
                                           .n_future_rows = ahead - 1,
                                           .ahead = ahead };
    struct gru_explain *explain;
    if (gru_explain_create(bench->model, &question, &explain) != GRU_OK) {
        fail("no explanation");
    }
    while (gru_explain_rows_left(explain) > 0) {
        if (gru_explain_part(explain, bench->work, SIZE_MAX) != GRU_OK) {
            fail("an explanation has failed");
        }
    }
    gru_explain_free(explain);
}

static void compare(struct bench *bench, size_t n_hidden, size_t ahead, size_t n_rounds)
{
    double steps = 1e300, explanation = 1e300;
    for (size_t k = 0; k < n_rounds; k++) {
        const double begin = now_us();
        step(bench);
        const double between = now_us();
        explain(bench, ahead);
        const double end = now_us();
        steps = between - begin < steps ? between - begin : steps;
        explanation = end - between < explanation ? end - between : explanation;
    }
    printf("H %zu, %d readings, %zu ahead: %.0f us, as %.0f steps of %.2f us\n", n_hidden, N_ROWS,
           ahead, explanation, explanation / steps * N_ROWS, steps / N_ROWS);
}

int main(int argc, char *argv[])
{
    static const size_t sizes[] = { 8, 32, 64, 128 };
    const size_t n_rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 500;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        struct bench bench = { 0 };
        start(&bench, sizes[k]);
        compare(&bench, sizes[k], 1, n_rounds);
        compare(&bench, sizes[k], AHEAD_MAX, n_rounds);
        gru_work_free(bench.work);
        gru_model_unref(bench.model);
    }
    return EXIT_SUCCESS;
}
