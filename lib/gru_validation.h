/*
 * gru_validation.h - what a validation says of a model: how far its forecasts were off, and how a
 * trained model compares with the one that training started from. A part of gru.h, which includes
 * it.
 *
 * Both speak of what is served: of answers of gru_run and gru_forecast to readings as they came,
 * missing ones included, from the beginning of each series.
 */
#ifndef GRU_VALIDATION_H
#define GRU_VALIDATION_H

/* ---- residuals ------------------------------------------------------------------------------- */

enum { GRU_RESIDUAL_QUANTILES = 5, GRU_RESIDUAL_HORIZON = 24, GRU_RESIDUALS_MAX = 1536 };

/* The shares that the quantiles are of. */
#define GRU_RESIDUAL_LEVELS                                                                        \
    {                                                                                              \
        0.5, 0.8, 0.9, 0.95, 0.99                                                                  \
    }

/* |forecast - truth| of one output so many rows ahead, in raw units. */
struct gru_residual {
    size_t n; /* forecasts that were looked at; 0: none, and the rest is 0 */
    double mean;
    double quantiles[GRU_RESIDUAL_QUANTILES];
};

/* Of a validation. of: [n_outputs][n_horizons], the first row ahead first; at most
 * GRU_RESIDUALS_MAX in all. */
struct gru_residuals {
    size_t n_outputs, n_horizons;
    const struct gru_residual *of;
};

/* Those that the model's file has (docs/MODELS.md); NULL: none. As long as the model is. */
GRU_API const struct gru_residuals *gru_model_residuals(const struct gru_model *model);
/* Gives them to a model that no other thread knows yet: saving writes them. GRU_NO_MEMORY, or
 * GRU_BAD_ARGUMENT if they do not fit the model's outputs or are no sizes of errors. */
GRU_API GRU_CHECK enum gru_status gru_model_set_residuals(struct gru_model *model,
                                                          const struct gru_residuals *residuals);

/* ---- comparing a trained model with its base ------------------------------------------------- */

/* libgru-infer has none of what follows. */

/*
 * A comparison judges the validation part of a training stream by stream. A stream is a series with
 * those that continue it; streams with fewer than 10 targets say too little by themselves, and are
 * one together.
 *
 * Left out of the streams' losses, because they say nothing of a model:
 * - outliers: a reading or a target that is further from the stream's median of its column than
 *   three times the distance between the 5th and the 95th percentile, and than three of the model's
 *   standard deviations; and the forecasts that are made from such a row and the 12 after it, in
 *   which a hidden state settles;
 * - outputs that are constant in a stream's validation part, such as those of a stuck sensor: there
 *   "the same as last" is right by itself.
 * Losses of logits (bce, cross_entropy) leave nothing out.
 *
 * Losses are those of the training's loss, in the network's units (gru.h); of bce and cross_entropy
 * from the probabilities that are served, none below FLT_EPSILON. The naive forecast is "the same
 * as last observed", as in gru_progress; the mean of the training's targets, where nothing is
 * observed of an output; and how often each class is among the training's targets.
 */

/* Sums over n targets. */
struct gru_losses {
    size_t n;
    double trained, base, naive; /* not finite: a forecast was not */
};

struct gru_stream_losses {
    size_t series;            /* the first, in `validation` if there is one, else in `series` */
    size_t n_series;          /* 1, with what continues it; or how many short ones */
    struct gru_losses ahead;  /* forecasts as they are trained: S rows ahead */
    struct gru_losses rolled; /* of roll-outs of up to `horizon` rows, from origins spread evenly;
                                 n 0: none */
    size_t first_block, n_blocks; /* of `ahead`, in time */
    size_t n_constant;            /* outputs that were left out */
};

/* How many targets of a class there are, and how many were found (the likeliest class was right;
 * with bce an output on its side of 1/2). */
struct gru_class_counts {
    size_t n, n_found, n_found_by_base, n_trained_on;
};

struct gru_outlier {
    size_t series, row, column; /* of the first one; column: of x, or of y */
    bool is_target;             /* a posted one: column is of y */
    float value;
};

struct gru_comparison_result {
    const struct gru_stream_losses *streams; /* [n_streams]; some may have no target left */
    const struct gru_losses *blocks;         /* [n_blocks] */
    const struct gru_class_counts *classes;  /* [n_classes] of cross_entropy; of bce two of each
                                                output: off and on; n_classes 0: other losses */
    size_t n_streams, n_blocks, n_classes;
    size_t horizon;                 /* of the roll-outs; 0: there are none */
    struct gru_losses all;          /* every target, with outliers and constants */
    struct gru_losses outlying;     /* of those, what outliers have part in */
    struct gru_outlier outlier;     /* if outlying.n > 0 */
    struct gru_residuals residuals; /* of the trained model; n_outputs 0: none */
};

struct gru_comparison;

/* Borrows the training's series. `base` and `trained` are kept by references, and have the same
 * inputs and outputs. Memory: two states and some rows, 4096 forecasts at most for the residuals,
 * and 200 bytes or so a series. GRU_BAD_ARGUMENT: there is no validation target. GRU_NO_MEMORY. */
GRU_API GRU_CHECK enum gru_status gru_comparison_create(struct gru_model *base,
                                                        struct gru_model *trained,
                                                        const struct gru_training *training,
                                                        struct gru_comparison **ret_comparison);
GRU_API void gru_comparison_free(struct gru_comparison *comparison); /* takes NULL */
/* Does the next piece: some rows and a roll-out. The same data and models give the same result,
 * bit for bit. GRU_NO_MEMORY. */
GRU_API GRU_CHECK enum gru_status gru_comparison_advance(struct gru_comparison *comparison,
                                                         bool *ret_is_done);
/* Once it is done; as long as the comparison is. */
GRU_API const struct gru_comparison_result *
gru_comparison_result(const struct gru_comparison *comparison);

#endif
