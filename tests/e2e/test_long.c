/* Predictions that take long: they give way to others between their slices, and no bit of an answer
 * tells. */
#include "long_support.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HORIZON "70"

enum {
    ROWS = 200, /* several slices of this model */
    BODY_SIZE = 64 << 10
};

/* Minutes of work, far beyond the patience. */
static const char endless[] =
    "{\"instances\":[{\"x\":[[1]]},{\"x\":[[2]]},{\"x\":[[3]]},{\"x\":[[4]]},{"
    "\"x\":[[5]]}],\"horizon\":1000000}";

static int send_post(const struct daemon *daemon, const char *path, const char *body)
{
    int fd = client_connect(daemon);
    client_send_request(fd, "POST", path, NULL, "application/json", body, strlen(body));
    return fd;
}

static int send_predict(const struct daemon *daemon, const char *body)
{
    return send_post(daemon, LONG_MODEL "/predict", body);
}

TEST(others_are_served_while_a_long_prediction_goes_on)
{
    struct daemon daemon = long_start();
    int fd = send_predict(&daemon, endless);
    long_ask_others(&daemon);
    ck_assert(!long_has_answer(fd));
    struct answer refused = request(&daemon, "POST", LONG_MODEL "/predict", long_one);
    ck_assert_msg(refused.code == 503 && strstr(refused.headers, "Retry-After: 1"), "%d: %s",
                  refused.code, refused.body);
    answer_free(&refused);
    expect(&daemon, "GET", "/metrics", NULL, 200, "\ngrud_http_refused_total{kind=\"heavy\"} 1\n");
    ck_assert(!long_has_answer(fd));
    close(fd);
    long_wait_until_given_up(&daemon);
    daemon_stop(&daemon);
}

/* It was begun from a copy, which the steps of its session do not touch. */
TEST(a_session_steps_on_while_its_long_forecast_goes_on)
{
    static const char ahead[] = "{\"horizon\":200}", step[] = "{\"x\":[1.5]}";
    struct daemon daemon = long_start();
    expect(&daemon, "POST", LONG_MODEL "/sessions/s/step", step, 200, NULL);
    struct answer wanted = request(&daemon, "POST", LONG_MODEL "/sessions/s/forecast", ahead);
    ck_assert_msg(wanted.code == 200 && strstr(wanted.body, "{\"session\":\"s\",\"step\":1,"), "%s",
                  wanted.body);
    int fd = send_post(&daemon, LONG_MODEL "/sessions/s/forecast", ahead);
    int endless_fd = send_post(&daemon, LONG_MODEL "/sessions/s/forecast", "{\"horizon\":1000000}");
    long_ask_others(&daemon);
    expect(&daemon, "POST", LONG_MODEL "/sessions/s/step", step, 200, "\"step\":2");
    struct answer answer = client_read(fd);
    ck_assert_int_eq(answer.code, 200);
    ck_assert_str_eq(answer.body, wanted.body);
    answer_free(&answer);
    answer_free(&wanted);
    close(fd);
    close(endless_fd);
    long_wait_until_given_up(&daemon);
    daemon_stop(&daemon);
}

/* By a hang-up of the sending side alone, and by a reset, while others are asked for. */
TEST(a_client_that_hangs_up_waits_for_no_prediction)
{
    struct daemon daemon = long_start();
    int fd = send_predict(&daemon, endless);
    long_ask_others(&daemon);
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    long_wait_until_given_up(&daemon);
    struct answer answer = client_read(fd);
    ck_assert_int_eq(answer.code, 0);
    answer_free(&answer);
    close(fd);
    fd = send_predict(&daemon, endless);
    long_ask_others(&daemon);
    const struct linger reset = { .l_onoff = 1 };
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    close(fd);
    long_wait_until_given_up(&daemon);
    daemon_stop(&daemon);
}

/* ---- restored sessions ---- */

static char *append_rows(char *end, int first, int n);

static int send_put(const struct daemon *daemon, const char *session, int n_rows)
{
    char path[96];
    char *body = malloc((size_t)n_rows * sizeof "[16.5]," + 64);
    ck_assert_ptr_nonnull(body);
    char *end = append_rows(stpcpy(body, "{\"rewarm\":"), 0, n_rows);
    stpcpy(end, "}");
    snprintf(path, sizeof path, LONG_MODEL "/sessions/%s", session);
    int fd = client_connect(daemon);
    client_send_request(fd, "PUT", path, NULL, "application/json", body, strlen(body));
    free(body);
    return fd;
}

TEST(others_are_served_while_readings_are_replayed)
{
    enum { FAR = 200000 }; /* half a minute of work and more */
    struct daemon daemon = long_start();
    expect(&daemon, "POST", LONG_MODEL "/sessions/s/step", "{\"x\":[1]}", 200, NULL);
    int fd = send_put(&daemon, "s", FAR);
    long_ask_others(&daemon);
    ck_assert(!long_has_answer(fd));
    expect(&daemon, "POST", LONG_MODEL "/sessions/s/step", "{\"x\":[1],\"seq\":2}", 200, NULL);
    close(fd);
    long_wait_until_given_up(&daemon);
    expect(&daemon, "POST", LONG_MODEL "/sessions/s/step", "{\"x\":[1],\"seq\":3}", 200, NULL);
    daemon_stop(&daemon);
}

/* Its body is being read by another thread then, or has been: libmicrohttpd no longer tells of such
 * a client by itself. */
TEST(a_client_that_hangs_up_once_it_has_sent_a_large_body_is_given_up)
{
    enum { FAR = 200000, HANG_UPS = 6 };
    struct daemon daemon = long_start();
    for (int k = 0; k < HANG_UPS; k++) {
        int fd = send_put(&daemon, "s", FAR);
        for (int n = 0; n < k; n++) {
            long_ask_others(&daemon);
        }
        close(fd);
    }
    long_wait_until_given_up(&daemon);
    expect(&daemon, "GET", LONG_MODEL "/sessions/s", NULL, 404, NULL);
    daemon_stop(&daemon);
}

TEST(readings_that_are_replayed_lead_where_steps_lead)
{
    char path[96], body[64];
    struct daemon daemon = long_start();
    for (int t = 0; t < ROWS; t++) {
        snprintf(path, sizeof path, LONG_MODEL "/sessions/stepped/step");
        snprintf(body, sizeof body, "{\"x\":[%d.5]}", t % 17);
        expect(&daemon, "POST", path, body, 200, NULL);
    }
    int fd = send_put(&daemon, "put", ROWS);
    struct answer put = client_read(fd);
    close(fd);
    ck_assert_msg(put.code == 201, "%d: %s", put.code, put.body);
    struct answer stepped = request(&daemon, "GET", LONG_MODEL "/sessions/stepped", NULL);
    const char *end = strstr(stepped.body, ",\"digest\""),
               *from = strstr(stepped.body, "\"state\"");
    ck_assert(end && from && end > from);
    ck_assert_int_eq(strncmp(from, strstr(put.body, "\"state\""), (size_t)(end - from)), 0);
    ck_assert(number_in(put.body, "step") == ROWS);
    answer_free(&put);
    answer_free(&stepped);
    daemon_stop(&daemon);
}

/* ---- no bit tells ---- */

static char *append_rows(char *end, int first, int n)
{
    *end++ = '[';
    for (int t = 0; t < n; t++) {
        end += sprintf(end, "%s[%d.5]", t > 0 ? "," : "", (first + t) % 17);
    }
    *end++ = ']';
    *end = '\0';
    return end;
}

/* The value of "y": in a step's answer. */
static char *append_value(char *end, const char *body, const char *name)
{
    const char *from = strstr(body, name);
    ck_assert_ptr_nonnull(from);
    from += strlen(name);
    size_t n = strcspn(from, "]") + 1;
    memcpy(end, from, n);
    end[n] = '\0';
    return end + n;
}

/* What predict must say of the first n rows from row `first`: the steps of a session that sees
 * them. */
static void print_expected(const struct daemon *daemon, const char *session, int first, int n,
                           bool last_only, char *expected)
{
    char path[96], body[64];
    char *end = stpcpy(expected, "\"y\":[");
    snprintf(path, sizeof path, LONG_MODEL "/sessions/%s/step", session);
    for (int t = 0; t < n; t++) {
        const bool is_last = t + 1 == n;
        char *tail = body + snprintf(body, sizeof body, "{\"x\":[%d.5]", (first + t) % 17);
        snprintf(tail, sizeof body - (size_t)(tail - body),
                 is_last ? ",\"horizon\":" HORIZON "}" : "}");
        struct answer answer = request(daemon, "POST", path, body);
        ck_assert_msg(answer.code == 200, "%s", answer.body);
        if (!last_only || is_last) {
            end = append_value(end, answer.body, "\"y\":");
            *end++ = is_last ? ']' : ',';
        }
        if (is_last) {
            const char *forecast = strstr(answer.body, ",\"forecast\":");
            ck_assert_ptr_nonnull(forecast);
            stpcpy(end, forecast); /* to the end of the object */
        }
        answer_free(&answer);
    }
}

TEST(a_long_prediction_says_what_the_steps_of_a_session_say)
{
    static const char before[] = "{\"model\":\"wide\",\"version\":1,";
    static char body[BODY_SIZE], expected[BODY_SIZE];
    struct daemon daemon = long_start();
    for (int last_only = 0; last_only < 2; last_only++) {
        print_expected(&daemon, last_only ? "b" : "a", 3, ROWS, last_only != 0, expected);
        char *end = stpcpy(body, last_only ? "{\"return\":\"last\",\"x\":" : "{\"x\":");
        end = append_rows(end, 3, ROWS);
        stpcpy(end, ",\"horizon\":" HORIZON "}");
        struct answer answer = request(&daemon, "POST", LONG_MODEL "/predict", body);
        ck_assert_int_eq(answer.code, 200);
        ck_assert_int_eq(strncmp(answer.body, before, sizeof before - 1), 0);
        ck_assert_str_eq(answer.body + sizeof before - 1, expected);
        answer_free(&answer);
    }
    daemon_stop(&daemon);
}

/* Both answers, which may come together. */
static void read_to_end(int fd, char *text)
{
    size_t n = 0;
    ssize_t more;
    while ((more = recv(fd, text + n, BODY_SIZE - 1 - n, 0)) > 0) {
        n += (size_t)more;
    }
    ck_assert_int_eq(more, 0);
    text[n] = '\0';
}

/* Many at once share slices; each says what it says alone. The second request comes on the same
 * connection before the first is answered, and is answered behind it. */
TEST(sequences_of_a_long_prediction_do_not_touch_each_other)
{
    enum { SEQUENCES = 9 };
    static const int n_rows[SEQUENCES] = { 5, 90, 1, 40, 40, 17, 64, 2, 63 };
    static char body[BODY_SIZE], expected[BODY_SIZE];
    struct daemon daemon = long_start();
    char *end = stpcpy(body, "{\"horizon\":20,\"instances\":["),
         *said = stpcpy(expected, "\"results\":[");
    for (int k = 0; k < SEQUENCES; k++) {
        char alone[4096];
        char *alone_end = append_rows(stpcpy(alone, "{\"horizon\":20,\"x\":"), k, n_rows[k]);
        stpcpy(alone_end, "}");
        struct answer answer = request(&daemon, "POST", LONG_MODEL "/predict", alone);
        ck_assert_int_eq(answer.code, 200);
        said += sprintf(said, "%s{%s", k > 0 ? "," : "", strstr(answer.body, "\"y\":"));
        answer_free(&answer);
        end = append_rows(stpcpy(end, k > 0 ? ",{\"x\":" : "{\"x\":"), k, n_rows[k]);
        end = stpcpy(end, "}");
    }
    stpcpy(end, "]}");
    stpcpy(said, "]}");
    int fd = send_predict(&daemon, body);
    static const char next[] =
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    client_send(fd, next, sizeof next - 1);
    read_to_end(fd, body);
    const char *said_first = strstr(body, "\"results\"");
    ck_assert_ptr_nonnull(said_first);
    ck_assert_int_eq(strncmp(said_first, expected, strlen(expected)), 0);
    said_first += strlen(expected);
    ck_assert_msg(strncmp(said_first, "HTTP/1.1 200 ", 13) == 0, "%s", said_first);
    close(fd);
    daemon_stop(&daemon);
}

/* ---- the end ---- */

TEST(a_long_prediction_is_finished_after_a_signal)
{
    enum { ROLLED = 1000 }; /* some hundred milliseconds on an ordinary machine */
    static const char body[] = "{\"x\":[[1]],\"horizon\":1000}";
    char log[4096];
    struct daemon daemon = long_start();
    int fd = send_predict(&daemon, body);
    expect(&daemon, "GET", "/healthz", NULL, 200, NULL);
    ck_assert_int_eq(kill(daemon.pid, SIGTERM), 0);
    struct answer answer = client_read(fd);
    ck_assert_int_eq(answer.code, 200);
    ck_assert_uint_gt(answer.n_body, ROLLED * sizeof "[0],");
    ck_assert_str_eq(answer.body + answer.n_body - 3, "]]}");
    answer_free(&answer);
    ck_assert_int_eq(daemon_wait(&daemon), 0);
    daemon_wait_log(&daemon, "stopped synced=yes", log, sizeof log);
    ck_assert_ptr_null(strstr(log, "_cut"));
    close(fd);
    daemon_start_again(&daemon, NULL);
    daemon_stop(&daemon);
}

/* The reply to a prediction of many values is printed by another thread than a short one's. */
TEST(a_long_reply_begins_as_a_short_one)
{
    static const char *const paths[] = { "/v1/models/fast/predict",
                                         "/v1/models/fast/sessions/s/forecast" };
    struct daemon daemon = long_start();
    daemon_add_model(
        &daemon, "fast",
        (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers", "8", NULL });
    expect(&daemon, "POST", "/v1/models/fast/sessions/s/step", "{\"x\":[1]}", 200, NULL);
    for (size_t k = 0; k < 2; k++) {
        const char *x = k == 0 ? "\"x\":[[1]]," : "";
        char body[64];
        snprintf(body, sizeof body, "{%s\"horizon\":100}", x);
        struct answer few = request(&daemon, "POST", paths[k], body);
        snprintf(body, sizeof body, "{%s\"horizon\":70000}", x);
        struct answer many = request(&daemon, "POST", paths[k], body);
        size_t n = few.n_body - strlen("]}");
        ck_assert(few.code == 200 && many.code == 200 && many.n_body > 600 * few.n_body);
        ck_assert_int_eq(memcmp(few.body, many.body, n), 0);
        answer_free(&few);
        answer_free(&many);
    }
    daemon_stop(&daemon);
}
