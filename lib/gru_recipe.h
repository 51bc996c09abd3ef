/*
 * gru_recipe.h - a model from nothing but readings: which transform, season, width and way of
 * training forecast a series best, by what they forecast of its last part. A part of gru.h, which
 * includes it; libgru-infer has none of it.
 *
 *     gru_recipe_create(&task, &recipe, &error);
 *     while (there is time && !is_done) {
 *         gru_recipe_advance(recipe, &is_done);
 *     }
 *     struct gru_model *model = gru_recipe_model(recipe);
 *
 * It knows no clock: the same task and the same number of calls give the same table and the same
 * model, bit for bit. One thread at a time.
 */
#ifndef GRU_RECIPE_H
#define GRU_RECIPE_H

/* ---- the season ------------------------------------------------------------------------------ */

/*
 * What the training part says of a season, by the autocorrelation r of the changes from row to row,
 * which a trend or a random walk does not reach. A lag s is one, if r_s is a peak behind the first
 * lag whose r is not above 0, at least GRU_SEASON_LEAST, and beyond what the lags before it explain
 * at 95 %,
 *
 *     r_s > 1.645 sqrt((1 + 2 (r_1^2 + ... + r_{s-1}^2)) / n)
 *
 * (M. S. Bartlett, "On the theoretical specification and sampling properties of autocorrelated
 * time-series", 1946). Of several the shortest one is taken whose r is at least 0.75 of the largest
 * and no less than those of lags up to 1.25 as long; one that the interval suggests (a day, a week,
 * a year) goes before others. A season is in the data at least three times, and has at most 1000
 * rows.
 */
#define GRU_SEASON_LEAST 0.3
struct gru_season {
    size_t season;   /* in rows; 0: there is none */
    double r, bound; /* of that lag, or, if there is none, of the best one: r and what it had to be
                        beyond. NaN: the rows are too few, or all alike */
    size_t lag;      /* of r; 0: none was looked at */
};

/* Of a column of [n_rows][stride] readings, NaN: missing. GRU_NO_MEMORY. */
GRU_API GRU_CHECK enum gru_status gru_season_find(const double *x, size_t n_rows, size_t stride,
                                                  double interval_seconds,
                                                  struct gru_season *ret_season);

/* ---- the search ------------------------------------------------------------------------------ */

enum { GRU_RECIPE_HORIZON_MAX = 1024, GRU_RECIPE_TRIALS_MAX = 20 };

/* The series are borrowed, and have no y: each output is an input, whose next values it forecasts.
 * The validation part is of each series the last floor(f n_rows) rows, and at least one of several;
 * or series of their own, whose first season is not forecast where there is more. */
struct gru_recipe_task {
    size_t n_inputs, n_outputs;
    const char *const *inputs, *const *outputs;
    const char *const *input_units, *const *output_units; /* as many; NULL: there are none */
    bool has_missing;
    enum gru_missing missing; /* if it has_missing; else as of a plan that does not say */
    const struct gru_series *series;
    size_t n_series;
    const struct gru_series *validation;
    size_t n_validation;
    double validation_fraction; /* 0 < f < 1; with `validation` it is not looked at */
    size_t horizon;             /* rows ahead that forecasts shall be good for */
    double interval_seconds;    /* between readings; 0: unknown */
    size_t season;              /* in rows; 0: it is to be found */
    uint64_t seed;
};

// clang-format off
#define GRU_RECIPE_FATES(F, X)                                                                     \
    F(GRU_TRIAL_WAITING, "not begun") X(GRU_TRIAL_RUNNING, "begun") X(GRU_TRIAL_ENDED, "done")  \
    X(GRU_TRIAL_DROPPED, "dropped: others were better") X(GRU_TRIAL_REFUSED, "not possible")
// clang-format on
enum gru_recipe_fate { GRU_RECIPE_FATES(GRU_CHOICE_ENUM, GRU_CHOICE_ENUM) };
GRU_API const char *gru_recipe_fate_name(enum gru_recipe_fate fate);

/* A row of the table: what was tried, and how well it forecast. */
struct gru_recipe_trial {
    struct gru_transform transform; /* of all inputs that outputs feed */
    bool residual;
    size_t width;        /* of one gru layer; 0: nothing is learned, the forecast is naive */
    size_t steps;        /* S */
    size_t horizon_loss; /* the hyper-parameter */
    size_t member;       /* 0: a trial; k: the k-th network of the last model, which is of the kind
                            that was chosen, and trained on all rows */
    enum gru_recipe_fate fate;
    size_t n_epochs, best_epoch; /* that it was trained for; whose weights are its best */
    double error;                /* of its best weights; NaN: not known (yet), infinite: none of its
                                    forecasts is finite */
};

/* What kind it is, but for its width: "seasonal_difference of 12, residual, 12 steps". */
enum { GRU_RECIPE_KIND_SIZE = 128 };
GRU_API void gru_recipe_trial_kind(const struct gru_recipe_trial *trial,
                                   char ret_kind[GRU_RECIPE_KIND_SIZE]);

/*
 * Errors are of roll-outs over rows 1 to `horizon` ahead, from origins spread over the validation
 * part, as gru_forecast makes them from readings since the series began: the mean of |forecast -
 * reading| / scale over all rows ahead and outputs. What is best by chance in one part is often
 * worse behind it, so there are two: as many rows before the validation part are the former part,
 * for which each network is trained a second time, on the rows before that, and an error is the
 * geometric mean of both parts' (forecasting from several origins: L. J. Tashman, "Out-of-sample
 * tests of forecasting accuracy", 2000). There is none if it would leave less than half of the
 * training part, or less than two seasons of it, and for validation series of their own. The scale
 * of an output is the mean of |x_t - x_{t-season}| in the training part, without a season of |x_t -
 * x_{t-1}|; so this is the mean absolute scaled error (R. J. Hyndman, A. B. Koehler, "Another look
 * at measures of forecast accuracy", 2006). Outputs whose scale is 0 are left out.
 */
struct gru_recipe_findings {
    size_t n_train_rows, n_valid_rows;
    size_t n_origins, n_former_origins; /* in the validation part, and in the former one */
    struct gru_season season; /* as it was found in the outputs together, also if it was given */
    double scale;             /* the first output's that is not left out: an error in raw units
                                 is so many times as large */
    size_t n_trials, chosen;  /* rows of the table; which of the trials is chosen */
    size_t n_updates;         /* of networks, in all trials so far */
    double persistence, seasonal_naive; /* their errors; NaN: not known (yet) */
};

struct gru_recipe;

/* A bound of the memory that a recipe takes at any time, the caller's series not counted: all
 * networks that may be trained beside each other (gru_training_info.n_bytes), with copies of the
 * series where they have a transform. A look at each value, and no more. GRU_BAD_ARGUMENT: the
 * task, as of gru_recipe_create; GRU_NO_MEMORY. */
GRU_API GRU_CHECK enum gru_status gru_recipe_bytes(const struct gru_recipe_task *task,
                                                   size_t *ret_n_bytes, struct gru_error *error);

/* Looks at the training part for a season and for scales. GRU_BAD_ARGUMENT: the task, with
 * error->param naming its field; GRU_NO_MEMORY. */
GRU_API GRU_CHECK enum gru_status gru_recipe_create(const struct gru_recipe_task *task,
                                                    struct gru_recipe **ret_recipe,
                                                    struct gru_error *error);
GRU_API void gru_recipe_free(struct gru_recipe *recipe); /* takes NULL */

/*
 * Does the next piece: an update of a network, or some rows of a judgement. Whole kinds of
 * forecasting are tried first: the naive ones, then networks of transforms whose outputs forecast
 * values or their changes. The worse half is dropped after 10 epochs (or 400 updates, if that is
 * more), and what is best is also tried with a read-out of all rows ahead at once, and narrower and
 * wider; and roll-outs are trained. Half of these are dropped again, and half of the rest after 40
 * epochs; those that are left have 200, or fewer if 20 bring nothing better (successive halving:
 * K. Jamieson, A. Talwalkar, "Non-stochastic best arm identification and hyperparameter
 * optimization", 2016). The first network, which has no transform and is 32 wide, is never dropped.
 * At last come the members of the model (gru_recipe_model).
 * GRU_NO_MEMORY or GRU_BAD_BLAS, after which nothing more can be done.
 */
GRU_API GRU_CHECK enum gru_status gru_recipe_advance(struct gru_recipe *recipe, bool *ret_is_done);

/* What is known so far; `trials` are as long as the recipe is, and change with each advance. */
GRU_API void gru_recipe_findings(const struct gru_recipe *recipe,
                                 struct gru_recipe_findings *ret_findings);
GRU_API const struct gru_recipe_trial *gru_recipe_trials(const struct gru_recipe *recipe);

/*
 * What is known to forecast well: the weights with the least error so far, as they were trained on
 * the rows before the validation part. A naive forecast is chosen if none is better, so its error
 * is never above that of persistence, nor of the first network. With a selftest. The caller owns a
 * reference. NULL: nothing is judged yet.
 */
GRU_API struct gru_model *gru_recipe_judged(const struct gru_recipe *recipe);

/*
 * What forecasts best behind the last row: once the search is over, four networks of the kind that
 * is chosen are trained on all rows, the validation part among them, for as many epochs as were
 * best for it, each from weights of its own; they are joined to one network of four times the
 * width, whose forecasts are the means of theirs (L. K. Hansen, P. Salamon, "Neural network
 * ensembles", 1990). Until the first of them is trained, and if the forecast is a naive one, it is
 * what gru_recipe_judged gives. Errors, of the table or of a gate, are those of the judged model:
 * this one has seen the validation part.
 */
GRU_API struct gru_model *gru_recipe_model(const struct gru_recipe *recipe);

/* Everything that goes on from here, as gru_trainer_save has it of one training: restored into a
 * new recipe of the same task it comes to the same table and the same model, bit for bit. A
 * judgement under way is begun anew. The caller frees *ret_bytes with free(). GRU_NO_MEMORY. Bytes
 * that are damaged, of another task or of another build are refused (GRU_BAD_FILE); the recipe is
 * as it was then, and also without memory. */
GRU_API GRU_CHECK enum gru_status gru_recipe_save(const struct gru_recipe *recipe, void **ret_bytes,
                                                  size_t *ret_n_bytes);
GRU_API GRU_CHECK enum gru_status gru_recipe_restore(struct gru_recipe *recipe, const void *bytes,
                                                     size_t n_bytes);

#endif
