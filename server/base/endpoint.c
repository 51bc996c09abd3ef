#include "base/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_port(const char *text, in_port_t *ret_port)
{
    size_t n = strlen(text);
    if (n == 0 || n > 5 || strspn(text, "0123456789") != n) {
        return false;
    }
    unsigned long port = strtoul(text, NULL, 10);
    *ret_port = htons((in_port_t)port);
    return port <= 65535;
}

static bool parse_host_4(const char *host, struct endpoint *endpoint, in_port_t port)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&endpoint->address;
    in->sin_family = AF_INET;
    in->sin_port = port;
    endpoint->n_address = sizeof *in;
    if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &in->sin_addr) !=
        1) {
        return false;
    }
    endpoint->is_loopback = ntohl(in->sin_addr.s_addr) >> 24 == 127;
    return true;
}

static bool parse_host_6(const char *host, struct endpoint *endpoint, in_port_t port)
{
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&endpoint->address;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = port;
    endpoint->n_address = sizeof *in6;
    if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1) {
        return false;
    }
    endpoint->is_loopback =
        IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) ||
        (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) && in6->sin6_addr.s6_addr[12] == 127);
    return true;
}

bool endpoint_parse(const char *text, struct endpoint *ret_endpoint)
{
    char host[INET6_ADDRSTRLEN + 2] = "";
    struct endpoint endpoint = { .n_address = 0 };
    in_port_t port;
    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof host || !parse_port(colon + 1, &port)) {
        return false;
    }
    size_t n = (size_t)(colon - text);
    memcpy(host, text, n);
    bool is_6 = n >= 2 && host[0] == '[' && host[n - 1] == ']';
    if (is_6) {
        host[n - 1] = '\0';
    }
    if (is_6 ? !parse_host_6(host + 1, &endpoint, port) : !parse_host_4(host, &endpoint, port)) {
        return false;
    }
    *ret_endpoint = endpoint;
    return true;
}

unsigned endpoint_port(const struct endpoint *endpoint)
{
    return ntohs(endpoint->address.ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)&endpoint->address)->sin6_port
                     : ((const struct sockaddr_in *)&endpoint->address)->sin_port);
}

static void print_host(const struct endpoint *endpoint, char host[INET6_ADDRSTRLEN])
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&endpoint->address;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&endpoint->address;
    if (endpoint->address.ss_family == AF_INET) {
        inet_ntop(AF_INET, &in->sin_addr, host, INET6_ADDRSTRLEN);
    } else {
        inet_ntop(AF_INET6, &in6->sin6_addr, host, INET6_ADDRSTRLEN);
    }
}

static void print(const char *host, unsigned port, char text[ENDPOINT_TEXT_MAX])
{
    snprintf(text, ENDPOINT_TEXT_MAX, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
}

void endpoint_print(const struct endpoint *endpoint, char text[ENDPOINT_TEXT_MAX])
{
    char host[INET6_ADDRSTRLEN];
    print_host(endpoint, host);
    print(host, endpoint_port(endpoint), text);
}

void endpoint_print_near(const struct endpoint *endpoint, unsigned port,
                         char text[ENDPOINT_TEXT_MAX])
{
    char host[INET6_ADDRSTRLEN];
    print_host(endpoint, host);
    if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::ffff:0.0.0.0") == 0 ||
        strcmp(host, "::") == 0) {
        print("127.0.0.1", port, text);
    } else {
        print(host, port, text);
    }
}
