/*
 * put_intervals.h - the `intervals` of a reply. Private to the codec.
 */
#ifndef PUT_INTERVALS_H
#define PUT_INTERVALS_H

#include "codec/codec.h"

/* ,"intervals":[{"level","lower","upper","coverage","observed","saturated"}...], if there are any.
 */
/* Bytes that they take at most. */
size_t put_intervals_max(size_t n_levels, size_t n_rows, size_t n_outputs);
void put_intervals(struct text *text, const struct interval_replies *replies);

#endif
