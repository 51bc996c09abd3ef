/*
 * put_intervals.h - the `intervals` of a reply. Private to the codec.
 */
#ifndef PUT_INTERVALS_H
#define PUT_INTERVALS_H

#include "codec/codec.h"

/* ,"intervals":[{"level","lower","upper","coverage","observed","saturated"}...], if there are any.
 */
void put_intervals(struct text *text, const struct interval_replies *replies);

#endif
