/*
 * forecast_options.h - how far a request looks ahead, with what it knows of the future: what steps,
 * forecasts of sessions and predictions share. Any thread; memory comes from the arena given.
 */
#ifndef FORECAST_OPTIONS_H
#define FORECAST_OPTIONS_H

#include "base/arena.h"
#include "base/status.h"
#include "gru.h"
#include "service/scores/tail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crossing;
struct explain_wish;
struct service_context;

/* How far to look ahead, and how surely: the body fields `horizon`, `future`, `level`,
 * `crossing` and `explain`; what else is wanted of a session's errors; and how the rows are wanted,
 * which is nothing to the service: `as`, and `at` of a sequence. */
struct forecast_options {
    size_t horizon;       /* 0: not asked for */
    const double *future; /* [n_future_rows][info->n_future], NaN: missing */
    size_t n_future_rows;
    uint64_t future_columns; /* forecast_options_columns of the model that they were read for */
    const struct interval_levels *levels; /* of the intervals; NULL: not asked for */
    const struct crossing *crossing;      /* of a session; NULL: not asked for */
    const struct explain_wish *explain;   /* likewise */
    uint32_t parts; /* of a session's tail (scores/tail.h) that are asked for: `anomaly`, `blend` */
    bool as_records; /* with the outputs' names, and times */
    bool has_at;
    double at; /* of a sequence's last row, Unix seconds */
};
/* A digest of the inputs that rows of known future values have. Versions may differ in what feeds
 * what, and another one may become active between a request's text and its turn. */
uint64_t forecast_options_columns(const struct gru_info *info);

/* Rows of a reply's forecast: what was asked for, else what a model of several steps says at once,
 * else none. */
size_t forecast_options_rows(const struct gru_info *info,
                             const struct forecast_options *forecast_options);

/* ---- for this room ---- */

/* Levels that a session's calibration must have: those whose intervals are told, or, since crossing
 * is made from all widths that there may be, all that are offered. NULL: it needs none. */
static inline const struct interval_levels *
forecast_options_levels(const struct forecast_options *forecast_options,
                        const struct interval_levels *offered)
{
    return forecast_options->crossing ? offered : forecast_options->levels;
}

/* Whether there are such. */
static inline bool forecast_options_have_levels(const struct forecast_options *forecast_options)
{
    return forecast_options->crossing || forecast_options->levels;
}

/* How a forecast failed, in the terms of the request. */
enum status forecast_options_fault(const struct gru_model *gru, enum gru_status status,
                                   const struct forecast_options *forecast_options,
                                   struct fault *fault);
/* Checks that the known future values fit, and makes room in the arena for the forecast of a reply:
 * as many rows as were asked for, else as many as a model of several steps forecasts at once. If
 * there is no forecast, *ret_n is 0 and *ret_forecast NULL. */
enum status forecast_options_room(const struct gru_info *info,
                                  const struct forecast_options *forecast_options,
                                  struct arena *arena, double **ret_forecast, size_t *ret_n,
                                  struct fault *fault);
/* Makes that room, and rolls out from a state into it. */
enum status forecast_options_run(struct service_context *context, const struct gru_model *gru,
                                 const float *state,
                                 const struct forecast_options *forecast_options,
                                 struct arena *arena, double **ret_forecast, size_t *ret_n,
                                 struct fault *fault);

#endif
