/* The body of evaluate. */
#include "codec_support.h"

#include <math.h>
#include <string.h>

static enum status decode(struct setup *s, const char *body, struct evaluation *evaluation)
{
    return codec_evaluation(INPUT(body, strlen(body), s->limits, &s->arena, &s->fault), &s->model,
                            evaluation);
}

static struct evaluation accepted(struct setup *s, const char *body)
{
    struct evaluation evaluation;
    ck_assert_msg(decode(s, body, &evaluation) == STATUS_OK, "%s: %s", body, s->fault.message);
    return evaluation;
}

TEST(a_series_alone_is_judged_one_step_ahead)
{
    struct setup s;
    setup_init(&s, model_weather());
    const struct evaluation e = accepted(&s, "{\"x\":[[1,2],{\"humidity\":4}]}");
    ck_assert(e.prediction.gru == s.model.active->gru && e.prediction.version == 3);
    ck_assert(e.n_rows == 2 && e.x[1] == 2 && isnan(e.x[2]) && e.x[3] == 4);
    ck_assert(e.y == NULL && e.horizon == 1 && e.season == 0 && e.level == 0.9);
    setup_done(&s);
}

TEST(every_field_of_an_evaluation_is_taken)
{
    struct setup s;
    setup_init(&s, model_weather());
    setup_add_version(&s, model_weather());
    const struct evaluation e =
        accepted(&s, "{\"version\":4,\"level\":0.5,\"season\":24,\"horizon\":12,"
                     "\"y\":[[9],{\"temp\":8},[null]],\"x\":[[1,2],[3,4],[5,6]]}");
    ck_assert(e.prediction.gru == s.versions[1].gru && e.prediction.version == 4);
    ck_assert(e.n_rows == 3 && e.y[0] == 9 && e.y[1] == 8 && isnan(e.y[2]));
    ck_assert(e.horizon == 12 && e.season == 24 && e.level == 0.5);
    setup_done(&s);
}

TEST(a_model_of_several_steps_is_judged_on_all_of_them_with_a_truth_a_row)
{
    struct setup s;
    setup_init(&s, model_described(1, 6,
                                   "{\"inputs\":[{\"name\":\"t\"}],\"steps\":3,"
                                   "\"outputs\":[{\"name\":\"t\"},{\"name\":\"u\"}]}"));
    const struct evaluation e = accepted(&s, "{\"x\":[[1],[2]],\"y\":[[null,4],[null,5]]}");
    ck_assert(e.horizon == 3 && e.y[1] == 4 && e.y[3] == 5);
    setup_done(&s);
}

TEST(intervals_are_for_horizons_for_which_they_are_offered)
{
    struct setup s;
    setup_init(&s, model_closed());
    ck_assert_double_eq(accepted(&s, "{\"x\":[[1],[2]],\"horizon\":24}").level, 0.9);
    ck_assert_double_eq(accepted(&s, "{\"x\":[[1],[2]],\"horizon\":25}").level, 0.0);
    setup_done(&s);
}

TEST(the_horizon_of_intervals_is_limited_as_configured)
{
    static const char beyond[] = "{\"x\":[[1],[2]],\"level\":0.9,\"horizon\":7}";
    static const struct refusal refusal = { beyond, STATUS_INVALID_VALUE, "level" };
    struct setup s;
    struct evaluation evaluation;
    setup_init(&s, model_closed());
    s.limits.interval_horizon_max = 6;
    ck_assert_double_eq(accepted(&s, "{\"x\":[[1],[2]],\"level\":0.3,\"horizon\":6}").level, 0.3);
    ck_assert_double_eq(accepted(&s, "{\"x\":[[1],[2]],\"horizon\":7}").level, 0.0);
    ASSERT_REFUSED(decode(&s, beyond, &evaluation), &s.fault, &refusal);
    ck_assert_ptr_nonnull(strstr(s.fault.message, "6 (--interval-horizon-max)"));
    setup_done(&s);
}

TEST(an_ill_formed_evaluation_is_refused_by_its_path)
{
    static const struct refusal refusals[] = {
        { "[]", STATUS_INVALID_TYPE, "" },
        { "{}", STATUS_MISSING_FIELD, "x" },
        { "{\"x\":[1,2]}", STATUS_INVALID_TYPE, "x[0]" },
        { "{\"x\":[[1,2],[1]]}", STATUS_WRONG_LENGTH, "x[1]" },
        { "{\"x\":[[1,2],[1,NaN]]}", STATUS_INVALID_JSON, "x[1][1]" },
        { "{\"x\":[[1,2]],\"instances\":[]}", STATUS_UNKNOWN_FIELD, "instances" },
        { "{\"x\":[[1,2]],\"y\":[]}", STATUS_WRONG_LENGTH, "y" },
        { "{\"x\":[[1,2]],\"y\":[[1],[2]]}", STATUS_WRONG_LENGTH, "y" },
        { "{\"x\":[[1,2]],\"y\":[[1,2]]}", STATUS_WRONG_LENGTH, "y[0]" },
        { "{\"x\":[[1,2]],\"y\":[1]}", STATUS_INVALID_TYPE, "y[0]" },
        { "{\"x\":[[1,2]],\"y\":[{\"humidity\":1}]}", STATUS_UNKNOWN_FIELD, "y[0].humidity" },
        { "{\"x\":[[1,2]],\"season\":0}", STATUS_INVALID_VALUE, "season" },
        { "{\"x\":[[1,2]],\"season\":-1}", STATUS_INVALID_VALUE, "season" },
        { "{\"x\":[[1,2]],\"season\":1.5}", STATUS_INVALID_VALUE, "season" },
        { "{\"x\":[[1,2]],\"season\":\"24\"}", STATUS_INVALID_TYPE, "season" },
        { "{\"x\":[[1,2]],\"level\":0}", STATUS_INVALID_VALUE, "level" },
        { "{\"x\":[[1,2]],\"level\":1}", STATUS_INVALID_VALUE, "level" },
        { "{\"x\":[[1,2]],\"level\":-0.1}", STATUS_INVALID_VALUE, "level" },
        { "{\"x\":[[1,2]],\"level\":90}", STATUS_INVALID_VALUE, "level" },
        { "{\"x\":[[1,2]],\"level\":\"0.9\"}", STATUS_INVALID_TYPE, "level" },
        { "{\"x\":[[1,2]],\"level\":0.9,\"horizon\":25}", STATUS_INVALID_VALUE, "level" },
        { "{\"x\":[[1,2]],\"horizon\":0}", STATUS_INVALID_VALUE, "horizon" },
        { "{\"x\":[[1,2]],\"horizon\":101}", STATUS_INVALID_VALUE, "horizon" },
        { "{\"x\":[[1,2]],\"version\":8}", STATUS_VERSION_NOT_FOUND, "version" },
        { "{\"x\":[[1,2]],\"version\":4}", STATUS_INCOMPATIBLE_MODEL, "version" },
        { "{\"x\":[[1,2]]} {}", STATUS_INVALID_JSON, "" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    setup_add_version(&s, model_closed());
    for (size_t i = 0; i < N_OF(refusals); i++) {
        struct evaluation evaluation;
        enum status status = decode(&s, refusals[i].body, &evaluation);
        ASSERT_REFUSED(status, &s.fault, &refusals[i]);
    }
    setup_done(&s);
}

TEST(a_horizon_on_a_model_that_cannot_look_ahead_is_refused)
{
    static const struct refusal refusal = { "{\"x\":[[1,2]],\"y\":[[1]],\"horizon\":2}",
                                            STATUS_HORIZON_NOT_SUPPORTED, "horizon" };
    struct setup s;
    struct evaluation evaluation;
    setup_init(&s, model_classes());
    ASSERT_REFUSED(decode(&s, refusal.body, &evaluation), &s.fault, &refusal);
    (void)accepted(&s, "{\"x\":[[1,2]],\"y\":[[1]],\"horizon\":1}");
    setup_done(&s);
}

TEST(the_rows_that_an_evaluation_runs_through_are_limited)
{
    static const struct refusal refusals[] = {
        { "{\"x\":[[1],[2],[3],[4],[5],[6],[7]]}", STATUS_REQUEST_TOO_LARGE, "x" },
        { "{\"x\":[[1],[2]],\"y\":[[1],[2],[3],[4],[5],[6],[7]]}", STATUS_REQUEST_TOO_LARGE, "y" },
        { "{\"x\":[[1],[2],[3],[4],[5],[6]],\"horizon\":3}", STATUS_REQUEST_TOO_LARGE, "horizon" },
    };
    struct setup s;
    setup_init(&s, model_closed());
    s.limits.rows_max = 6;
    s.limits.evaluation_rows_max = 11;
    for (size_t i = 0; i < N_OF(refusals); i++) {
        struct evaluation evaluation;
        ASSERT_REFUSED(decode(&s, refusals[i].body, &evaluation), &s.fault, &refusals[i]);
    }
    (void)accepted(&s, "{\"x\":[[1],[2],[3],[4],[5],[6]],\"horizon\":2}");  /* 5 origins of 2 */
    (void)accepted(&s, "{\"x\":[[1],[2],[3],[4],[5],[6]],\"horizon\":50}"); /* the verb refuses */
    setup_done(&s);
}
