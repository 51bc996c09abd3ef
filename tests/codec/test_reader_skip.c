/* Values that are passed over or kept as text, and objects of which only some fields matter. */
#include "codec/reader_skip.h"
#include "codec_support.h"

#include <string.h>

static struct reader reader_of(const char *text, struct fault *fault)
{
    struct reader r;
    reader_init(&r, INPUT(text, strlen(text), usual_limits, NULL, fault));
    return r;
}

TEST(a_fault_in_a_value_that_is_passed_over_names_its_place)
{
    static const struct refusal refusals[] = {
        { "{\"a\":[1,{\"b\":1e999}]}", STATUS_INVALID_VALUE, "a[1].b" },
        { "[[0],[1,2,-1e999]]", STATUS_INVALID_VALUE, "[1][2]" },
        { "{\"a\":nul}", STATUS_INVALID_JSON, "a" },
        { "{\"a\":1", STATUS_INVALID_JSON, "" },
    };
    for (size_t i = 0; i < N_OF(refusals); i++) {
        struct fault fault;
        struct reader r = reader_of(refusals[i].body, &fault);
        enum status status = reader_skip(&r);
        ASSERT_REFUSED(status, &fault, &refusals[i]);
    }
    struct fault fault;
    struct reader r = reader_of("{\"a\":1,\"a\":[1e300]}", &fault);
    ck_assert_int_eq(reader_end(&r, reader_skip(&r)), STATUS_OK);
}

TEST(what_is_kept_is_what_clients_can_hold)
{
    static const struct refusal refusals[] = {
        { "{\"a\":1,\"b\":2,\"\\u0061\":3}", STATUS_DUPLICATE_FIELD, "a" },
        { "{\"a\":{\"b\":1e300}}", STATUS_INVALID_VALUE, "a.b" },
        { "{\"a\":\"0123456789012345678901234\"}", STATUS_INVALID_VALUE, "" },
    };
    for (size_t i = 0; i < N_OF(refusals); i++) {
        struct fault fault;
        size_t n;
        const char *text;
        struct reader r = reader_of(refusals[i].body, &fault);
        enum status status = reader_text(&r, 28, &text, &n);
        ASSERT_REFUSED(status, &fault, &refusals[i]);
    }
    struct fault fault;
    size_t n = 0;
    const char *text = NULL;
    struct reader r = reader_of(" {\"a\": [1, {\"a\":2}]} ", &fault);
    ck_assert_int_eq(reader_end(&r, reader_text(&r, 28, &text, &n)), STATUS_OK);
    ck_assert_uint_eq(n, strlen("{\"a\": [1, {\"a\":2}]}"));
    ck_assert_mem_eq(text, "{\"a\": [1, {\"a\":2}]}", n);
}

static enum status read_last(struct reader *r, void *body)
{
    return reader_number(r, body);
}

TEST(of_some_fields_the_last_counts_and_the_others_are_passed_over)
{
    static const struct field fields[] = { { "x", read_last, true, NULL },
                                           { "y", read_last, false, NULL } };
    static const struct refusal refusals[] = {
        { "{\"x\":1,\"no\":{\"deep\":[1e999]}}", STATUS_INVALID_VALUE, "no.deep[0]" },
        { "{\"x\":\"1\"}", STATUS_INVALID_TYPE, "x" },
        { "{\"x\":1,}", STATUS_INVALID_JSON, "" },
        { "3", STATUS_INVALID_TYPE, "" },
    };
    struct fault fault;
    double value = 0;
    unsigned seen = 99;
    struct reader r = reader_of("{\"no\":[1],\"x\":1,\"no\":null,\"x\":2}", &fault);
    ck_assert_int_eq(reader_some_fields(&r, fields, N_OF(fields), &value, &seen), STATUS_OK);
    ck_assert(value == 2 && seen == 1);
    r = reader_of("{}", &fault); /* one that is required is not missed */
    ck_assert_int_eq(reader_some_fields(&r, fields, N_OF(fields), &value, &seen), STATUS_OK);
    ck_assert_uint_eq(seen, 0);
    for (size_t i = 0; i < N_OF(refusals); i++) {
        r = reader_of(refusals[i].body, &fault);
        enum status status = reader_some_fields(&r, fields, N_OF(fields), &value, &seen);
        ASSERT_REFUSED(status, &fault, &refusals[i]);
    }
}
