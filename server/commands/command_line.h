/*
 * command_line.h - what the sub-commands share of their command lines: exit codes, complaints, and
 * flags that are read by a table. It prints to standard error only. Main's thread.
 */
#ifndef COMMAND_LINE_H
#define COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COMMAND_FINE = 0, COMMAND_FAILED = 1, COMMAND_WRONG_USAGE = 2 };

/* "grud COMMAND: ...", and returns the code. */
__attribute__((format(printf, 3, 4))) int command_complain(const char *command, int code,
                                                           const char *format, ...);

/* Either takes a value, or is there or not. */
struct command_flag {
    const char *flag;
    const char **value;
    bool *is_set;
};

struct command_line {
    const char *command, *usage;
    const struct command_flag *flags;
    size_t n_flags;
    const char **operands; /* [n_operands_max] what is no flag, in its order */
    size_t n_operands_max;
};

/* COMMAND_WRONG_USAGE, with a complaint, if an argument is none of the table's, or lacks its value.
 * What is not given stays as it was. */
__attribute__((warn_unused_result)) int command_line_read(const struct command_line *line, int argc,
                                                          char *const argv[]);
/* A complaint with the usage behind it. */
int command_line_refuse(const struct command_line *line, const char *reason);

/* Decimal digits, nothing else. */
bool command_parse_number(const char *text, uint64_t *ret_value);
/* A finite number, and nothing behind it. */
bool command_parse_real(const char *text, double *ret_value);

#endif
