/*
 * encode_model.c - the irregular documents, built with cJSON. Its trees come from malloc, not from the arena,
 * and are freed before these functions return.
 */
#include "codec/put.h"

#include <cjson/cJSON.h>

/* A document under construction. Once an allocation has failed the rest is built as far as it goes, and the
 * text fails. */
struct tree {
    cJSON *root;
    bool failed;
};

/* Adds item, which may be NULL, to an object (by a name that is a literal) or, with name NULL, to an array.
 */
static cJSON *add(struct tree *tree, cJSON *parent, const char *name, cJSON *item)
{
    cJSON_bool added = item != NULL && (name != NULL ? cJSON_AddItemToObjectCS(parent, name, item)
                                                     : cJSON_AddItemToArray(parent, item));
    if (!added) {
        cJSON_Delete(item);
        tree->failed = true;
        return NULL;
    }
    return item;
}

static cJSON *add_object(struct tree *tree, cJSON *parent, const char *name)
{
    return add(tree, parent, name, cJSON_CreateObject());
}

static cJSON *add_array(struct tree *tree, cJSON *parent, const char *name)
{
    return add(tree, parent, name, cJSON_CreateArray());
}

static void add_string(struct tree *tree, cJSON *parent, const char *name, const char *value)
{
    add(tree, parent, name, cJSON_CreateString(value));
}

static void add_bool(struct tree *tree, cJSON *parent, const char *name, bool value)
{
    add(tree, parent, name, cJSON_CreateBool(value));
}

static void add_null(struct tree *tree, cJSON *parent, const char *name)
{
    add(tree, parent, name, cJSON_CreateNull());
}

/* Numbers are printed by lib/json: cJSON's own 17 digits are neither short nor free of the locale. */
static void add_number(struct tree *tree, cJSON *parent, const char *name, double value)
{
    char number[JSON_DOUBLE_MAX + 1];
    *json_print_double(number, value) = '\0';
    add(tree, parent, name, cJSON_CreateRaw(number));
}

static void add_count(struct tree *tree, cJSON *parent, const char *name, uint64_t value)
{
    char number[JSON_INT_MAX + 1];
    *json_print_int(number, (int64_t)value) = '\0';
    add(tree, parent, name, cJSON_CreateRaw(number));
}

static void tree_init(struct tree *tree)
{
    tree->root = cJSON_CreateObject();
    tree->failed = tree->root == NULL;
}

/* Appends the document to the text and frees it. */
static void tree_finish(struct tree *tree, struct text *text)
{
    char *printed = tree->failed ? NULL : cJSON_PrintUnformatted(tree->root);
    if (printed == NULL) {
        text->failed = true;
    } else {
        text_append(text, printed, strlen(printed));
    }
    cJSON_free(printed);
    cJSON_Delete(tree->root);
}

/* ---- models ---- */

static void add_version(struct tree *tree, cJSON *versions, const struct version *version)
{
    char digest[DIGEST_TEXT];
    digest_print(version->digest, digest);
    cJSON *item = add_object(tree, versions, NULL);
    add_count(tree, item, "version", version->number);
    add_number(tree, item, "created_at", (double)version->created_at_ms / 1000);
    if (version->parent == 0) {
        add_null(tree, item, "parent");
    } else {
        add_count(tree, item, "parent", version->parent);
    }
    add_null(tree, item, "job");
    add_string(tree, item, "digest", digest);
    add_count(tree, item, "parameters", gru_model_info(version->gru)->n_parameters);
    add_null(tree, item, "metrics");
}

static cJSON *add_variable(struct tree *tree, cJSON *variables, const struct gru_variable *variable)
{
    cJSON *item = add_object(tree, variables, NULL);
    add_string(tree, item, "name", variable->name);
    add_string(tree, item, "unit", variable->unit);
    add_number(tree, item, "mean", variable->mean);
    add_number(tree, item, "std", variable->std);
    return item;
}

static void add_variables(struct tree *tree, cJSON *parent, const struct gru_info *info)
{
    cJSON *inputs = add_array(tree, parent, "inputs");
    for (size_t i = 0; i < info->n_inputs; i++) {
        add_variable(tree, inputs, &info->inputs[i]);
    }
    cJSON *outputs = add_array(tree, parent, "outputs");
    for (size_t i = 0; i < info->n_outputs; i++) {
        int feeds = info->outputs[i].feeds;
        cJSON *item = add_variable(tree, outputs, &info->outputs[i]);
        if (feeds < 0) {
            add_null(tree, item, "feeds");
        } else {
            add_string(tree, item, "feeds", info->inputs[feeds].name);
        }
    }
}

static void add_layers(struct tree *tree, cJSON *parent, const struct gru_info *info)
{
    cJSON *layers = add_array(tree, parent, "layers");
    for (size_t i = 0; i < info->n_layers; i++) {
        cJSON *item = add_object(tree, layers, NULL);
        add_string(tree, item, "cell", gru_cell_name(info->cell));
        if (info->cell == GRU_CELL_THREE_GATE) { /* it has no reset gate */
            add_null(tree, item, "reset");
        } else {
            add_string(tree, item, "reset", gru_reset_name(info->reset));
        }
        add_count(tree, item, "input_size", info->layers[i].input_size);
        add_count(tree, item, "hidden_size", info->layers[i].hidden_size);
    }
}

static void add_model(struct tree *tree, const struct model *model)
{
    const struct gru_info *info = gru_model_info(model->active->gru);
    cJSON *root = tree->root;
    add_string(tree, root, "name", model->name);
    add_count(tree, root, "active_version", model->active->number);
    cJSON *versions = add_array(tree, root, "versions");
    for (size_t i = 0; i < model->n_versions; i++) {
        add_version(tree, versions, &model->versions[i]);
    }
    add_variables(tree, root, info);
    add_layers(tree, root, info);
    add_string(tree, root, "activation", gru_activation_name(info->activation));
    add_bool(tree, root, "horizon_capable", info->n_feeds > 0 || info->steps > 1);
    add_count(tree, root, "sessions", model_n_sessions(model));
    add_bool(tree, root, "residual", info->residual);
    add_count(tree, root, "steps", info->steps);
    add_string(tree, root, "missing", gru_missing_name(info->missing));
    if (info->interval_seconds > 0) {
        add_number(tree, root, "interval_seconds", info->interval_seconds);
    } else {
        add_null(tree, root, "interval_seconds");
    }
}

void codec_put_model(struct text *text, const struct model *model)
{
    struct tree tree;
    tree_init(&tree);
    add_model(&tree, model);
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

/* ---- the index of routes ---- */

void codec_put_routes(struct text *text, const char *version, const struct codec_route *routes, size_t n)
{
    struct tree tree;
    tree_init(&tree);
    add_string(&tree, tree.root, "name", "grud");
    add_string(&tree, tree.root, "version", version);
    cJSON *array = add_array(&tree, tree.root, "routes");
    for (size_t i = 0; i < n; i++) {
        cJSON *item = add_object(&tree, array, NULL);
        add_string(&tree, item, "method", routes[i].method);
        add_string(&tree, item, "path", routes[i].path);
        add_string(&tree, item, "summary", routes[i].summary);
    }
    tree_finish(&tree, text);
}
