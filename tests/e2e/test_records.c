/* Forecasts as records, over every request that may ask for them. */
#include "daemon.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MODEL   "/v1/models/timed"
#define SESSION MODEL "/sessions/s"

#define SERIES "[[1,2],[2,3],[3,4],[4,5],[5,6],[6,7],[7,8],[8,9],[9,8],[8,7]]"

static struct daemon start(void)
{
    static const char *const timed[] = { "--inputs",           "temp,wind", "--outputs",
                                         "temp,wind",          "--layers",  "4",
                                         "--interval-seconds", "600",       NULL };
    static const char *const untimed[] = { "--inputs", "temp", "--outputs", "temp",
                                           "--layers", "4",    NULL };
    static const char *const clash[] = { "--inputs", "time", "--outputs", "time",
                                         "--layers", "4",    NULL };
    struct daemon daemon = daemon_start((const char *const[]){ "--amend", "yes", NULL });
    daemon_add_model(&daemon, "timed", timed);
    daemon_add_model(&daemon, "untimed", untimed);
    daemon_add_model(&daemon, "clash", clash);
    return daemon;
}

/* The numbers of a text one behind the other: what arrays and records of the same rows share is
 * what is left when times and `ahead` are left out. */
static size_t values_of(const char *text, double *values, size_t size)
{
    size_t n = 0;
    for (const char *p = text; (p = strpbrk(p, "-0123456789"));) {
        char *end;
        ck_assert_uint_lt(n, size);
        values[n++] = strtod(p, &end);
        p = end;
    }
    return n;
}

TEST(records_say_what_arrays_say)
{
    enum { H = 3 };
    static const struct {
        const char *path, *body;
    } rows[] = {
        { SESSION "/step", "{\"x\":[1,2],\"at\":1763668800,\"horizon\":3" },
        { SESSION "/forecast", "{\"horizon\":3" },
        { MODEL "/predict", "{\"x\":" SERIES ",\"horizon\":3" },
    };
    struct daemon daemon = start();
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        char arrays[512], records[512];
        double plain[2 * H + 1], named[4 * H + 1];
        snprintf(arrays, sizeof arrays, "%s,\"as\":\"arrays\"}", rows[k].body);
        snprintf(records, sizeof records, "%s,\"as\":\"records\"}", rows[k].body);
        struct answer a = request(&daemon, "POST", rows[k].path, arrays);
        struct answer r = request(&daemon, "POST", rows[k].path, records);
        ck_assert_msg(a.code == 200 && r.code == 200, "%s: %s %s", rows[k].path, a.body, r.body);
        ck_assert_uint_eq(values_of(strstr(a.body, "\"forecast\""), plain, 2 * H + 1), 2 * H);
        ck_assert_uint_eq(values_of(strstr(r.body, "\"forecast\""), named, 4 * H + 1), 4 * H);
        for (size_t row = 0; row < H; row++) {
            ck_assert_double_eq(named[4 * row + 1], (double)row + 1);
            ck_assert_double_eq(named[4 * row + 2], plain[2 * row]);
            ck_assert_double_eq(named[4 * row + 3], plain[2 * row + 1]);
        }
        answer_free(&a);
        answer_free(&r);
    }
    daemon_stop(&daemon);
}

TEST(times_go_on_from_the_last_reading)
{
    struct daemon daemon = start();
    expect(&daemon, "POST", SESSION "/step",
           "{\"x\":[1,2],\"at\":\"2025-11-20T20:00:00Z\",\"horizon\":2,\"as\":\"records\"}", 200,
           "{\"time\":1763669400,\"ahead\":1,\"temp\":");
    expect(&daemon, "POST", SESSION "/forecast", "{\"horizon\":2,\"as\":\"records\"}", 200,
           "{\"time\":1763670000,\"ahead\":2,\"temp\":");
    expect(&daemon, "POST", SESSION "/step", "{\"x\":[1,2],\"at\":1763669400}", 200, NULL);
    expect(&daemon, "POST", SESSION "/step", "{\"x\":[1,2],\"at\":1763670000}", 200, NULL);
    /* a corrected reading: the reply is of the newest one */
    expect(&daemon, "POST", SESSION "/step",
           "{\"x\":[5,6],\"at\":1763669400,\"late\":\"amend\",\"horizon\":1,\"as\":\"records\"}",
           200, "{\"time\":1763670600,\"ahead\":1,\"temp\":");
    expect(&daemon, "POST", MODEL "/predict",
           "{\"x\":" SERIES ",\"at\":1000,\"horizon\":1,\"as\":\"records\"}", 200,
           "\"forecast\":[{\"time\":1600,\"ahead\":1,\"temp\":");
    expect(&daemon, "POST", MODEL "/predict",
           "{\"instances\":[{\"x\":" SERIES "},{\"x\":" SERIES
           ",\"at\":2000}],\"horizon\":1,\"as\":\"records\"}",
           200, "\"forecast\":[{\"time\":2600,\"ahead\":1,\"temp\":");
    expect(&daemon, "POST", MODEL "/steps",
           "{\"steps\":[{\"session\":\"t\",\"x\":[1,2],\"at\":3000,\"horizon\":1,\"as\":"
           "\"records\"}]}",
           200, "\"forecast\":[{\"time\":3600,\"ahead\":1,\"temp\":");
    expect(&daemon, "POST", "/v1/models/untimed/sessions/s/step",
           "{\"x\":[1],\"at\":1763668800,\"horizon\":1,\"as\":\"records\"}", 200,
           "{\"time\":null,\"ahead\":1,\"temp\":");
    daemon_stop(&daemon);
}

/* Readings without a time are of now. */
TEST(without_a_time_they_go_on_from_now)
{
    static const char *const bodies[][2] = {
        { SESSION "/step", "{\"x\":[1,2],\"horizon\":1,\"as\":\"records\"}" },
        { SESSION "/forecast", "{\"horizon\":1,\"as\":\"records\"}" },
        { MODEL "/predict", "{\"x\":" SERIES ",\"horizon\":1,\"as\":\"records\"}" },
    };
    struct daemon daemon = start();
    for (size_t k = 0; k < sizeof bodies / sizeof *bodies; k++) {
        const double before = (double)time(NULL);
        struct answer answer = request(&daemon, "POST", bodies[k][0], bodies[k][1]);
        ck_assert_int_eq(answer.code, 200);
        const double at = number_in(answer.body, "time") - 600;
        ck_assert_msg(at >= before - 1 && at <= (double)time(NULL) + 1, "%f", at);
        answer_free(&answer);
    }
    daemon_stop(&daemon);
}

TEST(bounds_are_records_with_the_same_times)
{
    struct daemon daemon = start();
    expect(&daemon, "POST", SESSION "/step",
           "{\"x\":[1,2],\"at\":1763668800,\"level\":0.9,\"as\":\"records\"}", 200,
           "\"lower\":[{\"time\":1763669400,\"ahead\":1,\"temp\":null,\"wind\":null}],\"upper\":[{"
           "\"time\":1763669400,");
    expect(&daemon, "POST", MODEL "/predict",
           "{\"x\":" SERIES ",\"at\":0,\"level\":0.9,\"horizon\":2,\"as\":\"records\"}", 200,
           ",\"upper\":[{\"time\":600,\"ahead\":1,\"temp\":");
    daemon_stop(&daemon);
}

TEST(what_cannot_be_a_record_is_refused)
{
    struct daemon daemon = start();
    expect(&daemon, "POST", SESSION "/step", "{\"x\":[1,2],\"as\":\"rows\"}", 400,
           "\"message\":\"as must be \\\"arrays\\\" or \\\"records\\\"\",\"param\":\"as\"");
    expect(&daemon, "POST", SESSION "/forecast", "{\"horizon\":1,\"as\":null}", 400,
           "\"param\":\"as\"");
    expect(&daemon, "POST", "/v1/models/clash/sessions/s/step",
           "{\"x\":[1],\"horizon\":1,\"as\":\"records\"}", 422,
           "\"code\":\"records_not_supported\"");
    expect(&daemon, "POST", "/v1/models/clash/predict", "{\"x\":[[1]],\"as\":\"records\"}", 422,
           "\"param\":\"as\"");
    expect(&daemon, "GET", "/v1/models/clash/sessions/s", NULL, 404, NULL);
    expect(&daemon, "POST", "/v1/models/clash/sessions/s/step",
           "{\"x\":[1],\"horizon\":1,\"as\":\"arrays\"}", 200, "\"forecast\":[[");
    daemon_stop(&daemon);
}
