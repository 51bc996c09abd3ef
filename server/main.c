/* main.c - starts in order, waits for a signal, stops in reverse. */
#include "command.h"
#include "config.h"
#include "http/http.h"
#include "log.h"
#include "service/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_CONFIGURATION = 2, TICK_MS = 200, ERROR_MAX = 512 };

/* What it was started with, so that it can be read again. */
struct daemon {
    int argc;
    char *const *argv;
    struct config *config;
};

static void print_help(void)
{
    puts("grud - serves GRU forecasting models over HTTP\n"
         "\n"
         "usage: grud [OPTIONS]                  serve\n"
         "       grud init --inputs A,B --outputs A --layers 64,32 -o FILE\n"
         "                                       make an untrained model\n"
         "       grud inspect FILE               say what a model file holds\n"
         "       grud check-config [OPTIONS]     check options and configuration, and exit\n"
         "       grud --health URL               exit 0 if a GET of URL answers 200\n"
         "       grud --version | --help\n");
    config_print_help(stdout);
}

/* The signals that main takes one by one, blocked in every thread. SIGPIPE would come from a client that
 * hangs up. */
static sigset_t block_signals(void)
{
    sigset_t taken, blocked;
    sigemptyset(&taken);
    sigaddset(&taken, SIGTERM);
    sigaddset(&taken, SIGINT);
    sigaddset(&taken, SIGHUP);
    blocked = taken;
    sigaddset(&blocked, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    return taken;
}

/* Written whole, so that whoever waits for it never reads half a number. */
static bool write_port_file(const char *path, unsigned port)
{
    char beside[4096], text[16];
    int n_path = snprintf(beside, sizeof beside, "%s.tmp", path);
    int n = snprintf(text, sizeof text, "%u\n", port);
    if (n_path < 0 || (size_t)n_path >= sizeof beside) {
        return false;
    }
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool written = fd >= 0 && write(fd, text, (size_t)n) == n;
    if (fd >= 0) {
        close(fd);
    }
    return written && rename(beside, path) == 0;
}

static void log_difference(const char *option, bool is_taken)
{
    if (is_taken) {
        log_event(LOG_INFO, "option_changed", LOG_STRING("option", option));
    } else {
        log_event(LOG_WARN, "option_needs_restart", LOG_STRING("option", option));
    }
}

/* SIGHUP: all that can change changes, or nothing does. */
static void reload(const struct daemon *daemon)
{
    struct config next;
    char error[ERROR_MAX];
    if (!config_read(daemon->argc, daemon->argv, environ, &next, error, sizeof error)) {
        log_event(LOG_ERROR, "reload_refused", LOG_STRING("reason", error));
        return;
    }
    config_take(daemon->config, &next, log_difference);
    log_setup((enum log_level)daemon->config->log_level, daemon->config->log_format != 0);
    config_done(&next);
    log_event(LOG_INFO, "reloaded");
}

static void run_until_stopped(const struct daemon *daemon, struct service *service, const sigset_t *signals)
{
    const struct timespec tick = { .tv_nsec = TICK_MS * 1000000L };
    for (;;) {
        int signal_number = sigtimedwait(signals, NULL, &tick);
        if (signal_number == SIGHUP) {
            reload(daemon);
        } else if (signal_number > 0) {
            log_event(LOG_INFO, "stopping", LOG_STRING("signal", sigabbrev_np(signal_number)));
            return;
        }
        service_tick(service);
    }
}

static int64_t monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int fail(const char *what, const struct fault *fault)
{
    log_event(LOG_ERROR, what, LOG_STRING("code", status_code(fault->status)),
              LOG_STRING("param", fault->param), LOG_STRING("reason", fault->message));
    return EXIT_CONFIGURATION;
}

static int serve(const struct daemon *daemon)
{
    const struct config *config = daemon->config;
    int64_t began_us = monotonic_us();
    sigset_t signals = block_signals();
    struct service *service = NULL;
    struct http *http = NULL;
    struct fault fault = { .status = STATUS_OK };
    if (service_create(config, &service, &fault) != STATUS_OK) {
        return fail("cannot_start", &fault);
    }
    if (http_start(config, service, &http, &fault) != STATUS_OK) {
        service_free(service);
        return fail("cannot_listen", &fault);
    }
    if (service_start_jobs(service, &fault) != STATUS_OK) {
        http_stop(http);
        service_free(service);
        return fail("cannot_start", &fault);
    }
    int code = EXIT_SUCCESS;
    if (config->port_file[0] && !write_port_file(config->port_file, http_port(http))) {
        log_event(LOG_ERROR, "cannot_write_port_file", LOG_STRING("file", config->port_file),
                  LOG_STRING("reason", strerrordesc_np(errno)));
        code = EXIT_CONFIGURATION;
    } else {
        log_event(LOG_INFO, "ready", LOG_STRING("listen", config->listen), LOG_INT("port", http_port(http)),
                  LOG_STRING("kernels", gru_kernels_name()),
                  LOG_DOUBLE("ms", (double)(monotonic_us() - began_us) / 1000.0));
        run_until_stopped(daemon, service, &signals);
    }
    http_stop(http);
    service_stop_jobs(service);
    bool synced = service_sync(service);
    service_free(service);
    log_event(LOG_INFO, "stopped", LOG_STRING("synced", synced ? "yes" : "no"));
    return code != EXIT_SUCCESS ? code : synced ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool is_word(int argc, char *argv[], const char *word)
{
    return argc > 1 && strcmp(argv[1], word) == 0;
}

int main(int argc, char *argv[])
{
    if (is_word(argc, argv, "init")) {
        return command_init(argc - 1, argv + 1);
    }
    if (is_word(argc, argv, "inspect")) {
        return command_inspect(argc - 1, argv + 1);
    }
    if (is_word(argc, argv, "--health")) {
        return command_health(argc - 1, argv + 1);
    }
    if (is_word(argc, argv, "--help") || is_word(argc, argv, "-h")) {
        print_help();
        return EXIT_SUCCESS;
    }
    if (is_word(argc, argv, "--version")) {
        puts("grud " GRU_VERSION " (" GRUD_COMMIT ")");
        return EXIT_SUCCESS;
    }
    bool only_check = is_word(argc, argv, "check-config");
    struct config config;
    char error[ERROR_MAX];
    const struct daemon daemon = { argc - only_check, argv + only_check, &config };
    if (!config_read(daemon.argc, daemon.argv, environ, &config, error, sizeof error)) {
        fprintf(stderr, "grud: %s\n", error);
        return EXIT_CONFIGURATION;
    }
    log_setup((enum log_level)config.log_level, config.log_format != 0);
    int code = EXIT_SUCCESS;
    if (only_check) {
        puts("the configuration is valid");
    } else {
        code = serve(&daemon);
    }
    config_done(&config);
    return code;
}
