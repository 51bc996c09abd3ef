/*
 * stream.h - replies that go on: their bytes are sent as soon as there are any. That worker's
 * thread only, but for streams_read.
 *
 * A stream draws from a source (request.h). While it has bytes libmicrohttpd asks for them; when it
 * has none its connection is suspended. Once a tick the worker looks at those that wait: the
 * sources of those that have news are read, all at once, on a thread that may wait for the disk;
 * then they go on. What was silent for long sends a ping, so that proxies keep the connection and
 * a client that is gone is noticed. So nothing blocks or spins, and events that come close together
 * leave together.
 *
 * A source that need not wait is read on the worker's own thread, at the tick. One that is lost
 * (its client is too slow) is cut off at once, wherever its bytes are.
 *
 * A stream that waits has no deadline; one whose bytes the client does not take is cut like any
 * other reply. Memory: a struct, and a text of as much as a source gives at once.
 */
#ifndef STREAM_H
#define STREAM_H

#include "codec/codec.h"
#include "http/deadlines.h"
#include "http/request.h"

#include <sys/types.h>

struct stream {
    TAILQ_ENTRY(stream) link;
    const struct stream_source *source; /* NULL: the reply is no stream */
    void *state;
    struct connection *connection;
    struct text text; /* what the source gave; libmicrohttpd has its first n_taken bytes */
    size_t n_taken;
    int64_t began_ns;
    int64_t sent_ns;     /* when it last gave something */
    int64_t patience_ns; /* how long the client may leave that unread */
    bool is_waiting;     /* its connection is suspended */
    bool is_fetching;    /* its source is being read: text and is_over are the reader's */
    TAILQ_ENTRY(stream) fetch_link;
    bool is_over;        /* the source has ended */
    bool is_revoked;     /* its client may not listen any more */
    bool is_unconfirmed; /* something was sent, and whether the client is still there was not looked
                            at */
};

TAILQ_HEAD(stream_list, stream);

struct streams {
    struct stream_list list;
    size_t n;
    int64_t next_ns; /* the next tick; DEADLINE_NEVER without streams */
    bool is_closed;
    struct stream_list fetching;           /* whose sources are being read */
    void (*resume)(struct stream *stream); /* lets its connection go on */
    /* Has streams_read called on another thread, and then streams_end_fetch on this one. False: not
     * now. */
    bool (*fetch)(struct streams *streams);
};

void streams_init(struct streams *streams, void (*resume)(struct stream *stream),
                  bool (*fetch)(struct streams *streams));

/* Its source and state are set, and have begun. */
void streams_add(struct streams *streams, struct stream *stream, struct connection *connection,
                 struct arena *arena, int64_t patience_ns, int64_t now_ns);
void streams_remove(struct streams *streams, struct stream *stream);
/* Up to `most` of its bytes. 0: there are none for now, its connection is to be suspended; -1: it
 * has ended.
 */
ssize_t streams_take(struct streams *streams, struct stream *stream, char *bytes, size_t most,
                     int64_t now_ns);
/* Has the sources read that have something to give; cheap before next_ns. The context is the
 * worker's. */
void streams_tick(struct streams *streams, struct service_context *context, int64_t now_ns);
/* The stream ends as soon as it can, at the next tick. */
void streams_revoke(struct streams *streams, struct stream *stream);
/* Reads the sources of those that are fetching; on the thread that may wait. */
void streams_read(struct streams *streams, struct service_context *context);
/* Lets those go on that have something to send now; is_read false: nothing was read. */
void streams_end_fetch(struct streams *streams, bool is_read, int64_t now_ns);
/* From now on all end as soon as they can: the next tick is due at once. */
void streams_close(struct streams *streams);

#endif
