/*
 * gru_choices.h - the choices that models, files and trainings offer, with their words
 * (docs/MODELS.md, docs/API.md). Part of gru.h.
 *
 * Each list is the only one: enums, names and the words of hyper-parameters come from it. The first
 * entry is given to F, the others to X, so that the words can be joined with something in between.
 * New entries go to the end, because checkpoints and databases hold the numbers.
 */
#ifndef GRU_CHOICES_H
#define GRU_CHOICES_H

// clang-format off
#define GRU_LAYER_KINDS(F, X)                                                                      \
    F(GRU_LAYER_GRU, "gru") X(GRU_LAYER_OUTPUT_GATE, "gru_output_gate")                            \
    X(GRU_LAYER_THREE_GATE, "gru_three_gate") X(GRU_LAYER_DENSE, "dense")                          \
    X(GRU_LAYER_LSTM, "lstm") X(GRU_LAYER_NORM, "layer_norm")                                     \
    X(GRU_LAYER_BATCH_NORM, "batch_norm") X(GRU_LAYER_ACTIVATION, "activation")
#define GRU_RESETS(F, X) F(GRU_RESET_AFTER, "after") X(GRU_RESET_BEFORE, "before")
#define GRU_ACTIVATIONS(F, X)                                                                      \
    F(GRU_LINEAR, "linear") X(GRU_SIGMOID, "sigmoid") X(GRU_TANH, "tanh") X(GRU_SOFTMAX, "softmax") \
    X(GRU_RELU, "relu") X(GRU_LEAKY_RELU, "leaky_relu") X(GRU_ELU, "elu") X(GRU_SELU, "selu")      \
    X(GRU_GELU, "gelu") X(GRU_SILU, "silu") X(GRU_SOFTPLUS, "softplus")
#define GRU_MISSING_POLICIES(F, X)                                                                 \
    F(GRU_MISSING_ERROR, "error") X(GRU_MISSING_LAST, "last") X(GRU_MISSING_MEAN, "mean")          \
    X(GRU_MISSING_FORECAST, "forecast")
#define GRU_TRANSFORMS(F, X)                                                                       \
    F(GRU_TRANSFORM_NONE, "none") X(GRU_DIFFERENCE, "difference")                                  \
    X(GRU_SEASONAL_DIFFERENCE, "seasonal_difference") X(GRU_LEVEL, "level")
#define GRU_OPTIMIZERS(F, X) F(GRU_SGD, "sgd") X(GRU_ADAM, "adam") X(GRU_ADAMW, "adamw")
#define GRU_LOSSES(F, X)                                                                           \
    F(GRU_MSE, "mse") X(GRU_MAE, "mae") X(GRU_HUBER, "huber") X(GRU_BCE, "bce")                    \
    X(GRU_CROSS_ENTROPY, "cross_entropy")
#define GRU_TRAINED_PARTS(F, X) F(GRU_TRAIN_ALL, "all") X(GRU_TRAIN_HEAD, "head")
#define GRU_CLASS_WEIGHTINGS(F, X)                                                                 \
    F(GRU_CLASSES_ALIKE, "alike") X(GRU_CLASSES_BALANCED, "balanced") X(GRU_CLASSES_GIVEN, "given")
#define GRU_SCHEDULES(F, X)                                                                        \
    F(GRU_CONSTANT, "constant") X(GRU_COSINE, "cosine") X(GRU_STEP, "step")                        \
    X(GRU_PLATEAU, "plateau")
#define GRU_SCALING_FITS(F, X)                                                                     \
    F(GRU_SCALING_KEEP, "keep") X(GRU_SCALING_FIT, "fit") X(GRU_SCALING_FIT_ROBUST, "fit_robust")
// clang-format on

#define GRU_CHOICE_ENUM(id, word)    id,
#define GRU_CHOICE_COUNT(id, word)   +1 /* NOLINT(bugprone-macro-parentheses): a summand */
#define GRU_CHOICE_WORD(id, word)    word
#define GRU_CHOICE_OR_WORD(id, word) "|" word

enum gru_layer_kind { GRU_LAYER_KINDS(GRU_CHOICE_ENUM, GRU_CHOICE_ENUM) };
enum gru_reset { GRU_RESETS(GRU_CHOICE_ENUM, GRU_CHOICE_ENUM) };
enum gru_activation { GRU_ACTIVATIONS(GRU_CHOICE_ENUM, GRU_CHOICE_ENUM) };
enum gru_missing { GRU_MISSING_POLICIES(GRU_CHOICE_ENUM, GRU_CHOICE_ENUM) };
enum gru_transform_kind { GRU_TRANSFORMS(GRU_CHOICE_ENUM, GRU_CHOICE_ENUM) };
enum gru_optimizer { GRU_OPTIMIZERS(GRU_CHOICE_ENUM, GRU_CHOICE_ENUM) };
enum gru_loss { GRU_LOSSES(GRU_CHOICE_ENUM, GRU_CHOICE_ENUM) };
enum gru_train { GRU_TRAINED_PARTS(GRU_CHOICE_ENUM, GRU_CHOICE_ENUM) };
enum gru_class_weighting { GRU_CLASS_WEIGHTINGS(GRU_CHOICE_ENUM, GRU_CHOICE_ENUM) };
enum gru_schedule { GRU_SCHEDULES(GRU_CHOICE_ENUM, GRU_CHOICE_ENUM) };
enum gru_scaling_fit { GRU_SCALING_FITS(GRU_CHOICE_ENUM, GRU_CHOICE_ENUM) };
enum {
    GRU_N_LAYER_KINDS = GRU_LAYER_KINDS(GRU_CHOICE_COUNT, GRU_CHOICE_COUNT),
    GRU_N_RESETS = GRU_RESETS(GRU_CHOICE_COUNT, GRU_CHOICE_COUNT),
    GRU_N_ACTIVATIONS = GRU_ACTIVATIONS(GRU_CHOICE_COUNT, GRU_CHOICE_COUNT),
    GRU_N_OPTIMIZERS = GRU_OPTIMIZERS(GRU_CHOICE_COUNT, GRU_CHOICE_COUNT),
    GRU_N_LOSSES = GRU_LOSSES(GRU_CHOICE_COUNT, GRU_CHOICE_COUNT),
    GRU_N_TRAINED_PARTS = GRU_TRAINED_PARTS(GRU_CHOICE_COUNT, GRU_CHOICE_COUNT),
    GRU_N_CLASS_WEIGHTINGS = GRU_CLASS_WEIGHTINGS(GRU_CHOICE_COUNT, GRU_CHOICE_COUNT),
    GRU_N_SCHEDULES = GRU_SCHEDULES(GRU_CHOICE_COUNT, GRU_CHOICE_COUNT),
    GRU_N_SCALING_FITS = GRU_SCALING_FITS(GRU_CHOICE_COUNT, GRU_CHOICE_COUNT)
};

/* "sgd|adam|adamw" */
#define GRU_OPTIMIZER_WORDS  GRU_OPTIMIZERS(GRU_CHOICE_WORD, GRU_CHOICE_OR_WORD)
#define GRU_LOSS_WORDS       GRU_LOSSES(GRU_CHOICE_WORD, GRU_CHOICE_OR_WORD)
#define GRU_TRAIN_WORDS      GRU_TRAINED_PARTS(GRU_CHOICE_WORD, GRU_CHOICE_OR_WORD)
#define GRU_SCHEDULE_WORDS   GRU_SCHEDULES(GRU_CHOICE_WORD, GRU_CHOICE_OR_WORD)
#define GRU_SCALING_WORDS    GRU_SCALING_FITS(GRU_CHOICE_WORD, GRU_CHOICE_OR_WORD)
#define GRU_ACTIVATION_WORDS GRU_ACTIVATIONS(GRU_CHOICE_WORD, GRU_CHOICE_OR_WORD)
#define GRU_MISSING_WORDS    GRU_MISSING_POLICIES(GRU_CHOICE_WORD, GRU_CHOICE_OR_WORD)
/* The kinds that are recurrent (gru_layer_kind_is_recurrent). */
#define GRU_CELL_WORDS "gru|gru_output_gate|gru_three_gate|lstm"

#endif
