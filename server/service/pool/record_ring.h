/*
 * record_ring.h - the last readings of a session, in its record: a ring of rows, in blocks of
 * RECORD_BLOCK rows with a check each.
 *
 *     checks: uint32 [ring_rows / RECORD_BLOCK] | readings: float [ring_rows][V + stamp_floats]
 *
 * A reading is V = I floats. Where a value needs more digits than a float has (gru_info.is_wide)
 * V is 2 I: behind the floats stands what each of them leaves of its value, as a float. Where
 * copies have a base, each reading has a stamp behind it.
 *
 * A check binds the rows of a block to the session's birth and to their step. The block that a
 * step is in has its check in the copy of that step, too, for as many rows as there were by then.
 * So a copy finds out which of its readings are still its own, whatever has been written since:
 * after a power failure the disk may have any of the pages, old or new.
 *
 * The ring has more rows than are kept, so that the next two readings destroy none of those that a
 * copy stands for.
 *
 * As record.h: memory that the caller has claimed, and no lock.
 */
#ifndef RECORD_RING_H
#define RECORD_RING_H

#include "base/two_floats.h"
#include "service/pool/record.h"

enum { RECORD_BLOCK = 3 };

uint32_t record_ring_rows(size_t n_history);
size_t record_ring_bytes(const struct record_layout *layout); /* with its checks */

/* Where the reading of that step (from 1) is kept. */
float *record_reading(const struct record_layout *layout, char *record, uint64_t step);
/* A value of it. */
static inline double record_value(const struct record_layout *layout, const float *reading,
                                  size_t input)
{
    return layout->is_wide ? two_floats_sum(reading[input], reading[layout->n_inputs + input])
                           : (double)reading[input];
}
/* All of them, to out[I]. */
void record_read_reading(const struct record_layout *layout, char *record, uint64_t step,
                         double *out);
/* Copies the readings that `copy` stands for, oldest first, to out[n_readings][I]. */
void record_read_readings(const struct record_layout *layout, char *record,
                          const struct record_copy *copy, double *out);
/* In a layout that has stamps. */
struct record_stamp record_read_stamp(const struct record_layout *layout, char *record,
                                      uint64_t step);
/* How many of them, of the last ones, are still its own. */
uint32_t record_count_readings(const struct record_layout *layout, char *record,
                               const struct record_copy *copy);

/* Takes a copy, wherever it lies, one reading x further: its step, and the readings that it stands
 * for. What it says of time is the reading's stamp; its base, if it has one, must have fewer than
 * K readings behind it. Harms no sealed copy. */
void record_advance(const struct record_layout *layout, char *record, struct record_copy *copy,
                    const double *x);
/* In a record that has no sealed copy yet: puts n readings in place as the last ones up to
 * copy->step (n at most K and at most the step). stamps: [n], or NULL: of the last one it is what
 * the copy says of time, the others have none. */
void record_put_readings(const struct record_layout *layout, char *record, struct record_copy *copy,
                         const double *x, const struct record_stamp *stamps, size_t n);
/* The same with those that the copy stands for in another record, which differs in its tail
 * alone. */
void record_copy_readings(const struct record_layout *from_layout, char *from,
                          const struct record_layout *layout, char *record,
                          struct record_copy *copy);

#endif
