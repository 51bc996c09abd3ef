/*
 * wrap.h - prints text in lines that fit a terminal. A leaf; one thread at a time for one stream.
 */
#ifndef WRAP_H
#define WRAP_H

#include <stddef.h>
#include <stdio.h>

enum { WRAP_WIDTH = 100 };

/* Prints the words of text in lines of at most WRAP_WIDTH, of which the first is printed already up
 * to `column`, and each other one begins with `indent`. Between words, and behind what goes beyond
 * the indent, is a blank. A line feed ends it. */
void wrap_print(FILE *out, const char *text, size_t column, const char *indent);
/* The same of a part of a line, which is not broken, and without the line feed. Returns the column
 * where it ends. */
size_t wrap_print_part(FILE *out, const char *part, size_t column, const char *indent);

#endif
