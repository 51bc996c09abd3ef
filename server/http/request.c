/* request.c - what handlers ask of their request, and how they hand in work. */
#include "http/request.h"

#include "base/clock.h"
#include "http/exchange.h"
#include "http/guard.h"
#include "http/limits.h"
#include "http/offload.h"
#include "http/pending.h"

#include <string.h>
#include <strings.h>

/* ---- work ---- */

/* Off the worker's thread this is asked once the exchange is back. */
static enum status admit_long(struct exchange *exchange)
{
    exchange->is_long = exchange->phase == PHASE_OFFLOADED;
    return exchange->is_long ? STATUS_OK : limit_prediction(exchange);
}

enum status request_hand_in(struct request *request, struct step *steps, size_t n)
{
    struct exchange *exchange = exchange_of(request);
    bool has_long = false;
    request->steps = steps;
    request->n_steps = n;
    exchange->n_steps_done = 0;
    exchange->n_rows = 0;
    for (size_t k = 0; k < n; k++) {
        if (!steps[k].is_done) {
            has_long = step_measure(&steps[k]) || has_long;
            exchange->n_rows += k < STEPS_PER_REQUEST ? steps[k].n_rows : 0;
        }
    }
    enum status status = has_long && !exchange->has_begun ? admit_long(exchange) : STATUS_OK;
    exchange->is_handed_in = status == STATUS_OK;
    exchange->has_begun = exchange->is_handed_in;
    return status;
}

enum status request_predict(struct request *request, struct prediction *prediction)
{
    struct exchange *exchange = exchange_of(request);
    request->prediction = prediction;
    exchange->begun_ns = exchange->queued_ns = clock_monotonic_ns();
    if (predict_is_long(prediction) || offload_finish_queue(exchange) != DISK_NONE) {
        return admit_long(exchange);
    }
    enum status status = predict_go_on(request->context, prediction, request->fault);
    if (status == STATUS_OK && prediction->n_rows_left > 0) { /* more than it looked like */
        return admit_long(exchange);
    }
    return status == STATUS_OK ? request->route->finish(request) : status;
}

/* ---- query parameters and headers ---- */

const char *request_query(const struct request *request, const char *name)
{
    const struct exchange *exchange = exchange_of(request);
    for (size_t k = 0; k < exchange->n_queries; k++) {
        if (strcmp(exchange->buffers->queries[k].name, name) == 0) {
            return exchange->buffers->queries[k].value;
        }
    }
    return NULL;
}

const char *request_header(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(exchange_of(request)->mhd, MHD_HEADER_KIND, name);
}

struct accept {
    const char *type;
    bool is_named;
};

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    (void)kind;
    struct accept *accept = cls;
    if (strcasecmp(name, "Accept") == 0 && value && accept_names(value, accept->type)) {
        accept->is_named = true;
    }
    return accept->is_named ? MHD_NO : MHD_YES;
}

bool request_accepts(const struct request *request, enum media media)
{
    struct accept accept = { media_name(media), false };
    MHD_get_connection_values(exchange_of(request)->mhd, MHD_HEADER_KIND, on_header, &accept);
    return accept.is_named;
}
