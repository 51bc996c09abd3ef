/* Sessions as GET writes them: a row of the list, and the whole of one. */
#include "codec_support.h"

#include <math.h>
#include <string.h>

TEST(a_session_is_written_as_documented)
{
    struct setup s;
    setup_init(&s, model_weather());
    float state[] = { 0.1F, -0.0F, 1e-45F, 0.5F, -1, 21.5F, NAN, 21.25F };
    double readings[] = { 20, NAN, 21.5, 0.5 };
    const float mae[] = { 0.25F }, rmse[] = { 0.5F };
    const uint32_t n[] = { 17 };
    ck_assert_uint_eq(gru_model_info(s.model.active->gru)->state_floats, N_OF(state));
    struct session session = { .row = { "pump-7", 1042, 3, 1763668800000, 1763668800007,
                                        1763668800250 },
                               .ttl_s = 300,
                               .gru = s.model.active->gru,
                               .digest = s.model.active->digest,
                               .state = state,
                               .readings = readings,
                               .n_readings = 2,
                               .errors = { .n = n, .mae = mae, .rmse = rmse } };
    codec_put_session(&s.text, &session);
    ck_assert_str_eq(
        setup_text(&s),
        "{\"session\":\"pump-7\",\"step\":1042,\"version\":3,\"created_at\":1763668800,"
        "\"last_seen_at\":1763668800.007,\"expires_at\":1763668800.25,"
        "\"state\":[[0.1,-0,1e-45],[0.5,-1]],"
        "\"digest\":\"xxh3:0123456789abcdeffedcba9876543210\",\"ttl\":300,\"time\":null,"
        "\"last\":[21.5,null],\"y\":[21.25],\"readings\":[[20,null],[21.5,0.5]],"
        "\"errors\":{\"n\":[17],\"mae\":[0.25],\"rmse\":[0.5]},"
        "\"calibration\":null}");
    session.time = (struct session_time){ .is_known = true, .last_at = 1763668800.25 };
    codec_put_session(&s.text, &session);
    ck_assert_ptr_nonnull(strstr(setup_text(&s), ",\"time\":{\"last_at\":1763668800.25},"));
    session.time.is_untimed = true;
    codec_put_session(&s.text, &session);
    ck_assert_ptr_nonnull(
        strstr(setup_text(&s), ",\"time\":{\"last_at\":1763668800.25,\"untimed\":true},"));
    setup_done(&s);
}

TEST(the_figures_of_a_session_are_written_as_documented)
{
    struct setup s;
    setup_init(&s, model_weather());
    float state[8] = { 0 };
    const float mae[] = { 0.25F }, rmse[] = { 0.5F }, recent_mae[] = { 0.3F, NAN },
                widths[] = { 1, NAN, 2, 3 };
    const uint32_t n[] = { 17 };
    const struct interval_coverage coverage[] = {
        { 10, 0.8, 0.75 }, { 0, NAN, NAN }, { 9, 1, 1 }, { 8, 0.5, 0.25 }
    };
    const struct error_figures all = { .values = { [ERROR_SMAPE] = 10,
                                                   [ERROR_MASE] = 0.75,
                                                   [ERROR_RSE] = 0.5,
                                                   [ERROR_CORR] = -0.5,
                                                   [ERROR_SKILL_VS_PERSISTENCE] = 0.25,
                                                   [ERROR_SKILL_VS_SEASONAL_NAIVE] = NAN } },
                               recent = { .values = { 1, 2, 3, 4, 5, 6, 7, 8 } },
                               told[] = { { .values = { [ERROR_MEAN_WIDTH] = 1.5, 2.5, 3.5 } },
                                          { .values = { [ERROR_MEAN_WIDTH] = 4, NAN, NAN } } };
    struct session_figures figures = { .of_outputs = { &all, &recent },
                                       .of_intervals = { told, told },
                                       .n_ahead = 2,
                                       .levels = { 2, { 0.8, 0.95 } },
                                       .recent_mae = recent_mae,
                                       .coverage = coverage,
                                       .widths = widths };
    struct session session = { .row = { "s", 1, 3, 1000, 2000, 0 },
                               .ttl_s = -1,
                               .gru = s.model.active->gru,
                               .state = state,
                               .errors = { .n = n, .mae = mae, .rmse = rmse },
                               .figures = &figures };
    codec_put_session(&s.text, &session);
    ck_assert_str_eq(strstr(setup_text(&s), "\"errors\""),
                     "\"errors\":{\"n\":[17],\"mae\":[0.25],\"rmse\":[0.5],\"smape\":[10],"
                     "\"mase\":[0.75],\"rse\":[0.5],\"corr\":[-0.5],"
                     "\"skill_vs_persistence\":[0.25],\"skill_vs_seasonal_naive\":[null],"
                     "\"recent\":{\"mae\":[1],\"rmse\":[2],\"smape\":[3],\"mase\":[4],"
                     "\"rse\":[5],\"corr\":[6],\"skill_vs_persistence\":[7],"
                     "\"skill_vs_seasonal_naive\":[8]},"
                     "\"recent_mae\":[[0.3],[null]],\"intervals\":["
                     "{\"level\":0.8,\"coverage\":[0.8,null],\"recent_coverage\":[0.75,null],"
                     "\"observed\":[10,0],\"width\":[[1],[null]],"
                     "\"mean_width\":[1.5],\"interval_score\":[2.5],\"pinball\":[3.5],"
                     "\"recent\":{\"mean_width\":[1.5],\"interval_score\":[2.5],"
                     "\"pinball\":[3.5]}},"
                     "{\"level\":0.95,\"coverage\":[1,0.5],\"recent_coverage\":[1,0.25],"
                     "\"observed\":[9,8],\"width\":[[2],[3]],"
                     "\"mean_width\":[4],\"interval_score\":[null],\"pinball\":[null],"
                     "\"recent\":{\"mean_width\":[4],\"interval_score\":[null],"
                     "\"pinball\":[null]}}]},\"calibration\":null}");
    figures = (struct session_figures){ .of_outputs = { &all, &recent } };
    unsigned char means[] = { 1, 2, 3, [sizeof(struct record_error) - 1] = 255 };
    session.errors.means = means;
    codec_put_session(&s.text, &session);
    const char *text = setup_text(&s);
    ck_assert_ptr_nonnull(strstr(text, "\"recent_mae\":[],\"intervals\":[],\"means\":"
                                       "{\"format\":1,\"season\":0,\"bytes\":\"AQID"));
    ck_assert_ptr_nonnull(strstr(text, "AP8=\"}},\"calibration\":null}"));
    setup_done(&s);
}

TEST(rows_of_sessions_are_listed)
{
    struct setup s;
    setup_init(&s, model_weather());
    const struct session_row rows[] = { { "a", 1, 3, 1000, 2500, 0, "pumps" },
                                        { "b", 2, 4, 1001, 2010, 3999, "weather" } };
    struct session_query query = { .model = &s.model };
    codec_put_session_list(&s.text, &query, rows, 2, true);
    ck_assert_str_eq(
        setup_text(&s),
        "{\"sessions\":[{\"session\":\"a\",\"step\":1,\"version\":3,\"created_at\":1,"
        "\"last_seen_at\":2.5,\"expires_at\":null},"
        "{\"session\":\"b\",\"step\":2,\"version\":4,\"created_at\":1.001,"
        "\"last_seen_at\":2.01,\"expires_at\":3.999}],\"has_more\":true,\"next\":\"b\"}");
    query.order = SESSIONS_BY_LAST_SEEN;
    codec_put_session_list(&s.text, &query, rows, 2, true);
    ck_assert_ptr_nonnull(strstr(setup_text(&s), ",\"has_more\":true,\"next\":\"2.01/b\"}"));
    query = (struct session_query){ .names_models = true };
    codec_put_session_list(&s.text, &query, rows, 1, true);
    ck_assert_str_eq(
        setup_text(&s),
        "{\"sessions\":[{\"model\":\"pumps\",\"session\":\"a\",\"step\":1,\"version\":3,"
        "\"created_at\":1,\"last_seen_at\":2.5,\"expires_at\":null}],\"has_more\":true,"
        "\"next\":\"pumps/a\"}");
    query.order = SESSIONS_BY_LAST_SEEN;
    codec_put_session_list(&s.text, &query, rows, 1, true);
    ck_assert_ptr_nonnull(strstr(setup_text(&s), ",\"next\":\"2.5/pumps/a\"}"));
    codec_put_session_list(&s.text, &query, rows, 0, false);
    ck_assert_str_eq(setup_text(&s), "{\"sessions\":[],\"has_more\":false}");
    setup_done(&s);
}

static void put_session(struct text *text, const void *session)
{
    codec_put_session(text, session);
}

static void put_row(struct text *text, const void *row)
{
    const struct session_query query = { .names_models = true, .order = SESSIONS_BY_LAST_SEEN };
    codec_put_session_list(text, &query, row, 1, true);
}

TEST(the_widest_session_stays_within_what_it_reserves)
{
    enum { ROWS = 12 };
    struct setup s;
    setup_init(&s, model_wide());
    float values[ROWS * N_WIDE];
    double readings[ROWS * N_WIDE];
    uint32_t counts[N_WIDE];
    for (int i = 0; i < ROWS * N_WIDE; i++) {
        values[i] = -1.17549435e-38F;
        readings[i] = -1.1754943508222873e-38;
        counts[i % N_WIDE] = UINT32_MAX;
    }
    ck_assert_uint_lt(gru_model_info(s.model.active->gru)->state_floats, N_OF(values));
    struct interval_coverage coverage[ROWS];
    for (int i = 0; i < ROWS; i++) {
        coverage[i] = (struct interval_coverage){ UINT32_MAX, -1.17549435e-38, -1.17549435e-38 };
    }
    static unsigned char
        means[N_WIDE * (sizeof(struct record_error) + sizeof(struct record_seasonal))];
    static struct error_figures of_outputs[2 * N_WIDE];
    for (size_t i = 0; i < 2 * N_WIDE * ERROR_N_MEASURES; i++) {
        of_outputs[i / ERROR_N_MEASURES].values[i % ERROR_N_MEASURES] = -1.17549435e-38;
    }
    const struct session_figures figures = { .of_outputs = { of_outputs, of_outputs },
                                             .of_intervals = { of_outputs, of_outputs },
                                             .n_ahead = ROWS / 2,
                                             .levels = { 2, { 1.17549435e-38, 0.123456789 } },
                                             .recent_mae = values,
                                             .coverage = coverage,
                                             .widths = values };
    struct session session = {
        .row = { .step = UINT64_C(1) << 53,
                 .version = UINT32_MAX,
                 .created_at_ms = INT64_MAX,
                 .last_seen_at_ms = INT64_MAX,
                 .expires_at_ms = INT64_MAX },
        .gru = s.model.active->gru,
        .ttl_s = INT64_MAX,
        .state = values,
        .readings = readings,
        .n_readings = ROWS,
        .errors = { .n = counts, .mae = values, .rmse = values, .means = means, .season = 4 },
        .figures = &figures,
        .time = { .is_known = true,
                  .last_at = -62167219199.12345678,
                  .n_filled = SESSION_FILLED_MAX }
    };
    memset(session.row.session, '~', SESSION_ID_MAX);
    codec_put_session(&s.text, &session);
    size_t n = strlen(setup_text(&s));
    ck_assert_uint_ge(setup_put_tightly(&s, put_session, &session), n);
    session.row.model = session.row.session + SESSION_ID_MAX - MODEL_NAME_MAX;
    setup_put_tightly(&s, put_row, &session.row);
    setup_done(&s);
}
