/* tree.c - see tree.h. */
#include "codec/tree.h"

#include "json/json.h"

#include <math.h>
#include <string.h>

void tree_init(struct tree *tree)
{
    tree->root = cJSON_CreateObject();
    tree->failed = tree->root == NULL;
}

void tree_finish(struct tree *tree, struct text *text)
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

/* Takes over item, which may be NULL. */
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

cJSON *tree_add_object(struct tree *tree, cJSON *parent, const char *name)
{
    return add(tree, parent, name, cJSON_CreateObject());
}

cJSON *tree_add_array(struct tree *tree, cJSON *parent, const char *name)
{
    return add(tree, parent, name, cJSON_CreateArray());
}

void tree_add_string(struct tree *tree, cJSON *parent, const char *name, const char *value)
{
    add(tree, parent, name, cJSON_CreateString(value));
}

void tree_add_bool(struct tree *tree, cJSON *parent, const char *name, bool value)
{
    add(tree, parent, name, cJSON_CreateBool(value));
}

void tree_add_null(struct tree *tree, cJSON *parent, const char *name)
{
    add(tree, parent, name, cJSON_CreateNull());
}

/* Numbers are printed by lib/json: cJSON's own 17 digits are neither short nor free of the locale.
 */
void tree_add_number(struct tree *tree, cJSON *parent, const char *name, double value)
{
    char number[JSON_DOUBLE_MAX + 1];
    *json_print_double(number, value) = '\0';
    add(tree, parent, name, cJSON_CreateRaw(number));
}

void tree_add_count(struct tree *tree, cJSON *parent, const char *name, uint64_t value)
{
    char number[JSON_INT_MAX + 1];
    *json_print_int(number, (int64_t)value) = '\0';
    add(tree, parent, name, cJSON_CreateRaw(number));
}

void tree_add_json(struct tree *tree, cJSON *parent, const char *name, const char *json)
{
    add(tree, parent, name, cJSON_CreateRaw(json));
}

void tree_add_time(struct tree *tree, cJSON *parent, const char *name, int64_t time_ms)
{
    tree_add_number(tree, parent, name, (double)time_ms / 1000);
}

void tree_add_transform(struct tree *tree, cJSON *parent, const struct gru_transform *transform)
{
    const char *word = gru_transform_name(transform->kind);
    if (transform->kind == GRU_SEASONAL_DIFFERENCE) {
        cJSON *item = tree_add_object(tree, parent, "transform");
        tree_add_count(tree, item, word, transform->season);
    } else if (transform->kind == GRU_LEVEL) {
        cJSON *item = tree_add_object(tree, parent, "transform");
        tree_add_number(tree, item, word, transform->rate);
        tree_add_bool(tree, item, "scale", transform->scale);
    } else {
        tree_add_string(tree, parent, "transform", word);
    }
}

void tree_add_metrics(struct tree *tree, cJSON *parent, const struct job_metrics *metrics,
                      bool with_accuracy)
{
    cJSON *item = tree_add_object(tree, parent, "metrics");
    tree_add_number(tree, item, "train_loss", metrics->train_loss);
    tree_add_number(tree, item, "valid_loss", metrics->valid_loss);
    tree_add_number(tree, item, "baseline_valid_loss", metrics->baseline_valid_loss);
    tree_add_number(tree, item, "persistence_valid_loss", metrics->persistence_valid_loss);
    if (with_accuracy || !isnan(metrics->train_accuracy) || !isnan(metrics->valid_accuracy)) {
        tree_add_number(tree, item, "train_accuracy", metrics->train_accuracy);
        tree_add_number(tree, item, "valid_accuracy", metrics->valid_accuracy);
    }
}
