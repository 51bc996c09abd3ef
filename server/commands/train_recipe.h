/*
 * train_recipe.h - runs a recipe (gru_recipe.h) for some seconds, and prints what it has tried as a
 * table. Main's thread. Complaints and progress go to standard error.
 *
 * SIGINT and SIGTERM end the search after the piece under way; the second one ends the process.
 */
#ifndef TRAIN_RECIPE_H
#define TRAIN_RECIPE_H

#include "commands/csv_series.h"
#include "gru.h"

#include <stdio.h>

/* The words, as they were given; NULL: not given. */
struct train_recipe_words {
    bool recipe;
    const char *horizon, *max_seconds;
};

/* Rows of a table of options (command_line.h), whose arguments have `recipe`. */
// clang-format off
#define TRAIN_RECIPE_OPTIONS(arguments)                                                            \
    { "recipe", NULL, NULL,                                                                        \
      "try transforms, seasons, widths and ways of training, and write what forecasts best",       \
      false, offsetof(arguments, recipe.recipe) },                                                 \
    { "horizon", "N", NULL,                                                                        \
      "with --recipe, how many rows ahead forecasts shall be good for; needed",                    \
      false, offsetof(arguments, recipe.horizon) },                                                \
    { "max_seconds", "N", NULL,                                                                    \
      "with --recipe, how long it may try; default 60",                                            \
      false, offsetof(arguments, recipe.max_seconds) }
// clang-format on

/* The options that go with --recipe, beside its own: all others it chooses itself. */
#define TRAIN_RECIPE_TAKES                                                                         \
    {                                                                                              \
        "inputs", "outputs", "seed", "interval_seconds", "season", "o", "force", "time",           \
            "validation_fraction"                                                                  \
    }

struct train_recipe {
    const char *command, *data_path;
    const struct train_recipe_words *words;
    const struct gru_plan *plan;     /* names, seed, interval and season are read */
    const struct csv_series *series; /* the inputs' columns first */
    double validation_fraction;
    FILE *out; /* for the table */
};

/* Tries, tells, and gives the model with the residuals of its validation. */
__attribute__((warn_unused_result)) int train_recipe_run(const struct train_recipe *recipe,
                                                         struct gru_model **ret_model);

#endif
