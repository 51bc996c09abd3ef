/*
 * manual.h - the man pages, from the tables of sub-commands and of the daemon's options. `make
 * config-files` writes them to config/. Main's thread.
 */
#ifndef MANUAL_H
#define MANUAL_H

#include "commands/command_line.h"

#include <stdio.h>

enum manual_page {
    MANUAL_GRUD,    /* grud(1) */
    MANUAL_CONF,    /* grud.conf(5) */
    MANUAL_COMMAND, /* grud-train(1): of a sub-command that has a manual */
};

/* `line` is of MANUAL_COMMAND. False: no memory. */
__attribute__((warn_unused_result)) bool manual_print(enum manual_page page,
                                                      const struct command_line *line, FILE *out);

#endif
