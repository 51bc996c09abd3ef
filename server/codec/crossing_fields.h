/*
 * crossing_fields.h - the body field `crossing`. Private to the codec.
 */
#ifndef CROSSING_FIELDS_H
#define CROSSING_FIELDS_H

#include "codec/forecast_fields.h"

/* For tables of fields; the body begins with a struct forecast_fields_body. */
enum status crossing_fields_read(struct reader *r, void *body);
/* Once all fields were read: whether there is a forecast, and what probabilities are made of. */
enum status crossing_fields_check(struct reader *r, const struct forecast_fields_body *body);

#endif
