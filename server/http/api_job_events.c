/* api_job_events.c - the events of a job, as a page or as a stream; and its checkpoints. */
#include "http/api.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_DEFAULT = 20, LIST_MAX = 100, EVENT_BYTES = 320 };

static const char event_prefix[] = "ftevent-", checkpoint_prefix[] = "ftckpt-";

/* "ftevent-7", as a reply had it. NULL: 0. */
static enum status read_number(struct request *request, const char *name, const char *text,
                               const char *prefix, int64_t *ret_number)
{
    size_t n_prefix = strlen(prefix);
    *ret_number = 0;
    if (!text) {
        return STATUS_OK;
    }
    const char *digits = strncmp(text, prefix, n_prefix) == 0 ? text + n_prefix : "";
    size_t n = strlen(digits);
    if (n == 0 || n > 18 || strspn(digits, "0123456789") != n) {
        return fault_set(request->fault, STATUS_INVALID_VALUE, name, "%s is an id like '%s7'", name,
                         prefix);
    }
    *ret_number = strtoll(digits, NULL, 10);
    return STATUS_OK;
}

static enum status read_page(struct request *request, const char *prefix, const char **ret_id,
                             int64_t *ret_after, size_t *ret_limit)
{
    enum status status = api_job_id(request, ret_id);
    if (status == STATUS_OK) {
        status = read_number(request, "after", request_query(request, "after"), prefix, ret_after);
    }
    return status == STATUS_OK ? api_limit(request, LIST_DEFAULT, LIST_MAX, ret_limit) : status;
}

static enum status no_memory(struct request *request)
{
    return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
}

/* ---- as they happen ---- */

enum { EVENTS_AT_ONCE = 8 }; /* with them a stream's text stays within some kilobytes */

struct event_stream {
    const struct service *service;
    char id[JOB_ID_MAX + 1];
    int64_t after;       /* the last event that was given */
    uint64_t generation; /* of all jobs, when everything up to then was given */
    bool has_begun;
};

static bool has_news(const void *state)
{
    const struct event_stream *stream = state;
    return service_jobs_generation(stream->service) != stream->generation;
}

static void put_event(struct text *text, const struct job_event *event)
{
    char head[64];
    int n = snprintf(head, sizeof head, "id: %s%" PRId64 "\ndata: ", event_prefix, event->id);
    text_append(text, head, (size_t)n);
    codec_put_job_event(text, event);
    text_append(text, "\n\n", 2);
}

static bool read_events(struct service_context *context, void *state, struct text *text)
{
    static const char head[] =
        "retry: 2000\n\n"; /* how soon a client that was cut off is to connect again */
    struct event_stream *stream = state;
    struct job_event events[EVENTS_AT_ONCE];
    struct job job;
    struct fault fault;
    size_t n;
    bool has_more;
    if (!stream->has_begun) {
        stream->has_begun = true;
        text_append(text, head, sizeof head - 1);
    }
    /* before the events are read: one that comes meanwhile is news */
    uint64_t generation = service_jobs_generation(stream->service);
    enum status status = job_events(context, stream->id, stream->after, EVENTS_AT_ONCE, &job,
                                    events, &n, &has_more, &fault);
    if (status != STATUS_OK) {
        return false; /* the client connects again, and is told then */
    }
    for (size_t k = 0; k < n; k++) {
        put_event(text, &events[k]);
        stream->after = events[k].id;
    }
    stream->generation = has_more ? generation - 1 : generation;
    return has_more || !job_is_over(job.status);
}

static enum status read_last_event(struct request *request, int64_t *ret_after)
{
    const char *last = request_header(request, "Last-Event-ID");
    return last && last[0] ? read_number(request, "Last-Event-ID", last, event_prefix, ret_after)
                           : STATUS_OK;
}

/* 204 is how a client is told not to connect again: there is nothing left to come. */
static enum status answer_stream(struct request *request, const char *id, int64_t after)
{
    static const struct stream_source source = { .has_news = has_news, .read = read_events };
    struct job job;
    struct job_event event;
    size_t n;
    bool has_more;
    enum status status = read_last_event(request, &after);
    if (status == STATUS_OK && request_query(request, "limit")) {
        status = fault_set(request->fault, STATUS_INVALID_REQUEST, "limit",
                           "a stream of events has no limit");
    }
    if (status == STATUS_OK) {
        status =
            job_events(request->context, id, after, 1, &job, &event, &n, &has_more, request->fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (n == 0 && job_is_over(job.status)) {
        return api_reply_nothing(request);
    }
    struct event_stream *stream = arena_alloc(request->arena, sizeof *stream);
    if (!stream) {
        return no_memory(request);
    }
    *stream = (struct event_stream){ .service = service_context_service(request->context),
                                     .after = after };
    memcpy(stream->id, id, strlen(id) + 1); /* api_job_id has checked its length */
    stream->generation = service_jobs_generation(stream->service) - 1;
    request->reply = (struct reply){
        .code = 200, .media = MEDIA_EVENTS, .source = &source, .source_state = stream
    };
    return STATUS_OK;
}

/* ---- a page of them ---- */

enum status api_job_events(struct request *request)
{
    const char *id;
    int64_t after;
    size_t limit, n;
    bool has_more;
    struct job job;
    enum status status = read_page(request, event_prefix, &id, &after, &limit);
    if (status != STATUS_OK) {
        return status;
    }
    if (request_accepts(request, MEDIA_EVENTS)) {
        return answer_stream(request, id, after);
    }
    struct job_event *events = arena_array(request->arena, limit, sizeof *events);
    if (!events) {
        return no_memory(request);
    }
    status =
        job_events(request->context, id, after, limit, &job, events, &n, &has_more, request->fault);
    if (status != STATUS_OK) {
        return status;
    }
    struct text text;
    text_init(&text, request->arena, 64 + EVENT_BYTES * n);
    codec_put_job_event_list(&text, events, n, has_more);
    return api_reply(request, 200, &text);
}

/* ---- checkpoints ---- */

enum status api_job_checkpoints(struct request *request)
{
    const char *id;
    int64_t after;
    size_t limit, n;
    bool has_more;
    enum status status = read_page(request, checkpoint_prefix, &id, &after, &limit);
    if (status != STATUS_OK) {
        return status;
    }
    struct job_checkpoint *checkpoints = arena_array(request->arena, limit, sizeof *checkpoints);
    if (!checkpoints) {
        return no_memory(request);
    }
    status = job_checkpoints(request->context, id, after, limit, checkpoints, &n, &has_more,
                             request->fault);
    if (status != STATUS_OK) {
        return status;
    }
    struct text text;
    text_init(&text, request->arena, 64 + EVENT_BYTES * n);
    codec_put_job_checkpoint_list(&text, id, checkpoints, n, has_more);
    return api_reply(request, 200, &text);
}
