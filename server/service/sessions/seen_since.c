#include "service/sessions/seen_since.h"

#include "service/models/models.h"
#include "service/pool/pool.h"
#include "service/service_private.h"

#include <string.h>

struct session_search {
    const char *prefix;
    size_t n_prefix, limit, n;
    int64_t since_ms;
    struct seen_session *rows;
    bool has_more;
};

static void look_at(const struct pool *pool, uint32_t slot, struct session_search *search)
{
    const struct record_header *header = record_header_of(pool_record(pool, slot));
    const int64_t seen_ms =
        atomic_load_explicit(&pool_slot(pool, slot)->last_seen_at_ms, memory_order_relaxed);
    if (seen_ms < search->since_ms || header->n_id < search->n_prefix ||
        memcmp(header->id, search->prefix, search->n_prefix) != 0) {
        return;
    }
    if (search->n == search->limit) {
        search->has_more = true;
        return;
    }
    char *id = search->rows[search->n++].session;
    memcpy(id, header->id, header->n_id);
    id[header->n_id] = '\0';
}

/* A shard's lock keeps its ids from changing. */
static void look_at_all(struct pool *pool, struct session_search *search)
{
    for (uint64_t number = 0; number < INDEX_SHARDS; number++) {
        struct index_shard *shard = index_lock(&pool->index, number << 58);
        for (size_t k = 0; k < shard->n_entries; k++) {
            if (shard->entries[k] != 0) {
                look_at(pool, index_slot(shard->entries[k]), search);
            }
        }
        index_unlock(shard);
    }
}

enum status sessions_seen_since(struct service_context *context, const struct model *model,
                                const char *prefix, int64_t since_ms, size_t limit,
                                struct seen_session *rows, size_t *ret_n, bool *ret_has_more,
                                struct fault *fault)
{
    struct session_search search = { .prefix = prefix,
                                     .n_prefix = strlen(prefix),
                                     .limit = limit,
                                     .since_ms = since_ms,
                                     .rows = rows };
    size_t n = 0;
    look_at_all(model->pool, &search);
    for (size_t k = 0; k < search.n; k++) {
        const struct pool_key key = pool_key_of(rows[k].session);
        uint32_t slot;
        if (pool_claim(model->pool, &key, context->owner, context->now_ms, &slot, fault) ==
            CLAIM_OK) {
            if (n != k) {
                memcpy(rows[n].session, key.id, key.n + 1);
            }
            rows[n++].step = pool_newest(model->pool, slot)->step;
            pool_release(model->pool, slot);
        }
    }
    *ret_n = n;
    *ret_has_more = search.has_more;
    return pool_check_whole(model->pool, fault);
}
