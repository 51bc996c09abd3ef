/* The model that a trial of a recipe starts from. */
#include "engine/buffer.h"
#include "engine/recipe/recipe.h"
#include "engine/selftest.h"
#include "engine/train/model_copy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- scaling ---- */

/* By Welford's recurrence. */
struct moments {
    double n, mean, squares;
};

static void take(struct moments *moments, double value)
{
    if (!isnan(value)) {
        const double delta = value - moments->mean;
        moments->n++;
        moments->mean += delta / moments->n;
        moments->squares += delta * (value - moments->mean);
    }
}

static double deviation(const struct moments *moments)
{
    const double std = moments->n > 0 ? sqrt(moments->squares / moments->n) : 0;
    return std > 0 && isfinite(std) ? std : 1;
}

static bool is_fed(const struct gru_recipe *recipe, size_t input)
{
    size_t o = 0;
    while (o < recipe->task.n_outputs && recipe->fed[o] != input) {
        o++;
    }
    return o < recipe->task.n_outputs;
}

/* What the network sees of an input in its rows of training: its values, and its changes. */
static enum gru_status look(const struct gru_recipe *recipe, const struct gru_recipe_trial *trial,
                            const struct recipe_part *rows, size_t input, struct moments *values,
                            struct moments *changes)
{
    static const struct gru_transform none = { .kind = GRU_TRANSFORM_NONE };
    const struct gru_transform *transform = is_fed(recipe, input) ? &trial->transform : &none;
    for (size_t k = 0; k < rows->n; k++) {
        const struct gru_series *series = &rows->of[k];
        double *u = gru_array_alloc(series->n_rows, sizeof *u);
        if (!u || gru_transform_column(transform, series->x + input, series->n_rows,
                                       recipe->task.n_inputs, u) != GRU_OK) {
            free(u);
            return GRU_NO_MEMORY;
        }
        for (size_t t = 0; t < series->n_rows; t++) {
            take(values, u[t]);
            take(changes, t > 0 ? u[t] - u[t - 1] : (double)NAN);
        }
        free(u);
    }
    return GRU_OK;
}

/* ---- the plan ---- */

struct recipe_plan {
    struct gru_scaling *scalings;          /* [n_inputs] */
    struct gru_plan_transform *transforms; /* [n_outputs] */
    double *changes;                       /* [n_inputs] deviations */
};

static void done(struct recipe_plan *plan)
{
    free(plan->scalings);
    free(plan->transforms);
    free(plan->changes);
}

static enum gru_status allocate(const struct gru_recipe *recipe,
                                const struct gru_recipe_trial *trial, struct recipe_plan *plan)
{
    const struct gru_recipe_task *task = &recipe->task;
    plan->scalings = gru_array_alloc(task->n_inputs, sizeof *plan->scalings);
    plan->transforms = gru_array_alloc(task->n_outputs, sizeof *plan->transforms);
    plan->changes = gru_array_alloc(task->n_inputs, sizeof *plan->changes);
    if (!plan->scalings || !plan->transforms || !plan->changes) {
        return GRU_NO_MEMORY;
    }
    for (size_t i = 0; i < task->n_inputs; i++) {
        plan->scalings[i] = (struct gru_scaling){ .name = task->inputs[i], .std = 1 };
        plan->changes[i] = 1;
    }
    for (size_t o = 0; o < task->n_outputs; o++) {
        plan->transforms[o] = (struct gru_plan_transform){ task->outputs[o], trial->transform };
    }
    return GRU_OK;
}

/* By the data. */
static enum gru_status scale(const struct gru_recipe *recipe, const struct gru_recipe_trial *trial,
                             const struct recipe_part *rows, struct recipe_plan *plan)
{
    enum gru_status status = GRU_OK;
    for (size_t i = 0; status == GRU_OK && i < recipe->task.n_inputs; i++) {
        struct moments values = { 0 }, changes = { 0 };
        status = look(recipe, trial, rows, i, &values, &changes);
        plan->scalings[i].mean = trial->width > 0 ? values.mean : 0;
        plan->scalings[i].std = deviation(&values);
        plan->changes[i] = deviation(&changes);
    }
    return status;
}

static enum gru_status create(const struct gru_recipe *recipe, const struct gru_recipe_trial *trial,
                              const struct recipe_plan *filled, struct gru_model **ret_model)
{
    const struct gru_recipe_task *task = &recipe->task;
    const size_t width = trial->width > 0 ? trial->width : 1;
    const bool is_transformed = trial->transform.kind != GRU_TRANSFORM_NONE;
    const struct gru_plan plan = {
        .n_inputs = task->n_inputs,
        .n_outputs = task->n_outputs,
        .n_layers = 1,
        .inputs = task->inputs,
        .outputs = task->outputs,
        .hidden_sizes = &width,
        .scalings = filled->scalings,
        .n_scalings = task->n_inputs,
        .transforms = filled->transforms,
        .n_transforms = is_transformed ? task->n_outputs : 0,
        .cell = GRU_LAYER_GRU,
        .residual = trial->residual,
        .steps = trial->steps,
        .has_selftest = true,
        .seed = task->seed + trial->member,
        .interval_seconds = task->interval_seconds,
        .season = gru_recipe_season(recipe),
        .has_missing = task->has_missing,
        .missing = task->missing,
    };
    return gru_model_create(&plan, ret_model, NULL);
}

static void take_units(const struct gru_recipe *recipe, struct gru_info *info)
{
    const struct gru_recipe_task *task = &recipe->task;
    for (size_t i = 0; task->input_units && i < info->n_inputs; i++) {
        snprintf(info->inputs[i].unit, sizeof info->inputs[i].unit, "%s", task->input_units[i]);
    }
    for (size_t o = 0; task->output_units && o < info->n_outputs; o++) {
        snprintf(info->outputs[o].unit, sizeof info->outputs[o].unit, "%s", task->output_units[o]);
    }
}

enum gru_status gru_recipe_shape_create(const struct gru_recipe *recipe,
                                        const struct gru_recipe_trial *trial,
                                        struct gru_model **ret_model)
{
    struct recipe_plan plan = { 0 };
    enum gru_status status = allocate(recipe, trial, &plan);
    if (status == GRU_OK) {
        status = create(recipe, trial, &plan, ret_model);
    }
    done(&plan);
    return status;
}

/* ---- the read-out ---- */

static void clear_read_out(struct gru_model *model)
{
    struct gru_layer *read_out = &model->layers[model->n_layers - 1];
    for (size_t k = 0; k < read_out->shape.kind->n_tensors; k++) {
        struct gru_tensor *tensor = &read_out->tensors[k];
        for (size_t w = 0; w < gru_tensor_floats(tensor); w++) {
            tensor->values[w] = 0;
        }
    }
}

/* With a read-out that begins at zero, and outputs that are changes scaled by these. */
static enum gru_status settle(const struct gru_recipe *recipe, const struct recipe_plan *plan,
                              const struct gru_model *from, struct gru_model **ret_model)
{
    uint64_t random = recipe->task.seed;
    struct gru_model *model;
    enum gru_status status = gru_model_copy(from, &model);
    if (status != GRU_OK) {
        return status;
    }
    clear_read_out(model);
    for (size_t o = 0; model->info.residual && o < model->info.n_outputs; o++) {
        model->info.outputs[o].std = plan->changes[recipe->fed[o]];
    }
    status = gru_model_finish(model);
    status = status == GRU_OK ? gru_selftest_draw(model, &random) : status;
    if (status != GRU_OK) {
        gru_model_unref(model);
        return status;
    }
    *ret_model = model;
    return GRU_OK;
}

enum gru_status gru_recipe_model_create(const struct gru_recipe *recipe,
                                        const struct gru_recipe_trial *trial, enum recipe_rows rows,
                                        struct gru_model **ret_model)
{
    struct recipe_plan plan = { 0 };
    struct gru_model *model = NULL;
    enum gru_status status = allocate(recipe, trial, &plan);
    if (status == GRU_OK) {
        status = scale(recipe, trial, &recipe->rows[rows], &plan);
    }
    if (status == GRU_OK) {
        status = create(recipe, trial, &plan, &model);
    }
    if (status == GRU_OK) {
        take_units(recipe, &model->info);
    }
    if (status == GRU_OK && !trial->residual && trial->transform.kind == GRU_TRANSFORM_NONE) {
        *ret_model = gru_model_ref(model); /* as without a recipe */
    } else if (status == GRU_OK) {
        status = settle(recipe, &plan, model, ret_model);
    }
    gru_model_unref(model);
    done(&plan);
    return status;
}
