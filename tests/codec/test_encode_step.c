/* Replies of steps, forecasts and predictions, and errors. */
#include "codec_support.h"

#include <math.h>
#include <string.h>

static struct step done_step(struct setup *s, const double *x, const double *y)
{
    return (struct step){ .arena = &s->arena,
                          .model = &s->model,
                          .session = "pump-7",
                          .x = x,
                          .is_done = true,
                          .number = 1042,
                          .version = 3,
                          .y = y };
}

TEST(a_step_is_answered_as_documented)
{
    struct setup s;
    setup_init(&s, model_weather());
    double x[] = { 21.4F, 0.55F }, y[] = { 21.5F }, forecast[] = { 21.5F, 21.7F, -0.1F };
    struct step step = done_step(&s, x, y);
    codec_put_step(&s.text, &step);
    ck_assert_str_eq(setup_text(&s),
                     "{\"session\":\"pump-7\",\"step\":1042,\"version\":3,\"y\":[21.5]}");
    step.forecast = forecast;
    step.n_forecast = 3;
    x[1] = NAN;
    codec_put_step(&s.text, &step);
    ck_assert_str_eq(setup_text(&s),
                     "{\"session\":\"pump-7\",\"step\":1042,\"version\":3,\"y\":[21.5],"
                     "\"forecast\":[[21.5],[21.7],[-0.1]],\"missing\":[\"humidity\"]}");
    x[0] = NAN;
    step.forecast = NULL;
    codec_put_step(&s.text, &step);
    ck_assert_str_eq(setup_text(&s),
                     "{\"session\":\"pump-7\",\"step\":1042,\"version\":3,\"y\":[21.5],"
                     "\"missing\":[\"temp\",\"humidity\"]}");
    setup_done(&s);
}

TEST(a_step_is_explained_as_documented)
{
    static const struct explain_wish wish = { .output = 0, .ahead = 2 };
    static const double inputs[] = { 1.5F, 0 };
    static const struct gru_explanation explanation = {
        .value = 21.5F, .baseline = 20, .state = -0.25F, .residual = 0.25F, .inputs = inputs
    };
    struct setup s;
    setup_init(&s, model_weather());
    const double x[] = { 21.4F, 0.5F }, y[] = { 21.5F };
    struct step step = done_step(&s, x, y);
    step.forecast_options.explain = &wish;
    step.explanation = &explanation;
    codec_put_step(&s.text, &step);
    ck_assert_str_eq(setup_text(&s),
                     "{\"session\":\"pump-7\",\"step\":1042,\"version\":3,\"y\":[21.5],"
                     "\"explanation\":{\"output\":\"temp\",\"ahead\":2,\"value\":21.5,"
                     "\"baseline\":20,\"state\":-0.25,\"inputs\":["
                     "{\"name\":\"temp\",\"contribution\":1.5},"
                     "{\"name\":\"humidity\",\"contribution\":0}],\"residual\":0.25}}");
    step.explanation = NULL; /* of a reading that was amended */
    codec_put_step(&s.text, &step);
    ck_assert_ptr_null(strstr(setup_text(&s), "explanation"));
    setup_done(&s);
}

TEST(a_step_behind_a_gap_says_what_was_made_of_it)
{
    struct setup s;
    setup_init(&s, model_weather());
    const double x[] = { 21.4F, NAN }, y[] = { 21.5F };
    struct step step = done_step(&s, x, y);
    step.n_filled = 3;
    codec_put_step(&s.text, &step);
    ck_assert_ptr_nonnull(strstr(setup_text(&s), ",\"missing\":[\"humidity\"],\"filled\":3}"));
    step.n_filled = 0;
    step.is_restarted = true;
    codec_put_step(&s.text, &step);
    ck_assert_ptr_nonnull(
        strstr(setup_text(&s), ",\"missing\":[\"humidity\"],\"restarted\":true}"));
    setup_done(&s);
}

TEST(intervals_are_answered_as_documented)
{
    struct setup s;
    setup_init(&s, model_weather());
    double x[] = { 1, 2 }, y[] = { 21.5F }, forecast[] = { 21.5F, 21.7F };
    double lower[] = { 20.5F, NAN }, upper[] = { 22.5F, NAN };
    double coverage[] = { 0.75, NAN };
    uint64_t observed[] = { 12, 0 };
    struct interval_reply of[] = { { 0.9, lower, upper, coverage, observed, false },
                                   { 0.95, lower, upper, coverage, observed, true } };
    struct sequence sequence = { .x = x,
                                 .n_rows = 1,
                                 .y = y,
                                 .forecast = forecast,
                                 .n_forecast = 2,
                                 .intervals = { 2, 2, 1, of } };
    const struct prediction prediction = {
        .gru = s.model.active->gru, .version = 3, .n_sequences = 1, .sequences = &sequence
    };
    codec_put_prediction(&s.text, "weather", &prediction);
    ck_assert_str_eq(
        setup_text(&s),
        "{\"model\":\"weather\",\"version\":3,\"y\":[[21.5]],\"forecast\":[[21.5],[21.7]],"
        "\"intervals\":[{\"level\":0.9,\"lower\":[[20.5],[null]],\"upper\":[[22.5],[null]],"
        "\"coverage\":[0.75,null],\"observed\":[12,0],\"saturated\":false},"
        "{\"level\":0.95,\"lower\":[[20.5],[null]],\"upper\":[[22.5],[null]],"
        "\"coverage\":[0.75,null],\"observed\":[12,0],\"saturated\":true}]}");
    setup_done(&s);
}

TEST(a_step_that_was_made_before_is_answered_as_repeated)
{
    struct setup s;
    setup_init(&s, model_weather());
    double x[] = { 21.4F, NAN };
    struct step step = done_step(&s, x, NULL);
    step.is_repeated = true;
    codec_put_step(&s.text, &step);
    ck_assert_str_eq(setup_text(&s), "{\"session\":\"pump-7\",\"step\":1042,\"repeated\":true}");
    setup_done(&s);
}

TEST(a_step_that_failed_is_answered_by_its_error)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct step step = done_step(&s, NULL, NULL);
    fault_set(&step.fault, STATUS_WRONG_LENGTH, "x", "x has 1 value");
    codec_put_step(&s.text, &step);
    ck_assert_str_eq(
        setup_text(&s),
        "{\"error\":{\"code\":\"wrong_length\",\"message\":\"x has 1 value\",\"param\":\"x\"}}");
    setup_done(&s);
}

TEST(names_are_escaped)
{
    struct setup s;
    setup_init(&s, model_described(1, 1, "{\"inputs\":[{\"name\":\"a\\\"\\\\\\t\xc3\xa9\"}]}"));
    const double x[] = { NAN }, y[] = { 1 };
    struct step step = done_step(&s, x, y);
    codec_put_step(&s.text, &step);
    const char *text = setup_text(&s);
    ck_assert_ptr_nonnull(strstr(text, ",\"missing\":[\"a\\\"\\\\\\t\xc3\xa9\"]}"));
    setup_done(&s);
}

static void put_step(struct text *text, const void *step)
{
    codec_put_step(text, step);
}

static void put_error(struct text *text, const void *fault)
{
    codec_put_error(text, fault);
}

enum { WIDE_ROWS = 9 };

TEST(the_widest_step_stays_within_what_it_reserves)
{
    struct setup s;
    setup_init(&s, model_wide());
    double x[N_WIDE], y[WIDE_ROWS * N_WIDE];
    for (int i = 0; i < WIDE_ROWS * N_WIDE; i++) {
        y[i] = -1.17549435e-38F;
        x[i % N_WIDE] = NAN;
    }
    struct step step = done_step(&s, x, y);
    memset(step.session, '~', SESSION_ID_MAX);
    step.number = UINT64_C(1) << 53;
    step.version = UINT32_MAX;
    step.forecast = y;
    step.n_forecast = WIDE_ROWS;
    step.n_filled = 100000;
    step.is_restarted = true;
    codec_put_step(&s.text, &step);
    size_t n = strlen(setup_text(&s));
    ck_assert_uint_ge(setup_put_tightly(&s, put_step, &step), n);
    fault_set(&step.fault, STATUS_INTERNAL, NULL, "x");
    step.fault.has_expected = true;
    step.fault.expected = UINT64_C(1) << 53;
    step.fault.has_last_at = true;
    step.fault.last_at = -62167219199.12345678;
    memset(step.fault.message, 1, sizeof step.fault.message - 1);
    memset(step.fault.param, 1, sizeof step.fault.param - 1);
    setup_put_tightly(&s, put_error, &step.fault);
    setup_done(&s);
}

TEST(errors_have_one_shape)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct fault fault;
    fault_set(&fault, STATUS_ROUTE_NOT_FOUND, NULL, "no route \"/%s\"\n", "v2");
    codec_put_error(&s.text, &fault);
    ck_assert_str_eq(setup_text(&s), "{\"error\":{\"code\":\"route_not_found\","
                                     "\"message\":\"no route \\\"/v2\\\"\\n\",\"param\":null}}");
    fault_set(&fault, STATUS_SEQUENCE_MISMATCH, "seq", "seq is 7");
    fault.has_expected = true;
    fault.expected = 1043;
    codec_put_error(&s.text, &fault);
    ck_assert_str_eq(setup_text(&s),
                     "{\"error\":{\"code\":\"sequence_mismatch\",\"message\":\"seq is 7\","
                     "\"param\":\"seq\",\"expected\":1043}}");
    fault_set(&fault, STATUS_LATE_READING, "at", "late");
    fault.has_last_at = true;
    fault.last_at = 1763668800.25;
    codec_put_error(&s.text, &fault);
    ck_assert_str_eq(setup_text(&s), "{\"error\":{\"code\":\"late_reading\",\"message\":\"late\","
                                     "\"param\":\"at\",\"last_at\":1763668800.25}}");
    fault_set(&fault, STATUS_STORAGE_FAILED, NULL, "cannot write");
    fault_add_advice(&fault, "; it belongs to uid 0");
    codec_put_error(&s.text, &fault);
    ck_assert_str_eq(setup_text(&s),
                     "{\"error\":{\"code\":\"storage_failed\",\"message\":\"cannot write\","
                     "\"param\":null}}");
    fault_set(&fault, STATUS_INVALID_VALUE, NULL, "x");
    memset(fault.message, 1, sizeof fault.message - 1);
    memset(fault.param, 1, sizeof fault.param - 1);
    codec_put_error(&s.text, &fault);
    ck_assert_uint_gt(strlen(setup_text(&s)), 6 * (sizeof fault.message + sizeof fault.param - 2));
    setup_done(&s);
}

TEST(a_forecast_is_answered_like_a_step_without_a_reading)
{
    struct setup s;
    setup_init(&s, model_weather());
    double rows[] = { 1, 2.5F };
    struct session_forecast forecast = { .prediction = { .gru = s.model.active->gru, .version = 3 },
                                         .sequence = { .forecast = rows, .n_forecast = 2 },
                                         .step = 9 };
    codec_put_forecast(&s.text, "pump-7", &forecast);
    ck_assert_str_eq(setup_text(&s),
                     "{\"session\":\"pump-7\",\"step\":9,\"version\":3,\"forecast\":[[1],[2.5]]}");
    setup_done(&s);
}

TEST(a_forecast_is_explained_like_a_step)
{
    static const struct explain_wish wish = { .output = 0, .ahead = 2 };
    static const double contributions[] = { 0.25, -1 };
    struct setup s;
    setup_init(&s, model_weather());
    double rows[] = { 1, 2.5F };
    struct session_forecast forecast = {
        .prediction = { .gru = s.model.active->gru, .version = 3 },
        .sequence = { .forecast = rows, .n_forecast = 2, .forecast_options = { .explain = &wish } },
        .explanation = { .is_ready = true,
                         .result = { .value = 2.5,
                                     .baseline = 3,
                                     .state = 0.25,
                                     .inputs = contributions } },
        .step = 9
    };
    codec_put_forecast(&s.text, "pump-7", &forecast);
    ck_assert_str_eq(setup_text(&s),
                     "{\"session\":\"pump-7\",\"step\":9,\"version\":3,\"forecast\":[[1],[2.5]],"
                     "\"explanation\":{\"output\":\"temp\",\"ahead\":2,\"value\":2.5,"
                     "\"baseline\":3,\"state\":0.25,\"inputs\":[{\"name\":\"temp\","
                     "\"contribution\":0.25},{\"name\":\"humidity\",\"contribution\":-1}],"
                     "\"residual\":0}}");
    setup_done(&s);
}

TEST(a_prediction_has_a_row_per_reading)
{
    struct setup s;
    setup_init(&s, model_weather());
    double y[] = { 1, 2.5F, 3 }, forecast[] = { 4, 5 };
    struct sequence sequences[] = { { .n_rows = 3, .y = y }, { .n_rows = 1, .y = y + 1 } };
    struct prediction p = { .gru = s.model.active->gru,
                            .version = s.model.active->number,
                            .n_sequences = 1,
                            .sequences = sequences };
    codec_put_prediction(&s.text, s.model.name, &p);
    ck_assert_str_eq(setup_text(&s), "{\"model\":\"weather\",\"version\":3,\"y\":[[1],[2.5],[3]]}");
    sequences[0].forecast = forecast;
    sequences[0].n_forecast = 2;
    p.last_only = true;
    codec_put_prediction(&s.text, s.model.name, &p);
    ck_assert_str_eq(setup_text(&s),
                     "{\"model\":\"weather\",\"version\":3,\"y\":[[1]],\"forecast\":[[4],[5]]}");
    p.last_only = false;
    p.has_instances = true;
    p.n_sequences = 2;
    codec_put_prediction(&s.text, s.model.name, &p);
    ck_assert_str_eq(setup_text(&s),
                     "{\"model\":\"weather\",\"version\":3,\"results\":["
                     "{\"y\":[[1],[2.5],[3]],\"forecast\":[[4],[5]]},{\"y\":[[2.5]]}]}");
    setup_done(&s);
}

TEST(of_several_steps_at_once_a_row_of_a_sequence_has_all)
{
    struct setup s;
    setup_init(
        &s, model_described(1, 6, "{\"steps\":3,\"outputs\":[{\"name\":\"a\"},{\"name\":\"b\"}]}"));
    double y[] = { 1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60 };
    struct sequence sequence = { .n_rows = 2, .y = y, .forecast = y + 6, .n_forecast = 3 };
    struct prediction p = { .gru = s.model.active->gru,
                            .version = s.model.active->number,
                            .n_sequences = 1,
                            .sequences = &sequence };
    codec_put_prediction(&s.text, s.model.name, &p);
    ck_assert_str_eq(
        setup_text(&s),
        "{\"model\":\"weather\",\"version\":3,\"y\":[[1,2,3,4,5,6],[10,20,30,40,50,60]],"
        "\"forecast\":[[10,20],[30,40],[50,60]]}");
    setup_done(&s);
}

TEST(a_reply_beyond_the_working_memory_fails_and_stays_failed)
{
    enum { ROWS = 1000 };
    static double y[ROWS];
    struct setup s;
    setup_init(&s, model_weather());
    struct arena small;
    arena_init(&small, 20000);
    struct text text;
    text_init(&text, &small, 0);
    struct sequence sequence = { .n_rows = ROWS, .y = y };
    struct prediction p = { .gru = s.model.active->gru,
                            .version = s.model.active->number,
                            .n_sequences = 1,
                            .sequences = &sequence };
    for (int i = 0; i < ROWS; i++) {
        y[i] = -1.17549435e-38F;
    }
    codec_put_prediction(&text, s.model.name, &p);
    ck_assert(text.failed);
    struct step step = done_step(&s, y, y);
    codec_put_step(&text, &step);
    fault_set(&step.fault, STATUS_INTERNAL, NULL, "x");
    codec_put_step(&text, &step);
    codec_put_model(&text, &s.model);
    ck_assert(text.failed);
    arena_done(&small);
    setup_done(&s);
}

TEST(how_unusual_a_reading_was_is_answered_where_it_is_asked_for)
{
    static const struct {
        double p;
        const char *text;
    } cases[] = { { 0.004F, ",\"anomaly\":{\"p_value\":0.004}}" },
                  { 1, ",\"anomaly\":{\"p_value\":1}}" },
                  { NAN, ",\"anomaly\":null}" } };
    struct setup s;
    setup_init(&s, model_weather());
    double x[] = { 21.4F, 0.5F }, y[] = { 21.5F }, by_output[] = { 0.002F };
    for (size_t k = 0; k < N_OF(cases); k++) {
        struct step step = done_step(&s, x, y);
        step.anomaly_p = cases[k].p;
        codec_put_step(&s.text, &step);
        ck_assert_ptr_null(strstr(setup_text(&s), "anomaly"));
        step.forecast_options.parts = TAIL_ANOMALY;
        codec_put_step(&s.text, &step);
        ck_assert_ptr_nonnull(strstr(setup_text(&s), cases[k].text));
    }
    struct step step = done_step(&s, x, y);
    step.forecast_options.parts = TAIL_ANOMALY;
    step.anomaly_p = 0.004F;
    step.anomaly_by_output = by_output;
    codec_put_step(&s.text, &step);
    ck_assert_ptr_nonnull(
        strstr(setup_text(&s), ",\"anomaly\":{\"p_value\":0.004,\"by_output\":{\"temp\":0.002}}}"));
    setup_done(&s);
}

TEST(what_a_forecast_is_mixed_of_is_answered_where_it_is_asked_for)
{
    struct setup s;
    setup_init(&s, model_weather());
    double x[] = { 21.4F, 0.5F }, y[] = { 21.5F };
    struct step step = done_step(&s, x, y);
    step.blend = (struct blend_reply){ .is_told = false, .weights = { 0.5, 0.25, 0.125, 0.125 } };
    codec_put_step(&s.text, &step);
    ck_assert_ptr_null(strstr(setup_text(&s), "blend"));
    step.blend.is_told = true;
    codec_put_step(&s.text, &step);
    ck_assert_ptr_nonnull(strstr(setup_text(&s), ",\"blend\":{\"weights\":{\"model\":0.5,"
                                                 "\"persistence\":0.25,\"level\":0.125}}}"));
    step.blend.has_seasonal = true;
    codec_put_step(&s.text, &step);
    ck_assert_ptr_nonnull(strstr(setup_text(&s), "\"seasonal_naive\":0.125,\"level\":0.125}}}"));
    setup_done(&s);
}
