#include "webhook/webhook_url.h"

#include "webhook/webhook_address.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The name of this machine, or one below it (RFC 6761). */
static bool is_localhost(const char *name)
{
    static const char own[] = "localhost";
    const size_t n = strlen(name), n_own = sizeof own - 1;
    return n >= n_own && strcasecmp(name + n - n_own, own) == 0 &&
           (n == n_own || name[n - n_own - 1] == '.');
}

/* With the brackets that an address of IPv6 has in a URL. */
static bool is_private_host(char *host)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct sockaddr_in6 address_6 = { .sin6_family = AF_INET6 };
    const size_t n = strlen(host);
    if (host[0] == '[' && n > 2) {
        host[n - 1] = '\0';
        return inet_pton(AF_INET6, host + 1, &address_6.sin6_addr) != 1 ||
               !webhook_address_is_public((const struct sockaddr *)&address_6);
    }
    if (n > 1 && host[n - 1] == '.') { /* which only says that the name is whole */
        host[n - 1] = '\0';
    }
    return inet_pton(AF_INET, host, &address.sin_addr) == 1
               ? !webhook_address_is_public((const struct sockaddr *)&address)
               : is_localhost(host);
}

/* In curl's memory; NULL: the URL has no such part. */
struct url_parts {
    char *scheme, *user, *host, *port, *fragment;
};

/* False: no memory. */
static bool read_part(CURLU *url, CURLUPart part, char **ret_text)
{
    const CURLUcode code = curl_url_get(url, part, ret_text, 0);
    *ret_text = code == CURLUE_OK ? *ret_text : NULL;
    return code != CURLUE_OUT_OF_MEMORY;
}

static bool read_parts(CURLU *url, struct url_parts *ret_parts)
{
    return read_part(url, CURLUPART_SCHEME, &ret_parts->scheme) &&
           read_part(url, CURLUPART_USER, &ret_parts->user) &&
           read_part(url, CURLUPART_HOST, &ret_parts->host) &&
           read_part(url, CURLUPART_PORT, &ret_parts->port) &&
           read_part(url, CURLUPART_FRAGMENT, &ret_parts->fragment);
}

static void free_parts(struct url_parts *parts)
{
    curl_free(parts->scheme);
    curl_free(parts->user);
    curl_free(parts->host);
    curl_free(parts->port);
    curl_free(parts->fragment);
}

/* NULL: nothing. */
static const char *find_wrong(const struct url_parts *parts, bool may_be_private)
{
    if (!parts->scheme ||
        (strcmp(parts->scheme, "http") != 0 && strcmp(parts->scheme, "https") != 0)) {
        return "url must begin with https:// or http://";
    }
    if (parts->user) {
        return "url must have no user and no password: whoever may read rules reads it";
    }
    if (!parts->host || parts->host[0] == '\0') {
        return "url must name a host";
    }
    if (parts->port && strtoul(parts->port, NULL, 10) == 0) {
        return "url has port 0, on which no server can be";
    }
    if (parts->fragment) {
        return "url must end before the '#': what follows is never sent to a server";
    }
    return !may_be_private && is_private_host(parts->host)
               ? "url is of this machine, or of a private network: grud posts there only with "
                 "--webhook-private yes"
               : NULL;
}

/* Printable ASCII, as a URL is once it is written as one. */
static bool is_plain(const char *url)
{
    const char *p = url;
    while (*p > ' ' && *p <= '~') {
        p++;
    }
    return *p == '\0';
}

/* Two slashes and then a host: curl takes one or three as well. */
static bool is_written_out(const char *url)
{
    const char *colon = strchr(url, ':');
    return colon && strncmp(colon, "://", 3) == 0 && colon[3] != '/';
}

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to read the url");
}

static enum status check(CURLU *reader, const char *url, bool may_be_private, struct fault *fault)
{
    const char *wrong = "url is none: https://example.org/hooks is";
    struct url_parts parts = { NULL };
    const CURLUcode code = is_written_out(url)
                               ? curl_url_set(reader, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME)
                               : CURLUE_MALFORMED_INPUT;
    bool has_memory = code != CURLUE_OUT_OF_MEMORY;
    if (code == CURLUE_OK) {
        has_memory = read_parts(reader, &parts);
        wrong = has_memory ? find_wrong(&parts, may_be_private) : NULL;
    }
    free_parts(&parts);
    if (!has_memory) {
        return no_memory(fault);
    }
    return wrong ? fault_set(fault, STATUS_INVALID_VALUE, "url", "%s", wrong) : STATUS_OK;
}

enum status webhook_url_check(const char *url, bool may_be_private, struct fault *fault)
{
    if (strlen(url) > WEBHOOK_URL_MAX || !is_plain(url)) {
        return fault_set(fault, STATUS_INVALID_VALUE, "url",
                         "url has at most %d characters of printable ASCII", WEBHOOK_URL_MAX);
    }
    CURLU *reader = curl_url();
    if (!reader) {
        return no_memory(fault);
    }
    enum status status = check(reader, url, may_be_private, fault);
    curl_url_cleanup(reader);
    return status;
}
