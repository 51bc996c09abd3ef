/* Steps on a node of a cluster, by hand: what waits for the engine, and in which order. */
#include "../../cluster/engine.h"
#include "cluster/cluster_target.h"
#include "service/service_context.h"
#include "service/service_support.h"
#include "service/sessions/steps.h"
#include "test.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEPS = 4, MINUTE_MS = 60000 };

struct node {
    struct engine engine;
    char url[64];
    struct world world;
    struct cluster_target *target;
    struct service_context *context; /* of the cluster */
    struct step steps[STEPS];
    double *x; /* [STEPS][INPUTS] */
};

/* All steps are of one session, which nobody has yet. */
static void begin(struct node *node)
{
    struct fault fault;
    node->engine = engine_start((const char *const[]){ NULL });
    world_init(&node->world);
    snprintf(node->url, sizeof node->url, "redis://127.0.0.1:%u/0", node->engine.port);
    node->world.config.cluster = node->url;
    node->world.config.cluster_prefix = "grud:";
    node->world.config.cluster_password_file = node->world.config.cluster_ca = "";
    node->world.config.cluster_timeout_ms = MINUTE_MS;
    world_start(&node->world);
    ck_assert_int_eq(cluster_target_read(&node->world.config, &node->target, &fault), STATUS_OK);
    ck_assert_int_eq(service_join_cluster(node->world.service, node->target, &fault), STATUS_OK);
    ck_assert_int_eq(service_context_create(node->world.service, &node->context), STATUS_OK);
    node->x = readings(1, 1, STEPS);
    for (size_t k = 0; k < STEPS; k++) {
        node->steps[k] = step_make(&node->world, "u", node->x + k * INPUTS);
    }
}

static void end(struct node *node)
{
    free(node->x);
    service_context_free(node->context);
    world_done(&node->world);
    cluster_target_free(node->target);
    engine_end(&node->engine);
}

/* A turn of a worker, without a look at the engine. */
static void turn(struct node *node)
{
    struct step *steps[STEPS];
    size_t n = 0;
    service_context_turn(node->context);
    for (size_t k = 0; k < STEPS; k++) {
        if (!node->steps[k].is_done && !node->steps[k].is_out) {
            steps[n++] = &node->steps[k];
        }
    }
    service_steps(node->context, steps, n);
}

/* Until the engine has said something. */
static void await_reply(const struct node *node)
{
    struct pollfd waiting;
    int64_t wait_ns;
    service_steps_poll(node->context, &waiting, &wait_ns);
    ck_assert_int_eq(poll(&waiting, 1, MINUTE_MS), 1);
}

/* Until its link is there: with steps of another session. */
static void await_link(struct node *node)
{
    struct step step;
    do {
        step = step_make(&node->world, "first", node->x);
        while (!step.is_done) {
            struct step *steps[] = { &step };
            service_context_turn(node->context);
            service_steps(node->context, steps, !step.is_out);
            service_steps_take(node->context);
        }
    } while (step.fault.status != STATUS_OK);
}

/* The first one asks for the session. While the engine says nothing more than that, those behind it
 * must wait: what they would ask for is not known to come as soon. */
TEST(no_step_overtakes_one_of_its_session_that_is_out)
{
    struct node node;
    double y[OUTPUTS];
    if (!engine_is_there()) {
        return;
    }
    begin(&node);
    await_link(&node);
    turn(&node);
    ck_assert(node.steps[0].is_out);
    await_reply(&node);
    ck_assert_int_eq(kill(node.engine.pid, SIGSTOP), 0);
    turn(&node);
    service_steps_take(node.context);
    ck_assert(!node.steps[0].is_out);
    turn(&node);
    ck_assert_int_eq(kill(node.engine.pid, SIGCONT), 0);
    for (size_t k = 0; k < STEPS; k++) {
        while (!node.steps[k].is_done) {
            turn(&node);
            service_steps_take(node.context);
        }
        twin(&node.world, NULL, 1, 1, k + 1, y);
        ck_assert_int_eq(node.steps[k].fault.status, STATUS_OK);
        ck_assert_uint_eq(node.steps[k].number, k + 1);
        expect_same_values_at("y", node.steps[k].y, y, OUTPUTS);
    }
    end(&node);
}
