/* What clients get wrong stands in the log, in few lines, also when grud ends. */
#include "daemon.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP "/v1/models/torch-stacked/sessions/pump-7/step"

/* The sum of the numbers behind "name=" in the lines of the log. */
static long sum_of(const char *log, const char *name)
{
    char key[32];
    long sum = 0;
    snprintf(key, sizeof key, " %s=", name);
    for (const char *line = strstr(log, "client_errors"); line;
         line = strstr(line + 1, "client_errors")) {
        const char *end = strchr(line, '\n'), *value = strstr(line, key);
        sum += value && end && value < end ? strtol(value + strlen(key), NULL, 10) : 0;
    }
    return sum;
}

TEST(wrong_requests_are_counted_in_the_log_with_an_example)
{
    char log[16384];
    struct daemon daemon = daemon_start(NULL);
    expect(&daemon, "GET", "/healthz", NULL, 200, NULL);
    expect(&daemon, "POST", STEP, "{\"x\":[1,2,3,None,5]}", 400, "send null");
    daemon_wait_log(&daemon, "client_errors requests=1 400=1 method=POST path=" STEP " status=400",
                    log, sizeof log);
    ck_assert_ptr_nonnull(strstr(log, "reason=\"x[3] is None, which is not JSON: send null"));
    for (int k = 0; k < 20; k++) {
        expect(&daemon, "GET", "/nowhere", NULL, 404, NULL);
        expect(&daemon, "POST", STEP, "{\"x\":[1]}", 400, NULL);
        expect(&daemon, "GET", "/v1", NULL, 200, NULL);
    }
    ck_assert_int_eq(daemon_end(&daemon), 0);
    daemon_wait_log(&daemon, " info stopped", log, sizeof log);
    ck_assert_int_eq(sum_of(log, "requests"), 41);
    ck_assert_int_eq(sum_of(log, "404"), 20);
    ck_assert_int_eq(sum_of(log, "400"), 21);
    daemon_remove(&daemon);
}
