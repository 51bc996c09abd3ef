/* digits.h - whole numbers as text, where printf would be the dearest part of the work. Pure. */
#ifndef DIGITS_H
#define DIGITS_H

#include <stddef.h>
#include <stdint.h>

enum { DIGITS_MAX = 20 };

/* Writes them, without a NUL; how many they are. */
size_t digits_put(char text[DIGITS_MAX], uint64_t number);
/* With a sign where it is negative. */
size_t digits_put_signed(char text[DIGITS_MAX + 1], int64_t number);

#endif
