/* A pool grows as it is used: its extents, and what looks at all of them. */
#include "service/pool/pool_extents.h"
#include "service/service_support.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How much address space the process has. */
static size_t address_space(void)
{
    size_t n_pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%zu", &n_pages), 1); // NOLINT(cert-err34-c): the kernel's
    fclose(file);
    return n_pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* However many sessions there may be: on disk, and in memory alone. */
TEST(models_without_sessions_take_little_address_space)
{
    enum { MODELS = 40, MEGABYTE = 1 << 20 };
    for (int on_disk = 0; on_disk < 2; on_disk++) {
        struct world world;
        char name[16];
        world_init(&world);
        for (int k = 0; k < MODELS; k++) {
            snprintf(name, sizeof name, "m%d", k);
            world_add_model(&world, name, network_file(HIDDEN, SEED));
        }
        if (on_disk) {
            world_use_data(&world);
        }
        world.config.session_max = 10000000;
        size_t before = address_space();
        world_start(&world);
        ck_assert_uint_lt(address_space() - before, 1024 * (size_t)MEGABYTE); /* 400 GB once */
        world_done(&world);
    }
}

/* That it may take long is its own matter. */
TEST(only_what_evicts_waits_for_a_look_at_all_slots)
{
    struct world world;
    world_init(&world);
    world.config.session_max = 3;
    world.config.session_full = CONFIG_EVICT;
    world_start(&world);
    struct pool *pool = world_pool(&world);
    pthread_mutex_lock(&pool->victims_mutex);
    expect_steps(&world, "a", 1, 1, 3);
    expect_steps(&world, "b", 2, 1, 3);
    ck_assert_int_eq(world_delete(&world, "a"), STATUS_OK);
    expect_steps(&world, "a", 3, 1, 3);
    pthread_mutex_unlock(&pool->victims_mutex);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 2);
    world_done(&world);
}

TEST(the_pool_grows_far_beyond_its_first_size)
{
    enum { MANY = 5000 };
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    size_t first = atomic_load(&world_pool(&world)->region.size);
    char id[32];
    expect_steps(&world, "s0", 0, 1, 1);
    const char *record = world_record(&world, "s0");
    for (uint64_t k = 1; k < MANY; k++) {
        snprintf(id, sizeof id, "s%d", (int)k);
        expect_steps(&world, id, k, 1, 1);
    }
    ck_assert_uint_gt(atomic_load(&world_pool(&world)->region.size), 20 * first);
    ck_assert_uint_gt(atomic_load(&world_pool(&world)->n_extents), 3);
    ck_assert_ptr_eq(world_record(&world, "s0"), record);
    world_restart(&world);
    for (uint64_t k = 0; k < MANY; k += 7) {
        snprintf(id, sizeof id, "s%d", (int)k);
        expect_twin(&world, id, k, 2);
    }
    world_done(&world);
}

static const char *id_of_length(size_t n, char id[SESSION_ID_MAX + 1])
{
    memset(id, 'x', n);
    id[n] = '\0';
    return id;
}

/* Each of its own room, through what happens to sessions: another version of the state, a sync, a
 * restart, a deletion, and the place of one that is gone. */
TEST(ids_of_all_lengths_are_kept)
{
    struct world world;
    char id[SESSION_ID_MAX + 1];
    size_t n_bytes = 0;
    world_init(&world);
    world_use_data(&world);
    world.config.session_max = SESSION_ID_MAX + 1;
    world_start(&world);
    for (size_t n = 1; n <= SESSION_ID_MAX; n++) {
        expect_steps(&world, id_of_length(n, id), n, 1, 3);
        n_bytes += pool_record_bytes(world_pool(&world), 0, n);
    }
    ck_assert_uint_eq(atomic_load(&world_pool(&world)->n_record_bytes), n_bytes);
    for (int round = 0; round < 2; round++) {
        ck_assert(service_sync(world.service));
        for (size_t n = 1; n <= SESSION_ID_MAX; n++) {
            expect_twin(&world, id_of_length(n, id), n, 4 + (uint64_t)round);
        }
        world_restart(&world);
    }
    for (size_t n = 1; n <= SESSION_ID_MAX; n += 2) {
        ck_assert_int_eq(world_delete(&world, id_of_length(n, id)), STATUS_OK);
    }
    world_restart(&world);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), SESSION_ID_MAX / 2);
    for (size_t n = 1; n <= SESSION_ID_MAX; n++) {
        expect_twin(&world, id_of_length(n, id), n, n % 2 ? 1 : 6);
    }
    world_done(&world);
}

/* Any of its bits, and notes that are gone: never as if there had been fewer sessions. */
TEST(a_damaged_table_of_extents_is_refused_and_left_alone)
{
    enum { NOTES = 3 };
    struct world world;
    char path[256], id[32];
    const struct model *model;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    for (uint64_t k = 0; k < 200; k++) {
        snprintf(id, sizeof id, "s%d", (int)k);
        expect_steps(&world, id, k, 1, 1);
    }
    ck_assert_uint_ge(world_pool(&world)->n_extents, NOTES);
    ck_assert(service_sync(world.service));
    world_stop(&world);
    snprintf(path, sizeof path, "%s/sessions/m.pool", world.data);
    struct bytes own = file_load(path), hurt = file_load(path);
    for (size_t at = 0; at < NOTES * sizeof(struct extent_note); at++) {
        char *note = (char *)hurt.p + RECORD_PAGE +
                     at / sizeof(struct extent_note) * sizeof(struct extent_note);
        memcpy(hurt.p, own.p, own.n);
        if (at % sizeof(struct extent_note) == 0) {
            memset(note, 0, sizeof(struct extent_note));
        } else {
            note[at % sizeof(struct extent_note)] ^= 4;
        }
        file_store(path, hurt.p, hurt.n);
        world_start(&world);
        ck_assert_int_eq(model_find(world.context, "m", &model, &world.fault),
                         STATUS_MODEL_UNAVAILABLE);
        world_stop(&world);
        struct bytes after = file_load(path);
        ck_assert_uint_eq(after.n, hurt.n);
        ck_assert_mem_eq(after.p, hurt.p, hurt.n);
        free(after.p);
    }
    file_store(path, own.p, own.n);
    world_start(&world);
    expect_twin(&world, "s150", 150, 2);
    free(own.p);
    free(hurt.p);
    world_done(&world);
}
