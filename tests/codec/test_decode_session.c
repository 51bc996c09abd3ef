/* Sessions: what GET writes, PUT restores, bit for bit; and how else a session may begin. */
#include "codec_support.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum status decode(struct setup *s, const char *body, size_t n,
                          struct session_restore *restore)
{
    return codec_session_restore(INPUT(body, n, usual_limits, &s->arena, &s->fault), &s->model,
                                 restore);
}

static struct session_restore accepted(struct setup *s, const char *body)
{
    struct session_restore restore;
    enum status status = decode(s, body, strlen(body), &restore);
    ck_assert_msg(status == STATUS_OK, "%s: %s", body, s->fault.message);
    return restore;
}

static void assert_all_refused(struct setup *s, const struct refusal *refusals, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct session_restore restore = { .step = 99 };
        enum status status = decode(s, refusals[i].body, strlen(refusals[i].body), &restore);
        ASSERT_REFUSED(status, &s->fault, &refusals[i]);
        ck_assert_uint_eq(restore.step, 99);
    }
}

static uint64_t random_bits(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return *seed >> 32;
}

/* Any finite float, by its bits. */
static float random_float(uint64_t *seed)
{
    for (;;) {
        uint32_t bits = (uint32_t)random_bits(seed);
        float value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) {
            return value;
        }
    }
}

/* The same bits, or both NaN. */
static void assert_same_floats(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ck_assert_msg((a[i] == b[i] && signbit(a[i]) == signbit(b[i])) ||
                          (isnan(a[i]) && isnan(b[i])),
                      "float %zu: %a is not %a", i, (double)a[i], (double)b[i]);
    }
}

enum { N_READINGS = 5 };

/* A session of the active version, of random floats, with the edges at the beginning of its state.
 */
static struct session random_session(struct setup *s, uint64_t seed)
{
    static const float edges[] = { -0.0F, FLT_TRUE_MIN, -FLT_TRUE_MIN, FLT_MIN, FLT_MAX };
    const struct gru_info *info = gru_model_info(s->model.active->gru);
    size_t n_x = N_READINGS * info->n_inputs;
    float *state = arena_array(&s->arena, info->state_floats + 2 * info->n_outputs, sizeof *state);
    float *mae = state + info->state_floats, *rmse = mae + info->n_outputs;
    double *readings = arena_array(&s->arena, n_x, sizeof *readings);
    uint32_t *n = arena_array(&s->arena, info->n_outputs, sizeof *n);
    for (size_t i = 0; i < info->state_floats; i++) {
        state[i] = random_float(&seed);
    }
    for (size_t i = 0; i < n_x; i++) {
        readings[i] = (double)random_float(&seed);
    }
    size_t n_hidden = info->state_floats - info->n_inputs - info->y_floats;
    memcpy(state, edges, (n_hidden < N_OF(edges) ? n_hidden : N_OF(edges)) * sizeof *edges);
    readings[1] = NAN;
    state[n_hidden] = NAN;
    for (size_t i = 0; i < info->n_outputs; i++) {
        n[i] = i == 0 ? UINT32_MAX : 0;
        mae[i] = i == 0 ? fabsf(random_float(&seed)) : NAN;
        rmse[i] = i == 0 ? fabsf(random_float(&seed)) : NAN;
    }
    const uint32_t season = seed % 3 == 0 ? 24 : 0;
    const size_t n_means = session_errors_bytes(info->n_outputs, season);
    unsigned char *means = arena_array(&s->arena, n_means, 1);
    for (size_t i = 0; i < n_means / sizeof(float); i++) {
        const float value = i % 5 == 0 ? NAN : fabsf(random_float(&seed)) / 4;
        memcpy(means + i * sizeof value, &value, sizeof value);
    }
    /* Which PUT takes as GET gave them, and does not need. */
    static const float values[8] = { 0.5F, NAN };
    static const struct interval_coverage coverage = { 7, 0.9, 0.8 };
    static const struct error_figures of_outputs[8];
    static const struct session_figures figures = { .of_outputs = { of_outputs, of_outputs },
                                                    .of_intervals = { of_outputs, of_outputs },
                                                    .n_ahead = 1,
                                                    .levels = { 1, { 0.9 } },
                                                    .recent_mae = values,
                                                    .coverage = &coverage,
                                                    .widths = values };
    ck_assert_uint_le(gru_model_info(s->model.active->gru)->n_outputs, N_OF(values));
    return (struct session){
        .row = { .session = "pump-7",
                 .step = UINT64_C(1) << 53,
                 .version = 3,
                 .created_at_ms = 1763668800000 + (int64_t)(random_bits(&seed) % 1000),
                 .last_seen_at_ms = 1763668900120,
                 .expires_at_ms = 0 },
        .ttl_s = (int64_t)(seed % 3) - 1,
        .gru = s->model.active->gru,
        .digest = s->model.active->digest,
        .state = state,
        .readings = readings,
        .n_readings = N_READINGS,
        .errors = { .n = n, .mae = mae, .rmse = rmse, .means = means, .season = season },
        .figures = &figures,
        .time = { .is_known = seed % 5 != 0,
                  .last_at = (double)random_float(&seed) / FLT_MAX * 1e11,
                  .n_filled = seed % 5 == 1 ? SESSION_FILLED_MAX : 0,
                  .is_restarted = seed % 5 == 2,
                  .is_untimed = seed % 5 == 3 }
    };
}

static void assert_restored(const struct setup *s, const struct session *session,
                            const struct session_restore *restore)
{
    const struct gru_info *info = gru_model_info(s->model.active->gru);
    ck_assert_int_eq(restore->ttl_s, session->ttl_s);
    ck_assert_uint_eq(restore->step, session->row.step);
    ck_assert(restore->has_digest);
    ck_assert_mem_eq(&restore->digest, &session->digest, sizeof session->digest);
    ck_assert_int_eq(restore->created_at_ms, session->row.created_at_ms);
    assert_same_floats(restore->state, session->state, info->state_floats);
    ck_assert_uint_eq(restore->n_readings, session->n_readings);
    for (size_t i = 0; i < session->n_readings * info->n_inputs; i++) {
        ck_assert(restore->readings[i] == session->readings[i] ||
                  (isnan(restore->readings[i]) && isnan(session->readings[i])));
    }
    ck_assert_int_eq(restore->time.is_known, session->time.is_known);
    if (session->time.is_known) {
        ck_assert(restore->time.last_at == session->time.last_at);
        ck_assert_uint_eq(restore->time.n_filled, session->time.n_filled);
        ck_assert_int_eq(restore->time.is_restarted, session->time.is_restarted);
        ck_assert_int_eq(restore->time.is_untimed, session->time.is_untimed);
    }
    ck_assert_mem_eq(restore->errors.n, session->errors.n,
                     info->n_outputs * sizeof *session->errors.n);
    assert_same_floats(restore->errors.mae, session->errors.mae, info->n_outputs);
    assert_same_floats(restore->errors.rmse, session->errors.rmse, info->n_outputs);
    ck_assert_int_eq(restore->errors.means != NULL, session->errors.means != NULL);
    ck_assert_uint_eq(restore->errors.season, session->errors.season);
    ck_assert(!session->errors.means ||
              memcmp(restore->errors.means, session->errors.means,
                     session_errors_bytes(info->n_outputs, session->errors.season)) == 0);
}

TEST(what_get_writes_put_restores_bit_for_bit)
{
    static const char metadata[] = "{\"steps\":3,\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],"
                                   "\"outputs\":[{\"name\":\"a\"},{\"name\":\"other\"}]}";
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct setup s;
        setup_init(&s, seed % 2 == 0 ? model_weather() : model_described(2, 6, metadata));
        struct session session = random_session(&s, seed);
        codec_put_session(&s.text, &session);
        struct session_restore restore = accepted(&s, setup_text(&s));
        assert_restored(&s, &session, &restore);
        setup_done(&s);
    }
}

TEST(a_session_that_has_not_begun_survives_the_way_back)
{
    struct setup s;
    setup_init(&s, model_weather());
    const struct gru_info *info = gru_model_info(s.model.active->gru);
    struct session session = random_session(&s, 1);
    float *state = arena_array(&s.arena, info->state_floats, sizeof *state);
    const float nans[] = { NAN };
    const uint32_t zeros[] = { 0 };
    gru_state_init(s.model.active->gru, state);
    session.state = state;
    session.readings = NULL;
    session.n_readings = 0;
    session.row.step = 0;
    session.errors = (struct session_errors){ .n = zeros, .mae = nans, .rmse = nans };
    codec_put_session(&s.text, &session);
    struct session_restore restore = accepted(&s, setup_text(&s));
    assert_restored(&s, &session, &restore);
    setup_done(&s);
}

/* ---- other ways to begin ---- */

TEST(a_session_may_begin_with_its_time_to_live)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct session_restore restore = accepted(&s, "{\"ttl\":60}");
    ck_assert(restore.ttl_s == 60 && restore.state == NULL && restore.n_readings == 0 &&
              restore.step == 0);
    ck_assert(!restore.has_digest && restore.created_at_ms == 0 && restore.errors.n == NULL);
    ck_assert_int_eq(accepted(&s, "{\"ttl\":null}").ttl_s, -1);
    ck_assert_int_eq(accepted(&s, "{\"ttl\":0}").ttl_s, 0);
    ck_assert_int_eq(accepted(&s, "{}").ttl_s, -1);
    setup_done(&s);
}

/* A clock that is set by years says such times, and they are read back by another. */
TEST(a_session_may_have_been_made_before_1970_or_after_2106)
{
    static const char *const times[] = { "-1", "-1e11", "0", "4318878610", "1e11" };
    struct setup s;
    setup_init(&s, model_weather());
    for (size_t k = 0; k < sizeof times / sizeof *times; k++) {
        char body[64];
        snprintf(body, sizeof body, "{\"created_at\":%s}", times[k]);
        ck_assert_int_gt(accepted(&s, body).created_at_ms, 0);
    }
    setup_done(&s);
}

TEST(a_session_may_begin_with_readings)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct session_restore restore =
        accepted(&s, "{\"ttl\":60,\"rewarm\":[[1,2],{\"humidity\":4}]}");
    ck_assert(restore.state == NULL && restore.n_readings == 2);
    ck_assert(restore.readings[1] == 2 && isnan(restore.readings[2]) && restore.readings[3] == 4);
    setup_done(&s);
}

#define OWN_DIGEST   "\"digest\":\"xxh3:0123456789abcdeffedcba9876543210\""
#define OTHER_DIGEST "\"digest\":\"xxh3:00000000000000000000000000000001\""
#define STATE        "\"state\":[[1,2,3],[4,5]]"

TEST(a_state_may_come_without_its_latest_values)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct session_restore restore = accepted(&s, "{" STATE "," OWN_DIGEST "}");
    for (size_t i = 0; i < 5; i++) {
        ck_assert(restore.state[i] == (float)(i + 1));
    }
    ck_assert(isnan(restore.state[5]) && isnan(restore.state[6]) && isnan(restore.state[7]));
    setup_done(&s);
}

TEST(the_state_of_another_model_needs_readings)
{
    static const struct refusal refused[] = {
        { "{" STATE "," OTHER_DIGEST "}", STATUS_DIGEST_MISMATCH, "digest" },
        { "{" STATE "," OTHER_DIGEST ",\"readings\":[[1,2]]}", STATUS_DIGEST_MISMATCH, "digest" },
        { "{\"state\":[[1]]," OTHER_DIGEST "}", STATUS_DIGEST_MISMATCH, "digest" },
        { "{" STATE "}", STATUS_MISSING_FIELD, "digest" },
        { "{" STATE ",\"rewarm\":[[1,2]]}", STATUS_MISSING_FIELD, "digest" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    assert_all_refused(&s, refused, N_OF(refused));
    /* its layers may be of other sizes: they are not looked at */
    struct session_restore restore = accepted(
        &s, "{\"rewarm\":[[7,8]],\"state\":[[1,2,3,4]],\"last\":[1],\"y\":[1,2,3],\"step\":9,"
            "\"readings\":[[1,2],[3,4]]," OTHER_DIGEST "}");
    ck_assert(restore.state == NULL && restore.n_readings == 1 && restore.readings[0] == 7 &&
              restore.step == 9);
    /* and where the state fits, the readings are not needed */
    restore =
        accepted(&s, "{\"rewarm\":[[7,8]]," STATE "," OWN_DIGEST ",\"readings\":[[1,2],[3,4]]}");
    ck_assert(restore.state != NULL && restore.n_readings == 2 && restore.readings[0] == 1);
    restore = accepted(&s, "{\"rewarm\":[[7,8]]," STATE "," OWN_DIGEST "}");
    ck_assert(restore.state != NULL && restore.n_readings == 1 && restore.readings[0] == 7);
    setup_done(&s);
}

TEST(an_ill_formed_session_is_refused_by_its_path)
{
    static const struct refusal refusals[] = {
        { "[]", STATUS_INVALID_TYPE, "" },
        { "{\"ttl\":-1}", STATUS_INVALID_VALUE, "ttl" },
        { "{\"ttl\":1.5}", STATUS_INVALID_VALUE, "ttl" },
        { "{\"ttl\":315360001}", STATUS_INVALID_VALUE, "ttl" },
        { "{\"ttl\":\"60\"}", STATUS_INVALID_TYPE, "ttl" },
        { "{\"ttl\":60,\"ttl\":60}", STATUS_DUPLICATE_FIELD, "ttl" },
        { "{\"to\":\"a\"}", STATUS_UNKNOWN_FIELD, "to" },
        { "{\"step\":-1}", STATUS_INVALID_VALUE, "step" },
        { "{\"step\":9007199254740993}", STATUS_INVALID_VALUE, "step" },
        { "{\"step\":null}", STATUS_INVALID_TYPE, "step" },
        { "{\"session\":1}", STATUS_INVALID_TYPE, "session" },
        { "{\"version\":null}", STATUS_INVALID_TYPE, "version" },
        { "{\"version\":-1}", STATUS_INVALID_VALUE, "version" },
        { "{\"created_at\":-1e12}", STATUS_INVALID_VALUE, "created_at" },
        { "{\"created_at\":1e300}", STATUS_INVALID_VALUE, "created_at" },
        { "{\"created_at\":null}", STATUS_INVALID_TYPE, "created_at" },
        { "{\"last_seen_at\":\"\"}", STATUS_INVALID_TYPE, "last_seen_at" },
        { "{\"last_seen_at\":1e999}", STATUS_INVALID_VALUE, "last_seen_at" },
        { "{\"expires_at\":true}", STATUS_INVALID_TYPE, "expires_at" },
        { "{\"time\":1}", STATUS_INVALID_TYPE, "time" },
        { "{\"time\":{}}", STATUS_MISSING_FIELD, "time.last_at" },
        { "{\"time\":{\"last_at\":null}}", STATUS_INVALID_TYPE, "time.last_at" },
        { "{\"time\":{\"last_at\":\"2025-11-20T20:00:00Z\"}}", STATUS_INVALID_TYPE,
          "time.last_at" },
        { "{\"time\":{\"last_at\":1763668800000}}", STATUS_INVALID_VALUE, "time.last_at" },
        { "{\"time\":{\"last_at\":1,\"filled\":100001}}", STATUS_INVALID_VALUE, "time.filled" },
        { "{\"time\":{\"last_at\":1,\"restarted\":1}}", STATUS_INVALID_TYPE, "time.restarted" },
        { "{\"time\":{\"last_at\":1,\"restarted\":true,\"untimed\":true}}", STATUS_INVALID_VALUE,
          "time" },
        { "{\"time\":{\"last_at\":1,\"filled\":2,\"untimed\":true}}", STATUS_INVALID_VALUE,
          "time" },
        { "{\"digest\":1}", STATUS_INVALID_TYPE, "digest" },
        { "{\"digest\":\"\"}", STATUS_INVALID_VALUE, "digest" },
        { "{\"digest\":\"xxh3:0123456789abcdeffedcba987654321\"}", STATUS_INVALID_VALUE, "digest" },
        { "{\"digest\":\"xxh3:0123456789abcdeffedcba98765432100\"}", STATUS_INVALID_VALUE,
          "digest" },
        { "{\"digest\":\"xxh3:0123456789abcdeffedcba987654321g\"}", STATUS_INVALID_VALUE,
          "digest" },
        { "{\"digest\":\"xxh4:0123456789abcdeffedcba9876543210\"}", STATUS_INVALID_VALUE,
          "digest" },
        { "{\"rewarm\":[]}", STATUS_WRONG_LENGTH, "rewarm" },
        { "{\"rewarm\":[[1]]}", STATUS_WRONG_LENGTH, "rewarm[0]" },
        { "{\"rewarm\":[1]}", STATUS_INVALID_TYPE, "rewarm[0]" },
        { "{\"rewarm\":[[1,2],[1,\"\"]]}", STATUS_INVALID_TYPE, "rewarm[1][1]" },
        { "{\"readings\":[[1,2],[1,1e39]]}", STATUS_INVALID_VALUE, "readings[1][1]" },
        { "{\"readings\":null}", STATUS_INVALID_TYPE, "readings" },
        { "{" OWN_DIGEST ",\"state\":1}", STATUS_INVALID_TYPE, "state" },
        { "{" OWN_DIGEST ",\"state\":[[1,2,3]]}", STATUS_WRONG_LENGTH, "state" },
        { "{" OWN_DIGEST ",\"state\":[[1,2,3],[4,5],[6]]}", STATUS_WRONG_LENGTH, "state" },
        { "{\"state\":[[1,2,3],[4]]," OWN_DIGEST "}", STATUS_WRONG_LENGTH, "state[1]" },
        { "{\"state\":[[1,null,3],[4,5]]," OWN_DIGEST "}", STATUS_INVALID_TYPE, "state[0]" },
        { "{\"state\":[[1,2,3],[4,\"5\"]]," OWN_DIGEST "}", STATUS_INVALID_TYPE, "state[1][1]" },
        { "{\"state\":[[1,2,1e39],[4,5]]," OWN_DIGEST "}", STATUS_INVALID_VALUE, "state[0][2]" },
        { "{" STATE "," OWN_DIGEST ",\"last\":[1]}", STATUS_WRONG_LENGTH, "last" },
        { "{" STATE "," OWN_DIGEST ",\"last\":{}}", STATUS_INVALID_TYPE, "last" },
        { "{\"y\":[1,2]," STATE "," OWN_DIGEST "}", STATUS_WRONG_LENGTH, "y" },
        { "{\"y\":[\"1\"]," STATE "," OWN_DIGEST "}", STATUS_INVALID_TYPE, "y[0]" },
        { "{\"ttl\":60}}", STATUS_INVALID_JSON, "" },
        { "{\"state\":[[1,2,}", STATUS_INVALID_JSON, "state[0][2]" },
        { "", STATUS_INVALID_JSON, "" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    assert_all_refused(&s, refusals, N_OF(refusals));
    setup_done(&s);
}

#define MEANS(fields) "{\"errors\":{\"n\":[1],\"mae\":[1],\"rmse\":[1],\"means\":{" fields "}}}"
#define AS            "AAAAAAAAAA"
TEST(ill_formed_error_statistics_are_refused_by_their_path)
{
    static const struct refusal refusals[] = {
        { "{\"errors\":null}", STATUS_INVALID_TYPE, "errors" },
        { "{\"errors\":{}}", STATUS_MISSING_FIELD, "errors.n" },
        { "{\"errors\":{\"n\":[1],\"mae\":[1]}}", STATUS_MISSING_FIELD, "errors.rmse" },
        { "{\"errors\":{\"n\":[1],\"mae\":[1],\"rmse\":[1],\"mse\":[1]}}", STATUS_UNKNOWN_FIELD,
          "errors.mse" },
        { MEANS("\"format\":2,\"season\":0,\"bytes\":\"AAAA\""), STATUS_INVALID_VALUE,
          "errors.means.format" },
        { MEANS("\"format\":1,\"season\":4097,\"bytes\":\"AAAA\""), STATUS_INVALID_VALUE,
          "errors.means.season" },
        { MEANS("\"format\":1,\"season\":0"), STATUS_MISSING_FIELD, "errors.means.bytes" },
        { MEANS("\"format\":1,\"season\":0,\"bytes\":\"AAAA\""), STATUS_WRONG_LENGTH,
          "errors.means.bytes" },
        { MEANS("\"format\":1,\"season\":0,\"bytes\":7"), STATUS_INVALID_TYPE,
          "errors.means.bytes" },
        /* an error of -0.5 */
        { MEANS("\"format\":1,\"season\":0,\"bytes\":\"AQAAAAAAAL8" AS AS AS AS AS AS AS AS "=\""),
          STATUS_INVALID_VALUE, "errors.means.bytes" },
        { "{\"errors\":{\"n\":[1],\"mae\":[1,2],\"rmse\":[1]}}", STATUS_WRONG_LENGTH,
          "errors.mae" },
        { "{\"errors\":{\"n\":[1],\"mae\":[1],\"rmse\":[-1]}}", STATUS_INVALID_VALUE,
          "errors.rmse" },
        { "{\"errors\":{\"n\":[1],\"mae\":[\"\"],\"rmse\":[1]}}", STATUS_INVALID_TYPE,
          "errors.mae[0]" },
        { "{\"errors\":{\"n\":[-1],\"mae\":[1],\"rmse\":[1]}}", STATUS_INVALID_VALUE,
          "errors.n[0]" },
        { "{\"errors\":{\"n\":[4294967296],\"mae\":[1],\"rmse\":[1]}}", STATUS_INVALID_VALUE,
          "errors.n[0]" },
        { "{\"errors\":{\"n\":[1,2],\"mae\":[1],\"rmse\":[1]}}", STATUS_WRONG_LENGTH, "errors.n" },
        { "{\"errors\":{\"n\":[],\"mae\":[1],\"rmse\":[1]}}", STATUS_WRONG_LENGTH, "errors.n" },
        { "{\"errors\":{\"n\":1,\"mae\":[1],\"rmse\":[1]}}", STATUS_INVALID_TYPE, "errors.n" },
        { "{\"errors\":{\"n\":[1],\"bias\":[1]}}", STATUS_UNKNOWN_FIELD, "errors.bias" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    assert_all_refused(&s, refusals, N_OF(refusals));
    setup_done(&s);
}

TEST(a_latest_output_is_known_whole_or_not_at_all)
{
    static const struct refusal refusals[] = {
        { "{\"state\":[[1,2]]," OWN_DIGEST ",\"y\":[1,null,3]}", STATUS_INVALID_VALUE, "y" },
    };
    struct setup s;
    setup_init(&s, model_described(1, 3, "{\"steps\":3}"));
    assert_all_refused(&s, refusals, N_OF(refusals));
    accepted(&s, "{\"state\":[[1,2]]," OWN_DIGEST ",\"y\":[null,null,null]}");
    setup_done(&s);
}

TEST(every_truncation_of_a_session_is_refused)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct session session = random_session(&s, 3);
    codec_put_session(&s.text, &session);
    const char *body = setup_text(&s);
    for (size_t n = 0; n < strlen(body); n++) {
        char *cut = malloc(n + 1);
        ck_assert_ptr_nonnull(cut);
        memcpy(cut + 1, body, n);
        struct session_restore restore;
        ck_assert_int_eq(decode(&s, cut + 1, n, &restore), STATUS_INVALID_JSON);
        free(cut);
    }
    setup_done(&s);
}

/* ---- fork ---- */

TEST(a_fork_names_a_session)
{
    static const struct refusal refusals[] = {
        { "{}", STATUS_MISSING_FIELD, "to" },
        { "{\"to\":null}", STATUS_INVALID_TYPE, "to" },
        { "{\"to\":\"\"}", STATUS_INVALID_VALUE, "to" },
        { "{\"to\":\"a/b\"}", STATUS_INVALID_VALUE, "to" },
        { "{\"to\":\"a\",\"from\":\"b\"}", STATUS_UNKNOWN_FIELD, "from" },
        { "{\"to\":\"a\",\"\\u0074o\":\"b\"}", STATUS_DUPLICATE_FIELD, "to" },
        { "{\"to\":\"a\"", STATUS_INVALID_JSON, "" },
        { "{\"to\":\"a\"} {}", STATUS_INVALID_JSON, "" },
        { "\"a\"", STATUS_INVALID_TYPE, "" },
    };
    char to[SESSION_ID_MAX + 1] = "unchanged", body[300], id[SESSION_ID_MAX + 2];
    struct fault fault;
    for (size_t i = 0; i < N_OF(refusals); i++) {
        enum status status = codec_fork(
            INPUT(refusals[i].body, strlen(refusals[i].body), usual_limits, NULL, &fault), to);
        ASSERT_REFUSED(status, &fault, &refusals[i]);
        ck_assert_str_eq(to, "unchanged");
    }
    memset(id, 'a', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    int n = snprintf(body, sizeof body, "{\"to\":\"%s\"}", id);
    ck_assert_int_eq(codec_fork(INPUT(body, (size_t)n, usual_limits, NULL, &fault), to),
                     STATUS_INVALID_VALUE);
    n = snprintf(body, sizeof body, "{\"to\":\"%s\"}", id + 1);
    ck_assert_int_eq(codec_fork(INPUT(body, (size_t)n, usual_limits, NULL, &fault), to), STATUS_OK);
    ck_assert_str_eq(to, id + 1);
}

/* A state that is not taken, because readings are replayed or there is no digest, is still one. */
TEST(what_is_not_taken_of_a_state_has_its_type)
{
#define OTHERS "\"digest\":\"xxh3:00000000000000000000000000000000\",\"rewarm\":[[1,2]]"
    static const struct refusal refusals[] = {
        { "{\"state\":\"x\"," OTHERS "}", STATUS_INVALID_TYPE, "state" },
        { "{\"state\":[1]," OTHERS "}", STATUS_INVALID_TYPE, "state[0]" },
        { "{\"state\":[[{}]]," OTHERS "}", STATUS_INVALID_TYPE, "state[0][0]" },
        { "{\"last\":\"abc\"}", STATUS_INVALID_TYPE, "last" },
        { "{\"last\":[true]}", STATUS_INVALID_TYPE, "last[0]" },
        { "{\"y\":5}", STATUS_INVALID_TYPE, "y" },
        { "{\"y\":[1e39]}", STATUS_INVALID_VALUE, "y[0]" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    assert_all_refused(&s, refusals, N_OF(refusals));
    struct session_restore restore =
        accepted(&s, "{\"state\":[[1,2],[3]],\"last\":[null]," OTHERS "}");
    ck_assert_uint_eq(restore.n_readings, 1);
    setup_done(&s);
#undef OTHERS
}
