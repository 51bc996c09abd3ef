#include "http/revoke.h"

#include "http/access.h"
#include "http/reply.h"
#include "http/worker.h"

void revoke_streams(struct worker *worker)
{
    struct stream *stream;
    access_renew(worker);
    if (!worker->has_new_keys) {
        return;
    }
    worker->has_new_keys = false;
    TAILQ_FOREACH(stream, &worker->streams.list, link)
    {
        const struct request *request = reply_of_stream(stream);
        const char *authorization = request_header(request, "Authorization");
        if (!access_allows(worker, request->route->scope, authorization)) {
            streams_revoke(&worker->streams, stream);
        }
    }
}
