/*
 * forecast_fields.h - the body fields `horizon`, `future`, `level`, `blend` and `as`, which several
 * bodies share. Private to the codec.
 */
#ifndef FORECAST_FIELDS_H
#define FORECAST_FIELDS_H

#include "codec/codec.h"
#include "codec/reader_rows.h"

/* The first member of every body that has such fields, so that these readers serve them all. */
struct forecast_fields_body {
    size_t horizon_max, interval_horizon_max;
    const struct interval_levels *interval_levels;
    const struct gru_info *info;
    struct columns future;
    struct forecast_options forecast_options;
};

void forecast_fields_init(struct forecast_fields_body *body, const struct codec_limits *limits,
                          const struct gru_info *info);

/* For tables of fields; the body begins with a struct forecast_fields_body. */
enum status forecast_fields_read_horizon(struct reader *r, void *body);
enum status forecast_fields_read_future(struct reader *r, void *body);
enum status forecast_fields_read_level(struct reader *r, void *body);
enum status forecast_fields_read_blend(struct reader *r, void *body);
enum status forecast_fields_read_as(struct reader *r, void *body);

/* Once both were read, or left out: whether the model can look so far ahead, and with these rows.
 */
enum status forecast_fields_check_horizon(struct reader *r, const struct gru_model *gru,
                                          size_t horizon);
enum status forecast_fields_check_future(struct reader *r, const struct gru_model *gru,
                                         const struct forecast_options *forecast_options);
/* Whether there are intervals so far ahead, which `crossing` is made from, too. */
enum status forecast_fields_check_level(struct reader *r, const struct forecast_fields_body *body,
                                        const struct gru_model *gru);
/* Whether there are mixtures, and so far ahead. */
enum status forecast_fields_check_blend(struct reader *r, const struct forecast_fields_body *body,
                                        const struct gru_model *gru);
/* Whether the outputs' names leave room for those that a record has beside them. */
enum status forecast_fields_check_as(struct reader *r, const struct forecast_fields_body *body);
/* Horizon and future, for fields that stand in one object. */
enum status forecast_fields_check(struct reader *r, const struct gru_model *gru,
                                  const struct forecast_options *forecast_options);

/* Whether other digits of a reading count for some versions than for others: then `x` and `future`
 * keep all of theirs until it is known which version is asked. */
bool forecast_fields_digits_vary(const struct model *model);
/* `x` and `future` were read by the active version's inputs, as `version` may come last in the
 * text: whether that version has the same. */
enum status forecast_fields_check_version(struct reader *r, const struct version *active,
                                          const struct version *version);

/* The name of an output: which one it is. */
enum status forecast_fields_read_output(struct reader *r, const struct gru_info *info,
                                        size_t *ret_output);

#endif
