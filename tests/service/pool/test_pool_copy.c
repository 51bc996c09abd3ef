/* The copy of a pool's file, while its sessions are stepped. */
#include "service/pool/pool_copy.h"
#include "service/service_support.h"
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void paths(const struct world *world, char from[160], char to[160])
{
    snprintf(from, 160, "%s/sessions/m.pool", world->data);
    snprintf(to, 160, "%s/copy", world->folder);
}

/* Stops the service, and starts it with the copy in the place of the file. */
static void restore(struct world *world)
{
    char from[160], to[160];
    paths(world, from, to);
    world_stop(world);
    ck_assert_int_eq(rename(to, from), 0);
    world_start(world);
}

TEST(a_copy_has_each_session_with_its_readings)
{
    struct world world;
    char from[160], to[160];
    world_start_with_data(&world);
    paths(&world, from, to);
    for (uint64_t k = 1; k <= 40; k++) {
        char id[16];
        snprintf(id, sizeof id, "s%llu", (unsigned long long)k);
        expect_steps(&world, id, k, 1, k);
    }
    ck_assert_int_eq(pool_copy(from, to, &world.fault), STATUS_OK);
    expect_steps(&world, "s40", 40, 41, 45); /* what is later is not in it */
    restore(&world);
    ck_assert(!service_is_degraded(world.service));
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 40);
    for (uint64_t k = 1; k <= 40; k++) {
        char id[16];
        snprintf(id, sizeof id, "s%llu", (unsigned long long)k);
        ck_assert_uint_eq(session_get(&world, id).row.step, k);
        expect_twin(&world, id, k, k + 1);
    }
    world_done(&world);
}

enum { STREAMS = 4 };
static const char *const ids[STREAMS] = { "a", "b", "c", "d" };

struct copier {
    const char *from, *to;
    _Atomic bool is_over;
    size_t n;
};

static void *copy_again_and_again(void *argument)
{
    struct copier *copier = argument;
    struct fault fault;
    while (!copier->is_over || copier->n == 0) {
        (void)unlink(copier->to);
        ck_assert_msg(pool_copy(copier->from, copier->to, &fault) == STATUS_OK, "%s",
                      fault.message);
        copier->n++;
    }
    return NULL;
}

/* All to the same step. */
static void step_to(struct world *world, uint64_t step)
{
    for (uint64_t s = 0; s < STREAMS; s++) {
        uint64_t first = 1;
        if (model_n_sessions(world_model(world)) == STREAMS) {
            first = session_get(world, ids[s]).row.step + 1;
        }
        expect_steps(world, ids[s], s + 1, first, step);
    }
}

TEST(a_copy_beside_steps_has_whole_sessions)
{
    enum { ROUNDS = 10, STEPS = 100 };
    struct world world;
    char from[160], to[160];
    world_start_with_data(&world);
    paths(&world, from, to);
    step_to(&world, 1);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        const uint64_t least = round * STEPS + 1, most = least + STEPS;
        struct copier copier = { .from = from, .to = to };
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, copy_again_and_again, &copier), 0);
        for (uint64_t step = least; step <= most; step++) {
            step_to(&world, step);
        }
        copier.is_over = true;
        pthread_join(thread, NULL);
        restore(&world);
        ck_assert(!service_is_degraded(world.service));
        for (uint64_t s = 0; s < STREAMS; s++) {
            uint64_t step = session_get(&world, ids[s]).row.step;
            ck_assert(least <= step && step <= most);
        }
        step_to(&world, most); /* which are the answers of an undisturbed twin */
    }
    for (uint64_t s = 0; s < STREAMS; s++) {
        expect_twin(&world, ids[s], s + 1, ROUNDS * STEPS + 2);
    }
    world_done(&world);
}

TEST(what_is_no_pool_is_copied_as_it_is)
{
    struct world world;
    char from[160], to[160];
    world_start_with_data(&world);
    paths(&world, from, to);
    world_stop(&world);
    file_store(from, "something else", 14);
    ck_assert_int_eq(pool_copy(from, to, &world.fault), STATUS_OK);
    struct bytes copy = file_load(to);
    ck_assert(copy.n == 14 && memcmp(copy.p, "something else", 14) == 0);
    free(copy.p);
    ck_assert_int_eq(pool_copy(from, to, &world.fault), STATUS_STORAGE_FAILED); /* it is there */
    unlink(to);
    file_store(from, "", 0);
    ck_assert_int_eq(pool_copy(from, to, &world.fault), STATUS_OK);
    unlink(from);
    unlink(to);
    ck_assert_int_eq(pool_copy(from, to, &world.fault), STATUS_STORAGE_FAILED);
    ck_assert(!file_exists(to));
    world_start(&world);
    world_done(&world);
}
