/* Opening a pool's file when it was never finished, and moving its sessions to records of another
 * size: what the next process finds, whatever went wrong. */
#include "service/failing_system.h"
#include "service/service_support.h"
#include "test.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void pool_path(const struct world *world, char path[256])
{
    snprintf(path, 256, "%s/sessions/m.pool", world->data);
}

/* ---- opening ---- */

/* A kill while a file is begun leaves it under another name. */
TEST(a_file_whose_beginning_was_cut_short_is_begun_anew)
{
    struct world world;
    char path[256], beside[256];
    world_start_with_data(&world);
    expect_steps(&world, "s", 1, 1, 12);
    world_stop(&world);
    pool_path(&world, path);
    snprintf(beside, sizeof beside, "%s/sessions/m.pool.new", world.data);
    struct bytes file = file_load(path);
    for (size_t n_written = 0; n_written < 200; n_written += 13) {
        ck_assert_int_eq(unlink(path), 0);
        file_store(beside, file.p, n_written);
        world_start(&world);
        ck_assert(!file_exists(beside));
        expect_twin(&world, "s", 1, 1);
        world_restart(&world);
        expect_twin(&world, "s", 1, 2);
        world_stop(&world);
    }
    free(file.p);
    world_done(&world);
}

TEST(a_file_that_cannot_be_begun_leaves_nothing)
{
    struct world world;
    const struct model *model;
    char path[256];
    world_init(&world);
    world_use_data(&world);
    disk_fails = true;
    world_start(&world);
    ck_assert_int_eq(model_find(world.context, "m", &model, &world.fault),
                     STATUS_MODEL_UNAVAILABLE);
    pool_path(&world, path);
    ck_assert(!file_exists(path));
    disk_fails = false;
    world_restart(&world);
    expect_twin(&world, "s", 1, 1);
    world_done(&world);
}

/* ---- moving to another layout ---- */

/* A power failure would bring the old file back, with none of the steps that the new one has had.
 */
TEST(a_converted_file_whose_place_is_not_durable_acknowledges_nothing)
{
    struct world world;
    world_start_with_data(&world);
    expect_steps(&world, "s", 1, 1, 12);
    world.config.sync_interval_ms = 0;
    world_put_version(&world, network_file(HIDDEN + 4, SEED));
    folder_syncs_left = 0; /* where it is put */
    world_activate(&world, 2);
    ck_assert_int_eq(step_with_seq(&world, "s", 1, 13), STATUS_STORAGE_FAILED);
    ck_assert(service_is_degraded(world.service));
    world_restart(&world); /* nor can it be made so now */
    ck_assert_int_eq(step_with_seq(&world, "s", 1, 13), STATUS_STORAGE_FAILED);
    folder_syncs_left = INT_MAX;
    world_restart(&world);
    ck_assert_int_eq(step_with_seq(&world, "s", 1, 13), STATUS_OK);
    ck_assert(!service_is_degraded(world.service));
    world_done(&world);
}

TEST(a_conversion_keeps_times_to_live_and_tombstones_and_figures)
{
    struct world world;
    world_start_with_data(&world);
    unsigned other = world_put_version(&world, network_file(9, 9));
    const struct session_restore own = { .ttl_s = 50 };
    bool created;
    for (unsigned round = 0; round < 4; round++) {
        char id[32], gone[32];
        snprintf(id, sizeof id, "own%d", (int)round);
        snprintf(gone, sizeof gone, "gone%d", (int)round);
        ck_assert_int_eq(
            session_put(world.context, world_model(&world), id, &own, &created, &world.fault),
            STATUS_OK);
        ck_assert_int_eq(
            session_put(world.context, world_model(&world), gone, &own, &created, &world.fault),
            STATUS_OK);
        world_age(&world, gone, 60000);
        service_tick(world.service);
        world_activate(&world, round % 2 ? 1 : other);
        ck_assert_uint_eq(atomic_load(&world_pool(&world)->n_own_ttl), 1);
        ck_assert_int_eq(session_get(&world, id).ttl_s, 50);
        expect_fault(&world, gone, STATUS_SESSION_EXPIRED);
        expect_fault(&world, "gone0", STATUS_SESSION_EXPIRED);
        struct service_figures figures;
        service_read_figures(world.service, &figures);
        ck_assert_uint_eq(figures.n_sessions_created, 2 * round + 2);
        ck_assert_uint_eq(figures.n_sessions_expired, 2 * round + 1);
        world_age(&world, id, 60000);
        service_tick(world.service);
        ck_assert_uint_eq(model_n_sessions(world_model(&world)), 0);
        ck_assert_uint_eq(atomic_load(&world_pool(&world)->n_own_ttl), 0);
    }
    world_done(&world);
}

TEST(a_full_pool_of_large_records_becomes_one_of_small_records)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world.config.session_max = 50;
    world.config.session_history = 2000;
    world_start(&world);
    char id[32];
    for (uint64_t s = 0; s < 50; s++) {
        snprintf(id, sizeof id, "s%d", (int)s);
        expect_steps(&world, id, s, 1, 3);
    }
    world.config.session_history = 4;
    world_restart(&world);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 50);
    for (uint64_t s = 0; s < 50; s++) {
        snprintf(id, sizeof id, "s%d", (int)s);
        expect_twin(&world, id, s, 4);
    }
    world_done(&world);
}

TEST(a_conversion_that_was_interrupted_leaves_nothing_in_the_way)
{
    struct world world;
    world_start_with_data(&world);
    expect_steps(&world, "s", 1, 1, 3);
    unsigned other = world_put_version(&world, network_file(9, 9));
    world_stop(&world);
    char path[256];
    snprintf(path, sizeof path, "%s/sessions/m.pool.new", world.data);
    file_store(path, "half", 4);
    world_start(&world);
    ck_assert(!file_exists(path));
    file_store(path, "half", 4);
    world_activate(&world, other);
    expect_twin(&world, "s", 1, 4);
    ck_assert(!file_exists(path));
    world_done(&world);
}

TEST(a_conversion_that_does_not_fit_the_disk_changes_nothing)
{
    struct world world;
    world_start_with_data(&world);
    char path[256], id[32];
    const struct model *model;
    snprintf(path, sizeof path, "%s/sessions/m.pool.new", world.data);
    for (uint64_t s = 0; s < 100; s++) {
        snprintf(id, sizeof id, "s%d", (int)s);
        expect_steps(&world, id, s, 1, 3);
    }
    unsigned large = world_put_version(&world, network_file(200, 9));
    service_context_turn(world.context);
    disk_limit(atomic_load(&world_pool(&world)->region.size) + 1000);
    enum status status = model_activate(world.context, "m", large, &model, &world.fault);
    disk_limit(0);
    ck_assert_int_eq(status, STATUS_STORAGE_FAILED);
    ck_assert(!file_exists(path));
    for (uint64_t number = 4; number <= 5; number++) {
        ck_assert_uint_eq(world_model(&world)->active->number, 1);
        for (uint64_t s = 0; s < 100; s++) {
            snprintf(id, sizeof id, "s%d", (int)s);
            expect_twin(&world, id, s, number);
        }
        expect_fault(&world, number == 4 ? "new4" : "new5", STATUS_OK);
        world_restart(&world);
    }
    world_activate(&world, large);
    expect_twin(&world, "s7", 7, 6);
    world_done(&world);
}
