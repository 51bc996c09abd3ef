/*
 * command_table.h - THE table of sub-commands: `grud --help`, the man pages and completion in
 * shells come from it. Constant; what each takes stands beside its code.
 */
#ifndef COMMAND_TABLE_H
#define COMMAND_TABLE_H

#include "commands/command_line.h"

extern const struct command_line command_init_line, command_train_line, command_predict_line,
    command_evaluate_line, command_inspect_line, command_backup_line, command_completion_line;

/* In the order of `grud --help`. */
enum { COMMAND_TABLE_N = 11 };
extern const struct command_line *const command_table[COMMAND_TABLE_N];

/* NULL: there is none of that name. */
const struct command_line *command_table_find(const char *command);

/* Of man pages: what a file of readings is. */
#define COMMAND_TABLE_DATA                                                                         \
    ".SH FILES OF READINGS\n"                                                                      \
    "The first line of \\fIDATA.csv\\fR names the columns. Fields are separated by commas,\n"      \
    "semicolons or tabs, and may stand in double quotes. A field that is empty, or one of NA, "    \
    "N/A,\n"                                                                                       \
    "NaN, null and none, is a missing value.\n"                                                    \
    ".PP\n"                                                                                        \
    "Times are in the column \\fB\\-\\-time\\fR, or in the first one, if it begins with a date.\n" \
    "They must ascend; where readings are missing between two of them, rows without values "       \
    "stand\n"                                                                                      \
    "for them.\n"                                                                                  \
    ".PP\n"                                                                                        \
    "What is wrong with a file is said with the number of its line.\n"

#endif
