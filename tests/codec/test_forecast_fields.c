/* `horizon` and `future`: how far a model can look ahead, and the rows that it needs for that. */
#include "codec/forecast_fields.h"
#include "codec_support.h"

#include <string.h>

/* An object of the two fields, as every body reads them. */
static enum status decode(struct setup *s, const char *body, struct forecast_options *ret_options)
{
    static const struct field fields[] = {
        { "horizon", forecast_fields_read_horizon, false, NULL },
        { "future", forecast_fields_read_future, false, NULL },
    };
    const struct gru_model *gru = s->model.active->gru;
    struct forecast_fields_body read;
    struct reader r;
    unsigned seen;
    reader_init(&r, INPUT(body, strlen(body), s->limits, &s->arena, &s->fault));
    forecast_fields_init(&read, &s->limits, gru_model_info(gru));
    enum status status = reader_end(&r, reader_fields(&r, fields, N_OF(fields), &read, &seen));
    status = status == STATUS_OK ? forecast_fields_check(&r, gru, &read.forecast_options) : status;
    *ret_options = read.forecast_options;
    return status;
}

static struct forecast_options accepted(struct setup *s, const char *body)
{
    struct forecast_options options;
    enum status status = decode(s, body, &options);
    ck_assert_msg(status == STATUS_OK, "%s: %s", body, s->fault.message);
    return options;
}

static void assert_all_refused(struct setup *s, const struct refusal *refusals, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct forecast_options options;
        enum status status = decode(s, refusals[i].body, &options);
        ASSERT_REFUSED(status, &s->fault, &refusals[i]);
    }
}

TEST(known_future_values_fit_the_horizon)
{
    static const struct refusal refusals[] = {
        { "{\"future\":[[1]]}", STATUS_INVALID_VALUE, "future" },
        { "{\"horizon\":2}", STATUS_MISSING_FIELD, "future" },
        { "{\"horizon\":2,\"future\":[]}", STATUS_MISSING_FIELD, "future" },
        { "{\"horizon\":3,\"future\":[[1]]}", STATUS_WRONG_LENGTH, "future" },
        { "{\"horizon\":1,\"future\":[[1],[2]]}", STATUS_WRONG_LENGTH, "future" },
        { "{\"horizon\":2,\"future\":[[1,2]]}", STATUS_WRONG_LENGTH, "future[0]" },
        { "{\"horizon\":2,\"future\":[[1],[]]}", STATUS_WRONG_LENGTH, "future[1]" },
        { "{\"horizon\":2,\"future\":[[\"1\"]]}", STATUS_INVALID_TYPE, "future[0][0]" },
        { "{\"horizon\":2,\"future\":[1]}", STATUS_INVALID_TYPE, "future[0]" },
        { "{\"horizon\":2,\"future\":1}", STATUS_INVALID_TYPE, "future" },
        { "{\"horizon\":2,\"future\":null}", STATUS_INVALID_TYPE, "future" },
        { "{\"horizon\":2,\"future\":[{\"temp\":1}]}", STATUS_UNKNOWN_FIELD, "future[0].temp" },
        { "{\"horizon\":2,\"future\":[{\"wind\":1}]}", STATUS_UNKNOWN_FIELD, "future[0].wind" },
        { "{\"horizon\":2,\"future\":[{},{\"humidity\":1,\"humidity\":1}]}", STATUS_DUPLICATE_FIELD,
          "future[1].humidity" },
        { "{\"horizon\":2,\"future\":[[1e39]]}", STATUS_INVALID_VALUE, "future[0][0]" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    assert_all_refused(&s, refusals, N_OF(refusals));
    ck_assert_uint_eq(accepted(&s, "{\"horizon\":1}").horizon, 1);
    ck_assert_uint_eq(accepted(&s, "{\"horizon\":2,\"future\":[[1],[2]]}").n_future_rows, 2);
    struct forecast_options options;
    ck_assert_int_eq(decode(&s, "{\"horizon\":12,\"future\":[[1]]}", &options),
                     STATUS_WRONG_LENGTH);
    ck_assert_str_eq(s.fault.message, "future has 1 row where a horizon of 12 needs 11");
    setup_done(&s);
}

TEST(a_closed_model_takes_no_future)
{
    static const struct refusal refusals[] = {
        { "{\"horizon\":2,\"future\":[[]]}", STATUS_INVALID_VALUE, "future[0]" },
        { "{\"horizon\":2,\"future\":[[1]]}", STATUS_INVALID_VALUE, "future[0]" },
        { "{\"horizon\":2,\"future\":[{}]}", STATUS_INVALID_VALUE, "future[0]" },
        { "{\"horizon\":2,\"future\":{}}", STATUS_INVALID_TYPE, "future" },
    };
    struct setup s;
    setup_init(&s, model_closed());
    assert_all_refused(&s, refusals, N_OF(refusals));
    ck_assert_uint_eq(accepted(&s, "{\"horizon\":100,\"future\":[]}").horizon, 100);
    setup_done(&s);
}

TEST(a_model_that_feeds_nothing_back_has_no_horizon)
{
    static const struct refusal refusals[] = {
        { "{\"horizon\":2}", STATUS_HORIZON_NOT_SUPPORTED, "horizon" },
        { "{\"horizon\":2,\"future\":[[1,2]]}", STATUS_HORIZON_NOT_SUPPORTED, "horizon" },
    };
    struct setup s;
    setup_init(&s, model_classes());
    assert_all_refused(&s, refusals, N_OF(refusals));
    ck_assert_uint_eq(accepted(&s, "{\"horizon\":1}").horizon, 1);
    setup_done(&s);
}

TEST(a_model_of_several_steps_needs_future_rows_by_blocks)
{
    static const struct refusal refusals[] = {
        { "{\"horizon\":4}", STATUS_MISSING_FIELD, "future" },
        { "{\"horizon\":4,\"future\":[[1],[1]]}", STATUS_WRONG_LENGTH, "future" },
        { "{\"horizon\":7,\"future\":[[1],[1],[1],[1],[1]]}", STATUS_WRONG_LENGTH, "future" },
    };
    struct setup s;
    setup_init(&s, model_described(2, 3,
                                   "{\"steps\":3,\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],"
                                   "\"outputs\":[{\"name\":\"a\"}]}"));
    assert_all_refused(&s, refusals, N_OF(refusals));
    accepted(&s, "{\"horizon\":3}");
    accepted(&s, "{\"horizon\":4,\"future\":[[1],[1],[1]]}");
    setup_done(&s);
}
