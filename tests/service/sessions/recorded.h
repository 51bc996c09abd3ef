/* recorded.h - a world whose sessions record, and what they must have recorded. */
#ifndef RECORDED_H
#define RECORDED_H

#include "service/service_support.h"
#include "service/sessions/recorder.h"

enum { ROWS = 10000 };

/* Readings first..last of a stream. */
struct part {
    uint64_t stream, first, last;
};

/* A world of its own, with --record ROWS. */
void start_recording(struct world *world, bool use_data);
void flush_recorder(struct world *world); /* does what the job thread does */
/* What the session recorded, after a flush; NULL: nothing. Valid until the next call. */
const struct gru_series *recorded_by(struct world *world, const char *session, size_t *ret_n);
void expect_series(const struct gru_series *series, struct part part);
void expect_recorded(struct world *world, const char *session, const struct part *parts, size_t n);
void expect_nothing_recorded(struct world *world, const char *session);
uint64_t recorder_figure(struct world *world, bool lost); /* else those recorded */

/* Replaces the session by one that begins anew behind `step`. */
void put_session(struct world *world, const char *session, uint64_t step, int64_t created_at_ms);
void delete_session(struct world *world, const char *session);

#define EXPECT_RECORDED(world, session, ...)                                                       \
    expect_recorded(world, session, (const struct part[]){ __VA_ARGS__ },                          \
                    sizeof((const struct part[]){ __VA_ARGS__ }) / sizeof(struct part))

#endif
