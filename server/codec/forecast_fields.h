/*
 * forecast_fields.h - the body fields `horizon` and `future`, which several bodies share. Private to the codec.
 */
#ifndef FORECAST_FIELDS_H
#define FORECAST_FIELDS_H

#include "codec/codec.h"
#include "codec/reader_rows.h"

/* The first member of every body that has such fields, so that these readers serve them all. */
struct outlook_body {
    size_t horizon_max;
    const struct gru_info *info;
    struct columns future;
    struct outlook outlook;
};

void outlook_init(struct outlook_body *body, const struct codec_limits *limits, const struct gru_info *info);

/* For tables of fields; the body begins with a struct outlook_body. */
enum status outlook_read_horizon(struct reader *r, void *body);
enum status outlook_read_future(struct reader *r, void *body);

/* Once both were read, or left out: whether the model can look so far ahead, and with these rows. */
enum status outlook_check_horizon(struct reader *r, const struct gru_model *gru, size_t horizon);
enum status outlook_check_future(struct reader *r, const struct gru_model *gru,
                                 const struct outlook *outlook);
/* Both, for fields that stand in one object. */
enum status outlook_check(struct reader *r, const struct gru_model *gru, const struct outlook *outlook);

#endif
