/* gru_model_create: an untrained model, as PyTorch initialises its layers. */
#include "engine/file/metadata.h"
#include "engine/file/plan_layers.h"
#include "engine/file/transform_text.h"
#include "engine/file/variable_index.h"
#include "engine/model.h"
#include "engine/random.h"
#include "engine/selftest.h"
#include "json/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- random numbers ---- */

/* Numbers uniform in [-bound, bound). 24 bits each, so that everything up to the last rounding is
 * exact and no machine differs. */
static void fill(struct gru_tensor *tensor, double bound, uint64_t *random)
{
    for (size_t k = 0; k < gru_tensor_floats(tensor); k++) {
        double unit = (double)(gru_random_next(random) >> 40) * 0x1p-24; /* [0, 1) */
        tensor->values[k] = (float)(bound * (2 * unit - 1));
    }
}

/* ---- the plan ---- */

/* `k` is the index in an array; SIZE_MAX: it is not in one. */
static enum gru_status check_size(const char *what, size_t k, size_t size, struct gru_error *error)
{
    if (size >= 1 && size <= GRU_WIDTH_MAX) {
        return GRU_OK;
    }
    char param[64];
    if (k == SIZE_MAX) {
        snprintf(param, sizeof param, "%s", what);
    } else {
        snprintf(param, sizeof param, "%s[%zu]", what, k);
    }
    return gru_fail(error, GRU_BAD_ARGUMENT, param, "'%s' must be from 1 to %d, not %zu", param,
                    (int)GRU_WIDTH_MAX, size);
}

static enum gru_status check_steps(const struct gru_plan *plan, struct gru_error *error)
{
    if (gru_plan_steps(plan) <= GRU_WIDTH_MAX / plan->n_outputs) {
        return GRU_OK;
    }
    return gru_fail(error, GRU_BAD_ARGUMENT, "steps",
                    "'steps' must be from 1 to %zu, since the read-out has at most %d rows for %zu "
                    "outputs, not %zu",
                    GRU_WIDTH_MAX / plan->n_outputs, (int)GRU_WIDTH_MAX, plan->n_outputs,
                    plan->steps);
}

static enum gru_status check_choices(const struct gru_plan *plan, struct gru_error *error)
{
    if ((unsigned)plan->activation >= GRU_N_ACTIVATIONS) {
        return gru_fail(error, GRU_BAD_ARGUMENT, "activation", "'activation' is no activation: %d",
                        (int)plan->activation);
    }
    if (plan->network && plan->activation != GRU_LINEAR) {
        return gru_fail(error, GRU_BAD_ARGUMENT, "activation",
                        "'activation' stands beside a 'network': it is a key of its layers there");
    }
    if (plan->has_missing && (unsigned)plan->missing > GRU_MISSING_FORECAST) {
        return gru_fail(error, GRU_BAD_ARGUMENT, "missing", "'missing' is no policy: %d",
                        (int)plan->missing);
    }
    return GRU_OK;
}

static enum gru_status check_sizes(const struct gru_plan *plan, struct gru_error *error)
{
    enum gru_status status = check_size("n_inputs", SIZE_MAX, plan->n_inputs, error);
    if (status == GRU_OK) {
        status = check_size("n_outputs", SIZE_MAX, plan->n_outputs, error);
    }
    if (status == GRU_OK && plan->network && plan->n_layers > 0) {
        status = gru_fail(error, GRU_BAD_ARGUMENT, "n_layers",
                          "'n_layers' must be 0 with a 'network', not %zu", plan->n_layers);
    }
    if (status == GRU_OK && !plan->network &&
        (plan->n_layers < 1 || plan->n_layers > GRU_LAYERS_MAX)) {
        status = gru_fail(error, GRU_BAD_ARGUMENT, "n_layers",
                          "'n_layers' must be from 1 to %d, not %zu", (int)GRU_LAYERS_MAX,
                          plan->n_layers);
    }
    for (size_t l = 0; status == GRU_OK && l < plan->n_layers; l++) {
        status = check_size("hidden_sizes", l, plan->hidden_sizes[l], error);
    }
    return status == GRU_OK ? check_steps(plan, error) : status;
}

static enum gru_status check_interval(double seconds, struct gru_error *error)
{
    if (isfinite(seconds) && seconds >= 0) {
        return GRU_OK;
    }
    return gru_fail(error, GRU_BAD_ARGUMENT, "interval_seconds",
                    "'interval_seconds' must be finite and above 0, or 0 for unknown, not %g",
                    seconds);
}

static enum gru_status check_season(size_t season, struct gru_error *error)
{
    if (season <= GRU_SEASON_MAX) {
        return GRU_OK;
    }
    return gru_fail(error, GRU_BAD_ARGUMENT, "season",
                    "'season' must be from 1 to %d readings, or 0 for unknown, not %zu",
                    (int)GRU_SEASON_MAX, season);
}

static enum gru_status copy_names(const char *what, const char *const *names, size_t n,
                                  struct gru_variable **ret_variables, struct gru_error *error)
{
    struct gru_variable *variables = gru_array_alloc(n, sizeof *variables);
    if (!variables) {
        return gru_fail_no_memory(error);
    }
    *ret_variables = variables;
    char param[64];
    for (size_t k = 0; k < n; k++) {
        size_t n_name = strlen(names[k]);
        snprintf(param, sizeof param, "%s[%zu]", what, k);
        if (n_name < 1 || n_name > GRU_NAME_MAX || !utf8_is_valid(names[k], n_name)) {
            return gru_fail(error, GRU_BAD_ARGUMENT, param,
                            "the name '%s' must be 1 to %d bytes of UTF-8", param,
                            (int)GRU_NAME_MAX);
        }
        variables[k] = (struct gru_variable){ .std = 1, .feeds = -1 };
        memcpy(variables[k].name, names[k], n_name);
    }
    struct name_index index;
    if (!gru_name_index_init(&index, variables, n)) {
        return gru_fail_no_memory(error);
    }
    const struct gru_variable *duplicate = gru_name_index_duplicate(&index);
    gru_name_index_done(&index);
    if (duplicate) {
        snprintf(param, sizeof param, "%s[%zu]", what, (size_t)(duplicate - variables));
        return gru_fail(error, GRU_BAD_ARGUMENT, param, "another of the %s is named '%s' too", what,
                        gru_show(duplicate->name).text);
    }
    return GRU_OK;
}

static enum gru_status scale(const struct gru_plan *plan, size_t k, struct gru_info *info,
                             const struct name_index *inputs, const struct name_index *outputs,
                             struct gru_error *error)
{
    const struct gru_scaling *scaling = &plan->scalings[k];
    const struct gru_variable *input = gru_name_index_find(inputs, scaling->name);
    const struct gru_variable *output = gru_name_index_find(outputs, scaling->name);
    char param[64];
    snprintf(param, sizeof param, "scalings[%zu]", k);
    if (!input && !output) {
        return gru_fail(error, GRU_BAD_ARGUMENT, param, "there is no input or output '%s' to scale",
                        gru_show(scaling->name).text);
    }
    if (!isfinite(scaling->mean) || !isfinite(scaling->std) || !(scaling->std > 0)) {
        return gru_fail(error, GRU_BAD_ARGUMENT, param,
                        "the scaling of '%s' must have a finite mean and a std above 0",
                        gru_show(scaling->name).text);
    }
    struct gru_variable *variable =
        input ? &info->inputs[input - info->inputs] : &info->outputs[output - info->outputs];
    variable->mean = scaling->mean;
    variable->std = scaling->std;
    return GRU_OK;
}

static enum gru_status transform(const struct gru_plan *plan, size_t k, struct gru_info *info,
                                 const struct name_index *inputs, struct gru_error *error)
{
    const struct gru_transform *wanted = &plan->transforms[k].transform;
    const struct gru_variable *input = gru_name_index_find(inputs, plan->transforms[k].name);
    const size_t most = wanted->kind == GRU_SEASONAL_DIFFERENCE ? GRU_TRANSFORM_SEASON_MAX : 0;
    const bool has_rate = wanted->rate > 0 && wanted->rate <= 1;
    char param[64];
    snprintf(param, sizeof param, "transforms[%zu]", k);
    if (!input) {
        return gru_fail(error, GRU_BAD_ARGUMENT, param, "there is no input '%s' to transform",
                        gru_show(plan->transforms[k].name).text);
    }
    if (wanted->season > most || has_rate != (wanted->kind == GRU_LEVEL)) {
        return gru_fail(error, GRU_BAD_ARGUMENT, param,
                        "the transform of '%s' must be a difference, a seasonal difference of 1 to "
                        "%d readings, or a level with a rate above 0 and at most 1",
                        gru_show(input->name).text, (int)GRU_TRANSFORM_SEASON_MAX);
    }
    info->inputs[input - info->inputs].transform = *wanted;
    return GRU_OK;
}

/* Finds what each output feeds, scales and transforms. */
static enum gru_status connect(const struct gru_plan *plan, struct gru_info *info,
                               const struct name_index *inputs, const struct name_index *outputs,
                               struct gru_error *error)
{
    for (size_t k = 0; k < plan->n_scalings; k++) {
        enum gru_status status = scale(plan, k, info, inputs, outputs, error);
        if (status != GRU_OK) {
            return status;
        }
    }
    for (size_t k = 0; k < plan->n_transforms; k++) {
        enum gru_status status = transform(plan, k, info, inputs, error);
        if (status != GRU_OK) {
            return status;
        }
    }
    for (size_t o = 0; o < info->n_outputs; o++) {
        const struct gru_variable *fed = gru_name_index_find(inputs, info->outputs[o].name);
        if (fed) {
            info->outputs[o].feeds = (int)(fed - info->inputs);
            gru_metadata_default_scaling(&info->outputs[o], fed, info->residual);
        }
    }
    return gru_transforms_settle(info, "", GRU_BAD_ARGUMENT, error);
}

static enum gru_status describe(const struct gru_plan *plan, struct gru_info *info,
                                struct gru_error *error)
{
    info->residual = plan->residual;
    info->interval_seconds = plan->interval_seconds;
    info->season = plan->season;
    info->steps = gru_plan_steps(plan);
    info->n_inputs = plan->n_inputs;
    info->n_outputs = plan->n_outputs;
    enum gru_status status =
        copy_names("inputs", plan->inputs, plan->n_inputs, &info->inputs, error);
    if (status == GRU_OK) {
        status = copy_names("outputs", plan->outputs, plan->n_outputs, &info->outputs, error);
    }
    struct name_index inputs = { 0 }, outputs = { 0 };
    if (status == GRU_OK && (!gru_name_index_init(&inputs, info->inputs, info->n_inputs) ||
                             !gru_name_index_init(&outputs, info->outputs, info->n_outputs))) {
        status = gru_fail_no_memory(error);
    }
    if (status == GRU_OK) {
        status = connect(plan, info, &inputs, &outputs, error);
    }
    if (status == GRU_OK) {
        info->missing = plan->has_missing ? plan->missing : gru_metadata_default_missing(info);
    }
    gru_name_index_done(&inputs);
    gru_name_index_done(&outputs);
    return status;
}

/* ---- the weights ---- */

/* Of a norm: what changes nothing. */
static void fill_norm(struct gru_tensor *tensor, bool is_scale)
{
    for (size_t k = 0; k < gru_tensor_floats(tensor); k++) {
        tensor->values[k] = is_scale ? 1 : 0;
    }
}

static enum gru_status fill_layer(struct gru_layer *layer, uint64_t *random)
{
    const struct layer_kind *kind = layer->shape.kind;
    const double bound = 1 / sqrt((double)gru_layer_init_units(&layer->shape));
    for (size_t k = 0; k < kind->n_tensors; k++) {
        if (!gru_layer_init_has_tensor(&layer->shape, k)) {
            continue;
        }
        enum gru_status status = gru_model_alloc_tensor(layer, k);
        if (status != GRU_OK) {
            return status;
        }
        if (kind->family == LAYER_NORM || kind->family == LAYER_BATCH_NORM) {
            fill_norm(&layer->tensors[k], kind->tensors[k].is_scale);
        } else {
            fill(&layer->tensors[k], bound, random);
        }
    }
    return GRU_OK;
}

/* The layers' weights, and what is done to the outputs. */
static enum gru_status fill_weights(struct plan_layers *layers, struct gru_model *model,
                                    uint64_t *random)
{
    struct gru_info *info = &model->info;
    enum gru_status status = gru_model_alloc_layers(model, layers->n_layers);
    for (size_t l = 0; status == GRU_OK && l < layers->n_layers; l++) {
        model->layers[l].shape = layers->shapes[l];
        status = fill_layer(&model->layers[l], random);
    }
    info->activation = layers->activation;
    info->heads = layers->heads;
    info->n_heads = layers->n_heads;
    layers->heads = NULL;
    return status == GRU_OK ? gru_model_finish(model) : status;
}

/* A checked plan becomes a model. */
static enum gru_status make(const struct gru_plan *plan, struct plan_layers *layers,
                            struct gru_model **ret_model, struct gru_error *error)
{
    uint64_t random = plan->seed;
    struct gru_model *model;
    if (gru_model_alloc(&model) != GRU_OK) {
        return gru_fail_no_memory(error);
    }
    enum gru_status status = describe(plan, &model->info, error);
    if (status == GRU_OK && fill_weights(layers, model, &random) != GRU_OK) {
        status = gru_fail_no_memory(error);
    }
    if (status == GRU_OK && plan->has_selftest && gru_selftest_draw(model, &random) != GRU_OK) {
        status = gru_fail_no_memory(error);
    }
    if (status != GRU_OK) {
        gru_model_unref(model);
        return status;
    }
    *ret_model = model;
    return GRU_OK;
}

enum gru_status gru_model_create(const struct gru_plan *plan, struct gru_model **ret_model,
                                 struct gru_error *error)
{
    enum gru_status status = check_sizes(plan, error);
    if (status == GRU_OK) {
        status = check_choices(plan, error);
    }
    if (status == GRU_OK) {
        status = check_interval(plan->interval_seconds, error);
    }
    if (status == GRU_OK) {
        status = check_season(plan->season, error);
    }
    struct plan_layers layers = { .heads = NULL };
    if (status == GRU_OK) {
        status = gru_plan_layers(plan, &layers, error);
    }
    if (status == GRU_OK) {
        status = make(plan, &layers, ret_model, error);
    }
    free(layers.heads);
    return status;
}
