/* training.h - models, data and runs for tests of training; any failure ends the test. */
#ifndef TRAINING_H
#define TRAINING_H

#include "gru.h"

#include <stdint.h>

/* A model with weights in [-0.5, 0.5): n_layers layers of n_hidden units, n_head = S * O rows of
 * the read-out, and what `grud` says (metadata, or NULL). */
struct gru_model *training_model(const char *grud, size_t n_inputs, size_t n_hidden,
                                 size_t n_layers, size_t n_head);
/* n numbers uniform in [-1, 1), the same for the same seed; the caller frees them. */
double *training_noise(size_t n, uint64_t seed);
/* The same numbers, all of which are floats. */
float *training_float_noise(size_t n, uint64_t seed);

enum { TRAINING_SERIES = 7, TRAINING_ROWS = 19, TRAINING_INPUTS = 2, TRAINING_OUTPUTS = 2 };

/* Series of different lengths with targets for each row (some missing), and a model that they fit.
 */
struct training_set {
    struct gru_model *model;
    double *x, *y; /* TRAINING_ROWS rows for each series */
    struct gru_series series[TRAINING_SERIES];
    struct gru_training training;
};

/* Targets of outputs that feed inputs become those inputs' next values, as they must be. */
void training_follow(const struct gru_model *model, const struct gru_series *series, size_t n);

void training_set_make(struct training_set *set, const char *grud);
void training_set_free(struct training_set *set);

enum { TRAINING_PAIR_ROWS = 6 };

/* Two series of 2 inputs without, or with, targets of their own (as many as a test says), all of
 * which a test spoils. */
struct training_pair {
    double x[2][TRAINING_PAIR_ROWS * 2], y[2][TRAINING_PAIR_ROWS * 3];
    struct gru_series series[2];
    struct gru_training training;
};

void training_pair_make(struct training_pair *pair, bool with_y);

/* The defaults, with all that a test does not want by itself switched off: no clipping, no early
 * stopping. */
struct gru_hyperparameters training_plain(void);

struct gru_trainer *training_begin(struct gru_model *model, const struct gru_training *training);
/* Until the end; frees nothing. */
struct gru_progress training_run(struct gru_trainer *trainer);
struct gru_model *training_model_of(const struct gru_trainer *trainer);
/* All of a training, from its beginning to the model. */
struct gru_model *training_whole(struct gru_model *model, const struct gru_training *training,
                                 struct gru_progress *ret_progress);

/* A model's parameters in a row, in the order of its tensors; the caller frees them. */
float *training_weights(const struct gru_model *model, size_t *ret_n);
/* Where the read-out's begin. */
size_t training_head(const struct gru_model *model);
void training_expect_same_weights(const struct gru_model *a, const struct gru_model *b);

/* That gru_training_check and gru_trainer_create refuse it with this parameter and a message that
 * holds `part`. */
void training_expect_bad(struct gru_model *model, const struct gru_training *training,
                         const char *param, const char *part);
struct gru_training_info training_info(const struct gru_model *model,
                                       const struct gru_training *training);

void training_expect_near(const char *what, double got, double want, double relative);

#endif
