/*
 * explain_fields.h - the body field `explain` of a step. Private to the codec.
 */
#ifndef EXPLAIN_FIELDS_H
#define EXPLAIN_FIELDS_H

#include "codec/codec.h"
#include "codec/reader.h"

/* true, false, or an object. *ret_explain: in the reader's memory; NULL: it is not asked for. */
enum status explain_fields_read(struct reader *r, const struct gru_info *info,
                                const struct explain_wish **ret_explain);
/* Once the whole body was read: whether that row is one of the forecast. */
enum status explain_fields_check(struct reader *r, const struct gru_info *info,
                                 const struct forecast_options *forecast_options,
                                 const struct explain_wish *explain);

#endif
