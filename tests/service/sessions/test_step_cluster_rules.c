/* Rules on a node of a cluster: they look at a step when the engine has its write, and once. */
#include "service/rules/rules.h"
#include "service/service_context.h"
#include "stepping_node.h"
#include "test.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* P-values are known from the reading FIRST_P on. */
enum { FIRST_P = 42, READINGS = 60, RULES_MAX = 4 };

struct ruled {
    struct engine engine;
    struct stepping_node node;
    double *x; /* [READINGS][INPUTS] */
};

/* A rule that every reading with a p-value meets; it fires after n_for in a row. */
static void put_rule(struct ruled *ruled, uint64_t n_for)
{
    struct rule rule = { .model = "m",
                         .name = "r",
                         .kind = RULE_ANOMALY,
                         .bound = 1.0,
                         .n_for = n_for,
                         .url = "https://example.org/" };
    struct fault fault;
    bool is_new;
    enum status status = rule_put(ruled->node.world.context, &rule, &is_new, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
}

static void start(struct stepping_node *node, const struct engine *engine)
{
    world_init(&node->world);
    node->world.config.rule_max = RULES_MAX;
    node->world.config.rule_firing_max = 100;
    node->world.config.webhook_ca = "";
    stepping_node_start(node, engine);
    stepping_node_await_link(node);
}

/* The readings first..last of session "s". */
static void make(struct ruled *ruled, struct stepping_node *node, struct step *steps,
                 uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++) {
        steps[number - first] = step_make(&node->world, "s", ruled->x + (number - 1) * INPUTS);
    }
}

static void take(struct ruled *ruled, struct stepping_node *node, uint64_t first, uint64_t last)
{
    struct step steps[READINGS];
    make(ruled, node, steps, first, last);
    stepping_node_finish(node, steps, last - first + 1);
    for (uint64_t number = first; number <= last; number++) {
        ck_assert_int_eq(steps[number - first].fault.status, STATUS_OK);
        ck_assert_uint_eq(steps[number - first].number, number);
    }
}

/* The next reading is the first that rules know anything of. */
static void begin(struct ruled *ruled, uint64_t n_for)
{
    ruled->engine = engine_start((const char *const[]){ NULL });
    ruled->x = readings(3, 1, READINGS);
    start(&ruled->node, &ruled->engine);
    put_rule(ruled, n_for);
    take(ruled, &ruled->node, 1, FIRST_P - 1);
}

static void end(struct ruled *ruled)
{
    stepping_node_done(&ruled->node);
    free(ruled->x);
    engine_end(&ruled->engine);
}

/* Its rule as it is now. */
static struct rule_entry *entry_of(struct ruled *ruled)
{
    struct rule_entry *entry;
    struct fault fault;
    service_context_turn(ruled->node.world.context);
    ck_assert_int_eq(rule_find(ruled->node.world.context, "m", "r", &entry, &fault), STATUS_OK);
    return entry;
}

static void expect_counts(struct ruled *ruled, uint64_t n_firing, uint64_t n_pending)
{
    const struct rule_entry *entry = entry_of(ruled);
    ck_assert_uint_eq(entry->n_firing, n_firing);
    ck_assert_uint_eq(entry->n_pending, n_pending);
}

/* That it fires since that step, with its p-value. */
static void expect_firing(struct ruled *ruled, const struct step *step)
{
    struct firing firing;
    expect_counts(ruled, 1, 0);
    ck_assert_uint_eq(rule_firings(ruled->node.world.context, entry_of(ruled), 1, &firing), 1);
    ck_assert_str_eq(firing.session, "s");
    ck_assert_uint_eq(firing.since_step, step->number);
    ck_assert(!isnan(step->anomaly_p) && firing.since_value == step->anomaly_p);
}

/* All of them are written, and the engine has not been heard of. */
static void send_off(struct ruled *ruled, struct step *steps, size_t n)
{
    stepping_node_turn(&ruled->node, steps, n);
    for (size_t k = 0; k < n; k++) {
        ck_assert(steps[k].is_out);
    }
    expect_counts(ruled, 0, 0);
}

/* The same of the first reading that its rule knows anything of; false: there is no engine. */
static bool begin_out(struct ruled *ruled, uint64_t n_for, struct step *step)
{
    if (!engine_is_there()) {
        return false;
    }
    begin(ruled, n_for);
    make(ruled, &ruled->node, step, FIRST_P, FIRST_P);
    send_off(ruled, step, 1);
    return true;
}

TEST(a_step_is_judged_when_the_engine_has_it)
{
    struct ruled ruled;
    struct step step;
    if (!begin_out(&ruled, 2, &step)) {
        return;
    }
    stepping_node_finish(&ruled.node, &step, 1);
    expect_counts(&ruled, 0, 1);
    make(&ruled, &ruled.node, &step, FIRST_P + 1, FIRST_P + 1);
    stepping_node_finish(&ruled.node, &step, 1);
    expect_firing(&ruled, &step);
    end(&ruled);
}

TEST(steps_of_one_trip_are_judged_one_by_one)
{
    enum { STEPS = 4 };
    struct ruled ruled;
    struct step steps[STEPS];
    if (!engine_is_there()) {
        return;
    }
    begin(&ruled, STEPS - 1);
    make(&ruled, &ruled.node, steps, FIRST_P, FIRST_P + STEPS - 1);
    send_off(&ruled, steps, STEPS);
    stepping_node_finish(&ruled.node, steps, STEPS);
    expect_firing(&ruled, &steps[STEPS - 2]);
    end(&ruled);
}

/* Of a batch in which the last step changes nothing, as it was made before. */
TEST(a_step_that_was_made_is_not_judged_again)
{
    struct ruled ruled;
    struct step steps[2];
    if (!engine_is_there()) {
        return;
    }
    begin(&ruled, 2);
    make(&ruled, &ruled.node, steps, FIRST_P, FIRST_P + 1);
    steps[1].x = steps[0].x;
    steps[0].has_seq = steps[1].has_seq = true;
    steps[0].seq = steps[1].seq = FIRST_P;
    stepping_node_finish(&ruled.node, steps, 2);
    ck_assert_uint_eq(steps[1].number, FIRST_P);
    expect_counts(&ruled, 0, 1);
    end(&ruled);
}

/* Judged twice, it would fire. */
TEST(a_step_that_the_engine_refuses_is_judged_once_done_again)
{
    struct ruled ruled;
    struct stepping_node other;
    struct step steps[2];
    if (!engine_is_there()) {
        return;
    }
    begin(&ruled, 2);
    start(&other, &ruled.engine);
    take(&ruled, &other, FIRST_P, FIRST_P); /* which this node does not know of */
    make(&ruled, &ruled.node, steps, FIRST_P + 1, FIRST_P + 2);
    stepping_node_finish(&ruled.node, &steps[0], 1);
    ck_assert_uint_eq(steps[0].number, FIRST_P + 1);
    ck_assert_uint_eq(steps[0].n_refused, 1);
    expect_counts(&ruled, 0, 1);
    stepping_node_finish(&ruled.node, &steps[1], 1);
    expect_firing(&ruled, &steps[1]);
    stepping_node_done(&other);
    end(&ruled);
}

/* Its firing is of the step that was made, not of the one that was refused. */
TEST(a_step_that_was_refused_fires_by_what_it_is_in_the_end)
{
    struct ruled ruled;
    struct stepping_node other;
    struct step step;
    if (!engine_is_there()) {
        return;
    }
    begin(&ruled, 1);
    start(&other, &ruled.engine);
    take(&ruled, &other, FIRST_P, FIRST_P + 3);
    make(&ruled, &ruled.node, &step, FIRST_P + 4, FIRST_P + 4);
    send_off(&ruled, &step, 1);
    stepping_node_finish(&ruled.node, &step, 1);
    ck_assert_uint_eq(step.number, FIRST_P + 4);
    expect_firing(&ruled, &step);
    stepping_node_done(&other);
    end(&ruled);
}

TEST(a_step_whose_trip_fails_is_not_judged)
{
    struct ruled ruled;
    struct step steps[2];
    if (!engine_is_there()) {
        return;
    }
    begin(&ruled, 1);
    make(&ruled, &ruled.node, steps, FIRST_P, FIRST_P + 1);
    ck_assert_int_eq(kill(ruled.engine.pid, SIGSTOP), 0);
    send_off(&ruled, steps, 2);
    engine_kill(&ruled.engine);
    stepping_node_finish(&ruled.node, steps, 2);
    ck_assert_int_eq(steps[0].fault.status, STATUS_STORAGE_FAILED);
    ck_assert_int_eq(steps[1].fault.status, STATUS_STORAGE_FAILED);
    expect_counts(&ruled, 0, 0);
    engine_start_again(&ruled.engine);
    end(&ruled);
}

/* An engine that has no more memory, say: it answers each write with an error. */
TEST(a_step_that_the_engine_cannot_write_is_not_judged)
{
    struct ruled ruled;
    struct step step;
    if (!engine_is_there()) {
        return;
    }
    begin(&ruled, 1);
    engine_tell(&ruled.engine, "CONFIG SET maxmemory 1");
    make(&ruled, &ruled.node, &step, FIRST_P, FIRST_P);
    send_off(&ruled, &step, 1);
    stepping_node_finish(&ruled.node, &step, 1);
    ck_assert_int_ne(step.fault.status, STATUS_OK);
    expect_counts(&ruled, 0, 0);
    end(&ruled);
}

/* Its client has gone away, but the reading is there. */
TEST(a_step_that_nobody_waits_for_is_judged)
{
    struct ruled ruled;
    struct step steps[2];
    if (!engine_is_there()) {
        return;
    }
    begin(&ruled, 2);
    make(&ruled, &ruled.node, steps, FIRST_P, FIRST_P + 1);
    send_off(&ruled, &steps[0], 1);
    service_steps_forget(ruled.node.context, &steps[0]);
    memset(&steps[0], 0xff, sizeof steps[0]);
    while (entry_of(&ruled)->n_pending == 0) {
        stepping_node_await(&ruled.node);
        service_steps_take(ruled.node.context);
    }
    expect_counts(&ruled, 0, 1);
    stepping_node_finish(&ruled.node, &steps[1], 1);
    expect_firing(&ruled, &steps[1]);
    end(&ruled);
}

/* Put anew with another value, it is another rule, which has seen nothing of the trip. */
TEST(a_rule_may_be_changed_while_a_step_is_out)
{
    struct ruled ruled;
    struct step step;
    if (!begin_out(&ruled, 1, &step)) {
        return;
    }
    put_rule(&ruled, 2);
    service_context_turn(ruled.node.context);
    stepping_node_finish(&ruled.node, &step, 1);
    expect_counts(&ruled, 0, 0);
    ck_assert(!rule_states_are_any(ruled.node.world.service->rules->states));
    end(&ruled);
}

TEST(a_rule_may_be_deleted_while_a_step_is_out)
{
    struct ruled ruled;
    struct step step;
    struct fault fault;
    if (!begin_out(&ruled, 1, &step)) {
        return;
    }
    ck_assert_int_eq(rule_delete(ruled.node.world.context, "m", "r", &fault), STATUS_OK);
    service_context_turn(ruled.node.context);
    stepping_node_finish(&ruled.node, &step, 1);
    ck_assert_int_eq(step.fault.status, STATUS_OK);
    ck_assert(!rule_states_are_any(ruled.node.world.service->rules->states));
    end(&ruled);
}

/* With what its rules have seen of it. */
TEST(a_node_may_end_while_a_step_is_out)
{
    struct ruled ruled;
    struct step step;
    if (!begin_out(&ruled, 1, &step)) {
        return;
    }
    end(&ruled);
}
