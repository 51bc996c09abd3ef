/*
 * Each round claims the sessions of all steps that can go ahead (a session takes one step a round),
 * runs them as lanes of one gru_run from the newest copies of their records into scratch memory,
 * and writes those that succeeded, in one section of writes. A step whose session another thread
 * holds waits for the next turn, and so do the later steps of that session.
 */
#include "service/sessions/steps.h"

#include "service/models/models.h"
#include "service/pool/pool_write.h"
#include "service/service_private.h"
#include "service/sessions/amend.h"
#include "service/sessions/commit.h"
#include "service/sessions/pending_step.h"
#include "service/sessions/predict.h"
#include "service/sessions/recorder.h"
#include "service/sessions/rewarm.h"
#include "service/sessions/session_base.h"
#include "service/sessions/session_copy.h"
#include "service/sessions/step_ahead.h"
#include "service/sessions/step_answer.h"
#include "service/sessions/step_cluster.h"
#include "service/sessions/step_events.h"
#include "service/sessions/step_intervals.h"
#include "service/sessions/step_place.h"
#include "service/sessions/step_rules.h"
#include "service/sessions/step_write.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- a round ---- */

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

/* No further step of its session goes ahead in this call. */
static void block(struct service_context *context, struct pending_step *pending)
{
    pending->state = PENDING_BLOCKED;
    *blocked_bucket(context, pending) = pending->key.hash;
    context->has_blocked = true;
}

/* With the session not there: whether it may be made. What fails must not have evicted another
 * session for the room. */
static enum claim work_out_first(struct service_context *context, struct pending_step *pending)
{
    struct step *step = pending->step;
    struct step_place place;
    bool is_ready = true;
    enum status status = step_place_find_first(step, context->service->config->gap_max, &place);
    if (status == STATUS_OK &&
        (step_ahead_is_needed(step, place.n_rows) ||
         pool_is_full(step->model->pool, pending_class(context, pending), pending->key.n))) {
        status = step_ahead_go_on(context, step, &place, &is_ready);
    }
    return status != STATUS_OK ? CLAIM_ENDED : is_ready ? CLAIM_OK : CLAIM_BUSY;
}

static enum claim claim_session(struct service_context *context, struct pending_step *pending)
{
    struct step *step = pending->step;
    enum claim claim = pool_claim(step->model->pool, &pending->key, context->owner, context->now_ms,
                                  &pending->slot, &step->fault);
    if (claim == CLAIM_OWN && context->cluster) {
        return step_cluster_claim(context->cluster, pending) ? CLAIM_OK : CLAIM_OWN;
    }
    if (claim != CLAIM_ABSENT) {
        return claim;
    }
    if (context->cluster && !step->is_absent) {
        step_cluster_ask(context->cluster, pending);
        return CLAIM_BUSY;
    }
    claim = work_out_first(context, pending);
    return claim == CLAIM_OK ? pending_create_session(context, pending) : claim;
}

/* With the session claimed: works the step out ahead, or waits for a turn in which that goes on. */
static void make_ahead(struct service_context *context, struct pending_step *pending,
                       const struct step_place *place)
{
    bool is_ready;
    enum status status = step_ahead_go_on(context, pending->step, place, &is_ready);
    const enum claim claim = is_ready ? step_intervals_raise(context, pending) : CLAIM_OK;
    status = is_ready && claim == CLAIM_OK ? step_intervals_room(pending) : status;
    if (is_ready && claim == CLAIM_OK && status == STATUS_OK) {
        pending->state = PENDING_AHEAD;
        return;
    }
    pending_release(pending);
    if (status == STATUS_OK && (claim == CLAIM_OK || claim == CLAIM_MOVED)) {
        block(context, pending);
    } else {
        pending_finish_failed(pending);
    }
}

static void make_lanes(struct pending_step *pending, const struct step_place *place,
                       struct gru_lane lanes[2])
{
    struct step *step = pending->step;
    const struct record_layout *layout = place->layout;
    const size_t y_floats = gru_model_info(step->model->active->gru)->y_floats;
    pending_begin_next(pending, place->last, place->state);
    pending->n_lanes = 1 + session_base_is_full(layout, pending->next);
    /* Only now: a step that waits for turns and turns must not take memory at each. */
    const size_t n_of_base = pending->n_lanes > 1 ? y_floats + layout->n_inputs : 0;
    double *y = arena_array(step->arena, y_floats + n_of_base, sizeof *y);
    if (!y) {
        pending->n_lanes = 0;
        fault_set(&step->fault, STATUS_NO_MEMORY, NULL, "no memory for this step");
        pending_release(pending);
        pending_finish_failed(pending);
        return;
    }
    pending->state = PENDING_RUNNING;
    lanes[0] = (struct gru_lane){ .state_in = place->state,
                                  .state_out = record_state(layout, pending->next),
                                  .x = step->x,
                                  .n_rows = 1,
                                  .y = y };
    if (pending->n_lanes > 1) {
        session_base_make_lane(layout, place->record, pending->next, y + 2 * y_floats, y + y_floats,
                               &lanes[1]);
    }
}

static void count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* A step that has failed. */
static void count_late(struct service_context *context, const struct step *step)
{
    const enum status status = step->fault.status;
    if (status == STATUS_LATE_READING || status == STATUS_TOO_LATE) {
        count(&context->service->counters
                   .n_late_readings[status == STATUS_TOO_LATE ? LATE_TOO_OLD : LATE_REFUSED],
              1);
    }
}

/* With the session claimed: of a step that has written it. */
static void finish_written(struct service_context *context, struct pending_step *pending)
{
    if (context->cluster) {
        step_cluster_write(context->cluster, pending);
        pending->state = PENDING_DONE;
        return;
    }
    step_events_tell(context, pending);
    pool_release(pending->step->model->pool, pending->slot);
    pending_finish(pending);
}

/* The same of one that has not. What a node of a cluster knows is to be confirmed first, and what
 * it has just written itself must be in the engine before anything is said of it. */
static void finish_unwritten(struct service_context *context, struct pending_step *pending)
{
    const struct step *step = pending->step;
    pending_release(pending);
    if (step_cluster_must_ask(context->cluster, pending)) {
        step_cluster_ask(context->cluster, pending);
        block(context, pending);
        return;
    }
    count_late(context, step);
    if (pending->written) {
        step_cluster_write(context->cluster, pending);
        pending->state = PENDING_DONE;
    } else if (step->fault.status == STATUS_OK) {
        pending_finish(pending);
    } else {
        pending_finish_failed(pending);
    }
}

static void amend(struct service_context *context, struct pending_step *pending,
                  struct step_place *place)
{
    const enum claim claim = amend_go_on(context, pending, place);
    switch (claim) {
    case CLAIM_OK:
        count(&context->service->counters.n_late_readings[LATE_AMENDED], 1);
        finish_written(context, pending);
        break;
    case CLAIM_BUSY:
    case CLAIM_MOVED:
        pending_release(pending);
        block(context, pending);
        break;
    default:
        finish_unwritten(context, pending);
    }
}

/* With the session claimed: makes the step lanes, or works it out ahead, or finishes it. */
static void begin_claimed(struct service_context *context, struct pending_step *pending,
                          struct gru_lane lanes[2])
{
    struct step *step = pending->step;
    struct pool *pool = step->model->pool;
    struct step_place place;
    enum rewarm rewarm =
        rewarm_session(context, step->model, &pending->slot, pending->next, &step->fault);
    if (rewarm == REWARM_LATER) {
        pending_release(pending);
        block(context, pending);
        return;
    }
    const struct record_layout *layout = pool_layout(pool, pending->slot);
    char *record = pool_record(pool, pending->slot);
    enum status status =
        rewarm == REWARM_DONE
            ? step_place_find(step, layout, record, context->service->config->gap_max, &place)
            : fault_status(&step->fault);
    const bool is_made = status == STATUS_OK && place.made > 0;
    bool is_ready = true;
    if (is_made) {
        status = step_answer_again(context, pending, record_newest(layout, record), place.made,
                                   &is_ready);
    }
    if (status == STATUS_OK && !is_ready) {
        pending_release(pending);
        block(context, pending);
    } else if (is_made || status != STATUS_OK) {
        finish_unwritten(context, pending);
    } else if (place.is_amend) {
        amend(context, pending, &place);
    } else if (step->ahead || step_ahead_is_needed(step, place.n_rows) ||
               step_intervals_need_raise(context, pending)) {
        make_ahead(context, pending, &place);
    } else {
        make_lanes(pending, &place, lanes);
    }
}

/* Fills the reply. */
static void answer_lanes(struct service_context *context, struct pending_step *pending,
                         const struct gru_lane *lane)
{
    struct step *step = pending->step;
    const float *state = record_state(&step->model->pool->layout, pending->next);
    enum status status = lane->status == GRU_OK
                             ? step_answer(context, step, pending->next->step + 1, state)
                             : step_lane_fault(step, lane);
    status = status == STATUS_OK ? step_intervals_room(pending) : status;
    if (status != STATUS_OK) {
        pending_release(pending);
        pending_finish_failed(pending);
        return;
    }
    if (pending->rules) {
        step_rules_look(context, pending, state);
    }
    step_intervals_go_on(context, pending, step->x, lane->y);
    pending->is_base_lost = pending->n_lanes > 1 && lane[1].status != GRU_OK;
    pending->state = PENDING_ANSWERED;
}

/* Each reading has a copy of its own, so that no moment is without a whole session: one that is
 * killed in between has the readings up to there, as if they had been sent one by one. */
static void write_ahead(struct service_context *context, struct pending_step *pending,
                        uint64_t section)
{
    struct step *step = pending->step;
    const struct record_layout *layout = &step->model->pool->layout;
    const size_t n_rows = step_ahead_answer(step);
    for (size_t k = 0; k < n_rows; k++) {
        pending_begin_next(pending, step->number - n_rows + k, step_ahead_before(step, k));
        pending->base_state = step_ahead_base(step, k);
        pending->is_base_lost = !pending->base_state;
        memcpy(record_state(layout, pending->next), step_ahead_state(step, k),
               layout->state_floats * sizeof(float));
        if (k + 1 == n_rows && pending->rules) {
            step_rules_look(context, pending, step_ahead_state(step, k));
        }
        step_intervals_go_on(context, pending, step_ahead_x(step, k), step_ahead_y(step, k));
        step_write_reading(context, pending, section, step_ahead_x(step, k), n_rows - 1 - k);
    }
    count(&context->service->counters.n_filled_readings, n_rows - 1);
}

/* Writes what has succeeded. */
static void write_round(struct service_context *context, struct pool *pool,
                        struct pending_step *pending_steps, size_t n)
{
    recorder_begin(context->outbox);
    uint64_t section = pool_begin_writes(pool);
    for (size_t k = 0; k < n; k++) {
        struct pending_step *pending = &pending_steps[k];
        if (pending->state != PENDING_ANSWERED && pending->state != PENDING_AHEAD) {
            continue;
        }
        if (pending->state == PENDING_ANSWERED) {
            step_write_reading(context, pending, section, pending->step->x, 0);
        } else {
            write_ahead(context, pending, section);
        }
        if (pending->rules) {
            step_rules_note(context, pending);
        }
        atomic_fetch_add_explicit(&pool->n_created, pending->is_new, memory_order_relaxed);
        finish_written(context, pending);
    }
    pool_end_writes(pool, section);
}

static void fail_all(struct pending_step *pending_steps, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (pending_steps[k].state == PENDING_RUNNING ||
            pending_steps[k].state == PENDING_CLAIMED) {
            fault_set(&pending_steps[k].step->fault, STATUS_NO_MEMORY, NULL,
                      "no memory for this step");
            pending_release(&pending_steps[k]);
            pending_finish_failed(&pending_steps[k]);
        }
    }
}

static void claim_pending(struct service_context *context, struct pending_step *pending)
{
    const bool is_blocked = pending->step->slices || *blocked_bucket(context, pending) != 0 ||
                            step_cluster_is_asking(context->cluster, pending);
    enum claim claim = is_blocked ? CLAIM_BUSY : claim_session(context, pending);
    switch (claim) {
    case CLAIM_OK:
        pending->state = PENDING_CLAIMED;
        record_prefetch(pool_layout(pending->step->model->pool, pending->slot),
                        pool_record(pending->step->model->pool, pending->slot));
        break;
    case CLAIM_OWN: /* a step of this session is in this round already */
        break;
    case CLAIM_BUSY:
    case CLAIM_MOVED:
        block(context, pending);
        break;
    case CLAIM_ABSENT:
    case CLAIM_ENDED:
        pending_finish_failed(pending);
        break;
    }
}

/* Claims the sessions of the first model that has a step waiting, as many as there is scratch
 * memory for; NULL: nothing waits any more. */
static const struct model *claim_round(struct service_context *context,
                                       struct pending_step *pending_steps, size_t n)
{
    enum { SCRATCH_BYTES = 4 << 20 };
    const struct model *model = NULL;
    size_t most = n, n_claimed = 0;
    for (size_t k = 0; k < n && n_claimed < most; k++) {
        if (pending_steps[k].state != PENDING_WAITING ||
            (model && pending_steps[k].step->model != model)) {
            continue;
        }
        if (!model) {
            model = pending_steps[k].step->model;
            size_t n_fitting = SCRATCH_BYTES / model->pool->copy_bytes_max;
            most = n_fitting == 0 ? 1 : n_fitting < n ? n_fitting : n;
        }
        claim_pending(context, &pending_steps[k]);
        n_claimed += pending_steps[k].state == PENDING_CLAIMED;
    }
    return model;
}

/* Gives each claimed step its scratch memory, and makes lanes of them; returns how many. */
static size_t begin_round(struct service_context *context, const struct model *model,
                          struct pending_step *pending_steps, size_t n)
{
    size_t n_claimed = 0, n_lanes = 0;
    for (size_t k = 0; k < n; k++) {
        n_claimed += pending_steps[k].state == PENDING_CLAIMED;
    }
    if (!session_copy_room(context, model->pool, n_claimed)) {
        fail_all(pending_steps, n);
        return 0;
    }
    for (size_t k = 0, which = 0; which < n_claimed && k < n; k++) {
        if (pending_steps[k].state == PENDING_CLAIMED) {
            pending_steps[k].next = session_copy_scratch(context, model->pool, which++);
            begin_claimed(context, &pending_steps[k], &context->lanes[n_lanes]);
            n_lanes += pending_steps[k].n_lanes;
        }
    }
    return n_lanes;
}

/* One pass over the weights of one model. False: nothing waits any more. */
static bool run_round(struct service_context *context, struct pending_step *pending_steps, size_t n)
{
    const struct model *model = claim_round(context, pending_steps, n);
    if (!model) {
        return false;
    }
    /* Only now, when the records that were claimed are on their way into the cache. */
    size_t n_lanes = begin_round(context, model, pending_steps, n);
    if (n_lanes > 0 &&
        gru_run(model->active->gru, context->work, context->lanes, n_lanes) != GRU_OK) {
        fail_all(pending_steps, n);
    }
    for (size_t k = 0, lane = 0; lane < n_lanes && k < n; k++) {
        if (pending_steps[k].state == PENDING_RUNNING) {
            answer_lanes(context, &pending_steps[k], &context->lanes[lane]);
            lane += pending_steps[k].n_lanes;
        }
    }
    write_round(context, model->pool, pending_steps, n);
    return true;
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
                                      .state = PENDING_WAITING,
                                      .wanted = &step->forecast_options };
    step->fault.status = STATUS_OK;
    step->fault.has_expected = step->fault.has_last_at = false;
    step->is_repeated = step->is_restarted = false;
    step->intervals.n = 0;
    step->anomaly_p = (double)NAN;
    step->anomaly_by_output = NULL;
    step->crossing.by_horizon = NULL;
    step->explanation = NULL;
    if (model_find(context, step->model_name, &step->model, &step->fault) != STATUS_OK ||
        model_check_causal(step->model, &step->fault) != STATUS_OK ||
        (context->cluster && step_cluster_check(context->cluster, &step->fault) != STATUS_OK)) {
        pending_finish_failed(pending);
        return;
    }
    if (step->may_amend && !context->service->config->amend) {
        fault_set(&step->fault, STATUS_AMEND_OFF, "late",
                  "this grud does not amend sessions by late readings: start it with --amend yes, "
                  "or leave `late` out and send readings in the order of their times");
        pending_finish_failed(pending);
    } else if (step_rules_find(context, pending) != STATUS_OK) {
        pending_finish_failed(pending);
    }
}

void service_steps(struct service_context *context, struct step *const *steps, size_t n)
{
    size_t n_pending = 0, n_done = 0;
    if (!grow_pending_steps(context, n) ||
        (context->cluster && !step_cluster_begin(context->cluster, n))) {
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
    for (size_t k = 0; k < n_pending; k++) {
        struct step *step = context->pending_steps[k].step;
        if (step->is_done && step->fault.status == STATUS_OK &&
            pool_check_whole(step->model->pool, &step->fault) == STATUS_OK) {
            commit_owe(context, step->model->pool);
            n_done++;
        }
    }
    atomic_fetch_add_explicit(&context->service->counters.n_steps, n_done, memory_order_relaxed);
    if (context->cluster) {
        step_cluster_send(context->cluster);
    }
}
