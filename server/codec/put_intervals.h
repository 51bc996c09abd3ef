/*
 * put_intervals.h - the `intervals` of a reply. Private to the codec.
 */
#ifndef PUT_INTERVALS_H
#define PUT_INTERVALS_H

#include "codec/put_forecast.h"

/* ,"intervals":[{"level","lower","upper","coverage","observed","saturated"}...], if there are any.
 */
/* Bytes that they take at most. */
size_t put_intervals_max(size_t n_levels, size_t n_rows, const struct forecast_rows *rows);
void put_intervals(struct text *text, const struct forecast_rows *rows,
                   const struct interval_replies *replies);

#endif
