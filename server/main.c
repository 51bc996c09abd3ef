/* main.c - starts in order, waits for a signal, stops in reverse. */
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/refusal.h"
#include "base/signals.h"
#include "cluster/cluster_target.h"
#include "commands/command.h"
#include "config/config.h"
#include "confine/confine.h"
#include "http/http.h"
#include "secure/tls_client.h"
#include "service/jobs/fine_tuning.h"
#include "service/service.h"
#include "webhook/webhook_client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    EXIT_CONFIGURATION = 2,
    TICK_MS = 200,
    DRAIN_TICK_MS = 10,
    SYNC_MS = 2000, /* of --drain-seconds, kept for the disk; a quarter where that is less */
    LEAST_MS = 500, /* for threads to come to their end when nothing is waited for */
    ERROR_MAX = 512
};

struct daemon {
    int argc; /* its arguments, so that they can be read again */
    char *const *argv;
    struct config *config;
    struct http *http;
    struct service *service;
    struct cluster_target *cluster; /* NULL: this node stands alone */
};

static void print_help(void)
{
    puts("grud - serves GRU and LSTM forecasting models over HTTP\n");
    commands_print_help(stdout);
    putchar('\n');
    config_print_help(stdout);
}

static void print_version(void)
{
    puts("grud " GRU_VERSION " (" GRUD_COMMIT ")");
}

/* Written whole, so that a program that waits for it never reads half a number. */
static enum status write_port_file(const char *path, unsigned port, struct fault *fault)
{
    char beside[4096], text[16];
    int n_path = snprintf(beside, sizeof beside, "%s.tmp", path);
    int n = snprintf(text, sizeof text, "%u\n", port), error = 0;
    if (n_path < 0 || (size_t)n_path >= sizeof beside) {
        return refusal_set(fault, "port-file", "write", path, REFUSAL_TO_KEEP, ENAMETOOLONG);
    }
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return refusal_set(fault, "port-file", "create", beside, REFUSAL_TO_KEEP, errno);
    }
    ssize_t n_written = write(fd, text, (size_t)n);
    if (n_written != n || rename(beside, path) != 0) {
        error = n_written < 0 || n_written == n ? errno : ENOSPC;
        unlink(beside);
    }
    close(fd);
    return error == 0 ? STATUS_OK
                      : refusal_set(fault, "port-file", "write", path, REFUSAL_TO_KEEP, error);
}

static void log_difference(const char *option, bool is_taken)
{
    if (is_taken) {
        log_event(LOG_INFO, "option_changed", LOG_STRING("option", option));
    } else {
        log_event(LOG_WARN, "option_needs_restart", LOG_STRING("option", option));
    }
}

/* Keys, certificates and passwords, from the files that the options name: all of them or none. */
static enum status reload_secrets(const struct daemon *daemon, struct fault *fault)
{
    struct cluster_password *password = NULL;
    enum status status = STATUS_OK;
    if (daemon->cluster) {
        status = cluster_password_read(daemon->config, &password, fault);
    }
    if (status == STATUS_OK) {
        status = http_reload(daemon->http, fault);
    }
    if (status == STATUS_OK && password) {
        cluster_target_take(daemon->cluster, password);
    } else {
        cluster_password_free(password);
    }
    return status;
}

/* SIGHUP: all that can change changes, or nothing does. Then the models are read again, each for
 * itself. */
static void reload(const struct daemon *daemon)
{
    struct config next;
    char error[ERROR_MAX];
    struct fault fault;
    if (!config_read(daemon->argc, daemon->argv, environ, &next, error, sizeof error)) {
        log_event(LOG_ERROR, "reload_refused", LOG_STRING("reason", error));
        return;
    }
    if (reload_secrets(daemon, &fault) != STATUS_OK) {
        log_event(LOG_ERROR, "reload_refused", LOG_STRING("param", fault.param),
                  LOG_STRING("reason", fault.message));
        config_done(&next);
        return;
    }
    config_take(daemon->config, &next, log_difference);
    log_setup((enum log_level)daemon->config->log_level,
              (enum log_format)daemon->config->log_format);
    config_done(&next);
    if (service_reload_models(daemon->service, &fault) != STATUS_OK) {
        log_event(LOG_ERROR, "models_not_read", LOG_STRING("param", fault.param),
                  LOG_STRING("reason", fault.message));
    }
    log_event(LOG_INFO, "reloaded");
}

static int fail(const char *what, const struct fault *fault)
{
    log_event(LOG_ERROR, what, LOG_STRING("code", status_code(fault->status)),
              LOG_STRING("param", fault->param), LOG_STRING("reason", fault->message));
    return fault_may_pass(fault) ? EXIT_FAILURE : EXIT_CONFIGURATION;
}

static void run_until_stopped(const struct daemon *daemon)
{
    for (;;) {
        int signal_number = signals_wait(TICK_MS);
        if (signal_number == SIGHUP) {
            notify_reloading(clock_monotonic_us());
            reload(daemon);
            notify_ready();
        } else if (signal_number > 0) {
            log_event(LOG_INFO, "stopping", LOG_STRING("signal", sigabbrev_np(signal_number)));
            return;
        }
        http_tick(daemon->http, clock_monotonic_ms());
        service_tick(daemon->service);
    }
}

/* ---- the start ---- */

/* Nobody waits for a daemon that is not ready yet, and it may be ended at any moment (a kill loses
 * nothing): so a signal ends it at once, however long the sessions on disk would have taken. */
static void end_before_ready(int signal_number)
{
    log_event(LOG_INFO, "stopped", LOG_STRING("signal", sigabbrev_np(signal_number)),
              LOG_STRING("before", "ready"));
    _exit(EXIT_SUCCESS);
}

static enum status start_service(struct daemon *daemon, struct fault *fault)
{
    if (!signals_watch(end_before_ready)) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no thread to watch for signals");
    }
    enum status status = service_create(daemon->config, &daemon->service, fault);
    signals_end_watch();
    if (status == STATUS_OK && daemon->cluster) {
        status = service_join_cluster(daemon->service, daemon->cluster, fault);
    }
    return status;
}

/* From then on grud reads and creates files as that user. */
static enum status confine(const struct config *config, struct fault *fault)
{
    enum status status = STATUS_OK;
    if (config->user[0]) {
        status = confine_to_user(config->user, config->data, fault);
    } else if (geteuid() == 0) {
        log_event(LOG_WARN, "running_as_root", LOG_STRING("advice", "--user NAME"));
    }
    if (status == STATUS_OK && config->seccomp == CONFIG_YES) {
        status = confine_to_calls(config->rule_max > 0 || config->cluster[0] != '\0', fault);
    }
    return status;
}

static enum status start(struct daemon *daemon, struct fault *fault)
{
    enum status status = hash_draw_key(fault);
    if (status == STATUS_OK) {
        status = http_bind(daemon->config, &daemon->http, fault);
    }
    if (status == STATUS_OK && daemon->config->rule_max > 0) {
        status = webhook_client_setup(daemon->config->seccomp == CONFIG_YES, fault);
    }
    if (status == STATUS_OK && daemon->config->cluster[0] != '\0') {
        status = cluster_target_read(daemon->config, &daemon->cluster, fault);
    }
    if (status == STATUS_OK) {
        status = confine(daemon->config, fault);
    }
    if (status == STATUS_OK) {
        status = start_service(daemon, fault);
    }
    if (status == STATUS_OK) {
        status = service_start_disk(daemon->service, fault);
    }
    if (status == STATUS_OK) {
        status = http_start(daemon->http, daemon->service, fault);
    }
    if (status == STATUS_OK) {
        status = webhook_thread_start(daemon->service, fault);
    }
    if (status == STATUS_OK) {
        status = service_start_jobs(daemon->service, fault);
    }
    return status;
}

/* ---- the end ---- */

static bool is_wound_down(const struct daemon *daemon)
{
    return http_is_drained(daemon->http) && service_jobs_are_halted(daemon->service) &&
           service_is_halted(daemon->service) && webhook_thread_is_halted(daemon->service);
}

/* Requests and the running job end in the same time, and leave some of it for the disk. A second
 * signal ends it at once. */
static void wind_down(const struct daemon *daemon)
{
    int64_t drain_ms = (int64_t)daemon->config->drain_seconds * 1000;
    int64_t sync_ms = drain_ms / 4 < SYNC_MS ? drain_ms / 4 : SYNC_MS;
    int64_t wait_ms = drain_ms - sync_ms / 2; /* a drain that ends in time ends before */
    int64_t until_us = clock_monotonic_us() + 1000 * (wait_ms > LEAST_MS ? wait_ms : LEAST_MS);
    http_drain(daemon->http, drain_ms - sync_ms);
    service_halt_jobs(daemon->service);
    service_halt(daemon->service);
    webhook_thread_halt(daemon->service);
    while (!is_wound_down(daemon) && clock_monotonic_us() < until_us) {
        int signal_number = signals_wait(DRAIN_TICK_MS);
        if (signal_number == SIGTERM || signal_number == SIGINT) {
            log_event(LOG_WARN, "stopping_at_once");
            http_drain(daemon->http, 0);
            until_us = clock_monotonic_us() + LEAST_MS * 1000;
        }
        service_tick(daemon->service);
    }
}

/* Threads that are still at work use what would be freed: then the process ends around them. */
static int stop(struct daemon *daemon, int code)
{
    bool is_drained = http_is_drained(daemon->http),
         is_halted = service_jobs_are_halted(daemon->service),
         may_free = is_drained && is_halted && service_is_halted(daemon->service);
    http_tick(daemon->http, INT64_MAX);
    if (is_drained) {
        http_stop(daemon->http);
    } else {
        http_abandon(daemon->http);
    }
    if (!is_drained || !is_halted) { /* said before the disk is waited for */
        log_event(LOG_WARN, "work_cut", LOG_STRING("requests", is_drained ? "no" : "yes"),
                  LOG_STRING("job", is_halted ? "no" : "yes"));
    }
    if (is_halted) {
        service_stop_jobs(daemon->service);
    }
    if (is_drained) {
        webhook_thread_stop(daemon->service);
    } else {
        webhook_thread_abandon(daemon->service);
    }
    bool synced = service_sync(daemon->service);
    if (may_free) {
        service_free(daemon->service);
        cluster_target_free(daemon->cluster);
    }
    log_event(LOG_INFO, "stopped", LOG_STRING("synced", synced ? "yes" : "no"));
    code = code != EXIT_SUCCESS ? code : synced ? EXIT_SUCCESS : EXIT_FAILURE;
    if (!may_free) {
        _exit(code);
    }
    return code;
}

static int serve(struct daemon *daemon)
{
    const struct config *config = daemon->config;
    int64_t began_us = clock_monotonic_us();
    signals_setup();
    notify_open();
    struct fault fault = { .status = STATUS_OK };
    if (start(daemon, &fault) != STATUS_OK) {
        http_stop(daemon->http);
        service_free(daemon->service);
        cluster_target_free(daemon->cluster);
        return fail("cannot_start", &fault);
    }
    int code = EXIT_SUCCESS;
    if (config->port_file[0] &&
        write_port_file(config->port_file, http_port(daemon->http), &fault) != STATUS_OK) {
        code = fail("cannot_write_port_file", &fault);
    } else {
        log_event(LOG_INFO, "ready", LOG_STRING("listen", config->listen),
                  LOG_INT("port", http_port(daemon->http)),
                  LOG_INT("workers", (int64_t)http_n_workers(daemon->http)),
                  LOG_STRING("kernels", gru_kernels_name()),
                  LOG_DOUBLE("ms", (double)(clock_monotonic_us() - began_us) / 1000.0));
        notify_ready();
        run_until_stopped(daemon);
    }
    notify_stopping();
    wind_down(daemon);
    return stop(daemon, code);
}

static int check_config(const struct config *config)
{
    struct fault fault;
    if (http_check(config, &fault) != STATUS_OK || service_check(config, &fault) != STATUS_OK) {
        fprintf(stderr, "grud: %s\n", fault.message);
        return EXIT_CONFIGURATION;
    }
    puts("the configuration is valid");
    return EXIT_SUCCESS;
}

static bool is_word(int argc, char *argv[], const char *word)
{
    return argc > 1 && strcmp(argv[1], word) == 0;
}

/* What is asked for alone. */
static int tell(int argc, char *argv[], void (*print)(void))
{
    if (argc > 2) {
        fprintf(stderr, "grud: %s stands alone, without '%s'\n", argv[1], argv[2]);
        return EXIT_CONFIGURATION;
    }
    print();
    return EXIT_SUCCESS;
}

static const struct {
    const char *word;
    int (*run)(int argc, char *const argv[]);
} commands[] = {
    { "init", command_init },       { "train", command_train },
    { "predict", command_predict }, { "evaluate", command_evaluate },
    { "inspect", command_inspect }, { "completion", command_completion },
};

int main(int argc, char *argv[])
{
    for (size_t k = 0; k < sizeof commands / sizeof *commands; k++) {
        if (is_word(argc, argv, commands[k].word)) {
            return commands[k].run(argc - 1, argv + 1);
        }
    }
    if (is_word(argc, argv, "backup")) {
        log_setup(LOG_WARN, false);
        return command_backup(argc - 1, argv + 1, environ, service_backup);
    }
    if (is_word(argc, argv, "--health")) {
        return command_health(argc - 1, argv + 1, environ, tls_client_ask);
    }
    const bool is_version = is_word(argc, argv, "--version");
    if (is_version || is_word(argc, argv, "--help") || is_word(argc, argv, "-h")) {
        return tell(argc, argv, is_version ? print_version : print_help);
    }
    bool only_check = is_word(argc, argv, "check-config");
    struct config config;
    char error[ERROR_MAX];
    log_setup(LOG_INFO, false);
    struct daemon daemon = { .argc = argc - only_check,
                             .argv = argv + only_check,
                             .config = &config };
    if (!config_read(daemon.argc, daemon.argv, environ, &config, error, sizeof error)) {
        fprintf(stderr, "%sgrud: %s\n", log_priority(LOG_ERROR), error);
        return EXIT_CONFIGURATION;
    }
    log_setup((enum log_level)config.log_level, (enum log_format)config.log_format);
    int code = only_check ? check_config(&config) : serve(&daemon);
    config_done(&config);
    return code;
}
