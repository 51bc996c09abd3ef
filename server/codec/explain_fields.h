/*
 * explain_fields.h - the body field `explain` of steps and forecasts. Private to the codec.
 */
#ifndef EXPLAIN_FIELDS_H
#define EXPLAIN_FIELDS_H

#include "codec/forecast_fields.h"

/* For tables of fields: true, false, or an object. The body begins with a forecast_fields_body. */
enum status explain_fields_read(struct reader *r, void *body);
/* Once the whole body was read, if it asks for one: whether that row is one of the forecast. */
enum status explain_fields_check(struct reader *r, const struct forecast_fields_body *body);

#endif
