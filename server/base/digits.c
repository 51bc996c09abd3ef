#include "base/digits.h"

#include <string.h>

size_t digits_put(char text[DIGITS_MAX], uint64_t number)
{
    char digits[DIGITS_MAX];
    size_t begin = DIGITS_MAX;
    do {
        digits[--begin] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    memcpy(text, digits + begin, DIGITS_MAX - begin);
    return DIGITS_MAX - begin;
}

size_t digits_put_signed(char text[DIGITS_MAX + 1], int64_t number)
{
    if (number >= 0) {
        return digits_put(text, (uint64_t)number);
    }
    text[0] = '-';
    return 1 + digits_put(text + 1, -(uint64_t)number);
}
