#include "http/authority.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { PORT_MAX = 65535 };

static bool parse_port(const char *text, size_t n, unsigned *ret_port)
{
    unsigned port = 0;
    for (size_t k = 0; k < n; k++) {
        unsigned digit = (unsigned char)text[k] - (unsigned)'0';
        if (digit > 9 || k == 5) {
            return false;
        }
        port = 10 * port + digit;
    }
    *ret_port = port;
    return port <= PORT_MAX;
}

static bool is_of_a_host(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

/* The bytes of the host: up to the port, or up to the bracket that ends an IPv6 address. */
static size_t host_length(const char *text, size_t n)
{
    size_t k = 0;
    if (n > 0 && text[0] == '[') {
        const char *end = memchr(text, ']', n);
        return end ? (size_t)(end - text) + 1 : 0;
    }
    while (k < n && is_of_a_host(text[k])) {
        k++;
    }
    return k;
}

bool authority_parse(const char *text, size_t n, struct authority *ret_authority)
{
    struct authority authority = { .host = text, .n_host = host_length(text, n) };
    const size_t n_host = authority.n_host;
    if (n_host == 0 || (n_host < n && text[n_host] != ':') ||
        (n_host < n && !parse_port(text + n_host + 1, n - n_host - 1, &authority.port))) {
        return false;
    }
    if (text[n_host - 1] == '.') {
        authority.n_host--;
    }
    *ret_authority = authority;
    return authority.n_host > 0;
}

const char *authority_skip_scheme(const char *text, bool *ret_is_https)
{
    static const char http[] = "http://", https[] = "https://";
    *ret_is_https = strncasecmp(text, https, sizeof https - 1) == 0;
    if (*ret_is_https) {
        return text + sizeof https - 1;
    }
    return strncasecmp(text, http, sizeof http - 1) == 0 ? text + sizeof http - 1 : NULL;
}

const char *authority_path(const char *target)
{
    bool is_https;
    const char *host = target[0] == '/' ? NULL : authority_skip_scheme(target, &is_https);
    const char *slash = host ? strchr(host, '/') : target;
    return slash ? slash : "/";
}

static struct in6_addr mapped(struct in_addr address)
{
    struct in6_addr in6 = { .s6_addr = { [10] = 0xff, [11] = 0xff } };
    memcpy(&in6.s6_addr[12], &address, sizeof address);
    return in6;
}

bool authority_address(const struct authority *authority, struct in6_addr *ret_address)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr in;
    const bool is_6 = authority->host[0] == '[';
    const char *from = authority->host + is_6;
    size_t n = authority->n_host - (is_6 ? 2 : 0);
    const char *zone = is_6 ? memchr(from, '%', n) : NULL;
    n = zone ? (size_t)(zone - from) : n;
    if (n >= sizeof text) {
        return false;
    }
    memcpy(text, from, n);
    text[n] = '\0';
    if (is_6) {
        return inet_pton(AF_INET6, text, ret_address) == 1;
    }
    if (inet_pton(AF_INET, text, &in) != 1) {
        return false;
    }
    *ret_address = mapped(in);
    return true;
}

bool authority_socket_address(const struct sockaddr_storage *socket, struct in6_addr *ret_address)
{
    switch (socket->ss_family) {
    case AF_INET:
        *ret_address = mapped(((const struct sockaddr_in *)socket)->sin_addr);
        return true;
    case AF_INET6:
        *ret_address = ((const struct sockaddr_in6 *)socket)->sin6_addr;
        return true;
    default:
        return false;
    }
}

bool authority_is_loopback(const struct in6_addr *address)
{
    return IN6_IS_ADDR_LOOPBACK(address) ||
           (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

bool authority_is_host(const struct authority *authority, const char *host, size_t n_host)
{
    return authority->n_host == n_host && strncasecmp(authority->host, host, n_host) == 0;
}

bool authority_is_same(const struct authority *a, const struct authority *b, unsigned default_port)
{
    return authority_is_host(a, b->host, b->n_host) &&
           (a->port ? a->port : default_port) == (b->port ? b->port : default_port);
}

bool authority_next(const char **list, const char **ret_item, size_t *ret_n)
{
    const char *item = *list + strspn(*list, ", ");
    size_t n = strcspn(item, ",");
    *list = item + n;
    while (n > 0 && item[n - 1] == ' ') {
        n--;
    }
    *ret_item = item;
    *ret_n = n;
    return n > 0;
}
