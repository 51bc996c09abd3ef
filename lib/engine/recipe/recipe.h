/*
 * recipe.h - the inside of a recipe (gru_recipe.h): the data as it is cut, the table of trials, and
 * the judgement under way. Private to lib/engine/recipe; one thread at a time.
 */
#ifndef RECIPE_H
#define RECIPE_H

#include "gru.h"

#include <math.h>

enum {
    RECIPE_SERIES_ROWS = 256, /* rows of a judgement that a piece runs at most */
    RECIPE_MEMBERS = 4        /* networks that the last model is joined of */
};

/* What a network is trained on: the rows before the former validation part, those before the
 * validation part, or all. */
enum recipe_rows { RECIPE_BEFORE_FORMER, RECIPE_BEFORE, RECIPE_WHOLE, RECIPE_N_ROWS };

/* Series that have some of these rows. */
struct recipe_part {
    struct gru_series *of;
    size_t n;
};

/* Of a trial: what does not show. */
struct recipe_trial {
    struct gru_model *base, *best; /* what its training starts from; NULL: none (yet, or no more) */
    struct gru_trainer *trainer, *former;  /* the latter for the former validation part */
    size_t n_epochs_at_once, n_since_best; /* epochs from one judgement to the next; judgements */
    double former_error; /* of the judgement under way; NaN: it has not come to the last part */
};

/* A model's roll-outs over the validation part, in pieces. */
struct recipe_judgement {
    struct gru_model *model; /* NULL: none is under way */
    bool is_former;          /* of the former validation part */
    float *state;
    double *y, *forecast, *future;
    size_t series, n_run,
        origin; /* in a series: rows that were run; the next row to forecast from */
    double total;
    size_t n; /* values that were compared */
};

struct gru_recipe {
    struct gru_recipe_task task; /* names and series are the caller's */
    struct gru_recipe_findings findings;
    struct recipe_part rows[RECIPE_N_ROWS]; /* before the former part: none, if there is none */
    const struct gru_series *judged;        /* [n_judged] that the validation part is of */
    size_t n_judged;
    size_t *n_before;        /* [n_judged] their rows that are before it, or are not forecast */
    size_t *n_before_former; /* [n_judged] likewise, of the former part, which ends where the last
                                begins */
    size_t *fed;             /* [n_outputs] the input that an output feeds */
    double *scales;          /* [n_outputs] of its errors; 0: it is left out */
    size_t stride;           /* from one origin to the next */
    struct gru_work *work;
    struct gru_recipe_trial shown[GRU_RECIPE_TRIALS_MAX];
    struct recipe_trial trials[GRU_RECIPE_TRIALS_MAX];
    struct recipe_judgement judgement;
    size_t rung, at;          /* of the search: which round, and which trial's turn it is */
    struct gru_model *joined; /* of the members that were trained; NULL: there is none (yet) */
};

/* The season to reckon with; 0: there is none. */
static inline size_t gru_recipe_season(const struct gru_recipe *recipe)
{
    return recipe->task.season > 0 ? recipe->task.season : recipe->findings.season.season;
}

/* ---- recipe.c ---- */

/* How a trial is trained, but for the number of its epochs. */
void gru_recipe_training(const struct gru_recipe *recipe, const struct gru_recipe_trial *shown,
                         enum recipe_rows rows, struct gru_training *ret_training);
/* Of a trial that has a base. GRU_BAD_TRAINING: it cannot be trained on these data; GRU_NO_MEMORY,
 * GRU_BAD_BLAS. */
GRU_CHECK enum gru_status gru_recipe_trainer_create(const struct gru_recipe *recipe,
                                                    const struct gru_recipe_trial *shown,
                                                    struct recipe_trial *trial);

/* Whether there is a former validation part, by which trials are judged, too. */
static inline bool gru_recipe_has_former(const struct gru_recipe *recipe)
{
    return recipe->rows[RECIPE_BEFORE_FORMER].n > 0;
}
/* Whose turn it is of a trial. */
static inline bool gru_recipe_is_former(const struct gru_recipe *recipe, size_t k)
{
    return gru_recipe_has_former(recipe) && isnan(recipe->trials[k].former_error);
}

/* ---- recipe_create.c ---- */

/* The task is right, as far as it can be told without arithmetic; the data are cut. */
GRU_CHECK enum gru_status gru_recipe_prepare(const struct gru_recipe_task *task,
                                             struct gru_recipe **ret_recipe,
                                             struct gru_error *error);

/* ---- recipe_judge.c ---- */

/* The first and the last row of a series to forecast from; false: there is none. */
bool gru_recipe_origins(const struct gru_recipe *recipe, bool is_former, size_t series,
                        size_t *ret_first, size_t *ret_last);
/* Begins with a model, of which it takes a reference. GRU_NO_MEMORY. */
GRU_CHECK enum gru_status gru_recipe_judge(struct gru_recipe *recipe, struct gru_model *model,
                                           bool is_former);
/* Goes on. Once it is done there is an error, infinite where a forecast is not finite.
 * GRU_NO_MEMORY. */
GRU_CHECK enum gru_status gru_recipe_judge_on(struct gru_recipe *recipe, bool *ret_is_done,
                                              double *ret_error);
void gru_recipe_judge_done(struct gru_recipe *recipe);

/* ---- recipe_model.c ---- */

/*
 * What a trial's training starts from: with the scaling of the training part. But for the plainest
 * network its read-out is zero, so that it begins as the naive forecast of its transform; that of
 * width 0 stays it. GRU_BAD_ARGUMENT: there is no such model; GRU_NO_MEMORY.
 */
GRU_CHECK enum gru_status gru_recipe_model_create(const struct gru_recipe *recipe,
                                                  const struct gru_recipe_trial *trial,
                                                  enum recipe_rows rows,
                                                  struct gru_model **ret_model);

/* One of the same shape, whatever the data are. */
GRU_CHECK enum gru_status gru_recipe_shape_create(const struct gru_recipe *recipe,
                                                  const struct gru_recipe_trial *trial,
                                                  struct gru_model **ret_model);

/* ---- recipe_join.c ---- */

/* Makes `joined` of the members that were trained: as wide as all of them together, and its
 * forecasts are the means of theirs. GRU_NO_MEMORY. */
GRU_CHECK enum gru_status gru_recipe_join(struct gru_recipe *recipe);

/* ---- recipe_table.c ---- */

/* The kinds of forecasting that are tried first. */
void gru_recipe_first_trials(struct gru_recipe *recipe);
/* What is tried of the best of them. */
void gru_recipe_further_trials(struct gru_recipe *recipe, const struct gru_recipe_trial *best);

/* The networks of the last model, once the search is over. */
void gru_recipe_add_members(struct gru_recipe *recipe, size_t chosen);
/* How many rows of the table are trials; members follow them. */
size_t gru_recipe_n_tried(const struct gru_recipe *recipe);

#endif
