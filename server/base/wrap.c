#include "base/wrap.h"

#include <string.h>

static size_t print_part(FILE *out, const char *part, size_t n, size_t column, const char *indent)
{
    const size_t n_indent = strlen(indent);
    if (column > n_indent && column + 1 + n > WRAP_WIDTH) {
        fprintf(out, "\n%s", indent);
        column = n_indent;
    } else if (column > n_indent) {
        fputc(' ', out);
        column++;
    }
    fprintf(out, "%.*s", (int)n, part);
    return column + n;
}

size_t wrap_print_part(FILE *out, const char *part, size_t column, const char *indent)
{
    return print_part(out, part, strlen(part), column, indent);
}

void wrap_print(FILE *out, const char *text, size_t column, const char *indent)
{
    for (const char *word = text; *word != '\0';) {
        const size_t n = strcspn(word, " ");
        column = print_part(out, word, n, column, indent);
        word += n + strspn(word + n, " ");
    }
    fputc('\n', out);
}
