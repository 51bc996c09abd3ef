/* endpoint.h - an address and a port, as --listen has them. A leaf; any thread. */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

enum { ENDPOINT_TEXT_MAX = INET6_ADDRSTRLEN + sizeof "[]:65535" };

struct endpoint {
    struct sockaddr_storage address;
    socklen_t n_address;
    bool is_loopback;
};

/* "127.0.0.1:8080", "[::1]:8080" or "localhost:8080"; no names are looked up. */
__attribute__((warn_unused_result)) bool endpoint_parse(const char *text,
                                                        struct endpoint *ret_endpoint);

/* The message for a text that is no endpoint; takes the text. */
#define ENDPOINT_REFUSED                                                                           \
    "listen: '%s' is no address; 127.0.0.1:8080, localhost:8080 and [::1]:8080 are"

unsigned endpoint_port(const struct endpoint *endpoint);

/* "127.0.0.1:8080" */
void endpoint_print(const struct endpoint *endpoint, char text[ENDPOINT_TEXT_MAX]);

/* Where a client on this machine reaches an endpoint that listens on `port`: a wildcard becomes
 * IPv4's loopback, which [::] takes too, and which exists where a container has no ::1. */
void endpoint_print_near(const struct endpoint *endpoint, unsigned port,
                         char text[ENDPOINT_TEXT_MAX]);

#endif
