/* The life of the service: what it is refused to start with, and when it syncs. */
#include "base/clock.h"
#include "service/failing_system.h"
#include "service/service_support.h"
#include "test.h"

#include <string.h>
#include <unistd.h>

/* ---- the start ---- */

TEST(a_second_daemon_on_one_data_directory_is_refused)
{
    struct world world;
    world_start_with_data(&world);
    struct service *second = NULL;
    struct fault fault;
    ck_assert_int_eq(service_create(&world.config, &second, &fault), STATUS_STORAGE_FAILED);
    ck_assert_msg(strstr(fault.message, "another grud is using"), "%s", fault.message);
    ck_assert_str_eq(fault.param, "data");
    ck_assert_ptr_null(second);
    expect_twin(&world, "s", 1, 1);
    world_restart(&world); /* the lock goes with its holder */
    expect_twin(&world, "s", 1, 2);
    world_done(&world);
}

TEST(directories_that_are_not_there_are_refused)
{
    struct world world;
    world_init(&world);
    struct service *service = NULL;
    struct fault fault;
    world.config.models = "/nonexistent/models";
    ck_assert_int_eq(service_create(&world.config, &service, &fault), STATUS_STORAGE_FAILED);
    ck_assert(!fault_may_pass(&fault) && strcmp(fault.param, "models") == 0);
    ck_assert(strstr(fault.message, "/nonexistent/models"));
    world.config.models = world.models;
    world.config.data = "/nonexistent/data";
    ck_assert_int_eq(service_create(&world.config, &service, &fault), STATUS_STORAGE_FAILED);
    ck_assert(!fault_may_pass(&fault) && strcmp(fault.param, "data") == 0);
    ck_assert(strstr(fault.message, "/nonexistent/data"));
    world_done(&world);
}

/* ---- syncs ---- */

TEST(a_failed_sync_of_the_interval_is_not_made_good_by_the_next)
{
    struct world world;
    world_start_with_data(&world);
    expect_steps(&world, "s", 1, 1, 12);
    disk_fails = true;
    ck_assert(!service_sync(world.service));
    disk_fails = false;
    ck_assert(!service_sync(world.service));
    ck_assert(service_is_degraded(world.service));
    expect_twin(&world, "s", 1, 13); /* which promises nothing of the disk */
    world_restart(&world);
    ck_assert(service_sync(world.service));
    ck_assert(!service_is_degraded(world.service));
    expect_twin(&world, "s", 1, 14);
    world_done(&world);
}

static uint64_t syncs_of_a_tick(struct world *world)
{
    struct service_figures before, after;
    service_read_figures(world->service, &before);
    service_tick(world->service);
    service_read_figures(world->service, &after);
    return after.n_syncs - before.n_syncs;
}

TEST(a_wall_clock_that_is_set_back_keeps_nothing_from_the_disk)
{
    struct world world;
    world_start_with_data(&world);
    world.config.sync_interval_ms = 1;
    usleep(2000);
    ck_assert_uint_eq(syncs_of_a_tick(&world), 1);
    set_back_s = 3600;
    usleep(2000);
    ck_assert_uint_eq(syncs_of_a_tick(&world), 1);
    set_back_s = 0;
    world_done(&world);
}

/* The clock that says when is as old as the machine, not as the service. */
TEST(the_first_sync_is_an_interval_after_the_start)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world.config.sync_interval_ms = (size_t)(clock_monotonic_ms() / 2);
    world_start(&world);
    ck_assert_uint_eq(syncs_of_a_tick(&world), 0);
    world_done(&world);
}

/* Steps wait for what they write themselves, and not for what was written before. */
TEST(an_interval_that_becomes_0_is_followed_by_one_more_sync)
{
    struct world world;
    world_start_with_data(&world);
    world.config.sync_interval_ms = 3600000;
    service_tick(world.service);
    ck_assert_uint_eq(syncs_of_a_tick(&world), 0);
    world.config.sync_interval_ms = 0;
    ck_assert_uint_eq(syncs_of_a_tick(&world), 1);
    ck_assert_uint_eq(syncs_of_a_tick(&world), 0);
    world_done(&world);
}

TEST(a_sync_that_is_due_is_left_to_the_disk_thread)
{
    struct world world;
    struct fault fault;
    struct service_figures figures = { .n_syncs = 0 };
    world_start_with_data(&world);
    ck_assert_int_eq(service_start_disk(world.service, &fault), STATUS_OK);
    world.config.sync_interval_ms = 1;
    for (int k = 0; figures.n_syncs < 2; k++) { /* one follows the other */
        ck_assert_int_lt(k, 60000);
        usleep(1000);
        service_tick(world.service);
        service_read_figures(world.service, &figures);
    }
    world_done(&world);
}
