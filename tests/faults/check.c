/* check.c - libcheck's side of its macros, for a program that goes on after a failed one. */
#include "driver.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static jmp_buf *way_out;

// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,misc-unused-parameters)
void _mark_point(const char *file, int line)
{
    (void)file;
    (void)line;
}

static void say_case(void)
{
    const struct fault_control *control = driver.control;
    fprintf(stderr, "VIOLATION: SCENARIO=%s", driver.scenario ? driver.scenario->name : "none");
    if (driver.class != 0) {
        fprintf(stderr, " CLASS=%s AT=%ld (%s)", fault_class_name(driver.class), driver.at,
                control->call[0] ? control->call : "no call failed");
    }
    fprintf(stderr, ": ");
}

// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
void _ck_assert_failed(const char *file, int line, const char *expr, const char *msg, ...)
{
    driver.n_violations++;
    say_case();
    if (msg) {
        va_list arguments;
        va_start(arguments, msg);
        vfprintf(stderr, msg, arguments);
        va_end(arguments);
    } else {
        fputs(expr, stderr);
    }
    fprintf(stderr, " [%s:%d, log in %s]\n", file, line, driver.daemon.directory);
    if (!way_out) {
        exit(EXIT_FAILURE); // NOLINT(concurrency-mt-unsafe): there is one thread
    }
    longjmp(*way_out, 1); // NOLINT(cert-err52-cpp): what the case had allocated is lost with it
}

bool guarded(void (*run)(void *context), void *context)
{
    jmp_buf here;
    jmp_buf *before = way_out;
    bool is_fine = setjmp(here) == 0; // NOLINT(cert-err52-cpp)
    if (is_fine) {
        way_out = &here;
        run(context);
    } else {
        fault_disarm(NULL);
        if (driver.is_up) {
            kill(driver.daemon.pid, SIGKILL);
            driver.is_up = false;
        }
    }
    way_out = before;
    return is_fine;
}
