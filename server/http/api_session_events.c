/* api_session_events.c - what becomes of a session, as it happens. */
#include "http/api.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    EVENTS_AT_ONCE = 64,
    TEXT_AT_ONCE = 16 << 10, /* bytes, after which nothing more is taken */
    PAST_MAX = 1000,         /* steps that are looked up for a client that comes back */
    PAST_BYTES = 16 << 20,   /* that they may take */
    MEANWHILE = 64,          /* steps that may be made while they are looked up */
    ID_DIGITS = 16
};

static const uint64_t STEP_MAX = (UINT64_C(1) << 53) - 1; /* the last that every client can read */

struct session_stream {
    struct listener *listener;
    uint64_t after;    /* the last step that was told, or that the client knows */
    bool has_begun;    /* something was told */
    bool is_caught_up; /* all is told that was before the listener's first event */
    char model[MODEL_NAME_MAX + 1], session[SESSION_ID_MAX + 1];
};

/* ---- what is told ---- */

#define APPEND_LITERAL(text, literal) text_append((text), (literal), sizeof(literal) - 1)

static void begin_step(struct text *text, uint64_t step)
{
    text_print(text, "event: step\nid: %" PRIu64 "\ndata: ", step);
}

static void put_gap(struct text *text, const struct session_stream *stream, uint64_t next)
{
    APPEND_LITERAL(text, "event: gap\ndata: ");
    codec_put_session_gap(text, stream->session, stream->after, next);
    APPEND_LITERAL(text, "\n\n");
}

/* False: the stream ends with it. */
static bool put_event(struct text *text, struct session_stream *stream,
                      const struct session_event *event)
{
    if (event->end != SESSION_GOES_ON) {
        APPEND_LITERAL(text, "event: end\ndata: ");
        codec_put_session_end(text, event->session, event->end);
        APPEND_LITERAL(text, "\n\n");
        return false;
    }
    if (event->step > stream->after || event->is_amended) { /* else it was looked up */
        begin_step(text, event->step);
        text_append(text, event->json, event->n);
        APPEND_LITERAL(text, "\n\n");
        stream->after = event->step;
    }
    return true;
}

static bool put_events(struct service_context *context, struct session_stream *stream,
                       struct text *text)
{
    struct session_event *events[EVENTS_AT_ONCE];
    bool goes_on = true;
    size_t n = EVENTS_AT_ONCE;
    while (n == EVENTS_AT_ONCE && goes_on && text->n < TEXT_AT_ONCE) {
        n = listener_take(stream->listener, events, EVENTS_AT_ONCE);
        const bool counts = n == 0 || session_events_count(context, stream->model);
        goes_on = counts;
        for (size_t k = 0; k < n; k++) {
            goes_on = goes_on && put_event(text, stream, events[k]);
            session_event_unref(events[k]);
        }
    }
    if (listener_is_lost(stream->listener)) {
        APPEND_LITERAL(text, ": too slow; connect again with Last-Event-ID\n\n");
        return false;
    }
    return goes_on;
}

/* ---- what was before ---- */

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
        put_gap(text, stream, next);
    }
    for (; k < history->n; k++) {
        begin_step(text, history->readings[k].step);
        codec_put_past_step(text, stream->session, history, k);
        APPEND_LITERAL(text, "\n\n");
    }
    stream->after = history->step;
}

/* Tried again later where another thread has the session. If it has ended the listener knows. */
static void catch_up(struct service_context *context, struct session_stream *stream,
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
    if (status == STATUS_OK) {
        put_past(text, stream, &history);
    }
    stream->is_caught_up = !session_was_blocked(context) || status == STATUS_OK;
    arena_done(&arena);
}

/* ---- the stream ---- */

/* From here on nothing is missed. What was before has to be looked up only if there was something.
 */
static bool begin(struct service_context *context, void *state)
{
    struct session_stream *stream = state;
    const struct model *model;
    struct fault fault;
    uint64_t step;
    stream->listener = session_listen(context, stream->model, stream->session, false);
    if (!stream->listener) {
        return false;
    }
    stream->is_caught_up =
        model_find(context, stream->model, &model, &fault) == STATUS_OK &&
        session_find(context, model, stream->session, &step, &fault) == STATUS_OK &&
        step == stream->after;
    (void)session_was_blocked(context);
    return true;
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
        catch_up(context, stream, text);
        return true;
    }
    return put_events(context, stream, text);
}

/* ---- the request ---- */

/* *ret_step is left alone without the header. */
static enum status read_last_step(struct request *request, uint64_t *ret_step)
{
    const char *text = request_header(request, "Last-Event-ID");
    if (!text || text[0] == '\0') {
        return STATUS_OK;
    }
    const size_t n = strlen(text);
    const bool is_number = n <= ID_DIGITS && strspn(text, "0123456789") == n;
    const uint64_t step = is_number ? strtoull(text, NULL, 10) : UINT64_MAX;
    if (step > STEP_MAX) {
        return fault_set(request->fault, STATUS_INVALID_VALUE, "Last-Event-ID",
                         "Last-Event-ID is the number of a step, from 0 to %" PRIu64, STEP_MAX);
    }
    *ret_step = step;
    return STATUS_OK;
}

enum status api_session_events(struct request *request)
{
    static const struct stream_source source = { .begin = begin,
                                                 .end = end,
                                                 .has_news = has_news,
                                                 .may_wait = may_wait,
                                                 .is_lost = is_lost,
                                                 .read = read_stream };
    const struct model *model;
    const char *id;
    uint64_t after = 0;
    enum status status = api_model(request, &model);
    if (status == STATUS_OK) {
        status = api_session(request, &id);
    }
    if (status == STATUS_OK) {
        status = session_find(request->context, model, id, &after, request->fault);
    }
    if (status == STATUS_OK) {
        status = read_last_step(request, &after);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct session_stream *stream = arena_alloc(request->arena, sizeof *stream);
    if (!stream) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    *stream = (struct session_stream){ .after = after };
    memcpy(stream->model, model->name, strlen(model->name) + 1);
    memcpy(stream->session, id, strlen(id) + 1);
    request->reply = (struct reply){
        .code = 200, .media = MEDIA_EVENTS, .source = &source, .source_state = stream
    };
    return STATUS_OK;
}
