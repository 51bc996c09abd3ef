/* Records of other classes: what is behind a session's state goes where the session goes. */
#include "service/models/model_versions.h"
#include "service/pool/pool_extents.h"
#include "service/pool/pool_write.h"
#include "service/service_support.h"
#include "test.h"

#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct pool_class kinds[] = { { .tail_bytes = 24, .tail_format = 1, .meaning = "a" },
                                           { .tail_bytes = 4000, .tail_format = 1, .meaning = "b" },
                                           { .tail_bytes = 24, .tail_format = 2, .meaning = "a" } };

/* The world's pool with those classes in the place of its own. */
static void convert(struct world *world, const struct pool_class *classes, size_t n)
{
    char path[PATH_MAX];
    struct model *model = (struct model *)(uintptr_t)world_model(world);
    struct pool_options options =
        model_pool_options(world->service, model, model->active->gru, path);
    memcpy(options.classes, classes, n * sizeof *classes);
    options.n_classes = n;
    struct pool *old = model->pool;
    enum status status = pool_convert(&options, old, &model->pool, &world->fault);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
    pool_unref(old);
}

static void begin(struct world *world, bool on_disk)
{
    world_init(world);
    if (on_disk) {
        world_use_data(world);
    }
    world_start(world);
    expect_steps(world, "s", 1, 1, 5);
    expect_steps(world, "other", 2, 1, 5);
    convert(world, kinds, 2);
}

static uint32_t claim(struct world *world, const char *id)
{
    struct pool_key key = pool_key_of(id);
    uint32_t slot;
    ck_assert_int_eq(pool_claim(world_pool(world), &key, OWNER_MAIN, 1, &slot, &world->fault),
                     CLAIM_OK);
    return slot;
}

static unsigned class_of(struct world *world, const char *id)
{
    uint32_t slot = claim(world, id);
    pool_release(world_pool(world), slot);
    return pool_extent(world_pool(world), slot)->record_class;
}

static void raise(struct world *world, const char *id, unsigned record_class, int byte)
{
    struct pool *pool = world_pool(world);
    uint32_t slot = claim(world, id);
    struct record_copy *copy = calloc(1, pool->copy_bytes_max);
    ck_assert_ptr_nonnull(copy);
    const struct record_layout *layout = &pool->layouts[record_class];
    memset(record_tail(layout, copy), byte, layout->tail_bytes);
    ck_assert_int_eq(pool_raise(pool, &slot, record_class, OWNER_MAIN, copy, &world->fault),
                     CLAIM_OK);
    pool_release(pool, slot);
    free(copy);
}

static void expect_tail(struct world *world, const char *id, unsigned record_class, int byte)
{
    struct pool *pool = world_pool(world);
    uint32_t slot = claim(world, id);
    const struct record_layout *layout = pool_layout(pool, slot);
    struct record_copy *copy = pool_newest(pool, slot);
    const char *tail = record_tail(layout, copy);
    ck_assert_uint_eq(pool_extent(pool, slot)->record_class, record_class);
    ck_assert_uint_eq(layout->tail_bytes, record_class ? kinds[record_class - 1].tail_bytes : 0);
    for (size_t k = 0; k < layout->tail_bytes; k++) {
        ck_assert_int_eq(tail[k], byte);
    }
    ck_assert(isnan(copy->last_at));
    pool_release(pool, slot);
}

TEST(a_session_that_is_raised_goes_on_as_if_nothing_were)
{
    for (int on_disk = 0; on_disk < 2; on_disk++) {
        struct world world;
        begin(&world, on_disk);
        struct session before = session_get(&world, "s");
        raise(&world, "s", 1, 7);
        struct session after = session_get(&world, "s");
        ck_assert_uint_eq(after.row.step, before.row.step);
        ck_assert_int_eq(after.row.created_at_ms, before.row.created_at_ms);
        ck_assert_uint_eq(after.n_readings, before.n_readings);
        expect_same_values(after.readings, before.readings, before.n_readings * INPUTS);
        expect_tail(&world, "s", 1, 7);
        for (uint64_t number = 6; number < 30; number++) {
            expect_twin(&world, "s", 1, number);
            expect_tail(&world, "s", 1, 7);
            ck_assert(number % 3 || service_sync(world.service));
        }
        raise(&world, "s", 2, 8);
        raise(&world, "other", 2, 9);
        expect_tail(&world, "s", 2, 8);
        expect_tail(&world, "other", 2, 9);
        expect_twin(&world, "s", 1, 30);
        expect_twin(&world, "other", 2, 6);
        ck_assert_uint_eq(model_n_sessions(world_model(&world)), 2);
        world_done(&world);
    }
}

/* The bytes that sessions take are those of their classes. */
TEST(sessions_count_by_the_size_of_their_class)
{
    struct world world;
    begin(&world, false);
    struct pool *pool = world_pool(&world);
    ck_assert_uint_eq(atomic_load(&pool->memory->n_bytes), 2 * pool_record_bytes(pool, 0, 1));
    raise(&world, "s", 2, 1);
    ck_assert_uint_eq(atomic_load(&pool->memory->n_bytes),
                      pool_record_bytes(pool, 0, 1) + pool_record_bytes(pool, 2, 1));
    ck_assert_uint_ge(pool_record_bytes(pool, 2, 1), pool_record_bytes(pool, 0, 1) + 8000);
    ck_assert_int_eq(world_delete(&world, "s"), STATUS_OK);
    ck_assert_uint_eq(atomic_load(&pool->memory->n_bytes), pool_record_bytes(pool, 0, 1));
    world_done(&world);
    struct world none;
    begin(&none, false);
    ck_assert_uint_eq(world_pool(&none)->unused[1][0].n_fresh,
                      0); /* who asks for none pays nothing */
    ck_assert_uint_eq(world_pool(&none)->n_extents, 2);
    world_done(&none);
}

/* A restart with the service's own options, which have no classes, would drop the tails. */
static void reopen(struct world *world, const struct pool_class *classes, size_t n)
{
    char path[PATH_MAX];
    struct model *model = (struct model *)(uintptr_t)world_model(world);
    struct pool_options options =
        model_pool_options(world->service, model, model->active->gru, path);
    memcpy(options.classes, classes, n * sizeof *classes);
    options.n_classes = n;
    pool_unref(model->pool);
    enum status status = pool_open(&options, &model->pool, &world->fault);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
}

TEST(tails_outlive_the_process)
{
    struct world world;
    begin(&world, true);
    for (int k = 0; k < 300; k++) { /* more than an extent of each class */
        char id[32];
        snprintf(id, sizeof id, "t%d", k);
        expect_steps(&world, id, 3, 1, 1);
        if (k % 3) {
            raise(&world, id, (unsigned)k % 3, k % 100);
        }
    }
    ck_assert_uint_gt(world_pool(&world)->n_extents, 6);
    for (int restart = 0; restart < 2; restart++) {
        reopen(&world, kinds, 2);
        ck_assert_uint_eq(model_n_sessions(world_model(&world)), 302);
        for (int k = 0; k < 300; k++) {
            char id[32];
            snprintf(id, sizeof id, "t%d", k);
            expect_tail(&world, id, (unsigned)k % 3, k % 100);
            expect_twin(&world, id, 3, (uint64_t)restart + 2);
        }
    }
    world_done(&world);
}

/* By what they are, not by their number; and only the tails are others, so no state is lost. */
TEST(a_tail_is_kept_where_there_is_a_class_of_its_kind)
{
    const struct pool_class turned[] = { kinds[2], kinds[1] }; /* "b" is the second of both */
    struct world world;
    begin(&world, true);
    raise(&world, "s", 1, 3);
    raise(&world, "other", 2, 4);
    reopen(&world, turned, 2);
    ck_assert_uint_eq(class_of(&world, "s"), 0);
    expect_tail(&world, "other", 2, 4);
    expect_twin(&world, "s", 1, 6);
    expect_twin(&world, "other", 2, 6);
    convert(&world, &kinds[1], 1);
    ck_assert_uint_eq(class_of(&world, "other"), 1);
    convert(&world, kinds, 0);
    ck_assert_uint_eq(class_of(&world, "other"), 0);
    expect_twin(&world, "other", 2, 7);
    world_done(&world);
}

/* ---- power ---- */

enum { SECTOR = 512, TRIALS = 300 };

static struct bytes image_of(struct world *world)
{
    struct pool *pool = world_pool(world);
    struct bytes image = { .n = atomic_load(&pool->region.size) };
    image.p = malloc(image.n);
    ck_assert_ptr_nonnull(image.p);
    ck_assert_int_eq(pread(pool->region.fd, image.p, image.n, 0), (ssize_t)image.n);
    return image;
}

/* Of each sector what it was at the last sync (one in `n_each` of them), or what it was at the end.
 */
static void mix(const struct bytes *old, const struct bytes *now, int n_each, const char *path)
{
    char *bytes = malloc(now->n);
    ck_assert_ptr_nonnull(bytes);
    for (size_t at = 0; at < now->n; at += SECTOR) {
        bool is_old = rand() % n_each == 0; // NOLINT: any will do
        if (is_old && at + SECTOR <= old->n) {
            memcpy(bytes + at, (char *)old->p + at, SECTOR);
        } else if (is_old) {
            memset(bytes + at, 0, SECTOR);
        } else {
            memcpy(bytes + at, (char *)now->p + at, SECTOR);
        }
    }
    file_store(path, bytes, now->n);
    free(bytes);
}

/* Whichever sectors reach the disk: it is as it was, or it has been raised and has all of its new
 * tail. */
TEST(a_power_failure_while_a_session_is_raised_leaves_one_or_the_other)
{
    struct world world;
    char path[PATH_MAX], copy_path[PATH_MAX];
    begin(&world, true);
    ck_assert(service_sync(world.service));
    struct bytes old = image_of(&world);
    raise(&world, "s", 2, 5);
    raise(&world, "other", 1, 6);
    expect_twin(&world, "other", 2, 6);
    struct bytes now = image_of(&world);
    struct model *model = (struct model *)(uintptr_t)world_model(&world);
    struct pool_options options =
        model_pool_options(world.service, model, model->active->gru, path);
    memcpy(options.classes, kinds, 2 * sizeof *kinds);
    options.n_classes = 2;
    options.memory = NULL;
    snprintf(copy_path, sizeof copy_path, "%s/mixture", world.folder);
    options.path = copy_path;
    size_t n_raised = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        struct pool *pool, *own = model->pool;
        mix(&old, &now, 2 + trial % 30, copy_path);
        ck_assert_int_eq(pool_open(&options, &pool, &world.fault), STATUS_OK);
        model->pool = pool;
        unsigned is_raised = class_of(&world, "s"), is_other = class_of(&world, "other");
        expect_tail(&world, "s", is_raised ? 2 : 0, 5);
        expect_tail(&world, "other", is_other ? 1 : 0, 6);
        n_raised += is_raised != 0;
        ck_assert_uint_eq(session_get(&world, "s").row.step, 5);
        uint64_t step = session_get(&world, "other").row.step;
        ck_assert(step == 5 || (is_other && step == 6));
        ck_assert_uint_eq(session_get(&world, "s").n_readings, 5);
        model->pool = own;
        pool_unref(pool);
        arena_reset(&world.kept);
    }
    ck_assert_uint_gt(n_raised, 0);
    ck_assert_uint_lt(n_raised, TRIALS);
    unlink(copy_path);
    free(old.p);
    free(now.p);
    world_done(&world);
}

/* The number of the journal in a file's notes is that of no class, however many there are. */
TEST(of_many_classes_each_is_found_again)
{
    static const char ids[][2] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };
    enum { MANY = sizeof ids / sizeof *ids };
    struct pool_class many[MANY];
    struct world world;
    for (unsigned k = 0; k < MANY; k++) {
        many[k] = (struct pool_class){ .tail_bytes = 8 * (k + 1), .tail_format = k };
    }
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    convert(&world, many, MANY);
    for (unsigned k = 0; k < MANY; k++) {
        expect_steps(&world, ids[k], 1, 1, 3);
        raise(&world, ids[k], k + 1, (int)k);
    }
    reopen(&world, many, MANY);
    for (unsigned k = 0; k < MANY; k++) {
        const uint32_t slot = claim(&world, ids[k]);
        struct record_copy *copy = pool_newest(world_pool(&world), slot);
        const struct record_layout *layout = pool_layout(world_pool(&world), slot);
        ck_assert_uint_eq(layout->tail_bytes, many[k].tail_bytes);
        ck_assert_int_eq(record_tail(layout, copy)[layout->tail_bytes - 1], (int)k);
        pool_release(world_pool(&world), slot);
    }
    world_done(&world);
}
