/*
 * session_errors.h - how well a session has forecast, outside of its record: on its way to a client
 * or to another session. Any thread; memory comes from the arena given.
 */
#ifndef SESSION_ERRORS_H
#define SESSION_ERRORS_H

#include "base/arena.h"
#include "service/pool/record.h"
#include "service/scores/error_measures.h"

/* Of the outputs that feed an input, one step ahead. */
struct session_errors {
    const uint32_t *n;       /* [O] comparisons; NULL: none */
    const float *mae, *rmse; /* [O], NaN where there is nothing to compare with */
    /* All that is known of them, of which these are a part, as it lies in a record: struct
     * record_error [O], and with a season struct record_seasonal [O]. NULL: no more than these. */
    unsigned char *means;
    uint32_t season; /* 0: none */
};

/* How many bytes there are of `means`. */
size_t session_errors_bytes(size_t n_outputs, uint32_t season);
/* False: no memory. */
__attribute__((warn_unused_result)) bool session_errors_read(const struct record_layout *layout,
                                                             struct record_copy *copy,
                                                             struct arena *arena,
                                                             struct session_errors *ret_errors);
/* Into a copy that has none yet. Those of another season are left out. */
void session_errors_write(const struct record_layout *layout, const struct session_errors *errors,
                          struct record_copy *copy);
/* Whether means from outside are what a record can hold: of numbers, of which those that cannot be
 * negative are not. */
bool session_errors_are_valid(const struct session_errors *errors, size_t n_outputs);
/* What the measures of an output are made of (error_totals_figures). There must be means. */
struct error_sums session_errors_sums(const struct session_errors *errors, size_t n_outputs,
                                      size_t output, enum error_span span);

#endif
