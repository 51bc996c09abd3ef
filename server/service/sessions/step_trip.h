/*
 * step_trip.h - trips to the engine: a call of its functions, with the sessions that it is about
 * and the steps that wait for them. For step_cluster.c, which sends them, and
 * step_cluster_replies.c, which takes what comes back.
 */
#ifndef STEP_TRIP_H
#define STEP_TRIP_H

#include "service/cluster/engine.h"
#include "service/rules/rule_looks.h"
#include "service/sessions/steps.h"

/* A session on a trip, and the steps that wait for it. */
struct trip_session {
    const struct model *model;         /* as long as the trip's catalogue */
    struct pool *pool;                 /* its own */
    uint32_t slot;                     /* claimed for the engine; INDEX_NONE: it is read */
    bool is_in_round;                  /* a step of this round works on it; until the trip begins */
    bool is_taken;                     /* the engine has it, and replicas are waited for */
    struct pool_token next;            /* of what is written */
    bool was_cached;                   /* when it was asked for */
    uint64_t hash;                     /* of its id */
    struct engine_recording recording; /* its readings, until the trip begins, and their number */
    struct rule_looks_list looks;      /* what rules have seen in them */
    struct error_notes *errors;        /* what counts of them for their model */
    struct step *first, *last;
    char id[SESSION_ID_MAX + 1]; /* of one that is read */
};

struct trip {
    struct step_cluster *cluster;
    struct catalogue *catalogue;
    size_t n;
    uint64_t stamp;       /* of what the engine has taken */
    bool awaits_replicas; /* of what was written; they are waited for behind it */
    bool lacks_replicas;  /* there are too few (*fault) */
    struct fault fault;
    struct trip_session sessions[];
};

enum { ASKED_BUCKETS = 4096 };

struct step_cluster {
    struct service_context *context;
    struct engine *engine;                /* the context's */
    struct trip_session *written, *asked; /* [room] in this call of service_steps */
    size_t n_written, n_asked, room;
    uint32_t *places; /* [n_places] of the written ones by their hash, counted from 1; 0: none */
    size_t n_places;
    size_t n_out;                 /* steps */
    struct rule_looks_list looks; /* what rules have seen in the session that is being written */
    /* How many sessions are being asked for, by the low bits of their hash. */
    uint32_t n_asked_for[ASKED_BUCKETS];
};

static inline uint32_t *step_trip_asked_for(struct step_cluster *cluster, uint64_t hash)
{
    return &cluster->n_asked_for[hash & (ASKED_BUCKETS - 1)];
}

/* The step is out, and waits for the session. */
void step_trip_add(struct step_cluster *cluster, struct trip_session *session, struct step *step);
/* The next one of those is not out any more; NULL: there is none. */
struct step *step_trip_take(struct step_cluster *cluster, struct trip_session *session);
/* Nobody waits any more for a step that is out. */
void step_trip_forget(struct step_cluster *cluster, struct step *step);
/* Its write counts, and is still claimed: what was kept of its readings is told. */
void step_trip_tell(struct step_cluster *cluster, struct trip_session *session);
/* It does not: they never were. */
void step_trip_drop(struct trip_session *session);
/* The steps that wait fail. */
void step_trip_fail(struct step_cluster *cluster, struct trip_session *session,
                    const struct fault *fault);
/* What was to be written is not, as far as is known: the cache forgets it, and the steps fail. */
void step_trip_fail_all(struct step_cluster *cluster, struct trip_session *sessions, size_t n,
                        const struct fault *fault);

#endif
