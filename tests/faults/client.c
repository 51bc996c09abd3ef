/* client.c - what the driver asks of the daemon, and what it sees of its state. */
#include "driver.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RECOVERY_MS = 60000, PATH_SIZE = 320 };

struct answer ask(const char *method, const char *path, const char *body)
{
    return request(&driver.daemon, method, path, body);
}

void note_versions(const struct answer *model)
{
    static const char key[] = "{\"version\":";
    for (const char *at = model->body; (at = strstr(at, key));) {
        at += sizeof key - 1;
        unsigned number = (unsigned)strtoul(at, NULL, 10);
        driver.newest = number > driver.newest ? number : driver.newest;
    }
}

struct answer upload(const char *model, const char *file)
{
    char path[PATH_SIZE];
    static char bytes[1 << 20];
    FILE *stream = fopen(root_path(file), "rb");
    ck_assert_ptr_nonnull(stream);
    size_t n = fread(bytes, 1, sizeof bytes, stream);
    fclose(stream);
    snprintf(path, sizeof path, "/v1/models/%s", model);
    struct answer answer =
        request_typed(&driver.daemon, "PUT", path, "application/octet-stream", bytes, n);
    if (answer.code == 201 && strcmp(model, "pump") == 0) {
        unsigned before = driver.newest;
        note_versions(&answer);
        ck_assert_msg(driver.newest > before, "version %u once more: %s", before, answer.body);
    }
    return answer;
}

/* A fault is none of the client's: 503, and which. */
void expect_error(const struct answer *answer)
{
    ck_assert_msg(answer->code == 503, "%d: %s", answer->code, answer->body);
    ck_assert_msg(strncmp(answer->body, "{\"error\":{\"code\":\"", 18) == 0 &&
                      strstr(answer->body, "\"message\":\"") && strstr(answer->body, "\"param\":"),
                  "not an error of the contract: %s", answer->body);
    ck_assert_msg(strstr(answer->body, "\"storage_failed\"") ||
                      strstr(answer->body, "\"out_of_memory\""),
                  "%s", answer->body);
    ck_assert_msg(strcasestr(answer->headers, "\r\nRetry-After:") != NULL, "no Retry-After: %s",
                  answer->headers);
}

void expect_code(const char *method, const char *path, const char *body, int code)
{
    expect(&driver.daemon, method, path, body, code, NULL);
}

void print_job(char out[JOB_BYTES], const char *hyperparameters, const char *rest)
{
    size_t n = (size_t)snprintf(out, JOB_BYTES,
                                "{\"model\":\"pump\",\"hyperparameters\":{\"window\":16,%s}%s,"
                                "\"training\":{\"series\":[{\"x\":[",
                                hyperparameters, rest);
    for (int t = 0; t < 80; t++) {
        n += (size_t)snprintf(out + n, JOB_BYTES - n, "%s[%.3f,%.3f]", t > 0 ? "," : "",
                              sin(0.4 * t), cos(0.4 * t));
    }
    snprintf(out + n, JOB_BYTES - n, "]}]}}");
}

/* ---- state ---- */

static void blank_times(char *json)
{
    static const char *const names[] = { "_at\":", "\"estimated_finish\":" };
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        for (char *at = strstr(json, names[k]); at; at = strstr(at, names[k])) {
            at += strlen(names[k]);
            while (*at && !strchr(",}]", *at)) {
                *at++ = '#';
            }
        }
    }
    /* of whatever length they were */
    char *to = json;
    for (const char *from = json; *from; from++) {
        if (*from != '#') {
            *to++ = *from;
        }
    }
    *to = '\0';
}

/* No text becomes longer by it. */
static void renumber_versions(char *json)
{
    static const char *const names[] = { "\"version\":", "\"active_version\":" };
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        for (char *at = strstr(json, names[k]); at; at = strstr(at, names[k])) {
            char *end, text[16];
            at += strlen(names[k]);
            unsigned number = (unsigned)strtoul(at, &end, 10);
            if (number > 1) {
                size_t n = (size_t)snprintf(text, sizeof text, "%u", number - driver.n_gone);
                ck_assert(number - driver.n_gone > 1 && n <= (size_t)(end - at));
                memcpy(at, text, n);
                memmove(at + n, end, strlen(end) + 1);
            }
        }
    }
}

void make_comparable(char *json)
{
    blank_times(json);
    renumber_versions(json);
}

struct state_text {
    char *p;
    size_t n;
};

static void append(struct state_text *text, const char *more)
{
    size_t n = strlen(more);
    text->p = realloc(text->p, text->n + n + 2);
    ck_assert_ptr_nonnull(text->p);
    memcpy(text->p + text->n, more, n);
    text->n += n;
    text->p[text->n++] = '\n';
    text->p[text->n] = '\0';
}

static char *read_reply(const char *path)
{
    struct answer answer = ask("GET", path, NULL);
    ck_assert_msg(answer.code == 200, "%s: %d %s", path, answer.code, answer.body);
    char *body = strdup(answer.body);
    ck_assert_ptr_nonnull(body);
    make_comparable(body);
    answer_free(&answer);
    return body;
}

/* Each session that a list names: its state to the last bit. The list is taken afterwards: whoever
 * reads a session of another version brings it to the active one. */
static void append_sessions(struct state_text *text, const char *model)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/v1/models/%s/sessions?limit=50", model);
    char *list = read_reply(path);
    static const char key[] = "\"session\":\"";
    for (const char *at = strstr(list, key); at; at = strstr(at, key)) {
        at += sizeof key - 1;
        snprintf(path, sizeof path, "/v1/models/%s/sessions/%.*s", model, (int)strcspn(at, "\""),
                 at);
        char *session = read_reply(path);
        append(text, session);
        free(session);
    }
    free(list);
    snprintf(path, sizeof path, "/v1/models/%s/sessions?limit=50", model);
    list = read_reply(path);
    append(text, list);
    free(list);
}

static void append_rules(struct state_text *text, const char *model)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/v1/models/%s/rules", model);
    char *list = read_reply(path);
    append(text, list);
    free(list);
}

/* How many there are of each status: their ids are random. */
static void append_jobs(struct state_text *text)
{
    static const char *const words[] = { "validating", "queued", "running", "paused" };
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        char path[PATH_SIZE], line[64];
        snprintf(path, sizeof path, "/v1/fine_tuning/jobs?status=%s", words[k]);
        struct answer answer = ask("GET", path, NULL);
        ck_assert_int_eq(answer.code, 200);
        int n = 0;
        for (const char *at = answer.body; (at = strstr(at, "\"fine_tuning.job\"")); at++) {
            n++;
        }
        snprintf(line, sizeof line, "%d %s", n, words[k]);
        append(text, line);
        answer_free(&answer);
    }
}

char *snapshot(void)
{
    struct state_text text = { .p = NULL };
    char *models = read_reply("/v1/models");
    append(&text, models);
    static const char *const names[] = { "pump", "fresh" };
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        char key[64];
        snprintf(key, sizeof key, "{\"name\":\"%s\"", names[k]);
        if (strstr(models, key)) {
            append_sessions(&text, names[k]);
            append_rules(&text, names[k]);
        }
    }
    append_jobs(&text);
    free(models);
    return text.p;
}

void expect_state(const char *wanted, const char *what)
{
    char *now = snapshot();
    size_t n = 0;
    while (now[n] && now[n] == wanted[n]) {
        n++;
    }
    size_t from = n > 60 ? n - 60 : 0;
    ck_assert_msg(now[n] == wanted[n], "%s: '%.160s' instead of '%.160s'", what, now + from,
                  wanted + from);
    free(now);
}

bool is_degraded(char *reason, size_t size)
{
    struct answer answer = ask("GET", "/readyz", NULL);
    bool serves_none = answer.code == 503 && strstr(answer.body, "no model is served") != NULL;
    bool found = serves_none || strstr(answer.body, "\"status\":\"degraded\"") != NULL;
    ck_assert_msg(serves_none || answer.code == 200, "readyz: %d %s", answer.code, answer.body);
    ck_assert_msg(found || strstr(answer.body, "\"status\":\"ok\""), "readyz: %s", answer.body);
    ck_assert_msg(!found || serves_none || strstr(answer.body, "\"reason\":\""),
                  "readyz without a reason: %s", answer.body);
    snprintf(reason, size, "%s", answer.body);
    answer_free(&answer);
    return found;
}

void wait_until_recovered(void)
{
    const struct timespec nap = { .tv_nsec = 20000000 };
    char reason[1024] = "";
    for (int ms = 0; is_degraded(reason, sizeof reason); ms += 20) {
        ck_assert_msg(ms < RECOVERY_MS, "still degraded: %s", reason);
        nanosleep(&nap, NULL);
    }
}
