/*
 * route.h - one row of the table of routes: the path, the handlers, and what the rest of http/ has
 * to know of them. Constant data; any thread.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include "base/status.h"
#include "secure/keys.h"

#include <stdbool.h>
#include <stddef.h>

struct request;

enum body_kind {
    BODY_NONE,          /* a body is refused */
    BODY_EMPTY_OR_JSON, /* none, or application/json, collected whole */
    BODY_JSON,          /* application/json, collected whole */
    BODY_OCTETS,        /* application/octet-stream, collected whole */
    BODY_STEPS,   /* application/json, or application/x-ndjson handed to the route's `upload` as it
                     arrives */
    BODY_TRAINING /* the same, but x-ndjson may be as large as --training-max */
};

enum { PATH_PARAMETERS_MAX = 2 };

struct route {
    const char *method;
    const char *path; /* "/v1/models/{model}/sessions/{session}/step" */
    /* Answers the request: fills request->reply, or hands in steps or a prediction and leaves
     * reply.code 0, in which case `finish` is called once they are done. A status other than OK is
     * answered from request->fault. */
    enum status (*handle)(struct request *request);
    enum status (*finish)(struct request *request);
    /* Takes a piece of an x-ndjson body as it arrives; `handle` is called at its end. */
    enum status (*upload)(struct request *request, const char *bytes, size_t n);
    enum body_kind body;
    enum scope scope;
    bool is_heavy; /* under too much load it is refused before others are; SCOPE_NONE never is */
    const char *summary;
};

#endif
