/*
 * gru_training.h - training: a copy of a model is fitted to series of readings. A part of gru.h,
 * which includes it.
 *
 * A trainer trains a copy of a model on series of readings by truncated back-propagation through
 * time. It is given its data once, does one bounded piece of work per call, and can be saved
 * between any two calls and restored later: the same data, hyper-parameters and seed give the same
 * weights bit for bit, on one machine, however often it was interrupted. One thread at a time;
 * several trainers may run beside each other.
 *
 * All losses are means over the targets that are not missing, in the network's own units: a target
 * is (y - mean) / std of its output, of the change since its input's last value where the model is
 * residual. Those of the starting model are in the units of the trained one, whose scaling may be
 * another (`scaling`).
 */
#ifndef GRU_TRAINING_H
#define GRU_TRAINING_H

/*
 * THE table of hyper-parameters. A SIZE is a size_t, a REAL a double, a CHOICE the index of its
 * word as an int. Values are from `least` to `most`, both included; where `none` is 1 there may
 * also be none of it, which is 0.
 */
// clang-format off
/*    field                    type    default         none least  most                     words */
#define GRU_SINGLE_HYPERPARAMETERS(X)                                                                         \
    X(n_epochs,                SIZE,   20,             0,   1,     1000000,                 NULL)             \
    X(batch_size,              SIZE,   32,             0,   1,     65536,                   NULL)             \
    X(learning_rate,           REAL,   0.001,          0,   1e-12, 100,                     NULL)             \
    X(optimizer,               CHOICE, GRU_ADAM,       0,   0,     GRU_N_OPTIMIZERS - 1,    GRU_OPTIMIZER_WORDS) \
    X(momentum,                REAL,   0,              0,   0,     0.9999,                  NULL)             \
    X(weight_decay,            REAL,   0,              0,   0,     100,                     NULL)             \
    X(loss,                    CHOICE, GRU_MSE,        0,   0,     GRU_N_LOSSES - 1,        GRU_LOSS_WORDS)   \
    X(clip_norm,               REAL,   1.0,            1,   1e-12, 1e12,                    NULL)             \
    X(window,                  SIZE,   64,             0,   1,     65536,                   NULL)             \
    X(l2_sp,                   REAL,   0,              0,   0,     1e6,                     NULL)             \
    X(dropout,                 REAL,   0,              0,   0,     0.95,                    NULL)             \
    X(early_stopping_patience, SIZE,   5,              1,   1,     1000000,                 NULL)             \
    X(train,                   CHOICE, GRU_TRAIN_ALL,  0,   0,     GRU_N_TRAINED_PARTS - 1, GRU_TRAIN_WORDS)  \
    X(horizon_loss,            SIZE,   1,              0,   1,     1024,                    NULL)             \
    X(scaling,                 CHOICE, GRU_SCALING_KEEP, 0, 0,     GRU_N_SCALING_FITS - 1,  GRU_SCALING_WORDS)
/* Those of the schedule of the learning rate, which the API has as an object. */
#define GRU_SCHEDULE_HYPERPARAMETERS(X)                                                                       \
    X(schedule_type,           CHOICE, GRU_CONSTANT,   0,   0,     GRU_N_SCHEDULES - 1,     GRU_SCHEDULE_WORDS) \
    X(schedule_warmup_steps,   SIZE,   0,              0,   0,     1000000,                 NULL)             \
    X(schedule_step_epochs,    SIZE,   10,             0,   1,     1000000,                 NULL)             \
    X(schedule_factor,         REAL,   0.1,            0,   1e-6,  1,                       NULL)             \
    X(schedule_patience,       SIZE,   3,              0,   1,     1000000,                 NULL)
/* Those of stretches that are drawn at random, likewise; without a length there are none. */
#define GRU_SAMPLING_HYPERPARAMETERS(X)                                                                       \
    X(sampling_length,         SIZE,   0,              1,   2,     1000000,                 NULL)             \
    X(sampling_burn_in,        SIZE,   0,              0,   0,     999999,                  NULL)             \
    X(sampling_per_epoch,      SIZE,   0,              1,   1,     1000000,                 NULL)
#define GRU_HYPERPARAMETERS(X)                                                                                \
    GRU_SINGLE_HYPERPARAMETERS(X) GRU_SCHEDULE_HYPERPARAMETERS(X) GRU_SAMPLING_HYPERPARAMETERS(X)
enum { /* of the fields of those objects */
    GRU_SCHEDULE_PREFIX = sizeof "schedule_" - 1,
    GRU_SAMPLING_PREFIX = sizeof "sampling_" - 1
};
// clang-format on

enum { GRU_CLASS_WEIGHTS_MAX = 256, GRU_OUTPUT_WEIGHTS_MAX = 256 };

/*
 * sampling: instead of walking through the series an epoch has `per_epoch` stretches of `length`
 * rows, each drawn from all rows of the training part that can begin one (with the seed; series
 * that are shorter have none), or none given: as many as have as many rows with a loss as those
 * series have rows. A stretch is a sequence of its own: it begins from the model's first state, its
 * first `burn_in` rows have no loss, and it is cut into windows and batches as series are. The
 * target of its last row, and a roll-out, may lie behind it, in the training part. Validation walks
 * through the series as ever.
 *
 * horizon_loss H: the loss is the mean over roll-outs 1 to H rows ahead, fed back as gru_forecast
 * feeds them: in blocks of S rows, with the series' own readings for the inputs that no output
 * feeds, and with the gradient through all that is fed back. H up to S: the S rows of each output,
 * without a roll-out. They begin behind each ceil((K - 1) S / 4)th row of a window, K = ceil(H /
 * S), from one on that is drawn for each window (in validation the first), so an epoch costs up to
 * 5 ordinary ones; they end where the series, or its training part, does. A target belongs to the
 * time that it is of: without y, the reading that is forecast; with y, S rows' worth of each Sth
 * row from the first on. Validation, early stopping and persistence then have the same loss.
 *
 * dropout is of the outputs of recurrent layers, before what follows them. GRU_TRAIN_HEAD trains
 * the layers behind the last recurrent one; if these have no parameters, that one, too. A
 * batch_norm is trained in its form of inference: its statistics stay what they are. Learned first
 * states are parameters like others; their gradient comes from the windows that series begin with.
 *
 * The learning rate of update k, from 0, of n in all (gru_training_info.n_steps), with w warm-up
 * steps: in the first w (k + 1) / w of what it would be after them; then with `cosine`
 * (1 + cos(pi (k - w) / (n - w))) / 2 of learning_rate, with `step` factor^(epoch / step_epochs) of
 * it, rounded down, with `plateau` factor^f of it after f falls, with `constant` all of it. A fall
 * comes after each `patience` epochs in a row whose valid_loss (without validation train_loss) was
 * not below the least so far.
 *
 * scaling: `keep` has the model's. `fit` has mean and standard deviation of the values of the
 * training part, `fit_robust` their median and 1.4826 times the median distance from it (F. R.
 * Hampel, "The Influence Curve and its Role in Robust Estimation", 1974). Missing values are left
 * out. Of an input they are its readings'; of an output that feeds an input that input's; of a
 * residual output that feeds one those of the input's changes from row to row, also where S > 1; of
 * any other its targets'. An output with an activation keeps its scaling, and so does every output
 * with a loss of logits. Of values that are all the same, the model's std stays, and of none its
 * mean, too; where more than half are one value, `fit_robust` takes the standard deviation.
 * Training starts from the model's weights as they are, under the new scaling: folded into them it
 * would be undone. All losses are in the new units, the starting model's among them.
 */
struct gru_hyperparameters {
#define GRU_TYPE_SIZE                              size_t
#define GRU_TYPE_REAL                              double
#define GRU_TYPE_CHOICE                            int
#define GRU_HYPERPARAMETER_FIELD(field, type, ...) GRU_TYPE_##type field;
    GRU_HYPERPARAMETERS(GRU_HYPERPARAMETER_FIELD)
#undef GRU_HYPERPARAMETER_FIELD
    /* What a decision's loss is multiplied by, with cross_entropy; losses are then divided by the
     * sum of these weights. Balanced: the number of training targets by that of its class, and by
     * the number of classes that are among them; 1 of a class that is not. */
    enum gru_class_weighting class_weighting;
    double class_weights[GRU_CLASS_WEIGHTS_MAX]; /* given: [n_outputs] above 0, and zeros then */
    /* What the losses of each output are multiplied by, with the other losses: a mean is then
     * sum w_o l / sum w_o over the targets that are there. An output of weight 0 has no targets. */
    int n_output_weights;                          /* n_outputs, or 0: all outputs count alike */
    double output_weights[GRU_OUTPUT_WEIGHTS_MAX]; /* at least 0, one above it; then zeros */
};

GRU_API void
gru_hyperparameters_init(struct gru_hyperparameters *hyperparameters); /* the defaults */
/* Ranges, and what does not fit together or to the model (a `momentum` without sgd, `cross_entropy`
 * on a model whose activation is neither softmax nor linear, ...). error->param is
 * "hyperparameters.<field>". */
GRU_API GRU_CHECK enum gru_status
gru_hyperparameters_check(const struct gru_hyperparameters *hyperparameters,
                          const struct gru_model *model, struct gru_error *error);

/* One sequence of training data. Y, the width of a target row, is S * O; with cross entropy it is S
 * class numbers from 0 to O - 1. */
struct gru_series {
    const double *x; /* [n_rows][I] raw readings, NaN where missing */
    size_t n_rows;
    const double
        *y; /* [n_targets][Y] raw targets, NaN where missing; or NULL: the outputs' own inputs 1..S
               steps ahead are the targets, and outputs that feed no input have none */
    size_t n_targets; /* n_rows (many to many), 1 (many to one: the last row's), or 0 with y NULL */
    bool is_continuation; /* of the series before it, after a gap: they are one stream, which a
                             comparison judges as one (gru_validation.h) */
};

/*
 * What to train on. The series are borrowed: they must outlive the trainer.
 *
 * Missing readings become what gru_run makes of them by the model's policy, once, before training
 * begins: under the policy `forecast` the forecasts of the model that training starts from, under
 * the scaling that is trained. A missing target, and a missing reading where it would be a target,
 * is none.
 *
 * Of a fraction f, series of one target are split by whole series: the last floor(f n) of them are
 * for validation. Of every other series it is the last floor(f n_rows) rows, and at least one of
 * several; they are run from the series' beginning, and a forecast made before them of one of their
 * readings counts as theirs.
 */
struct gru_training {
    const struct gru_series *series;
    size_t n_series;
    /* Either series of their own, or the last part in time of each series (of whole series where
     * there is one target a series), or neither. */
    const struct gru_series *validation;
    size_t n_validation;
    double validation_fraction; /* 0 <= f < 1 */
    struct gru_hyperparameters hyperparameters;
    uint64_t seed;
};

/* The size of a training set, and of the work on it. */
struct gru_training_info {
    size_t n_rows, n_missing; /* rows of all series; readings that the model's policy fills */
    size_t n_train_targets, n_valid_targets; /* values that are compared */
    size_t
        n_steps; /* updates, if all epochs are run: per epoch, one for each window of each batch
                    that has targets. Where series differ, each epoch's batches differ too; of very
                    many epochs the later ones are extrapolated from those that were counted, and
                    where one series is far longer than very many others it is a bound. Where there
                    are roll-outs windows are counted by the targets of their own rows */
    /*
     * Memory that a trainer takes, the caller's data not counted; within a sixth, for networks that
     * are not tiny:
     *
     *     4 (P (5 + m) + B T (I + 3 S O + k_1 H_1 + k_2 H_2 + ...)
     *        + max(B, 128) (15 H_max + S O)) + filled + marked
     *
     * P parameters; m vectors more: 2 for adam and adamw or 1 for momentum, 1 for l2_sp, 1 with
     * validation; B sequences: batch_size, or fewer if there are fewer series; T: window, or
     * fewer if all are shorter; H: a layer's units, rounded up to a multiple of 16; k = 5, of
     * GRU_LAYER_THREE_GATE and GRU_LAYER_LSTM 6, of GRU_LAYER_OUTPUT_GATE 7, and of all but the
     * latter 1 more with dropout; of layers that are not recurrent 1, of a last one of them 0. With
     * GRU_TRAIN_HEAD it is less: 3 P instead of 5 P, moments and l2_sp of the head alone, and k = 1
     * of the last recurrent layer and of those behind it alone. With another scaling than the
     * model's it is 2 P more. filled: a copy of each series that has missing readings; with another
     * scaling and a validation, two. marked, with validation: a byte for each target of the
     * validation part, and some 60 a series of it. Roll-outs take a further trainer's network, of
     * B ceil(T / spacing) sequences of (K - 1) S rows (horizon_loss): 5 P and up to 5 times as
     * much for its rows, most of the time.
     */
    size_t n_bytes;
};

/*
 * Checks everything that gru_trainer_create would refuse, without allocating. (The widths of rows
 * are the caller's to keep.) It refuses empty or too short series, values that no float holds,
 * targets out of range for the loss, missing readings that the model's policy refuses. error->param
 * is a path like "training.series[3].y[17]", "validation.fraction", "hyperparameters.window".
 */
GRU_API GRU_CHECK enum gru_status gru_training_check(const struct gru_model *model,
                                                     const struct gru_training *training,
                                                     struct gru_training_info *ret_info,
                                                     struct gru_error *error);

struct gru_trainer;

/*
 * Makes a trainer that starts from `model` (it keeps a reference to that). All its memory is
 * allocated here, bounded by hyper-parameters and model, whatever the length of the series
 * (gru_training_info.n_bytes). Uses OpenBLAS, which it sets to one thread in the whole process; its
 * serial build, which is wrong under threads, is refused with GRU_BAD_BLAS. GRU_BAD_TRAINING: what
 * gru_training_check refuses, or missing readings that the model's own forecasts cannot fill.
 * GRU_NO_MEMORY.
 */
GRU_API GRU_CHECK enum gru_status gru_trainer_create(struct gru_model *model,
                                                     const struct gru_training *training,
                                                     struct gru_trainer **ret_trainer,
                                                     struct gru_error *error);
GRU_API void gru_trainer_free(struct gru_trainer *trainer); /* takes NULL */

/* The model as its training begins: with the same weights and the scaling that the hyper-parameters
 * ask for; of `keep` it is the model itself. If the model has a selftest, so has this one, with
 * other readings, within the new scaling. The caller owns a reference to *ret_model. GRU_NO_MEMORY.
 */
GRU_API GRU_CHECK enum gru_status gru_model_fit_scaling(struct gru_model *model,
                                                        const struct gru_training *training,
                                                        struct gru_model **ret_model);

/* Whether a scaling is so far from its data's that training is slow or hopeless: the means are more
 * than 10 of its std apart, the data's std is more than 10 times its std, or less than a hundredth;
 * of the changes that a residual output forecasts, less than a tenth. A std of 0 says nothing. */
GRU_API bool gru_scaling_is_far(const struct gru_scaling *scaling, const struct gru_scaling *data,
                                bool is_of_changes);

/* What a call of gru_trainer_advance ended with. */
enum gru_advance {
    GRU_ADVANCED,       /* a piece of something that is not at its end (a validation, rows without
                           targets) */
    GRU_ADVANCED_STEP,  /* an update of the weights, or one that was skipped: its gradient was not
                           finite */
    GRU_ADVANCED_EPOCH, /* an epoch with its validation */
    GRU_ADVANCED_END    /* training is over: all epochs, or early stopping. Further calls change
                           nothing */
};

/* How far training is. Numbers that are not known (yet) are NaN. */
struct gru_progress {
    size_t epoch, n_epochs; /* epochs that are complete */
    size_t step, n_steps;   /* updates tried; of all epochs */
    size_t n_skipped;       /* of them, those whose gradient was not finite */
    size_t best_epoch; /* from 1; whose weights gru_trainer_model gives; 0: the last step's. With
                          validation that with the least median over streams of the loss by the
                          starting model's, as in a comparison (gru_validation.h); of epochs with
                          the same, that with the least valid_loss */
    bool stopped_early;
    double step_loss, grad_norm,
        learning_rate;                 /* of the last step; the norm is the one before clipping */
    double train_loss, train_accuracy; /* of the last complete epoch: means over its batches */
    double valid_loss, valid_accuracy; /* of the last complete epoch */
    double valid_by_base;              /* of it: that median; NaN: there is one stream, of which all
                                          counts, so that valid_loss says as much */
    double best_valid_loss,
        best_valid_accuracy; /* of the epoch whose weights gru_trainer_model gives */
    double baseline_valid_loss, baseline_valid_accuracy; /* the model's before training */
    double persistence_valid_loss; /* of "the same as last observed" on the same targets: the last
                                      reading of the input that an output feeds, or the target of an
                                      earlier row where it feeds none; the mean, before anything was
                                      observed. NaN for losses that take logits and for outputs that
                                      nothing is observed of */
};

/* Does the next piece: at first of the baseline's validation, then of training. Takes about as long
 * as one step does. Allocates nothing. */
GRU_API enum gru_advance gru_trainer_advance(struct gru_trainer *trainer,
                                             struct gru_progress *ret_progress);
GRU_API void gru_trainer_progress(const struct gru_trainer *trainer,
                                  struct gru_progress *ret_progress);

/* The trained model, with a selftest made from its own answers, to the readings of the starting
 * model's selftest or, without one, to some that it was trained on. With validation it has
 * the best epoch's weights, whether or not there is early stopping; else the last step's. May be
 * called at any time. GRU_NON_FINITE: training went astray, and the weights or the answers are not
 * finite. */
GRU_API GRU_CHECK enum gru_status gru_trainer_model(const struct gru_trainer *trainer,
                                                    struct gru_model **ret_model);

/* Everything that goes on from here: weights, the optimizer's moments, position, carried states.
 * Restored into a new trainer of the same model and training, it continues as if nothing had
 * happened. The caller frees *ret_bytes with free(). Bytes that are damaged or belong to other data
 * are refused (GRU_BAD_FILE), and the trainer is as it was. A validation under way is begun anew,
 * so a save there is worth no more than one before it. */
GRU_API GRU_CHECK enum gru_status gru_trainer_save(const struct gru_trainer *trainer,
                                                   void **ret_bytes, size_t *ret_n_bytes);
GRU_API GRU_CHECK enum gru_status gru_trainer_restore(struct gru_trainer *trainer,
                                                      const void *bytes, size_t n_bytes);

#endif
