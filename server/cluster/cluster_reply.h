/*
 * cluster_reply.h - what the engine answers, and the reader of it. Hides hiredis.h.
 *
 * A reader takes bytes as they come and gives replies as they are complete. It is bounded against
 * an engine that is none: lists stand in each other at most seven deep, and neither the bytes of a
 * reply nor what it takes in memory exceed CLUSTER_REPLY_MAX. One thread's.
 */
#ifndef CLUSTER_REPLY_H
#define CLUSTER_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLUSTER_REPLY_MAX = 64 << 20 };

struct cluster_text {
    const char *bytes;
    size_t n;
};

/* A literal, as an argument of a command. */
#define CLUSTER_WORD(literal)                                                                      \
    ((struct cluster_text){ .bytes = (literal), .n = sizeof(literal) - 1 })

enum cluster_reply_type {
    CLUSTER_NIL,
    CLUSTER_NUMBER,
    CLUSTER_TEXT, /* simple ones such as "OK", too */
    CLUSTER_LIST,
    CLUSTER_ERROR
};

struct cluster_reply {
    enum cluster_reply_type type;
    int64_t number;
    struct cluster_text text;   /* of TEXT and ERROR; a NUL follows it */
    struct cluster_reply *list; /* n entries, which may be lists or errors themselves */
    size_t n;
};

/* Whether it is that text, or an error that begins with it. */
bool cluster_reply_is(const struct cluster_reply *reply, const char *text);

/* What is called when a command ends. NULL: no reply will come, and whether the engine did it is
 * not known, unless was_sent is false. The reply is valid during the call. */
typedef void cluster_done(void *arg, const struct cluster_reply *reply, bool was_sent);

struct cluster_reader;

/* NULL: no memory. */
struct cluster_reader *cluster_reader_create(void);
void cluster_reader_free(struct cluster_reader *reader);
/* Forgets what it has, for a new connection. False: no memory. */
__attribute__((warn_unused_result)) bool cluster_reader_reset(struct cluster_reader *reader);

/* False: no memory. */
__attribute__((warn_unused_result)) bool cluster_reader_feed(struct cluster_reader *reader,
                                                             const char *bytes, size_t n);

enum cluster_read {
    CLUSTER_READ_REPLY,
    CLUSTER_READ_NOTHING, /* that is complete */
    /* the connection is of no use any more */
    CLUSTER_READ_STRANGE, /* the engine does not speak RESP, or in lists too deep */
    CLUSTER_READ_TOO_LARGE,
    CLUSTER_READ_NO_MEMORY
};
/* The next reply, valid until the next call. */
enum cluster_read cluster_reader_next(struct cluster_reader *reader,
                                      const struct cluster_reply **ret_reply);

#endif
