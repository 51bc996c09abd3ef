/* Notes on their way from several workers to the job thread. */
#include "recorded.h"
#include "service/random.h"
#include "service/sessions/outbox.h"
#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- several workers ---- */

/* Another worker of the same thread. */
static struct service_context *another_worker(struct world *world)
{
    struct service_context *context;
    ck_assert_int_eq(service_context_create(world->service, &context), STATUS_OK);
    return context;
}

static void swap_workers(struct world *world, struct service_context **other)
{
    struct service_context *context = world->context;
    world->context = *other;
    *other = context;
}

TEST(readings_that_workers_note_in_turns_come_in_the_order_of_the_steps)
{
    struct world world;
    start_recording(&world, false);
    struct service_context *other = another_worker(&world);
    for (uint64_t number = 1; number <= 300; number++) {
        expect_steps(&world, "s", 1, number, number);
        if (number % 7 < 3) {
            swap_workers(&world, &other);
        }
        if (number % 50 == 0) {
            flush_recorder(&world);
        }
        if (number == 100) {
            service_context_free(other);
            other = another_worker(&world);
        }
    }
    EXPECT_RECORDED(&world, "s", { 1, 1, 300 });
    /* a deletion too */
    delete_session(&world, "s");
    swap_workers(&world, &other);
    expect_steps(&world, "s", 2, 1, 5);
    EXPECT_RECORDED(&world, "s", { 2, 1, 5 });
    service_context_free(other);
    world_done(&world);
}

TEST(a_note_that_has_overtaken_an_earlier_ticket_waits_for_it)
{
    struct outboxes outboxes;
    const struct note *notes[4];
    const double x[1] = { 0 };
    outboxes_init(&outboxes);
    struct outbox *a = outbox_open(&outboxes), *b = outbox_open(&outboxes);
    const struct recorded one = { .model = "m", .session = "s", .step = 1, .x = x, .n_inputs = 1 };
    const struct recorded two = { .model = "m", .session = "s", .step = 2, .x = x, .n_inputs = 1 };
    outbox_take_ticket(a);
    outbox_take_ticket(b);
    ck_assert(outbox_put(b, &two, SIZE_MAX));
    outboxes_take(
        &outboxes); /* both tickets were out: b's note may be written, a's was of other sessions */
    ck_assert_uint_eq(outboxes_gather(&outboxes, notes, 4), 1);
    ck_assert(outbox_put(a, &one, SIZE_MAX));
    outboxes_take(&outboxes); /* nothing was let go: now in order */
    ck_assert_uint_eq(outboxes_gather(&outboxes, notes, 4), 2);
    ck_assert_uint_eq(notes[0]->number, 1);
    ck_assert_uint_eq(notes[1]->number, 2);
    ck_assert_str_eq(note_session(notes[0]), "s");
    ck_assert_str_eq(note_model(notes[0]), "m");
    outboxes_release(&outboxes);
    ck_assert_uint_eq(outboxes.n_bytes, 0);
    /* a ticket that was taken after the job thread had looked is held back */
    outbox_take_ticket(a);
    ck_assert(outbox_put(a, &one, SIZE_MAX));
    outboxes.next_ticket--;
    outboxes_take(&outboxes);
    outboxes.next_ticket++;
    ck_assert_uint_eq(outboxes_gather(&outboxes, notes, 4), 0);
    outboxes_release(&outboxes);
    outbox_close(a);
    outboxes_take(&outboxes);
    ck_assert_uint_eq(outboxes_gather(&outboxes, notes, 4), 1);
    outboxes_release(&outboxes);
    outboxes_take(&outboxes); /* frees a */
    ck_assert_ptr_eq(outboxes.newest, b);
    ck_assert_ptr_null(b->next);
    outboxes_done(&outboxes);
}

TEST(notes_of_any_size_come_out_as_they_went_in)
{
    enum { WIDEST = 65536, NOTES = 400 };
    struct outboxes outboxes;
    outboxes_init(&outboxes);
    struct outbox *outbox = outbox_open(&outboxes);
    double *x = calloc(WIDEST, sizeof *x);
    for (size_t k = 0; k < WIDEST; k++) {
        x[k] = (float)k;
    }
    size_t widths[NOTES];
    for (size_t k = 0; k < NOTES; k++) {
        widths[k] = k % 41 == 0 ? WIDEST : (k * 7919) % 3000;
        const struct recorded what = { .model = "model",
                                       .session = "session",
                                       .step = k,
                                       .x = k % 5 ? x : NULL,
                                       .n_inputs = widths[k] };
        outbox_take_ticket(outbox);
        ck_assert(outbox_put(outbox, &what, SIZE_MAX));
    }
    size_t n_seen = 0;
    outboxes_take(&outboxes);
    const struct note *notes[16];
    for (size_t n; (n = outboxes_gather(&outboxes, notes, 16)) > 0; outboxes_release(&outboxes)) {
        for (size_t k = 0; k < n; k++, n_seen++) {
            ck_assert_uint_eq(notes[k]->number, n_seen);
            ck_assert_uint_eq(notes[k]->n_inputs, n_seen % 5 ? widths[n_seen] : 0);
            ck_assert_int_eq(memcmp(notes[k]->x, x, notes[k]->n_inputs * sizeof *x), 0);
            ck_assert_str_eq(note_session(notes[k]), "session");
            ck_assert_str_eq(note_model(notes[k]), "model");
        }
    }
    ck_assert_uint_eq(n_seen, NOTES);
    ck_assert_uint_eq(outboxes.n_bytes, 0);
    free(x);
    outboxes_done(&outboxes);
}

enum { TEAM = 4, TEAM_SESSIONS = 12, TEAM_STEPS = 4000, TEAM_HISTORY = 4096 };

struct team {
    struct world world;
    _Atomic unsigned n_done, n_wrong;
};

struct member {
    struct team *team;
    uint64_t random;
    bool deletes;
    pthread_t thread;
};

/* A deletion that another worker was in the way of is called again in a later turn, as a request's
 * is. */
static enum status delete_when_free(struct service_context *context, const char *session)
{
    const struct model *model;
    struct fault fault;
    enum status status;
    do {
        service_context_turn(context);
        status = model_find(context, "m", &model, &fault);
        if (status == STATUS_OK) {
            status = session_delete(context, model, session, &fault);
        }
    } while (session_was_blocked(context) && status != STATUS_OK);
    return status;
}

/* Steps of sessions that all members share, with readings that none of them repeats; sometimes a
 * deletion. */
static void *step_and_delete(void *argument)
{
    struct member *member = argument;
    struct world *world = &member->team->world;
    struct service_context *context;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    if (service_context_create(world->service, &context) != STATUS_OK) {
        abort();
    }
    for (int k = 0; k < TEAM_STEPS; k++) {
        double x[INPUTS];
        struct step step = { .arena = &arena, .model_name = "m", .x = x };
        struct step *handed[] = { &step };
        uint64_t random = next_random(&member->random);
        snprintf(step.session, sizeof step.session, "s-%d", (int)(random % TEAM_SESSIONS));
        reading(random, 1, x);
        arena_reset(&arena);
        while (!step.is_done) {
            service_context_turn(context);
            service_steps(context, handed, 1);
        }
        member->team->n_wrong += step.fault.status != STATUS_OK;
        if (member->deletes && random % 64 == 0) {
            enum status status = delete_when_free(context, step.session);
            member->team->n_wrong += status != STATUS_OK && status != STATUS_SESSION_NOT_FOUND;
        }
    }
    arena_done(&arena);
    service_context_free(context);
    member->team->n_done++;
    return NULL;
}

/* The sessions themselves keep all readings since they began: that is what must have been
 * recorded. */
static void expect_all_recorded(struct team *team)
{
    for (int s = 0; s < TEAM_SESSIONS; s++) {
        char id[32];
        size_t n;
        snprintf(id, sizeof id, "s-%d", s);
        const struct gru_series *series = recorded_by(&team->world, id, &n);
        struct session session;
        struct world *world = &team->world;
        arena_reset(&world->arena);
        if (session_read(world->context, world_model(world), id, &world->arena, &session,
                         &world->fault) != STATUS_OK) {
            ck_assert_ptr_null(series);
            continue;
        }
        ck_assert_uint_lt(session.row.step, TEAM_HISTORY);
        if (session.row.step == 1) {
            continue; /* no sequence */
        }
        ck_assert_ptr_nonnull(series);
        ck_assert_uint_eq(n, 1);
        ck_assert_uint_eq(series->n_rows, session.row.step);
        expect_same_values(series->x, session.readings, series->n_rows * INPUTS);
    }
}

static void run_team(bool deletes)
{
    struct team team = { .n_done = 0 };
    struct member members[TEAM];
    world_init(&team.world);
    world_use_data(&team.world);
    team.world.config.record = ROWS;
    team.world.config.session_history = TEAM_HISTORY;
    world_start(&team.world);
    for (unsigned k = 0; k < TEAM; k++) {
        members[k] = (struct member){ .team = &team,
                                      .random = 88172645463325252ULL + k * 977,
                                      .deletes = deletes };
        ck_assert_int_eq(pthread_create(&members[k].thread, NULL, step_and_delete, &members[k]), 0);
    }
    while (atomic_load(&team.n_done) < TEAM) { /* this is the job thread */
        flush_recorder(&team.world);
        sched_yield();
    }
    for (unsigned k = 0; k < TEAM; k++) {
        ck_assert_int_eq(pthread_join(members[k].thread, NULL), 0);
    }
    ck_assert_uint_eq(team.n_wrong, 0);
    expect_all_recorded(&team);
    ck_assert_uint_eq(recorder_figure(&team.world, false), TEAM * TEAM_STEPS);
    ck_assert_uint_eq(recorder_figure(&team.world, true), 0);
    world_restart(&team.world);
    expect_all_recorded(&team);
    ck_assert_uint_eq(recorder_figure(&team.world, false), 0); /* nothing was left to recover */
    world_done(&team.world);
}

TEST(readings_of_sessions_that_workers_share_are_recorded_complete_and_in_order)
{
    run_team(false);
}

TEST(deletions_among_the_steps_of_several_workers_keep_their_place)
{
    run_team(true);
}
