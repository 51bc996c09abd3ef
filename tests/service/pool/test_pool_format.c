/* Session files of other formats: older ones are read, newer ones are refused with both numbers. */
#include "formats.h"
#include "service/failing_system.h"
#include "service/pool/pool_extents.h"
#include "service/service_support.h"
#include "service/sessions/session_figures.h"
#include "test.h"

#include <math.h>
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

/* ---- a pool of many, which the last build of a format left: sessions.tar.gz ---- */

enum { MANY = 200, MANY_LIVE = 180, FORMAT_1_TTL = 1000000000 };

/* The states are of another build, whose kernels may round otherwise. */
static void expect_close_to_twin(struct world *world, const char *id, uint64_t stream,
                                 uint64_t number)
{
    double y[OUTPUTS], own[OUTPUTS];
    expect_step(world, id, stream, number, y);
    twin(world, NULL, stream, 1, number, own);
    for (size_t o = 0; o < OUTPUTS; o++) {
        ck_assert_float_eq_tol(y[o], own[o], 1e-5F);
    }
}

/* What was done to them: session s had 1 + 7 s mod 23 readings of stream s; each tenth was deleted,
 * each tenth had a time to live. */
static void expect_many(struct world *world, uint64_t n_more)
{
    ck_assert_uint_eq(model_n_sessions(world_model(world)), MANY_LIVE);
    for (uint64_t s = 0; s < MANY; s++) {
        char id[32];
        if (s % 10 == 9) {
            continue;
        }
        snprintf(id, sizeof id, "s%d", (int)s);
        arena_reset(&world->kept);
        struct session session = session_get(world, id);
        uint64_t step = 1 + s * 7 % 23 + n_more, n = step < 8 ? step : 8;
        ck_assert_uint_eq(session.row.step, step);
        ck_assert_int_eq(session.ttl_s, s % 10 == 3 ? (int64_t)(FORMAT_1_TTL + s) : -1);
        ck_assert_uint_eq(session.n_readings, n);
        ck_assert(step == 1 || session.errors.n[0] == step - 1);
        double *x = readings(s, step - n + 1, step);
        expect_same_values(session.readings, x, n * INPUTS);
        free(x);
        expect_close_to_twin(world, id, s, step + 1);
    }
}

static void unpack_many(struct world *world, unsigned format, char path[256])
{
    world_init(world);
    world_use_data(world);
    world->config.session_max = MANY;
    format_unpack_archive(format, "sessions", world->data);
    snprintf(path, 256, "%s/sessions/m.pool", world->data);
}

static void expect_many_go_on(unsigned former)
{
    struct world world;
    char path[256];
    unpack_many(&world, former, path);
    for (uint64_t restart = 0; restart < 3; restart++) {
        world_start(&world);
        expect_many(&world, restart);
        world_stop(&world);
    }
    struct bytes file = file_load(path);
    uint32_t format;
    memcpy(&format, (char *)file.p + FORMAT_AT, sizeof format);
    ck_assert_uint_eq(format, 6);
    free(file.p);
    world_start(&world);
    world_done(&world);
}

TEST(many_sessions_of_the_first_format_go_on_as_they_were)
{
    expect_many_go_on(1);
}

/* Of that file's last moments: steps after the last sync, sessions that had just moved, ended ones,
 * and of s6 a step of which only the journal had all. */
TEST(many_sessions_of_the_second_format_go_on_as_they_were)
{
    expect_many_go_on(2);
}

/* The same of that one. */
TEST(many_sessions_of_the_third_format_go_on_as_they_were)
{
    expect_many_go_on(3);
}

/* Records of former formats had room for the longest id. */
TEST(sessions_of_a_former_format_take_the_room_that_their_ids_need)
{
    struct world world;
    char path[256];
    for (unsigned former = 1; former <= 3; former++) {
        unpack_many(&world, former, path);
        world_start(&world);
        ck_assert_uint_eq(atomic_load(&world_pool(&world)->n_record_bytes),
                          MANY_LIVE * (size_t)world_layout(&world)->record_bytes);
        world_done(&world);
    }
}

/* Of their errors a count and two means were known. */
TEST(errors_of_a_former_format_go_on)
{
    struct world world;
    char path[256];
    unpack_many(&world, 3, path);
    world_start(&world);
    const struct session before = session_get(&world, "s6");
    expect_steps(&world, "s6", 6, before.row.step + 1, before.row.step + 30);
    struct session after = session_get(&world, "s6");
    ck_assert_uint_eq(after.errors.n[0], before.errors.n[0] + 30);
    ck_assert(before.errors.mae[0] > 0 && after.errors.mae[0] > 0);
    ck_assert_int_eq(session_figures_read(&after, &world.kept, &world.fault), STATUS_OK);
    const struct error_figures *all = after.figures->of_outputs[ERROR_SPAN_ALL],
                               *recent = after.figures->of_outputs[ERROR_SPAN_RECENT];
    ck_assert(fabs(all[0].values[ERROR_MAE] - (double)after.errors.mae[0]) < 1e-6);
    ck_assert(isnan(all[0].values[ERROR_SMAPE]) && isnan(all[0].values[ERROR_CORR]) &&
              isnan(all[0].values[ERROR_RSE]) && all[0].values[ERROR_MASE] > 0);
    for (enum error_measure k = ERROR_MAE; k < ERROR_COVERAGE; k++) {
        ck_assert_int_eq(isnan(recent[0].values[k]), k == ERROR_SKILL_VS_SEASONAL_NAIVE);
    }
    world_done(&world);
}

static void expect_left_alone(unsigned former)
{
    struct world world;
    char path[256], beside[300];
    const struct model *model;
    unpack_many(&world, former, path);
    snprintf(beside, sizeof beside, "%s.new", path);
    struct bytes before = file_load(path);
    disk_fails = true; /* the new one cannot be synced */
    world_start(&world);
    disk_fails = false;
    ck_assert_int_ne(model_find(world.context, "m", &model, &world.fault), STATUS_OK);
    world_stop(&world);
    struct bytes after = file_load(path);
    ck_assert_uint_eq(after.n, before.n);
    ck_assert_mem_eq(after.p, before.p, before.n);
    ck_assert(!file_exists(beside));
    free(before.p);
    free(after.p);
    world_start(&world);
    expect_many(&world, 0);
    world_done(&world);
}

/* One byte at a time: it is refused, or all sessions are there that it does not belong to. */
static void expect_read_as_far_as_it_is_whole(unsigned former, size_t head_bytes)
{
    enum { TRIALS = 100 };
    struct world world;
    char path[256];
    size_t n_refused = 0;
    unpack_many(&world, former, path);
    struct bytes whole = file_load(path);
    for (size_t trial = 0; trial < TRIALS; trial++) {
        const struct model *model;
        char *bytes = whole.p;
        size_t at = trial % 4 ? trial * 7919 % whole.n : trial;
        bytes[at] ^= 16;
        file_store(path, whole.p, whole.n);
        bytes[at] ^= 16;
        world_start(&world);
        if (model_find(world.context, "m", &model, &world.fault) == STATUS_OK) {
            ck_assert_uint_ge(model_n_sessions(model), MANY_LIVE - 1);
            ck_assert_uint_le(model_n_sessions(model), MANY_LIVE + 1);
        } else {
            ck_assert_uint_lt(at, head_bytes);
            n_refused++;
        }
        world_stop(&world);
    }
    ck_assert_uint_gt(n_refused, 0);
    free(whole.p);
    world_done(&world);
}

TEST(a_damaged_file_of_a_former_format_is_read_as_far_as_it_is_whole)
{
    expect_read_as_far_as_it_is_whole(2, RECORD_PAGE);
    expect_read_as_far_as_it_is_whole(3, POOL_HEAD_BYTES);
}

TEST(a_file_of_a_former_format_that_cannot_be_written_anew_is_left_alone)
{
    expect_left_alone(1);
    expect_left_alone(2);
    expect_left_alone(3);
}

/* ---- other formats ---- */

TEST(a_newer_format_is_refused_with_both_numbers_and_left_alone)
{
    static const uint32_t formats[] = { 7, 8, UINT32_MAX };
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
                 "has format %u, but this version of grud reads up to 6: ", formats[k]);
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
