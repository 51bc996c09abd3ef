#include "service/pool/tombstones.h"
#include "service/random.h"
#include "test.h"

static const int64_t day_ms = 86400000;

static bool is_found(struct tombstones *tombstones, uint64_t hash)
{
    struct tombstone tombstone;
    return tombstones_find(tombstones, hash, 1000, &tombstone);
}

TEST(a_tombstone_says_why_when_and_with_which_time_to_live)
{
    struct tombstones tombstones;
    struct tombstone tombstone;
    ck_assert(tombstones_init(&tombstones, 10));
    tombstones_add(&tombstones, 7, TOMBSTONE_EXPIRED, 123, 300);
    tombstones_add(&tombstones, 8, TOMBSTONE_EVICTED, 456, 0);
    ck_assert(tombstones_find(&tombstones, 7, 1000, &tombstone));
    ck_assert(tombstone.reason == TOMBSTONE_EXPIRED && tombstone.ended_at_ms == 123 &&
              tombstone.ttl_s == 300);
    ck_assert(tombstones_find(&tombstones, 8, 1000, &tombstone));
    ck_assert(tombstone.reason == TOMBSTONE_EVICTED && tombstone.ended_at_ms == 456);
    tombstones_add(&tombstones, 7, TOMBSTONE_DAMAGED, 789, 0); /* the later one counts */
    ck_assert(tombstones_find(&tombstones, 7, 1000, &tombstone));
    ck_assert(tombstone.reason == TOMBSTONE_DAMAGED && tombstone.ended_at_ms == 789);
    ck_assert_uint_eq(atomic_load(&tombstones.n), 2);
    ck_assert(!is_found(&tombstones, 9));
    tombstones_done(&tombstones);
}

TEST(a_tombstone_is_forgotten_after_a_day)
{
    struct tombstones tombstones;
    struct tombstone tombstone;
    ck_assert(tombstones_init(&tombstones, 10));
    tombstones_add(&tombstones, 7, TOMBSTONE_EXPIRED, 1000, 300);
    ck_assert(tombstones_find(&tombstones, 7, 1000 + day_ms - 1, &tombstone));
    ck_assert(!tombstones_find(&tombstones, 7, 1000 + day_ms, &tombstone));
    tombstones_done(&tombstones);
}

TEST(forgetting_says_whether_there_was_one)
{
    struct tombstones tombstones;
    ck_assert(tombstones_init(&tombstones, 4));
    ck_assert(!tombstones_forget(&tombstones, 7));
    tombstones_add(&tombstones, 7, TOMBSTONE_EXPIRED, 0, 0);
    ck_assert(tombstones_forget(&tombstones, 7));
    ck_assert(!tombstones_forget(&tombstones, 7) && !is_found(&tombstones, 7));
    ck_assert_uint_eq(atomic_load(&tombstones.n), 0);
    tombstones_done(&tombstones);
}

TEST(the_ring_keeps_exactly_the_newest)
{
    static const size_t sizes[] = { 1, 2, 3, 7, 64, 100 };
    for (size_t s = 0; s < 6; s++) {
        size_t max = sizes[s];
        struct tombstones tombstones;
        ck_assert(tombstones_init(&tombstones, max));
        for (uint64_t k = 1; k <= 5 * max; k++) {
            tombstones_add(&tombstones, k, TOMBSTONE_EXPIRED, 0, 0);
            size_t n_wrong = 0;
            for (uint64_t j = 1; j <= k; j++) {
                n_wrong += is_found(&tombstones, j) != (j + max > k);
            }
            ck_assert_uint_eq(n_wrong, 0);
            ck_assert_uint_eq(atomic_load(&tombstones.n), k < max ? k : max);
        }
        tombstones_done(&tombstones);
    }
}

/* Against a naive list of (hash, place in the ring); hashes share their low bits, so chains are
 * long. */
TEST(a_random_history_of_tombstones_is_like_the_naive_one)
{
    enum { MAX = 50, HASHES = 120 };
    struct tombstones tombstones;
    uint64_t ring[MAX] = { 0 }, random = 88172645463325252ULL;
    size_t next = 0, n_wrong = 0;
    ck_assert(tombstones_init(&tombstones, MAX));
    for (int change = 0; change < 20000; change++) {
        (void)next_random(&random);
        uint64_t hash = (random % HASHES + 1) << (random % HASHES % 2 ? 6 : 0);
        bool was_there = false;
        for (size_t k = 0; k < MAX; k++) {
            was_there = was_there || ring[k] == hash;
        }
        n_wrong += is_found(&tombstones, hash) != was_there;
        bool adds = random >> 40 & 3;
        for (size_t k = 0; k < MAX; k++) {
            ring[k] = ring[k] == hash ? 0 : ring[k];
        }
        if (adds) {
            tombstones_add(&tombstones, hash, TOMBSTONE_EVICTED, 0, 0);
            ring[next] = hash;
            next = (next + 1) % MAX;
        } else {
            n_wrong += tombstones_forget(&tombstones, hash) != was_there;
        }
        size_t n = 0;
        for (size_t k = 0; k < MAX; k++) {
            n += ring[k] != 0;
            n_wrong += ring[k] != 0 && !is_found(&tombstones, ring[k]);
        }
        n_wrong += atomic_load(&tombstones.n) != n;
        ck_assert(change % 1000 || n_wrong == 0);
    }
    ck_assert_uint_eq(n_wrong, 0);
    tombstones_done(&tombstones);
}

TEST(without_room_nothing_is_remembered)
{
    struct tombstones tombstones;
    ck_assert(tombstones_init(&tombstones, 0));
    tombstones_add(&tombstones, 7, TOMBSTONE_EXPIRED, 0, 0);
    ck_assert(!is_found(&tombstones, 7) && !tombstones_forget(&tombstones, 7));
    tombstones_done(&tombstones);
}

TEST(copied_tombstones_keep_their_order)
{
    struct tombstones from, to;
    struct tombstone tombstone;
    ck_assert(tombstones_init(&from, 5) && tombstones_init(&to, 5));
    for (uint64_t k = 1; k <= 8; k++) {
        tombstones_add(&from, k, TOMBSTONE_EXPIRED, (int64_t)k, (uint32_t)k);
    }
    tombstones_forget(&from, 6);
    tombstones_add(&to, 100, TOMBSTONE_DAMAGED, 0, 0);
    tombstones_copy(&from, &to);
    ck_assert_uint_eq(atomic_load(&to.n), 5);
    ck_assert(tombstones_find(&to, 4, 1000, &tombstone) && tombstone.ended_at_ms == 4 &&
              tombstone.ttl_s == 4);
    tombstones_add(&to, 101, TOMBSTONE_EXPIRED, 0, 0);
    ck_assert(!is_found(&to, 100) && is_found(&to, 4));
    tombstones_add(&to, 102, TOMBSTONE_EXPIRED, 0, 0);
    ck_assert(!is_found(&to, 4) && is_found(&to, 5) && !is_found(&to, 6) && is_found(&to, 8));
    tombstones_done(&from);
    tombstones_done(&to);
}
