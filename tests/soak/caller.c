#include "caller.h"

#include "test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct caller caller_create(const struct place *place)
{
    return (struct caller){ .soak = place->soak,
                            .fd = -1,
                            .chance = place->number * 0x9e3779b97f4a7c15ULL };
}

void caller_done(struct caller *caller)
{
    if (caller->fd >= 0) {
        close(caller->fd);
    }
    caller->fd = -1;
}

uint64_t caller_choose(struct caller *caller, uint64_t n)
{
    caller->chance ^= caller->chance << 13;
    caller->chance ^= caller->chance >> 7;
    caller->chance ^= caller->chance << 17;
    return caller->chance % n;
}

double caller_reading(struct caller *caller)
{
    return (double)caller_choose(caller, 129) / 8 - 8;
}

void soak_count(struct soak *soak, enum kind kind, int code)
{
    ck_assert_int_lt(code, CODE_MAX);
    soak->asked[kind]++;
    soak->answered[code]++;
}

void soak_nap_ms(long ms)
{
    const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    nanosleep(&time, NULL);
}

struct answer caller_ask_typed(struct caller *caller, enum kind kind, const char *expected,
                               const char *method, const char *path, const char *type,
                               const void *body, size_t n)
{
    char code[16];
    if (caller->fd < 0) {
        caller->fd = client_connect(&caller->soak->daemon);
    }
    client_send_request(caller->fd, method, path, NULL, type ? type : "application/json", body, n);
    struct answer answer = client_read(caller->fd);
    snprintf(code, sizeof code, "%d", answer.code);
    ck_assert_msg(answer.code > 0 && strstr(expected, code), "%s %s %.*s: %d instead of %s: %.400s",
                  method, path, (int)(n < 200 ? n : 200), body ? (const char *)body : "",
                  answer.code, expected, answer.body ? answer.body : "(closed)");
    soak_count(caller->soak, kind, answer.code);
    if (answer.closed) {
        caller_done(caller);
    }
    return answer;
}

struct answer caller_ask(struct caller *caller, enum kind kind, const char *expected,
                         const char *method, const char *path, const char *body)
{
    return caller_ask_typed(caller, kind, expected, method, path, NULL, body,
                            body ? strlen(body) : 0);
}

int caller_tell(struct caller *caller, enum kind kind, const char *expected, const char *method,
                const char *path, const char *body)
{
    struct answer answer = caller_ask(caller, kind, expected, method, path, body);
    int code = answer.code;
    answer_free(&answer);
    return code;
}
