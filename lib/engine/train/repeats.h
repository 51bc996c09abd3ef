/*
 * repeats.h - which rows of a validation are no news: the same readings before them, and the same
 * targets, were judged already. Copies of a series, and a series that is one block over and over,
 * are as much evidence as one copy and one block. Owned by a comparison; one thread at a time.
 * Private to lib/engine/train.
 *
 * A row is known by what came before it: up to 24 rows of the series, itself included. Values count
 * as the same within 1/1024 of the model's standard deviation, so that copies with a little noise
 * are copies. A stretch that is constant for longer is not counted as a repetition: the rest of a
 * switch says each time that nothing happens.
 */
#ifndef REPEATS_H
#define REPEATS_H

#include "engine/block.h"
#include "engine/model.h"

enum { REPEATS_CONTEXT = 24, REPEATS_MAX = 65536 };

/* What a row's targets are: news, or known from this stream or another one. */
enum repeat { REPEAT_NONE, REPEAT_OWN, REPEAT_OTHER };

struct repeats {
    const struct gru_info *info;
    uint64_t *keys;    /* [n_slots] 0: free */
    uint32_t *streams; /* [n_slots] that had it first */
    size_t n_slots, n;

    /* the series under way */
    uint64_t rows[REPEATS_CONTEXT]; /* hashes of its last rows, in a ring */
    uint64_t context;               /* of all of them, in order */
    size_t n_rows, n_same;          /* rows so far; the last ones that are alike */
};

/* Its arrays, for so many rows of targets. */
void gru_repeats_cut(struct repeats *repeats, size_t n_rows, struct block_cutter *cutter);

void gru_repeats_begin_series(struct repeats *repeats);
/* The next row of the series; x: [I]. */
void gru_repeats_see(struct repeats *repeats, const double *x);
/* The row that was seen last has these targets. Rows beyond the first 65536 that are news are not
 * remembered. variables: of the targets; NULL: they are classes. */
enum repeat gru_repeats_look(struct repeats *repeats, size_t stream, const double *targets,
                             size_t n_targets, const struct gru_variable *variables,
                             size_t n_variables);

#endif
