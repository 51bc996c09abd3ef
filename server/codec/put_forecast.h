/*
 * put_forecast.h - rows of forecasts: arrays of the outputs, or records with their names and times.
 * Private to the codec.
 */
#ifndef PUT_FORECAST_H
#define PUT_FORECAST_H

#include "codec/codec.h"

/* How the rows of one reply are printed. */
struct forecast_rows {
    const struct gru_info *info;
    bool are_records;
    double from; /* the time of the reading before the first row; NaN: not known */
};

/* last_at: of the reading that the forecast goes on from, NaN: that came without a time, and now is
 * taken for it. */
struct forecast_rows forecast_rows_of(const struct gru_info *info,
                                      const struct forecast_options *options, double last_at);
/* Bytes that a row takes at most, with a comma. */
size_t put_forecast_row_max(const struct forecast_rows *rows);
/* `values` [O], `ahead` from 1. */
char *put_forecast_row(char *p, const struct forecast_rows *rows, const double *values,
                       size_t ahead);
/* n rows one behind the other, as an array; at most 3 bytes more than the rows. */
char *put_forecast_rows(char *p, const struct forecast_rows *rows, const double *values, size_t n);

#endif
