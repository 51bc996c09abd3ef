#include "rule_support.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BODY = 2048, POLL_MS = 5, MINUTE = 60000 };

const char *const rules_private[] = { "--webhook-private", "yes", NULL };

struct daemon rules_start(const char *const *options)
{
    struct daemon daemon = daemon_start(options);
    daemon_add_model(
        &daemon, "pump",
        (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers", "4", NULL });
    return daemon;
}

/* Of a session whose readings keep being far from what was forecast no more than the level lie
 * within, so that a bound of 1 is met from the first time on that a coverage is known. */
void rules_put(const struct daemon *daemon, const char *name, unsigned port, int n_for,
               const char *more, int code)
{
    char path[128], body[BODY];
    snprintf(path, sizeof path, RULES "/%s", name);
    snprintf(body, sizeof body,
             "{\"coverage\":true,\"below\":1,\"for\":%d,\"url\":\"http://127.0.0.1:%u/hook\"%s}",
             n_for, port, more);
    expect(daemon, "PUT", path, body, code, name);
}

void rules_step(const struct daemon *daemon, const char *session, int n)
{
    char *body = calloc(1, (size_t)n * 80 + 64), *p = body;
    static unsigned long noise = 88172645463325252UL;
    ck_assert_ptr_nonnull(body);
    p += sprintf(p, "{\"steps\":[");
    for (int k = 0; k < n; k++) {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        p += sprintf(p, "%s{\"session\":\"%s\",\"x\":[%lu]}", k > 0 ? "," : "", session,
                     noise % 1000);
    }
    sprintf(p, "]}");
    expect(daemon, "POST", "/v1/models/pump/steps", body, 200, "\"step\"");
    free(body);
}

void rules_wait(const struct daemon *daemon, const char *path, const char *text)
{
    bool is_there = false;
    for (int ms = 0; !is_there; ms += POLL_MS) {
        struct answer answer = request(daemon, "GET", path, NULL);
        is_there = strstr(answer.body, text) != NULL;
        ck_assert_msg(is_there || ms < MINUTE, "no %s in %s", text, answer.body);
        answer_free(&answer);
        usleep(POLL_MS * 1000);
    }
}

void expect_told(const struct received *received, const char *state)
{
    char text[64];
    snprintf(text, sizeof text, "\"state\":\"%s\"", state);
    ck_assert_msg(strstr(received->body, text) != NULL, "%s", received->body);
}
