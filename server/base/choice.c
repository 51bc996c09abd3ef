/* choice.c - see choice.h. */
#include "base/choice.h"

#include <stdio.h>
#include <string.h>

int choice_find(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (int i = 0;; i++) {
        size_t n_word = strcspn(words, "|");
        if (n_word == n && memcmp(words, word, n) == 0) {
            return i;
        }
        if (words[n_word] == '\0') {
            return -1;
        }
        words += n_word + 1;
    }
}

void choice_print(const char *words, int index, char *out, size_t size)
{
    for (; index > 0; index--) {
        words += strcspn(words, "|") + 1;
    }
    snprintf(out, size, "%.*s", (int)strcspn(words, "|"), words);
}
