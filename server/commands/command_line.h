/*
 * command_line.h - the command line of a sub-command as a table: its reader, `--help`, its man page
 * (manual.h) and completion in shells (completion.h) come from it. It prints to the streams given,
 * and complaints to standard error. Main's thread.
 */
#ifndef COMMAND_LINE_H
#define COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { COMMAND_FINE = 0, COMMAND_FAILED = 1, COMMAND_WRONG_USAGE = 2 };

/* "grud COMMAND: ...", and returns the code. */
__attribute__((format(printf, 3, 4))) int command_complain(const char *command, int code,
                                                           const char *format, ...);

struct command_option {
    const char *name;  /* "horizon" is --horizon, "n_epochs" is --n-epochs, "o" is -o */
    const char *value; /* stands for the value: "N"; a FILE is one. NULL: there is none */
    const char *words; /* the value is one of "after|before"; NULL: any text */
    const char *help;  /* a phrase; that of a needed one says so by itself */
    bool is_needed;
    size_t
        at; /* in the struct of arguments: of a const char *, or of a bool where it has no value */
};

/* What is no flag; all are needed, and are files unless they have words. */
struct command_operand {
    const char *name; /* "DATA.csv" */
    const char *words;
    size_t at; /* of a const char * */
};

enum { COMMAND_OPERANDS_MAX = 2, COMMAND_FLAG_SIZE = 40 };

struct command_line {
    const char *command; /* "train" */
    const char *summary; /* "makes a model and trains it on a file of readings" */
    struct command_operand operands[COMMAND_OPERANDS_MAX + 1]; /* a name NULL ends them */
    const struct command_option *options;
    size_t n_options;
    const char *usage;       /* of one that main reads (command.h); NULL: what the tables say */
    bool has_daemon_options; /* the options of the daemon (config.h) are its, too */
    const char *manual;      /* the description of its man page, in roff; NULL: it has none */
};

/* `--help` or `-h` alone: the help is printed to standard output, and that is fine. */
bool command_line_asks_help(const struct command_line *line, int argc, char *const argv[]);
/* Fills in what is given; the rest stays as it was. COMMAND_WRONG_USAGE, with a complaint, if an
 * argument is none of the table's, lacks its value, or is needed and not there. */
__attribute__((warn_unused_result)) int
command_line_read(const struct command_line *line, void *arguments, int argc, char *const argv[]);

/* "--n-epochs" */
const char *command_option_flag(const struct command_option *option,
                                char ret_flag[COMMAND_FLAG_SIZE]);
void command_line_print_usage(const struct command_line *line, FILE *out);
void command_line_print_help(const struct command_line *line, FILE *out);

/* Decimal digits, nothing else. */
bool command_parse_number(const char *text, uint64_t *ret_value);
/* A finite number, and nothing behind it. */
bool command_parse_real(const char *text, double *ret_value);

#endif
