/*
 * session_stream.h - the replies that tell what becomes of sessions as it happens: of one, or of
 * all of a model. What is told live is the same for both; how a client that comes back is brought
 * up to date is the handler's matter.
 *
 * An event's id is the number of its step, or, where it is one of many sessions', the time at which
 * grud knew of it.
 */
#ifndef SESSION_STREAM_H
#define SESSION_STREAM_H

#include "codec/codec.h"
#include "http/request.h"

#include <string.h>

struct session_stream {
    bool is_wide;      /* of all sessions whose ids begin with `session` */
    uint64_t after;    /* the id of the last event that was told, or that the client knows */
    bool has_begun;    /* something was told */
    bool is_caught_up; /* all is told that was before the listener's first event */
    /* On a thread that may wait: tells what was before. False: it is to be called again. */
    bool (*catch_up)(struct service_context *context, struct session_stream *stream,
                     struct text *text);
    struct listener *listener;
    char model[MODEL_NAME_MAX + 1], session[SESSION_ID_MAX + 1];
};

/* Answers with a stream like this one. */
enum status session_stream_reply(struct request *request, const struct session_stream *stream,
                                 const char *model, const char *session);
/* The header Last-Event-ID, from 0 up to what every client can read; *ret_id is left alone without
 * one. */
enum status session_stream_last_id(struct request *request, const char *what, uint64_t *ret_id);

/* The lines before an event's data, and behind them. */
void session_stream_begin_step(struct text *text, uint64_t id);
void session_stream_begin(struct text *text, const char *event);
void session_stream_end(struct text *text);

#endif
