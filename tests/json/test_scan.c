/* The structure of JSON texts: what is accepted, what is refused and with which words. */
#include "json_support.h"
#include "test.h"

#include <string.h>

struct text {
    const char *p;
    size_t n;
};

/* Texts may hold NUL. */
#define TEXT(s)                                                                                    \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }
#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static const char sample[] =
    " { \"a\" : [ 1 , -2.5e+3, 0.125 ,null,true , false],\r\n\t\"b\\u00e9\\n\":{\"\":{}, "
    "\"c\":[[ ],[{ }]]} ,\"\xc3\xa9\":\"\xf0\x9f\x98\x80 \\ud83d\\ude00 \\\"\\\\\\/\" } ";

TEST(texts_of_the_grammar_are_accepted)
{
    static const struct text texts[] = {
        TEXT("null"),
        TEXT("true"),
        TEXT("false"),
        TEXT("0"),
        TEXT("\"\""),
        TEXT("[]"),
        TEXT("{}"),
        TEXT(" \t\r\n[ \t\r\n] \t\r\n"),
        TEXT("{ }"),
        TEXT("[[]]"),
        TEXT("[[],[]]"),
        TEXT("[{},{}]"),
        TEXT("[1,2]"),
        TEXT("[ 1 , 2 ]"),
        TEXT("{\"a\":1}"),
        TEXT("{\"a\":1,\"a\":2}"),
        TEXT("{\"\":0}"),
        TEXT("{ \"a\" : 1 , \"b\" : 2 }"),
        TEXT("{\"a\":{\"b\":{\"c\":[]}}}"),
        TEXT("[null,true,false,\"s\",-1,{},[]]"),
        TEXT("\"a\"\n"),
        TEXT("{\"a\\u0000b\":\"\\u0000\"}"),
        TEXT("\"{[,:]}\""),
        { sample, sizeof sample - 1 },
    };
    for (size_t i = 0; i < N_OF(texts); i++) {
        ck_assert_msg(is_valid(texts[i].p, texts[i].n), "refused: %s", texts[i].p);
    }
}

static const struct text refused[] = {
    TEXT(""),
    TEXT(" "),
    TEXT("\xef\xbb\xbf{}"),
    TEXT("\xef\xbb\xbf"),
    TEXT("\0"),
    TEXT("[\0]"),
    TEXT("[]\0"),
    TEXT("n"),
    TEXT("nul"),
    TEXT("nulll"),
    TEXT("Null"),
    TEXT("NULL"),
    TEXT("tru"),
    TEXT("truee"),
    TEXT("True"),
    TEXT("fals"),
    TEXT("falsy"),
    TEXT("undefined"),
    TEXT("nan"),
    TEXT("["),
    TEXT("]"),
    TEXT("[,]"),
    TEXT("[1,]"),
    TEXT("[,1]"),
    TEXT("[1,,2]"),
    TEXT("[1 2]"),
    TEXT("[1"),
    TEXT("[1,"),
    TEXT("[1}"),
    TEXT("[1:2]"),
    TEXT("[\"a\":1]"),
    TEXT("[1]]"),
    TEXT("[1],"),
    TEXT("[]x"),
    TEXT("[] []"),
    TEXT("1 2"),
    TEXT("{"),
    TEXT("}"),
    TEXT("{,}"),
    TEXT("{\"a\"}"),
    TEXT("{\"a\":}"),
    TEXT("{\"a\":1,}"),
    TEXT("{,\"a\":1}"),
    TEXT("{\"a\":1,,\"b\":2}"),
    TEXT("{\"a\":1 \"b\":2}"),
    TEXT("{\"a\" 1}"),
    TEXT("{\"a\",1}"),
    TEXT("{\"a\"::1}"),
    TEXT("{a:1}"),
    TEXT("{'a':1}"),
    TEXT("{1:1}"),
    TEXT("{null:1}"),
    TEXT("{\"a\":1]"),
    TEXT("{\"a\":1"),
    TEXT("{\"a\":"),
    TEXT("{\"a\""),
    TEXT("{\"a"),
    TEXT("{\"a\":1}}"),
    TEXT("{\"a\":1 2}"),
    TEXT("{1}"),
    TEXT("{[]:1}"),
    TEXT("[1]//c"),
    TEXT("/**/1"),
    TEXT("[1/**/]"),
    TEXT("#\n1"),
    TEXT("\v1"),
    TEXT("\f[]"),
    TEXT("[\xc2\xa0"
         "1]"),
    TEXT("'a'"),
    TEXT("<a>"),
    TEXT("\\u0031"),
    TEXT("(1)"),
    TEXT(","),
    TEXT(":"),
    TEXT("*"),
    TEXT("\xff"),
};

TEST(texts_outside_the_grammar_are_refused)
{
    for (size_t i = 0; i < N_OF(refused); i++) {
        ck_assert_msg(!is_valid(refused[i].p, refused[i].n), "accepted: %s", refused[i].p);
    }
}

TEST(every_prefix_of_a_text_is_refused)
{
    size_t n = strrchr(sample, '}') + 1 - sample;
    ck_assert(is_valid(sample, n));
    for (size_t i = 0; i < n; i++) {
        ck_assert_msg(!is_valid(sample, i), "accepted: %.*s", (int)i, sample);
    }
}

TEST(nesting_ends_at_its_limit)
{
    char text[2 * JSON_DEPTH_MAX + 2];
    for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        ck_assert_int_eq(is_valid(text, 2 * depth), depth == JSON_DEPTH_MAX);
    }
    /* siblings do not add up */
    ck_assert(is_valid("[[[]],[[]],[[]]]", 16));
    static char open[GUARDED_MAX];
    memset(open, '[', sizeof open);
    struct json j = guarded_scan(open, sizeof open);
    ck_assert(!json_skip(&j));
    ck_assert_int_eq(j.error, JSON_ERROR_TOO_DEEP);
    ck_assert_int_eq(j.at - j.begin, JSON_DEPTH_MAX);
}

TEST(members_and_elements_come_in_order)
{
    struct json j = guarded_scan(sample, sizeof sample - 1);
    struct json_text name, text;
    double number;
    bool truth;

    ck_assert_int_eq(json_peek(&j), JSON_OBJECT);
    ck_assert(json_object(&j));
    ck_assert(json_member(&j, &name) && json_text_is(name, "a"));
    ck_assert_int_eq(json_peek(&j), JSON_ARRAY);
    ck_assert(json_array(&j));
    static const double numbers[] = { 1, -2500, 0.125 };
    for (size_t i = 0; i < N_OF(numbers); i++) {
        ck_assert(json_element(&j));
        ck_assert_int_eq(json_peek(&j), JSON_NUMBER);
        ck_assert(json_number(&j, &number));
        ck_assert_double_eq(number, numbers[i]);
    }
    ck_assert(json_element(&j) && json_peek(&j) == JSON_NULL && json_null(&j));
    ck_assert(json_element(&j) && json_peek(&j) == JSON_BOOL && json_bool(&j, &truth) && truth);
    ck_assert(json_element(&j) && json_peek(&j) == JSON_BOOL && json_bool(&j, &truth) && !truth);
    ck_assert(!json_element(&j) && j.error == JSON_NO_ERROR);
    ck_assert(json_member(&j, &name) && json_text_is(name, "b\xc3\xa9\n"));
    ck_assert(json_skip(&j));
    ck_assert(json_member(&j, &name) && json_text_is(name, "\xc3\xa9"));
    ck_assert_int_eq(json_peek(&j), JSON_STRING);
    ck_assert(json_string(&j, &text) && text.escaped);
    ck_assert(json_text_is(text, "\xf0\x9f\x98\x80 \xf0\x9f\x98\x80 \"\\/"));
    ck_assert(!json_member(&j, &name) && j.error == JSON_NO_ERROR);
    ck_assert(json_end(&j));
}

/* Reads a value by the calls that its type asks for. */
static bool read_value(struct json *j)
{
    struct json_text text;
    double number;
    bool truth;
    switch (json_peek(j)) {
    case JSON_OBJECT:
        json_object(j);
        while (json_member(j, &text)) {
            if (!read_value(j)) {
                return false;
            }
        }
        return j->error == JSON_NO_ERROR;
    case JSON_ARRAY:
        json_array(j);
        while (json_element(j)) {
            if (!read_value(j)) {
                return false;
            }
        }
        return j->error == JSON_NO_ERROR;
    case JSON_STRING:
        return json_string(j, &text);
    case JSON_NUMBER:
        return json_number(j, &number);
    case JSON_BOOL:
        return json_bool(j, &truth);
    case JSON_NULL:
        return json_null(j);
    case JSON_NONE:
        break;
    }
    return false;
}

TEST(skipping_and_reading_agree_on_damaged_texts)
{
    static const char bytes[] = "{}[]\",:\\ue01-+.nt \x1f\x80\xc3\xed\xf4";
    uint64_t random = 1;
    int n_valid = 0;
    for (int i = 0; i < 100000; i++) {
        char text[sizeof sample];
        memcpy(text, sample, sizeof sample);
        for (uint64_t n = 1 + random_bits(&random) % 2; n > 0; n--) {
            text[random_bits(&random) % (sizeof sample - 1)] =
                bytes[random_bits(&random) % (sizeof bytes - 1)];
        }
        bool valid = is_valid(text, sizeof sample - 1);
        struct json j = guarded_scan(text, sizeof sample - 1);
        ck_assert_msg((read_value(&j) && json_end(&j)) == valid, "%s", text);
        n_valid += valid;
    }
    ck_assert_int_gt(n_valid, 500);
    ck_assert_int_lt(n_valid, 99500);
}

TEST(errors_say_what_and_where)
{
    static const struct {
        const char *text;
        int at;
        const char *error;
    } cases[] = {
        { "", 0, "the text ends where a value is expected" },
        { "[1 2]", 3, "expected ',' or ']' after an element" },
        { "{\"a\":1 \"b\"}", 7, "expected ',' or '}' after a member" },
        { "{\"a\" 1}", 5, "expected ':' after the name of a member" },
        { "{a:1}", 1, "expected the name of a member, in double quotes" },
        { "[1,]", 3, "a ',' stands before the closing bracket" },
        { "[1,", 3, "the text ends inside an array" },
        { "{\"a\":1", 6, "the text ends inside an object" },
        { "{\"a\":", 5, "the text ends where a value is expected" },
        { "{\"a", 3, "the text ends inside a string" },
        { "[1]x", 3, "something follows after the end of the value" },
        { "[tru]", 1, "expected true or false" },
        { "[?]", 1, "expected a value" },
        { "[-]", 2, "expected a digit after '-'" },
        { "[-NaN]", 2, "NaN and Infinity are not JSON" },
        { "[NaN]", 1, "NaN and Infinity are not JSON" },
        { "[01]", 1, "a number has no leading zero" },
        { "[1.]", 3, "expected a digit after the decimal point" },
        { "[1e]", 2, "expected a digit in the exponent" },
        { "[-", 2, "the text ends inside a number" },
        { "[1e999]", 1, "the number is beyond the range of a 64-bit float" },
        { "\xef\xbb\xbf{}", 0, "the text starts with a byte order mark" },
        { "\"\t\"", 1, "a control character in a string must be escaped" },
        { "\"\\x\"", 1, "an unknown escape in a string" },
        { "\"\\u12g4\"", 1, "expected 4 hexadecimal digits after \\u" },
        { "\"\\ud800\"", 1, "half of a surrogate pair in a string" },
        { "\"a\xff\"", 2, "a string is not valid UTF-8" },
    };
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct json j = guarded_scan(cases[i].text, strlen(cases[i].text));
        ck_assert(!json_skip(&j) || !json_end(&j));
        ck_assert_str_eq(json_error_text(j.error), cases[i].error);
        ck_assert_msg(j.at - j.begin == cases[i].at, "%s: at %d", cases[i].text,
                      (int)(j.at - j.begin));
    }
}

TEST(each_error_has_a_sentence_of_its_own)
{
#define NAME(name, text) name,
    static const enum json_error errors[] = { JSON_NO_ERROR, JSON_ERRORS(NAME) };
#undef NAME
    for (size_t i = 0; i < N_OF(errors); i++) {
        ck_assert_int_eq(errors[i], i);
        ck_assert_str_ne(json_error_text(errors[i]), "");
        for (size_t k = 0; k < i; k++) {
            ck_assert_str_ne(json_error_text(errors[i]), json_error_text(errors[k]));
        }
    }
}

TEST(values_of_another_type_are_refused_and_results_stay_as_they_were)
{
    static const char *const texts[] = { "null", "true", "1", "\"s\"", "[1]", "{\"a\":1}" };
    for (int want = 0; want < 6; want++) {
        for (int is = 0; is < 6; is++) {
            struct json j = guarded_scan(texts[is], strlen(texts[is]));
            struct json_text text = { NULL, 7, false };
            double number = 7;
            float real = 7;
            bool truth = false;
            bool ok = want == 0   ? json_null(&j)
                      : want == 1 ? json_bool(&j, &truth)
                      : want == 2 ? json_number(&j, &number)
                      : want == 3 ? json_string(&j, &text)
                      : want == 4 ? json_array(&j)
                                  : json_object(&j);
            ck_assert_int_eq(ok, want == is);
            if (!ok) {
                ck_assert_ptr_eq(j.at, j.begin);
                ck_assert_int_eq(strncmp(json_error_text(j.error), "expected ", 9), 0);
                ck_assert(!truth && number == 7 && text.n == 7);
                ck_assert_int_eq(json_peek(&j), JSON_NONE);
                ck_assert(!json_float(&j, &real) && real == 7);
            }
        }
    }
}

TEST(the_first_error_sticks)
{
    struct json j = guarded_scan("[1 2]", 5);
    struct json_text text;
    double number;
    float real;
    bool truth;
    size_t n;
    ck_assert(json_array(&j) && json_element(&j) && json_number(&j, &number) && !json_element(&j));
    enum json_error error = j.error;
    const char *at = j.at;
    ck_assert_int_eq(error, JSON_ERROR_NO_COMMA_IN_ARRAY);
    ck_assert(!json_array(&j) && !json_element(&j) && !json_object(&j) && !json_member(&j, &text));
    ck_assert(!json_null(&j) && !json_bool(&j, &truth) && !json_number(&j, &number) &&
              !json_float(&j, &real));
    ck_assert(!json_string(&j, &text) && !json_skip(&j) && !json_float_array(&j, &real, 1, &n) &&
              !json_end(&j));
    ck_assert(j.error == error && j.at == at);
}

TEST(an_error_set_by_the_caller_sticks_too)
{
    struct json j = guarded_scan("{\"a\":1}", 7);
    struct json_text name;
    ck_assert(json_object(&j) && json_member(&j, &name));
    j.error = JSON_ERROR_TOO_DEEP;
    j.at = name.p;
    ck_assert(!json_skip(&j) && !json_member(&j, &name) && !json_end(&j));
    ck_assert_int_eq(j.error, JSON_ERROR_TOO_DEEP);
}

TEST(a_value_that_was_not_read_ends_the_loop)
{
    struct json j = guarded_scan("{\"a\":,\"b\":1}", 12);
    struct json_text name;
    int n = 0;
    ck_assert(json_object(&j));
    while (json_member(&j, &name)) {
        ck_assert_int_lt(n++, 3);
    }
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(j.error, JSON_ERROR_VALUE_NOT_READ);

    j = guarded_scan("[,]", 3);
    ck_assert(json_array(&j) && json_element(&j) && !json_element(&j));
    ck_assert_int_ne(j.error, JSON_NO_ERROR);
}

TEST(calls_that_do_not_fit_are_refused)
{
    struct json_text name;
    double number;
    struct json j = guarded_scan("[1 2]", 5);
    ck_assert(json_array(&j) && json_element(&j) && json_number(&j, &number) &&
              !json_number(&j, &number));
    j = guarded_scan("[\"a\":1]", 7);
    ck_assert(json_array(&j) && !json_member(&j, &name));
    j = guarded_scan("{1}", 3);
    ck_assert(json_object(&j) && !json_element(&j));
    j = guarded_scan("[1]", 3);
    ck_assert(json_array(&j) && !json_number(&j, &number));
    j = guarded_scan("1 2", 3);
    ck_assert(json_number(&j, &number) && !json_number(&j, &number));
    j = guarded_scan("]", 1);
    ck_assert(!json_element(&j) && j.error != JSON_NO_ERROR);
    j = guarded_scan("", 0);
    ck_assert(!json_end(&j));
    j = guarded_scan("1", 1);
    ck_assert(!json_end(&j));
    j = guarded_scan("[ ", 2);
    ck_assert(json_array(&j) && !json_end(&j));
    json_init(&j, NULL, 0);
    ck_assert(!json_skip(&j));
}

TEST(type_names_read_as_words)
{
    static const char *const names[] = {
        [JSON_NONE] = "no value",    [JSON_NULL] = "null",       [JSON_BOOL] = "a boolean",
        [JSON_NUMBER] = "a number",  [JSON_STRING] = "a string", [JSON_ARRAY] = "an array",
        [JSON_OBJECT] = "an object",
    };
    for (size_t i = 0; i < N_OF(names); i++) {
        ck_assert_str_eq(json_type_name((enum json_type)i), names[i]);
    }
}
