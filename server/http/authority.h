/*
 * authority.h - hosts and ports as clients write them: in a Host header, in a request target, in
 * an Origin. Texts are borrowed; no name is ever looked up. Pure functions; any thread.
 */
#ifndef AUTHORITY_H
#define AUTHORITY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

struct authority {
    const char *host; /* without the dot that may end a name; IPv6 addresses are in brackets */
    size_t n_host;
    unsigned port; /* 0: none is named */
};

/* "grud.example", "127.0.0.1:8080", "[::1]:8080". False: it is something else. */
bool authority_parse(const char *text, size_t n, struct authority *ret_authority);
/* What is behind "http://" or "https://", or NULL. */
const char *authority_skip_scheme(const char *text, bool *ret_is_https);
/* The path of a request target, which a proxy may write in full. */
const char *authority_path(const char *target);
/* Whether the host is an IP address; an IPv4 address becomes IPv6's form of it, and a zone is left
 * out. */
bool authority_address(const struct authority *authority, struct in6_addr *ret_address);
/* The same of a socket's address; false: it has none. */
bool authority_socket_address(const struct sockaddr_storage *socket, struct in6_addr *ret_address);
/* 127.0.0.0/8 and ::1 */
bool authority_is_loopback(const struct in6_addr *address);
/* Whether the host is this one; case does not count. */
bool authority_is_host(const struct authority *authority, const char *host, size_t n_host);
/* Whether host and port are the same where `default_port` stands for none. */
bool authority_is_same(const struct authority *a, const struct authority *b, unsigned default_port);

/* The next item of a list with commas, without the spaces around it; false: there is none. */
bool authority_next(const char **list, const char **ret_item, size_t *ret_n);

#endif
