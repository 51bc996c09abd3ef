/* sources.c - see sources.h. */
#include "codec/sources.h"

#include "codec/schemas.h"

#include <stdlib.h>
#include <string.h>

void sources_init(struct job_sources *sources, const struct gru_info *info, int loss)
{
    *sources = (struct job_sources){ .source = JOB_SERIES };
    series_init(&sources->list, info, loss);
}

static enum status read_series(struct reader *r, void *body)
{
    struct job_sources *sources = body;
    return series_read(r, &sources->list);
}

/* ---- sessions ---- */

static enum status add_session(struct reader *r, struct job_sources *sources, const char *id)
{
    size_t n = strlen(id) + 1;
    const char **grown =
        reader_grow(r, sources->sessions, sources->n_sessions, sizeof *grown, &sources->size);
    char *kept = grown != NULL ? reader_alloc(r, n, 1) : NULL;
    if (kept == NULL) {
        return r->fault->status;
    }
    memcpy(kept, id, n);
    sources->sessions = grown;
    sources->sessions[sources->n_sessions++] = kept;
    return STATUS_OK;
}

static enum status read_session(struct reader *r, void *body)
{
    char id[SESSION_ID_MAX + 1];
    if (r->place->index >= JOB_SESSIONS_MAX) {
        return reader_refuse(r, STATUS_WRONG_LENGTH,
                             "is one too many: at most %d sessions are named", JOB_SESSIONS_MAX);
    }
    enum status status = reader_session_id(r, id);
    return status == STATUS_OK ? add_session(r, body, id) : status;
}

/* Pointers into the list of ids, so that equal ones stand in its order. */
static int compare_ids(const void *a, const void *b)
{
    const char *const *one = *(const char *const *const *)a, *const *other =
                                                                 *(const char *const *const *)b;
    int order = strcmp(*one, *other);
    return order != 0 ? order : (one > other) - (one < other);
}

static enum status refuse_duplicates(struct reader *r, const struct job_sources *sources)
{
    const char *const **sorted = reader_alloc(r, sources->n_sessions, sizeof *sorted);
    if (sorted == NULL) {
        return r->fault->status;
    }
    for (size_t i = 0; i < sources->n_sessions; i++) {
        sorted[i] = (const char *const *)&sources->sessions[i];
    }
    qsort(sorted, sources->n_sessions, sizeof *sorted, compare_ids);
    size_t first = sources->n_sessions;
    for (size_t i = 1; i < sources->n_sessions; i++) {
        size_t index = (size_t)(sorted[i] - (const char *const *)sources->sessions);
        if (strcmp(*sorted[i - 1], *sorted[i]) == 0 && index < first) {
            first = index;
        }
    }
    if (first == sources->n_sessions) {
        return STATUS_OK;
    }
    struct place place = { r->place, NULL, first };
    r->place = &place;
    enum status status = reader_refuse(r, STATUS_INVALID_VALUE, "is '%s', which was named before",
                                       sources->sessions[first]);
    r->place = place.up;
    return status;
}

static enum status read_sessions(struct reader *r, void *body)
{
    struct job_sources *sources = body;
    size_t n;
    sources->source = JOB_SESSIONS;
    enum status status = reader_elements(r, "an array of session ids", read_session, sources, &n);
    if (status == STATUS_OK && n == 0) {
        status = reader_refuse(r, STATUS_WRONG_LENGTH, "must hold at least one session");
    }
    return status == STATUS_OK ? refuse_duplicates(r, sources) : status;
}

static enum status read_prefix(struct reader *r, void *body)
{
    static const char expected[] = "at most 128 characters of A-Z a-z 0-9 . _ ~ : -";
    struct job_sources *sources = body;
    char prefix[SESSION_ID_MAX + 1];
    sources->source = JOB_SESSIONS_PREFIX;
    enum status status = reader_string(r, expected, prefix, sizeof prefix);
    if (status != STATUS_OK) {
        return status;
    }
    if (prefix[0] != '\0' && !session_id_is_valid(prefix, strlen(prefix))) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "must be %s", expected);
    }
    return add_session(r, sources, prefix);
}

/* ---- either, or ---- */

/* Refuses an object that has none of the fields, or more than one. */
static enum status check_only_one(struct reader *r, const struct field *fields, unsigned seen,
                                  const char *others)
{
    if (seen == 0) {
        return reader_refuse_field(r, STATUS_MISSING_FIELD, fields[0].name, "is missing (or %s)",
                                   others);
    }
    unsigned last = 31U - (unsigned)__builtin_clz(seen);
    return seen == 1U << last
               ? STATUS_OK
               : reader_refuse_field(r, STATUS_INVALID_VALUE, fields[last].name,
                                     "stands beside another source, and there is only one");
}

static const struct json_schema schema_series = { .type = JSON_SCHEMA_ARRAY,
                                                  .items = &codec_series_part,
                                                  .least = 1 };
static const struct field training_fields[] = {
    { "series", read_series, false, &schema_series },
    { "sessions", read_sessions, false, &schema_session_ids },
    { "sessions_prefix", read_prefix, false, &schema_session_prefix },
};

const struct json_schema codec_training_part = { .type = JSON_SCHEMA_OBJECT,
                                                 JSON_SCHEMA_FIELDS(training_fields),
                                                 .either = "series|sessions|sessions_prefix",
                                                 .help = "what to learn from" };

enum status sources_read_training(struct reader *r, struct job_sources *sources)
{
    const size_t n = sizeof training_fields / sizeof *training_fields;
    unsigned seen;
    enum status status = reader_fields(r, training_fields, n, sources, &seen);
    return status == STATUS_OK
               ? check_only_one(r, training_fields, seen, "`sessions` or `sessions_prefix`")
               : status;
}

struct validation_source {
    struct job_sources *sources;
    double fraction;
};

static enum status read_validation_series(struct reader *r, void *body)
{
    return read_series(r, ((struct validation_source *)body)->sources);
}

static enum status read_fraction(struct reader *r, void *body)
{
    struct validation_source *validation = body;
    enum status status = reader_number(r, &validation->fraction);
    if (status == STATUS_OK && !(validation->fraction > 0 && validation->fraction < 1)) {
        status = reader_refuse(r, STATUS_INVALID_VALUE, "must be between 0 and 1, and neither");
    }
    return status;
}

static const struct field validation_fields[] = {
    { "fraction", read_fraction, false, &schema_fraction },
    { "series", read_validation_series, false, &schema_series },
};

const struct json_schema codec_validation_part = {
    .type = JSON_SCHEMA_OBJECT,
    .is_nullable = true,
    JSON_SCHEMA_FIELDS(validation_fields),
    .either = "fraction|series",
    .help = "what to judge by; left out: a fraction of 0.2; null: nothing"
};

enum status sources_read_validation(struct reader *r, struct job_sources *sources,
                                    double *ret_fraction)
{
    const size_t n = sizeof validation_fields / sizeof *validation_fields;
    struct validation_source validation = { .sources = sources };
    unsigned seen;
    enum status status = reader_fields(r, validation_fields, n, &validation, &seen);
    if (status == STATUS_OK) {
        status = check_only_one(r, validation_fields, seen, "`series`");
    }
    if (status == STATUS_OK) {
        *ret_fraction = validation.fraction;
    }
    return status;
}
