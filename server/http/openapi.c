#include "http/openapi.h"

#include "codec/json_text.h"
#include "http/openapi_operation.h"
#include "http/openapi_route.h"

#include <string.h>

/* ---- paths ---- */

static bool is_first_of_path(const struct openapi *openapi, size_t index)
{
    size_t k = 0;
    while (strcmp(openapi->routes[k].path, openapi->routes[index].path) != 0) {
        k++;
    }
    return k == index;
}

static void put_path(struct text *text, const struct openapi *openapi, const char *path)
{
    json_text_begin_object(text, path);
    for (size_t k = 0; k < openapi->n_routes; k++) {
        if (strcmp(openapi->routes[k].path, path) == 0) {
            openapi_put_operation(text, openapi, &openapi->routes[k]);
        }
    }
    json_text_end_object(text);
}

static void put_paths(struct text *text, const struct openapi *openapi)
{
    json_text_begin_object(text, "paths");
    for (size_t k = 0; k < openapi->n_routes; k++) {
        if (is_first_of_path(openapi, k)) {
            put_path(text, openapi, openapi->routes[k].path);
        }
    }
    json_text_end_object(text);
}

/* ---- schemas ---- */

enum { NAMED_MAX = 96 };

/* Those that have names, each once. */
struct named {
    const struct json_schema *schemas[NAMED_MAX];
    size_t n;
};

static bool is_known(const struct named *named, const struct json_schema *schema)
{
    bool is_known = false;
    for (size_t k = 0; k < named->n; k++) {
        is_known |= named->schemas[k] == schema;
    }
    return is_known;
}

/* The schema, if it has a name, and all that are in it. A schema holds itself only by name. */
static void gather(struct named *named, const struct json_schema *schema)
{
    if (!schema || is_known(named, schema)) {
        return;
    }
    if (schema->name && named->n < NAMED_MAX) {
        named->schemas[named->n++] = schema;
    }
    gather(named, schema->items);
    for (size_t k = 0; k < schema->n_fields; k++) {
        gather(named, schema->fields[k].schema);
    }
    for (size_t k = 0; k < schema->n_choices; k++) {
        gather(named, schema->choices[k]);
    }
}

/* A batch's lines are told of by name alone. */
static void put_schemas(struct text *text, const struct openapi *openapi)
{
    struct named named = { .n = 0 };
    for (enum schema schema = SCHEMA_NONE + 1; schema < SCHEMA_COUNT; schema++) {
        gather(&named, schema_json(schema));
    }
    json_text_begin_object(text, "schemas");
    for (size_t k = 0; k < named.n; k++) {
        json_schema_put_definition(text, named.schemas[k], &openapi->limits);
    }
    json_text_end_object(text);
}

/* ---- the rest ---- */

static void put_info(struct text *text)
{
    json_text_begin_object(text, "info");
    json_text_string(text, "title", "grud");
    json_text_string(text, "version", GRU_VERSION);
    json_text_string(
        text, "description",
        "Forecasts of streams of readings by recurrent networks: steps of live "
        "sessions, whole sequences, fine-tuning. docs/API.md has the words. A request "
        "that fails changes nothing. A path that is unknown is 404 `route_not_found`.");
    json_text_end_object(text);
}

static void put_tags(struct text *text)
{
    json_text_begin_array(text, "tags");
    for (size_t k = 0; openapi_tag(k); k++) {
        json_text_begin_object(text, NULL);
        json_text_string(text, "name", openapi_tag(k));
        json_text_end_object(text);
    }
    json_text_end_array(text);
}

static void put_security_schemes(struct text *text)
{
    json_text_begin_object(text, "securitySchemes");
    json_text_begin_object(text, "key");
    json_text_string(text, "type", "http");
    json_text_string(text, "scheme", "bearer");
    json_text_string(
        text, "description",
        "with --api-keys: a key of the file, which has the scope that the operation "
        "names. `read`: every GET; `predict`: sessions and predictions; `train`: jobs; "
        "`admin`: models and their versions. No scope includes another");
    json_text_end_object(text);
    json_text_end_object(text);
}

void openapi_put(struct text *text, const struct openapi *openapi)
{
    json_text_begin_object(text, NULL);
    json_text_string(text, "openapi", "3.1.0");
    put_info(text);
    put_tags(text);
    put_paths(text, openapi);
    json_text_begin_object(text, "components");
    put_schemas(text, openapi);
    openapi_put_common(text, openapi);
    put_security_schemes(text);
    json_text_end_object(text);
    json_text_end_object(text);
}
