#include "cluster/cluster_reply.h"

#include "base/arena.h"

#include <hiredis/read.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEPT_BYTES = 1 << 20 /* of the buffer of a reader that has nothing to read */
};

struct cluster_reader {
    redisReader *reader;
    struct arena arena; /* of one reply */
    bool has_given;     /* the arena's reply is complete, and goes with the next call */
};

bool cluster_reply_is(const struct cluster_reply *reply, const char *text)
{
    const size_t n = strlen(text);
    const bool is_text = reply->type == CLUSTER_TEXT && reply->text.n == n;
    const bool is_error = reply->type == CLUSTER_ERROR && reply->text.n >= n;
    return (is_text || is_error) && memcmp(reply->text.bytes, text, n) == 0;
}

/* ---- what hiredis calls while it reads; a task's privdata is the reader ---- */

/* Where the task's reply goes: into the list that it stands in, or by itself. NULL: no room. */
static struct cluster_reply *place(const redisReadTask *task, enum cluster_reply_type type)
{
    struct cluster_reader *reader = task->privdata;
    struct cluster_reply *list = task->parent ? task->parent->obj : NULL;
    struct cluster_reply *reply =
        list ? &list->list[task->idx] : arena_alloc(&reader->arena, sizeof *reply);
    if (reply) {
        *reply = (struct cluster_reply){ .type = type };
    }
    return reply;
}

static void *make_text(const redisReadTask *task, char *bytes, size_t n)
{
    struct cluster_reader *reader = task->privdata;
    struct cluster_reply *reply =
        place(task, task->type == REDIS_REPLY_ERROR ? CLUSTER_ERROR : CLUSTER_TEXT);
    char *copy = reply ? arena_alloc(&reader->arena, n + 1) : NULL;
    if (!copy) {
        return NULL;
    }
    memcpy(copy, bytes, n);
    copy[n] = '\0';
    reply->text = (struct cluster_text){ .bytes = copy, .n = n };
    return reply;
}

static void *make_list(const redisReadTask *task, int n)
{
    struct cluster_reader *reader = task->privdata;
    struct cluster_reply *reply = place(task, CLUSTER_LIST);
    if (!reply) {
        return NULL;
    }
    reply->list = arena_array(&reader->arena, (size_t)n, sizeof *reply->list);
    reply->n = (size_t)n;
    return reply->list ? reply : NULL;
}

static void *make_number(const redisReadTask *task, long long number)
{
    struct cluster_reply *reply = place(task, CLUSTER_NUMBER);
    if (reply) {
        reply->number = number;
    }
    return reply;
}

static void *make_nil(const redisReadTask *task)
{
    return place(task, CLUSTER_NIL);
}

static void leave_to_the_arena(void *reply)
{
    (void)reply;
}

static redisReplyObjectFunctions functions = { .createString = make_text,
                                               .createArray = make_list,
                                               .createInteger = make_number,
                                               .createNil = make_nil,
                                               .freeObject = leave_to_the_arena };

/* ---- a reader ---- */

bool cluster_reader_reset(struct cluster_reader *reader)
{
    redisReader *fresh = redisReaderCreateWithFunctions(&functions);
    if (!fresh) {
        return false;
    }
    fresh->privdata = reader;
    fresh->maxbuf = KEPT_BYTES;
    if (reader->reader) {
        redisReaderFree(reader->reader);
    }
    reader->reader = fresh;
    reader->has_given = false;
    arena_reset(&reader->arena);
    return true;
}

struct cluster_reader *cluster_reader_create(void)
{
    struct cluster_reader *reader = calloc(1, sizeof *reader);
    if (reader) {
        arena_init(&reader->arena, CLUSTER_REPLY_MAX);
    }
    if (reader && !cluster_reader_reset(reader)) {
        cluster_reader_free(reader);
        return NULL;
    }
    return reader;
}

void cluster_reader_free(struct cluster_reader *reader)
{
    if (reader) {
        if (reader->reader) {
            redisReaderFree(reader->reader);
        }
        arena_done(&reader->arena);
        free(reader);
    }
}

bool cluster_reader_feed(struct cluster_reader *reader, const char *bytes, size_t n)
{
    return redisReaderFeed(reader->reader, bytes, n) == REDIS_OK;
}

/* Why hiredis reads no further. */
static enum cluster_read failure(const struct cluster_reader *reader)
{
    if (reader->reader->err != REDIS_ERR_OOM) {
        return CLUSTER_READ_STRANGE;
    }
    return reader->arena.is_full ? CLUSTER_READ_TOO_LARGE : CLUSTER_READ_NO_MEMORY;
}

enum cluster_read cluster_reader_next(struct cluster_reader *reader,
                                      const struct cluster_reply **ret_reply)
{
    void *reply = NULL;
    if (reader->has_given) {
        reader->has_given = false;
        arena_reset(&reader->arena);
    }
    if (redisReaderGetReply(reader->reader, &reply) != REDIS_OK) {
        return failure(reader);
    }
    if (!reply) {
        const bool is_endless = reader->reader->len - reader->reader->pos > CLUSTER_REPLY_MAX;
        return is_endless ? CLUSTER_READ_TOO_LARGE : CLUSTER_READ_NOTHING;
    }
    reader->has_given = true;
    *ret_reply = reply;
    return CLUSTER_READ_REPLY;
}
