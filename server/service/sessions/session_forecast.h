/*
 * session_forecast.h - a session's forecast: a prediction of a sequence without rows, from copies
 * of the session's state and, where it is explained, of its readings. So the session may step on
 * meanwhile; it is not changed.
 *
 * As the verbs of sessions.h it may be blocked (session_was_blocked).
 */
#ifndef SESSION_FORECAST_H
#define SESSION_FORECAST_H

#include "base/arena.h"
#include "base/status.h"
#include "service/sessions/explanation.h"
#include "service/sessions/forecast_options.h"
#include "service/sessions/predict.h"

#include <stdint.h>

struct model;
struct service_context;

struct session_forecast {
    struct prediction prediction;   /* the first member: begun, gone on with and ended like any */
    struct sequence sequence;       /* its only one, with the result */
    struct explanation explanation; /* behind it, if it is asked for: then, at the end, is_ready */
    uint64_t step;                  /* of the session, when it was begun */
    double last_at; /* of its last reading, Unix seconds; NaN: that came without a time */
};
/* What it points to, and the results, live in the arena. */
enum status session_forecast_begin(struct service_context *context, const struct model *model,
                                   const char *id, const struct forecast_options *forecast_options,
                                   struct arena *arena, struct session_forecast *ret_forecast,
                                   struct fault *fault);

#endif
