#include "http/openapi_route.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- chapters ---- */

/* The first whose part is in the path; the last takes the rest. */
static const struct tag {
    const char *name, *part;
} tags[] = {
    { "Fine-tuning jobs", "/fine_tuning/" },
    { "Rules", "/rules" },
    { "Sessions", "/sessions" },
    { "Sessions", "/steps" },
    { "Whole sequences", "/predict" },
    { "Whole sequences", "/evaluate" },
    { "Models", "/v1/models" },
    { "System", "/" },
};

static const char *const chapters[] = { "System",          "Models", "Sessions",
                                        "Whole sequences", "Rules",  "Fine-tuning jobs" };

const char *openapi_tag(size_t index)
{
    return index < sizeof chapters / sizeof *chapters ? chapters[index] : NULL;
}

const char *openapi_tag_of(const struct route *route)
{
    const struct tag *tag = tags;
    while (!strstr(route->path, tag->part)) {
        tag++;
    }
    return tag->name;
}

/* ---- success ---- */

int openapi_code(const struct route *route, size_t index)
{
    const bool is_said = route->codes[0] != 0;
    const int initial = route->gives != 0 ? 200 : 204;
    return is_said ? index <= ROUTE_CODES_MAX ? route->codes[index] : 0 : index == 0 ? initial : 0;
}

/* ---- parameters ---- */

static const struct {
    const char *name;
    const struct json_schema *schema;
} parameters[] = {
#define PARAMETER_ENTRY(name, text, json) [PARAMETER_##name] = { (text), &(json) },
    PATH_PARAMETER_TABLE(PARAMETER_ENTRY)
#undef PARAMETER_ENTRY
};

const char *openapi_parameter_name(enum path_parameter parameter)
{
    return parameters[parameter].name;
}

const struct json_schema *openapi_parameter_schema(enum path_parameter parameter)
{
    return parameters[parameter].schema;
}

bool openapi_parameter(const struct route *route, size_t index, enum path_parameter *ret_parameter)
{
    const char *brace = strchr(route->path, '{');
    while (brace && index > 0) {
        brace = strchr(brace + 1, '{');
        index--;
    }
    if (!brace) {
        return false;
    }
    const char *name = brace + 1;
    const size_t n = strcspn(name, "}");
    enum path_parameter parameter = 0;
    while (strlen(parameters[parameter].name) != n ||
           strncmp(parameters[parameter].name, name, n) != 0) {
        parameter++; /* the router has checked that it is there */
    }
    *ret_parameter = parameter;
    return true;
}

/* ---- queries ---- */

/* The first row that fits: `reply` is where the name means something else than elsewhere. */
static const struct query {
    const char *name;
    enum schema reply;
    const struct json_schema *schema;
} queries[] = {
    { "prefix", SCHEMA_NONE,
      JSON_SCHEMA(STRING, .pattern = "^[A-Za-z0-9._~:-]{0,128}$",
                  .help = "what the ids of the sessions begin with") },
    { "limit", SCHEMA_SESSION_LIST,
      JSON_SCHEMA(INTEGER, .least = 1, .most = 1000, .help = "how many at most; 100 by default") },
    { "limit", SCHEMA_READING_LIST,
      JSON_SCHEMA(INTEGER, .least = 1, .most = 1000, .help = "how many at most; 100 by default") },
    { "limit", SCHEMA_RULE,
      JSON_SCHEMA(INTEGER, .least = 1, .most = 1000, .help = "how many at most; 100 by default") },
    { "before", SCHEMA_READING_LIST,
      JSON_SCHEMA(INTEGER, .least = 1, .most = 9007199254740991.0,
                  .help = "only steps before this one; the newest by default") },
    { "limit", SCHEMA_METRICS,
      JSON_SCHEMA(INTEGER, .least = 1, .most = 10000,
                  .help = "for how many sessions at most; 1000 by default") },
    { "limit", SCHEMA_NONE,
      JSON_SCHEMA(INTEGER, .least = 1, .most = 100, .help = "how many at most; 20 by default") },
    { "after", SCHEMA_SESSION_LIST,
      JSON_SCHEMA(STRING, .pattern = "^[A-Za-z0-9._~:/-]{0,256}$",
                  .help = "`next` of the page before") },
    { "order", SCHEMA_SESSION_LIST,
      JSON_SCHEMA(STRING, .words = "id|last_seen", .help = "by id, or the newest first") },
    { "ahead", SCHEMA_METRICS,
      JSON_SCHEMA(INTEGER, .least = 1, .limit = JSON_SCHEMA_HORIZON_MAX,
                  .help = "how many steps ahead; 1 by default") },
    { "after", SCHEMA_JOB_LIST,
      JSON_SCHEMA(STRING, .pattern = "^[a-z0-9-]*$", .help = "the last id of the page before") },
    { "after", SCHEMA_EVENT_LIST,
      JSON_SCHEMA(STRING, .pattern = "^ftevent-[0-9]{1,18}$",
                  .help = "the last id of the page before") },
    { "after", SCHEMA_CHECKPOINT_LIST,
      JSON_SCHEMA(STRING, .pattern = "^ftckpt-[0-9]{1,18}$",
                  .help = "the last id of the page before") },
    { "model", SCHEMA_NONE, &schema_model_name },
    { "status", SCHEMA_JOB_LIST, &schema_job_status },
};

const struct json_schema *openapi_query(const struct route *route, const char *name)
{
    for (size_t k = 0; k < sizeof queries / sizeof *queries; k++) {
        const bool is_reply = queries[k].reply == SCHEMA_NONE || queries[k].reply == route->reply;
        if (is_reply && strcmp(queries[k].name, name) == 0) {
            return queries[k].schema;
        }
    }
    return NULL;
}

/* ---- names ---- */

static char *put_segment(char *p, const char *end, const char *segment, size_t n)
{
    for (size_t k = 0; k < n && p + 2 < end; k++) {
        p = k == 0 ? stpcpy(p, "_") : p;
        *p++ = isalnum((unsigned char)segment[k]) ? segment[k] : '_';
    }
    *p = '\0';
    return p;
}

/* "sessions/{session}" is "session": a parameter picks one of those before it. */
void openapi_print_id(const struct route *route, char ret_id[OPENAPI_ID_SIZE])
{
    const char *end = ret_id + OPENAPI_ID_SIZE,
               *path = strncmp(route->path, "/v1/", 4) == 0 ? route->path + 3 : route->path;
    char *p = ret_id;
    bool is_one = false;
    for (const char *c = route->method; *c; c++) {
        *p++ = (char)tolower((unsigned char)*c);
    }
    p = path[1] == '\0' ? stpcpy(p, "_root") : p;
    while (*path) {
        const char *segment = path + 1;
        const size_t n = strcspn(segment, "/");
        path = segment + n;
        if (segment[0] != '{') {
            is_one = n > 0 && segment[n - 1] == 's' && path[0] == '/' && path[1] == '{';
            p = put_segment(p, end, segment, n - is_one);
        } else if (!is_one) {
            p = put_segment(p, end, segment + 1, n - 2);
        }
    }
}
