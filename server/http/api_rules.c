/* api_rules.c - rules: list, read, put, delete. */
#include "http/api.h"

#include <string.h>

enum { FIRINGS_DEFAULT = 100, FIRINGS_MAX = 1000, RULE_BYTES = 2048, FIRING_BYTES = 160 };

/* The path's {model} and {rule}. */
static enum status find_names(struct request *request, const struct model **ret_model,
                              const char **ret_name)
{
    const char *name = request->parameters[PARAMETER_RULE];
    enum status status = api_model(request, ret_model);
    *ret_name = name;
    return status != STATUS_OK || model_name_is_valid(name, strlen(name))
               ? status
               : fault_set(
                     request->fault, STATUS_INVALID_VALUE, "rule",
                     "a rule's name has 1 to %d characters of A-Z a-z 0-9 . _ - and no '.' at "
                     "the beginning",
                     RULE_NAME_MAX);
}

static enum status reply_rule(struct request *request, int code, struct rule_entry *entry,
                              size_t limit)
{
    struct firing *firings = arena_array(request->arena, limit, sizeof *firings);
    if (!firings) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    const size_t n = rule_firings(request->context, entry, limit, firings);
    struct text text;
    text_init(&text, request->arena, RULE_BYTES + FIRING_BYTES * n);
    codec_put_rule(&text, entry, firings, n);
    return api_reply(request, code, &text);
}

enum status api_rules_list(struct request *request)
{
    const struct model *model;
    struct rule_entry *const *entries;
    enum status status = api_model(request, &model);
    if (status != STATUS_OK) {
        return status;
    }
    const size_t n = rule_list(request->context, model->name, &entries);
    struct text text;
    text_init(&text, request->arena, 64 + RULE_BYTES * n);
    codec_put_rules(&text, entries, n);
    return api_reply(request, 200, &text);
}

enum status api_rule_get(struct request *request)
{
    const struct model *model;
    const char *name;
    struct rule_entry *entry;
    size_t limit;
    enum status status = find_names(request, &model, &name);
    if (status == STATUS_OK) {
        status = api_limit(request, FIRINGS_DEFAULT, FIRINGS_MAX, &limit);
    }
    if (status == STATUS_OK) {
        status = rule_find(request->context, model->name, name, &entry, request->fault);
    }
    return status == STATUS_OK ? reply_rule(request, 200, entry, limit) : status;
}

enum status api_rule_put(struct request *request)
{
    const struct codec_input input = api_input(request);
    const struct model *model;
    const char *name;
    struct rule rule;
    struct rule_entry *entry;
    bool is_new;
    enum status status = find_names(request, &model, &name);
    if (status == STATUS_OK) {
        status = model_check_causal(model, request->fault);
    }
    if (status == STATUS_OK) {
        status = codec_rule(&input, model, name, &rule);
    }
    if (status == STATUS_OK) {
        status = rule_put(request->context, &rule, &is_new, request->fault);
    }
    if (status == STATUS_OK) {
        status = rule_find(request->context, rule.model, rule.name, &entry, request->fault);
    }
    return status == STATUS_OK ? reply_rule(request, is_new ? 201 : 200, entry, FIRINGS_DEFAULT)
                               : status;
}

/* A model that is not served any more may still have rules, which count as all others do. */
enum status api_rule_delete(struct request *request)
{
    const char *of_model = request->parameters[PARAMETER_MODEL],
               *name = request->parameters[PARAMETER_RULE];
    const struct model *model;
    struct rule_entry *entry;
    enum status status = rule_find(request->context, of_model, name, &entry, request->fault);
    if (status != STATUS_OK) { /* which of the names is wrong */
        status = find_names(request, &model, &name);
    }
    if (status == STATUS_OK) {
        status = rule_delete(request->context, of_model, name, request->fault);
    }
    return status == STATUS_OK ? api_reply_nothing(request) : status;
}
