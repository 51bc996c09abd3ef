#include "codec/error_fields.h"

#include "codec/base64.h"
#include "codec/reader_skip.h"
#include "codec/schemas.h"

#include <string.h>

enum { MEANS_FORMAT = 1 };

/* ---- a value per output ---- */

static enum status refuse_n_outputs(struct reader *r, size_t n, size_t n_outputs)
{
    return reader_refuse(r, STATUS_WRONG_LENGTH, "has %zu value%s where the model has %zu output%s",
                         n, n == 1 ? "" : "s", n_outputs, n_outputs == 1 ? "" : "s");
}

static enum status read_measure(struct reader *r, size_t n_outputs, const float **ret_values)
{
    size_t n;
    float *values = reader_alloc(r, n_outputs, sizeof *values);
    if (values == NULL) {
        return r->fault->status;
    }
    enum status status = reader_floats(r, values, n_outputs, &n);
    if (status == STATUS_OK && n != n_outputs) {
        return refuse_n_outputs(r, n, n_outputs);
    }
    for (size_t i = 0; status == STATUS_OK && i < n; i++) {
        if (values[i] < 0) {
            status = reader_refuse(r, STATUS_INVALID_VALUE, "must not hold negative numbers");
        }
    }
    *ret_values = values;
    return status;
}

struct errors_body {
    size_t n_outputs;
    uint32_t *n;
    struct session_errors errors;
    struct json bytes; /* where they stand: how many they must be is known once all else is */
    size_t n_text;     /* how long the text is there, as it is written */
};

static enum status read_count(struct reader *r, void *body)
{
    const struct errors_body *errors = body;
    uint64_t count;
    enum status status = reader_integer(r, 0, UINT32_MAX, &count);
    if (status == STATUS_OK && r->place->index < errors->n_outputs) {
        errors->n[r->place->index] = (uint32_t)count;
    }
    return status;
}

static enum status read_errors_n(struct reader *r, void *body)
{
    struct errors_body *errors = body;
    size_t n;
    errors->n = reader_alloc(r, errors->n_outputs, sizeof *errors->n);
    if (errors->n == NULL) {
        return r->fault->status;
    }
    enum status status = reader_elements(r, "an array of integers", read_count, body, &n);
    if (status == STATUS_OK && n != errors->n_outputs) {
        status = refuse_n_outputs(r, n, errors->n_outputs);
    }
    errors->errors.n = errors->n;
    return status;
}

static enum status read_errors_mae(struct reader *r, void *body)
{
    struct errors_body *errors = body;
    return read_measure(r, errors->n_outputs, &errors->errors.mae);
}

static enum status read_errors_rmse(struct reader *r, void *body)
{
    struct errors_body *errors = body;
    return read_measure(r, errors->n_outputs, &errors->errors.rmse);
}

/* What grud works out anew: GET says it, PUT does not need it. */
static enum status pass_over(struct reader *r, void *body)
{
    (void)body;
    return reader_skip(r);
}

/* ---- all that is known of them ---- */

static enum status read_means_format(struct reader *r, void *body)
{
    (void)body;
    uint64_t format = 0;
    enum status status = reader_integer(r, 0, UINT32_MAX, &format);
    return status == STATUS_OK && format != MEANS_FORMAT
               ? reader_refuse(r, STATUS_INVALID_VALUE,
                               "is %llu, and this grud reads %d; leave `means` out to go on with "
                               "`n`, `mae` and `rmse`",
                               (unsigned long long)format, MEANS_FORMAT)
               : status;
}

static enum status read_means_season(struct reader *r, void *body)
{
    uint64_t season = 0;
    enum status status = reader_integer(r, 0, RECORD_HISTORY_MAX, &season);
    ((struct errors_body *)body)->errors.season = (uint32_t)season;
    return status;
}

static enum status mark_means_bytes(struct reader *r, void *body)
{
    struct errors_body *errors = body;
    errors->bytes = r->json;
    enum status status = json_peek(&r->json) == JSON_STRING
                             ? reader_skip(r)
                             : reader_refuse_type(r, "a string of base64");
    errors->n_text = (size_t)(r->json.p - errors->bytes.p);
    return status;
}

static enum status refuse_means_bytes(struct reader *r, const struct errors_body *errors, size_t n)
{
    return reader_refuse(r, STATUS_WRONG_LENGTH,
                         "must be the base64 of %zu bytes, those of %zu "
                         "output%s%s",
                         n, errors->n_outputs, errors->n_outputs == 1 ? "" : "s",
                         errors->errors.season > 0 ? " with a season" : "");
}

/* Memory is taken only for a text that is long enough. */
static enum status read_means_bytes(struct reader *r, struct errors_body *errors)
{
    const size_t n = session_errors_bytes(errors->n_outputs, errors->errors.season);
    if (errors->n_text < base64_length(n)) {
        return refuse_means_bytes(r, errors, n);
    }
    char *text = reader_alloc(r, errors->n_text + 1, 1);
    unsigned char *means = text ? reader_alloc(r, n, 1) : NULL;
    if (!means) {
        return r->fault->status;
    }
    enum status status = reader_string(r, "base64", text, errors->n_text + 1);
    if (status != STATUS_OK) {
        return status;
    }
    if (!base64_scan(text, strlen(text), means, n)) {
        return refuse_means_bytes(r, errors, n);
    }
    errors->errors.means = means;
    return session_errors_are_valid(&errors->errors, errors->n_outputs)
               ? STATUS_OK
               : reader_refuse(r, STATUS_INVALID_VALUE, "are no means: what GET gave was changed");
}

static const struct field means_fields[] = {
    { "format", read_means_format, true, &schema_means_format },
    { "season", read_means_season, true, &schema_means_season },
    { "bytes", mark_means_bytes, true, &schema_means_bytes },
};
const struct json_schema codec_means_part = { .type = JSON_SCHEMA_OBJECT,
                                              JSON_SCHEMA_FIELDS(means_fields),
                                              .help = "all that these figures are made of: for "
                                                      "PUT" };

static enum status read_means(struct reader *r, void *body)
{
    struct errors_body *errors = body;
    unsigned seen;
    enum status status =
        reader_fields(r, means_fields, sizeof means_fields / sizeof *means_fields, body, &seen);
    if (status != STATUS_OK) {
        return status;
    }
    struct reader there = *r;
    struct place place = { r->place, "bytes", 0 };
    there.json = errors->bytes;
    there.place = &place;
    return read_means_bytes(&there, errors);
}

/* ---- the whole ---- */

/* clang-format off */
#define PASSED_OVER(name) { (name), pass_over, false, &schema_passed_over }
static const struct field errors_fields[] = {
    { "n", read_errors_n, true, &schema_counts },
    { "mae", read_errors_mae, true, &schema_measures },
    { "rmse", read_errors_rmse, true, &schema_measures },
    PASSED_OVER("smape"), PASSED_OVER("mase"), PASSED_OVER("rse"), PASSED_OVER("corr"),
    PASSED_OVER("skill_vs_persistence"), PASSED_OVER("skill_vs_seasonal_naive"),
    PASSED_OVER("recent"), PASSED_OVER("recent_mae"), PASSED_OVER("intervals"),
    { "means", read_means, false, &codec_means_part },
};
/* clang-format on */
const struct json_schema codec_errors_part = { .type = JSON_SCHEMA_OBJECT,
                                               JSON_SCHEMA_FIELDS(errors_fields) };

enum status error_fields_read(struct reader *r, size_t n_outputs, struct session_errors *ret_errors)
{
    struct errors_body errors = { .n_outputs = n_outputs };
    unsigned seen;
    enum status status = reader_fields(
        r, errors_fields, sizeof errors_fields / sizeof *errors_fields, &errors, &seen);
    if (status == STATUS_OK) {
        *ret_errors = errors.errors;
    }
    return status;
}
