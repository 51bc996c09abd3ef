#include "commands/training_flags.h"

#include "base/choice.h"

#include <string.h>

/* A model that begins with nothing needs more and larger steps than one that is fine-tuned. */
enum { N_EPOCHS = 200, PATIENCE = 20 };
static const double LEARNING_RATE = 0.003;

enum value_type { TYPE_SIZE, TYPE_REAL, TYPE_CHOICE };

static const struct row {
    const char *field;
    enum value_type type;
    size_t offset, word_offset; /* of the value, and of the word that was given */
    const char *words;
} rows[] = {
#define ROW(field, type, initial, none, least, most, words)                                        \
    { #field, TYPE_##type, offsetof(struct gru_hyperparameters, field),                            \
      offsetof(struct training_words, field), words },
    GRU_HYPERPARAMETERS(ROW)
#undef ROW
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static const char *flag_of(const struct row *row, char ret_flag[COMMAND_FLAG_SIZE])
{
    return command_option_flag(&(struct command_option){ .name = row->field }, ret_flag);
}

/* NULL, or what the flag takes. */
static const char *read_value(const struct row *row, const char *text, void *place)
{
    uint64_t number;
    int choice;
    switch (row->type) {
    case TYPE_SIZE:
        if (!command_parse_number(text, &number)) {
            return "a whole number";
        }
        *(size_t *)place = number;
        return NULL;
    case TYPE_REAL:
        return command_parse_real(text, place) ? NULL : "a number";
    default:
        choice = choice_find(row->words, text);
        *(int *)place = choice;
        return choice < 0 ? row->words : NULL;
    }
}

/* "1,0.5,0"; false: it is no list of numbers, or too long a one. */
static bool read_weights(const char *text, struct gru_hyperparameters *hyperparameters)
{
    int n = 0;
    for (const char *end; text; text = *end == ',' ? end + 1 : NULL) {
        char number[64];
        end = strchrnul(text, ',');
        const size_t length = (size_t)(end - text);
        if (n == GRU_OUTPUT_WEIGHTS_MAX || length >= sizeof number) {
            return false;
        }
        memcpy(number, text, length);
        number[length] = '\0';
        if (!command_parse_real(number, &hyperparameters->output_weights[n++])) {
            return false;
        }
    }
    hyperparameters->n_output_weights = n;
    return true;
}

int training_flags_read(const struct training_words *words, const char *command,
                        struct gru_hyperparameters *ret_hyperparameters)
{
    struct gru_hyperparameters hyperparameters;
    gru_hyperparameters_init(&hyperparameters);
    hyperparameters.n_epochs = N_EPOCHS;
    hyperparameters.early_stopping_patience = PATIENCE;
    hyperparameters.learning_rate = LEARNING_RATE;
    hyperparameters.scaling = GRU_SCALING_FIT; /* it has none of its own */
    for (size_t k = 0; k < N_ROWS; k++) {
        const char *value = *(const char *const *)((const char *)words + rows[k].word_offset);
        const char *takes =
            value ? read_value(&rows[k], value, (char *)&hyperparameters + rows[k].offset) : NULL;
        char flag[COMMAND_FLAG_SIZE];
        if (takes) {
            return command_complain(command, COMMAND_WRONG_USAGE, "%s takes %s, not '%s'",
                                    flag_of(&rows[k], flag), takes, value);
        }
    }
    if (hyperparameters.loss == GRU_BCE || hyperparameters.loss == GRU_CROSS_ENTROPY) {
        return command_complain(command, COMMAND_WRONG_USAGE,
                                "--loss takes mse, mae or huber; a fine-tuning job takes the "
                                "losses of classes");
    }
    if (words->output_weights && !read_weights(words->output_weights, &hyperparameters)) {
        return command_complain(command, COMMAND_WRONG_USAGE,
                                "--output-weights takes at most %d numbers with commas between "
                                "them, not '%s'",
                                GRU_OUTPUT_WEIGHTS_MAX, words->output_weights);
    }
    *ret_hyperparameters = hyperparameters;
    return COMMAND_FINE;
}

const char *training_flags_find(const char *param, char ret_flag[COMMAND_FLAG_SIZE])
{
    static const char parent[] = "hyperparameters.";
    char field[COMMAND_FLAG_SIZE] = "";
    if (strncmp(param, parent, sizeof parent - 1) == 0) {
        snprintf(field, sizeof field, "%s", param + sizeof parent - 1);
    }
    for (char *dot = field; (dot = strchr(dot, '.')) != NULL;) { /* "schedule.type" */
        *dot = '_';
    }
    field[strcspn(field, "[")] = '\0'; /* "output_weights[2]" */
    if (strcmp(field, "output_weights") == 0) {
        return command_option_flag(&(struct command_option){ .name = field }, ret_flag);
    }
    for (size_t k = 0; k < N_ROWS; k++) {
        if (strcmp(field, rows[k].field) == 0) {
            return flag_of(&rows[k], ret_flag);
        }
    }
    return NULL;
}
