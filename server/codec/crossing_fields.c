/* crossing_fields.c - see crossing_fields.h. */
#include "codec/crossing_fields.h"

#include "codec/schemas.h"

struct crossing_body {
    const struct gru_info *info;
    struct crossing *crossing;
};

static enum status read_output(struct reader *r, void *body)
{
    const struct crossing_body *crossing_body = body;
    return forecast_fields_read_output(r, crossing_body->info, &crossing_body->crossing->output);
}

static enum status read_above(struct reader *r, void *body)
{
    struct crossing *crossing = ((struct crossing_body *)body)->crossing;
    crossing->is_above = true;
    return reader_number(r, &crossing->threshold);
}

static enum status read_below(struct reader *r, void *body)
{
    return reader_number(r, &((struct crossing_body *)body)->crossing->threshold);
}

enum { CROSSING_OUTPUT, CROSSING_ABOVE, CROSSING_BELOW };

static const struct field crossing_fields[] = {
    [CROSSING_OUTPUT] = { "output", read_output, true, &schema_crossing_output },
    [CROSSING_ABOVE] = { "above", read_above, false, &schema_crossing_above },
    [CROSSING_BELOW] = { "below", read_below, false, &schema_crossing_below },
};

const struct json_schema codec_crossing_part = {
    .type = JSON_SCHEMA_OBJECT,
    .name = "Crossing",
    JSON_SCHEMA_FIELDS(crossing_fields),
    .either = "above|below",
    .help =
        "a threshold, up to `--interval-horizon-max` steps ahead: when the forecast crosses it, "
        "and how probably it will have been crossed by then. See [Crossing](#crossing)",
};

enum status crossing_fields_read(struct reader *r, void *body)
{
    struct forecast_fields_body *forecast_options = body;
    struct crossing_body crossing_body = { forecast_options->info,
                                           reader_alloc(r, 1, sizeof(struct crossing)) };
    unsigned seen;
    if (crossing_body.crossing == NULL) {
        return r->fault->status;
    }
    *crossing_body.crossing = (struct crossing){ .is_above = false };
    enum status status =
        reader_fields(r, crossing_fields, sizeof crossing_fields / sizeof *crossing_fields,
                      &crossing_body, &seen);
    if (status != STATUS_OK) {
        return status;
    }
    const bool has_above = seen >> CROSSING_ABOVE & 1, has_below = seen >> CROSSING_BELOW & 1;
    if (has_above && has_below) {
        return reader_refuse_field(r, STATUS_INVALID_VALUE, "below",
                                   "cannot stand beside `above`: a threshold is crossed one way");
    }
    if (!has_above && !has_below) {
        return reader_refuse_field(r, STATUS_MISSING_FIELD, "above",
                                   "is missing, and so is `below`: name one threshold");
    }
    forecast_options->forecast_options.crossing = crossing_body.crossing;
    return STATUS_OK;
}

enum status crossing_fields_check(struct reader *r, const struct forecast_fields_body *body)
{
    const struct forecast_options *options = &body->forecast_options;
    if (options->crossing == NULL) {
        return STATUS_OK;
    }
    if (forecast_options_rows(body->info, options) == 0) {
        return reader_refuse_field(r, STATUS_MISSING_FIELD, "horizon",
                                   "is missing: `crossing` looks as far ahead as the forecast");
    }
    return body->interval_levels->n > 0
               ? STATUS_OK
               : reader_refuse_field(r, STATUS_INVALID_VALUE, "crossing",
                                     "is made from prediction intervals, and none are offered "
                                     "(--interval-levels)");
}
