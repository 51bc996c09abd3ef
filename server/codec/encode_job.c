/* encode_job.c - fine-tuning jobs, their events and their checkpoints. */
#include "base/clock.h"
#include "codec/hyperparameter_fields.h"
#include "codec/recipe_fields.h"
#include "codec/tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void add_text_or_null(struct tree *tree, cJSON *parent, const char *name, const char *text)
{
    if (text[0] == '\0') {
        tree_add_null(tree, parent, name);
    } else {
        tree_add_string(tree, parent, name, text);
    }
}

static void add_count_or_null(struct tree *tree, cJSON *parent, const char *name, uint64_t value)
{
    if (value == 0) {
        tree_add_null(tree, parent, name);
    } else {
        tree_add_count(tree, parent, name, value);
    }
}

static void add_time_or_null(struct tree *tree, cJSON *parent, const char *name, int64_t time_ms)
{
    if (time_ms == 0) {
        tree_add_null(tree, parent, name);
    } else {
        tree_add_time(tree, parent, name, clock_wall_of(time_ms));
    }
}

static void add_progress(struct tree *tree, const struct job *job)
{
    cJSON *item = tree_add_object(tree, tree->root, "progress");
    tree_add_count(tree, item, "epoch", job->epoch);
    add_count_or_null(tree, item, "n_epochs",
                      job->recipe == JOB_RECIPE_NONE ? job->hyperparameters.n_epochs : 0);
    tree_add_count(tree, item, "step", job->step);
    add_count_or_null(tree, item, "n_steps", job->n_steps);
}

static void add_promotion(struct tree *tree, const struct job *job)
{
    cJSON *item = tree_add_object(tree, tree->root, "promotion");
    tree_add_string(tree, item, "policy", job_policy_word(job->policy));
    tree_add_string(tree, item, "state", job_promotion_word(job->promotion));
    add_text_or_null(tree, item, "reason", job->promotion_reason);
}

static void add_error(struct tree *tree, const struct fault *error)
{
    if (error->status == STATUS_OK) {
        tree_add_null(tree, tree->root, "error");
        return;
    }
    cJSON *item = tree_add_object(tree, tree->root, "error");
    tree_add_string(tree, item, "code", status_code(error->status));
    tree_add_string(tree, item, "message", error->message);
    add_text_or_null(tree, item, "param", error->param);
}

static void add_job(struct tree *tree, const struct job *job, bool durable)
{
    cJSON *root = tree->root;
    int loss = job->hyperparameters.loss;
    tree_add_string(tree, root, "id", job->id);
    tree_add_string(tree, root, "object", "fine_tuning.job");
    tree_add_string(tree, root, "model", job->model);
    tree_add_count(tree, root, "base_version", job->base_version);
    add_count_or_null(tree, root, "fine_tuned_version", job->fine_tuned_version);
    tree_add_string(tree, root, "status", job_status_word(job->status));
    tree_add_time(tree, root, "created_at", clock_wall_of(job->created_at_ms));
    add_time_or_null(tree, root, "started_at", job->started_at_ms);
    add_time_or_null(tree, root, "finished_at", job->finished_at_ms);
    add_time_or_null(tree, root, "estimated_finish", job->estimated_finish_ms);
    add_progress(tree, job);
    if (job->recipe == JOB_RECIPE_NONE) {
        hyperparameters_add(tree, root, "hyperparameters", &job->hyperparameters);
    } else {
        tree_add_null(tree, root, "hyperparameters");
    }
    recipe_add(tree, root, job);
    tree_add_count(tree, root, "seed", job->seed);
    if (job->metadata[0] == '\0') {
        tree_add_null(tree, root, "metadata");
    } else {
        tree_add_json(tree, root, "metadata", job->metadata);
    }
    tree_add_count(tree, root, "trained_steps", job->step);
    tree_add_metrics(tree, root, &job->metrics, loss == GRU_BCE || loss == GRU_CROSS_ENTROPY);
    add_promotion(tree, job);
    add_error(tree, &job->error);
    add_text_or_null(tree, root, "suffix", job->suffix);
    add_count_or_null(tree, root, "max_seconds", job->max_seconds);
    tree_add_bool(tree, root, "dry_run", job->dry_run);
    tree_add_bool(tree, root, "durable", durable);
}

void codec_put_job(struct text *text, const struct job *job, bool durable)
{
    struct tree tree;
    tree_init(&tree);
    add_job(&tree, job, durable);
    tree_finish(&tree, text);
}

/* ---- lists ---- */

static void begin_list(struct text *text)
{
    static const char head[] = "{\"object\":\"list\",\"data\":[";
    text_append(text, head, sizeof head - 1);
}

static void end_list(struct text *text, bool has_more)
{
    static const char more[] = "],\"has_more\":true}", no_more[] = "],\"has_more\":false}";
    text_append(text, has_more ? more : no_more, (has_more ? sizeof more : sizeof no_more) - 1);
}

void codec_put_job_list(struct text *text, const struct job *jobs, size_t n, bool has_more,
                        bool durable)
{
    begin_list(text);
    for (size_t i = 0; i < n; i++) {
        codec_put_job(text, &jobs[i], durable);
        text_append(text, ",", i + 1 < n);
    }
    end_list(text, has_more);
}

/* ---- events ---- */

enum { ID_MAX = 32 };

/* "ftevent-7" */
static void add_id(struct tree *tree, const char *prefix, int64_t id)
{
    char text[ID_MAX];
    snprintf(text, sizeof text, "%s-%" PRId64, prefix, id);
    tree_add_string(tree, tree->root, "id", text);
}

static void add_event_data(struct tree *tree, const struct job_event *event)
{
    if (!event->is_metrics) {
        tree_add_null(tree, tree->root, "data");
        return;
    }
    cJSON *item = tree_add_object(tree, tree->root, "data");
    tree_add_count(tree, item, "step", event->step);
    tree_add_count(tree, item, "epoch", event->epoch);
    tree_add_number(tree, item, "train_loss", event->train_loss);
    tree_add_number(tree, item, "valid_loss", event->valid_loss);
    tree_add_number(tree, item, "grad_norm", event->grad_norm);
    tree_add_number(tree, item, "lr", event->learning_rate);
}

void codec_put_job_event(struct text *text, const struct job_event *event)
{
    static const char *const levels[] = { JOB_EVENT_LEVELS(CHOICE_ENTRY, CHOICE_ENTRY) };
    struct tree tree;
    tree_init(&tree);
    add_id(&tree, "ftevent", event->id);
    tree_add_string(&tree, tree.root, "object", "fine_tuning.job.event");
    tree_add_time(&tree, tree.root, "created_at", clock_wall_of(event->created_at_ms));
    tree_add_string(&tree, tree.root, "level", levels[event->level]);
    tree_add_string(&tree, tree.root, "type", event->is_metrics ? "metrics" : "message");
    tree_add_string(&tree, tree.root, "message", event->message);
    add_event_data(&tree, event);
    tree_finish(&tree, text);
}

void codec_put_job_event_list(struct text *text, const struct job_event *events, size_t n,
                              bool has_more)
{
    begin_list(text);
    for (size_t i = 0; i < n; i++) {
        codec_put_job_event(text, &events[i]);
        text_append(text, ",", i + 1 < n);
    }
    end_list(text, has_more);
}

/* ---- checkpoints ---- */

static void put_checkpoint(struct text *text, const char *job_id,
                           const struct job_checkpoint *checkpoint)
{
    struct tree tree;
    tree_init(&tree);
    add_id(&tree, "ftckpt", checkpoint->id);
    tree_add_string(&tree, tree.root, "object", "fine_tuning.job.checkpoint");
    tree_add_time(&tree, tree.root, "created_at", clock_wall_of(checkpoint->created_at_ms));
    tree_add_string(&tree, tree.root, "fine_tuning_job_id", job_id);
    tree_add_count(&tree, tree.root, "step_number", checkpoint->step);
    tree_add_count(&tree, tree.root, "epoch", checkpoint->epoch);
    cJSON *metrics = tree_add_object(&tree, tree.root, "metrics");
    tree_add_number(&tree, metrics, "train_loss", checkpoint->train_loss);
    tree_add_number(&tree, metrics, "valid_loss", checkpoint->valid_loss);
    tree_finish(&tree, text);
}

void codec_put_job_checkpoint_list(struct text *text, const char *job_id,
                                   const struct job_checkpoint *checkpoints, size_t n,
                                   bool has_more)
{
    begin_list(text);
    for (size_t i = 0; i < n; i++) {
        put_checkpoint(text, job_id, &checkpoints[i]);
        text_append(text, ",", i + 1 < n);
    }
    end_list(text, has_more);
}
