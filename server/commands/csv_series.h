/*
 * csv_series.h - a series of readings from a file of comma-separated values (csv.h): the columns
 * that are asked for, row by row. A leaf; one thread at a time.
 *
 * An empty field, or one of NA, N/A, NaN, null and none, is a missing value. With a column of times
 * the rows must ascend, and where readings are missing between two times rows without values stand
 * for them: as many as there are intervals, at most CSV_GAP_MAX.
 */
#ifndef CSV_SERIES_H
#define CSV_SERIES_H

#include "commands/csv.h"
#include "gru.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { CSV_GAP_MAX = 100 };

/* The caller fills the upper part. */
struct csv_series {
    const char *const *columns; /* [n_columns] names; some may be the same */
    size_t n_columns;
    const char *time; /* the column of times; NULL: the first column, if it is none of the above
                         and begins with a date */
    double interval_seconds; /* between readings; 0: the median of the file's, left here */

    /* its own: */
    size_t n_rows;
    double *values; /* [n_rows][n_columns] NaN: missing */
    size_t *lines;  /* [n_rows] where a row comes from; 0: it stands for missing readings */
    double *times;  /* [n_rows] Unix seconds; those that stand for missing readings have theirs */
    bool has_times;
    char time_name[CSV_QUOTE_SIZE];
    size_t n_read, n_missing, n_gaps, n_inserted; /* rows of the file; values that it lacks; gaps,
                                                     and the rows that stand for them */
    char error[CSV_ERROR_SIZE];
};

/* False: `error` says why, with the line's number; csv_series_done is needed in any case. */
__attribute__((warn_unused_result)) bool csv_series_read(struct csv_series *series,
                                                         const char *path);
/* Where the times are and what was made of them; nothing, if there are none. */
void csv_series_tell_times(const struct csv_series *series, FILE *out);
/* Leaves of each value what a model takes of it (gru_reading). */
void csv_series_round(struct csv_series *series, const struct gru_info *info);
void csv_series_done(struct csv_series *series);

#endif
