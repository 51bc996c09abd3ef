/* What outlives the process, and how it starts and ends. */
#include "daemon.h"
#include "test.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MODEL "/v1/models/torch-stacked"

static void step_all(const struct daemon *daemon, int n_steps, int from)
{
    char path[128], body[160];
    for (int k = from; k < from + n_steps; k++) {
        snprintf(path, sizeof path, MODEL "/sessions/s%d/step", k % 5);
        snprintf(body, sizeof body, "{\"x\":[%d,0.2,%s,0.4,0.5],\"seq\":%d}", k % 7,
                 k % 3 ? "0.3" : "null", k / 5 + 1);
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
    expect(&daemon, "POST", MODEL "/sessions/a/step", "{\"x\":[9,2,3,4,5],\"seq\":1}", 409,
           "\"expected\":2");
    answer_free(&first);
    answer_free(&second);
    daemon_stop(&daemon);
}

static void rename_pool(const struct daemon *daemon, const char *from, const char *to)
{
    char old[256], new[256];
    snprintf(old, sizeof old, "%s/data/sessions/%s.pool", daemon->directory, from);
    snprintf(new, sizeof new, "%s/data/sessions/%s.pool", daemon->directory, to);
    ck_assert_int_eq(rename(old, new), 0);
}

static void expect_logged(const struct daemon *daemon, const char *text)
{
    char path[160];
    char *log = NULL;
    size_t room = 0;
    snprintf(path, sizeof path, "%s/log", daemon->directory);
    FILE *file = fopen(path, "r");
    ck_assert(file && getdelim(&log, &room, '\0', file) > 0);
    fclose(file);
    ck_assert_msg(strstr(log, text) != NULL, "no '%s' in %s", text, log);
    free(log);
}

TEST(the_sessions_of_another_model_are_refused_and_the_others_served)
{
    struct daemon daemon = daemon_start(NULL);
    step_all(&daemon, 20, 0);
    daemon_kill(&daemon);
    rename_pool(&daemon, "torch-stacked", "torch-small");
    daemon_start_again(&daemon, NULL);
    expect_logged(&daemon,
                  "holds the sessions of model 'torch-stacked', not those of 'torch-small'");
    expect(&daemon, "GET", "/v1/models/torch-small", NULL, 503, "model_unavailable");
    expect(&daemon, "GET", MODEL "/sessions/s0", NULL, 404, "session_not_found");
    daemon_kill(&daemon);
    rename_pool(&daemon, "torch-small", "torch-stacked");
    daemon_start_again(&daemon, NULL);
    expect(&daemon, "GET", MODEL "/sessions/s0", NULL, 200, "\"step\":4,");
    expect(&daemon, "GET", "/v1/models/torch-small", NULL, 200, NULL);
    daemon_stop(&daemon);
}

/* The file of the version that the sessions' states belong to is another one at the next start. */
TEST(sessions_of_a_version_that_is_gone_are_rewarmed)
{
    struct daemon daemon = daemon_start(NULL);
    struct daemon twin = daemon_start(NULL);
    static const char *const first[] = { "--inputs", "a", "--outputs", "a", "--layers", "7", NULL };
    static const char *const second[] = { "--inputs", "a",      "--outputs", "a", "--layers",
                                          "7",        "--seed", "9",         NULL };
    char from[256], to[256], active[256];
    daemon_add_model(&daemon, "m", first);
    daemon_add_model(&twin, "m", second);
    for (int k = 1; k <= 5; k++) {
        char body[64];
        snprintf(body, sizeof body, "{\"x\":[%d],\"seq\":%d}", k % 3, k);
        expect(&daemon, "POST", "/v1/models/m/sessions/s/step", body, 200, NULL);
        expect(&twin, "POST", "/v1/models/m/sessions/s/step", body, 200, NULL);
    }
    daemon_kill(&daemon);
    snprintf(from, sizeof from, "%s/m.safetensors", twin.directory);
    snprintf(to, sizeof to, "%s/data/models/m/1.safetensors", daemon.directory);
    ck_assert_int_eq(rename(from, to), 0);
    daemon_start_again(&daemon, NULL); /* which takes it for damage */
    expect(&daemon, "GET", "/v1/models/m", NULL, 503, "1.safetensors is damaged");
    daemon_kill(&daemon);
    snprintf(to, sizeof to, "%s/data/models/m/1.digest", daemon.directory);
    ck_assert_int_eq(unlink(to), 0);
    snprintf(active, sizeof active, "%s/data/models/m/active", daemon.directory);
    FILE *file = fopen(active, "w");
    ck_assert(file && fputs("1\n", file) >= 0 && fclose(file) == 0);
    daemon_start_again(&daemon, NULL);
    struct answer one =
        request(&daemon, "POST", "/v1/models/m/sessions/s/forecast", "{\"horizon\":4}");
    struct answer other =
        request(&twin, "POST", "/v1/models/m/sessions/s/forecast", "{\"horizon\":4}");
    ck_assert_int_eq(one.code, 200);
    ck_assert_str_eq(one.body, other.body);
    answer_free(&one);
    answer_free(&other);
    expect(&daemon, "POST", "/v1/models/m/sessions/s/step", "{\"x\":[1],\"seq\":6}", 200,
           "\"step\":6");
    daemon_stop(&daemon);
    daemon_stop(&twin);
}

TEST(expired_and_evicted_sessions_are_gone_with_the_reason)
{
    struct daemon daemon = daemon_start(
        (const char *const[]){ "--session-max", "2", "--session-full", "evict", NULL });
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
    struct answer answer =
        request(&daemon, "POST", MODEL "/sessions/b/step", "{\"x\":[1,2,3,4,5]}");
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
    ck_assert_int_eq(
        daemon_run((const char *const[]){ "--workers", "many", NULL }, output, sizeof output), 2);
    ck_assert_ptr_nonnull(strstr(output, "workers"));
    ck_assert_int_eq(
        daemon_run((const char *const[]){ "--colour", "red", NULL }, output, sizeof output), 2);
    ck_assert_ptr_nonnull(strstr(output, "colour"));
    ck_assert_int_eq(
        daemon_run((const char *const[]){ "--listen", "0.0.0.0:0", NULL }, output, sizeof output),
        2);
    ck_assert_ptr_nonnull(strstr(output, "listen-remote"));
    ck_assert_int_eq(daemon_run((const char *const[]){ "--models", "/nonexistent", NULL }, output,
                                sizeof output),
                     2);
    ck_assert_ptr_nonnull(strstr(output, "/nonexistent"));
    ck_assert_int_eq(
        daemon_run((const char *const[]){ "check-config", "--session-ttl", "60", NULL }, output,
                   sizeof output),
        0);
}

TEST(a_configuration_is_checked_as_the_start_would)
{
    static const char *const wrong[][2] = { { "--listen", "nowhere" },
                                            { "--listen", "0.0.0.0:8080" },
                                            { "--tls-cert", "cert.pem" },
                                            { "--tls-key", "key.pem" },
                                            { "--cors-origin", "example.org" } };
    char output[4096];
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        const char *const options[] = { "check-config", wrong[k][0], wrong[k][1], NULL };
        ck_assert_int_eq(daemon_run(options, output, sizeof output), 2);
        ck_assert_ptr_nonnull(strstr(output, wrong[k][0] + 2));
    }
}

TEST(the_manual_names_every_flag_of_init)
{
    char usage[4096], manual[32768] = "", escaped[64];
    ck_assert_int_eq(daemon_run((const char *const[]){ "init", NULL }, usage, sizeof usage), 2);
    FILE *file = fopen("config/grud-init.1", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_lt(fread(manual, 1, sizeof manual - 1, file), sizeof manual - 1);
    fclose(file);
    int n_flags = 0;
    for (const char *flag = strstr(usage, "usage:"); (flag = strstr(flag, "--")); n_flags++) {
        flag += 2;
        snprintf(escaped, sizeof escaped, "\\-\\-%.*s",
                 (int)strspn(flag, "abcdefghijklmnopqrstuvwxyz"), flag);
        ck_assert_msg(strstr(manual, escaped), "%s", escaped);
    }
    ck_assert_int_ge(n_flags, 9);
}

/* As for one that is being replaced and has not ended yet: a supervisor is to try again. */
TEST(what_may_pass_ends_the_start_with_1)
{
    char data[160], output[4096];
    struct daemon daemon = daemon_start(NULL);
    snprintf(data, sizeof data, "%s/data", daemon.directory);
    ck_assert_int_eq(
        daemon_run((const char *const[]){ "--listen", "127.0.0.1:0", "--data", data, NULL }, output,
                   sizeof output),
        1);
    ck_assert_ptr_nonnull(strstr(output, "another grud is using the data directory"));
    daemon_stop(&daemon);
}

TEST(the_health_command_tells_by_its_exit_code)
{
    char url[64], output[512];
    struct daemon daemon = daemon_start(NULL);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/readyz", daemon.port);
    ck_assert_int_eq(
        daemon_run((const char *const[]){ "--health", url, NULL }, output, sizeof output), 0);
    daemon_stop(&daemon);
    ck_assert_int_eq(
        daemon_run((const char *const[]){ "--health", url, NULL }, output, sizeof output), 1);
}

/* As in an image whose health check is the same for every configuration: by the environment. */
TEST(the_health_command_follows_the_configuration)
{
    char port_file[160], output[512];
    const char *const health[] = { "--health", NULL };
    struct daemon daemon = daemon_start(
        (const char *const[]){ "--listen", "0.0.0.0:0", "--listen-remote", "yes", NULL });
    snprintf(port_file, sizeof port_file, "%s/port", daemon.directory);
    setenv("GRUD_LISTEN", "0.0.0.0:0",
           1); // NOLINT(concurrency-mt-unsafe): this program has one thread
    int without_file = daemon_run(health, output, sizeof output);
    setenv("GRUD_PORT_FILE", port_file, 1); // NOLINT(concurrency-mt-unsafe)
    int running = daemon_run(health, output, sizeof output);
    daemon_kill(&daemon);
    int killed = daemon_run(health, output, sizeof output);
    unsetenv("GRUD_LISTEN");    // NOLINT(concurrency-mt-unsafe)
    unsetenv("GRUD_PORT_FILE"); // NOLINT(concurrency-mt-unsafe)
    ck_assert_int_eq(without_file, 1);
    ck_assert_int_eq(running, 0);
    ck_assert_int_eq(killed, 1);
    ck_assert_msg(strstr(output, "/readyz: Connection refused\n"), "%s", output);
    daemon_remove(&daemon);
}

/* OpenBLAS starts threads before main does anything: they block no signal. */
TEST(a_signal_ends_it_in_order_whichever_thread_it_reaches)
{
    struct daemon daemon = daemon_start(NULL);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)daemon.pid);
    DIR *tasks = opendir(path);
    ck_assert_ptr_nonnull(tasks);
    const struct dirent *task;
    while ((task = readdir(tasks))) {
        long thread = strtol(task->d_name, NULL, 10);
        if (thread > 0 && thread != daemon.pid) {
            syscall(SYS_tgkill, (long)daemon.pid, thread, SIGTERM); /* it may have ended by now */
        }
    }
    closedir(tasks);
    daemon_stop(&daemon);
}
