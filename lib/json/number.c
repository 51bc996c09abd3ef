/*
 * Numbers: RFC 8259's grammar, correctly rounded to double and to float.
 *
 * Nearly every number is settled by one multiplication (W. D. Clinger, "How to read floating point
 * numbers accurately", 1990): a double exactly where mantissa and power of ten both are; a float
 * wherever the double comes out clear of the midpoints between two floats. The rest goes to strtod
 * and strtof, which in the C libraries are exact. They see a bounded copy without a decimal point,
 * the one thing a locale could change.
 */
#include "json/scan.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(FLT_EVAL_METHOD == 0, "a double operation must round to double");

enum {
    MANTISSA_DIGITS_MAX = 19, /* any 19 digits fit into 64 bits */
    POWER_MAX = 64, /* of the table; covers every 19-digit mantissa that is a float other than 0 */
    EXACT_POWER_MAX = 22, /* 10^22 is the largest power of ten that is a double */
    COPY_DIGITS_MAX =
        800, /* a midpoint of doubles has at most 767 digits: beyond, only "not zero" counts */
    COPY_EXPONENT_MAX = 9999, /* with at most COPY_DIGITS_MAX digits: beyond the range, or 0 */
    COPY_MAX = COPY_DIGITS_MAX + 16
};

/* Beyond it the value is 0 or out of range whatever the digits: no text has that many. */
static const int64_t EXPONENT_MAX = INT64_C(1000000000000000);

static const double powers_of_ten[2 * POWER_MAX + 1] = {
    1e-64, 1e-63, 1e-62, 1e-61, 1e-60, 1e-59, 1e-58, 1e-57, 1e-56, 1e-55, 1e-54, 1e-53, 1e-52,
    1e-51, 1e-50, 1e-49, 1e-48, 1e-47, 1e-46, 1e-45, 1e-44, 1e-43, 1e-42, 1e-41, 1e-40, 1e-39,
    1e-38, 1e-37, 1e-36, 1e-35, 1e-34, 1e-33, 1e-32, 1e-31, 1e-30, 1e-29, 1e-28, 1e-27, 1e-26,
    1e-25, 1e-24, 1e-23, 1e-22, 1e-21, 1e-20, 1e-19, 1e-18, 1e-17, 1e-16, 1e-15, 1e-14, 1e-13,
    1e-12, 1e-11, 1e-10, 1e-9,  1e-8,  1e-7,  1e-6,  1e-5,  1e-4,  1e-3,  1e-2,  1e-1,  1e0,
    1e1,   1e2,   1e3,   1e4,   1e5,   1e6,   1e7,   1e8,   1e9,   1e10,  1e11,  1e12,  1e13,
    1e14,  1e15,  1e16,  1e17,  1e18,  1e19,  1e20,  1e21,  1e22,  1e23,  1e24,  1e25,  1e26,
    1e27,  1e28,  1e29,  1e30,  1e31,  1e32,  1e33,  1e34,  1e35,  1e36,  1e37,  1e38,  1e39,
    1e40,  1e41,  1e42,  1e43,  1e44,  1e45,  1e46,  1e47,  1e48,  1e49,  1e50,  1e51,  1e52,
    1e53,  1e54,  1e55,  1e56,  1e57,  1e58,  1e59,  1e60,  1e61,  1e62,  1e63,  1e64,
};

/* (-1)^negative * mantissa * 10^exponent. Of a number with more digits than fit, these are the
 * first 19: the rest would add less than 1 to the mantissa, which is then at least 10^18. */
struct decimal {
    uint64_t mantissa;
    int64_t exponent;
    bool negative;
};

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- the grammar ---- */

/* Adds the digits at p to the mantissa; returns where they end. */
static inline const char *scan_digits(const char *p, const char *end, uint64_t *mantissa)
{
    uint64_t m = *mantissa;
    while (p < end && is_digit(*p)) {
        m = m * 10 + (uint64_t)(*p - '0');
        p++;
    }
    *mantissa = m;
    return p;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* The value of 8 digits, the first one lowest: pairs, then fours, then all at once. Daniel Lemire,
 * "Number parsing at a gigabyte per second" (2021). */
static inline uint64_t value_of_8(uint64_t digits)
{
    const uint64_t mask = 0x000000ff000000ff;
    uint64_t pairs = digits * 10 + (digits >> 8);
    uint64_t first = (pairs & mask) * (100 + (UINT64_C(1000000) << 32));
    uint64_t second = (pairs >> 16 & mask) * (1 + (UINT64_C(10000) << 32));
    return (first + second) >> 32;
}

/* As scan_digits, 8 at a time and without a branch on how many they are: no branch predictor knows
 * how long the next fraction is. The digits move to the upper bytes, so that zeros lead. */
static inline const char *scan_many_digits(const char *p, const char *end, uint64_t *mantissa)
{
    static const uint64_t tens[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000 };
    const uint64_t each = 0x0101010101010101;
    while (end - p >= 8) {
        uint64_t digits;
        memcpy(&digits, p, sizeof digits);
        digits ^= each * '0';
        /* the top bit of what is no digit; right up to the first of them */
        uint64_t others = ((digits + each * (0x80 - 10)) | digits) & each * 0x80;
        if (others != 0) {
            unsigned n_bits = (unsigned)__builtin_ctzll(others) - 7;
            *mantissa = *mantissa * tens[n_bits / 8] + value_of_8(digits << (63 - n_bits) << 1);
            return p + n_bits / 8;
        }
        *mantissa = *mantissa * 100000000 + value_of_8(digits);
        p += 8;
    }
    return scan_digits(p, end, mantissa);
}
#else
#define scan_many_digits scan_digits
#endif

/* p is behind the 'e'; NULL if no digit follows. */
static const char *scan_exponent(const char *p, const char *end, int64_t *ret_exponent)
{
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) {
        p++;
    }
    const char *digits = p;
    int64_t exponent = 0;
    while (p < end && is_digit(*p)) {
        exponent = exponent < EXPONENT_MAX ? exponent * 10 + (*p - '0') : EXPONENT_MAX;
        p++;
    }
    *ret_exponent = negative ? -exponent : exponent;
    return p > digits ? p : NULL;
}

/* Takes the first digits, from the first that is not 0, of a number with too many of them for the
 * mantissa.
 */
static void cut_digits(const char *p, const char *end, struct decimal *d)
{
    int n = 0;
    d->mantissa = 0;
    for (; p < end; p++) {
        if (!is_digit(*p)) {
            continue;
        }
        if (n < MANTISSA_DIGITS_MAX) {
            d->mantissa = d->mantissa * 10 + (uint64_t)(*p - '0');
            n += d->mantissa != 0;
        } else {
            d->exponent++;
        }
    }
}

static const char *fail(struct json *j, const char *p, enum json_error error)
{
    json_fail(j, p, p == j->end ? JSON_ERROR_ENDS_IN_NUMBER : error);
    return NULL;
}

/* What is wrong with a number that does not start with a digit. */
static const char *fail_at_start(struct json *j, const char *p)
{
    if (p < j->end && (*p == 'N' || *p == 'I')) {
        return fail(j, p, JSON_ERROR_NOT_FINITE);
    }
    return fail(j, p,
                p > j->begin && p[-1] == '-' ? JSON_ERROR_NO_DIGIT_AFTER_MINUS
                                             : JSON_ERROR_NOT_NUMBER);
}

/* Reads the number at p, before j->end; returns where it ends, NULL after noting an error. */
static inline __attribute__((always_inline)) const char *scan_decimal(struct json *j, const char *p,
                                                                      struct decimal *ret)
{
    const char *end = j->end;
    struct decimal d = { 0, 0, *p == '-' };
    p += d.negative;
    const char *whole = p;
    p = scan_digits(p, end, &d.mantissa);
    if (p == whole) {
        return fail_at_start(j, p);
    }
    if (*whole == '0' && p - whole > 1) {
        return fail(j, whole, JSON_ERROR_LEADING_ZERO);
    }
    ptrdiff_t n_digits = p - whole;
    if (p < end && *p == '.') {
        const char *fraction = p + 1;
        p = scan_many_digits(fraction, end, &d.mantissa);
        if (p == fraction) {
            return fail(j, p, JSON_ERROR_NO_DIGIT_AFTER_POINT);
        }
        d.exponent = fraction - p;
        n_digits += p - fraction;
    }
    const char *digits_end = p;
    if (p < end && (*p == 'e' || *p == 'E')) {
        int64_t exponent;
        const char *behind = scan_exponent(p + 1, end, &exponent);
        if (behind == NULL) {
            return fail(j, p, JSON_ERROR_NO_DIGIT_IN_EXPONENT);
        }
        p = behind;
        d.exponent += exponent;
    }
    if (n_digits > MANTISSA_DIGITS_MAX) {
        cut_digits(whole, digits_end, &d);
    }
    *ret = d;
    return p;
}

/* ---- from decimal to binary ---- */

/* Copies the number of the checked text [p, end) as [-]digits e exponent. A dropped digit other
 * than 0 leaves a last 1 behind, so that the copy stays on its side of every midpoint. */
static void copy_number(const char *p, const char *end, char copy[COPY_MAX])
{
    char *out = copy;
    int64_t exponent = 0, fraction = 0, dropped = 0;
    size_t n = 0;
    bool behind_point = false, sticky = false;

    if (*p == '-') {
        *out++ = *p++;
    }
    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            behind_point = true;
            continue;
        }
        fraction += behind_point;
        if (n == 0 && *p == '0') {
            continue;
        }
        if (n < COPY_DIGITS_MAX) {
            out[n++] = *p;
        } else {
            dropped++;
            sticky |= *p != '0';
        }
    }
    if (p < end) {
        scan_exponent(p + 1, end, &exponent);
    }
    if (n == 0) {
        out[n++] = '0';
    }
    if (sticky) {
        out[n++] = '1';
        dropped--;
    }
    exponent += dropped - fraction;
    out[n++] = 'e';
    if (exponent < 0) {
        out[n++] = '-';
        exponent = -exponent;
    }
    int written = (int)(exponent < COPY_EXPONENT_MAX ? exponent : COPY_EXPONENT_MAX);
    for (int power = 1000; power > 0; power /= 10) {
        out[n++] = (char)('0' + written / power % 10);
    }
    out[n] = '\0';
}

static double slow_double(const char *p, const char *end)
{
    char copy[COPY_MAX];
    copy_number(p, end, copy);
    return strtod(copy, NULL);
}

static float slow_float(const char *p, const char *end)
{
    char copy[COPY_MAX];
    copy_number(p, end, copy);
    return strtof(copy, NULL);
}

/* False if it takes the slow way, as all do that were cut: their mantissa is no exact double. */
static inline bool quick_double(struct decimal d, double *ret_value)
{
    if (d.mantissa > UINT64_C(1) << DBL_MANT_DIG || d.exponent > EXACT_POWER_MAX ||
        d.exponent < -EXACT_POWER_MAX) {
        return false;
    }
    double value = (double)d.mantissa;
    if (d.exponent < 0) {
        value /= powers_of_ten[POWER_MAX - d.exponent];
    } else {
        value *= powers_of_ten[POWER_MAX + d.exponent];
    }
    *ret_value = d.negative ? -value : value;
    return true;
}

/*
 * False if it takes the slow way. Conversion, table and product round once each: the double is off
 * by less than 3 of its units, and what was cut is less than a hundredth of one. The float is right
 * unless a midpoint of two floats, the middle of the 29 bits that a float lacks, is as near as
 * that.
 */
static inline bool quick_float(struct decimal d, float *ret_value)
{
    const uint64_t lacking = (UINT64_C(1) << (DBL_MANT_DIG - FLT_MANT_DIG)) - 1,
                   middle = lacking / 2 + 1, near = 8;
    if (d.exponent > POWER_MAX || d.exponent < -POWER_MAX) {
        return false;
    }
    double value = (double)d.mantissa * powers_of_ten[POWER_MAX + d.exponent];
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bool clear = (bits & lacking) - (middle - near) > 2 * near; /* unsigned: below wraps to large */
    if (d.mantissa != 0 && (!clear || value < FLT_MIN || value > FLT_MAX)) {
        return false;
    }
    bits |= (uint64_t)d.negative << 63;
    memcpy(&value, &bits, sizeof value);
    *ret_value = (float)value;
    return true;
}

/* Reads the float at p, before j->end; returns where it ends, NULL after noting an error. */
static inline const char *scan_float(struct json *j, const char *p, float *ret_value)
{
    struct decimal d = { 0 };
    const char *behind = scan_decimal(j, p, &d);
    if (behind == NULL) {
        return NULL;
    }
    float value;
    if (!quick_float(d, &value)) {
        value = slow_float(p, behind);
        if (isinf(value)) {
            json_fail(j, p, JSON_ERROR_BEYOND_FLOAT);
            return NULL;
        }
    }
    *ret_value = value;
    return behind;
}

/* The same of a double. */
static inline const char *scan_double(struct json *j, const char *p, double *ret_value)
{
    struct decimal d = { 0 };
    const char *behind = scan_decimal(j, p, &d);
    if (behind == NULL) {
        return NULL;
    }
    double value;
    if (!quick_double(d, &value)) {
        value = slow_double(p, behind);
        if (isinf(value)) {
            json_fail(j, p, JSON_ERROR_BEYOND_DOUBLE);
            return NULL;
        }
    }
    *ret_value = value;
    return behind;
}

/* Of a double that is within the range of floats, or of a float as a double. */
static inline const char *scan_real(struct json *j, const char *p, bool is_double,
                                    double *ret_value)
{
    float value = 0;
    if (!is_double) {
        const char *behind = scan_float(j, p, &value);
        *ret_value = (double)value;
        return behind;
    }
    const char *behind = scan_double(j, p, ret_value);
    if (behind != NULL && isinf((float)*ret_value)) {
        json_fail(j, p, JSON_ERROR_BEYOND_FLOAT);
        return NULL;
    }
    return behind;
}

/* ---- the calls of json.h ---- */

bool json_number(struct json *j, double *ret_value)
{
    if (!json_begin_value(j)) {
        return false;
    }
    const char *behind = scan_double(j, j->p, ret_value);
    if (behind == NULL) {
        return false;
    }
    json_end_value(j, behind);
    return true;
}

bool json_real(struct json *j, bool is_double, double *ret_value)
{
    if (!json_begin_value(j)) {
        return false;
    }
    double value;
    const char *behind = scan_real(j, j->p, is_double, &value);
    if (behind == NULL) {
        return false;
    }
    json_end_value(j, behind);
    *ret_value = value;
    return true;
}

bool json_float(struct json *j, float *ret_value)
{
    if (!json_begin_value(j)) {
        return false;
    }
    const char *behind = scan_float(j, j->p, ret_value);
    if (behind == NULL) {
        return false;
    }
    json_end_value(j, behind);
    return true;
}

/* What the elements of an array become. */
enum element { ELEMENT_FLOAT, ELEMENT_FLOAT_AS_DOUBLE, ELEMENT_DOUBLE };

static inline void put_element(enum element element, void *out, size_t i, double value)
{
    if (element == ELEMENT_FLOAT) {
        ((float *)out)[i] = (float)value;
    } else {
        ((double *)out)[i] = value;
    }
}

/* One element of an array of numbers: returns where it ends, NULL after noting an error. */
static inline const char *scan_element(struct json *j, const char *p, enum element element,
                                       double *ret_value)
{
    if (p < j->end && *p != 'n') {
        return scan_real(j, p, element == ELEMENT_DOUBLE, ret_value);
    }
    if (!json_goes_on_with(p, j->end, "null", 4)) {
        json_fail(j, p, p == j->end ? JSON_ERROR_ENDS_IN_ARRAY : JSON_ERROR_NOT_NUMBER_OR_NULL);
        return NULL;
    }
    *ret_value = NAN;
    return p + 4;
}

/* Inlined for each kind of element, which is then no branch. */
static inline __attribute__((always_inline)) bool read_array(struct json *j, enum element element,
                                                             void *out, size_t max, size_t *ret_n)
{
    if (!json_array(j)) {
        return false;
    }
    const char *end = j->end, *p = json_skip_space(j->p, end);
    size_t n = 0;
    bool more = p == end || *p != ']';
    while (more) {
        double value;
        p = scan_element(j, p, element, &value);
        if (p == NULL) {
            return false;
        }
        if (n < max) {
            put_element(element, out, n, value);
        }
        n++;
        p = json_skip_space(p, end);
        if (p == end || (*p != ',' && *p != ']')) {
            return json_fail(j, p,
                             p == end ? JSON_ERROR_ENDS_IN_ARRAY : JSON_ERROR_NO_COMMA_IN_ARRAY);
        }
        more = *p == ',';
        if (more) {
            p = json_skip_space(p + 1, end);
        }
    }
    json_leave(j, p);
    *ret_n = n;
    return true;
}

bool json_float_array(struct json *j, float *out, size_t max, size_t *ret_n)
{
    return read_array(j, ELEMENT_FLOAT, out, max, ret_n);
}

bool json_real_array(struct json *j, bool is_double, double *out, size_t max, size_t *ret_n)
{
    return is_double ? read_array(j, ELEMENT_DOUBLE, out, max, ret_n)
                     : read_array(j, ELEMENT_FLOAT_AS_DOUBLE, out, max, ret_n);
}
