/* Objects by a table of fields: what is found, and in what order faults are told. */
#include "json_support.h"
#include "test.h"
#include "json/fields.h"

#include <string.h>

struct row {
    int number; /* the names need not come first */
    const char *name;
};

static const struct row rows[] = { { 1, "x" }, { 2, "xy" }, { 3, "seq" } };
enum { N_ROWS = sizeof rows / sizeof *rows, NONE = 99 };

static struct json_fields walk_of(unsigned required)
{
    return (struct json_fields){
        .names = &rows->name, .row_bytes = sizeof *rows, .n = N_ROWS, .required = required
    };
}

/* Walks to the first that is no new field. */
static enum json_found walk(const char *text, struct json_fields *fields)
{
    struct json j = guarded_scan(text, strlen(text));
    enum json_found found;
    ck_assert(json_object(&j));
    while ((found = json_fields_next(fields, &j)) == JSON_FIELD_NEW) {
        ck_assert(json_skip(&j));
    }
    return found;
}

TEST(fields_come_in_any_order_and_spelling)
{
    static const char text[] = "{\"seq\":1,\"x\\u0079\":2,\"\\u0078\":3}";
    static const size_t order[] = { 2, 1, 0 };
    struct json_fields fields = walk_of(0);
    struct json j = guarded_scan(text, strlen(text));
    ck_assert(json_object(&j));
    for (size_t i = 0; i < N_ROWS; i++) {
        double value;
        ck_assert_int_eq(json_fields_next(&fields, &j), JSON_FIELD_NEW);
        ck_assert_uint_eq(fields.row, order[i]);
        ck_assert(json_text_is(fields.name, rows[order[i]].name));
        ck_assert(json_number(&j, &value) && value == (double)i + 1);
    }
    ck_assert_int_eq(json_fields_next(&fields, &j), JSON_FIELDS_END);
    ck_assert_uint_eq(fields.seen, 7);
    ck_assert(json_end(&j));
}

TEST(each_way_to_go_wrong_is_told_apart)
{
    static const struct {
        const char *text;
        unsigned required;
        enum json_found found;
        size_t row;
    } cases[] = {
        { "{}", 0, JSON_FIELDS_END, NONE },
        { "{\"x\":1}", 1, JSON_FIELDS_END, NONE },
        { "{\"x\":1}", 7, JSON_FIELDS_MISSING, 1 },
        { "{}", 4, JSON_FIELDS_MISSING, 2 },
        { "{\"x\":1,\"xy\":2,\"x\":3}", 7, JSON_FIELD_AGAIN, 0 },
        { "{\"x\":1,\"se\":2}", 7, JSON_FIELD_UNKNOWN, NONE },
        { "{\"seqs\":2}", 0, JSON_FIELD_UNKNOWN, NONE },
        { "{\"\":2}", 0, JSON_FIELD_UNKNOWN, NONE },
        { "{\"x\\u0000\":2}", 0, JSON_FIELD_UNKNOWN, NONE },
        { "{\"x\":1 \"xy\":2}", 7, JSON_FIELDS_ERROR, NONE },
        { "{\"x\":1", 7, JSON_FIELDS_ERROR, NONE },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_fields fields = walk_of(cases[i].required);
        enum json_found found = walk(cases[i].text, &fields);
        ck_assert_msg(found == cases[i].found, "%s: %d", cases[i].text, found);
        ck_assert(cases[i].row == NONE || fields.row == cases[i].row);
    }
}

TEST(a_walk_may_go_on_behind_what_is_unknown_or_there_again)
{
    static const char text[] = "{\"x\":1,\"no\":[2],\"x\":3,\"seq\":4}";
    static const enum json_found expected[] = { JSON_FIELD_NEW, JSON_FIELD_UNKNOWN,
                                                JSON_FIELD_AGAIN, JSON_FIELD_NEW };
    struct json_fields fields = walk_of(0);
    struct json j = guarded_scan(text, strlen(text));
    ck_assert(json_object(&j));
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        ck_assert_int_eq(json_fields_next(&fields, &j), expected[i]);
        ck_assert(json_skip(&j));
    }
    ck_assert_int_eq(json_fields_next(&fields, &j), JSON_FIELDS_END);
    ck_assert_uint_eq(fields.seen, 5);
}

TEST(a_value_that_was_not_read_ends_the_walk)
{
    static const char text[] = "{\"x\":1,\"xy\":2}";
    struct json_fields fields = walk_of(0);
    struct json j = guarded_scan(text, strlen(text));
    ck_assert(json_object(&j));
    ck_assert_int_eq(json_fields_next(&fields, &j), JSON_FIELD_NEW);
    ck_assert_int_eq(json_fields_next(&fields, &j), JSON_FIELDS_ERROR);
}
