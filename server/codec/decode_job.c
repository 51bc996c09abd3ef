/*
 * decode_job.c - the body of POST /v1/fine_tuning/jobs: first the fields that decide how the rest
 * is read, then everything; or, of x-ndjson, everything but `training`, whose series follow in
 * lines of their own.
 */
#include "base/choice.h"
#include "codec/hyperparameter_fields.h"
#include "codec/reader_skip.h"
#include "codec/recipe_fields.h"
#include "codec/schemas.h"
#include "codec/sources.h"
#include "json/utf8.h"

#include <limits.h>
#include <string.h>

#define SEED_MAX    (UINT64_C(1) << 53)
#define SECONDS_MAX (UINT64_C(1) << 31)

/* ---- what decides how the rest is read ---- */

static enum status read_target_model(struct reader *r, void *body)
{
    static const char expected[] = "1 to 64 characters of A-Z a-z 0-9 . _ - and not begin with '.'";
    struct job_target *target = body;
    enum status status = reader_string(r, expected, target->model, sizeof target->model);
    if (status == STATUS_OK && !model_name_is_valid(target->model, strlen(target->model))) {
        status = reader_refuse(r, STATUS_INVALID_VALUE, "must be %s", expected);
    }
    return status;
}

static enum status read_target_version(struct reader *r, void *body)
{
    struct job_target *target = body;
    uint64_t number;
    enum status status = reader_integer(r, 1, UINT_MAX, &number);
    if (status == STATUS_OK) {
        target->version = (unsigned)number;
    }
    return status;
}

static enum status read_target_loss(struct reader *r, void *body)
{
    static const struct field loss = { "loss", hyperparameters_read_field, false, NULL };
    struct job_target *target = body;
    struct gru_hyperparameters hyperparameters;
    unsigned seen;
    gru_hyperparameters_init(&hyperparameters);
    enum status status = reader_some_fields(r, &loss, 1, &hyperparameters, &seen);
    if (status == STATUS_OK) {
        target->loss = hyperparameters.loss;
    }
    return status;
}

enum status codec_job_target(const struct codec_input *input, struct job_target *ret_target)
{
    static const struct field fields[] = {
        { "model", read_target_model, true, &schema_model_name },
        { "version", read_target_version, false, &schema_version_wanted },
        { "hyperparameters", read_target_loss, false, &codec_hyperparameters_part },
    };
    struct gru_hyperparameters defaults;
    struct reader r;
    unsigned seen;
    gru_hyperparameters_init(&defaults);
    struct job_target target = { .loss = defaults.loss };
    reader_init(&r, input);
    enum status status = reader_end(
        &r, reader_some_fields(&r, fields, sizeof fields / sizeof *fields, &target, &seen));
    if (status == STATUS_OK && (seen & 1U) == 0) {
        status = reader_refuse_field(&r, STATUS_MISSING_FIELD, "model", "is missing");
    }
    if (status == STATUS_OK) {
        *ret_target = target;
    }
    return status;
}

/* ---- the fields ---- */

struct job_body {
    struct job_request request;
    struct job_sources training, validation; /* validation has series only */
    bool is_first_line;
};

/* Both were read before, and are only checked to stand here once. */
static enum status pass_over(struct reader *r, void *body)
{
    (void)body;
    return reader_skip(r);
}

static enum status read_training(struct reader *r, void *body)
{
    struct job_body *job = body;
    if (job->is_first_line) {
        return reader_refuse(r, STATUS_INVALID_VALUE,
                             "must be left out here: each line after the first is a series");
    }
    return sources_read_training(r, &job->training);
}

static enum status read_validation(struct reader *r, void *body)
{
    struct job_body *job = body;
    job->request.validation_fraction = 0;
    if (json_peek(&r->json) == JSON_NULL) {
        return json_null(&r->json) ? STATUS_OK : reader_refuse_text(r);
    }
    return sources_read_validation(r, &job->validation, &job->request.validation_fraction);
}

static enum status read_hyperparameters(struct reader *r, void *body)
{
    return hyperparameters_read(r, &((struct job_body *)body)->request.hyperparameters);
}

static enum status read_recipe(struct reader *r, void *body)
{
    return recipe_read(r, &((struct job_body *)body)->request);
}

static enum status read_seed(struct reader *r, void *body)
{
    return reader_integer(r, 0, SEED_MAX, &((struct job_body *)body)->request.seed);
}

static enum status read_max_seconds(struct reader *r, void *body)
{
    if (json_peek(&r->json) == JSON_NULL) {
        return json_null(&r->json) ? STATUS_OK : reader_refuse_text(r);
    }
    return reader_integer(r, 1, SECONDS_MAX, &((struct job_body *)body)->request.max_seconds);
}

static enum status read_bool(struct reader *r, bool *ret_value)
{
    if (json_peek(&r->json) != JSON_BOOL) {
        return reader_refuse_type(r, "true or false");
    }
    return json_bool(&r->json, ret_value) ? STATUS_OK : reader_refuse_text(r);
}

static enum status read_dry_run(struct reader *r, void *body)
{
    return read_bool(r, &((struct job_body *)body)->request.dry_run);
}

/* n bytes and a NUL in the arena; NULL after filling the fault. */
static const char *keep(struct reader *r, const char *text, size_t n)
{
    char *kept = reader_alloc(r, n + 1, 1);
    if (kept != NULL) {
        memcpy(kept, text, n);
        kept[n] = '\0';
    }
    return kept;
}

static bool holds_control(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (utf8_control_length(c) > 0) {
            return true;
        }
    }
    return false;
}

static enum status read_suffix(struct reader *r, void *body)
{
    static const char expected[] = "1 to 64 bytes of text without control characters";
    struct job_body *job = body;
    char suffix[JOB_SUFFIX_MAX + 1];
    if (json_peek(&r->json) == JSON_NULL) {
        return json_null(&r->json) ? STATUS_OK : reader_refuse_text(r);
    }
    enum status status = reader_string(r, expected, suffix, sizeof suffix);
    if (status != STATUS_OK) {
        return status;
    }
    if (suffix[0] == '\0' || holds_control(suffix)) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "must be %s", expected);
    }
    job->request.suffix = keep(r, suffix, strlen(suffix));
    return job->request.suffix != NULL ? STATUS_OK : r->fault->status;
}

static enum status read_metadata(struct reader *r, void *body)
{
    struct job_body *job = body;
    enum json_type type = json_peek(&r->json);
    const char *text;
    size_t n;
    if (type == JSON_NULL) {
        return json_null(&r->json) ? STATUS_OK : reader_refuse_text(r);
    }
    if (type != JSON_OBJECT) {
        return reader_refuse_type(r, "an object");
    }
    enum status status = reader_text(r, JOB_METADATA_MAX, &text, &n);
    if (status != STATUS_OK) {
        return status;
    }
    job->request.metadata = keep(r, text, n);
    return job->request.metadata != NULL ? STATUS_OK : r->fault->status;
}

/* ---- promotion ---- */

static enum status read_policy(struct reader *r, void *body)
{
    static const char words[] = CHOICE_WORDS(JOB_POLICIES);
    static const char expected[] = CHOICE_SENTENCE(JOB_POLICIES);
    struct job_request *request = body;
    char word[sizeof words];
    enum status status = reader_string(r, expected, word, sizeof word);
    if (status != STATUS_OK) {
        return status;
    }
    int policy = choice_find(words, word);
    if (policy < 0) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "must be %s", expected);
    }
    request->has_policy = true;
    request->policy = (enum job_policy)policy;
    return STATUS_OK;
}

static enum status read_gain(struct reader *r, void *body)
{
    return reader_number(r, &((struct job_request *)body)->gate.min_relative_gain);
}

static enum status read_confidence(struct reader *r, void *body)
{
    return reader_number(r, &((struct job_request *)body)->gate.confidence);
}

static enum status read_min_targets(struct reader *r, void *body)
{
    return reader_integer(r, 1, JOB_MIN_TARGETS_MAX,
                          &((struct job_request *)body)->gate.min_targets);
}

static enum status read_must_beat_persistence(struct reader *r, void *body)
{
    return read_bool(r, &((struct job_request *)body)->gate.must_beat_persistence);
}

static const struct field promotion_fields[] = {
    { "policy", read_policy, false, &schema_policy },
    { "min_relative_gain", read_gain, false, &schema_min_relative_gain },
    { "must_beat_persistence", read_must_beat_persistence, false, &schema_must_beat_persistence },
    { "min_targets", read_min_targets, false, &schema_min_targets },
    { "confidence", read_confidence, false, &schema_confidence },
};
static const struct json_schema promotion_part = { .type = JSON_SCHEMA_OBJECT,
                                                   JSON_SCHEMA_FIELDS(promotion_fields) };

static enum status read_promotion(struct reader *r, void *body)
{
    unsigned seen;
    return reader_fields(r, promotion_fields, sizeof promotion_fields / sizeof *promotion_fields,
                         &((struct job_body *)body)->request, &seen);
}

/* ---- the whole ---- */

enum { JOB_TRAINING = 2, JOB_HYPERPARAMETERS = 4 };

static const struct field job_fields[] = {
    { "model", pass_over, true, &schema_model_name },
    { "version", pass_over, false, &schema_version_wanted },
    [JOB_TRAINING] = { "training", read_training, false, &codec_training_part },
    { "validation", read_validation, false, &codec_validation_part },
    [JOB_HYPERPARAMETERS] = { "hyperparameters", read_hyperparameters, false,
                              &codec_hyperparameters_part },
    { "recipe", read_recipe, false, &codec_recipe_part },
    { "promotion", read_promotion, false, &promotion_part },
    { "seed", read_seed, false, &schema_seed },
    { "suffix", read_suffix, false, &schema_suffix },
    { "metadata", read_metadata, false, &schema_metadata },
    { "max_seconds", read_max_seconds, false, &schema_max_seconds },
    { "dry_run", read_dry_run, false, &schema_dry_run },
};

const struct json_schema codec_job_body = {
    .type = JSON_SCHEMA_OBJECT,
    .name = "JobCreate",
    JSON_SCHEMA_FIELDS(job_fields),
    .as_lines =
        "the job without its `training` in the first line, and a Series in each that follows",
    .example = "{\"model\":\"weather\",\"training\":{\"sessions_prefix\":\"pump-\"},"
               "\"hyperparameters\":{\"n_epochs\":5}}"
};

static void fill_request(struct job_body *job)
{
    struct job_request *request = &job->request;
    request->source = job->training.source;
    request->series = job->training.list.series;
    request->n_series = job->training.list.n;
    request->sessions = job->training.sessions;
    request->n_sessions = job->training.n_sessions;
    request->validation = job->validation.list.series;
    request->n_validation = job->validation.list.n;
}

enum status codec_job(const struct codec_input *input, bool is_first_line,
                      const struct job_target *target, const struct gru_info *info,
                      struct job_request *ret_request)
{
    struct reader r;
    unsigned seen;
    reader_init(&r, input);
    struct job_body job = { .is_first_line = is_first_line };
    job.request.validation_fraction = job_validation_fraction_default;
    job.request.seed = JOB_SEED_DEFAULT;
    job.request.gate = job_gate_default;
    gru_hyperparameters_init(&job.request.hyperparameters);
    sources_init(&job.training, info, target->loss);
    sources_init(&job.validation, info, target->loss);
    enum status status =
        reader_fields(&r, job_fields, sizeof job_fields / sizeof *job_fields, &job, &seen);
    if (status == STATUS_OK && !is_first_line && (seen & 1U << JOB_TRAINING) == 0) {
        status = reader_refuse_field(&r, STATUS_MISSING_FIELD, "training", "is missing");
    }
    if (status == STATUS_OK && job.request.recipe != JOB_RECIPE_NONE &&
        (seen & 1U << JOB_HYPERPARAMETERS) != 0) {
        status = reader_refuse_field(&r, STATUS_INVALID_VALUE, "hyperparameters",
                                     "must be left out beside 'recipe', which finds them out");
    }
    status = reader_end(&r, status);
    if (status == STATUS_OK) {
        job.request.model = keep(&r, target->model, strlen(target->model));
        status = job.request.model != NULL ? STATUS_OK : r.fault->status;
    }
    if (status == STATUS_OK) {
        job.request.version = target->version;
        fill_request(&job);
        *ret_request = job.request;
    }
    return status;
}
