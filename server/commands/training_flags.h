/*
 * training_flags.h - the hyper-parameters (gru.h) as flags: --n-epochs, --learning-rate, ... The
 * table is the library's. Main's thread; complaints go to standard error.
 */
#ifndef TRAINING_FLAGS_H
#define TRAINING_FLAGS_H

#include "commands/command_line.h"
#include "gru.h"

#define TRAINING_FLAG_COUNT(...) +1 /* NOLINT(bugprone-macro-parentheses): a summand */
enum { TRAINING_N_FLAGS = GRU_HYPERPARAMETERS(TRAINING_FLAG_COUNT), TRAINING_FLAG_SIZE = 40 };

/* The flags' names and what was given; NULL: not given. */
struct training_flags {
    char names[TRAINING_N_FLAGS][TRAINING_FLAG_SIZE];
    const char *values[TRAINING_N_FLAGS];
};

/* Puts them into a table of flags. */
void training_flags_begin(struct training_flags *flags,
                          struct command_flag ret_flags[TRAINING_N_FLAGS]);
/* The defaults, but for what was given: those of the library, with 200 epochs, a patience of 20 and
 * a learning rate of 0.003. Ranges are left to the library. */
__attribute__((warn_unused_result)) int
training_flags_read(const struct training_flags *flags, const char *command,
                    struct gru_hyperparameters *ret_hyperparameters);
/* The flag of a parameter that the library complains of ("hyperparameters.window"); NULL: it is no
 * hyper-parameter. */
const char *training_flags_find(const struct training_flags *flags, const char *param);

#endif
