/* Who listens hears all of it, in order, or is lost; and costs the others nothing. */
#include "service/listeners.h"
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct listeners listeners;

static struct told told_of(const char *model, const char *session)
{
    return (struct told){ .model = model, .session = session, .hash = strlen(session) };
}

static struct listener *listen_to(const char *model, const char *session, bool is_wide)
{
    const struct told told = told_of(model, session);
    struct listener *listener = listener_open(&listeners, &told, is_wide);
    ck_assert_ptr_nonnull(listener);
    return listener;
}

static void tell(const char *model, const char *session, uint64_t step, uint64_t commit, size_t n)
{
    static const char json[1 << 16];
    const struct told told = told_of(model, session);
    struct session_event *event = session_event_make(session, SESSION_GOES_ON, json, n);
    ck_assert_ptr_nonnull(event);
    event->step = step;
    event->commit = commit;
    listeners_tell(&listeners, &told, event);
}

/* The next event is of that step, and the only one if it is the last. */
static void expect_step(struct listener *listener, uint64_t step)
{
    struct session_event *event;
    ck_assert(listener_has_news(listener));
    ck_assert_uint_eq(listener_take(listener, &event, 1), 1);
    ck_assert_uint_eq(event->step, step);
    session_event_unref(event);
}

static void expect_nothing(struct listener *listener)
{
    struct session_event *event;
    ck_assert_uint_eq(listener_take(listener, &event, 1), 0);
}

TEST(each_hears_what_it_listens_to)
{
    listeners_init(&listeners);
    const struct told s = told_of("m", "s"), t = told_of("m", "t"), other = told_of("n", "s");
    ck_assert(!listeners_are_any(&listeners) && !listeners_want(&listeners, &s));
    struct listener *one = listen_to("m", "s", false), *again = listen_to("m", "s", false);
    ck_assert(listeners_are_any(&listeners) && listeners_want(&listeners, &s));
    ck_assert(!listeners_want(&listeners, &t) && !listeners_want(&listeners, &other));
    struct listener *all = listen_to("m", "", true), *few = listen_to("m", "s", true);
    ck_assert(listeners_want(&listeners, &t) && !listeners_want(&listeners, &other));
    tell("m", "s", 1, 0, 10);
    tell("m", "t", 2, 0, 10);
    tell("n", "s", 3, 0, 10);
    tell("m", "sx", 4, 0, 10);
    expect_step(one, 1);
    expect_step(again, 1);
    expect_step(all, 1);
    expect_step(all, 2);
    expect_step(all, 4);
    expect_step(few, 1);
    expect_step(few, 4);
    struct listener *const everybody[] = { one, again, all, few };
    for (size_t k = 0; k < 4; k++) {
        expect_nothing(everybody[k]);
        ck_assert(!listener_has_news(everybody[k]));
        listener_close(everybody[k]);
    }
    ck_assert(!listeners_are_any(&listeners) && !listeners_want(&listeners, &s));
    listeners_done(&listeners);
}

TEST(an_end_is_told_with_its_reason)
{
    listeners_init(&listeners);
    struct listener *listener = listen_to("m", "s", false);
    const struct told told = told_of("m", "s");
    struct session_event *event;
    listeners_tell_end(&listeners, &told, SESSION_EVICTED, 0);
    ck_assert_uint_eq(listener_take(listener, &event, 1), 1);
    ck_assert_int_eq(event->end, SESSION_EVICTED);
    ck_assert_str_eq(event->session, "s");
    ck_assert_str_eq(session_end_word(event->end), "evicted");
    session_event_unref(event);
    listener_close(listener);
    listeners_done(&listeners);
}

/* Nothing is told before its commit is done, and nothing overtakes it. */
TEST(what_waits_for_a_commit_stays_until_it_is_done)
{
    listeners_init(&listeners);
    struct listener *listener = listen_to("m", "s", false);
    tell("m", "s", 1, 1, 10);
    tell("m", "s", 2, 2, 10);
    tell("m", "s", 3, 0, 10);
    expect_nothing(listener);
    atomic_store(&listeners.commits_done, 1);
    expect_step(listener, 1);
    expect_nothing(listener);
    ck_assert(listener_has_news(listener));
    atomic_store(&listeners.commits_done, 2);
    expect_step(listener, 2);
    expect_step(listener, 3);
    listener_close(listener);
    listeners_done(&listeners);
}

TEST(one_that_does_not_take_is_lost_and_no_other)
{
    enum { N = 100, BYTES = 16 << 10 };
    listeners_init(&listeners);
    struct listener *slow = listen_to("m", "s", false), *fast = listen_to("m", "s", false);
    struct listener *wide = listen_to("m", "", true);
    for (uint64_t step = 1; step <= N; step++) {
        tell("m", "s", step, 0, BYTES);
        expect_step(fast, step);
    }
    ck_assert(listener_is_lost(slow) && listener_has_news(slow));
    expect_nothing(slow);
    ck_assert(!listener_is_lost(fast) && !listener_is_lost(wide));
    for (uint64_t step = 1; step <= N; step++) { /* a model's queue is longer */
        expect_step(wide, step);
    }
    const struct told told = told_of("m", "s");
    listeners_tell(&listeners, &told, NULL); /* there was no memory for it */
    ck_assert(listener_is_lost(fast) && listener_is_lost(wide));
    ck_assert(!listeners_want(&listeners, &told));
    listener_close(slow);
    listener_close(fast);
    listener_close(wide);
    listeners_done(&listeners);
}

/* One event that is larger than the bound alone is told all the same. */
TEST(a_single_event_is_never_too_large)
{
    static const char json[1 << 20];
    listeners_init(&listeners);
    struct listener *listener = listen_to("m", "s", false);
    const struct told told = told_of("m", "s");
    listeners_tell(&listeners, &told, session_event_make("s", SESSION_GOES_ON, json, sizeof json));
    expect_step(listener, 0);
    listener_close(listener);
    listeners_done(&listeners);
}

/* ---- threads ---- */

enum { STEPS = 20000, TELLERS = 3 };

static void *tell_many(void *session)
{
    for (uint64_t step = 1; step <= STEPS; step++) {
        const struct told told = told_of("m", session);
        if (listeners_want(&listeners, &told)) {
            tell("m", session, step, 0, 8);
        }
    }
    return NULL;
}

/* While others tell, some come and go; who stays hears each session in order. */
TEST(those_who_come_and_go_disturb_nobody)
{
    static char sessions[TELLERS][8] = { "a", "bb", "ccc" };
    pthread_t threads[TELLERS];
    uint64_t last[TELLERS + 1] = { 0 };
    struct session_event *events[64];
    listeners_init(&listeners);
    struct listener *wide = listen_to("m", "", true);
    for (size_t k = 0; k < TELLERS; k++) {
        ck_assert_int_eq(pthread_create(&threads[k], NULL, tell_many, sessions[k]), 0);
    }
    while (!listener_is_lost(wide) && (last[1] < STEPS || last[2] < STEPS || last[3] < STEPS)) {
        struct listener *passing = listen_to("m", "a", false);
        size_t n = listener_take(wide, events, 64);
        for (size_t k = 0; k < n; k++) {
            const size_t who = strlen(events[k]->session);
            ck_assert_uint_eq(events[k]->step, last[who] + 1);
            last[who] = events[k]->step;
            session_event_unref(events[k]);
        }
        listener_close(passing);
    }
    for (size_t k = 0; k < TELLERS; k++) {
        pthread_join(threads[k], NULL);
    }
    listener_close(wide);
    ck_assert(!listeners_are_any(&listeners));
    listeners_done(&listeners);
}

TEST(all_who_listen_to_a_model_hear_of_its_drift)
{
    listeners_init(&listeners);
    listeners_tell_drift(&listeners, "m");
    struct listener *one = listen_to("m", "s", false), *all = listen_to("m", "", true),
                    *few = listen_to("m", "s", true), *other = listen_to("n", "", true);
    listeners_tell_drift(&listeners, "m");
    struct listener *const told[] = { all, few };
    for (size_t k = 0; k < sizeof told / sizeof(*told); k++) {
        struct session_event *event;
        ck_assert_uint_eq(listener_take(told[k], &event, 1), 1);
        ck_assert(event->is_drift);
        session_event_unref(event);
        expect_nothing(told[k]);
    }
    expect_nothing(one);
    expect_nothing(other);
    listener_close(one);
    listener_close(all);
    listener_close(few);
    listener_close(other);
    listeners_done(&listeners);
}
