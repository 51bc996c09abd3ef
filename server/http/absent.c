/* absent.c - see absent.h. */
#include "http/absent.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* With an `end` a path may have anything between the two; without, anything behind a slash. */
static const struct {
    const char *begin, *end, *what;
} absent[] = {
    { "/v2", NULL, "Open Inference Protocol" },
    { "/api/v2/write", NULL, "InfluxDB line protocol: POST readings to a model's steps" },
    { "/write", NULL, "InfluxDB line protocol: POST readings to a model's steps" },
    { "/mcp", NULL, "Model Context Protocol" },
};

static bool is_at(const char *path, const char *begin, const char *end)
{
    const size_t n = strlen(path), n_begin = strlen(begin);
    if (strncmp(path, begin, n_begin) != 0) {
        return false;
    }
    if (!end) {
        return path[n_begin] == '\0' || path[n_begin] == '/';
    }
    return n > n_begin + strlen(end) && strcmp(path + n - strlen(end), end) == 0;
}

const char *absent_find(const char *path)
{
    for (size_t k = 0; k < sizeof absent / sizeof *absent; k++) {
        if (is_at(path, absent[k].begin, absent[k].end)) {
            return absent[k].what;
        }
    }
    return NULL;
}
