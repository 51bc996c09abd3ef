/* Session files of other formats: older ones are read, newer ones are refused with both numbers. */
#include "formats.h"
#include "service/service_support.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT_AT = 8, CHECK_AT = 48, FIRST_FORMAT_SESSIONS = 5 };

/* A service on the data directory that the first release left. */
static const struct model *start_first_format(struct world *world, size_t n_history)
{
    const struct model *model;
    world_init(world);
    world_use_data(world);
    format_unpack(1, world->folder);
    world->config.session_history = n_history;
    world_start(world);
    ck_assert_int_eq(model_find(world->context, "pump", &model, &world->fault), STATUS_OK);
    return model;
}

TEST(sessions_of_the_first_format_are_all_there)
{
    static const struct {
        const char *id;
        uint64_t step;
    } due[] = { { "s-1", 40 }, { "s-2", 40 }, { "s-3", 40 }, { "fork-of-s-2", 41 } };
    for (size_t n_history = 4; n_history <= 8; n_history += 4) { /* as it is, and converted */
        struct world world;
        struct session session;
        const struct model *model = start_first_format(&world, n_history);
        ck_assert_uint_eq(atomic_load(&model->pool->n_sessions), FIRST_FORMAT_SESSIONS);
        for (size_t k = 0; k < sizeof due / sizeof *due; k++) {
            enum status status =
                session_read(world.context, model, due[k].id, &world.kept, &session, &world.fault);
            ck_assert_msg(status == STATUS_OK, "%s", world.fault.message);
            ck_assert_uint_eq(session.row.step, due[k].step);
            ck_assert_uint_eq(session.n_readings, n_history);
        }
        world_done(&world);
    }
}

TEST(a_newer_format_is_refused_with_both_numbers_and_left_alone)
{
    static const uint32_t formats[] = { 3, 7, UINT32_MAX };
    struct world world;
    char path[256], numbers[80];
    const struct model *model;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    expect_steps(&world, "s", 1, 1, 12);
    struct pool_options options = { .name = "m",
                                    .path = path,
                                    .layout = world_pool(&world)->layout,
                                    .session_max = world.config.session_max };
    world_stop(&world);
    snprintf(path, sizeof path, "%s/sessions/m.pool", world.data);
    struct bytes own = file_load(path), newer = file_load(path);
    for (size_t k = 0; k < sizeof formats / sizeof *formats; k++) {
        struct pool *pool;
        memcpy((char *)newer.p + FORMAT_AT, &formats[k], sizeof formats[k]);
        uint64_t check = digest_64(newer.p, CHECK_AT, 0);
        memcpy((char *)newer.p + CHECK_AT, &check, sizeof check);
        file_store(path, newer.p, newer.n);
        ck_assert_int_eq(pool_open(&options, &pool, &world.fault), STATUS_STORAGE_FAILED);
        snprintf(numbers, sizeof numbers,
                 "has format %u, but this version of grud reads up to 2: ", formats[k]);
        ck_assert_msg(strstr(world.fault.message, numbers) != NULL, "%s", world.fault.message);
        world_start(&world); /* the model is left out, the service runs */
        ck_assert_int_eq(model_find(world.context, "m", &model, &world.fault),
                         STATUS_MODEL_UNAVAILABLE);
        world_stop(&world);
        struct bytes after = file_load(path);
        ck_assert_uint_eq(after.n, newer.n);
        ck_assert_mem_eq(after.p, newer.p, newer.n);
        free(after.p);
    }
    file_store(path, own.p, own.n);
    world_start(&world);
    expect_twin(&world, "s", 1, 13);
    free(own.p);
    free(newer.p);
    world_done(&world);
}
