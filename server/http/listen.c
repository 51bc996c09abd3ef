#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the address ---- */

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

static bool parse_host_4(const char *host, struct listen_address *address, in_port_t port)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&address->address;
    in->sin_family = AF_INET;
    in->sin_port = port;
    address->n_address = sizeof *in;
    if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &in->sin_addr) != 1) {
        return false;
    }
    address->is_loopback = ntohl(in->sin_addr.s_addr) >> 24 == 127;
    return true;
}

static bool parse_host_6(const char *host, struct listen_address *address, in_port_t port)
{
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address->address;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = port;
    address->n_address = sizeof *in6;
    if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1) {
        return false;
    }
    address->is_loopback = IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) ||
                           (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) && in6->sin6_addr.s6_addr[12] == 127);
    return true;
}

bool listen_parse(const char *text, struct listen_address *ret_address)
{
    char host[INET6_ADDRSTRLEN + 2] = "";
    struct listen_address address = { .n_address = 0 };
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
    if (is_6 ? !parse_host_6(host + 1, &address, port) : !parse_host_4(host, &address, port)) {
        return false;
    }
    *ret_address = address;
    return true;
}

unsigned listen_port(const struct listen_address *address)
{
    return ntohs(address->address.ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)&address->address)->sin6_port
                     : ((const struct sockaddr_in *)&address->address)->sin_port);
}

/* ---- the sockets ---- */

/* The first socket is bound without SO_REUSEPORT, which would let it join the port of another process of the
 * same user and take half of its clients; it is allowed to share only what it has to itself. */
static bool open_one(const struct listen_address *address, bool is_first, int *ret_fd)
{
    const int on = 1, off = 0;
    int fd = socket(address->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    bool fine = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
    if (address->address.ss_family == AF_INET6) { /* [::] takes IPv4 clients too */
        fine = fine && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0;
    }
    fine = fine && (is_first || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0);
    fine = fine && bind(fd, (const struct sockaddr *)&address->address, address->n_address) == 0;
    fine = fine && (!is_first || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0);
    fine = fine && listen(fd, SOMAXCONN) == 0;
    if (!fine) {
        int reason = errno;
        close(fd);
        errno = reason;
        return false;
    }
    *ret_fd = fd;
    return true;
}

enum status listen_open(struct listen_address *address, size_t n, int *ret_fds, struct fault *fault)
{
    for (size_t k = 0; k < n; k++) {
        if (!open_one(address, k == 0, &ret_fds[k])) {
            int reason = errno;
            listen_close(ret_fds, k);
            return fault_set(fault, STATUS_INVALID_VALUE, "listen", "cannot listen on port %u: %s",
                             listen_port(address), strerrordesc_np(reason));
        }
        socklen_t n_address = sizeof address->address;
        if (k == 0 && getsockname(ret_fds[0], (struct sockaddr *)&address->address, &n_address) != 0) {
            listen_close(ret_fds, 1);
            return fault_set(fault, STATUS_INTERNAL, "listen", "the chosen port cannot be read");
        }
    }
    return STATUS_OK;
}

void listen_close(int *fds, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (fds[k] >= 0) {
            close(fds[k]);
        }
        fds[k] = -1;
    }
}
