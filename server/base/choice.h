/*
 * choice.h - choices: values of an enum that have words outside. A leaf; any thread.
 *
 * A list of them gives its first entry to F and the others to X, so that the words can be joined;
 * the enum, the words and the sentences about them all come from the list:
 *
 *     #define COLOURS(F, X) F(COLOUR_RED, "red") X(COLOUR_BLUE, "blue")
 *     enum colour { COLOURS(CHOICE_ID, CHOICE_ID) };
 *     static const char *const words[] = { COLOURS(CHOICE_ENTRY, CHOICE_ENTRY) };
 */
#ifndef CHOICE_H
#define CHOICE_H

#include <stddef.h>

#define CHOICE_ID(id, word)        id,
#define CHOICE_ENTRY(id, word)     [id] = (word),
#define CHOICE_WORD(id, word)      word
#define CHOICE_BAR_WORD(id, word)  "|" word
#define CHOICE_QUOTED(id, word)    "\"" word "\""
#define CHOICE_OR_QUOTED(id, word) " or \"" word "\""

/* "red|blue" */
#define CHOICE_WORDS(list) list(CHOICE_WORD, CHOICE_BAR_WORD)
/* "red" or "blue", each in quotes, for messages */
#define CHOICE_SENTENCE(list) list(CHOICE_QUOTED, CHOICE_OR_QUOTED)

/* The index of a word in "red|blue"; -1 if it is none of them. */
int choice_find(const char *words, const char *word);
/* The word of an index that is in `words`, cut to fit. */
void choice_print(const char *words, int index, char *out, size_t size);

#endif
