/*
 * comparison.h - the inside of a comparison (gru_validation.h): comparison_create.c plans it,
 * comparison.c runs both models over each series, comparison_screen.c says what is left out,
 * comparison_losses.c what a forecast loses, comparison_rolls.c rolls out. Private to
 * lib/engine/train. One thread at a time.
 */
#ifndef COMPARISON_H
#define COMPARISON_H

#include "engine/train/dataset.h"
#include "engine/train/repeats.h"

enum {
    COMPARED_ROWS = 64,         /* of a run, and so of a piece of work */
    STREAM_TARGETS = 10,        /* series of fewer are no stream by themselves */
    ROLL_HORIZON = 12,          /* rows ahead that roll-outs are compared at, if the training does
                                   not say */
    DISTURBED_ROWS = 12,        /* after an outlier: so long a hidden state may need to settle */
    SAMPLES_MAX = 4096,         /* forecasts for the residuals */
    SAMPLE_FLOATS_MAX = 1 << 20 /* and what they may take of a model */
};

enum { TRAINED, BASE, N_COMPARED };

/* What is judged: without what is doubtful, and with it. What is wrong is in neither. */
enum sight { SURE, WITH_DOUBTS, N_SIGHTS };

/* A model's run over the series. */
struct compared_model {
    struct gru_model *model;
    float *state;     /* [state_floats] */
    double *y;        /* [COMPARED_ROWS][S * O], S is the model's own */
    double *forecast; /* [GRU_RESIDUAL_HORIZON][O] */
    bool has_failed;  /* an answer was not finite: the rest of the series has none */
};

/* Sizes of a model's errors, of each output and row ahead. */
struct residual_samples {
    float *of; /* [O][n_horizons][n_samples_max] */
    size_t *n; /* [O][n_horizons] */
    struct gru_residual *residuals;
};

/* What of a stream counts. */
struct screen {
    struct gru_plausible *inputs;  /* [I] readings that are none of these are outliers */
    struct gru_plausible *targets; /* [Y] the same of posted targets */
    bool *is_constant;             /* [Y] */
};

/* The screen of the group under way, or of what the short ones make together. */
enum { OWN, SHARED, N_SCREENS };

struct comparison_plan {
    size_t *stream; /* of each series; SIZE_MAX: it has no targets */
    size_t shared;  /* the stream that short ones make together; SIZE_MAX: there are none */
    /* The blocks of a stream divide its places: the rows from the first target of each of its
     * series on, or the short streams that share it. */
    size_t *place;      /* of each series: where it begins */
    size_t *n_places;   /* of each stream */
    size_t n_rows;      /* that may have targets, of all series */
    size_t n_origins;   /* of a series, at most */
    size_t sample_step; /* residuals are of each so many series */
};

struct gru_comparison {
    struct gru_training training; /* a copy; the series are the caller's */
    struct dataset dataset;
    const struct gru_info *info; /* of the trained model, in whose units both are judged */
    struct compared_model models[N_COMPARED];
    struct gru_work *work;
    void *block; /* of all arrays */
    struct screen screens[N_SCREENS];
    const struct screen *screen; /* of the stream under way */
    bool is_shared_screened;
    struct comparison_plan plan;
    double *class_weights; /* [O], or NULL: they are all 1 */
    double *frequencies;   /* naive forecasts: raw means [Y], or how often each class is */
    double *seen;          /* [I + O] last observed values; NaN: none yet */
    float *transforms;     /* [transform_floats] after them */
    double *row;           /* [I] the last row, with what transforms make of it */
    double *future;        /* [GRU_RESIDUAL_HORIZON][n_future] */
    double *column;        /* scratch of the screen */
    size_t n_column;
    double *probabilities; /* [O], scratch */
    double *targets;       /* [Y], scratch */
    struct repeats repeats;

    struct gru_stream_losses *streams[N_SIGHTS];
    struct gru_losses *blocks[N_SIGHTS];
    struct gru_class_counts *classes;
    struct residual_samples samples[N_COMPARED];
    size_t n_samples_max, n_horizons;
    struct gru_comparison_result result;

    /* the series under way */
    size_t k;                      /* n_rows of the lane 0: none is */
    size_t group_begin, group_end; /* it, and the series of the same stream before and after it */
    struct dataset_lane lane;
    size_t t, first_target;
    enum repeat repeat;           /* of the targets of the row that was scored last */
    size_t n_disturbed[N_SIGHTS]; /* rows that are still so, the last one included */
    size_t origin, origin_step;   /* the next row to roll out from; SIZE_MAX: none */
};

/* ---- comparison.c ---- */

/* Behind the last of the series that continue series k. */
size_t gru_comparison_group_end(const struct gru_comparison *comparison, size_t k);
/* Begins the series at `k`, or the first after it that has targets; false: there are no more. */
bool gru_comparison_begin_next(struct gru_comparison *comparison);

/* ---- comparison_screen.c ---- */

/* Of the stream under way, when a group of series begins. */
void gru_comparison_screen(struct gru_comparison *comparison);
/* Looks at the readings of row t: an outlier disturbs it and some rows after it. */
void gru_comparison_look(struct gru_comparison *comparison, size_t t);
/* The first sight that a target of row t, which was looked at, is in; N_SIGHTS: none. A target that
 * is an outlier itself is noted, if it is the first. */
enum sight gru_comparison_sight(struct gru_comparison *comparison, size_t t, size_t column,
                                double raw);

/* Whether the target itself is doubtful. */
bool gru_comparison_is_doubtful_target(const struct gru_comparison *comparison, size_t column,
                                       double raw);

/* What a model said in a row of its run: [S * O]. */
static inline const double *gru_comparison_y(const struct gru_comparison *comparison, size_t model,
                                             size_t row)
{
    const struct compared_model *compared = &comparison->models[model];
    return compared->y + row * gru_model_info(compared->model)->y_floats;
}

/* ---- comparison_losses.c ---- */

/* Takes the readings of row t as observed. */
void gru_comparison_see(struct gru_comparison *comparison, size_t t);
/* Whether a target of row t, which was looked at, counts in its stream. */
bool gru_comparison_counts(struct gru_comparison *comparison, size_t t, size_t column, double raw);
/* Row t of the series: y of both models are at `row` of their runs. */
void gru_comparison_score(struct gru_comparison *comparison, size_t t, size_t row);
/* The block of the stream that row t of the series belongs to. */
struct gru_losses *gru_comparison_block(struct gru_comparison *comparison, enum sight sight,
                                        size_t t);
/* The loss of a raw forecast made in the row that was seen last, in network units; infinite if it
 * is none. 0 where a transform has no scale yet, and so all forecasts are the same. */
double gru_comparison_loss(const struct gru_comparison *comparison, size_t column, double forecast,
                           double truth);
/* The naive forecast for a column, raw, after row t was seen. */
double gru_comparison_naive(const struct gru_comparison *comparison, size_t column);
/* A sample for a model's residuals of an output, `ahead` rows from 1. */
void gru_comparison_sample(struct gru_comparison *comparison, size_t model, size_t output,
                           size_t ahead, double error);

/* ---- comparison_rolls.c ---- */

void gru_comparison_begin_origins(struct gru_comparison *comparison);
/* From row t, whose states the models have. GRU_NO_MEMORY. */
GRU_CHECK enum gru_status gru_comparison_roll(struct gru_comparison *comparison, size_t t);
/* The residuals of all samples. */
void gru_comparison_end(struct gru_comparison *comparison);

/* Adds one target's losses. */
static inline void gru_losses_add(struct gru_losses *losses, const double lost[N_COMPARED],
                                  double naive)
{
    losses->n++;
    losses->trained += lost[TRAINED];
    losses->base += lost[BASE];
    losses->naive += naive;
}

#endif
