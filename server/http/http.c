/* http.c - starts and stops the workers. */
#include "http/http.h"

#include "cpus.h"
#include "http/worker.h"
#include "log.h"

#include <stdlib.h>
#include <sys/resource.h>

enum { WORKERS_MAX = 256, OTHER_FILES = 256 };

/* A connection is a file: asks for as many as --connection-max needs. */
static void raise_file_limit(size_t n_connections)
{
    struct rlimit limit;
    rlim_t wanted = n_connections + SURPLUS_CONNECTIONS + OTHER_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) {
        return;
    }
    rlim_t most = limit.rlim_max;
    limit.rlim_cur = wanted < most ? wanted : most;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (most < wanted) {
        log_event(LOG_WARN, "few_files", LOG_INT("allowed", (int64_t)most),
                  LOG_INT("wanted", (int64_t)wanted));
    }
}

static enum status read_address(const struct config *config, struct listen_address *ret_address,
                                struct fault *fault)
{
    if (!listen_parse(config->listen, ret_address)) {
        return fault_set(fault, STATUS_INVALID_VALUE, "listen",
                         "'%s' is no address; 127.0.0.1:8080, localhost:8080 and [::1]:8080 are",
                         config->listen);
    }
    if (!ret_address->is_loopback && config->listen_remote == CONFIG_NO) {
        return fault_set(fault, STATUS_INVALID_VALUE, "listen",
                         "'%s' can be reached from elsewhere, and whoever reaches grud may use it; "
                         "--listen-remote yes allows it",
                         config->listen);
    }
    return STATUS_OK;
}

static enum status start_workers(struct http *http, struct service *service, struct fault *fault)
{
    int fds[WORKERS_MAX];
    enum status status = listen_open(&http->address, http->n_workers, fds, fault);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t k = 0; k < http->n_workers; k++) {
        status = worker_start(http, service, fds[k], &http->workers[k], fault);
        if (status != STATUS_OK) {
            listen_close(fds + k + 1, http->n_workers - k - 1);
            return status;
        }
    }
    for (size_t k = 0; k < http->n_workers; k++) {
        if (!worker_run_thread(http->workers[k], k)) {
            return fault_set(fault, STATUS_NO_MEMORY, NULL, "no thread for an HTTP worker");
        }
    }
    return STATUS_OK;
}

enum status http_start(const struct config *config, struct service *service, struct http **ret_http,
                       struct fault *fault)
{
    struct http *http = calloc(1, sizeof *http);
    size_t n = config->workers > 0 ? config->workers : cpus_available();
    n = n > WORKERS_MAX ? WORKERS_MAX : n;
    if (!http) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the HTTP workers");
    }
    http->config = config;
    http->n_workers = n;
    http->workers = calloc(n, sizeof *http->workers);
    http->router = router_create(http_routes, http_n_routes);
    enum status status = STATUS_OK;
    if (!http->workers || !http->router) {
        status = fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the HTTP workers");
    }
    if (status == STATUS_OK) {
        status = read_address(config, &http->address, fault);
    }
    if (status == STATUS_OK) {
        raise_file_limit(config->connection_max);
        status = start_workers(http, service, fault);
    }
    if (status != STATUS_OK) {
        http_stop(http);
        return status;
    }
    *ret_http = http;
    return STATUS_OK;
}

unsigned http_port(const struct http *http)
{
    return listen_port(&http->address);
}

void http_stop(struct http *http)
{
    if (!http) {
        return;
    }
    atomic_store(&http->is_draining, true);
    for (size_t k = 0; http->workers && k < http->n_workers; k++) {
        worker_wake(http->workers[k]);
    }
    for (size_t k = 0; http->workers && k < http->n_workers; k++) {
        worker_join(http->workers[k]); /* all, before any is freed: each may be reading the others' figures */
    }
    for (size_t k = 0; http->workers && k < http->n_workers; k++) {
        worker_stop(http->workers[k]);
    }
    router_free(http->router);
    free(http->workers);
    free(http);
}

bool http_is_draining(const struct http *http)
{
    return atomic_load(&http->is_draining);
}

void http_put_metrics(const struct http *http, struct text *text)
{
    const struct metrics *metrics[WORKERS_MAX];
    for (size_t k = 0; k < http->n_workers; k++) {
        metrics[k] = http->workers[k]->metrics;
    }
    metrics_put(text, metrics, http->n_workers, http_routes, http_n_routes);
}
