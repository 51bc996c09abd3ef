/*
 * grud --health: one GET, for health checks in images without another client. Failure is always 1:
 * to Docker, 2 means something else.
 *
 * This is the only HTTP client in server/. It reads a reply's first line, and the reason in an
 * error of grud's, which comes with it. libcurl would do the same, but with the libraries it needs
 * it would add megabytes to an image of 90 MB. Over TLS the layer that hides GnuTLS carries the
 * same request (`ask_tls`).
 */
#include "base/clock.h"
#include "base/endpoint.h"
#include "base/wait.h"
#include "commands/command.h"
#include "config/config.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TIMEOUT_MS = 2000, HOST_MAX = 255, URL_MAX = 2048, REPLY_MAX = 2048, COMPLAINT_MAX = 1200 };

struct target {
    char authority[HOST_MAX + 16]; /* host and port as they stand in the URL, for the Host field */
    char host[HOST_MAX + 1];
    char port[6];
    const char *path;
    bool is_tls;
};

static int complain(const char *url, const char *message)
{
    fprintf(stderr, "grud --health: %s: %s\n", url, message);
    return 1;
}

/* ---- the URL ---- */

/* "1" to "65535" */
static bool parse_port(const char *text, size_t n, char port[6])
{
    if (n == 0 || n > 5 || strspn(text, "0123456789") < n) {
        return false;
    }
    memcpy(port, text, n);
    port[n] = '\0';
    long number = strtol(port, NULL, 10);
    return number >= 1 && number <= UINT16_MAX;
}

/* HOST, HOST:PORT, [IPV6] or [IPV6]:PORT */
static bool parse_authority(const char *text, size_t n, struct target *target)
{
    bool bracketed = n > 0 && text[0] == '[';
    const char *host = text + bracketed, *end = text + n;
    const char *host_end = memchr(host, bracketed ? ']' : ':', (size_t)(end - host));
    if (bracketed && !host_end) {
        return false;
    }
    host_end = host_end ? host_end : end;
    size_t n_host = (size_t)(host_end - host);
    const char *colon = host_end + bracketed;
    if (n_host == 0 || n_host > HOST_MAX || n >= sizeof target->authority || memchr(text, '@', n)) {
        return false;
    }
    memcpy(target->authority, text, n);
    memcpy(target->host, host, n_host);
    if (colon == end) {
        snprintf(target->port, sizeof target->port, "%s", target->is_tls ? "443" : "80");
        return true;
    }
    return *colon == ':' && parse_port(colon + 1, (size_t)(end - colon) - 1, target->port);
}

/* http://AUTHORITY/PATH or https://, and nothing that could end the request line early */
static bool parse_url(const char *url, struct target *ret_target)
{
    static const char plain[] = "http://", tls[] = "https://";
    size_t n = strlen(url);
    struct target target = { .is_tls = strncmp(url, tls, sizeof tls - 1) == 0 };
    for (const char *p = url; *p != '\0'; p++) {
        if (*p <= ' ' || *p >= 0x7f) {
            return false;
        }
    }
    if (n > URL_MAX || (!target.is_tls && strncmp(url, plain, sizeof plain - 1) != 0) ||
        strchr(url, '#')) {
        return false;
    }
    const char *authority = url + (target.is_tls ? sizeof tls : sizeof plain) - 1;
    size_t n_authority = strcspn(authority, "/?");
    if (authority[n_authority] == '?' || !parse_authority(authority, n_authority, &target)) {
        return false;
    }
    target.path = authority[n_authority] == '/' ? authority + n_authority : "/";
    *ret_target = target;
    return true;
}

/* Certificates are not checked, so an https:// address must be on this machine. */
static bool are_loopback(const struct addrinfo *address)
{
    for (; address; address = address->ai_next) {
        bool is_4 = address->ai_family == AF_INET, is_6 = address->ai_family == AF_INET6;
        const struct sockaddr_in *in = (const struct sockaddr_in *)address->ai_addr;
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address->ai_addr;
        if (!(is_4 && ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET) &&
            !(is_6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr))) {
            return false;
        }
    }
    return true;
}

/* ---- the URL of the grud that is configured here ---- */

/* The port that grud has chosen itself. */
static bool read_port_file(const char *path, unsigned *ret_port, char complaint[COMPLAINT_MAX])
{
    char line[16] = "", port[6];
    FILE *file = fopen(path, "re");
    if (!file) {
        snprintf(complaint, COMPLAINT_MAX,
                 "cannot read the port file %s: %m (grud writes it once it is ready)", path);
        return false;
    }
    const char *got = fgets(line, sizeof line, file);
    fclose(file);
    if (!got || !parse_port(line, strcspn(line, "\n"), port)) {
        snprintf(complaint, COMPLAINT_MAX, "the port file %s holds no port", path);
        return false;
    }
    *ret_port = (unsigned)strtoul(port, NULL, 10);
    return true;
}

static bool find_port(const struct config *config, const struct endpoint *endpoint,
                      unsigned *ret_port, char complaint[COMPLAINT_MAX])
{
    *ret_port = endpoint_port(endpoint);
    if (*ret_port != 0) {
        return true;
    }
    if (config->port_file[0] != '\0') {
        return read_port_file(config->port_file, ret_port, complaint);
    }
    snprintf(complaint, COMPLAINT_MAX,
             "listen is '%s', and no port file says which port that is: set port-file "
             "(GRUD_PORT_FILE), or "
             "give listen (GRUD_LISTEN) a port",
             config->listen);
    return false;
}

/* Reads what the daemon reads, so that its health check follows when its address changes. */
static bool find_own_url(int argc, char *const argv[], char *const environment[], char url[URL_MAX],
                         char complaint[COMPLAINT_MAX])
{
    struct config config;
    struct endpoint endpoint;
    unsigned port;
    char near[ENDPOINT_TEXT_MAX];
    if (!config_read(argc, argv, environment, &config, complaint, COMPLAINT_MAX)) {
        return false;
    }
    bool found = endpoint_parse(config.listen, &endpoint);
    if (!found) {
        snprintf(complaint, COMPLAINT_MAX, ENDPOINT_REFUSED, config.listen);
    } else if (find_port(&config, &endpoint, &port, complaint)) {
        endpoint_print_near(&endpoint, port, near);
        snprintf(url, URL_MAX, "%s://%s/readyz", config.tls_cert[0] != '\0' ? "https" : "http",
                 near);
    } else {
        found = false;
    }
    config_done(&config);
    return found;
}

/* ---- the request; false leaves the reason in errno ---- */

static bool connect_to(int fd, const struct addrinfo *address, int64_t deadline_ms)
{
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0) {
        return true;
    }
    if (errno != EINPROGRESS || !wait_for(fd, POLLOUT, deadline_ms)) {
        return false;
    }
    int error = 0;
    socklen_t n = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0) {
        return false;
    }
    errno = error;
    return error == 0;
}

static bool send_all(int fd, const char *text, size_t n, int64_t deadline_ms)
{
    while (n > 0) {
        if (!wait_for(fd, POLLOUT, deadline_ms)) {
            return false;
        }
        ssize_t n_sent = send(fd, text, n, MSG_NOSIGNAL);
        if (n_sent < 0 && errno != EAGAIN && errno != EINTR) {
            return false;
        }
        text += n_sent > 0 ? n_sent : 0;
        n -= n_sent > 0 ? (size_t)n_sent : 0;
    }
    return true;
}

/* The reply's first bytes, until its first line, the end or a full buffer. */
static bool receive_line(int fd, char *line, size_t size, int64_t deadline_ms)
{
    size_t n = 0;
    while (n < size && !memchr(line, '\n', n)) {
        if (!wait_for(fd, POLLIN, deadline_ms)) {
            return false;
        }
        ssize_t n_received = recv(fd, line + n, size - n, 0);
        if (n_received == 0) {
            break;
        }
        if (n_received < 0 && errno != EAGAIN && errno != EINTR) {
            return false;
        }
        n += n_received > 0 ? (size_t)n_received : 0;
    }
    return true;
}

static bool ask_plainly(int fd, const char *request, size_t n_request, char *reply, size_t size,
                        int64_t deadline_ms)
{
    return send_all(fd, request, n_request, deadline_ms) &&
           receive_line(fd, reply, size, deadline_ms);
}

static bool get_from(const struct addrinfo *address, const struct target *target,
                     health_ask *ask_tls, int64_t deadline_ms, char reply[REPLY_MAX + 1])
{
    char request[URL_MAX + HOST_MAX + 128];
    int n = snprintf(request, sizeof request,
                     "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: grud\r\nConnection: close\r\n\r\n",
                     target->path, target->authority);
    memset(reply, 0, REPLY_MAX + 1);
    int fd = socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    address->ai_protocol);
    if (fd < 0) {
        return false;
    }
    health_ask *ask = target->is_tls ? ask_tls : ask_plainly;
    bool fine = connect_to(fd, address, deadline_ms) &&
                ask(fd, request, (size_t)n, reply, REPLY_MAX, deadline_ms);
    int saved_errno = errno;
    close(fd);
    errno = saved_errno;
    return fine;
}

/* The status number of "HTTP/1.1 200 OK"; 0 if it is no such line. */
static int status_of(const char *line)
{
    bool http =
        strncmp(line, "HTTP/1.", 7) == 0 && (line[7] == '0' || line[7] == '1') && line[8] == ' ';
    if (!http || strspn(line + 9, "0123456789") != 3 || line[12] == '\0' ||
        !strchr(" \r\n", line[12])) {
        return 0;
    }
    return (int)strtol(line + 9, NULL, 10);
}

/* False leaves the reason in errno. */
static bool get_from_any(const struct addrinfo *address, const struct target *target,
                         health_ask *ask_tls, char reply[REPLY_MAX + 1])
{
    int64_t deadline_ms = clock_monotonic_ms() + TIMEOUT_MS;
    bool answered = false;
    for (; address && !answered; address = address->ai_next) {
        answered = get_from(address, target, ask_tls, deadline_ms, reply);
    }
    return answered;
}

/* The message of an error of grud's, if the reply has one; its length. */
static size_t find_reason(const char *reply, const char **ret_reason)
{
    static const char name[] = "\"message\":\"";
    const char *body = strstr(reply, "\r\n\r\n"), *message = body ? strstr(body, name) : NULL;
    size_t n = 0;
    if (message) {
        message += sizeof name - 1;
        while ((unsigned char)message[n] >= ' ' && message[n] != '"') {
            n += message[n] == '\\' && message[n + 1] != '\0' ? 2 : 1;
        }
    }
    *ret_reason = message;
    return n;
}

static int complain_of_status(const char *url, int status, const char *reply)
{
    char message[REPLY_MAX + 64];
    const char *reason;
    int n = (int)find_reason(reply, &reason);
    snprintf(message, sizeof message, "answered %d%s%.*s", status, n > 0 ? ": " : "", n,
             n > 0 ? reason : "");
    return complain(url, message);
}

/* is_own: the address is one that grud listens on, so it is this machine whatever it looks like. */
static int check(const char *url, bool is_own, health_ask *ask_tls)
{
    struct target target;
    if (!parse_url(url, &target)) {
        return complain(url, "expected http://HOST:PORT/PATH, or https://");
    }
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *addresses;
    int resolved = getaddrinfo(target.host, target.port, &hints, &addresses);
    if (resolved != 0) {
        return complain(url, gai_strerror(resolved));
    }
    char reply[REPLY_MAX + 1];
    bool is_near = !target.is_tls || is_own || are_loopback(addresses);
    bool answered = is_near && get_from_any(addresses, &target, ask_tls, reply);
    int saved_errno = errno;
    freeaddrinfo(addresses);
    errno = saved_errno;
    if (!is_near) {
        return complain(url, "https:// is for the loopback: certificates are not checked");
    }
    if (!answered) {
        fprintf(stderr, "grud --health: %s: %m\n", url);
        return 1;
    }
    int status = status_of(reply);
    if (status == 200) {
        return 0;
    }
    return status != 0 ? complain_of_status(url, status, reply)
                       : complain(url, "the answer is not HTTP");
}

int command_health(int argc, char *const argv[], char *const environment[], health_ask *ask_tls)
{
    char url[URL_MAX], complaint[COMPLAINT_MAX];
    bool is_own = argc == 1 || strncmp(argv[1], "--", 2) == 0;
    if (!is_own && argc == 2) {
        return check(argv[1], is_own, ask_tls);
    }
    if (!is_own) {
        fputs("usage: grud --health [http[s]://HOST:PORT/PATH | OPTIONS]\n", stderr);
        return 1;
    }
    if (!find_own_url(argc, argv, environment, url, complaint)) {
        fprintf(stderr, "grud --health: %s\n", complaint);
        return 1;
    }
    return check(url, is_own, ask_tls);
}
