/*
 * timing.h - where the time of a request went, for clients that ask with the header
 * `Server-Timing: ?1`: how long it waited for its work to begin, how long that took, and how long
 * the reply waited for the disk. The worker's thread.
 *
 * The marks are set for those alone that ask; to others it costs a look at one flag.
 */
#ifndef TIMING_H
#define TIMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timing {
    bool is_asked;
    int64_t arrived_ns; /* its body was whole; 0: it was refused before, or nobody asks */
    int64_t begun_ns;   /* its steps joined a batch, or its prediction a slice; 0: it had neither */
    int64_t done_ns;    /* its reply was made */
};

enum { TIMING_TEXT = 128 };

/* What the header of a request asks for; NULL: it has none. */
bool timing_is_asked(const char *header);
/* Work on it begins, unless it has before. Inline: most do not ask. */
static inline void timing_begin(struct timing *timing, int64_t now_ns)
{
    if (timing->is_asked && timing->begun_ns == 0) {
        timing->begun_ns = now_ns;
    }
}
/* "queue;dur=0.021, work;dur=0.153, disk;dur=0": in milliseconds, of a reply that is sent now. */
void timing_print(const struct timing *timing, int64_t now_ns, char ret_text[TIMING_TEXT]);

#endif
