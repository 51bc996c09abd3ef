/*
 * route.h - one row of the table of routes: the path, its handlers, and what the rest of http/ must
 * know about them. Constant data; any thread.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include "base/status.h"
#include "http/envelope.h"
#include "http/media.h"
#include "http/schema.h"
#include "secure/keys.h"
#include "service/service.h"

#include <stdbool.h>
#include <stddef.h>

struct request;

/* The names that stand in {} in paths, and what they may be. */
#define PATH_PARAMETER_TABLE(X)                                                                    \
    X(MODEL, "model", schema_model_name)                                                           \
    X(VERSION, "version", schema_version)                                                          \
    X(SESSION, "session", schema_session_id)                                                       \
    X(RULE, "rule", schema_rule_name)                                                              \
    X(JOB, "id", schema_job_id)                                                                    \
    X(FOLDER, "folder", schema_file_name)                                                          \
    X(FILE, "file", schema_file_name)

enum path_parameter {
#define PATH_PARAMETER_ENUM(name, text, json) PARAMETER_##name,
    PATH_PARAMETER_TABLE(PATH_PARAMETER_ENUM)
#undef PATH_PARAMETER_ENUM
        PARAMETER_COUNT
};

enum {
    PATH_PARAMETERS_MAX = 2,
    ROUTE_QUERIES_MAX = 5,
    ROUTE_CODES_MAX = 2,
    ROUTE_REFUSES_MAX = 20
};

struct route {
    const char *method;
    const char *path; /* "/v1/models/{model}/sessions/{session}/step" */
    enum scope scope;
    /* Answers the request by filling request->reply. Or leaves reply.code 0, having handed in steps
     * or a prediction, or only read the body: then `finish`, which does the same, is called once
     * they are done, or at once. A status other than OK is answered from request->fault. */
    enum status (*handle)(struct request *request);
    enum status (*finish)(struct request *request);
    /* Takes a piece of an x-ndjson body as it arrives, and may hand in steps; `handle` is called at
     * its end. Other bodies are collected whole. */
    enum status (*upload)(struct request *request, const char *bytes, size_t n);
    /* The media types of the body and of the reply, MEDIA_SET_ bits. The first one is meant where a
     * body names none and a handler chooses none. 0: a body is refused; the reply is a status
     * alone. */
    unsigned takes, gives;
    enum schema body, reply; /* what they hold */
    /* The HTTP statuses of success. None: 200, or 204 where nothing is given. */
    int codes[ROUTE_CODES_MAX + 1];
    /* What it refuses beside what follows from the other columns (openapi_refusals.c). */
    enum status refuses[ROUTE_REFUSES_MAX + 1];
    enum envelope_kind envelope;
    bool is_probe; /* asks how grud is: at any host, and in any load, it gets its answer */
    bool is_page;  /* a file of the page, which may be in the folder of --page-dir */
    bool changes;  /* models, sessions or jobs: pages of other origins may not (origin.h) */
    /* The thread that calls `handle`; not the worker's where it waits for the disk (the files of
     * models, the database of jobs), or looks at every session. */
    enum disk_queue disk;
    bool is_of_session; /* it asks for one session: on a node of a cluster its thread may wait for
                           the engine */
    bool is_read_aside; /* `handle` writes nothing: if the body is large, it is called on a thread
                           of its own. `finish` is only to print what is large */
    bool has_training_lines; /* x-ndjson may be as large as --training-max, not --body-max */
    bool is_heavy;           /* under too much load it is refused before others are */
    /* The query parameters that it takes; others are refused. None: all are ignored. */
    const char *queries[ROUTE_QUERIES_MAX + 1];
    const char *summary;
};

static inline bool route_takes_lines(const struct route *route)
{
    return (route->takes & MEDIA_SET_NDJSON) != 0;
}

#endif
