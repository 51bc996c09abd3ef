#include "webhook/webhook_url.h"

#include "webhook/webhook_address.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

/* With the brackets that an address of IPv6 has in a URL. */
static bool is_private_host(const char *host)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct sockaddr_in6 address_6 = { .sin6_family = AF_INET6 };
    char inside[INET6_ADDRSTRLEN];
    const size_t n = strlen(host);
    if (inet_pton(AF_INET, host, &address.sin_addr) == 1) {
        return !webhook_address_is_public((const struct sockaddr *)&address);
    }
    if (host[0] == '[' && n - 2 < sizeof inside) {
        memcpy(inside, host + 1, n - 2);
        inside[n - 2] = '\0';
        return inet_pton(AF_INET6, inside, &address_6.sin6_addr) != 1 ||
               !webhook_address_is_public((const struct sockaddr *)&address_6);
    }
    return strcasecmp(host, "localhost") == 0;
}

static enum status check_parts(CURLU *parts, bool may_be_private, struct fault *fault)
{
    char *scheme = NULL, *user = NULL, *host = NULL;
    enum status status = STATUS_OK;
    if (curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
        status = fault_set(fault, STATUS_INVALID_VALUE, "url",
                           "url must begin with https:// or http://");
    } else if (curl_url_get(parts, CURLUPART_USER, &user, 0) != CURLUE_NO_USER) {
        status =
            fault_set(fault, STATUS_INVALID_VALUE, "url",
                      "url must have no user and no password: whoever may read rules reads it");
    } else if (curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK || host[0] == '\0') {
        status = fault_set(fault, STATUS_INVALID_VALUE, "url", "url must name a host");
    } else if (!may_be_private && is_private_host(host)) {
        status = fault_set(fault, STATUS_INVALID_VALUE, "url",
                           "url is of this machine, or of a private network: grud posts there only "
                           "with --webhook-private yes");
    }
    curl_free(scheme);
    curl_free(user);
    curl_free(host);
    return status;
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

enum status webhook_url_check(const char *url, bool may_be_private, struct fault *fault)
{
    if (strlen(url) > WEBHOOK_URL_MAX || !is_plain(url)) {
        return fault_set(fault, STATUS_INVALID_VALUE, "url",
                         "url has at most %d characters of printable ASCII", WEBHOOK_URL_MAX);
    }
    CURLU *parts = curl_url();
    if (!parts) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to read the url");
    }
    enum status status =
        curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK
            ? check_parts(parts, may_be_private, fault)
            : fault_set(fault, STATUS_INVALID_VALUE, "url",
                        "url is none: https://example.org/hooks is");
    curl_url_cleanup(parts);
    return status;
}
