/*
 * origin.h - what a browser may be made to do by pages that are not ours. A page of another origin
 * may change nothing, and a name that its owner has pointed at this machine (DNS rebinding) is no
 * host of ours. Decided by Host, Origin and Sec-Fetch-Site, which no page can forge; clients that
 * are no browsers send a Host alone. The worker's thread, but for the check of the options.
 */
#ifndef ORIGIN_H
#define ORIGIN_H

#include "http/exchange.h"
#include "http/guard.h"

/* Refuses lists of --cors-origin and --host-name that name something else. */
__attribute__((warn_unused_result)) enum status origin_check_options(const struct config *config,
                                                                     struct fault *fault);

/* Notes the origin of the page that asks, if --cors-origin lets it read the reply. The request has
 * an Origin. */
void origin_note(struct exchange *exchange, const struct guard *guard);
/* Whether this may be asked at this host and by this page; the route is known. */
enum status origin_check(struct exchange *exchange, const struct guard *guard);
/* Which origin may read the reply, and what it may ask. False: no memory. */
bool origin_add_headers(struct MHD_Response *response, const struct exchange *exchange);

#endif
