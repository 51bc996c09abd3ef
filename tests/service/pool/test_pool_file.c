/* The first page of a pool's file: whose sessions it holds; and what a failed sync means for what
 * is acknowledged. */
#include "service/failing_system.h"
#include "service/models/model_versions.h"
#include "service/service_support.h"
#include "test.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the owner ---- */

enum { OWNER_AT = 64, OWNER_BYTES = 88 }; /* the check, the digest of the names, the model's name */

static void pool_path(const struct world *world, const char *model, char path[256])
{
    snprintf(path, 256, "%s/sessions/%s.pool", world->data, model);
}

static struct bytes read_page(const char *path)
{
    struct bytes file = file_load(path);
    ck_assert_uint_ge(file.n, RECORD_PAGE);
    return file;
}

static void write_at(const char *path, size_t at, const void *bytes, size_t n)
{
    int fd = open(path, O_WRONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, bytes, n, (off_t)at), (ssize_t)n);
    close(fd);
}

static void begin(struct world *world)
{
    world_init(world);
    world_use_data(world);
    world_start(world);
    expect_steps(world, "s", 1, 1, 12);
}

/* That m is not served, and why. */
static void expect_refused(struct world *world, const char *why)
{
    struct pool *pool;
    const struct model *model;
    char path[256], options_path[PATH_MAX];
    world_start(world);
    ck_assert_int_eq(model_find(world->context, "m", &model, &world->fault),
                     STATUS_MODEL_UNAVAILABLE);
    pool_path(world, "m", path);
    struct bytes bytes = network_file(HIDDEN, SEED);
    const struct file_version file = { .number = 1 };
    struct version version;
    ck_assert_int_eq(version_make(&file, bytes.p, bytes.n, &version, &world->fault), STATUS_OK);
    struct model named = { .name = "m" };
    struct pool_options options =
        model_pool_options(world->service, &named, version.gru, options_path);
    ck_assert_int_eq(pool_open(&options, &pool, &world->fault), STATUS_STORAGE_FAILED);
    ck_assert_msg(strstr(world->fault.message, path) && strstr(world->fault.message, why), "%s",
                  world->fault.message);
    version_done(&version);
    free(bytes.p);
    world_stop(world);
}

TEST(a_file_of_another_model_is_refused_with_both_names)
{
    struct world world;
    char path[256], other[256];
    const struct model *model;
    begin(&world);
    world_add_model(&world, "n", network_file(HIDDEN, SEED + 1));
    world_restart(&world);
    ck_assert_int_eq(model_find(world.context, "n", &model, &world.fault), STATUS_OK);
    world_stop(&world);
    pool_path(&world, "m", path);
    pool_path(&world, "n", other);
    struct bytes own = file_load(path);
    struct bytes wrong = file_load(other);
    file_store(path, wrong.p, wrong.n);
    expect_refused(
        &world, "holds the sessions of model 'n', not those of 'm'; put it back under that name");
    struct bytes after = file_load(path);
    ck_assert_uint_eq(after.n, wrong.n); /* and left as it was */
    ck_assert_mem_eq(after.p, wrong.p, wrong.n);
    file_store(path, own.p, own.n);
    world_start(&world);
    expect_twin(&world, "s", 1, 13);
    free(own.p);
    free(wrong.p);
    free(after.p);
    world_done(&world);
}

TEST(a_file_of_a_model_of_that_name_with_other_inputs_is_refused)
{
    struct world world;
    char path[256];
    begin(&world);
    world_stop(&world);
    pool_path(&world, "m", path);
    struct bytes file = read_page(path);
    char owner[OWNER_BYTES];
    memcpy(owner, (char *)file.p + OWNER_AT, sizeof owner);
    owner[sizeof(uint64_t)] ^= 1; /* as other names would have it */
    uint64_t check = digest_64(owner + sizeof check, sizeof owner - sizeof check, 0);
    memcpy(owner, &check, sizeof check);
    write_at(path, OWNER_AT, owner, sizeof owner);
    expect_refused(&world, "here are 2 and 2, or they have other names");
    write_at(path, OWNER_AT, (char *)file.p + OWNER_AT, sizeof owner);
    free(file.p);
    world_start(&world);
    expect_twin(&world, "s", 1, 13);
    world_done(&world);
}

TEST(a_damaged_owner_is_refused)
{
    struct world world;
    char path[256];
    begin(&world);
    world_stop(&world);
    pool_path(&world, "m", path);
    struct bytes file = read_page(path);
    for (size_t at = 0; at < OWNER_BYTES; at += 7) {
        char byte = (char)(((char *)file.p)[OWNER_AT + at] ^ 4);
        write_at(path, OWNER_AT + at, &byte, 1);
        expect_refused(&world, "header is damaged");
        write_at(path, OWNER_AT + at, (char *)file.p + OWNER_AT + at, 1);
    }
    free(file.p);
    world_start(&world);
    expect_twin(&world, "s", 1, 13);
    world_done(&world);
}

/* Whether nothing of it is there, or a kill left a part of it without its check. */
TEST(a_file_of_before_is_claimed_and_loses_nothing)
{
    struct world world;
    char path[256];
    begin(&world);
    world_stop(&world);
    pool_path(&world, "m", path);
    struct bytes file = read_page(path);
    uint64_t number = 12;
    for (size_t n_written = 0; n_written <= OWNER_BYTES - sizeof(uint64_t); n_written += 5) {
        char owner[OWNER_BYTES] = { 0 };
        memcpy(owner + sizeof(uint64_t), (char *)file.p + OWNER_AT + sizeof(uint64_t), n_written);
        write_at(path, OWNER_AT, owner, sizeof owner);
        world_start(&world);
        expect_twin(&world, "s", 1, ++number);
        world_stop(&world);
        struct bytes claimed = read_page(path);
        ck_assert_mem_eq((char *)claimed.p + OWNER_AT, (char *)file.p + OWNER_AT, OWNER_BYTES);
        free(claimed.p);
    }
    free(file.p);
    world_done(&world);
}

TEST(a_file_of_before_is_not_claimed_by_a_model_that_it_does_not_fit)
{
    static const char nobody[OWNER_BYTES];
    struct world world;
    char path[256];
    const struct model *model;
    begin(&world);
    world_stop(&world);
    pool_path(&world, "m", path);
    write_at(path, OWNER_AT, nobody, sizeof nobody);
    world_add_model(&world, "m", network_file_of_other_shape());
    world_start(&world);
    ck_assert_int_eq(model_find(world.context, "m", &model, &world.fault),
                     STATUS_MODEL_UNAVAILABLE);
    world_stop(&world);
    struct bytes file = read_page(path);
    ck_assert_mem_eq((char *)file.p + OWNER_AT, nobody, sizeof nobody);
    free(file.p);
    world_add_model(&world, "m", network_file(HIDDEN, SEED));
    world_start(&world);
    expect_twin(&world, "s", 1, 13);
    world_done(&world);
}

TEST(a_state_of_a_version_that_is_gone_is_made_anew_from_its_readings)
{
    struct world world;
    begin(&world);
    expect_steps(&world, "short", 2, 1, 5);
    world_stop(&world);
    world_add_model(&world, "m",
                    network_file(HIDDEN, SEED + 1)); /* in the place of the other file */
    world_start(&world);
    double y[OUTPUTS], own[OUTPUTS];
    expect_step(&world, "short", 2, 6, y); /* all its readings were kept */
    twin(&world, NULL, 2, 1, 6, own);
    expect_same_values(y, own, OUTPUTS);
    expect_step(&world, "s", 1, 13, y); /* the last 8 were */
    twin(&world, NULL, 1, 5, 13, own);
    expect_same_values(y, own, OUTPUTS);
    world_done(&world);
}

/* ---- syncs ---- */

TEST(after_a_failed_sync_nothing_is_acknowledged_until_all_is_written_anew)
{
    struct world world;
    struct service_figures figures;
    world_init(&world);
    world_use_data(&world);
    world.config.sync_interval_ms = 0;
    world_start(&world);
    ck_assert_int_eq(step_with_seq(&world, "s", 1, 1), STATUS_OK);
    disk_fails = true;
    ck_assert_int_eq(step_with_seq(&world, "s", 1, 2), STATUS_STORAGE_FAILED);
    disk_fails = false; /* the sync that follows works, but says nothing of what came before */
    ck_assert_int_eq(step_with_seq(&world, "s", 1, 2), STATUS_STORAGE_FAILED);
    ck_assert_int_eq(step_with_seq(&world, "s", 1, 3), STATUS_STORAGE_FAILED);
    ck_assert_int_eq(step_with_seq(&world, "s", 1, 3), STATUS_STORAGE_FAILED);
    ck_assert_int_eq(world_delete(&world, "s"), STATUS_OK);
    ck_assert_int_eq(world_commit(&world), STATUS_STORAGE_FAILED);
    ck_assert_int_eq(step_with_seq(&world, "s", 1, 1), STATUS_STORAGE_FAILED);
    ck_assert_uint_eq(session_get(&world, "s").row.step, 1);
    ck_assert(service_is_degraded(world.service));
    ck_assert(!service_sync(world.service));
    service_read_figures(world.service, &figures);
    ck_assert_uint_gt(figures.n_failed_syncs, 0);
    disk_fails = true;
    world_restart(&world); /* which fails to write it anew, but serves */
    ck_assert_uint_eq(session_get(&world, "s").row.step, 1);
    disk_fails = false;
    ck_assert_int_eq(step_with_seq(&world, "s", 1, 1), STATUS_STORAGE_FAILED);
    world_restart(&world);
    ck_assert_int_eq(step_with_seq(&world, "s", 1, 1), STATUS_OK);
    ck_assert_int_eq(step_with_seq(&world, "s", 1, 2), STATUS_OK);
    ck_assert(!service_is_degraded(world.service));
    world_done(&world);
}
