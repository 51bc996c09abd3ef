#include "http/access.h"

#include "base/log.h"
#include "http/origin.h"
#include "http/worker.h"
#include "secure/certificate.h"

#include <string.h>
#include <strings.h>

/* ---- what the options say ---- */

enum status access_check_options(const struct config *config, const struct endpoint *endpoint,
                                 struct fault *fault)
{
    bool has_keys = config->api_keys[0] != '\0', has_tls = config->tls_cert[0] != '\0';
    if (has_tls != (config->tls_key[0] != '\0')) {
        return fault_set(fault, STATUS_INVALID_VALUE, has_tls ? "tls-key" : "tls-cert",
                         "--tls-cert and --tls-key go together");
    }
    enum status status = origin_check_options(config, fault);
    if (status != STATUS_OK || endpoint->is_loopback) {
        return status;
    }
    if (!has_keys && config->listen_remote == CONFIG_NO) {
        return fault_set(fault, STATUS_INVALID_VALUE, "listen",
                         "'%s' can be reached from elsewhere, and whoever reaches grud may use it: "
                         "--api-keys FILE (GRUD_API_KEYS) asks for keys; --listen-remote yes "
                         "(GRUD_LISTEN_REMOTE=yes) "
                         "allows it without",
                         config->listen);
    }
    if (has_keys && !has_tls) {
        log_event(LOG_WARN, "keys_in_the_clear", LOG_STRING("listen", config->listen),
                  LOG_STRING("advice", "--tls-cert and --tls-key, or a proxy that speaks TLS"));
    }
    return STATUS_OK;
}

/* ---- keys and certificate ---- */

struct credentials {
    struct keys *keys; /* or NULL, as is the certificate, without the option */
    struct certificate *certificate;
};

static enum status read_credentials(const struct http *http, struct credentials *ret_credentials,
                                    struct fault *fault)
{
    const struct config *config = http->config;
    struct credentials read = { .keys = NULL };
    enum status status = STATUS_OK;
    if (config->api_keys[0] != '\0') {
        status = keys_read(config->api_keys, http->keys, &read.keys, fault);
    }
    if (status == STATUS_OK && config->tls_cert[0] != '\0') {
        status = certificate_read(config->tls_cert, config->tls_key, &read.certificate, fault);
    }
    if (status != STATUS_OK) {
        keys_unref(read.keys);
        return status;
    }
    *ret_credentials = read;
    return STATUS_OK;
}

static void take_credentials(struct http *http, const struct credentials *credentials)
{
    keys_unref(http->keys);
    http->keys = credentials->keys;
    if (credentials->certificate) {
        certificate_show(credentials->certificate);
    }
}

enum status access_open(struct http *http, struct fault *fault)
{
    struct credentials credentials;
    enum status status = access_check_options(http->config, &http->endpoint, fault);
    if (status == STATUS_OK) {
        status = read_credentials(http, &credentials, fault);
    }
    if (status == STATUS_OK && credentials.certificate &&
        MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
        certificate_free(credentials.certificate);
        keys_unref(credentials.keys);
        return fault_set(fault, STATUS_INVALID_VALUE, "tls-cert",
                         "this libmicrohttpd was built without TLS");
    }
    if (status == STATUS_OK) {
        take_credentials(http, &credentials);
    }
    return status;
}

enum status access_reload(struct http *http, struct fault *fault)
{
    struct credentials credentials;
    enum status status = read_credentials(http, &credentials, fault);
    if (status != STATUS_OK) {
        return status;
    }
    take_credentials(http, &credentials);
    for (size_t k = 0; http->keys && k < http->n_workers; k++) {
        keys_unref(atomic_exchange(&http->workers[k]->new_keys, keys_ref(http->keys)));
    }
    return STATUS_OK;
}

void access_close(struct http *http)
{
    keys_unref(http->keys);
    http->keys = NULL;
    certificate_done();
}

void access_join(struct worker *worker)
{
    worker->keys = keys_ref(worker->http->keys);
}

void access_leave(struct worker *worker)
{
    keys_unref(worker->keys);
    keys_unref(atomic_exchange(&worker->new_keys, NULL));
}

/* ---- a request ---- */

/* The key of "Bearer KEY"; NULL: it is something else. */
static const char *bearer_key(const char *authorization, size_t *ret_n)
{
    static const char scheme[] = "bearer ";
    if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0) {
        return NULL;
    }
    const char *key = authorization + sizeof scheme - 1;
    key += strspn(key, " ");
    *ret_n = strcspn(key, " \t");
    return *ret_n > 0 ? key : NULL;
}

void access_renew(struct worker *worker)
{
    if (atomic_load_explicit(&worker->new_keys, memory_order_relaxed)) {
        keys_unref(worker->keys);
        worker->keys = atomic_exchange(&worker->new_keys, NULL);
        worker->has_new_keys = true;
    }
}

bool access_allows(const struct worker *worker, enum scope scope, const char *authorization)
{
    size_t n = 0;
    const char *text = bearer_key(authorization, &n);
    const struct key *key = worker->keys && text ? keys_find(worker->keys, text, n) : NULL;
    return !worker->keys || scope == SCOPE_NONE || (key && key_allows(key, scope));
}

enum status access_check(struct exchange *exchange, const char *authorization)
{
    struct request *request = &exchange->request;
    struct worker *worker = exchange->worker;
    const enum scope scope = request->route->scope;
    if (!worker->keys || scope == SCOPE_NONE) {
        return STATUS_OK;
    }
    size_t n = 0;
    const char *text = bearer_key(authorization, &n);
    if (!text) {
        return fault_set(request->fault, STATUS_KEY_MISSING, NULL,
                         "a key is wanted: -H 'authorization: Bearer KEY'");
    }
    access_renew(worker);
    struct key *key = keys_find(worker->keys, text, n);
    if (!key) {
        return fault_set(request->fault, STATUS_KEY_INVALID, NULL, "there is no such key");
    }
    size_t rate = request->config->key_rate;
    if (!key_spend(key, rate, worker->now_ns)) {
        return fault_set(request->fault, STATUS_RATE_LIMITED, NULL,
                         "a key has %zu requests a second", rate);
    }
    if (!key_allows(key, scope)) {
        return fault_set(request->fault, STATUS_SCOPE_MISSING, NULL,
                         "this takes a key of the scope '%s'", scope_word(scope));
    }
    return STATUS_OK;
}

/* ---- a reply ---- */

bool access_add_headers(struct MHD_Response *response, const struct exchange *exchange)
{
    return exchange->request.reply.code != 401 ||
           MHD_add_response_header(response, "WWW-Authenticate", "Bearer") == MHD_YES;
}
