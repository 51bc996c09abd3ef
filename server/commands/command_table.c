#include "commands/command_table.h"

#include "base/wrap.h"
#include "commands/command.h"

#include <string.h>

/* It reads this table, so what it takes is said here. */
const struct command_line command_completion_line = {
    .command = "completion",
    .summary = "prints the script that completes command lines of grud in a shell",
    .operands = { { "SHELL", "bash|zsh|fish", 0 } },
};

/* Those that main does itself. */
static const struct command_line check_config = {
    .command = "check-config",
    .summary = "says what is wrong with the options and the configuration file",
    .usage = "[OPTIONS]",
    .has_daemon_options = true,
};
static const struct command_line health = {
    .command = "--health",
    .summary =
        "exits with 0 if a GET of URL answers 200; without a URL, /readyz of the grud that is "
        "configured so",
    .usage = "[URL | OPTIONS]",
    .has_daemon_options = true,
};
static const struct command_line version = { .command = "--version",
                                             .summary = "says which grud it is" };
static const struct command_line help = { .command = "--help", .summary = "says all this" };

const struct command_line *const command_table[COMMAND_TABLE_N] = {
    &command_init_line,
    &command_train_line,
    &command_predict_line,
    &command_evaluate_line,
    &command_inspect_line,
    &command_backup_line,
    &command_completion_line,
    &check_config,
    &health,
    &version,
    &help,
};

const struct command_line *command_table_find(const char *command)
{
    for (size_t k = 0; k < COMMAND_TABLE_N; k++) {
        if (strcmp(command_table[k]->command, command) == 0) {
            return command_table[k];
        }
    }
    return NULL;
}

void commands_print_help(FILE *out)
{
    enum { HELP_COLUMN = 37 };
    char text[HELP_COLUMN + 40], indent[HELP_COLUMN + 1];
    snprintf(indent, sizeof indent, "%*s", HELP_COLUMN, "");
    fprintf(out, "%-*sserve\n", HELP_COLUMN, "usage: grud [OPTIONS]");
    for (size_t k = 0; k < COMMAND_TABLE_N; k++) {
        const struct command_line *line = command_table[k];
        int n = snprintf(text, sizeof text, "       grud %s", line->command);
        for (const struct command_operand *operand = line->operands; operand->name && !line->usage;
             operand++) {
            n += snprintf(text + n, sizeof text - (size_t)n, " %s", operand->name);
        }
        if (line->usage) {
            snprintf(text + n, sizeof text - (size_t)n, " %s", line->usage);
        }
        fprintf(out, "%-*s", HELP_COLUMN, text);
        wrap_print(out, line->summary, HELP_COLUMN, indent);
    }
}
