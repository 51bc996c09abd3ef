/*
 * completion.h - what may come next on a command line of grud, by the tables of sub-commands and of
 * the daemon's options. The scripts of command_completion.c ask for it, from the shells. Main's
 * thread.
 */
#ifndef COMPLETION_H
#define COMPLETION_H

#include <stddef.h>
#include <stdio.h>

/* The words behind "grud", of which the last one is to be completed and may be empty. Prints a line
 * "words", "files" or "folders": what the shell is to offer; behind "words" a line for each, with
 * its help behind a tab. Where a value follows a flag's "=", the words are values alone. */
void completion_print(char *const words[], size_t n_words, FILE *out);

#endif
