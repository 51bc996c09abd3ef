/* What those who listen to sessions are told, and pages of readings. */
#include "codec_support.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const double x[] = { 21.4F, NAN, 1, 2, 3, 4 }, y[] = { 21.5F, 22.5F };

static void expect_event(struct setup *s, const struct step *step, const char *due)
{
    const char *json;
    size_t n;
    ck_assert(codec_print_step_event(step, &s->arena, &json, &n));
    ck_assert_uint_eq(n, strlen(due));
    ck_assert_msg(memcmp(json, due, n) == 0, "%.*s", (int)n, json);
}

TEST(a_step_is_told_as_it_is_answered_with_its_reading)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct step step = { .arena = &s.arena,
                         .model = &s.model,
                         .session = "pump-7",
                         .x = x,
                         .is_done = true,
                         .number = 1042,
                         .version = 3,
                         .y = y };
    expect_event(&s, &step,
                 "{\"session\":\"pump-7\",\"step\":1042,\"version\":3,\"y\":[21.5],"
                 "\"missing\":[\"humidity\"],\"x\":[21.4,null],\"at\":null}");
    step.has_at = true;
    step.at = 1763668800.25;
    step.x = x + 2;
    step.amended = 1040;
    expect_event(&s, &step,
                 "{\"session\":\"pump-7\",\"step\":1042,\"version\":3,\"y\":[21.5],"
                 "\"amended\":1040,\"x\":[1,2],\"at\":1763668800.25}");
    struct arena none;
    const char *json;
    size_t n;
    arena_init(&none, 0);
    ck_assert(!codec_print_step_event(&step, &none, &json, &n));
    arena_done(&none);
    setup_done(&s);
}

static struct session_history history_of(struct setup *s, struct session_reading *readings,
                                         size_t n)
{
    return (struct session_history){
        .gru = s->model.active->gru, .step = 9, .y = y + 1, .readings = readings, .n = n
    };
}

TEST(a_page_of_readings_says_null_where_nothing_is_known)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct session_reading readings[] = { { .step = 8, .at = NAN, .x = x, .y = NULL },
                                          { .step = 9, .at = 1000.5, .x = x + 2, .y = y } };
    struct session_history history = history_of(&s, readings, 2);
    codec_put_readings(&s.text, &history);
    ck_assert_str_eq(setup_text(&s), "{\"readings\":["
                                     "{\"step\":8,\"at\":null,\"x\":[21.4,null],\"y\":null},"
                                     "{\"step\":9,\"at\":1000.5,\"x\":[1,2],\"y\":[21.5]}"
                                     "],\"has_more\":false}");
    history.n = 0;
    history.has_more = true;
    codec_put_readings(&s.text, &history);
    ck_assert_str_eq(setup_text(&s), "{\"readings\":[],\"has_more\":true}");
    setup_done(&s);
}

/* What was forecast after a step stands with the next reading, if that is there. */
TEST(a_step_that_was_made_before_is_told_as_far_as_it_is_known)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct session_reading readings[] = { { .step = 5, .at = 7, .x = x + 2, .y = NULL },
                                          { .step = 8, .at = NAN, .x = x + 4, .y = y + 1 },
                                          { .step = 9, .at = NAN, .x = x, .y = y } };
    struct session_history history = history_of(&s, readings, 3);
    codec_put_past_step(&s.text, "s", &history, 0);
    ck_assert_str_eq(setup_text(&s),
                     "{\"session\":\"s\",\"step\":5,\"y\":null,\"x\":[1,2],\"at\":7}");
    codec_put_past_step(&s.text, "s", &history, 1);
    ck_assert_str_eq(setup_text(&s),
                     "{\"session\":\"s\",\"step\":8,\"y\":[21.5],\"x\":[3,4],\"at\":null}");
    codec_put_past_step(&s.text, "s", &history, 2);
    ck_assert_str_eq(setup_text(&s),
                     "{\"session\":\"s\",\"step\":9,\"y\":[22.5],\"x\":[21.4,null],\"at\":null}");
    history.step = 10; /* of which nothing is kept */
    codec_put_past_step(&s.text, "s", &history, 2);
    ck_assert_ptr_nonnull(strstr(setup_text(&s), "\"step\":9,\"y\":null,"));
    setup_done(&s);
}

TEST(ends_and_gaps_are_told_as_documented)
{
    struct setup s;
    const uint64_t after = 57;
    setup_init(&s, model_weather());
    codec_put_session_end(&s.text, "s", SESSION_EXPIRED);
    ck_assert_str_eq(setup_text(&s), "{\"session\":\"s\",\"reason\":\"expired\"}");
    codec_put_session_gap(&s.text, "s", &after, 1201);
    ck_assert_str_eq(setup_text(&s), "{\"session\":\"s\",\"after\":57,\"next\":1201}");
    codec_put_session_gap(&s.text, "s", NULL, 3);
    ck_assert_str_eq(setup_text(&s), "{\"session\":\"s\",\"after\":null,\"next\":3}");
    codec_put_session_gap(&s.text, NULL, NULL, 0);
    ck_assert_str_eq(setup_text(&s), "{\"session\":null,\"after\":null,\"next\":null}");
    setup_done(&s);
}

static void put_page(struct text *text, const void *what)
{
    codec_put_readings(text, what);
}

static void put_past(struct text *text, const void *what)
{
    codec_put_past_step(text, "s", what, 0);
}

/* The longest numbers stay within what is reserved. */
TEST(the_longest_readings_fit)
{
    struct setup s;
    double all[N_WIDE];
    setup_init(&s, model_wide());
    for (size_t k = 0; k < N_WIDE; k++) {
        all[k] = -1.1754945e-38F;
    }
    struct session_reading readings[] = {
        { .step = INT64_MAX, .at = -2.2250738585072014e-308, .x = all, .y = all },
        { .step = INT64_MAX, .at = -2.2250738585072014e-308, .x = all, .y = all }
    };
    struct session_history history = history_of(&s, readings, 2);
    history.y = all;
    setup_put_tightly(&s, put_page, &history);
    setup_put_tightly(&s, put_past, &history);
    setup_done(&s);
}
