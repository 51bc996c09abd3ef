/* Text in lines. */
#include "base/wrap.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static void expect(const char *text, size_t column, const char *indent, const char *expected)
{
    char *printed = NULL;
    size_t n;
    FILE *out = open_memstream(&printed, &n);
    wrap_print(out, text, column, indent);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(printed, expected);
    free(printed);
}

TEST(words_stay_whole_and_lines_fit)
{
    char text[WRAP_WIDTH * 3] = "", expected[WRAP_WIDTH * 6];
    for (size_t k = 0; k < 25; k++) {
        strcat(text, k == 0 ? "word" : " word");
    }
    snprintf(expected, sizeof expected, "%.99s\n%s\n", text, text + 100);
    expect(text, 0, "", expected); /* 20 words are 99 columns */
    snprintf(expected, sizeof expected, " %.89s\n# %s\n", text, text + 90);
    expect(text, 10, "# ", expected);
}

TEST(a_word_that_fits_no_line_has_one)
{
    char word[WRAP_WIDTH + 11], text[WRAP_WIDTH + 20], expected[WRAP_WIDTH + 30];
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    snprintf(text, sizeof text, "a %s b", word);
    snprintf(expected, sizeof expected, "a\n%s\nb\n", word);
    expect(text, 0, "", expected);
}
