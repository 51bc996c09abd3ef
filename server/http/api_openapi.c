/* api_openapi.c - the OpenAPI document. It is made anew each time, as it has limits that SIGHUP
 * changes, and has an entity tag, so that a client that knows it need not read it again. */
#include "http/api.h"
#include "base/digest.h"
#include "http/negotiation.h"
#include "http/openapi.h"
#include "http/workers.h"

#include <stdio.h>

enum { DOCUMENT_BYTES = 192 << 10 }; /* about as many */

struct tagged {
    struct reply_header header;
    char tag[DIGEST_TEXT + 2]; /* in quotes */
};

/* Completes a reply whose body is the document. */
static enum status tag_reply(struct request *request)
{
    struct tagged *tagged = arena_alloc(request->arena, sizeof *tagged);
    char digest[DIGEST_TEXT];
    if (!tagged) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    digest_print(digest_128(request->reply.body, request->reply.n_body), digest);
    snprintf(tagged->tag, sizeof tagged->tag, "\"%s\"", digest);
    tagged->header = (struct reply_header){ "ETag", tagged->tag };
    request->reply.headers = &tagged->header;
    request->reply.n_headers = 1;
    if (negotiation_has_tag(request_header(request, "If-None-Match"), tagged->tag)) {
        request->reply.code = 304;
        request->reply.n_body = 0;
    }
    return STATUS_OK;
}

enum status api_openapi(struct request *request)
{
    const struct openapi openapi = { .routes = request->http->routes,
                                     .n_routes = request->http->n_routes,
                                     .limits = api_input(request).limits,
                                     .has_keys = request->config->api_keys[0] != '\0' };
    struct text text;
    text_init(&text, request->arena, DOCUMENT_BYTES);
    openapi_put(&text, &openapi);
    enum status status = api_reply(request, 200, &text);
    return status == STATUS_OK ? tag_reply(request) : status;
}
