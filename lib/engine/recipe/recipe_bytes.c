/* How much memory a recipe takes at most. */
#include "engine/recipe/recipe.h"
#include "engine/train/model_copy.h"
#include "engine/train/trainer_memory.h"

/* What a trial takes while it is trained: its trainer, what that starts from, and the best so far;
 * false: more than fits. */
static bool add_trial(const struct gru_recipe *recipe, const struct gru_recipe_trial *trial,
                      const struct gru_model *model, size_t *n_bytes)
{
    struct dataset dataset;
    struct gru_training training;
    size_t n_trainer, n_model;
    gru_recipe_training(recipe, trial, RECIPE_BEFORE, &training);
    gru_dataset_init(&dataset, model, &training);
    return gru_trainer_bytes(model, &dataset, &n_trainer) &&
           gru_model_copy_bytes(model, &n_model) &&
           !__builtin_add_overflow(*n_bytes, n_trainer, n_bytes) &&
           (!gru_recipe_has_former(recipe) ||
            !__builtin_add_overflow(*n_bytes, n_trainer, n_bytes)) && /* at most as much */
           !__builtin_add_overflow(*n_bytes, n_model, n_bytes) &&
           !__builtin_add_overflow(*n_bytes, n_model, n_bytes);
}

/* The last model, beside the one that is joined to be it. */
static enum gru_status add_joined(const struct gru_recipe *recipe, size_t *n_bytes)
{
    struct gru_recipe_trial trial = recipe->shown[recipe->findings.n_trials - 1]; /* the broadest */
    struct gru_model *model;
    size_t n_model;
    trial.width *= RECIPE_MEMBERS;
    enum gru_status status = gru_recipe_shape_create(recipe, &trial, &model);
    if (status == GRU_OK) {
        status = gru_model_copy_bytes(model, &n_model) &&
                         !__builtin_add_overflow(*n_bytes, 3 * n_model, n_bytes)
                     ? GRU_OK
                     : GRU_NO_MEMORY;
        gru_model_unref(model);
    }
    return status;
}

/* All that may be tried: with a season, which takes the most, and what is tried of the best of
 * those that have a transform. */
static void list_trials(struct gru_recipe *recipe)
{
    if (recipe->task.season == 0) {
        recipe->task.season = 1;
    }
    gru_recipe_first_trials(recipe);
    size_t best = 0;
    while (recipe->shown[best].width == 0 ||
           recipe->shown[best].transform.kind == GRU_TRANSFORM_NONE) {
        best++;
    }
    gru_recipe_further_trials(recipe, &recipe->shown[best]);
}

enum gru_status gru_recipe_bytes(const struct gru_recipe_task *task, size_t *ret_n_bytes,
                                 struct gru_error *error)
{
    struct gru_recipe *recipe;
    size_t n_bytes = sizeof *recipe;
    enum gru_status status = gru_recipe_prepare(task, &recipe, error);
    if (status != GRU_OK) {
        return status;
    }
    list_trials(recipe);
    for (size_t k = 0; status == GRU_OK && k < recipe->findings.n_trials; k++) {
        struct gru_model *model;
        status = gru_recipe_shape_create(recipe, &recipe->shown[k], &model);
        if (status == GRU_OK) {
            status = add_trial(recipe, &recipe->shown[k], model, &n_bytes) ? GRU_OK : GRU_NO_MEMORY;
            gru_model_unref(model);
        }
    }
    if (status == GRU_OK) {
        status = add_joined(recipe, &n_bytes);
    }
    gru_recipe_free(recipe);
    if (status == GRU_OK) {
        *ret_n_bytes = n_bytes;
    }
    return status;
}
