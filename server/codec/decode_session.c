/* decode_session.c - the body of PUT session. */
#include "base/clock.h"
#include "codec/calibration_fields.h"
#include "codec/codec.h"
#include "codec/error_fields.h"
#include "codec/reader_rows.h"
#include "codec/reader_skip.h"
#include "codec/schemas.h"
#include "codec/time_fields.h"

#include <math.h>
#include <string.h>

#define COUNT_MAX (UINT64_C(1) << 53)

enum { TTL_MAX_S = 315360000, DIGEST_DIGITS = DIGEST_TEXT - sizeof "xxh3:" };

/* Of either sign: what a clock that was set has said may be read back by another. */
static const double time_max_s = 1e11;

struct restore_body {
    const struct model *model;
    const struct gru_info *info;
    struct session_restore restore;
    struct session_calibration *calibration; /* NULL: there is none in the text */
    struct columns x;
    /* Where these stand in the text: how long they must be is known once the digest is. */
    struct json state, last, y, transforms;
    const double *rewarm;
    size_t n_rewarm;
};

/* ---- what GET gives and PUT does not need ---- */

static enum status read_any_string(struct reader *r, void *body)
{
    (void)body;
    return json_peek(&r->json) != JSON_STRING ? reader_refuse_type(r, "a string")
           : json_skip(&r->json)              ? STATUS_OK
                                              : reader_refuse_text(r);
}

static enum status read_any_time(struct reader *r, void *body)
{
    (void)body;
    bool is_null = false;
    double time;
    enum status status = reader_null_or_number(r, &is_null);
    return status == STATUS_OK && !is_null ? reader_number(r, &time) : status;
}

static enum status read_any_version(struct reader *r, void *body)
{
    (void)body;
    uint64_t version;
    return reader_integer(r, 0, COUNT_MAX, &version);
}

/* ---- the fields ---- */

static enum status read_step_count(struct reader *r, void *body)
{
    struct restore_body *restore = body;
    return reader_integer(r, 0, COUNT_MAX, &restore->restore.step);
}

static enum status read_created_at(struct reader *r, void *body)
{
    struct restore_body *restore = body;
    double time;
    enum status status = reader_number(r, &time);
    if (status == STATUS_OK && !(fabs(time) <= time_max_s)) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "must be a time in Unix seconds");
    }
    if (status == STATUS_OK) {
        int64_t created_at_ms = clock_steady_of(llround(time * 1000));
        restore->restore.created_at_ms = created_at_ms > 0 ? created_at_ms : 1;
    }
    return status;
}

static enum status read_time(struct reader *r, void *body)
{
    return time_fields_read_session(r, &((struct restore_body *)body)->restore.time);
}

static enum status read_calibration(struct reader *r, void *body)
{
    struct restore_body *restore = body;
    return calibration_fields_read(r, restore->info, &restore->calibration);
}

static enum status read_ttl(struct reader *r, void *body)
{
    struct restore_body *restore = body;
    uint64_t ttl_s;
    bool is_null = false;
    enum status status = reader_null_or_number(r, &is_null);
    if (status == STATUS_OK && !is_null) {
        status = reader_integer(r, 0, TTL_MAX_S, &ttl_s);
    }
    if (status == STATUS_OK) {
        restore->restore.ttl_s = is_null ? -1 : (int64_t)ttl_s;
    }
    return status;
}

/* Hexadecimal digits to 64 bits; false if one is none. */
static bool scan_hex(const char *p, size_t n, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = strchr(digits, p[i]);
        if (p[i] == '\0' || digit == NULL) {
            return false;
        }
        value = value << 4 | (uint64_t)(digit - digits);
    }
    *ret_value = value;
    return true;
}

static enum status read_digest(struct reader *r, void *body)
{
    static const char expected[] = "a digest such as GET gave, \"xxh3:\" and 32 hexadecimal digits";
    static const char prefix[] = "xxh3:";
    struct restore_body *restore = body;
    struct digest *digest = &restore->restore.digest;
    char text[DIGEST_TEXT];
    enum status status = reader_string(r, expected, text, sizeof text);
    if (status != STATUS_OK) {
        return status;
    }
    const char *digits = text + strlen(prefix);
    if (strlen(text) != DIGEST_TEXT - 1 || strncmp(text, prefix, strlen(prefix)) != 0 ||
        !scan_hex(digits, DIGEST_DIGITS / 2, &digest->high) ||
        !scan_hex(digits + DIGEST_DIGITS / 2, DIGEST_DIGITS / 2, &digest->low)) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "must be %s", expected);
    }
    restore->restore.has_digest = true;
    return STATUS_OK;
}

static enum status read_readings(struct reader *r, void *body)
{
    struct restore_body *restore = body;
    return rows_read(r, &restore->x, &restore->restore.readings, &restore->restore.n_readings);
}

static enum status read_rewarm(struct reader *r, void *body)
{
    struct restore_body *restore = body;
    enum status status = rows_read(r, &restore->x, &restore->rewarm, &restore->n_rewarm);
    if (status == STATUS_OK && restore->n_rewarm == 0) {
        status = reader_refuse(r, STATUS_WRONG_LENGTH, "must hold at least one row");
    }
    return status;
}

static enum status read_errors(struct reader *r, void *body)
{
    struct restore_body *restore = body;
    return error_fields_read(r, restore->info->n_outputs, &restore->restore.errors);
}

/* ---- the state ---- */

/* Numbers and nulls, however many. */
static enum status pass_over_row(struct reader *r, void *body)
{
    (void)body;
    size_t n;
    return reader_floats(r, NULL, 0, &n);
}

static enum status mark_state(struct reader *r, void *body)
{
    size_t n;
    ((struct restore_body *)body)->state = r->json;
    return reader_elements(r, "an array of layers", pass_over_row, NULL, &n);
}

static enum status mark_last(struct reader *r, void *body)
{
    ((struct restore_body *)body)->last = r->json;
    return pass_over_row(r, NULL);
}

static enum status mark_y(struct reader *r, void *body)
{
    ((struct restore_body *)body)->y = r->json;
    return pass_over_row(r, NULL);
}

static enum status mark_transforms(struct reader *r, void *body)
{
    size_t n;
    ((struct restore_body *)body)->transforms = r->json;
    return reader_elements(r, "an array of inputs", pass_over_row, NULL, &n);
}

enum restore_field {
    RESTORE_STATE,
    RESTORE_DIGEST,
    RESTORE_LAST,
    RESTORE_Y,
    RESTORE_TRANSFORMS,
    RESTORE_REWARM
};

static const struct field restore_fields[] = {
    [RESTORE_STATE] = { "state", mark_state, false, &schema_state },
    [RESTORE_DIGEST] = { "digest", read_digest, false, &schema_digest },
    [RESTORE_LAST] = { "last", mark_last, false, &schema_last },
    [RESTORE_Y] = { "y", mark_y, false, &schema_last_y },
    [RESTORE_TRANSFORMS] = { "transforms", mark_transforms, false, &schema_transforms },
    [RESTORE_REWARM] = { "rewarm", read_rewarm, false, &schema_rewarm },
    { "readings", read_readings, false, &schema_kept_readings },
    { "errors", read_errors, false, &codec_errors_part },
    { "step", read_step_count, false, &schema_step_count },
    { "time", read_time, false, &codec_time_part },
    { "calibration", read_calibration, false, &codec_calibration_part },
    { "ttl", read_ttl, false, &schema_ttl },
    { "created_at", read_created_at, false, &schema_session_created_at },
    { "session", read_any_string, false, &schema_any_text },
    { "version", read_any_version, false, &schema_any_version },
    { "last_seen_at", read_any_time, false, &schema_any_time },
    { "expires_at", read_any_time, false, &schema_any_time },
};

const struct json_schema codec_session_body = { .type = JSON_SCHEMA_OBJECT,
                                                .name = "SessionRestore",
                                                JSON_SCHEMA_FIELDS(restore_fields),
                                                .example = "{\"ttl\":300}" };

/* A state, or of its layers those that are left to be read. */
struct state_part {
    const struct gru_model *gru;
    float *floats;
};

static enum status refuse_n_values(struct reader *r, size_t n, size_t n_expected)
{
    return reader_refuse(r, STATUS_WRONG_LENGTH, "has %zu value%s where %zu %s expected", n,
                         n == 1 ? "" : "s", n_expected, n_expected == 1 ? "is" : "are");
}

/* An array of exactly n floats. */
static enum status read_exactly(struct reader *r, float *floats, size_t n)
{
    size_t n_read;
    enum status status = reader_floats(r, floats, n, &n_read);
    if (status == STATUS_OK && n_read != n) {
        return refuse_n_values(r, n_read, n);
    }
    for (size_t i = 0; status == STATUS_OK && i < n; i++) {
        if (isnan(floats[i])) {
            status = reader_refuse(r, STATUS_INVALID_TYPE, "must hold numbers, not null");
        }
    }
    return status;
}

static enum status read_layer(struct reader *r, void *body)
{
    struct state_part *part = body;
    size_t layer = r->place->index;
    if (layer >= gru_model_info(part->gru)->n_layers) { /* counted, and refused by read_state */
        return reader_skip(r);
    }
    size_t n = gru_state_layer_floats(part->gru, layer);
    float *floats = part->floats;
    part->floats += n;
    return read_exactly(r, floats, n);
}

static enum status read_state(struct reader *r, void *body)
{
    struct state_part *part = body;
    size_t n_layers = gru_model_info(part->gru)->n_layers, n;
    enum status status = reader_elements(r, "an array of layers", read_layer, body, &n);
    if (status == STATUS_OK && n != n_layers) {
        status =
            reader_refuse(r, STATUS_WRONG_LENGTH, "has %zu row%s where the model has %zu layer%s",
                          n, n == 1 ? "" : "s", n_layers, n_layers == 1 ? "" : "s");
    }
    return status;
}

/* An array of exactly n values or nulls; NULL: it was refused. */
static const double *read_values(struct reader *r, const struct gru_info *info, size_t n)
{
    size_t n_read;
    double *values = reader_alloc(r, n, sizeof *values);
    if (values == NULL || reader_readings(r, info->is_wide, values, n, &n_read) != STATUS_OK) {
        return NULL;
    }
    return n_read == n || refuse_n_values(r, n_read, n) == STATUS_OK ? values : NULL;
}

static enum status read_last(struct reader *r, void *body)
{
    struct state_part *part = body;
    const struct gru_info *info = gru_model_info(part->gru);
    const double *last = read_values(r, info, info->n_inputs);
    if (last == NULL) {
        return r->fault->status;
    }
    for (size_t i = 0; i < info->n_inputs; i++) {
        gru_state_set_last(part->gru, part->floats, i, last[i]);
    }
    return STATUS_OK;
}

/* All of them null before the first reading, or none. */
static enum status read_y(struct reader *r, void *body)
{
    struct state_part *part = body;
    const struct gru_info *info = gru_model_info(part->gru);
    size_t n = info->y_floats, n_nulls = 0;
    const double *y = read_values(r, info, n);
    if (y == NULL) {
        return r->fault->status;
    }
    for (size_t k = 0; k < n; k++) {
        n_nulls += isnan(y[k]);
        gru_state_set_y(part->gru, part->floats, k, y[k]);
    }
    return n_nulls == 0 || n_nulls == n
               ? STATUS_OK
               : reader_refuse(r, STATUS_INVALID_VALUE, "must not mix numbers and null");
}

/* What the transform of an input remembers. */
static enum status read_transform(struct reader *r, void *body)
{
    struct state_part *part = body;
    const struct gru_info *info = gru_model_info(part->gru);
    const size_t input = r->place->index;
    if (input >= info->n_inputs) { /* counted, and refused by read_transforms */
        return reader_skip(r);
    }
    const size_t n = gru_state_transform_values(part->gru, input);
    const double *values = read_values(r, info, n);
    if (values == NULL) {
        return r->fault->status;
    }
    for (size_t k = 0; k < n; k++) {
        gru_state_set_transform(part->gru, part->floats, input, k, values[k]);
    }
    return STATUS_OK;
}

static enum status read_transforms(struct reader *r, void *body)
{
    const size_t n_inputs = gru_model_info(((struct state_part *)body)->gru)->n_inputs;
    size_t n;
    enum status status = reader_elements(r, "an array of inputs", read_transform, body, &n);
    return status == STATUS_OK && n != n_inputs ? refuse_n_values(r, n, n_inputs) : status;
}

/* Reads a field that was marked before. */
static enum status read_marked(struct reader *r, const struct json *here, const char *name,
                               enum status (*read)(struct reader *r, void *body),
                               struct state_part *part)
{
    struct reader there = *r;
    struct place place = { r->place, name, 0 };
    there.json = *here;
    there.place = &place;
    return read(&there, part);
}

static enum status read_whole_state(struct reader *r, struct restore_body *restore, unsigned seen)
{
    const struct gru_model *gru = restore->model->active->gru;
    float *state = reader_alloc(r, restore->info->state_floats, sizeof *state);
    if (state == NULL) {
        return r->fault->status;
    }
    gru_state_init(gru, state);
    struct state_part layers = { gru, state }, whole = { gru, state };
    enum status status = read_marked(r, &restore->state, "state", read_state, &layers);
    if (status == STATUS_OK && (seen & 1U << RESTORE_LAST) != 0) {
        status = read_marked(r, &restore->last, "last", read_last, &whole);
    }
    if (status == STATUS_OK && (seen & 1U << RESTORE_Y) != 0) {
        status = read_marked(r, &restore->y, "y", read_y, &whole);
    }
    if (status == STATUS_OK && (seen & 1U << RESTORE_TRANSFORMS) != 0) {
        status = read_marked(r, &restore->transforms, "transforms", read_transforms, &whole);
    }
    restore->restore.state = state;
    return status;
}

/* Takes the state if it is the active version's; else the readings to rewarm from, if they are
 * given. */
static enum status choose_state(struct reader *r, struct restore_body *restore, unsigned seen)
{
    struct session_restore *result = &restore->restore;
    const struct version *active = restore->model->active;
    bool has_state = (seen & 1U << RESTORE_STATE) != 0;
    if (has_state && !result->has_digest) {
        return reader_refuse_field(r, STATUS_MISSING_FIELD, "digest",
                                   "is missing: a state belongs to the model with its digest");
    }
    bool is_own = has_state && memcmp(&result->digest, &active->digest, sizeof active->digest) == 0;
    if (is_own) {
        enum status status = read_whole_state(r, restore, seen);
        if (status != STATUS_OK) {
            return status;
        }
    } else if (has_state && restore->rewarm == NULL) {
        char digest[DIGEST_TEXT];
        digest_print(active->digest, digest);
        return reader_refuse_field(
            r, STATUS_DIGEST_MISMATCH, "digest",
            "is not %s, that of the active version %u, so the state does not fit; give "
            "`rewarm` readings instead",
            digest, active->number);
    }
    if (restore->rewarm != NULL && (!is_own || result->n_readings == 0)) {
        result->readings = restore->rewarm;
        result->n_readings = restore->n_rewarm;
    }
    return STATUS_OK;
}

enum status codec_session_restore(const struct codec_input *input, const struct model *model,
                                  struct session_restore *ret_restore)
{
    const struct gru_info *info = gru_model_info(model->active->gru);
    struct restore_body body = { .model = model, .info = info, .restore = { .ttl_s = -1 } };
    struct reader r;
    unsigned seen;
    reader_init(&r, input);
    columns_init(&body.x, info, false);
    body.x.rows_max = input->limits.rows_max;
    enum status status = reader_fields(
        &r, restore_fields, sizeof restore_fields / sizeof *restore_fields, &body, &seen);
    if (status == STATUS_OK) {
        status = choose_state(&r, &body, seen);
    }
    status = reader_end(&r, status);
    if (status == STATUS_OK && body.calibration) {
        body.calibration->digest = body.restore.digest.low;
        body.restore.calibration = body.calibration;
    }
    if (status == STATUS_OK) {
        *ret_restore = body.restore;
    }
    return status;
}
