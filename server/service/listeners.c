#include "service/listeners.h"

#include <stdlib.h>
#include <string.h>

/* What a listener's queue may hold: some hundred steps of a session, and of a model more. */
enum { QUEUE_BYTES = 256 << 10, WIDE_QUEUE_BYTES = 4 << 20, QUEUE_ROOM = 16 };

/* The queue is a ring; `room` is a power of two. */
struct listener {
    LIST_ENTRY(listener) link;
    struct listeners *all;
    struct listener_share *share; /* whose mutex guards what follows */
    struct session_event **queue; /* [room] */
    size_t room, first, n, n_bytes;
    _Atomic bool has_news, is_lost;
    bool is_wide;
    size_t n_prefix;
    char model[MODEL_NAME_MAX + 1], session[SESSION_ID_MAX + 1];
};

const char *session_end_word(enum session_end end)
{
    static const char *const words[SESSION_N_ENDS] = { [SESSION_GOES_ON] = "",
#define SESSION_END_WORD(id, word) [id] = (word),
                                                       SESSION_ENDS(SESSION_END_WORD)
#undef SESSION_END_WORD
    };
    return words[end];
}

/* ---- events ---- */

struct session_event *session_event_make(const char *session, enum session_end end,
                                         const char *json, size_t n)
{
    struct session_event *event = malloc(sizeof *event + n);
    if (!event) {
        return NULL;
    }
    *event = (struct session_event){ .n_refs = 1, .end = end, .n = n };
    memcpy(event->session, session, strlen(session) + 1);
    if (n > 0) {
        memcpy(event->json, json, n);
    }
    return event;
}

static void ref(struct session_event *event)
{
    atomic_fetch_add_explicit(&event->n_refs, 1, memory_order_relaxed);
}

void session_event_unref(struct session_event *event)
{
    if (event && atomic_fetch_sub_explicit(&event->n_refs, 1, memory_order_acq_rel) == 1) {
        free(event);
    }
}

/* ---- all of them ---- */

static void init_share(struct listener_share *share)
{
    pthread_mutex_init(&share->mutex, NULL);
    LIST_INIT(&share->list);
}

void listeners_init(struct listeners *listeners)
{
    memset(listeners, 0, sizeof *listeners);
    init_share(&listeners->wide);
    for (size_t k = 0; k < LISTENER_SHARES; k++) {
        init_share(&listeners->shares[k]);
    }
}

void listeners_done(struct listeners *listeners)
{
    pthread_mutex_destroy(&listeners->wide.mutex);
    for (size_t k = 0; k < LISTENER_SHARES; k++) {
        pthread_mutex_destroy(&listeners->shares[k].mutex);
    }
}

static struct listener_share *share_of(struct listeners *listeners, uint64_t hash)
{
    return &listeners->shares[hash % LISTENER_SHARES];
}

/* ---- telling ---- */

static bool is_meant(const struct listener *listener, const struct told *told)
{
    return strcmp(listener->model, told->model) == 0 &&
           (listener->is_wide ? strncmp(listener->session, told->session, listener->n_prefix) == 0
                              : strcmp(listener->session, told->session) == 0);
}

static bool share_wants(struct listener_share *share, const struct told *told)
{
    bool is_wanted = false;
    if (atomic_load_explicit(&share->n, memory_order_relaxed) == 0) {
        return false;
    }
    struct listener *listener;
    pthread_mutex_lock(&share->mutex);
    LIST_FOREACH(listener, &share->list, link)
    {
        is_wanted = is_wanted || (is_meant(listener, told) && !listener_is_lost(listener));
    }
    pthread_mutex_unlock(&share->mutex);
    return is_wanted;
}

bool listeners_want(struct listeners *listeners, const struct told *told)
{
    return share_wants(share_of(listeners, told->hash), told) ||
           share_wants(&listeners->wide, told);
}

static struct session_event **place(const struct listener *listener, size_t k)
{
    return &listener->queue[(listener->first + k) & (listener->room - 1)];
}

static void empty(struct listener *listener)
{
    for (; listener->n > 0; listener->n--) {
        session_event_unref(*place(listener, 0));
        listener->first++;
    }
    free(listener->queue);
    listener->queue = NULL;
    listener->room = listener->first = listener->n_bytes = 0;
}

static bool make_room(struct listener *listener)
{
    if (listener->n < listener->room) {
        return true;
    }
    const size_t room = listener->room > 0 ? 2 * listener->room : QUEUE_ROOM;
    struct session_event **queue = reallocarray(NULL, room, sizeof(*queue));
    if (!queue) {
        return false;
    }
    for (size_t k = 0; k < listener->n; k++) {
        queue[k] = *place(listener, k);
    }
    free(listener->queue);
    listener->queue = queue;
    listener->room = room;
    listener->first = 0;
    return true;
}

static size_t weight(const struct session_event *event)
{
    return sizeof *event + event->n + sizeof(struct session_event *);
}

/* With the share's mutex held. */
static void put(struct listener *listener, struct session_event *event)
{
    const size_t most = listener->is_wide ? WIDE_QUEUE_BYTES : QUEUE_BYTES;
    if (listener_is_lost(listener)) {
        return;
    }
    if (!event || (listener->n > 0 && listener->n_bytes + weight(event) > most) ||
        !make_room(listener)) {
        empty(listener);
        atomic_store_explicit(&listener->is_lost, true, memory_order_relaxed);
    } else {
        ref(event);
        *place(listener, listener->n++) = event;
        listener->n_bytes += weight(event);
    }
    atomic_store_explicit(&listener->has_news, true, memory_order_relaxed);
}

static void tell_share(struct listener_share *share, const struct told *told,
                       struct session_event *event)
{
    if (atomic_load_explicit(&share->n, memory_order_relaxed) == 0) {
        return;
    }
    struct listener *listener;
    pthread_mutex_lock(&share->mutex);
    LIST_FOREACH(listener, &share->list, link)
    {
        if (is_meant(listener, told)) {
            put(listener, event);
        }
    }
    pthread_mutex_unlock(&share->mutex);
}

void listeners_tell(struct listeners *listeners, const struct told *told,
                    struct session_event *event)
{
    tell_share(share_of(listeners, told->hash), told, event);
    tell_share(&listeners->wide, told, event);
    session_event_unref(event);
}

void listeners_tell_end(struct listeners *listeners, const struct told *told, enum session_end end,
                        uint64_t commit)
{
    if (listeners_are_any(listeners) && listeners_want(listeners, told)) {
        struct session_event *event = session_event_make(told->session, end, NULL, 0);
        if (event) {
            event->commit = commit;
        }
        listeners_tell(listeners, told, event);
    }
}

void listeners_tell_drift(struct listeners *listeners, const char *model)
{
    struct listener_share *wide = &listeners->wide;
    if (atomic_load_explicit(&wide->n, memory_order_relaxed) == 0) {
        return;
    }
    struct session_event *event = session_event_make("", SESSION_GOES_ON, NULL, 0);
    if (event) {
        event->is_drift = true;
    }
    struct listener *listener;
    pthread_mutex_lock(&wide->mutex);
    LIST_FOREACH(listener, &wide->list, link)
    {
        if (strcmp(listener->model, model) == 0) {
            put(listener, event);
        }
    }
    pthread_mutex_unlock(&wide->mutex);
    session_event_unref(event);
}

/* ---- listening ---- */

struct listener *listener_open(struct listeners *listeners, const struct told *told, bool is_wide)
{
    struct listener *listener = calloc(1, sizeof *listener);
    if (!listener) {
        return NULL;
    }
    listener->all = listeners;
    listener->is_wide = is_wide;
    listener->n_prefix = strlen(told->session);
    memcpy(listener->model, told->model, strlen(told->model) + 1);
    memcpy(listener->session, told->session, listener->n_prefix + 1);
    listener->share = is_wide ? &listeners->wide : share_of(listeners, told->hash);
    pthread_mutex_lock(&listener->share->mutex);
    LIST_INSERT_HEAD(&listener->share->list, listener, link);
    pthread_mutex_unlock(&listener->share->mutex);
    atomic_fetch_add(&listener->share->n, 1);
    atomic_fetch_add(&listeners->n, 1);
    return listener;
}

void listener_close(struct listener *listener)
{
    if (!listener) {
        return;
    }
    atomic_fetch_sub(&listener->all->n, 1);
    atomic_fetch_sub(&listener->share->n, 1);
    pthread_mutex_lock(&listener->share->mutex);
    LIST_REMOVE(listener, link);
    pthread_mutex_unlock(&listener->share->mutex);
    empty(listener);
    free(listener);
}

bool listener_has_news(const struct listener *listener)
{
    return atomic_load_explicit(&listener->has_news, memory_order_relaxed);
}

bool listener_is_lost(const struct listener *listener)
{
    return atomic_load_explicit(&listener->is_lost, memory_order_relaxed);
}

size_t listener_take(struct listener *listener, struct session_event **ret_events, size_t n_max)
{
    const uint64_t done = atomic_load(&listener->all->commits_done);
    size_t n = 0;
    pthread_mutex_lock(&listener->share->mutex);
    while (n < n_max && listener->n > 0 && (*place(listener, 0))->commit <= done) {
        struct session_event *event = *place(listener, 0);
        listener->first++;
        listener->n--;
        listener->n_bytes -= weight(event);
        ret_events[n++] = event;
    }
    const bool has_news = listener->n > 0 || listener_is_lost(listener);
    atomic_store_explicit(&listener->has_news, has_news, memory_order_relaxed);
    pthread_mutex_unlock(&listener->share->mutex);
    return n;
}
