/*
 * pending_step.h - a step on its way through service_steps: how far it is, which session it has
 * claimed, the copy that it makes. For steps.c; the context's thread.
 */
#ifndef PENDING_STEP_H
#define PENDING_STEP_H

#include "service/pool/pool.h"
#include "service/scores/blend_reply.h"

struct error_notes;
struct forecast_options;
struct rule_node;
struct service_context;
struct step;
struct trip_session;

/* Room for mixed forecasts, if they are asked for or its session has some. */
struct step_blend {
    double *mixed;           /* [n_rows][O] */
    double *seasonal;        /* [season][O], of as many steps ahead as there may be */
    unsigned char *first;    /* of a mixture that its session would begin with */
    struct blend_reply told; /* of what the step has mixed */
};

enum pending_state {
    PENDING_WAITING, /* for a round in which its session is free */
    PENDING_BLOCKED, /* its session is in use elsewhere: not in this call */
    PENDING_CLAIMED,
    PENDING_RUNNING,
    PENDING_AHEAD,    /* worked out, and to be done on its session */
    PENDING_ANSWERED, /* to be written */
    PENDING_DONE
};

/* A step on its way. */
struct pending_step {
    struct step *step;
    struct pool_key key;
    enum pending_state state;
    struct trip_session *written; /* its session stays claimed, for the engine (step_cluster.h) */
    bool is_new;                  /* its session exists only if the step succeeds */
    uint32_t slot;
    struct record_copy *next; /* in scratch memory */
    double *truths;           /* [O] for its intervals, if its session has some */
    struct step_blend blend;
    size_t n_lanes;                        /* 2: its session's base moves on, too */
    bool is_base_lost;                     /* or would, but for a reading that runs no more */
    const float *base_state;               /* to which it moves; NULL: `next` has it */
    const struct rule_node *rules;         /* of its session (step_rules.h); NULL: none */
    const struct forecast_options *wanted; /* what its session is to keep calibrated: as the step
                                              asks, or more, for a rule */
    const double *outlook; /* [n_outlook][O] the model's own forecast, as far as a rule looks at
                              least, where it could be made; NULL: no rule looks */
    size_t n_outlook;
    struct error_notes *errors; /* in a cluster, until its engine has the step; NULL: none */
};

void pending_finish(struct pending_step *pending);
void pending_finish_failed(struct pending_step *pending);
/* The class of the record that a new session gets. */
unsigned pending_class(const struct service_context *context, const struct pending_step *pending);
/* Makes the session, claimed; it exists only if the step succeeds. */
enum claim pending_create_session(struct service_context *context, struct pending_step *pending);
/* Lets go of the session; of one that is new there is nothing left. */
void pending_release(struct pending_step *pending);
/* The session's newest copy, of which the next one will differ. */
struct record_copy *pending_newest(const struct pending_step *pending);
/* The next copy as it is before the step, after step `last`. What a session was before its hidden
 * state began anew, with `fresh`, is not to be replayed. */
void pending_begin_next(const struct pending_step *pending, uint64_t last, const float *fresh);
/* Before it is written, one reading further: of a reading that leaves those that can be replayed,
 * its base takes account. */
void pending_let_go(const struct pending_step *pending);

#endif
