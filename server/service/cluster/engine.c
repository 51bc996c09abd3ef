#include "service/cluster/engine.h"

#include "base/clock.h"
#include "base/digits.h"
#include "cluster/cluster_target.h"
#include "cluster/cluster_trouble.h"
#include "service/pool/pool_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A piece of `bytes`. */
struct engine_piece {
    size_t at, n;
};

struct engine_pieces {
    struct engine_piece *pieces;
    size_t n, room;
};

struct engine {
    struct cluster_target *target;
    struct cluster_link *link;
    const char *function;
    struct engine_pieces keys, values;
    char *bytes;
    size_t n_bytes, bytes_room;
    struct cluster_text *texts;
    size_t texts_room;
    bool has_failed; /* no memory */
    uint64_t stamp;
};

static const int64_t ended_is_kept_ms = 24 * 3600 * INT64_C(1000);

/* ---- pieces ---- */

/* Room for n bytes more, at the end; NULL: no memory. */
static char *add_bytes(struct engine *engine, size_t n)
{
    enum { ROOM_MIN = 1 << 16 };
    if (engine->bytes_room - engine->n_bytes < n) {
        size_t room = engine->bytes_room > 0 ? engine->bytes_room : ROOM_MIN;
        while (room - engine->n_bytes < n) {
            room *= 2;
        }
        char *larger = realloc(engine->bytes, room);
        if (!larger) {
            engine->has_failed = true;
            return NULL;
        }
        engine->bytes = larger;
        engine->bytes_room = room;
    }
    char *added = engine->bytes + engine->n_bytes;
    engine->n_bytes += n;
    return added;
}

/* A piece of n bytes; NULL: no memory. */
static char *add_piece(struct engine *engine, struct engine_pieces *pieces, size_t n)
{
    enum { ROOM_MIN = 64 };
    if (pieces->n == pieces->room) {
        const size_t room = pieces->room > 0 ? 2 * pieces->room : ROOM_MIN;
        struct engine_piece *larger = reallocarray(pieces->pieces, room, sizeof *larger);
        if (!larger) {
            engine->has_failed = true;
            return NULL;
        }
        pieces->pieces = larger;
        pieces->room = room;
    }
    char *bytes = add_bytes(engine, n);
    if (bytes) {
        pieces->pieces[pieces->n++] =
            (struct engine_piece){ .at = (size_t)(bytes - engine->bytes), .n = n };
    }
    return bytes;
}

static void add(struct engine *engine, struct engine_pieces *pieces, const void *bytes, size_t n)
{
    char *piece = add_piece(engine, pieces, n);
    if (piece && n > 0) {
        memcpy(piece, bytes, n);
    }
}

static void add_number(struct engine *engine, struct engine_pieces *pieces, int64_t number)
{
    char text[DIGITS_MAX + 1];
    add(engine, pieces, text, digits_put_signed(text, number));
}

/* "PREFIXs:MODEL:ID", or without an id "PREFIXi:MODEL". */
static void add_key(struct engine *engine, char kind, const char *model, const struct pool_key *key)
{
    const size_t n_prefix = strlen(engine->target->prefix), n_model = strlen(model);
    const size_t n = n_prefix + 2 + n_model + (key ? 1 + key->n : 0);
    char *piece = add_piece(engine, &engine->keys, n);
    if (!piece) {
        return;
    }
    memcpy(piece, engine->target->prefix, n_prefix);
    piece += n_prefix;
    *piece++ = kind;
    *piece++ = ':';
    memcpy(piece, model, n_model);
    if (key) {
        piece[n_model] = ':';
        memcpy(piece + n_model + 1, key->id, key->n);
    }
}

/* ---- a call ---- */

void engine_put_key(struct engine *engine, const char *name)
{
    const size_t n_prefix = strlen(engine->target->prefix), n_name = strlen(name);
    char *piece = add_piece(engine, &engine->keys, n_prefix + n_name);
    if (piece) {
        memcpy(piece, engine->target->prefix, n_prefix);
        memcpy(piece + n_prefix, name, n_name);
    }
}

void engine_put_text(struct engine *engine, const void *bytes, size_t n)
{
    add(engine, &engine->values, bytes, n);
}

void engine_put_number(struct engine *engine, int64_t number)
{
    add_number(engine, &engine->values, number);
}

void engine_begin(struct engine *engine, const char *function)
{
    const struct cluster_text epoch = cluster_link_epoch(engine->link);
    engine->function = function;
    engine->keys.n = engine->values.n = engine->n_bytes = 0;
    engine->has_failed = false;
    engine_put_key(engine, "epoch");
    add(engine, &engine->values, epoch.bytes, epoch.n);
}

static void add_token(struct engine *engine, const struct pool_token *token)
{
    add(engine, &engine->values, token, token->name != 0 ? POOL_TOKEN_BYTES : 0);
}

void engine_read(struct engine *engine, const char *model, const struct pool_key *key,
                 const struct pool_token *known)
{
    add_key(engine, 's', model, key);
    add_token(engine, known);
}

/* How long the engine keeps it; 0: for ever. */
static int64_t kept_ms(const struct pool *pool, uint32_t slot)
{
    const int64_t ttl_s = pool_ttl_of(pool, slot);
    return ttl_s > 0 ? ttl_s * 1000 + ended_is_kept_ms : 0;
}

/* The newest of it, if it is more than is kept. */
static void add_recording(struct engine *engine, const struct engine_recording *recording)
{
    const struct engine_reading *reading = recording->first;
    const size_t rows_max = recording->rows_max;
    if (rows_max == 0) {
        add(engine, &engine->values, NULL, 0);
        return;
    }
    size_t n = recording->n;
    for (; n > rows_max; n--) {
        reading = reading->next;
    }
    add_number(engine, &engine->values, (int64_t)rows_max);
    add_number(engine, &engine->values, (int64_t)n);
    for (; reading; reading = reading->next) {
        add(engine, &engine->values, reading->bytes, reading->n_bytes);
    }
}

static void add_record(struct engine *engine, const struct pool *pool, uint32_t slot,
                       const struct pool_token *next)
{
    char id[SESSION_ID_MAX + 1];
    const struct pool_key key = pool_key_of_record(pool_record(pool, slot), id);
    add_key(engine, 's', pool->name, &key);
    add_key(engine, 'i', pool->name, NULL);
    add_token(engine, pool_token(pool, slot));
    char *value = add_piece(engine, &engine->values, pool_wire_bytes(pool, slot));
    if (value) {
        pool_wire_write(pool, slot, next, value);
    }
    add_number(engine, &engine->values, kept_ms(pool, slot));
    add(engine, &engine->values, key.id, key.n);
    add_number(engine, &engine->values, -clock_wall_of(pool_newest(pool, slot)->last_seen_at_ms));
}

void engine_write(struct engine *engine, const struct pool *pool, uint32_t slot,
                  const struct pool_token *next, const struct engine_recording *recording)
{
    add_record(engine, pool, slot, next);
    add_recording(engine, recording);
}

void engine_heal(struct engine *engine, const struct pool *pool, uint32_t slot)
{
    add_record(engine, pool, slot, pool_token(pool, slot));
}

void engine_delete(struct engine *engine, const char *model, const struct pool_key *key,
                   const struct pool_token *known)
{
    static const struct engine_recording nothing;
    add_key(engine, 's', model, key);
    add_key(engine, 'i', model, NULL);
    add_token(engine, known);
    add(engine, &engine->values, NULL, 0);
    add_number(engine, &engine->values, 0);
    add(engine, &engine->values, key->id, key->n);
    add_number(engine, &engine->values, 0);
    add_recording(engine, &nothing);
}

void engine_recorded(struct engine *engine, const char *model, const struct pool_key *key,
                     size_t first, size_t last)
{
    add_key(engine, 's', model, key);
    add_number(engine, &engine->values, -(int64_t)last);
    add_number(engine, &engine->values, -(int64_t)first);
}

void engine_list_ids(struct engine *engine, const char *model, const char *prefix,
                     const char *after, size_t n)
{
    char from[SESSION_ID_MAX + 2], to[SESSION_ID_MAX + 3];
    const bool is_behind = strcmp(after, prefix) >= 0;
    add_key(engine, 'i', model, NULL);
    int n_from =
        snprintf(from, sizeof from, "%c%s", is_behind ? '(' : '[', is_behind ? after : prefix);
    int n_to = snprintf(to, sizeof to, "[%s\xff", prefix); /* behind all that ids have */
    add(engine, &engine->values, from, (size_t)n_from);
    add(engine, &engine->values, to, (size_t)n_to);
    add_number(engine, &engine->values, (int64_t)n);
}

void engine_list_seen(struct engine *engine, const char *model, const struct engine_mark *after,
                      size_t n)
{
    add_key(engine, 'i', model, NULL);
    if (after) {
        add_number(engine, &engine->values, -clock_wall_of(after->last_seen_at_ms));
        add(engine, &engine->values, after->session, strlen(after->session));
    } else {
        add(engine, &engine->values, NULL, 0);
        add(engine, &engine->values, NULL, 0);
    }
    add_number(engine, &engine->values, (int64_t)n);
}

void engine_leave(struct engine *engine, const char *model, const struct pool_key *key,
                  const struct pool_token *known)
{
    add_key(engine, 's', model, key);
    add_key(engine, 'i', model, NULL);
    add_token(engine, known);
    add(engine, &engine->values, key->id, key->n);
}

static size_t put_texts(const struct engine *engine, const struct engine_pieces *pieces,
                        struct cluster_text *texts)
{
    for (size_t k = 0; k < pieces->n; k++) {
        texts[k] = (struct cluster_text){ .bytes = engine->bytes + pieces->pieces[k].at,
                                          .n = pieces->pieces[k].n };
    }
    return pieces->n;
}

/* The command; 0: no memory. */
static size_t end(struct engine *engine)
{
    enum { WORDS = 3 }; /* FCALL, the function, how many keys */
    char number[DIGITS_MAX];
    const size_t n_number = digits_put(number, engine->keys.n);
    char *kept = add_bytes(engine, n_number);
    const size_t n = WORDS + engine->keys.n + engine->values.n;
    if (engine->texts_room < n) {
        struct cluster_text *larger = reallocarray(engine->texts, n, sizeof *larger);
        engine->has_failed |= !larger;
        engine->texts = larger ? larger : engine->texts;
        engine->texts_room = larger ? n : engine->texts_room;
    }
    if (engine->has_failed || !kept) {
        return 0;
    }
    memcpy(kept, number, n_number);
    size_t at = 0;
    engine->texts[at++] = CLUSTER_WORD("FCALL");
    engine->texts[at++] = (struct cluster_text){ engine->function, strlen(engine->function) };
    engine->texts[at++] = (struct cluster_text){ kept, n_number };
    at += put_texts(engine, &engine->keys, engine->texts + at);
    at += put_texts(engine, &engine->values, engine->texts + at);
    return at;
}

/* What stays until somebody changes the options ends a start, but a request is none of that. */
static enum status for_request(enum status status, struct fault *fault)
{
    if (status != STATUS_OK) {
        fault->status = status == STATUS_NO_MEMORY ? status : STATUS_STORAGE_FAILED;
    }
    return status == STATUS_OK ? status : fault->status;
}

enum status engine_check(const struct engine *engine, struct fault *fault)
{
    return for_request(cluster_link_fault(engine->link, fault), fault);
}

enum status engine_refuse(const struct cluster_reply *reply, struct fault *fault)
{
    return for_request(cluster_reply_fault(reply, fault), fault);
}

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to ask the cluster's engine");
}

bool engine_send(struct engine *engine, cluster_done *done, void *arg, struct fault *fault)
{
    const size_t n = end(engine);
    if (n > 0 && cluster_link_send(engine->link, engine->texts, n, done, arg)) {
        return true;
    }
    if (n == 0 || engine_check(engine, fault) == STATUS_OK) {
        no_memory(fault);
    }
    return false;
}

const struct cluster_reply *engine_entries(struct engine *engine, const struct cluster_reply *reply,
                                           size_t n)
{
    if (reply->type != CLUSTER_LIST || reply->n != n + 1 || reply->list[n].type != CLUSTER_NUMBER) {
        return NULL;
    }
    cluster_link_note_writes(engine->link, reply->list[n].number);
    engine->stamp = (uint64_t)cluster_link_losses(engine->link) << ENGINE_WRITES_BITS |
                    (uint64_t)reply->list[n].number;
    return reply->list;
}

uint64_t engine_stamp(const struct engine *engine)
{
    return engine->stamp;
}

enum status engine_wait(struct engine *engine, struct fault *fault)
{
    static const struct cluster_text ping = { "PING", 4 };
    const struct cluster_reply *reply;
    return cluster_link_is_ready(engine->link)
               ? STATUS_OK
               : cluster_link_call(engine->link, &ping, 1, &reply, fault);
}

enum status engine_wait_ms(struct engine *engine, int64_t ms, struct fault *fault)
{
    return for_request(cluster_link_wait(engine->link, ms * 1000000, fault), fault);
}

enum status engine_call(struct engine *engine, const struct cluster_reply **ret_reply,
                        struct fault *fault)
{
    const size_t n = end(engine);
    if (n == 0) {
        return no_memory(fault);
    }
    enum status status = cluster_link_call(engine->link, engine->texts, n, ret_reply, fault);
    if (status != STATUS_OK) {
        return for_request(status, fault);
    }
    return (*ret_reply)->type == CLUSTER_ERROR ? engine_refuse(*ret_reply, fault) : STATUS_OK;
}

enum status engine_call_one(struct engine *engine, const struct cluster_reply **ret_reply,
                            struct fault *fault)
{
    const struct cluster_reply *reply;
    enum status status = engine_call(engine, &reply, fault);
    if (status != STATUS_OK) {
        return status;
    }
    const struct cluster_reply *entry = engine_entries(engine, reply, 1);
    if (entry && entry->type != CLUSTER_ERROR) {
        *ret_reply = entry;
        return STATUS_OK;
    }
    return engine_refuse(entry ? entry : reply, fault);
}

/* ---- replicas ---- */

bool engine_has_replicas(const struct engine *engine)
{
    return engine->target->n_replicas > 0;
}

enum { WAIT_WORDS = 3, WAIT_TEXT = 24 };

struct wait_texts {
    char n_replicas[WAIT_TEXT], ms[WAIT_TEXT];
};

/* Of no end it would be for ever. */
static void put_wait(const struct engine *engine, struct wait_texts *texts,
                     struct cluster_text words[WAIT_WORDS])
{
    const long long ms = engine->target->timeout_ns / 2000000;
    snprintf(texts->n_replicas, sizeof texts->n_replicas, "%zu", engine->target->n_replicas);
    snprintf(texts->ms, sizeof texts->ms, "%lld", ms > 0 ? ms : 1);
    words[0] = CLUSTER_WORD("WAIT");
    words[1] = (struct cluster_text){ texts->n_replicas, strlen(texts->n_replicas) };
    words[2] = (struct cluster_text){ texts->ms, strlen(texts->ms) };
}

bool engine_send_wait(struct engine *engine, cluster_done *done, void *arg)
{
    struct wait_texts texts;
    struct cluster_text words[WAIT_WORDS];
    put_wait(engine, &texts, words);
    return cluster_link_send(engine->link, words, WAIT_WORDS, done, arg);
}

enum status engine_check_wait(const struct engine *engine, const struct cluster_reply *reply,
                              struct fault *fault)
{
    if (reply && reply->type == CLUSTER_ERROR) {
        return engine_refuse(reply, fault);
    }
    if (reply && reply->type == CLUSTER_NUMBER &&
        reply->number >= (int64_t)engine->target->n_replicas) {
        return STATUS_OK;
    }
    return cluster_trouble_fault(CLUSTER_IS_LATE_REPLICAS, NULL, fault);
}

enum status engine_call_wait(struct engine *engine, struct fault *fault)
{
    struct wait_texts texts;
    struct cluster_text words[WAIT_WORDS];
    const struct cluster_reply *reply = NULL;
    if (!engine_has_replicas(engine)) {
        return STATUS_OK;
    }
    put_wait(engine, &texts, words);
    const enum status status = cluster_link_call(engine->link, words, WAIT_WORDS, &reply, fault);
    return status == STATUS_OK ? engine_check_wait(engine, reply, fault)
                               : for_request(status, fault);
}

/* ---- life ---- */

enum status engine_create(struct cluster_target *target, struct engine **ret_engine,
                          struct fault *fault)
{
    struct engine *engine = calloc(1, sizeof *engine);
    if (!engine) {
        return no_memory(fault);
    }
    engine->target = target;
    enum status status = cluster_link_create(target, &engine->link, fault);
    if (status != STATUS_OK) {
        engine_free(engine);
        return status;
    }
    *ret_engine = engine;
    return STATUS_OK;
}

void engine_free(struct engine *engine)
{
    if (engine) {
        cluster_link_free(engine->link);
        free(engine->keys.pieces);
        free(engine->values.pieces);
        free(engine->bytes);
        free(engine->texts);
        free(engine);
    }
}

struct cluster_link *engine_link(const struct engine *engine)
{
    return engine->link;
}

/* ---- counts ---- */

static enum cluster_read_outcome outcome_of(const struct cluster_reply *reply, bool was_cached)
{
    if (!reply || reply->type == CLUSTER_ERROR) {
        return CLUSTER_READ_FAILED;
    }
    if (reply->type == CLUSTER_TEXT) {
        return was_cached ? CLUSTER_READ_NEWER : CLUSTER_READ_MISSED;
    }
    return reply->type == CLUSTER_NUMBER && reply->number == 1 ? CLUSTER_READ_CONFIRMED
                                                               : CLUSTER_READ_ABSENT;
}

void engine_count_read(struct engine *engine, const struct cluster_reply *reply, bool was_cached)
{
    histogram_count(&cluster_link_counts(engine->link)->reads[outcome_of(reply, was_cached)], 1);
}

void engine_count_write(struct engine *engine, enum cluster_write_outcome outcome)
{
    histogram_count(&cluster_link_counts(engine->link)->writes[outcome], 1);
}

void engine_count_given_up(struct engine *engine)
{
    histogram_count(&cluster_link_counts(engine->link)->n_given_up, 1);
}
