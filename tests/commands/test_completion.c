/* What may come next on a command line. That shells offer it is tested end to end. */
#include "commands/command_table.h"
#include "commands/completion.h"
#include "config/config_options.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 8 };

/* What is offered for these words, the last one to be completed; "|" stands between them. */
static char *offered(const char *line)
{
    char text[200], *words[WORDS_MAX], *rest = text, *out = NULL;
    size_t n_words = 0, n;
    snprintf(text, sizeof text, "%s", line);
    while (rest) {
        ck_assert_uint_lt(n_words, WORDS_MAX);
        words[n_words++] = strsep(&rest, "|");
    }
    FILE *stream = open_memstream(&out, &n);
    completion_print(words, n_words, stream);
    ck_assert_int_eq(fclose(stream), 0);
    return out;
}

static void expect(const char *line, const char *expected)
{
    char *out = offered(line);
    ck_assert_msg(strcmp(out, expected) == 0, "%s:\n%s", line, out);
    free(out);
}

/* Each line begins with a word that is offered. */
static bool offers(const char *line, const char *word)
{
    char *out = offered(line), start[100];
    snprintf(start, sizeof start, "\n%s", word);
    const char *found = strstr(out, start);
    while (found && !strchr("\t\n", found[strlen(start)])) { /* "--horizon-loss" */
        found = strstr(found + 1, start);
    }
    const bool is_there = found != NULL;
    free(out);
    return is_there;
}

TEST(every_command_and_each_of_its_flags_is_offered)
{
    for (size_t k = 0; k < COMMAND_TABLE_N; k++) {
        const struct command_line *line = command_table[k];
        char typed[100], flag[COMMAND_FLAG_SIZE];
        snprintf(typed, sizeof typed, "%.3s", line->command);
        ck_assert_msg(offers(typed, line->command), "%s", line->command);
        for (size_t i = 0; i < line->n_options; i++) {
            ck_assert_msg(line->options[i].help[0] != '\0', "%s", line->options[i].name);
            snprintf(typed, sizeof typed, "%s|-", line->command);
            ck_assert_msg(offers(typed, command_option_flag(&line->options[i], flag)), "%s", flag);
        }
    }
}

TEST(every_option_of_the_daemon_is_offered_where_it_is_taken)
{
    for (size_t k = 0; k < CONFIG_N_OPTIONS; k++) {
        char flag[100];
        snprintf(flag, sizeof flag, "--%s", config_options[k].name);
        ck_assert_msg(offers("--", flag) && offers("backup|--", flag) &&
                          offers("--listen|:0|--", flag) && !offers("train|--", flag),
                      "%s", flag);
    }
}

TEST(values_are_offered_as_the_tables_have_them)
{
    expect("train|--reset|", "words\nafter\nbefore\n");
    expect("train|--loss|", "words\nmse\nmae\nhuber\n");
    expect("train|--reset|b", "words\nbefore\n");
    expect("train|--reset=b", "words\nbefore\n");
    expect("train|--reset|=|b", "words\nbefore\n");
    expect("train|--reset|=", "words\nafter\nbefore\n");
    expect("train|--seed|", "words\n");
    expect("train|-o|", "files\n");
    expect("--session-full|", "words\nreject\nevict\n");
    expect("--data|", "folders\n");
    expect("--config|", "files\n");
    expect("backup|--tls-cert=", "files\n");
}

TEST(operands_are_counted)
{
    expect("predict|", "files\n");
    expect("predict|m|", "files\n");
    expect("predict|m|--horizon|3|", "files\n");
    expect("predict|m|--horizon=3|d.csv|", "words\n");
    expect("completion|z", "words\nzsh\n");
    expect("backup|--data|d|", "folders\n");
    expect("train|--force|", "files\n");
    expect("nothing|", "words\n");
}
