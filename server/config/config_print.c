/* Explaining options: --help and config/grud.conf, from the table. */
#include "base/wrap.h"
#include "config/config.h"
#include "config/config_options.h"

#include <string.h>

enum { TEXT_MAX = CONFIG_ALLOWED_MAX, HELP_COLUMN = 31 };

void config_print_allowed(const struct config_option *option, char text[TEXT_MAX])
{
    text[0] = '\0';
    if (option->type == OPTION_SIZE) {
        snprintf(text, TEXT_MAX, "%zu..%zu", option->least, option->most);
    } else if (option->type == OPTION_CHOICE) {
        snprintf(text, TEXT_MAX, "%s", option->choices);
    }
}

/* ---- --help ---- */

static void print_help_line(FILE *out, const char *name, const char *value, const char *help)
{
    char flag[TEXT_MAX], indent[HELP_COLUMN + 1];
    snprintf(flag, sizeof flag, "  --%s%s%s", name, *value ? " " : "", value);
    snprintf(indent, sizeof indent, "%*s", HELP_COLUMN, "");
    fprintf(out, "%-*s", HELP_COLUMN, flag);
    wrap_print(out, help, HELP_COLUMN, indent);
}

void config_print_help(FILE *out)
{
    print_help_line(out, "config", "FILE",
                    "read options from FILE (GRUD_CONFIG), lines of `name = value`");
    for (size_t i = 0; i < CONFIG_N_OPTIONS; i++) {
        const struct config_option *option = &config_options[i];
        char allowed[TEXT_MAX], help[2 * TEXT_MAX];
        config_print_allowed(option, allowed);
        snprintf(help, sizeof help, "%s (%s%sdefault %s%s)", option->help, allowed,
                 *allowed ? "; " : "", *option->initial ? option->initial : "none",
                 option->when == OPTION_LIVE ? "; live" : "");
        print_help_line(out, option->name, option->value, help);
    }
    fputs(
        "\nEach option is also a line of the file (session-max = 1000) and an environment "
        "variable\n"
        "(GRUD_SESSION_MAX=1000). Flags win over the environment, the environment over the file.\n"
        "On SIGHUP grud reads the file again and takes over what is live.\n",
        out);
}

/* ---- config/grud.conf ---- */

void config_print_file(FILE *out)
{
    fputs("# grud.conf: every option at its default. `grud --config FILE` or GRUD_CONFIG=FILE "
          "reads it.\n"
          "#\n"
          "# A line is `name = value`, without quotes; a `#` at the start or after a blank begins "
          "a comment.\n"
          "# Environment variables (GRUD_SESSION_MAX) win over this file, and flags "
          "(--session-max) over\n"
          "# both. An unknown name, a name given twice and a value out of range are refused. On "
          "SIGHUP grud\n"
          "# reads this file again and takes over the options marked live, unless something in it "
          "is wrong.\n",
          out);
    for (size_t i = 0; i < CONFIG_N_OPTIONS; i++) {
        const struct config_option *option = &config_options[i];
        char allowed[TEXT_MAX], help[2 * TEXT_MAX];
        config_print_allowed(option, allowed);
        snprintf(help, sizeof help, "%s%s%s%s%s", option->help, *allowed ? " (" : "", allowed,
                 option->when == OPTION_LIVE ? "; live" : "", *allowed ? ")" : "");
        fputs("\n# ", out);
        wrap_print(out, help, 2, "# ");
        fprintf(out, "#%s =%s%s\n", option->name, *option->initial ? " " : "", option->initial);
    }
}
