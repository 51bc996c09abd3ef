/*
 * column.h - the columns of a row that is a struct: their names, and the fields that they go to.
 * Plain data, for all that stores rows.
 */
#ifndef COLUMN_H
#define COLUMN_H

#include <stddef.h>

enum column_type {
    COLUMN_INTEGER, /* int64_t; of a job's rows: a time by the steady clock, 0: none */
    COLUMN_COUNT,   /* uint64_t: its bits, so that none is lost */
    COLUMN_NUMBER,  /* unsigned */
    COLUMN_SIZE,    /* size_t */
    COLUMN_CHOICE,  /* an int or an enum, 0 to most */
    COLUMN_FLAG,    /* bool */
    COLUMN_REAL,    /* double; NaN is NULL */
    COLUMN_TEXT,    /* char [n_bytes] */
    COLUMN_BYTES,   /* n_bytes as they are; zeros at the end are left out */
    COLUMN_STATUS   /* enum status, as its code: the numbers change with the table */
};

struct query_column {
    const char *name;
    enum column_type type;
    int most;
    size_t offset, n_bytes; /* of the field in its struct */
};

struct query_columns {
    const struct query_column *columns;
    size_t n;
};

/* Of tables of columns, X(column, TYPE, field, most). */
#define COLUMN_OF(record, column, type_, field, most_)                                             \
    {                                                                                              \
        .name = #column, .type = COLUMN_##type_, .most = (most_),                                  \
        .offset = offsetof(struct record, field),                                                  \
        .n_bytes = sizeof(((struct record *)NULL)->field)                                          \
    }

#endif
