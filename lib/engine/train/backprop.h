/*
 * backprop.h - the network while it is trained: its parameters and their gradients as two flat
 * vectors, and the passes forward and backward over a window of time. Knows nothing of data, losses
 * or optimizers. Private to lib/engine; one thread at a time.
 *
 * A window is T steps of B lanes. Step t has n_lanes[t] lanes, the first ones (n_lanes never
 * grows), and its rows follow those of step t - 1, so an array over a window has R = sum of n_lanes
 * rows. States are carried from window to window; gradients are not (truncated back-propagation
 * through time: R. J. Williams, J. Peng, "An Efficient Gradient-Based Algorithm for On-Line
 * Training of Recurrent Network Trajectories", Neural Computation 2(4), 1990).
 *
 * Parameters stand layer by layer in the order of the tensors in the table of layer kinds, each as
 * the canonical model has it, where it has one. Statistics are no parameters: they stay what the
 * model has. Learned first states are: a lane that begins starts from them as they are now.
 */
#ifndef BACKPROP_H
#define BACKPROP_H

#include "engine/model.h"

struct backprop;

struct backprop_options {
    size_t rows_max, lanes_max; /* of a window: R, B */
    bool head_only; /* all layers are run, but only those behind the last recurrent one are trained;
                       if these have no parameters, that one, too */
    double dropout; /* of the outputs of recurrent layers, before what follows them */
    bool passes_to_input; /* the gradients by a window's input and by its first states are wanted;
                             not with head_only */
    bool input_only;      /* with passes_to_input: nothing but these gradients is wanted. There are
                             no parameters then, the weights are the model's, and no product runs
                             in BLAS; a window does not begin, it has states */
};

/* A bound on what backprop_create allocates, in bytes; false: more than fits a size_t. */
GRU_CHECK bool gru_backprop_bytes(const struct gru_model *model,
                                  const struct backprop_options *options, size_t *ret_n_bytes);
/* Starts with the model's weights. All memory is allocated here. The model is borrowed, and must
 * outlive it.
 */
GRU_CHECK enum gru_status gru_backprop_create(const struct gru_model *model,
                                              const struct backprop_options *options,
                                              struct backprop **ret_backprop);
void gru_backprop_free(struct backprop *backprop); /* takes NULL */

size_t gru_backprop_n_parameters(const struct backprop *backprop);
float *gru_backprop_parameters(struct backprop *backprop);
/* Must be called after the parameters were changed, and before the next pass: packs them for the
 * kernels. */
void gru_backprop_refresh(struct backprop *backprop);
/* [n_parameters]. Those that are not trained are always 0. */
float *gru_backprop_gradients(struct backprop *backprop);
/* How many are trained: the last ones of the vector. */
size_t gru_backprop_n_trained(const struct gru_model *model, bool head_only);

struct backprop_window {
    size_t n_steps;        /* T */
    const size_t *n_lanes; /* [T] at least 1 each, never growing */
    const float *in;       /* [R][I] what the network sees: normalised readings */
    float *states; /* [B][gru_backprop_state_floats] each lane's hidden states, layer by layer as in
                      a gru state; read, and replaced by those after the lane's last step here */
    bool begins;   /* every lane begins here: its first state is the model's, whatever `states` has,
                      and a learned one has a gradient */
    bool is_training; /* keep what a backward pass needs; apply dropout */
    uint64_t
        dropout_key; /* with the row and unit it decides what is dropped: same key, same mask */
    /* Rows after which the states are wanted: of each row its place among them, or SIZE_MAX. NULL:
     * there are none. */
    const size_t *marks;
    float *marked_states;         /* [n][gru_backprop_state_floats] forward writes them */
    const float *d_marked_states; /* backward adds these gradients by them */
};
size_t gru_backprop_state_floats(const struct backprop *backprop);

/* out: [R][S * O], the last layer's, before info.activation or the heads'. Allocates nothing. */
void gru_backprop_forward(struct backprop *backprop, const struct backprop_window *window,
                          float *out);
/* Sets the gradients from those of the loss by `out`: d_out [R][S * O]. To be called after a
 * forward pass with is_training, with the same window. Non-finite values reach the gradients.
 * Allocates nothing. */
void gru_backprop_backward(struct backprop *backprop, const struct backprop_window *window,
                           const float *d_out);

/*
 * The same step by step, where what the network sees depends on what it gave: forwards part after
 * part from the first step, backwards part after part from the last. `out`, d_out and d_in are of
 * the part's rows.
 */
struct backprop_part {
    size_t first_step, n_steps, first_row; /* first_row: in the window */
};
void gru_backprop_begin_forward(struct backprop *backprop, const struct backprop_window *window);
void gru_backprop_forward_part(struct backprop *backprop, const struct backprop_window *window,
                               const struct backprop_part *part, float *out);
void gru_backprop_begin_backward(struct backprop *backprop);
/* d_in: [rows][I] the gradient by what the network saw, with passes_to_input; else NULL. */
void gru_backprop_backward_part(struct backprop *backprop, const struct backprop_window *window,
                                const struct backprop_part *part, const float *d_out, float *d_in);
void gru_backprop_end_backward(struct backprop *backprop);
/* After the window's first step, with passes_to_input: the gradients by the first states,
 * [n_lanes[0]][gru_backprop_state_floats]. */
void gru_backprop_first_gradients(const struct backprop *backprop,
                                  const struct backprop_window *window, float *d_states);

/* A parameter vector as a model: the given model's description with these weights, without a
 * selftest. */
GRU_CHECK enum gru_status gru_backprop_model(const struct backprop *backprop,
                                             const float *parameters, struct gru_model **ret_model);

#endif
