#include "service/sessions/step_rules.h"

#include "service/models/models.h"
#include "service/rules/rules.h"
#include "service/service_private.h"
#include "service/sessions/commit.h"
#include "service/sessions/pending_step.h"
#include "service/sessions/session_intervals.h"
#include "service/sessions/steps.h"

#include <math.h>

/* The level whose coverage rules look at: this one, or the nearest that is offered. */
static const double COVERAGE_LEVEL = 0.9;
enum { COVERAGE_SCORED_MIN = 100 }; /* about as many as a recent coverage is of */

struct rule_wants {
    struct forecast_options options;
    struct interval_levels levels;
};

/* ---- what is to be kept ---- */

static double coverage_level(const struct interval_levels *offered)
{
    double nearest = offered->level[0];
    for (size_t i = 1; i < offered->n; i++) {
        if (fabs(offered->level[i] - COVERAGE_LEVEL) < fabs(nearest - COVERAGE_LEVEL)) {
            nearest = offered->level[i];
        }
    }
    return nearest;
}

/* The step's own levels, as far ahead, and that one. */
static void merge(const struct forecast_options *own, double level, struct rule_wants *wants)
{
    if (own->levels) {
        wants->options = *own;
        wants->levels = *own->levels;
    } else {
        wants->options = (struct forecast_options){ .horizon = 1 };
        wants->levels.n = 0;
    }
    interval_levels_add(&wants->levels, level);
    wants->options.levels = &wants->levels;
}

/* A step that waits for turns and turns keeps its memory. */
static enum status want(const struct interval_levels *offered, struct pending_step *pending)
{
    struct step *step = pending->step;
    const struct forecast_options *own = &step->forecast_options;
    const double level = coverage_level(offered);
    if (own->levels && interval_levels_find(own->levels, level) < own->levels->n) {
        return STATUS_OK;
    }
    step->rule_wants =
        step->rule_wants ? step->rule_wants : arena_alloc(step->arena, sizeof *step->rule_wants);
    if (!step->rule_wants) {
        return fault_set(&step->fault, STATUS_NO_MEMORY, NULL, "no memory for this step");
    }
    merge(own, level, step->rule_wants);
    pending->wanted = &step->rule_wants->options;
    return STATUS_OK;
}

enum status step_rules_find(struct service_context *context, struct pending_step *pending)
{
    const struct step *step = pending->step;
    if (!context->rule_set || context->rule_set->n_models == 0) {
        return STATUS_OK;
    }
    const struct rule_model *model = rule_set_model(context->rule_set, step->model->name);
    pending->rules = model ? rule_set_find(model, step->session) : NULL;
    const bool can_keep = step->model->pool->n_classes > 0;
    return pending->rules && can_keep ? want(&context->service->interval_levels, pending)
                                      : STATUS_OK;
}

/* ---- a reading is judged ---- */

/* NaN: too little is known. */
static double coverage(const struct interval_levels *offered,
                       const struct session_intervals *intervals)
{
    const size_t at = interval_levels_find(&intervals->levels, coverage_level(offered));
    if (at == intervals->levels.n) {
        return (double)NAN;
    }
    const struct interval_coverage known = interval_tracker_coverage(&intervals->tail.tracker, at, 1);
    return known.n_scored >= COVERAGE_SCORED_MIN ? known.recent : (double)NAN;
}

/* What rules of each kind compare. */
static void read_values(const struct service_context *context, const struct pending_step *pending,
                        double ret_values[RULE_N_KINDS])
{
    const struct interval_sessions sessions = interval_sessions_of(context, pending->step->model);
    const unsigned record_class = pool_extent(sessions.pool, pending->slot)->record_class;
    struct session_intervals intervals;
    const bool has_tracker =
        session_intervals_of_copy(&sessions, record_class, pending->next, &intervals);
    ret_values[RULE_COVERAGE] = has_tracker ? coverage(sessions.offered, &intervals) : (double)NAN;
}

/* A value that is not known tells nothing, and leaves things as they are. */
static void judge(struct rule_states *states, struct rule_entry *entry,
                  const struct rule_session *session, double value, struct rule_sample *sample)
{
    if (!isnan(value)) {
        sample->value = value;
        rule_states_note(states, entry, session, value < entry->rule.bound, sample);
    }
}

void step_rules_note(struct service_context *context, const struct pending_step *pending)
{
    const struct step *step = pending->step;
    double values[RULE_N_KINDS];
    if (!pending->rules) {
        return;
    }
    const struct rule_session session = { .model = step->model->name,
                                          .id = step->session,
                                          .hash = pending->key.hash };
    struct rule_sample sample = { .step = step->number,
                                  .at_ms = context->now_ms,
                                  .commit = commit_awaited(context, step->model->pool) };
    read_values(context, pending, values);
    for (const struct rule_node *node = pending->rules; node; node = node->up) {
        for (size_t k = 0; k < node->n_entries; k++) {
            judge(context->service->rules->states, node->entries[k], &session,
                  values[node->entries[k]->rule.kind], &sample);
        }
    }
}

void step_rules_end(struct service_context *context, const struct model *model,
                    const struct pool_key *key)
{
    const struct rules *rules = context->service->rules;
    if (rules && rule_states_are_any(rules->states)) {
        const struct rule_session session = { .model = model->name,
                                              .id = key->id,
                                              .hash = key->hash };
        const struct rule_sample sample = { .at_ms = context->now_ms,
                                            .value = (double)NAN,
                                            .commit = commit_awaited(context, model->pool) };
        rule_states_end_session(rules->states, &session, &sample);
    }
}
