/* What a recipe tries, in the order of promise. */
#include "engine/recipe/recipe.h"

#include <math.h>
#include <stdio.h>

enum { WIDTH = 32, NARROW = 16, BROAD = 64, AHEAD_MAX = 64 };

/* Of a level: some 20 readings, or those of a season. */
static const double LEVEL_RATE = 0.1;

/* Kinds of forecasting: what the network sees, and what it says of it. Width 0 says nothing. */
static const struct kind {
    enum gru_transform_kind transform;
    bool residual;
    size_t width;
} kinds[] = {
    { GRU_DIFFERENCE, false, 0 },          /* persistence */
    { GRU_SEASONAL_DIFFERENCE, false, 0 }, /* the seasonal naive forecast */
    { GRU_TRANSFORM_NONE, false, WIDTH },
    { GRU_SEASONAL_DIFFERENCE, true, WIDTH },
    { GRU_SEASONAL_DIFFERENCE, false, WIDTH },
    { GRU_DIFFERENCE, false, WIDTH },
    { GRU_TRANSFORM_NONE, true, WIDTH },
    { GRU_LEVEL, false, WIDTH },
};

static struct gru_transform transform_of(const struct gru_recipe *recipe,
                                         enum gru_transform_kind kind)
{
    const size_t season = gru_recipe_season(recipe);
    struct gru_transform transform = { .kind = kind };
    if (kind == GRU_SEASONAL_DIFFERENCE) {
        transform.season = season;
    } else if (kind == GRU_LEVEL) {
        transform.rate = season > 1 ? 1 / (double)season : LEVEL_RATE;
        transform.scale = true;
    }
    return transform;
}

static void add(struct gru_recipe *recipe, struct gru_recipe_trial trial)
{
    if (recipe->findings.n_trials < GRU_RECIPE_TRIALS_MAX) {
        trial.fate = GRU_TRIAL_WAITING;
        trial.n_epochs = 0;
        trial.best_epoch = trial.member > 0 ? trial.best_epoch : 0; /* how long it is trained */
        trial.error = (double)NAN;
        recipe->shown[recipe->findings.n_trials++] = trial;
    }
}

void gru_recipe_first_trials(struct gru_recipe *recipe)
{
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        const size_t season = gru_recipe_season(recipe);
        if (kinds[k].transform != GRU_SEASONAL_DIFFERENCE ||
            (season > 0 && season <= GRU_TRANSFORM_SEASON_MAX)) {
            add(recipe,
                (struct gru_recipe_trial){ .transform = transform_of(recipe, kinds[k].transform),
                                           .residual = kinds[k].residual,
                                           .width = kinds[k].width,
                                           .steps = 1,
                                           .horizon_loss = 1 });
        }
    }
}

void gru_recipe_further_trials(struct gru_recipe *recipe, const struct gru_recipe_trial *best)
{
    const size_t horizon = recipe->task.horizon;
    const size_t ahead = horizon < AHEAD_MAX ? horizon : (size_t)AHEAD_MAX;
    const struct gru_recipe_trial like = *best;
    struct gru_recipe_trial trial = like;
    if (ahead > 1) {
        trial.steps = ahead;
        add(recipe, trial);
        trial.steps = 1;
    }
    if (ahead > 1) { /* roll-outs, of what is not transformed */
        const bool is_plain = like.transform.kind == GRU_TRANSFORM_NONE;
        add(recipe, (struct gru_recipe_trial){ .transform.kind = GRU_TRANSFORM_NONE,
                                               .residual = is_plain && like.residual,
                                               .width = WIDTH,
                                               .steps = 1,
                                               .horizon_loss = ahead });
    }
    trial.width = NARROW;
    add(recipe, trial);
    trial.width = BROAD;
    add(recipe, trial);
}

void gru_recipe_add_members(struct gru_recipe *recipe, size_t chosen)
{
    if (chosen < recipe->findings.n_trials && recipe->shown[chosen].width > 0) {
        for (size_t k = 1; k <= RECIPE_MEMBERS; k++) {
            struct gru_recipe_trial trial = recipe->shown[chosen];
            trial.member = k;
            add(recipe, trial);
        }
    }
}

size_t gru_recipe_n_tried(const struct gru_recipe *recipe)
{
    size_t n = 0;
    while (n < recipe->findings.n_trials && recipe->shown[n].member == 0) {
        n++;
    }
    return n;
}

void gru_recipe_trial_kind(const struct gru_recipe_trial *trial,
                           char ret_kind[GRU_RECIPE_KIND_SIZE])
{
    const struct gru_transform *transform = &trial->transform;
    if (trial->width == 0) {
        snprintf(ret_kind, GRU_RECIPE_KIND_SIZE, "%s",
                 transform->kind == GRU_DIFFERENCE ? "persistence" : "seasonal naive");
        return;
    }
    char season[32] = "", ahead[48] = "";
    if (transform->season > 0) {
        snprintf(season, sizeof season, " of %zu", transform->season);
    }
    if (trial->steps > 1) {
        snprintf(ahead, sizeof ahead, ", %zu steps", trial->steps);
    } else if (trial->horizon_loss > 1) {
        snprintf(ahead, sizeof ahead, ", roll-outs of %zu", trial->horizon_loss);
    }
    snprintf(ret_kind, GRU_RECIPE_KIND_SIZE, "%s%s%s%s%s", gru_transform_name(transform->kind),
             season, trial->residual ? ", residual" : "", ahead,
             trial->member > 0 ? ", all rows" : "");
}
