#include "webhook/webhook_client.h"

#include "base/refusal.h"
#include "webhook/webhook_address.h"

#include <curl/curl.h>
#include <errno.h>
#include <nss.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CONNECT_MS = 5000,
    TOTAL_MS = 10000,
    CONNECTIONS_KEPT = 16,
    RETRY_AFTER_MAX_S = 3600,
    TOO_EARLY = 425 /* and 408, 429 and what is a server's own fault may be tried again */
};

struct webhook_client {
    CURLM *multi;
    struct webhook_client_options options;
    LIST_HEAD(, webhook_post) posts; /* on their way */
};

enum status webhook_client_setup(bool is_filtered, struct fault *fault)
{
    if (is_filtered && __nss_configure_lookup("hosts", "files dns") != 0) {
        return fault_set(fault, STATUS_INTERNAL, NULL, "names cannot be looked up by DNS alone");
    }
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK
               ? STATUS_OK
               : fault_set(fault, STATUS_NO_MEMORY, NULL, "libcurl cannot be started");
}

/* libcurl reads the file with each handshake, so what is wrong with it would be found with the
 * first post: when it is needed. */
static enum status check_authorities(const char *path, struct fault *fault)
{
    static const char begin[] = "-----BEGIN ", end[] = "CERTIFICATE-----";
    char line[256];
    bool has_certificate = false;
    FILE *file = fopen(path, "re");
    if (!file) {
        char why[REFUSAL_MAX];
        return fault_set(fault, STATUS_INVALID_VALUE, "webhook-ca", "%s cannot be opened: %s", path,
                         refusal_print(path, REFUSAL_TO_READ, errno, why));
    }
    while (!has_certificate && fgets(line, sizeof line, file)) {
        has_certificate = strncmp(line, begin, sizeof begin - 1) == 0 && strstr(line, end);
    }
    fclose(file);
    return has_certificate ? STATUS_OK
                           : fault_set(fault, STATUS_INVALID_VALUE, "webhook-ca",
                                       "%s has no certificate in PEM", path);
}

enum status webhook_client_create(const struct webhook_client_options *options,
                                  struct webhook_client **ret_client, struct fault *fault)
{
    if (options->ca_file[0]) {
        enum status status = check_authorities(options->ca_file, fault);
        if (status != STATUS_OK) {
            return status;
        }
    }
    struct webhook_client *client = calloc(1, sizeof *client);
    if (client) {
        client->options = *options;
        LIST_INIT(&client->posts);
        client->multi = curl_multi_init();
    }
    if (!client || !client->multi ||
        curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT) !=
            CURLM_OK) {
        webhook_client_free(client);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for webhooks");
    }
    *ret_client = client;
    return STATUS_OK;
}

/* ---- a transfer ---- */

static void let_go(struct webhook_client *client, struct webhook_post *post)
{
    LIST_REMOVE(post, link);
    (void)curl_multi_remove_handle(client->multi, post->transfer);
    curl_easy_cleanup(post->transfer);
    curl_slist_free_all(post->headers);
    post->transfer = post->headers = NULL;
}

void webhook_client_free(struct webhook_client *client)
{
    if (client) {
        (void)curl_multi_cleanup(client->multi);
        free(client);
    }
}

struct webhook_post *webhook_client_cut(struct webhook_client *client)
{
    struct webhook_post *post = LIST_FIRST(&client->posts);
    if (post) {
        let_go(client, post);
    }
    return post;
}

static curl_socket_t open_socket(void *cls, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct webhook_post *post = cls;
    if (purpose != CURLSOCKTYPE_IPCXN || !webhook_address_is_public(&address->addr)) {
        post->is_private = true;
        return CURL_SOCKET_BAD;
    }
    post->is_public = true;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t drop(const char *bytes, size_t size, size_t n, void *cls)
{
    (void)bytes;
    (void)cls;
    return size * n;
}

/* The headers of a post; NULL: no memory. */
static struct curl_slist *make_headers(const struct webhook_post *post)
{
    char key[sizeof "Idempotency-Key: " + WEBHOOK_KEY_MAX];
    snprintf(key, sizeof key, "Idempotency-Key: %s", post->key);
    struct curl_slist *first = curl_slist_append(NULL, "Content-Type: application/json");
    struct curl_slist *all = first ? curl_slist_append(first, key) : NULL;
    if (!all) {
        curl_slist_free_all(first);
    }
    return all;
}

/* Each option by itself, since its value's type is a part of the call. */
static bool set_request(CURL *transfer, const struct webhook_post *post)
{
    return curl_easy_setopt(transfer, CURLOPT_URL, post->url) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_PRIVATE, post) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_POSTFIELDS, post->body) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->n_body) ==
               CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_HTTPHEADER, post->headers) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_USERAGENT, "grud/" GRU_VERSION) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_WRITEFUNCTION, drop) == CURLE_OK;
}

static bool set_bounds(CURL *transfer, const struct webhook_client_options *options,
                       struct webhook_post *post)
{
    bool is_set =
        curl_easy_setopt(transfer, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
        curl_easy_setopt(transfer, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
        curl_easy_setopt(transfer, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
        curl_easy_setopt(transfer, CURLOPT_PROXY, "") == CURLE_OK &&
        curl_easy_setopt(transfer, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
        /* a name that is still being looked up is not waited for */
        curl_easy_setopt(transfer, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
        curl_easy_setopt(transfer, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK &&
        curl_easy_setopt(transfer, CURLOPT_TIMEOUT_MS, (long)TOTAL_MS) == CURLE_OK;
    if (is_set && options->ca_file[0]) {
        is_set = curl_easy_setopt(transfer, CURLOPT_CAINFO, options->ca_file) == CURLE_OK &&
                 curl_easy_setopt(transfer, CURLOPT_CAPATH, NULL) == CURLE_OK;
    }
    if (is_set && !options->may_be_private) {
        is_set = curl_easy_setopt(transfer, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
                 curl_easy_setopt(transfer, CURLOPT_OPENSOCKETDATA, post) == CURLE_OK;
    }
    return is_set;
}

bool webhook_client_begin(struct webhook_client *client, struct webhook_post *post)
{
    CURL *transfer = curl_easy_init();
    post->headers = make_headers(post);
    post->transfer = transfer;
    post->is_private = post->is_public = false;
    LIST_INSERT_HEAD(&client->posts, post, link);
    const bool has_begun = transfer && post->headers && set_request(transfer, post) &&
                           set_bounds(transfer, &client->options, post) &&
                           curl_multi_add_handle(client->multi, transfer) == CURLM_OK;
    if (!has_begun) {
        let_go(client, post);
    }
    return has_begun;
}

/* ---- what becomes of it ---- */

static enum webhook_outcome outcome_of(long code)
{
    if (code >= 200 && code < 300) {
        return WEBHOOK_DELIVERED;
    }
    return code == 408 || code == TOO_EARLY || code == 429 || code >= 500 ? WEBHOOK_FAILED
                                                                          : WEBHOOK_REFUSED;
}

static void judge(struct webhook_post *post, CURLcode result)
{
    long code = 0;
    curl_off_t after_s = 0;
    post->retry_after_s = 0;
    if (result != CURLE_OK) {
        const bool is_private = post->is_private && !post->is_public;
        post->outcome = is_private ? WEBHOOK_REFUSED : WEBHOOK_FAILED;
        snprintf(post->reason, sizeof post->reason, "%s",
                 is_private ? "its host is of this machine or a private network, and "
                              "--webhook-private is no"
                            : curl_easy_strerror(result));
        return;
    }
    (void)curl_easy_getinfo(post->transfer, CURLINFO_RESPONSE_CODE, &code);
    (void)curl_easy_getinfo(post->transfer, CURLINFO_RETRY_AFTER, &after_s);
    post->outcome = outcome_of(code);
    post->retry_after_s = after_s < RETRY_AFTER_MAX_S ? (int64_t)after_s : RETRY_AFTER_MAX_S;
    snprintf(post->reason, sizeof post->reason, "it answered with status %ld", code);
}

struct webhook_post *webhook_client_done(struct webhook_client *client)
{
    int n;
    CURLMsg *message;
    (void)curl_multi_perform(client->multi, &n);
    while ((message = curl_multi_info_read(client->multi, &n)) != NULL) {
        struct webhook_post *post = NULL;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &post) == CURLE_OK) {
            judge(post, message->data.result);
            let_go(client, post);
            return post;
        }
    }
    return NULL;
}

void webhook_client_wait(struct webhook_client *client, int wake_fd, int64_t ms)
{
    struct curl_waitfd wake = { .fd = wake_fd, .events = CURL_WAIT_POLLIN };
    uint64_t n;
    int n_ready;
    const int most = ms < 0 ? 0 : ms > 60000 ? 60000 : (int)ms;
    (void)curl_multi_poll(client->multi, &wake, 1, most, &n_ready);
    if (wake.revents & CURL_WAIT_POLLIN) {
        (void)!read(wake_fd, &n, sizeof n);
    }
}
