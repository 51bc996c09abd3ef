/* explain_fields.c - see explain_fields.h. */
#include "codec/explain_fields.h"

#include "codec/schemas.h"

struct explain_body {
    const struct gru_info *info;
    struct explain_wish *explain;
};

static enum status read_output(struct reader *r, void *body)
{
    const struct explain_body *explain_body = body;
    return forecast_fields_read_output(r, explain_body->info, &explain_body->explain->output);
}

static enum status read_ahead(struct reader *r, void *body)
{
    uint64_t ahead;
    enum status status = reader_integer(r, 1, UINT64_C(1) << 32, &ahead);
    if (status == STATUS_OK) {
        ((struct explain_body *)body)->explain->ahead = (size_t)ahead;
    }
    return status;
}

static const struct field explain_fields[] = {
    { "output", read_output, false, &schema_explain_output },
    { "ahead", read_ahead, false, &schema_explain_ahead },
};

const struct json_schema codec_explain_part = { .type = JSON_SCHEMA_OBJECT,
                                                .name = "Explain",
                                                JSON_SCHEMA_FIELDS(explain_fields),
                                                .help = "which of the forecasts" };

static const struct json_schema *const choices[] = { &schema_flag, &codec_explain_part };
const struct json_schema codec_explain_field = {
    .type = JSON_SCHEMA_ANY_OF,
    JSON_SCHEMA_CHOICES(choices),
    .example = "true",
    .help = "why the forecast is what it is: what each input has brought. See "
            "[Explanations](#explanations)",
};

enum status explain_fields_read(struct reader *r, void *body)
{
    struct forecast_fields_body *forecast = body;
    struct explain_body own = { forecast->info, reader_alloc(r, 1, sizeof *own.explain) };
    const enum json_type type = json_peek(&r->json);
    bool is_wanted = true;
    unsigned seen;
    if (own.explain == NULL) {
        return r->fault->status;
    }
    *own.explain = (struct explain_wish){ .output = 0, .ahead = 1 };
    if (type != JSON_OBJECT && type != JSON_BOOL) {
        return reader_refuse_type(r, "true, false or an object");
    }
    enum status status =
        type == JSON_BOOL
            ? reader_bool(r, &is_wanted)
            : reader_fields(r, explain_fields, sizeof explain_fields / sizeof *explain_fields, &own,
                            &seen);
    forecast->forecast_options.explain = is_wanted ? own.explain : NULL;
    return status;
}

enum status explain_fields_check(struct reader *r, const struct forecast_fields_body *body)
{
    const struct explain_wish *explain = body->forecast_options.explain;
    const size_t n_rows = forecast_options_rows(body->info, &body->forecast_options);
    const size_t n_most = n_rows > 0 ? n_rows : 1;
    if (explain->ahead <= n_most) {
        return STATUS_OK;
    }
    return reader_refuse_field(r, STATUS_INVALID_VALUE, "explain.ahead",
                               "is %zu, but the forecast reaches %zu row%s ahead: ask for a "
                               "`horizon` of as many, or for less",
                               explain->ahead, n_most, n_most == 1 ? "" : "s");
}
