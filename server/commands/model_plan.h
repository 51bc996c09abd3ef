/*
 * model_plan.h - a gru_plan from the words of a command line. Main's thread. Complaints go to
 * standard error.
 */
#ifndef MODEL_PLAN_H
#define MODEL_PLAN_H

#include "gru.h"

/* The words, as they were given; NULL: not given. */
struct model_plan_words {
    const char *inputs, *outputs, *layers, *scale, *cell, *reset, *seed, *interval_seconds, *season;
    bool residual;
};

/* What they are when they are not given. */
#define MODEL_PLAN_INITIAL .cell = "gru", .seed = "1"

/* Rows of a table of flags (command_line.h). */
#define MODEL_PLAN_FLAGS(words)                                                                    \
    { "--inputs", &(words)->inputs, NULL }, { "--outputs", &(words)->outputs, NULL },              \
        { "--layers", &(words)->layers, NULL }, { "--cell", &(words)->cell, NULL },                \
        { "--reset", &(words)->reset, NULL }, { "--seed", &(words)->seed, NULL },                  \
        { "--interval-seconds", &(words)->interval_seconds, NULL },                                \
        { "--season", &(words)->season, NULL },                                                    \
    {                                                                                              \
        "--residual", NULL, &(words)->residual                                                     \
    }

enum model_plan_list {
    MODEL_PLAN_INPUTS,
    MODEL_PLAN_OUTPUTS,
    MODEL_PLAN_LAYERS,
    MODEL_PLAN_SCALE,
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
    struct gru_scaling *scalings;
};

/* inputs, outputs and layers must be there. `words` must outlive the plan. */
__attribute__((warn_unused_result)) int model_plan_make(struct model_plan *plan,
                                                        const struct model_plan_words *words);
void model_plan_done(struct model_plan *plan);
/* The untrained model. */
__attribute__((warn_unused_result)) int model_plan_create_model(const struct model_plan *plan,
                                                                struct gru_model **ret_model);

#endif
