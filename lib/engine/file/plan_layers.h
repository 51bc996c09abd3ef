/*
 * plan_layers.h - the layers of a new model: as many of one kind as the plan has sizes, and a
 * read-out; or those of its list. Private to lib/engine/file.
 */
#ifndef PLAN_LAYERS_H
#define PLAN_LAYERS_H

#include "engine/layer_kind.h"

struct plan_layers {
    struct layer_shape shapes[LAYER_CHAIN_MAX];
    size_t n_layers;
    enum gru_activation activation; /* of the outputs */
    struct gru_head *heads;         /* owned; as in gru_info */
    size_t n_heads;
};

/* S. */
static inline size_t gru_plan_steps(const struct gru_plan *plan)
{
    return plan->steps > 0 ? plan->steps : 1;
}

/* What is wrong with a list is refused as a bad argument, with its path: "network[1].units". The
 * caller frees ret_layers->heads. */
GRU_CHECK enum gru_status gru_plan_layers(const struct gru_plan *plan,
                                          struct plan_layers *ret_layers, struct gru_error *error);

#endif
