/* api_session_events.c - what becomes of a session, or of all of a model, as it happens. */
#include "http/api.h"
#include "http/session_stream.h"

#include <string.h>

enum {
    PAST_MAX = 1000,       /* steps that are looked up for a client that comes back; or sessions */
    PAST_BYTES = 16 << 20, /* that they may take */
    TURN_MS = 1000,        /* hardly a turn takes longer */
    MEANWHILE = 64         /* steps that may be made while they are looked up */
};

/* ---- of one ---- */

static void put_gap(struct text *text, const char *session, const uint64_t *after, uint64_t next)
{
    session_stream_begin(text, "gap");
    codec_put_session_gap(text, session, after, next);
    session_stream_end(text);
}

/* Where the session has made fewer steps than the client knows it is another one, or was set back:
 * all that is kept of it is told. */
static void put_past(struct text *text, struct session_stream *stream,
                     const struct session_history *history)
{
    const uint64_t known = history->step < stream->after ? 0 : stream->after;
    size_t k = 0;
    while (k < history->n && history->readings[k].step <= known) {
        k++;
    }
    const uint64_t next = k < history->n ? history->readings[k].step : history->step + 1;
    if (next != stream->after + 1) {
        put_gap(text, stream->session, &stream->after, next);
    }
    for (; k < history->n; k++) {
        session_stream_begin_step(text, history->readings[k].step);
        codec_put_past_step(text, stream->session, history, k);
        session_stream_end(text);
    }
    stream->after = history->step;
}

/* Called again where another thread has the session, or the disk has not got it. If it has ended
 * the listener knows. */
static bool look_up_steps(struct service_context *context, struct session_stream *stream,
                          struct text *text)
{
    const struct model *model;
    struct session_history history;
    struct arena arena;
    struct fault fault;
    uint64_t step = 0;
    arena_init(&arena, PAST_BYTES);
    enum status status = model_find(context, stream->model, &model, &fault);
    if (status == STATUS_OK) {
        status = session_find(context, model, stream->session, &step, &fault);
    }
    if (status == STATUS_OK) {
        const uint64_t n = step > stream->after ? step - stream->after + MEANWHILE : PAST_MAX;
        status =
            session_history_read(context, model, stream->session, UINT64_MAX,
                                 n < PAST_MAX ? (size_t)n : PAST_MAX, &arena, &history, &fault);
    }
    const bool is_told = status == STATUS_OK && history.is_acknowledged;
    if (is_told) {
        put_past(text, stream, &history);
    }
    arena_done(&arena);
    return is_told || (!session_was_blocked(context) && status != STATUS_OK);
}

enum status api_session_events(struct request *request)
{
    struct session_stream stream = { .catch_up = look_up_steps };
    const struct model *model;
    const char *id;
    enum status status = api_session(request, &model, &id);
    if (status == STATUS_OK) {
        status = session_find(request->context, model, id, &stream.after, request->fault);
    }
    if (status == STATUS_OK) {
        status = session_stream_last_id(request, "the number of a step", &stream.after);
    }
    return status == STATUS_OK ? session_stream_reply(request, &stream, model->name, id) : status;
}

/* ---- of all ---- */

/* Which sessions have gone on, and how far; their readings are to be asked for. Threads note the
 * time of a step at the beginning of their turn, so an event may come a little late. */
static bool look_up_sessions(struct service_context *context, struct session_stream *stream,
                             struct text *text)
{
    const struct model *model;
    struct arena arena;
    struct fault fault;
    size_t n = 0;
    bool has_more = false;
    arena_init(&arena, PAST_BYTES);
    const int64_t since_ms = (int64_t)stream->after - TURN_MS;
    struct seen_session *rows = arena_array(&arena, PAST_MAX, sizeof *rows);
    if (rows && model_find(context, stream->model, &model, &fault) == STATUS_OK &&
        sessions_seen_since(context, model, stream->session, since_ms, PAST_MAX, rows, &n,
                            &has_more, &fault) != STATUS_OK) {
        n = 0;
    }
    for (size_t k = 0; k < n; k++) {
        put_gap(text, rows[k].session, NULL, rows[k].step + 1);
    }
    if (has_more || !rows) {
        put_gap(text, NULL, NULL, 0);
    }
    arena_done(&arena);
    return true;
}

enum status api_model_events(struct request *request)
{
    struct session_stream stream = { .is_wide = true, .catch_up = look_up_sessions };
    const struct model *model;
    const char *prefix;
    enum status status = api_model(request, &model);
    if (status == STATUS_OK) {
        status = api_id_query(request, "prefix", &prefix);
    }
    if (status == STATUS_OK) {
        status = session_stream_last_id(request, "the id of an event", &stream.after);
    }
    stream.is_caught_up = stream.after == 0;
    return status == STATUS_OK ? session_stream_reply(request, &stream, model->name, prefix)
                               : status;
}
