/* Each hyper-parameter by itself, by the library's table. */
#include "codec/hyperparameter_fields.h"
#include "codec_support.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum parameter_type { SIZE, REAL, CHOICE };

struct parameter {
    const char *parent; /* the object that it is in, or NULL */
    const char *name;
    enum parameter_type type;
    bool has_none;
    double least, most;
    const char *words;
    size_t offset;
};

#define PARAMETER(parent, name, field, type, initial, none, least, most, words)                    \
    { parent, name, type, none, least, most, words, offsetof(struct gru_hyperparameters, field) },
#define SINGLE(field, ...) PARAMETER(NULL, #field, field, __VA_ARGS__)
#define OF_SCHEDULE(field, ...)                                                                    \
    PARAMETER("schedule", &#field[GRU_SCHEDULE_PREFIX], field, __VA_ARGS__)
static const struct parameter parameters[] = { GRU_SINGLE_HYPERPARAMETERS(SINGLE)
                                                   GRU_SCHEDULE_HYPERPARAMETERS(OF_SCHEDULE) };

static enum status decode(const struct parameter *parameter, const char *value,
                          struct gru_hyperparameters *ret_hyperparameters, struct fault *fault)
{
    char body[2048];
    int n = parameter->parent ? snprintf(body, sizeof body, "{\"%s\":{\"%s\":%s}}",
                                         parameter->parent, parameter->name, value)
                              : snprintf(body, sizeof body, "{\"%s\":%s}", parameter->name, value);
    struct reader r;
    reader_init(&r, INPUT(body, (size_t)n, usual_limits, NULL, fault));
    return reader_end(&r, hyperparameters_read(&r, ret_hyperparameters));
}

static void expect_parameter(const struct parameter *parameter, const char *value, double expected)
{
    struct gru_hyperparameters hyperparameters;
    struct fault fault;
    gru_hyperparameters_init(&hyperparameters);
    enum status status = decode(parameter, value, &hyperparameters, &fault);
    ck_assert_msg(status == STATUS_OK, "%s %s: %s", parameter->name, value, fault.message);
    const void *got = (const char *)&hyperparameters + parameter->offset;
    double number = parameter->type == SIZE   ? (double)*(const size_t *)got
                    : parameter->type == REAL ? *(const double *)got
                                              : *(const int *)got;
    ck_assert_msg(number == expected, "%s %s: got %g", parameter->name, value, number);
}

static void expect_refusal(const struct parameter *parameter, const char *value,
                           enum status expected)
{
    struct gru_hyperparameters hyperparameters, before;
    struct fault fault;
    gru_hyperparameters_init(&hyperparameters);
    before = hyperparameters;
    enum status status = decode(parameter, value, &hyperparameters, &fault);
    char path[64];
    snprintf(path, sizeof path, "%s%s%s", parameter->parent ? parameter->parent : "",
             parameter->parent ? "." : "", parameter->name);
    const struct refusal refusal = { value, expected, path };
    ASSERT_REFUSED(status, &fault, &refusal);
    ck_assert_mem_eq(&hyperparameters, &before, sizeof before);
}

static void check_edges(const struct parameter *parameter)
{
    char text[64];
    double beyond[2] = { parameter->least - 1, parameter->most + 1 };
    if (parameter->type == REAL) {
        beyond[0] = nextafter(parameter->least, -DBL_MAX);
        beyond[1] = nextafter(parameter->most, DBL_MAX);
    }
    for (int k = 0; k < 2; k++) {
        double edge = k == 0 ? parameter->least : parameter->most;
        snprintf(text, sizeof text, "%.17g", edge);
        expect_parameter(parameter, text, edge);
        snprintf(text, sizeof text, "%.17g", beyond[k]);
        expect_refusal(parameter, text, STATUS_INVALID_VALUE);
    }
    expect_refusal(parameter, "1e999", STATUS_INVALID_VALUE);
    expect_refusal(parameter, "\"1\"", STATUS_INVALID_TYPE);
    if (parameter->type == SIZE) {
        expect_refusal(parameter, "1.5", STATUS_INVALID_VALUE);
    }
}

static void check_words(const struct parameter *parameter)
{
    const char *word = parameter->words;
    for (int k = 0; k <= (int)parameter->most; k++) {
        char text[64];
        size_t n = strcspn(word, "|");
        snprintf(text, sizeof text, "\"%.*s\"", (int)n, word);
        expect_parameter(parameter, text, k);
        snprintf(text, sizeof text, "\"%.*s\"", (int)n - 1, word + 1);
        expect_refusal(parameter, text, STATUS_INVALID_VALUE);
        snprintf(text, sizeof text, "\"%.*s_\"", (int)n, word);
        expect_refusal(parameter, text, STATUS_INVALID_VALUE);
        ck_assert_int_eq(word[n] == '\0', k == (int)parameter->most);
        word += n + 1;
    }
    expect_refusal(parameter, "\"\"", STATUS_INVALID_VALUE);
    expect_refusal(parameter, "0", STATUS_INVALID_TYPE);
}

TEST(each_hyperparameter_has_the_range_of_the_table)
{
    for (size_t i = 0; i < N_OF(parameters); i++) {
        const struct parameter *parameter = &parameters[i];
        if (parameter->has_none) {
            expect_parameter(parameter, "null", 0);
        } else {
            expect_refusal(parameter, "null", STATUS_INVALID_TYPE);
        }
        if (parameter->type == CHOICE) {
            check_words(parameter);
        } else {
            check_edges(parameter);
        }
    }
}

TEST(weights_of_classes_are_balanced_or_a_list)
{
    static const struct parameter class_weights = { .name = "class_weights" };
    static const struct refusal refusals[] = {
        { "\"even\"", STATUS_INVALID_VALUE, "class_weights" },
        { "[]", STATUS_INVALID_VALUE, "class_weights" },
        { "2", STATUS_INVALID_TYPE, "class_weights" },
        { "[1,0]", STATUS_INVALID_VALUE, "class_weights[1]" },
        { "[1,-1]", STATUS_INVALID_VALUE, "class_weights[1]" },
        { "[2e6]", STATUS_INVALID_VALUE, "class_weights[0]" },
        { "[1,null]", STATUS_INVALID_TYPE, "class_weights[1]" },
    };
    struct gru_hyperparameters h;
    struct fault fault;
    gru_hyperparameters_init(&h);
    ck_assert_int_eq(decode(&class_weights, "null", &h, &fault), STATUS_OK);
    ck_assert_int_eq(h.class_weighting, GRU_CLASSES_ALIKE);
    ck_assert_int_eq(decode(&class_weights, "\"balanced\"", &h, &fault), STATUS_OK);
    ck_assert_int_eq(h.class_weighting, GRU_CLASSES_BALANCED);
    ck_assert_int_eq(decode(&class_weights, "[0.1,2,1e6]", &h, &fault), STATUS_OK);
    ck_assert_int_eq(h.class_weighting, GRU_CLASSES_GIVEN);
    ck_assert(h.class_weights[0] == 0.1 && h.class_weights[2] == 1e6 && h.class_weights[3] == 0);
    for (size_t k = 0; k < N_OF(refusals); k++) {
        const enum status status = decode(&class_weights, refusals[k].body, &h, &fault);
        ASSERT_REFUSED(status, &fault, &refusals[k]);
    }
    char many[4 * GRU_CLASS_WEIGHTS_MAX] = "[1";
    for (size_t k = 0; k < GRU_CLASS_WEIGHTS_MAX; k++) {
        strcat(many, ",1");
    }
    strcat(many, "]");
    ck_assert_int_eq(decode(&class_weights, many, &h, &fault), STATUS_INVALID_VALUE);
}

TEST(weights_of_outputs_are_a_list_of_at_most_256)
{
    static const struct parameter output_weights = { .name = "output_weights" };
    static const struct refusal refusals[] = {
        { "\"balanced\"", STATUS_INVALID_TYPE, "output_weights" },
        { "[]", STATUS_INVALID_VALUE, "output_weights" },
        { "[1,-1]", STATUS_INVALID_VALUE, "output_weights[1]" },
        { "[2e6]", STATUS_INVALID_VALUE, "output_weights[0]" },
        { "[1,null]", STATUS_INVALID_TYPE, "output_weights[1]" },
    };
    struct gru_hyperparameters h;
    struct fault fault;
    gru_hyperparameters_init(&h);
    ck_assert_int_eq(decode(&output_weights, "null", &h, &fault), STATUS_OK);
    ck_assert_int_eq(h.n_output_weights, 0);
    ck_assert_int_eq(decode(&output_weights, "[0,1e6,0]", &h, &fault), STATUS_OK);
    ck_assert_int_eq(h.n_output_weights, 3);
    ck_assert(h.output_weights[0] == 0 && h.output_weights[1] == 1e6 && h.output_weights[2] == 0);
    for (size_t k = 0; k < N_OF(refusals); k++) {
        const enum status status = decode(&output_weights, refusals[k].body, &h, &fault);
        ASSERT_REFUSED(status, &fault, &refusals[k]);
    }
    char many[4 * GRU_OUTPUT_WEIGHTS_MAX] = "[1";
    for (size_t k = 0; k < GRU_OUTPUT_WEIGHTS_MAX; k++) {
        strcat(many, ",1");
    }
    strcat(many, "]");
    ck_assert_int_eq(decode(&output_weights, many, &h, &fault), STATUS_INVALID_VALUE);
}

TEST(sampling_is_an_object_or_null)
{
    static const struct parameter sampling = { .name = "sampling" };
    static const struct refusal refusals[] = {
        { "3", STATUS_INVALID_TYPE, "sampling" },
        { "{\"length\":1}", STATUS_INVALID_VALUE, "sampling.length" },
        { "{\"length\":1000001}", STATUS_INVALID_VALUE, "sampling.length" },
        { "{\"length\":5,\"burn_in\":null}", STATUS_INVALID_TYPE, "sampling.burn_in" },
        { "{\"length\":5,\"burn_in\":1000000}", STATUS_INVALID_VALUE, "sampling.burn_in" },
        { "{\"length\":5,\"per_epoch\":0}", STATUS_INVALID_VALUE, "sampling.per_epoch" },
        { "{\"length\":5,\"stride\":2}", STATUS_UNKNOWN_FIELD, "sampling.stride" },
    };
    struct gru_hyperparameters h;
    struct fault fault;
    gru_hyperparameters_init(&h);
    ck_assert_int_eq(decode(&sampling, "null", &h, &fault), STATUS_OK);
    ck_assert_uint_eq(h.sampling_length, 0);
    ck_assert_int_eq(
        decode(&sampling, "{\"length\":500,\"burn_in\":50,\"per_epoch\":20}", &h, &fault),
        STATUS_OK);
    ck_assert(h.sampling_length == 500 && h.sampling_burn_in == 50 && h.sampling_per_epoch == 20);
    ck_assert_int_eq(decode(&sampling, "{\"length\":2,\"per_epoch\":null}", &h, &fault), STATUS_OK);
    ck_assert(h.sampling_length == 2 && h.sampling_per_epoch == 0);
    for (size_t k = 0; k < N_OF(refusals); k++) {
        const enum status status = decode(&sampling, refusals[k].body, &h, &fault);
        ASSERT_REFUSED(status, &fault, &refusals[k]);
    }
}
