#include "service/sessions/listing.h"

#include "service/models/models.h"
#include "service/pool/pool.h"
#include "service/sessions/listing_cluster.h"

#include <string.h>

/* The rows that come first, so far. Of each the model, the id and when it was last seen are filled
 * in. */
struct listing {
    const struct session_query *query;
    struct session_mark after;
    bool has_after;
    size_t n_prefix;
    struct session_row *rows; /* [n] a heap, the last one first */
    size_t n, room;
    bool has_more;
};

/* ---- order ---- */

/* What a row is found by. */
struct place_in_list {
    int64_t last_seen_at_ms;
    const char *model, *session;
};

static int compare_places(enum session_order order, const struct place_in_list *a,
                          const struct place_in_list *b)
{
    if (order == SESSIONS_BY_LAST_SEEN && a->last_seen_at_ms != b->last_seen_at_ms) {
        return a->last_seen_at_ms > b->last_seen_at_ms ? -1 : 1;
    }
    const int by_model = a->model == b->model ? 0 : strcmp(a->model, b->model);
    return by_model != 0 ? by_model : strcmp(a->session, b->session);
}

static struct place_in_list place_of(const struct session_row *row)
{
    return (struct place_in_list){ row->last_seen_at_ms, row->model, row->session };
}

static int compare_rows(const struct listing *listing, size_t a, size_t b)
{
    const struct place_in_list places[] = { place_of(&listing->rows[a]),
                                            place_of(&listing->rows[b]) };
    return compare_places(listing->query->order, &places[0], &places[1]);
}

struct session_mark session_mark_of(const struct session_row *row)
{
    struct session_mark mark = { .last_seen_at_ms = row->last_seen_at_ms };
    memcpy(mark.model, row->model, strlen(row->model) + 1);
    memcpy(mark.session, row->session, sizeof mark.session);
    return mark;
}

/* ---- the heap ---- */

static void swap_rows(struct listing *listing, size_t a, size_t b)
{
    struct session_row row = listing->rows[a];
    listing->rows[a] = listing->rows[b];
    listing->rows[b] = row;
}

static void sift_up(struct listing *listing, size_t at)
{
    while (at > 0 && compare_rows(listing, at, (at - 1) / 2) > 0) {
        swap_rows(listing, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

static void sift_down(struct listing *listing, size_t n)
{
    for (size_t at = 0, child = 1; child < n; at = child, child = 2 * at + 1) {
        if (child + 1 < n && compare_rows(listing, child + 1, child) > 0) {
            child++;
        }
        if (compare_rows(listing, child, at) <= 0) {
            return;
        }
        swap_rows(listing, at, child);
    }
}

static void sort_heap(struct listing *listing)
{
    for (size_t end = listing->n; end > 1; end--) {
        swap_rows(listing, 0, end - 1);
        sift_down(listing, end - 1);
    }
}

static void put_row(struct session_row *row, const struct place_in_list *place)
{
    row->last_seen_at_ms = place->last_seen_at_ms;
    row->model = place->model;
    memcpy(row->session, place->session, strlen(place->session) + 1);
}

static bool is_behind_mark(const struct listing *listing, const struct place_in_list *place)
{
    const struct session_mark *after = &listing->after;
    const struct place_in_list mark = { after->last_seen_at_ms, after->model, after->session };
    return !listing->has_after || compare_places(listing->query->order, place, &mark) > 0;
}

/* False: the page is full of what comes before it. */
static bool list_place(struct listing *listing, const struct place_in_list *place)
{
    if (strncmp(place->session, listing->query->prefix, listing->n_prefix) != 0 ||
        !is_behind_mark(listing, place)) {
        return true;
    }
    if (listing->n < listing->room) {
        put_row(&listing->rows[listing->n], place);
        sift_up(listing, listing->n++);
        return true;
    }
    listing->has_more = true;
    if (listing->n == 0) {
        return false;
    }
    const struct place_in_list last = place_of(&listing->rows[0]);
    if (compare_places(listing->query->order, place, &last) > 0) {
        return false;
    }
    put_row(&listing->rows[0], place);
    sift_down(listing, listing->n);
    return true;
}

/* ---- sessions ---- */

static bool is_by_time(const struct listing *listing)
{
    return listing->query->order == SESSIONS_BY_LAST_SEEN;
}

/* Whether a session seen then is on no part of the page, whatever its id is: most need no look at
 * their records. */
static bool is_out(const struct listing *listing, int64_t last_seen_at_ms)
{
    const bool is_full = listing->n > 0 && listing->n == listing->room;
    return (listing->has_after && last_seen_at_ms > listing->after.last_seen_at_ms) ||
           (is_full && listing->has_more && last_seen_at_ms < listing->rows[0].last_seen_at_ms);
}

static void list_slot(struct listing *listing, const struct model *model, uint32_t slot)
{
    const struct pool *pool = model->pool;
    struct place_in_list place = { .model = model->name };
    if (is_by_time(listing)) {
        place.last_seen_at_ms =
            atomic_load_explicit(&pool_slot(pool, slot)->last_seen_at_ms, memory_order_relaxed);
        if (is_out(listing, place.last_seen_at_ms)) {
            return;
        }
    }
    const struct record_header *header = record_header_of(pool_record(pool, slot));
    char id[SESSION_ID_MAX + 1];
    memcpy(id, header->id, header->n_id);
    id[header->n_id] = '\0';
    place.session = id;
    (void)list_place(listing, &place);
}

/* All ids of a shard; its lock keeps them from changing. */
static void list_shard(struct listing *listing, const struct model *model, uint64_t number)
{
    struct pool *pool = model->pool;
    struct index_shard *shard = index_lock(&pool->index, number << 58);
    for (size_t k = 0; k < shard->n_entries; k++) {
        if (shard->entries[k] != 0) {
            list_slot(listing, model, index_slot(shard->entries[k]));
        }
    }
    index_unlock(shard);
}

static void list_cache(struct listing *listing, const struct model *model)
{
    for (uint64_t shard = 0; shard < INDEX_SHARDS; shard++) {
        list_shard(listing, model, shard);
    }
}

struct model_list {
    struct listing *listing;
    const char *model;
};

static bool take_listed(void *arg, const char *session, int64_t last_seen_at_ms)
{
    const struct model_list *list = arg;
    const struct place_in_list place = { last_seen_at_ms, list->model, session };
    return list_place(list->listing, &place);
}

static enum status list_model(struct service_context *context, struct listing *listing,
                              const struct model *model, struct fault *fault)
{
    struct model_list list = { listing, model->name };
    if (listing->has_after && !is_by_time(listing) &&
        strcmp(model->name, listing->after.model) < 0) {
        return STATUS_OK;
    }
    if (sessions_are_shared(context)) {
        return listing_cluster_read(context, model, listing->query,
                                    listing->has_after ? &listing->after : NULL, take_listed, &list,
                                    fault);
    }
    list_cache(listing, model);
    return STATUS_OK;
}

static enum status fill_listing(struct service_context *context, struct listing *listing,
                                const struct model *const *models, size_t n_models,
                                struct fault *fault)
{
    enum status status = STATUS_OK;
    listing->n = 0;
    listing->has_more = false;
    for (size_t k = 0; k < n_models && status == STATUS_OK; k++) {
        status = list_model(context, listing, models[k], fault);
    }
    sort_heap(listing);
    if (listing->n > 0) {
        listing->after = session_mark_of(&listing->rows[listing->n - 1]);
        listing->has_after = true;
    }
    return status;
}

/* ---- rows ---- */

/* What is left of them is what has not ended since. */
static enum status read_rows(struct service_context *context, struct listing *listing,
                             size_t *ret_n, struct fault *fault)
{
    size_t n = 0;
    for (size_t k = 0; k < listing->n; k++) {
        struct session_row row = listing->rows[k];
        bool is_there;
        enum status status = session_read_row(context, &row, &is_there, fault);
        if (status != STATUS_OK) {
            return status;
        }
        if (is_there) {
            row.last_seen_at_ms =
                is_by_time(listing) ? listing->rows[k].last_seen_at_ms : row.last_seen_at_ms;
            listing->rows[n++] = row;
        }
    }
    *ret_n = n;
    return STATUS_OK;
}

enum status session_list(struct service_context *context, const struct session_query *query,
                         struct session_row *rows, size_t *ret_n, bool *ret_has_more,
                         struct fault *fault)
{
    struct listing listing = { .query = query,
                               .has_after = query->after != NULL,
                               .n_prefix = strlen(query->prefix) };
    size_t n_models = 1, n = 0, n_read = 0;
    const struct model *const *models =
        query->model ? &query->model : models_list(context, &n_models);
    if (query->after) {
        listing.after = *query->after;
    }
    enum status status = STATUS_OK;
    /* Sessions that have ended meanwhile leave room for others. An empty page would not even tell
     * its reader where to go on. */
    do {
        listing.rows = rows + n;
        listing.room = query->limit - n;
        status = fill_listing(context, &listing, models, n_models, fault);
        if (status == STATUS_OK) {
            status = read_rows(context, &listing, &n_read, fault);
            n += n_read;
        }
    } while (status == STATUS_OK && n < query->limit && listing.has_more);
    for (size_t k = 0; status == STATUS_OK && k < n_models; k++) {
        status = pool_check_whole(models[k]->pool, fault);
    }
    if (status == STATUS_OK) {
        *ret_n = n;
        *ret_has_more = listing.has_more;
    }
    return status;
}
