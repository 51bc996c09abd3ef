/* A session as the engine of a cluster keeps it: the same on the other side, or refused. */
#include "service/pool/pool_wire.h"

#include "base/clock.h"
#include "service/models/model_versions.h"
#include "service/pool/pool_adopt.h"
#include "service/pool/record_ring.h"
#include "service/service_support.h"
#include "test.h"

#include <endian.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { OWNER = 7, WALL_AT = 24 /* where a value says how far its writer's wall clock was ahead */ };

struct two_sides {
    struct world world; /* which has the session "s" */
    struct pool_key key;
    struct pool *from, *cache;
    uint32_t slot; /* in `from` */
    struct pool_token token;
    char *bytes;
    size_t n;
};

static struct pool *open_cache(struct world *world, size_t n_history, uint32_t ttl_s)
{
    const struct model *model = world_model(world);
    char path[PATH_MAX];
    struct pool_options options =
        model_pool_options(world->service, model, model->active->gru, path);
    struct pool *cache;
    struct fault fault;
    options.path = NULL;
    options.is_cache = options.evict = true;
    options.ttl_s = ttl_s;
    options.layout = record_layout_of(gru_model_info(model->active->gru), n_history);
    ck_assert_int_eq(pool_open(&options, &cache, &fault), STATUS_OK);
    return cache;
}

static void begin(struct two_sides *sides, uint64_t n_steps)
{
    world_init(&sides->world);
    world_start(&sides->world);
    expect_steps(&sides->world, "s", 1, 1, n_steps);
    struct fault fault;
    sides->key = pool_key_of("s");
    sides->from = world_pool(&sides->world);
    ck_assert_int_eq(
        pool_claim(sides->from, &sides->key, OWNER, clock_steady_ms(), &sides->slot, &fault),
        CLAIM_OK);
    sides->cache = open_cache(&sides->world, sides->world.config.session_history, 0);
    sides->token = (struct pool_token){ .name = 5, .order = htobe64(INT64_MAX) };
    sides->n = pool_wire_bytes(sides->from, sides->slot);
    sides->bytes = malloc(sides->n);
    ck_assert_ptr_nonnull(sides->bytes);
    pool_wire_write(sides->from, sides->slot, &sides->token, sides->bytes);
}

static void end(struct two_sides *sides)
{
    free(sides->bytes);
    pool_unref(sides->cache);
    pool_release(sides->from, sides->slot);
    world_done(&sides->world);
}

static enum claim take(const struct two_sides *sides, size_t n, uint32_t *ret_slot,
                       struct fault *fault)
{
    return pool_wire_take(sides->cache, &sides->key, sides->bytes, n, OWNER, clock_steady_ms(),
                          ret_slot, fault);
}

/* All that a step goes on from. */
static void expect_same(const struct two_sides *sides, uint32_t slot)
{
    const struct record_layout *layout = pool_layout(sides->cache, slot);
    char *record = pool_record(sides->cache, slot), *was = pool_record(sides->from, sides->slot);
    struct record_copy *copy = record_newest(layout, record), *before = record_newest(layout, was);
    const size_t n = (size_t)copy->n_readings * layout->n_inputs;
    double *readings = calloc(2 * n, sizeof *readings);
    ck_assert_ptr_nonnull(readings);
    ck_assert_mem_eq(copy, before, layout->copy_bytes);
    record_read_readings(layout, record, copy, readings);
    record_read_readings(layout, was, before, readings + n);
    ck_assert_mem_eq(readings, readings + n, n * sizeof *readings);
    ck_assert_mem_eq(&record_header_of(record)->life, &record_header_of(was)->life,
                     sizeof(struct record_life));
    free(readings);
}

TEST(a_session_is_the_same_on_the_other_side)
{
    for (uint64_t n_steps = 1; n_steps < 60; n_steps += 7) {
        struct two_sides sides;
        struct fault fault;
        uint32_t slot, found;
        begin(&sides, n_steps);
        ck_assert_int_eq(take(&sides, sides.n, &slot, &fault), CLAIM_OK);
        expect_same(&sides, slot);
        ck_assert_mem_eq(pool_token(sides.cache, slot), &sides.token, sizeof sides.token);
        ck_assert_int_eq(take(&sides, sides.n, &found, &fault), CLAIM_BUSY); /* it is there */
        pool_release(sides.cache, slot);
        ck_assert_int_eq(
            pool_claim(sides.cache, &sides.key, OWNER, clock_steady_ms(), &found, &fault),
            CLAIM_OK);
        ck_assert_uint_eq(found, slot);
        end(&sides);
    }
}

/* Of some bytes nothing depends: rows of the ring that are not in use. */
TEST(a_byte_that_is_wrong_is_refused_or_means_nothing)
{
    struct two_sides sides;
    begin(&sides, 20);
    for (size_t k = sizeof(struct pool_token); k < sides.n; k++) {
        struct fault fault;
        uint32_t slot;
        if (k >= WALL_AT && k < WALL_AT + sizeof(int64_t)) {
            continue;
        }
        sides.bytes[k] ^= 0x10;
        if (take(&sides, sides.n, &slot, &fault) == CLAIM_OK) {
            expect_same(&sides, slot);
            pool_remove(sides.cache, slot);
        } else {
            ck_assert_int_eq(fault.status, STATUS_STORAGE_FAILED);
        }
        sides.bytes[k] ^= 0x10;
    }
    ck_assert_uint_eq(atomic_load(&sides.cache->n_sessions), 0);
    end(&sides);
}

TEST(a_part_of_it_is_refused)
{
    struct two_sides sides;
    begin(&sides, 20);
    for (size_t n = 0; n < sides.n; n++) {
        struct fault fault;
        uint32_t slot;
        ck_assert_int_eq(take(&sides, n, &slot, &fault), CLAIM_ENDED);
    }
    end(&sides);
}

TEST(a_record_of_another_layout_is_refused_with_the_way_out)
{
    struct two_sides sides;
    struct fault fault;
    uint32_t slot;
    begin(&sides, 20);
    pool_unref(sides.cache);
    sides.cache = open_cache(&sides.world, 3, 0);
    ck_assert_int_eq(take(&sides, sides.n, &slot, &fault), CLAIM_ENDED);
    ck_assert_ptr_nonnull(strstr(fault.message, "--session-history"));
    ck_assert_str_eq(fault.param, "session");
    end(&sides);
}

/* What a version of other sizes makes of it is what it makes of the sessions of a pool. */
static void expect_converted(struct two_sides *sides, const struct gru_info *info)
{
    const struct model *model = world_model(&sides->world);
    char path[PATH_MAX];
    struct pool_options options =
        model_pool_options(sides->world.service, model, model->active->gru, path);
    struct pool *cache, *converted;
    struct fault fault;
    uint32_t slot, moved;
    const int64_t now_ms = clock_steady_ms();
    options.layout = record_layout_of(info, sides->world.config.session_history);
    options.path = NULL;
    options.translate_state = NULL;
    pool_release(sides->from, sides->slot);
    ck_assert_int_eq(pool_convert(&options, sides->from, &converted, &fault), STATUS_OK);
    options.is_cache = options.evict = true;
    ck_assert_int_eq(pool_open(&options, &cache, &fault), STATUS_OK);
    ck_assert_int_eq(
        pool_wire_take(cache, &sides->key, sides->bytes, sides->n, OWNER, now_ms, &slot, &fault),
        CLAIM_OK);
    ck_assert_int_eq(pool_claim(converted, &sides->key, OWNER, now_ms, &moved, &fault), CLAIM_OK);
    ck_assert_mem_eq(pool_token(cache, slot), &sides->token, sizeof sides->token);
    const struct two_sides both = {
        .cache = cache, .from = converted, .key = sides->key, .slot = moved
    };
    expect_same(&both, slot);
    const bool is_state_kept = info->state_floats == sides->from->layout.state_floats &&
                               info->n_outputs == sides->from->layout.n_outputs;
    ck_assert_int_eq(pool_newest(cache, slot)->digest != 0, is_state_kept);
    pool_release(converted, moved);
    pool_unref(converted);
    pool_unref(cache);
}

TEST(a_session_of_other_sizes_goes_on_as_in_a_pool)
{
    for (uint64_t n_steps = 1; n_steps < 60; n_steps += 7) {
        for (size_t k = 0; k < 3; k++) {
            struct two_sides sides;
            begin(&sides, n_steps);
            struct gru_info info = *gru_model_info(world_model(&sides.world)->active->gru);
            info.state_floats += k == 0 ? 5 : 0;
            info.season += k == 1 ? 7 : 0;
            info.n_outputs += k == 2 ? 1 : 0;
            expect_converted(&sides, &info);
            ck_assert_int_eq(pool_claim(sides.from, &sides.key, OWNER, clock_steady_ms(),
                                        &sides.slot, &(struct fault){ .status = STATUS_OK }),
                             CLAIM_MOVED);
            end(&sides);
        }
    }
}

static void shift_wall(struct two_sides *sides, int64_t ms)
{
    int64_t ahead_ms;
    memcpy(&ahead_ms, sides->bytes + WALL_AT, sizeof ahead_ms);
    ck_assert_int_eq(ahead_ms, clock_wall_of(0));
    ahead_ms += ms;
    memcpy(sides->bytes + WALL_AT, &ahead_ms, sizeof ahead_ms);
}

/* By it readings are recorded, whichever node has taken them in. */
TEST(a_life_has_one_number_whatever_the_clocks_say)
{
    struct two_sides sides;
    struct fault fault;
    uint32_t slot;
    begin(&sides, 5);
    const uint32_t life = pool_life(sides.from, sides.slot);
    ck_assert_uint_eq(life,
                      record_header_of(pool_record(sides.from, sides.slot))->life.created_at_s);
    sides.token.life = life;
    pool_wire_write(sides.from, sides.slot, &sides.token, sides.bytes);
    shift_wall(&sides, 3600000);
    ck_assert_int_eq(take(&sides, sides.n, &slot, &fault), CLAIM_OK);
    const struct record_life *taken = &record_header_of(pool_record(sides.cache, slot))->life;
    ck_assert_uint_eq(taken->created_at_s, life + 3600);
    ck_assert_uint_eq(pool_life(sides.cache, slot), life);
    ck_assert_uint_eq(pool_token_next(sides.cache, slot).life, life);
    pool_token(sides.cache, slot)->life = 0;
    ck_assert_uint_eq(pool_token_next(sides.cache, slot).life, life + 3600);
    pool_release(sides.cache, slot);
    end(&sides);
}

TEST(times_are_by_the_clock_of_the_node_that_takes_it)
{
    struct two_sides sides;
    struct fault fault;
    uint32_t slot;
    begin(&sides, 5);
    const struct record_copy *before = pool_newest(sides.from, sides.slot);
    shift_wall(&sides, -3600000);
    ck_assert_int_eq(take(&sides, sides.n, &slot, &fault), CLAIM_OK);
    const struct record_copy *copy = pool_newest(sides.cache, slot);
    ck_assert_int_eq(copy->last_seen_at_ms, before->last_seen_at_ms - 3600000);
    ck_assert(
        record_copy_is_whole(pool_layout(sides.cache, slot), pool_record(sides.cache, slot), copy));
    end(&sides);
}

TEST(a_session_whose_time_is_over_has_expired)
{
    struct two_sides sides;
    struct fault fault;
    uint32_t slot;
    begin(&sides, 5);
    pool_unref(sides.cache);
    sides.cache = open_cache(&sides.world, sides.world.config.session_history, 60);
    ck_assert_int_eq(take(&sides, sides.n, &slot, &fault), CLAIM_OK);
    pool_remove(sides.cache, slot);
    shift_wall(&sides, -61000);
    ck_assert_int_eq(take(&sides, sides.n, &slot, &fault), CLAIM_ENDED);
    ck_assert_int_eq(fault.status, STATUS_SESSION_EXPIRED);
    end(&sides);
}

TEST(no_two_writes_have_one_token)
{
    struct two_sides sides;
    struct fault fault;
    uint32_t slot;
    begin(&sides, 5);
    ck_assert_int_eq(take(&sides, sides.n, &slot, &fault), CLAIM_OK);
    const struct pool_token one = pool_token_next(sides.cache, slot);
    const struct pool_token other = pool_token_next(sides.cache, slot);
    ck_assert_uint_ne(one.name, other.name);
    /* the clock that wrote it goes far before; and one that has none before goes by the clock */
    ck_assert_uint_eq(be64toh(one.order), (uint64_t)INT64_MAX + 1);
    ck_assert_uint_eq(other.order, one.order);
    pool_token(sides.cache, slot)->order = 0;
    const uint64_t now_ms = (uint64_t)clock_wall_ms();
    ck_assert_uint_ge(be64toh(pool_token_next(sides.cache, slot).order), now_ms);
    end(&sides);
}
