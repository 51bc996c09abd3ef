/* The reader of values: what it takes, and where it says that a fault is. */
#include "codec/reader.h"
#include "codec_support.h"

#include <string.h>

static struct reader reader_of(const char *text, struct arena *arena, struct fault *fault)
{
    struct reader r;
    reader_init(&r, INPUT(text, strlen(text), usual_limits, arena, fault));
    return r;
}

TEST(integers_are_exact)
{
    static const struct {
        const char *text;
        uint64_t expected;
        enum status status;
    } cases[] = {
        { "0", 0, STATUS_OK },
        { "7.000", 7, STATUS_OK },
        { "1e3", 1000, STATUS_OK },
        { "9007199254740992", UINT64_C(1) << 53, STATUS_OK },
        { "9007199254740993", 0, STATUS_INVALID_VALUE }, /* a double would round it down */
        { "1.00000000000000000001", 0, STATUS_INVALID_VALUE },
        { "0.5", 0, STATUS_INVALID_VALUE },
        { "-1", 0, STATUS_INVALID_VALUE },
        { "1e300", 0, STATUS_INVALID_VALUE },
        { "\"1\"", 0, STATUS_INVALID_TYPE },
        { "01", 0, STATUS_INVALID_JSON },
    };
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct fault fault;
        struct reader r = reader_of(cases[i].text, NULL, &fault);
        uint64_t value = 99;
        enum status status = reader_end(&r, reader_integer(&r, 0, UINT64_C(1) << 53, &value));
        ck_assert_msg(status == cases[i].status, "%s: %s", cases[i].text, status_code(status));
        ck_assert_uint_eq(value, status == STATUS_OK ? cases[i].expected : 99);
    }
}

TEST(a_number_beyond_a_float_is_out_of_range)
{
    static const char *const texts[] = { "1e39", "-1e39", "1e999" };
    for (size_t i = 0; i < N_OF(texts); i++) {
        struct fault fault;
        double value = 99;
        struct reader r = reader_of(texts[i], NULL, &fault);
        ck_assert_int_eq(reader_number(&r, &value), STATUS_INVALID_VALUE);
        ck_assert(value == 99);
        ck_assert_ptr_nonnull(strstr(fault.message, "is out of range: the number is beyond the "));
    }
}

TEST(the_errors_of_the_scanner_have_their_statuses)
{
    struct fault fault;
    double value;
    struct reader r = reader_of("[1,", NULL, &fault);
    ck_assert_int_eq(reader_number(&r, &value), STATUS_INVALID_JSON);
    ck_assert_str_eq(fault.message,
                     "the body is not valid JSON: the text ends inside an array at byte 3");
    char deep[DEPTH_MAX + 2];
    memset(deep, '[', sizeof deep);
    deep[sizeof deep - 1] = '\0';
    r = reader_of(deep, NULL, &fault);
    ck_assert_int_eq(reader_number(&r, &value), STATUS_INVALID_JSON);
    ck_assert_str_eq(fault.message, "the body is too deep: arrays and objects may stand in each "
                                    "other 32 times");
}

/* ---- places ---- */

static enum status read_size(struct reader *r, void *body)
{
    uint64_t value;
    enum status status = reader_integer(r, 1, 10, &value);
    if (status == STATUS_OK) {
        *(uint64_t *)body += value;
    }
    return status;
}

static enum status read_sizes(struct reader *r, void *body)
{
    size_t n;
    return reader_elements(r, "an array of sizes", read_size, body, &n);
}

static const struct field fields[] = {
    { "size", read_size, true, NULL },
    { "sizes", read_sizes, false, NULL },
};

TEST(a_fault_names_its_place)
{
    static const struct refusal refusals[] = {
        { "{}", STATUS_MISSING_FIELD, "size" },
        { "[]", STATUS_INVALID_TYPE, "" },
        { "{\"size\":11}", STATUS_INVALID_VALUE, "size" },
        { "{\"size\":1,\"sizes\":[1,2,0]}", STATUS_INVALID_VALUE, "sizes[2]" },
        { "{\"size\":1,\"size\":2}", STATUS_DUPLICATE_FIELD, "size" },
        { "{\"siz\\u0065s\":[],\"s\\u00fc\":2}", STATUS_UNKNOWN_FIELD, "s\xc3\xbc" },
        { "{\"size\":1}1", STATUS_INVALID_JSON, "" },
    };
    for (size_t i = 0; i < N_OF(refusals); i++) {
        struct fault fault;
        uint64_t sum = 0;
        unsigned seen = 99;
        struct reader r = reader_of(refusals[i].body, NULL, &fault);
        enum status status = reader_fields(&r, fields, N_OF(fields), &sum, &seen);
        status = reader_end(&r, status);
        ASSERT_REFUSED(status, &fault, &refusals[i]);
    }
    struct fault fault;
    uint64_t sum = 0;
    unsigned seen;
    struct reader r = reader_of("{\"sizes\":[2,3],\"size\":4}", NULL, &fault);
    ck_assert_int_eq(reader_fields(&r, fields, N_OF(fields), &sum, &seen), STATUS_OK);
    ck_assert(sum == 9 && seen == 3);
}

TEST(a_long_name_is_shown_cut_between_code_points)
{
    char body[300] = "{\"";
    for (int i = 0; i < 60; i++) {
        strcat(body, "\xe2\x82\xac");
    }
    strcat(body, "\":1}");
    struct fault fault;
    unsigned seen;
    struct reader r = reader_of(body, NULL, &fault);
    ck_assert_int_eq(reader_fields(&r, fields, N_OF(fields), NULL, &seen), STATUS_UNKNOWN_FIELD);
    ck_assert_uint_eq(strlen(fault.param), (READER_NAME_SIZE - 1) / 3 * 3);
}

/* ---- memory ---- */

TEST(what_grows_keeps_its_items)
{
    struct arena arena;
    struct fault fault;
    arena_init(&arena, 1 << 20);
    struct reader r = reader_of("1", &arena, &fault);
    size_t size = 0, *items = NULL;
    for (size_t n = 0; n < 1000; n++) {
        items = reader_grow(&r, items, n, sizeof *items, &size);
        ck_assert(items != NULL && size > n);
        items[n] = n;
    }
    for (size_t n = 0; n < 1000; n++) {
        ck_assert_uint_eq(items[n], n);
    }
    ck_assert_ptr_null(reader_alloc(&r, SIZE_MAX / 2, 8));
    ck_assert_int_eq(fault.status, STATUS_REQUEST_TOO_LARGE);
    arena_done(&arena);
}
