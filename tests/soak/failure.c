/*
 * failure.c - what an assertion of the helpers (tests/e2e/daemon.c) does in a soak: libcheck's
 * runner would collect a message for each of the millions that hold, so these take the place of its
 * two functions. One that fails says so and ends the program, and the daemon with it; the daemon's
 * log stays.
 */
#include "failure.h"

#include "test.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct daemon *watched;

void failure_ends(const struct daemon *daemon)
{
    watched = daemon;
}

void _mark_point(const char *file, int line) // NOLINT(bugprone-reserved-identifier): libcheck's
{
    (void)file;
    (void)line;
}

void _ck_assert_failed(const char *file, int line,
                       const char *expression, // NOLINT(bugprone-reserved-identifier)
                       const char *message, ...)
{
    va_list arguments;
    va_start(arguments, message);
    fprintf(stderr, "soak: %s:%d: ", file, line);
    if (message) {
        vfprintf(stderr, message,
                 arguments); // NOLINT(clang-analyzer-valist.Uninitialized): clang-tidy 14's
    } else {
        fputs(expression, stderr);
    }
    va_end(arguments);
    if (watched && watched->pid > 0) {
        int status;
        bool had_ended = waitpid(watched->pid, &status, WNOHANG) == watched->pid;
        fprintf(stderr, "\nsoak: the daemon %s; its log: %s/log",
                had_ended ? "had ended" : "was alive", watched->directory);
        if (!had_ended) {
            kill(watched->pid, SIGKILL);
        }
    }
    fputc('\n', stderr);
    _exit(EXIT_FAILURE);
}
