/* utf8.c - see utf8.h. */
#include "json/utf8.h"

/* How many bytes a code point has that begins with this one. */
static size_t due_length(unsigned char first)
{
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* The range of the second byte is what tells overlong forms, surrogates and what is beyond U+10FFFF
 * from valid code points. */
size_t utf8_length(const char *p, const char *end)
{
    const unsigned char *b = (const unsigned char *)p;
    if (p == end) {
        return 0;
    }
    size_t n = due_length(b[0]);
    if (n == 1) {
        return 1;
    }
    if (b[0] < 0xc2 || b[0] > 0xf4 || (size_t)(end - p) < n) {
        return 0;
    }
    unsigned char low = b[0] == 0xe0 ? 0xa0 : b[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = b[0] == 0xed ? 0x9f : b[0] == 0xf4 ? 0x8f : 0xbf;
    if (b[1] < low || b[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if (!is_continuation(p[i])) {
            return 0;
        }
    }
    return n;
}

bool utf8_is_valid(const char *s, size_t n)
{
    const char *end = s + n;
    while (s < end) {
        size_t length = utf8_length(s, end);
        if (length == 0) {
            return false;
        }
        s += length;
    }
    return true;
}

size_t utf8_control_length(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    if (b[0] == 0xc2) {
        return b[1] >= 0x80 && b[1] < 0xa0 ? 2 : 0;
    }
    return b[0] == 0x7f || (b[0] < ' ' && b[0] != '\0') ? 1 : 0;
}

size_t utf8_whole(const char *s, size_t n)
{
    size_t start = n;
    while (start > 0 && is_continuation(s[start - 1])) {
        start--;
    }
    if (start == 0) {
        return n;
    }
    start--;
    return n - start < due_length((unsigned char)s[start]) ? start : n;
}
