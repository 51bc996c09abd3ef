/* What rules find, and what is due to be told of it. */
#include "service/rules/rule_states.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

enum { LOTS = 5000 };

struct setup_states {
    struct rule_states *states;
    struct rule_entry *entry;
};

static struct setup_states begin(uint64_t n_for, size_t n_max)
{
    struct setup_states setup;
    struct fault fault;
    const struct rule rule = { .number = 7, .model = "m", .name = "r", .n_for = n_for };
    ck_assert_int_eq(rule_states_create(n_max, &setup.states, &fault), STATUS_OK);
    setup.entry = rule_entry_create(&rule);
    ck_assert_ptr_nonnull(setup.entry);
    return setup;
}

static void end(const struct setup_states *setup)
{
    rule_states_free(setup->states);
    rule_entry_unref(setup->entry);
}

static struct rule_session session_of(const char *id)
{
    uint64_t hash = 5381;
    for (const char *p = id; *p; p++) {
        hash = hash * 33 + (unsigned char)*p;
    }
    return (struct rule_session){ .model = "m", .id = id, .hash = hash };
}

static void note(const struct setup_states *setup, const char *id, bool is_met, uint64_t step)
{
    const struct rule_session session = session_of(id);
    const struct rule_sample sample = { .step = step,
                                        .at_ms = (int64_t)step * 10,
                                        .value = (double)step / 8 };
    rule_states_note(setup->states, setup->entry, &session, is_met, &sample);
}

static void assert_counts(const struct setup_states *setup, uint64_t n_firing, uint64_t n_pending)
{
    ck_assert_uint_eq(setup->entry->n_firing, n_firing);
    ck_assert_uint_eq(setup->entry->n_pending, n_pending);
}

/* The one state with news. */
static struct rule_state *take(const struct setup_states *setup, struct firing *ret_firing)
{
    struct rule_state *states[4];
    struct firing firings[4];
    bool has_more;
    ck_assert_uint_eq(rule_states_take(setup->states, 0, 4, states, firings, &has_more), 1);
    ck_assert(!has_more);
    *ret_firing = firings[0];
    return states[0];
}

/* Tells what is due; what that was. */
static enum rule_due tell(const struct setup_states *setup, struct rule_state *state)
{
    struct firing firing;
    const enum rule_due due = rule_states_begin_post(setup->states, state, &firing);
    if (due != RULE_DUE_NOTHING) {
        rule_states_end_post(setup->states, state);
    }
    return due;
}

TEST(it_fires_after_so_many_readings_in_a_row)
{
    const struct setup_states setup = begin(3, 10);
    struct firing firing;
    note(&setup, "s", true, 1);
    note(&setup, "s", true, 2);
    assert_counts(&setup, 0, 1);
    note(&setup, "s", false, 3); /* from the beginning */
    assert_counts(&setup, 0, 0);
    ck_assert_uint_eq(setup.states->n, 0);
    note(&setup, "s", true, 4);
    note(&setup, "s", true, 5);
    note(&setup, "s", true, 6);
    assert_counts(&setup, 1, 0);
    struct rule_state *state = take(&setup, &firing);
    ck_assert(firing.is_firing && firing.owes_firing && !firing.is_told);
    ck_assert_uint_eq(firing.since_step, 6);
    ck_assert_int_eq(firing.since_ms, 60);
    ck_assert(firing.since_value == 0.75 && firing.rule == 7);
    ck_assert_int_eq(tell(&setup, state), RULE_DUE_FIRING);
    ck_assert(!rule_states_settle(setup.states, state, &firing));
    ck_assert(firing.is_told && !firing.owes_firing);
    note(&setup, "s", true, 7); /* no news */
    note(&setup, "s", false, 8);
    state = take(&setup, &firing);
    ck_assert(!firing.is_firing && firing.is_told && firing.end == RULE_END_CONDITION);
    ck_assert_uint_eq(firing.ended_step, 8);
    ck_assert_int_eq(tell(&setup, state), RULE_DUE_END);
    ck_assert(!rule_states_settle(setup.states, state, &firing));
    ck_assert_uint_eq(setup.states->n, 0);
    end(&setup);
}

TEST(what_is_over_before_it_was_told_is_told_and_then_its_end)
{
    const struct setup_states setup = begin(1, 10);
    struct firing firing;
    note(&setup, "s", true, 1);
    note(&setup, "s", false, 2);
    struct rule_state *state = take(&setup, &firing);
    ck_assert_int_eq(tell(&setup, state), RULE_DUE_FIRING);
    ck_assert(rule_states_settle(setup.states, state, &firing)); /* there is more */
    ck_assert_int_eq(tell(&setup, state), RULE_DUE_END);
    ck_assert(!rule_states_settle(setup.states, state, &firing));
    ck_assert_uint_eq(setup.states->n, 0);
    end(&setup);
}

TEST(what_ends_and_begins_again_untold_goes_on)
{
    const struct setup_states setup = begin(1, 10);
    struct firing firing;
    note(&setup, "s", true, 1);
    struct rule_state *state = take(&setup, &firing);
    ck_assert_int_eq(tell(&setup, state), RULE_DUE_FIRING);
    ck_assert(!rule_states_settle(setup.states, state, &firing));
    note(&setup, "s", false, 2);
    note(&setup, "s", true, 3);
    state = take(&setup, &firing);
    ck_assert_uint_eq(firing.since_step, 1); /* as its receiver knows it */
    ck_assert_int_eq(tell(&setup, state), RULE_DUE_NOTHING);
    ck_assert(!rule_states_settle(setup.states, state, &firing));
    assert_counts(&setup, 1, 0);
    end(&setup);
}

TEST(what_fires_while_its_end_is_on_its_way_is_told_anew)
{
    const struct setup_states setup = begin(1, 10);
    struct firing firing;
    note(&setup, "s", true, 1);
    struct rule_state *state = take(&setup, &firing);
    ck_assert_int_eq(tell(&setup, state), RULE_DUE_FIRING);
    note(&setup, "s", false, 2);
    ck_assert(rule_states_settle(setup.states, state, &firing));
    ck_assert_int_eq(rule_states_begin_post(setup.states, state, &firing), RULE_DUE_END);
    note(&setup, "s", true, 3);
    /* It fails: the receiver may have it nevertheless, so the end goes on to be told. */
    ck_assert_int_eq(rule_states_begin_post(setup.states, state, &firing), RULE_DUE_END);
    ck_assert_uint_eq(firing.since_step, 1);
    rule_states_end_post(setup.states, state);
    ck_assert(rule_states_settle(setup.states, state, &firing));
    ck_assert_uint_eq(firing.since_step, 3);
    ck_assert_int_eq(tell(&setup, state), RULE_DUE_FIRING);
    ck_assert(!rule_states_settle(setup.states, state, &firing));
    assert_counts(&setup, 1, 0);
    end(&setup);
}

/* Its first firing is told, and the end of that is on its way. */
static struct rule_state *begin_end(const struct setup_states *setup)
{
    struct firing firing;
    note(setup, "s", true, 1);
    struct rule_state *state = take(setup, &firing);
    ck_assert_int_eq(tell(setup, state), RULE_DUE_FIRING);
    note(setup, "s", false, 2);
    ck_assert(rule_states_settle(setup->states, state, &firing));
    ck_assert_ptr_null(take(setup, &firing)); /* only to be written */
    ck_assert_int_eq(rule_states_begin_post(setup->states, state, &firing), RULE_DUE_END);
    return state;
}

/* Whether the end has arrived is not known after a kill. */
TEST(what_fires_while_its_end_is_on_its_way_is_told_after_a_kill)
{
    const struct setup_states setup = begin(1, 10), next = begin(1, 10);
    struct firing firing;
    (void)begin_end(&setup);
    note(&setup, "s", true, 3);
    ck_assert_ptr_null(take(&setup, &firing));
    ck_assert(rule_states_restore(next.states, next.entry, &firing));
    struct rule_state *state = take(&next, &firing);
    ck_assert_int_eq(rule_states_begin_post(next.states, state, &firing), RULE_DUE_FIRING);
    ck_assert_uint_eq(firing.since_step, 3);
    rule_states_end_post(next.states, state);
    ck_assert(!rule_states_settle(next.states, state, &firing));
    assert_counts(&next, 1, 0);
    end(&setup);
    end(&next);
}

TEST(an_end_that_is_on_its_way_stays_as_it_is)
{
    const struct setup_states setup = begin(1, 10), next = begin(1, 10);
    struct firing firing;
    struct rule_state *state = begin_end(&setup);
    note(&setup, "s", true, 3);
    note(&setup, "s", false, 4);
    note(&setup, "s", true, 5); /* which goes on, as nobody has heard of its end */
    note(&setup, "s", false, 6);
    ck_assert_ptr_null(take(&setup, &firing));
    ck_assert(rule_states_restore(next.states, next.entry, &firing)); /* and after a kill: */
    ck_assert(firing.owes_firing && !firing.is_firing && !firing.is_told);
    ck_assert(firing.since_step == 3 && firing.ended_step == 6);
    ck_assert_int_eq(rule_states_begin_post(setup.states, state, &firing), RULE_DUE_END);
    ck_assert(firing.since_step == 1 && firing.ended_step == 2);
    rule_states_end_post(setup.states, state);
    ck_assert(rule_states_settle(setup.states, state, &firing));
    ck_assert_int_eq(rule_states_begin_post(setup.states, state, &firing), RULE_DUE_FIRING);
    ck_assert_uint_eq(firing.since_step, 3);
    rule_states_end_post(setup.states, state);
    ck_assert(rule_states_settle(setup.states, state, &firing));
    ck_assert_int_eq(rule_states_begin_post(setup.states, state, &firing), RULE_DUE_END);
    ck_assert(firing.since_step == 3 && firing.ended_step == 6);
    rule_states_end_post(setup.states, state);
    ck_assert(!rule_states_settle(setup.states, state, &firing));
    ck_assert_uint_eq(setup.states->n, 0);
    end(&setup);
    end(&next);
}

TEST(sessions_and_rules_end_their_firings)
{
    const struct setup_states setup = begin(1, 10);
    const struct rule_session session = session_of("a");
    const struct rule_sample sample = { .at_ms = 99, .value = (double)NAN };
    struct rule_state *states[4];
    struct firing firings[4];
    bool has_more;
    note(&setup, "a", true, 1);
    note(&setup, "b", true, 1);
    rule_states_end_session(setup.states, &session, &sample);
    assert_counts(&setup, 1, 0);
    ck_assert_uint_eq(rule_states_list(setup.states, setup.entry, 4, firings), 1);
    ck_assert_str_eq(firings[0].session, "b");
    rule_states_end_rule(setup.states, setup.entry, 100);
    assert_counts(&setup, 0, 0);
    note(&setup, "c", true, 2); /* by a thread that has not heard of it */
    ck_assert_uint_eq(setup.states->n, 2);
    ck_assert_uint_eq(rule_states_take(setup.states, 0, 4, states, firings, &has_more), 2);
    for (size_t k = 0; k < 2; k++) {
        const bool is_a = strcmp(firings[k].session, "a") == 0;
        ck_assert_int_eq(firings[k].end, is_a ? RULE_END_SESSION : RULE_END_RULE);
    }
    end(&setup);
}

TEST(beyond_the_limit_a_session_is_left_out_and_counted)
{
    const struct setup_states setup = begin(1, 2);
    note(&setup, "a", true, 1);
    note(&setup, "b", true, 1);
    note(&setup, "c", true, 1);
    assert_counts(&setup, 2, 0);
    ck_assert_uint_eq(setup.states->n_left_out, 1);
    end(&setup);
}

TEST(news_waits_for_its_commit)
{
    const struct setup_states setup = begin(1, 2);
    const struct rule_session session = session_of("a");
    const struct rule_sample sample = { .step = 1, .commit = 5 };
    struct rule_state *state;
    struct firing firing;
    bool has_more;
    rule_states_note(setup.states, setup.entry, &session, true, &sample);
    ck_assert_uint_eq(rule_states_take(setup.states, 4, 1, &state, &firing, &has_more), 0);
    ck_assert(has_more);
    ck_assert_uint_eq(rule_states_take(setup.states, 5, 1, &state, &firing, &has_more), 1);
    ck_assert(!has_more);
    end(&setup);
}

TEST(what_was_left_is_due_as_it_was)
{
    const struct setup_states setup = begin(1, 1); /* also beyond the limit */
    struct firing firings[] = {
        { .rule = 7, .session = "told", .is_firing = true, .is_told = true },
        { .rule = 7, .session = "untold", .is_firing = true, .owes_firing = true },
        { .rule = 7, .session = "over", .is_told = true },
    };
    struct rule_state *states[4];
    struct firing taken[4];
    bool has_more;
    for (size_t k = 0; k < 3; k++) {
        ck_assert(rule_states_restore(setup.states, setup.entry, &firings[k]));
    }
    assert_counts(&setup, 2, 0);
    ck_assert_uint_eq(rule_states_take(setup.states, 0, 4, states, taken, &has_more), 3);
    for (size_t k = 0; k < 3; k++) {
        const enum rule_due due = strcmp(taken[k].session, "told") == 0     ? RULE_DUE_NOTHING
                                  : strcmp(taken[k].session, "untold") == 0 ? RULE_DUE_FIRING
                                                                            : RULE_DUE_END;
        ck_assert_int_eq(tell(&setup, states[k]), due);
    }
    end(&setup);
}

TEST(thousands_of_sessions_are_kept_apart)
{
    const struct setup_states setup = begin(2, LOTS);
    char id[32];
    for (int k = 0; k < LOTS; k++) {
        snprintf(id, sizeof id, "s-%d", k);
        note(&setup, id, true, 1);
    }
    assert_counts(&setup, 0, LOTS);
    for (int k = 0; k < LOTS; k++) {
        snprintf(id, sizeof id, "s-%d", k);
        note(&setup, id, k % 2 == 0, 2);
    }
    assert_counts(&setup, LOTS / 2, 0);
    ck_assert_uint_eq(setup.states->n, LOTS / 2);
    end(&setup);
}
