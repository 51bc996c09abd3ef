/*
 * drain.h - how a worker ends without losing what it has accepted. Its thread only.
 *
 * Clients that have connected already are taken in, then the socket is shut down: were it only
 * closed later, the kernel would go on to complete handshakes that nobody answers. Requests are
 * answered, each reply saying that it is the last of its connection. What then is left are
 * connections between two requests. They are kept while there is anything else to wait for, and
 * until they were silent for a while: a client that is about to ask can still be told. A request
 * that is on its way while its connection is shut down cannot be told from one that was never sent;
 * nothing of it is done, so that its client may send it again.
 */
#ifndef DRAIN_H
#define DRAIN_H

#include "http/exchange.h"

/* Whether the worker is done: asked between turns. The first time after http_drain it begins the
 * end. */
bool drain_is_over(struct worker *worker);
/* Whether a reply is to say that it is the last one on its connection. */
bool drain_is_last(const struct exchange *exchange);

#endif
