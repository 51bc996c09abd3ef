/* What a step may be asked for besides its forecast, all at once: each part of the reply is what it
 * is where it alone is asked for, whichever way the step comes, and whatever the session has gone
 * through. */
#include "daemon.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL    "/v1/models/meter"
#define LEVEL    ",\"level\":[0.8,0.95]"
#define ANOMALY  ",\"anomaly\":true"
#define CROSSING ",\"crossing\":{\"output\":\"temp\",\"above\":306}"
#define EXPLAIN  ",\"explain\":{\"output\":\"temp\",\"ahead\":3}"
#define BLEND    ",\"blend\":true"
#define ALL      LEVEL ANOMALY CROSSING EXPLAIN

/* A mixture changes what is forecast, and so what the others are of: two groups, each with the
 * session that asks for all behind those that ask for one. */
static const struct asking {
    const char *session, *fields;
    const char *part; /* of the reply; NULL: all */
} askings[] = {
    { "plain", "", "forecast" },
    { "level", LEVEL, "intervals" },
    { "anomaly", ANOMALY, "anomaly" },
    { "crossing", CROSSING, "crossing" },
    { "explain", EXPLAIN, "explanation" },
    { "all", ALL, NULL },
    { "b-plain", BLEND, "blend" },
    { "b-level", BLEND LEVEL, "intervals" },
    { "b-anomaly", BLEND ANOMALY, "anomaly" },
    { "b-crossing", BLEND CROSSING, "crossing" },
    { "b-explain", BLEND EXPLAIN, "explanation" },
    { "b-all", BLEND ALL, NULL },
};
enum { N_ASKINGS = sizeof askings / sizeof *askings, BODY_SIZE = 512 };

static struct daemon start(void)
{
    struct daemon daemon = daemon_start((const char *const[]){ "--workers", "1", NULL });
    daemon_add_model(
        &daemon, "meter",
        (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers", "4", NULL });
    return daemon;
}

static void put_reading(char body[BODY_SIZE], unsigned k, const char *session, const char *fields)
{
    snprintf(body, BODY_SIZE, "{%s%s%s\"x\":[%u],\"horizon\":3%s}", session ? "\"session\":\"" : "",
             session ? session : "", session ? "\"," : "", 300 + k * 7 % 10, fields);
}

/* ---- replies ---- */

/* The value behind the name, or none, in memory of its own. */
static char *part_of(const char *reply, const char *name)
{
    char key[32];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *value = strstr(reply, key);
    if (!value) {
        return strdup("none");
    }
    value += strlen(key);
    size_t n = 0, depth = 0;
    do {
        depth += value[n] == '{' || value[n] == '[';
        depth -= value[n] == '}' || value[n] == ']';
        n++;
    } while (value[n] != '\0' && (depth > 0 || !strchr(",}", value[n])));
    return strndup(value, n);
}

static void expect_same(const char *a, const char *b, const char *name, unsigned k)
{
    char *ours = part_of(a, name), *theirs = part_of(b, name);
    ck_assert_msg(strcmp(ours, theirs) == 0, "%s of step %u is %s, and together with others %s",
                  name, k, ours, theirs);
    ck_assert_str_ne(ours, "none");
    free(ours);
    free(theirs);
}

/* Of each group, that what was asked for alone is there together with the others. */
static void compare(char *const replies[N_ASKINGS], unsigned k)
{
    for (size_t first = 0, all = 0; first < N_ASKINGS; first = ++all) {
        while (askings[all].part) {
            all++;
        }
        for (size_t one = first; one < all; one++) {
            expect_same(replies[one], replies[all], askings[one].part, k);
            expect_same(replies[one], replies[all], "forecast", k);
        }
    }
}

/* ---- three ways that a step comes ---- */

static char *step_alone(const struct daemon *daemon, const struct asking *asking, unsigned k)
{
    char path[96], body[BODY_SIZE];
    snprintf(path, sizeof path, MODEL "/sessions/%s/step", asking->session);
    put_reading(body, k, NULL, asking->fields);
    struct answer answer = request(daemon, "POST", path, body);
    ck_assert_msg(answer.code == 200, "%s: %s", body, answer.body);
    char *reply = strdup(answer.body);
    answer_free(&answer);
    return reply;
}

/* Cuts the replies of one answer apart. */
static void cut(const char *body, char *replies[N_ASKINGS])
{
    for (size_t n = 0; n < N_ASKINGS; n++) {
        const char *begin = strstr(body, "{\"session\":");
        ck_assert_msg(begin != NULL, "%zu replies", n);
        const char *end = strstr(begin + 1, "{\"session\":");
        replies[n] = end ? strndup(begin, (size_t)(end - begin)) : strdup(begin);
        body = begin + 1;
    }
}

static void step_many(const struct daemon *daemon, unsigned k, bool is_lines,
                      char *replies[N_ASKINGS])
{
    static char body[N_ASKINGS * BODY_SIZE];
    size_t n = 0;
    for (size_t one = 0; one < N_ASKINGS; one++) {
        char step[BODY_SIZE];
        put_reading(step, k, askings[one].session, askings[one].fields);
        n += (size_t)snprintf(body + n, sizeof body - n, "%s%s%s",
                              is_lines  ? ""
                              : one > 0 ? ","
                                        : "{\"steps\":[",
                              step, is_lines ? "\n" : "");
    }
    n += (size_t)snprintf(body + n, sizeof body - n, "%s", is_lines ? "" : "]}");
    struct answer answer =
        request_typed(daemon, "POST", MODEL "/steps",
                      is_lines ? "application/x-ndjson" : "application/json", body, n);
    ck_assert_msg(answer.code == 200 && !strstr(answer.body, "\"error\""), "%s", answer.body);
    cut(answer.body, replies);
    answer_free(&answer);
}

static void step(const struct daemon *daemon, unsigned first, unsigned last)
{
    char *replies[N_ASKINGS];
    for (unsigned k = first; k <= last; k++) {
        for (size_t one = 0; k % 3 == 0 && one < N_ASKINGS; one++) {
            replies[one] = step_alone(daemon, &askings[one], k);
        }
        if (k % 3 != 0) {
            step_many(daemon, k, k % 3 == 1, replies);
        }
        compare(replies, k);
        for (size_t one = 0; one < N_ASKINGS; one++) {
            free(replies[one]);
        }
    }
}

/* ---- tests ---- */

static void activate_another(const struct daemon *daemon)
{
    daemon_add_model(daemon, "meter",
                     (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers",
                                            "4", "--seed", "2", "--force", NULL });
    expect(daemon, "POST", MODEL "/versions/2/activate", NULL, 200, "\"active_version\":2");
}

TEST(each_part_is_what_it_is_alone)
{
    struct daemon daemon = start();
    step(&daemon, 1, 70);
    activate_another(&daemon);
    step(&daemon, 71, 100);
    daemon_kill(&daemon);
    daemon_start_again(&daemon, (const char *const[]){ "--workers", "1", NULL });
    step(&daemon, 101, 110);
    daemon_stop(&daemon);
}

/* The first step of a copy is what its original's is, and so are all parts of it. */
static void expect_copy(const struct daemon *daemon, const struct asking *asking, const char *copy,
                        unsigned k)
{
    char *ours = step_alone(daemon, asking, k);
    char *theirs =
        step_alone(daemon, &(struct asking){ .session = copy, .fields = asking->fields }, k);
    ck_assert_str_eq(strstr(ours, "\"step\":"), strstr(theirs, "\"step\":"));
    free(ours);
    free(theirs);
}

TEST(copies_go_on_with_all_parts)
{
    struct daemon daemon = start();
    step(&daemon, 1, 60);
    for (size_t one = 0; one < N_ASKINGS; one++) {
        char path[96], copied[48], body[64];
        snprintf(path, sizeof path, MODEL "/sessions/%s", askings[one].session);
        struct answer got = request(&daemon, "GET", path, NULL);
        snprintf(copied, sizeof copied, "put-%s", askings[one].session);
        snprintf(path, sizeof path, MODEL "/sessions/%s", copied);
        expect(&daemon, "PUT", path, got.body, 201, NULL);
        answer_free(&got);
        snprintf(path, sizeof path, MODEL "/sessions/%s/fork", askings[one].session);
        snprintf(body, sizeof body, "{\"to\":\"fork-%s\"}", askings[one].session);
        expect(&daemon, "POST", path, body, 201, NULL);
        expect_copy(&daemon, &askings[one], copied, 61);
        snprintf(copied, sizeof copied, "fork-%s", askings[one].session);
        struct asking fork = { .session = copied, .fields = askings[one].fields };
        free(step_alone(&daemon, &fork, 61));
        snprintf(body, sizeof body, "put-%s", askings[one].session);
        expect_copy(&daemon, &fork, body, 62);
    }
    daemon_stop(&daemon);
}

/* What is told ahead is what the last step told, of what a forecast may be asked for. */
TEST(a_forecast_has_the_parts_of_the_last_step)
{
    static const char *const parts[] = { "forecast", "intervals", "blend", "crossing" };
    struct daemon daemon = start();
    step(&daemon, 1, 60);
    char *last = step_alone(&daemon, &askings[N_ASKINGS - 1], 61);
    struct answer answer = request(&daemon, "POST", MODEL "/sessions/b-all/forecast",
                                   "{\"horizon\":3" LEVEL BLEND CROSSING "}");
    ck_assert_int_eq(answer.code, 200);
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
        expect_same(last, answer.body, parts[k], 61);
    }
    ck_assert_ptr_null(strstr(last, "\"anomaly\":null"));
    answer_free(&answer);
    free(last);
    daemon_stop(&daemon);
}

static const struct {
    const char *fields, *param;
} refused[] = {
    { LEVEL BLEND ANOMALY EXPLAIN ",\"crossing\":{\"output\":\"temp\",\"above\":1,\"below\":2}",
      "crossing.below" },
    { LEVEL BLEND ANOMALY EXPLAIN ",\"crossing\":{\"output\":\"wind\",\"above\":1}",
      "crossing.output" },
    { LEVEL BLEND ANOMALY EXPLAIN ",\"crossing\":{\"output\":\"temp\",\"above\":1e999}",
      "crossing.above" },
    { LEVEL BLEND ANOMALY CROSSING ",\"explain\":{\"ahead\":4}", "explain.ahead" },
    { LEVEL BLEND ANOMALY CROSSING ",\"explain\":[]", "explain" },
    { LEVEL BLEND CROSSING EXPLAIN ",\"anomaly\":\"yes\"", "anomaly" },
    { LEVEL ANOMALY CROSSING EXPLAIN ",\"blend\":{}", "blend" },
    { BLEND ANOMALY CROSSING EXPLAIN ",\"level\":[0.8,0.5]", "level[1]" },
};

TEST(one_bad_field_among_many_changes_nothing)
{
    struct daemon daemon = start();
    step(&daemon, 1, 60);
    struct answer before = request(&daemon, "GET", MODEL "/sessions/b-all", NULL);
    for (size_t k = 0; k < sizeof refused / sizeof *refused; k++) {
        char body[BODY_SIZE], lines[2 * BODY_SIZE], param[64];
        snprintf(param, sizeof param, "\"param\":\"%s\"", refused[k].param);
        put_reading(body, 61, NULL, refused[k].fields);
        expect(&daemon, "POST", MODEL "/sessions/b-all/step", body, 400, param);
        put_reading(body, 61, "b-all", refused[k].fields);
        snprintf(lines, sizeof lines, "%s\n", body);
        struct answer answer = request_typed(&daemon, "POST", MODEL "/steps",
                                             "application/x-ndjson", lines, strlen(lines));
        ck_assert_msg(strstr(answer.body, param) != NULL, "%s", answer.body);
        answer_free(&answer);
        struct answer after = request(&daemon, "GET", MODEL "/sessions/b-all", NULL);
        ck_assert_msg(strcmp(before.body, after.body) == 0, "%s changed it", body);
        answer_free(&after);
    }
    answer_free(&before);
    expect(&daemon, "POST", MODEL "/sessions/b-all/forecast", "{\"horizon\":3" ALL "}", 400,
           "unknown_field");
    expect(&daemon, "POST", MODEL "/predict", "{\"x\":[[1]],\"horizon\":3" BLEND ALL "}", 400,
           "unknown_field");
    daemon_stop(&daemon);
}
