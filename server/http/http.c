/* http.c - starts and stops the workers. */
#include "http/http.h"

#include "base/clock.h"
#include "base/cpus.h"
#include "base/log.h"
#include "base/process.h"
#include "codec/codec.h"
#include "http/access.h"
#include "http/listen.h"
#include "http/page_folder.h"
#include "http/routes.h"
#include "http/worker_thread.h"

#include <stdlib.h>
#include <sys/resource.h>

enum { OTHER_FILES = 256 };

/* A connection is a file: asks for as many as --connection-max needs. */
static void raise_file_limit(size_t n_connections)
{
    struct rlimit limit;
    rlim_t wanted = n_connections + EXCESS_CONNECTIONS + OTHER_FILES;
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

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the HTTP workers");
}

static enum status read_endpoint(const struct config *config, struct endpoint *ret_endpoint,
                                 struct fault *fault)
{
    if (!endpoint_parse(config->listen, ret_endpoint)) {
        return fault_set(fault, STATUS_INVALID_VALUE, "listen", ENDPOINT_REFUSED, config->listen);
    }
    return STATUS_OK;
}

static bool has_page_folder(const struct config *config)
{
    return config->page_dir[0] != '\0';
}

static enum status check_options(const struct config *config, const struct endpoint *endpoint,
                                 struct fault *fault)
{
    if (has_page_folder(config) && config->no_page == CONFIG_YES) {
        return fault_set(fault, STATUS_INVALID_VALUE, "page-dir",
                         "--no-page and --page-dir do not go together: leave one out");
    }
    return access_check_options(config, endpoint, fault);
}

enum status http_check(const struct config *config, struct fault *fault)
{
    struct endpoint endpoint;
    enum status status = read_endpoint(config, &endpoint, fault);
    return status == STATUS_OK ? check_options(config, &endpoint, fault) : status;
}

enum status http_bind(const struct config *config, struct http **ret_http, struct fault *fault)
{
    struct http *http = calloc(1, sizeof *http);
    size_t n = config->workers > 0 ? config->workers : cpus_available();
    n = n > WORKERS_MAX ? WORKERS_MAX : n;
    if (!http) {
        return no_memory(fault);
    }
    http->config = config;
    addresses_init(&http->addresses);
    http->memory.max = &config->memory_max;
    http->started_at = process_started_at();
    http->workers = calloc(n, sizeof *http->workers);
    http->listen_fds = calloc(n, sizeof *http->listen_fds);
    enum status status = http->workers && http->listen_fds ? STATUS_OK : no_memory(fault);
    if (status == STATUS_OK) {
        status = read_endpoint(config, &http->endpoint, fault);
    }
    if (status == STATUS_OK) {
        status = check_options(config, &http->endpoint, fault);
    }
    if (status == STATUS_OK && has_page_folder(config)) {
        status = page_folder_check(config->page_dir, fault);
    }
    if (status == STATUS_OK) {
        status = access_open(http, fault);
    }
    if (status == STATUS_OK) {
        raise_file_limit(config->connection_max);
        status = listen_open(&http->endpoint, n, http->listen_fds, fault);
    }
    if (status != STATUS_OK) {
        http_stop(http);
        return status;
    }
    http->n_workers = n;
    *ret_http = http;
    return STATUS_OK;
}

enum status http_start(struct http *http, struct service *service, struct fault *fault)
{
    service_print_steps_with(service, codec_print_step_event);
    service_print_rule_news_with(service, codec_print_rule_news);
    http->routes = http_routes;
    http->n_routes = http_n_routes;
    http->router = router_create(http->routes, http->n_routes);
    if (!http->router) {
        return no_memory(fault);
    }
    for (size_t k = 0; k < http->n_workers; k++) {
        int fd = http->listen_fds[k];
        http->listen_fds[k] = -1; /* the worker's, even if it fails */
        enum status status = worker_thread_create(http, service, fd, &http->workers[k], fault);
        if (status != STATUS_OK) {
            return status;
        }
        http->metrics[k] = http->workers[k]->metrics;
    }
    for (size_t k = 0; k < http->n_workers; k++) {
        if (!worker_thread_start(http->workers[k], k)) {
            return fault_set(fault, STATUS_NO_MEMORY, NULL, "no thread for an HTTP worker");
        }
        atomic_fetch_add(&http->n_running, 1);
    }
    return STATUS_OK;
}

unsigned http_port(const struct http *http)
{
    return endpoint_port(&http->endpoint);
}

void http_drain(struct http *http, int64_t ms)
{
    atomic_store(&http->drain_until_ns, clock_monotonic_ns() + ms * 1000000);
    atomic_store(&http->is_draining, true);
    for (size_t k = 0; k < http->n_workers; k++) {
        worker_thread_wake(http->workers[k]);
    }
}

bool http_is_drained(const struct http *http)
{
    return atomic_load(&http->n_running) == 0;
}

size_t http_n_workers(const struct http *http)
{
    return http->n_workers;
}

void http_tick(struct http *http, int64_t now_ms)
{
    client_errors_report(http, now_ms);
}

enum status http_reload(struct http *http, struct fault *fault)
{
    return access_reload(http, fault);
}

void http_abandon(struct http *http)
{
    for (size_t k = 0; k < http->n_workers; k++) {
        worker_thread_abandon(http->workers[k]);
    }
}

void http_stop(struct http *http)
{
    if (!http) {
        return;
    }
    if (!http_is_drained(http)) {
        http_drain(http, 0);
    }
    for (size_t k = 0; k < http->n_workers; k++) {
        worker_thread_join(http->workers[k]); /* all, before any is freed: each may be reading the
                                          others' figures */
    }
    for (size_t k = 0; k < http->n_workers; k++) {
        worker_thread_free(http->workers[k]);
    }
    listen_close(http->listen_fds, http->n_workers);
    access_close(http);
    router_free(http->router);
    free(http->listen_fds);
    free(http->workers);
    free(http);
}
