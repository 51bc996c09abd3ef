#include "cluster/cluster_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEFAULT_PORT = 6379, PORT_MAX = 65535, DB_MAX = INT32_MAX };

#define refuse(fault, ...) fault_set((fault), STATUS_INVALID_VALUE, "cluster", __VA_ARGS__)

/* A part of the text. */
struct url_part {
    const char *p;
    size_t n;
};

static struct url_part part_between(const char *begin, const char *end)
{
    return (struct url_part){ .p = begin, .n = (size_t)(end - begin) };
}

static int digit_of(char c)
{
    return isdigit((unsigned char)c)    ? c - '0'
           : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
                                        : -1;
}

/* With what %41 stands for in its place. False: too long, or a % that stands for nothing. */
static bool decode(struct url_part part, char *text, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < part.n; i++) {
        int c = (unsigned char)part.p[i];
        if (c == '%') {
            const int high = i + 2 < part.n ? digit_of(part.p[i + 1]) : -1;
            const int low = high >= 0 ? digit_of(part.p[i + 2]) : -1;
            c = low >= 0 ? high * 16 + low : 0;
            i += 2;
        }
        if (c == 0 || n + 1 >= size) {
            return false;
        }
        text[n++] = (char)c;
    }
    text[n] = '\0';
    return true;
}

/* Digits alone, up to `most`. */
static bool read_number(struct url_part part, unsigned long most, unsigned long *ret_number)
{
    unsigned long number = 0;
    for (size_t i = 0; i < part.n; i++) {
        if (!isdigit((unsigned char)part.p[i]) || number > most) {
            return false;
        }
        number = number * 10 + (unsigned long)(part.p[i] - '0');
    }
    *ret_number = number;
    return part.n > 0 && number <= most;
}

static enum status read_user(struct url_part part, struct cluster_url *url, struct fault *fault)
{
    const char *end = part.p + part.n;
    const char *colon = memchr(part.p, ':', part.n);
    url->has_password = colon != NULL;
    if (!decode(part_between(part.p, colon ? colon : end), url->user, sizeof url->user) ||
        (colon && !decode(part_between(colon + 1, end), url->password, sizeof url->password))) {
        return refuse(
            fault,
            "cluster: user and password have at most %d and %d bytes, and what stands for "
            "something else in a URL is written as %%40 for @",
            CLUSTER_USER_MAX, CLUSTER_PASSWORD_MAX);
    }
    return STATUS_OK;
}

/* Letters, digits, dots and dashes of a name or an address of IPv4; or one of IPv6. */
static bool is_host(struct url_part part, bool is_address_6)
{
    struct in6_addr address;
    char text[INET6_ADDRSTRLEN];
    if (is_address_6) {
        return decode(part, text, sizeof text) && inet_pton(AF_INET6, text, &address) == 1;
    }
    for (size_t i = 0; i < part.n; i++) {
        const char c = part.p[i];
        if (!isalnum((unsigned char)c) && c != '.' && c != '-' && c != '_') {
            return false;
        }
    }
    return part.n > 0;
}

static enum status read_place(struct url_part part, struct cluster_url *url, struct fault *fault)
{
    unsigned long port = DEFAULT_PORT;
    const char *end = part.p + part.n;
    const bool is_address_6 = part.n > 0 && part.p[0] == '[';
    const char *bracket = is_address_6 ? memchr(part.p, ']', part.n) : NULL;
    const char *from = bracket ? bracket : part.p;
    const char *colon = memchr(from, ':', (size_t)(end - from));
    const char *host_end = bracket ? bracket : colon ? colon : end;
    const struct url_part host = part_between(part.p + is_address_6, host_end);
    if ((is_address_6 && (!bracket || (bracket + 1 != end && bracket + 1 != colon))) ||
        !is_host(host, is_address_6) || host.n > CLUSTER_HOST_MAX) {
        return refuse(fault, "cluster: there is no host in the URL, or a name that none can have; "
                             "redis://engine.example.org:6379/0 and redis://[::1]:6379/0 have one");
    }
    if (colon && (!read_number(part_between(colon + 1, end), PORT_MAX, &port) || port == 0)) {
        return refuse(fault, "cluster: a port is a number from 1 to %d", PORT_MAX);
    }
    memcpy(url->host, host.p, host.n);
    url->host[host.n] = '\0';
    url->port = (uint16_t)port;
    return STATUS_OK;
}

static enum status read_db(const char *path, struct cluster_url *url, struct fault *fault)
{
    unsigned long db = 0;
    const size_t n = strlen(path);
    if (n > 1 && !read_number((struct url_part){ path + 1, n - 1 }, DB_MAX, &db)) {
        return refuse(fault,
                      "cluster: what follows the host is a database's number from 0 to %d, as in "
                      "redis://host:6379/0",
                      DB_MAX);
    }
    url->db = (uint32_t)db;
    return STATUS_OK;
}

enum status cluster_url_parse(const char *text, struct cluster_url *ret_url, struct fault *fault)
{
    struct cluster_url url = { .is_tls = strncasecmp(text, "rediss://", 9) == 0 };
    if (!url.is_tls && strncasecmp(text, "redis://", 8) != 0) {
        return refuse(fault, "cluster: a URL begins with redis:// or, for TLS, rediss://, as in "
                             "redis://host:6379/0");
    }
    const char *begin = strstr(text, "://") + 3;
    const char *path = strchrnul(begin, '/');
    const char *at = memrchr(begin, '@', (size_t)(path - begin));
    enum status status = at ? read_user(part_between(begin, at), &url, fault) : STATUS_OK;
    if (status == STATUS_OK) {
        status = read_place(part_between(at ? at + 1 : begin, path), &url, fault);
    }
    if (status == STATUS_OK) {
        status = read_db(path, &url, fault);
    }
    if (status == STATUS_OK) {
        *ret_url = url;
    }
    explicit_bzero(url.password, sizeof url.password);
    return status;
}
