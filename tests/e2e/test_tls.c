/* HTTPS: what works over plain HTTP works over TLS, and the certificate can be renewed. */
#include "certificates.h"
#include "daemon.h"
#include "test.h"
#include "tls.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MODEL "/v1/models/torch-small"
#define JOBS  "/v1/fine_tuning/jobs"
#define JSON  "application/json"

enum { HOUR_S = 3600, LOG_SIZE = 16384 };

struct files {
    char directory[32], certificate[64], key[64];
};

static struct files files_make(void)
{
    struct files files = { .directory = "/tmp/grud-tls-XXXXXX" };
    ck_assert_ptr_nonnull(mkdtemp(files.directory));
    snprintf(files.certificate, sizeof files.certificate, "%s/cert.pem", files.directory);
    snprintf(files.key, sizeof files.key, "%s/key.pem", files.directory);
    certificate_write(files.certificate, files.key, CERTIFICATE_EC, 1, HOUR_S);
    return files;
}

static void files_remove(const struct files *files)
{
    unlink(files->certificate);
    unlink(files->key);
    ck_assert_int_eq(rmdir(files->directory), 0);
}

/* `option` and its value may be NULL. */
static struct daemon start(const struct files *files, const char *option, const char *value)
{
    return daemon_start((const char *const[]){ "--tls-cert", files->certificate, "--tls-key",
                                               files->key, "--workers", "1", option, value, NULL });
}

static void expect_tls(const struct daemon *daemon, const char *method, const char *path,
                       const char *body, int code, const char *text)
{
    struct answer answer =
        tls_request(daemon, method, path, body ? JSON : NULL, body, body ? strlen(body) : 0);
    ck_assert_msg(answer.code == code && strstr(answer.body, text), "%s %s: %d %.300s", method,
                  path, answer.code, answer.body);
    answer_free(&answer);
}

/* ---- handshakes ---- */

#define TLS_1_2 "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:-MAC-ALL"
#define TLS_1_3 "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:-MAC-ALL"

static const struct {
    const char *priorities, *version; /* NULL: refused */
} handshakes[] = {
    { TLS_ANY, "TLS1.3" },
    { "NORMAL:-VERS-ALL:+VERS-TLS1.2", "TLS1.2" },
    { "LEGACY:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0:%COMPAT", NULL },
    { "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA", NULL }, /* no forward secrecy */
    { TLS_1_2 ":+AES-128-GCM:+AEAD", "TLS1.2" },
    { TLS_1_2 ":+AES-256-GCM:+AEAD", "TLS1.2" },
    { TLS_1_2 ":+CHACHA20-POLY1305:+AEAD", "TLS1.2" },
    { TLS_1_3 ":+AES-128-GCM:+AEAD", "TLS1.3" },
    { TLS_1_3 ":+AES-256-GCM:+AEAD", "TLS1.3" },
    { TLS_1_3 ":+CHACHA20-POLY1305:+AEAD", "TLS1.3" },
    { TLS_1_2 ":+AES-128-CBC:+AES-256-CBC:+SHA1", NULL },
    { TLS_1_2 ":+AES-128-CBC:+AES-256-CBC:+SHA256:+SHA384", NULL },
    { TLS_1_2 ":+3DES-CBC:+ARCFOUR-128:+SHA1:+MD5", NULL },
    { "NORMAL:-VERS-ALL:+VERS-TLS1.2:-SIGN-ALL:+SIGN-RSA-SHA1:+SIGN-ECDSA-SHA1", NULL },
};

TEST(only_tls_1_2_and_1_3_are_spoken_without_cbc_and_sha_1)
{
    static const enum certificate_kind kinds[] = { CERTIFICATE_EC, CERTIFICATE_RSA };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct files files = files_make();
        certificate_write(files.certificate, files.key, kinds[i], 1, HOUR_S);
        struct daemon daemon = start(&files, NULL, NULL);
        for (size_t k = 0; k < sizeof handshakes / sizeof *handshakes; k++) {
            struct tls tls = tls_connect(&daemon, handshakes[k].priorities);
            ck_assert_msg(tls.is_refused == !handshakes[k].version, "%s", handshakes[k].priorities);
            if (!tls.is_refused) {
                ck_assert_str_eq(tls.version, handshakes[k].version);
                client_send_head(tls.fd, "GET", "/healthz", NULL, NULL, 0);
                struct answer answer = client_read(tls.fd);
                ck_assert_int_eq(answer.code, 200);
                answer_free(&answer);
            }
            tls_close(&tls);
        }
        daemon_stop(&daemon);
        files_remove(&files);
    }
}

TEST(plain_http_is_not_answered)
{
    struct files files = files_make();
    struct daemon daemon = start(&files, NULL, NULL);
    struct answer answer = request(&daemon, "GET", "/healthz", NULL);
    ck_assert(answer.code == 0 && answer.closed);
    answer_free(&answer);
    expect_tls(&daemon, "GET", "/healthz", NULL, 200, "ok");
    daemon_stop(&daemon);
    files_remove(&files);
}

TEST(a_handshake_that_does_not_end_is_cut_off)
{
    static const char begun[] = "\x16\x03\x01\x02"; /* of a ClientHello */
    struct files files = files_make();
    struct daemon daemon = start(&files, "--request-seconds", "1");
    int fd = client_connect(&daemon), silent = client_connect(&daemon);
    client_send(fd, begun, sizeof begun - 1);
    struct answer answer = client_read(fd), other = client_read(silent);
    ck_assert(answer.code == 0 && answer.closed && other.code == 0 && other.closed);
    close(fd);
    close(silent);
    daemon_stop(&daemon);
    files_remove(&files);
}

TEST(a_health_check_asks_over_tls)
{
    char url[64], output[1024];
    struct files files = files_make();
    struct daemon daemon = start(&files, NULL, NULL);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/readyz", daemon.port);
    ck_assert_int_eq(
        daemon_run((const char *const[]){ "--health", url, NULL }, output, sizeof output), 0);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/no", daemon.port);
    ck_assert_int_eq(
        daemon_run((const char *const[]){ "--health", url, NULL }, output, sizeof output), 1);
    ck_assert_ptr_nonnull(strstr(output, "answered 404"));
    snprintf(url, sizeof url, "0.0.0.0:%u", daemon.port);
    const char *const own[] = {
        "--health", "--listen", url, "--tls-cert", files.certificate, NULL
    };
    ck_assert_int_eq(daemon_run(own, output, sizeof output), 0);
    const char *const plain[] = { "--health", "--listen", url, NULL };
    ck_assert_int_eq(daemon_run(plain, output, sizeof output), 1);
    daemon_stop(&daemon);
    files_remove(&files);
}

/* ---- requests ---- */

/* Reads answers until one is of the n-th step; returns how many there were. */
static int count_answers(int fd, int n)
{
    static char text[1 << 20];
    char last[64];
    size_t n_text = 0;
    int n_found = 0;
    snprintf(last, sizeof last, "\"step\":%d,", n);
    while (!strstr(text, last)) {
        ssize_t more = recv(fd, text + n_text, sizeof text - 1 - n_text, 0);
        ck_assert_int_gt(more, 0);
        n_text += (size_t)more;
        text[n_text] = '\0';
    }
    for (const char *at = text; (at = strstr(at, "HTTP/1.1 200 OK\r\n")); at++) {
        n_found++;
    }
    return n_found;
}

/* Many in a record, and a record in many pieces. */
TEST(pipelined_steps_are_all_answered)
{
    enum { N = 500, SIZE = 256 };
    static const char step[] =
        "POST " MODEL "/sessions/s/step HTTP/1.1\r\nHost: localhost\r\nContent-Type: " JSON
        "\r\nContent-Length: 13\r\n\r\n{\"x\":[1,2,3]}";
    struct files files = files_make();
    struct daemon daemon = start(&files, NULL, NULL);
    struct tls tls = tls_connect(&daemon, TLS_ANY);
    char *all = malloc(N * (sizeof step - 1));
    for (size_t k = 0; k < N; k++) {
        memcpy(all + k * (sizeof step - 1), step, sizeof step - 1);
    }
    client_send(tls.fd, all, N * (sizeof step - 1));
    ck_assert_int_eq(count_answers(tls.fd, N), N);
    free(all);
    tls_close(&tls);
    daemon_stop(&daemon);
    files_remove(&files);
}

static void *read_whole(const char *path, size_t *ret_n)
{
    FILE *file = fopen(path, "rbe");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    *ret_n = (size_t)ftell(file);
    rewind(file);
    void *bytes = malloc(*ret_n);
    ck_assert_uint_eq(fread(bytes, 1, *ret_n, file), *ret_n);
    fclose(file);
    return bytes;
}

TEST(megabytes_come_in_and_go_out_unharmed)
{
    char path[64], output[1024];
    size_t n;
    struct files files = files_make();
    struct daemon daemon = start(&files, NULL, NULL);
    snprintf(path, sizeof path, "%s/wide.safetensors", files.directory);
    ck_assert_int_eq(daemon_run((const char *const[]){ "init", "--inputs", "a", "--outputs", "a",
                                                       "--layers", "600", "-o", path, NULL },
                                output, sizeof output),
                     0);
    void *bytes = read_whole(path, &n);
    ck_assert_uint_gt(n, 4 << 20);
    struct answer answer =
        tls_request(&daemon, "PUT", "/v1/models/wide", "application/octet-stream", bytes, n);
    ck_assert_msg(answer.code == 201, "%d %s", answer.code, answer.body);
    answer_free(&answer);
    answer = tls_request(&daemon, "GET", "/v1/models/wide/versions/1/file", NULL, NULL, 0);
    ck_assert_int_eq(answer.code, 200);
    ck_assert_uint_eq(answer.n_body, n);
    ck_assert_int_eq(memcmp(answer.body, bytes, n), 0);
    answer_free(&answer);
    free(bytes);
    unlink(path);
    daemon_stop(&daemon);
    files_remove(&files);
}

TEST(a_body_that_is_refused_is_not_waited_for)
{
    struct files files = files_make();
    struct daemon daemon = start(&files, "--body-max", "2000");
    struct tls tls = tls_connect(&daemon, TLS_ANY);
    client_send_head(tls.fd, "POST", MODEL "/predict", NULL, JSON, 1000000);
    struct answer answer = client_read(tls.fd);
    ck_assert(answer.code == 413 && answer.closed);
    answer_free(&answer);
    tls_close(&tls);
    daemon_stop(&daemon);
    files_remove(&files);
}

/* Past libmicrohttpd, which owns the session. */
TEST(what_libmicrohttpd_refuses_has_an_error_like_any_other_over_tls)
{
    static const char bad_length[] =
        "POST " MODEL "/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n";
    struct files files = files_make();
    struct daemon daemon = start(&files, NULL, NULL);
    for (int again = 0; again < 3; again++) {
        struct tls tls = tls_connect(&daemon, TLS_ANY);
        client_send(tls.fd, bad_length, sizeof bad_length - 1);
        struct answer answer = client_read(tls.fd);
        ck_assert(answer.code == 400 && answer.closed);
        ck_assert_ptr_nonnull(strstr(answer.body, "\"Content-Length is not a number\""));
        answer_free(&answer);
        tls_close(&tls);
    }
    daemon_stop(&daemon);
    files_remove(&files);
}

TEST(a_stream_of_events_goes_on_to_its_end)
{
    static const char job[] =
        "{\"model\":\"torch-small\",\"hyperparameters\":{\"n_epochs\":3},\"training\":"
        "{\"series\":[{\"x\":[[1,2,3],[2,3,4],[3,4,5],[4,5,6],[5,6,7],[6,7,8]],"
        "\"y\":[[1],[2],[3],[4],[5],[6]]}]},\"validation\":null}";
    char id[64], path[160];
    struct files files = files_make();
    struct daemon daemon = start(&files, NULL, NULL);
    struct answer answer = tls_request(&daemon, "POST", JOBS, JSON, job, sizeof job - 1);
    ck_assert_msg(answer.code == 202, "%d %s", answer.code, answer.body);
    ck_assert_int_eq(sscanf(answer.body, "{\"id\":\"%63[^\"]", id), 1);
    answer_free(&answer);
    struct tls tls = tls_connect(&daemon, TLS_ANY);
    snprintf(path, sizeof path, JOBS "/%s/events", id);
    client_send_head(tls.fd, "GET", path, "Accept: text/event-stream\r\n", NULL, 0);
    answer = client_read_chunks(tls.fd);
    ck_assert(answer.code == 200 && !answer.closed);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"type\":\"metrics\""));
    answer_free(&answer);
    tls_close(&tls);
    snprintf(path, sizeof path, JOBS "/%s", id);
    expect_tls(&daemon, "GET", path, NULL, 200, "\"status\":\"succeeded\"");
    daemon_stop(&daemon);
    files_remove(&files);
}

TEST(clients_that_hang_up_are_noticed)
{
    struct files files = files_make();
    struct daemon daemon = start(&files, NULL, NULL);
    for (int k = 0; k < 20; k++) {
        expect_tls(&daemon, "POST", MODEL "/sessions/a/step", "{\"x\":[1,2,3]}", 200,
                   "\"session\":\"a\"");
    }
    bool is_alone = false;
    for (int ms = 0; !is_alone; ms += 50) {
        ck_assert_int_lt(ms, 60000);
        struct answer answer = tls_request(&daemon, "GET", "/metrics", NULL, NULL, 0);
        is_alone = strstr(answer.body, "\ngrud_http_connections 1\n");
        answer_free(&answer);
        usleep(50000);
    }
    daemon_stop(&daemon);
    files_remove(&files);
}

/* ---- the certificate ---- */

static unsigned shown_serial(const struct daemon *daemon)
{
    struct tls tls = tls_connect(daemon, TLS_ANY);
    ck_assert(!tls.is_refused);
    tls_close(&tls);
    return tls.serial;
}

static void hang_up(const struct daemon *daemon, const char *result)
{
    char log[LOG_SIZE];
    ck_assert_int_eq(kill(daemon->pid, SIGHUP), 0);
    daemon_wait_log(daemon, result, log, sizeof log);
}

TEST(the_certificate_is_renewed_while_connections_are_open)
{
    char other[80];
    struct files files = files_make();
    struct daemon daemon = start(&files, NULL, NULL);
    struct tls old = tls_connect(&daemon, TLS_ANY);
    ck_assert_uint_eq(old.serial, 1);
    certificate_write(files.certificate, files.key, CERTIFICATE_RSA, 2, HOUR_S);
    ck_assert_uint_eq(shown_serial(&daemon), 1);
    hang_up(&daemon, " info reloaded");
    ck_assert_uint_eq(shown_serial(&daemon), 2);
    client_send_head(old.fd, "GET", "/healthz", NULL, NULL, 0);
    struct answer answer = client_read(old.fd);
    ck_assert_int_eq(answer.code, 200);
    answer_free(&answer);
    snprintf(other, sizeof other, "%s/other.pem", files.directory);
    certificate_write(files.certificate, other, CERTIFICATE_EC, 3, HOUR_S);
    hang_up(&daemon, "error reload_refused param=tls-key");
    ck_assert_uint_eq(shown_serial(&daemon), 2);
    tls_close(&old);
    unlink(other);
    daemon_stop(&daemon);
    files_remove(&files);
}

static void expect_no_start(const char *const *options, const char *reason)
{
    char output[8192];
    ck_assert_int_eq(daemon_run(options, output, sizeof output), 2);
    ck_assert_msg(strstr(output, reason) != NULL, "%s", output);
}

TEST(without_a_certificate_that_works_it_does_not_start)
{
    char other[80];
    struct files files = files_make();
    snprintf(other, sizeof other, "%s/other.pem", files.directory);
    expect_no_start((const char *const[]){ "--tls-cert", files.certificate, NULL }, "go together");
    expect_no_start((const char *const[]){ "--tls-key", files.key, NULL }, "go together");
    expect_no_start((const char *const[]){ "--tls-cert", other, "--tls-key", files.key, NULL },
                    "cannot be opened: No such file");
    certificate_write(files.certificate, other, CERTIFICATE_EC, 1, HOUR_S);
    expect_no_start(
        (const char *const[]){ "--tls-cert", files.certificate, "--tls-key", files.key, NULL },
        "is not the key of the first certificate");
    unlink(other);
    files_remove(&files);
}
