/* encode_model.c - models, and the index of routes. */
#include "codec/tree.h"

#include <math.h>
#include <string.h>

/* ---- models ---- */

static void add_version(struct tree *tree, cJSON *versions, const struct version *version)
{
    char digest[DIGEST_TEXT];
    digest_print(version->digest, digest);
    cJSON *item = tree_add_object(tree, versions, NULL);
    tree_add_count(tree, item, "version", version->number);
    tree_add_time(tree, item, "created_at", version->created_at_ms);
    if (version->parent == 0) {
        tree_add_null(tree, item, "parent");
    } else {
        tree_add_count(tree, item, "parent", version->parent);
    }
    if (version->job[0] == '\0') {
        tree_add_null(tree, item, "job");
    } else {
        tree_add_string(tree, item, "job", version->job);
    }
    tree_add_string(tree, item, "digest", digest);
    tree_add_count(tree, item, "parameters", gru_model_info(version->gru)->n_parameters);
    tree_add_bool(tree, item, "verified", gru_model_is_verified(version->gru));
    if (version->job[0] == '\0') {
        tree_add_null(tree, item, "metrics");
    } else {
        tree_add_metrics(tree, item, &version->metrics, false);
    }
}

static cJSON *add_variable(struct tree *tree, cJSON *variables, const struct gru_variable *variable)
{
    cJSON *item = tree_add_object(tree, variables, NULL);
    tree_add_string(tree, item, "name", variable->name);
    tree_add_string(tree, item, "unit", variable->unit);
    tree_add_number(tree, item, "mean", variable->mean);
    tree_add_number(tree, item, "std", variable->std);
    return item;
}

static void add_variables(struct tree *tree, cJSON *parent, const struct gru_info *info)
{
    cJSON *inputs = tree_add_array(tree, parent, "inputs");
    for (size_t i = 0; i < info->n_inputs; i++) {
        cJSON *item = add_variable(tree, inputs, &info->inputs[i]);
        tree_add_transform(tree, item, &info->inputs[i].transform);
    }
    cJSON *outputs = tree_add_array(tree, parent, "outputs");
    for (size_t i = 0; i < info->n_outputs; i++) {
        int feeds = info->outputs[i].feeds;
        cJSON *item = add_variable(tree, outputs, &info->outputs[i]);
        if (feeds < 0) {
            tree_add_null(tree, item, "feeds");
        } else {
            tree_add_string(tree, item, "feeds", info->inputs[feeds].name);
        }
    }
}

static void add_layers(struct tree *tree, cJSON *parent, const struct gru_info *info)
{
    cJSON *layers = tree_add_array(tree, parent, "layers");
    for (size_t i = 0; i < info->n_layers; i++) {
        cJSON *item = tree_add_object(tree, layers, NULL);
        tree_add_string(tree, item, "cell", gru_layer_kind_name(info->layers[i].kind));
        if (gru_layer_kind_has_reset(info->layers[i].kind)) {
            tree_add_string(tree, item, "reset", gru_reset_name(info->layers[i].reset));
        } else {
            tree_add_null(tree, item, "reset");
        }
        tree_add_count(tree, item, "input_size", info->layers[i].input_size);
        tree_add_count(tree, item, "hidden_size", info->layers[i].hidden_size);
    }
}

/* What is not known, and what has not happened, is null. */
static void add_drift_job(struct tree *tree, cJSON *parent, const struct drift_job *job)
{
    if (job->at_ms == 0) {
        tree_add_null(tree, parent, "last_job");
        return;
    }
    cJSON *item = tree_add_object(tree, parent, "last_job");
    tree_add_time(tree, item, "at", job->at_ms);
    job->id[0] ? tree_add_string(tree, item, "job", job->id) : tree_add_null(tree, item, "job");
    job->reason[0] ? tree_add_string(tree, item, "reason", job->reason)
                   : tree_add_null(tree, item, "reason");
}

static void add_drift(struct tree *tree, cJSON *item, const struct model *model)
{
    struct drift_report report;
    drift_read(model->drift, model->active->number, &report);
    uint64_t n_alarms = 0;
    for (enum drift_detector k = 0; k < DRIFT_N_DETECTORS; k++) {
        n_alarms += report.n_alarms[k];
    }
    tree_add_string(tree, item, "state", report.is_drifting ? "drifting" : "none");
    isnan(report.ratio) ? tree_add_null(tree, item, "ratio")
                        : tree_add_number(tree, item, "ratio", report.ratio);
    tree_add_count(tree, item, "alarms", n_alarms);
    if (report.detected_at_ms == 0) {
        tree_add_null(tree, item, "detected_at");
        tree_add_null(tree, item, "detector");
        tree_add_null(tree, item, "statistic");
    } else {
        tree_add_time(tree, item, "detected_at", report.detected_at_ms);
        tree_add_string(tree, item, "detector", drift_report_detector(&report));
        tree_add_number(tree, item, "statistic", report.alarm.statistic);
    }
    add_drift_job(tree, item, &report.job);
}

static void add_model(struct tree *tree, const struct model *model)
{
    const struct gru_info *info = gru_model_info(model->active->gru);
    cJSON *root = tree->root;
    tree_add_string(tree, root, "name", model->name);
    tree_add_count(tree, root, "active_version", model->active->number);
    cJSON *versions = tree_add_array(tree, root, "versions");
    for (size_t i = 0; i < model->n_versions; i++) {
        add_version(tree, versions, &model->versions[i]);
    }
    add_variables(tree, root, info);
    add_layers(tree, root, info);
    tree_add_string(tree, root, "activation", gru_activation_name(info->activation));
    tree_add_bool(tree, root, "horizon_capable",
                  (info->n_feeds > 0 && !info->is_bidirectional) || info->steps > 1);
    tree_add_count(tree, root, "sessions", model_n_sessions(model));
    tree_add_bool(tree, root, "residual", info->residual);
    tree_add_count(tree, root, "steps", info->steps);
    tree_add_string(tree, root, "missing", gru_missing_name(info->missing));
    if (info->interval_seconds > 0) {
        tree_add_number(tree, root, "interval_seconds", info->interval_seconds);
    } else {
        tree_add_null(tree, root, "interval_seconds");
    }
    if (info->season > 0) {
        tree_add_count(tree, root, "season", info->season);
    } else {
        tree_add_null(tree, root, "season");
    }
    add_drift(tree, tree_add_object(tree, root, "drift"), model);
}

void codec_put_model(struct text *text, const struct model *model)
{
    struct tree tree;
    tree_init(&tree);
    add_model(&tree, model);
    tree_finish(&tree, text);
}

void codec_put_drift(struct text *text, const struct model *model)
{
    struct tree tree;
    tree_init(&tree);
    add_drift(&tree, tree.root, model);
    tree_finish(&tree, text);
}

void codec_put_models(struct text *text, const struct model *const *models, size_t n)
{
    text_append(text, "{\"models\":[", strlen("{\"models\":["));
    for (size_t i = 0; i < n; i++) {
        codec_put_model(text, models[i]);
        text_append(text, ",", i + 1 < n);
    }
    text_append(text, "]}", 2);
}

void codec_put_degraded(struct text *text, const char *reason,
                        const struct unserved *const *unserved, size_t n)
{
    struct tree tree;
    tree_init(&tree);
    tree_add_string(&tree, tree.root, "status", "degraded");
    tree_add_string(&tree, tree.root, "reason", reason);
    cJSON *models = n > 0 ? tree_add_array(&tree, tree.root, "models") : NULL;
    for (size_t k = 0; k < n; k++) {
        cJSON *item = tree_add_object(&tree, models, NULL);
        tree_add_string(&tree, item, "model", unserved[k]->model);
        if (unserved[k]->version == 0) {
            tree_add_null(&tree, item, "version");
        } else {
            tree_add_count(&tree, item, "version", unserved[k]->version);
        }
        tree_add_string(&tree, item, "reason", unserved[k]->reason);
    }
    tree_finish(&tree, text);
}

/* ---- the index of routes ---- */

void codec_put_routes(struct text *text, const char *version, const struct codec_route *routes,
                      size_t n)
{
    struct tree tree;
    tree_init(&tree);
    tree_add_string(&tree, tree.root, "name", "grud");
    tree_add_string(&tree, tree.root, "version", version);
    cJSON *array = tree_add_array(&tree, tree.root, "routes");
    for (size_t i = 0; i < n; i++) {
        cJSON *item = tree_add_object(&tree, array, NULL);
        tree_add_string(&tree, item, "method", routes[i].method);
        tree_add_string(&tree, item, "path", routes[i].path);
        tree_add_string(&tree, item, "summary", routes[i].summary);
    }
    tree_finish(&tree, text);
}
