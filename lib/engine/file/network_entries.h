/*
 * network_entries.h - the list of layers that a text gives: `network` in the metadata of a file
 * (docs/MODELS.md, "Networks of several kinds of layers"), or that of a new model. Private to
 * lib/engine/file.
 *
 * What the text says by itself is checked here: keys, words, numbers, and what may follow what.
 * Which tensors the layers have, and whether these fit, is network_layers.h's.
 */
#ifndef NETWORK_ENTRIES_H
#define NETWORK_ENTRIES_H

#include "engine/file/metadata_fields.h"
#include "engine/layer_kind.h"

enum { NETWORK_NAME_MAX = 255, NETWORK_HEADS_MAX = 256 };

/* An element of the list, or of a `heads`. */
struct network_entry {
    const struct layer_kind *kind;
    bool is_heads; /* of the kind `dense` then, but several of them */
    enum gru_reset reset;
    enum gru_activation activation;
    const char *gate_order; /* NULL: the kernels' */
    bool takes;             /* update take */
    float eps;
    size_t n_units;                           /* of a new model; 0: not given */
    char prefix[NETWORK_NAME_MAX + 1];        /* "": none */
    char initial_state[NETWORK_NAME_MAX + 1]; /* names of tensors; "": none */
    char initial_cell[NETWORK_NAME_MAX + 1];
};

struct network_entries {
    const char *path; /* of the list: "grud.network" */
    struct network_entry *entries, *heads;
    size_t n_entries, n_heads; /* 0: not given; without heads */
    size_t end; /* the last one that does anything: its activation is that of the outputs */
};

/* What a list is of: of a model file, whose tensors say the sizes, or of a new model. */
enum network_origin { NETWORK_OF_FILE, NETWORK_OF_PLAN };

/* Reads the list that comes next. On failure, too, the caller ends with gru_network_entries_done.
 */
GRU_CHECK enum gru_status gru_network_entries_read(struct fields *r, enum network_origin origin,
                                                   struct network_entries *ret_entries);
void gru_network_entries_done(struct network_entries *entries); /* takes a zeroed one */

/* Whether the heads are not one read-out: their activations differ, or are a softmax, which is over
 * a head by itself. */
bool gru_network_heads_differ(const struct network_entries *entries);

/* The path of an element, "grud.network[3]", or of one of its keys. */
struct network_path {
    char text[PATH_MAX_BYTES];
};
struct network_path gru_network_path(const struct network_entries *entries, size_t k,
                                     const char *key);

#endif
