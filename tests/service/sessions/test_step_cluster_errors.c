/* Errors of steps on a node of a cluster: they count for their model when the engine has the step,
 * and once. */
#include "service/models/drift.h"
#include "service/models/models.h"
#include "service/scores/error_totals.h"
#include "service/service_context.h"
#include "stepping_node.h"
#include "test.h"

#include <stdlib.h>

/* So many that it is known how errors are as multiples of usual ones. */
enum { READINGS = 1000, STEPS = 4 };

static const struct interval_levels levels = { 1, { 0.9 } };
enum { LEVEL_PLACE = 1 /* among those that are offered */ };

static struct step make(struct world *world, const double *x, uint64_t number)
{
    struct step step = step_make(world, "s", x + (number - 1) * INPUTS);
    step.forecast_options = forecast_options_make(world, 0, NULL, 0);
    step.forecast_options.levels = &levels;
    return step;
}

/* All that counts for a model. */
struct known {
    struct error_sums forecasts[ERROR_N_SPANS], intervals[ERROR_N_SPANS];
    double drift;
};

static struct known known_of(struct world *world)
{
    const struct model *model = world_model(world);
    struct drift_report report;
    struct known known;
    bool has_alarm;
    for (enum error_span span = 0; span < ERROR_N_SPANS; span++) {
        known.forecasts[span] = error_totals_sum(model->error_totals, 0, span);
        known.intervals[span] =
            error_totals_sum_intervals(model->error_totals, 0, LEVEL_PLACE, span);
    }
    (void)drift_look(model->drift, model->active->number, world->context->now_ms, &has_alarm);
    drift_read(model->drift, model->active->number, &report);
    known.drift = report.ratio;
    return known;
}

static void expect_same(const struct known *ours, const struct known *theirs)
{
    ck_assert_mem_eq(ours->forecasts, theirs->forecasts, sizeof ours->forecasts);
    ck_assert_mem_eq(ours->intervals, theirs->intervals, sizeof ours->intervals);
    ck_assert_mem_eq(&ours->drift, &theirs->drift, sizeof ours->drift);
}

/* Of forecasts, and of intervals. */
static void expect_counts(struct world *world, double n, double n_intervals)
{
    const struct known known = known_of(world);
    ck_assert_double_eq(known.forecasts[ERROR_SPAN_ALL].n, n);
    ck_assert_double_eq(known.intervals[ERROR_SPAN_ALL].n_intervals, n_intervals);
}

static void start(struct stepping_node *node, const struct engine *engine)
{
    world_init(&node->world);
    stepping_node_start(node, engine);
    stepping_node_await_link(node);
}

static void take(struct stepping_node *node, const double *x, uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++) {
        struct step step = make(&node->world, x, number);
        stepping_node_finish(node, &step, 1);
        ck_assert_int_eq(step.fault.status, STATUS_OK);
        ck_assert_uint_eq(step.number, number);
    }
}

/* The readings first.., in one call. */
static void take_trip(struct stepping_node *node, const double *x, uint64_t first, bool succeeds)
{
    struct step steps[STEPS];
    for (size_t k = 0; k < STEPS; k++) {
        steps[k] = make(&node->world, x, first + k);
    }
    stepping_node_finish(node, steps, STEPS);
    for (size_t k = 0; k < STEPS; k++) {
        ck_assert_int_eq(steps[k].fault.status == STATUS_OK, succeeds);
    }
}

/* Each other trip fails at first, and is sent again. */
TEST(what_counts_is_what_a_node_that_stands_alone_counts)
{
    struct engine engine;
    struct stepping_node node;
    struct world alone;
    if (!engine_is_there()) {
        return;
    }
    engine = engine_start((const char *const[]){ NULL });
    start(&node, &engine);
    world_init(&alone);
    world_start(&alone);
    double *x = readings(3, 1, READINGS);
    for (uint64_t first = 1; first <= READINGS; first += STEPS) {
        if (first / STEPS % 2 == 1) {
            engine_tell(&engine, "CONFIG SET maxmemory 1");
            take_trip(&node, x, first, false);
            engine_tell(&engine, "CONFIG SET maxmemory 0");
        }
        take_trip(&node, x, first, true);
        for (uint64_t number = first; number < first + STEPS; number++) {
            struct step step = make(&alone, x, number);
            ck_assert_int_eq(step_take(&alone, &step), STATUS_OK);
        }
        arena_reset(&node.world.arena);
        arena_reset(&alone.arena);
    }
    const struct known ours = known_of(&node.world), theirs = known_of(&alone);
    ck_assert(theirs.drift > 0 && theirs.intervals[ERROR_SPAN_ALL].n_intervals > 0);
    expect_same(&ours, &theirs);
    free(x);
    world_done(&alone);
    stepping_node_done(&node);
    engine_end(&engine);
}

TEST(steps_of_one_trip_count_when_the_engine_has_them)
{
    struct engine engine;
    struct stepping_node node;
    struct step steps[STEPS];
    if (!engine_is_there()) {
        return;
    }
    engine = engine_start((const char *const[]){ NULL });
    start(&node, &engine);
    double *x = readings(3, 1, READINGS);
    take(&node, x, 1, 50); /* with nothing before the first, and no interval before the 21st */
    const struct known before = known_of(&node.world);
    for (size_t k = 0; k < STEPS; k++) {
        steps[k] = make(&node.world, x, 51 + k);
    }
    stepping_node_turn(&node, steps, STEPS);
    ck_assert(steps[0].is_out && steps[STEPS - 1].is_out);
    const struct known meanwhile = known_of(&node.world);
    ck_assert_mem_eq(&meanwhile.forecasts, &before.forecasts, sizeof before.forecasts);
    ck_assert_mem_eq(&meanwhile.intervals, &before.intervals, sizeof before.intervals);
    stepping_node_finish(&node, steps, STEPS);
    expect_counts(&node.world, before.forecasts[ERROR_SPAN_ALL].n + STEPS,
                  before.intervals[ERROR_SPAN_ALL].n_intervals + STEPS);
    free(x);
    stepping_node_done(&node);
    engine_end(&engine);
}

TEST(a_step_that_the_engine_refuses_counts_once)
{
    struct engine engine;
    struct stepping_node node, other;
    if (!engine_is_there()) {
        return;
    }
    engine = engine_start((const char *const[]){ NULL });
    start(&node, &engine);
    start(&other, &engine);
    double *x = readings(3, 1, READINGS);
    take(&node, x, 1, 50);
    const struct known before = known_of(&node.world);
    take(&other, x, 51, 52);
    struct step step = make(&node.world, x, 53);
    stepping_node_finish(&node, &step, 1);
    ck_assert_uint_eq(step.number, 53);
    ck_assert_uint_eq(step.n_refused, 1);
    expect_counts(&node.world, before.forecasts[ERROR_SPAN_ALL].n + 1,
                  before.intervals[ERROR_SPAN_ALL].n_intervals + 1);
    free(x);
    stepping_node_done(&other);
    stepping_node_done(&node);
    engine_end(&engine);
}
