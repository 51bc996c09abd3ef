#include "commands/completion.h"

#include "commands/command_table.h"
#include "config/config_options.h"

#include <string.h>

static const struct command_line serving = { .command = "", .has_daemon_options = true };

/* A place that takes a value: what it is called, and its words or NULL. */
struct value_place {
    const char *value, *words;
};

/* What was typed of the word that is to be completed, and where what fits goes. */
struct offer {
    const char *typed;
    FILE *out;
};

static void offer_word(const struct offer *offer, const char *word, size_t n, const char *help)
{
    if (strncmp(word, offer->typed, strlen(offer->typed)) == 0) {
        fprintf(offer->out, "%.*s%s%s\n", (int)n, word, help ? "\t" : "", help ? help : "");
    }
}

static void offer_value(const struct offer *offer, const struct value_place *place)
{
    const char *words = place->words;
    const bool is_folder = strcmp(place->value, "DIR") == 0;
    const bool is_file = strcmp(place->value, "FILE") == 0;
    fputs(words       ? "words\n"
          : is_folder ? "folders\n"
          : is_file   ? "files\n"
                      : "words\n",
          offer->out);
    while (words && *words != '\0') {
        const size_t n = strcspn(words, "|");
        if (n >= strlen(offer->typed)) {
            offer_word(offer, words, n, NULL);
        }
        words += n + (words[n] == '|');
    }
}

/* ---- flags ---- */

static bool is_flag(const char *name, const char *word, size_t n)
{
    return strlen(name) == n && strncmp(name, word, n) == 0;
}

/* Whether the first n bytes of a word are a flag that takes a value. */
static bool find_flag(const struct command_line *line, const char *word, size_t n,
                      struct value_place *ret_place)
{
    char flag[COMMAND_FLAG_SIZE];
    for (size_t k = 0; k < line->n_options; k++) {
        const struct command_option *option = &line->options[k];
        if (option->value && is_flag(command_option_flag(option, flag), word, n)) {
            *ret_place = (struct value_place){ option->value, option->words };
            return true;
        }
    }
    if (!line->has_daemon_options || n < 2 || strncmp(word, "--", 2) != 0) {
        return false;
    }
    for (size_t k = 0; k < CONFIG_N_OPTIONS; k++) {
        if (is_flag(config_options[k].name, word + 2, n - 2)) {
            *ret_place = (struct value_place){ config_options[k].value, config_options[k].choices };
            return *config_options[k].value != '\0';
        }
    }
    *ret_place = (struct value_place){ "FILE", NULL };
    return is_flag("config", word + 2, n - 2);
}

static void offer_flags(const struct offer *offer, const struct command_line *line)
{
    char flag[COMMAND_FLAG_SIZE];
    for (size_t k = 0; k < line->n_options; k++) {
        command_option_flag(&line->options[k], flag);
        offer_word(offer, flag, strlen(flag), line->options[k].help);
    }
    for (size_t k = 0; line->has_daemon_options && k < CONFIG_N_OPTIONS; k++) {
        const int n = snprintf(flag, sizeof flag, "--%s", config_options[k].name);
        offer_word(offer, flag, (size_t)n, config_options[k].help);
    }
    if (line->has_daemon_options) {
        offer_word(offer, "--config", sizeof "--config" - 1, "read options from a file");
    }
    if (line != &serving) {
        offer_word(offer, "--help", sizeof "--help" - 1, "say what it takes");
    }
}

static void offer_commands(const struct offer *offer)
{
    for (size_t k = 0; k < COMMAND_TABLE_N; k++) {
        const char *command = command_table[k]->command;
        if (command[0] != '-' || offer->typed[0] == '-') {
            offer_word(offer, command, strlen(command), command_table[k]->summary);
        }
    }
}

/* ---- operands ---- */

/* How many of the words are neither flags nor their values. */
static size_t count_operands(const struct command_line *line, char *const words[], size_t n_words)
{
    size_t n = 0;
    struct value_place place;
    for (size_t i = 0; i < n_words; i++) {
        if (words[i][0] != '-') {
            n++;
        } else if (find_flag(line, words[i], strlen(words[i]), &place)) {
            i += i + 1 < n_words && strcmp(words[i + 1], "=") == 0 ? 2 : 1;
        }
    }
    return n;
}

static void offer_operand(const struct offer *offer, const struct command_line *line,
                          size_t n_before)
{
    const struct command_operand *operand = line->operands;
    while (operand->name && n_before-- > 0) {
        operand++;
    }
    if (!operand->name) {
        fputs("words\n", offer->out);
        return;
    }
    const bool is_folder = strcmp(operand->name, "DIR") == 0;
    offer_value(offer, &(struct value_place){ is_folder ? "DIR" : "FILE", operand->words });
}

/* ---- a command line ---- */

/* Whether a flag's value is to be completed: behind the flag, or behind its "=", which bash makes a
 * word of its own. */
static bool find_value(const struct command_line *line, char *const words[], size_t n_words,
                       const char **typed, struct value_place *ret_place)
{
    const char *is = strchr(*typed, '=');
    if (is && is != *typed) {
        const size_t n = (size_t)(is - *typed);
        const bool has_value = find_flag(line, *typed, n, ret_place);
        *typed = has_value ? is + 1 : *typed;
        return has_value;
    }
    const bool is_split = is || (n_words > 2 && strcmp(words[n_words - 2], "=") == 0);
    const size_t n_back = is || !is_split ? 2 : 3;
    *typed += is ? 1 : 0;
    return n_words >= n_back &&
           find_flag(line, words[n_words - n_back], strlen(words[n_words - n_back]), ret_place);
}

void completion_print(char *const words[], size_t n_words, FILE *out)
{
    struct offer offer = { .typed = n_words > 0 ? words[n_words - 1] : "", .out = out };
    const struct command_line *line = n_words > 1 ? command_table_find(words[0]) : NULL;
    const size_t n_command = line ? 1 : 0;
    struct value_place place;
    line = line ? line : &serving;
    if (n_words > n_command &&
        find_value(line, words + n_command, n_words - n_command, &offer.typed, &place)) {
        offer_value(&offer, &place);
    } else if (offer.typed[0] == '-' || n_words <= 1) {
        fputs("words\n", out);
        if (n_words <= 1) {
            offer_commands(&offer);
        }
        if (offer.typed[0] == '-') {
            offer_flags(&offer, line);
        }
    } else {
        offer_operand(&offer, line,
                      count_operands(line, words + n_command, n_words - n_command - 1));
    }
}
