#include "fixture.h"
#include "engine/model.h"
#include "test.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *allocate(size_t n)
{
    void *p = malloc(n > 0 ? n : 1);
    ck_assert_ptr_nonnull(p);
    return p;
}

/* ---- building ---- */

struct fixture fixture_new(void)
{
    return (struct fixture){ .n = 0 };
}

void fixture_raw_tensor(struct fixture *f, const char *name, const char *dtype, size_t rows,
                        size_t columns, const void *bytes, size_t n_bytes)
{
    ck_assert_uint_lt(f->n, FIXTURE_TENSORS_MAX);
    struct fixture_tensor *tensor = &f->tensors[f->n++];
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    tensor->dtype = dtype;
    tensor->rows = rows;
    tensor->columns = columns;
    tensor->middle = 0;
    tensor->n_bytes = n_bytes;
    tensor->bytes = allocate(n_bytes);
    memcpy(tensor->bytes, bytes, n_bytes);
}

void fixture_tensor(struct fixture *f, const char *name, size_t rows, size_t columns)
{
    size_t n = rows * (columns > 0 ? columns : 1);
    float *values = allocate(n * sizeof *values);
    for (size_t k = 0; k < n; k++) {
        values[k] = (float)((k * 7919 + f->n * 104729) % 1000) / 1000.0F - 0.5F;
    }
    fixture_raw_tensor(f, name, "F32", rows, columns, values, n * sizeof *values);
    free(values);
}

void fixture_layer(struct fixture *f, const char *prefix, size_t layer, size_t n_gates,
                   size_t n_inputs, size_t n_hidden)
{
    static const char *const names[] = { "weight_ih_l", "weight_hh_l", "bias_ih_l", "bias_hh_l" };
    const size_t columns[] = { n_inputs, n_hidden, 0, 0 };
    for (int k = 0; k < 4; k++) {
        char name[160];
        snprintf(name, sizeof name, "%s%s%zu", prefix, names[k], layer);
        fixture_tensor(f, name, n_gates * n_hidden, columns[k]);
    }
}

static struct fixture_tensor *find(struct fixture *f, const char *name)
{
    for (size_t k = 0; k < f->n; k++) {
        if (strcmp(f->tensors[k].name, name) == 0) {
            return &f->tensors[k];
        }
    }
    ck_abort_msg("the fixture has no tensor %s", name);
    return NULL;
}

float *fixture_values(struct fixture *f, const char *name)
{
    return (float *)(void *)find(f, name)->bytes;
}

void fixture_remove(struct fixture *f, const char *name)
{
    struct fixture_tensor *tensor = find(f, name);
    free(tensor->bytes);
    *tensor = f->tensors[--f->n];
}

void fixture_rename(struct fixture *f, const char *name, const char *new_name)
{
    struct fixture_tensor *tensor = find(f, name);
    snprintf(tensor->name, sizeof tensor->name, "%s", new_name);
}

struct fixture fixture_small(void)
{
    struct fixture f = fixture_new();
    fixture_layer(&f, "gru.", 0, 3, 2, 4);
    fixture_tensor(&f, "fc.weight", 2, 4);
    fixture_tensor(&f, "fc.bias", 2, 0);
    return f;
}

static struct file assemble(const char *header, size_t n_header, const unsigned char *data,
                            size_t n_data)
{
    struct file file = { .n = 8 + n_header + n_data };
    file.bytes = allocate(file.n);
    for (int k = 0; k < 8; k++) {
        file.bytes[k] = (unsigned char)((uint64_t)n_header >> (8 * k));
    }
    memcpy(file.bytes + 8, header, n_header);
    if (data) {
        memcpy(file.bytes + 8 + n_header, data, n_data);
    } else {
        memset(file.bytes + 8 + n_header, 0, n_data);
    }
    return file;
}

struct file file_of(const char *header, size_t n_data)
{
    return assemble(header, strlen(header), NULL, n_data);
}

struct file fixture_file(struct fixture *f)
{
    size_t n_grud = f->grud ? strlen(f->grud) : 0;
    size_t n_data = 0;
    for (size_t k = 0; k < f->n; k++) {
        n_data += f->tensors[k].n_bytes;
    }
    char *header = allocate(6 * n_grud + 100 + f->n * 400);
    unsigned char *data = allocate(n_data);
    size_t begin = 0;
    char *p = header + sprintf(header, "{");
    if (f->grud) {
        p += sprintf(p, "\"__metadata__\":{\"format\":\"pt\",\"grud\":");
        p = json_print_string(p, f->grud, n_grud);
        p += sprintf(p, "}%s", f->n > 0 ? "," : "");
    }
    for (size_t k = 0; k < f->n; k++) {
        struct fixture_tensor *tensor = &f->tensors[k];
        memcpy(data + begin, tensor->bytes, tensor->n_bytes);
        p += sprintf(p, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%zu", k > 0 ? "," : "", tensor->name,
                     tensor->dtype, tensor->rows);
        p += tensor->middle > 0 ? sprintf(p, ",%zu", tensor->middle) : 0;
        p += tensor->columns > 0 ? sprintf(p, ",%zu", tensor->columns) : 0;
        p += sprintf(p, "],\"data_offsets\":[%zu,%zu]}", begin, begin + tensor->n_bytes);
        begin += tensor->n_bytes;
        free(tensor->bytes);
    }
    p += sprintf(p, "}");
    struct file file = assemble(header, (size_t)(p - header), data, n_data);
    free(header);
    free(data);
    *f = fixture_new();
    return file;
}

struct file file_read(const char *path)
{
    struct file file = { .n = 0 };
    FILE *stream = fopen(path, "rb");
    ck_assert_msg(stream != NULL, "cannot open %s", path);
    ck_assert_int_eq(fseek(stream, 0, SEEK_END), 0);
    file.n = (size_t)ftell(stream);
    rewind(stream);
    file.bytes = allocate(file.n);
    ck_assert_uint_eq(fread(file.bytes, 1, file.n, stream), file.n);
    fclose(stream);
    return file;
}

/* ---- expecting ---- */

struct gru_model *expect_loaded(struct file file)
{
    struct gru_model *model = NULL;
    struct gru_error error = { 0 };
    enum gru_status status = gru_model_load(file.bytes, file.n, &model, &error);
    ck_assert_msg(status == GRU_OK, "refused: %s: [%s] %s", gru_status_text(status), error.param,
                  error.message);
    free(file.bytes);
    return model;
}

void expect_refused(struct file file, enum gru_status status, const char *param, const char *part)
{
    struct gru_model *model = NULL;
    struct gru_error error = { .param = "untouched", .message = "untouched" };
    enum gru_status got = gru_model_load(file.bytes, file.n, &model, &error);
    ck_assert_msg(got == status && strcmp(error.param, param) == 0 && strstr(error.message, part),
                  "expected: '%s', [%s], '...%s...'; got: '%s', [%s], '%s'",
                  gru_status_text(status), param, part, gru_status_text(got), error.param,
                  error.message);
    ck_assert_ptr_null(model);
    ck_assert_int_eq(gru_model_load(file.bytes, file.n, &model, NULL), status);
    free(file.bytes);
}

struct gru_model *fixture_loaded(struct fixture *f)
{
    return expect_loaded(fixture_file(f));
}

void fixture_refused(struct fixture *f, const char *param, const char *part)
{
    expect_refused(fixture_file(f), GRU_BAD_TENSORS, param, part);
}

void expect_layer(const struct gru_model *model, size_t l, size_t input_size, size_t hidden_size)
{
    ck_assert_uint_eq(gru_model_info(model)->layers[l].input_size, input_size);
    ck_assert_uint_eq(gru_model_info(model)->layers[l].hidden_size, hidden_size);
}

static void expect_same_bits(const void *a, const void *b, size_t n_bytes)
{
    ck_assert((a == NULL) == (b == NULL));
    if (a) {
        ck_assert_mem_eq(a, b, n_bytes);
    }
}

static void expect_same_tensor(const struct gru_tensor *a, const struct gru_tensor *b)
{
    ck_assert_uint_eq(a->rows, b->rows);
    ck_assert_uint_eq(a->columns, b->columns);
    expect_same_bits(a->values, b->values,
                     a->rows * (a->columns > 0 ? a->columns : 1) * sizeof *a->values);
}

static void expect_same_number(double a, double b)
{
    ck_assert_mem_eq(&a, &b, sizeof a);
}

static void expect_same_variables(const struct gru_variable *a, const struct gru_variable *b,
                                  size_t n)
{
    for (size_t k = 0; k < n; k++) {
        ck_assert_str_eq(a[k].name, b[k].name);
        ck_assert_str_eq(a[k].unit, b[k].unit);
        expect_same_number(a[k].mean, b[k].mean);
        expect_same_number(a[k].std, b[k].std);
        ck_assert_int_eq(a[k].feeds, b[k].feeds);
        ck_assert(a[k].transform.kind == b[k].transform.kind &&
                  a[k].transform.season == b[k].transform.season &&
                  a[k].transform.scale == b[k].transform.scale);
        expect_same_number(a[k].transform.rate, b[k].transform.rate);
    }
}

static void expect_same_info(const struct gru_info *a, const struct gru_info *b)
{
    ck_assert(a->activation == b->activation);
    ck_assert(a->missing == b->missing && a->residual == b->residual && a->steps == b->steps);
    ck_assert(a->n_inputs == b->n_inputs && a->n_outputs == b->n_outputs &&
              a->n_layers == b->n_layers);
    ck_assert(a->n_parameters == b->n_parameters && a->n_feeds == b->n_feeds);
    ck_assert(a->state_floats == b->state_floats && a->y_floats == b->y_floats);
    expect_same_number(a->interval_seconds, b->interval_seconds);
    ck_assert_uint_eq(a->season, b->season);
    expect_same_variables(a->inputs, b->inputs, a->n_inputs);
    expect_same_variables(a->outputs, b->outputs, a->n_outputs);
    for (size_t l = 0; l < a->n_layers; l++) {
        ck_assert(a->layers[l].kind == b->layers[l].kind &&
                  a->layers[l].reset == b->layers[l].reset);
        ck_assert_uint_eq(a->layers[l].input_size, b->layers[l].input_size);
        ck_assert_uint_eq(a->layers[l].hidden_size, b->layers[l].hidden_size);
    }
    ck_assert_uint_eq(a->n_heads, b->n_heads);
    for (size_t k = 0; k < a->n_heads; k++) {
        ck_assert(a->heads[k].activation == b->heads[k].activation &&
                  a->heads[k].n_outputs == b->heads[k].n_outputs);
    }
}

static void expect_same_shape(const struct layer_shape *a, const struct layer_shape *b)
{
    ck_assert_ptr_eq(a->kind, b->kind);
    ck_assert(a->reset == b->reset && a->activation == b->activation);
    ck_assert(a->n_inputs == b->n_inputs && a->n_units == b->n_units);
    expect_same_number((double)a->eps, (double)b->eps);
}

void expect_same(const struct gru_model *a, const struct gru_model *b)
{
    expect_same_info(&a->info, &b->info);
    ck_assert_uint_eq(a->n_layers, b->n_layers);
    for (size_t l = 0; l < a->n_layers; l++) {
        expect_same_shape(&a->layers[l].shape, &b->layers[l].shape);
        for (size_t k = 0; k < LAYER_TENSORS_MAX; k++) {
            expect_same_tensor(&a->layers[l].tensors[k], &b->layers[l].tensors[k]);
        }
    }
    ck_assert_uint_eq(a->selftest.n_rows, b->selftest.n_rows);
    expect_same_bits(a->selftest.x, b->selftest.x,
                     a->selftest.n_rows * a->info.n_inputs * sizeof(double));
    expect_same_bits(a->selftest.y, b->selftest.y,
                     a->selftest.n_rows * a->info.y_floats * sizeof(double));
}

struct file save(const struct gru_model *model)
{
    void *bytes;
    struct file file = { .n = 0 };
    ck_assert_int_eq(gru_model_save(model, &bytes, &file.n), GRU_OK);
    file.bytes = bytes;
    return file;
}
