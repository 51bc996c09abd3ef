/*
 * bench_sessions.c - what a million sessions cost: memory of each, without prediction intervals and
 * with those of one level one step ahead; steps a second against a thousand sessions; and, with a
 * directory as argument, a data directory full of them for the restart to be timed. And what it
 * costs that a step is recorded: the worker that makes it, and the job thread that writes it.
 *
 *     bench_sessions MODELS [DATA]      MODELS holds h64.safetensors
 */
#include "base/arena.h"
#include "base/log.h"
#include "config/config.h"
#include "service/service.h"
#include "service/service_private.h"
#include "service/sessions/recorder.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 1000000, FEW = 1000, BATCH = 16, READINGS = 32, ROUNDS = 7, STEPS_A_ROUND = 200000 };

/* Processor time of this thread. */
static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static size_t resident_bytes(void)
{
    size_t n_all = 0, n_resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file) {
        if (fscanf(file, "%zu %zu", &n_all, &n_resident) != 2) {
            n_resident = 0;
        }
        fclose(file);
    }
    return n_resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void die(const struct fault *fault)
{
    fprintf(stderr, "bench_sessions: %s\n", fault->message);
    exit(1);
}

struct bench {
    struct service_context *context;
    struct arena arena;
    unsigned long random;
    const struct interval_levels *levels; /* that its steps ask for; NULL: none */
};

static unsigned long next_random(struct bench *bench)
{
    bench->random = bench->random * 6364136223846793005UL + 1442695040888963407UL;
    return bench->random >> 33;
}

/* `n` steps in batches of BATCH: over the sessions in turn (random false), or at random. Seconds.
 */
static double run_steps(struct bench *bench, size_t n, size_t n_sessions, bool random)
{
    static const double x[] = { 0.1F, 0.2F, 0.3F, 0.4F };
    static struct step steps[BATCH];
    struct step *batch[BATCH];
    double began = now_s();
    for (size_t done = 0; done < n; done += BATCH) {
        service_context_turn(bench->context);
        arena_reset(&bench->arena);
        for (size_t k = 0; k < BATCH; k++) {
            size_t session = random ? next_random(bench) % n_sessions : (done + k) % n_sessions;
            struct step *step = batch[k] = &steps[k];
            step->arena = &bench->arena;
            step->x = x;
            step->has_seq = false;
            step->forecast_options =
                (struct forecast_options){ .horizon = 0, .levels = bench->levels };
            step->is_done = false;
            strcpy(step->model_name, "h64");
            sprintf(step->session, "sensor-%07zu", session);
        }
        service_steps(bench->context, batch, BATCH);
        if (steps[0].fault.status != STATUS_OK) {
            die(&steps[0].fault);
        }
    }
    return now_s() - began;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static struct service *open_service(const struct config *config, struct bench *bench)
{
    struct service *service = NULL;
    struct fault fault = { .message = "no memory" };
    if (service_create(config, &service, &fault) != STATUS_OK ||
        service_context_create(service, &bench->context) != STATUS_OK) {
        die(&fault);
    }
    arena_init(&bench->arena, 1 << 20);
    bench->random = 1;
    bench->levels = NULL;
    return service;
}

static void close_service(struct service *service, struct bench *bench)
{
    arena_done(&bench->arena);
    service_context_free(bench->context);
    service_free(service);
}

static void measure_recording(const struct config *without)
{
    enum { ROWS = 1000 };
    struct config with = *without;
    struct bench plain, recording;
    double ratios[ROUNDS], plain_us = 0, recording_us = 0, job_thread_us = 0;
    with.record = ROWS;
    struct service *services[] = { open_service(without, &plain), open_service(&with, &recording) };
    for (int k = -1; k < ROUNDS; k++) {
        struct fault fault;
        plain_us = run_steps(&plain, STEPS_A_ROUND, FEW, true) / STEPS_A_ROUND * 1e6;
        recording_us = run_steps(&recording, STEPS_A_ROUND, FEW, true) / STEPS_A_ROUND * 1e6;
        double began = now_s();
        if (recorder_flush(services[1]->recorder, &fault) != STATUS_OK) {
            die(&fault);
        }
        job_thread_us = (now_s() - began) / STEPS_A_ROUND * 1e6;
        ratios[k < 0 ? 0 : k] = recording_us / plain_us; /* the round before the first warms up */
    }
    qsort(ratios, ROUNDS, sizeof *ratios, by_value);
    printf("recording: a step without HTTP: %.2f us with --record %d, %.2f us without, cost ratio "
           "%.2f "
           "(%.2f..%.2f); the job thread: %.2f us for each\n",
           recording_us, ROWS, plain_us, ratios[ROUNDS / 2], ratios[0], ratios[ROUNDS - 1],
           job_thread_us);
    close_service(services[0], &plain);
    close_service(services[1], &recording);
}

/* Of sessions that ask for one level one step ahead. */
static void measure_intervals(const struct config *config)
{
    static const struct interval_levels one = { 1, { 0.9 } };
    struct bench bench;
    malloc_trim(0); /* what was freed must not serve these sessions uncounted */
    size_t before = resident_bytes();
    struct service *service = open_service(config, &bench);
    bench.levels = &one;
    run_steps(&bench, (size_t)MANY * 2, MANY, false);
    size_t used = resident_bytes() - before;
    printf("sessions: with intervals of one level one step ahead: %.0f bytes each, all told (goal: "
           "at most 1600)\n",
           (double)used / MANY);
    close_service(service, &bench);
}

int main(int argc, char **argv)
{
    struct config config = { .interval_levels = "0.8,0.9,0.95",
                             .interval_horizon_max = 24,
                             .models = argc > 1 ? argv[1] : "",
                             .data = argc > 2 ? argv[2] : "",
                             .session_max = MANY,
                             .session_history = READINGS,
                             .tombstone_max = 1000,
                             .sync_interval_ms = 3600000 };
    struct bench few, many;
    log_setup(LOG_WARN, LOG_TEXT);
    if (config.data[0]) { /* only fill it */
        struct service *service = open_service(&config, &many);
        run_steps(&many, MANY, MANY, false);
        close_service(service, &many);
        return 0;
    }
    struct service *small = open_service(&config, &few);
    run_steps(&few, FEW * (READINGS + 1), FEW, false);
    size_t before = resident_bytes();
    struct service *large = open_service(&config, &many);
    run_steps(&many, (size_t)MANY * 2, MANY, false);
    size_t used = resident_bytes() - before;
    double ratios[ROUNDS], few_us = 0, many_us = 0;
    for (int k = 0; k < ROUNDS; k++) {
        few_us = run_steps(&few, STEPS_A_ROUND, FEW, true) / STEPS_A_ROUND * 1e6;
        many_us = run_steps(&many, STEPS_A_ROUND, MANY, true) / STEPS_A_ROUND * 1e6;
        ratios[k] = few_us / many_us;
    }
    qsort(ratios, ROUNDS, sizeof *ratios, by_value);
    printf("sessions: %d of H=64, %d readings of 4 inputs: %.0f bytes each, all told (goal: at "
           "most 1500)\n",
           MANY, READINGS, (double)used / MANY);
    printf("sessions: a step without HTTP: %.2f us among %d, %.2f us among %d, speed ratio %.2f "
           "(%.2f..%.2f)\n",
           few_us, FEW, many_us, MANY, ratios[ROUNDS / 2], ratios[0], ratios[ROUNDS - 1]);
    close_service(large, &many);
    close_service(small, &few);
    measure_intervals(&config);
    measure_recording(&config);
    return 0;
}
