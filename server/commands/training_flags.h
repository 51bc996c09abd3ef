/*
 * training_flags.h - the hyper-parameters (gru.h) as flags: --n-epochs, --learning-rate, ... The
 * table is the library's. Main's thread; complaints go to standard error.
 */
#ifndef TRAINING_FLAGS_H
#define TRAINING_FLAGS_H

#include "commands/command_line.h"
#include "gru.h"

/* What was given; NULL: not given. */
struct training_words {
#define TRAINING_WORD(field, ...) const char *field;
    GRU_HYPERPARAMETERS(TRAINING_WORD)
#undef TRAINING_WORD
    const char *output_weights;
};

/* What stands for a value, by its type. */
#define TRAINING_VALUE_SIZE   "N"
#define TRAINING_VALUE_REAL   "X"
#define TRAINING_VALUE_CHOICE "WORD"

/* What each does, in a phrase. */
#define TRAINING_HELP_n_epochs      "passes over the training part, at most; default 200"
#define TRAINING_HELP_batch_size    "sequences of an update; default 32"
#define TRAINING_HELP_learning_rate "how far an update goes; default 0.003"
#define TRAINING_HELP_optimizer     "how updates are made; default adam"
#define TRAINING_HELP_momentum      "share of the last update that is kept, with sgd; default 0"
#define TRAINING_HELP_weight_decay  "how far weights shrink by themselves; default 0"
#define TRAINING_HELP_loss          "what is made small; default mse"
#define TRAINING_HELP_clip_norm     "longest gradient; default 1"
#define TRAINING_HELP_window        "rows that a gradient reaches back; default 64"
#define TRAINING_HELP_l2_sp         "pull towards the weights that training starts from; default 0"
#define TRAINING_HELP_dropout       "share of hidden units that an update leaves out; default 0"
#define TRAINING_HELP_early_stopping_patience                                                      \
    "epochs without a better one before training ends; default 20"
#define TRAINING_HELP_train                 "which weights change; default all"
#define TRAINING_HELP_horizon_loss          "rows ahead that roll-outs are trained for; default 1"
#define TRAINING_HELP_schedule_type         "how the learning rate changes; default constant"
#define TRAINING_HELP_schedule_warmup_steps "updates in which it rises from 0; default 0"
#define TRAINING_HELP_schedule_step_epochs  "with step, epochs of one rate; default 10"
#define TRAINING_HELP_schedule_factor                                                              \
    "with step and plateau, what the rate is multiplied by; default 0.1"
#define TRAINING_HELP_sampling_length                                                              \
    "rows of stretches that are drawn at random, instead of walking through the file"
#define TRAINING_HELP_sampling_burn_in   "of them, the first ones that have no loss; default 0"
#define TRAINING_HELP_sampling_per_epoch "stretches of an epoch; default as many as cover the file"
#define TRAINING_HELP_schedule_patience                                                            \
    "with plateau, epochs without a lower loss before it falls; default 3"
#define TRAINING_HELP_scaling                                                                      \
    "where mean and std come from: the training part, its medians, or 0 and 1 (keep); default fit"

/* The words of a choice. A file of readings has no targets for the losses of classes. */
#define TRAINING_WORDS_SIZE(field)      NULL
#define TRAINING_WORDS_REAL(field)      NULL
#define TRAINING_WORDS_CHOICE(field)    TRAINING_WORDS_OF_##field
#define TRAINING_WORDS_OF_optimizer     GRU_OPTIMIZER_WORDS
#define TRAINING_WORDS_OF_loss          "mse|mae|huber"
#define TRAINING_WORDS_OF_train         GRU_TRAIN_WORDS
#define TRAINING_WORDS_OF_schedule_type GRU_SCHEDULE_WORDS
#define TRAINING_WORDS_OF_scaling       GRU_SCALING_WORDS

/* A row of a table of options (command_line.h) for each, whose arguments have `training_words`. */
#define TRAINING_OPTION(arguments, field, type)                                                    \
    {                                                                                              \
#field, TRAINING_VALUE_##type, TRAINING_WORDS_##type(field), TRAINING_HELP_##field, false, \
            offsetof(arguments, training_words.field)                                              \
    }

/* The row of a list of numbers. */
#define TRAINING_OUTPUT_WEIGHTS_OPTION(arguments)                                                  \
    {                                                                                              \
        "output_weights", "X,...", NULL,                                                           \
            "what the losses of each output are multiplied by; default 1 each", false,             \
            offsetof(arguments, training_words.output_weights)                                     \
    }

/* The defaults, but for what was given: those of the library, with 200 epochs, a patience of 20, a
 * learning rate of 0.003 and a scaling that is fitted. Ranges are left to the library. */
__attribute__((warn_unused_result)) int
training_flags_read(const struct training_words *words, const char *command,
                    struct gru_hyperparameters *ret_hyperparameters);
/* The flag of a parameter that the library complains of ("hyperparameters.window"); NULL: it is no
 * hyper-parameter. */
const char *training_flags_find(const char *param, char ret_flag[COMMAND_FLAG_SIZE]);

#endif
