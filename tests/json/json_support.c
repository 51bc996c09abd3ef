#include "json_support.h"

#include <check.h>
#include <string.h>
#include <sys/mman.h>

char *guarded_room(size_t n)
{
    static char *room;
    const size_t page = 1 << 16; /* of any machine */
    if (n > GUARDED_MAX) { /* no ck_assert where millions of calls pass: each writes to libcheck's
                              pipe */
        ck_abort_msg("%zu bytes are too many", n);
    }
    if (room == NULL) {
        void *map = mmap(NULL, GUARDED_MAX + page, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(map, MAP_FAILED);
        room = map;
        ck_assert_int_eq(mprotect(room + GUARDED_MAX, page, PROT_NONE), 0);
    }
    return room + GUARDED_MAX - n;
}

struct json guarded_scan(const char *text, size_t n)
{
    char *copy = guarded_room(n);
    memcpy(copy, text, n);
    struct json j;
    json_init(&j, copy, n);
    return j;
}

bool is_valid(const char *text, size_t n)
{
    struct json j = guarded_scan(text, n);
    bool valid = json_skip(&j) && json_end(&j);
    if (valid != (j.error == JSON_NO_ERROR)) {
        ck_abort_msg("valid, and yet: %s", json_error_text(j.error));
    }
    return valid;
}

uint64_t bits_of_double(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

uint32_t bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014) */
uint64_t random_bits(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}
