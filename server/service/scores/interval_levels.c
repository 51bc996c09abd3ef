#include "service/scores/interval_levels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool interval_levels_parse(const char *text, struct interval_levels *ret_levels)
{
    struct interval_levels levels = { .n = 0 };
    for (const char *p = text; *p != '\0';) {
        const size_t n = strcspn(p, ",");
        char *end;
        const double level = strtod(p, &end);
        if (n == 0 || strspn(p, "0123456789.") != n || end != p + n || !(level > 0 && level < 1) ||
            levels.n == INTERVAL_LEVELS_MAX ||
            (levels.n > 0 && level <= levels.level[levels.n - 1]) ||
            (p[n] == ',' && p[n + 1] == '\0')) {
            return false;
        }
        levels.level[levels.n++] = level;
        p += n + (p[n] == ',');
    }
    *ret_levels = levels;
    return true;
}

size_t interval_levels_find(const struct interval_levels *levels, double level)
{
    size_t at = 0;
    while (at < levels->n && levels->level[at] != level) {
        at++;
    }
    return at;
}

void interval_levels_add(struct interval_levels *levels, double level)
{
    size_t at = 0;
    while (at < levels->n && levels->level[at] < level) {
        at++;
    }
    if (at < levels->n && levels->level[at] == level) {
        return;
    }
    memmove(levels->level + at + 1, levels->level + at, (levels->n - at) * sizeof *levels->level);
    levels->level[at] = level;
    levels->n++;
}

void interval_levels_print(const struct interval_levels *levels,
                           char ret_text[INTERVAL_LEVELS_TEXT])
{
    int n = snprintf(ret_text, INTERVAL_LEVELS_TEXT, "%s", levels->n == 0 ? "none" : "");
    for (size_t i = 0; i < levels->n; i++) {
        n += snprintf(ret_text + n, INTERVAL_LEVELS_TEXT - (size_t)n, "%s%.15g", i > 0 ? ", " : "",
                      levels->level[i]);
    }
}
