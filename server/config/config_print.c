/* Explaining options: --help, config/grud.conf and config/grud.1, all from the table. */
#include "config/config.h"
#include "config/config_options.h"

#include <string.h>

enum { TEXT_MAX = 512, WIDTH = 100, HELP_COLUMN = 29 };

/* "reject|evict", "1..4096", or "" for a string. */
static void print_allowed(const struct config_option *option, char text[TEXT_MAX])
{
    text[0] = '\0';
    if (option->type == OPTION_SIZE) {
        snprintf(text, TEXT_MAX, "%zu..%zu", option->least, option->most);
    } else if (option->type == OPTION_CHOICE) {
        snprintf(text, TEXT_MAX, "%s", option->choices);
    }
}

/* Prints the words of text in lines of at most WIDTH; each but the first begins with `indent`. */
static void print_wrapped(FILE *out, const char *text, size_t column, const char *indent)
{
    size_t at = column;
    for (const char *word = text; *word != '\0';) {
        size_t n = strcspn(word, " ");
        if (at > column && at + 1 + n > WIDTH) {
            fprintf(out, "\n%s", indent);
            at = column = strlen(indent);
        }
        fprintf(out, "%s%.*s", at > column ? " " : "", (int)n, word);
        at += n + (at > column);
        word += n + strspn(word + n, " ");
    }
    fputc('\n', out);
}

/* ---- --help ---- */

static void print_help_line(FILE *out, const char *name, const char *value, const char *help)
{
    char flag[TEXT_MAX], indent[HELP_COLUMN + 1];
    snprintf(flag, sizeof flag, "  --%s%s%s", name, *value ? " " : "", value);
    snprintf(indent, sizeof indent, "%*s", HELP_COLUMN, "");
    fprintf(out, "%-*s", HELP_COLUMN, flag);
    print_wrapped(out, help, HELP_COLUMN, indent);
}

void config_print_help(FILE *out)
{
    print_help_line(out, "config", "FILE",
                    "read options from FILE (GRUD_CONFIG), lines of `name = value`");
    for (size_t i = 0; i < CONFIG_N_OPTIONS; i++) {
        const struct config_option *option = &config_options[i];
        char allowed[TEXT_MAX], help[2 * TEXT_MAX];
        print_allowed(option, allowed);
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
        print_allowed(option, allowed);
        snprintf(help, sizeof help, "%s%s%s%s%s", option->help, *allowed ? " (" : "", allowed,
                 option->when == OPTION_LIVE ? "; live" : "", *allowed ? ")" : "");
        fputs("\n# ", out);
        print_wrapped(out, help, 2, "# ");
        fprintf(out, "#%s =%s%s\n", option->name, *option->initial ? " " : "", option->initial);
    }
}

/* ---- config/grud.1 ---- */

/* Text as roff: '-' and '\' escaped, and nothing that could pass for a request at the start of a
 * line. */
static void print_roff(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'') {
        fputs("\\&", out);
    }
    for (; *text != '\0'; text++) {
        if (*text == '-') {
            fputs("\\-", out);
        } else if (*text == '\\') {
            fputs("\\e", out);
        } else {
            fputc(*text, out);
        }
    }
}

static void print_man_option(FILE *out, const struct config_option *option)
{
    char allowed[TEXT_MAX], variable[CONFIG_VARIABLE_MAX];
    print_allowed(option, allowed);
    config_variable(option, variable);
    fputs(".TP\n\\fB\\-\\-", out);
    print_roff(out, option->name);
    if (*option->value) {
        fputs("\\fR \\fI", out);
        print_roff(out, option->value);
    }
    fprintf(out, "\\fR, \\fB%s\\fR\n", variable);
    print_roff(out, option->help);
    fputs(".\n", out);
    if (*allowed) {
        fputs(option->type == OPTION_SIZE ? "Least and most: " : "One of: ", out);
        print_roff(out, allowed);
        fputs(".\n", out);
    }
    fputs("Default: ", out);
    print_roff(out, *option->initial ? option->initial : "none");
    fputs(option->when == OPTION_LIVE ? ". Live.\n" : ".\n", out);
}

static const char man_head[] =
    ".\\\" Written by config_print_man() in server/config/config_print.c: change it there.\n"
    ".TH GRUD 1 \"\" grud \"User Commands\"\n"
    ".SH NAME\n"
    "grud \\- serves GRU networks over HTTP\n"
    ".SH SYNOPSIS\n"
    ".B grud\n"
    "[\\fIOPTION\\fR]...\n"
    ".br\n"
    ".B grud init \\-\\-inputs\n"
    ".IR NAMES\n"
    ".B \\-\\-outputs\n"
    ".IR NAMES\n"
    ".B \\-\\-layers\n"
    ".IR SIZES\n"
    ".B \\-o\n"
    ".IR FILE\n"
    "[\\fB\\-\\-cell\\fR \\fICELL\\fR] [\\fB\\-\\-reset after\\fR|\\fBbefore\\fR] "
    "[\\fB\\-\\-residual\\fR]\n"
    "[\\fB\\-\\-scale\\fR \\fINAME\\fR=\\fIMEAN\\fR:\\fISTD\\fR[,...]]\n"
    "[\\fB\\-\\-seed\\fR \\fIN\\fR] [\\fB\\-\\-force\\fR]\n"
    ".br\n"
    ".B grud train\n"
    ".IR DATA.csv\n"
    ".B \\-\\-inputs\n"
    ".IR NAMES\n"
    ".B \\-\\-outputs\n"
    ".IR NAMES\n"
    ".B \\-o\n"
    ".IR FILE\n"
    "[\\fB\\-\\-time\\fR \\fICOLUMN\\fR] [\\fB\\-\\-validation\\-fraction\\fR \\fIF\\fR]\n"
    "[\\fB\\-\\-n\\-epochs\\fR \\fIN\\fR] [\\fB\\-\\-learning\\-rate\\fR \\fIX\\fR]...\n"
    ".br\n"
    ".B grud evaluate\n"
    ".I MODEL DATA.csv\n"
    "[\\fB\\-\\-horizon\\fR \\fIN\\fR] [\\fB\\-\\-season\\fR \\fIN\\fR] [\\fB\\-\\-level\\fR "
    "\\fIP\\fR]\n"
    "[\\fB\\-\\-time\\fR \\fICOLUMN\\fR] [\\fB\\-\\-json\\fR]\n"
    ".br\n"
    ".B grud inspect\n"
    ".I FILE\n"
    ".br\n"
    ".B grud backup\n"
    "[\\fIOPTION\\fR]...\n"
    ".I TO\n"
    ".br\n"
    ".B grud check\\-config\n"
    "[\\fIOPTION\\fR]...\n"
    ".br\n"
    ".B grud \\-\\-health\n"
    "[\\fIURL\\fR | \\fIOPTION\\fR...]\n"
    ".br\n"
    ".B grud \\-\\-version\n"
    "|\n"
    ".B \\-\\-help\n"
    ".SH DESCRIPTION\n"
    ".B grud\n"
    "serves recurrent networks of gated units over HTTP and JSON: whole sequences, and streams "
    "that are\n"
    "stepped one reading at a time and whose state is kept between requests.\n"
    "A model is a safetensors file, such as PyTorch writes.\n"
    "Without a sub-command it serves until SIGTERM or SIGINT, then lets running requests finish.\n"
    ".SH COMMANDS\n"
    ".TP\n"
    "\\fBgrud init\\fR\n"
    "makes an untrained model.\n"
    "\\fB\\-\\-inputs\\fR and \\fB\\-\\-outputs\\fR are names with commas between; an output with "
    "an "
    "input's\n"
    "name forecasts it. \\fB\\-\\-layers\\fR are the layers' widths, first to last.\n"
    "\\fB\\-\\-cell\\fR is \\fBgru\\fR, \\fBgru_output_gate\\fR, \\fBgru_three_gate\\fR or\n"
    "\\fBlstm\\fR,\n"
    "\\fB\\-\\-reset\\fR where the reset gate acts.\n"
    "With \\fB\\-\\-residual\\fR such outputs forecast the change.\n"
    "\\fB\\-\\-scale\\fR gives names a mean and a standard deviation, as in "
    "temp=20:5,humidity=0.6:0.2:\n"
    "the network sees (x \\- mean) / std.\n"
    "The same \\fB\\-\\-seed\\fR (default 1) gives the same weights.\n"
    "An existing file is replaced only with \\fB\\-\\-force\\fR; the file \\fB\\-\\fR is standard "
    "output.\n"
    ".TP\n"
    "\\fBgrud train\\fR \\fIDATA.csv\\fR\n"
    "makes a model and trains it on a file of readings, whose first line names the columns. It has "
    "the\n"
    "flags of \\fBinit\\fR but \\fB\\-\\-scale\\fR, since scaling is fitted, and needs no "
    "\\fB\\-\\-layers\\fR (32).\n"
    "Each hyper\\-parameter of fine\\-tuning is a flag, too: \\fBgrud train \\-\\-help\\fR "
    "lists them.\n"
    "The last part of the rows (\\fB\\-\\-validation\\-fraction\\fR, default 0.2) chooses the "
    "best epoch.\n"
    "Times are in the column \\fB\\-\\-time\\fR, or in the first one, if it begins with a date.\n"
    "SIGINT ends training early; what is best so far is written.\n"
    ".TP\n"
    "\\fBgrud evaluate\\fR \\fIMODEL DATA.csv\\fR\n"
    "forecasts \\fB\\-\\-horizon\\fR rows ahead from each row of a file of readings, and says how "
    "good that was:\n"
    "the figures of POST evaluate, as a table or as JSON.\n"
    ".TP\n"
    "\\fBgrud inspect\\fR \\fIFILE\\fR\n"
    "checks a model file as the daemon would, and tells what it holds.\n"
    ".TP\n"
    "\\fBgrud backup\\fR [\\fIOPTION\\fR]... \\fITO\\fR\n"
    "copies the data directory of the daemon that has the same options, which may be running, to\n"
    "the new directory \\fITO\\fR. To restore it, start the daemon with \\fITO\\fR for "
    "\\fB\\-\\-data\\fR.\n"
    ".TP\n"
    "\\fBgrud check\\-config\\fR\n"
    "reads the options as the daemon would, says what is wrong with them, and ends.\n"
    ".TP\n"
    "\\fBgrud \\-\\-health\\fR [\\fIURL\\fR | \\fIOPTION\\fR...]\n"
    "succeeds if a GET of the URL is answered with 200 within two seconds: for health checks in "
    "images\n"
    "that have no other client.\n"
    "Without a URL it asks for /readyz where a daemon with the same options, configuration file "
    "and\n"
    "environment listens: over the loopback if that is at every address, over TLS if there is a\n"
    "certificate, and with port 0 on the port that the port file holds.\n"
    "An https:// URL must be of the loopback, since certificates are not checked.\n"
    ".SH OPTIONS\n"
    "A flag is \\fB\\-\\-name\\fR \\fIvalue\\fR or \\fB\\-\\-name=\\fR\\fIvalue\\fR; one that is "
    "shown "
    "without a\n"
    "value stands alone for its last choice.\n"
    "Each option may also stand in the configuration file, as \\fBname = \\fR\\fIvalue\\fR, and in "
    "the\n"
    "environment, under the name that follows it below.\n"
    "Flags win over the environment, the environment over the file.\n"
    "Unknown names, values out of range and values in quotes are refused.\n"
    "On SIGHUP grud reads the configuration file again and takes over the options that are said to "
    "be\n"
    "live below, or none if something in it is wrong; the log says which.\n"
    ".TP\n"
    "\\fB\\-\\-config\\fR \\fIFILE\\fR, \\fBGRUD_CONFIG\\fR\n"
    "The configuration file. A \\fB#\\fR at the start of a line or after a blank begins a "
    "comment.\n"
    "Default: none.\n";

static const char man_tail[] =
    ".SH ENVIRONMENT\n"
    "Beside the options:\n"
    ".TP\n"
    ".B GRUD_KERNELS\n"
    "the instruction set to compute with, where it shall not be the best that the processor has:\n"
    "\\fBbaseline\\fR, \\fBavx2\\fR or \\fBavx512\\fR.\n"
    ".PP\n"
    "Other variables that begin with \\fBGRUD_\\fR are refused, except what Kubernetes sets beside "
    "a\n"
    "service called grud (\\fBGRUD_SERVICE_\\fR..., \\fBGRUD_PORT\\fR, \\fBGRUD_PORT_\\fR and a "
    "digit).\n"
    ".SH EXIT STATUS\n"
    ".TP\n"
    "0\n"
    "all went well.\n"
    ".TP\n"
    "1\n"
    "something failed that another start may find mended: a port or a data directory that another "
    "process\n"
    "has, a full or failing disk, too little memory.\n"
    ".TP\n"
    "2\n"
    "the arguments or the configuration are wrong, and another start would end alike: an unknown "
    "option or\n"
    "a bad value; a directory or a file that is missing, or not for grud to read or write; a port "
    "that is\n"
    "not for it to take, an address that is not this machine\\(aqs; keys or certificates that are "
    "refused.\n"
    ".PP\n"
    "A start that fails says why in one line on standard error. A model file that is read and "
    "found wrong\n"
    "is left out with a warning, and the others are served.\n"
    "On SIGHUP the directory is read again: what was mended, and what is new, is loaded.\n"
    "\\fB\\-\\-health\\fR knows only 0 and 1.\n"
    ".SH EXAMPLES\n"
    ".EX\n"
    "grud init \\-\\-inputs temp,humidity \\-\\-outputs temp \\-\\-layers 64,32 \\-o "
    "models/weather.safetensors\n"
    "grud train readings.csv \\-\\-inputs temp,humidity \\-\\-outputs temp \\-o "
    "models/weather.safetensors\n"
    "grud \\-\\-models models \\-\\-data /var/lib/grud\n"
    "curl \\-\\-json '{\"x\":[21.4,0.55]}' "
    "http://127.0.0.1:8080/v1/models/weather/sessions/pump\\-7/step\n"
    ".EE\n";

void config_print_man(FILE *out)
{
    fputs(man_head, out);
    for (size_t i = 0; i < CONFIG_N_OPTIONS; i++) {
        print_man_option(out, &config_options[i]);
    }
    fputs(man_tail, out);
}
