/* cluster_support.h - links for the tests, and turns of the loop that a link needs. */
#ifndef CLUSTER_SUPPORT_H
#define CLUSTER_SUPPORT_H

#include "cluster/cluster_link.h"
#include "config/config.h"
#include "engine.h"

#include <stdbool.h>

/* To 127.0.0.1, with the rest of the options at their defaults but for a time limit of a minute. */
struct link_options {
    const char *user_part; /* "user:password@", or NULL */
    const char *scheme;    /* NULL: redis */
    const char *host;      /* NULL: 127.0.0.1 */
    const char *ca, *password_file, *prefix;
    unsigned db;
    size_t timeout_ms; /* 0: a minute */
    size_t n_replicas;
};

struct linked {
    struct cluster_target *target;
    struct cluster_link *link;
};

void options_fill(struct config *config, char url[512], const struct link_options *options,
                  unsigned port);
struct linked link_open(unsigned port, const struct link_options *options);
void link_close(struct linked *linked);

/* An engine that has the library, a link to it, and the epoch that its functions are to be given.
 */
#define EPOCH "grud:epoch"
struct served {
    struct engine engine;
    struct linked linked;
    char epoch[64];
};
struct served served_begin(void);
void served_end(struct served *served);

/* A turn: waits for at most some milliseconds, and goes on. */
void link_turn(struct cluster_link *link);
/* Turns until it is ready; or until it knows that it is not for this reason, whose sentence holds
 * `words`. Fails after a minute. */
void link_until_ready(struct cluster_link *link);
void link_until_refused(struct cluster_link *link, enum status status, const char *words);
/* Turns until nothing is out. */
void link_until_answered(struct cluster_link *link);

/* The reply to the words of a command, to NULL. */
const struct cluster_reply *link_ask(struct cluster_link *link, const char *const *words);
#define ask_engine(linked, ...) link_ask((linked).link, (const char *const[]){ __VA_ARGS__, NULL })

/* What became of commands whose `done` is outcome_note. */
struct outcomes {
    size_t n_replies, n_unknown, n_unsent;
    int64_t last; /* the number that was answered last; the first is 1 more than it */
    bool is_in_order;
};
cluster_done outcome_note;

#endif
