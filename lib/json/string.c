/* Strings: checked where they stand, unescaped on demand. */
#include "json/scan.h"
#include "json/utf8.h"

#include <string.h>

enum { CODE_POINT_MAX = 4, /* bytes of a code point in UTF-8 */ SURROGATE_BITS = 10 };

/* The value of 4 hexadecimal digits; -1 if they are not all there. */
static int32_t hex4(const char *p, const char *end)
{
    if (end - p < 4) {
        return -1;
    }
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char lower = (char)(p[i] | 0x20);
        if (p[i] >= '0' && p[i] <= '9') {
            value = value * 16 + (p[i] - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            value = value * 16 + (lower - 'a' + 10);
        } else {
            return -1;
        }
    }
    return value;
}

static bool is_high_surrogate(int32_t unit)
{
    return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low_surrogate(int32_t unit)
{
    return unit >= 0xdc00 && unit < 0xe000;
}

/* Checks the escape at p, a backslash; returns where it ends, NULL after noting an error. */
static const char *check_escape(struct json *j, const char *p)
{
    const char *end = j->end;
    if (end - p < 2) {
        json_fail(j, end, JSON_ERROR_ENDS_IN_STRING);
        return NULL;
    }
    if (p[1] != 'u') {
        if (p[1] == '\0' || strchr("\"\\/bfnrt", p[1]) == NULL) {
            json_fail(j, p, JSON_ERROR_UNKNOWN_ESCAPE);
            return NULL;
        }
        return p + 2;
    }
    int32_t unit = hex4(p + 2, end);
    if (unit < 0) {
        json_fail(j, p, JSON_ERROR_BAD_HEX);
        return NULL;
    }
    if (is_high_surrogate(unit) && json_goes_on_with(p + 6, end, "\\u", 2) &&
        is_low_surrogate(hex4(p + 8, end))) {
        return p + 12;
    }
    if (is_high_surrogate(unit) || is_low_surrogate(unit)) {
        json_fail(j, p, JSON_ERROR_HALF_SURROGATE);
        return NULL;
    }
    return p + 6;
}

/* Whether any of 8 bytes is a quote, a backslash, a control character or beyond ASCII: the bit
 * tricks of https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord; a false alarm only
 * costs time. */
static bool has_special(const char *p)
{
    const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    uint64_t w;
    memcpy(&w, p, sizeof w);
    uint64_t quote = w ^ (ones * '"'), backslash = w ^ (ones * '\\');
    return ((w | (w - ones * ' ') | (quote - ones) | (backslash - ones)) & tops) != 0;
}

bool json_string(struct json *j, struct json_text *ret_text)
{
    if (!json_begin_value(j)) {
        return false;
    }
    return *j->p == '"' ? json_take_string(j, ret_text) : json_fail(j, j->p, JSON_ERROR_NOT_STRING);
}

bool json_take_string(struct json *j, struct json_text *ret_text)
{
    struct json_text text = { j->p + 1, 0, false };
    const char *p = text.p, *end = j->end;
    for (;;) {
        while (end - p >= 8 && !has_special(p)) {
            p += 8;
        }
        if (p == end) {
            return json_fail(j, p, JSON_ERROR_ENDS_IN_STRING);
        }
        unsigned char c = (unsigned char)*p;
        if (c == '"') {
            break;
        }
        if (c == '\\') {
            text.escaped = true;
            p = check_escape(j, p);
            if (p == NULL) {
                return false;
            }
        } else if (c < 0x20) {
            return json_fail(j, p, JSON_ERROR_CONTROL_CHARACTER);
        } else if (c < 0x80) {
            p++;
        } else {
            size_t n = utf8_length(p, end);
            if (n == 0) {
                return json_fail(j, p, JSON_ERROR_NOT_UTF8);
            }
            p += n;
        }
    }
    text.n = (size_t)(p - text.p);
    json_end_value(j, p + 1);
    *ret_text = text;
    return true;
}

/* ---- unescaping; the text was checked by json_string ---- */

static size_t utf8_encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[CODE_POINT_MAX + 1] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(lead[n] | code);
    return n;
}

/* Takes one byte, or one escape, off the front of *text; writes what it stands for and returns its
 * length. */
static size_t take_character(struct json_text *text, char out[CODE_POINT_MAX])
{
    static const char names[] = "bfnrt", controls[] = "\b\f\n\r\t";
    const char *p = text->p, *end = p + text->n;
    size_t taken = 1, n = 1;
    out[0] = *p;
    if (*p == '\\' && p[1] == 'u') {
        int32_t unit = hex4(p + 2, end), code = unit;
        taken = 6;
        if (is_high_surrogate(unit)) {
            code = 0x10000 + ((unit - 0xd800) << SURROGATE_BITS) + (hex4(p + 8, end) - 0xdc00);
            taken = 12;
        }
        n = utf8_encode((uint32_t)code, out);
    } else if (*p == '\\') {
        const char *name = strchr(names, p[1]);
        out[0] = name != NULL ? controls[name - names] : p[1];
        taken = 2;
    }
    text->p += taken;
    text->n -= taken;
    return n;
}

bool json_unescape(struct json_text text, char *out, size_t size)
{
    while (text.n > 0) {
        char bytes[CODE_POINT_MAX];
        size_t n = take_character(&text, bytes);
        if (bytes[0] == '\0' || n >= size) {
            return false;
        }
        memcpy(out, bytes, n);
        out += n;
        size -= n;
    }
    if (size == 0) {
        return false;
    }
    *out = '\0';
    return true;
}

bool json_text_is(struct json_text text, const char *s)
{
    if (!text.escaped) {
        return strncmp(s, text.p, text.n) == 0 && s[text.n] == '\0'; /* the text holds no NUL */
    }
    while (text.n > 0) {
        char bytes[CODE_POINT_MAX];
        size_t n = take_character(&text, bytes);
        /* strncmp stops at the end of s; an embedded NUL equals no character of it */
        if (bytes[0] == '\0' || strncmp(s, bytes, n) != 0) {
            return false;
        }
        s += n;
    }
    return *s == '\0';
}
