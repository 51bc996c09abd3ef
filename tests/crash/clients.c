#include "clients.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SESSIONS_EACH = SESSIONS / CLIENTS, OF_ONE_MODEL = SESSIONS_EACH / MODELS };

static struct subject *own_session(struct client *client, unsigned model, unsigned k)
{
    return &client->sessions[client->number + CLIENTS * (model + MODELS * k)];
}

static struct subject *any_session(struct client *client, unsigned model)
{
    return own_session(client, model, (unsigned)random_below(&client->random, OF_ONE_MODEL));
}

static bool is_settled_there(const struct subject *session)
{
    return session->may_be_there && !session->may_be_absent && !session->is_ended;
}

/* ---- what is asked next ---- */

static void add_step(struct request_kept *request, struct subject *session)
{
    uint64_t seq = session->most + 1;
    for (size_t k = 0; k < request->n_steps; k++) {
        seq += request->steps[k].session == session;
    }
    if (!session->is_ended && seq <= LIFE_MAX) {
        request->steps[request->n_steps++] = (struct sent_step){ session, seq };
    }
}

static void ask_for_steps(struct request_kept *request, unsigned model)
{
    char *body = malloc(BODY_MAX);
    ck_assert_ptr_nonnull(body);
    request->method = "POST";
    request->body = body;
    const struct sent_step *first = &request->steps[0];
    if (!request->is_batch) {
        snprintf(request->path, sizeof request->path, "/v1/models/%s/sessions/%s/step",
                 crash_models[model].name, first->session->id);
        step_print(first->session, first->session->stream, first->seq, false, body);
        return;
    }
    snprintf(request->path, sizeof request->path, "/v1/models/%s/steps", crash_models[model].name);
    size_t n = request->is_lines ? 0 : (size_t)snprintf(body, BODY_MAX, "{\"steps\":[");
    for (size_t k = 0; k < request->n_steps; k++) {
        char step[BODY_MAX];
        step_print(request->steps[k].session, request->steps[k].session->stream,
                   request->steps[k].seq, true, step);
        n += (size_t)snprintf(body + n, BODY_MAX - n, "%s%s", step,
                              request->is_lines          ? "\n"
                              : k + 1 < request->n_steps ? ","
                                                         : "]}");
        ck_assert_uint_lt(n, BODY_MAX);
    }
}

static void ask_verb(struct request_kept *request, enum verb verb, const char *method,
                     const char *suffix, struct subject *session)
{
    request->verb = verb;
    request->method = method;
    request->session = session;
    snprintf(request->path, sizeof request->path, "/v1/models/%s/sessions/%s%s",
             crash_models[session->model].name, session->id, suffix);
}

static bool choose_fork(struct client *client, struct request_kept *request, struct subject *source)
{
    struct subject *to = any_session(client, source->model);
    if (to->may_be_there || to == source || source->least == 0 || source->lacks_readings) {
        return false;
    }
    ask_verb(request, VERB_FORK, "POST", "/fork", source);
    request->source = source;
    request->session = to;
    return asprintf(&request->body, "{\"to\":\"%s\"}", to->id) > 0;
}

/* What GET gives, to be put back. False: not now. */
static bool choose_restore(struct client *client, struct request_kept *request,
                           struct subject *session)
{
    ask_verb(request, VERB_RESTORE, "PUT", "", session);
    struct answer answer = exchange(client->fd, "GET", request->path, NULL);
    bool is_there = answer.code == 200;
    request->body = is_there ? strdup(answer.body) : NULL;
    answer_free(&answer);
    return is_there;
}

/* Anything but steps, now and then. */
static bool choose_other(struct client *client, struct request_kept *request,
                         struct subject *session)
{
    if (session->is_ended) {
        ask_verb(request, VERB_DELETE, "DELETE", "", session);
        return true;
    }
    if (!session->may_be_there) {
        ask_verb(request, VERB_CREATE, "PUT", "", session);
        request->body = strdup("{\"ttl\":0}");
        return random_below(&client->random, 4) == 0;
    }
    if (session->least >= LIFE_MAX || random_below(&client->random, 100) < 3) {
        ask_verb(request, VERB_DELETE, "DELETE", "", session);
        return true;
    }
    if (!is_settled_there(session) || session->damage != DAMAGE_NONE) {
        return false;
    }
    uint64_t choice = random_below(&client->random, 100);
    return (choice < 4 && choose_fork(client, request, session)) ||
           (choice >= 96 && choose_restore(client, request, session));
}

static void request_done(struct request_kept *request)
{
    free(request->body);
    *request = (struct request_kept){ .verb = VERB_NONE };
}

static void choose(struct client *client)
{
    struct request_kept *request = &client->request;
    unsigned model = (unsigned)random_below(&client->random, MODELS);
    struct subject *session = any_session(client, model);
    if (choose_other(client, request, session)) {
        return;
    }
    request_done(request);
    request->is_batch = random_below(&client->random, 2) == 0;
    request->is_lines = request->is_batch && random_below(&client->random, 2) == 0;
    size_t n = request->is_batch ? 1 + random_below(&client->random, BATCH_MAX) : 1;
    add_step(request, session);
    for (size_t k = 1; k < n; k++) {
        add_step(request, any_session(client, model));
    }
    if (request->n_steps > 0) {
        request->verb = VERB_STEPS;
        ask_for_steps(request, model);
    }
}

/* ---- before it is sent: what it may change ---- */

static void expect_step(struct subject *session, uint64_t seq)
{
    session->may_be_there = true;
    session->most = session->most > seq ? session->most : seq;
}

static void foresee(const struct request_kept *request)
{
    struct subject *session = request->session;
    switch (request->verb) {
    case VERB_STEPS:
        for (size_t k = 0; k < request->n_steps; k++) {
            expect_step(request->steps[k].session, request->steps[k].seq);
        }
        break;
    case VERB_DELETE:
        session->may_be_absent = true;
        break;
    case VERB_CREATE:
        session->may_be_there = true;
        break;
    case VERB_FORK:
        if (!session->may_be_there) {
            session->may_be_there = true;
            session_begin_life(session, request->source->stream);
            session->most = request->source->least;
            session->least = request->source->damage == DAMAGE_NONE ? session->most : 0;
        }
        break;
    case VERB_RESTORE:
    case VERB_NONE:
        break;
    }
}

/* ---- when it is answered: what it did change ---- */

/* The session expects another step. That is a loss, unless its file was damaged; or the request is
 * a repeat, and it got further than that step before the kill. */
static void note_mismatch(const struct sent_step *step, uint64_t expected, bool is_repeat)
{
    struct subject *session = step->session;
    if (expected > session->most + 1) {
        found(FOUND_TWICE, "%s expects %llu, but no more than %llu was sent", session->id,
              (unsigned long long)expected, (unsigned long long)session->most);
    } else if (expected <= step->seq && session->damage == DAMAGE_NONE) {
        found(FOUND_LOST, "%s expects %llu instead of %llu", session->id,
              (unsigned long long)expected, (unsigned long long)step->seq);
    } else if (expected > step->seq && !is_repeat) {
        found(FOUND_TWICE, "%s expects %llu instead of %llu", session->id,
              (unsigned long long)expected, (unsigned long long)step->seq);
    } else if (expected == step->seq + 1 && !session->lacks_readings) {
        found(FOUND_UNEXPECTED, "%s does not know its last step again", session->id);
    } else {
        atomic_fetch_add(&figures.n_resynchronised, session->damage != DAMAGE_NONE);
    }
    enum damage damage = session->damage;
    expected == 1 ? session_settle_absent(session) : session_settle(session, expected - 1);
    session->damage =
        damage; /* the rest of a batch is about it as well; the next step that works ends it */
}

static void note_step(const struct sent_step *step, const char *result, size_t n, bool is_repeat)
{
    struct subject *session = step->session;
    if (memmem(result, n, "\"error\"", 7)) {
        const char *expected = memmem(result, n, "\"expected\":", 11);
        if (expected) {
            note_mismatch(step, strtoull(expected + 11, NULL, 10), is_repeat);
        } else if (memmem(result, n, "session_damaged", 15) && session->is_ended) {
            session_settle(session, session->least);
            session->is_ended = true;
        } else {
            found(FOUND_UNEXPECTED, "step %llu of %s: %.*s", (unsigned long long)step->seq,
                  session->id, (int)n, result);
        }
        return;
    }
    const char *number = memmem(result, n, "\"step\":", 7);
    if (!number || strtoull(number + 7, NULL, 10) != step->seq) {
        found(FOUND_TWICE, "step %llu of %s got %.*s", (unsigned long long)step->seq, session->id,
              (int)n, result);
    }
    if (memmem(result, n, "\"repeated\":true", 15)) {
        if (!is_repeat) {
            found(FOUND_TWICE, "step %llu of %s had been made", (unsigned long long)step->seq,
                  session->id);
        }
        atomic_fetch_add(&figures.n_repeated, 1);
        session_settle(session, step->seq);
        return;
    }
    uint64_t digest = answer_digest(result, n);
    if (session->answers[step->seq] != 0 && session->answers[step->seq] != digest) {
        found(FOUND_WRONG, "step %llu of %s is answered in two ways", (unsigned long long)step->seq,
              session->id);
    }
    session->answers[step->seq] = digest;
    session_settle(session, step->seq);
    atomic_fetch_add(&figures.n_acknowledged, 1);
}

static void note_batch(const struct request_kept *request, const struct answer *answer,
                       bool is_repeat)
{
    if (answer->code != 200) {
        found(FOUND_UNEXPECTED, "a batch: %d %.300s", answer->code, answer->body);
        return;
    }
    const char *p = request->is_lines ? answer->body : strchr(answer->body, '[') + 1;
    for (size_t k = 0; k < request->n_steps; k++) {
        if (*p != '{') {
            found(FOUND_UNEXPECTED, "a batch: %d %.300s", answer->code, answer->body);
            return;
        }
        const char *end = result_end(p);
        note_step(&request->steps[k], p, (size_t)(end - p), is_repeat);
        p = end + 1;
    }
}

static void note_fork(const struct request_kept *request, const struct answer *answer,
                      bool is_repeat)
{
    struct subject *to = request->session;
    const struct subject *source = request->source;
    if (answer->code == 201) {
        uint64_t step = (uint64_t)number_in(answer->body, "step");
        if (step != source->least && source->damage == DAMAGE_NONE) {
            found(FOUND_LOST, "%s was forked at %llu instead of %llu", source->id,
                  (unsigned long long)step, (unsigned long long)source->least);
        }
        session_settle(to, step);
    } else if (answer->code == 409 && is_repeat) { /* it was done before the kill */
        session_settle(to, to->least);
    } else if (source->is_ended || source->damage != DAMAGE_NONE) {
        to->may_be_absent ? session_settle_absent(to) : session_settle(to, to->least);
    } else {
        found(FOUND_UNEXPECTED, "fork: %d %.300s", answer->code, answer->body);
    }
}

static void note(const struct request_kept *request, const struct answer *answer, bool is_repeat)
{
    struct subject *session = request->session;
    bool is_good = true;
    switch (request->verb) {
    case VERB_STEPS:
        request->is_batch ? note_batch(request, answer, is_repeat)
                          : note_step(&request->steps[0], answer->body, answer->n_body, is_repeat);
        break;
    case VERB_DELETE: {
        bool was_ended = session->is_ended || session->damage != DAMAGE_NONE;
        is_good = answer->code == 204 || (answer->code == 404 && (is_repeat || was_ended));
        session_settle_absent(session);
        session_begin_life(session, session_next_stream(session));
        break;
    }
    case VERB_CREATE:
        is_good = answer->code == 201 || (answer->code == 200 && is_repeat);
        session_settle(session, 0);
        break;
    case VERB_RESTORE:
        is_good = answer->code == 200 || (answer->code == 201 && is_repeat);
        session_settle(session, (uint64_t)number_in(request->body, "step"));
        break;
    case VERB_FORK:
        note_fork(request, answer, is_repeat);
        break;
    case VERB_NONE:
        break;
    }
    if (!is_good) {
        found(FOUND_UNEXPECTED, "%s %s: %d %.300s", request->method, request->path, answer->code,
              answer->body);
    }
}

/* ---- the thread ---- */

static void *run(void *context)
{
    struct client *client = context;
    struct request_kept *request = &client->request;
    for (;;) {
        bool is_repeat = request->verb != VERB_NONE;
        if (!is_repeat) {
            choose(client);
        }
        foresee(request);
        if (request->verb == VERB_NONE) {
            continue;
        }
        struct answer answer =
            request->is_lines ? exchange_lines(client->fd, request->path, request->body)
                              : exchange(client->fd, request->method, request->path, request->body);
        if (answer.code == 0) {
            atomic_fetch_add(&figures.n_unanswered, 1);
            answer_free(&answer);
            return NULL;
        }
        note(request, &answer, is_repeat);
        atomic_fetch_add(&figures.n_repeats, is_repeat);
        answer_free(&answer);
        request_done(request);
    }
}

void clients_init(struct client clients[CLIENTS], struct subject sessions[SESSIONS],
                  uint64_t *random)
{
    for (unsigned k = 0; k < SESSIONS; k++) {
        struct subject *session = &sessions[k];
        *session = (struct subject){ .number = k, .model = k / CLIENTS % MODELS };
        snprintf(session->id, sizeof session->id, "s%u", k);
        session_settle_absent(session);
        session_begin_life(session, session_next_stream(session));
    }
    for (unsigned k = 0; k < CLIENTS; k++) {
        clients[k] = (struct client){
            .number = k, .fd = -1, .random = random_next(random), .sessions = sessions
        };
    }
}

void clients_start(struct client clients[CLIENTS], const struct daemon *daemon)
{
    for (unsigned k = 0; k < CLIENTS; k++) { /* here, where the daemon is sure to be there */
        clients[k].fd = client_connect(daemon);
    }
    for (unsigned k = 0; k < CLIENTS; k++) {
        ck_assert_int_eq(pthread_create(&clients[k].thread, NULL, run, &clients[k]), 0);
    }
}

void clients_join(struct client clients[CLIENTS])
{
    for (unsigned k = 0; k < CLIENTS; k++) {
        pthread_join(clients[k].thread, NULL);
        close(clients[k].fd);
    }
}

void clients_done(struct client clients[CLIENTS])
{
    for (unsigned k = 0; k < CLIENTS; k++) {
        request_done(&clients[k].request);
    }
}
