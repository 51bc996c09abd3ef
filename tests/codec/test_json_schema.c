/* Schemas as JSON Schema, type by type. */
#include "codec/json_schema.h"
#include "codec/json_text.h"
#include "codec_support.h"

#include <string.h>

static void assert_printed(const struct json_schema *schema, const char *expected)
{
    struct setup s;
    setup_init(&s, model_weather());
    json_schema_put(&s.text, NULL, schema, &usual_limits);
    ck_assert_str_eq(setup_text(&s), expected);
    setup_done(&s);
}

static enum status never_read(struct reader *r, void *body)
{
    (void)r;
    (void)body;
    return STATUS_OK;
}

TEST(numbers_have_their_bounds)
{
    assert_printed(JSON_SCHEMA(INTEGER, .least = 1, .most = 5),
                   "{\"type\":\"integer\",\"minimum\":1,\"maximum\":5}");
    assert_printed(JSON_SCHEMA(INTEGER), "{\"type\":\"integer\"}");
    assert_printed(JSON_SCHEMA(NUMBER, .most = 1, .is_above_least = true, .is_below_most = true),
                   "{\"type\":\"number\",\"exclusiveMinimum\":0,\"exclusiveMaximum\":1}");
    assert_printed(JSON_SCHEMA(FLOAT, .is_nullable = true),
                   "{\"type\":[\"number\",\"null\"],\"minimum\":-3.4028235e+38,"
                   "\"maximum\":3.4028235e+38}");
}

TEST(options_bound_what_they_bound_in_the_decoder)
{
    assert_printed(JSON_SCHEMA(INTEGER, .least = 1, .limit = JSON_SCHEMA_HORIZON_MAX),
                   "{\"type\":\"integer\",\"minimum\":1,\"maximum\":100}");
    assert_printed(JSON_SCHEMA(NUMBER, .limit = JSON_SCHEMA_LEVELS),
                   "{\"type\":\"number\",\"enum\":[0.8,0.9,0.95]}");
}

TEST(texts_have_words_patterns_and_lengths)
{
    assert_printed(JSON_SCHEMA(STRING, .words = "all|last"),
                   "{\"type\":\"string\",\"enum\":[\"all\",\"last\"]}");
    assert_printed(JSON_SCHEMA(STRING, .words = "a|", .is_nullable = true),
                   "{\"type\":[\"string\",\"null\"],\"enum\":[\"a\",null]}");
    assert_printed(JSON_SCHEMA(STRING, .pattern = "^\"$", .least = 1, .most = 3, .format = "x"),
                   "{\"type\":\"string\",\"pattern\":\"^\\\"$\",\"format\":\"x\",\"minLength\":1,"
                   "\"maxLength\":3}");
}

TEST(objects_are_closed_where_a_decoder_reads_them)
{
    const struct field said[] = { { "a", NULL, true, JSON_SCHEMA(BOOLEAN) },
                                  { "b", NULL, false, JSON_SCHEMA(ANY) } };
    const struct field read[] = { { "a", never_read, false, JSON_SCHEMA(BOOLEAN) } };
    assert_printed(JSON_SCHEMA(OBJECT, JSON_SCHEMA_FIELDS(said), .help = "h"),
                   "{\"type\":\"object\",\"description\":\"h\",\"properties\":{\"a\":{\"type\":"
                   "\"boolean\"},\"b\":{}},\"required\":[\"a\"]}");
    assert_printed(JSON_SCHEMA(OBJECT, JSON_SCHEMA_FIELDS(read), .either = "a|c"),
                   "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"boolean\"}},\"oneOf\":[{"
                   "\"required\":[\"a\"]},{\"required\":[\"c\"]}],\"additionalProperties\":false}");
    assert_printed(JSON_SCHEMA(OBJECT), "{\"type\":\"object\",\"additionalProperties\":false}");
    assert_printed(JSON_SCHEMA(OBJECT, .items = JSON_SCHEMA(BOOLEAN)),
                   "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"boolean\"}}");
}

TEST(arrays_and_choices_hold_others)
{
    const struct json_schema *const choices[] = { JSON_SCHEMA(BOOLEAN),
                                                  JSON_SCHEMA(ANY, .name = "Named") };
    assert_printed(
        JSON_SCHEMA(ARRAY, .items = JSON_SCHEMA(BOOLEAN), .least = 1, .example = "[true]"),
        "{\"type\":\"array\",\"items\":{\"type\":\"boolean\"},\"minItems\":1,\"examples\":"
        "[[true]]}");
    assert_printed(JSON_SCHEMA(ANY_OF, JSON_SCHEMA_CHOICES(choices), .is_nullable = true),
                   "{\"anyOf\":[{\"type\":\"boolean\"},{\"$ref\":\"#/components/schemas/Named\"},{"
                   "\"type\":\"null\"}]}");
}

TEST(a_named_schema_is_defined_once_and_referred_to)
{
    struct setup s;
    setup_init(&s, model_weather());
    json_text_begin_object(&s.text, NULL);
    json_schema_put_definition(&s.text, JSON_SCHEMA(BOOLEAN, .name = "Named"), &usual_limits);
    json_text_end_object(&s.text);
    ck_assert_str_eq(setup_text(&s), "{\"Named\":{\"type\":\"boolean\"}}");
    setup_done(&s);
}

TEST(json_text_sets_commas_and_quotes)
{
    struct setup s;
    setup_init(&s, model_weather());
    json_text_begin_object(&s.text, NULL);
    json_text_string(&s.text, "a\"", "[{\n");
    json_text_begin_array(&s.text, "b");
    json_text_number(&s.text, NULL, 0.5);
    json_text_bool(&s.text, NULL, false);
    json_text_begin_array(&s.text, NULL);
    json_text_end_array(&s.text);
    json_text_raw(&s.text, NULL, "{}");
    json_text_end_array(&s.text);
    json_text_string(&s.text, "c", "{");
    json_text_string(&s.text, "d", "");
    json_text_end_object(&s.text);
    ck_assert_str_eq(setup_text(&s),
                     "{\"a\\\"\":\"[{\\n\",\"b\":[0.5,false,[],{}],\"c\":\"{\",\"d\":"
                     "\"\"}");
    setup_done(&s);
}
