#include "commands/command_line.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int command_complain(const char *command, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "grud %s: ", command);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return code;
}

int command_line_refuse(const struct command_line *line, const char *reason)
{
    command_complain(line->command, COMMAND_WRONG_USAGE, "%s", reason);
    fputs(line->usage, stderr);
    return COMMAND_WRONG_USAGE;
}

/* The row of `--flag` or `--flag=value`; NULL: there is none. */
static const struct command_flag *find_flag(const struct command_line *line, const char *argument)
{
    for (size_t k = 0; k < line->n_flags; k++) {
        const struct command_flag *flag = &line->flags[k];
        size_t n = strlen(flag->flag);
        if (strncmp(flag->flag, argument, n) == 0 &&
            (argument[n] == '\0' || (argument[n] == '=' && flag->value))) {
            return flag;
        }
    }
    return NULL;
}

int command_line_read(const struct command_line *line, int argc, char *const argv[])
{
    size_t n_operands = 0;
    for (int i = 1; i < argc; i++) {
        const struct command_flag *flag = find_flag(line, argv[i]);
        if (!flag && argv[i][0] != '-' && n_operands < line->n_operands_max) {
            line->operands[n_operands++] = argv[i];
        } else if (!flag) {
            char reason[200];
            snprintf(reason, sizeof reason, "there is no argument '%s'", argv[i]);
            return command_line_refuse(line, reason);
        } else if (!flag->value) {
            *flag->is_set = true;
        } else if (argv[i][strlen(flag->flag)] == '=') {
            *flag->value = argv[i] + strlen(flag->flag) + 1;
        } else if (i + 1 < argc) {
            *flag->value = argv[++i];
        } else {
            return command_complain(line->command, COMMAND_WRONG_USAGE,
                                    "the value of %s is missing", argv[i]);
        }
    }
    return COMMAND_FINE;
}

bool command_parse_number(const char *text, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value)) {
            return false;
        }
    }
    *ret_value = value;
    return *text != '\0';
}

bool command_parse_real(const char *text, double *ret_value)
{
    char *end;
    *ret_value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*ret_value);
}
