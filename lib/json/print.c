/*
 * Numbers and strings as JSON text. Floats take the shortest decimal that reads back as the same
 * float, and of several the nearest: Raffaello Giulietti, "The Schubfach way to render doubles"
 * (2020), for 32 bits. Doubles, which are rare here, are left to snprintf.
 */
#include "json/json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    POWER_MIN = -31, /* of the table of powers of ten: what the exponents of floats need */
    POWER_MAX = 45,
    FLOAT_BIAS = 127 + FLT_MANT_DIG - 1,
    FLOAT_DIGITS = 9,
    POINT_MIN = -4, /* 0.00001 is the smallest float written without exponent */
    POINT_MAX = 10, /* and below 10^10 the largest */
    DOUBLE_DIGITS = 17
};

/* 10^k as 64 bits, rounded up: ceil(10^k * 2^(63 - floor(log2(10^k)))), for k from POWER_MIN. */
static const uint64_t powers_of_ten[POWER_MAX - POWER_MIN + 1] = {
    0x81ceb32c4b43fcf5, 0xa2425ff75e14fc32, 0xcad2f7f5359a3b3f, 0xfd87b5f28300ca0e,
    0x9e74d1b791e07e49, 0xc612062576589ddb, 0xf79687aed3eec552, 0x9abe14cd44753b53,
    0xc16d9a0095928a28, 0xf1c90080baf72cb2, 0x971da05074da7bef, 0xbce5086492111aeb,
    0xec1e4a7db69561a6, 0x9392ee8e921d5d08, 0xb877aa3236a4b44a, 0xe69594bec44de15c,
    0x901d7cf73ab0acda, 0xb424dc35095cd810, 0xe12e13424bb40e14, 0x8cbccc096f5088cc,
    0xafebff0bcb24aaff, 0xdbe6fecebdedd5bf, 0x89705f4136b4a598, 0xabcc77118461cefd,
    0xd6bf94d5e57a42bd, 0x8637bd05af6c69b6, 0xa7c5ac471b478424, 0xd1b71758e219652c,
    0x83126e978d4fdf3c, 0xa3d70a3d70a3d70b, 0xcccccccccccccccd, 0x8000000000000000,
    0xa000000000000000, 0xc800000000000000, 0xfa00000000000000, 0x9c40000000000000,
    0xc350000000000000, 0xf424000000000000, 0x9896800000000000, 0xbebc200000000000,
    0xee6b280000000000, 0x9502f90000000000, 0xba43b74000000000, 0xe8d4a51000000000,
    0x9184e72a00000000, 0xb5e620f480000000, 0xe35fa931a0000000, 0x8e1bc9bf04000000,
    0xb1a2bc2ec5000000, 0xde0b6b3a76400000, 0x8ac7230489e80000, 0xad78ebc5ac620000,
    0xd8d726b7177a8000, 0x878678326eac9000, 0xa968163f0a57b400, 0xd3c21bcecceda100,
    0x84595161401484a0, 0xa56fa5b99019a5c8, 0xcecb8f27f4200f3a, 0x813f3978f8940985,
    0xa18f07d736b90be6, 0xc9f2c9cd04674edf, 0xfc6f7c4045812297, 0x9dc5ada82b70b59e,
    0xc5371912364ce306, 0xf684df56c3e01bc7, 0x9a130b963a6c115d, 0xc097ce7bc90715b4,
    0xf0bdc21abb48db21, 0x96769950b50d88f5, 0xbc143fa4e250eb32, 0xeb194f8e1ae525fe,
    0x92efd1b8d0cf37bf, 0xb7abc627050305ae, 0xe596b7b0c643c71a, 0x8f7e32ce7bea5c70,
    0xb35dbf821ae4f38c,
};

/* ---- the shortest decimal of a float ---- */

/* floor(log2(10^k)), floor(log10(2^q)) and floor(log10(3/4 * 2^q)) in fixed point; exact for |k|,
 * |q| < 1000
 */
static inline int log2_of_10_to(int k)
{
    return (k * 1741647) >> 19;
}

static inline int log10_of_2_to(int q)
{
    return (q * 1262611) >> 22;
}

static inline int log10_of_3_4ths_of_2_to(int q)
{
    return (q * 1262611 - 524031) >> 22;
}

/* The upper 32 bits of the 96-bit product, "rounded to odd": the last bit is also set where the
 * product has anything below it, so that an even result is exact, which is all that comparisons
 * with it need. As the power is rounded up, a 1 in the next 32 bits is nothing. */
static inline uint32_t product_to_odd(uint64_t power, uint32_t factor)
{
    unsigned __int128 product = (unsigned __int128)power * factor;
    uint32_t upper = (uint32_t)(product >> 64), below = (uint32_t)((uint64_t)product >> 32);
    return upper | (below > 1);
}

/* digits * 10^exponent, at most FLOAT_DIGITS digits, zeros at the end included. */
struct short_decimal {
    uint32_t digits;
    int exponent;
};

/*
 * Of the decimals that round to c * 2^q the shortest, and of several the nearest. All is in
 * quarters of 10^k, which is the largest power of ten not longer than the interval that rounds to c
 * * 2^q: so a multiple of 10^k is inside, and of 10^(k+1) at most one. The bounds are inside if c
 * is even, as ties round to even. Selected without branches: which of them it is, no branch
 * predictor knows.
 */
static inline struct short_decimal shortest_decimal(uint32_t c, int q, bool lower_is_closer)
{
    int k = lower_is_closer ? log10_of_3_4ths_of_2_to(q) : log10_of_2_to(q);
    int shift = q + log2_of_10_to(-k) + 1;
    uint64_t power = powers_of_ten[-k - POWER_MIN];
    uint32_t outside = c & 1;
    uint32_t lower = product_to_odd(power, (4 * c - 2 + lower_is_closer) << shift) + outside;
    uint32_t value = product_to_odd(power, (4 * c) << shift);
    uint32_t upper = product_to_odd(power, (4 * c + 2) << shift) - outside;

    uint32_t ones = value / 4;
    bool down_inside = lower <= 4 * ones, up_inside = 4 * ones + 4 <= upper;
    bool nearer_up = value + (ones & 1) > 4 * ones + 2; /* a tie goes to the even one */
    bool one = down_inside != up_inside;
    uint32_t digits = ones + ((one & up_inside) | (!one & nearer_up));

    uint32_t tens = ones / 10 * 10;
    bool tens_down_inside = lower <= 4 * tens, tens_up_inside = 4 * tens + 40 <= upper;
    uint32_t shorter = -(uint32_t)(tens_down_inside != tens_up_inside); /* all bits, or none */
    digits = (shorter & (tens + 10 * tens_up_inside)) | (~shorter & digits);
    return (struct short_decimal){ digits, k };
}

/* ---- from numbers to characters, 8 in a register, the first one lowest ---- */

static const uint64_t each = 0x0101010101010101;

static inline void put_8(char *p, uint64_t characters)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    characters = __builtin_bswap64(characters);
#endif
    memcpy(p, &characters, sizeof characters);
}

/* The 8 digits of a value below 10^8: split into halves of 4 digits, of 2, of 1, all halves at
 * once; a division is a multiplication by a rounded inverse. */
static inline uint64_t digits_8(uint32_t value)
{
    uint64_t fours = value / 10000 | (uint64_t)(value % 10000) << 32;
    uint64_t hundreds = (fours * 10486) >> 20 & 0x0000007f0000007f;
    uint64_t twos = hundreds | (fours - 100 * hundreds) << 16;
    uint64_t tens = (twos * 103) >> 10 & 0x000f000f000f000f;
    return tens | (twos - 10 * tens) << 8;
}

static inline char *put_exponent(char *p, int exponent)
{
    *p++ = 'e';
    *p = '-';
    p += exponent < 0;
    unsigned size = (unsigned)(exponent < 0 ? -exponent : exponent);
    *p = (char)('0' + size / 10);
    p += size >= 10;
    *p++ = (char)('0' + size % 10);
    return p;
}

/* `value`, positive, at p; no more than JSON_FLOAT_MAX - 1 bytes are touched, though more than are
 * used. */
static inline char *put_decimal(char *p, struct short_decimal value)
{
    static const uint32_t tens[] = { 1,      10,      100,      1000,      10000,
                                     100000, 1000000, 10000000, 100000000, 1000000000 };
    int n = (32 - __builtin_clz(value.digits)) * 1233 >>
            12; /* bits * log10(2): the digits, or one less */
    n += value.digits >= tens[n];
    int point = value.exponent + n;
    uint32_t all = value.digits * tens[FLOAT_DIGITS - n], first = all / 100000000;
    uint64_t others = digits_8(all % 100000000);
    n = others == 0 ? 1
                    : FLOAT_DIGITS - __builtin_clzll(others) / 8; /* without the zeros at the end */
    others |= each * '0';
    char digit = (char)('0' + first);

    if (point <= 0 && point >= POINT_MIN) {
        put_8(p, each * '0');
        p[1] = '.';
        p += 2 - point;
        *p = digit;
        put_8(p + 1, others);
        return p + n;
    }
    *p = digit;
    if (point > POINT_MAX || point <= 0) {
        p[1] = '.';
        put_8(p + 2, others);
        return put_exponent(p + (n > 1 ? n + 1 : 1), point - 1);
    }
    if (point >= n) {
        put_8(p + 1, others);
        p[9] = '0';
        return p + point;
    }
    uint64_t whole = (UINT64_C(1) << (8 * (point - 1))) - 1;
    put_8(p + 1, (others & whole) | (each & (whole + 1)) * '.' | (others & ~whole) << 8);
    p[9] = (char)(others >> 56);
    return p + n + 1;
}

/* ---- the calls of json.h ---- */

static char *put_text(char *p, const char *text, size_t n)
{
    memcpy(p, text, n);
    return p + n;
}

char *json_print_float(char *p, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t hidden = UINT32_C(1) << (FLT_MANT_DIG - 1), fraction = bits & (hidden - 1);
    int exponent = (int)(bits >> (FLT_MANT_DIG - 1) & 0xff);
    if (exponent == 0xff) {
        return put_text(p, "null", 4);
    }
    *p = '-';
    p += bits >> 31;
    if (exponent == 0 && fraction == 0) {
        *p = '0';
        return p + 1;
    }
    uint32_t c = exponent == 0 ? fraction : fraction | hidden;
    int q = (exponent == 0 ? 1 : exponent) - FLOAT_BIAS;
    if (q <= 0 && q > -FLT_MANT_DIG && (c & ((UINT32_C(1) << -q) - 1)) == 0) {
        return put_decimal(
            p, (struct short_decimal){ c >> -q, 0 }); /* a whole number is its own shortest */
    }
    return put_decimal(p, shortest_decimal(c, q, fraction == 0 && exponent > 1));
}

/* With so many digits. */
static char *print_digits(char *p, int n_digits, double value)
{
    char text[64], *end = p;
    snprintf(text, sizeof text, "%.*g", n_digits, value);
    /* The decimal point is the locale's, of one byte or more: whatever does not belong to a number.
     */
    for (const char *t = text; *t != '\0'; t++) {
        if (strchr("+-0123456789e", *t) != NULL) {
            *end++ = *t;
        } else if (end[-1] != '.') {
            *end++ = '.';
        }
    }
    return end;
}

static double same(double value)
{
    return value;
}

/* The nearest sum of two floats. */
static double sum_of_two(double value)
{
    const float high = (float)value;
    return (double)high + (isinf(high) ? 0.0 : (double)(float)(value - (double)high));
}

/* As few digits as it takes to read back what `counts` of it; from those that any double keeps. */
static char *print_shortest(char *p, double value, double (*counts)(double value))
{
    if (!isfinite(value)) {
        return put_text(p, "null", 4);
    }
    for (int n = DBL_DIG;; n++) {
        char *end = print_digits(p, n, value);
        struct json j;
        double back;
        json_init(&j, p, (size_t)(end - p));
        if (n == DOUBLE_DIGITS || (json_number(&j, &back) && counts(back) == value)) {
            return end;
        }
    }
}

char *json_print_double(char *p, double value)
{
    return print_shortest(p, value, same);
}

char *json_print_real(char *p, bool is_double, double value)
{
    return is_double ? print_shortest(p, value, sum_of_two) : json_print_float(p, (float)value);
}

char *json_print_int(char *p, int64_t value)
{
    char text[JSON_INT_MAX], *end = text + sizeof text, *t = end;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--t = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        *--t = '-';
    }
    return put_text(p, t, (size_t)(end - t));
}

char *json_print_string(char *p, const char *s, size_t n)
{
    static const char hex[] = "0123456789abcdef", controls[] = "\b\f\n\r\t", names[] = "bfnrt";
    *p++ = '"';
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '"' || c == '\\') {
            *p++ = '\\';
            *p++ = (char)c;
        } else if (c >= 0x20) {
            *p++ = (char)c;
        } else {
            const char *control = memchr(controls, c, sizeof controls - 1);
            *p++ = '\\';
            if (control != NULL) {
                *p++ = names[control - controls];
            } else {
                p = put_text(p, "u00", 3);
                *p++ = hex[c >> 4];
                *p++ = hex[c & 15];
            }
        }
    }
    *p++ = '"';
    return p;
}
