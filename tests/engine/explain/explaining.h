/* explaining.h - explanations for tests, and the forecasts that they must agree with; any failure
 * ends the test. */
#ifndef EXPLAINING_H
#define EXPLAINING_H

#include "gru.h"

enum { EXPLAINING_INPUTS_MAX = 16, EXPLAINING_FLOATS = 4096, EXPLAINING_VALUES = 8192 };

struct explained {
    struct gru_explanation explanation;
    double inputs[EXPLAINING_INPUTS_MAX]; /* a copy */
    double sum;                           /* of them */
};

/* In parts of so many rows. */
struct explained explaining_parts(const struct gru_model *model,
                                  const struct gru_question *question, size_t most_rows);
/* All of it, and that it adds up. */
struct explained explaining(const struct gru_model *model, const struct gru_question *question);

/* The state after n_rows of a stream that begins with them. */
void explaining_state(const struct gru_model *model, const double *x, size_t n_rows, float *state);
/* Rows 1 ... ahead of what is forecast from there. */
void explaining_forecast(const struct gru_model *model, const double *x, size_t n_rows,
                         const double *future, size_t ahead, double *forecast);

/* By the definition, from forecasts alone: the input's credit, and F at a. Each reading, and each
 * known future one, is put at its place on the path and served; `turn` makes the value asked for of
 * the forecasts (NULL: it is that). Of models without transforms. */
struct explaining_path {
    const struct gru_model *model;
    const struct gru_question *question;
    double (*turn)(const struct explaining_path *path, const double *forecast);
    const void *of; /* the turn's own */
};
double explaining_value(const struct explaining_path *path, double a);
double explaining_credit(const struct explaining_path *path, size_t input);
/* Each part of an explanation by that path, which may be another model's. */
void explaining_check(const struct gru_model *model, const struct gru_question *question,
                      const struct explaining_path *path, const char *name);

#endif
