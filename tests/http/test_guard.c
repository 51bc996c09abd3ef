#include "http/guard.h"
#include "test.h"

#include <string.h>

/* The problem of a request with these headers (name, value, ..., NULL), beside a Host. */
static const char *problem_of(bool is_http_1_0, const char *const headers[])
{
    struct guard guard;
    guard_begin(&guard, NULL, NULL);
    for (; *headers; headers += 2) {
        guard_header(&guard, headers[0], strlen(headers[0]), headers[1], strlen(headers[1]));
    }
    return guard_end(&guard, is_http_1_0, NULL);
}
#define BARE(...)    problem_of(false, (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })
#define BARE_10(...) problem_of(true, (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })
#define HEADERS(...) BARE("Host", "x" __VA_OPT__(, ) __VA_ARGS__)

#define ck_assert_refused(problem) ck_assert_ptr_nonnull(problem)
#define ck_assert_fine(problem)    ck_assert_ptr_null(problem)

TEST(usual_headers_are_fine)
{
    ck_assert_fine(HEADERS());
    ck_assert_fine(HEADERS("Content-Length", "12", "Content-Type", "application/json"));
    ck_assert_fine(HEADERS("transfer-encoding", "CHUNKED"));
    ck_assert_fine(HEADERS("X-Empty", "", "X-Tab", "a\tb\tc\td\te\tf", "X-High", "caf\xc3\xa9"));
    ck_assert_fine(
        HEADERS("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) like Gecko", "Accept", "*/*"));
}

TEST(a_length_and_a_coding_contradict_each_other)
{
    ck_assert_refused(HEADERS("Content-Length", "3", "Transfer-Encoding", "chunked"));
    ck_assert_refused(HEADERS("Content-Length", "3", "Content-Length", "4"));
    ck_assert_refused(HEADERS("Content-Length", "3", "content-length", "3"));
    ck_assert_refused(HEADERS("Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"));
}

TEST(only_chunked_is_known)
{
    ck_assert_refused(HEADERS("Transfer-Encoding", "xchunked"));
    ck_assert_refused(HEADERS("Transfer-Encoding", "gzip, chunked"));
    ck_assert_refused(HEADERS("Transfer-Encoding", "chunked "));
    ck_assert_refused(HEADERS("Transfer-Encoding", ""));
    ck_assert_refused(BARE_10("Transfer-Encoding", "chunked"));
}

TEST(a_length_is_a_number)
{
    const char *const odd[] = { "", "-1", "+1", "1 ", "0x1", "1,1", "18446744073709551616" };
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
        ck_assert_msg(HEADERS("Content-Length", odd[k]) != NULL, "'%s' was accepted", odd[k]);
    }
    ck_assert_fine(HEADERS("Content-Length", "18446744073709551615"));
}

TEST(a_request_has_one_host)
{
    ck_assert_refused(BARE("Accept", "*/*"));
    ck_assert_refused(BARE("Host", "a", "Host", "a"));
    ck_assert_fine(BARE_10("Accept", "*/*"));
}

/* At each place of names and values that the guard reads in words of eight bytes. */
TEST(a_request_has_one_key_at_most)
{
    ck_assert_fine(HEADERS("Authorization", "Bearer a"));
    ck_assert_refused(HEADERS("Authorization", "Bearer a", "authorization", "Bearer b"));
}

TEST(every_byte_of_names_and_values_is_looked_at)
{
    for (size_t n = 1; n < 30; n++) {
        for (size_t place = 0; place < n; place++) {
            for (int c = 1; c < 256; c++) {
                char text[32];
                memset(text, 'a', n);
                text[n] = '\0';
                text[place] = (char)c;
                bool is_control = (c < 0x20 && c != '\t') || c == 0x7f;
                bool is_in_no_name = c <= 0x20 || c >= 0x7f;
                ck_assert_int_eq(HEADERS("X", text) != NULL, is_control);
                ck_assert_int_eq(HEADERS(text, "x") != NULL, is_in_no_name);
                ck_assert_int_eq(guard_target(text, n) != NULL, is_in_no_name);
            }
        }
    }
    ck_assert_refused(HEADERS("", "x"));
    ck_assert_refused(guard_target("", 0));
}

/* Overwrites the line end with NULs, as libmicrohttpd 0.9 does in its buffer, and returns the next
 * line. */
static char *end_line(char *line, const char *end)
{
    char *newline = memchr(line, '\n', (size_t)(end - line));
    *newline = '\0';
    if (newline > line && newline[-1] == '\r') {
        newline[-1] = '\0';
    }
    return newline + 1;
}

static const char *problem_in_place(const char *text, size_t n)
{
    char buffer[256];
    struct guard guard;
    memcpy(buffer, text, n);
    char *line = end_line(buffer, buffer + n);
    char *target = strchr(buffer, ' ') + 1;
    char *version = memrchr(buffer, ' ', (size_t)(line - buffer));
    *version++ = '\0';
    guard_begin(&guard, target + strlen(target), version);
    for (;;) {
        char *next = end_line(line, buffer + n);
        if (*line == '\0') {
            return guard_end(&guard, false, next);
        }
        char *value = strchr(line, ':');
        *value++ = '\0';
        value += strspn(value, " \t");
        guard_header(&guard, line, strlen(line), value, strlen(value));
        line = next;
    }
}
#define IN_PLACE(text) problem_in_place((text), sizeof(text) - 1)

TEST(a_nul_leaves_a_gap)
{
    ck_assert_fine(IN_PLACE("GET /v1 HTTP/1.1\r\nHost: x\r\nX:y\r\nZ: \r\n\r\n"));
    ck_assert_fine(IN_PLACE("GET /v1 HTTP/1.1\nHost: x\nX: y\n\n"));
    ck_assert_refused(IN_PLACE("GET /v1\0x HTTP/1.1\r\nHost: x\r\n\r\n"));
    ck_assert_refused(IN_PLACE("GET /v1 HTTP/1.1\r\nHost: x\0y\r\nX: y\r\n\r\n"));
    ck_assert_refused(IN_PLACE("GET /v1 HTTP/1.1\r\nHost: x\r\nX: y\0zzz\r\n\r\n"));
}

TEST(a_header_that_lies_elsewhere_was_folded)
{
    char buffer[] = "\0v\0\0Host\0x\0\0", moved[] = "Xmore";
    struct guard guard;
    guard_begin(&guard, buffer, buffer + 1);
    guard_header(&guard, buffer + 4, 4, buffer + 9, 1);
    ck_assert_ptr_null(guard.problem);
    guard_header(&guard, moved, 5, buffer + 9, 1);
    ck_assert_ptr_nonnull(guard.problem);
}

TEST(what_the_headers_say_is_kept)
{
    struct guard guard;
    guard_begin(&guard, NULL, NULL);
    guard_header(&guard, "content-LENGTH", 14, "120", 3);
    guard_header(&guard, "Content-Type", 12, "a/b", 3);
    guard_header(&guard, "Content-Encoding", 16, "gzip", 4);
    guard_header(&guard, "Expect", 6, "100-Continue", 12);
    guard_header(&guard, "AUTHORIZATION", 13, "Bearer k", 8);
    ck_assert_uint_eq(guard.content_length, 120);
    ck_assert_str_eq(guard.content_type, "a/b");
    ck_assert_str_eq(guard.content_encoding, "gzip");
    ck_assert_str_eq(guard.authorization, "Bearer k");
    ck_assert(guard.expects_continue && !guard.is_chunked);
}

TEST(media_types_have_no_parameter_but_utf_8)
{
    const char *const fine[] = { "application/json",
                                 "Application/JSON",
                                 " application/json ",
                                 "application/json;charset=utf-8",
                                 "application/json; charset=UTF-8",
                                 "application/json ; Charset=\"utf-8\" ",
                                 "application/json;" };
    const char *const odd[] = { "",
                                "application/jsonp",
                                "application/jso",
                                "text/json",
                                "application/json; charset=latin1",
                                "application/json; charset=utf-80",
                                "application/json; charset=\"utf-8",
                                "application/json; q=1",
                                "application/json, text/plain" };
    for (size_t k = 0; k < sizeof fine / sizeof *fine; k++) {
        ck_assert_msg(media_type_is(fine[k], "application/json"), "'%s' was refused", fine[k]);
    }
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
        ck_assert_msg(!media_type_is(odd[k], "application/json"), "'%s' was accepted", odd[k]);
    }
}

TEST(accept_names_a_type_among_its_ranges)
{
    const char *const named[] = { "text/event-stream",
                                  "Text/Event-Stream",
                                  " text/event-stream ",
                                  "text/html, text/event-stream",
                                  "text/html,text/event-stream;q=0.5,*/*",
                                  "text/event-stream ;q=1",
                                  "text/event-stream;q=0.001",
                                  "text/event-stream;level=1;q=01",
                                  "text/html;q=0, text/event-stream",
                                  "text/event-stream, text/html;q=0",
                                  "text/event-stream;q=0, text/event-stream" };
    const char *const not_named[] = { "",
                                      "*/*",
                                      "text/*",
                                      "application/json",
                                      "text/event-streams",
                                      "xtext/event-stream",
                                      "text/html;x=text/event-stream",
                                      "text/event",
                                      "text/event-stream;q=0",
                                      "text/event-stream ; Q=0.000 , text/html",
                                      "text/event-stream;level=1;q=0.",
                                      "*/*, text/event-stream;q=0;x=1",
                                      ",,," };
    for (size_t k = 0; k < sizeof named / sizeof *named; k++) {
        ck_assert_msg(accept_names(named[k], "text/event-stream"), "'%s'", named[k]);
    }
    for (size_t k = 0; k < sizeof not_named / sizeof *not_named; k++) {
        ck_assert_msg(!accept_names(not_named[k], "text/event-stream"), "'%s'", not_named[k]);
    }
}
