/*
 * csv.h - reads a file of comma-separated values (RFC 4180), record by record. A leaf; one thread
 * at a time. It knows no numbers: what fields mean is csv_series.h.
 *
 * The first record names the columns. Fields are separated by commas, semicolons or tabs, whichever
 * comes first in that record; they may stand in double quotes, and blanks around them are dropped.
 * Lines end with LF, CR LF or CR. A byte order mark is skipped, and so are empty lines at the end.
 * Each record has as many fields as there are columns. What is wrong is said with its line's
 * number.
 */
#ifndef CSV_H
#define CSV_H

#include <stdbool.h>
#include <stddef.h>

enum { CSV_ERROR_SIZE = 400, CSV_QUOTE_SIZE = 64 };

struct csv {
    char separator;
    size_t n_columns;
    char **names;               /* [n_columns] */
    char **fields;              /* [n_columns] of the record that was read */
    size_t line;                /* where it begins, from 1 */
    char error[CSV_ERROR_SIZE]; /* a sentence */
    /* its own: */
    char *bytes, *p, *end;
    size_t next_line, n_fields, n_room;
};

enum csv_read { CSV_RECORD, CSV_END, CSV_BAD };

/* Reads the file and its first record. False: `error` says why, and csv_close is not needed. */
__attribute__((warn_unused_result)) bool csv_open(struct csv *csv, const char *path);
/* The fields are as they stand until the next call, the names until csv_close. */
__attribute__((warn_unused_result)) enum csv_read csv_next(struct csv *csv);
void csv_close(struct csv *csv);

/* Leaves "line 12: ..." in `error`, and returns CSV_BAD; line 0: without a number. */
__attribute__((format(printf, 3, 4))) enum csv_read csv_fail(struct csv *csv, size_t line,
                                                             const char *format, ...);
/* Where a name is; n_columns: it is none. */
size_t csv_find_column(const struct csv *csv, const char *name);
/* A text of the file for a message: cut to fit, and without what steers a terminal. */
const char *csv_quote(const char *text, char ret_text[CSV_QUOTE_SIZE]);

#endif
