/* Where the time of a request went, for clients that ask. */
#include "daemon.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MODEL "/v1/models/torch-small"

static struct answer ask(const struct daemon *daemon, const char *path, const char *headers,
                         const char *body)
{
    int fd = client_connect(daemon);
    client_send_request(fd, "POST", path, headers, "application/json", body, strlen(body));
    struct answer answer = client_read(fd);
    close(fd);
    return answer;
}

/* The three durations of a reply, in milliseconds. */
static bool read_timing(const struct answer *answer, double ret_ms[3])
{
    const char *header = strstr(answer->headers, "\r\nServer-Timing: ");
    return header &&
           sscanf(header, "\r\nServer-Timing: queue;dur=%lf, work;dur=%lf, disk;dur=%lf\r\n",
                  &ret_ms[0], &ret_ms[1], &ret_ms[2]) == 3;
}

static const struct {
    const char *path, *body;
    int code;
} rows[] = {
    { MODEL "/sessions/s/step", "{\"x\":[1,2,3]}", 200 },
    { MODEL "/sessions/s/step", "{\"x\":[1,2,3],\"seq\":9}", 409 },
    { MODEL "/steps", "{\"steps\":[{\"session\":\"s\",\"x\":[1,2,3]}]}", 200 },
    { MODEL "/predict", "{\"x\":[[1,2,3],[2,3,4]]}", 200 },
};

TEST(timings_are_told_when_asked_for)
{
    struct daemon daemon = daemon_start(NULL);
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        double ms[3] = { -1, -1, -1 };
        struct answer answer = ask(&daemon, rows[k].path, "Server-Timing: ?1\r\n", rows[k].body);
        ck_assert_int_eq(answer.code, rows[k].code);
        ck_assert_msg(read_timing(&answer, ms), "%s: %s", rows[k].path, answer.headers);
        ck_assert(ms[0] >= 0 && ms[1] >= 0 && ms[2] >= 0);
        answer_free(&answer);
        answer = ask(&daemon, rows[k].path, NULL, rows[k].body); /* and not to others */
        ck_assert_ptr_null(strstr(answer.headers, "Server-Timing"));
        answer_free(&answer);
    }
    struct answer answer = ask(&daemon, rows[0].path, "Server-Timing: ?0\r\n", rows[0].body);
    ck_assert_ptr_null(strstr(answer.headers, "Server-Timing"));
    answer_free(&answer);
    daemon_stop(&daemon);
}

/* A reply that waits for its sync says so: a disk takes longer than nothing. */
TEST(waiting_for_the_disk_is_told)
{
    struct daemon daemon = daemon_start((const char *const[]){ "--sync-interval-ms", "0", NULL });
    double ms[3] = { -1, -1, -1 };
    struct answer answer = ask(&daemon, rows[0].path, "Server-Timing: ?1\r\n", rows[0].body);
    ck_assert_int_eq(answer.code, 200);
    ck_assert(read_timing(&answer, ms));
    ck_assert_msg(ms[2] > 0, "%s", answer.headers);
    answer_free(&answer);
    daemon_stop(&daemon);
}
