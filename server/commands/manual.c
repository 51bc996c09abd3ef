#include "commands/manual.h"

#include "commands/command_table.h"
#include "config/config_options.h"
#include "gru.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define WRITTEN                                                                                    \
    ".\\\" Written by `make config-files` from the tables of the program: change them there.\n"

/* ---- roff ---- */

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

/* A line of text, broken at blanks where it is too long; but the tag behind .TP is one line. */
static void print_line(const char *line, size_t n, bool is_text, FILE *out)
{
    enum { MANUAL_WIDTH = 80 };
    while (is_text && n > MANUAL_WIDTH) {
        const char *end = memrchr(line, ' ', MANUAL_WIDTH + 1);
        if (!end || end[1] == '.' || end[1] == '\'') {
            break;
        }
        fprintf(out, "%.*s\n", (int)(end - line), line);
        n -= (size_t)(end + 1 - line);
        line = end + 1;
    }
    fprintf(out, "%.*s\n", (int)n, line);
}

/* A whole page, in lines that readers like. */
static void print_filled(const char *text, FILE *out)
{
    bool is_tag = false, is_example = false;
    for (const char *line = text; *line != '\0';) {
        const size_t n = strcspn(line, "\n");
        const bool is_request = *line == '.';
        print_line(line, n, !is_request && !is_tag && !is_example, out);
        is_tag = strncmp(line, ".TP", 3) == 0;
        is_example = is_request ? strncmp(line, ".EX", 3) == 0 : is_example;
        line += n + (line[n] == '\n');
    }
}

/* ".TH GRUD-TRAIN 1" and the name, with what it does. */
static void print_head(const char *name, int section, const char *summary, FILE *out)
{
    fputs(WRITTEN ".TH ", out);
    for (const char *c = name; *c != '\0'; c++) {
        fputc(toupper((unsigned char)*c), out);
    }
    fprintf(out, " %d 2026-11-29 \"grud " GRU_VERSION "\" \"%s\"\n.SH NAME\n", section,
            section == 1 ? "User Commands" : "File Formats");
    print_roff(out, name);
    fputs(" \\- ", out);
    print_roff(out, summary);
    fputc('\n', out);
}

/* ---- sub-commands ---- */

static void print_flag(const struct command_option *option, FILE *out)
{
    char flag[COMMAND_FLAG_SIZE];
    fputs("\\fB", out);
    print_roff(out, command_option_flag(option, flag));
    fputs("\\fR", out);
    if (option->value) {
        fputs(" \\fI", out);
        print_roff(out, option->value);
        fputs("\\fR", out);
    }
}

/* ".B grud train" and its arguments, each on a line: what is needed first. */
static void print_synopsis(const struct command_line *line, FILE *out)
{
    fputs(".B grud ", out);
    print_roff(out, line->command);
    fputc('\n', out);
    for (const struct command_operand *operand = line->operands; operand->name && !line->usage;
         operand++) {
        fputs("\\fI", out);
        print_roff(out, operand->name);
        fputs("\\fR\n", out);
    }
    if (line->usage) {
        print_roff(out, line->usage);
        fputc('\n', out);
    }
    for (size_t k = 0; k < line->n_options; k++) {
        if (line->options[k].is_needed) {
            print_flag(&line->options[k], out);
            fputc('\n', out);
        }
    }
    fputs(line->n_options > 0 ? "[\\fIOPTION\\fR]...\n" : "", out);
}

static void print_option(const struct command_option *option, FILE *out)
{
    fputs(".TP\n", out);
    print_flag(option, out);
    fputc('\n', out);
    print_roff(out, option->help);
    fputs(".\n", out);
    if (option->words) {
        fputs("One of: ", out);
        print_roff(out, option->words);
        fputs(".\n", out);
    }
}

static void print_command(const struct command_line *line, FILE *out)
{
    char name[COMMAND_FLAG_SIZE];
    snprintf(name, sizeof name, "grud-%s", line->command);
    print_head(name, 1, line->summary, out);
    fputs(".SH SYNOPSIS\n", out);
    print_synopsis(line, out);
    fprintf(out, ".SH DESCRIPTION\n%s.SH OPTIONS\n", line->manual);
    for (size_t k = 0; k < line->n_options; k++) {
        print_option(&line->options[k], out);
    }
    fputs(".SH EXIT STATUS\n"
          "0: all went well. 1: something failed. 2: the arguments are wrong.\n"
          ".SH SEE ALSO\n.BR grud (1)\n",
          out);
}

/* ---- the daemon's options ---- */

static void print_daemon_value(const struct config_option *option, FILE *out)
{
    char allowed[CONFIG_ALLOWED_MAX];
    config_print_allowed(option, allowed);
    fputc('\n', out);
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

static void print_daemon_flag(const struct config_option *option, FILE *out)
{
    char variable[CONFIG_VARIABLE_MAX];
    config_variable(option, variable);
    fputs(".TP\n\\fB\\-\\-", out);
    print_roff(out, option->name);
    fputs("\\fR", out);
    if (*option->value) {
        fputs(" \\fI", out);
        print_roff(out, option->value);
        fputs("\\fR", out);
    }
    fprintf(out, ", \\fB%s\\fR", variable);
    print_daemon_value(option, out);
}

static void print_daemon_line(const struct config_option *option, FILE *out)
{
    fputs(".TP\n\\fB", out);
    print_roff(out, option->name);
    fputs(" =\\fR \\fI", out);
    print_roff(out, *option->value ? option->value : "MODE");
    fputs("\\fR", out);
    print_daemon_value(option, out);
}

static void print_conf(const struct command_line *line, FILE *out)
{
    static const char text[] =
        ".SH DESCRIPTION\n"
        "The file that \\fBgrud \\-\\-config\\fR \\fIFILE\\fR or the environment variable\n"
        "\\fBGRUD_CONFIG\\fR names. A line is \\fBname =\\fR \\fIvalue\\fR, without quotes; a\n"
        "\\fB#\\fR at the start of a line or after a blank begins a comment.\n"
        ".PP\n"
        "Environment variables (\\fBGRUD_SESSION_MAX\\fR for \\fBsession\\-max\\fR) win over the\n"
        "file, and flags (\\fB\\-\\-session\\-max\\fR) over both. An unknown name, a name given\n"
        "twice and a value out of range are refused: \\fBgrud check\\-config\\fR says what is\n"
        "wrong, and where.\n"
        ".PP\n"
        "On SIGHUP grud reads the file again and takes over the options that are said to be live\n"
        "below, or none if something in it is wrong; the log says which.\n"
        ".SH OPTIONS\n";
    (void)line;
    print_head("grud.conf", 5, "options of the forecasting daemon grud", out);
    fputs(text, out);
    for (size_t k = 0; k < CONFIG_N_OPTIONS; k++) {
        print_daemon_line(&config_options[k], out);
    }
    fputs(".SH FILES\n.I /etc/grud/grud.conf\nis what the service reads.\n"
          ".SH SEE ALSO\n.BR grud (1)\n",
          out);
}

/* ---- grud(1) ---- */

static void print_commands(FILE *out)
{
    for (size_t k = 0; k < COMMAND_TABLE_N; k++) {
        const struct command_line *line = command_table[k];
        fputs(".TP\n\\fBgrud ", out);
        print_roff(out, line->command);
        fputs("\\fR", out);
        for (const struct command_operand *operand = line->operands; operand->name && !line->usage;
             operand++) {
            fputs(" \\fI", out);
            print_roff(out, operand->name);
            fputs("\\fR", out);
        }
        if (line->usage) {
            fputs(" ", out);
            print_roff(out, line->usage);
        }
        fputc('\n', out);
        print_roff(out, line->summary);
        fputs(line->manual ? ":\n.BR grud\\-" : ".\n", out);
        if (line->manual) {
            print_roff(out, line->command);
            fputs(" (1).\n", out);
        }
    }
}

static const char description[] =
    ".SH SYNOPSIS\n"
    ".B grud\n"
    "[\\fIOPTION\\fR]...\n"
    ".br\n"
    ".B grud\n"
    ".I COMMAND\n"
    "[\\fIARGUMENT\\fR]...\n"
    ".SH DESCRIPTION\n"
    ".B grud\n"
    "serves recurrent networks of gated units over HTTP and JSON: whole sequences, and streams "
    "that are\n"
    "stepped one reading at a time and whose state is kept between requests.\n"
    "A model is a safetensors file, such as PyTorch writes.\n"
    "Without a sub-command it serves until SIGTERM or SIGINT, then lets running requests finish.\n"
    ".SH COMMANDS\n"
    "\\fBgrud\\fR \\fICOMMAND\\fR \\fB\\-\\-help\\fR says what it takes.\n";

static const char details[] =
    ".PP\n"
    "\\fBgrud backup\\fR "
    "copies the data directory of the daemon that has the same options, which may be running, to\n"
    "the new directory \\fITO\\fR. To restore it, start the daemon with \\fITO\\fR for "
    "\\fB\\-\\-data\\fR.\n"
    ".PP\n"
    "\\fBgrud \\-\\-health\\fR "
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
    "shown\n"
    "without a value stands alone for its last choice.\n"
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

static const char tail[] =
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

static void print_grud(const struct command_line *line, FILE *out)
{
    (void)line;
    print_head("grud", 1, "serves GRU and LSTM forecasting models over HTTP", out);
    fputs(description, out);
    print_commands(out);
    fputs(details, out);
    for (size_t k = 0; k < CONFIG_N_OPTIONS; k++) {
        print_daemon_flag(&config_options[k], out);
    }
    fputs(tail, out);
    fputs(".SH SEE ALSO\n", out);
    for (size_t k = 0; k < COMMAND_TABLE_N; k++) {
        if (command_table[k]->manual) {
            fputs(".BR grud\\-", out);
            print_roff(out, command_table[k]->command);
            fputs(" (1),\n", out);
        }
    }
    fputs(".BR grud.conf (5)\n", out);
}

bool manual_print(enum manual_page page, const struct command_line *line, FILE *out)
{
    static void (*const pages[])(const struct command_line *line, FILE *out) = {
        [MANUAL_GRUD] = print_grud, [MANUAL_CONF] = print_conf, [MANUAL_COMMAND] = print_command
    };
    char *text = NULL;
    size_t n;
    FILE *page_out = open_memstream(&text, &n);
    if (!page_out) {
        return false;
    }
    pages[page](line, page_out);
    const bool is_whole = fclose(page_out) == 0;
    if (is_whole) {
        print_filled(text, out);
    }
    free(text);
    return is_whole;
}
