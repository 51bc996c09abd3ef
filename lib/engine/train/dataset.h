/*
 * dataset.h - the series of a training as lanes: which rows and targets belong to training and
 * which to validation, and what the network sees of them. Owns the copies of series with missing
 * readings, and of all series of models with transforms, and borrows everything else. Private to
 * lib/engine.
 *
 * Where an input has a transform, its readings and the targets of the output that feeds it are raw
 * until the copies are made, and from then on what the transform makes of them; a reading that it
 * does not know yet is no target.
 *
 * Y is the width of a row of targets (loss.h). A target belongs to a time: that of its row in y or,
 * without y, that of the reading that it is. Targets before a series' first validation row are for
 * training, the others for validation. Outputs of weight 0 have no targets.
 */
#ifndef DATASET_H
#define DATASET_H

#include "engine/train/loss.h"
#include "engine/transform.h"

enum part { PART_TRAIN, PART_VALID };

struct dataset {
    const struct gru_model *model;
    const struct gru_info *info;
    const struct gru_training *training;
    enum gru_loss loss;
    const double *
        class_weights; /* [O], or NULL: they are all 1; the trainer and the comparison set theirs */
    const double *output_weights; /* [O], the training's; NULL: they are all 1 */
    size_t width;                 /* Y */
    size_t n_begins;              /* rows that can begin a stretch */
    size_t n_stretches;           /* of an epoch; 0: series are walked through */
    size_t *begins; /* [n_series] rows that can begin one, up to and with each series'; or NULL */
    size_t first_held; /* series with one target from here on are for validation (of a fraction) */
    double *
        *filled; /* [n_series + n_validation] copies of x, NULL where nothing is missing; or NULL */
    struct transform_map *
        *maps; /* [n_series + n_validation], each [n_rows + S - 1][O]: of row t that of the reading
                  at t + 1 which the output forecasts, also of forecasts behind the last row. NULL:
                  there are no transforms, or no copies yet */
};

/* A series' share of a part. */
struct dataset_lane {
    const struct gru_series *series;
    const double *x; /* [n_rows][I] without missing readings, once the dataset is filled */
    const struct transform_map *maps;
    size_t n_rows;   /* rows to run; 0: none of it belongs to this part */
    size_t n_known;  /* rows of this part from its first row on: those behind n_rows are targets */
    size_t begin;    /* the series' row that is its first; of a stretch, else 0 */
    size_t n_burned; /* rows without targets at its beginning; of a stretch, else 0 */
    size_t first;    /* targets of earlier times are not this part's */
};

static inline struct loss_terms gru_dataset_loss(const struct dataset *dataset)
{
    return (struct loss_terms){ dataset->info, dataset->loss, dataset->class_weights,
                                dataset->output_weights };
}

/* The training's numbers must be in range (gru_training_check). Allocates nothing. */
void gru_dataset_init(struct dataset *dataset, const struct gru_model *model,
                      const struct gru_training *training);
void gru_dataset_done(struct dataset *dataset);

/*
 * Makes the copies. A reading is filled as gru_run fills it; under the policy `forecast`
 * with the forecasts of `model`, which stay what they are while another model is trained.
 * GRU_NO_MEMORY, or GRU_BAD_TRAINING where such a forecast is not finite, or no float holds what a
 * transform makes of a reading.
 */
GRU_CHECK enum gru_status gru_dataset_fill(struct dataset *dataset, const struct gru_model *model,
                                           struct gru_error *error);
/* Bytes that gru_dataset_fill allocates for good; false: more than fits. */
GRU_CHECK bool gru_dataset_bytes(const struct dataset *dataset, size_t *ret_n_bytes);

/* Rows at the end of a series of so many that are for validation: floor(f n), and at least one of
 * several; not of series with one target. */
size_t gru_dataset_held_rows(double fraction, size_t n_rows);

/* How many series a part is made from; some of them may have no rows in it. */
size_t gru_dataset_n_series(const struct dataset *dataset, enum part part);
struct dataset_lane gru_dataset_lane(const struct dataset *dataset, enum part part, size_t k);

/* Rows of a series that can begin a stretch. */
size_t gru_dataset_begins(const struct dataset *dataset, size_t k);
/* A stretch; draw: any number, of all 64 bits. The dataset must be filled. */
struct dataset_lane gru_dataset_stretch(const struct dataset *dataset, uint64_t draw);

/* The target of row t of a lane at `column` of Y, not normalised; NaN: there is none. */
double gru_dataset_raw_target(const struct dataset *dataset, const struct dataset_lane *lane,
                              size_t t, size_t column);
/* Such a target in the network's units. base: what the network sees at its row of the input that
 * its output feeds, not normalised; for residual models only. */
float gru_dataset_scale(const struct dataset *dataset, size_t column, double raw, double base);
/* The network's output for a target column: its output, and the input that it feeds or -1. With
 * cross entropy a column is a class number and has neither. */
const struct gru_variable *gru_dataset_output(const struct dataset *dataset, size_t column);

/* Whether a row can have targets at all, without a look at any of them. */
bool gru_dataset_may_have_targets(const struct dataset *dataset, const struct dataset_lane *lane,
                                  size_t t);

/* What the network sees in row t of an input, not normalised. */
static inline double gru_dataset_seen(const struct dataset *dataset,
                                      const struct dataset_lane *lane, size_t t, size_t i)
{
    const double x = lane->x[t * dataset->info->n_inputs + i];
    return lane->maps ? x : gru_reading(dataset->info, x);
}

/* The first row from t to t_end - 1 of a lane that has a target; t_end: none of them. */
size_t gru_dataset_next_target(const struct dataset *dataset, const struct dataset_lane *lane,
                               size_t t, size_t t_end);
/* What the network sees in row t; in: [I]. */
void gru_dataset_inputs(const struct dataset *dataset, const struct dataset_lane *lane, size_t t,
                        float *in);
/* Its targets in the network's units; targets: [Y]. Returns the number of those that are there. */
size_t gru_dataset_targets(const struct dataset *dataset, const struct dataset_lane *lane, size_t t,
                           float *targets);

#endif
