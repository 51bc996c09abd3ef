#include "codec/base64.h"

#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_print(char *p, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i += 3) {
        uint32_t bits = (uint32_t)bytes[i] << 16;
        bits |= i + 1 < n ? (uint32_t)bytes[i + 1] << 8 : 0;
        bits |= i + 2 < n ? bytes[i + 2] : 0;
        *p++ = digits[bits >> 18];
        *p++ = digits[bits >> 12 & 63];
        *p++ = '=';
        *p++ = '=';
        p[-2] = i + 1 < n ? digits[bits >> 6 & 63] : '=';
        p[-1] = i + 2 < n ? digits[bits & 63] : '=';
    }
    return p;
}

/* Four characters, of which the last ones stand for no bits. */
static bool scan_group(const char *text, size_t n_digits, uint32_t *ret_bits)
{
    uint32_t bits = 0;
    for (size_t k = 0; k < 4; k++) {
        const char *digit = memchr(digits, text[k], sizeof digits - 1);
        if (k < n_digits ? digit == NULL : text[k] != '=') {
            return false;
        }
        bits = bits << 6 | (k < n_digits ? (uint32_t)(digit - digits) : 0);
    }
    *ret_bits = bits;
    return true;
}

bool base64_scan(const char *text, size_t n_text, unsigned char *ret_bytes, size_t n)
{
    bool is_fine = n_text == base64_length(n);
    for (size_t i = 0; is_fine && i < n; i += 3, text += 4) {
        const size_t n_left = n - i < 3 ? n - i : 3;
        uint32_t bits = 0;
        is_fine =
            scan_group(text, n_left + 1, &bits) && (bits & ((1U << (24 - 8 * n_left)) - 1)) == 0;
        for (size_t k = 0; k < n_left; k++) {
            ret_bytes[i + k] = (unsigned char)(bits >> (16 - 8 * k));
        }
    }
    return is_fine;
}
