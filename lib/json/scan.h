/*
 * scan.h - what the three files of the scanner share; nothing outside lib/json includes it. scan.c
 * owns the structure of the text (white space, containers, literals), string.c strings, number.c
 * numbers. They call each other, because values hold values.
 */
#ifndef SCAN_H
#define SCAN_H

#include "json/json.h"

/* What the text may hold where the scanner stands. Each call checks it, so that no order of calls,
 * right or wrong, gets an invalid text accepted or goes on for ever. */
enum json_state {
    JSON_STATE_VALUE, /* a value: at the start, and where json_member or json_element has said so */
    JSON_STATE_FIRST, /* the first element of a container, or its end */
    JSON_STATE_AFTER  /* a value was read: ',' or the end of the container, or of the text */
};

/* Notes the error if it is the first one. False, for the caller to return. */
bool json_fail(struct json *j, const char *at, enum json_error error);
/* Skips white space up to a value. False if none is due here, or if the text ends. */
bool json_begin_value(struct json *j);
/* Takes the string whose first quote stands at j->p. */
bool json_take_string(struct json *j, struct json_text *ret_text);
/* Takes ']' or '}', which stands at p. */
void json_leave(struct json *j, const char *p);

static inline void json_end_value(struct json *j, const char *p)
{
    j->p = p;
    j->state = JSON_STATE_AFTER;
}

static inline const char *json_skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
        p++;
    }
    return p;
}

/* Whether the text at p goes on with these n characters. */
static inline bool json_goes_on_with(const char *p, const char *end, const char *s, size_t n)
{
    if ((size_t)(end - p) < n) {
        return false;
    }
    while (n > 0 && *p == *s) {
        p++;
        s++;
        n--;
    }
    return n == 0;
}

#endif
