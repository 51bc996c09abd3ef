#include "service/sessions/step_rules.h"

#include "service/models/models.h"
#include "service/rules/rule_looks.h"
#include "service/rules/rules.h"
#include "service/scores/crossing.h"
#include "service/service_private.h"
#include "service/sessions/commit.h"
#include "service/sessions/pending_step.h"
#include "service/sessions/session_intervals.h"
#include "service/sessions/step_trip.h"
#include "service/sessions/steps.h"

#include <math.h>
#include <string.h>

/* The level whose coverage rules look at: this one, or the nearest that is offered. */
static const double COVERAGE_LEVEL = 0.9;
enum {
    COVERAGE_SCORED_MIN = 100, /* about as many as a recent coverage is of */
    AHEAD_MAX = 24             /* the most that --interval-horizon-max may be */
};

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

/* What the step asks for, and what its rules need: the level of a coverage one step ahead, all
 * levels as far ahead as crossings look, the p-values of readings. */
static void merge(const struct forecast_options *own, const struct gru_info *info,
                  const struct interval_levels *offered, const struct rule_needs *needs,
                  struct rule_wants *wants)
{
    const bool is_ahead = own->crossing || own->levels || (own->parts & TAIL_BLEND);
    size_t reach = is_ahead ? forecast_options_rows(info, own) : 1;
    wants->options = *own;
    wants->levels = own->levels ? *own->levels : (struct interval_levels){ 0 };
    if (own->crossing || needs->n_ahead > 0) {
        wants->levels = *offered;
    }
    if (needs->n_ahead > 0) {
        reach = needs->n_ahead > reach ? needs->n_ahead : reach;
    } else if (needs->has_coverage) {
        interval_levels_add(&wants->levels, coverage_level(offered));
    }
    wants->options.levels = wants->levels.n > 0 ? &wants->levels : NULL;
    wants->options.horizon = reach > 0 ? reach : 1;
    wants->options.parts |= needs->has_anomaly ? TAIL_ANOMALY : 0U;
}

/* A step that waits for turns and turns keeps its memory. */
static enum status want(const struct interval_levels *offered, struct pending_step *pending)
{
    struct step *step = pending->step;
    step->rule_wants =
        step->rule_wants ? step->rule_wants : arena_alloc(step->arena, sizeof *step->rule_wants);
    if (!step->rule_wants) {
        return fault_set(&step->fault, STATUS_NO_MEMORY, NULL, "no memory for this step");
    }
    merge(&step->forecast_options, gru_model_info(step->model->active->gru), offered,
          &pending->rules->needs, step->rule_wants);
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

/* ---- a look ahead ---- */

void step_rules_look(struct service_context *context, struct pending_step *pending,
                     const float *state)
{
    const struct step *step = pending->step;
    const struct gru_model *gru = step->model->active->gru;
    const struct gru_info *info = gru_model_info(gru);
    const size_t n = pending->rules->needs.n_ahead;
    const size_t n_own = step->forecast ? step->n_forecast : 1;
    const bool can_look = n <= info->steps || (info->n_feeds > 0 && gru_future_rows(gru, n) == 0);
    if (n > 0) { /* a mixture may take its place in the reply */
        pending->outlook = step->forecast ? step->forecast : step->y;
        pending->n_outlook = n_own;
    }
    if (n <= n_own || !can_look) {
        return;
    }
    double *outlook = arena_array(step->arena, n * info->n_outputs, sizeof *outlook);
    if (outlook && gru_forecast(gru, context->work, state, n, NULL, 0, outlook) == GRU_OK) {
        pending->outlook = outlook;
        pending->n_outlook = n;
        context->n_work_left -= (int64_t)(n * info->n_parameters);
        atomic_fetch_add_explicit(&context->service->counters.n_forecast_rows, n,
                                  memory_order_relaxed);
    }
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
    const struct interval_coverage known =
        interval_tracker_coverage(&intervals->tail.tracker, at, 1);
    return known.n_scored >= COVERAGE_SCORED_MIN ? known.recent : (double)NAN;
}

/* The output of that name; info->n_outputs: there is none. */
static size_t find_output(const struct gru_info *info, const char *name)
{
    size_t output = 0;
    while (output < info->n_outputs && strcmp(info->outputs[output].name, name) != 0) {
        output++;
    }
    return output;
}

static double crossing_value(const struct pending_step *pending, const struct rule *rule,
                             const struct session_intervals *intervals)
{
    const struct gru_info *info = gru_model_info(pending->step->model->active->gru);
    const struct crossing crossing = { .output = find_output(info, rule->output),
                                       .is_above = !rule->is_below,
                                       .threshold = rule->threshold };
    double by_horizon[AHEAD_MAX];
    if (crossing.output == info->n_outputs || rule->horizon > pending->n_outlook ||
        rule->horizon > AHEAD_MAX) {
        return (double)NAN;
    }
    crossing_probabilities(&crossing, &intervals->tail.tracker, pending->outlook, rule->horizon,
                           by_horizon);
    return by_horizon[rule->horizon - 1];
}

/* What has been found once for all rules of a kind. */
struct rule_values {
    const struct session_intervals *intervals;
    double coverage, anomaly;
};

/* What the rule compares; NaN: it is not known. */
static double value_of(const struct pending_step *pending, const struct rule *rule,
                       const struct rule_values *values)
{
    switch (rule->kind) {
    case RULE_COVERAGE:
        return values->coverage;
    case RULE_ANOMALY:
        return values->anomaly;
    default:
        return crossing_value(pending, rule, values->intervals);
    }
}

static bool meets(const struct rule *rule, double value)
{
    switch (rule->kind) {
    case RULE_COVERAGE:
        return value < rule->bound;
    case RULE_ANOMALY:
        return value <= rule->bound;
    default:
        return value >= rule->bound;
    }
}

/* Memory for what all of its rules see. */
static struct rule_looks *make_looks(const struct service_context *context,
                                     const struct pending_step *pending)
{
    size_t n = 0;
    for (const struct rule_node *node = pending->rules; node; node = node->up) {
        n += node->n_entries;
    }
    return rule_looks_create(context->rule_set, n);
}

/* Tells what the rules see, or keeps it in *looks, if that is not NULL. A value that is not known
 * tells nothing, and leaves things as they are. */
static void judge(struct service_context *context, const struct pending_step *pending,
                  const struct rule_values *values, struct rule_looks *looks)
{
    const struct step *step = pending->step;
    const struct rule_session session = { .model = step->model->name,
                                          .id = step->session,
                                          .hash = pending->key.hash };
    struct rule_look look = { .sample = { .step = step->number,
                                          .at_ms = context->now_ms,
                                          .commit = commit_awaited(context, step->model->pool) } };
    for (const struct rule_node *node = pending->rules; node; node = node->up) {
        for (size_t k = 0; k < node->n_entries; k++) {
            look.entry = node->entries[k];
            look.sample.value = value_of(pending, &look.entry->rule, values);
            look.is_met = meets(&look.entry->rule, look.sample.value);
            if (isnan(look.sample.value)) {
                continue;
            }
            if (looks) {
                looks->looks[looks->n++] = look;
            } else {
                rule_look_tell(context->service->rules->states, &session, &look);
            }
        }
    }
}

/* The engine of a cluster may refuse the write, or not be heard of: nothing is told before it has
 * it. */
static void judge_in_cluster(struct service_context *context, const struct pending_step *pending,
                             const struct rule_values *values)
{
    struct rule_looks *looks = make_looks(context, pending);
    if (looks) {
        judge(context, pending, values, looks);
        rule_looks_add(&context->cluster->looks, looks);
    } else {
        atomic_fetch_add_explicit(&context->service->rules->states->n_left_out, 1,
                                  memory_order_relaxed);
    }
}

void step_rules_note(struct service_context *context, const struct pending_step *pending)
{
    struct session_intervals intervals;
    const struct interval_sessions sessions = interval_sessions_of(context, pending->step->model);
    const unsigned record_class = pool_extent(sessions.pool, pending->slot)->record_class;
    if (session_intervals_of_copy(&sessions, record_class, pending->next, &intervals)) {
        const struct rule_needs *needs = &pending->rules->needs;
        const struct rule_values values = {
            .intervals = &intervals,
            .coverage = needs->has_coverage ? coverage(sessions.offered, &intervals) : (double)NAN,
            .anomaly =
                needs->has_anomaly ? session_intervals_anomaly(&intervals, NULL) : (double)NAN
        };
        if (context->cluster) {
            judge_in_cluster(context, pending, &values);
        } else {
            judge(context, pending, &values, NULL);
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
