/* The scanner, the codec of numbers, and strings. What is read and printed again reads the same. */
#include "fuzz.h"
#include "json/json.h"

#include <math.h>
#include <string.h>

struct out {
    char *p;
    size_t n, size;
};

static char *reserve(struct out *out, size_t n)
{
    if (out->size - out->n < n) {
        out->size = 2 * (out->size + n);
        out->p = realloc(out->p, out->size);
        FUZZ_CHECK(out->p);
    }
    return out->p + out->n;
}

static void put_char(struct out *out, char c)
{
    *reserve(out, 1) = c;
    out->n++;
}

/* ---- printing again what was read ---- */

static bool copy_value(struct json *j, struct out *out);

static void copy_text(struct json_text text, struct out *out)
{
    char *plain = malloc(text.n + 1);
    FUZZ_CHECK(plain);
    if (json_unescape(text, plain, text.n + 1)) {
        size_t n = strlen(plain);
        FUZZ_CHECK(n <= text.n && json_text_is(text, plain));
        char *p = reserve(out, 6 * n + 2);
        out->n += (size_t)(json_print_string(p, plain, n) - p);
    } else { /* it holds a NUL; the text itself is known to be whole */
        FUZZ_CHECK(text.escaped);
        put_char(out, '"');
        memcpy(reserve(out, text.n), text.p, text.n);
        out->n += text.n;
        put_char(out, '"');
    }
    free(plain);
}

static bool copy_object(struct json *j, struct out *out)
{
    struct json_text name;
    char before = '{';
    if (!json_object(j)) {
        return false;
    }
    while (json_member(j, &name)) {
        put_char(out, before);
        copy_text(name, out);
        put_char(out, ':');
        if (!copy_value(j, out)) {
            return false;
        }
        before = ',';
    }
    if (before == '{') {
        put_char(out, '{');
    }
    put_char(out, '}');
    return !j->error;
}

static bool copy_array(struct json *j, struct out *out)
{
    char before = '[';
    if (!json_array(j)) {
        return false;
    }
    while (json_element(j)) {
        put_char(out, before);
        if (!copy_value(j, out)) {
            return false;
        }
        before = ',';
    }
    if (before == '[') {
        put_char(out, '[');
    }
    put_char(out, ']');
    return !j->error;
}

static bool copy_value(struct json *j, struct out *out)
{
    double number;
    bool truth;
    struct json_text text;
    char *p = reserve(out, JSON_DOUBLE_MAX);
    switch (json_peek(j)) {
    case JSON_NONE:
        return json_skip(j); /* says what is wrong */
    case JSON_NULL:
        out->n += (size_t)(stpcpy(p, "null") - p);
        return json_null(j);
    case JSON_BOOL:
        if (!json_bool(j, &truth)) {
            return false;
        }
        out->n += (size_t)(stpcpy(p, truth ? "true" : "false") - p);
        return true;
    case JSON_NUMBER:
        if (!json_number(j, &number)) {
            return false;
        }
        FUZZ_CHECK(isfinite(number));
        out->n += (size_t)(json_print_double(p, number) - p);
        return true;
    case JSON_STRING:
        if (!json_string(j, &text)) {
            return false;
        }
        copy_text(text, out);
        return true;
    case JSON_ARRAY:
        return copy_array(j, out);
    case JSON_OBJECT:
        return copy_object(j, out);
    }
    return false;
}

static bool copy(const char *text, size_t n, struct out *out)
{
    struct json j;
    json_init(&j, text, n);
    bool copied = copy_value(&j, out) && json_end(&j);
    FUZZ_CHECK(copied == !j.error);
    FUZZ_CHECK(copied || (j.at >= j.begin && j.at <= j.end));
    return copied;
}

static void check_copies(const char *text, size_t n)
{
    struct out once = { .n = 0 }, twice = { .n = 0 };
    struct json j;
    json_init(&j, text, n);
    bool skipped = json_skip(&j) && json_end(&j);
    if (copy(text, n, &once)) {
        FUZZ_CHECK(skipped);
        char *exact = fuzz_copy(once.p, once.n);
        FUZZ_CHECK(copy(exact, once.n, &twice));
        FUZZ_CHECK(once.n == twice.n && memcmp(once.p, twice.p, once.n) == 0);
        free(exact);
    }
    free(once.p);
    free(twice.p);
}

/* ---- numbers ---- */

/* libc rounds correctly as well. */
static void check_number(const char *text, size_t n)
{
    struct json j;
    double number;
    float single;
    char *end, *terminated = malloc(n + 1);
    FUZZ_CHECK(terminated);
    memcpy(terminated, text, n);
    terminated[n] = '\0';
    json_init(&j, text, n);
    if (json_number(&j, &number) && json_end(&j)) {
        FUZZ_CHECK(number == strtod(terminated, &end));
    }
    json_init(&j, text, n);
    if (json_float(&j, &single) && json_end(&j)) {
        FUZZ_CHECK(single == strtof(terminated, &end));
    }
    free(terminated);
}

/* An array of values gives what its elements give one by one. */
static void check_array(const char *text, size_t n, bool is_double)
{
    enum { MOST = 64 };
    double at_once[MOST], value;
    size_t n_at_once = 0, n_singly = 0;
    struct json j, k;
    json_init(&j, text, n);
    json_init(&k, text, n);
    bool whole = json_real_array(&j, is_double, at_once, MOST, &n_at_once);
    bool singly = json_array(&k);
    while (singly && json_element(&k)) {
        bool is_null = json_peek(&k) == JSON_NULL;
        singly = is_null ? json_null(&k) : json_real(&k, is_double, &value);
        value = is_null ? (double)NAN : value;
        if (singly && whole && n_singly < MOST) {
            FUZZ_CHECK(memcmp(&value, &at_once[n_singly], sizeof value) == 0);
        }
        n_singly += singly;
    }
    FUZZ_CHECK(whole == (singly && !k.error));
    FUZZ_CHECK(!whole || (n_at_once == n_singly && j.p == k.p));
}

/* What two floats keep of it. */
static double sum_of_two(double value)
{
    const float high = (float)value, rest = (float)(value - (double)high);
    return (double)high + (double)rest;
}

/* Any bits as numbers: what is printed reads back; of a reading, what counts of it. */
static void check_bits(const uint8_t *bytes, size_t n)
{
    struct json j;
    char text[JSON_DOUBLE_MAX], exact[JSON_FLOAT_MAX];
    for (size_t at = 0; at + sizeof(double) <= n; at += sizeof(double)) {
        float single, single_back;
        double number, back;
        memcpy(&single, bytes + at, sizeof single);
        memcpy(&number, bytes + at, sizeof number);
        if (isfinite(single)) {
            json_init(&j, exact, (size_t)(json_print_float(exact, single) - exact));
            FUZZ_CHECK(json_float(&j, &single_back) && json_end(&j));
            FUZZ_CHECK(memcmp(&single, &single_back, sizeof single) == 0);
        }
        if (isfinite(number)) {
            json_init(&j, text, (size_t)(json_print_double(text, number) - text));
            FUZZ_CHECK(json_number(&j, &back) && json_end(&j));
            FUZZ_CHECK(memcmp(&number, &back, sizeof number) == 0);
        }
        if (isfinite((float)number)) {
            number = sum_of_two(number);
            json_init(&j, text, (size_t)(json_print_real(text, true, number) - text));
            FUZZ_CHECK(json_real(&j, true, &back) && json_end(&j));
            back = sum_of_two(back);
            FUZZ_CHECK(memcmp(&number, &back, sizeof number) == 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *text = (const char *)bytes;
    check_copies(text, n);
    check_number(text, n);
    check_array(text, n, false);
    check_array(text, n, true);
    check_bits(bytes, n);
    return 0;
}
