/* The page at / from the real daemon: what a browser gets, once and again, and what it never gets.
 */
#include "daemon.h"
#include "scratch.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define SCRIPT "/page/vendor/uPlot.iife.min.js"
#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "              \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

enum { VALUE_MAX = 300 };

static struct answer get(const struct daemon *daemon, const char *path, const char *headers)
{
    int fd = client_ask(daemon, path, headers);
    struct answer answer = client_read(fd);
    close(fd);
    return answer;
}

/* A header's value, or "". */
static const char *header_of(const struct answer *answer, const char *name, char value[VALUE_MAX])
{
    const size_t n = strlen(name);
    value[0] = '\0';
    for (const char *p = answer->headers; (p = strchr(p, '\n'));) {
        p++;
        if (strncasecmp(p, name, n) == 0 && p[n] == ':') {
            p += n + 1 + strspn(p + n + 1, " ");
            snprintf(value, VALUE_MAX, "%.*s", (int)strcspn(p, "\r"), p);
            return value;
        }
    }
    return value;
}

static void expect_header(const struct answer *answer, const char *name, const char *expected)
{
    char value[VALUE_MAX];
    header_of(answer, name, value);
    ck_assert_msg(strcmp(value, expected) == 0, "%s: '%s' instead of '%s'", name, value, expected);
}

static bool is_comment(const char *line)
{
    line += strspn(line, " ");
    return strncmp(line, "/*", 2) == 0 || strncmp(line, "//", 2) == 0 || *line == '*';
}

/* Line by line, but for comments: the binary has none. */
static void expect_file(const struct answer *answer, const char *path)
{
    char line[1024];
    size_t at = 0;
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(answer->code, 200);
    while (fgets(line, sizeof line, file)) {
        const size_t n = strlen(line);
        if (n <= answer->n_body - at && memcmp(answer->body + at, line, n) == 0) {
            at += n;
        } else {
            ck_assert_msg(is_comment(line), "%s: %s is not there", path, line);
        }
    }
    ck_assert_uint_eq(at, answer->n_body);
    fclose(file);
}

static void expect_found(const struct daemon *daemon, const char *path, const char *file,
                         const char *type)
{
    struct answer answer = get(daemon, path, "");
    expect_file(&answer, file);
    expect_header(&answer, "Content-Type", type);
    expect_header(&answer, "Content-Security-Policy", POLICY);
    expect_header(&answer, "X-Content-Type-Options", "nosniff");
    expect_header(&answer, "Referrer-Policy", "no-referrer");
    expect_header(&answer, "Cross-Origin-Opener-Policy", "same-origin");
    expect_header(&answer, "Cross-Origin-Resource-Policy", "same-origin");
    expect_header(&answer, "Cache-Control", "no-cache");
    expect_header(&answer, "Vary", "Accept-Encoding");
    expect_header(&answer, "Content-Encoding", "");
    answer_free(&answer);
}

TEST(the_page_and_its_files_come_as_they_are_in_the_tree)
{
    struct daemon daemon = daemon_start(NULL);
    expect_found(&daemon, "/", "server/page/index.html", "text/html; charset=utf-8");
    expect_found(&daemon, "/?model=a", "server/page/index.html", "text/html; charset=utf-8");
    expect_found(&daemon, SCRIPT, "server" SCRIPT, "text/javascript; charset=utf-8");
    expect_found(&daemon, "/page/page.css", "server/page/page.css", "text/css; charset=utf-8");
    expect_found(&daemon, "/page/icon.svg", "server/page/icon.svg", "image/svg+xml");
    daemon_stop(&daemon);
}

/* ---- forms ---- */

TEST(a_client_that_takes_gzip_gets_it)
{
    char command[400];
    struct daemon daemon = daemon_start(NULL);
    struct answer answer = get(&daemon, SCRIPT, "Accept-Encoding: br, gzip;q=0.8\r\n");
    ck_assert_int_eq(answer.code, 200);
    expect_header(&answer, "Content-Encoding", "gzip");
    expect_header(&answer, "Vary", "Accept-Encoding");
    char *path = path_in(daemon.directory, "script.gz");
    file_write(path, answer.body, answer.n_body);
    answer_free(&answer);
    answer = get(&daemon, SCRIPT, "Accept-Encoding: gzip;q=0\r\n");
    expect_header(&answer, "Content-Encoding", "");
    expect_file(&answer, "server" SCRIPT);
    char *plain = path_in(daemon.directory, "script.js");
    file_write(plain, answer.body, answer.n_body);
    snprintf(command, sizeof command, "gzip -dc %s | cmp - %s", path, plain);
    ck_assert_int_eq(system(command), 0); // NOLINT(cert-env33-c,concurrency-mt-unsafe)
    unlink(path);
    unlink(plain);
    free(path);
    free(plain);
    answer_free(&answer);
    daemon_stop(&daemon);
}

static void expect_code(const struct daemon *daemon, const char *path, const char *headers,
                        int code)
{
    struct answer answer = get(daemon, path, headers);
    ck_assert_msg(answer.code == code, "%s %s: %d instead of %d", path, headers, answer.code, code);
    ck_assert(code != 304 || answer.n_body == 0);
    answer_free(&answer);
}

TEST(what_the_browser_has_already_is_not_sent_again)
{
    char plain[VALUE_MAX], gzip[VALUE_MAX], headers[2 * VALUE_MAX];
    struct daemon daemon = daemon_start(NULL);
    struct answer answer = get(&daemon, SCRIPT, "");
    header_of(&answer, "ETag", plain);
    answer_free(&answer);
    answer = get(&daemon, SCRIPT, "Accept-Encoding: gzip\r\n");
    header_of(&answer, "ETag", gzip);
    answer_free(&answer);
    ck_assert(plain[0] == '"' && gzip[0] == '"');
    ck_assert_str_ne(plain, gzip); /* strong: the bytes differ */

    snprintf(headers, sizeof headers, "If-None-Match: \"x\", %s\r\n", plain);
    answer = get(&daemon, SCRIPT, headers);
    ck_assert_int_eq(answer.code, 304);
    ck_assert_uint_eq(answer.n_body, 0);
    expect_header(&answer, "ETag", plain);
    expect_header(&answer, "Cache-Control", "no-cache");
    expect_header(&answer, "Vary", "Accept-Encoding");
    expect_header(&answer, "Content-Encoding", "");
    answer_free(&answer);
    expect_code(&daemon, SCRIPT, "If-None-Match: *\r\n", 304);
    expect_code(&daemon, SCRIPT, "If-None-Match: \"x\"\r\n", 200);
    snprintf(headers, sizeof headers, "If-None-Match: %s\r\nAccept-Encoding: gzip\r\n", plain);
    expect_code(&daemon, SCRIPT, headers, 200);
    snprintf(headers, sizeof headers, "If-None-Match: %s\r\nAccept-Encoding: gzip\r\n", gzip);
    expect_code(&daemon, SCRIPT, headers, 304);
    expect_code(&daemon, "/", headers, 200); /* another file's */
    daemon_stop(&daemon);
}

/* 304 and HEAD have no body: the next answer on the connection is found where it begins. */
TEST(a_connection_goes_on_behind_answers_without_a_body)
{
    static const char requests[] =
        "GET / HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: *\r\n\r\n"
        "HEAD / HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n"
        "HEAD " SCRIPT " HTTP/1.1\r\nHost: localhost\r\n\r\n"
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    static char all[1 << 16];
    struct daemon daemon = daemon_start(NULL);
    int fd = client_connect(&daemon);
    client_send(fd, requests, sizeof requests - 1);
    size_t n = 0;
    ssize_t more;
    while ((more = recv(fd, all + n, sizeof all - 1 - n, 0)) > 0) {
        n += (size_t)more;
    }
    close(fd);
    ck_assert_uint_lt(n, 4096);
    const char *unchanged = strstr(all, "HTTP/1.1 304"), *head = strstr(all, "HTTP/1.1 200"),
               *script = head ? strstr(head + 1, "HTTP/1.1 200") : NULL,
               *health = script ? strstr(script + 1, "HTTP/1.1 200") : NULL;
    ck_assert_msg(unchanged == all && head && health, "%s", all);
    ck_assert(strstr(script, "Content-Length: 51081\r\n") != NULL);
    const char *end = strstr(health, "\r\n\r\n");
    ck_assert_str_eq(end + 4, "{\"status\":\"ok\"}");
    ck_assert_ptr_null(strstr(all, "<html"));
    daemon_stop(&daemon);
}

/* ---- bad input ---- */

TEST(what_is_no_file_of_the_page_is_404)
{
    static const char *const paths[] = {
        "/page",
        "/page/",
        "/page/index.html", /* its links are relative to / */
        "/page/none.js",
        "/page/vendor",
        "/page/vendor/",
        "/page/vendor/none.css",
        "/page/vendor/LICENSE",
        "/page/vendor/SHA256SUMS",
        "/page/vendor/a/b.js",
        "/page//icon.svg",
        "//page/icon.svg",
        "//",
        "/page/icon.svg/",
        "/page/ICON.svg",
        "/page/icon.svg%00",
        "/page/icon%00.svg",
        "/page/../page/icon.svg",
        "/page/vendor/../icon.svg",
        "/page/%2e%2e/http.c",
        "/page/..%2f..%2fetc%2fpasswd",
        "/page/..%5c..%5cicon.svg",
        "/page/./icon.svg",
        "/page/.svg",
        "/page/%ff.svg",
        "/index.html",
        "/favicon.ico",
    };
    char path[3000];
    struct daemon daemon = daemon_start(NULL);
    for (size_t k = 0; k < sizeof paths / sizeof *paths; k++) {
        expect(&daemon, "GET", paths[k], NULL, 404, "\"code\":\"route_not_found\"");
    }
    memset(path, 'a', sizeof path);
    memcpy(path, "/page/", 6);
    path[1500] = '\0';
    expect(&daemon, "GET", path, NULL, 404, "\"code\":\"route_not_found\"");
    path[200] = '/';
    expect(&daemon, "GET", path, NULL, 404, "\"code\":\"route_not_found\"");
    daemon_stop(&daemon);
}

TEST(the_page_takes_no_body_and_no_other_method)
{
    static const char *const methods[] = { "POST", "PUT", "DELETE", "PATCH" };
    static const char *const paths[] = { "/", SCRIPT, "/page/none.js" };
    struct daemon daemon = daemon_start(NULL);
    for (size_t k = 0; k < sizeof paths / sizeof *paths; k++) {
        for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
            struct answer answer = request(&daemon, methods[m], paths[k], NULL);
            ck_assert_int_eq(answer.code, 405);
            expect_header(&answer, "Allow", "GET, HEAD, OPTIONS");
            ck_assert(strstr(answer.body, "\"code\":\"method_not_allowed\"") != NULL);
            answer_free(&answer);
        }
        expect(&daemon, "GET", paths[k], "{}", 400, "\"code\":\"invalid_request\"");
        struct answer answer = request(&daemon, "OPTIONS", paths[k], NULL);
        ck_assert_int_eq(answer.code, 204);
        expect_header(&answer, "Allow", "GET, HEAD, OPTIONS");
        answer_free(&answer);
    }
    daemon_stop(&daemon);
}

TEST(a_range_is_answered_with_all)
{
    struct daemon daemon = daemon_start(NULL);
    struct answer answer = get(&daemon, SCRIPT, "Range: bytes=0-9\r\n");
    expect_file(&answer, "server" SCRIPT);
    expect_header(&answer, "Content-Range", "");
    answer_free(&answer);
    expect_code(&daemon, SCRIPT, "Range: bytes=999999999-\r\nIf-Range: \"x\"\r\n", 200);
    daemon_stop(&daemon);
}

/* The head of the page's reply is the longest that there is; it shares a connection's memory with
 * that of the request, whose headers and cookies take more of it than they are long. */
TEST(however_large_a_head_is_the_page_is_answered_or_the_head_refused)
{
    char text[8192], filler[2500];
    size_t n_pages = 0, n_refused = 0;
    struct daemon daemon =
        daemon_start((const char *const[]){ "--cors-origin", "http://a.example", NULL });
    memset(filler, 'a', sizeof filler);
    for (size_t n_headers = 20; n_headers < 100; n_headers++) {
        char *p = stpcpy(text, "GET / HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n"
                               "Origin: http://a.example\r\n");
        for (size_t k = 0; k < n_headers; k++) {
            p += sprintf(p, "X-%02zu: aaaaaaaa\r\n", k);
        }
        p += sprintf(p, "X-Filler: %.*s\r\n\r\n", (int)sizeof filler, filler);
        int fd = client_connect(&daemon);
        client_send(fd, text, (size_t)(p - text));
        struct answer answer = client_read(fd);
        ck_assert_msg(answer.code == 200 || answer.code == 431, "%zu headers: %d", n_headers,
                      answer.code);
        n_pages += answer.code == 200;
        n_refused += answer.code == 431;
        answer_free(&answer);
        close(fd);
    }
    ck_assert(n_pages > 10 && n_refused > 10);
    daemon_stop(&daemon);
}

/* ---- who gets it ---- */

TEST(the_page_needs_no_key_and_what_it_shows_does)
{
    struct daemon daemon = daemon_prepare();
    char *keys = path_in(daemon.directory, "keys");
    text_write(daemon.directory, "keys", "reader-3b1f9c7d2e5a4860 read\n");
    daemon_start_again(&daemon, (const char *const[]){ "--api-keys", keys, NULL });
    expect(&daemon, "GET", "/", NULL, 200, "<html");
    expect(&daemon, "GET", SCRIPT, NULL, 200, NULL);
    expect(&daemon, "GET", "/page/none.js", NULL, 404, "route_not_found");
    expect(&daemon, "GET", "/v1/models", NULL, 401, "key_missing");
    free(keys);
    daemon_stop(&daemon);
}

/* Else a page elsewhere, whose name comes to mean this address, had this one in its own origin. */
TEST(at_a_host_that_is_not_ours_there_is_no_page)
{
    struct daemon daemon = daemon_start(NULL);
    static const char *const paths[] = { "/", SCRIPT };
    for (size_t k = 0; k < 2; k++) {
        char text[200];
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: evil.example\r\n\r\n", paths[k]);
        int fd = client_connect(&daemon);
        client_send(fd, text, strlen(text));
        struct answer answer = client_read(fd);
        ck_assert_int_eq(answer.code, 421);
        ck_assert(strstr(answer.body, "\"code\":\"host_refused\"") != NULL);
        answer_free(&answer);
        close(fd);
    }
    daemon_stop(&daemon);
}

/* ---- the options ---- */

TEST(without_its_page_grud_serves_the_api_alone)
{
    struct daemon daemon = daemon_start((const char *const[]){ "--no-page", NULL });
    expect(&daemon, "GET", "/", NULL, 404, "started without its page (--no-page)");
    expect(&daemon, "GET", SCRIPT, NULL, 404, "\"code\":\"route_not_found\"");
    expect(&daemon, "GET", "/v1/models", NULL, 200, NULL);
    daemon_stop(&daemon);
}

TEST(a_folder_of_pages_is_read_anew_each_time)
{
    struct daemon daemon = daemon_prepare();
    char *folder = path_in(daemon.directory, "page"), *link = path_in(folder, "link.js");
    text_write(folder, "index.html", "<p>one");
    text_write(folder, "views/a.js", "a()");
    text_write(daemon.directory, "secret.js", "secret");
    ck_assert_int_eq(symlink("../secret.js", link), 0);
    daemon_start_again(&daemon, (const char *const[]){ "--page-dir", folder, NULL });
    struct answer answer = get(&daemon, "/", "If-None-Match: *\r\nAccept-Encoding: gzip\r\n");
    ck_assert_int_eq(answer.code, 200);
    ck_assert_str_eq(answer.body, "<p>one");
    expect_header(&answer, "Cache-Control", "no-store");
    expect_header(&answer, "Content-Security-Policy", POLICY);
    expect_header(&answer, "ETag", "");
    answer_free(&answer);
    text_write(folder, "index.html", "<p>two");
    expect(&daemon, "GET", "/", NULL, 200, "<p>two");
    expect(&daemon, "GET", "/page/views/a.js", NULL, 200, "a()");
    expect(&daemon, "GET", SCRIPT, NULL, 404, "route_not_found"); /* not the binary's */
    expect(&daemon, "GET", "/page/link.js", NULL, 404, "route_not_found");
    expect(&daemon, "GET", "/page/..%2fsecret.js", NULL, 404, "route_not_found");
    expect(&daemon, "GET", "/page/%2e%2e/secret.js", NULL, 404, "route_not_found");
    free(folder);
    free(link);
    daemon_stop(&daemon);
}

TEST(a_folder_that_is_no_page_is_a_wrong_configuration)
{
    char output[4096];
    ck_assert_int_eq(daemon_run((const char *const[]){ "--listen", "127.0.0.1:0", "--page-dir",
                                                       "/no/such/folder", NULL },
                                output, sizeof output),
                     2);
    ck_assert_msg(strstr(output, "/no/such/folder") != NULL, "%s", output);
    ck_assert_int_eq(daemon_run((const char *const[]){ "check-config", "--page-dir", "server/page",
                                                       "--no-page", NULL },
                                output, sizeof output),
                     2);
    ck_assert_msg(strstr(output, "leave one out") != NULL, "%s", output);
}
