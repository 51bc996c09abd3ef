/* level_stream.h - values in [0, 1] whose level changes every thousand, for which others' detectors
 * were asked. */
#ifndef LEVEL_STREAM_H
#define LEVEL_STREAM_H

#include <stddef.h>
#include <stdint.h>

enum { LEVEL_STREAM_VALUES = 5000 };
struct level_stream {
    uint64_t state;
    size_t n;
};
#define LEVEL_STREAM_BEGINNING ((struct level_stream){ .state = 12345 })

/* Uniform about the level, by the linear congruential generator of Knuth's MMIX. */
static inline double level_stream_next(struct level_stream *stream)
{
    static const double levels[] = { 0.2, 0.5, 0.3, 0.35, 0.8 };
    stream->state = stream->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    const double uniform = (double)(stream->state >> 11) / 9007199254740992.0;
    return uniform * 0.4 + levels[stream->n++ / 1000] - 0.2;
}

#endif
