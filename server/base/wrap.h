/*
 * wrap.h - prints text in lines that fit a terminal. A leaf; one thread at a time for one stream.
 */
#ifndef WRAP_H
#define WRAP_H

#include <stddef.h>
#include <stdio.h>

enum { WRAP_WIDTH = 100 };

/* Prints the words of text, the first one at `column`, in lines of at most WRAP_WIDTH; each but the
 * first begins with `indent`. A line feed ends it. */
void wrap_print(FILE *out, const char *text, size_t column, const char *indent);
/* A part of a line, of which nothing is broken: at `column`, or on the next line. Returns where it
 * ends. */
size_t wrap_print_part(FILE *out, const char *part, size_t column, const char *indent);

#endif
