/* Writing the metadata: the canonical object, with nothing in it that is the default; see
 * metadata.h. */
#include "engine/file/metadata.h"
#include "engine/file/network_write.h"
#include "engine/file/transform_text.h"
#include "engine/file/variable_index.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A key, after a comma unless it is the first of its object. */
static void put_key(struct file_text *out, const char *key)
{
    if (out->n > 0 && out->p[out->n - 1] != '{') {
        gru_text_puts(out, ",");
    }
    gru_text_put_string(out, key, strlen(key));
    gru_text_puts(out, ":");
}

static void put_word(struct file_text *out, const char *key, const char *word)
{
    put_key(out, key);
    gru_text_put_string(out, word, strlen(word));
}

/* Bit for bit, of finite numbers: -0 is not 0, and must come back as it was. */
static bool same(double a, double b)
{
    return a == b && signbit(a) == signbit(b);
}

/* ---- variables ---- */

static bool has_default_name(const struct gru_variable *variable, char letter, size_t k)
{
    char name[GRU_NAME_MAX + 1];
    snprintf(name, sizeof name, "%c%zu", letter, k);
    return strcmp(variable->name, name) == 0;
}

static void put_name_and_unit(struct file_text *out, const struct gru_variable *variable)
{
    put_word(out, "name", variable->name);
    if (variable->unit[0] != '\0') {
        put_word(out, "unit", variable->unit);
    }
}

/* Both numbers or none, because one alone would leave the other at 0 or 1. */
static void put_scaling(struct file_text *out, const struct gru_variable *variable, double mean,
                        double std)
{
    if (!same(variable->mean, mean) || !same(variable->std, std)) {
        put_key(out, "mean");
        gru_text_put_double(out, variable->mean);
        put_key(out, "std");
        gru_text_put_double(out, variable->std);
    }
}

static void put_inputs(struct file_text *out, const struct gru_info *info)
{
    bool is_default = true;
    for (size_t i = 0; i < info->n_inputs; i++) {
        const struct gru_variable *input = &info->inputs[i];
        is_default = is_default && has_default_name(input, 'x', i) && input->unit[0] == '\0' &&
                     same(input->mean, 0) && same(input->std, 1) &&
                     input->transform.kind == GRU_TRANSFORM_NONE;
    }
    if (is_default) {
        return;
    }
    put_key(out, "inputs");
    for (size_t i = 0; i < info->n_inputs; i++) {
        gru_text_puts(out, i > 0 ? ",{" : "[{");
        put_name_and_unit(out, &info->inputs[i]);
        put_scaling(out, &info->inputs[i], 0, 1);
        if (info->inputs[i].transform.kind != GRU_TRANSFORM_NONE) {
            put_key(out, "transform");
            gru_transform_write(&info->inputs[i].transform, out);
        }
        gru_text_puts(out, "}");
    }
    gru_text_puts(out, "]");
}

static void put_outputs(struct file_text *out, const struct gru_info *info,
                        const struct name_index *inputs)
{
    bool is_default = true;
    struct file_text list = { 0 };
    for (size_t o = 0; o < info->n_outputs; o++) {
        const struct gru_variable *output = &info->outputs[o];
        const struct gru_variable *fed = output->feeds >= 0 ? &info->inputs[output->feeds] : NULL;
        const struct gru_variable *namesake = gru_name_index_find(inputs, output->name);
        struct gru_variable plain = *output;
        gru_metadata_default_scaling(&plain, fed, info->residual);
        gru_text_puts(&list, o > 0 ? ",{" : "[{");
        put_name_and_unit(&list, output);
        put_scaling(&list, output, plain.mean, plain.std);
        if (fed != namesake) {
            put_key(&list, "feeds");
            gru_text_puts(&list, fed ? "" : "null");
            if (fed) {
                gru_text_put_string(&list, fed->name, strlen(fed->name));
            }
        }
        gru_text_puts(&list, "}");
        is_default = is_default && has_default_name(output, 'y', o) && output->unit[0] == '\0' &&
                     same(output->mean, plain.mean) && same(output->std, plain.std) &&
                     fed == namesake;
    }
    gru_text_puts(&list, "]");
    if (!is_default && !list.failed) {
        put_key(out, "outputs");
        gru_text_put(out, list.p, list.n);
    }
    out->failed = out->failed || list.failed;
    gru_text_done(&list);
}

static void put_variables(struct file_text *out, const struct gru_info *info)
{
    struct name_index inputs;
    if (!gru_name_index_init(&inputs, info->inputs, info->n_inputs)) {
        out->failed = true;
        return;
    }
    put_inputs(out, info);
    put_outputs(out, info, &inputs);
    gru_name_index_done(&inputs);
}

/* ---- selftest ---- */

static void put_value(struct file_text *out, const struct gru_info *info, double value)
{
    if (info->is_wide) {
        gru_text_put_double(out, value);
    } else {
        gru_text_put_float(out, (float)value);
    }
}

static void put_rows(struct file_text *out, const struct gru_info *info, const double *values,
                     size_t n_rows, size_t n_columns)
{
    gru_text_puts(out, "[");
    for (size_t row = 0; row < n_rows; row++) {
        gru_text_puts(out, row > 0 ? ",[" : "[");
        for (size_t k = 0; k < n_columns; k++) {
            gru_text_puts(out, k > 0 ? "," : "");
            put_value(out, info, values[row * n_columns + k]);
        }
        gru_text_puts(out, "]");
    }
    gru_text_puts(out, "]");
}

static void put_selftest(struct file_text *out, const struct gru_model *model)
{
    const struct gru_selftest *selftest = &model->selftest;
    put_key(out, "selftest");
    gru_text_puts(out, "{");
    put_key(out, "x");
    put_rows(out, &model->info, selftest->x, selftest->n_rows, model->info.n_inputs);
    put_key(out, "y");
    put_rows(out, &model->info, selftest->y, selftest->n_rows,
             model->info.steps * model->info.n_outputs);
    gru_text_puts(out, "}");
}

/* What the layers are, where their tensors' names do not say it. */
static void put_layers(struct file_text *out, const struct gru_model *model)
{
    const struct layer_shape *first = &model->layers[0].shape;
    if (!gru_network_is_plain(model)) {
        put_key(out, "network");
        gru_network_write(model, out);
        return;
    }
    if (first->kind->id != metadata_default_cell) {
        put_word(out, "cell", gru_layer_kind_name(first->kind->id));
    }
    if (first->kind->has_reset && first->reset != GRU_RESET_AFTER) {
        put_word(out, "reset", gru_reset_name(first->reset));
    }
    if (model->info.activation != GRU_LINEAR) {
        put_word(out, "activation", gru_activation_name(model->info.activation));
    }
}

void gru_metadata_write(const struct gru_model *model, struct file_text *out)
{
    const struct gru_info *info = &model->info;
    gru_text_puts(out, "{");
    put_layers(out, model);
    put_variables(out, info);
    if (info->residual) {
        put_key(out, "residual");
        gru_text_puts(out, "true");
    }
    if (info->steps != 1) {
        put_key(out, "steps");
        gru_text_put_int(out, info->steps);
    }
    const bool feeds = gru_metadata_default_missing(info) == GRU_MISSING_FORECAST;
    if (feeds || info->missing != GRU_MISSING_LAST) { /* the default was `last` for all once */
        put_word(out, "missing", gru_missing_name(info->missing));
    }
    if (info->interval_seconds > 0) {
        put_key(out, "interval_seconds");
        gru_text_put_double(out, info->interval_seconds);
    }
    if (info->season > 0) {
        put_key(out, "season");
        gru_text_put_int(out, info->season);
    }
    if (model->selftest.n_rows > 0) {
        put_selftest(out, model);
    }
    gru_text_puts(out, "}");
}
