/*
 * log.h - one structured line per event on standard error: time, level, event, key=value pairs. A
 * leaf; any thread.
 *
 *     log_event(LOG_INFO, "listening", LOG_STRING("address", address), LOG_INT("port", port));
 *
 * As text:  2026-11-21T10:00:00.123Z info listening address=127.0.0.1 port=8080
 * As JSON:  {"time":"…","level":"info","event":"listening","address":"127.0.0.1","port":8080}
 * Each line leaves in one write(), so lines of several threads never mix. None waits for a reader
 * that does not read: lines for which a pipe has no room are lost, and counted by the next that is
 * taken, log_lines_lost. Values are escaped in
 * both forms; an over-long line is cut at a value, never inside an escape. Where standard error is
 * systemd's journal, each begins with its priority, <3> for an error, which the journal takes off:
 * sd-daemon(3).
 */
#ifndef LOG_H
#define LOG_H

#include "base/choice.h"

#include <stdbool.h>
#include <stdint.h>

#define LOG_LEVELS(F, X)                                                                           \
    F(LOG_DEBUG, "debug") X(LOG_INFO, "info") X(LOG_WARN, "warn") X(LOG_ERROR, "error")
#define LOG_FORMATS(F, X) F(LOG_TEXT, "text") X(LOG_JSON, "json")
enum log_level { LOG_LEVELS(CHOICE_ID, CHOICE_ID) };
enum log_format { LOG_FORMATS(CHOICE_ID, CHOICE_ID) };

struct log_field {
    const char *key; /* NULL ends the list */
    enum { LOG_IS_STRING, LOG_IS_INT, LOG_IS_DOUBLE } type;
    const char *string; /* NULL prints as null */
    int64_t integer;
    double number;
};

#define LOG_STRING(k, v) ((struct log_field){ .key = (k), .type = LOG_IS_STRING, .string = (v) })
#define LOG_INT(k, v)    ((struct log_field){ .key = (k), .type = LOG_IS_INT, .integer = (v) })
#define LOG_DOUBLE(k, v) ((struct log_field){ .key = (k), .type = LOG_IS_DOUBLE, .number = (v) })

#define log_event(level, event, ...)                                                               \
    do {                                                                                           \
        if (log_enabled(level)) {                                                                  \
            log_write((level), (event),                                                            \
                      (const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ .key = 0 } });       \
        }                                                                                          \
    } while (0)

/* Once before the first line, and when the configuration changes. */
void log_setup(enum log_level least, enum log_format format);
bool log_enabled(enum log_level level);
/* What a line begins with in the journal; else "". */
const char *log_priority(enum log_level level);
void log_write(enum log_level level, const char *event, const struct log_field *fields);

#endif
