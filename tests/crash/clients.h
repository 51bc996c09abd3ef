/*
 * clients.h - the clients of the crash test. Each has a thread, a kept connection and sessions of
 * its own. It notes what a request may change before it is sent, and what it did change when it is
 * answered; the one that a kill left unanswered it repeats, as it was, to the next process.
 */
#ifndef CLIENTS_H
#define CLIENTS_H

#include "crash.h"

#include <pthread.h>

enum { BATCH_MAX = 24 };

enum verb { VERB_NONE, VERB_STEPS, VERB_DELETE, VERB_CREATE, VERB_RESTORE, VERB_FORK };

struct sent_step {
    struct subject *session;
    uint64_t seq;
};

struct request_kept {
    enum verb verb;          /* VERB_NONE: nothing is unanswered */
    bool is_batch, is_lines; /* the steps of a batch are a list, or lines */
    const char *method;
    char path[96], *body;
    struct subject *session, *source;
    struct sent_step steps[BATCH_MAX];
    size_t n_steps;
};

struct client {
    pthread_t thread;
    unsigned number;
    int fd;
    uint64_t random;
    struct subject *sessions; /* all; its own are every CLIENTS-th */
    struct request_kept request;
};

void clients_init(struct client clients[CLIENTS], struct subject sessions[SESSIONS],
                  uint64_t *random);
/* Connects all to a daemon and lets them run until it is gone. */
void clients_start(struct client clients[CLIENTS], const struct daemon *daemon);
void clients_join(struct client clients[CLIENTS]);
void clients_done(struct client clients[CLIENTS]);

#endif
