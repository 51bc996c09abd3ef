/*
 * interval_levels.h - the levels of prediction intervals, as an operator or a client names them. A
 * leaf; pure.
 */
#ifndef INTERVAL_LEVELS_H
#define INTERVAL_LEVELS_H

#include <stdbool.h>
#include <stddef.h>

enum { INTERVAL_LEVELS_MAX = 8 };

/* Ascending, each within (0, 1): 0.9 is what 9 of 10 readings shall be within. */
struct interval_levels {
    size_t n;
    double level[INTERVAL_LEVELS_MAX];
};

/* "0.8,0.9,0.95", or "" for none. False, if it is no such list. */
bool interval_levels_parse(const char *text, struct interval_levels *ret_levels);
/* Where a level is; `levels->n` if it is none of them. */
size_t interval_levels_find(const struct interval_levels *levels, double level);
/* In its place, unless it is there already; there must be room. */
void interval_levels_add(struct interval_levels *levels, double level);
/* "0.8, 0.9, 0.95" */
enum { INTERVAL_LEVELS_TEXT = INTERVAL_LEVELS_MAX * 26 };
void interval_levels_print(const struct interval_levels *levels,
                           char ret_text[INTERVAL_LEVELS_TEXT]);

#endif
