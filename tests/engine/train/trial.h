/*
 * trial.h - a network of some plan, a window of random readings for it, and what a double-precision
 * network says about its outputs and gradients.
 */
#ifndef TRIAL_H
#define TRIAL_H

#include "engine/network.h"
#include "engine/train/backprop.h"

enum { PLAN_LAYERS_MAX = 12 };

/* A layer of a chain. */
struct plan_layer {
    enum gru_layer_kind kind;
    enum gru_reset reset;
    enum gru_activation activation; /* of GRU_LAYER_ACTIVATION */
    size_t n_units;                 /* 0: as many as it sees */
    bool is_bare;                   /* without its optional tensors */
    bool has_learned_state;
};

struct plan {
    const struct plan_layer *chain; /* NULL: n_layers of `cell`, and a read-out */
    bool begins;
    enum gru_layer_kind cell;
    enum gru_reset reset;
    size_t n_inputs, n_outputs, steps, n_layers, hidden[3];
    bool no_biases, head_only;
    double dropout;
    size_t n_steps, n_lanes[8];
};

/* Fields may be changed before a pass. */
struct trial {
    struct plan plan;
    struct gru_model *model;
    struct backprop *bp;
    struct backprop_window window;
    size_t n_rows, n_states, n_out, n_parameters;
    float *in, *states, *first_states, *out, *d_out;
};

/* Zeros, not NULL; free with free(). */
void *trial_allocate(size_t n_bytes);
/* Uniform in [-scale, scale], of the same law in every run. */
void trial_fill(float *values, size_t n, float scale, unsigned seed);
struct gru_model *trial_model(const struct plan *plan);

struct trial trial_new(const struct plan *plan);
void trial_free(struct trial *t);
/* A pass from first_states; both: and the way back from d_out. */
void trial_forward(struct trial *t);
void trial_both(struct trial *t);

/* The same network with the parameters that the trial has now. */
struct reference {
    struct network network;
    double *parameters, *masks, *states, *out;
};

struct reference reference_new(const struct trial *t);
void reference_free(struct reference *ref);

/* That outputs and states are the reference's. */
void trial_check_forward(const struct trial *t, struct reference *ref);
/* That gradients are the slopes of a loss whose gradient by the outputs is d_out: of some of the
 * parameters, spread over all of them, because each costs two runs. */
void trial_check_gradients(const struct trial *t, struct reference *ref);

#endif
