#include "crash.h"

#include "base/digest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Many records to a page, and several pages to a record. */
const struct crash_model crash_models[MODELS] = { { "small", "a,b", "12", 2 },
                                                  { "large", "a,b,c", "600", 3 } };

void crash_add_models(const struct daemon *daemon)
{
    for (unsigned k = 0; k < MODELS; k++) {
        const struct crash_model *model = &crash_models[k];
        daemon_add_model(daemon, model->name,
                         (const char *const[]){ "--inputs", model->inputs, "--outputs",
                                                model->inputs, "--layers", model->layers, NULL });
    }
}

struct figures figures;

void found(enum finding finding, const char *format, ...)
{
    enum { MOST = 40 };
    static const char *const names[FINDINGS] = { "lost", "twice", "wrong state", "unexpected" };
    static _Atomic unsigned n_said;
    char text[512];
    va_list arguments;
    atomic_fetch_add(&figures.n_found[finding], 1);
    if (atomic_fetch_add(&n_said, 1) >= MOST) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s: %s\n", names[finding], text);
}

/* ---- randomness: splitmix64 ---- */

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

uint64_t random_next(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    return mix(*state);
}

uint64_t random_below(uint64_t *state, uint64_t n)
{
    return random_next(state) % n;
}

/* ---- sessions ---- */

void session_settle(struct subject *session, uint64_t step)
{
    session->may_be_absent = false;
    session->may_be_there = true;
    session->least = session->most = step;
    session->damage = DAMAGE_NONE;
    session->is_ended = false;
}

void session_settle_absent(struct subject *session)
{
    session_settle(session, 0);
    session->may_be_absent = true;
    session->may_be_there = false;
    session->lacks_readings = false;
}

uint64_t session_next_stream(struct subject *session)
{
    return session->number + SESSIONS * session->lives++;
}

void session_begin_life(struct subject *session, uint64_t stream)
{
    session->stream = stream;
    memset(session->answers, 0, sizeof session->answers);
}

size_t step_print(const struct subject *session, uint64_t stream, uint64_t seq, bool with_id,
                  char text[BODY_MAX])
{
    int n = snprintf(text, BODY_MAX, "{");
    if (with_id) {
        n += snprintf(text + n, BODY_MAX - (size_t)n, "\"session\":\"%s\",", session->id);
    }
    n += snprintf(text + n, BODY_MAX - (size_t)n, "\"seq\":%llu,\"x\":[", (unsigned long long)seq);
    for (unsigned k = 0; k < crash_models[session->model].n_inputs; k++) {
        uint64_t bits = mix(mix(stream + 1) + seq * 8 + k);
        n += snprintf(text + n, BODY_MAX - (size_t)n, k ? "," : "");
        n += bits % 16 == 0
                 ? snprintf(text + n, BODY_MAX - (size_t)n, "null")
                 : snprintf(text + n, BODY_MAX - (size_t)n, "%.3f", (double)(bits >> 40) / 4e6 - 2);
    }
    n += snprintf(text + n, BODY_MAX - (size_t)n, "]}");
    return (size_t)n;
}

uint64_t answer_digest(const char *answer, size_t n)
{
    const char *at = memmem(answer, n, "\"step\":", 7); /* ids differ, the rest must not */
    uint64_t digest = at ? digest_64(at, n - (size_t)(at - answer), 0) : 0;
    return digest ? digest : 1;
}

const char *result_end(const char *p)
{
    int depth = 0;
    do {
        depth += *p == '{';
        depth -= *p == '}';
    } while (*p && (p++, depth > 0));
    return p;
}

/* ---- requests ---- */

struct answer exchange(int fd, const char *method, const char *path, const char *body)
{
    client_send_request(fd, method, path, NULL, body ? "application/json" : NULL, body,
                        body ? strlen(body) : 0);
    return client_read(fd);
}

struct answer exchange_lines(int fd, const char *path, const char *lines)
{
    const struct timespec pause = { .tv_nsec = 200000 };
    size_t n = strlen(lines);
    client_send_head(fd, "POST", path, NULL, "application/x-ndjson", n);
    client_send(fd, lines, n / 2);
    nanosleep(&pause, NULL);
    client_send(fd, lines + n / 2, n - n / 2);
    return client_read(fd);
}

struct answer exchange_at(int fd, const char *method, const char *body, const char *path, ...)
{
    char text[192];
    va_list arguments;
    va_start(arguments, path);
    vsnprintf(text, sizeof text, path, arguments);
    va_end(arguments);
    return exchange(fd, method, text, body);
}
