#include "http/listen.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The first socket is bound without SO_REUSEPORT, which would let it join the port of another
 * process of the same user and take half of its clients; it is allowed to share only what it has to
 * itself. */
static bool open_one(const struct endpoint *endpoint, bool is_first, int *ret_fd)
{
    const int on = 1, off = 0;
    int fd = socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    bool fine = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
    if (endpoint->address.ss_family == AF_INET6) { /* [::] takes IPv4 clients too */
        fine = fine && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0;
    }
    fine = fine && (is_first || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0);
    fine = fine && bind(fd, (const struct sockaddr *)&endpoint->address, endpoint->n_address) == 0;
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

/* What to do about it. */
static const char *advice_on(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "; end what listens there, or take another port";
    case EACCES:
        return "; ports below 1024 are root's: take one above (a container publishes it as "
               "another: -p "
               "80:8080)";
    case EADDRNOTAVAIL:
        return "; no interface here has this address: take one of this machine, or 0.0.0.0 for all "
               "of them";
    case EAFNOSUPPORT:
        return "; there is no IPv6 here: take an IPv4 address, such as 0.0.0.0";
    }
    return "";
}

static enum status refused(const struct endpoint *endpoint, int error, struct fault *fault)
{
    char text[ENDPOINT_TEXT_MAX];
    endpoint_print(endpoint, text);
    fault_fill(fault, STATUS_INVALID_VALUE, "listen", "cannot listen on %s: %s%s", text,
               strerrordesc_np(error), advice_on(error));
    fault->error = error;
    return STATUS_INVALID_VALUE;
}

enum status listen_open(struct endpoint *endpoint, size_t n, int *ret_fds, struct fault *fault)
{
    for (size_t k = 0; k < n; k++) {
        if (!open_one(endpoint, k == 0, &ret_fds[k])) {
            int reason = errno;
            listen_close(ret_fds, k);
            return refused(endpoint, reason, fault);
        }
        socklen_t n_address = sizeof endpoint->address;
        if (k == 0 &&
            getsockname(ret_fds[0], (struct sockaddr *)&endpoint->address, &n_address) != 0) {
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
