/* What outlives the process, and how it starts and ends. */
#include "daemon.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODEL "/v1/models/torch-stacked"

static void step_all(const struct daemon *daemon, int n_steps, int from)
{
    char path[128], body[160];
    for (int k = from; k < from + n_steps; k++) {
        snprintf(path, sizeof path, MODEL "/sessions/s%d/step", k % 5);
        snprintf(body, sizeof body, "{\"x\":[%d,0.2,%s,0.4,0.5],\"seq\":%d}", k % 7, k % 3 ? "0.3" : "null",
                 k / 5 + 1);
        expect(daemon, "POST", path, body, 200, NULL);
    }
}

static char *next_answer(const struct daemon *daemon, int session)
{
    char path[128];
    snprintf(path, sizeof path, MODEL "/sessions/s%d/step", session);
    struct answer answer = request(daemon, "POST", path, "{\"x\":[1,2,3,4,5],\"horizon\":1}");
    ck_assert_int_eq(answer.code, 200);
    char *body = strdup(answer.body);
    answer_free(&answer);
    return body;
}

TEST(killed_and_restarted_is_undisturbed)
{
    struct daemon killed = daemon_start(NULL);
    struct daemon twin = daemon_start(NULL);
    step_all(&killed, 60, 0);
    daemon_kill(&killed);
    daemon_start_again(&killed, NULL);
    step_all(&killed, 60, 60);
    daemon_kill(&killed);
    daemon_start_again(&killed, NULL);
    step_all(&twin, 120, 0);
    for (int k = 0; k < 5; k++) {
        char *one = next_answer(&killed, k);
        char *other = next_answer(&twin, k);
        ck_assert_str_eq(one, other);
        free(one);
        free(other);
    }
    daemon_stop(&killed);
    daemon_stop(&twin);
}

TEST(a_repeated_seq_is_answered_alike_after_a_kill)
{
    struct daemon daemon = daemon_start((const char *const[]){ "--sync-interval-ms", "0", NULL });
    static const char body[] = "{\"x\":[1,2,3,4,5],\"seq\":1}";
    struct answer first = request(&daemon, "POST", MODEL "/sessions/a/step", body);
    daemon_kill(&daemon);
    daemon_start_again(&daemon, NULL);
    struct answer second = request(&daemon, "POST", MODEL "/sessions/a/step", body);
    ck_assert_int_eq(first.code, 200);
    ck_assert_str_eq(first.body, second.body);
    expect(&daemon, "POST", MODEL "/sessions/a/step", "{\"x\":[9,2,3,4,5],\"seq\":1}", 409, "\"expected\":2");
    answer_free(&first);
    answer_free(&second);
    daemon_stop(&daemon);
}

TEST(expired_and_evicted_sessions_are_gone_with_the_reason)
{
    struct daemon daemon =
        daemon_start((const char *const[]){ "--session-max", "2", "--session-full", "evict", NULL });
    expect(&daemon, "POST", MODEL "/sessions/a/step", "{\"x\":[1,2,3,4,5]}", 200, NULL);
    usleep(5000);
    expect(&daemon, "POST", MODEL "/sessions/b/step", "{\"x\":[1,2,3,4,5]}", 200, NULL);
    usleep(5000);
    expect(&daemon, "POST", MODEL "/sessions/c/step", "{\"x\":[1,2,3,4,5]}", 200, NULL);
    expect(&daemon, "GET", MODEL "/sessions/a", NULL, 410, "session_evicted");
    expect(&daemon, "PUT", MODEL "/sessions/b", "{\"ttl\":1}", 200, NULL);
    usleep(1300000);
    expect(&daemon, "POST", MODEL "/sessions/b/step", "{\"x\":[1,2,3,4,5]}", 410, "(ttl 1 s)");
    expect(&daemon, "DELETE", MODEL "/sessions/b", NULL, 204, NULL);
    expect(&daemon, "POST", MODEL "/sessions/b/step", "{\"x\":[1,2,3,4,5]}", 200, "\"step\":1");
    daemon_stop(&daemon);
}

TEST(a_full_pool_refuses_new_sessions)
{
    struct daemon daemon = daemon_start((const char *const[]){ "--session-max", "1", NULL });
    expect(&daemon, "POST", MODEL "/sessions/a/step", "{\"x\":[1,2,3,4,5]}", 200, NULL);
    struct answer answer = request(&daemon, "POST", MODEL "/sessions/b/step", "{\"x\":[1,2,3,4,5]}");
    ck_assert_int_eq(answer.code, 503);
    ck_assert_ptr_nonnull(strstr(answer.body, "sessions_full"));
    ck_assert_ptr_nonnull(strcasestr(answer.headers, "\r\nRetry-After:"));
    answer_free(&answer);
    expect(&daemon, "POST", MODEL "/sessions/a/step", "{\"x\":[1,2,3,4,5]}", 200, NULL);
    daemon_stop(&daemon);
}

TEST(a_wrong_configuration_ends_with_2_and_a_reason)
{
    char output[4096];
    ck_assert_int_eq(daemon_run((const char *const[]){ "--workers", "many", NULL }, output, sizeof output),
                     2);
    ck_assert_ptr_nonnull(strstr(output, "workers"));
    ck_assert_int_eq(daemon_run((const char *const[]){ "--colour", "red", NULL }, output, sizeof output), 2);
    ck_assert_ptr_nonnull(strstr(output, "colour"));
    ck_assert_int_eq(
        daemon_run((const char *const[]){ "--listen", "0.0.0.0:0", NULL }, output, sizeof output), 2);
    ck_assert_ptr_nonnull(strstr(output, "listen-remote"));
    ck_assert_int_eq(
        daemon_run((const char *const[]){ "--models", "/nonexistent", NULL }, output, sizeof output), 2);
    ck_assert_ptr_nonnull(strstr(output, "/nonexistent"));
    ck_assert_int_eq(daemon_run((const char *const[]){ "check-config", "--session-ttl", "60", NULL }, output,
                                sizeof output),
                     0);
}

TEST(the_health_command_tells_by_its_exit_code)
{
    char url[64], output[512];
    struct daemon daemon = daemon_start(NULL);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/readyz", daemon.port);
    ck_assert_int_eq(daemon_run((const char *const[]){ "--health", url, NULL }, output, sizeof output), 0);
    daemon_stop(&daemon);
    ck_assert_int_eq(daemon_run((const char *const[]){ "--health", url, NULL }, output, sizeof output), 1);
}
