#include "gate_trial.h"

#include "service/models/activate.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS = 200 };

static struct bytes model_file(const struct gru_plan *plan)
{
    struct gru_model *model;
    struct bytes bytes;
    ck_assert_int_eq(gru_model_create(plan, &model, NULL), GRU_OK);
    ck_assert_int_eq(gru_model_save(model, &bytes.p, &bytes.n), GRU_OK);
    gru_model_unref(model);
    return bytes;
}

static const struct gru_scaling room_scaling[] = { { "temp", 20, 5 }, { "humidity", 0.55, 0.2 } };

struct gru_plan gate_trial_room_plan(void)
{
    static const char *const inputs[] = { "temp", "humidity" };
    static const size_t hidden[] = { 16 };
    return (struct gru_plan){ .n_inputs = 2,
                              .n_outputs = 1,
                              .n_layers = 1,
                              .inputs = inputs,
                              .outputs = inputs,
                              .hidden_sizes = hidden,
                              .scalings = room_scaling,
                              .n_scalings = 2,
                              .cell = GRU_LAYER_GRU,
                              .reset = GRU_RESET_AFTER,
                              .seed = 3 };
}

void gate_trial_begin(struct gate_trial *trial, const struct gru_plan *plan)
{
    memset(trial, 0, sizeof *trial);
    world_init(&trial->world);
    world_use_data(&trial->world);
    world_add_model(&trial->world, "m", model_file(plan));
    world_start(&trial->world);
    world_start_jobs(&trial->world);
    trial->request = (struct job_request){ .model = "m",
                                           .series = trial->series,
                                           .validation_fraction = 0.2,
                                           .gate = job_gate_default,
                                           .seed = 1 };
    gru_hyperparameters_init(&trial->request.hyperparameters);
    trial->request.hyperparameters.learning_rate = 0.01;
}

void gate_trial_end(struct gate_trial *trial)
{
    for (size_t k = 0; k < 2 * GATE_STREAMS; k++) {
        free(trial->x[k]);
    }
    for (size_t k = 0; k < GATE_STREAMS; k++) {
        free(trial->y[k]);
    }
    world_done(&trial->world);
}

double *gate_trial_add_rows(struct gate_trial *trial, bool is_validation, size_t n_rows,
                            size_t width)
{
    size_t k = is_validation ? trial->request.n_validation++ : trial->request.n_series++;
    double *x = malloc(n_rows * width * sizeof *x);
    ck_assert(x && k < GATE_STREAMS);
    trial->x[is_validation ? GATE_STREAMS + k : k] = x;
    (is_validation ? trial->validation : trial->series)[k] =
        (struct gru_series){ .x = x, .n_rows = n_rows };
    if (is_validation) {
        trial->request.validation = trial->validation;
        trial->request.validation_fraction = 0;
    }
    return x;
}

double *gate_trial_add_targets(struct gate_trial *trial, size_t n_rows)
{
    const size_t k = trial->request.n_series - 1;
    double *y = malloc(n_rows * sizeof *y);
    ck_assert_ptr_nonnull(y);
    trial->y[k] = y;
    trial->series[k].y = y;
    trial->series[k].n_targets = n_rows;
    return y;
}

double gate_trial_noise(uint64_t *seed)
{
    double sum = 0;
    for (int k = 0; k < 12; k++) {
        *seed = *seed * 6364136223846793005U + 1442695040888963407U;
        sum += (double)(*seed >> 40) / (1 << 24);
    }
    return sum - 6;
}

double *gate_trial_add_room(struct gate_trial *trial, bool is_validation, size_t n_rows,
                            double phase)
{
    double *x = gate_trial_add_rows(trial, is_validation, n_rows, GATE_ROOM_INPUTS);
    uint64_t seed = (uint64_t)(1000 * phase) + 1;
    for (size_t t = 0; t < n_rows; t++) {
        x[2 * t] = (float)(20 + 3 * sin((double)t / 8 + phase) + 0.1 * gate_trial_noise(&seed));
        x[2 * t + 1] = (float)(0.5 + 0.1 * cos((double)t / 8 + phase));
    }
    return x;
}

struct job gate_trial_run(struct gate_trial *trial)
{
    struct job job = course_start(&trial->world, &trial->request);
    return job_wait(&trial->world, job.id, JOB_SUCCEEDED);
}

bool gate_trial_is_warned(struct gate_trial *trial, const struct job *job, const char *words)
{
    struct job_event *events = malloc(EVENTS * sizeof *events);
    ck_assert_ptr_nonnull(events);
    size_t n = job_get_events(&trial->world, job->id, events, EVENTS);
    bool is_found = false;
    for (size_t k = 0; k < n; k++) {
        is_found |= events[k].level == JOB_EVENT_WARN && strstr(events[k].message, words);
    }
    free(events);
    return is_found;
}

void gate_trial_expect_warned(struct gate_trial *trial, const struct job *job, const char *words)
{
    ck_assert_msg(gate_trial_is_warned(trial, job, words), "no warning of '%s'", words);
}

void gate_trial_expect_pooled_gain(const struct job *job)
{
    ck_assert_msg(job->metrics.valid_loss < job->metrics.baseline_valid_loss,
                  "no pooled gain: %g, base %g", job->metrics.valid_loss,
                  job->metrics.baseline_valid_loss);
}

void gate_trial_train_base(struct gate_trial *trial)
{
    for (size_t k = 0; k < 8; k++) {
        gate_trial_add_room(trial, false, 200, (double)k);
    }
    struct job job = gate_trial_run(trial);
    expect_promotion(&trial->world, job.id, JOB_PROMOTED, "of the base version's (median of 8");
    for (size_t k = 0; k < 8; k++) {
        free(trial->x[k]);
        trial->x[k] = NULL;
    }
    trial->request.n_series = 0;
}
