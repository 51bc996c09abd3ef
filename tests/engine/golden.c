#include "golden.h"
#include "test.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>

// clang-format off
const char *const golden_names[] = {
    "batch-norm", "gru-cell-names", "input-projection", "keras-stacked", "layer-norm",
    "learned-first-state", "lstm", "lstm-nobias", "lstm-stacked", "mixed-cells", "mlp-head",
    "output-gated", "relu-between", "reset-before", "seed-sigmoid", "three-gate", "torch-deep",
    "torch-nobias", "torch-odd", "torch-sigmoid", "torch-small", "torch-softmax", "torch-stacked",
    "torch-wide", "two-heads", NULL
};
// clang-format on

static char *read_text(const char *path, size_t *ret_n)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    long n = ftell(file);
    ck_assert_int_gt(n, 0);
    rewind(file);
    char *text = malloc((size_t)n);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(fread(text, 1, (size_t)n, file), (size_t)n);
    fclose(file);
    *ret_n = (size_t)n;
    return text;
}

/* An array of rows of numbers, flattened. */
static double *read_rows(struct json *j, size_t *ret_n_rows, size_t *ret_n_values)
{
    double *values = NULL;
    size_t n_rows = 0, n = 0;
    ck_assert(json_array(j));
    while (json_element(j)) {
        size_t width;
        values = realloc(values, (n + 4096) * sizeof *values);
        ck_assert_ptr_nonnull(values);
        ck_assert(json_real_array(j, false, values + n, 4096, &width));
        n += width;
        n_rows++;
    }
    *ret_n_rows = n_rows;
    *ret_n_values = n;
    return values;
}

struct golden golden_load(const char *name)
{
    struct golden golden = { 0 };
    struct gru_error error;
    char path[160];
    snprintf(path, sizeof path, "tests/fixtures/golden/%s.safetensors", name);
    ck_assert_msg(gru_model_load_file(path, &golden.model, &error) == GRU_OK, "%s: %s", name,
                  error.message);
    snprintf(path, sizeof path, "tests/fixtures/golden/%s.json", name);
    size_t n_text;
    char *text = read_text(path, &n_text);
    struct json j;
    struct json_text key;
    size_t n_rows, n;
    json_init(&j, text, n_text);
    ck_assert(json_object(&j));
    while (json_member(&j, &key)) {
        if (json_text_is(key, "x")) {
            golden.x = read_rows(&j, &golden.n_rows, &n);
        } else if (json_text_is(key, "y")) {
            golden.y = read_rows(&j, &n_rows, &n);
        } else if (json_text_is(key, "h_final")) {
            golden.h_final = read_rows(&j, &n_rows, &golden.n_hidden);
        } else {
            json_skip(&j);
        }
    }
    ck_assert_msg(json_end(&j), "%s: %s", path, json_error_text(j.error));
    free(text);
    return golden;
}

void golden_free(struct golden *golden)
{
    gru_model_unref(golden->model);
    free(golden->x);
    free(golden->y);
    free(golden->h_final);
}
