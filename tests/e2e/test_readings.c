/* What a session took in and what had been forecast for it then, over HTTP. */
#include "daemon.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL    "/v1/models/pump"
#define SESSION  MODEL "/sessions/s"
#define READINGS SESSION "/readings"

enum { N = 20, Y_SIZE = 64 };

static struct daemon start(const char *const *options)
{
    struct daemon daemon = daemon_start(options);
    daemon_add_model(&daemon, "pump",
                     (const char *const[]){ "--inputs", "temp,load", "--outputs", "temp",
                                            "--layers", "8", NULL });
    return daemon;
}

/* The text of `"y":[...]` in the reply to a step. */
static void step(const struct daemon *daemon, int k, char y[Y_SIZE])
{
    char body[128];
    snprintf(body, sizeof body, "{\"x\":[%d.5,null],\"seq\":%d,\"at\":%d}", k % 7, k, 1000 + k);
    struct answer answer = request(daemon, "POST", SESSION "/step", body);
    ck_assert_msg(answer.code == 200, "%s", answer.body);
    const char *at = strstr(answer.body, "\"y\":");
    ck_assert_ptr_nonnull(at);
    snprintf(y, Y_SIZE, "%.*s", (int)(strchr(at, ']') - at + 1), at);
    answer_free(&answer);
}

/* Readings first..last as they must be shown; y[k] is what was forecast after step k. */
static void print_due(char *text, size_t size, int first, int last, bool has_more, char y[][Y_SIZE])
{
    size_t n = (size_t)snprintf(text, size, "{\"readings\":[");
    for (int k = first; k <= last; k++) {
        n += (size_t)snprintf(text + n, size - n, "%s{\"step\":%d,\"at\":%d,\"x\":[%d.5,null],%s}",
                              k > first ? "," : "", k, 1000 + k, k % 7,
                              k > 1 ? y[k - 1] : "\"y\":null");
    }
    snprintf(text + n, size - n, "],\"has_more\":%s}", has_more ? "true" : "false");
}

static void expect_page(const struct daemon *daemon, const char *query, int first, int last,
                        bool has_more, char y[][Y_SIZE])
{
    char path[128], due[4096];
    snprintf(path, sizeof path, READINGS "%s", query);
    print_due(due, sizeof due, first, last, has_more, y);
    struct answer answer = request(daemon, "GET", path, NULL);
    ck_assert_int_eq(answer.code, 200);
    ck_assert_str_eq(answer.body, due);
    answer_free(&answer);
}

TEST(a_page_is_what_was_answered_then)
{
    static char y[N + 1][Y_SIZE];
    const char *const options[] = { "--record", "1000", "--session-history", "4", NULL };
    struct daemon daemon = start(options);
    for (int k = 1; k <= N; k++) {
        step(&daemon, k, y[k]);
    }
    expect_page(&daemon, "", 1, N, false, y);
    expect_page(&daemon, "?limit=3", N - 2, N, true, y);
    expect_page(&daemon, "?limit=3&before=8", 5, 7, true, y);
    expect_page(&daemon, "?before=4", 1, 3, false, y);
    expect_page(&daemon, "?before=1", 1, 0, false, y);
    expect_page(&daemon, "?before=9007199254740991&limit=1000", 1, N, false, y);
    ck_assert_int_eq(daemon_end(&daemon), 0);
    daemon_start_again(&daemon, options);
    expect_page(&daemon, "", 1, N, false, y);
    daemon_stop(&daemon);
}

/* Killed, the session has all that was acknowledged; what had been forecast and was not yet written
 * is made up by a replay, or is said not to be known. */
TEST(after_a_kill_no_reading_is_missing)
{
    static char y[N + 1][Y_SIZE];
    const char *const options[] = { "--record", "1000", NULL };
    struct daemon daemon = start(options);
    for (int k = 1; k <= N; k++) {
        step(&daemon, k, y[k]);
    }
    daemon_kill(&daemon);
    daemon_start_again(&daemon, options);
    struct answer answer = request(&daemon, "GET", READINGS, NULL);
    ck_assert_int_eq(answer.code, 200);
    for (int k = 1; k <= N; k++) {
        char due[128];
        snprintf(due, sizeof due, "\"x\":[%d.5,null],%s}", k % 7, k > 1 ? y[k - 1] : "\"y\":null");
        ck_assert_msg(strstr(answer.body, due) != NULL, "no %s in %s", due, answer.body);
    }
    answer_free(&answer);
    daemon_stop(&daemon);
}

TEST(what_cannot_be_shown_is_refused_by_its_name)
{
    static const struct {
        const char *query, *text;
    } bad[] = {
        { "?limit=0", "\"message\":\"limit is a number from 1 to 1000\",\"param\":\"limit\"" },
        { "?limit=1001", "\"param\":\"limit\"" },
        { "?limit=x", "\"param\":\"limit\"" },
        { "?limit=-1", "\"param\":\"limit\"" },
        { "?limit=", "\"param\":\"limit\"" },
        { "?before=0", "from 1 to 9007199254740991\",\"param\":\"before\"" },
        { "?before=-3", "\"param\":\"before\"" },
        { "?before=1.5", "\"param\":\"before\"" },
        { "?before=9007199254740992", "\"param\":\"before\"" },
        { "?before=99999999999999999999999", "\"param\":\"before\"" },
        { "?before=", "\"param\":\"before\"" },
        { "?after=3", "after" },
    };
    struct daemon daemon = start((const char *const[]){ "--session-ttl", "1", NULL });
    expect(&daemon, "GET", READINGS, NULL, 404, "session_not_found");
    expect(&daemon, "GET", "/v1/models/none/sessions/s/readings", NULL, 404, "model_not_found");
    expect(&daemon, "PUT", SESSION, "{\"ttl\":1000}", 201, NULL);
    expect(&daemon, "GET", READINGS, NULL, 200, "{\"readings\":[],\"has_more\":false}");
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        char path[160];
        snprintf(path, sizeof path, READINGS "%s", bad[k].query);
        expect(&daemon, "GET", path, NULL, 400, bad[k].text);
    }
    expect(&daemon, "POST", MODEL "/sessions/short/step", "{\"x\":[1,2]}", 200, NULL);
    struct answer gone = { 0 };
    do {
        answer_free(&gone);
        gone = request(&daemon, "GET", MODEL "/sessions/short/readings", NULL);
    } while (gone.code == 200);
    ck_assert_int_eq(gone.code, 410);
    ck_assert_ptr_nonnull(strstr(gone.body, "session_expired"));
    answer_free(&gone);
    daemon_stop(&daemon);
}
