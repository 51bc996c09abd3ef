/*
 * gru.h - the public face of libgru: GRU and LSTM networks, and nothing else.
 *
 * A model is loaded from a safetensors file and never changes afterwards; any number of threads may
 * use one model at once. What a stream remembers is a plain array of floats, its state, which
 * belongs to the caller.
 *
 *     struct gru_model *model;
 *     struct gru_work *work;
 *     struct gru_error error;
 *     if (gru_model_load_file("weather.safetensors", &model, &error) != GRU_OK) {
 *         puts(error.message);
 *         return;
 *     }
 *     if (gru_work_create(&work) != GRU_OK) {
 *         return;
 *     }
 *     const struct gru_info *info = gru_model_info(model);
 *     float *state = malloc(info->state_floats * sizeof *state);
 *     double *y = malloc(info->y_floats * sizeof *y);
 *     gru_state_init(model, state);
 *     struct gru_lane lane = { .x = reading, .n_rows = 1, .y = y,
 *                              .state_in = state, .state_out = state };
 *     if (gru_run(model, work, &lane, 1) == GRU_OK && lane.status == GRU_OK) {
 *         ... y is the model's output ...
 *     }
 *
 * Shapes in capitals: T rows of a sequence, I inputs, O outputs, S steps that the read-out
 * forecasts at once, H hidden units of a layer. All matrices are row-major. A missing reading is
 * NaN.
 *
 * Numbers below the smallest normal float (FLT_MIN, 1.2e-38) are zero: readings, states and weights
 * count as such, and so does every result on the way, in runs and in training alike, with each
 * instruction set of x86-64 and arm64. They are kept as they were given: a state's last observed
 * value is the reading itself, and a saved model has the weights that it was loaded with. The
 * functions set the processor's mode for that, whatever the caller's, and leave as they found it.
 *
 * The library never logs, prints, exits or starts a thread. Functions return a status; results go
 * to the ret_ parameters, which are untouched on failure. Where a `struct gru_error *` is taken it
 * may be NULL.
 */
#ifndef GRU_H
#define GRU_H

#include "gru_choices.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GRU_VERSION "0.1.0"

/* Everything that can go wrong: the name, and a sentence that holds without further detail. */
#define GRU_STATUS_TABLE(X)                                                                        \
    X(OK, "success")                                                                               \
    X(NO_MEMORY, "out of memory")                                                                  \
    X(IO, "the file could not be read or written")                                                 \
    X(BAD_FILE, "not a valid safetensors file")                                                    \
    X(BAD_TENSORS, "the tensors do not make a model")                                              \
    X(BAD_METADATA, "the model's metadata is not valid")                                           \
    X(SELFTEST_FAILED, "the model does not give the answers of its own selftest")                  \
    X(NON_FINITE, "the result is not a finite number")                                             \
    X(MISSING_INPUT, "an input is missing, and the model's policy is to refuse that")              \
    X(NOT_CAUSAL,                                                                                  \
      "the model is bidirectional: it reads whole sequences, from both ends, so it cannot go on "  \
      "step by step")                                                                              \
    X(NO_READING, "there is nothing to forecast from before the first reading")                    \
    X(NO_ROLL_OUT,                                                                                 \
      "the model's outputs feed none of its inputs, so it cannot forecast beyond its own steps")   \
    X(BAD_FUTURE, "the known future inputs have the wrong number of rows")                         \
    X(BAD_ARGUMENT, "an argument is out of range")                                                 \
    X(BAD_TRAINING, "the training data or hyper-parameters are not valid")                         \
    X(BAD_BLAS,                                                                                    \
      "the installed OpenBLAS is its serial build, which is wrong under threads; install the "     \
      "pthread one")

enum gru_status {
#define GRU_STATUS_ENUM(name, text) GRU_##name,
    GRU_STATUS_TABLE(GRU_STATUS_ENUM)
#undef GRU_STATUS_ENUM
};

#define GRU_CHECK __attribute__((warn_unused_result))
#define GRU_API   __attribute__((visibility("default")))

/* The sentence of a status; never NULL. */
GRU_API const char *gru_status_text(enum gru_status status);

/* What was wrong, for a person: the offending tensor or metadata key (may be empty), and a
 * sentence. */
struct gru_error {
    char param[96];
    char message[640]; /* a line of metadata fits, ready to be pasted */
};

/* ---- what a model is ------------------------------------------------------------------------- */

/* The words of the choices (gru_choices.h). */
GRU_API const char *gru_layer_kind_name(enum gru_layer_kind kind);
GRU_API const char *gru_reset_name(enum gru_reset reset);
GRU_API const char *gru_activation_name(enum gru_activation activation);
GRU_API const char *gru_missing_name(enum gru_missing missing);
GRU_API const char *gru_transform_name(enum gru_transform_kind kind);

/* Whether layers of a kind carry a state from step to step: these are a model's "cells". */
GRU_API bool gru_layer_kind_is_recurrent(enum gru_layer_kind kind);
/* Whether `reset` means anything for it. */
GRU_API bool gru_layer_kind_has_reset(enum gru_layer_kind kind);

enum {
    GRU_NAME_MAX = 63,
    GRU_UNIT_MAX = 31,
    GRU_LAYERS_MAX = 32,
    GRU_WIDTH_MAX = 65536,
    GRU_SEASON_MAX = 1 << 30,
    GRU_WIDE_RATIO = 1024,
    GRU_TRANSFORM_SEASON_MAX = 10000,
    GRU_TRANSFORM_READINGS_MAX = 65536 /* that a model's seasonal differences keep, of all inputs */
};

/*
 * What the network sees of an input that an output feeds, in place of its raw readings x_t: u_t,
 * which is then normalised. The output speaks of u too, and its forecasts are turned back.
 *
 *     GRU_DIFFERENCE           u_t = x_t - x_{t-1}
 *     GRU_SEASONAL_DIFFERENCE  u_t = x_t - x_{t-season}
 *     GRU_LEVEL                u_t = (x_t - l_{t-1}) / s_{t-1} with a running level
 *                              l_t = l_{t-1} + r (x_t - l_{t-1}), and with `scale` likewise a
 *                              running mean s of |x_t - l_{t-1}|, else 1; r is `rate`, or of the
 *                              first readings 1/n, so that both begin as plain means
 *
 * Where u_t is not known (there is no x_{t-1}, no x_{t-season}, or s is 0) the network sees the
 * input's mean, and what is forecast is the last reading, or the level; before the first reading 0.
 */
struct gru_transform {
    enum gru_transform_kind kind;
    size_t season; /* of a seasonal difference: 1 to GRU_TRANSFORM_SEASON_MAX; else 0 */
    double rate;   /* of a level: above 0, at most 1; else 0 */
    bool scale;    /* of a level */
};

/* An input or an output. The network sees (x - mean) / std; a raw output is std * output + mean.
 * With a transform mean and std are those of u, for the input and the output that feeds it. */
struct gru_variable {
    char name[GRU_NAME_MAX + 1];
    char unit[GRU_UNIT_MAX + 1];
    double mean, std;               /* std > 0 */
    struct gru_transform transform; /* of an input; of an output none */
    int feeds; /* of an output: the input whose next value it forecasts, or -1. Of an input: the
                  output that feeds it, or -1 */
};

/* What a transform makes of a column of readings, x[0], x[stride], ...: u, NaN where it is not
 * known or the reading is missing; one that is missing counts as the last one observed.
 * GRU_NO_MEMORY. */
GRU_API GRU_CHECK enum gru_status gru_transform_column(const struct gru_transform *transform,
                                                       const double *x, size_t n_rows,
                                                       size_t stride, double *u);

/* A recurrent layer. */
struct gru_layer_info {
    enum gru_layer_kind kind;
    enum gru_reset reset; /* GRU_RESET_AFTER where the kind has none */
    bool is_reverse;      /* the half of the layer before it that reads from the end */
    size_t input_size, hidden_size;
};

/* One of several read-outs of the same row: some of the outputs, one after the other, with an
 * activation of their own. */
struct gru_head {
    enum gru_activation activation;
    size_t n_outputs;
};

/* Everything about a model but its weights. `inputs`, `outputs`, `layers` and `heads` have n_
 * elements each. */
struct gru_info {
    enum gru_activation activation; /* of the outputs; GRU_LINEAR where the heads differ */
    enum gru_missing missing;
    bool is_bidirectional; /* some layers read a sequence from both ends: no steps, no roll-outs */
    bool residual;         /* outputs that feed an input forecast its change */
    size_t steps;          /* S: rows that the read-out forecasts at once */
    double interval_seconds; /* between readings; 0: unknown */
    size_t season;           /* readings in a season; 0: unknown */
    size_t n_inputs, n_outputs, n_layers, n_heads;
    struct gru_variable *inputs, *outputs;
    struct gru_layer_info *layers; /* the recurrent ones, first to last; the read-out follows */
    struct gru_head *heads;        /* n_heads 0: one read-out, whose activation is `activation` */
    bool is_wide; /* raw values need more digits than a float has: an input with a transform, or
                     one or an output whose |mean| is more than GRU_WIDE_RATIO of its std
                     (gru_reading) */
    size_t n_parameters; /* weights in all; the statistics of a batch_norm are none */
    size_t n_feeds;      /* outputs that feed an input; 0: no roll-out beyond S */
    size_t n_future; /* inputs that no output feeds: the width of a row of known future values */
    size_t y_floats; /* S * O: values in one row of y */
    size_t state_floats; /* floats in a state */
};

struct gru_model; /* immutable, reference-counted, safe to share between threads */

/* Reads a model; docs/MODELS.md has the format and every check. `bytes` is not kept. The caller
 * owns a reference to *ret_model. GRU_BAD_FILE, GRU_BAD_TENSORS, GRU_BAD_METADATA,
 * GRU_SELFTEST_FAILED or GRU_NO_MEMORY; of a file that cannot be read GRU_IO. */
GRU_API GRU_CHECK enum gru_status gru_model_load(const void *bytes, size_t n_bytes,
                                                 struct gru_model **ret_model,
                                                 struct gru_error *error);
GRU_API GRU_CHECK enum gru_status
gru_model_load_file(const char *path, struct gru_model **ret_model, struct gru_error *error);

/* What a file of another program is, and how to make a model file of it: "is a PyTorch archive
 * (.pt, .pth), not a safetensors file: ..."; NULL: it is not known. gru_model_load says the same.
 * Of a long file the first and the last 64 KiB are enough. */
GRU_API const char *gru_foreign_text(const void *bytes, size_t n_bytes);

/* Writes a model as one safetensors file (gate order rzn, update keep). The same model gives the
 * same bytes, and loading them gives the same weights bit for bit. The caller frees *ret_bytes with
 * free(). GRU_NO_MEMORY, or GRU_BAD_FILE where the header would be longer than readers take. */
GRU_API GRU_CHECK enum gru_status gru_model_save(const struct gru_model *model, void **ret_bytes,
                                                 size_t *ret_n_bytes);

/* Of an input, or of an output that has no input's name; one that has takes the input's. */
struct gru_scaling {
    const char *name;
    double mean, std; /* finite, std > 0 */
};

/* Of an input that an output feeds. A seasonal difference may have 0 for the plan's season. */
struct gru_plan_transform {
    const char *name;
    struct gru_transform transform;
};

/* What a new model shall be. Names must differ; an output with an input's name feeds it. */
struct gru_plan {
    size_t n_inputs, n_outputs, n_layers;
    const char *const *inputs, *const *outputs;
    const size_t *hidden_sizes;
    /* Instead of sizes, a cell and a reset: the layers from inputs to outputs, a JSON text of
     * n_network bytes (docs/MODELS.md, "New models"); n_layers is 0 then. NULL: not given. */
    const char *network;
    size_t n_network;
    const struct gru_scaling *scalings; /* [n_scalings] of some; the others have mean 0, std 1 */
    size_t n_scalings;
    const struct gru_plan_transform *transforms; /* [n_transforms] of some; the others have none */
    size_t n_transforms;
    enum gru_layer_kind cell;       /* of all layers: a recurrent kind */
    enum gru_reset reset;           /* likewise, where the kind has one */
    enum gru_activation activation; /* of the read-out; a network's layers say theirs */
    size_t steps; /* S: rows that the read-out forecasts at once, S * n_outputs of it; 0 is 1 */
    bool has_missing;
    enum gru_missing missing; /* if it has_missing; else forecast where an output feeds an input,
                                 and last where none does */
    bool residual;
    bool has_selftest; /* its own answers to a few readings, where these are finite */
    uint64_t seed;
    double interval_seconds; /* between readings; 0: unknown */
    size_t season;           /* readings in a season, at most GRU_SEASON_MAX; 0: unknown */
};

/* Makes an untrained model, as PyTorch initialises its layers: weights uniform in +-1/sqrt(H),
 * those of a dense layer in +-1/sqrt of what it takes; norms that change nothing. The same plan
 * gives the same weights. It has a selftest: its own answers to a few readings. The caller owns a
 * reference to *ret_model. GRU_BAD_ARGUMENT or GRU_NO_MEMORY. */
GRU_API GRU_CHECK enum gru_status gru_model_create(const struct gru_plan *plan,
                                                   struct gru_model **ret_model,
                                                   struct gru_error *error);

GRU_API struct gru_model *gru_model_ref(struct gru_model *model);
GRU_API void gru_model_unref(struct gru_model *model); /* takes NULL */
GRU_API const struct gru_info *gru_model_info(const struct gru_model *model);

/* A layer of the chain from inputs to outputs, of any kind; what is done to the outputs (info's
 * `activation`, or its heads) comes behind the last one. */
struct gru_chain_layer {
    enum gru_layer_kind kind;
    enum gru_reset reset;           /* where the kind has one */
    enum gru_activation activation; /* of GRU_LAYER_ACTIVATION */
    float eps;                      /* of a norm; 0 of other kinds */
    bool has_first_state;           /* it was learned; else a stream begins with zeros */
    bool is_reverse;                /* the half of the layer before it that reads from the end */
    size_t input_size, output_size;
};
GRU_API size_t gru_model_n_layers(const struct gru_model *model);
GRU_API struct gru_chain_layer gru_model_layer(const struct gru_model *model, size_t layer);

/* Whether it has a selftest, and so gave the answers that came with it. Without one nobody knows
 * that the file means what it is taken for: an activation between layers carries no tensors. */
GRU_API bool gru_model_is_verified(const struct gru_model *model);

/* The keys of its file's __metadata__ that say nothing, since all that is read stands under "grud":
 * "inputs, missing"; "" if there are none. As long as the model is. */
enum { GRU_UNREAD_SIZE = 160 };
GRU_API const char *gru_model_unread(const struct gru_model *model);

/* The name of the instruction set that the kernels were chosen for: "avx512", "avx2" or "baseline".
 */
GRU_API const char *gru_kernels_name(void);

/* ---- running it ------------------------------------------------------------------------------ */

/*
 * Raw values are doubles, and as many of their digits count as the network can tell apart: a value
 * is the nearest float or, of a model that is_wide, the sum of the two floats that are nearest
 * (hi = (float)x, lo = (float)(x - hi): 48 bits). Readings count as such, and so are y and
 * forecasts, which may thus be given back as readings. NaN stays NaN; what is beyond a float's
 * range becomes infinite.
 */
GRU_API double gru_reading(const struct gru_info *info, double x);
/* The floats that keep it, 1 or, of a model that is_wide, 2. */
GRU_API size_t gru_reading_floats(const struct gru_info *info);
/* Keeps n readings in n * gru_reading_floats floats, and reads them again. */
GRU_API void gru_readings_pack(const struct gru_info *info, const double *x, size_t n, float *kept);
GRU_API void gru_readings_unpack(const struct gru_info *info, const float *kept, size_t n,
                                 double *x);

/*
 * A state is state_floats floats: each layer's hidden state in turn ([h], or [h, c] for
 * GRU_LAYER_THREE_GATE and GRU_LAYER_LSTM), then the last observed value of each input (NaN: none
 * yet), then the last row of y (NaN: none yet), then what the transform of each input keeps, all
 * these by gru_readings_pack. It may be copied with memcpy and kept anywhere.
 */
GRU_API void gru_state_init(const struct gru_model *model, float *state);
/* Where the parts are, in floats from the start of a state. */
GRU_API size_t gru_state_layer_floats(const struct gru_model *model, size_t layer);
GRU_API size_t gru_state_last_offset(const struct gru_model *model);
GRU_API size_t gru_state_y_offset(const struct gru_model *model);
/* The last observed value of an input, and value k of the last row of y, of S * O. */
GRU_API double gru_state_last(const struct gru_model *model, const float *state, size_t input);
GRU_API double gru_state_y(const struct gru_model *model, const float *state, size_t k);
GRU_API void gru_state_set_last(const struct gru_model *model, float *state, size_t input,
                                double value);
GRU_API void gru_state_set_y(const struct gru_model *model, float *state, size_t k, double value);
/* What the transform of an input keeps: so many values (0: it has none), of any numbers or NaN. Of
 * a difference the last reading; of a seasonal one which of the readings behind is the oldest, from
 * 0, and `season` of them; of a level how many readings there were, the level, and the scale. */
GRU_API size_t gru_state_transform_values(const struct gru_model *model, size_t input);
GRU_API double gru_state_transform(const struct gru_model *model, const float *state, size_t input,
                                   size_t k);
GRU_API void gru_state_set_transform(const struct gru_model *model, float *state, size_t input,
                                     size_t k, double value);

/* Scratch memory for the calls below. One thread at a time; it serves any model and grows to the
 * largest. */
struct gru_work;
GRU_API GRU_CHECK enum gru_status gru_work_create(struct gru_work **ret_work);
GRU_API void gru_work_free(struct gru_work *work); /* takes NULL */

/* One stream's share of a run: its state before and after, its readings, its outputs, its own
 * status. */
struct gru_lane {
    const float *state_in;  /* [state_floats], or NULL for a stream that begins */
    float *state_out;       /* [state_floats], may equal state_in, or NULL if not wanted */
    const double *x;        /* [T][I] raw readings, NaN where missing */
    size_t n_rows;          /* T, at least 1 */
    double *y;              /* [T][S * O] raw outputs, step-major; [S * O] with last_only */
    bool last_only;         /* only the last row's y is wanted */
    enum gru_status status; /* result: GRU_OK, GRU_NON_FINITE, GRU_MISSING_INPUT, GRU_BAD_ARGUMENT
                               (no rows), GRU_NOT_CAUSAL (a state_in of a bidirectional model) */
    size_t bad_row,
        bad_column; /* result: where, if the status is not GRU_OK (column: of x or of y) */
};

/*
 * Runs n lanes, each through its own rows, sharing every pass over the weights. A step of one
 * stream, a batch of steps of many streams and a whole sequence are all this call, and they agree:
 * a lane's result does not depend on the other lanes, and T rows in one call give bit for bit what
 * T calls of one row give. A lane that fails leaves its state_out untouched (its y is then
 * undefined) and does not disturb the others. Allocates only when `work` must grow. GRU_NO_MEMORY
 * means that no lane was run.
 */
GRU_API GRU_CHECK enum gru_status gru_run(const struct gru_model *model, struct gru_work *work,
                                          struct gru_lane *lanes, size_t n);

/*
 * The same in parts, so that a thread can do other things in between: the results do not depend on
 * where it is cut. Lanes, what they point to, and `order` (room for n pointers) stay where they are
 * until it is done. Each lane needs a state_out, which is not its state_in and holds its state
 * between the parts, also when it fails.
 */
struct gru_run {
    size_t n_rows_left; /* of all lanes; 0: it is done */
    /* the library's own: */
    const struct gru_model *model;
    struct gru_lane **order, **group;
    size_t n_lanes, n_begun, n_running, t;
};
/* Lanes without rows, or with a missing input that is refused, have their status from here on. */
GRU_API void gru_run_begin(const struct gru_model *model, struct gru_lane *lanes, size_t n,
                           struct gru_lane **order, struct gru_run *ret_run);
/* Goes on by that many rows (at least 1), or by a few more where lanes share a pass over the
 * weights; a bidirectional model by whole lanes. */
GRU_API GRU_CHECK enum gru_status gru_run_part(struct gru_run *run, struct gru_work *work,
                                               size_t most_rows);
/* Bytes of scratch memory that a run takes whose longest lane has so many rows. Those of a
 * bidirectional model alone grow with them; they are given back after the run. SIZE_MAX: more than
 * can be counted. */
GRU_API size_t gru_run_bytes(const struct gru_model *model, size_t n_rows);

/*
 * Forecasts `horizon` rows ahead of a state, which stays as it is. The first S rows are the state's
 * own last output; beyond them each forecast is fed back as the next reading of the inputs that
 * outputs feed, and the other inputs take `future` ([n_future_rows][n_future], NaN: missing), whose
 * row t belongs to t + 1 steps after the state's last reading. It must have at least `horizon - S`
 * rows (roll-outs proceed in blocks of S: rows needed are gru_future_rows) unless n_future is 0.
 * forecast: [horizon][O] raw values.
 *
 * GRU_BAD_ARGUMENT (horizon 0), GRU_NO_READING, GRU_NO_ROLL_OUT, GRU_NOT_CAUSAL, GRU_BAD_FUTURE;
 * GRU_MISSING_INPUT or GRU_NON_FINITE on the way; GRU_NO_MEMORY. `forecast` is then undefined.
 */
GRU_API GRU_CHECK enum gru_status gru_forecast(const struct gru_model *model, struct gru_work *work,
                                               const float *state, size_t horizon,
                                               const double *future, size_t n_future_rows,
                                               double *forecast);

/* The same in parts. The state rolls on with the forecast; it, `future` and `forecast` stay where
 * they are until it is done. */
struct gru_roll {
    size_t n_rows_left; /* of the forecast; 0: it is done */
    /* the library's own: */
    const struct gru_model *model;
    float *state;
    double *forecast;
    const double *future;
};
GRU_API GRU_CHECK enum gru_status gru_roll_begin(const struct gru_model *model, float *state,
                                                 size_t horizon, const double *future,
                                                 size_t n_future_rows, double *forecast,
                                                 struct gru_roll *ret_roll);
/* Goes on by that many rows (at least 1), or to the next multiple of S. Fails as gru_forecast does,
 * and is then over. */
GRU_API GRU_CHECK enum gru_status gru_roll_part(struct gru_roll *roll, struct gru_work *work,
                                                size_t most_rows);
/* The same of n roll-outs of one model that have begun, sharing every pass over the weights: goes
 * on by that many rows of all together, or to the next multiple of n * S. No result depends on the
 * others. If one of them fails, *ret_failed is its index, and all are over. */
GRU_API GRU_CHECK enum gru_status gru_rolls_part(struct gru_roll *rolls, size_t n,
                                                 struct gru_work *work, size_t most_rows,
                                                 size_t *ret_failed);

/* How many rows of known future inputs a forecast of `horizon` rows reads; 0 if none are needed. */
GRU_API size_t gru_future_rows(const struct gru_model *model, size_t horizon);

/* ---- training it ----------------------------------------------------------------------------- */

/* libgru-infer, the library without training, has none of the functions from here on, and needs no
 * OpenBLAS. */

#include "gru_training.h"

/* ---- validating it --------------------------------------------------------------------------- */

#include "gru_validation.h"

/* ---- choosing it ----------------------------------------------------------------------------- */

#include "gru_recipe.h"

/* ---- explaining it --------------------------------------------------------------------------- */

#include "gru_explain.h"

#ifdef __cplusplus
}
#endif
#endif
