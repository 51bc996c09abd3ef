#include "stepping_node.h"

#include "cluster/cluster_target.h"
#include "service/service_context.h"
#include "test.h"

#include <poll.h>
#include <stdio.h>

enum { STEPS_MAX = 64, MINUTE_MS = 60000 };

void stepping_node_start(struct stepping_node *node, const struct engine *engine)
{
    struct fault fault;
    snprintf(node->url, sizeof node->url, "redis://127.0.0.1:%u/0", engine->port);
    node->world.config.cluster = node->url;
    node->world.config.cluster_prefix = "grud:";
    node->world.config.cluster_password_file = node->world.config.cluster_ca = "";
    node->world.config.cluster_timeout_ms = MINUTE_MS;
    world_start(&node->world);
    ck_assert_int_eq(cluster_target_read(&node->world.config, &node->target, &fault), STATUS_OK);
    ck_assert_int_eq(service_join_cluster(node->world.service, node->target, &fault), STATUS_OK);
    ck_assert_int_eq(service_context_create(node->world.service, &node->context), STATUS_OK);
}

void stepping_node_done(struct stepping_node *node)
{
    service_context_free(node->context);
    world_done(&node->world);
    cluster_target_free(node->target);
}

void stepping_node_turn(struct stepping_node *node, struct step *steps, size_t n)
{
    struct step *waiting[STEPS_MAX];
    size_t n_waiting = 0;
    ck_assert_uint_le(n, STEPS_MAX);
    service_context_turn(node->context);
    for (size_t k = 0; k < n; k++) {
        if (!steps[k].is_done && !steps[k].is_out) {
            waiting[n_waiting++] = &steps[k];
        }
    }
    service_steps(node->context, waiting, n_waiting);
}

void stepping_node_await(const struct stepping_node *node)
{
    struct pollfd waiting;
    int64_t wait_ns;
    service_steps_poll(node->context, &waiting, &wait_ns);
    ck_assert_int_eq(poll(&waiting, 1, MINUTE_MS), 1);
}

void stepping_node_finish(struct stepping_node *node, struct step *steps, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        while (!steps[k].is_done) {
            stepping_node_turn(node, steps, n);
            service_steps_take(node->context);
        }
    }
}

void stepping_node_await_link(struct stepping_node *node)
{
    double x[INPUTS];
    struct step step;
    reading(1, 1, x);
    do {
        step = step_make(&node->world, "first", x);
        stepping_node_finish(node, &step, 1);
    } while (step.fault.status != STATUS_OK);
}
