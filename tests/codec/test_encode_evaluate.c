/* The reply of evaluate. */
#include "codec_support.h"

#include <math.h>
#include <string.h>

/* Two windows of two outputs, by hand. */
static struct evaluation judged(struct setup *s, double level)
{
    static const double values[] = { 1, 10, 2, 20, 4, NAN };
    static const double forecasts[] = { 2, 24, 3, 16 };
    struct evaluation evaluation = { .prediction = { .gru = s->model.active->gru, .version = 3 } };
    evaluation.back_test = (struct back_test){
        .values = values, .n_values = 3, .n_outputs = 2, .horizon = 1, .season = 2, .level = level
    };
    ck_assert(back_test_begin(&evaluation.back_test, &s->arena));
    back_test_take(&evaluation.back_test, forecasts);
    back_test_take(&evaluation.back_test, forecasts + 2);
    return evaluation;
}

static struct gru_model *two_outputs(void)
{
    return model_described(1, 2,
                           "{\"inputs\":[{\"name\":\"t\"}],"
                           "\"outputs\":[{\"name\":\"t\"},{\"name\":\"u\"}]}");
}

TEST(an_evaluation_is_answered_as_documented)
{
    struct setup s;
    setup_init(&s, two_outputs());
    const struct evaluation evaluation = judged(&s, 0.0);
    codec_put_evaluation(&s.text, "m", &evaluation);
    const char *text = setup_text(&s);
    static const char *const parts[] = {
        "{\"model\":\"m\",\"version\":3,\"windows\":2,\"horizon\":1,\"season\":2,\"level\":null,"
        "\"n\":3,\"mae\":2.25,\"rmse\":",
        /* t: 0 and 1 beside 1 and 2 of persistence; u: 4 beside 10. */
        "\"skill_vs_persistence\":0.633333",
        "\"coverage\":null,\"mean_width\":null,\"interval_score\":null,\"pinball\":null,"
        "\"n_intervals\":0,\"by_horizon\":[{\"ahead\":1,\"n\":3,\"mae\":2.25,",
        "}],\"by_output\":[{\"output\":\"t\",\"n\":2,\"mae\":0.5,",
        "},{\"output\":\"u\",\"n\":1,\"mae\":4,\"rmse\":4,\"smape\":18.18181",
        "\"rse\":null,\"corr\":null,",
        "\"n_intervals\":0}]}",
    };
    for (size_t k = 0; k < N_OF(parts); k++) {
        ck_assert_msg(strstr(text, parts[k]) != NULL, "no %s in %s", parts[k], text);
    }
    setup_done(&s);
}

TEST(every_measure_has_its_word_in_each_row)
{
    struct setup s;
    setup_init(&s, two_outputs());
    const struct evaluation evaluation = judged(&s, 0.9);
    codec_put_evaluation(&s.text, "m", &evaluation);
    const char *text = setup_text(&s);
    ck_assert_ptr_nonnull(strstr(text, ",\"level\":0.9,"));
    for (enum error_measure m = 0; m < ERROR_N_MEASURES; m++) {
        char word[48];
        size_t n = 0;
        snprintf(word, sizeof word, "\"%s\":", error_measure_word(m));
        for (const char *at = text; (at = strstr(at, word)); at++) {
            n++;
        }
        ck_assert_uint_eq(n, 1 + 1 + 2);
    }
    setup_done(&s);
}

static void put(struct text *text, const void *what)
{
    codec_put_evaluation(text, "weather", what);
}

TEST(a_reply_has_room_for_the_longest_names_and_numbers)
{
    struct setup s;
    setup_init(&s, model_wide());
    double values[2 * N_WIDE], forecasts[N_WIDE];
    for (int k = 0; k < N_WIDE; k++) {
        values[k] = -1.2345678e-37F;
        values[N_WIDE + k] = 3.4028234e38F;
        forecasts[k] = -3.4028234e38F;
    }
    struct evaluation evaluation = { .prediction = { .gru = s.model.active->gru,
                                                     .version = UINT32_MAX } };
    evaluation.back_test = (struct back_test){ .values = values,
                                               .n_values = 2,
                                               .n_outputs = N_WIDE,
                                               .horizon = 1,
                                               .level = 0.12345678901234567 };
    ck_assert(back_test_begin(&evaluation.back_test, &s.arena));
    back_test_take(&evaluation.back_test, forecasts);
    ck_assert_uint_gt(setup_put_tightly(&s, put, &evaluation), 10000);
    setup_done(&s);
}
