/*
 * prediction_print.h - what a model forecasts from a file of readings, for a person, a spreadsheet
 * and a program. Main's thread.
 */
#ifndef PREDICTION_PRINT_H
#define PREDICTION_PRINT_H

#include "commands/csv_series.h"
#include "gru.h"
#include "service/scores/interval_reply.h"

#include <stdio.h>

struct prediction_print {
    const struct gru_info *info;
    const struct csv_series *series; /* the readings; n_rows of them, and their times */
    const double *y;                 /* [n_rows][S * O] */
    const double *forecast;          /* [n_ahead][O] behind the last row; NULL: y is all there is */
    size_t n_ahead;
    const struct interval_replies *intervals; /* of the forecast, or of the last y */
};

/* The forecast, a row a step ahead; without one the last row's y. */
void prediction_print_table(const struct prediction_print *print, FILE *out);
/* The same for every row of the file; the forecast is that of the last one. */
void prediction_print_csv(const struct prediction_print *print, FILE *out);
/* The members of the reply to POST predict (docs/API.md), without "model" and "version". */
void prediction_print_json(const struct prediction_print *print, FILE *out);

#endif
