/*
 * crash.h - what the parts of the crash test share: the sessions and what is known of each, the
 * readings, the findings.
 *
 * The daemon under test is killed again and again while clients step its sessions (clients.h);
 * while it is down its files may be damaged (damage.h); started again, every session is compared
 * with a daemon that nothing happens to (twin.h). Readings are a function of stream and step
 * number, so that any session can be followed to any step.
 *
 * Beside them one client uploads and deletes versions (numberer.h).
 *
 * A client is the only one to touch its sessions; the main thread does while no client runs. The
 * findings and the figures are atomic.
 */
#ifndef CRASH_H
#define CRASH_H

#include "e2e/daemon.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SESSIONS = 128, MODELS = 2, CLIENTS = 4, LIFE_MAX = 300, BODY_MAX = 8192 };

struct crash_model {
    const char *name, *inputs, *layers;
    unsigned n_inputs;
};
extern const struct crash_model crash_models[MODELS];
void crash_add_models(const struct daemon *daemon);

/* What was done to a session's record on disk, until it is known what came of it. */
enum damage {
    DAMAGE_NONE,
    DAMAGE_COPY,     /* one copy: right, an earlier step, or reported */
    DAMAGE_COPIES,   /* both: reported */
    DAMAGE_READINGS, /* right, but they may be forgotten, or an earlier step that has them all */
    DAMAGE_HEADER,   /* absent, and counted */
    DAMAGE_CUT,      /* the end of the file is not there: absent, or right, or an earlier step of a
                        record that it had moved from */
    DAMAGE_SEEN      /* what had to come of it has; its client will hear of it */
};

/* A session and what is known of it: while a request is unanswered that is more than one
 * possibility. */
struct subject {
    char id[16];
    unsigned number, model;
    uint64_t stream, lives;
    bool may_be_absent, may_be_there;
    uint64_t least, most; /* its step number, if it is there */
    enum damage damage;
    bool lacks_readings; /* since they were damaged */
    bool is_ended;       /* reported as damaged: to be deleted */
    uint64_t
        answers[LIFE_MAX + 1]; /* by step number: the digest of what was answered; 0: nothing yet */
};

void session_settle(struct subject *session, uint64_t step);
void session_settle_absent(struct subject *session);
/* Another life, of the readings of that stream. */
void session_begin_life(struct subject *session, uint64_t stream);
uint64_t session_next_stream(struct subject *session); /* one that no session had */
/* {"x":[...],"seq":...}, with the session's id if `with_id`. */
size_t step_print(const struct subject *session, uint64_t stream, uint64_t seq, bool with_id,
                  char text[BODY_MAX]);
/* What a step's answer says, whoever gives it. */
uint64_t answer_digest(const char *answer, size_t n);
/* The end of the result that begins at p, in the results of a batch. */
const char *result_end(const char *p);

enum finding { FOUND_LOST, FOUND_TWICE, FOUND_WRONG, FOUND_UNEXPECTED, FINDINGS };

struct figures {
    _Atomic uint64_t n_acknowledged, n_unanswered, n_repeats, n_repeated, n_compared_answers,
        n_compared_sessions;
    _Atomic uint64_t n_versions, n_damaged, n_step_before, n_reported, n_absent, n_resynchronised,
        n_refused_files;
    _Atomic uint64_t n_found[FINDINGS];
};
extern struct figures figures;
__attribute__((format(printf, 2, 3))) void found(enum finding finding, const char *format, ...);

uint64_t random_next(uint64_t *state);
uint64_t random_below(uint64_t *state, uint64_t n);

/* One request on a kept connection; code 0: the daemon is gone. */
struct answer exchange(int fd, const char *method, const char *path, const char *body);
/* POST of application/x-ndjson in two pieces: the daemon works on the first while the second is on
 * its way. */
struct answer exchange_lines(int fd, const char *path, const char *lines);
__attribute__((format(printf, 4, 5))) struct answer
exchange_at(int fd, const char *method, const char *body, const char *path, ...);

#endif
