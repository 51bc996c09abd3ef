#include "http/openapi_operation.h"

#include "codec/json_text.h"
#include "http/openapi_links.h"
#include "http/openapi_refusals.h"
#include "http/openapi_route.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_SIZE = 12, CODES_SIZE = 512 };

/* ---- parameters ---- */

static void put_parameter(struct text *text, const struct openapi *openapi, const char *name,
                          const char *where, const struct json_schema *schema)
{
    json_text_begin_object(text, NULL);
    json_text_string(text, "name", name);
    json_text_string(text, "in", where);
    if (strcmp(where, "path") == 0) {
        json_text_bool(text, "required", true);
    }
    if (schema->help) {
        json_text_string(text, "description", schema->help);
    }
    json_schema_put(text, "schema", schema, &openapi->limits);
    json_text_end_object(text);
}

static void put_parameters(struct text *text, const struct openapi *openapi,
                           const struct route *route)
{
    static const struct json_schema last_event = {
        .type = JSON_SCHEMA_STRING,
        .help = "of a stream: the last id that arrived; it goes on there"
    };
    enum path_parameter parameter;
    json_text_begin_array(text, "parameters");
    for (size_t k = 0; openapi_parameter(route, k, &parameter); k++) {
        put_parameter(text, openapi, openapi_parameter_name(parameter), "path",
                      openapi_parameter_schema(parameter));
    }
    for (size_t k = 0; route->queries[k]; k++) {
        const struct json_schema *schema = openapi_query(route, route->queries[k]);
        if (schema) {
            put_parameter(text, openapi, route->queries[k], "query", schema);
        }
    }
    if (route->gives & MEDIA_SET_EVENTS) {
        put_parameter(text, openapi, "Last-Event-ID", "header", &last_event);
    }
    json_text_end_array(text);
}

/* ---- content ---- */

/* Of what is no single JSON value. */
static void put_words(struct text *text, const char *help)
{
    json_text_begin_object(text, "schema");
    json_text_string(text, "type", "string");
    json_text_string(text, "description", help);
    json_text_end_object(text);
}

static void put_content(struct text *text, const struct openapi *openapi, unsigned media_set,
                        const struct json_schema *schema)
{
    json_text_begin_object(text, "content");
    for (enum media media = 0; media < MEDIA_COUNT; media++) {
        if ((media_set & 1u << media) == 0) {
            continue;
        }
        json_text_begin_object(text, media_name(media));
        if (media == MEDIA_NDJSON && schema->as_lines) {
            put_words(text, schema->as_lines);
        } else if (media == MEDIA_EVENTS && schema->as_events) {
            put_words(text, schema->as_events);
        } else {
            json_schema_put(text, "schema", schema, &openapi->limits);
        }
        if (media == MEDIA_JSON && schema->example) {
            json_text_raw(text, "example", schema->example);
        }
        json_text_end_object(text);
    }
    json_text_end_object(text);
}

static void put_body(struct text *text, const struct openapi *openapi, const struct route *route)
{
    json_text_begin_object(text, "requestBody");
    json_text_bool(text, "required", route->body != SCHEMA_EMPTY);
    put_content(text, openapi, route->takes, schema_json(route->body));
    json_text_end_object(text);
}

/* ---- replies ---- */

static void put_success(struct text *text, const struct openapi *openapi, const struct route *route,
                        int code)
{
    char number[NUMBER_SIZE];
    snprintf(number, sizeof number, "%d", code);
    json_text_begin_object(text, number);
    if (code == 204 || code == 304) {
        json_text_string(text, "description",
                         code == 204 ? "done; there is nothing to say"
                                     : "it is what the client has, by its If-None-Match");
    } else {
        const struct json_schema *schema = schema_json(route->reply);
        json_text_string(text, "description",
                         code == 201   ? "it was made"
                         : code == 202 ? "accepted; it is done later"
                                       : "done");
        put_content(text, openapi, route->gives, schema);
        openapi_put_links(text, openapi, route);
    }
    json_text_end_object(text);
}

/* An error whose code is one of those that `fits` tells. */
static void put_error_content(struct text *text, const struct openapi *openapi,
                              const struct route *route, int http_status)
{
    const struct json_schema *schema = schema_json(envelopes[ENVELOPE_ERROR].schema);
    json_text_begin_object(text, "content");
    json_text_begin_object(text, media_name(MEDIA_JSON));
    json_text_begin_object(text, "schema");
    json_text_begin_array(text, "allOf");
    json_schema_put(text, NULL, schema, &openapi->limits);
    json_text_begin_object(text, NULL);
    json_text_begin_object(text, "properties");
    json_text_begin_object(text, "error");
    json_text_begin_object(text, "properties");
    json_text_begin_object(text, "code");
    json_text_begin_array(text, "enum");
    for (enum status status = STATUS_OK + 1; status < STATUS_COUNT; status++) {
        if (status_http(status) == http_status && (!route || openapi_refuses(route, status))) {
            json_text_string(text, NULL, status_code(status));
        }
    }
    json_text_end_array(text);
    for (int depth = 0; depth < 5; depth++) {
        json_text_end_object(text);
    }
    json_text_end_array(text);
    for (int depth = 0; depth < 3; depth++) {
        json_text_end_object(text);
    }
}

/* The codes of an HTTP status, of a route or of all: "`job_not_found`, `model_not_found`". */
static bool print_codes(const struct route *route, int http_status, char ret_codes[CODES_SIZE])
{
    size_t n = 0;
    ret_codes[0] = '\0';
    for (enum status status = STATUS_OK + 1; status < STATUS_COUNT; status++) {
        if (status_http(status) == http_status && (!route || openapi_refuses(route, status)) &&
            n < CODES_SIZE) {
            n += (size_t)snprintf(ret_codes + n, CODES_SIZE - n, "%s`%s`", n > 0 ? ", " : "",
                                  status_code(status));
        }
    }
    return n > 0;
}

static void put_error(struct text *text, const struct openapi *openapi, const struct route *route,
                      int http_status)
{
    char number[NUMBER_SIZE], reference[64], codes[CODES_SIZE];
    if (!print_codes(route, http_status, codes)) {
        return;
    }
    snprintf(number, sizeof number, "%d", http_status);
    json_text_begin_object(text, number);
    if (openapi_is_common(http_status)) {
        snprintf(reference, sizeof reference, "#/components/responses/%d", http_status);
        json_text_string(text, "$ref", reference);
    } else {
        json_text_string(text, "description", codes);
        put_error_content(text, openapi, route, http_status);
    }
    json_text_end_object(text);
}

/* The errors' HTTP statuses, one after the other: the least beyond `before`; 0: there is none. */
static int next_error(int before)
{
    int next = 0;
    for (enum status status = STATUS_OK + 1; status < STATUS_COUNT; status++) {
        const int http_status = status_http(status);
        next = http_status > before && (next == 0 || http_status < next) ? http_status : next;
    }
    return next;
}

static void put_replies(struct text *text, const struct openapi *openapi, const struct route *route)
{
    json_text_begin_object(text, "responses");
    for (size_t k = 0; openapi_code(route, k) != 0; k++) {
        put_success(text, openapi, route, openapi_code(route, k));
    }
    for (int error = next_error(0); error != 0; error = next_error(error)) {
        put_error(text, openapi, route, error);
    }
    json_text_end_object(text);
}

/* ---- what all share ---- */

static void put_header(struct text *text, int http_status)
{
    static const struct {
        int http_status;
        const char *name, *help;
    } headers[] = {
        { 401, "WWW-Authenticate", "`Bearer`" },
        { 405, "Allow", "the methods of the path" },
        { 429, "Retry-After", "seconds" },
        { 503, "Retry-After", "seconds" },
    };
    for (size_t k = 0; k < sizeof headers / sizeof *headers; k++) {
        if (headers[k].http_status == http_status) {
            json_text_begin_object(text, "headers");
            json_text_begin_object(text, headers[k].name);
            json_text_string(text, "description", headers[k].help);
            json_text_raw(text, "schema", "{\"type\":\"string\"}");
            json_text_end_object(text);
            json_text_end_object(text);
        }
    }
}

void openapi_put_common(struct text *text, const struct openapi *openapi)
{
    char number[NUMBER_SIZE], codes[CODES_SIZE];
    json_text_begin_object(text, "responses");
    for (int error = next_error(0); error != 0; error = next_error(error)) {
        if (openapi_is_common(error) && print_codes(NULL, error, codes)) {
            snprintf(number, sizeof number, "%d", error);
            json_text_begin_object(text, number);
            json_text_string(text, "description", codes);
            put_header(text, error);
            put_error_content(text, openapi, NULL, error);
            json_text_end_object(text);
        }
    }
    json_text_end_object(text);
}

/* ---- the whole ---- */

/* [{"key":["predict"]}], and {} where no key is wanted of anyone. */
static void put_security(struct text *text, const struct openapi *openapi,
                         const struct route *route)
{
    json_text_begin_array(text, "security");
    if (route->scope != SCOPE_NONE) {
        json_text_begin_object(text, NULL);
        json_text_begin_array(text, "key");
        json_text_string(text, NULL, scope_word(route->scope));
        json_text_end_array(text);
        json_text_end_object(text);
    }
    if (route->scope == SCOPE_NONE || !openapi->has_keys) {
        json_text_raw(text, NULL, "{}");
    }
    json_text_end_array(text);
}

void openapi_put_operation(struct text *text, const struct openapi *openapi,
                           const struct route *route)
{
    char method[16], id[OPENAPI_ID_SIZE];
    size_t n = 0;
    for (; route->method[n] && n + 1 < sizeof method; n++) {
        method[n] = (char)tolower((unsigned char)route->method[n]);
    }
    method[n] = '\0';
    openapi_print_id(route, id);
    json_text_begin_object(text, method);
    json_text_begin_array(text, "tags");
    json_text_string(text, NULL, openapi_tag_of(route));
    json_text_end_array(text);
    json_text_string(text, "operationId", id);
    json_text_string(text, "summary", route->summary);
    put_security(text, openapi, route);
    put_parameters(text, openapi, route);
    if (route->takes != 0) {
        put_body(text, openapi, route);
    }
    put_replies(text, openapi, route);
    json_text_end_object(text);
}
