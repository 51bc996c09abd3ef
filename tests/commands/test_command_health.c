/* grud --health against a server of the test's own, which answers one connection with a given text.
 */
#include "commands/command.h"
#include "scratch.h"
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A listening socket on a free port of the loopback. */
static int listen_anywhere(unsigned *ret_port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 4), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

/* Reads one request and answers `reply` if it is `request`; a reply of NULL is none until the
 * client goes. */
static void serve_one(int listener, const char *request, const char *reply)
{
    char text[4096] = "";
    int fd = accept(listener, NULL, NULL);
    size_t n = 0;
    while (n < sizeof text - 1 && !strstr(text, "\r\n\r\n")) {
        ssize_t n_read = read(fd, text + n, sizeof text - 1 - n);
        if (n_read <= 0) {
            _exit(1);
        }
        n += (size_t)n_read;
    }
    if (strcmp(text, request) != 0) {
        reply = "HTTP/1.1 599 Wrong Request\r\n\r\n";
    }
    if (reply) {
        (void)!write(fd, reply, strlen(reply));
        _exit(0);
    }
    (void)!read(fd, text, sizeof text);
    _exit(0);
}

/* Stands for the layer that speaks TLS. */
static bool ask_nobody(int fd, const char *request, size_t n_request, char *reply, size_t size,
                       int64_t deadline_ms)
{
    (void)fd, (void)n_request, (void)deadline_ms;
    ck_assert_ptr_nonnull(strstr(request, "GET /tls HTTP/1.1\r\n"));
    snprintf(reply, size, "HTTP/1.1 299 Over TLS\r\n");
    return true;
}

static char *const no_environment[] = { NULL };

static int check(const char *url, char **ret_err)
{
    char *argv[] = { (char[]){ "--health" }, strdup(url), NULL };
    struct capture err = capture_begin(STDERR_FILENO);
    int code = command_health(2, argv, no_environment, ask_nobody);
    *ret_err = capture_end(&err);
    free(argv[1]);
    return code;
}

/* The code for a server that replies so; what is complained of must contain `complaint`. */
static void expect(const char *reply, int code, const char *complaint)
{
    unsigned port;
    char url[100], request[300], *err;
    int listener = listen_anywhere(&port);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/readyz", port);
    snprintf(request, sizeof request,
             "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: grud\r\nConnection: "
             "close\r\n\r\n",
             port);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        serve_one(listener, request, reply);
    }
    close(listener);
    ck_assert_int_eq(check(url, &err), code);
    if (code == 0) {
        ck_assert_str_eq(err, "");
    } else {
        ck_assert_msg(strstr(err, complaint) != NULL, "%s", err);
        ck_assert(strchr(err, '\n') == err + strlen(err) - 1);
    }
    free(err);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

TEST(only_an_answer_of_200_is_healthy)
{
    expect("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 0, NULL);
    expect("HTTP/1.0 200\r\n\r\n", 0, NULL);
    expect("HTTP/1.1 503 Service Unavailable\r\n\r\n", 1, "answered 503");
    expect("HTTP/1.1 204 No Content\r\n\r\n", 1, "answered 204");
    expect("HTTP/1.1 2000 OK\r\n\r\n", 1, "not HTTP");
    expect("HTTP/1.1 20\r\n\r\n", 1, "not HTTP");
    expect("HTTP/1.1 200", 1, "not HTTP");
    expect("SSH-2.0-OpenSSH 200\r\n", 1, "not HTTP");
    expect("", 1, "not HTTP");
}

TEST(the_reason_of_an_error_is_passed_on)
{
#define ERROR_WITH(text) "HTTP/1.1 503 No\r\n\r\n{\"error\":{\"code\":\"a\",\"message\":\"" text
    expect(ERROR_WITH("no model is served\",\"param\":null}}"), 1,
           "answered 503: no model is served\n");
    expect(ERROR_WITH("of \\\"a\\\", one\"}}"), 1, "answered 503: of \\\"a\\\", one\n");
    expect(ERROR_WITH("cut"), 1, "answered 503: cut\n");
    expect(ERROR_WITH("cut\\"), 1, "answered 503: cut\\\n");
    expect(ERROR_WITH("two\nlines\"}}"), 1, "answered 503: two\n");
    expect(ERROR_WITH("\"}}"), 1, "answered 503\n");
    expect("HTTP/1.1 503 No\r\nX: \"message\":\"a\"\r\n\r\n", 1, "answered 503\n");
#undef ERROR_WITH
}

TEST(a_server_that_says_nothing_is_not_healthy)
{
    expect(NULL, 1, "timed out");
}

TEST(a_port_that_nobody_listens_on_is_not_healthy)
{
    unsigned port;
    char url[100], *err;
    int listener = listen_anywhere(&port);
    close(listener);
    snprintf(url, sizeof url, "http://localhost:%u/", port);
    ck_assert_int_eq(check(url, &err), 1);
    ck_assert_ptr_nonnull(strstr(err, url));
    free(err);
}

TEST(urls_that_are_not_plain_http_are_refused)
{
    static const char *const urls[] = { "",
                                        "http://",
                                        "http:///x",
                                        "https://",
                                        "httpss://a/",
                                        "localhost:8080",
                                        "http://:80/",
                                        "http://a:/",
                                        "http://a:0/",
                                        "http://a:65536/",
                                        "http://a:1x/",
                                        "http://a:000080/",
                                        "http://a@b/",
                                        "http://a?x",
                                        "http://a/ b",
                                        "http://a/\r\nX: y",
                                        "http://a/\x7f",
                                        "http://a/\xff",
                                        "http://a/#b",
                                        "http://[::1/",
                                        "http://[]/",
                                        "http://[::1]x/",
                                        "HTTP://a/" };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        char *err;
        ck_assert_int_eq(check(urls[i], &err), 1);
        ck_assert_msg(strstr(err, "expected http://HOST:PORT/PATH") != NULL, "'%s': %s", urls[i],
                      err);
        free(err);
    }
}

TEST(https_is_asked_over_tls)
{
    unsigned port;
    char url[100], *err;
    int listener = listen_anywhere(&port);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/tls", port);
    ck_assert_int_eq(check(url, &err), 1);
    ck_assert_msg(strstr(err, "answered 299") != NULL, "%s", err);
    free(err);
    close(listener);
}

TEST(https_is_for_the_loopback)
{
    static const char *const urls[] = { "https://192.0.2.1/", "https://[2001:db8::1]/" };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        char *err;
        ck_assert_int_eq(check(urls[i], &err), 1);
        ck_assert_msg(strstr(err, "is for the loopback") != NULL, "'%s': %s", urls[i], err);
        free(err);
    }
}

/* ---- without a URL ---- */

/* A port of every address that nobody listens on, for as long as this program runs: it is bound. */
static unsigned closed_port(void)
{
    static unsigned port;
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t n = sizeof address;
    if (port == 0) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &n), 0);
        port = ntohs(address.sin_port);
    }
    return port;
}

/* The text, to be freed, with that port for $P. */
static char *with_port(const char *text)
{
    char *filled;
    const char *mark = strstr(text, "$P");
    int n = mark ? asprintf(&filled, "%.*s%u%s", (int)(mark - text), text, closed_port(), mark + 2)
                 : asprintf(&filled, "%s", text);
    ck_assert_int_ge(n, 0);
    return filled;
}

static void write_with_port(const char *folder, const char *name, const char *text)
{
    char *filled = with_port(text);
    text_write(folder, name, filled);
    free(filled);
}

/* What is asked, with these flags (NULL: none) and variables, where nobody listens: the URL is in
 * the complaint. */
static void expect_own(const char *flag, const char *const *variables, const char *complaint)
{
    char *argv[] = { (char[]){ "--health" }, flag ? with_port(flag) : NULL, NULL },
         *environment[8] = { NULL }, *expected = with_port(complaint);
    for (size_t k = 0; variables[k]; k++) {
        environment[k] = with_port(variables[k]);
    }
    struct capture err = capture_begin(STDERR_FILENO);
    int code = command_health(flag ? 2 : 1, argv, environment, ask_nobody);
    char *text = capture_end(&err);
    ck_assert_int_eq(code, 1);
    ck_assert_msg(strstr(text, expected) != NULL, "no '%s' in: %s", expected, text);
    ck_assert_msg(strchr(text, '\n') == text + strlen(text) - 1, "not one line: %s", text);
    free(text);
    free(expected);
    free(argv[1]);
    for (size_t k = 0; environment[k]; k++) {
        free(environment[k]);
    }
}

#define VARIABLES(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

TEST(without_a_url_it_asks_where_the_configuration_says)
{
    expect_own(NULL, VARIABLES("GRUD_LISTEN=127.0.0.1:$P"),
               "http://127.0.0.1:$P/readyz: Connection refused");
    expect_own(NULL, VARIABLES("GRUD_LISTEN=0.0.0.0:$P"), "http://127.0.0.1:$P/readyz: ");
    expect_own(NULL, VARIABLES("GRUD_LISTEN=127.0.0.9:$P"), "http://127.0.0.9:$P/readyz: ");
    expect_own(NULL, VARIABLES("GRUD_LISTEN=[::]:$P"), "http://127.0.0.1:$P/readyz: ");
    expect_own(NULL,
               VARIABLES("GRUD_LISTEN=[::1]:$P", "GRUD_TLS_CERT=/c.pem", "GRUD_TLS_KEY=/k.pem"),
               "https://[::1]:$P/readyz: ");
    expect_own("--listen=127.0.0.8:$P", VARIABLES("GRUD_LISTEN=127.0.0.9:$P"),
               "http://127.0.0.8:$P/readyz: ");
}

TEST(the_configuration_file_is_read_too)
{
    char variable[300], *folder = folder_create(), *path = path_in(folder, "grud.conf");
    write_with_port(folder, "grud.conf", "listen = 0.0.0.0:$P\ntls-cert = /none\n");
    snprintf(variable, sizeof variable, "GRUD_CONFIG=%s", path);
    expect_own(NULL, VARIABLES(variable), "https://127.0.0.1:$P/readyz: ");
    write_with_port(folder, "grud.conf", "listen = 0.0.0.0:$P\nlisten-remot = yes\n");
    expect_own(NULL, VARIABLES(variable), "grud.conf:2: there is no option 'listen-remot'");
    free(path);
    folder_remove(folder);
}

/* An address that can be bound is this machine's, so that its certificate needs no check either. */
TEST(over_tls_its_own_address_need_not_be_the_loopback)
{
    expect_own(NULL, VARIABLES("GRUD_LISTEN=255.255.255.255:1", "GRUD_TLS_CERT=/c.pem"),
               "https://255.255.255.255:1/readyz: Network is unreachable");
}

TEST(the_port_that_grud_has_chosen_comes_from_the_port_file)
{
    char variable[300], *folder = folder_create(), *path = path_in(folder, "port");
    expect_own("--listen=127.0.0.1:0", VARIABLES(),
               "set port-file (GRUD_PORT_FILE), or give listen");
    snprintf(variable, sizeof variable, "GRUD_PORT_FILE=%s", path);
    expect_own("--listen=127.0.0.1:0", VARIABLES(variable),
               "/port: No such file or directory (grud writes");
    write_with_port(folder, "port", "$P\n");
    expect_own("--listen=127.0.0.1:0", VARIABLES(variable), "http://127.0.0.1:$P/readyz: ");
    static const char *const odd[] = { "",     "\n",       "0\n",  "65536\n",
                                       "1x\n", "808080\n", "-1\n", "80 80" };
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
        text_write(folder, "port", odd[k]);
        expect_own("--listen=127.0.0.1:0", VARIABLES(variable), "/port holds no port");
    }
    free(path);
    folder_remove(folder);
}

TEST(a_configuration_that_grud_refuses_is_not_healthy)
{
    expect_own(NULL, VARIABLES("GRUD_LISTEN=8080"), "listen: '8080' is no address; ");
    expect_own(NULL, VARIABLES("GRUD_LISTN=127.0.0.1:1"),
               "variable GRUD_LISTN: there is no such option");
    expect_own("--colour", VARIABLES(), "flag --colour: there is no such option");
    expect_own(NULL, VARIABLES("GRUD_CONFIG=/nonexistent"),
               "/nonexistent: the configuration file cannot be");
}

TEST(a_url_and_options_do_not_go_together)
{
    char *argv[] = { (char[]){ "--health" }, (char[]){ "http://127.0.0.1:1/" },
                     (char[]){ "--listen" }, (char[]){ "127.0.0.1:1" }, NULL };
    struct capture err = capture_begin(STDERR_FILENO);
    int code = command_health(4, argv, no_environment, ask_nobody);
    char *text = capture_end(&err);
    ck_assert_int_eq(code, 1);
    ck_assert(strncmp(text, "usage: ", 7) == 0);
    free(text);
}
