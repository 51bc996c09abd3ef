#include "long_support.h"

#include "test.h"

#include <poll.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 3, PATIENCE_MS = 60000 };

const char long_one[] = "{\"x\":[[1]],\"horizon\":200}";

struct daemon long_start(void)
{
    struct daemon daemon = daemon_start(
        (const char *const[]){ "--workers", "1", "--queue-ms", "1000", "--drain-seconds", "3600",
                               "--horizon-max", "1000000", "--row-max", "10000000", NULL });
    daemon_add_model(&daemon, "wide",
                     (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers",
                                            "512,512", NULL });
    return daemon;
}

void long_ask_others(const struct daemon *daemon)
{
    for (int k = 0; k < ROUNDS; k++) {
        expect(daemon, "GET", "/healthz", NULL, 200, NULL);
        expect(daemon, "GET", "/readyz", NULL, 200, NULL);
        expect(daemon, "POST", LONG_MODEL "/sessions/other/step", "{\"x\":[1],\"horizon\":2}", 200,
               NULL);
        /* a short one */
        expect(daemon, "POST", LONG_MODEL "/predict", "{\"x\":[[1],[2]]}", 200, NULL);
    }
}

bool long_has_answer(int fd)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
    return poll(&poll_fd, 1, 0) > 0;
}

void long_wait_until_given_up(const struct daemon *daemon)
{
    const struct timespec nap = { .tv_nsec = 20 * 1000000 };
    for (int ms = 0;; ms += 20) {
        struct answer answer = request(daemon, "POST", LONG_MODEL "/predict", long_one);
        int code = answer.code;
        ck_assert_msg(code == 200 || (code == 503 && strstr(answer.body, "\"overloaded\"")),
                      "%d: %s", code, answer.body);
        answer_free(&answer);
        if (code == 200) {
            return;
        }
        ck_assert_int_lt(ms, PATIENCE_MS);
        nanosleep(&nap, NULL);
    }
}
