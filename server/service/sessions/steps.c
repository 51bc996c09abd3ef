/*
 * Each round claims the sessions of all steps that can go ahead (a session takes one step a round),
 * runs them as lanes of one gru_run straight from the newer copy of their record into the older
 * one, and seals those that succeeded. A step whose session another thread holds waits for the next
 * turn, and so do the later steps of that session.
 */
#include "service/sessions/steps.h"

#include "service/models/models.h"
#include "service/service_private.h"
#include "service/sessions/recorder.h"
#include "service/sessions/rewarm.h"
#include "service/sessions/session_copy.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum pending_state {
    PENDING_WAITING, /* for a round in which its session is free */
    PENDING_BLOCKED, /* its session is in use elsewhere: not in this call */
    PENDING_CLAIMED,
    PENDING_RUNNING,
    PENDING_DONE
};

/* A step on its way. */
struct pending_step {
    struct step *step;
    struct pool_key key;
    enum pending_state state;
    bool is_new; /* its session exists only if the step succeeds */
    uint32_t slot;
    const struct record_copy *now;
    struct record_copy *next;
};

static void finish(struct pending_step *pending)
{
    pending->step->is_done = true;
    pending->state = PENDING_DONE;
}

static void finish_failed(struct pending_step *pending)
{
    finish(pending);
    pending->step->y = NULL;
    pending->step->forecast = NULL;
}

/* ---- one session ---- */

static enum claim create_session(struct service_context *context, struct pending_step *pending)
{
    struct record_copy *copy;
    const struct model *model = pending->step->model;
    enum claim claim = session_copy_alloc(context, model, &pending->key, &pending->slot, &copy,
                                          &pending->step->fault);
    if (claim == CLAIM_OK) {
        claim = session_copy_publish(model->pool, &pending->key, pending->slot, copy,
                                     &pending->step->fault);
    }
    pending->is_new = claim == CLAIM_OK;
    return claim;
}

static void release_session(struct pending_step *pending)
{
    struct pool *pool = pending->step->model->pool;
    if (pending->is_new) {
        pool_remove(pool, pending->slot);
    } else {
        pool_release(pool, pending->slot);
    }
}

/* ---- the answer ---- */

/* Fills the reply from a state whose last output is this step's. */
static enum status answer(struct service_context *context, struct step *step, uint64_t number,
                          const float *state)
{
    const struct gru_model *gru = step->model->active->gru;
    const struct gru_info *info = gru_model_info(gru);
    float *forecast;
    enum status status =
        forecast_options_run(context, gru, state, &step->forecast_options, step->arena, &forecast,
                             &step->n_forecast, &step->fault);
    if (status != STATUS_OK) {
        return status;
    }
    float *y = arena_array(step->arena, info->n_outputs, sizeof *y);
    if (!y) {
        return fault_set(&step->fault, STATUS_NO_MEMORY, NULL, "no memory for the reply");
    }
    memcpy(y, state + gru_state_y_offset(gru), info->n_outputs * sizeof *y);
    step->y = y;
    step->forecast = forecast;
    step->number = number;
    step->version = step->model->active->number;
    return STATUS_OK;
}

/* Whether the session keeps the reading of that step, and it is x. */
static bool has_reading(const struct pending_step *pending, const struct record_copy *now)
{
    const struct step *step = pending->step;
    const struct pool *pool = step->model->pool;
    if (step->seq > now->step || now->step - step->seq >= now->n_readings) {
        return false;
    }
    const float *kept = record_reading(&pool->layout, pool_record(pool, pending->slot), step->seq);
    for (uint32_t k = 0; k < pool->layout.n_inputs; k++) {
        if (!(kept[k] == step->x[k]) && !(isnan(kept[k]) && isnan(step->x[k]))) {
            return false;
        }
    }
    return true;
}

/* A step that the session has made already changes nothing. The last one gets the same answer; of
 * an earlier one it is only known that it was made. */
static enum status repeat(struct service_context *context, struct step *step,
                          struct record_copy *now)
{
    if (step->seq == now->step) {
        return answer(context, step, now->step, record_state(&step->model->pool->layout, now));
    }
    step->is_repeated = true;
    step->number = step->seq;
    return STATUS_OK;
}

/* now: of the session, or NULL if it is not there. */
static bool has_wrong_seq(struct step *step, const struct record_copy *now)
{
    uint64_t last = now ? now->step : 0;
    if (!step->has_seq || step->seq == last + 1) {
        return false;
    }
    const char *why = step->seq > last || step->seq == 0 ? ""
                      : last - step->seq < now->n_readings
                          ? "; this seq was given to another reading"
                          : "; the reading of this seq is no longer kept";
    fault_set(&step->fault, STATUS_SEQUENCE_MISMATCH, "seq",
              "the next step of session '%s' is %llu, not %llu%s", step->session,
              (unsigned long long)last + 1, (unsigned long long)step->seq, why);
    step->fault.has_expected = true;
    step->fault.expected = last + 1;
    return true;
}

/* ---- a round ---- */

static enum status lane_fault(const struct pending_step *pending, const struct gru_lane *lane)
{
    struct fault *fault = &pending->step->fault;
    const struct gru_info *info = gru_model_info(pending->step->model->active->gru);
    char param[32];
    snprintf(param, sizeof param, "x[%zu]", lane->bad_column);
    if (lane->status == GRU_MISSING_INPUT) {
        return fault_set(fault, STATUS_MISSING_INPUT, param,
                         "input '%s' is missing, and the model's policy is to refuse that",
                         info->inputs[lane->bad_column].name);
    }
    return fault_set(
        fault, status_of_gru(lane->status), "x",
        "output '%s' would not be a finite number for this reading; the session is as it was",
        info->outputs[lane->bad_column % info->n_outputs].name);
}

/* Whether a new session's first step would fail. Asked before another session is evicted for it:
 * what fails changes nothing. */
static bool fails_at_first(struct service_context *context, struct pending_step *pending)
{
    struct step *step = pending->step;
    const struct gru_model *gru = step->model->active->gru;
    float *state = arena_array(step->arena, gru_model_info(gru)->state_floats, sizeof *state);
    float *y = arena_array(step->arena, gru_model_info(gru)->y_floats, sizeof *y);
    struct gru_lane lane = { .state_out = state, .x = step->x, .n_rows = 1, .y = y };
    if (!state || !y || gru_run(gru, context->work, &lane, 1) != GRU_OK) {
        fault_set(&step->fault, STATUS_NO_MEMORY, NULL, "no memory for this step");
        return true;
    }
    return (lane.status == GRU_OK ? answer(context, step, 1, state) : lane_fault(pending, &lane)) !=
           STATUS_OK;
}

static enum claim claim_session(struct service_context *context, struct pending_step *pending)
{
    struct step *step = pending->step;
    enum claim claim = pool_claim(step->model->pool, &pending->key, context->owner, context->now_ms,
                                  &pending->slot, &step->fault);
    if (claim != CLAIM_ABSENT) {
        return claim;
    }
    if (has_wrong_seq(step, NULL) ||
        (pool_is_full(step->model->pool) && fails_at_first(context, pending))) {
        return CLAIM_ENDED;
    }
    return create_session(context, pending);
}

/* With the session claimed: makes the step a lane, or finishes it without one. */
static void make_lane(struct service_context *context, struct pending_step *pending,
                      struct gru_lane *lane)
{
    struct step *step = pending->step;
    struct pool *pool = step->model->pool;
    char *record = pool_record(pool, pending->slot);
    if (rewarm_session(context, step->model, pending->slot, &step->fault) != STATUS_OK) {
        release_session(pending);
        finish_failed(pending);
        return;
    }
    struct record_copy *now = record_newest(&pool->layout, record);
    if (step->has_seq && has_reading(pending, now)) {
        enum status status = repeat(context, step, now);
        release_session(pending);
        status == STATUS_OK ? finish(pending) : finish_failed(pending);
        return;
    }
    if (has_wrong_seq(step, now)) {
        release_session(pending);
        finish_failed(pending);
        return;
    }
    /* Only now: a step that waits for turns and turns must not take memory at each. */
    float *y =
        arena_array(step->arena, gru_model_info(step->model->active->gru)->y_floats, sizeof *y);
    if (!y) {
        fault_set(&step->fault, STATUS_NO_MEMORY, NULL, "no memory for this step");
        release_session(pending);
        finish_failed(pending);
        return;
    }
    pending->next = session_copy_begin(pool, pending->slot, &pending->now);
    pending->state = PENDING_RUNNING;
    *lane = (struct gru_lane){ .state_in = record_state(&pool->layout, now),
                               .state_out = record_state(&pool->layout, pending->next),
                               .x = step->x,
                               .n_rows = 1,
                               .y = y };
}

/* Compares what the last step forecast with what this one brought: running means, m += (x - m) / n
 * (B. P. Welford, Technometrics 4(3), 1962). */
static void note_errors(const struct pending_step *pending)
{
    const struct gru_model *gru = pending->step->model->active->gru;
    const struct gru_info *info = gru_model_info(gru);
    const struct record_layout *layout = &pending->step->model->pool->layout;
    const float *forecast =
        record_state(layout,
                     record_other(layout, pool_record(pending->step->model->pool, pending->slot),
                                  pending->next)) +
        gru_state_y_offset(gru);
    for (size_t o = 0; o < info->n_outputs; o++) {
        struct record_error *error = &pending->next->errors[o];
        float seen = info->outputs[o].feeds >= 0 ? pending->step->x[info->outputs[o].feeds] : NAN;
        if (isnan(seen) || isnan(forecast[o]) || error->n == UINT32_MAX) {
            continue;
        }
        /* In doubles and bounded: a square may be beyond any float, and the mean must come back
         * from it. */
        double miss = (double)seen - (double)forecast[o];
        error->n++;
        double mae = error->mae + (fabs(miss) - error->mae) / error->n;
        double mse = error->mse + (miss * miss - error->mse) / error->n;
        error->mae = (float)fmin(mae, FLT_MAX);
        error->mse = (float)fmin(mse, FLT_MAX);
    }
}

static void complete(struct service_context *context, struct pending_step *pending,
                     const struct gru_lane *lane)
{
    struct step *step = pending->step;
    struct pool *pool = step->model->pool;
    const float *state = record_state(&pool->layout, pending->next);
    enum status status = lane->status == GRU_OK
                             ? answer(context, step, pending->now->step + 1, state)
                             : lane_fault(pending, lane);
    if (status != STATUS_OK) {
        release_session(pending);
        finish_failed(pending);
        return;
    }
    note_errors(pending);
    pending->next->last_seen_at_ms = context->now_ms;
    record_advance(&pool->layout, pool_record(pool, pending->slot), pending->next, step->x);
    session_copy_seal(pool, pending->slot, pending->next);
    if (context->outbox) {
        recorder_note(context->outbox, step->model->name, step->session, pending->next, step->x,
                      pool->layout.n_inputs);
    }
    pool_release(pool, pending->slot);
    atomic_fetch_add_explicit(&pool->n_created, pending->is_new, memory_order_relaxed);
    finish(pending);
}

static void fail_all(struct pending_step *pending_steps, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (pending_steps[k].state == PENDING_RUNNING) {
            fault_set(&pending_steps[k].step->fault, STATUS_NO_MEMORY, NULL,
                      "no memory for this step");
            release_session(&pending_steps[k]);
            finish_failed(&pending_steps[k]);
        }
    }
}

/* The bucket of the session among those that are blocked: its hash, or 0 where it would be. */
static uint64_t *blocked_bucket(const struct service_context *context,
                                const struct pending_step *pending)
{
    size_t mask = context->n_buckets - 1;
    size_t at = pending->key.hash & mask;
    while (context->blocked[at] != 0 && context->blocked[at] != pending->key.hash) {
        at = (at + 1) & mask;
    }
    return &context->blocked[at];
}

static void claim_pending(struct service_context *context, struct pending_step *pending)
{
    uint64_t *blocked = blocked_bucket(context, pending);
    enum claim claim = *blocked != 0 ? CLAIM_BUSY : claim_session(context, pending);
    switch (claim) {
    case CLAIM_OK:
        pending->state = PENDING_CLAIMED;
        record_prefetch(&pending->step->model->pool->layout,
                        pool_record(pending->step->model->pool, pending->slot));
        break;
    case CLAIM_OWN: /* a step of this session is in this round already */
        break;
    case CLAIM_BUSY:
    case CLAIM_MOVED:
        pending->state = PENDING_BLOCKED;
        *blocked = pending->key.hash;
        context->has_blocked = true;
        break;
    case CLAIM_ABSENT:
    case CLAIM_ENDED:
        finish_failed(pending);
        break;
    }
}

/* One pass over the weights of one model, the first that has a step waiting. False: nothing waits
 * any more. */
static bool run_round(struct service_context *context, struct pending_step *pending_steps, size_t n)
{
    const struct model *model = NULL;
    size_t n_lanes = 0;
    for (size_t k = 0; k < n; k++) {
        if (pending_steps[k].state != PENDING_WAITING ||
            (model && pending_steps[k].step->model != model)) {
            continue;
        }
        model = pending_steps[k].step->model;
        claim_pending(context, &pending_steps[k]);
    }
    /* Only now, when the records that were claimed are on their way into the cache. */
    for (size_t k = 0; k < n; k++) {
        if (pending_steps[k].state == PENDING_CLAIMED) {
            make_lane(context, &pending_steps[k], &context->lanes[n_lanes]);
            n_lanes += pending_steps[k].state == PENDING_RUNNING;
        }
    }
    if (model && n_lanes > 0 &&
        gru_run(model->active->gru, context->work, context->lanes, n_lanes) != GRU_OK) {
        fail_all(pending_steps, n);
    }
    recorder_begin(context->outbox);
    for (size_t k = 0, lane = 0; lane < n_lanes && k < n; k++) {
        if (pending_steps[k].state == PENDING_RUNNING) {
            complete(context, &pending_steps[k], &context->lanes[lane++]);
        }
    }
    return model != NULL;
}

/* ---- the whole ---- */

static bool grow_pending_steps(struct service_context *context, size_t n)
{
    if (context->n_pending_steps >= n) {
        return true;
    }
    size_t n_buckets = 64; /* a power of two, and never more than half full */
    while (n_buckets < 2 * n) {
        n_buckets *= 2;
    }
    free(context->pending_steps);
    free(context->blocked);
    context->pending_steps = reallocarray(NULL, n, sizeof *context->pending_steps);
    context->blocked = calloc(n_buckets, sizeof *context->blocked);
    context->n_pending_steps = context->pending_steps && context->blocked ? n : 0;
    context->n_buckets = n_buckets;
    context->has_blocked = false;
    return context->n_pending_steps > 0;
}

static void begin_pending(struct service_context *context, struct pending_step *pending,
                          struct step *step)
{
    *pending = (struct pending_step){ .step = step,
                                      .key = pool_key_of(step->session),
                                      .state = PENDING_WAITING };
    step->fault.status = STATUS_OK;
    step->fault.has_expected = false;
    step->is_repeated = false;
    if (model_find(context, step->model_name, &step->model, &step->fault) != STATUS_OK) {
        finish_failed(pending);
        return;
    }
}

/* With a sync interval of 0: nothing is answered before it is on disk. */
static void commit_all(struct service_context *context, struct pending_step *pending_steps,
                       size_t n)
{
    struct pool *synced = NULL;
    struct fault fault;
    enum status status = STATUS_OK;
    for (size_t k = 0; k < n; k++) {
        struct step *step = pending_steps[k].step;
        if (pending_steps[k].state != PENDING_DONE || step->fault.status != STATUS_OK) {
            continue;
        }
        if (step->model->pool != synced) {
            synced = step->model->pool;
            status = session_copy_commit(context->service, synced, &fault);
        }
        if (status != STATUS_OK) {
            step->fault = fault;
        }
    }
}

void service_steps(struct service_context *context, struct step *const *steps, size_t n)
{
    size_t n_pending = 0, n_done = 0;
    if (!grow_pending_steps(context, n)) {
        for (size_t k = 0; k < n; k++) {
            fault_set(&steps[k]->fault, STATUS_NO_MEMORY, NULL, "no memory for this step");
            steps[k]->is_done = true;
        }
        return;
    }
    for (size_t k = 0; k < n; k++) {
        if (!steps[k]->is_done) {
            begin_pending(context, &context->pending_steps[n_pending++], steps[k]);
        }
    }
    if (context->has_blocked) {
        memset(context->blocked, 0, context->n_buckets * sizeof *context->blocked);
        context->has_blocked = false;
    }
    for (size_t first = 0; first < n_pending; first += SERVICE_CONTEXT_LANES) {
        size_t n_window =
            n_pending - first < SERVICE_CONTEXT_LANES ? n_pending - first : SERVICE_CONTEXT_LANES;
        while (run_round(context, context->pending_steps + first, n_window)) {
        }
    }
    if (context->service->config->sync_interval_ms == 0) {
        commit_all(context, context->pending_steps, n_pending);
    }
    for (size_t k = 0; k < n_pending; k++) {
        n_done += context->pending_steps[k].state == PENDING_DONE &&
                  context->pending_steps[k].step->fault.status == STATUS_OK;
    }
    atomic_fetch_add_explicit(&context->service->counters.n_steps, n_done, memory_order_relaxed);
}
