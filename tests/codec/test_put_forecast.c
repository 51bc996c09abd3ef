/* Forecasts as records: their times, names, and the room that they take. */
#include "codec/put_forecast.h"

#include "codec_support.h"

#include <math.h>
#include <string.h>

#define TIMED                                                                                      \
    "{\"interval_seconds\":600,\"inputs\":[{\"name\":\"temp\"},{\"name\":\"wind\"}],"              \
    "\"outputs\":[{\"name\":\"temp\"},{\"name\":\"wind\"}]}"

static const struct forecast_options as_records = { .horizon = 2, .as_records = true };

static struct step done_step(struct setup *s, const double *x, const double *y,
                             const double *forecast)
{
    return (struct step){ .arena = &s->arena,
                          .model = &s->model,
                          .session = "s",
                          .x = x,
                          .forecast_options = as_records,
                          .has_at = true,
                          .at = 1763668800,
                          .is_done = true,
                          .number = 1,
                          .version = 3,
                          .y = y,
                          .forecast = forecast,
                          .n_forecast = 2 };
}

TEST(a_step_is_answered_with_records)
{
    struct setup s;
    setup_init(&s, model_described(2, 2, TIMED));
    const double x[] = { 1, 2 }, y[] = { 21.5F, 3 }, forecast[] = { 21.5F, 3, 22, NAN };
    struct step step = done_step(&s, x, y, forecast);
    codec_put_step(&s.text, &step);
    ck_assert_str_eq(setup_text(&s),
                     "{\"session\":\"s\",\"step\":1,\"version\":3,\"y\":[21.5,3],\"forecast\":["
                     "{\"time\":1763669400,\"ahead\":1,\"temp\":21.5,\"wind\":3},"
                     "{\"time\":1763670000,\"ahead\":2,\"temp\":22,\"wind\":null}]}");
    step.amended = 1; /* the newest reading is another one */
    step.last_at = 1763672400.5;
    codec_put_step(&s.text, &step);
    ck_assert_ptr_nonnull(strstr(setup_text(&s), "{\"time\":1763673000.5,\"ahead\":1,"));
    setup_done(&s);
}

TEST(bounds_are_records_too)
{
    struct setup s;
    setup_init(&s, model_described(2, 2, TIMED));
    const double x[] = { 1, 2 }, y[] = { 1, 2 };
    double lower[] = { 0, 1 }, upper[] = { 2, NAN };
    double coverage[] = { 0.5 };
    uint64_t observed[] = { 7 };
    struct interval_reply of[] = {
        { .level = 0.9, .lower = lower, .upper = upper, .coverage = coverage, .observed = observed }
    };
    struct step step = done_step(&s, x, y, NULL);
    step.n_forecast = 0;
    step.intervals = (struct interval_replies){ 1, 1, 2, of };
    codec_put_step(&s.text, &step);
    ck_assert_str_eq(setup_text(&s),
                     "{\"session\":\"s\",\"step\":1,\"version\":3,\"y\":[1,2],\"intervals\":["
                     "{\"level\":0.9,"
                     "\"lower\":[{\"time\":1763669400,\"ahead\":1,\"temp\":0,\"wind\":1}],"
                     "\"upper\":[{\"time\":1763669400,\"ahead\":1,\"temp\":2,\"wind\":null}],"
                     "\"coverage\":[0.5],\"observed\":[7],\"saturated\":false}]}");
    setup_done(&s);
}

TEST(without_an_interval_there_is_no_time)
{
    struct setup s;
    setup_init(&s, model_closed());
    double forecast[] = { 1, 2 };
    struct session_forecast answer = {
        .prediction = { .gru = s.model.active->gru, .version = 3 },
        .sequence = { .forecast_options = as_records, .forecast = forecast, .n_forecast = 2 },
        .step = 9,
        .last_at = 1763668800
    };
    codec_put_forecast(&s.text, "s", &answer);
    ck_assert_str_eq(setup_text(&s), "{\"session\":\"s\",\"step\":9,\"version\":3,\"forecast\":["
                                     "{\"time\":null,\"ahead\":1,\"temp\":1},"
                                     "{\"time\":null,\"ahead\":2,\"temp\":2}]}");
    setup_done(&s);
}

TEST(a_sequence_has_its_own_time)
{
    struct setup s;
    setup_init(&s, model_described(2, 2, TIMED));
    double y[] = { 1, 2 }, forecast[] = { 3, 4 };
    struct sequence sequence = {
        .n_rows = 1,
        .y = y,
        .forecast_options = { .as_records = true, .has_at = true, .at = 1000 },
        .forecast = forecast,
        .n_forecast = 1
    };
    struct prediction p = {
        .gru = s.model.active->gru, .version = 3, .n_sequences = 1, .sequences = &sequence
    };
    codec_put_prediction(&s.text, s.model.name, &p);
    ck_assert_str_eq(setup_text(&s),
                     "{\"model\":\"weather\",\"version\":3,\"y\":[[1,2]],\"forecast\":["
                     "{\"time\":1600,\"ahead\":1,\"temp\":3,\"wind\":4}]}");
    setup_done(&s);
}

static void put_step(struct text *text, const void *step)
{
    codec_put_step(text, step);
}

/* The longest names and numbers fit into what codec_step_bytes_max says before the step is done. */
TEST(records_take_no_more_than_was_reserved)
{
    enum { ROWS = 5 };
    struct setup s;
    setup_init(&s, model_wide());
    double x[N_WIDE], rows[ROWS * N_WIDE];
    for (size_t k = 0; k < ROWS * N_WIDE; k++) {
        rows[k] = -1.1754944e-38F;
    }
    memset(x, 0, sizeof x);
    struct step step = done_step(&s, x, rows, rows);
    const struct explain_wish wish = { .output = N_WIDE - 1, .ahead = ROWS };
    const double most_digits = -1.2345678901234567e-300;
    const struct gru_explanation explanation = { most_digits, most_digits, most_digits,
                                                 most_digits, rows,        0 };
    step.forecast_options.explain = &wish;
    step.explanation = &explanation;
    step.at = -99999999999.12345;
    step.n_forecast = step.forecast_options.horizon = ROWS;
    step.is_done = false;
    const size_t most = codec_step_bytes_max(&step);
    step.is_done = true;
    ck_assert_uint_le(setup_put_tightly(&s, put_step, &step), most);
    setup_done(&s);
}
