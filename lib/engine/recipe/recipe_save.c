/*
 * recipe_save.c - a recipe as bytes: gru_recipe_save and gru_recipe_restore.
 *
 *     header | search | trials | of each trial: its trainers, its best model | hash
 *
 * A trainer is a checkpoint (gru_trainer_save), a model is its file; what a training starts from
 * follows from the task. A judgement under way is a flag: it is begun anew. All numbers are as the
 * machine has them; another byte order shows in the magic number. VERSION is raised by hand when
 * the bytes change their meaning, or when the same bytes would go on otherwise.
 */
#include "engine/buffer.h"
#include "engine/recipe/recipe.h"
#include "engine/train/fingerprint.h"

#include <stdlib.h>
#include <string.h>

enum { VERSION = 1 };

#define MAGIC 0x6570696365725F67U /* "g_recipe" */

struct saved_header {
    uint64_t magic, version, n_bytes, fingerprint;
};

struct saved_search {
    uint64_t rung, at, n_trials, n_updates, is_judging;
};

struct saved_trial {
    uint64_t transform, season, scale, residual, width, steps, horizon_loss, fate, n_epochs,
        best_epoch, n_epochs_at_once, n_since_best, member;
    double rate, error, former_error;
    uint64_t n_trainer, n_former, n_best; /* bytes; 0: there is none */
};

/* ---- which task it is ---- */

static uint64_t hash_series(uint64_t hash, const struct gru_series *series, size_t n,
                            size_t n_inputs)
{
    for (size_t k = 0; k < n; k++) {
        hash = gru_hash(hash, series[k].x, series[k].n_rows * n_inputs * sizeof *series[k].x);
    }
    return hash;
}

static uint64_t hash_names(uint64_t hash, const char *const *names, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        hash = gru_hash(hash, names[k], strlen(names[k]));
    }
    return hash;
}

static uint64_t fingerprint(const struct gru_recipe *recipe)
{
    const struct gru_recipe_task *task = &recipe->task;
    const uint64_t words[] = { task->n_inputs, task->n_outputs,
                               task->n_series, task->n_validation,
                               task->horizon,  task->season,
                               task->seed,     task->has_missing ? 1 + task->missing : 0 };
    const double reals[] = { task->validation_fraction, task->interval_seconds };
    uint64_t hash = gru_hash(MAGIC, words, sizeof words);
    hash = gru_hash(hash, reals, sizeof reals);
    hash = hash_names(hash, task->inputs, task->n_inputs);
    hash = hash_names(hash, task->outputs, task->n_outputs);
    hash = hash_series(hash, task->series, task->n_series, task->n_inputs);
    return hash_series(hash, task->validation, task->n_validation, task->n_inputs);
}

/* ---- saving ---- */

static struct saved_trial saved_of(const struct gru_recipe_trial *shown,
                                   const struct recipe_trial *trial)
{
    return (struct saved_trial){ .transform = shown->transform.kind,
                                 .season = shown->transform.season,
                                 .scale = shown->transform.scale,
                                 .residual = shown->residual,
                                 .width = shown->width,
                                 .steps = shown->steps,
                                 .horizon_loss = shown->horizon_loss,
                                 .fate = shown->fate,
                                 .n_epochs = shown->n_epochs,
                                 .best_epoch = shown->best_epoch,
                                 .n_epochs_at_once = trial->n_epochs_at_once,
                                 .n_since_best = trial->n_since_best,
                                 .member = shown->member,
                                 .rate = shown->transform.rate,
                                 .error = shown->error,
                                 .former_error = trial->former_error };
}

/* Bytes go behind what there is. */
static enum gru_status put_trainer(struct file_text *text, const struct gru_trainer *trainer,
                                   uint64_t *ret_n)
{
    void *bytes = NULL;
    size_t n = 0;
    const enum gru_status status = trainer ? gru_trainer_save(trainer, &bytes, &n) : GRU_OK;
    if (status == GRU_OK) {
        gru_text_put(text, bytes, n);
        *ret_n = n;
        free(bytes);
    }
    return status;
}

static enum gru_status put_parts(struct file_text *text, const struct recipe_trial *trial,
                                 struct saved_trial *saved)
{
    void *bytes = NULL;
    size_t n = 0;
    enum gru_status status = put_trainer(text, trial->trainer, &saved->n_trainer);
    if (status == GRU_OK) {
        status = put_trainer(text, trial->former, &saved->n_former);
    }
    if (status == GRU_OK && trial->best) {
        status = gru_model_save(trial->best, &bytes, &n);
    }
    if (status == GRU_OK) {
        gru_text_put(text, bytes, n);
        saved->n_best = n;
        free(bytes);
    }
    return status;
}

static void finish(const struct gru_recipe *recipe, const struct saved_trial *saved,
                   struct file_text *text)
{
    const struct saved_search search = { recipe->rung, recipe->at, recipe->findings.n_trials,
                                         recipe->findings.n_updates,
                                         recipe->judgement.model != NULL };
    const struct saved_header header = { MAGIC, VERSION, text->n + sizeof(uint64_t),
                                         fingerprint(recipe) };
    memcpy(text->p, &header, sizeof header);
    memcpy(text->p + sizeof header, &search, sizeof search);
    memcpy(text->p + sizeof header + sizeof search, saved, search.n_trials * sizeof *saved);
    const uint64_t hash = gru_hash(MAGIC, text->p, text->n);
    gru_text_put(text, (const char *)&hash, sizeof hash);
}

enum gru_status gru_recipe_save(const struct gru_recipe *recipe, void **ret_bytes,
                                size_t *ret_n_bytes)
{
    struct file_text text = { 0 };
    struct saved_trial saved[GRU_RECIPE_TRIALS_MAX] = { 0 };
    enum gru_status status = GRU_OK;
    const struct saved_header header = { 0 };
    const struct saved_search search = { 0 };
    const size_t n = recipe->findings.n_trials;
    gru_text_put(&text, (const char *)&header, sizeof header); /* room: they come last */
    gru_text_put(&text, (const char *)&search, sizeof search);
    gru_text_put(&text, (const char *)saved, n * sizeof *saved);
    for (size_t k = 0; status == GRU_OK && k < n; k++) {
        saved[k] = saved_of(&recipe->shown[k], &recipe->trials[k]);
        status = put_parts(&text, &recipe->trials[k], &saved[k]);
    }
    if (status == GRU_OK && !text.failed) {
        finish(recipe, saved, &text);
    }
    if (status != GRU_OK || text.failed) {
        gru_text_done(&text);
        return GRU_NO_MEMORY; /* models of a recipe have short headers */
    }
    *ret_bytes = text.p;
    *ret_n_bytes = text.n;
    return GRU_OK;
}

/* ---- restoring ---- */

/* What was read; its trials are owned. */
struct restored {
    struct saved_search search;
    struct saved_trial saved[GRU_RECIPE_TRIALS_MAX];
    struct gru_recipe_trial shown[GRU_RECIPE_TRIALS_MAX];
    struct recipe_trial trials[GRU_RECIPE_TRIALS_MAX];
    const char *parts; /* the first trial's */
};

static void drop_trials(struct recipe_trial *trials)
{
    for (size_t k = 0; k < GRU_RECIPE_TRIALS_MAX; k++) {
        gru_trainer_free(trials[k].trainer);
        gru_trainer_free(trials[k].former);
        gru_model_unref(trials[k].base);
        gru_model_unref(trials[k].best);
        trials[k] = (struct recipe_trial){ 0 };
    }
}

/* Whole, and of this task. */
static bool read_bytes(const struct gru_recipe *recipe, const char *bytes, size_t n_bytes,
                       struct restored *restored)
{
    struct saved_header header;
    uint64_t hash;
    const size_t n_least = sizeof header + sizeof restored->search + sizeof hash;
    if (n_bytes < n_least) {
        return false;
    }
    memcpy(&header, bytes, sizeof header);
    memcpy(&hash, bytes + n_bytes - sizeof hash, sizeof hash);
    memcpy(&restored->search, bytes + sizeof header, sizeof restored->search);
    const size_t n_trials = restored->search.n_trials;
    if (header.magic != MAGIC || header.version != VERSION || header.n_bytes != n_bytes ||
        hash != gru_hash(MAGIC, bytes, n_bytes - sizeof hash) ||
        header.fingerprint != fingerprint(recipe) || n_trials > GRU_RECIPE_TRIALS_MAX ||
        restored->search.at >= n_trials ||
        (n_bytes - n_least) / sizeof *restored->saved < n_trials) {
        return false;
    }
    const char *saved = bytes + sizeof header + sizeof restored->search;
    memcpy(restored->saved, saved, n_trials * sizeof *restored->saved);
    restored->parts = saved + n_trials * sizeof *restored->saved;
    size_t n_left = n_bytes - n_least - n_trials * sizeof *restored->saved;
    bool fits = true;
    for (size_t k = 0; fits && k < n_trials; k++) {
        const struct saved_trial *trial = &restored->saved[k];
        fits = trial->n_trainer <= n_left && trial->n_former <= n_left - trial->n_trainer &&
               trial->n_best <= n_left - trial->n_trainer - trial->n_former;
        n_left -= fits ? trial->n_trainer + trial->n_former + trial->n_best : 0;
    }
    return fits && n_left == 0;
}

static struct gru_recipe_trial shown_of(const struct saved_trial *saved)
{
    return (struct gru_recipe_trial){
        .transform = { .kind = (enum gru_transform_kind)saved->transform,
                       .season = saved->season,
                       .rate = saved->rate,
                       .scale = saved->scale != 0 },
        .residual = saved->residual != 0,
        .width = saved->width,
        .steps = saved->steps,
        .horizon_loss = saved->horizon_loss,
        .member = saved->member,
        .fate = (enum gru_recipe_fate)saved->fate,
        .n_epochs = saved->n_epochs,
        .best_epoch = saved->best_epoch,
        .error = saved->error,
    };
}

/* From its part of the bytes. */
static enum gru_status restore_trial(const struct gru_recipe *recipe, struct restored *restored,
                                     size_t k, const char *part)
{
    const struct saved_trial *saved = &restored->saved[k];
    struct recipe_trial *trial = &restored->trials[k];
    enum gru_status status = GRU_OK;
    restored->shown[k] = shown_of(saved);
    if (restored->shown[k].fate == GRU_TRIAL_RUNNING) {
        status =
            gru_recipe_model_create(recipe, &restored->shown[k],
                                    saved->member > 0 ? RECIPE_WHOLE : RECIPE_BEFORE, &trial->base);
    }
    if (status == GRU_OK && saved->n_trainer > 0) {
        status = gru_recipe_trainer_create(recipe, &restored->shown[k], trial);
    }
    if (status == GRU_OK && saved->n_trainer > 0) {
        status = gru_trainer_restore(trial->trainer, part, saved->n_trainer);
    }
    if (status == GRU_OK && saved->n_former > 0) {
        status = trial->former
                     ? gru_trainer_restore(trial->former, part + saved->n_trainer, saved->n_former)
                     : GRU_BAD_FILE;
    }
    if (status == GRU_OK && saved->n_best > 0) {
        status = gru_model_load(part + saved->n_trainer + saved->n_former, saved->n_best,
                                &trial->best, NULL);
    }
    trial->n_epochs_at_once = saved->n_epochs_at_once;
    trial->n_since_best = saved->n_since_best;
    trial->former_error = saved->former_error;
    return status == GRU_OK || status == GRU_NO_MEMORY ? status : GRU_BAD_FILE;
}

/* The judgement that was under way, of a recipe that has taken what was read. */
static enum gru_status judge_again(struct gru_recipe *recipe)
{
    struct recipe_trial *trial = &recipe->trials[recipe->at];
    const bool is_former = gru_recipe_is_former(recipe, recipe->at);
    struct gru_model *model = NULL;
    enum gru_status status = GRU_OK;
    if (trial->trainer) {
        status = gru_trainer_model(is_former ? trial->former : trial->trainer, &model);
    } else {
        model = gru_model_ref(trial->base);
    }
    if (status == GRU_OK) {
        status = gru_recipe_judge(recipe, model, is_former);
    }
    gru_model_unref(model);
    return status;
}

/* Changes places with what was read. */
static void swap(struct gru_recipe *recipe, struct restored *restored)
{
    struct restored former = { .search = { recipe->rung, recipe->at, recipe->findings.n_trials,
                                           recipe->findings.n_updates, 0 } };
    memcpy(former.shown, recipe->shown, sizeof former.shown);
    memcpy(former.trials, recipe->trials, sizeof former.trials);
    memcpy(recipe->shown, restored->shown, sizeof recipe->shown);
    memcpy(recipe->trials, restored->trials, sizeof recipe->trials);
    recipe->rung = restored->search.rung;
    recipe->at = restored->search.at;
    recipe->findings.n_trials = restored->search.n_trials;
    recipe->findings.n_updates = restored->search.n_updates;
    *restored = former;
}

/* A judgement of the former search is kept until the new one has begun. */
static enum gru_status take(struct gru_recipe *recipe, struct restored *restored)
{
    const bool is_judging = restored->search.is_judging != 0;
    const struct recipe_judgement former = recipe->judgement;
    enum gru_status status = GRU_OK;
    swap(recipe, restored);
    recipe->judgement = (struct recipe_judgement){ 0 };
    if (is_judging) {
        status = judge_again(recipe);
    }
    if (status == GRU_OK) {
        status = gru_recipe_join(recipe);
    }
    if (status != GRU_OK) {
        swap(recipe, restored);
        recipe->judgement = former;
        return status == GRU_NO_MEMORY ? status : GRU_BAD_FILE;
    }
    struct gru_recipe old = { .judgement = former };
    gru_recipe_judge_done(&old);
    return GRU_OK;
}

enum gru_status gru_recipe_restore(struct gru_recipe *recipe, const void *bytes, size_t n_bytes)
{
    struct restored restored = { 0 };
    if (!read_bytes(recipe, bytes, n_bytes, &restored)) {
        return GRU_BAD_FILE;
    }
    enum gru_status status = GRU_OK;
    const char *part = restored.parts;
    for (size_t k = 0; status == GRU_OK && k < restored.search.n_trials; k++) {
        status = restore_trial(recipe, &restored, k, part);
        part += restored.saved[k].n_trainer + restored.saved[k].n_former + restored.saved[k].n_best;
    }
    if (status == GRU_OK) {
        status = take(recipe, &restored);
    }
    drop_trials(restored.trials);
    return status;
}
