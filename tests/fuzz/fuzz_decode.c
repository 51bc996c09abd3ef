/*
 * The decoders of request bodies. The first byte of an input chooses the decoder ('0' + its number
 * in the table below), the second the model, the rest is the body.
 *
 * What is not JSON is refused; a refusal says why in words that a reply can carry, and leaves the
 * result as it was; a session that is restored gives itself back; lines do not depend on how they
 * arrive.
 */
#include "codec/codec.h"
#include "fuzz.h"
#include "http/lines.h"
#include "service/rules/rule_entry.h"
#include "json/json.h"

#include <math.h>
#include <string.h>

enum { ARENA_BYTES = 64 << 20, LINE_MOST = 200, PIECES = 3 };

static const struct interval_levels levels = { 3, { 0.8, 0.9, 0.95 } };
static const struct codec_limits limits = { .horizon_max = 100,
                                            .interval_horizon_max = 24,
                                            .interval_levels = &levels,
                                            .depth_max = 16,
                                            .rows_max = 1000,
                                            .evaluation_rows_max = 10000 };
static struct version version = { .number = 3,
                                  .digest = { 0x0123456789abcdef, 0xfedcba9876543210 } };
static struct model model = {
    .name = "weather", .n_versions = 1, .versions = &version, .active = &version
};
static struct arena arena;

struct body {
    const char *p;
    size_t n;
};

/* ---- laws for all ---- */

static bool is_json(const char *p, size_t n)
{
    struct json j;
    json_init(&j, p, n);
    return json_skip(&j) && json_end(&j);
}

/* Returns whether the body was accepted. `touched`: the result is not as it was. */
static bool check(struct body body, enum status status, const struct fault *fault, bool touched)
{
    if (status == STATUS_OK) {
        FUZZ_CHECK(is_json(body.p, body.n));
        return true;
    }
    struct text text;
    text_init(&text, &arena, 0);
    codec_put_error(&text, fault);
    FUZZ_CHECK(!touched && fault->status == status && fault->message[0] != '\0');
    FUZZ_CHECK(text.failed || is_json(text.p, text.n));
    return false;
}

/* What a result is filled with, to see whether it is touched. */
static void fill(void *result, size_t n)
{
    memset(result, 0x5a, n);
}

/* What a decoder takes. */
#define INPUT(body, n_body, its_limits, its_arena, its_fault)                                      \
    (&(const struct codec_input){ .json = (body),                                                  \
                                  .n = (n_body),                                                   \
                                  .limits = (its_limits),                                          \
                                  .arena = (its_arena),                                            \
                                  .fault = (its_fault) })

static bool is_touched(const void *result, size_t n)
{
    const unsigned char *bytes = result;
    size_t k = 0;
    while (k < n && bytes[k] == 0x5a) {
        k++;
    }
    return k < n;
}

/* Readings are finite, or NaN where missing. */
static void check_values(const double *values, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        FUZZ_CHECK(!isinf(values[k]));
    }
}

static const struct gru_info *info_of_model(void)
{
    return gru_model_info(version.gru);
}

static void check_forecast_options(const struct forecast_options *forecast_options)
{
    FUZZ_CHECK(forecast_options->horizon <= limits.horizon_max);
    check_values(forecast_options->future,
                 forecast_options->n_future_rows * info_of_model()->n_future);
    const struct crossing *crossing = forecast_options->crossing;
    FUZZ_CHECK(!crossing ||
               (crossing->output < info_of_model()->n_outputs && isfinite(crossing->threshold)));
    const struct explain_wish *explain = forecast_options->explain;
    FUZZ_CHECK(!explain || (explain->output < info_of_model()->n_outputs && explain->ahead > 0));
}

/* ---- one body ---- */

static void decode_step(struct body body)
{
    struct step step = { .arena = &arena, .model = &model, .session = "s" };
    enum status status =
        codec_step(INPUT(body.p, body.n, limits, step.arena, &step.fault), false, &step);
    if (check(body, status, &step.fault, false)) {
        check_values(step.x, info_of_model()->n_inputs);
        check_forecast_options(&step.forecast_options);
    }
}

static void decode_steps(struct body body)
{
    struct step *steps;
    size_t n;
    struct fault fault;
    fill(&steps, sizeof steps);
    enum status status =
        codec_steps(INPUT(body.p, body.n, limits, &arena, &fault), &model, &steps, &n);
    if (!check(body, status, &fault, is_touched(&steps, sizeof steps))) {
        return;
    }
    for (size_t k = 0; k < n; k++) {
        if (steps[k].fault.status == STATUS_OK) {
            FUZZ_CHECK(session_id_is_valid(steps[k].session, strlen(steps[k].session)));
            check_values(steps[k].x, info_of_model()->n_inputs);
        } else {
            struct text text;
            text_init(&text, &arena, 0);
            codec_put_step(&text, &steps[k]);
            FUZZ_CHECK(text.failed || is_json(text.p, text.n));
        }
    }
}

static void decode_forecast_options(struct body body)
{
    struct forecast_options forecast_options;
    struct fault fault;
    fill(&forecast_options, sizeof forecast_options);
    enum status status = codec_forecast_options(INPUT(body.p, body.n, limits, &arena, &fault),
                                                &model, &forecast_options);
    if (check(body, status, &fault, is_touched(&forecast_options, sizeof forecast_options))) {
        check_forecast_options(&forecast_options);
    }
}

static void decode_prediction(struct body body)
{
    struct prediction prediction;
    struct fault fault;
    fill(&prediction, sizeof prediction);
    enum status status =
        codec_prediction(INPUT(body.p, body.n, limits, &arena, &fault), &model, &prediction);
    if (!check(body, status, &fault, is_touched(&prediction, sizeof prediction))) {
        return;
    }
    FUZZ_CHECK(prediction.gru == version.gru && prediction.version == version.number);
    for (size_t k = 0; k < prediction.n_sequences; k++) {
        const struct sequence *sequence = &prediction.sequences[k];
        FUZZ_CHECK(sequence->n_rows > 0);
        check_values(sequence->x, sequence->n_rows * info_of_model()->n_inputs);
        check_forecast_options(&sequence->forecast_options);
    }
}

static void decode_fork(struct body body)
{
    char to[SESSION_ID_MAX + 1];
    struct fault fault;
    fill(to, sizeof to);
    enum status status = codec_fork(INPUT(body.p, body.n, limits, NULL, &fault), to);
    if (check(body, status, &fault, is_touched(to, sizeof to))) {
        FUZZ_CHECK(session_id_is_valid(to, strlen(to)));
    }
}

/* What is accepted can be told of. */
static void decode_rule(struct body body)
{
    struct rule_entry entry = { .mutex = PTHREAD_MUTEX_INITIALIZER };
    struct rule *rule = &entry.rule;
    struct fault fault;
    fill(rule, sizeof *rule);
    enum status status =
        codec_rule(INPUT(body.p, body.n, limits, NULL, &fault), &model, "off", rule);
    if (!check(body, status, &fault, is_touched(rule, sizeof *rule))) {
        return;
    }
    FUZZ_CHECK(rule->kind < RULE_N_KINDS && rule->bound > 0 && rule->bound <= 1);
    FUZZ_CHECK(rule->n_for > 0 && isfinite(rule->threshold));
    FUZZ_CHECK(rule->horizon <= limits.interval_horizon_max);
    struct text text;
    text_init(&text, &arena, 0);
    codec_put_rule(&text, &entry, NULL, 0);
    FUZZ_CHECK(!text.failed && is_json(text.p, text.n));
}

/* ---- sessions ---- */

static struct session session_of(const struct session_restore *restore)
{
    return (struct session){ .row = { .session = "s",
                                      .step = restore->step,
                                      .version = version.number,
                                      .created_at_ms = restore->created_at_ms },
                             .gru = version.gru,
                             .ttl_s = restore->ttl_s,
                             .digest = version.digest,
                             .state = (float *)(uintptr_t)restore->state,
                             .readings = restore->readings,
                             .n_readings = restore->n_readings,
                             .errors = restore->errors,
                             .calibration = restore->calibration
                                                ? *restore->calibration
                                                : (struct session_calibration){ .step = 0 },
                             .time = restore->time };
}

static struct text text_of(const struct session_restore *restore)
{
    struct text text;
    struct session session = session_of(restore);
    text_init(&text, &arena, 0);
    codec_put_session(&text, &session);
    FUZZ_CHECK(!text.failed);
    return text;
}

static void decode_restore(struct body body)
{
    struct session_restore restore, again;
    struct fault fault;
    fill(&restore, sizeof restore);
    enum status status =
        codec_session_restore(INPUT(body.p, body.n, limits, &arena, &fault), &model, &restore);
    if (!check(body, status, &fault, is_touched(&restore, sizeof restore))) {
        return;
    }
    check_values(restore.readings, restore.n_readings * info_of_model()->n_inputs);
    FUZZ_CHECK(restore.ttl_s >= -1 && restore.created_at_ms >= 0);
    if (restore.state && restore.errors.n) { /* as GET gives it */
        struct text once = text_of(&restore);
        FUZZ_CHECK(codec_session_restore(INPUT(once.p, once.n, limits, &arena, &fault), &model,
                                         &again) == STATUS_OK);
        struct text twice = text_of(&again);
        FUZZ_CHECK(once.n == twice.n && memcmp(once.p, twice.p, once.n) == 0);
    }
}

/* What is accepted can be begun, or is refused as no series to judge a forecast by. */
static void decode_evaluation(struct body body)
{
    struct evaluation evaluation;
    struct fault fault;
    fill(&evaluation, sizeof evaluation);
    enum status status =
        codec_evaluation(INPUT(body.p, body.n, limits, &arena, &fault), &model, &evaluation);
    if (!check(body, status, &fault, is_touched(&evaluation, sizeof evaluation))) {
        return;
    }
    FUZZ_CHECK(evaluation.horizon > 0 && evaluation.level >= 0 && evaluation.level < 1);
    check_values(evaluation.x, evaluation.n_rows * info_of_model()->n_inputs);
    if (evaluation_begin(&evaluation, &arena, &fault) == STATUS_OK) {
        struct text text;
        text_init(&text, &arena, 0);
        codec_put_evaluation(&text, model.name, &evaluation);
        FUZZ_CHECK(text.failed || is_json(text.p, text.n));
        predict_end(&evaluation.prediction);
    }
}

/* ---- jobs ---- */

static void check_series(const struct gru_series *series, size_t n)
{
    const struct gru_info *info = info_of_model();
    for (size_t k = 0; k < n; k++) {
        FUZZ_CHECK(series[k].n_rows > 0);
        check_values(series[k].x, series[k].n_rows * info->n_inputs);
        FUZZ_CHECK(series[k].n_targets == 0 || series[k].n_targets == 1 ||
                   series[k].n_targets == series[k].n_rows);
    }
}

static bool decode_whole_job(struct body body, bool is_first_line, struct job_target *ret_target)
{
    struct job_request request;
    struct fault fault;
    fill(ret_target, sizeof *ret_target);
    fill(&request, sizeof request);
    enum status status = codec_job_target(INPUT(body.p, body.n, limits, NULL, &fault), ret_target);
    if (!check(body, status, &fault, is_touched(ret_target, sizeof *ret_target))) {
        return false;
    }
    status = codec_job(INPUT(body.p, body.n, limits, &arena, &fault), is_first_line, ret_target,
                       info_of_model(), &request);
    if (!check(body, status, &fault, is_touched(&request, sizeof request))) {
        return false;
    }
    check_series(request.series, request.n_series);
    check_series(request.validation, request.n_validation);
    FUZZ_CHECK(is_first_line || request.n_series + request.n_sessions > 0);
    FUZZ_CHECK(!request.metadata || is_json(request.metadata, strlen(request.metadata)));
    FUZZ_CHECK(request.validation_fraction >= 0 && request.validation_fraction < 1);
    return true;
}

static void decode_job(struct body body)
{
    struct job_target target;
    (void)decode_whole_job(body, false, &target);
}

/* ---- lines: a job and its series, or steps ---- */

struct upload {
    struct job_lines *job; /* NULL: steps, or the job's own line is still to come */
    bool is_job;
    struct lines lines;
    struct text transcript; /* what came of each line */
};

static void take_line(struct upload *upload, const char *line, size_t n)
{
    char result[2 * sizeof(struct fault)];
    struct fault fault = { .status = STATUS_OK };
    struct job_target target = { .model = "weather", .loss = GRU_MSE };
    struct step step = { .arena = &arena, .model = &model };
    enum status status = STATUS_REQUEST_TOO_LARGE;
    if (line && !upload->is_job) {
        status = codec_step(INPUT(line, n, limits, step.arena, &fault), true, &step);
    } else if (line && upload->job) {
        status = codec_job_line(upload->job, upload->lines.number, line, n, &fault);
    } else if (line) {
        status = decode_whole_job((struct body){ line, n }, true, &target) ? STATUS_OK
                                                                           : STATUS_INVALID_JSON;
        upload->job = codec_job_lines(info_of_model(), &limits, &target, &arena);
        FUZZ_CHECK(upload->job);
    }
    int n_result = snprintf(result, sizeof result, "%zu %d %s %s\n", upload->lines.number,
                            (int)status, fault.param, status == STATUS_OK ? "" : fault.message);
    text_append(&upload->transcript, result, (size_t)n_result);
}

static void take_whole_lines(struct upload *upload)
{
    const char *line;
    size_t n;
    while (lines_next(&upload->lines, &line, &n)) {
        take_line(upload, line, n);
    }
}

/* Arriving in pieces of these sizes in turn; 0 ends the list. */
static struct text take_lines(struct body body, bool is_job, const uint8_t *sizes)
{
    struct upload upload = { .is_job = is_job };
    lines_init(&upload.lines, &arena, LINE_MOST);
    text_init(&upload.transcript, &arena, 0);
    size_t at = 0;
    for (size_t k = 0; at < body.n; k++) {
        size_t n = sizes[k % PIECES] < body.n - at ? sizes[k % PIECES] : body.n - at;
        char *piece = fuzz_copy(body.p + at, n);
        FUZZ_CHECK(lines_add(&upload.lines, piece, n) == STATUS_OK);
        take_whole_lines(&upload);
        free(piece);
        at += n;
    }
    lines_end(&upload.lines);
    take_whole_lines(&upload);
    FUZZ_CHECK(!upload.transcript.failed);
    return upload.transcript;
}

static void check_lines(struct body body, bool is_job)
{
    if (body.n <= PIECES) {
        return;
    }
    uint8_t sizes[PIECES];
    static const uint8_t large[PIECES] = { UINT8_MAX, UINT8_MAX, UINT8_MAX };
    for (size_t k = 0; k < PIECES; k++) {
        sizes[k] = (uint8_t)(body.p[k] & 0x3f) + 1;
    }
    body.p += PIECES;
    body.n -= PIECES;
    struct text in_large = take_lines(body, is_job, large);
    struct text in_small = take_lines(body, is_job, sizes);
    FUZZ_CHECK(in_large.n == in_small.n && memcmp(in_large.p, in_small.p, in_large.n) == 0);
}

static void decode_step_lines(struct body body)
{
    check_lines(body, false);
}

static void decode_job_lines(struct body body)
{
    check_lines(body, true);
}

/* ---- the choice ---- */

static void (*const decoders[])(struct body body) = {
    decode_step,       decode_steps,      decode_forecast_options,
    decode_prediction, /* '0'... */
    decode_restore,    decode_fork,       decode_job,
    decode_step_lines, /* '4'... */
    decode_job_lines,  decode_evaluation, decode_rule,
};

enum { N_DECODERS = sizeof decoders / sizeof *decoders };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n < 2) {
        return 0;
    }
    static struct gru_model *models[FUZZ_N_MODELS];
    const unsigned which = (bytes[1] - (unsigned)'0') % FUZZ_N_MODELS;
    if (!models[which]) {
        models[which] = fuzz_model((enum fuzz_model)which);
    }
    arena_init(&arena, ARENA_BYTES);
    version.gru = models[which];
    decoders[(bytes[0] - (unsigned)'0') % N_DECODERS](
        (struct body){ (const char *)bytes + 2, n - 2 });
    arena_done(&arena);
    return 0;
}
