#include "commands/command_line.h"

#include "base/wrap.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { PART_SIZE = 200 };

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

const char *command_option_flag(const struct command_option *option,
                                char ret_flag[COMMAND_FLAG_SIZE])
{
    snprintf(ret_flag, COMMAND_FLAG_SIZE, "%s%s", option->name[1] == '\0' ? "-" : "--",
             option->name);
    for (char *c = ret_flag; (c = strchr(c, '_')) != NULL;) {
        *c = '-';
    }
    return ret_flag;
}

/* ---- its texts ---- */

/* "--reset after|before" */
static void print_flag(const struct command_option *option, char ret_text[PART_SIZE])
{
    char flag[COMMAND_FLAG_SIZE];
    const char *value = option->words ? option->words : option->value;
    snprintf(ret_text, PART_SIZE, "%s%s%s", command_option_flag(option, flag), value ? " " : "",
             value ? value : "");
}

void command_line_print_usage(const struct command_line *line, FILE *out)
{
    char part[PART_SIZE], optional[PART_SIZE + 2], indent[PART_SIZE];
    size_t column = (size_t)fprintf(out, "usage: grud %s ", line->command);
    snprintf(indent, sizeof indent, "%*s", (int)column, "");
    if (line->usage) {
        wrap_print(out, line->usage, column, indent);
        return;
    }
    for (const struct command_operand *operand = line->operands; operand->name; operand++) {
        column =
            wrap_print_part(out, operand->words ? operand->words : operand->name, column, indent);
    }
    for (int needed = 1; needed >= 0; needed--) {
        for (size_t k = 0; k < line->n_options; k++) {
            if (line->options[k].is_needed == (needed == 1)) {
                print_flag(&line->options[k], part);
                snprintf(optional, sizeof optional, needed ? "%s" : "[%s]", part);
                column = wrap_print_part(out, optional, column, indent);
            }
        }
    }
    fputc('\n', out);
}

void command_line_print_help(const struct command_line *line, FILE *out)
{
    enum { HELP_COLUMN = 32 };
    char part[PART_SIZE], flag[COMMAND_FLAG_SIZE], indent[HELP_COLUMN + 1];
    snprintf(indent, sizeof indent, "%*s", HELP_COLUMN, "");
    command_line_print_usage(line, out);
    fprintf(out, "\ngrud %s", line->command);
    wrap_print(out, line->summary, strlen("grud ") + strlen(line->command), "");
    fputs(line->n_options > 0 ? "\n" : "", out);
    for (size_t k = 0; k < line->n_options; k++) {
        const struct command_option *option = &line->options[k];
        snprintf(part, sizeof part, "  %s %s", command_option_flag(option, flag),
                 option->value ? option->value : "");
        const int n = fprintf(out, "%-*s ", HELP_COLUMN - 1, part);
        wrap_print(out, option->help, n > 0 ? (size_t)n : 0, indent);
    }
}

bool command_line_asks_help(const struct command_line *line, int argc, char *const argv[])
{
    const bool is_asked =
        argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    if (is_asked) {
        command_line_print_help(line, stdout);
    }
    return is_asked;
}

/* ---- its reader ---- */

__attribute__((format(printf, 2, 3))) static int refuse(const struct command_line *line,
                                                        const char *format, ...)
{
    char reason[2 * PART_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    command_complain(line->command, COMMAND_WRONG_USAGE, "%s", reason);
    command_line_print_usage(line, stderr);
    return COMMAND_WRONG_USAGE;
}

/* The row of `--flag` or `--flag=value`; NULL: there is none. */
static const struct command_option *find_option(const struct command_line *line,
                                                const char *argument)
{
    for (size_t k = 0; k < line->n_options; k++) {
        const struct command_option *option = &line->options[k];
        char flag[COMMAND_FLAG_SIZE];
        const size_t n = strlen(command_option_flag(option, flag));
        if (strncmp(flag, argument, n) == 0 &&
            (argument[n] == '\0' || (argument[n] == '=' && option->value))) {
            return option;
        }
    }
    return NULL;
}

static const char **text_at(void *arguments, size_t at)
{
    return (const char **)((char *)arguments + at);
}

static int check_lack(const struct command_line *line, void *arguments)
{
    for (const struct command_operand *operand = line->operands; operand->name; operand++) {
        if (!*text_at(arguments, operand->at)) {
            return refuse(line, "%s is missing", operand->name);
        }
    }
    for (size_t k = 0; k < line->n_options; k++) {
        const struct command_option *option = &line->options[k];
        char flag[COMMAND_FLAG_SIZE];
        if (option->is_needed && !*text_at(arguments, option->at)) {
            return refuse(line, "%s is missing", command_option_flag(option, flag));
        }
    }
    return COMMAND_FINE;
}

int command_line_read(const struct command_line *line, void *arguments, int argc,
                      char *const argv[])
{
    const struct command_operand *operand = line->operands;
    for (int i = 1; i < argc; i++) {
        const struct command_option *option = find_option(line, argv[i]);
        const char *is = option ? strchr(argv[i], '=') : NULL;
        if (!option && argv[i][0] != '-' && operand->name) {
            *text_at(arguments, operand++->at) = argv[i];
        } else if (!option) {
            return refuse(line, "there is no argument '%s'", argv[i]);
        } else if (!option->value) {
            *(bool *)((char *)arguments + option->at) = true;
        } else if (is) {
            *text_at(arguments, option->at) = is + 1;
        } else if (i + 1 < argc) {
            *text_at(arguments, option->at) = argv[++i];
        } else {
            return refuse(line, "the value of %s is missing", argv[i]);
        }
    }
    return check_lack(line, arguments);
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
