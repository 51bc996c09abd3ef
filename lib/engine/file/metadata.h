/*
 * metadata.h - the JSON object __metadata__["grud"]: what a model file says beyond its tensors
 * (docs/MODELS.md, "Metadata"). Private to lib/engine.
 *
 * Reading has two halves, because names and sizes come from two places: gru_metadata_read checks
 * the text by itself, gru_metadata_apply joins it with the sizes that the tensors have and fills
 * the defaults in.
 */
#ifndef METADATA_H
#define METADATA_H

#include "engine/buffer.h"
#include "engine/file/network_entries.h"
#include "engine/model.h"

/* The limit keeps a hostile file from buying a long computation with a short text. */
enum { SELFTEST_ROWS_MAX = 10000 };

/* The kind of cell of a file that does not name one. */
static const enum gru_layer_kind metadata_default_cell = GRU_LAYER_GRU;

/* An input or output as the file describes it. */
struct metadata_variable {
    struct gru_variable variable; /* name "" and scaling 0, 1 where the file says nothing */
    bool has_scaling;             /* mean or std is given */
    bool has_feeds;               /* given; null, for "feeds nothing", leaves the name empty */
    char feeds[GRU_NAME_MAX + 1];
};

/* A selftest's rows, flat. */
struct metadata_rows {
    size_t n_rows, n_columns;
    double *values;
};

struct metadata {
    enum gru_layer_kind cell; /* of the recurrent layers */
    bool is_cell_open;        /* no key says anything of the cell: the tensors do */
    enum gru_reset reset;
    enum gru_activation activation;
    bool has_missing; /* given */
    enum gru_missing missing;
    const char *gate_order; /* NULL: not given */
    bool takes;             /* update take */
    bool residual;
    size_t steps;
    double interval_seconds; /* 0: unknown */
    size_t season;           /* 0: unknown */
    char *order[GRU_LAYERS_MAX];
    size_t n_order;                             /* 0: not given */
    struct network_entries network;             /* n_entries 0: not given */
    struct metadata_variable *inputs, *outputs; /* NULL: not given */
    size_t n_inputs, n_outputs;
    struct metadata_rows x, y; /* the selftest; n_rows 0: none */
};

/* `text` may be NULL: then everything is at its default. End with gru_metadata_done. */
GRU_CHECK enum gru_status gru_metadata_read(const char *text, struct metadata *ret_metadata,
                                            struct gru_error *error);
void gru_metadata_done(struct metadata *metadata);

/* Fills model->info (all that is not derived, but for `layers`, `activation` and `heads`) and
 * model->selftest, which it takes over. */
GRU_CHECK enum gru_status gru_metadata_apply(struct metadata *metadata, size_t n_inputs,
                                             size_t n_head_rows, struct gru_model *model,
                                             struct gru_error *error);

/* The scaling that an output has where the file gives none: std 1 and mean 0, or what it takes over
 * from the input that it feeds (NULL: none). */
void gru_metadata_default_scaling(struct gru_variable *output, const struct gru_variable *fed,
                                  bool residual);

/* What becomes of missing readings where nothing says it; whom the outputs feed is known. */
enum gru_missing gru_metadata_default_missing(const struct gru_info *info);

/* Writes the canonical object: only what differs from the default, and what older
 * builds had another default for. */
void gru_metadata_write(const struct gru_model *model, struct file_text *out);

#endif
