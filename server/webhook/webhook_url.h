/*
 * webhook_url.h - what the URL of a webhook may be. Pure; any thread. No name is looked up here:
 * what a name stands for is seen when it is connected to (webhook_client.h).
 */
#ifndef WEBHOOK_URL_H
#define WEBHOOK_URL_H

#include "base/status.h"

#include <stdbool.h>

enum { WEBHOOK_URL_MAX = 1023 };

/* http or https, with a host, without a user, a password, a fragment or port 0; the host, if it is
 * an address, a public one, and not this machine by its name, unless private ones are allowed. The
 * fault is of the field `url`. */
__attribute__((warn_unused_result)) enum status
webhook_url_check(const char *url, bool may_be_private, struct fault *fault);

#endif
