/* Joins what the metadata says with the sizes that the tensors have; see metadata.h. */
#include "engine/file/metadata.h"
#include "engine/file/transform_text.h"
#include "engine/file/variable_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void gru_metadata_default_scaling(struct gru_variable *output, const struct gru_variable *fed,
                                  bool residual)
{
    output->mean = 0;
    output->std = 1;
    if (fed && residual) {
        output->std = fed->std; /* its values are changes, and those have no offset */
    } else if (fed && strcmp(fed->name, output->name) == 0) {
        output->mean = fed->mean;
        output->std = fed->std;
    }
}

enum gru_missing gru_metadata_default_missing(const struct gru_info *info)
{
    bool feeds = false;
    for (size_t o = 0; o < info->n_outputs; o++) {
        feeds = feeds || info->outputs[o].feeds >= 0;
    }
    return feeds ? GRU_MISSING_FORECAST : GRU_MISSING_LAST;
}

/* The variables that the file describes, or as many nameless ones; then names for those that have
 * none. */
static enum gru_status name_variables(const struct metadata_variable *given, size_t n_given,
                                      size_t n, const char *key,
                                      struct gru_variable **ret_variables, struct gru_error *error)
{
    char path[GRU_NAME_MAX];
    if (given && n_given != n) {
        snprintf(path, sizeof path, "grud.%s", key);
        return gru_fail(error, GRU_BAD_METADATA, path,
                        "'%s' describes %zu %s, but the tensors have %zu", path, n_given, key, n);
    }
    struct gru_variable *variables = gru_array_alloc(n, sizeof *variables);
    if (!variables) {
        return gru_fail_no_memory(error);
    }
    *ret_variables = variables;
    for (size_t k = 0; k < n; k++) {
        variables[k] = given ? given[k].variable : (struct gru_variable){ .std = 1, .feeds = -1 };
        if (variables[k].name[0] == '\0') {
            snprintf(variables[k].name, sizeof variables[k].name, "%c%zu", *key == 'i' ? 'x' : 'y',
                     k);
        }
    }
    struct name_index index;
    if (!gru_name_index_init(&index, variables, n)) {
        return gru_fail_no_memory(error);
    }
    const struct gru_variable *duplicate = gru_name_index_duplicate(&index);
    gru_name_index_done(&index);
    if (duplicate) {
        snprintf(path, sizeof path, "grud.%s[%zu].name", key, (size_t)(duplicate - variables));
        return gru_fail(error, GRU_BAD_METADATA, path, "'%s': another of the %s is named '%s' too",
                        path, key, gru_show(duplicate->name).text);
    }
    return GRU_OK;
}

/* Which input an output feeds: the one that it names, or else the one whose name it has. `fed_by`
 * says for each input which output feeds it, plus one. */
static enum gru_status connect_output(const struct metadata_variable *given, size_t o,
                                      struct gru_info *info, const struct name_index *inputs,
                                      size_t *fed_by, struct gru_error *error)
{
    struct gru_variable *output = &info->outputs[o];
    bool named = given && given->has_feeds;
    const char *name = named ? given->feeds : output->name;
    const struct gru_variable *fed = *name != '\0' ? gru_name_index_find(inputs, name) : NULL;
    char path[GRU_NAME_MAX];
    snprintf(path, sizeof path, "grud.outputs[%zu].feeds", o);
    if (named && *name != '\0' && !fed) {
        return gru_fail(error, GRU_BAD_METADATA, path, "'%s' names '%s', which is no input", path,
                        gru_show(name).text);
    }
    if (fed) {
        size_t i = (size_t)(fed - info->inputs);
        if (fed_by[i] > 0) {
            return gru_fail(error, GRU_BAD_METADATA, path,
                            "the outputs '%s' and '%s' both feed the input '%s'",
                            gru_show(info->outputs[fed_by[i] - 1].name).text,
                            gru_show(output->name).text, gru_show(fed->name).text);
        }
        fed_by[i] = o + 1;
        output->feeds = (int)i;
    }
    if (!given || !given->has_scaling) {
        gru_metadata_default_scaling(output, fed, info->residual);
    }
    return GRU_OK;
}

static enum gru_status connect_outputs(const struct metadata *metadata, struct gru_info *info,
                                       struct gru_error *error)
{
    struct name_index inputs;
    enum gru_status status = GRU_OK;
    size_t *fed_by = calloc(info->n_inputs + 1, sizeof *fed_by);
    if (!fed_by || !gru_name_index_init(&inputs, info->inputs, info->n_inputs)) {
        free(fed_by);
        return gru_fail_no_memory(error);
    }
    for (size_t o = 0; status == GRU_OK && o < info->n_outputs; o++) {
        status = connect_output(metadata->outputs ? &metadata->outputs[o] : NULL, o, info, &inputs,
                                fed_by, error);
    }
    gru_name_index_done(&inputs);
    free(fed_by);
    return status;
}

static enum gru_status check_columns(const struct metadata_rows *rows, const char *path,
                                     size_t expected, struct gru_error *error)
{
    if (rows->n_rows == 0 || rows->n_columns == expected) {
        return GRU_OK;
    }
    return gru_fail(error, GRU_BAD_METADATA, path,
                    "'%s' has rows of %zu numbers, but %zu are expected", path, rows->n_columns,
                    expected);
}

static enum gru_status take_selftest(struct metadata *metadata, size_t n_inputs, size_t n_head_rows,
                                     struct gru_selftest *selftest, struct gru_error *error)
{
    enum gru_status status = check_columns(&metadata->x, "grud.selftest.x", n_inputs, error);
    if (status == GRU_OK) {
        status = check_columns(&metadata->y, "grud.selftest.y", n_head_rows, error);
    }
    for (size_t k = 0; status == GRU_OK && k < metadata->y.n_rows * metadata->y.n_columns; k++) {
        if (metadata->y.values[k] != metadata->y.values[k]) {
            status = gru_fail(error, GRU_BAD_METADATA, "grud.selftest.y",
                              "'grud.selftest.y' must hold numbers, but row %zu has null at %zu",
                              k / n_head_rows, k % n_head_rows);
        }
    }
    if (status == GRU_OK) {
        *selftest = (struct gru_selftest){ .n_rows = metadata->x.n_rows,
                                           .x = metadata->x.values,
                                           .y = metadata->y.values };
        metadata->x = (struct metadata_rows){ 0 };
        metadata->y = (struct metadata_rows){ 0 };
    }
    return status;
}

enum gru_status gru_metadata_apply(struct metadata *metadata, size_t n_inputs, size_t n_head_rows,
                                   struct gru_model *model, struct gru_error *error)
{
    struct gru_info *info = &model->info;
    if (n_head_rows % metadata->steps != 0) {
        return gru_fail(error, GRU_BAD_METADATA, "grud.steps",
                        "the read-out has %zu rows, which %zu steps do not divide", n_head_rows,
                        metadata->steps);
    }
    info->residual = metadata->residual;
    info->steps = metadata->steps;
    info->interval_seconds = metadata->interval_seconds;
    info->season = metadata->season;
    info->n_inputs = n_inputs;
    info->n_outputs = n_head_rows / metadata->steps;
    enum gru_status status = name_variables(metadata->inputs, metadata->n_inputs, info->n_inputs,
                                            "inputs", &info->inputs, error);
    if (status == GRU_OK) {
        status = name_variables(metadata->outputs, metadata->n_outputs, info->n_outputs, "outputs",
                                &info->outputs, error);
    }
    if (status == GRU_OK) {
        status = connect_outputs(metadata, info, error);
    }
    if (status == GRU_OK) {
        info->missing =
            metadata->has_missing ? metadata->missing : gru_metadata_default_missing(info);
        status = gru_transforms_settle(info, "grud.", GRU_BAD_METADATA, error);
    }
    if (status == GRU_OK) {
        status = take_selftest(metadata, n_inputs, n_head_rows, &model->selftest, error);
    }
    return status;
}
