/* cluster_url.h - what --cluster may be: redis[s]://[user[:password]@]host[:port][/db]. Pure; any
 * thread. */
#ifndef CLUSTER_URL_H
#define CLUSTER_URL_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { CLUSTER_HOST_MAX = 255, CLUSTER_USER_MAX = 255, CLUSTER_PASSWORD_MAX = 1023 };

struct cluster_url {
    bool is_tls;
    bool has_password;
    char user[CLUSTER_USER_MAX + 1]; /* "": the engine's default */
    char password[CLUSTER_PASSWORD_MAX + 1];
    char host[CLUSTER_HOST_MAX + 1]; /* an address of IPv6 without its brackets */
    uint16_t port;
    uint32_t db;
};

/* The fault is of the option `cluster` and does not repeat the text, which may hold a password. */
__attribute__((warn_unused_result)) enum status
cluster_url_parse(const char *text, struct cluster_url *ret_url, struct fault *fault);

#endif
