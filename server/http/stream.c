#include "http/stream.h"

#include "http/socket.h"

#include <string.h>

enum { TEXT_BYTES = 4 << 10 /* of a stream's memory, to begin with */ };

static const int64_t TICK_NS = 100 * 1000000LL;
static const int64_t PING_NS = 14 * 1000000000LL; /* clients are promised one at least every 15 s */
static const int64_t CONFIRM_NS =
    1 * 1000000000LL; /* time for a host to answer that the socket is closed */

void streams_init(struct streams *streams, void (*resume)(struct stream *stream),
                  bool (*fetch)(struct streams *streams))
{
    *streams = (struct streams){ .next_ns = DEADLINE_NEVER, .resume = resume, .fetch = fetch };
    TAILQ_INIT(&streams->list);
    TAILQ_INIT(&streams->fetching);
}

void streams_add(struct streams *streams, struct stream *stream, struct connection *connection,
                 struct arena *arena, int64_t patience_ns, int64_t now_ns)
{
    stream->connection = connection;
    stream->n_taken = 0;
    stream->began_ns = now_ns;
    stream->sent_ns = now_ns;
    stream->patience_ns = patience_ns;
    stream->is_waiting = false;
    stream->is_fetching = false;
    stream->is_over = false;
    stream->is_revoked = false;
    stream->is_unconfirmed = false;
    text_init(&stream->text, arena, TEXT_BYTES);
    TAILQ_INSERT_TAIL(&streams->list, stream, link);
    if (streams->n++ == 0) {
        streams->next_ns = now_ns + TICK_NS;
    }
}

void streams_remove(struct streams *streams, struct stream *stream)
{
    TAILQ_REMOVE(&streams->list, stream, link);
    if (stream->source->end) {
        stream->source->end(stream->state);
    }
    stream->source = NULL;
    if (--streams->n == 0) {
        streams->next_ns = DEADLINE_NEVER;
    }
}

static bool is_empty(const struct stream *stream)
{
    return stream->n_taken == stream->text.n;
}

static bool is_ping_due(const struct stream *stream, int64_t now_ns)
{
    return now_ns >= stream->sent_ns + PING_NS;
}

static bool is_at_end(const struct streams *streams, const struct stream *stream)
{
    return stream->is_over || stream->is_revoked || streams->is_closed;
}

static bool may_wait(const struct stream *stream)
{
    return !stream->source->may_wait || stream->source->may_wait(stream->state);
}

ssize_t streams_take(struct streams *streams, struct stream *stream, char *bytes, size_t most,
                     int64_t now_ns)
{
    size_t n = stream->text.n - stream->n_taken;
    if (n == 0) {
        bool has_ended = is_at_end(streams, stream);
        stream->is_waiting = !has_ended;
        if (!has_ended && may_wait(stream) && TAILQ_EMPTY(&streams->fetching) &&
            stream->source->has_news(stream->state)) {
            streams->next_ns = 0; /* it need not wait for the next tick */
        }
        stream->connection->deadline_ns = has_ended ? now_ns + stream->patience_ns : DEADLINE_NEVER;
        return has_ended ? -1 : 0;
    }
    n = n < most ? n : most;
    memcpy(bytes, stream->text.p + stream->n_taken, n);
    stream->n_taken += n;
    stream->sent_ns = now_ns;
    stream->is_unconfirmed = true;
    stream->connection->deadline_ns = now_ns + stream->patience_ns;
    return (ssize_t)n;
}

static void resume(struct streams *streams, struct stream *stream)
{
    stream->is_waiting = false;
    streams->resume(stream);
}

/* A client that closed its socket answers what it is sent with a reset, and libmicrohttpd does not
 * look at connections that are suspended. */
static bool is_client_gone(struct stream *stream, int64_t now_ns)
{
    if (!stream->is_unconfirmed || now_ns < stream->sent_ns + CONFIRM_NS) {
        return false;
    }
    stream->is_unconfirmed = false;
    return socket_is_broken(stream->connection->fd);
}

/* ---- reading ---- */

static void read_source(struct stream *stream, struct service_context *context)
{
    stream->text.n = 0;
    stream->n_taken = 0;
    stream->is_over = !stream->source->read(context, stream->state, &stream->text);
}

static void end_read(struct streams *streams, struct stream *stream, bool is_read, int64_t now_ns)
{
    static const char ping[] = ": ping\n\n";
    if (is_read && is_ping_due(stream, now_ns) && stream->text.n == 0) {
        text_append(&stream->text, ping, sizeof ping - 1);
    }
    if (stream->text.failed) { /* the client connects again, and asks for what it did not get */
        stream->text.n = 0;
        stream->is_over = true;
    }
    if (!is_empty(stream) || is_at_end(streams, stream)) {
        resume(streams, stream);
    }
}

/* ---- ticks ---- */

/* A stream that waits, and is not being read. */
static void look(struct streams *streams, struct service_context *context, struct stream *stream,
                 bool may_fetch, int64_t now_ns)
{
    stream->is_over = stream->is_over || is_client_gone(stream, now_ns);
    if (is_at_end(streams, stream)) {
        resume(streams, stream);
    } else if (!is_ping_due(stream, now_ns) && !stream->source->has_news(stream->state)) {
        return;
    } else if (!may_wait(stream)) {
        read_source(stream, context);
        end_read(streams, stream, true, now_ns);
    } else if (may_fetch) {
        stream->is_fetching = true;
        TAILQ_INSERT_TAIL(&streams->fetching, stream, fetch_link);
    }
}

/* The client has bytes to take. Where it is too slow for its source it gets no more of them. */
static void look_at_slow(struct stream *stream, int64_t now_ns)
{
    if (stream->source->is_lost && stream->source->is_lost(stream->state)) {
        stream->connection->deadline_ns = now_ns;
    }
}

void streams_tick(struct streams *streams, struct service_context *context, int64_t now_ns)
{
    if (now_ns < streams->next_ns) {
        return;
    }
    const bool may_fetch = TAILQ_EMPTY(&streams->fetching);
    struct stream *stream;
    TAILQ_FOREACH(stream, &streams->list, link)
    {
        if (!stream->is_waiting) {
            look_at_slow(stream, now_ns);
        } else if (!stream->is_fetching) {
            look(streams, context, stream, may_fetch, now_ns);
        }
    }
    streams->next_ns = streams->n > 0 ? now_ns + TICK_NS : DEADLINE_NEVER;
    if (may_fetch && !TAILQ_EMPTY(&streams->fetching) && !streams->fetch(streams)) {
        while ((stream = TAILQ_FIRST(&streams->fetching))) { /* the next tick asks again */
            stream->is_fetching = false;
            TAILQ_REMOVE(&streams->fetching, stream, fetch_link);
        }
    }
}

void streams_read(struct streams *streams, struct service_context *context)
{
    struct stream *stream;
    TAILQ_FOREACH(stream, &streams->fetching, fetch_link)
    {
        read_source(stream, context);
    }
}

void streams_end_fetch(struct streams *streams, bool is_read, int64_t now_ns)
{
    struct stream *stream;
    while ((stream = TAILQ_FIRST(&streams->fetching))) {
        stream->is_fetching = false;
        TAILQ_REMOVE(&streams->fetching, stream, fetch_link);
        end_read(streams, stream, is_read, now_ns);
    }
    streams->next_ns = streams->n > 0 ? now_ns : DEADLINE_NEVER; /* others may have news by now */
}

void streams_revoke(struct streams *streams, struct stream *stream)
{
    stream->is_revoked = true;
    streams->next_ns = 0;
}

void streams_close(struct streams *streams)
{
    streams->is_closed = true;
    streams->next_ns = streams->n > 0 ? 0 : DEADLINE_NEVER;
}
