/*
 * reply.h - from a struct reply to libmicrohttpd's responses. The worker's thread.
 *
 * Short JSON replies are cached. Making and destroying libmicrohttpd's object costs a third of a
 * microsecond, one part in twenty of a whole step. It is made for a length and a Content-Type, not
 * for a text: so a worker keeps some of each length, and puts the next text into one that no
 * connection holds any more.
 */
#ifndef REPLY_H
#define REPLY_H

#include "http/exchange.h"

enum {
    CACHED_BYTES_MAX = 512, /* of a reply that is cached */
    CACHED_REPLIES_MAX = 512
};

/* One worker's. */
struct reply_cache {
    struct cached_reply *free[CACHED_BYTES_MAX + 1]; /* by length */
    size_t n;                                        /* those that are being sent included */
    struct MHD_Response *shed[ENVELOPE_COUNT];       /* refusals for too much load */
};

/* Makes request->reply the error of request->fault. */
void reply_fail(struct exchange *exchange, enum status status);
/* Makes it the refusal for too much load. */
void reply_shed(struct exchange *exchange);
/* Gives request->reply to libmicrohttpd. */
enum MHD_Result reply_queue(struct exchange *exchange);
/* Lets a stream's connection go on. */
void reply_resume(struct stream *stream);
const struct request *reply_of_stream(const struct stream *stream);
/* It is sent, or will never be. */
void reply_done(struct exchange *exchange);

/* False: no memory. */
bool reply_open_cache(struct worker *worker);
/* Takes one that was never opened. */
void reply_close_cache(struct reply_cache *cache);

#endif
