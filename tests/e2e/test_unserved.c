/* A model that cannot be served: what its routes, the list of models, /readyz and /metrics say. */
#include "daemon.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void flip_bit(const char *path, off_t at)
{
    unsigned char byte;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_msg(fd >= 0 && pread(fd, &byte, 1, at) == 1, "%s", path);
    byte ^= 0x10;
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* The path with its parameters filled in: a model, and something for the others. */
static void fill_path(const char *pattern, const char *model, char path[256])
{
    size_t n = 0;
    for (const char *p = pattern; *p && n < 200; p++) {
        if (*p != '{') {
            path[n++] = *p;
            continue;
        }
        const char *with = strncmp(p, "{model}", 7) == 0     ? model
                           : strncmp(p, "{version}", 9) == 0 ? "1"
                                                             : "s";
        n += (size_t)snprintf(path + n, 256 - n, "%s", with);
        p = strchr(p, '}');
    }
    path[n] = '\0';
}

/* A body that the route takes. */
static const char *body_of(const char *method, const char *path)
{
    if (strcmp(method, "GET") == 0 || strcmp(method, "DELETE") == 0) {
        return NULL;
    }
    return strstr(path, "/steps") ? "{\"steps\":[{\"session\":\"s\",\"x\":[1,2]}]}"
           : strstr(path, "/step") || strstr(path, "/predict") ? "{\"x\":[1,2]}"
           : strstr(path, "/fork")                             ? "{\"to\":\"t\"}"
                                                               : "{}";
}

/* Every route of the index below /v1/models/{model}. */
static int expect_refused_routes(const struct daemon *daemon, const char *model)
{
    struct answer index = request(daemon, "GET", "/v1", NULL);
    int n = 0;
    ck_assert_int_eq(index.code, 200);
    for (char *p = index.body; (p = strstr(p, "{\"method\":\"")) != NULL; p++) {
        char method[16], pattern[200], path[256];
        if (sscanf(p, "{\"method\":\"%15[A-Z]\",\"path\":\"%199[^\"]\"", method, pattern) != 2 ||
            !strstr(pattern, "{model}")) {
            continue;
        }
        fill_path(pattern, model, path);
        struct answer answer =
            strcmp(method, "PUT") == 0 && !strstr(path, "/sessions/") && !strstr(path, "/rules/")
                ? request_typed(daemon, method, path, "application/octet-stream", "junk", 4)
                : request(daemon, method, path, body_of(method, path));
        ck_assert_msg(answer.code == 503, "%s %s: %d %s", method, path, answer.code, answer.body);
        ck_assert_msg(strstr(answer.body, "\"code\":\"model_unavailable\"") &&
                          strstr(answer.body, "or its header is damaged"),
                      "%s %s: %s", method, path, answer.body);
        answer_free(&answer);
        n++;
    }
    answer_free(&index);
    return n;
}

TEST(a_model_that_cannot_be_served_is_503_with_the_reason_on_all_its_routes)
{
    char path[256];
    struct daemon daemon = daemon_start(NULL);
    daemon_add_model(
        &daemon, "pump",
        (const char *const[]){ "--inputs", "a,b", "--outputs", "a", "--layers", "4", NULL });
    expect(&daemon, "POST", "/v1/models/pump/sessions/s/step", "{\"x\":[1,2]}", 200, NULL);
    ck_assert_int_eq(daemon_end(&daemon), 0);
    snprintf(path, sizeof path, "%s/data/sessions/pump.pool", daemon.directory);
    flip_bit(path, 20);
    daemon_start_again(&daemon, NULL);

    ck_assert_int_ge(expect_refused_routes(&daemon, "pump"), 14);
    struct answer answer = request(&daemon, "GET", "/v1/models", NULL);
    ck_assert(answer.code == 200 && !strstr(answer.body, "\"pump\""));
    answer_free(&answer);
    expect(&daemon, "GET", "/readyz", NULL, 200,
           "\"models\":[{\"model\":\"pump\",\"version\":null,\"reason\":\"");
    expect(&daemon, "GET", "/metrics", NULL, 200,
           "grud_model_unserved{model=\"pump\",version=\"\"} 1");
    expect(&daemon, "POST", "/v1/fine_tuning/jobs",
           "{\"model\":\"pump\",\"training\":{\"series\":[{\"x\":[[1,2],[1,2],[1,2]]}]}}", 503,
           "model_unavailable");
    expect(&daemon, "GET", "/v1/models/none", NULL, 404, "model_not_found");
    ck_assert_int_eq(daemon_end(&daemon), 0);

    flip_bit(path, 20); /* nothing was written in its place */
    daemon_start_again(&daemon, NULL);
    expect(&daemon, "GET", "/v1/models/pump/sessions/s", NULL, 200, "\"step\":1");
    expect(&daemon, "GET", "/readyz", NULL, 200, "{\"status\":\"ok\"}");
    daemon_stop(&daemon);
}
