/* The copies of a session: the next one counts only once it is sealed, a new session is found only
 * once it is published, and replies wait for the disk only where they are to. */
#include "service/sessions/session_copy.h"

#include "service/failing_system.h"
#include "service/service_support.h"
#include "test.h"

#include <string.h>

static uint32_t claim(struct world *world, const char *id)
{
    uint32_t slot;
    const struct pool_key key = pool_key_of(id);
    ck_assert_int_eq(pool_claim(world_pool(world), &key, OWNER_MAIN, world->context->now_ms, &slot,
                                &world->fault),
                     CLAIM_OK);
    return slot;
}

static struct record_copy *newest(struct pool *pool, uint32_t slot)
{
    return record_newest(&pool->layout, pool_record(pool, slot));
}

/* ---- the next copy ---- */

TEST(until_it_is_sealed_a_copy_changes_nothing)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    expect_steps(&world, "s", 1, 1, 5);
    struct session before = session_get(&world, "s");
    struct pool *pool = world_pool(&world);
    for (int round = 0; round < 3; round++) {
        const struct record_copy *now;
        uint32_t slot = claim(&world, "s");
        struct record_copy *next = session_copy_begin(pool, slot, &now);
        ck_assert_ptr_ne(next, now);
        ck_assert_ptr_eq(now, newest(pool, slot));
        ck_assert_uint_eq(next->check, 0);
        next->step += 7;
        next->ttl_s = 9;
        record_state(&pool->layout, next)[0] += 1;
        pool_release(pool, slot);
        struct session after = session_get(&world, "s");
        expect_same_session(&before, &after, true);
    }
    expect_twin(&world, "s", 1, 6);
    world_done(&world);
}

TEST(a_copy_begins_as_the_newest_and_is_the_newest_once_it_is_sealed)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    expect_steps(&world, "s", 1, 1, 5);
    struct pool *pool = world_pool(&world);
    uint32_t slot = claim(&world, "s");
    for (uint64_t step = 5; step < 12; step++) {
        const struct record_copy *now;
        struct record_copy *next = session_copy_begin(pool, slot, &now);
        ck_assert_uint_eq(now->step, step);
        ck_assert_uint_eq(next->step, step);
        ck_assert_mem_eq(next->errors, now->errors,
                         pool->layout.copy_bytes - offsetof(struct record_copy, errors));
        next->step++;
        session_copy_seal(pool, slot, next);
        ck_assert_ptr_eq(next, newest(pool, slot));
        ck_assert(record_verify(&pool->layout, pool_record(pool, slot)));
        ck_assert_ptr_eq(next, newest(pool, slot));
    }
    pool_release(pool, slot);
    world_done(&world);
}

/* ---- new sessions ---- */

static struct record_copy *alloc(struct world *world, const struct pool_key *key,
                                 uint32_t *ret_slot)
{
    struct record_copy *copy;
    ck_assert_int_eq(
        session_copy_alloc(world->context, world_model(world), key, ret_slot, &copy, &world->fault),
        CLAIM_OK);
    return copy;
}

TEST(a_new_session_is_found_once_it_is_published_and_is_a_fresh_one)
{
    struct world world;
    uint32_t slot, found;
    const struct pool_key key = pool_key_of("new");
    world_init(&world);
    world_start(&world);
    struct pool *pool = world_pool(&world);
    struct record_copy *copy = alloc(&world, &key, &slot);
    ck_assert_int_eq(pool_claim(pool, &key, OWNER_MAIN, 0, &found, &world.fault), CLAIM_ABSENT);
    ck_assert_int_eq(session_copy_publish(pool, &key, slot, copy, &world.fault), CLAIM_OK);
    ck_assert_int_eq(pool_claim(pool, &key, OWNER_MAIN, 0, &found, &world.fault), CLAIM_BUSY);
    pool_release(pool, slot);
    struct session session = session_get(&world, "new");
    ck_assert_uint_eq(session.row.step, 0);
    ck_assert_uint_eq(session.row.version, 1);
    ck_assert_uint_eq(session.n_readings, 0);
    expect_twin(&world, "new", 1, 1);
    world_done(&world);
}

TEST(of_two_that_make_one_session_the_second_leaves_no_trace)
{
    struct world world;
    uint32_t first, second, found;
    const struct pool_key key = pool_key_of("new");
    world_init(&world);
    world.config.session_max = 2;
    world_start(&world);
    struct pool *pool = world_pool(&world);
    struct record_copy *copy = alloc(&world, &key, &first), *other = alloc(&world, &key, &second);
    ck_assert_int_eq(session_copy_publish(pool, &key, first, copy, &world.fault), CLAIM_OK);
    other->step = 9;
    ck_assert_int_eq(session_copy_publish(pool, &key, second, other, &world.fault), CLAIM_BUSY);
    pool_release(pool, first);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 1);
    found = claim(&world, "new");
    ck_assert_uint_eq(found, first);
    pool_release(pool, found);
    expect_twin(&world, "another", 2, 1); /* which has the room that the second had */
    world_done(&world);
}
