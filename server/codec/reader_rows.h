/*
 * reader_rows.h - rows of values by input: of all inputs (readings), or of those that no output
 * feeds (known future values); or by output (targets). A row is an array in the model's order, or
 * an object by names, in which a name left out is a missing value like null. Private to the codec.
 */
#ifndef READER_ROWS_H
#define READER_ROWS_H

#include "codec/reader.h"
#include "gru.h"

struct column {
    const char *name;
    size_t number;
};

struct columns {
    const struct gru_info *info;
    const struct gru_variable *variables; /* inputs, or outputs */
    size_t n_variables;
    bool is_future;   /* only the inputs that no output feeds */
    const char *noun; /* what a name is of: "an input" */
    size_t n_steps;   /* how often a row holds the variables; beyond 1 it is an array */
    size_t n;
    bool has_all_digits; /* values are doubles, as training data are kept, or until rows_round; else
                            what gru_reading leaves of them */
    size_t n_rows,
        rows_max; /* read so far, in all arrays together; and how many may be, 0: any number */
    /* For rows that are objects; in the arena, made for the first of them. */
    struct column *by_number, *by_name;
    bool is_sorted;  /* by_name: once a name came out of turn */
    size_t *seen_in; /* [n] the last object row, counted from 1, that had this column */
    size_t n_objects;
};

void columns_init(struct columns *columns, const struct gru_info *info, bool is_future);
/* Targets: S * O values a row. Outputs: those of one step, O. */
void columns_init_targets(struct columns *columns, const struct gru_info *info);
void columns_init_outputs(struct columns *columns, const struct gru_info *info);

/* row: [columns->n], NaN: missing. */
enum status rows_read_one(struct reader *r, struct columns *columns, double *row);
/* An array of rows, [*ret_n][columns->n], in the arena; may be empty. */
enum status rows_read(struct reader *r, struct columns *columns, const double **ret_rows,
                      size_t *ret_n);
/* The same, for rows that are kept for long and many: they are counted first, and take the memory
 * that they need and no more. */
enum status rows_read_counted(struct reader *r, struct columns *columns, const double **ret_rows,
                              size_t *ret_n);
/* Leaves of rows that have all digits so far what counts of them for this model; others are so
 * already. */
void rows_round(const struct columns *columns, const struct gru_info *info, const double *rows,
                size_t n_rows);
/* How many elements the array has that comes next; what comes before an error, if the text has one.
 */
size_t rows_count(const struct reader *r);

/* Refuses n values where those of the columns are expected, and names them. */
enum status rows_refuse_length(struct reader *r, const struct columns *columns, size_t n);

#endif
