#include "http/openapi_links.h"

#include "codec/json_text.h"
#include "http/openapi_route.h"

#include <stdio.h>
#include <string.h>

/* Where a reply names a thing. */
static const struct naming {
    enum schema reply;
    enum path_parameter parameter;
    const char *pointer;
} namings[] = {
    { SCHEMA_MODEL, PARAMETER_MODEL, "/name" },
    { SCHEMA_MODEL, PARAMETER_VERSION, "/active_version" },
    { SCHEMA_STEP_REPLY, PARAMETER_SESSION, "/session" },
    { SCHEMA_SESSION, PARAMETER_SESSION, "/session" },
    { SCHEMA_RULE, PARAMETER_RULE, "/name" },
    { SCHEMA_JOB, PARAMETER_JOB, "/id" },
};

static const char *pointer_of(const struct route *from, enum path_parameter parameter)
{
    for (size_t k = 0; k < sizeof namings / sizeof *namings; k++) {
        if (namings[k].reply == from->reply && namings[k].parameter == parameter) {
            return namings[k].pointer;
        }
    }
    return NULL;
}

static bool has_parameter(const struct route *route, enum path_parameter wanted)
{
    enum path_parameter parameter;
    bool has = false;
    for (size_t k = 0; openapi_parameter(route, k, &parameter); k++) {
        has |= parameter == wanted;
    }
    return has;
}

/* Each parameter of `to` is in the reply or in the request, and the last one is in the reply. */
static bool is_linked(const struct route *from, const struct route *to)
{
    enum path_parameter parameter;
    bool is_known = from != to, is_in_reply = false;
    for (size_t k = 0; openapi_parameter(to, k, &parameter); k++) {
        is_in_reply = pointer_of(from, parameter) != NULL;
        is_known &= is_in_reply || has_parameter(from, parameter);
    }
    return is_known && is_in_reply;
}

static void put_link(struct text *text, const struct route *from, const struct route *to)
{
    char id[OPENAPI_ID_SIZE], expression[64];
    enum path_parameter parameter;
    openapi_print_id(to, id);
    json_text_begin_object(text, id);
    json_text_string(text, "operationId", id);
    json_text_begin_object(text, "parameters");
    for (size_t k = 0; openapi_parameter(to, k, &parameter); k++) {
        const char *pointer = pointer_of(from, parameter),
                   *name = openapi_parameter_name(parameter);
        snprintf(expression, sizeof expression, "$%s%s",
                 pointer ? "response.body#" : "request.path.", pointer ? pointer : name);
        json_text_string(text, name, expression);
    }
    json_text_end_object(text);
    json_text_end_object(text);
}

void openapi_put_links(struct text *text, const struct openapi *openapi, const struct route *from)
{
    bool has_begun = false;
    for (size_t k = 0; from->changes && k < openapi->n_routes; k++) {
        if (is_linked(from, &openapi->routes[k])) {
            if (!has_begun) {
                json_text_begin_object(text, "links");
                has_begun = true;
            }
            put_link(text, from, &openapi->routes[k]);
        }
    }
    if (has_begun) {
        json_text_end_object(text);
    }
}
