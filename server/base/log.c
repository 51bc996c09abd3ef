#include "base/log.h"

#include "base/clock.h"
#include "json/json.h"
#include "json/utf8.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_BYTES = 4096, /* at most PIPE_BUF, so that a line to a pipe is one piece too */
    TAIL_BYTES = 16,   /* kept free for what ends a line: the mark of a cut, '}', '\n' */
    FIELD_BYTES = 96,  /* the least room in which a field is begun */
    ESCAPE_BYTES = 6   /* the longest form of one byte: \u001f */
};

static struct {
    _Atomic enum log_level least;
    _Atomic bool json, has_journal;
    _Atomic uint64_t n_lost; /* lines, since it was last said */
} setup = { .least = LOG_INFO };

struct log_line {
    char *p, *end; /* end: where the tail's room begins */
    bool json, cut;
};

/* Whether standard error is what systemd made it, and not redirected since: systemd.exec(5). */
static bool is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM"); // NOLINT(concurrency-mt-unsafe): nobody sets any
    char said[64];
    struct stat file;
    if (!stream || fstat(STDERR_FILENO, &file) != 0) {
        return false;
    }
    snprintf(said, sizeof said, "%ju:%ju", (uintmax_t)file.st_dev, (uintmax_t)file.st_ino);
    return strcmp(stream, said) == 0;
}

void log_setup(enum log_level least, enum log_format format)
{
    atomic_store(&setup.least, least);
    atomic_store(&setup.json, format == LOG_JSON);
    atomic_store(&setup.has_journal, is_journal());
}

const char *log_priority(enum log_level level)
{
    static const char *const priorities[] = { "<7>", "<6>", "<4>", "<3>" };
    return setup.has_journal ? priorities[level] : "";
}

bool log_enabled(enum log_level level)
{
    return level >= atomic_load_explicit(&setup.least, memory_order_relaxed);
}

/* ---- text of unknown origin ---- */

/* The bytes of the code point at s; 0 if it is not valid UTF-8 or would control a terminal: DEL and
 * U+0080 to U+009F. Other controls are escaped. */
static size_t printable_length(const char *s, const char *end)
{
    return (unsigned char)*s >= ' ' && utf8_control_length(s) > 0 ? 0 : utf8_length(s, end);
}

/* Copies s as valid UTF-8, as much as takes at most `room` bytes once it is escaped. *ret_plain: it
 * needs no quotes in the text form. */
static size_t clean(const char *s, size_t room, char *out, bool *ret_plain, bool *ret_cut)
{
    static const char replacement[] = "\xef\xbf\xbd";
    const char *end = s + strlen(s);
    char *p = out;
    *ret_plain = *s != '\0';
    *ret_cut = false;
    while (*s != '\0') {
        size_t n = printable_length(s, end);
        const char *from = n > 0 ? s : replacement;
        size_t n_out = n > 0 ? n : sizeof replacement - 1;
        bool quoted = *s == '"' || *s == '\\';
        size_t n_escaped = (unsigned char)*s < ' ' ? ESCAPE_BYTES : n_out + quoted;
        if (n_escaped > room) {
            *ret_cut = true;
            break;
        }
        room -= n_escaped;
        *ret_plain = *ret_plain && (unsigned char)*s > ' ' && !quoted && *s != '=';
        memcpy(p, from, n_out);
        p += n_out;
        s += n > 0 ? n : 1;
    }
    return (size_t)(p - out);
}

/* ---- a line ---- */

static void put_raw(struct log_line *line, const char *s, size_t n)
{
    memcpy(line->p, s, n);
    line->p += n;
}

static void put_string(struct log_line *line, const char *s)
{
    if (!s) {
        put_raw(line, "null", 4);
        return;
    }
    char text[LINE_BYTES];
    bool plain, cut;
    size_t n = clean(s, (size_t)(line->end - line->p) - 2, text, &plain, &cut);
    line->cut = line->cut || cut;
    if (plain && !line->json) {
        put_raw(line, text, n);
    } else {
        line->p = json_print_string(line->p, text, n);
    }
}

static void put_key(struct log_line *line, const char *key, size_t n)
{
    if (line->json) {
        *line->p++ = ',';
        line->p = json_print_string(line->p, key, n);
        *line->p++ = ':';
    } else {
        *line->p++ = ' ';
        put_raw(line, key, n);
        *line->p++ = '=';
    }
}

static void put_field(struct log_line *line, const struct log_field *field)
{
    size_t n_key = strlen(field->key);
    if (line->cut || n_key > LINE_BYTES / ESCAPE_BYTES ||
        n_key * ESCAPE_BYTES + FIELD_BYTES > (size_t)(line->end - line->p)) {
        line->cut = true;
        return;
    }
    put_key(line, field->key, n_key);
    switch (field->type) {
    case LOG_IS_STRING:
        put_string(line, field->string);
        break;
    case LOG_IS_INT:
        line->p = json_print_int(line->p, field->integer);
        break;
    case LOG_IS_DOUBLE:
        line->p = json_print_double(line->p, field->number);
        break;
    }
}

/* UTC with milliseconds: 2026-11-21T10:00:00.123Z */
static void put_time(struct log_line *line)
{
    int64_t now_ms = clock_wall_ms();
    time_t now_s = now_ms / 1000;
    struct tm utc = { 0 };
    gmtime_r(&now_s, &utc);
    line->p += strftime(line->p, 64, "%Y-%m-%dT%H:%M:%S.", &utc);
    int ms = (int)(now_ms % 1000);
    *line->p++ = (char)('0' + ms / 100);
    *line->p++ = (char)('0' + ms / 10 % 10);
    *line->p++ = (char)('0' + ms % 10);
    *line->p++ = 'Z';
}

static void put_head(struct log_line *line, enum log_level level, const char *event)
{
    static const char *const levels[] = { LOG_LEVELS(CHOICE_ENTRY, CHOICE_ENTRY) };
    if (line->json) {
        put_raw(line, "{\"time\":\"", 9);
        put_time(line);
        put_raw(line, "\",\"level\":", 10);
        put_string(line, levels[level]);
        put_raw(line, ",\"event\":", 9);
    } else {
        put_time(line);
        *line->p++ = ' ';
        put_string(line, levels[level]);
        *line->p++ = ' ';
    }
    put_string(line, event);
}

static void put_tail(struct log_line *line)
{
    if (line->cut) {
        const char *mark = line->json ? ",\"cut\":true" : " cut=true";
        put_raw(line, mark, strlen(mark));
    }
    if (line->json) {
        *line->p++ = '}';
    }
    *line->p++ = '\n';
}

/* ---- standard error ---- */

/* Whether a line is taken without waiting for a reader. A pipe that can be written to has room for
 * a page at least, and so for a line. */
static bool is_writable(void)
{
    struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
    return poll(&out, 1, 0) != 0;
}

/* One thread at a time, between the look and the write: neither waits. */
static void write_line(const char *text, size_t n)
{
    static atomic_flag is_writing = ATOMIC_FLAG_INIT;
    while (atomic_flag_test_and_set_explicit(&is_writing, memory_order_acquire)) {
        sched_yield();
    }
    if (is_writable()) {
        /* where standard error takes nothing, there is nowhere left to tell it */
        while (write(STDERR_FILENO, text, n) < 0 && errno == EINTR) {
        }
    } else {
        atomic_fetch_add(&setup.n_lost, 1);
    }
    atomic_flag_clear_explicit(&is_writing, memory_order_release);
}

static void write_event(enum log_level level, const char *event, const struct log_field *fields)
{
    char text[LINE_BYTES];
    struct log_line line = { .p = text,
                             .end = text + sizeof text - TAIL_BYTES,
                             .json = setup.json };
    put_raw(&line, log_priority(level), strlen(log_priority(level)));
    put_head(&line, level, event);
    for (const struct log_field *field = fields; field->key; field++) {
        put_field(&line, field);
    }
    put_tail(&line);
    write_line(text, (size_t)(line.p - text));
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    int saved_errno = errno;
    uint64_t n_lost = is_writable() ? atomic_exchange(&setup.n_lost, 0) : 0;
    if (n_lost > 0) {
        const struct log_field lost[] = { LOG_INT("n", (int64_t)n_lost), { .key = NULL } };
        write_event(LOG_WARN, "log_lines_lost", lost);
    }
    write_event(level, event, fields);
    errno = saved_errno;
}
