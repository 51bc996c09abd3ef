#include "http/openapi_refusals.h"

#include <string.h>

/* What a route has by its columns. */
enum {
    EVERY = 1 << 0,
    KEYED = 1 << 1,    /* a key is wanted, where there are keys */
    CHANGING = 1 << 2, /* sessions, models or jobs */
    STORING = 1 << 3,
    BODY = 1 << 4,
    FIELDS = 1 << 5, /* a body of JSON */
    QUERIES = 1 << 6,
    OF_MODEL = 1 << 7,
    OF_VERSION = 1 << 8,
    OF_SESSION = 1 << 9,
    OF_KNOWN_SESSION = 1 << 10, /* the route does not begin one */
    OF_JOB = 1 << 11,
    OF_RULE = 1 << 12,
    OF_KNOWN_RULE = 1 << 13 /* the route does not make one */
};

/* A status that is not here is one that rows name. */
static const unsigned columns[STATUS_COUNT] = {
    [STATUS_INVALID_REQUEST] = EVERY,
    [STATUS_INVALID_ENCODING] = BODY,
    [STATUS_INVALID_JSON] = FIELDS,
    [STATUS_UNKNOWN_FIELD] = FIELDS,
    [STATUS_DUPLICATE_FIELD] = FIELDS,
    [STATUS_MISSING_FIELD] = FIELDS,
    [STATUS_INVALID_TYPE] = FIELDS,
    [STATUS_INVALID_VALUE] = FIELDS | QUERIES | OF_SESSION | OF_RULE,
    [STATUS_WRONG_LENGTH] = FIELDS,
    [STATUS_KEY_MISSING] = KEYED,
    [STATUS_KEY_INVALID] = KEYED,
    [STATUS_SCOPE_MISSING] = KEYED,
    [STATUS_RATE_LIMITED] = KEYED,
    [STATUS_ORIGIN_REFUSED] = CHANGING,
    [STATUS_MODEL_NOT_FOUND] = OF_MODEL,
    [STATUS_MODEL_UNAVAILABLE] = OF_MODEL,
    [STATUS_MODEL_UNREADABLE] = OF_MODEL,
    [STATUS_VERSION_NOT_FOUND] = OF_VERSION,
    [STATUS_VERSION_UNAVAILABLE] = OF_VERSION,
    [STATUS_SESSION_NOT_FOUND] = OF_KNOWN_SESSION,
    [STATUS_SESSION_EXPIRED] = OF_KNOWN_SESSION,
    [STATUS_SESSION_EVICTED] = OF_KNOWN_SESSION,
    [STATUS_SESSION_DAMAGED] = OF_SESSION,
    [STATUS_SESSIONS_FULL] = CHANGING,
    [STATUS_NOT_CAUSAL] = OF_SESSION,
    [STATUS_JOB_NOT_FOUND] = OF_JOB,
    [STATUS_RULE_NOT_FOUND] = OF_KNOWN_RULE,
    [STATUS_METHOD_NOT_ALLOWED] = EVERY,
    [STATUS_BODY_TOO_LARGE] = BODY,
    [STATUS_REQUEST_TOO_LARGE] = EVERY,
    [STATUS_URL_TOO_LONG] = EVERY,
    [STATUS_UNSUPPORTED_MEDIA_TYPE] = BODY,
    [STATUS_HOST_REFUSED] = EVERY,
    [STATUS_TOO_MANY_CONNECTIONS] = EVERY,
    [STATUS_QUEUE_FULL] = CHANGING,
    [STATUS_HEADERS_TOO_LARGE] = EVERY,
    [STATUS_INTERNAL] = EVERY,
    [STATUS_HTTP_VERSION_NOT_SUPPORTED] = EVERY,
    [STATUS_NOT_READY] = EVERY,
    [STATUS_OVERLOADED] = EVERY,
    [STATUS_NO_MEMORY] = EVERY,
    [STATUS_STORAGE_FAILED] = STORING,
};

static bool is_of(const struct route *route, const char *parameter)
{
    return strstr(route->path, parameter) != NULL;
}

static unsigned columns_of(const struct route *route)
{
    const bool is_of_session = is_of(route, "{session}");
    const bool may_begin = route->body == SCHEMA_STEP || route->body == SCHEMA_SESSION_RESTORE;
    unsigned of = EVERY;
    of |= route->scope != SCOPE_NONE ? KEYED : 0;
    of |= route->changes ? CHANGING : 0;
    of |= route->changes || route->disk != DISK_NONE ? STORING : 0;
    of |= route->takes != 0 ? BODY : 0;
    of |= route->takes & MEDIA_SET_JSON ? FIELDS : 0;
    of |= route->queries[0] ? QUERIES : 0;
    of |= is_of(route, "{model}") && route->body != SCHEMA_MODEL_FILE ? OF_MODEL : 0;
    of |= is_of(route, "{version}") ? OF_VERSION : 0;
    of |= is_of_session ? OF_SESSION : 0;
    of |= is_of_session && !may_begin ? OF_KNOWN_SESSION : 0;
    of |= is_of(route, "{id}") ? OF_JOB : 0;
    of |= is_of(route, "{rule}") ? OF_RULE : 0;
    of |= is_of(route, "{rule}") && route->body != SCHEMA_RULE_WANTED ? OF_KNOWN_RULE : 0;
    return of;
}

bool openapi_refuses(const struct route *route, enum status status)
{
    bool is_named = false;
    for (size_t k = 0; route->refuses[k] != STATUS_OK; k++) {
        is_named |= route->refuses[k] == status;
    }
    return is_named || (columns[status] & columns_of(route)) != 0;
}

bool openapi_is_common(int http_status)
{
    static const int common[] = { 401, 403, 405, 413, 414, 415, 421, 429, 431, 500, 503, 505 };
    bool is_common = false;
    for (size_t k = 0; k < sizeof common / sizeof *common; k++) {
        is_common |= common[k] == http_status;
    }
    return is_common;
}
