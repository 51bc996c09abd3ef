/*
 * tensor_names.h - what the name and the shape of a tensor say by themselves: which tensor of which
 * layer it is, how many units a layer has, whether the shapes of a layer's tensors agree. Private
 * to lib/engine/file; pure functions.
 */
#ifndef TENSOR_NAMES_H
#define TENSOR_NAMES_H

#include "engine/file/recognise.h"

/* What a tensor is by its name; ROLE_REVERSE: of the half of a layer that reads from the end. */
enum tensor_role { ROLE_OTHER, ROLE_LAYER, ROLE_REVERSE, ROLE_PROJECTION };

struct tensor_name {
    enum tensor_role role;
    size_t tensor; /* of the recurrent kind */
    size_t layer;
    size_t n_prefix;
};

/* kind: of the recurrent layers. A cell's tensors (nn.GRUCell) have no number and no mark of one:
 * they are of layer 0. */
struct tensor_name gru_tensor_name_parse(const struct layer_kind *kind, const char *name);

/* Refuses a tensor of a role that no layer can take. */
GRU_CHECK enum gru_status gru_tensor_name_check(enum tensor_role role, const char *name,
                                                struct gru_error *error);

bool gru_name_ends_in(const char *name, size_t n, const char *suffix);

/* "a matrix of 3 x 4", "a vector of 12", "a tensor of 0 dimensions" */
struct shown gru_show_shape(const struct tensor_view *tensor);

/* Whether a tensor has these sizes; columns 0: a vector. `why` says where they come from. */
GRU_CHECK enum gru_status gru_tensor_check_shape(const struct tensor_view *tensor, size_t rows,
                                                 size_t columns, const char *why,
                                                 struct gru_error *error);

/* Takes a layer's sizes from those of its tensors that say them, which must be within the limits;
 * the first of them decides. Sizes that no tensor says stay as they are. */
GRU_CHECK enum gru_status gru_layer_find_sizes(struct recognised_layer *layer,
                                               struct gru_error *error);

/* Whether each tensor that is there has the rows and columns that the layer's sizes give it. */
GRU_CHECK enum gru_status gru_layer_check_shapes(const struct recognised_layer *layer,
                                                 const char *why, struct gru_error *error);

#endif
