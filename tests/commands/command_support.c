#include "command_support.h"
#include "commands/command.h"
#include "scratch.h"
#include "test.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 24 };

struct outcome run(int (*command)(int, char *const[]), ...)
{
    char *argv[ARGUMENTS_MAX + 1] = { (char[]){ "command" } };
    int argc = 1;
    va_list arguments;
    va_start(arguments, command);
    for (char *next = va_arg(arguments, char *); next; next = va_arg(arguments, char *)) {
        ck_assert_int_lt(argc, ARGUMENTS_MAX);
        argv[argc++] = next;
    }
    va_end(arguments);
    struct capture out = capture_begin(STDOUT_FILENO), err = capture_begin(STDERR_FILENO);
    struct outcome outcome = { .code = command(argc, argv) };
    outcome.err = capture_end(&err);
    outcome.out = capture_end(&out);
    return outcome;
}

void outcome_done(struct outcome *outcome)
{
    free(outcome->out);
    free(outcome->err);
}

void init_fine(const char *path, const char *argument, const char *value)
{
    struct outcome outcome = run(command_init, NETWORK, "-o", path, argument, value, NULL);
    ck_assert_msg(outcome.code == 0, "%s", outcome.err);
    ck_assert_str_eq(outcome.err, "");
    outcome_done(&outcome);
}
