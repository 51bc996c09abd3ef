#include "service/rules/webhook_thread.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/hash.h"
#include "base/log.h"
#include "service/rules/firing_rows.h"
#include "service/rules/rules.h"
#include "service/service_private.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TAKEN_MAX = 256,   /* states at a time */
    POSTS_MAX = 64,    /* on their way */
    POSTS_OF_RULE = 2, /* of them */
    FIRST_WAIT_MS = 1000,
    LAST_WAIT_MS = 300000,
    GIVE_UP_MS = 24 * 3600 * 1000,
    COMMIT_WAIT_MS = 20, /* for a sync that news waits for */
    IDLE_MS = 60000,
    HALT_MS = 2000,
    BODY_MAX = 16 << 10
};

struct posting {
    struct webhook_post post;
    struct rule_state *state;
    struct rule_entry *entry; /* a reference */
    struct arena arena;       /* of the body */
};

struct webhook_thread {
    struct service *service;
    struct rules *rules;
    struct webhook_client *client;
    pthread_t thread;
    _Atomic bool is_halting, is_halted;
    int64_t halt_at_ms;             /* when what is on its way is cut; 0: not yet known */
    LIST_HEAD(, rule_entry) active; /* rules with a queue */
    size_t n_on_their_way;
    struct firing_rows rows;
    bool has_later, rules_are_over; /* there is news that waits; rules to be deleted */
    uint64_t generation;            /* of the rules when those that are over were deleted last */
    uint64_t n_posts[RULE_N_POSTS]; /* not yet counted for others */
    struct rule_state *taken[TAKEN_MAX];
    struct firing taken_rows[TAKEN_MAX];
};

/* ---- queues ---- */

static void queue(struct webhook_thread *thread, struct rule_state *state)
{
    struct rule_entry *entry = state->entry;
    TAILQ_INSERT_TAIL(&entry->queue, state, queued);
    if (!entry->is_active) {
        entry->is_active = true;
        (void)rule_entry_ref(entry);
        LIST_INSERT_HEAD(&thread->active, entry, active);
    }
}

static void leave(struct rule_entry *entry)
{
    LIST_REMOVE(entry, active);
    entry->is_active = false;
    rule_entry_unref(entry);
}

/* What is left to tell goes to the end of its rule's queue. */
static void settle(struct webhook_thread *thread, struct rule_state *state)
{
    struct firing firing;
    struct rule_entry *entry = rule_entry_ref(state->entry);
    const bool has_more = rule_states_settle(thread->rules->states, state, &firing);
    firing_rows_add(&thread->rows, &firing);
    thread->rules_are_over = thread->rules_are_over || atomic_load(&entry->is_over);
    if (has_more) {
        queue(thread, state);
    }
    rule_entry_unref(entry);
}

/* Rules that are over are deleted once they have nothing left, also those of which nothing ever
 * fired. */
static void forget_rules(struct webhook_thread *thread, uint64_t generation)
{
    const bool is_due = thread->rules_are_over || generation != thread->generation;
    if (is_due && !thread->has_later &&
        firing_rows_forget(&thread->rows, thread->service, generation)) {
        thread->rules_are_over = false;
        thread->generation = generation;
    }
}

/* Writes what is new, and then queues it. */
static void take_news(struct webhook_thread *thread)
{
    const uint64_t commits_done = atomic_load(&thread->service->listeners.commits_done);
    const uint64_t generation = atomic_load(&thread->rules->generation);
    size_t n;
    do {
        n = rule_states_take(thread->rules->states, commits_done, TAKEN_MAX, thread->taken,
                             thread->taken_rows, &thread->has_later);
        for (size_t k = 0; k < n; k++) {
            firing_rows_add(&thread->rows, &thread->taken_rows[k]);
        }
        firing_rows_write(&thread->rows, thread->service);
        for (size_t k = 0; k < n; k++) {
            if (thread->taken[k]) {
                queue(thread, thread->taken[k]);
            }
        }
    } while (n == TAKEN_MAX);
    forget_rules(thread, generation);
}

/* ---- posting ---- */

static void free_posting(struct posting *posting)
{
    rule_entry_unref(posting->entry);
    arena_done(&posting->arena);
    free(posting);
}

/* The same for the same news, also of another process. */
static void print_key(const struct firing *firing, bool is_firing, char key[WEBHOOK_KEY_MAX + 1])
{
    snprintf(key, WEBHOOK_KEY_MAX + 1, "%" PRId64 "-%016" PRIx64 "-%" PRIu64 "-%" PRId64 "-%s",
             firing->rule, digest_64(firing->session, strlen(firing->session), 0),
             firing->since_step, firing->since_ms, is_firing ? "firing" : "resolved");
}

static bool print_body(const struct webhook_thread *thread, struct posting *posting,
                       const struct firing *firing, bool is_firing)
{
    const struct rule_news news = { .rule = &posting->entry->rule,
                                    .firing = firing,
                                    .is_firing = is_firing,
                                    .key = posting->post.key };
    return thread->rules->print(&news, &posting->arena, &posting->post.body, &posting->post.n_body);
}

/* False: no memory; the state is as it was. */
static bool begin_post(struct webhook_thread *thread, struct rule_state *state,
                       const struct firing *firing, bool is_firing)
{
    struct posting *posting = calloc(1, sizeof *posting);
    if (!posting) {
        return false;
    }
    arena_init(&posting->arena, BODY_MAX);
    posting->state = state;
    posting->entry = rule_entry_ref(state->entry);
    posting->post.url = posting->entry->rule.url;
    print_key(firing, is_firing, posting->post.key);
    if (!print_body(thread, posting, firing, is_firing) ||
        !webhook_client_begin(thread->client, &posting->post)) {
        free_posting(posting);
        return false;
    }
    state->first_try_ms = state->first_try_ms > 0 ? state->first_try_ms : clock_monotonic_ms();
    posting->entry->n_on_their_way++;
    thread->n_on_their_way++;
    return true;
}

/* The first of the rule's queue. False: no more can be begun now. */
static bool begin_first(struct webhook_thread *thread, struct rule_entry *entry)
{
    struct rule_state *state = TAILQ_FIRST(&entry->queue);
    struct firing firing;
    const enum rule_due due = rule_states_begin_post(thread->rules->states, state, &firing);
    const bool has_begun =
        due == RULE_DUE_NOTHING || begin_post(thread, state, &firing, due == RULE_DUE_FIRING);
    if (has_begun) {
        TAILQ_REMOVE(&entry->queue, state, queued);
    } else {
        entry->next_try_ms = clock_monotonic_ms() + FIRST_WAIT_MS;
    }
    if (due == RULE_DUE_NOTHING) { /* it has changed back */
        settle(thread, state);
    }
    return has_begun;
}

static void begin_posts(struct webhook_thread *thread)
{
    const int64_t now_ms = clock_monotonic_ms();
    struct rule_entry *entry = LIST_FIRST(&thread->active);
    while (entry) {
        struct rule_entry *next = LIST_NEXT(entry, active);
        const size_t most = entry->n_failed_in_a_row > 0 ? 1 : POSTS_OF_RULE;
        while (!TAILQ_EMPTY(&entry->queue) && entry->n_on_their_way < most &&
               thread->n_on_their_way < POSTS_MAX && entry->next_try_ms <= now_ms &&
               begin_first(thread, entry)) {
        }
        if (TAILQ_EMPTY(&entry->queue)) {
            leave(entry);
        }
        entry = next;
    }
}

/* ---- what becomes of it ---- */

static void note_success(struct rule_entry *entry)
{
    if (entry->n_failed_in_a_row > 0 || entry->is_refused) {
        log_event(LOG_INFO, "webhook_recovered", LOG_STRING("model", entry->rule.model),
                  LOG_STRING("rule", entry->rule.name));
    }
    entry->n_failed_in_a_row = 0;
    entry->is_refused = false;
    entry->next_try_ms = 0;
    rule_entry_note_post(entry, NULL);
}

/* From three quarters of it to five. */
static int64_t jitter(int64_t ms, int64_t seed)
{
    return ms - ms / 4 + (int64_t)(hash_64(&seed, sizeof seed) % (uint64_t)(ms / 2));
}

static void note_failure(struct rule_entry *entry, const struct webhook_post *post)
{
    const int64_t now_ms = clock_monotonic_ms();
    int64_t wait_ms = FIRST_WAIT_MS;
    for (unsigned k = 0; k < entry->n_failed_in_a_row && wait_ms < LAST_WAIT_MS; k++) {
        wait_ms *= 2;
    }
    wait_ms = jitter(wait_ms < LAST_WAIT_MS ? wait_ms : LAST_WAIT_MS, clock_monotonic_ns());
    if (entry->n_failed_in_a_row == 0) {
        log_event(LOG_WARN, "webhook_fails", LOG_STRING("model", entry->rule.model),
                  LOG_STRING("rule", entry->rule.name), LOG_STRING("reason", post->reason));
    }
    entry->n_failed_in_a_row++;
    wait_ms = wait_ms > post->retry_after_s * 1000 ? wait_ms : post->retry_after_s * 1000;
    /* Another post of the rule, on its way at the same time, may have been told to wait longer. */
    entry->next_try_ms =
        entry->next_try_ms > now_ms + wait_ms ? entry->next_try_ms : now_ms + wait_ms;
    rule_entry_note_post(entry, post->reason);
}

/* Said once until one is delivered: a rule may fire in thousands of sessions. */
static void note_refusal(struct rule_entry *entry, const struct webhook_post *post)
{
    if (!entry->is_refused) {
        log_event(LOG_WARN, "webhook_refused", LOG_STRING("model", entry->rule.model),
                  LOG_STRING("rule", entry->rule.name), LOG_STRING("reason", post->reason));
    }
    entry->is_refused = true;
    rule_entry_note_post(entry, post->reason);
}

/* True: it is told, or is as if it were. */
static bool judge(struct webhook_thread *thread, const struct posting *posting)
{
    struct rule_entry *entry = posting->entry;
    const struct webhook_post *post = &posting->post;
    switch (post->outcome) {
    case WEBHOOK_DELIVERED:
        thread->n_posts[RULE_POST_DELIVERED]++;
        note_success(entry);
        return true;
    case WEBHOOK_REFUSED:
        thread->n_posts[RULE_POST_REFUSED]++;
        note_refusal(entry, post);
        return true;
    default:
        thread->n_posts[RULE_POST_FAILED]++;
        note_failure(entry, post);
        break;
    }
    const bool is_late = clock_monotonic_ms() - posting->state->first_try_ms > GIVE_UP_MS;
    if (is_late) {
        thread->n_posts[RULE_POST_GIVEN_UP]++;
    }
    return is_late;
}

static void finish(struct webhook_thread *thread, struct posting *posting)
{
    struct rule_state *state = posting->state;
    thread->n_on_their_way--;
    posting->entry->n_on_their_way--;
    if (judge(thread, posting)) {
        rule_states_end_post(thread->rules->states, state);
        state->first_try_ms = 0;
        settle(thread, state);
    } else {
        queue(thread, state);
    }
    free_posting(posting);
}

static void finish_posts(struct webhook_thread *thread)
{
    struct webhook_post *post;
    while ((post = webhook_client_done(thread->client)) != NULL) {
        finish(thread, (struct posting *)post); /* its first member */
    }
}

/* What was posted is counted once that is written, too. */
static void publish_counts(struct webhook_thread *thread)
{
    for (size_t k = 0; k < RULE_N_POSTS; k++) {
        atomic_fetch_add_explicit(&thread->rules->n_posts[k], thread->n_posts[k],
                                  memory_order_relaxed);
        thread->n_posts[k] = 0;
    }
}

/* ---- the thread ---- */

/* How long nothing is due, unless something comes. */
static int64_t time_to_wait(const struct webhook_thread *thread)
{
    const int64_t now_ms = clock_monotonic_ms();
    int64_t until_ms = now_ms + (thread->rows.failed_at_ms != 0 ? FIRST_WAIT_MS : IDLE_MS);
    const struct rule_entry *entry;
    if (thread->has_later || atomic_load(&thread->is_halting)) {
        return COMMIT_WAIT_MS;
    }
    LIST_FOREACH(entry, &thread->active, active)
    {
        if (entry->n_on_their_way == 0 && thread->n_on_their_way < POSTS_MAX &&
            entry->next_try_ms < until_ms) {
            until_ms = entry->next_try_ms;
        }
    }
    return until_ms > now_ms ? until_ms - now_ms : 0;
}

static bool has_ended(struct webhook_thread *thread)
{
    if (!atomic_load(&thread->is_halting)) {
        return false;
    }
    const int64_t now_ms = clock_monotonic_ms();
    thread->halt_at_ms = thread->halt_at_ms > 0 ? thread->halt_at_ms : now_ms + HALT_MS;
    return thread->n_on_their_way == 0 || now_ms >= thread->halt_at_ms;
}

static void *work(void *cls)
{
    struct webhook_thread *thread = cls;
    while (!has_ended(thread)) {
        finish_posts(thread);
        take_news(thread);
        publish_counts(thread);
        if (!atomic_load(&thread->is_halting)) {
            begin_posts(thread);
        }
        webhook_client_wait(thread->client, thread->rules->states->wake_fd, time_to_wait(thread));
    }
    atomic_store(&thread->is_halted, true);
    return NULL;
}

/* ---- life ---- */

static bool run(struct webhook_thread *thread)
{
    sigset_t all, before;
    sigfillset(&all);
    sigdelset(&all, SIGBUS); /* one that is blocked ends the process (store/region_guard.h) */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool runs = pthread_create(&thread->thread, NULL, work, thread) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (runs) {
        pthread_setname_np(thread->thread, "webhooks");
    }
    return runs;
}

enum status webhook_thread_start(struct service *service, struct fault *fault)
{
    const struct config *config = service->config;
    if (!service->rules) {
        return STATUS_OK;
    }
    struct webhook_thread *thread = calloc(1, sizeof *thread);
    if (!thread) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for webhooks");
    }
    thread->service = service;
    thread->rules = service->rules;
    LIST_INIT(&thread->active);
    const struct webhook_client_options options = { .may_be_private =
                                                        config->webhook_private == CONFIG_YES,
                                                    .ca_file = config->webhook_ca };
    enum status status = webhook_client_create(&options, &thread->client, fault);
    if (status == STATUS_OK && !run(thread)) {
        webhook_client_free(thread->client);
        status = fault_set(fault, STATUS_NO_MEMORY, NULL, "no thread for webhooks");
    }
    if (status != STATUS_OK) {
        free(thread);
        return status;
    }
    service->rules->webhook_thread = thread;
    return STATUS_OK;
}

static struct webhook_thread *thread_of(const struct service *service)
{
    return service->rules ? service->rules->webhook_thread : NULL;
}

void webhook_thread_halt(struct service *service)
{
    struct webhook_thread *thread = thread_of(service);
    const uint64_t one = 1;
    if (thread) {
        atomic_store(&thread->is_halting, true);
        (void)!write(thread->rules->states->wake_fd, &one, sizeof one);
    }
}

bool webhook_thread_is_halted(const struct service *service)
{
    const struct webhook_thread *thread = thread_of(service);
    return !thread || atomic_load(&thread->is_halted);
}

void webhook_thread_stop(struct service *service)
{
    struct webhook_thread *thread = thread_of(service);
    if (!thread) {
        return;
    }
    webhook_thread_halt(service);
    pthread_join(thread->thread, NULL);
    take_news(thread); /* of steps that were made meanwhile */
    while (!LIST_EMPTY(&thread->active)) {
        leave(LIST_FIRST(&thread->active));
    }
    struct webhook_post *post;
    while ((post = webhook_client_cut(thread->client)) != NULL) {
        free_posting((struct posting *)post);
    }
    webhook_client_free(thread->client);
    firing_rows_free(&thread->rows);
    free(thread);
    service->rules->webhook_thread = NULL;
}

void webhook_thread_abandon(struct service *service)
{
    struct webhook_thread *thread = thread_of(service);
    if (thread && webhook_thread_is_halted(service)) {
        pthread_join(thread->thread, NULL);
    }
}
