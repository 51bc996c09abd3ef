/* The body of POST /v1/fine_tuning/jobs: every field, what is left out, and what is refused. */
#include "codec_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SERIES "\"training\":{\"series\":[{\"x\":[[1,2],[3,4]]}]}"

/* Both passes, as the handler makes them. */
static enum status decode(struct setup *s, const char *body, size_t n, struct job_request *request)
{
    struct job_target target;
    enum status status = codec_job_target(INPUT(body, n, usual_limits, NULL, &s->fault), &target);
    const struct gru_info *info = gru_model_info(s->model.active->gru);
    return status == STATUS_OK ? codec_job(INPUT(body, n, usual_limits, &s->arena, &s->fault),
                                           false, &target, info, request)
                               : status;
}

static struct job_request accepted(struct setup *s, const char *body)
{
    struct job_request request;
    enum status status = decode(s, body, strlen(body), &request);
    ck_assert_msg(status == STATUS_OK, "%s: %s", body, s->fault.message);
    return request;
}

static void refused(struct setup *s, const struct refusal *refusals, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct job_request request = { .seed = 99 };
        enum status status = decode(s, refusals[i].body, strlen(refusals[i].body), &request);
        ASSERT_REFUSED(status, &s->fault, &refusals[i]);
        ck_assert_uint_eq(request.seed, 99);
    }
}

/* ---- the first pass ---- */

TEST(what_decides_how_the_rest_is_read_is_found_wherever_it_stands)
{
    struct job_target target;
    struct fault fault;
    const char body[] =
        "{\"unknown\":[{\"model\":\"no\"}],\"hyperparameters\":{\"loss\":\"cross_entropy\","
        "\"n_epochs\":\"x\"},\"version\":7,\"model\":\"weather\"}";
    ck_assert_int_eq(
        codec_job_target(INPUT(body, strlen(body), usual_limits, NULL, &fault), &target),
        STATUS_OK);
    ck_assert_str_eq(target.model, "weather");
    ck_assert_uint_eq(target.version, 7);
    ck_assert_int_eq(target.loss, GRU_CROSS_ENTROPY);
    const char least[] = "{\"model\":\"w\"}";
    ck_assert_int_eq(
        codec_job_target(INPUT(least, strlen(least), usual_limits, NULL, &fault), &target),
        STATUS_OK);
    ck_assert(target.version == 0 && target.loss == GRU_MSE);
}

TEST(a_target_that_cannot_be_one_is_refused)
{
    static const struct refusal refusals[] = {
        { "", STATUS_INVALID_JSON, "" },
        { "[]", STATUS_INVALID_TYPE, "" },
        { "{}", STATUS_MISSING_FIELD, "model" },
        { "{\"version\":1}", STATUS_MISSING_FIELD, "model" },
        { "{\"model\":1}", STATUS_INVALID_TYPE, "model" },
        { "{\"model\":\"\"}", STATUS_INVALID_VALUE, "model" },
        { "{\"model\":\"a/b\"}", STATUS_INVALID_VALUE, "model" },
        { "{\"model\":\".a\"}", STATUS_INVALID_VALUE, "model" },
        { "{\"model\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
          STATUS_INVALID_VALUE, "model" },
        { "{\"model\":\"a\",\"version\":0}", STATUS_INVALID_VALUE, "version" },
        { "{\"model\":\"a\",\"version\":4294967296}", STATUS_INVALID_VALUE, "version" },
        { "{\"model\":\"a\",\"version\":null}", STATUS_INVALID_TYPE, "version" },
        { "{\"model\":\"a\",\"hyperparameters\":1}", STATUS_INVALID_TYPE, "hyperparameters" },
        { "{\"model\":\"a\",\"hyperparameters\":{\"loss\":\"cross-entropy\"}}",
          STATUS_INVALID_VALUE, "hyperparameters.loss" },
        { "{\"model\":\"a\",\"hyperparameters\":{\"loss\":null}}", STATUS_INVALID_TYPE,
          "hyperparameters.loss" },
        { "{\"model\":\"a\",\"training\":{\"series\":[nan]}}", STATUS_INVALID_JSON,
          "training.series[0]" },
        { "{\"model\":\"a\"} {}", STATUS_INVALID_JSON, "" },
    };
    for (size_t i = 0; i < N_OF(refusals); i++) {
        struct job_target target = { .version = 99 };
        struct fault fault;
        enum status status = codec_job_target(
            INPUT(refusals[i].body, strlen(refusals[i].body), usual_limits, NULL, &fault), &target);
        ASSERT_REFUSED(status, &fault, &refusals[i]);
        ck_assert_uint_eq(target.version, 99);
    }
}

/* ---- the fields ---- */

TEST(what_is_left_out_of_a_job_has_its_default)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct job_request q = accepted(&s, "{\"model\":\"weather\"," SERIES "}");
    struct gru_hyperparameters defaults;
    gru_hyperparameters_init(&defaults);
    ck_assert_str_eq(q.model, "weather");
    ck_assert(q.version == 0 && q.source == JOB_SERIES && q.n_series == 1 && q.n_sessions == 0);
    ck_assert(q.validation == NULL && q.n_validation == 0 && q.validation_fraction == 0.2);
#define EXPECT_DEFAULT(field, ...) ck_assert(q.hyperparameters.field == defaults.field);
    GRU_HYPERPARAMETERS(EXPECT_DEFAULT)
    ck_assert(q.gate.must_beat_persistence && q.gate.min_targets == 30 && q.gate.confidence == 0.9);
    ck_assert(!q.has_policy && q.gate.min_relative_gain == 0.01 && q.seed == 1 &&
              q.max_seconds == 0);
    ck_assert(q.suffix == NULL && q.metadata == NULL && !q.dry_run);
    ck_assert(q.series[0].n_rows == 2 && q.series[0].y == NULL && q.series[0].n_targets == 0);
    setup_done(&s);
}

TEST(every_field_of_a_job_is_taken)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct job_request q = accepted(
        &s,
        "{\"dry_run\":true,\"max_seconds\":600,\"metadata\": {\"who\": [1, \"\\u00e9\"]} ,"
        "\"suffix\":\"n\\u00e9w\",\"seed\":9007199254740992,"
        "\"promotion\":{\"policy\":\"manual\",\"min_relative_gain\":0.25,"
        "\"must_beat_persistence\":false,\"min_targets\":5,\"confidence\":0.5},"
        "\"hyperparameters\":{\"n_epochs\":3,\"batch_size\":4,\"learning_rate\":0.5,\"optimizer\":"
        "\"sgd\","
        "\"momentum\":0.5,\"weight_decay\":0.1,\"loss\":\"huber\",\"clip_norm\":null,\"window\":6,"
        "\"l2_sp\":0.2,\"dropout\":0.3,\"early_stopping_patience\":null,\"train\":\"head\"},"
        "\"validation\":{\"series\":[{\"x\":[[5,6]],\"y\":[[7]]}]},"
        "\"training\":{\"series\":[{\"y\":[[1],[null]],\"x\":[{\"temp\":1},[3,null]]},"
        "{\"x\":[[1,2],[3,4],[5,6]],\"y\":[{\"temp\":9}]}]},\"version\":3,\"model\":\"weather\"}");
    const struct gru_hyperparameters *h = &q.hyperparameters;
    ck_assert(q.version == 3 && q.dry_run && q.max_seconds == 600 && q.seed == UINT64_C(1) << 53);
    ck_assert_str_eq(q.metadata, "{\"who\": [1, \"\\u00e9\"]}");
    ck_assert_str_eq(q.suffix, "n\xc3\xa9w");
    ck_assert(q.has_policy && q.policy == JOB_MANUAL && q.gate.min_relative_gain == 0.25);
    ck_assert(!q.gate.must_beat_persistence && q.gate.min_targets == 5 && q.gate.confidence == 0.5);
    ck_assert(h->n_epochs == 3 && h->batch_size == 4 && h->learning_rate == 0.5 &&
              h->optimizer == GRU_SGD);
    ck_assert(h->momentum == 0.5 && h->weight_decay == 0.1 && h->loss == GRU_HUBER &&
              h->clip_norm == 0);
    ck_assert(h->window == 6 && h->l2_sp == 0.2 && h->dropout == 0.3 &&
              h->early_stopping_patience == 0);
    ck_assert_int_eq(h->train, GRU_TRAIN_HEAD);
    ck_assert(q.n_validation == 1 && q.validation_fraction == 0 && q.validation[0].y[0] == 7);
    ck_assert(q.n_series == 2 && q.series[0].n_targets == 2 && q.series[1].n_targets == 1);
    ck_assert(q.series[0].x[0] == 1 && isnan(q.series[0].x[1]) && isnan(q.series[0].x[3]));
    ck_assert(q.series[0].y[0] == 1 && isnan(q.series[0].y[1]) && q.series[1].y[0] == 9);
    ck_assert(q.series[1].n_rows == 3 && q.series[1].x[5] == 6);
    setup_done(&s);
}

TEST(what_there_may_be_none_of_may_be_null)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct job_request q = accepted(
        &s, "{\"model\":\"weather\",\"validation\":null,\"max_seconds\":null,\"suffix\":null,"
            "\"metadata\":null,\"promotion\":{},\"hyperparameters\":{}," SERIES "}");
    ck_assert(q.validation_fraction == 0 && q.n_validation == 0 && q.max_seconds == 0);
    ck_assert(q.suffix == NULL && q.metadata == NULL && !q.has_policy);
    q = accepted(&s, "{\"model\":\"weather\",\"promotion\":{\"policy\":\"auto\"},"
                     "\"validation\":{\"fraction\":0.5}," SERIES "}");
    ck_assert(q.has_policy && q.policy == JOB_AUTO && q.validation_fraction == 0.5);
    setup_done(&s);
}

TEST(sessions_are_named_or_by_their_prefix)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct job_request q =
        accepted(&s, "{\"model\":\"weather\",\"training\":{\"sessions\":[\"pump-7\",\"pump-1\"]}}");
    ck_assert(q.source == JOB_SESSIONS && q.n_sessions == 2 && q.n_series == 0);
    ck_assert_str_eq(q.sessions[0], "pump-7");
    ck_assert_str_eq(q.sessions[1], "pump-1");
    q = accepted(&s, "{\"model\":\"weather\",\"training\":{\"sessions_prefix\":\"pump-\"}}");
    ck_assert(q.source == JOB_SESSIONS_PREFIX && q.n_sessions == 1);
    ck_assert_str_eq(q.sessions[0], "pump-");
    q = accepted(&s, "{\"model\":\"weather\",\"training\":{\"sessions_prefix\":\"\"}}");
    ck_assert_str_eq(q.sessions[0], "");
    setup_done(&s);
}

TEST(an_ill_formed_job_is_refused_by_its_path)
{
#define JOB "{\"model\":\"weather\","
    static const struct refusal refusals[] = {
        { JOB "\"training\":{\"series\":[{\"x\":[[1,2]]}]},\"n_epochs\":3}", STATUS_UNKNOWN_FIELD,
          "n_epochs" },
        { JOB "\"model\":\"weather\"," SERIES "}", STATUS_DUPLICATE_FIELD, "model" },
        { JOB SERIES "," SERIES "}", STATUS_DUPLICATE_FIELD, "training" },
        { "{\"model\":\"weather\"}", STATUS_MISSING_FIELD, "training" },
        { JOB "\"training\":null}", STATUS_INVALID_TYPE, "training" },
        { JOB "\"training\":{}}", STATUS_MISSING_FIELD, "training.series" },
        { JOB "\"training\":{\"series\":{}}}", STATUS_INVALID_TYPE, "training.series" },
        { JOB "\"training\":{\"file\":1}}", STATUS_UNKNOWN_FIELD, "training.file" },
        { JOB "\"training\":{\"sessions\":[\"a\",\"b/c\"]}}", STATUS_INVALID_VALUE,
          "training.sessions[1]" },
        { JOB SERIES ",\"validation\":{}}", STATUS_MISSING_FIELD, "validation.fraction" },
        { JOB SERIES ",\"validation\":0.2}", STATUS_INVALID_TYPE, "validation" },
        { JOB SERIES ",\"validation\":{\"fraction\":0}}", STATUS_INVALID_VALUE,
          "validation.fraction" },
        { JOB SERIES ",\"validation\":{\"fraction\":0.2,\"series\":[{\"x\":[[1,2]]}]}}",
          STATUS_INVALID_VALUE, "validation.series" },
        { JOB SERIES ",\"validation\":{\"series\":[]}}", STATUS_WRONG_LENGTH, "validation.series" },
        { JOB SERIES ",\"validation\":{\"series\":[{\"x\":[[1,2,3]]}]}}", STATUS_WRONG_LENGTH,
          "validation.series[0].x[0]" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    refused(&s, refusals, N_OF(refusals));
    setup_done(&s);
}

TEST(ill_formed_settings_are_refused_by_their_path)
{
    static const struct refusal refusals[] = {
        { JOB SERIES ",\"seed\":-1}", STATUS_INVALID_VALUE, "seed" },
        { JOB SERIES ",\"seed\":9007199254740993}", STATUS_INVALID_VALUE, "seed" },
        { JOB SERIES ",\"seed\":1.5}", STATUS_INVALID_VALUE, "seed" },
        { JOB SERIES ",\"seed\":null}", STATUS_INVALID_TYPE, "seed" },
        { JOB SERIES ",\"max_seconds\":0}", STATUS_INVALID_VALUE, "max_seconds" },
        { JOB SERIES ",\"max_seconds\":2147483649}", STATUS_INVALID_VALUE, "max_seconds" },
        { JOB SERIES ",\"dry_run\":1}", STATUS_INVALID_TYPE, "dry_run" },
        { JOB SERIES ",\"dry_run\":null}", STATUS_INVALID_TYPE, "dry_run" },
        { JOB SERIES ",\"suffix\":\"\"}", STATUS_INVALID_VALUE, "suffix" },
        { JOB SERIES ",\"suffix\":7}", STATUS_INVALID_TYPE, "suffix" },
        { JOB SERIES ",\"suffix\":\"a\\nb\"}", STATUS_INVALID_VALUE, "suffix" },
        { JOB SERIES ",\"suffix\":\"a\\u007f\"}", STATUS_INVALID_VALUE, "suffix" },
        { JOB SERIES ",\"suffix\":\"a\\u0085\"}", STATUS_INVALID_VALUE, "suffix" },
        { JOB SERIES ",\"suffix\":\"a\\u0000\"}", STATUS_INVALID_VALUE, "suffix" },
        { JOB SERIES
          ",\"suffix\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
          STATUS_INVALID_VALUE, "suffix" },
        { JOB SERIES ",\"metadata\":[]}", STATUS_INVALID_TYPE, "metadata" },
        { JOB SERIES ",\"metadata\":\"a\"}", STATUS_INVALID_TYPE, "metadata" },
        { JOB SERIES ",\"metadata\":{\"a\":1,\"b\":2,\"a\":3}}", STATUS_DUPLICATE_FIELD,
          "metadata.a" },
        { JOB SERIES ",\"metadata\":{\"a\":1,\"\\u0061\":3}}", STATUS_DUPLICATE_FIELD,
          "metadata.a" },
        { JOB SERIES ",\"metadata\":{\"k\":[0,{\"a\":1,\"a\":3}]}}", STATUS_DUPLICATE_FIELD,
          "metadata.k[1].a" },
        { JOB SERIES ",\"metadata\":{\"k\":[0,1e999]}}", STATUS_INVALID_VALUE, "metadata.k[1]" },
        { JOB SERIES ",\"metadata\":{\"k\":{\"a\":-1e39}}}", STATUS_INVALID_VALUE, "metadata.k.a" },
        { JOB SERIES ",\"promotion\":null}", STATUS_INVALID_TYPE, "promotion" },
        { JOB SERIES ",\"promotion\":{\"policy\":\"never\"}}", STATUS_INVALID_VALUE,
          "promotion.policy" },
        { JOB SERIES ",\"promotion\":{\"policy\":\"manually\"}}", STATUS_INVALID_VALUE,
          "promotion.policy" },
        { JOB SERIES ",\"promotion\":{\"policy\":null}}", STATUS_INVALID_TYPE, "promotion.policy" },
        { JOB SERIES ",\"promotion\":{\"min_relative_gain\":\"1\"}}", STATUS_INVALID_TYPE,
          "promotion.min_relative_gain" },
        { JOB SERIES ",\"promotion\":{\"must_beat_persistence\":1}}", STATUS_INVALID_TYPE,
          "promotion.must_beat_persistence" },
        { JOB SERIES ",\"promotion\":{\"min_targets\":0}}", STATUS_INVALID_VALUE,
          "promotion.min_targets" },
        { JOB SERIES ",\"promotion\":{\"min_targets\":2.5}}", STATUS_INVALID_VALUE,
          "promotion.min_targets" },
        { JOB SERIES ",\"promotion\":{\"min_targets\":1000000001}}", STATUS_INVALID_VALUE,
          "promotion.min_targets" },
        { JOB SERIES ",\"promotion\":{\"confidence\":null}}", STATUS_INVALID_TYPE,
          "promotion.confidence" },
        { JOB SERIES ",\"promotion\":{\"gain\":1}}", STATUS_UNKNOWN_FIELD, "promotion.gain" },
        { JOB SERIES ",\"hyperparameters\":null}", STATUS_INVALID_TYPE, "hyperparameters" },
        { JOB SERIES ",\"hyperparameters\":{\"epochs\":1}}", STATUS_UNKNOWN_FIELD,
          "hyperparameters.epochs" },
        { JOB SERIES ",\"hyperparameters\":{\"loss\":\"mse\",\"loss\":\"mse\"}}",
          STATUS_DUPLICATE_FIELD, "hyperparameters.loss" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    refused(&s, refusals, N_OF(refusals));
    setup_done(&s);
}

/* ---- limits ---- */

TEST(metadata_has_a_limit)
{
    for (int surplus = 0; surplus < 2; surplus++) {
        char metadata[JOB_METADATA_MAX + 2], body[JOB_METADATA_MAX + 200];
        int n = snprintf(metadata, sizeof metadata, "{\"a\":\"%0*d\"}",
                         JOB_METADATA_MAX - 8 + surplus, 0);
        ck_assert_int_eq(n, JOB_METADATA_MAX + surplus);
        snprintf(body, sizeof body, "{\"model\":\"weather\"," SERIES ",\"metadata\": %s }",
                 metadata);
        struct setup s;
        setup_init(&s, model_weather());
        struct job_request q;
        enum status status = decode(&s, body, strlen(body), &q);
        if (surplus == 0) {
            ck_assert_int_eq(status, STATUS_OK);
            ck_assert_str_eq(q.metadata, metadata);
        } else {
            ck_assert(status == STATUS_INVALID_VALUE && strcmp(s.fault.param, "metadata") == 0);
        }
        setup_done(&s);
    }
}

TEST(every_truncation_of_a_job_is_refused)
{
    static const char body[] =
        "{\"training\":{\"series\":[{\"x\":[[1.5,2],{\"temp\":null}],\"y\":[[0.5]]}]},"
        "\"metadata\":{\"a\":[{}]},\"hyperparameters\":{\"clip_norm\":null},"
        "\"validation\":{\"fraction\":0.5},\"model\":\"weather\",\"version\":3}";
    struct setup s;
    setup_init(&s, model_weather());
    accepted(&s, body);
    for (size_t n = 0; n < strlen(body); n++) {
        char *cut = malloc(n + 1);
        ck_assert_ptr_nonnull(cut);
        memcpy(cut + 1, body, n);
        struct job_request q;
        ck_assert_int_eq(decode(&s, cut + 1, n, &q), STATUS_INVALID_JSON);
        free(cut);
    }
    setup_done(&s);
}
