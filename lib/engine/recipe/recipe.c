/* The search of a recipe: trials that are trained and judged in turn, and dropped by halves. */
#include "engine/recipe/recipe.h"

#include <math.h>
#include <stdlib.h>

enum { PATIENCE = 20 };
static const double LEARNING_RATE = 0.003;

/* How many epochs a trial has by the end of each round, if an epoch has enough updates; of fewer it
 * has more. Behind the first one what is further to be tried of the best comes in. */
static const size_t rounds[] = { 10, 10, 40, 200 };
enum { N_ROUNDS = sizeof rounds / sizeof *rounds, UPDATES_ENOUGH = 40 };
/* Then the members of the last model have their round. */

const char *gru_recipe_fate_name(enum gru_recipe_fate fate)
{
    static const char *const names[] = {
#define NAME(id, word) [id] = (word),
        GRU_RECIPE_FATES(NAME, NAME)
#undef NAME
    };
    return names[fate];
}

static bool is_naive(const struct gru_recipe_trial *trial)
{
    return trial->width == 0;
}

/* What is made and trained without further wishes. */
static bool is_plain(const struct gru_recipe *recipe, size_t k)
{
    return !is_naive(&recipe->shown[k]) && (k == 0 || is_naive(&recipe->shown[k - 1]));
}

static void end(struct gru_recipe *recipe, size_t k, enum gru_recipe_fate fate)
{
    recipe->shown[k].fate = fate;
    gru_trainer_free(recipe->trials[k].trainer);
    gru_trainer_free(recipe->trials[k].former);
    recipe->trials[k].trainer = NULL;
    recipe->trials[k].former = NULL;
}

/* ---- a trial ---- */

void gru_recipe_training(const struct gru_recipe *recipe, const struct gru_recipe_trial *shown,
                         enum recipe_rows rows, struct gru_training *ret_training)
{
    *ret_training = (struct gru_training){ .series = recipe->rows[rows].of,
                                           .n_series = recipe->rows[rows].n,
                                           .seed = recipe->task.seed + shown->member };
    struct gru_hyperparameters *h = &ret_training->hyperparameters;
    gru_hyperparameters_init(h);
    h->n_epochs = 1;
    h->learning_rate = LEARNING_RATE;
    h->early_stopping_patience = 0; /* a judgement decides */
    h->horizon_loss = shown->horizon_loss;
}

static enum gru_status create_trainer(const struct gru_recipe *recipe,
                                      const struct gru_recipe_trial *shown, enum recipe_rows rows,
                                      struct gru_model *base, struct recipe_trial *trial)
{
    struct gru_training training;
    struct gru_training_info info;
    gru_recipe_training(recipe, shown, rows, &training);
    const enum gru_status status = gru_training_check(base, &training, &info, NULL);
    if (status != GRU_OK) {
        return status;
    }
    if (rows != RECIPE_BEFORE_FORMER) {
        trial->n_epochs_at_once = (UPDATES_ENOUGH - 1) / info.n_steps + 1;
    }
    training.hyperparameters.n_epochs =
        shown->member > 0 ? shown->best_epoch : rounds[N_ROUNDS - 1] * trial->n_epochs_at_once;
    return gru_trainer_create(
        base, &training, rows == RECIPE_BEFORE_FORMER ? &trial->former : &trial->trainer, NULL);
}

enum gru_status gru_recipe_trainer_create(const struct gru_recipe *recipe,
                                          const struct gru_recipe_trial *shown,
                                          struct recipe_trial *trial)
{
    const enum recipe_rows rows = shown->member > 0 ? RECIPE_WHOLE : RECIPE_BEFORE;
    struct gru_model *base;
    enum gru_status status = create_trainer(recipe, shown, rows, trial->base, trial);
    if (status != GRU_OK || shown->member > 0 || !gru_recipe_has_former(recipe)) {
        return status;
    }
    status = gru_recipe_model_create(recipe, shown, RECIPE_BEFORE_FORMER, &base);
    if (status == GRU_OK) {
        status = create_trainer(recipe, shown, RECIPE_BEFORE_FORMER, base, trial);
        gru_model_unref(base);
    }
    return status;
}

static enum gru_status begin(struct gru_recipe *recipe, size_t k)
{
    struct gru_recipe_trial *shown = &recipe->shown[k];
    struct recipe_trial *trial = &recipe->trials[k];
    const enum recipe_rows rows = shown->member > 0 ? RECIPE_WHOLE : RECIPE_BEFORE;
    enum gru_status status = gru_recipe_model_create(recipe, shown, rows, &trial->base);
    trial->former_error = (double)NAN;
    if (status == GRU_OK && !is_naive(shown)) {
        status = gru_recipe_trainer_create(recipe, shown, trial);
    }
    shown->fate = GRU_TRIAL_RUNNING;
    if (status == GRU_BAD_ARGUMENT || status == GRU_BAD_TRAINING) {
        end(recipe, k, GRU_TRIAL_REFUSED);
        status = GRU_OK;
    }
    return status;
}

/* A member is trained to its end, which was set when it was added. */
static enum gru_status train_member(struct gru_recipe *recipe, size_t k)
{
    struct gru_progress progress;
    struct recipe_trial *member = &recipe->trials[k];
    const enum gru_advance advance = gru_trainer_advance(member->trainer, &progress);
    recipe->shown[k].n_epochs = progress.epoch;
    recipe->findings.n_updates += advance != GRU_ADVANCED;
    if (advance != GRU_ADVANCED_END) {
        return GRU_OK;
    }
    enum gru_status status = gru_trainer_model(member->trainer, &member->best);
    if (status == GRU_OK) {
        status = gru_recipe_join(recipe);
    }
    if (status == GRU_OK || status == GRU_NON_FINITE) {
        end(recipe, k, GRU_TRIAL_ENDED);
        status = GRU_OK;
    }
    return status;
}

/* After some epochs the weights are judged. */
static enum gru_status train(struct gru_recipe *recipe, size_t k)
{
    struct gru_progress progress;
    const bool is_former = gru_recipe_is_former(recipe, k);
    struct gru_trainer *trainer = is_former ? recipe->trials[k].former : recipe->trials[k].trainer;
    const enum gru_advance advance = gru_trainer_advance(trainer, &progress);
    const size_t n_new = progress.epoch - recipe->shown[k].n_epochs;
    struct gru_model *model;
    recipe->findings.n_updates += advance != GRU_ADVANCED;
    if (n_new < recipe->trials[k].n_epochs_at_once) {
        if (advance == GRU_ADVANCED_END) {
            end(recipe, k, GRU_TRIAL_ENDED);
        }
        return GRU_OK;
    }
    recipe->shown[k].n_epochs += is_former ? 0 : n_new;
    enum gru_status status = gru_trainer_model(trainer, &model);
    if (status == GRU_NON_FINITE) { /* it went astray */
        end(recipe, k, GRU_TRIAL_ENDED);
        return GRU_OK;
    }
    if (status == GRU_OK) {
        status = gru_recipe_judge(recipe, model, is_former);
        gru_model_unref(model);
    }
    return status;
}

/* A naive forecast is judged as it is. */
static enum gru_status go_on(struct gru_recipe *recipe, size_t k)
{
    if (recipe->shown[k].member > 0) {
        return train_member(recipe, k);
    }
    return is_naive(&recipe->shown[k])
               ? gru_recipe_judge(recipe, recipe->trials[k].base, gru_recipe_is_former(recipe, k))
               : train(recipe, k);
}

/* How often its weights were judged: what the rounds count. */
static size_t n_judged(const struct gru_recipe *recipe, size_t k)
{
    const size_t at_once = recipe->trials[k].n_epochs_at_once;
    return at_once > 0 ? recipe->shown[k].n_epochs / at_once : 0;
}

/* Of both validation parts. */
static double together(const struct gru_recipe *recipe, size_t k, double last_error)
{
    const double former_error = recipe->trials[k].former_error;
    if (!gru_recipe_has_former(recipe)) {
        return last_error;
    }
    return isfinite(former_error) && isfinite(last_error) ? sqrt(former_error) * sqrt(last_error)
                                                          : (double)INFINITY;
}

/* Keeps what is better; ends what does not become so, or was trained to its end. */
static void note(struct gru_recipe *recipe, size_t k, struct gru_model *model, double last_error)
{
    struct recipe_trial *trial = &recipe->trials[k];
    struct gru_recipe_trial *shown = &recipe->shown[k];
    if (gru_recipe_is_former(recipe, k)) {
        trial->former_error = last_error;
        return;
    }
    const double error = together(recipe, k, last_error);
    trial->former_error = (double)NAN;
    trial->n_since_best++;
    if (!(shown->error <= error)) {
        shown->error = error;
        shown->best_epoch = shown->n_epochs;
        trial->n_since_best = 0;
        gru_model_unref(trial->best);
        trial->best = isfinite(error) ? gru_model_ref(model) : NULL;
    }
    if (is_naive(shown) || trial->n_since_best >= PATIENCE ||
        n_judged(recipe, k) >= rounds[N_ROUNDS - 1]) {
        end(recipe, k, GRU_TRIAL_ENDED);
    }
}

/* ---- the rounds ---- */

/* Whether a trial still has something to do in this round. */
static bool has_turn(const struct gru_recipe *recipe, size_t k)
{
    const struct gru_recipe_trial *trial = &recipe->shown[k];
    return trial->fate == GRU_TRIAL_WAITING ||
           (trial->fate == GRU_TRIAL_RUNNING &&
            (trial->member > 0 || n_judged(recipe, k) < rounds[recipe->rung]));
}

/* Whether one trial goes before another: the better one, of equals the first. */
static bool goes_before(const struct gru_recipe *recipe, size_t a, size_t b)
{
    const double error = recipe->shown[a].error, other = recipe->shown[b].error;
    return error < other || (!(other < error) && a < b);
}

/* Drops the worse half of those that are trained. */
static void drop(struct gru_recipe *recipe)
{
    bool is_worse[GRU_RECIPE_TRIALS_MAX] = { false };
    size_t n = 0;
    for (size_t k = 0; k < recipe->findings.n_trials; k++) {
        n += recipe->shown[k].fate == GRU_TRIAL_RUNNING;
    }
    for (size_t k = 0; k < recipe->findings.n_trials; k++) {
        size_t place = 0;
        for (size_t other = 0; other < recipe->findings.n_trials; other++) {
            place +=
                recipe->shown[other].fate == GRU_TRIAL_RUNNING && goes_before(recipe, other, k);
        }
        is_worse[k] = place >= (n + 1) / 2 && !is_plain(recipe, k);
    }
    for (size_t k = 0; k < recipe->findings.n_trials; k++) {
        if (is_worse[k] && recipe->shown[k].fate == GRU_TRIAL_RUNNING) {
            end(recipe, k, GRU_TRIAL_DROPPED);
        }
    }
}

/* The best network; n_trials: there is none. */
static size_t best_network(const struct gru_recipe *recipe)
{
    const size_t n = recipe->findings.n_trials;
    size_t best = n;
    for (size_t k = 0; k < gru_recipe_n_tried(recipe); k++) {
        if (!is_naive(&recipe->shown[k]) && recipe->trials[k].best &&
            (best == n || goes_before(recipe, k, best))) {
            best = k;
        }
    }
    return best;
}

/* The best of all; n_trials: none is judged. */
static size_t chosen(const struct gru_recipe *recipe)
{
    const size_t n = recipe->findings.n_trials;
    size_t best = n;
    for (size_t k = 0; k < gru_recipe_n_tried(recipe); k++) {
        if (recipe->trials[k].best && (best == n || goes_before(recipe, k, best))) {
            best = k;
        }
    }
    return best;
}

static void end_round(struct gru_recipe *recipe)
{
    const size_t best = best_network(recipe);
    if (recipe->rung + 1 < N_ROUNDS) { /* else all of them are at their end */
        drop(recipe);
    }
    if (recipe->rung == 0 && best < recipe->findings.n_trials) {
        gru_recipe_further_trials(recipe, &recipe->shown[best]);
    }
    recipe->rung++;
    recipe->at = 0;
    if (recipe->rung == N_ROUNDS) {
        gru_recipe_add_members(recipe, chosen(recipe));
    }
}

/* Goes to the trial whose turn it is; false: all is done. */
static bool find_turn(struct gru_recipe *recipe)
{
    while (recipe->rung <= N_ROUNDS && !has_turn(recipe, recipe->at)) {
        recipe->at++;
        if (recipe->at >= recipe->findings.n_trials) {
            end_round(recipe);
        }
    }
    return recipe->rung <= N_ROUNDS;
}

static enum gru_status judge_on(struct gru_recipe *recipe)
{
    struct gru_model *model = gru_model_ref(recipe->judgement.model);
    bool is_done;
    double error;
    const enum gru_status status = gru_recipe_judge_on(recipe, &is_done, &error);
    if (status == GRU_OK && is_done) {
        note(recipe, recipe->at, model, error);
    }
    gru_model_unref(model);
    return status;
}

enum gru_status gru_recipe_advance(struct gru_recipe *recipe, bool *ret_is_done)
{
    enum gru_status status = GRU_OK;
    bool is_done = false;
    if (recipe->judgement.model) {
        status = judge_on(recipe);
    } else if (!find_turn(recipe)) {
        is_done = true;
    } else if (recipe->shown[recipe->at].fate == GRU_TRIAL_WAITING) {
        status = begin(recipe, recipe->at);
    } else {
        status = go_on(recipe, recipe->at);
    }
    if (status == GRU_OK) {
        *ret_is_done = is_done;
    }
    return status;
}

/* ---- what is known ---- */

static double error_of_naive(const struct gru_recipe *recipe, enum gru_transform_kind kind)
{
    for (size_t k = 0; k < recipe->findings.n_trials; k++) {
        if (is_naive(&recipe->shown[k]) && recipe->shown[k].transform.kind == kind) {
            return recipe->shown[k].error;
        }
    }
    return (double)NAN;
}

void gru_recipe_findings(const struct gru_recipe *recipe, struct gru_recipe_findings *ret_findings)
{
    *ret_findings = recipe->findings;
    ret_findings->chosen = chosen(recipe);
    ret_findings->persistence = error_of_naive(recipe, GRU_DIFFERENCE);
    ret_findings->seasonal_naive = error_of_naive(recipe, GRU_SEASONAL_DIFFERENCE);
}

const struct gru_recipe_trial *gru_recipe_trials(const struct gru_recipe *recipe)
{
    return recipe->shown;
}

struct gru_model *gru_recipe_judged(const struct gru_recipe *recipe)
{
    const size_t k = chosen(recipe);
    return k < recipe->findings.n_trials ? gru_model_ref(recipe->trials[k].best) : NULL;
}

struct gru_model *gru_recipe_model(const struct gru_recipe *recipe)
{
    return recipe->joined ? gru_model_ref(recipe->joined) : gru_recipe_judged(recipe);
}
