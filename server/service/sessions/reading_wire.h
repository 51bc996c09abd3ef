/*
 * reading_wire.h - a recorded reading as the engine of a cluster keeps it. Bytes from there may be
 * anybody's. Pure; any thread.
 *
 * Numbers have their low byte first, doubles are IEEE 754:
 *
 *     version 1 byte | step 8 | at 8 | n_inputs 4 | n_outputs 4 | x [n_inputs] 8 | y [n_outputs] 8
 *
 * `step` tells the session's life, too (recorder_private.h). at is NaN where the reading came
 * without a time, x where a value is missing; n_outputs is 0 where nothing had been forecast.
 */
#ifndef READING_WIRE_H
#define READING_WIRE_H

#include "store/recordings.h"

enum { READING_WIRE_VERSION = 1, READING_WIRE_HEAD = 25 };

size_t reading_wire_bytes(const struct recorded *reading);
/* Whose x is there. */
void reading_wire_write(const struct recorded *reading, char *out);

enum reading_wire {
    READING_WIRE_WHOLE,
    READING_WIRE_NEWER,  /* of another version of grud */
    READING_WIRE_DAMAGED /* or none of grud's */
};
struct reading_head {
    uint64_t step;
    double at;
    uint32_t n_inputs, n_outputs;
};
__attribute__((warn_unused_result)) enum reading_wire
reading_wire_read(const char *bytes, size_t n, struct reading_head *ret_head);
/* The values of one that is whole. */
void reading_wire_read_x(const char *bytes, const struct reading_head *head, double *ret_x);
void reading_wire_read_y(const char *bytes, const struct reading_head *head, double *ret_y);

#endif
