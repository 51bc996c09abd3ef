/* Recorded readings as the engine of a cluster keeps them, and bytes that are none. */
#include "service/sessions/reading_wire.h"

#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 128 };

static const double x[3] = { 1.5, (double)NAN, -1e-300 };
static const double y[2] = { 0.1, -7 };
static const struct recorded plain = { .step = UINT64_C(0x6543210f00000007),
                                       .at = 1700000000.25,
                                       .x = x,
                                       .n_inputs = 3,
                                       .y = y,
                                       .n_outputs = 2 };

static bool is_same(const double *a, const double *b, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (a[k] != b[k] && !(isnan(a[k]) && isnan(b[k]))) {
            return false;
        }
    }
    return true;
}

static size_t write_reading(const struct recorded *reading, char bytes[BYTES_MAX])
{
    const size_t n = reading_wire_bytes(reading);
    ck_assert_uint_le(n, BYTES_MAX);
    reading_wire_write(reading, bytes);
    return n;
}

static void expect_back(const struct recorded *reading)
{
    char bytes[BYTES_MAX];
    double read_x[3], read_y[2];
    struct reading_head head;
    const size_t n = write_reading(reading, bytes);
    ck_assert_int_eq(reading_wire_read(bytes, n, &head), READING_WIRE_WHOLE);
    ck_assert_uint_eq(head.step, reading->step);
    ck_assert(is_same(&head.at, &reading->at, 1));
    ck_assert_uint_eq(head.n_inputs, reading->n_inputs);
    ck_assert_uint_eq(head.n_outputs, reading->y ? reading->n_outputs : 0);
    reading_wire_read_x(bytes, &head, read_x);
    reading_wire_read_y(bytes, &head, read_y);
    ck_assert(is_same(read_x, reading->x, head.n_inputs));
    ck_assert(is_same(read_y, y, head.n_outputs));
}

TEST(what_is_written_is_read)
{
    struct recorded other = plain;
    expect_back(&plain);
    other.at = (double)NAN;
    other.step = 1;
    expect_back(&other);
    other.y = NULL;
    expect_back(&other);
    other.n_inputs = 1;
    expect_back(&other);
}

/* Nodes of all builds and machines read it. */
TEST(the_bytes_are_those_of_the_layout)
{
    static const double one[] = { 1 }, two[] = { 2 };
    static const unsigned char wanted[] = { 1, 8,    7,    6,    5,    4, 3, 2, 1, 0, 0, 0, 0,   0,
                                            0, 0xf0, 0xbf, 1,    0,    0, 0, 1, 0, 0, 0, 0, 0,   0,
                                            0, 0,    0,    0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0x40 };
    const struct recorded reading = { .step = UINT64_C(0x0102030405060708),
                                      .at = -1,
                                      .x = one,
                                      .n_inputs = 1,
                                      .y = two,
                                      .n_outputs = 1 };
    char bytes[BYTES_MAX];
    ck_assert_uint_eq(write_reading(&reading, bytes), sizeof wanted);
    ck_assert_mem_eq(bytes, wanted, sizeof wanted);
}

TEST(no_other_length_is_a_reading)
{
    char bytes[BYTES_MAX] = { 0 };
    struct reading_head head;
    const size_t n_whole = write_reading(&plain, bytes);
    for (size_t n = 0; n < BYTES_MAX; n++) {
        char *exact = malloc(n + (n == 0)); /* a byte behind it is found by the sanitizer */
        memcpy(exact, bytes, n);
        ck_assert_int_eq(reading_wire_read(exact, n, &head),
                         n == n_whole ? READING_WIRE_WHOLE : READING_WIRE_DAMAGED);
        free(exact);
    }
}

TEST(what_others_have_put_there_is_refused)
{
    static const struct {
        const char *what;
        size_t at;
        unsigned char byte;
        enum reading_wire is;
    } changes[] = {
        { "another version", 0, 2, READING_WIRE_NEWER },
        { "no version", 0, 0, READING_WIRE_NEWER },
        { "fewer inputs", 17, 2, READING_WIRE_DAMAGED },
        { "more inputs", 17, 4, READING_WIRE_DAMAGED },
        { "a great many inputs", 20, 0xff, READING_WIRE_DAMAGED },
        { "a great many outputs", 24, 0xff, READING_WIRE_DAMAGED },
    };
    struct reading_head head;
    char bytes[BYTES_MAX];
    for (size_t k = 0; k < sizeof changes / sizeof *changes; k++) {
        const size_t n = write_reading(&plain, bytes);
        bytes[changes[k].at] = (char)changes[k].byte;
        ck_assert_msg(reading_wire_read(bytes, n, &head) == changes[k].is, "%s", changes[k].what);
    }
    static const double infinite[] = { 1, (double)INFINITY };
    const struct recorded hostile[] = {
        { .at = (double)INFINITY, .x = x, .n_inputs = 1 },
        { .x = infinite, .n_inputs = 2 },
        { .x = x, .n_inputs = 1, .y = infinite, .n_outputs = 2 },
        { .x = x, .n_inputs = 0, .y = y, .n_outputs = 2 },
    };
    for (size_t k = 0; k < sizeof hostile / sizeof *hostile; k++) {
        const size_t n = write_reading(&hostile[k], bytes);
        ck_assert_int_eq(reading_wire_read(bytes, n, &head), READING_WIRE_DAMAGED);
    }
}
