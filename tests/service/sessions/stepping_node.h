/*
 * stepping_node.h - a node of a cluster for a test that steps by hand: nothing goes on but what the
 * test does. The engine is the test's.
 */
#ifndef STEPPING_NODE_H
#define STEPPING_NODE_H

#include "../../cluster/engine.h"
#include "service/service_support.h"
#include "service/sessions/steps.h"

struct stepping_node {
    char url[64];
    struct world world;
    struct cluster_target *target;
    struct service_context *context; /* of the cluster */
};

/* node->world is as world_init leaves it, or with more. */
void stepping_node_start(struct stepping_node *node, const struct engine *engine);
void stepping_node_done(struct stepping_node *node);

/* A turn of a worker, without a look at the engine: of those of n steps that are neither done nor
 * out. */
void stepping_node_turn(struct stepping_node *node, struct step *steps, size_t n);
/* Until the engine has said something, which is not looked at. */
void stepping_node_await(const struct stepping_node *node);
/* Turns, and looks, until all are done. */
void stepping_node_finish(struct stepping_node *node, struct step *steps, size_t n);
/* Until its link is there: with steps of a session `first`. */
void stepping_node_await_link(struct stepping_node *node);

#endif
