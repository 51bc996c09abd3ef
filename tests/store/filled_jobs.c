#include "filled_jobs.h"

#include "test.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fill_text(char *text, size_t n_bytes, unsigned k)
{
    for (size_t i = 0; i + 1 < n_bytes; i++) {
        text[i] = (char)('a' + (i + k) % 26);
    }
    text[n_bytes - 1] = '\0';
}

void job_fill_life(struct job *job, unsigned k)
{
    job->status = k % JOB_N_STATUSES;
    job->started_at_ms = 1000 + k;
    job->finished_at_ms = 2000 + k;
    job->estimated_finish_ms = INT64_MAX - k;
    job->running_ms = UINT64_MAX - k;
    job->epoch = (UINT64_C(1) << 63) + k;
    job->step = 3000 + k;
    job->n_steps = 4000 + k;
    job->metrics = (struct job_metrics){ .train_loss = 0.1 * k,
                                         .valid_loss = k % 2 ? NAN : 5e-324,
                                         .baseline_valid_loss = k % 2 ? INFINITY : 1e308,
                                         .persistence_valid_loss = NAN,
                                         .train_accuracy = 1.0 / (k + 1),
                                         .valid_accuracy = 2 };
    job->n_trials = (int)(k % (JOB_TRIALS_MAX + 1));
    job->chosen_trial = job->n_trials / 2;
    for (int t = 0; t < job->n_trials; t++) {
        const uint64_t n = k + (uint64_t)t;
        job->trials[t] = (struct job_trial){ .transform = n % (GRU_LEVEL + 1),
                                             .season = n,
                                             .width = UINT64_MAX - n,
                                             .fate = n % (GRU_TRIAL_REFUSED + 1),
                                             .rate = 1.0 / (double)(n + 1),
                                             .error = t % 2 ? NAN : INFINITY };
    }
    job->fine_tuned_version = UINT_MAX - k;
    job->promotion = (k + 1) % (JOB_ROLLED_BACK + 1);
    fill_text(job->promotion_reason, sizeof job->promotion_reason, k + 4);
    job->error = (struct fault){ .status = (k + 3) % STATUS_COUNT,
                                 .has_expected = k % 2 == 0,
                                 .expected = UINT64_MAX - 7 - k };
    fill_text(job->error.param, sizeof job->error.param, k + 5);
    fill_text(job->error.message, sizeof job->error.message, k + 6);
}

struct job job_filled(unsigned k)
{
    struct job job = { .base_version = 17 + k,
                       .base_digest = { .high = UINT64_MAX - k, .low = k },
                       .created_at_ms = -5 - (int64_t)k,
                       .source = k % (JOB_SESSIONS_PREFIX + 1),
                       .validation_fraction = 0.3 / (k + 1),
                       .seed = UINT64_C(0xfedcba9876543210) + k,
                       .policy = k % 2 ? JOB_MANUAL : JOB_AUTO,
                       .gate = { .min_relative_gain = 1e-9 * k,
                                 .must_beat_persistence = k % 2 == 0,
                                 .min_targets = 30 + k,
                                 .confidence = 0.9 / (k + 1) },
                       .max_seconds = UINT64_MAX / 2 + k,
                       .dry_run = k % 2 == 1 };
    snprintf(job.id, sizeof job.id, "ftjob-%025u", k);
    snprintf(job.model, sizeof job.model, "model-%u", k % 3);
    fill_text(job.suffix, sizeof job.suffix, k + 2);
    fill_text(job.metadata, sizeof job.metadata, k + 3);
    memcpy(job.metadata, "{\"a\":\"", 6);
    memcpy(job.metadata + sizeof job.metadata - 3, "\"}", 3);
    unsigned n = k;
#define WITHIN_SIZE(least, most)                                                                   \
    (size_t)(n++ % (unsigned)((most) - (least)) + (least)) /* NOLINT(bugprone-macro-parentheses)   \
                                                            */
#define WITHIN_REAL(least, most)   ((least) + ((most) - (least)) / (2.0 + n++))
#define WITHIN_CHOICE(least, most) (int)(n++ % ((most) + 1))
#define FILL(field, type, def, none, least, most, words)                                           \
    job.hyperparameters.field = WITHIN_##type(least, most);
    GRU_HYPERPARAMETERS(FILL)
    job.hyperparameters.class_weighting = WITHIN_CHOICE(0, GRU_N_CLASS_WEIGHTINGS - 1);
    for (size_t c = 0; c < k % (GRU_CLASS_WEIGHTS_MAX + 1); c++) {
        job.hyperparameters.class_weights[c] = 0.1 * (double)(c + 1);
    }
    job.hyperparameters.n_output_weights = WITHIN_CHOICE(0, GRU_OUTPUT_WEIGHTS_MAX);
    job.recipe = k % 2 ? JOB_RECIPE_AUTO : JOB_RECIPE_NONE;
    job.recipe_horizon = k % 2 ? UINT64_MAX - k : 0;
    for (int o = 0; o < job.hyperparameters.n_output_weights; o++) {
        job.hyperparameters.output_weights[o] = o % 3 == 2 ? 0 : 0.3 * (o + 1);
    }
    job_fill_life(&job, k);
    return job;
}

void assert_real_equal(double a, double b)
{
    if (isnan(a) || isnan(b)) {
        ck_assert(isnan(a) && isnan(b));
    } else {
        ck_assert_int_eq(memcmp(&a, &b, sizeof a), 0);
    }
}

static void assert_life_equal(const struct job *a, const struct job *b)
{
    ck_assert_int_eq(a->status, b->status);
    ck_assert_int_eq(a->started_at_ms, b->started_at_ms);
    ck_assert_int_eq(a->finished_at_ms, b->finished_at_ms);
    ck_assert_int_eq(a->estimated_finish_ms, b->estimated_finish_ms);
    ck_assert_uint_eq(a->running_ms, b->running_ms);
    ck_assert_uint_eq(a->epoch, b->epoch);
    ck_assert_uint_eq(a->step, b->step);
    ck_assert_uint_eq(a->n_steps, b->n_steps);
    ck_assert_int_eq(a->n_trials, b->n_trials);
    ck_assert_int_eq(a->chosen_trial, b->chosen_trial);
    ck_assert_mem_eq(a->trials, b->trials, sizeof a->trials);
    assert_real_equal(a->metrics.train_loss, b->metrics.train_loss);
    assert_real_equal(a->metrics.valid_loss, b->metrics.valid_loss);
    assert_real_equal(a->metrics.baseline_valid_loss, b->metrics.baseline_valid_loss);
    assert_real_equal(a->metrics.persistence_valid_loss, b->metrics.persistence_valid_loss);
    assert_real_equal(a->metrics.train_accuracy, b->metrics.train_accuracy);
    assert_real_equal(a->metrics.valid_accuracy, b->metrics.valid_accuracy);
    ck_assert_uint_eq(a->fine_tuned_version, b->fine_tuned_version);
    ck_assert_int_eq(a->promotion, b->promotion);
    ck_assert_str_eq(a->promotion_reason, b->promotion_reason);
    ck_assert_int_eq(a->error.status, b->error.status);
    ck_assert_int_eq(a->error.has_expected, b->error.has_expected);
    ck_assert_uint_eq(a->error.expected, b->error.expected);
    ck_assert_str_eq(a->error.param, b->error.param);
    ck_assert_str_eq(a->error.message, b->error.message);
}

void assert_job_equal(const struct job *a, const struct job *b)
{
    ck_assert_int_eq(a->number, b->number);
    ck_assert_str_eq(a->id, b->id);
    ck_assert_str_eq(a->model, b->model);
    ck_assert_uint_eq(a->base_version, b->base_version);
    ck_assert_uint_eq(a->base_digest.high, b->base_digest.high);
    ck_assert_uint_eq(a->base_digest.low, b->base_digest.low);
    ck_assert_int_eq(a->created_at_ms, b->created_at_ms);
    ck_assert_int_eq(a->source, b->source);
    assert_real_equal(a->validation_fraction, b->validation_fraction);
#define ASSERT_EQUAL(field, ...) ck_assert(a->hyperparameters.field == b->hyperparameters.field);
    GRU_HYPERPARAMETERS(ASSERT_EQUAL)
    ck_assert_int_eq(a->hyperparameters.class_weighting, b->hyperparameters.class_weighting);
    ck_assert_mem_eq(a->hyperparameters.class_weights, b->hyperparameters.class_weights,
                     sizeof a->hyperparameters.class_weights);
    ck_assert_int_eq(a->hyperparameters.n_output_weights, b->hyperparameters.n_output_weights);
    ck_assert_mem_eq(a->hyperparameters.output_weights, b->hyperparameters.output_weights,
                     sizeof a->hyperparameters.output_weights);
    ck_assert_uint_eq(a->seed, b->seed);
    ck_assert_int_eq(a->policy, b->policy);
    assert_real_equal(a->gate.min_relative_gain, b->gate.min_relative_gain);
    ck_assert(a->gate.must_beat_persistence == b->gate.must_beat_persistence);
    ck_assert_uint_eq(a->gate.min_targets, b->gate.min_targets);
    assert_real_equal(a->gate.confidence, b->gate.confidence);
    ck_assert_uint_eq(a->max_seconds, b->max_seconds);
    ck_assert_int_eq(a->dry_run, b->dry_run);
    ck_assert_int_eq(a->recipe, b->recipe);
    ck_assert_uint_eq(a->recipe_horizon, b->recipe_horizon);
    ck_assert_str_eq(a->suffix, b->suffix);
    ck_assert_str_eq(a->metadata, b->metadata);
    assert_life_equal(a, b);
}

struct job_store *jobs_opened(const char *data)
{
    struct job_store *jobs = NULL;
    struct fault fault;
    enum status status = job_store_open(data, &jobs, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    return jobs;
}

struct job job_inserted(struct job_store *jobs, unsigned k, enum job_status job_status)
{
    struct job job = job_filled(k);
    struct fault fault;
    job.status = job_status;
    enum status status = job_store_insert(jobs, &job, &(struct job_addition){ 0 }, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    return job;
}

struct job job_found(struct job_store *jobs, const char *id)
{
    struct job job;
    struct fault fault;
    enum status status = job_store_find(jobs, id, &job, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    return job;
}

int64_t last_event(struct job_store *jobs)
{
    enum { JOBS = 4, PAGE = 64 };
    int64_t last = 0;
    for (int64_t number = 1; number <= JOBS; number++) {
        struct job_event events[PAGE];
        struct fault fault;
        size_t n;
        bool has_more = true;
        for (int64_t after = 0; has_more; after = n > 0 ? events[n - 1].id : after) {
            enum status status =
                job_store_list_events(jobs, number, after, PAGE, events, &n, &has_more, &fault);
            if (status !=
                STATUS_OK) { /* an assertion would be noted, in a file, and files may be limited */
                ck_abort_msg("%s", fault.message);
            }
            last = n > 0 && events[n - 1].id > last ? events[n - 1].id : last;
        }
    }
    return last;
}

void event_added(struct job_store *jobs, int64_t number, unsigned k)
{
    struct fault fault;
    struct job_event event = {
        .created_at_ms = k, .level = k % 3, .is_metrics = k % 2 == 0, .step = k
    };
    snprintf(event.message, sizeof event.message, "event %u", k);
    enum status status = job_store_add_event(jobs, number, &event, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    ck_assert_int_eq(event.id, last_event(jobs));
}

void checkpoint_added(struct job_store *jobs, int64_t number, unsigned k, size_t n_state)
{
    struct fault fault;
    struct job_checkpoint checkpoint = {
        .created_at_ms = k, .step = k, .epoch = k, .train_loss = k
    };
    char *state = malloc(n_state + 1);
    ck_assert_ptr_nonnull(state);
    memset(state, (int)k, n_state);
    enum status status =
        job_store_add_checkpoint(jobs, number, &checkpoint, state, n_state, &fault);
    free(state);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    ck_assert_int_gt(checkpoint.id, 0);
}
