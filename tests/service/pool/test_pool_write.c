/* Where the next copy goes: never over what a sync was for, or is at work on. */
#include "service/pool/pool_write.h"

#include "service/failing_system.h"
#include "service/pool/pool_journal.h"
#include "service/service_support.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static void begin(struct world *world)
{
    world_init(world);
    world_use_data(world);
    world->config.sync_interval_ms = 3600000;
    world_start(world);
}

/* Bytes of a record that may not change. */
struct kept {
    const char *at;
    char *bytes;
    size_t n;
};

static struct kept keep(const void *at, size_t n)
{
    struct kept kept = { .at = at, .bytes = malloc(n), .n = n };
    ck_assert_ptr_nonnull(kept.bytes);
    memcpy(kept.bytes, at, n);
    return kept;
}

static void expect_kept(struct kept *kept)
{
    ck_assert_mem_eq(kept->at, kept->bytes, kept->n);
    free(kept->bytes);
}

TEST(a_step_that_is_not_synced_is_written_over_and_the_synced_one_stays)
{
    struct world world;
    begin(&world);
    expect_steps(&world, "s", 1, 1, 5);
    ck_assert(service_sync(world.service));
    const struct record_layout *layout = world_layout(&world);
    char *record = world_record(&world, "s");
    struct record_copy *synced = record_newest(layout, record);
    struct kept kept = keep(synced, layout->copy_bytes);
    for (uint64_t number = 6; number < 20; number++) {
        expect_steps(&world, "s", 1, number, number);
        ck_assert_ptr_eq(world_record(&world, "s"), record);
        ck_assert_ptr_eq(record_newest(layout, record), record_other(layout, record, synced));
    }
    expect_kept(&kept);
    ck_assert(service_sync(world.service));
    expect_steps(&world, "s", 1, 20, 20);
    ck_assert_ptr_eq(record_newest(layout, record), synced); /* which is free now */
    world_done(&world);
}

/* ---- while the disk syncs ---- */

static struct {
    struct world world;
    char *before;
    struct kept kept;
    uint64_t next;
} syncing;

static void step_while_syncing(void)
{
    struct world *world = &syncing.world;
    while_syncing = NULL;
    size_t n_record = world_layout(world)->record_bytes;
    syncing.before = world_record(world, "s");
    syncing.kept = keep(syncing.before, n_record);
    for (int k = 0; k < 3; k++) {
        expect_twin(world, "s", 1, syncing.next++);
    }
}

static void step_during_a_sync(void)
{
    while_syncing = step_while_syncing;
    ck_assert(service_sync(syncing.world.service));
    ck_assert_ptr_null(while_syncing);
}

TEST(while_the_disk_syncs_a_session_moves_and_its_record_stays_as_it_is)
{
    struct world *world = &syncing.world;
    begin(world);
    expect_steps(world, "s", 1, 1, 5);
    syncing.next = 6;
    for (int round = 0; round < 5; round++) {
        expect_twin(world, "s", 1, syncing.next++);
        step_during_a_sync();
        ck_assert_ptr_ne(world_record(world, "s"), syncing.before);
        expect_kept(&syncing.kept); /* also its header: it counts until the other one is synced */
        ck_assert_int_eq(world_use_of(world, syncing.before), RECORD_IN_USE);
        ck_assert(service_sync(world->service));
        ck_assert_int_ne(world_use_of(world, syncing.before), RECORD_IN_USE);
    }
    ck_assert_uint_eq(model_n_sessions(world_model(world)), 1);
    ck_assert_uint_le(world_pool(world)->unused[0][0].n_fresh, 4); /* slots come back */
    world_restart(world);
    expect_twin(world, "s", 1, syncing.next);
    world_done(world);
}

TEST(without_room_to_move_a_step_is_written_over_and_counted)
{
    struct world *world = &syncing.world;
    begin(world);
    expect_steps(world, "s", 1, 1, 5);
    syncing.next = 6;
    struct pool *pool = world_pool(world);
    size_t n_slots = pool->n_slots;
    pool->n_slots = pool->unused[0][0].n_fresh;
    step_during_a_sync();
    pool->n_slots = n_slots;
    free(syncing.kept.bytes);
    ck_assert_ptr_eq(world_record(world, "s"), syncing.before);
    ck_assert_uint_eq(atomic_load(&pool->n_exposed), 1); /* then it is one that came after */
    world_restart(world);
    expect_twin(world, "s", 1, syncing.next);
    world_done(world);
}

/* ---- slots ---- */

TEST(what_no_sync_has_met_takes_no_room)
{
    struct world world;
    bool created;
    begin(&world);
    expect_steps(&world, "s", 1, 1, 5);
    ck_assert(service_sync(world.service));
    struct session session = session_get(&world, "s");
    const struct session_restore restore = restore_of(&session);
    for (int k = 0; k < 1000; k++) {
        ck_assert_int_eq(
            session_put(world.context, world_model(&world), "s", &restore, &created, &world.fault),
            STATUS_OK);
        expect_twin(&world, "other", 2, 1);
        ck_assert_int_eq(world_delete(&world, "other"), STATUS_OK);
    }
    ck_assert_uint_le(world_pool(&world)->unused[0][0].n_fresh, 5);
    expect_twin(&world, "s", 1, 6);
    world_done(&world);
}

TEST(an_ended_session_is_told_of_until_the_disk_has_forgotten_it)
{
    struct world world;
    begin(&world);
    expect_steps(&world, "s", 1, 1, 5);
    ck_assert(service_sync(world.service));
    char *record = world_record(&world, "s");
    ck_assert_int_eq(world_delete(&world, "s"), STATUS_OK);
    for (int n_syncs = 0; n_syncs < 4; n_syncs++) {
        ck_assert_int_eq(world_use_of(&world, record) == RECORD_ENDED, n_syncs < 2);
        ck_assert_int_eq(record_is_unborn(record), n_syncs >= 2);
        bool is_free = world_pool(&world)->unused[0][0].first_free == EXTENT_SLOTS_MAX;
        ck_assert_int_eq(is_free, n_syncs >= 3);
        ck_assert(service_sync(world.service));
    }
    expect_twin(&world, "s", 1, 1);
    world_done(&world);
}

/* ---- the journal ---- */

/* A kill in the middle: the copy is in the journal, and a part of it in its place. */
TEST(what_a_kill_has_cut_short_is_ended_from_the_journal)
{
    struct world world;
    begin(&world);
    expect_steps(&world, "s", 1, 1, 5);
    ck_assert(service_sync(world.service));
    expect_steps(&world, "s", 1, 6, 6);
    for (size_t n_written = 0; n_written <= world_layout(&world)->copy_bytes; n_written += 8) {
        struct pool *pool = world_pool(&world);
        const struct record_layout *layout = &pool->layouts_by_room[0][0];
        uint64_t number = session_get(&world, "s").row.step;
        struct record_copy *place = record_newest(layout, world_record(&world, "s"));
        struct kept before = keep(place, layout->copy_bytes);
        expect_steps(&world, "s", 1, number + 1, number + 1);
        ck_assert_ptr_eq(record_newest(layout, world_record(&world, "s")), place);
        struct kept after = keep(place, layout->copy_bytes);
        memcpy((char *)place + n_written, before.bytes + n_written, before.n - n_written);
        /* As journal_write leaves an entry before it copies. */
        char *entry = pool->journal;
        uint64_t which = place == record_copy_at(layout, world_record(&world, "s"), 1);
        uint64_t target = ((uint64_t)EXTENT_SLOTS_MAX << 1 | which) + 1; /* behind the journal */
        memcpy(entry + sizeof target, after.bytes, after.n);
        memcpy(entry, &target, sizeof target);
        free(before.bytes);
        free(after.bytes);
        world_restart(&world);
        ck_assert_uint_eq(session_get(&world, "s").row.step, number + 1);
        expect_twin(&world, "s", 1, number + 2);
    }
    world_done(&world);
}
