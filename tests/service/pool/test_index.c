#include "base/digest.h"
#include "base/hash.h"
#include "service/pool/index.h"
#include "service/random.h"
#include "service/service_support.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Slots hold a number each, or 0; a number's id is its text. */
struct table {
    uint64_t *numbers;
    bool has_poor_hashes; /* of three bits, so that all chains run into each other */
};

static uint64_t hash_of_number(const struct table *table, uint64_t number, char id[24],
                               size_t *ret_n)
{
    *ret_n = (size_t)snprintf(id, 24, "%llu", (unsigned long long)number);
    uint64_t hash = digest_64(id, *ret_n, 0);
    return table->has_poor_hashes ? (hash & 7) * 0x2000000000000005 : hash;
}

static bool is_slot(const void *context, uint32_t slot, const char *id, size_t n_id)
{
    const struct table *table = context;
    char own[24];
    size_t n;
    hash_of_number(table, table->numbers[slot], own, &n);
    return n == n_id && memcmp(own, id, n) == 0;
}

static uint32_t hash_of(const void *context, uint32_t slot)
{
    const struct table *table = context;
    char id[24];
    size_t n;
    return (uint32_t)hash_of_number(table, table->numbers[slot], id, &n);
}

static uint32_t find(struct index *index, uint64_t number)
{
    char id[24];
    size_t n;
    uint64_t hash = hash_of_number(index->context, number, id, &n);
    struct index_shard *shard = index_lock(index, hash);
    uint32_t slot = index_find(index, shard, hash, id, n);
    index_unlock(shard);
    return slot;
}

static void insert(struct index *index, struct table *table, uint64_t number, uint32_t slot)
{
    char id[24];
    size_t n;
    table->numbers[slot] = number;
    struct index_shard *shard = index_lock(index, hash_of_number(table, number, id, &n));
    bool inserted = index_insert(index, shard, slot);
    index_unlock(shard);
    if (!inserted) {
        ck_abort_msg("no memory");
    }
}

static void remove_number(struct index *index, struct table *table, uint64_t number, uint32_t slot)
{
    char id[24];
    size_t n;
    struct index_shard *shard = index_lock(index, hash_of_number(table, number, id, &n));
    index_remove(index, shard, slot);
    index_unlock(shard);
    table->numbers[slot] = 0;
}

static size_t n_used(const struct index *index)
{
    size_t n = 0;
    for (size_t k = 0; k < INDEX_SHARDS; k++) {
        n += index->shards[k].n_used;
    }
    return n;
}

/* Random changes over `n` numbers, against a table that says where each number is; slots are given
 * out by a stack, so that they are used again by other numbers. */
static void expect_like_naive(size_t n, size_t n_changes, size_t check_each, bool has_poor_hashes)
{
    struct table table = { .numbers = calloc(n, sizeof(uint64_t)),
                           .has_poor_hashes = has_poor_hashes };
    struct index *index = aligned_alloc(64, sizeof *index);
    uint32_t *where = malloc((n + 1) * sizeof *where), *slots = malloc(n * sizeof *slots);
    size_t n_free = n, n_in = 0, n_wrong = 0;
    ck_assert(table.numbers && index && where && slots);
    ck_assert(index_init(index, &table, is_slot, hash_of));
    for (size_t k = 0; k < n; k++) {
        slots[k] = (uint32_t)(n - 1 - k);
        where[k + 1] = INDEX_NONE;
    }
    uint64_t random = 88172645463325252ULL;
    for (size_t change = 0; change < n_changes; change++) {
        (void)next_random(&random);
        uint64_t number = random % n + 1;
        n_wrong += find(index, number) != where[number];
        if (where[number] == INDEX_NONE) {
            where[number] = slots[--n_free];
            insert(index, &table, number, where[number]);
            n_in++;
        } else if (change % 3) { /* so that it fills up */
            remove_number(index, &table, number, where[number]);
            slots[n_free++] = where[number];
            where[number] = INDEX_NONE;
            n_in--;
        }
        for (uint64_t k = 1; change % check_each == check_each - 1 && k <= n; k++) {
            n_wrong += find(index, k) != where[k];
        }
        ck_assert(change % 1000 || (n_used(index) == n_in && n_wrong == 0));
    }
    ck_assert_uint_eq(n_wrong, 0);
    index_done(index);
    free(index);
    free(table.numbers);
    free(where);
    free(slots);
}

TEST(a_random_history_is_like_the_naive_one)
{
    expect_like_naive(2000, 40000, 5000, false);
}

TEST(ids_whose_hashes_collide_are_kept_apart)
{
    expect_like_naive(40, 20000, 10, true);
}

/* As a start does, which knows about how many sessions it will find. */
TEST(what_is_reserved_need_not_grow)
{
    enum { MANY = 20000 };
    struct table table = { .numbers = calloc(MANY, sizeof(uint64_t)) };
    struct index *index = aligned_alloc(64, sizeof *index);
    size_t n_wrong = 0;
    ck_assert(table.numbers && index && index_init(index, &table, is_slot, hash_of));
    ck_assert(index_reserve(index, MANY));
    const struct index_shard reserved = index->shards[0];
    for (uint32_t k = 0; k < MANY; k++) {
        insert(index, &table, k + 1, k);
    }
    ck_assert_ptr_eq(index->shards[0].entries, reserved.entries);
    ck_assert(index_reserve(index, 1)); /* what there is stays */
    ck_assert_ptr_eq(index->shards[0].entries, reserved.entries);
    for (uint32_t k = 0; k < MANY; k++) {
        n_wrong += find(index, k + 1) != k;
    }
    ck_assert_uint_eq(n_wrong, 0);
    index_done(index);
    free(index);
    free(table.numbers);
}

TEST(a_hundred_thousand_ids_make_the_shards_grow_and_are_all_found)
{
    enum { MANY = 100000 };
    struct table table = { .numbers = calloc(MANY, sizeof(uint64_t)) };
    struct index *index = aligned_alloc(64, sizeof *index);
    ck_assert(table.numbers && index && index_init(index, &table, is_slot, hash_of));
    size_t n_first = index->shards[0].n_entries, n_wrong = 0;
    for (uint32_t k = 0; k < MANY; k++) {
        insert(index, &table, k + 1, k);
    }
    for (uint32_t k = 0; k < MANY; k++) {
        n_wrong += find(index, k + 1) != k;
    }
    ck_assert_uint_eq(n_wrong, 0);
    for (size_t k = 0; k < INDEX_SHARDS; k++) {
        const struct index_shard *shard = &index->shards[k];
        ck_assert_uint_ge(shard->n_entries, 16 * n_first);
        ck_assert_uint_le(shard->n_used * 10, shard->n_entries * 7);
        ck_assert_uint_gt(shard->n_used, MANY / INDEX_SHARDS / 2); /* the load is spread */
    }
    for (uint32_t k = 0; k < MANY; k += 2) {
        remove_number(index, &table, k + 1, k);
    }
    for (uint32_t k = 0; k < MANY; k++) {
        n_wrong += find(index, k + 1) != (k % 2 ? k : INDEX_NONE);
    }
    ck_assert_uint_eq(n_wrong, 0);
    index_done(index);
    free(index);
    free(table.numbers);
}

/* ---- ids that somebody made up ---- */

static uint64_t unkeyed_hash(const void *bytes, size_t n)
{
    return digest_64(bytes, n, 0);
}

/* The next id from *number on that shares shard and place with the first, in a shard of up to 512
 * entries. */
static void craft_id(uint64_t (*hash)(const void *, size_t), uint64_t *number, char id[24])
{
    static const uint64_t shared = UINT64_C(63) << 58 | 511;
    while ((hash(id, (size_t)snprintf(id, 24, "%llu", (unsigned long long)*number)) & shared) !=
           (hash("0", 1) & shared)) {
        ++*number;
    }
    ++*number;
}

/* How many entries lie between two empty ones, at most: a bound of what a look-up passes. */
static size_t longest_run(const struct index *index)
{
    size_t longest = 0;
    for (size_t k = 0; k < INDEX_SHARDS; k++) {
        const struct index_shard *shard = &index->shards[k];
        size_t run = 0;
        for (size_t at = 0; at < 2 * shard->n_entries; at++) {
            run = shard->entries[at & (shard->n_entries - 1)] != 0 ? run + 1 : 0;
            longest = run > longest ? run : longest;
        }
    }
    return longest;
}

static size_t longest_run_of(char ids[][24], size_t n)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    for (size_t k = 0; k < n; k++) {
        expect_steps(&world, ids[k], 1, 1, 1);
    }
    size_t longest = longest_run(&world_pool(&world)->index);
    world_done(&world);
    return longest;
}

/* Against the hash that the index had once, which everybody knows, and against the keyed one by
 * somebody who knows the key of an earlier process. */
TEST(ids_that_were_made_to_share_a_place_are_spread_by_the_key)
{
    enum { CRAFTED = 256 };
    static char unkeyed[CRAFTED][24], keyed[CRAFTED][24];
    struct fault fault;
    uint64_t next = 0, next_keyed = 0;
    for (size_t k = 0; k < CRAFTED; k++) {
        craft_id(unkeyed_hash, &next, unkeyed[k]);
        craft_id(hash_64, &next_keyed, keyed[k]);
    }
    ck_assert_uint_ge(longest_run_of(keyed, CRAFTED), CRAFTED); /* they do share one */
    ck_assert_int_eq(hash_draw_key(&fault), STATUS_OK);
    ck_assert_uint_le(longest_run_of(unkeyed, CRAFTED), 24);
    ck_assert_uint_le(longest_run_of(keyed, CRAFTED), 24);
}
