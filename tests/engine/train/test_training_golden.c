/* The training runs of PyTorch in tests/fixtures/golden/train-*, through the public API. */
#include "engine/fixture.h"
#include "test.h"
#include "training.h"
#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// clang-format off
static const char *const names[] = {
    "adam-stacked", "adamw-seq", "class-weights", "classify", "cosine", "huber", "layer-norm", "lstm", "mae",
    "mlp-head", "momentum-clip", "sgd", "step"
};
// clang-format on

enum { N_NAMES = sizeof names / sizeof *names, SERIES_MAX = 24 };

/* Nested arrays of numbers, flat. */
struct numbers {
    double *values;
    size_t n;
};

struct golden_run {
    struct gru_model *model, *grad0, *trained;
    struct numbers x, y, losses, grad_norms, rates;
    size_t n_series; /* elements of the outermost array of x */
    struct gru_series series[SERIES_MAX];
    struct gru_training training;
    bool many_to_many;
};

static size_t read_numbers(struct json *j, struct numbers *numbers)
{
    size_t n_elements = 0;
    if (json_peek(j) == JSON_NUMBER) {
        numbers->values = realloc(numbers->values, (numbers->n + 1) * sizeof *numbers->values);
        ck_assert_ptr_nonnull(numbers->values);
        ck_assert(json_real(j, false, &numbers->values[numbers->n++]));
        return 0;
    }
    ck_assert(json_array(j));
    while (json_element(j)) {
        read_numbers(j, numbers);
        n_elements++;
    }
    return n_elements;
}

static int read_choice(struct json *j, const char *words)
{
    struct json_text text;
    char word[32];
    ck_assert(json_string(j, &text) && json_unescape(text, word, sizeof word));
    if (strcmp(word, "momentum") == 0) {
        return GRU_SGD;
    }
    int index = 0;
    const char *found = strstr(words, word);
    ck_assert_msg(found != NULL, "%s", word);
    for (const char *p = words; p < found; p++) {
        index += *p == '|';
    }
    return index;
}

static double read_number(struct json *j)
{
    double value = 0;
    ck_assert(json_peek(j) == JSON_NULL ? json_null(j) : json_number(j, &value));
    return value;
}

static void read_schedule(struct json *j, struct gru_hyperparameters *h)
{
    struct json_text key;
    if (json_peek(j) == JSON_NULL) {
        ck_assert(json_null(j));
        return;
    }
    ck_assert(json_object(j));
    while (json_member(j, &key)) {
        if (json_text_is(key, "type")) {
            h->schedule_type = read_choice(j, GRU_SCHEDULE_WORDS);
        } else if (json_text_is(key, "warmup_steps")) {
            h->schedule_warmup_steps = (size_t)read_number(j);
        } else if (json_text_is(key, "step_epochs")) {
            h->schedule_step_epochs = (size_t)read_number(j);
        } else {
            ck_assert(json_text_is(key, "factor"));
            h->schedule_factor = read_number(j);
        }
    }
}

static void read_class_weights(struct json *j, struct gru_hyperparameters *h)
{
    size_t n = 0;
    if (json_peek(j) == JSON_NULL) {
        ck_assert(json_null(j));
        return;
    }
    ck_assert(json_array(j));
    while (json_element(j)) {
        h->class_weights[n++] = read_number(j);
    }
    h->class_weighting = GRU_CLASSES_GIVEN;
}

static void read_member(struct json *j, struct json_text key, struct golden_run *run)
{
    struct gru_hyperparameters *h = &run->training.hyperparameters;
    if (json_text_is(key, "x")) {
        run->n_series = read_numbers(j, &run->x);
    } else if (json_text_is(key, "y")) {
        read_numbers(j, &run->y);
    } else if (json_text_is(key, "losses")) {
        read_numbers(j, &run->losses);
    } else if (json_text_is(key, "grad_norms")) {
        read_numbers(j, &run->grad_norms);
    } else if (json_text_is(key, "learning_rates")) {
        read_numbers(j, &run->rates);
    } else if (json_text_is(key, "class_weights")) {
        read_class_weights(j, h);
    } else if (json_text_is(key, "schedule")) {
        read_schedule(j, h);
    } else if (json_text_is(key, "optimizer")) {
        h->optimizer = read_choice(j, "sgd|adam|adamw");
    } else if (json_text_is(key, "loss")) {
        h->loss = read_choice(j, "mse|mae|huber|bce|cross_entropy");
    } else if (json_text_is(key, "lr")) {
        h->learning_rate = read_number(j);
    } else if (json_text_is(key, "momentum")) {
        h->momentum = read_number(j);
    } else if (json_text_is(key, "weight_decay")) {
        h->weight_decay = read_number(j);
    } else if (json_text_is(key, "clip_norm")) {
        h->clip_norm = read_number(j);
    } else if (json_text_is(key, "many_to_many")) {
        ck_assert(json_bool(j, &run->many_to_many));
    } else {
        json_skip(j);
    }
}

static struct file read_tensors(const char *folder, const char *name, const char *kind)
{
    char path[128];
    snprintf(path, sizeof path, "tests/fixtures/%s/train-%s%s.safetensors", folder, name, kind);
    return file_read(path);
}

static size_t header_bytes(const struct file *file)
{
    uint64_t n;
    memcpy(&n, file->bytes, sizeof n);
    return sizeof n + (size_t)n;
}

static struct gru_model *load(const char *name)
{
    return expect_loaded(read_tensors("golden", name, ""));
}

/* Gradients or weights, with the description of the model that was trained, which has tensors in
 * the same places. */
static struct gru_model *load_weights(const char *name, const char *kind)
{
    const struct file base = read_tensors("golden", name, "");
    const struct file of = read_tensors("golden_weights", name, kind);
    const size_t n_header = header_bytes(&base), n_tensors = base.n - n_header;
    ck_assert_uint_eq(n_tensors, of.n - header_bytes(&of));
    memcpy(base.bytes + n_header, of.bytes + header_bytes(&of), n_tensors);
    free(of.bytes);
    return expect_loaded(base);
}

static void read_json(const char *name, struct golden_run *run)
{
    static char text[32768];
    char path[128];
    snprintf(path, sizeof path, "tests/fixtures/golden/train-%s.json", name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    size_t n = fread(text, 1, sizeof text, file);
    ck_assert(feof(file));
    fclose(file);
    struct json j;
    struct json_text key;
    json_init(&j, text, n);
    ck_assert(json_object(&j));
    while (json_member(&j, &key)) {
        read_member(&j, key, run);
    }
    ck_assert_msg(json_end(&j), "%s: %s", path, json_error_text(j.error));
}

static void load_run(const char *name, struct golden_run *run)
{
    *run = (struct golden_run){ .model = load(name),
                                .grad0 = load_weights(name, ".grad0"),
                                .trained = load_weights(name, ".trained"),
                                .training = { .hyperparameters = training_plain() } };
    read_json(name, run);
    ck_assert_uint_gt(run->n_series, 0);
    size_t n_rows = run->x.n / run->n_series / gru_model_info(run->model)->n_inputs;
    for (size_t k = 0; k < run->n_series; k++) {
        run->series[k] = (struct gru_series){ .x = run->x.values + k * run->x.n / run->n_series,
                                              .n_rows = n_rows,
                                              .y = run->y.values + k * run->y.n / run->n_series,
                                              .n_targets = run->many_to_many ? n_rows : 1 };
    }
    run->training.series = run->series;
    run->training.n_series = run->n_series;
    run->training.hyperparameters.n_epochs = run->losses.n;
}

static void free_run(struct golden_run *run)
{
    gru_model_unref(run->model);
    gru_model_unref(run->grad0);
    gru_model_unref(run->trained);
    free(run->x.values);
    free(run->y.values);
    free(run->losses.values);
    free(run->grad_norms.values);
    free(run->rates.values);
}

static double distance(const float *a, const float *b, size_t n, double *ret_size)
{
    double square = 0, size = 0;
    for (size_t k = 0; k < n; k++) {
        square += ((double)a[k] - (double)b[k]) * ((double)a[k] - (double)b[k]);
        size += (double)b[k] * (double)b[k];
    }
    *ret_size = sqrt(size);
    return sqrt(square);
}

/* float32 follows float64 through a run to far better than the 1 % that is asked for. */
TEST(losses_and_norms_of_golden_runs_agree)
{
    for (size_t c = 0; c < N_NAMES; c++) {
        struct golden_run run;
        load_run(names[c], &run);
        struct gru_trainer *trainer = training_begin(run.model, &run.training);
        struct gru_progress progress;
        for (size_t k = 0; k < run.losses.n; k++) {
            ck_assert_int_eq(gru_trainer_advance(trainer, &progress), GRU_ADVANCED_STEP);
            double loss = (double)run.losses.values[k], norm = (double)run.grad_norms.values[k];
            training_expect_near(names[c], progress.step_loss, loss, 1e-3);
            training_expect_near(names[c], progress.grad_norm, norm, 1e-3);
            ck_assert_msg(run.rates.n == 0 ||
                              (double)(float)progress.learning_rate == run.rates.values[k],
                          "%s: update %zu has the rate %.9g, not %.9g", names[c], k,
                          progress.learning_rate, (double)run.rates.values[k]);
            ck_assert_int_eq(gru_trainer_advance(trainer, &progress), GRU_ADVANCED_EPOCH);
            ck_assert(progress.train_loss == progress.step_loss);
        }
        ck_assert_int_eq(gru_trainer_advance(trainer, &progress), GRU_ADVANCED_END);
        struct gru_model *model = training_model_of(trainer);
        size_t n;
        double size;
        float *got = training_weights(model, &n), *want = training_weights(run.trained, &n);
        double off = distance(got, want, n, &size);
        ck_assert_msg(off < 1e-4 * size, "%s: weights are %g of %g off", names[c], off, size);
        free(got);
        free(want);
        gru_model_unref(model);
        gru_trainer_free(trainer);
        free_run(&run);
    }
}

/* One update of plain sgd shows the gradient; a large power of two keeps its digits. */
TEST(first_gradients_of_golden_runs_agree_to_1e_4)
{
    for (size_t c = 0; c < N_NAMES; c++) {
        struct golden_run run;
        size_t n;
        double size;
        load_run(names[c], &run);
        struct gru_hyperparameters *h = &run.training.hyperparameters;
        const struct gru_hyperparameters all = *h;
        *h = training_plain();
        h->loss = all.loss;
        h->class_weighting = all.class_weighting;
        memcpy(h->class_weights, all.class_weights, sizeof all.class_weights);
        h->optimizer = GRU_SGD;
        h->learning_rate = 64;
        h->n_epochs = 1;
        struct gru_progress progress;
        struct gru_model *model = training_whole(run.model, &run.training, &progress);
        float *before = training_weights(run.model, &n), *after = training_weights(model, &n);
        float *want = training_weights(run.grad0, &n);
        for (size_t k = 0; k < n; k++) {
            before[k] = (before[k] - after[k]) / 64;
        }
        double off = distance(before, want, n, &size);
        ck_assert_msg(off < 1e-5 * size, "%s: the gradient is %g of %g off", names[c], off, size);
        for (size_t k = 0; k < n; k++) {
            double tolerance = fmax(1e-4 * fabs((double)want[k]), 1e-6 * size);
            ck_assert_msg(fabs((double)before[k] - (double)want[k]) < tolerance,
                          "%s[%zu]: %.9g, not %.9g", names[c], k, (double)before[k],
                          (double)want[k]);
        }
        free(before);
        free(after);
        free(want);
        gru_model_unref(model);
        free_run(&run);
    }
}
