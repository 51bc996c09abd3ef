/* The calibration of a session as text. */
#include "codec/base64.h"
#include "codec/calibration_fields.h"
#include "codec_support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { HORIZONS = 2, BODY = 4096 };

/* One that has seen 60 readings. */
static struct session_calibration calibration_with(struct setup *s, uint32_t parts)
{
    const struct gru_info *info = gru_model_info(s->model.active->gru);
    struct session_calibration calibration = {
        .levels = { 2, { 0.8, 0.95 } }, .n_horizons = HORIZONS, .parts = parts, .step = 60
    };
    struct session_intervals view;
    const struct interval_layout layout = session_calibration_layout(info, HORIZONS, 2);
    calibration.bytes = arena_alloc(&s->arena, tail_bytes(&layout, parts));
    session_calibration_view(info, &calibration, &view);
    tail_begin(&view.tail);
    for (uint64_t step = 1; step <= 60; step++) {
        const double truth = (float)(step * step % 7), forecasts[HORIZONS] = { 3, 3 };
        tail_step(&view.tail, step, &truth, forecasts, HORIZONS);
    }
    return calibration;
}

static struct session_calibration calibration_of(struct setup *s)
{
    return calibration_with(s, 0);
}

static void put_body(struct setup *s, const struct session_calibration *calibration,
                     char body[BODY])
{
    const struct gru_info *info = gru_model_info(s->model.active->gru);
    const size_t n = (size_t)snprintf(body, BODY, "{\"calibration\":");
    const size_t most = calibration_fields_max(info, calibration);
    ck_assert_uint_lt(n + most + 2, BODY);
    char *end = calibration_fields_put(body + n, info, calibration);
    ck_assert_uint_le((size_t)(end - body) - n, most);
    memcpy(end, "}", 2);
}

static enum status decode(struct setup *s, const char *body, struct session_restore *restore)
{
    return codec_session_restore(INPUT(body, strlen(body), usual_limits, &s->arena, &s->fault),
                                 &s->model, restore);
}

TEST(a_calibration_survives_the_way_back)
{
    struct setup s;
    struct session_restore restore;
    char body[BODY], again[BODY];
    setup_init(&s, model_weather());
    const struct session_calibration calibration = calibration_of(&s);
    put_body(&s, &calibration, body);
    ck_assert_ptr_nonnull(strstr(
        body, "{\"format\":2,\"step\":60,\"levels\":[0.8,0.95],\"horizons\":2,\"bytes\":\""));
    ck_assert_msg(decode(&s, body, &restore) == STATUS_OK, "%s", s.fault.message);
    ck_assert_ptr_nonnull(restore.calibration);
    put_body(&s, restore.calibration, again);
    ck_assert_str_eq(again, body);
    setup_done(&s);
}

TEST(parts_survive_the_way_back)
{
    struct setup s;
    struct session_restore restore;
    char body[BODY], again[BODY];
    setup_init(&s, model_weather());
    const struct session_calibration calibration = calibration_with(&s, TAIL_ANOMALY);
    put_body(&s, &calibration, body);
    ck_assert_ptr_nonnull(strstr(body, ",\"horizons\":2,\"parts\":[\"anomaly\"],\"bytes\":\""));
    ck_assert_msg(decode(&s, body, &restore) == STATUS_OK, "%s", s.fault.message);
    ck_assert_uint_eq(restore.calibration->parts, TAIL_ANOMALY);
    put_body(&s, restore.calibration, again);
    ck_assert_str_eq(again, body);
    char *names = strstr(body, "[\"anomaly\"]");
    memcpy(names, "[]         ", strlen("[\"anomaly\"]"));
    const struct refusal refusal = { body, STATUS_WRONG_LENGTH, "calibration.bytes" };
    ASSERT_REFUSED(decode(&s, body, &restore), &s.fault, &refusal);
    setup_done(&s);
}

TEST(none_is_null_and_nothing_is_nothing)
{
    struct setup s;
    struct session_restore restore;
    char body[BODY];
    setup_init(&s, model_weather());
    put_body(&s, &(struct session_calibration){ .step = 3 }, body);
    ck_assert_str_eq(body, "{\"calibration\":null}");
    ck_assert_int_eq(decode(&s, body, &restore), STATUS_OK);
    ck_assert_ptr_nonnull(restore.calibration);
    ck_assert_uint_eq(restore.calibration->levels.n, 0);
    ck_assert_int_eq(decode(&s, "{}", &restore), STATUS_OK);
    ck_assert_ptr_null(restore.calibration);
    setup_done(&s);
}

TEST(it_belongs_to_the_version_that_the_body_names)
{
    struct setup s;
    struct session_restore restore;
    setup_init(&s, model_weather());
    ck_assert_int_eq(decode(&s,
                            "{\"calibration\":null,\"rewarm\":[[1,2]],"
                            "\"digest\":\"xxh3:00000000000000010000000000000002\"}",
                            &restore),
                     STATUS_OK);
    ck_assert_uint_eq(restore.calibration->digest, 2);
    setup_done(&s);
}

/* temp -> temp, which needs more digits than a float has, or does not. */
static struct gru_model *model_of_mean(const char *mean)
{
    char metadata[128];
    snprintf(metadata, sizeof metadata,
             "{\"inputs\":[{\"name\":\"temp\",\"mean\":%s,\"std\":1}],"
             "\"outputs\":[{\"name\":\"temp\"}]}",
             mean);
    return model_described(1, 1, metadata);
}

/* Each way: the format is of the model that wrote it, and what waits goes on where it can. */
TEST(a_calibration_goes_between_models_of_few_and_of_many_digits)
{
    for (int is_wide = 0; is_wide < 2; is_wide++) {
        struct setup from, to;
        struct session_restore restore;
        struct session_intervals was, is;
        char body[BODY];
        setup_init(&from, model_of_mean(is_wide ? "1e8" : "0"));
        setup_init(&to, model_of_mean(is_wide ? "0" : "1e8"));
        const struct session_calibration calibration = calibration_of(&from);
        put_body(&from, &calibration, body);
        ck_assert_ptr_nonnull(strstr(body, is_wide ? "\"format\":3," : "\"format\":2,"));
        ck_assert_msg(decode(&to, body, &restore) == STATUS_OK, "%s", to.fault.message);
        session_calibration_view(gru_model_info(from.model.active->gru), &calibration, &was);
        session_calibration_view(gru_model_info(to.model.active->gru), restore.calibration, &is);
        ck_assert(was.layout.is_wide == is_wide && is.layout.is_wide != is_wide);
        for (size_t ahead = 1; ahead <= HORIZONS; ahead++) {
            ck_assert_float_eq(interval_tracker_mean(&was.tail.tracker, 0, ahead),
                               interval_tracker_mean(&is.tail.tracker, 0, ahead));
        }
        double lower[2], upper[2];
        ck_assert(interval_tracker_issued(&was.tail.tracker, 0, 61, 0, &lower[0], &upper[0]));
        ck_assert(interval_tracker_issued(&is.tail.tracker, 0, 61, 0, &lower[1], &upper[1]));
        ck_assert(lower[0] == lower[1] && upper[0] == upper[1]);
        setup_done(&from);
        setup_done(&to);
    }
}

#define REST ",\"bytes\":\"AAAA\"}}"
#define HEAD "{\"calibration\":{\"format\":2,\"step\":1,"
#define NINE "[0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9]"

TEST(what_is_no_calibration_is_refused_by_its_path)
{
    static const struct refusal refusals[] = {
        { "{\"calibration\":1}", STATUS_INVALID_TYPE, "calibration" },
        { "{\"calibration\":{}}", STATUS_MISSING_FIELD, "calibration.format" },
        { HEAD "\"levels\":[0.9],\"horizons\":1}}", STATUS_MISSING_FIELD, "calibration.bytes" },
        { "{\"calibration\":{\"format\":4" REST, STATUS_INVALID_VALUE, "calibration.format" },
        { "{\"calibration\":{\"step\":-1" REST, STATUS_INVALID_VALUE, "calibration.step" },
        { HEAD "\"levels\":[]" REST, STATUS_WRONG_LENGTH, "calibration.levels" },
        { HEAD "\"levels\":0.9" REST, STATUS_INVALID_TYPE, "calibration.levels" },
        { HEAD "\"levels\":[1]" REST, STATUS_INVALID_VALUE, "calibration.levels[0]" },
        { HEAD "\"levels\":[0.9,0.9]" REST, STATUS_INVALID_VALUE, "calibration.levels[1]" },
        { HEAD "\"levels\":" NINE REST, STATUS_INVALID_VALUE, "calibration.levels[8]" },
        { HEAD "\"parts\":\"anomaly\"" REST, STATUS_INVALID_TYPE, "calibration.parts" },
        { HEAD "\"parts\":[\"anomaly\",\"\"]" REST, STATUS_INVALID_VALUE, "calibration.parts[1]" },
        { HEAD "\"horizons\":0" REST, STATUS_INVALID_VALUE, "calibration.horizons" },
        { HEAD "\"horizons\":25" REST, STATUS_INVALID_VALUE, "calibration.horizons" },
        { HEAD "\"levels\":[0.9],\"horizons\":1" REST, STATUS_WRONG_LENGTH, "calibration.bytes" },
        { HEAD "\"levels\":[0.9],\"horizons\":24" REST, STATUS_WRONG_LENGTH, "calibration.bytes" },
        { HEAD "\"levels\":[0.9],\"horizons\":1,\"bytes\":[1]}}", STATUS_INVALID_TYPE,
          "calibration.bytes" },
        { HEAD "\"sort\":1}}", STATUS_UNKNOWN_FIELD, "calibration.sort" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    for (size_t i = 0; i < N_OF(refusals); i++) {
        struct session_restore restore;
        enum status status = decode(&s, refusals[i].body, &restore);
        ASSERT_REFUSED(status, &s.fault, &refusals[i]);
    }
    setup_done(&s);
}

/* Whatever the text: it is refused by its path, or it is a tracker. */
TEST(changed_bytes_are_refused_or_can_be)
{
    struct setup s;
    char body[BODY];
    size_t n_accepted = 0, n_refused = 0;
    setup_init(&s, model_weather());
    const struct gru_info *info = gru_model_info(s.model.active->gru);
    const struct session_calibration calibration = calibration_of(&s);
    put_body(&s, &calibration, body);
    char *text = strstr(body, "\"bytes\":\"") + strlen("\"bytes\":\"");
    const size_t n = base64_length(session_calibration_layout(info, HORIZONS, 2).n_bytes);
    for (size_t i = 0; i < 4 * n; i++) {
        const char kept = text[i % n];
        text[i % n] = "/A~7"[i / n];
        struct session_restore restore;
        if (decode(&s, body, &restore) == STATUS_OK) {
            struct session_intervals view;
            session_calibration_view(info, restore.calibration, &view);
            ck_assert(interval_tracker_is_valid(&view.tail.tracker));
            n_accepted++;
        } else {
            ck_assert_str_eq(s.fault.param, "calibration.bytes");
            n_refused++;
        }
        text[i % n] = kept;
    }
    ck_assert_uint_gt(n_accepted, n / 2);
    ck_assert_uint_gt(n_refused, n); /* ~ is no digit, and others lead to what cannot be */
    setup_done(&s);
}
