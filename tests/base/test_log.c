/* Standard error is a socket that keeps messages apart, so that what arrives in one piece was one
 * write(). */
#include "base/log.h"
#include "test.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096 };

static int saved_stderr, receiver;

static void begin(enum log_level least, bool json)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    saved_stderr = dup(STDERR_FILENO);
    ck_assert_int_eq(dup2(pair[1], STDERR_FILENO), STDERR_FILENO);
    close(pair[1]);
    receiver = pair[0];
    log_setup(least, json ? LOG_JSON : LOG_TEXT);
}

static void end(void)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(receiver);
    log_setup(LOG_INFO, LOG_TEXT);
}

/* The next line without its newline; NULL if none was written. */
static const char *next_line(void)
{
    static char line[2 * LINE_MAX_BYTES];
    ssize_t n = recv(receiver, line, sizeof line - 1, MSG_DONTWAIT);
    if (n < 0) {
        return NULL;
    }
    ck_assert_int_le(n, LINE_MAX_BYTES);
    ck_assert_int_gt(n, 0);
    ck_assert(memchr(line, '\n', (size_t)n) == line + n - 1);
    ck_assert_ptr_null(memchr(line, '\0', (size_t)n));
    line[n - 1] = '\0';
    return line;
}

/* The line behind its time, which must be one. */
static const char *next_after_time(void)
{
    const char *line = next_line(), *pattern = "dddd-dd-ddTdd:dd:dd.dddZ";
    ck_assert_ptr_nonnull(line);
    line += strncmp(line, "{\"time\":\"", 9) == 0 ? 9 : 0;
    bool same = true;
    for (; *pattern != '\0'; pattern++, line++) {
        same = same && (*pattern == 'd' ? *line >= '0' && *line <= '9' : *line == *pattern);
    }
    ck_assert(same);
    return line;
}

static bool json_is_valid(const char *text, size_t n)
{
    struct json j;
    struct json_text name;
    json_init(&j, text, n);
    if (!json_object(&j)) {
        return false;
    }
    while (json_member(&j, &name)) {
        json_skip(&j);
    }
    return json_end(&j);
}

/* The same bytes every time: each test is one that was seen to pass. */
static unsigned char random_byte(void)
{
    static uint32_t state = 1;
    state = state * 1664525 + 1013904223;
    return (unsigned char)(state >> 24);
}

TEST(a_line_of_text_is_time_level_event_and_pairs)
{
    begin(LOG_INFO, false);
    log_event(LOG_INFO, "listening", LOG_STRING("address", "127.0.0.1"), LOG_INT("port", 8080));
    ck_assert_str_eq(next_after_time(), " info listening address=127.0.0.1 port=8080");
    log_event(LOG_ERROR, "stopped");
    ck_assert_str_eq(next_after_time(), " error stopped");
    ck_assert_ptr_null(next_line());
    end();
}

TEST(a_line_of_json_is_the_same_as_an_object)
{
    begin(LOG_INFO, true);
    log_event(LOG_WARN, "listening", LOG_STRING("address", "127.0.0.1"), LOG_INT("port", 8080));
    ck_assert_str_eq(
        next_after_time(),
        "\",\"level\":\"warn\",\"event\":\"listening\",\"address\":\"127.0.0.1\",\"port\":8080}");
    log_event(LOG_INFO, "stopped");
    ck_assert_str_eq(next_after_time(), "\",\"level\":\"info\",\"event\":\"stopped\"}");
    end();
}

/* Sets JOURNAL_STREAM to what standard error is, but for `more` after its inode. */
static void name_stream(const char *more)
{
    char stream[64];
    struct stat file;
    ck_assert_int_eq(fstat(STDERR_FILENO, &file), 0);
    snprintf(stream, sizeof stream, "%ju:%ju%s", (uintmax_t)file.st_dev, (uintmax_t)file.st_ino,
             more);
    setenv("JOURNAL_STREAM", stream, 1); // NOLINT(concurrency-mt-unsafe): there is one thread
}

TEST(a_line_to_the_journal_begins_with_its_priority)
{
    static const char *const priorities[] = { "<7>", "<6>", "<4>", "<3>" };
    for (int json = 0; json < 2; json++) {
        begin(LOG_DEBUG, json != 0);
        name_stream("");
        log_setup(LOG_DEBUG, json != 0 ? LOG_JSON : LOG_TEXT);
        for (enum log_level level = LOG_DEBUG; level <= LOG_ERROR; level++) {
            ck_assert_str_eq(log_priority(level), priorities[level]);
            log_event(level, "e");
            const char *line = next_line();
            ck_assert(line && strncmp(line, priorities[level], 3) == 0 &&
                      line[3] == (json ? '{' : '2'));
        }
        unsetenv("JOURNAL_STREAM"); // NOLINT(concurrency-mt-unsafe)
        end();
    }
}

TEST(a_stream_that_is_not_the_journal_has_no_priorities)
{
    begin(LOG_INFO, false);
    name_stream("0"); /* redirected: another inode */
    log_setup(LOG_INFO, LOG_TEXT);
    ck_assert_str_eq(log_priority(LOG_ERROR), "");
    log_event(LOG_ERROR, "e");
    ck_assert_str_eq(next_after_time(), " error e");
    unsetenv("JOURNAL_STREAM"); // NOLINT(concurrency-mt-unsafe)
    end();
}

TEST(numbers_are_printed_in_full)
{
    begin(LOG_INFO, true);
    log_event(LOG_INFO, "n", LOG_INT("least", INT64_MIN), LOG_DOUBLE("tenth", 0.1),
              LOG_DOUBLE("nan", NAN), LOG_DOUBLE("infinite", -INFINITY), LOG_STRING("none", NULL));
    ck_assert_str_eq(next_after_time(),
                     "\",\"level\":\"info\",\"event\":\"n\",\"least\":-9223372036854775808,"
                     "\"tenth\":0.1,\"nan\":null,\"infinite\":null,\"none\":null}");
    end();
}

TEST(text_with_blanks_quotes_or_controls_is_quoted)
{
    static const char *const values[][2] = {
        { "plain-1.5/x:y", "plain-1.5/x:y" },
        { "", "\"\"" },
        { "two words", "\"two words\"" },
        { "a=b", "\"a=b\"" },
        { "say \"hi\"", "\"say \\\"hi\\\"\"" },
        { "back\\slash", "\"back\\\\slash\"" },
        { "line\nlevel=error", "\"line\\nlevel=error\"" },
        { "\x1b[31m", "\"\\u001b[31m\"" },
        { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
        { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
    };
    begin(LOG_INFO, false);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char expected[100];
        snprintf(expected, sizeof expected, " info e v=%s w=1", values[i][1]);
        log_event(LOG_INFO, "e", LOG_STRING("v", values[i][0]), LOG_INT("w", 1));
        ck_assert_str_eq(next_after_time(), expected);
    }
    end();
}

TEST(what_is_not_utf8_or_steers_terminals_is_replaced)
{
#define R "\xef\xbf\xbd"
    static const char *const values[][2] = {
        { "a\xff"
          "b",
          "a" R "b" },
        { "\xc3", R },                   /* cut off */
        { "\xe2\x82", R R },             /* cut off */
        { "\xc0\xaf", R R },             /* overlong */
        { "\xe0\x80\xaf", R R R },       /* overlong */
        { "\xed\xa0\x80", R R R },       /* a surrogate */
        { "\xf4\x90\x80\x80", R R R R }, /* beyond U+10FFFF */
        { "\xc2\x9b", R R },             /* U+009B, a terminal's CSI */
        { "\x7f", R },                   /* DEL */
        { "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
    };
#undef R
    begin(LOG_INFO, false);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char expected[100];
        snprintf(expected, sizeof expected, " info e v=%s", values[i][1]);
        log_event(LOG_INFO, "e", LOG_STRING("v", values[i][0]));
        ck_assert_str_eq(next_after_time(), expected);
    }
    end();
}

/* Lengths around every limit, bytes of every value; also as keys and events. */
TEST(json_lines_are_valid_whatever_the_bytes)
{
    begin(LOG_INFO, true);
    for (size_t round = 0; round < 3000; round++) {
        char text[6000];
        size_t n = round * 2 % 5990;
        bool only_controls = round % 3 == 0;
        for (size_t i = 0; i < n; i++) {
            unsigned char byte = random_byte();
            text[i] = (char)(byte == 0 || only_controls ? byte % 31 + 1 : byte);
        }
        text[n] = '\0';
        if (round % 5 == 0) {
            log_event(LOG_INFO, text, LOG_STRING(text, "x"), LOG_STRING("v", text));
        } else {
            log_event(LOG_INFO, "e", LOG_STRING("v", text),
                      LOG_STRING(n > 0 ? "\"\\\n" : "w", text + n / 2),
                      LOG_DOUBLE("d", 1e-300 / 3));
        }
        const char *line = next_line();
        ck_assert_ptr_nonnull(line);
        ck_assert_msg(round % 5 == 0 || json_is_valid(line, strlen(line)), "%s", line);
        ck_assert_ptr_null(next_line());
    }
    end();
}

TEST(text_lines_have_no_control_characters_whatever_the_bytes)
{
    begin(LOG_INFO, false);
    for (size_t round = 0; round < 3000; round++) {
        char text[6000];
        size_t n = round * 2 % 5990;
        for (size_t i = 0; i < n; i++) {
            unsigned char byte = random_byte();
            text[i] = (char)(byte == 0 ? 1 : byte);
        }
        text[n] = '\0';
        log_event(LOG_INFO, "e", LOG_STRING("v", text), LOG_STRING("w", text + n / 2));
        const unsigned char *line = (const unsigned char *)next_line();
        ck_assert_ptr_nonnull(line);
        bool clean = true;
        for (; *line != '\0'; line++) {
            clean = clean && *line >= ' ' && *line != 0x7f && (line[0] != 0xc2 || line[1] >= 0xa0);
        }
        ck_assert(clean);
    }
    end();
}

TEST(a_line_that_is_too_long_is_cut_and_says_so)
{
    char text[8000];
    for (int json = 0; json < 2; json++) {
        begin(LOG_INFO, json);
        memset(text, 'x', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        log_event(LOG_INFO, "e", LOG_INT("before", 1), LOG_STRING("v", text), LOG_INT("after", 1));
        const char *line = next_line(), *mark = json ? ",\"cut\":true}" : " cut=true";
        ck_assert_ptr_nonnull(line);
        ck_assert_str_eq(line + strlen(line) - strlen(mark), mark);
        ck_assert_uint_gt(strlen(line), LINE_MAX_BYTES - 40);
        ck_assert_ptr_nonnull(strstr(line, "before"));
        ck_assert_ptr_null(strstr(line, "after"));
        ck_assert(!json || json_is_valid(line, strlen(line)));
        end();
    }
}

TEST(escapes_are_never_cut)
{
    begin(LOG_INFO, true);
    for (size_t n = 1700; n < 2000; n++) {
        char text[8200];
        for (size_t i = 0; i < n; i++) {
            text[i] = "x\x01\"\xc3\xbc\\"[i % 6];
        }
        text[n] = '\0';
        log_event(LOG_INFO, "e", LOG_STRING("v", text));
        const char *line = next_line();
        ck_assert_ptr_nonnull(line);
        ck_assert_msg(json_is_valid(line, strlen(line)), "%s", line);
    }
    end();
}

TEST(too_many_fields_are_dropped_from_the_end)
{
    struct log_field fields[501] = { 0 };
    for (size_t i = 0; i < 500; i++) {
        fields[i] = LOG_DOUBLE("a_number", -1.2345678901234567e-300);
    }
    begin(LOG_INFO, true);
    log_write(LOG_INFO, "e", fields);
    const char *line = next_line();
    ck_assert_ptr_nonnull(line);
    ck_assert(json_is_valid(line, strlen(line)));
    ck_assert_str_eq(line + strlen(line) - 12, ",\"cut\":true}");
    end();
}

static int evaluate(int *n_evaluated)
{
    return ++*n_evaluated;
}

TEST(below_the_least_level_nothing_is_written_nor_evaluated)
{
    int n_evaluated = 0;
    begin(LOG_WARN, false);
    log_event(LOG_DEBUG, "e", LOG_INT("n", evaluate(&n_evaluated)));
    log_event(LOG_INFO, "e", LOG_INT("n", evaluate(&n_evaluated)));
    ck_assert_ptr_null(next_line());
    ck_assert_int_eq(n_evaluated, 0);
    log_event(LOG_WARN, "e", LOG_INT("n", evaluate(&n_evaluated)));
    ck_assert_str_eq(next_after_time(), " warn e n=1");
    ck_assert(!log_enabled(LOG_INFO));
    ck_assert(log_enabled(LOG_ERROR));
    end();
}

TEST(logging_keeps_errno_even_where_it_fails)
{
    begin(LOG_INFO, false);
    close(STDERR_FILENO);
    errno = ERANGE;
    log_event(LOG_INFO, "nobody hears this");
    int after = errno;
    end();
    ck_assert_int_eq(after, ERANGE);
}

/* A reader that stopped reading: nobody waits for it, and afterwards it is told. */
TEST(a_pipe_that_is_full_holds_nobody)
{
    int ends[2];
    char text[1 << 16];
    size_t n_read = 0, n_lines = 0;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    saved_stderr = dup(STDERR_FILENO);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    log_setup(LOG_INFO, LOG_TEXT);
    char *long_text = malloc(1001);
    memset(long_text, 'x', 1000);
    long_text[1000] = '\0';
    for (int k = 0; k < 1000; k++) { /* a megabyte */
        log_event(LOG_INFO, "full", LOG_STRING("text", long_text));
    }
    free(long_text);
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    for (ssize_t n = 1; n > 0; n_read += n > 0 ? (size_t)n : 0) {
        n = read(ends[0], text, sizeof text);
        for (ssize_t k = 0; k < n; k++) {
            n_lines += text[k] == '\n';
        }
    }
    ck_assert_uint_gt(n_lines, 10);
    ck_assert_uint_lt(n_lines, 1000);
    log_event(LOG_INFO, "again");
    ssize_t n = read(ends[0], text, sizeof text - 1);
    ck_assert_int_gt(n, 0);
    text[n] = '\0';
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(ends[0]);
    close(ends[1]);
    log_setup(LOG_INFO, LOG_TEXT);
    char expected[64];
    snprintf(expected, sizeof expected, "warn log_lines_lost n=%zu\n", 1000 - n_lines);
    ck_assert_msg(strstr(text, expected) != NULL, "no '%s' in %s", expected, text);
    ck_assert_ptr_nonnull(strstr(text, "info again\n"));
}
