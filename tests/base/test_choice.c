#include "base/choice.h"
#include "test.h"

#define COLOURS(F, X) F(COLOUR_RED, "red") X(COLOUR_BLUE, "blue") X(COLOUR_GREEN, "green")
enum colour { COLOURS(CHOICE_ID, CHOICE_ID) };

static const char words[] = CHOICE_WORDS(COLOURS);

TEST(a_list_gives_enum_words_and_sentence)
{
    static const char *const entries[] = { COLOURS(CHOICE_ENTRY, CHOICE_ENTRY) };
    ck_assert_str_eq(words, "red|blue|green");
    ck_assert_str_eq(CHOICE_SENTENCE(COLOURS), "\"red\" or \"blue\" or \"green\"");
    ck_assert(COLOUR_RED == 0 && COLOUR_GREEN == 2);
    ck_assert_str_eq(entries[COLOUR_BLUE], "blue");
}

TEST(a_word_has_its_index_and_an_index_its_word)
{
    for (int i = COLOUR_RED; i <= COLOUR_GREEN; i++) {
        char word[8];
        choice_print(words, i, word, sizeof word);
        ck_assert_int_eq(choice_find(words, word), i);
    }
}

TEST(other_words_are_not_found)
{
    static const char *const others[] = { "", "re", "redd", "RED", "red|blue", "|", "een" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        ck_assert_int_eq(choice_find(words, others[i]), -1);
    }
}

TEST(a_word_that_does_not_fit_is_cut)
{
    char word[4];
    choice_print(words, COLOUR_GREEN, word, sizeof word);
    ck_assert_str_eq(word, "gre");
}
