/* exchange_support.h - an exchange of a worker that has no daemon and no client, for the tests of
 * what is decided about it. */
#ifndef EXCHANGE_SUPPORT_H
#define EXCHANGE_SUPPORT_H

#include "http/worker.h"

struct exchange_world {
    struct config config; /* the defaults */
    struct http http;
    struct worker worker;
    struct connection connection;
    struct exchange_buffers buffers;
    struct exchange *exchange;
    struct request *request; /* the exchange's */
    struct version version;  /* of `model`: a network of some hundred parameters */
    struct model model;
};

void exchange_world_begin(struct exchange_world *world, const struct route *route);
void exchange_world_end(struct exchange_world *world);

#endif
