#include "drift_streams.h"

#include "service/random.h"
#include "service/scores/drift_watch.h"

#include <math.h>
#include <string.h>

const char *error_kind_word(enum error_kind kind)
{
    static const char *const words[] = { ERROR_KINDS(CHOICE_ENTRY, CHOICE_ENTRY) };
    return words[kind];
}

const char *error_change_word(enum error_change change)
{
    static const char *const words[] = { ERROR_CHANGES(CHOICE_ENTRY, CHOICE_ENTRY) };
    return words[change];
}

static double uniform(struct drift_stream *stream)
{
    return ((double)(next_random(&stream->seed) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(struct drift_stream *stream)
{
    return sqrt(-2.0 * log(uniform(stream))) * cos(2.0 * M_PI * uniform(stream));
}

/* Of a variance of 1. */
static double laplace(struct drift_stream *stream)
{
    const double u = uniform(stream) - 0.5;
    return copysign(log(1.0 - 2.0 * fabs(u)) / sqrt(2.0), u);
}

static double t4(struct drift_stream *stream)
{
    double squares = 0.0;
    for (int k = 0; k < 4; k++) {
        const double z = normal(stream);
        squares += z * z;
    }
    return normal(stream) / sqrt(squares / 4.0) / sqrt(2.0);
}

static double autoregressive(struct drift_stream *stream, struct drift_session *session, double by)
{
    session->last = by * session->last + sqrt(1.0 - by * by) * normal(stream);
    return session->last;
}

/* All sessions have the same hour. */
static double daily(struct drift_stream *stream, const struct drift_session *session)
{
    return normal(stream) * (1.0 + 0.5 * sin(2.0 * M_PI * session->n / 24.0));
}

/* Of sessions that have nothing to do with each other. */
static double garch(struct drift_stream *stream, struct drift_session *session)
{
    session->variance = session->n > 0
                            ? 0.05 + 0.1 * session->last * session->last + 0.85 * session->variance
                            : 1.0;
    session->last = sqrt(session->variance) * normal(stream);
    return session->last;
}

static double error_of(struct drift_stream *stream, struct drift_session *session)
{
    switch (stream->kind) {
    case ERRORS_LAPLACE:
        return laplace(stream);
    case ERRORS_T4:
        return t4(stream);
    case ERRORS_AR_5:
        return autoregressive(stream, session, 0.5);
    case ERRORS_AR_8:
        return autoregressive(stream, session, 0.8);
    case ERRORS_COLD:
        return normal(stream) * (session->n < 10 ? 5.0 : 1.0);
    case ERRORS_DAILY:
        return daily(stream, session);
    case ERRORS_GARCH:
        return garch(stream, session);
    default:
        return normal(stream);
    }
}

static double changed(const struct drift_stream *stream, double error)
{
    const double since = (double)(stream->n - stream->change_at);
    switch (stream->n >= stream->change_at ? stream->change : ERRORS_STAY) {
    case ERRORS_DOUBLE:
        return 2.0 * error;
    case ERRORS_SHIFT:
        return error + 2.0;
    case ERRORS_GROW:
        return error * (1.0 + fmin(since / 5000.0, 1.0));
    default:
        return error;
    }
}

void drift_stream_init(struct drift_stream *stream, enum error_kind kind, size_t n_sessions,
                       uint64_t seed)
{
    memset(stream, 0, sizeof *stream);
    stream->kind = kind;
    stream->n_sessions = n_sessions;
    stream->seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t k = 0; k < n_sessions; k++) {
        stream->sessions[k].scale = exp(normal(stream));
    }
}

double drift_stream_next(struct drift_stream *stream)
{
    struct drift_session *session = &stream->sessions[stream->n % stream->n_sessions];
    const double error = fabs(changed(stream, error_of(stream, session))) * session->scale;
    const double standardised =
        session->n >= DRIFT_SESSION_LEAST ? error / session->mean : (double)NAN;
    stream->n++;
    session->n++;
    session->mean += (error - session->mean) / session->n;
    return standardised;
}

static bool note_next(struct drift_stream *stream, struct drift_watch *watch)
{
    struct drift_alarm alarm;
    const double error = drift_stream_next(stream);
    return !isnan(error) && drift_watch_note(watch, error, &alarm);
}

uint64_t drift_stream_delay(struct drift_stream *stream, uint64_t before, enum error_change change,
                            uint64_t n)
{
    struct drift_watch watch = { 0 };
    for (stream->change_at = before; stream->n < before;) {
        if (note_next(stream, &watch)) {
            watch = (struct drift_watch){ 0 };
        }
    }
    stream->change = change;
    for (uint64_t k = 1; k <= n; k++) {
        if (note_next(stream, &watch)) {
            return k;
        }
    }
    return 0;
}

uint64_t drift_stream_alarms(struct drift_stream *stream, uint64_t n)
{
    struct drift_watch watch = { 0 };
    uint64_t alarms = 0;
    for (uint64_t k = 0; k < n; k++) {
        if (note_next(stream, &watch)) {
            alarms++;
            watch = (struct drift_watch){ 0 };
        }
    }
    return alarms;
}
