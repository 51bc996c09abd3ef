/* Models that were given and cannot be served, as an operator meets and mends them: a file that
 * grud may not read is named with the remedy, grud is not ready, and SIGHUP reads it again. */
#include "daemon.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOG_MAX = 16384 };

#define SOMEBODY "nobody"

static char model_path[256]; /* of the last one that was made */

/* `grud init` into models/NAME.safetensors, as safetensors writes it: for its owner alone. */
static void make_model(const struct daemon *daemon, const char *name, const char *seed, mode_t mode)
{
    static char output[LOG_MAX];
    char made[256];
    snprintf(made, sizeof made, "%s/made.safetensors", daemon->directory);
    snprintf(model_path, sizeof model_path, "%s/models/%s.safetensors", daemon->directory, name);
    const char *const init[] = { "init", "--inputs", "temp", "--outputs", "temp", "--layers",
                                 "8",    "--seed",   seed,   "-o",        made,   NULL };
    ck_assert_msg(daemon_run(init, output, sizeof output) == 0, "%s", output);
    ck_assert_int_eq(chmod(made, mode), 0);
    ck_assert_int_eq(rename(made, model_path), 0);
}

/* A folder of models, and a grud that root's rights do not help to read it. */
static struct daemon prepare(const char **options, char models[192])
{
    struct daemon daemon = daemon_prepare();
    snprintf(models, 192, "%s/models", daemon.directory);
    ck_assert_int_eq(mkdir(models, 0755), 0);
    ck_assert_int_eq(chmod(daemon.directory, 0777), 0); /* the port file is somebody's */
    *options++ = "--models";
    *options++ = models;
    if (geteuid() == 0) {
        *options++ = "--user";
        *options++ = SOMEBODY;
    }
    *options = NULL;
    return daemon;
}

/* The n-th SIGHUP, until it is done; the log must say `said`. */
static void hang_up(const struct daemon *daemon, int n, const char *said)
{
    char log[LOG_MAX];
    ck_assert_int_eq(kill(daemon->pid, SIGHUP), 0);
    for (int found = 0; found < n;) {
        daemon_wait_log(daemon, " info reloaded", log, sizeof log);
        found = 0;
        for (const char *p = log; (p = strstr(p, " info reloaded")); p++) {
            found++;
        }
    }
    ck_assert_msg(strstr(log, said) != NULL, "no '%s' in: %s", said, log);
}

static void expect_health(const struct daemon *daemon, int code)
{
    char url[64], output[LOG_MAX];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/readyz", daemon->port);
    ck_assert_msg(
        daemon_run((const char *const[]){ "--health", url, NULL }, output, sizeof output) == code,
        "%s", output);
}

TEST(a_model_that_it_may_not_read_is_named_and_served_after_a_hangup)
{
    const char *options[8];
    char models[192], log[LOG_MAX];
    struct daemon daemon = prepare(options, models);
    make_model(&daemon, "weather", "1", geteuid() == 0 ? 0600 : 0);
    daemon_start_again(&daemon, options);
    daemon_wait_log(&daemon, " ready ", log, sizeof log);
    const char *refusal = strstr(log, "model_refused file=");
    ck_assert_ptr_nonnull(refusal);
    ck_assert_ptr_nonnull(strstr(refusal, "weather.safetensors"));
    ck_assert_ptr_nonnull(strstr(refusal, geteuid() == 0 ? "chmod a+r it" : "chmod u+r it"));
    ck_assert_ptr_nonnull(strstr(refusal, "then SIGHUP"));
    expect(&daemon, "GET", "/readyz", NULL, 503, "SIGHUP reads them again");
    expect(&daemon, "GET", "/healthz", NULL, 200, NULL);
    expect(&daemon, "POST", "/v1/models/weather/sessions/a/step", "{\"x\":[1]}", 503,
           "\"model_unreadable\"");
    expect(&daemon, "GET", "/v1/models/weather", NULL, 503, "chmod ");
    expect_health(&daemon, 1);
    ck_assert_int_eq(chmod(model_path, 0644), 0);
    hang_up(&daemon, 1, "recovered what=models");
    expect(&daemon, "POST", "/v1/models/weather/sessions/a/step", "{\"x\":[1]}", 200, "\"step\":1");
    expect(&daemon, "GET", "/readyz", NULL, 200, "\"status\":\"ok\"");
    expect_health(&daemon, 0);
    daemon_stop(&daemon);
}

TEST(a_hangup_loads_new_versions_and_says_what_became_of_old_files)
{
    const char *options[8];
    char models[192], folder[224];
    struct daemon daemon = prepare(options, models);
    make_model(&daemon, "weather", "1", 0644);
    daemon_start_again(&daemon, options);
    expect_health(&daemon, 0);
    expect(&daemon, "POST", "/v1/models/weather/sessions/a/step", "{\"x\":[1]}", 200, "\"step\":1");
    struct answer before = request(&daemon, "GET", "/v1/models/weather", NULL);
    ck_assert_int_eq(unlink(model_path), 0);
    hang_up(&daemon, 1, "model_file_lost file=");
    expect(&daemon, "GET", "/v1/models/weather", NULL, 200, before.body);
    expect(&daemon, "GET", "/v1/models/weather/versions/1/file", NULL, 410, "\"file_gone\"");
    snprintf(folder, sizeof folder, "%s/weather", models);
    ck_assert_int_eq(mkdir(folder, 0755), 0);
    make_model(&daemon, "weather/2", "3", 0644);
    make_model(&daemon, "rain", "3", 0644);
    hang_up(&daemon, 2, "version_loaded model=weather version=2");
    expect(&daemon, "POST", "/v1/models/weather/sessions/a/step", "{\"x\":[1]}", 200,
           "\"step\":2,\"version\":1");
    expect(&daemon, "POST", "/v1/models/weather/versions/2/activate", NULL, 200,
           "\"active_version\":2");
    expect(&daemon, "POST", "/v1/models/rain/sessions/a/step", "{\"x\":[1]}", 200, "\"step\":1");
    answer_free(&before);
    daemon_stop(&daemon);
}

static struct answer read_file(const struct daemon *daemon, unsigned version, int code)
{
    char path[64];
    snprintf(path, sizeof path, "/v1/models/weather/versions/%u/file", version);
    struct answer answer = request(daemon, "GET", path, NULL);
    ck_assert_int_eq(answer.code, code);
    return answer;
}

/* The bytes of version 1 are never those of another one, while sessions go on with it. */
TEST(a_file_that_has_changed_is_a_new_version)
{
    const char *options[8];
    char models[192];
    struct daemon daemon = prepare(options, models);
    make_model(&daemon, "weather", "1", 0644);
    daemon_start_again(&daemon, options);
    expect(&daemon, "POST", "/v1/models/weather/sessions/a/step", "{\"x\":[1]}", 200, "\"step\":1");
    struct answer first = read_file(&daemon, 1, 200);
    make_model(&daemon, "weather", "2", 0644);
    struct answer gone = read_file(&daemon, 1, 410);
    hang_up(&daemon, 1, "model_file_changed file=");
    expect(&daemon, "GET", "/v1/models/weather", NULL, 200, "\"active_version\":1");
    expect(&daemon, "POST", "/v1/models/weather/sessions/a/step", "{\"x\":[1]}", 200,
           "\"step\":2,\"version\":1");
    struct answer second = read_file(&daemon, 2, 200);
    ck_assert(second.n_body != first.n_body || memcmp(second.body, first.body, first.n_body) != 0);
    hang_up(&daemon, 2, " info reloaded"); /* and it is taken in once */
    expect(&daemon, "GET", "/v1/models/weather/versions/3/file", NULL, 404, "version_not_found");
    expect(&daemon, "POST", "/v1/models/weather/versions/2/activate", NULL, 200,
           "\"active_version\":2");
    expect(&daemon, "POST", "/v1/models/weather/sessions/a/step", "{\"x\":[1]}", 200,
           "\"step\":3,\"version\":2");
    ck_assert_int_eq(truncate(model_path, 100), 0);
    hang_up(&daemon, 3, "model_refused file=");
    expect(&daemon, "POST", "/v1/models/weather/sessions/a/step", "{\"x\":[1]}", 200,
           "\"step\":4,\"version\":2");
    answer_free(&first);
    answer_free(&gone);
    answer_free(&second);
    daemon_stop(&daemon);
}
