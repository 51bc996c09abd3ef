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

/* The errors of the model that this one was trained from, over the same validation, and which it
 * was: a word for it of letters, digits and ":._-". NULL: the file does not say. So the two can be
 * compared without a validation of the former one. */
enum { GRU_BASE_SIZE = 64 };
GRU_API const struct gru_residuals *gru_model_base_residuals(const struct gru_model *model);
GRU_API const char *gru_model_base(const struct gru_model *model);
/* As gru_model_set_residuals. */
GRU_API GRU_CHECK enum gru_status
gru_model_set_base_residuals(struct gru_model *model, const char *base,
                             const struct gru_residuals *residuals);

/* libgru-infer has none of what follows. */

/* ---- what cannot be a reading ---------------------------------------------------------------- */

/*
 * What is wrong is told from what is rare by how it looks, because both are far away. The values
 * of a column are sorted. Where the largest gap is too wide, the smaller part is taken off, and so
 * on with the rest. The width W of the rest is its middle 90 %, or 2.44 times its middle 50 % if
 * that is less; the distance is to the median of the rest; std is the model's. A part that is taken
 * off is wrong if it is
 * - a code: at most 2 distinct values, that repeat exactly, over a gap of more than 2 W, and
 *   further than 30 std away (-999, 65535, 1e30, the 0 of a sensor that lives at 300);
 * - or all but one value, within a hundredth of the gap, over more than 100 W, and further than 100
 *   std away (-999 with noise);
 * - or at most 2 values, over a gap of more than 5 W, and further than 20 std away;
 * - or over a gap of more than 1000 W, and further than 1000 std away.
 * It is doubtful if it repeats as a code does, but only further than 3 std away: a code (85 or -40
 * degrees in a room), or an event that always has one height. Else it is rare: real spikes, which
 * differ among themselves. Where the rest is a single value, W
 * is 0, and another value is wrong only beyond 30 std (500, if the model has no scaling): switches
 * are rarely on. A part of more than half is taken off instead of the rest, if it is a code and the
 * rest is nearer to the model's mean.
 */
enum { GRU_CODES_MAX = 8 };

/* Which values can be: from least to most, without the codes. */
struct gru_plausible {
    double least, most;
    double codes[GRU_CODES_MAX];
    bool is_doubtful[GRU_CODES_MAX];
    size_t n_codes;
    double width; /* W of what is left */
};

/* values: [n] without NaN, sorted then. Of fewer than 10 all can be. */
GRU_API void gru_plausible_find(double *values, size_t n, const struct gru_variable *variable,
                                struct gru_plausible *ret_plausible);
/* A doubtful value is not plausible. */
GRU_API bool gru_is_plausible(const struct gru_plausible *plausible, double value);
GRU_API bool gru_is_doubtful(const struct gru_plausible *plausible, double value);
/* One of the rows k step to (k + 1) step - 1, to find them from a sample: not at regular distances,
 * which codes may have, too. */
GRU_API size_t gru_sample_row(size_t k, size_t step);

/* ---- comparing a trained model with its base ------------------------------------------------- */

/*
 * A comparison judges the validation part of a training stream by stream. A stream is a series with
 * those that continue it; streams with fewer than 10 targets say too little by themselves, and are
 * one together.
 *
 * Left out of the streams' losses, because they say nothing of a model:
 * - outliers: readings and targets that cannot be (gru_plausible), by the column's values in the
 *   stream; and the forecasts that are made from such a row and the 12 after it, in which a hidden
 *   state settles;
 * - outputs that are constant in a stream's validation part, such as those of a stuck sensor: there
 *   "the same as last" is right by itself.
 * Losses of logits (bce, cross_entropy) leave nothing out.
 *
 * Targets that repeat others are no further evidence. A target does so if it follows the same rows
 * as one that was looked at before: 24 of them, or those from the beginning of its series, each
 * value within 1/1024 of the model's standard deviation; rows that are alike for as long do not
 * count. Of an input with a transform it is what the network sees that repeats. Such targets are in
 * the losses, but not in the blocks.
 *
 * Losses are those of the training's loss, in the network's units (gru.h), by the weights of
 * classes where the training has them. The units are the trained model's, also of the base and of
 * the naive forecast, whatever the base's scaling is: a difference of raw values is divided by one
 * std, so that another scaling by itself gains nothing, and each output counts by how much it
 * varies in the data if the scaling was fitted to them. What can be is told by the smaller std of
 * the two, since outliers widen a fitted one. Of bce and cross_entropy
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
    size_t first_block, n_blocks; /* of `ahead`, in time; what repeats is in none. Of `rolled`,
                                     where the training aims at roll-outs */
    size_t n_constant;            /* outputs that were left out */
    size_t n_repeated, n_copied; /* targets of `ahead` that are no news; because of other streams */
};

/* How many targets of a class there are, and how many were found (the likeliest class was right;
 * with bce an output on its side of 1/2). */
struct gru_class_counts {
    size_t n, n_found, n_found_by_base, n_trained_on;
};

struct gru_outlier {
    size_t series, row, column; /* of the first one; column: of x, or of y */
    bool is_target;             /* a posted one: column is of y */
    double value;
};

struct gru_comparison_result {
    const struct gru_stream_losses *streams; /* [n_streams]; some may have no target left */
    const struct gru_losses *blocks;         /* [n_blocks] */
    /* The same with what doubtful values have part in: n_doubtful targets more. */
    const struct gru_stream_losses *doubtful_streams;
    const struct gru_losses *doubtful_blocks;
    size_t n_doubtful;
    struct gru_losses doubtful;             /* of targets that are doubtful values themselves */
    const struct gru_class_counts *classes; /* [n_classes] of cross_entropy; of bce two of each
                                               output: off and on; n_classes 0: other losses */
    size_t n_streams, n_blocks, n_classes;
    size_t horizon;   /* of the roll-outs: 12, or what the training aims at; 0: there are none */
    bool is_of_rolls; /* it aims at roll-outs (horizon_loss): they are what is to be better */
    struct gru_losses all;                          /* every target, with outliers and constants */
    double all_weight;                              /* n of them, or their weights */
    struct gru_losses outlying;                     /* of those, what outliers have part in */
    struct gru_outlier outlier;                     /* if outlying.n > 0 */
    struct gru_residuals residuals, base_residuals; /* of either model; n_outputs 0: none */
};

struct gru_comparison;

/* Borrows the training's series. `base` and `trained` are kept by references, and have the same
 * inputs and outputs. All else may differ; of read-outs of different steps S the shorter one says
 * which rows ahead are compared as trained, and no series has y. Where one of the two needs
 * roll-outs for what the training aims at (horizon_loss), these are judged of both. Memory: two
 * states and some rows, 4096 forecasts at most for the residuals of each, and 200 bytes or so a
 * series. GRU_BAD_ARGUMENT: there is no validation target, or there is a y of models whose steps
 * differ. GRU_NO_MEMORY. */
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
