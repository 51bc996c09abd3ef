#include "codec/recipe_fields.h"

#include "codec/schemas.h"

#include <math.h>

/* ---- reading ---- */

static enum status read_type(struct reader *r, void *body)
{
    char word[sizeof "auto"];
    enum status status = reader_string(r, "\"auto\"", word, sizeof word);
    if (status == STATUS_OK && choice_find("auto", word) < 0) {
        status = reader_refuse(r, STATUS_INVALID_VALUE, "must be \"auto\"");
    }
    if (status == STATUS_OK) {
        ((struct job_request *)body)->recipe = JOB_RECIPE_AUTO;
    }
    return status;
}

static enum status read_horizon(struct reader *r, void *body)
{
    return reader_integer(r, 1, GRU_RECIPE_HORIZON_MAX,
                          &((struct job_request *)body)->recipe_horizon);
}

static const struct json_schema type_part = { .type = JSON_SCHEMA_STRING, .words = "auto" };
static const struct field fields[] = {
    { "type", read_type, true, &type_part },
    { "horizon", read_horizon, false, &schema_recipe_horizon },
};
static const struct json_schema object_part = { .type = JSON_SCHEMA_OBJECT,
                                                JSON_SCHEMA_FIELDS(fields) };
static const struct json_schema *const forms[] = { &type_part, &object_part };

const struct json_schema codec_recipe_part = {
    .type = JSON_SCHEMA_ANY_OF,
    JSON_SCHEMA_CHOICES(forms),
    .is_nullable = true,
    .help = "instead of `hyperparameters`: what forecasts best is found out",
};

enum status recipe_read(struct reader *r, struct job_request *request)
{
    unsigned seen;
    request->recipe_horizon = JOB_RECIPE_HORIZON;
    switch (json_peek(&r->json)) {
    case JSON_NULL:
        return json_null(&r->json) ? STATUS_OK : reader_refuse_text(r);
    case JSON_STRING:
        return read_type(r, request);
    case JSON_OBJECT:
        return reader_fields(r, fields, sizeof fields / sizeof *fields, request, &seen);
    default:
        return reader_refuse_type(r, "\"auto\" or an object");
    }
}

/* ---- writing ---- */

static const char *kind_of(const struct gru_recipe_trial *trial)
{
    if (trial->width > 0) {
        return "network";
    }
    return trial->transform.kind == GRU_DIFFERENCE ? "persistence" : "seasonal_naive";
}

static void add_trial(struct tree *tree, cJSON *trials, const struct gru_recipe_trial *trial,
                      bool is_chosen)
{
    cJSON *item = tree_add_object(tree, trials, NULL);
    tree_add_string(tree, item, "kind", kind_of(trial));
    tree_add_transform(tree, item, &trial->transform);
    tree_add_bool(tree, item, "residual", trial->residual);
    tree_add_count(tree, item, "width", trial->width);
    tree_add_count(tree, item, "steps", trial->steps);
    tree_add_count(tree, item, "horizon_loss", trial->horizon_loss);
    tree_add_bool(tree, item, "all_rows", trial->member > 0);
    tree_add_string(tree, item, "state", job_trial_state_word(trial->fate));
    tree_add_count(tree, item, "n_epochs", trial->n_epochs);
    tree_add_count(tree, item, "best_epoch", trial->best_epoch);
    tree_add_number(tree, item, "error", isfinite(trial->error) ? trial->error : (double)NAN);
    tree_add_bool(tree, item, "chosen", is_chosen);
}

void recipe_add(struct tree *tree, cJSON *parent, const struct job *job)
{
    if (job->recipe == JOB_RECIPE_NONE) {
        tree_add_null(tree, parent, "recipe");
        return;
    }
    cJSON *item = tree_add_object(tree, parent, "recipe");
    tree_add_string(tree, item, "type", job_recipe_word(job->recipe));
    tree_add_count(tree, item, "horizon", job->recipe_horizon);
    cJSON *trials = tree_add_array(tree, item, "trials");
    for (int k = 0; k < job->n_trials; k++) {
        const struct gru_recipe_trial trial = job_trial_shown(&job->trials[k]);
        add_trial(tree, trials, &trial, k + 1 == job->chosen_trial);
    }
}
