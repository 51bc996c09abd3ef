#include "twin.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void twin_start(struct twin *twin)
{
    *twin = (struct twin){ .daemon = daemon_start(NULL) };
    crash_add_models(&twin->daemon);
    twin->fd = client_connect(&twin->daemon);
}

void twin_stop(struct twin *twin)
{
    close(twin->fd);
    daemon_stop(&twin->daemon);
}

static struct answer ask(int fd, const struct subject *session, const char *method,
                         const char *suffix, const char *body)
{
    struct answer answer = exchange_at(fd, method, body, "/v1/models/%s/sessions/%s%s",
                                       crash_models[session->model].name, session->id, suffix);
    ck_assert_msg(answer.code != 0, "the daemon ended while it was asked about %s", session->id);
    return answer;
}

/* ---- the twin at a step ---- */

/* Steps first..last, compared with what the daemon under test answered to them. */
static void feed(struct twin *twin, const struct subject *session, uint64_t first, uint64_t last)
{
    char *body = NULL;
    size_t n_body = 0;
    FILE *out = open_memstream(&body, &n_body);
    ck_assert_ptr_nonnull(out);
    fprintf(out, "{\"steps\":[");
    for (uint64_t seq = first; seq <= last; seq++) {
        char step[BODY_MAX];
        step_print(session, session->stream, seq, true, step);
        fprintf(out, "%s%s", seq > first ? "," : "", step);
    }
    fprintf(out, "]}");
    ck_assert_int_eq(fclose(out), 0);
    struct answer answer = exchange_at(twin->fd, "POST", body, "/v1/models/%s/steps",
                                       crash_models[session->model].name);
    ck_assert_int_eq(answer.code, 200);
    const char *p = strchr(answer.body, '[');
    for (uint64_t seq = first; seq <= last; seq++) {
        const char *end = result_end(++p);
        ck_assert_msg(!memmem(p, (size_t)(end - p), "\"error\"", 7), "the twin: %.*s",
                      (int)(end - p), p);
        if (session->answers[seq] != 0) {
            atomic_fetch_add(&figures.n_compared_answers, 1);
            if (session->answers[seq] != answer_digest(p, (size_t)(end - p))) {
                found(FOUND_WRONG, "step %llu of %s, which the twin answers %.*s",
                      (unsigned long long)seq, session->id, (int)(end - p), p);
            }
        }
        p = end;
    }
    answer_free(&answer);
    free(body);
}

static void reach(struct twin *twin, const struct subject *session, uint64_t step)
{
    struct twin_session *now = &twin->sessions[session->number];
    if (now->stream != session->stream || now->step > step) {
        struct answer answer = ask(twin->fd, session, "DELETE", "", NULL);
        answer_free(&answer);
        *now = (struct twin_session){ .stream = session->stream };
    }
    if (now->step < step) {
        feed(twin, session, now->step + 1, step);
        now->step = step;
    }
}

/* ---- the comparison ---- */

/* The part of a session's document that does not depend on when it was made: state and digest, or
 * output and readings. Errors do not come back exactly from PUT (a mean square from its root), so
 * they are left out. */
static char *part(const char *document, const char *from, const char *to)
{
    const char *begin = strstr(document, from);
    const char *end = begin ? strstr(begin, to) : NULL;
    ck_assert_msg(end != NULL, "no %s in %.200s", from, document);
    return strndup(begin, (size_t)(end - begin));
}

static void compare_part(const struct subject *session, const char *one, const char *other,
                         const char *from, const char *to)
{
    char *a = part(one, from, to);
    char *b = part(other, from, to);
    if (strcmp(a, b) != 0) {
        found(FOUND_WRONG, "%s at step %llu: %.150s, but its twin: %.150s", session->id,
              (unsigned long long)session->least, a, b);
    }
    free(a);
    free(b);
}

static void compare_documents(struct twin *twin, int fd, const struct subject *session,
                              const char *document)
{
    struct answer own = ask(twin->fd, session, "GET", "", NULL);
    ck_assert_int_eq(own.code, 200);
    compare_part(session, document, own.body, "\"state\":", "\"ttl\":");
    compare_part(session, document, own.body, "\"y\":", ",\"readings\":");
    if (!session->lacks_readings) {
        compare_part(session, document, own.body, "\"readings\":", ",\"errors\":");
    }
    answer_free(&own);
    struct answer one = ask(fd, session, "POST", "/forecast", "{\"horizon\":3}");
    struct answer other = ask(twin->fd, session, "POST", "/forecast", "{\"horizon\":3}");
    ck_assert_int_eq(other.code, 200);
    if (strcmp(one.body, other.body) != 0) {
        found(FOUND_WRONG, "%s is forecast %.200s, its twin %.200s", session->id, one.body,
              other.body);
    }
    answer_free(&one);
    answer_free(&other);
    atomic_fetch_add(&figures.n_compared_sessions, 1);
}

/* ---- where the session is ---- */

static void note_absent(struct subject *session)
{
    bool is_damaged = session->damage >= DAMAGE_HEADER || session->is_ended;
    if (is_damaged) {
        atomic_fetch_add(&figures.n_absent, !session->may_be_absent);
        session->may_be_absent = true;
        session->damage = DAMAGE_SEEN;
    } else if (session->may_be_absent) {
        session_settle_absent(session);
    } else {
        found(FOUND_LOST, "%s is gone, at step %llu", session->id,
              (unsigned long long)session->least);
        session_settle_absent(session);
    }
}

static void note_reported(struct subject *session, const char *answer)
{
    if (session->damage != DAMAGE_COPY && session->damage != DAMAGE_COPIES) {
        found(FOUND_LOST, "%s at step %llu: %s", session->id, (unsigned long long)session->least,
              answer);
    }
    atomic_fetch_add(&figures.n_reported, 1);
    session->is_ended = true;
    session->damage = DAMAGE_SEEN;
}

/* True if it is where it may be. */
static bool note_there(struct subject *session, uint64_t step)
{
    enum damage damage = session->damage;
    bool may_step_back = damage == DAMAGE_COPY || damage == DAMAGE_READINGS || damage == DAMAGE_CUT;
    if (may_step_back && step < session->least) {
        atomic_fetch_add(&figures.n_step_before, 1);
        session->lacks_readings = true;
        return true; /* and its client will hear of it */
    }
    bool is_right = false;
    if (!session->may_be_there || damage == DAMAGE_HEADER || damage == DAMAGE_COPIES) {
        found(FOUND_WRONG, "%s is there, at step %llu", session->id, (unsigned long long)step);
    } else if (step < session->least) {
        found(FOUND_LOST, "%s is at step %llu, but %llu was acknowledged", session->id,
              (unsigned long long)step, (unsigned long long)session->least);
    } else if (step > session->most) {
        found(FOUND_TWICE, "%s is at step %llu, but no more than %llu was sent", session->id,
              (unsigned long long)step, (unsigned long long)session->most);
    } else {
        is_right = true;
    }
    session->lacks_readings = session->lacks_readings || damage == DAMAGE_READINGS;
    session_settle(session, step);
    return is_right;
}

static void compare(struct twin *twin, int fd, struct subject *session)
{
    struct answer answer = ask(fd, session, "GET", "", NULL);
    if (answer.code == 404) {
        note_absent(session);
    } else if (answer.code == 410) {
        note_reported(session, answer.body);
    } else if (answer.code == 200) {
        uint64_t step = (uint64_t)number_in(answer.body, "step");
        bool is_right = note_there(session, step);
        if (is_right && step > 0) {
            reach(twin, session, step);
            compare_documents(twin, fd, session, answer.body);
        }
    } else {
        found(FOUND_UNEXPECTED, "%s: %d %.300s", session->id, answer.code, answer.body);
    }
    answer_free(&answer);
}

void twin_compare(struct twin *twin, const struct daemon *daemon, struct subject sessions[SESSIONS],
                  unsigned models)
{
    int fd = client_connect(daemon);
    for (unsigned k = 0; k < SESSIONS; k++) {
        if (models & 1U << sessions[k].model) {
            compare(twin, fd, &sessions[k]);
        }
    }
    close(fd);
}
