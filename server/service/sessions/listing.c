#include "service/sessions/listing.h"

#include <string.h>

/* ---- the heap ---- */

static int compare_rows(const struct session_row *a, const struct session_row *b)
{
    return strcmp(a->session, b->session);
}

static void swap_rows(struct session_row *a, struct session_row *b)
{
    struct session_row row = *a;
    *a = *b;
    *b = row;
}

static void sift_up(struct session_row *rows, size_t at)
{
    while (at > 0 && compare_rows(&rows[at], &rows[(at - 1) / 2]) > 0) {
        swap_rows(&rows[at], &rows[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void sift_down(struct session_row *rows, size_t n)
{
    for (size_t at = 0, child = 1; child < n; at = child, child = 2 * at + 1) {
        if (child + 1 < n && compare_rows(&rows[child + 1], &rows[child]) > 0) {
            child++;
        }
        if (compare_rows(&rows[child], &rows[at]) <= 0) {
            return;
        }
        swap_rows(&rows[at], &rows[child]);
    }
}

static void sort_heap(struct session_row *rows, size_t n)
{
    for (size_t end = n; end > 1; end--) {
        swap_rows(&rows[0], &rows[end - 1]);
        sift_down(rows, end - 1);
    }
}

/* ---- ids ---- */

static void list_id(struct listing *listing, const char *id, size_t n_id)
{
    if (strncmp(id, listing->prefix, listing->n_prefix) != 0 || strcmp(id, listing->after) <= 0) {
        return;
    }
    if (listing->n < listing->limit) {
        memcpy(listing->rows[listing->n].session, id, n_id + 1);
        sift_up(listing->rows, listing->n++);
        return;
    }
    listing->has_more = true;
    if (listing->limit > 0 && strcmp(id, listing->rows[0].session) < 0) {
        memcpy(listing->rows[0].session, id, n_id + 1);
        sift_down(listing->rows, listing->n);
    }
}

/* All ids of a shard; its lock keeps them from changing. */
static void list_shard(struct pool *pool, uint64_t number, struct listing *listing)
{
    struct index_shard *shard = index_lock(&pool->index, number << 58);
    for (size_t k = 0; k < shard->n_entries; k++) {
        if (shard->entries[k] != 0) {
            const struct record_header *header =
                record_header_of(pool_record(pool, index_slot(shard->entries[k])));
            char id[SESSION_ID_MAX + 1];
            memcpy(id, header->id, header->n_id);
            id[header->n_id] = '\0';
            list_id(listing, id, header->n_id);
        }
    }
    index_unlock(shard);
}

void listing_fill(struct pool *pool, struct listing *listing)
{
    listing->n = 0;
    listing->has_more = false;
    for (uint64_t shard = 0; shard < INDEX_SHARDS; shard++) {
        list_shard(pool, shard, listing);
    }
    sort_heap(listing->rows, listing->n);
}
