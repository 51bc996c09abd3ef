#include "base/hash.h"
#include "test.h"

#include <string.h>

/* Python 3.11 hashes bytes with SipHash-1-3, under PYTHONHASHSEED=0 with a key of zeros. First in
 * this file: the key is still zero. */
TEST(a_hash_is_the_one_of_siphash_1_3)
{
    unsigned char bytes[128];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 7);
    }
    ck_assert(hash_64("a", 1) == UINT64_C(0x407448d2b89b1813));
    ck_assert(hash_64("abc", 3) == UINT64_C(0xc03bc3a0042630f2));
    ck_assert(hash_64("pump-7", 6) == UINT64_C(0xabfb9939e885dbe2));
    ck_assert(hash_64("12345678", 8) == UINT64_C(0x3489982430560a87));
    ck_assert(hash_64("0123456789abcdef", 16) == UINT64_C(0x1d42b30f7e060c24));
    ck_assert(hash_64(bytes, sizeof bytes) == UINT64_C(0x93910f1647953e05));
}

TEST(each_key_that_is_drawn_gives_other_hashes)
{
    enum { DRAWN = 8 };
    struct fault fault;
    uint64_t hashes[DRAWN];
    for (size_t k = 0; k < DRAWN; k++) {
        ck_assert_int_eq(hash_draw_key(&fault), STATUS_OK);
        hashes[k] = hash_64("pump-7", 6);
        ck_assert(hashes[k] == hash_64("pump-7", 6) && hashes[k] != hash_64("pump-8", 6));
        for (size_t j = 0; j < k; j++) {
            ck_assert(hashes[j] != hashes[k]);
        }
    }
}
