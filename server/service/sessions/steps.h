/*
 * steps.h - steps: a reading in, a forecast out. Most requests are steps.
 *
 * A thread calls service_steps with its own context. Never waits: a session that another thread
 * works on makes its step wait for the next turn, in order.
 */
#ifndef STEPS_H
#define STEPS_H

#include "base/arena.h"
#include "base/status.h"
#include "service/names.h"
#include "service/scores/blend_reply.h"
#include "service/scores/crossing.h"
#include "service/scores/interval_reply.h"
#include "service/sessions/explanation.h"
#include "service/sessions/forecast_options.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct amend;
struct model;
struct prediction;
struct rule_wants;
struct service_context;
struct step_ahead;

/* One reading of one session, and what came of it. The caller fills the upper part; everything it
 * points to, and the results, live in `arena`. */
struct step {
    struct arena *arena;
    const struct model *model; /* found in this turn; service_steps finds it again in later turns */
    char model_name[MODEL_NAME_MAX + 1];
    char session[SESSION_ID_MAX + 1];
    const double *x; /* [I] raw, NaN: missing */
    bool has_seq;
    uint64_t seq;
    bool may_begin; /* a session that has made no step yet begins at this seq */
    bool may_fill;  /* readings between the session's last one and this seq count as missing */
    bool has_at;
    double at;            /* the reading's own time, Unix seconds: finite */
    bool may_amend;       /* a late reading is to be put in its place */
    uint64_t amends_step; /* or this one, in that of the step; 0: it is named by its time */
    struct forecast_options forecast_options;
    bool may_slice; /* work that is too long for one turn may be left in `slices` */

    /* False: the session is in use elsewhere, or there is more to do; hand the step in again at the
     * next turn. */
    bool is_done;
    size_t n_rows, n_work;     /* what one turn does of it, by step_measure: rows, and rows times
                                  parameters */
    struct prediction *slices; /* not NULL: to be gone on with until it is done, and then ended by
                                  step_end_slices, before the step is handed in again */
    struct step_ahead *ahead;  /* service_steps' own */
    struct amend *amend;       /* likewise */
    struct step_explaining *explaining; /* likewise */
    struct rule_wants *rule_wants;      /* likewise */
    bool is_out;                        /* it waits for the engine of a cluster, and is not to be
                                           handed in */
    bool is_checked, is_absent;         /* service_steps' own (step_cluster.h): the engine has said
                                           what it has since the step came; no such session */
    uint8_t n_refused;                  /* likewise: by the engine */
    struct step *next_out;              /* likewise */
    struct trip_session *trip_session;  /* likewise */
    struct fault fault;                 /* status STATUS_OK if it succeeded */
    uint64_t number;                    /* of this step, from 1 */
    bool is_repeated;  /* it was made before the session's last one: there is no further result */
    bool is_restarted; /* by `at` too much is missing before it: its hidden state began anew */
    size_t n_filled;   /* missing readings before it that count, by `at` */
    uint64_t amended;  /* the step whose reading it is; 0: the last one. The rest is of that */
    double last_at;    /* with `amended`: the last one's time, NaN: it has none */
    unsigned version;
    const double *y;        /* [O] */
    const double *forecast; /* [n_forecast][O], NULL if there is none */
    size_t n_forecast;
    struct interval_replies intervals; /* n 0: none were asked for */
    struct blend_reply blend;          /* what y, forecast and intervals are mixed of */
    double
        anomaly_p; /* the reading's p-value (scores/anomaly.h), whoever asked for it; NaN: none */
    double *anomaly_by_output; /* [O], NaN: none; NULL: not asked for, or only one is tracked */
    struct crossing_reply crossing;
    const struct gru_explanation *explanation; /* NULL: not asked for, or of an amended reading */
};

/* Fills n_rows and n_work; step->model is valid. Returns whether its forecast is too long for one
 * turn: of that, nothing counts. */
bool step_measure(struct step *step);
/* Works on all steps that are not done, in order per session, in as few passes over the weights as
 * possible. Never waits. With a sync interval of 0 the results are on disk when it returns. */
void service_steps(struct service_context *context, struct step *const *steps, size_t n);
/* The next ones are for nodes of a cluster, where steps may be out when service_steps returns. */

/* What to poll for, and for how long at most. */
void service_steps_poll(const struct service_context *context, struct pollfd *ret_pollfd,
                        int64_t *ret_wait_ns);
/* At the beginning of a turn: takes what has come. Steps that were out are done, or are to be
 * handed in again. */
void service_steps_take(struct service_context *context);
/* How many are out. */
size_t service_steps_out(const struct service_context *context);
/* Nobody waits any more for a step that is out. */
void service_steps_forget(struct service_context *context, struct step *step);
/* Its slices are done, or have failed: then so has the step, and nothing has changed. */
void step_end_slices(struct step *step, enum status status, const struct fault *fault);

#endif
