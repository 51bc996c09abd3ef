/*
 * put_crossing.h - the `crossing` of a reply. Private to the codec.
 */
#ifndef PUT_CROSSING_H
#define PUT_CROSSING_H

#include "codec/text.h"
#include "service/service.h"

/* ,"crossing":{"ahead","probability","by_horizon"}, if it was asked for. */
/* Bytes that it takes at most. */
size_t put_crossing_max(size_t n_rows);
void put_crossing(struct text *text, const struct crossing_reply *crossing);

#endif
