#include "http/session_stream.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    EVENTS_AT_ONCE = 64,
    TEXT_AT_ONCE = 16 << 10, /* bytes, after which nothing more is taken */
    WIDE_TEXT_AT_ONCE = 64 << 10,
    ID_DIGITS = 16
};

static const uint64_t ID_MAX = (UINT64_C(1) << 53) - 1;

#define APPEND_LITERAL(text, literal) text_append((text), (literal), sizeof(literal) - 1)

/* ---- events ---- */

void session_stream_begin_step(struct text *text, uint64_t id)
{
    text_print(text, "event: step\nid: %" PRIu64 "\ndata: ", id);
}

void session_stream_begin(struct text *text, const char *event)
{
    text_print(text, "event: %s\ndata: ", event);
}

void session_stream_end(struct text *text)
{
    APPEND_LITERAL(text, "\n\n");
}

/* Of one session, what was looked up before is not told again. */
static void put_step(struct text *text, struct session_stream *stream,
                     const struct session_event *event)
{
    if (!stream->is_wide && event->step <= stream->after && !event->is_amended) {
        return;
    }
    stream->after = stream->is_wide ? (uint64_t)event->at_ms : event->step;
    session_stream_begin_step(text, stream->after);
    text_append(text, event->json, event->n);
    session_stream_end(text);
}

/* As it is now: the event says no more than that it has changed. */
static void put_drift(struct service_context *context, struct text *text,
                      const struct session_stream *stream)
{
    const struct model *model;
    struct fault fault;
    if (model_find(context, stream->model, &model, &fault) == STATUS_OK) {
        session_stream_begin(text, "drift");
        codec_put_drift(text, model);
        session_stream_end(text);
    }
}

/* False: the stream ends with it. */
static bool put_event(struct service_context *context, struct text *text,
                      struct session_stream *stream, const struct session_event *event)
{
    if (event->is_drift) {
        put_drift(context, text, stream);
        return true;
    }
    if (event->end == SESSION_GOES_ON) {
        put_step(text, stream, event);
        return true;
    }
    session_stream_begin(text, "end");
    codec_put_session_end(text, event->session, event->end);
    session_stream_end(text);
    return stream->is_wide;
}

static bool put_events(struct service_context *context, struct session_stream *stream,
                       struct text *text)
{
    const size_t most = stream->is_wide ? WIDE_TEXT_AT_ONCE : TEXT_AT_ONCE;
    struct session_event *events[EVENTS_AT_ONCE];
    bool goes_on = true;
    size_t n = EVENTS_AT_ONCE;
    while (n == EVENTS_AT_ONCE && goes_on && text->n < most) {
        n = listener_take(stream->listener, events, EVENTS_AT_ONCE);
        goes_on = n == 0 || session_events_count(context, stream->model);
        for (size_t k = 0; k < n; k++) {
            goes_on = goes_on && put_event(context, text, stream, events[k]);
            session_event_unref(events[k]);
        }
    }
    if (listener_is_lost(stream->listener)) {
        APPEND_LITERAL(text, ": too slow; connect again with Last-Event-ID\n\n");
        return false;
    }
    return goes_on;
}

/* ---- the source ---- */

static bool is_current(struct service_context *context, const struct session_stream *stream)
{
    const struct model *model;
    struct fault fault;
    uint64_t step;
    const bool is_current =
        model_find(context, stream->model, &model, &fault) == STATUS_OK &&
        session_find(context, model, stream->session, &step, &fault) == STATUS_OK &&
        step == stream->after;
    (void)session_was_blocked(context);
    return is_current;
}

/* From here on nothing is missed. What was before has to be looked up only if there was something.
 */
static bool begin(struct service_context *context, void *state)
{
    struct session_stream *stream = state;
    stream->listener = session_listen(context, stream->model, stream->session, stream->is_wide);
    if (stream->listener && !stream->is_wide && !sessions_are_shared(context)) {
        stream->is_caught_up = is_current(context, stream);
    }
    return stream->listener != NULL;
}

static void end(void *state)
{
    struct session_stream *stream = state;
    listener_close(stream->listener);
}

static bool has_news(const void *state)
{
    const struct session_stream *stream = state;
    return !stream->has_begun || !stream->is_caught_up || listener_has_news(stream->listener);
}

static bool may_wait(const void *state)
{
    const struct session_stream *stream = state;
    return !stream->is_caught_up;
}

static bool is_lost(const void *state)
{
    const struct session_stream *stream = state;
    return listener_is_lost(stream->listener);
}

static bool read_stream(struct service_context *context, void *state, struct text *text)
{
    struct session_stream *stream = state;
    if (!stream->has_begun) {
        stream->has_begun = true;
        APPEND_LITERAL(text, "retry: 2000\n\n"); /* how soon a client that was cut off comes back */
    }
    if (!stream->is_caught_up) {
        stream->is_caught_up = stream->catch_up(context, stream, text);
        return true;
    }
    return put_events(context, stream, text);
}

/* ---- the reply ---- */

enum status session_stream_last_id(struct request *request, const char *what, uint64_t *ret_id)
{
    const char *text = request_header(request, "Last-Event-ID");
    if (!text || text[0] == '\0') {
        return STATUS_OK;
    }
    const size_t n = strlen(text);
    const bool is_number = n <= ID_DIGITS && strspn(text, "0123456789") == n;
    const uint64_t id = is_number ? strtoull(text, NULL, 10) : UINT64_MAX;
    if (id > ID_MAX) {
        return fault_set(request->fault, STATUS_INVALID_VALUE, "Last-Event-ID",
                         "Last-Event-ID is %s, from 0 to %" PRIu64, what, ID_MAX);
    }
    *ret_id = id;
    return STATUS_OK;
}

enum status session_stream_reply(struct request *request, const struct session_stream *stream,
                                 const char *model, const char *session)
{
    static const struct stream_source source = { .begin = begin,
                                                 .end = end,
                                                 .has_news = has_news,
                                                 .may_wait = may_wait,
                                                 .is_lost = is_lost,
                                                 .read = read_stream };
    struct session_stream *own = arena_alloc(request->arena, sizeof *own);
    if (!own) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    *own = *stream;
    memcpy(own->model, model, strlen(model) + 1);
    memcpy(own->session, session, strlen(session) + 1);
    request->reply = (struct reply){
        .code = 200, .media = MEDIA_EVENTS, .source = &source, .source_state = own
    };
    return STATUS_OK;
}
