/*
 * predict.h - whole sequences, and forecasts of sessions: many at once share the weights, and no
 * session is kept or changed.
 *
 * A prediction belongs to one thread from its beginning to its end. Nothing here waits.
 */
#ifndef PREDICT_H
#define PREDICT_H

#include "base/arena.h"
#include "base/status.h"
#include "gru.h"
#include "service/scores/blend_reply.h"
#include "service/scores/crossing.h"
#include "service/scores/interval_reply.h"
#include "service/scores/sequence_intervals.h"
#include "service/sessions/forecast_options.h"
#include "service/sessions/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model;
struct sequence_blend;
struct service_context;

struct sequence {
    const double *x; /* [n_rows][I] */
    size_t n_rows;
    struct forecast_options forecast_options;
    double *y;        /* result: [n_rows or 1][S * O] */
    double *forecast; /* result: [n_forecast][O] or NULL */
    size_t n_forecast;
    struct interval_replies intervals;      /* result */
    struct blend_reply blend;               /* result, of a session's forecast */
    struct sequence_blend *mixing;          /* the verb's own; NULL: nothing is mixed */
    struct crossing_reply crossing;         /* result, of a session's forecast */
    struct sequence_intervals *calibration; /* the verb's own; NULL: no intervals are wanted */
};

/* The caller fills the upper part; what it points to, and the results, live in the arena. */
struct prediction {
    struct gru_model *gru;
    unsigned version;
    bool last_only;
    bool has_instances;     /* `instances` was given: errors name instances[k] */
    const char *rows_field; /* that its rows came in, for errors; NULL: "x" */
    size_t n_sequences;
    struct sequence *sequences;

    /* Rows behind those of `sequences` (predict_add_rows); NULL: none. */
    enum status (*run_rows)(struct service_context *context, struct prediction *prediction,
                            size_t most_rows, struct fault *fault);
    void (*end)(struct prediction *prediction); /* NULL: there is nothing of its own to end */
    size_t n_rows_added; /* by run_rows: such as turned out to be needed, too */

    /* The verb's own. How many rows a slice has changes nothing but how long it takes. */
    size_t n_rows_left, slice_rows; /* those of forecasts count too; 0 left: it is done */
    size_t n_rows_run;              /* of the last slice */
    size_t row_work;                /* what a row of this model costs, in parameters */
    struct gru_lane *lanes;
    struct gru_run run;
    size_t n_calibrated; /* sequences whose last rows were run for their intervals */
    size_t n_forecast;   /* sequences whose forecast is made */
    bool is_rolling;     /* that of the next one is begun */
    struct gru_roll roll;
};

/* A long prediction is done in slices of a few milliseconds, between which its worker serves
 * others. One that was begun is gone on with until no rows are left or that fails, and ended in
 * any case; it may take many turns, and holds its network meanwhile, whatever becomes of the
 * version. */
enum status predict_begin(struct prediction *prediction, struct arena *arena, struct fault *fault);
enum status predict_go_on(struct service_context *context, struct prediction *prediction,
                          struct fault *fault);
void predict_end(struct prediction *prediction);
/* Whether one more slice is not enough. */
bool predict_is_long(const struct prediction *prediction);

/* Behind those that it has, other work by the row: `run_rows` does about so many of them, at least
 * one, and counts n_rows_left down. If there turn out to be more it counts them in n_rows_left and
 * in n_rows_added, and returns. `end`: what predict_end does besides, or NULL. */
void predict_add_rows(struct prediction *prediction, size_t n_rows,
                      enum status (*run_rows)(struct service_context *context,
                                              struct prediction *prediction, size_t most_rows,
                                              struct fault *fault),
                      void (*end)(struct prediction *prediction));
/* The same for such work alone (evaluate.h); there are no sequences. */
void predict_begin_other(struct prediction *prediction, size_t n_rows,
                         enum status (*run_rows)(struct service_context *context,
                                                 struct prediction *prediction, size_t most_rows,
                                                 struct fault *fault),
                         void (*end)(struct prediction *prediction));

/* A forecast alone, as a prediction of a sequence without rows. It rolls `state` on; a state that
 * is to be kept is copied before. */
enum status predict_begin_forecast(struct prediction *prediction, struct sequence *sequence,
                                   struct gru_model *gru, unsigned version, float *state,
                                   const struct forecast_options *forecast_options,
                                   struct arena *arena, struct fault *fault);

#endif
