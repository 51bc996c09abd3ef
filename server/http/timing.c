#include "http/timing.h"

#include <stdio.h>
#include <string.h>

static const double MILLISECOND_NS = 1e6;

bool timing_is_asked(const char *header)
{
    return header && strcmp(header, "?1") == 0; /* a boolean of RFC 8941 */
}

static double ms_between(int64_t from_ns, int64_t to_ns)
{
    return to_ns > from_ns ? (double)(to_ns - from_ns) / MILLISECOND_NS : 0;
}

void timing_print(const struct timing *timing, int64_t now_ns, char ret_text[TIMING_TEXT])
{
    const int64_t begun_ns = timing->begun_ns > 0 ? timing->begun_ns : timing->arrived_ns;
    snprintf(ret_text, TIMING_TEXT, "queue;dur=%.3f, work;dur=%.3f, disk;dur=%.3f",
             ms_between(timing->arrived_ns, begun_ns), ms_between(begun_ns, timing->done_ns),
             ms_between(timing->done_ns, now_ns));
}
