/*
 * gru.h - the public face of libgru: GRU networks, and nothing else.
 *
 * A model is loaded from a safetensors file and never changes afterwards; any number of threads may use one
 * model at once. What a stream remembers is a plain array of floats, its state, which belongs to the caller.
 *
 *     struct gru_model *model;
 *     struct gru_work *work;
 *     struct gru_error error;
 *     if (gru_model_load_file("weather.safetensors", &model, &error) != GRU_OK) { puts(error.message);
 * return; } if (gru_work_create(&work) != GRU_OK) { return; } const struct gru_info *info =
 * gru_model_info(model); float *state = malloc(info->state_floats * sizeof *state); float *y =
 * malloc(info->y_floats * sizeof *y); gru_state_init(model, state); struct gru_lane lane = { .state_in =
 * state, .state_out = state, .x = reading, .n_rows = 1, .y = y }; if (gru_run(model, work, &lane, 1) ==
 * GRU_OK && lane.status == GRU_OK) { ... y is the model's output ... }
 *
 * Shapes in capitals: T rows of a sequence, I inputs, O outputs, S steps that the read-out forecasts at once,
 * H hidden units of a layer. All matrices are row-major. A missing reading is NaN.
 *
 * The library never logs, prints, exits or starts a thread. Functions return a status; results go to the
 * ret_ parameters, which are untouched on failure. Where a `struct gru_error *` is taken it may be NULL.
 */
#ifndef GRU_H
#define GRU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GRU_VERSION "0.1.0"

/* Everything that can be the matter: the name, and a sentence that holds without further detail. */
#define GRU_STATUS_TABLE(X)                                                                                  \
    X(OK, "success")                                                                                         \
    X(NO_MEMORY, "out of memory")                                                                            \
    X(IO, "the file could not be read or written")                                                           \
    X(BAD_FILE, "not a valid safetensors file")                                                              \
    X(BAD_TENSORS, "the tensors do not make a GRU model")                                                    \
    X(BAD_METADATA, "the model's metadata is not valid")                                                     \
    X(SELFTEST_FAILED, "the model does not give the answers of its own selftest")                            \
    X(NON_FINITE, "the result is not a finite number")                                                       \
    X(MISSING_INPUT, "an input is missing, and the model's policy is to refuse that")                        \
    X(NO_READING, "there is nothing to forecast from before the first reading")                              \
    X(NO_ROLL_OUT,                                                                                           \
      "the model's outputs feed none of its inputs, so it cannot forecast beyond its own steps")             \
    X(BAD_FUTURE, "the known future inputs have the wrong number of rows")                                   \
    X(BAD_ARGUMENT, "an argument is out of range")

enum gru_status {
#define GRU_STATUS_ENUM(name, text) GRU_##name,
    GRU_STATUS_TABLE(GRU_STATUS_ENUM)
#undef GRU_STATUS_ENUM
};

#define GRU_CHECK __attribute__((warn_unused_result))
#define GRU_API   __attribute__((visibility("default")))

/* The sentence of a status; never NULL. */
GRU_API const char *gru_status_text(enum gru_status status);

/* What was wrong, for a person: the offending tensor or metadata key (may be empty), and a sentence. */
struct gru_error {
    char param[96];
    char message[320];
};

/* ---- what a model is ------------------------------------------------------------------------------- */

enum gru_cell { GRU_CELL_GRU, GRU_CELL_OUTPUT_GATE, GRU_CELL_THREE_GATE };
enum gru_reset { GRU_RESET_AFTER, GRU_RESET_BEFORE };
enum gru_activation { GRU_LINEAR, GRU_SIGMOID, GRU_TANH, GRU_SOFTMAX };
enum gru_missing { GRU_MISSING_ERROR, GRU_MISSING_LAST, GRU_MISSING_MEAN, GRU_MISSING_FORECAST };

/* The names that MODELS.md gives to the values above, as they stand in files and replies. */
GRU_API const char *gru_cell_name(enum gru_cell cell);
GRU_API const char *gru_reset_name(enum gru_reset reset);
GRU_API const char *gru_activation_name(enum gru_activation activation);
GRU_API const char *gru_missing_name(enum gru_missing missing);

enum { GRU_NAME_MAX = 63, GRU_UNIT_MAX = 31, GRU_LAYERS_MAX = 32, GRU_WIDTH_MAX = 65536 };

/* An input or an output. The network sees (x - mean) / std; a raw output is std * output + mean. */
struct gru_variable {
    char name[GRU_NAME_MAX + 1];
    char unit[GRU_UNIT_MAX + 1];
    double mean, std; /* std > 0 */
    int feeds;        /* of an output: the input whose next value it forecasts, or -1. Of an input: the
                         output that feeds it, or -1 */
};

struct gru_layer_info {
    size_t input_size, hidden_size;
};

/* Everything about a model but its weights. `inputs`, `outputs` and `layers` have n_ elements each. */
struct gru_info {
    enum gru_cell cell;
    enum gru_reset reset; /* without meaning for GRU_CELL_THREE_GATE */
    enum gru_activation activation;
    enum gru_missing missing;
    bool residual;           /* outputs that feed an input forecast its change */
    size_t steps;            /* S: rows that the read-out forecasts at once */
    double interval_seconds; /* between readings; 0: unknown */
    size_t n_inputs, n_outputs, n_layers;
    struct gru_variable *inputs, *outputs;
    struct gru_layer_info *layers;
    size_t n_parameters; /* weights in all */
    size_t n_feeds;      /* outputs that feed an input; 0: no roll-out beyond S */
    size_t n_future;     /* inputs that no output feeds: the width of a row of known future values */
    size_t y_floats;     /* S * O: floats in one row of y */
    size_t state_floats; /* floats in a state */
};

struct gru_model; /* immutable, reference-counted, safe to share between threads */

/* Reads a model; see MODELS.md for every check. `bytes` is not kept. */
GRU_API GRU_CHECK enum gru_status gru_model_load(const void *bytes, size_t n_bytes,
                                                 struct gru_model **ret_model, struct gru_error *error);
GRU_API GRU_CHECK enum gru_status gru_model_load_file(const char *path, struct gru_model **ret_model,
                                                      struct gru_error *error);

/* Writes a model as one safetensors file (gate order rzn, update keep). The same model gives the same bytes,
 * and loading them gives the same weights bit for bit. The caller frees *ret_bytes with free(). */
GRU_API GRU_CHECK enum gru_status gru_model_save(const struct gru_model *model, void **ret_bytes,
                                                 size_t *ret_n_bytes);

/* What a new model shall be. Names must differ; an output with an input's name feeds it. */
struct gru_plan {
    size_t n_inputs, n_outputs, n_layers;
    const char *const *inputs, *const *outputs;
    const size_t *hidden_sizes;
    enum gru_cell cell;
    enum gru_reset reset;
    bool residual;
    uint64_t seed;
};

/* Makes an untrained model: every weight uniform in +-1/sqrt(H), as PyTorch initialises nn.GRU and nn.Linear.
 * The same plan gives the same weights. */
GRU_API GRU_CHECK enum gru_status gru_model_create(const struct gru_plan *plan, struct gru_model **ret_model,
                                                   struct gru_error *error);

GRU_API struct gru_model *gru_model_ref(struct gru_model *model);
GRU_API void gru_model_unref(struct gru_model *model); /* takes NULL */
GRU_API const struct gru_info *gru_model_info(const struct gru_model *model);

/* The name of the instruction set that the kernels were chosen for: "avx512", "avx2" or "baseline". */
GRU_API const char *gru_kernels_name(void);

/* ---- running it ------------------------------------------------------------------------------------ */

/*
 * A state is state_floats floats: each layer's hidden state in turn ([h], or [h, c] for GRU_CELL_THREE_GATE),
 * then the last observed value of each input (NaN: none yet), then the last row of y (NaN: none yet).
 * It may be copied with memcpy and kept anywhere.
 */
GRU_API void gru_state_init(const struct gru_model *model, float *state);
/* Where the parts are, in floats from the start of a state. */
GRU_API size_t gru_state_layer_floats(const struct gru_model *model, size_t layer);
GRU_API size_t gru_state_last_offset(const struct gru_model *model);
GRU_API size_t gru_state_y_offset(const struct gru_model *model);

/* Scratch memory for the calls below. One thread at a time; it serves any model and grows to the largest. */
struct gru_work;
GRU_API GRU_CHECK enum gru_status gru_work_create(struct gru_work **ret_work);
GRU_API void gru_work_free(struct gru_work *work); /* takes NULL */

/* One stream's share of a run: its state before and after, its readings, its outputs, its own status. */
struct gru_lane {
    const float *state_in; /* [state_floats], or NULL for a stream that begins */
    float *state_out;      /* [state_floats], may equal state_in, or NULL if not wanted */
    const float *x;        /* [T][I] raw readings, NaN where missing */
    size_t n_rows;         /* T, at least 1 */
    float *y;              /* [T][S * O] raw outputs, step-major; [S * O] with last_only */
    bool last_only;        /* only the last row's y is wanted */
    enum gru_status
        status; /* result: GRU_OK, GRU_NON_FINITE, GRU_MISSING_INPUT, GRU_BAD_ARGUMENT (no rows) */
    size_t bad_row, bad_column; /* result: where, if the status is not GRU_OK (column: of x or of y) */
};

/*
 * Runs n lanes, each through its own rows, sharing every pass over the weights. A step of one stream, a batch
 * of steps of many streams and a whole sequence are all this call, and they agree: a lane's result does not
 * depend on the other lanes, and T rows in one call give bit for bit what T calls of one row give.
 * A lane that fails leaves its state_out untouched (its y is then undefined) and does not disturb the others.
 * Allocates only when `work` must grow. GRU_NO_MEMORY means that no lane was run.
 */
GRU_API GRU_CHECK enum gru_status gru_run(const struct gru_model *model, struct gru_work *work,
                                          struct gru_lane *lanes, size_t n);

/*
 * Forecasts `horizon` rows ahead of a state, which stays as it is. The first S rows are the state's own last
 * output; beyond them each forecast is fed back as the next reading of the inputs that outputs feed, and the
 * other inputs take `future` ([n_future_rows][n_future], NaN: missing), whose row t belongs to t + 1 steps
 * after the state's last reading. It must have at least `horizon - S` rows (roll-outs proceed in blocks of S:
 * rows needed are gru_future_rows) unless n_future is 0. forecast: [horizon][O] raw values.
 */
GRU_API GRU_CHECK enum gru_status gru_forecast(const struct gru_model *model, struct gru_work *work,
                                               const float *state, size_t horizon, const float *future,
                                               size_t n_future_rows, float *forecast);

/* How many rows of known future inputs a forecast of `horizon` rows reads; 0 if none are needed. */
GRU_API size_t gru_future_rows(const struct gru_model *model, size_t horizon);

#ifdef __cplusplus
}
#endif
#endif
