#include "service/rules/rule_states.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BUCKETS_INITIAL = 64 };

enum status rule_states_create(size_t n_max, struct rule_states **ret_states, struct fault *fault)
{
    struct rule_states *states = calloc(1, sizeof *states);
    if (!states) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the rules");
    }
    states->n_max = n_max;
    for (size_t k = 0; k < RULE_STATE_SHARES; k++) {
        pthread_mutex_init(&states->shares[k].mutex, NULL);
        TAILQ_INIT(&states->shares[k].news);
    }
    states->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (states->wake_fd < 0) {
        rule_states_free(states);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no file descriptor for the rules");
    }
    *ret_states = states;
    return STATUS_OK;
}

static void free_state(struct rule_state *state)
{
    rule_entry_unref(state->entry);
    free(state);
}

void rule_states_free(struct rule_states *states)
{
    if (!states) {
        return;
    }
    for (size_t k = 0; k < RULE_STATE_SHARES; k++) {
        struct rule_share *share = &states->shares[k];
        for (size_t b = 0; b < share->n_buckets; b++) {
            struct rule_state *state;
            while ((state = LIST_FIRST(&share->buckets[b])) != NULL) {
                LIST_REMOVE(state, link);
                free_state(state);
            }
        }
        free(share->buckets);
        pthread_mutex_destroy(&share->mutex);
    }
    if (states->wake_fd >= 0) {
        close(states->wake_fd);
    }
    free(states);
}

static void wake(const struct rule_states *states)
{
    const uint64_t one = 1;
    (void)!write(states->wake_fd, &one, sizeof one);
}

/* ---- with the share's mutex held ---- */

static struct rule_share *share_of(struct rule_states *states, uint64_t hash)
{
    return &states->shares[hash % RULE_STATE_SHARES];
}

static size_t bucket_of(const struct rule_share *share, uint64_t hash)
{
    return (hash / RULE_STATE_SHARES) & (share->n_buckets - 1);
}

static struct rule_state *find(const struct rule_share *share, const struct rule_entry *entry,
                               const struct rule_session *session)
{
    struct rule_state *state =
        share->n_buckets > 0 ? LIST_FIRST(&share->buckets[bucket_of(share, session->hash)]) : NULL;
    while (state && (state->entry != entry || state->hash != session->hash ||
                     strcmp(state->firing.session, session->id) != 0)) {
        state = LIST_NEXT(state, link);
    }
    return state;
}

/* Twice as many buckets, once they are full; with the old ones, if there is no memory. */
static void grow(struct rule_share *share)
{
    struct rule_share wider = { .n_buckets =
                                    share->n_buckets > 0 ? 2 * share->n_buckets : BUCKETS_INITIAL };
    if (share->n < share->n_buckets) {
        return;
    }
    wider.buckets = calloc(wider.n_buckets, sizeof *wider.buckets);
    if (!wider.buckets) {
        return;
    }
    for (size_t b = 0; b < share->n_buckets; b++) {
        struct rule_state *state;
        while ((state = LIST_FIRST(&share->buckets[b])) != NULL) {
            LIST_REMOVE(state, link);
            LIST_INSERT_HEAD(&wider.buckets[bucket_of(&wider, state->hash)], state, link);
        }
    }
    free(share->buckets);
    share->buckets = wider.buckets;
    share->n_buckets = wider.n_buckets;
}

/* NULL: there is no room. */
static struct rule_state *add(struct rule_states *states, struct rule_share *share, size_t n_max,
                              struct rule_entry *entry, const struct rule_session *session)
{
    grow(share);
    const bool has_room = atomic_fetch_add(&states->n, 1) < n_max && share->n_buckets > 0;
    struct rule_state *state = has_room ? calloc(1, sizeof *state) : NULL;
    if (!state) {
        atomic_fetch_sub(&states->n, 1);
        atomic_fetch_add_explicit(&states->n_left_out, 1, memory_order_relaxed);
        return NULL;
    }
    state->entry = rule_entry_ref(entry);
    state->hash = session->hash;
    state->firing = (struct firing){ .rule = entry->rule.number, .ended_value = NAN };
    memcpy(state->firing.session, session->id, strlen(session->id) + 1);
    LIST_INSERT_HEAD(&share->buckets[bucket_of(share, session->hash)], state, link);
    share->n++;
    return state;
}

static void drop(struct rule_states *states, struct rule_share *share, struct rule_state *state)
{
    LIST_REMOVE(state, link);
    share->n--;
    atomic_fetch_sub(&states->n, 1);
    free_state(state);
}

static bool is_idle(const struct rule_state *state)
{
    const struct firing *firing = &state->firing;
    return !firing->is_firing && !firing->is_told && !firing->owes_firing && state->n_met == 0 &&
           !state->is_news && !state->is_taken;
}

static void make_news(struct rule_share *share, struct rule_state *state, uint64_t commit)
{
    state->commit = commit;
    if (!state->is_news) {
        state->is_news = true;
        TAILQ_INSERT_TAIL(&share->news, state, next_news);
    }
}

static void set_since(struct firing *firing, const struct rule_sample *sample)
{
    firing->owes_firing = true;
    firing->since_ms = sample->at_ms;
    firing->since_step = sample->step;
    firing->since_value = sample->value;
}

static void set_end(struct firing *firing, enum rule_end reason, const struct rule_sample *sample)
{
    firing->ended_ms = sample->at_ms;
    firing->ended_step = sample->step;
    firing->ended_value = sample->value;
    firing->end = reason;
}

/* Its end is told, and what came of it meanwhile is to be. */
static void set_again(struct firing *firing, const struct rule_refiring *again)
{
    firing->is_told = false;
    if (again->is_there) {
        set_since(firing, &again->since);
    }
    if (again->has_ended) {
        set_end(firing, again->end, &again->ended);
    }
}

static void pend(struct rule_state *state, uint64_t n_met)
{
    atomic_fetch_add_explicit(&state->entry->n_pending, (n_met > 0) - (state->n_met > 0),
                              memory_order_relaxed);
    state->n_met = n_met;
}

/* What its receiver knows to fire, or is being told of, goes on. */
static void fire(struct rule_share *share, struct rule_state *state,
                 const struct rule_sample *sample)
{
    struct firing *firing = &state->firing;
    firing->is_firing = true;
    pend(state, 0);
    atomic_fetch_add_explicit(&state->entry->n_firing, 1, memory_order_relaxed);
    if (state->posted == RULE_DUE_END && !state->again.is_there) {
        state->again.is_there = true;
        state->again.since = *sample;
    } else if (state->posted == RULE_DUE_END) { /* as nobody knows of, it has gone on */
        state->again.has_ended = false;
    } else if (!firing->is_told && state->posted == RULE_DUE_NOTHING) {
        set_since(firing, sample);
    }
    make_news(share, state, sample->commit);
}

static void end(struct rule_share *share, struct rule_state *state, enum rule_end reason,
                const struct rule_sample *sample)
{
    struct rule_refiring *again = &state->again;
    state->firing.is_firing = false;
    if (again->is_there) { /* the end that is on its way stays as it is */
        again->has_ended = true;
        again->ended = *sample;
        again->end = reason;
    } else {
        set_end(&state->firing, reason, sample);
    }
    atomic_fetch_sub_explicit(&state->entry->n_firing, 1, memory_order_relaxed);
    make_news(share, state, sample->commit);
}

/* It fires no more, and no reading counts for it. True: that is news. */
static bool quieten(struct rule_states *states, struct rule_share *share, struct rule_state *state,
                    enum rule_end reason, const struct rule_sample *sample)
{
    pend(state, 0);
    if (state->firing.is_firing) {
        end(share, state, reason, sample);
        return true;
    }
    if (is_idle(state)) {
        drop(states, share, state);
    }
    return false;
}

/* ---- any thread ---- */

static bool note_met(struct rule_states *states, struct rule_share *share, struct rule_entry *entry,
                     const struct rule_session *session, const struct rule_sample *sample)
{
    struct rule_state *state = find(share, entry, session);
    state = state ? state : add(states, share, states->n_max, entry, session);
    if (!state || state->firing.is_firing) {
        return false;
    }
    pend(state, state->n_met + 1);
    const bool fires = state->n_met >= entry->rule.n_for;
    if (fires) {
        fire(share, state, sample);
    }
    return fires;
}

void rule_states_note(struct rule_states *states, struct rule_entry *entry,
                      const struct rule_session *session, bool is_met,
                      const struct rule_sample *sample)
{
    struct rule_share *share = share_of(states, session->hash);
    bool is_news = false;
    if (!is_met && atomic_load_explicit(&share->n, memory_order_relaxed) == 0) {
        return;
    }
    pthread_mutex_lock(&share->mutex);
    if (is_met && !atomic_load(&entry->is_over)) {
        is_news = note_met(states, share, entry, session, sample);
    } else if (!is_met) {
        struct rule_state *state = find(share, entry, session);
        is_news = state && quieten(states, share, state, RULE_END_CONDITION, sample);
    }
    pthread_mutex_unlock(&share->mutex);
    if (is_news) {
        wake(states);
    }
}

void rule_states_end_session(struct rule_states *states, const struct rule_session *session,
                             const struct rule_sample *sample)
{
    struct rule_share *share = share_of(states, session->hash);
    bool is_news = false;
    if (atomic_load_explicit(&share->n, memory_order_relaxed) == 0) {
        return;
    }
    pthread_mutex_lock(&share->mutex);
    struct rule_state *state = LIST_FIRST(&share->buckets[bucket_of(share, session->hash)]);
    while (state) {
        struct rule_state *next = LIST_NEXT(state, link);
        if (state->hash == session->hash && strcmp(state->firing.session, session->id) == 0 &&
            strcmp(state->entry->rule.model, session->model) == 0) {
            is_news |= quieten(states, share, state, RULE_END_SESSION, sample);
        }
        state = next;
    }
    pthread_mutex_unlock(&share->mutex);
    if (is_news) {
        wake(states);
    }
}

/* All that a share has of a rule. */
static void end_rule_in(struct rule_states *states, struct rule_share *share,
                        const struct rule_entry *entry, const struct rule_sample *sample)
{
    for (size_t b = 0; b < share->n_buckets; b++) {
        struct rule_state *state = LIST_FIRST(&share->buckets[b]);
        while (state) {
            struct rule_state *next = LIST_NEXT(state, link);
            if (state->entry == entry) {
                (void)quieten(states, share, state, RULE_END_RULE, sample);
            }
            state = next;
        }
    }
}

void rule_states_end_rule(struct rule_states *states, struct rule_entry *entry, int64_t now_ms)
{
    const struct rule_sample sample = { .at_ms = now_ms, .value = NAN };
    atomic_store(&entry->is_over, true);
    for (size_t k = 0; k < RULE_STATE_SHARES; k++) {
        struct rule_share *share = &states->shares[k];
        pthread_mutex_lock(&share->mutex);
        end_rule_in(states, share, entry, &sample);
        pthread_mutex_unlock(&share->mutex);
    }
    wake(states);
}

size_t rule_states_list(struct rule_states *states, const struct rule_entry *entry, size_t n_max,
                        struct firing *ret_firings)
{
    size_t n = 0;
    for (size_t k = 0; k < RULE_STATE_SHARES && n < n_max; k++) {
        struct rule_share *share = &states->shares[k];
        pthread_mutex_lock(&share->mutex);
        for (size_t b = 0; b < share->n_buckets; b++) {
            struct rule_state *state;
            LIST_FOREACH(state, &share->buckets[b], link)
            {
                if (state->entry == entry && state->firing.is_firing && n < n_max) {
                    ret_firings[n++] = state->firing;
                }
            }
        }
        pthread_mutex_unlock(&share->mutex);
    }
    return n;
}

bool rule_states_restore(struct rule_states *states, struct rule_entry *entry,
                         const struct firing *firing)
{
    const uint64_t hash = hash_64(firing->session, strlen(firing->session));
    const struct rule_session session = { .id = firing->session, .hash = hash > 0 ? hash : 1 };
    struct rule_share *share = share_of(states, session.hash);
    pthread_mutex_lock(&share->mutex);
    struct rule_state *state = add(states, share, SIZE_MAX, entry, &session);
    if (state) {
        state->firing = *firing;
        atomic_fetch_add(&entry->n_firing, firing->is_firing);
        make_news(share, state, 0);
    }
    pthread_mutex_unlock(&share->mutex);
    return state != NULL;
}

/* ---- the webhook thread ---- */

/* As it is to be written. Whether an end that is on its way is known is not known, and after a kill
 * nobody asks again: what fires again is written as if it was, and told in any case. */
static struct firing row_of(const struct rule_state *state)
{
    struct firing row = state->firing;
    if (state->again.is_there) {
        set_again(&row, &state->again);
    }
    return row;
}

/* With the share's mutex held. */
static size_t take_from(struct rule_share *share, uint64_t commits_done, size_t n,
                        struct rule_state **ret_states, struct firing *ret_firings)
{
    size_t n_taken = 0;
    struct rule_state *state = TAILQ_FIRST(&share->news);
    while (state && n_taken < n) {
        struct rule_state *next = TAILQ_NEXT(state, next_news);
        if (state->commit <= commits_done) {
            TAILQ_REMOVE(&share->news, state, next_news);
            state->is_news = false;
            ret_firings[n_taken] = row_of(state);
            /* One that it sees to already is only to be written. */
            ret_states[n_taken++] = state->is_taken ? NULL : state;
            state->is_taken = true;
        }
        state = next;
    }
    return n_taken;
}

size_t rule_states_take(struct rule_states *states, uint64_t commits_done, size_t n,
                        struct rule_state **ret_states, struct firing *ret_firings,
                        bool *ret_has_more)
{
    size_t n_taken = 0;
    bool has_more = false;
    for (size_t k = 0; k < RULE_STATE_SHARES; k++) {
        struct rule_share *share = &states->shares[k];
        pthread_mutex_lock(&share->mutex);
        n_taken += take_from(share, commits_done, n - n_taken, ret_states + n_taken,
                             ret_firings + n_taken);
        has_more = has_more || !TAILQ_EMPTY(&share->news);
        pthread_mutex_unlock(&share->mutex);
    }
    *ret_has_more = has_more;
    return n_taken;
}

static enum rule_due due(const struct rule_state *state)
{
    const struct firing *firing = &state->firing;
    if (!firing->is_told) {
        return firing->owes_firing ? RULE_DUE_FIRING : RULE_DUE_NOTHING;
    }
    return !firing->is_firing || state->posted == RULE_DUE_END ? RULE_DUE_END : RULE_DUE_NOTHING;
}

enum rule_due rule_states_begin_post(struct rule_states *states, struct rule_state *state,
                                     struct firing *ret_firing)
{
    struct rule_share *share = share_of(states, state->hash);
    pthread_mutex_lock(&share->mutex);
    state->posted = due(state);
    *ret_firing = state->firing;
    const enum rule_due posted = state->posted;
    pthread_mutex_unlock(&share->mutex);
    return posted;
}

void rule_states_end_post(struct rule_states *states, struct rule_state *state)
{
    struct rule_share *share = share_of(states, state->hash);
    struct firing *firing = &state->firing;
    pthread_mutex_lock(&share->mutex);
    if (state->posted == RULE_DUE_FIRING) {
        firing->owes_firing = false;
        firing->is_told = true;
    } else {
        set_again(firing, &state->again);
        state->again = (struct rule_refiring){ 0 };
    }
    state->posted = RULE_DUE_NOTHING;
    pthread_mutex_unlock(&share->mutex);
}

bool rule_states_settle(struct rule_states *states, struct rule_state *state,
                        struct firing *ret_firing)
{
    struct rule_share *share = share_of(states, state->hash);
    pthread_mutex_lock(&share->mutex);
    const bool has_more = due(state) != RULE_DUE_NOTHING;
    *ret_firing = state->firing;
    state->is_taken = has_more;
    if (is_idle(state)) {
        drop(states, share, state);
    }
    pthread_mutex_unlock(&share->mutex);
    return has_more;
}
