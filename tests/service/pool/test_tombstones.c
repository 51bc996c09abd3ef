#include "service/pool/tombstones.h"
#include "test.h"

static const int64_t day_ms = 86400000;

static bool is_found(struct tombs *tombs, uint64_t hash)
{
    struct tomb tomb;
    return tombs_find(tombs, hash, 1000, &tomb);
}

TEST(a_tomb_says_why_when_and_with_which_time_to_live)
{
    struct tombs tombs;
    struct tomb tomb;
    ck_assert(tombs_init(&tombs, 10));
    tombs_add(&tombs, 7, TOMB_EXPIRED, 123, 300);
    tombs_add(&tombs, 8, TOMB_EVICTED, 456, 0);
    ck_assert(tombs_find(&tombs, 7, 1000, &tomb));
    ck_assert(tomb.reason == TOMB_EXPIRED && tomb.ended_at_ms == 123 && tomb.ttl_s == 300);
    ck_assert(tombs_find(&tombs, 8, 1000, &tomb));
    ck_assert(tomb.reason == TOMB_EVICTED && tomb.ended_at_ms == 456);
    tombs_add(&tombs, 7, TOMB_DAMAGED, 789, 0); /* the later one counts */
    ck_assert(tombs_find(&tombs, 7, 1000, &tomb));
    ck_assert(tomb.reason == TOMB_DAMAGED && tomb.ended_at_ms == 789);
    ck_assert_uint_eq(atomic_load(&tombs.n), 2);
    ck_assert(!is_found(&tombs, 9));
    tombs_done(&tombs);
}

TEST(a_tomb_is_forgotten_after_a_day)
{
    struct tombs tombs;
    struct tomb tomb;
    ck_assert(tombs_init(&tombs, 10));
    tombs_add(&tombs, 7, TOMB_EXPIRED, 1000, 300);
    ck_assert(tombs_find(&tombs, 7, 1000 + day_ms - 1, &tomb));
    ck_assert(!tombs_find(&tombs, 7, 1000 + day_ms, &tomb));
    tombs_done(&tombs);
}

TEST(forgetting_says_whether_there_was_one)
{
    struct tombs tombs;
    ck_assert(tombs_init(&tombs, 4));
    ck_assert(!tombs_forget(&tombs, 7));
    tombs_add(&tombs, 7, TOMB_EXPIRED, 0, 0);
    ck_assert(tombs_forget(&tombs, 7));
    ck_assert(!tombs_forget(&tombs, 7) && !is_found(&tombs, 7));
    ck_assert_uint_eq(atomic_load(&tombs.n), 0);
    tombs_done(&tombs);
}

TEST(the_ring_keeps_exactly_the_newest)
{
    static const size_t sizes[] = { 1, 2, 3, 7, 64, 100 };
    for (size_t s = 0; s < 6; s++) {
        size_t max = sizes[s];
        struct tombs tombs;
        ck_assert(tombs_init(&tombs, max));
        for (uint64_t k = 1; k <= 5 * max; k++) {
            tombs_add(&tombs, k, TOMB_EXPIRED, 0, 0);
            size_t n_wrong = 0;
            for (uint64_t j = 1; j <= k; j++) {
                n_wrong += is_found(&tombs, j) != (j + max > k);
            }
            ck_assert_uint_eq(n_wrong, 0);
            ck_assert_uint_eq(atomic_load(&tombs.n), k < max ? k : max);
        }
        tombs_done(&tombs);
    }
}

/* Against a naive list of (hash, place in the ring); hashes share their low bits, so chains are long. */
TEST(a_random_history_of_tombs_is_like_the_naive_one)
{
    enum { MAX = 50, HASHES = 120 };
    struct tombs tombs;
    uint64_t ring[MAX] = { 0 }, random = 88172645463325252ULL;
    size_t next = 0, n_wrong = 0;
    ck_assert(tombs_init(&tombs, MAX));
    for (int change = 0; change < 20000; change++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        uint64_t hash = (random % HASHES + 1) << (random % HASHES % 2 ? 6 : 0);
        bool was_there = false;
        for (size_t k = 0; k < MAX; k++) {
            was_there = was_there || ring[k] == hash;
        }
        n_wrong += is_found(&tombs, hash) != was_there;
        bool adds = random >> 40 & 3;
        for (size_t k = 0; k < MAX; k++) {
            ring[k] = ring[k] == hash ? 0 : ring[k];
        }
        if (adds) {
            tombs_add(&tombs, hash, TOMB_EVICTED, 0, 0);
            ring[next] = hash;
            next = (next + 1) % MAX;
        } else {
            n_wrong += tombs_forget(&tombs, hash) != was_there;
        }
        size_t n = 0;
        for (size_t k = 0; k < MAX; k++) {
            n += ring[k] != 0;
            n_wrong += ring[k] != 0 && !is_found(&tombs, ring[k]);
        }
        n_wrong += atomic_load(&tombs.n) != n;
        ck_assert(change % 1000 || n_wrong == 0);
    }
    ck_assert_uint_eq(n_wrong, 0);
    tombs_done(&tombs);
}

TEST(without_room_nothing_is_remembered)
{
    struct tombs tombs;
    ck_assert(tombs_init(&tombs, 0));
    tombs_add(&tombs, 7, TOMB_EXPIRED, 0, 0);
    ck_assert(!is_found(&tombs, 7) && !tombs_forget(&tombs, 7));
    tombs_done(&tombs);
}

TEST(copied_tombs_keep_their_order)
{
    struct tombs from, to;
    struct tomb tomb;
    ck_assert(tombs_init(&from, 5) && tombs_init(&to, 5));
    for (uint64_t k = 1; k <= 8; k++) {
        tombs_add(&from, k, TOMB_EXPIRED, (int64_t)k, (uint32_t)k);
    }
    tombs_forget(&from, 6);
    tombs_add(&to, 100, TOMB_DAMAGED, 0, 0);
    tombs_copy(&from, &to);
    ck_assert_uint_eq(atomic_load(&to.n), 5);
    ck_assert(tombs_find(&to, 4, 1000, &tomb) && tomb.ended_at_ms == 4 && tomb.ttl_s == 4);
    tombs_add(&to, 101, TOMB_EXPIRED, 0, 0);
    ck_assert(!is_found(&to, 100) && is_found(&to, 4));
    tombs_add(&to, 102, TOMB_EXPIRED, 0, 0);
    ck_assert(!is_found(&to, 4) && is_found(&to, 5) && !is_found(&to, 6) && is_found(&to, 8));
    tombs_done(&from);
    tombs_done(&to);
}
