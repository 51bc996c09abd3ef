/*
 * openapi.h - the API as an OpenAPI 3.1 document, made of the table of routes and of the schemas
 * that its rows name: nothing of it is written twice. Pure functions; any thread.
 */
#ifndef OPENAPI_H
#define OPENAPI_H

#include "codec/codec.h"
#include "http/route.h"

struct openapi {
    const struct route *routes;
    size_t n_routes;
    struct codec_limits limits; /* options that bound what bodies may hold */
    bool has_keys;              /* that clients must have one */
};

/* Appends the document. */
void openapi_put(struct text *text, const struct openapi *openapi);

#endif
