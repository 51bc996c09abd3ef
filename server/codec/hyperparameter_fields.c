/* hyperparameter_fields.c - see hyperparameter_fields.h. */
#include "codec/hyperparameter_fields.h"

#include "base/choice.h"
#include "codec/schemas.h"

#include <string.h>

enum parameter_type { SIZE, REAL, CHOICE };

struct parameter {
    const char *name;
    enum parameter_type type;
    bool has_none; /* null is 0 */
    double least, most;
    const char *words; /* "sgd|adam" */
    size_t offset;
};

#define PARAMETER(name, field, type, initial, none, least, most, words)                            \
    { name, type, none, least, most, words, offsetof(struct gru_hyperparameters, field) },
#define SINGLE(field, ...) PARAMETER(#field, field, __VA_ARGS__)
static const struct parameter singles[] = { GRU_SINGLE_HYPERPARAMETERS(SINGLE) };
#undef SINGLE
/* The fields of the object `schedule`. */
#define OF_SCHEDULE(field, ...) PARAMETER(&#field[GRU_SCHEDULE_PREFIX], field, __VA_ARGS__)
static const struct parameter of_schedule[] = { GRU_SCHEDULE_HYPERPARAMETERS(OF_SCHEDULE) };
#undef OF_SCHEDULE
/* And of the object `sampling`. */
#define OF_SAMPLING(field, ...) PARAMETER(&#field[GRU_SAMPLING_PREFIX], field, __VA_ARGS__)
static const struct parameter of_sampling[] = { GRU_SAMPLING_HYPERPARAMETERS(OF_SAMPLING) };
#undef OF_SAMPLING
#undef PARAMETER

#define WEIGHT_MAX 1e6

/* ---- what they are, for people ---- */

#define HELP_n_epochs      "passes over the data; 20 by default"
#define HELP_batch_size    "sequences of an update; 32 by default"
#define HELP_learning_rate "of the optimizer; 0.001 by default"
#define HELP_optimizer     "as PyTorch has them"
#define HELP_momentum      "of `sgd`"
#define HELP_weight_decay  "on every parameter"
#define HELP_loss          "what training makes small; `mse` by default"
#define HELP_clip_norm     "the gradient's global norm is cut to it, 1 by default; null: it is not"
#define HELP_window        "longer series are trained window by window; 64 rows by default"
#define HELP_l2_sp         "pulls back to the weights that training starts from"
#define HELP_dropout       "of the outputs of recurrent layers"
#define HELP_early_stopping_patience                                                               \
    "epochs without a better one before training ends, 5 by default; null: all are run"
#define HELP_train "all weights, or those behind the last recurrent layer"
#define HELP_horizon_loss                                                                          \
    "the loss is of roll-outs 1 to so many rows ahead, fed back as when serving; 1 by default"
#define HELP_scaling                                                                               \
    "`fit`: mean and std of inputs and outputs are taken from the training part, "                 \
    "`fit_robust`: from its medians; the model's by default, `keep`"
#define HELP_class_weights                                                                         \
    "what losses of classes are multiplied by, with `cross_entropy`: one for each class, or by "   \
    "how "                                                                                         \
    "rare each is"
#define HELP_output_weights                                                                        \
    "what losses of each output are multiplied by, a number for each; losses are then divided by " \
    "the sum of these weights. 0: its targets are left out"
#define HELP_schedule "how the learning rate changes"
#define HELP_schedule_type                                                                         \
    "`cosine` ends at 0, `step` falls every `step_epochs`, `plateau` after `patience` epochs "     \
    "without a lower loss; `constant` by default"
#define HELP_schedule_warmup_steps "updates in which the rate rises from 0; 0 by default"
#define HELP_schedule_step_epochs  "of `step`: epochs of one rate; 10 by default"
#define HELP_schedule_factor                                                                       \
    "of `step` and `plateau`: what the rate is multiplied by then; 0.1 by default"
#define HELP_sampling                                                                              \
    "stretches of the series that are drawn at random, instead of walking through them"
#define HELP_sampling_length  "rows of a stretch"
#define HELP_sampling_burn_in "of them, the first ones that have no loss; 0 by default"
#define HELP_sampling_per_epoch                                                                    \
    "stretches of an epoch; by default as many as have as many rows with a loss as the series "    \
    "have"
#define HELP_schedule_patience "of `plateau`: epochs without a lower loss; 3 by default"

#define SCHEMA_SIZE                        JSON_SCHEMA_INTEGER
#define SCHEMA_REAL                        JSON_SCHEMA_NUMBER
#define SCHEMA_CHOICE                      JSON_SCHEMA_STRING
#define BOUNDS_SIZE(its_least, its_most)   .least = (its_least), .most = (its_most)
#define BOUNDS_REAL(its_least, its_most)   .least = (its_least), .most = (its_most)
#define BOUNDS_CHOICE(its_least, its_most) .least = 0

#define FIELD(name, reads, field, its_type, initial, none, its_least, its_most, its_words)         \
    { name, reads, false,                                                                          \
      &(const struct json_schema){ .type = SCHEMA_##its_type,                                      \
                                   .is_nullable = (none),                                          \
                                   BOUNDS_##its_type(its_least, its_most),                         \
                                   .words = (its_words),                                           \
                                   .help = HELP_##field } },

static enum status read_of_schedule(struct reader *r, void *body);
static enum status read_schedule(struct reader *r, void *body);
static enum status read_of_sampling(struct reader *r, void *body);
static enum status read_sampling(struct reader *r, void *body);
static enum status read_class_weights(struct reader *r, void *body);
static enum status read_output_weights(struct reader *r, void *body);

#define OF_SCHEDULE(field, ...)                                                                    \
    FIELD(&#field[GRU_SCHEDULE_PREFIX], read_of_schedule, field, __VA_ARGS__)
static const struct field schedule_fields[] = { GRU_SCHEDULE_HYPERPARAMETERS(OF_SCHEDULE) };
#undef OF_SCHEDULE

static const struct json_schema schedule_part = { .type = JSON_SCHEMA_OBJECT,
                                                  .name = "Schedule",
                                                  JSON_SCHEMA_FIELDS(schedule_fields),
                                                  .help = HELP_schedule };

#define OF_SAMPLING(field, ...)                                                                    \
    FIELD(&#field[GRU_SAMPLING_PREFIX], read_of_sampling, field, __VA_ARGS__)
static const struct field sampling_fields[] = { GRU_SAMPLING_HYPERPARAMETERS(OF_SAMPLING) };
#undef OF_SAMPLING

static const struct json_schema sampling_part = { .type = JSON_SCHEMA_OBJECT,
                                                  .name = "Sampling",
                                                  .is_nullable = true,
                                                  JSON_SCHEMA_FIELDS(sampling_fields),
                                                  .help = HELP_sampling };

static const struct json_schema class_weight = { .type = JSON_SCHEMA_NUMBER,
                                                 .most = WEIGHT_MAX,
                                                 .is_above_least = true };
static const struct json_schema balanced = { .type = JSON_SCHEMA_STRING, .words = "balanced" };
static const struct json_schema given = {
    .type = JSON_SCHEMA_ARRAY, .items = &class_weight, .least = 1, .most = GRU_CLASS_WEIGHTS_MAX
};
static const struct json_schema *const weights[] = { &balanced, &given };
static const struct json_schema class_weights_value = { .type = JSON_SCHEMA_ANY_OF,
                                                        .is_nullable = true,
                                                        JSON_SCHEMA_CHOICES(weights),
                                                        .help = HELP_class_weights };

static const struct json_schema output_weight = { .type = JSON_SCHEMA_NUMBER, .most = WEIGHT_MAX };
static const struct json_schema output_weights_value = { .type = JSON_SCHEMA_ARRAY,
                                                         .items = &output_weight,
                                                         .is_nullable = true,
                                                         .least = 1,
                                                         .most = GRU_OUTPUT_WEIGHTS_MAX,
                                                         .help = HELP_output_weights };

#define SINGLE(field, ...) FIELD(#field, hyperparameters_read_field, field, __VA_ARGS__)
static const struct field fields[] = {
    GRU_SINGLE_HYPERPARAMETERS(SINGLE){ "schedule", read_schedule, false, &schedule_part },
    { "sampling", read_sampling, false, &sampling_part },
    { "class_weights", read_class_weights, false, &class_weights_value },
    { "output_weights", read_output_weights, false, &output_weights_value },
};
#undef SINGLE
#undef FIELD

const struct json_schema codec_hyperparameters_part = { .type = JSON_SCHEMA_OBJECT,
                                                        .name = "Hyperparameters",
                                                        JSON_SCHEMA_FIELDS(fields) };

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { WORD_MAX = 31 };

/* ---- reading ---- */

static enum status read_size(struct reader *r, const struct parameter *parameter, size_t *ret_value)
{
    uint64_t value;
    enum status status =
        reader_integer(r, (uint64_t)parameter->least, (uint64_t)parameter->most, &value);
    if (status == STATUS_OK) {
        *ret_value = (size_t)value;
    }
    return status;
}

static enum status read_real(struct reader *r, const struct parameter *parameter, double *ret_value)
{
    double value;
    enum status status = reader_number(r, &value);
    if (status != STATUS_OK) {
        return status;
    }
    if (value < parameter->least || value > parameter->most) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "must be a number from %g to %g, not %g",
                             parameter->least, parameter->most, value);
    }
    *ret_value = value;
    return STATUS_OK;
}

static enum status read_choice(struct reader *r, const struct parameter *parameter, int *ret_value)
{
    char expected[128], word[WORD_MAX + 1];
    snprintf(expected, sizeof expected, "one of %s", parameter->words);
    for (char *bar = expected; (bar = strchr(bar, '|')) != NULL;) {
        *bar = ' ';
    }
    enum status status = reader_string(r, expected, word, sizeof word);
    int index = status == STATUS_OK ? choice_find(parameter->words, word) : 0;
    if (index < 0) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "must be %s", expected);
    }
    if (status == STATUS_OK) {
        *ret_value = index;
    }
    return status;
}

static enum status read_value(struct reader *r, const struct parameter *parameter, void *value)
{
    switch (parameter->type) {
    case SIZE:
        return read_size(r, parameter, value);
    case REAL:
        return read_real(r, parameter, value);
    case CHOICE:
        break;
    }
    return read_choice(r, parameter, value);
}

static void set_none(const struct parameter *parameter, void *value)
{
    static const size_t no_size;
    static const double no_real;
    if (parameter->type == SIZE) {
        memcpy(value, &no_size, sizeof no_size);
    } else {
        memcpy(value, &no_real, sizeof no_real);
    }
}

/* The reader's place has the name of one of the parameters. */
static enum status read_one_of(struct reader *r, const struct parameter *parameter, void *body)
{
    while (strcmp(parameter->name, r->place->name) != 0) {
        parameter++;
    }
    void *value = (char *)body + parameter->offset;
    if (parameter->has_none && json_peek(&r->json) == JSON_NULL) {
        set_none(parameter, value);
        return json_null(&r->json) ? STATUS_OK : reader_refuse_text(r);
    }
    return read_value(r, parameter, value);
}

enum status hyperparameters_read_field(struct reader *r, void *body)
{
    return read_one_of(r, singles, body);
}

static enum status read_of_schedule(struct reader *r, void *body)
{
    return read_one_of(r, of_schedule, body);
}

static enum status read_schedule(struct reader *r, void *body)
{
    unsigned seen;
    return reader_fields(r, schedule_fields, COUNT(schedule_fields), body, &seen);
}

static enum status read_of_sampling(struct reader *r, void *body)
{
    return read_one_of(r, of_sampling, body);
}

/* null, or an object. */
static enum status read_sampling(struct reader *r, void *body)
{
    unsigned seen;
    if (json_peek(&r->json) == JSON_NULL) {
        return json_null(&r->json) ? STATUS_OK : reader_refuse_text(r);
    }
    return reader_fields(r, sampling_fields, COUNT(sampling_fields), body, &seen);
}

struct weights_read {
    double *values;
    size_t n, n_most;
    bool may_be_zero;
};

static enum status read_weight(struct reader *r, void *body)
{
    struct weights_read *read = body;
    double weight;
    enum status status = reader_number(r, &weight);
    if (status != STATUS_OK) {
        return status;
    }
    if (!(weight >= 0 && weight <= WEIGHT_MAX) || (weight == 0 && !read->may_be_zero)) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "must be a number %s 0, up to %g, not %g",
                             read->may_be_zero ? "of at least" : "above", WEIGHT_MAX, weight);
    }
    if (read->n == read->n_most) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "must be one of at most %zu weights",
                             read->n_most);
    }
    read->values[read->n++] = weight;
    return STATUS_OK;
}

/* null, "balanced", or an array. */
static enum status read_class_weights(struct reader *r, void *body)
{
    static const char expected[] = "\"balanced\", or an array of numbers";
    struct gru_hyperparameters *hyperparameters = body;
    struct weights_read read = { .values = hyperparameters->class_weights,
                                 .n_most = GRU_CLASS_WEIGHTS_MAX };
    char word[WORD_MAX + 1];
    size_t n;
    enum status status;
    switch (json_peek(&r->json)) {
    case JSON_NULL:
        return json_null(&r->json) ? STATUS_OK : reader_refuse_text(r);
    case JSON_ARRAY:
        status = reader_elements(r, expected, read_weight, &read, &n);
        hyperparameters->class_weighting = GRU_CLASSES_GIVEN;
        return status == STATUS_OK && n == 0
                   ? reader_refuse(r, STATUS_INVALID_VALUE, "must have a weight for each class")
                   : status;
    default:
        status = reader_string(r, expected, word, sizeof word);
    }
    if (status == STATUS_OK && strcmp(word, "balanced") != 0) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "must be %s", expected);
    }
    hyperparameters->class_weighting = GRU_CLASSES_BALANCED;
    return status;
}

/* null, or an array. */
static enum status read_output_weights(struct reader *r, void *body)
{
    struct gru_hyperparameters *hyperparameters = body;
    struct weights_read read = { .values = hyperparameters->output_weights,
                                 .n_most = GRU_OUTPUT_WEIGHTS_MAX,
                                 .may_be_zero = true };
    size_t n;
    if (json_peek(&r->json) == JSON_NULL) {
        return json_null(&r->json) ? STATUS_OK : reader_refuse_text(r);
    }
    enum status status = reader_elements(r, "an array of numbers", read_weight, &read, &n);
    if (status == STATUS_OK && n == 0) {
        return reader_refuse(r, STATUS_INVALID_VALUE, "must have a weight for each output");
    }
    hyperparameters->n_output_weights = (int)read.n;
    return status;
}

enum status hyperparameters_read(struct reader *r, struct gru_hyperparameters *ret_hyperparameters)
{
    unsigned seen;
    return reader_fields(r, fields, COUNT(fields), ret_hyperparameters, &seen);
}

/* ---- writing ---- */

static void add_word(struct tree *tree, cJSON *item, const struct parameter *parameter, int index)
{
    char word[WORD_MAX + 1];
    choice_print(parameter->words, index, word, sizeof word);
    tree_add_string(tree, item, parameter->name, word);
}

static void add_number(struct tree *tree, cJSON *item, const struct parameter *parameter,
                       double value)
{
    if (parameter->has_none && value == 0) {
        tree_add_null(tree, item, parameter->name);
    } else {
        tree_add_number(tree, item, parameter->name, value);
    }
}

static void add_value(struct tree *tree, cJSON *item, const struct parameter *parameter,
                      const struct gru_hyperparameters *hyperparameters)
{
    const void *value = (const char *)hyperparameters + parameter->offset;
    switch (parameter->type) {
    case SIZE:
        add_number(tree, item, parameter, (double)*(const size_t *)value); /* at most 1e6: exact */
        break;
    case REAL:
        add_number(tree, item, parameter, *(const double *)value);
        break;
    case CHOICE:
        add_word(tree, item, parameter, *(const int *)value);
        break;
    }
}

static void add_sampling(struct tree *tree, cJSON *item,
                         const struct gru_hyperparameters *hyperparameters)
{
    static const char name[] = "sampling";
    if (hyperparameters->sampling_length == 0) {
        tree_add_null(tree, item, name);
        return;
    }
    cJSON *sampling = tree_add_object(tree, item, name);
    for (size_t i = 0; i < COUNT(of_sampling); i++) {
        add_value(tree, sampling, &of_sampling[i], hyperparameters);
    }
}

static void add_class_weights(struct tree *tree, cJSON *item,
                              const struct gru_hyperparameters *hyperparameters)
{
    static const char name[] = "class_weights";
    switch (hyperparameters->class_weighting) {
    case GRU_CLASSES_ALIKE:
        tree_add_null(tree, item, name);
        return;
    case GRU_CLASSES_BALANCED:
        tree_add_string(tree, item, name, "balanced");
        return;
    case GRU_CLASSES_GIVEN:
        break;
    }
    cJSON *array = tree_add_array(tree, item, name);
    const double *weight = hyperparameters->class_weights;
    for (size_t k = 0; k < GRU_CLASS_WEIGHTS_MAX && weight[k] > 0; k++) {
        tree_add_number(tree, array, NULL, weight[k]);
    }
}

static void add_output_weights(struct tree *tree, cJSON *item,
                               const struct gru_hyperparameters *hyperparameters)
{
    static const char name[] = "output_weights";
    if (hyperparameters->n_output_weights == 0) {
        tree_add_null(tree, item, name);
        return;
    }
    cJSON *array = tree_add_array(tree, item, name);
    for (int k = 0; k < hyperparameters->n_output_weights; k++) {
        tree_add_number(tree, array, NULL, hyperparameters->output_weights[k]);
    }
}

void hyperparameters_add(struct tree *tree, cJSON *parent, const char *name,
                         const struct gru_hyperparameters *hyperparameters)
{
    cJSON *item = tree_add_object(tree, parent, name);
    for (size_t i = 0; i < COUNT(singles); i++) {
        add_value(tree, item, &singles[i], hyperparameters);
    }
    cJSON *schedule = tree_add_object(tree, item, "schedule");
    for (size_t i = 0; i < COUNT(of_schedule); i++) {
        add_value(tree, schedule, &of_schedule[i], hyperparameters);
    }
    add_sampling(tree, item, hyperparameters);
    add_class_weights(tree, item, hyperparameters);
    add_output_weights(tree, item, hyperparameters);
}
