/*
 * put_blend.h - prints what a mixed forecast is made of. Private to the codec.
 */
#ifndef PUT_BLEND_H
#define PUT_BLEND_H

#include "codec/put.h"

extern const size_t put_blend_max; /* bytes that it may take */

/* ,"blend":{...}, if it is told. */
void put_blend(struct text *text, const struct blend_reply *reply);

#endif
