/*
 * drain_load.h - clients of every kind, each a thread, that keep a daemon busy until it is gone,
 * and note what became of each request. Nothing in here ends the test: what is wrong is in the
 * tally.
 *
 * A request that was sent whole before load_note_end must be answered, and one whose answer has
 * begun must be answered whole: everything else is lost. A client that sends while its connection,
 * which had been silent, is being closed (raced), or that connects while the door is being shut
 * (untaken), gets no answer at all, and nothing may have been done of what it asked for.
 */
#ifndef DRAIN_LOAD_H
#define DRAIN_LOAD_H

#include "daemon.h"

enum load_kind {
    LOAD_STEPS,   /* keep-alive, as fast as it can */
    LOAD_RARE,    /* keep-alive, with pauses */
    LOAD_NEW,     /* a connection for each step */
    LOAD_SLOW,    /* a body that drips */
    LOAD_BATCH,   /* /steps, as JSON */
    LOAD_LINES,   /* /steps, as an upload of x-ndjson in pieces */
    LOAD_PREDICT, /* whole sequences */
    LOAD_STREAM,  /* the events of a job */
    LOAD_KINDS
};

enum { LOAD_CLIENTS = 2 * LOAD_KINDS, LOAD_SESSIONS = 4 /* of a batch or an upload */ };

struct load_tally {
    unsigned n_answered, n_streams;
    unsigned n_told;   /* connections closed after `Connection: close` */
    unsigned n_parted; /* that were closed between two requests, and the client saw it */
    unsigned n_raced, n_untaken, n_lost;
    char problem[512]; /* the first; empty: none */
};

/* Sessions of a client go on where the last load has left them. */
struct load;
struct load *load_create(void);
void load_free(struct load *load);
/* `job`: the one whose events are followed. */
void load_begin(struct load *load, const struct daemon *daemon, const char *job);
/* Right before the daemon is told to end. */
void load_note_end(struct load *load);
/* Waits until every client was refused. */
struct load_tally load_end(struct load *load);

/* What was acknowledged last of each session, for the daemon that was started again. */
struct load_session {
    char id[32];
    unsigned seq; /* 0: none yet */
    char reply[512];
};
size_t load_sessions(const struct load *load, const struct load_session **ret_sessions);
/* The body of the step with that number. */
void load_print_step(char *out, size_t size, unsigned seq);

#endif
