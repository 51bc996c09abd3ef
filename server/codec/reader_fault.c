/* reader_fault.c - the faults of a reader (reader.h): where in the text, and what to send instead.
 */
#include "codec/reader.h"

#include "json/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The end of a sentence about a number that is none. */
#define SEND_NULL ": send null for what is missing"

enum {
    WORD_SHOWN = 40,
    SENTENCE_MAX = 240, /* with such a path, into the message */
};

static size_t print_place(const struct place *place, char *out, size_t size)
{
    if (place == NULL) {
        return 0;
    }
    size_t n = print_place(place->up, out, size);
    if (n >= size) {
        return n;
    }
    if (place->name == NULL) {
        return n + (size_t)snprintf(out + n, size - n, "[%zu]", place->index);
    }
    return n + (size_t)snprintf(out + n, size - n, "%s%s", n > 0 ? "." : "", place->name);
}

__attribute__((format(printf, 4, 0))) static void fill_fault(struct reader *r, enum status status,
                                                             const struct place *place,
                                                             const char *format, va_list arguments)
{
    char path[sizeof r->fault->param] = "";
    char sentence[SENTENCE_MAX];
    print_place(place, path, sizeof path);
    fault_drop_partial_code_point(path); /* it may be cut within a client's name */
    vsnprintf(sentence, sizeof sentence, format, arguments);
    fault_set(r->fault, status, path, "%s %s", path[0] != '\0' ? path : r->whole, sentence);
}

enum status reader_refuse(struct reader *r, enum status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill_fault(r, status, r->place, format, arguments);
    va_end(arguments);
    return status;
}

enum status reader_refuse_field(struct reader *r, enum status status, const char *name,
                                const char *format, ...)
{
    struct place place = { r->place, name, 0 };
    va_list arguments;
    va_start(arguments, format);
    fill_fault(r, status, &place, format, arguments);
    va_end(arguments);
    return status;
}

void reader_show_name(struct json_text name, char ret_shown[READER_NAME_SIZE])
{
    if (!json_unescape(name, ret_shown,
                       READER_NAME_SIZE)) { /* too long, or with a NUL: as it stands */
        size_t n = utf8_whole(name.p, name.n < READER_NAME_SIZE ? name.n : READER_NAME_SIZE - 1);
        memcpy(ret_shown, name.p, n);
        ret_shown[n] = '\0';
    }
}

enum status reader_refuse_name(struct reader *r, enum status status, struct json_text name,
                               const char *sentence)
{
    char shown[READER_NAME_SIZE];
    reader_show_name(name, shown);
    return reader_refuse_field(r, status, shown, "%s", sentence);
}

enum status reader_refuse_type(struct reader *r, const char *expected)
{
    enum json_type type = json_peek(&r->json); /* by its first byte */
    if (!json_skip(&r->json)) {
        return reader_refuse_text(r);
    }
    return reader_refuse(r, STATUS_INVALID_TYPE, "must be %s, not %s", expected,
                         json_type_name(type));
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* What a program printed where it had no number: NaN, None, -inf, #N/A, unavailable. The length of
 * the word that stands where the scanner expected a value, its sign included; 0: there is none. */
static size_t find_word(const struct json *j, const char **ret_word)
{
    const char *word = j->at, *letter = word;
    if (word > j->begin && word[-1] == '-') {
        word--;
    } else if (word < j->end && is_one_of(*word, "+#")) {
        letter++;
    }
    const char *end = letter;
    while (end < j->end &&
           (is_letter(*end) || (end > letter && is_one_of(*end, "0123456789_./")))) {
        end++;
    }
    *ret_word = word;
    return end > letter ? (size_t)(end - word) : 0;
}

/* Text where no value is: a word, or nothing at all, for what the client does not have. */
static enum status refuse_no_value(struct reader *r)
{
    const struct json *j = &r->json;
    const char *word;
    size_t n = find_word(j, &word);
    if (n > 0) {
        return reader_refuse(r, STATUS_INVALID_JSON, "is %.*s, which is not JSON" SEND_NULL,
                             n < WORD_SHOWN ? (int)n : WORD_SHOWN, word);
    }
    if (j->error == JSON_ERROR_NOT_A_VALUE && j->at < j->end && is_one_of(*j->at, ",]}")) {
        return reader_refuse(r, STATUS_INVALID_JSON, "is left empty" SEND_NULL);
    }
    return STATUS_OK;
}

enum status reader_refuse_text(struct reader *r)
{
    const struct json *j = &r->json;
    const bool lacks_value = j->error == JSON_ERROR_NOT_A_VALUE ||
                             j->error == JSON_ERROR_NOT_FINITE || j->error == JSON_ERROR_NOT_NULL ||
                             j->error == JSON_ERROR_NO_DIGIT_AFTER_MINUS;
    if (lacks_value && r->place && refuse_no_value(r) != STATUS_OK) {
        return r->fault->status;
    }
    if (j->error == JSON_ERROR_BEYOND_FLOAT || j->error == JSON_ERROR_BEYOND_DOUBLE) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "is out of range: %s",
                             json_error_text(j->error));
    }
    if (j->error == JSON_ERROR_TOO_DEEP) {
        return reader_refuse(r, STATUS_INVALID_JSON,
                             "is too deep: arrays and objects may stand in each other %u times",
                             j->depth_max);
    }
    return fault_set(r->fault, STATUS_INVALID_JSON, NULL, "%s is not valid JSON: %s at byte %zu",
                     r->whole, json_error_text(j->error), (size_t)(j->at - j->begin));
}

enum status reader_refuse_quoted(struct reader *r)
{
    struct json_text text;
    if (!json_string(&r->json, &text)) {
        return reader_refuse_text(r);
    }
    size_t k = 0;
    while (k < text.n && is_one_of(text.p[k], " +-.")) {
        k++;
    }
    const bool is_number = k < text.n && text.p[k] >= '0' && text.p[k] <= '9';
    return reader_refuse(r, STATUS_INVALID_TYPE, "must be a number or null, not a string%s",
                         is_number ? ": send it without quotes" : SEND_NULL);
}
