/*
 * network.h - a whole network in double precision, written from docs/MODELS.md ("Cells",
 * "Networks") with no eye on speed: the loss whose gradients are checked by central differences.
 */
#ifndef NETWORK_H
#define NETWORK_H

#include "gru.h"

/* Parameters stand as gru_backprop_parameters has them. */
struct network {
    const struct gru_model *model;
    const double *parameters;
    const double *masks; /* of dropout: [layers][R][widest layer] factors, or NULL */
    size_t widest;       /* layer */
    bool begins;         /* every lane does: its first state is the network's */
};

/* A window as in struct backprop_window; states are replaced. out: [R][S * O]. */
void network_run(const struct network *network, size_t n_steps, const size_t *n_lanes,
                 const float *in, double *states, double *out);

#endif
