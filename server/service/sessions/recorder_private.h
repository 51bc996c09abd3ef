/* recorder_private.h - what the files of recorder.h share. */
#ifndef RECORDER_PRIVATE_H
#define RECORDER_PRIVATE_H

#include "service/sessions/outbox.h"
#include "service/sessions/recorder.h"

enum { RECORDER_BATCH = 8192 }; /* notes of one transaction */

struct recorder {
    size_t rows_max;
    struct outboxes outboxes;
    _Atomic uint64_t n_recorded, n_lost;
    pthread_mutex_t mutex;         /* guards what follows, once workers run */
    struct recordings *recordings; /* NULL: the engine of the cluster has them */
    bool is_recovered;             /* from then on there are watermarks */
    bool has_failed;
    uint64_t n_lost_logged;
    int64_t lost_logged_at_ms;
    const struct note *notes[RECORDER_BATCH];
    struct recorded batch[RECORDER_BATCH + 2]; /* the last one's with the watermark */
};

/* The number by which a reading is recorded: its step's, and in the upper half when its session was
 * made (31 bits, so that it fits a signed number). So a session that began again never goes on
 * where its recording ends. */
static inline uint64_t recorder_number(const struct record_life *life, uint64_t step)
{
    return (uint64_t)(life->created_at_s & INT32_MAX) << 32 | (uint32_t)step;
}

/* Writes what was noted, and then the watermark (0: none is due). With the mutex held. */
enum status recorder_write_notes(struct recorder *recorder, int64_t watermark_ms,
                                 struct fault *fault);

#endif
