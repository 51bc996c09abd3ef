/*
 * model_plan.h - a gru_plan from the words of a command line. Main's thread. Complaints go to
 * standard error.
 */
#ifndef MODEL_PLAN_H
#define MODEL_PLAN_H

#include "gru.h"

/* The words, as they were given; NULL: not given. */
struct model_plan_words {
    const char *inputs, *outputs, *layers, *network, *scale, *transform, *cell, *reset, *seed;
    const char *interval_seconds, *season, *steps, *activation, *missing;
    bool residual;
};

/* What they are when they are not given. */
#define MODEL_PLAN_INITIAL .seed = "1"

/* Rows of a table of options (command_line.h), whose arguments have `words`. */
// clang-format off
#define MODEL_PLAN_OPTIONS(arguments)                                                              \
    { "inputs", "NAME[,NAME...]", NULL,                                                            \
      "what a reading holds, by name",                                                             \
      true, offsetof(arguments, words.inputs) },                                                   \
    { "outputs", "NAME[,NAME...]", NULL,                                                           \
      "what is forecast; an output with the name of an input forecasts it",                        \
      true, offsetof(arguments, words.outputs) },                                                  \
    { "layers", "N[,N...]", NULL,                                                                  \
      "widths of the layers, first to last",                                                       \
      false, offsetof(arguments, words.layers) },                                                  \
    { "network", "FILE.json", NULL,                                                                \
      "a list of layers of any kinds, in place of --layers, --cell and --reset",                   \
      false, offsetof(arguments, words.network) },                                                 \
    { "residual", NULL, NULL,                                                                      \
      "outputs with the name of an input forecast its change",                                     \
      false, offsetof(arguments, words.residual) },                                                \
    { "cell", "CELL", GRU_CELL_WORDS,                                                              \
      "the kind of all layers; default gru",                                                       \
      false, offsetof(arguments, words.cell) },                                                    \
    { "reset", "WHERE", "after|before",                                                            \
      "where the reset gate acts: after the product with the "                                     \
      "hidden state, as in PyTorch, or before; default after",                                     \
      false, offsetof(arguments, words.reset) },                                                   \
    { "seed", "N", NULL,                                                                           \
      "the same seed gives the same weights; default 1",                                           \
      false, offsetof(arguments, words.seed) },                                                    \
    { "interval_seconds", "SECONDS", NULL,                                                         \
      "time between readings",                                                                     \
      false, offsetof(arguments, words.interval_seconds) },                                        \
    { "season", "N", NULL,                                                                         \
      "readings in a season, as 24 for hours",                                                     \
      false, offsetof(arguments, words.season) },                                                  \
    { "transform", "NAME=WHAT[,...]", NULL,                                                        \
      "what the network sees of an input that is forecast: difference, seasonal:N, "               \
      "level:RATE or level:RATE:scale; NAME's scaling is of that",                                 \
      false, offsetof(arguments, words.transform) },                                               \
    { "steps", "N", NULL,                                                                          \
      "rows that are forecast at once, instead of one by one; default 1",                          \
      false, offsetof(arguments, words.steps) },                                                   \
    { "activation", "WORD", GRU_ACTIVATION_WORDS,                                                  \
      "what is done to the outputs; default linear",                                               \
      false, offsetof(arguments, words.activation) },                                              \
    { "missing", "POLICY", GRU_MISSING_WORDS,                                                      \
      "what a missing reading becomes; default forecast, where outputs have names of inputs, or "  \
      "last",                                                                                      \
      false, offsetof(arguments, words.missing) }
// clang-format on

enum model_plan_list {
    MODEL_PLAN_INPUTS,
    MODEL_PLAN_OUTPUTS,
    MODEL_PLAN_LAYERS,
    MODEL_PLAN_SCALE,
    MODEL_PLAN_TRANSFORM,
    MODEL_PLAN_LISTS
};

/* A plan and what it points to. Begins as zeros, but for the command's name. */
struct model_plan {
    const char *command;
    struct gru_plan gru;
    /* its own: */
    const char *outputs;
    char *text[MODEL_PLAN_LISTS];
    char **words[MODEL_PLAN_LISTS];
    size_t hidden_sizes[GRU_LAYERS_MAX];
    char *network;
    struct gru_scaling *scalings;
    struct gru_plan_transform *transforms;
};

/* inputs and outputs must be there, and either layers or a network. `words` must outlive the plan.
 */
__attribute__((warn_unused_result)) int model_plan_make(struct model_plan *plan,
                                                        const struct model_plan_words *words);
void model_plan_done(struct model_plan *plan);
/* The untrained model. */
__attribute__((warn_unused_result)) int model_plan_create_model(const struct model_plan *plan,
                                                                struct gru_model **ret_model);

#endif
