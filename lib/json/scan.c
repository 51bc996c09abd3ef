/* The structure of a JSON text: white space, containers, literals. RFC 8259; see scan.h for the
 * states. */
#include "json/scan.h"

bool json_fail(struct json *j, const char *at, enum json_error error)
{
    if (j->error == JSON_NO_ERROR) {
        j->error = error;
        j->at = at;
    }
    return false;
}

void json_init(struct json *j, const char *text, size_t n)
{
    j->begin = j->p = n > 0 ? text : "";
    j->end = j->begin + n;
    j->error = JSON_NO_ERROR;
    j->at = NULL;
    j->depth = 0;
    j->depth_max = JSON_DEPTH_MAX;
    j->state = JSON_STATE_VALUE;
}

bool json_begin_value(struct json *j)
{
    if (j->error != JSON_NO_ERROR) {
        return false;
    }
    if (j->state != JSON_STATE_VALUE) {
        return json_fail(j, j->p, JSON_ERROR_NO_VALUE_DUE);
    }
    if (j->p == j->begin && json_goes_on_with(j->p, j->end, "\xef\xbb\xbf", 3)) {
        return json_fail(j, j->p, JSON_ERROR_BYTE_ORDER_MARK);
    }
    j->p = json_skip_space(j->p, j->end);
    if (j->p == j->end) {
        return json_fail(j, j->p, JSON_ERROR_ENDS_BEFORE_VALUE);
    }
    return true;
}

enum json_type json_peek(struct json *j)
{
    if (j->error != JSON_NO_ERROR || j->state != JSON_STATE_VALUE) {
        return JSON_NONE;
    }
    j->p = json_skip_space(j->p, j->end);
    if (j->p == j->end) {
        return JSON_NONE;
    }
    switch (*j->p) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 'n':
        return JSON_NULL;
    case 't':
    case 'f':
        return JSON_BOOL;
    default:
        return *j->p == '-' || (*j->p >= '0' && *j->p <= '9') ? JSON_NUMBER : JSON_NONE;
    }
}

const char *json_type_name(enum json_type type)
{
    switch (type) {
    case JSON_NULL:
        return "null";
    case JSON_BOOL:
        return "a boolean";
    case JSON_NUMBER:
        return "a number";
    case JSON_STRING:
        return "a string";
    case JSON_ARRAY:
        return "an array";
    case JSON_OBJECT:
        return "an object";
    case JSON_NONE:
        break;
    }
    return "no value";
}

const char *json_error_text(enum json_error error)
{
#define TEXT(name, text) [name] = (text),
    static const char *const texts[] = { [JSON_NO_ERROR] = "no error", JSON_ERRORS(TEXT) };
#undef TEXT
    return texts[error];
}

/* ---- containers ---- */

static bool enter(struct json *j, char bracket, enum json_error expected)
{
    if (!json_begin_value(j)) {
        return false;
    }
    if (*j->p != bracket) {
        return json_fail(j, j->p, expected);
    }
    if (j->depth >= j->depth_max) {
        return json_fail(j, j->p, JSON_ERROR_TOO_DEEP);
    }
    j->open[j->depth++] = bracket;
    j->p++;
    j->state = JSON_STATE_FIRST;
    return true;
}

void json_leave(struct json *j, const char *p)
{
    j->depth--;
    json_end_value(j, p + 1);
}

/* Moves on in the open container: to the next element (true), or behind its closing bracket
 * (false). */
static bool next(struct json *j, char bracket, char closing, enum json_error expected)
{
    if (j->error != JSON_NO_ERROR) {
        return false;
    }
    if (j->depth == 0 || j->open[j->depth - 1] != bracket) {
        return json_fail(j, j->p,
                         bracket == '{' ? JSON_ERROR_NO_OBJECT_OPEN : JSON_ERROR_NO_ARRAY_OPEN);
    }
    if (j->state == JSON_STATE_VALUE) {
        return json_fail(j, j->p, JSON_ERROR_VALUE_NOT_READ);
    }
    const char *p = json_skip_space(j->p, j->end);
    if (p < j->end && *p == closing) {
        json_leave(j, p);
        return false;
    }
    if (p < j->end && j->state == JSON_STATE_AFTER) {
        if (*p != ',') {
            return json_fail(j, p, expected);
        }
        p = json_skip_space(p + 1, j->end);
        if (p < j->end && *p == closing) {
            return json_fail(j, p, JSON_ERROR_COMMA_BEFORE_END);
        }
    }
    if (p == j->end) {
        return json_fail(j, p,
                         bracket == '{' ? JSON_ERROR_ENDS_IN_OBJECT : JSON_ERROR_ENDS_IN_ARRAY);
    }
    j->p = p;
    j->state = JSON_STATE_VALUE;
    return true;
}

bool json_object(struct json *j)
{
    return enter(j, '{', JSON_ERROR_NOT_OBJECT);
}

bool json_array(struct json *j)
{
    return enter(j, '[', JSON_ERROR_NOT_ARRAY);
}

bool json_member(struct json *j, struct json_text *ret_name)
{
    if (!next(j, '{', '}', JSON_ERROR_NO_COMMA_IN_OBJECT)) {
        return false;
    }
    if (*j->p != '"') {
        return json_fail(j, j->p, JSON_ERROR_NOT_NAME);
    }
    struct json_text name;
    if (!json_take_string(j, &name)) {
        return false;
    }
    const char *p = json_skip_space(j->p, j->end);
    if (p == j->end || *p != ':') {
        return json_fail(j, p, JSON_ERROR_NO_COLON);
    }
    j->p = p + 1;
    j->state = JSON_STATE_VALUE;
    *ret_name = name;
    return true;
}

bool json_element(struct json *j)
{
    return next(j, '[', ']', JSON_ERROR_NO_COMMA_IN_ARRAY);
}

/* ---- literals ---- */

bool json_null(struct json *j)
{
    if (!json_begin_value(j)) {
        return false;
    }
    if (!json_goes_on_with(j->p, j->end, "null", 4)) {
        return json_fail(j, j->p, JSON_ERROR_NOT_NULL);
    }
    json_end_value(j, j->p + 4);
    return true;
}

bool json_bool(struct json *j, bool *ret_value)
{
    if (!json_begin_value(j)) {
        return false;
    }
    bool value = *j->p == 't';
    size_t n = value ? 4 : 5;
    if (!json_goes_on_with(j->p, j->end, value ? "true" : "false", n)) {
        return json_fail(j, j->p, JSON_ERROR_NOT_BOOL);
    }
    json_end_value(j, j->p + n);
    *ret_value = value;
    return true;
}

/* ---- any value ---- */

/* Skips a literal, a string or a number; enters an array or object. */
static bool skip_start(struct json *j)
{
    struct json_text text;
    double number;
    bool truth;

    switch (json_peek(j)) {
    case JSON_NULL:
        return json_null(j);
    case JSON_BOOL:
        return json_bool(j, &truth);
    case JSON_NUMBER:
        return json_number(j, &number);
    case JSON_STRING:
        return json_string(j, &text);
    case JSON_ARRAY:
        return json_array(j);
    case JSON_OBJECT:
        return json_object(j);
    case JSON_NONE:
        break;
    }
    bool is_nan = json_begin_value(j) &&
                  (*j->p == 'N' || *j->p == 'I'); /* a mistake that many printers make */
    return json_fail(j, j->p, is_nan ? JSON_ERROR_NOT_FINITE : JSON_ERROR_NOT_A_VALUE);
}

/* A loop and no recursion: the stack of open containers is j->open. */
bool json_skip(struct json *j)
{
    unsigned depth = j->depth;
    if (!skip_start(j)) {
        return false;
    }
    while (j->depth > depth) {
        struct json_text name;
        bool more = j->open[j->depth - 1] == '{' ? json_member(j, &name) : json_element(j);
        if (j->error != JSON_NO_ERROR || (more && !skip_start(j))) {
            return false;
        }
    }
    return true;
}

bool json_end(struct json *j)
{
    if (j->error != JSON_NO_ERROR) {
        return false;
    }
    const char *p = json_skip_space(j->p, j->end);
    if (j->depth > 0) {
        return json_fail(j, p, JSON_ERROR_NOT_CLOSED);
    }
    if (j->state == JSON_STATE_VALUE) {
        return json_fail(j, p, p == j->end ? JSON_ERROR_TEXT_EMPTY : JSON_ERROR_VALUE_NOT_READ);
    }
    if (p < j->end) {
        return json_fail(j, p, JSON_ERROR_SOMETHING_FOLLOWS);
    }
    j->p = p;
    return true;
}
