#include "service/rules/rules.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/degraded.h"
#include "service/service_private.h"
#include "webhook/webhook_url.h"

#include <stdlib.h>
#include <string.h>

const char *rule_post_word(enum rule_post post)
{
    static const char *const words[] = {
#define RULE_POST_WORD(id, word) [id] = (word),
        RULE_POSTS(RULE_POST_WORD)
#undef RULE_POST_WORD
    };
    return words[post];
}

/* ---- the set ---- */

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the rules");
}

/* One reference, given away. */
static void publish(struct rules *rules, struct rule_set *set)
{
    pthread_mutex_lock(&rules->set_mutex);
    struct rule_set *before = rules->current;
    rules->current = set;
    atomic_fetch_add(&rules->generation, 1);
    pthread_mutex_unlock(&rules->set_mutex);
    rule_set_unref(before);
}

/* As they are, without `removed` and with `added`; either may be NULL. */
static struct rule_set *change_set(const struct rules *rules, const struct rule_entry *removed,
                                   struct rule_entry *added)
{
    const struct rule_set *current = rules->current;
    struct rule_entry **entries = reallocarray(NULL, current->n_entries + 1, sizeof(*entries));
    size_t n = 0;
    if (!entries) {
        return NULL;
    }
    for (size_t k = 0; k < current->n_entries; k++) {
        if (current->entries[k] != removed) {
            entries[n++] = current->entries[k];
        }
    }
    if (added) {
        entries[n++] = added;
    }
    struct rule_set *set = rule_set_create(entries, n);
    free(entries);
    return set;
}

/* Seldom: apart, so that a turn without news saves no registers for it. */
__attribute__((noinline)) static void take_newest(struct service_context *context,
                                                  struct rules *rules)
{
    rule_set_unref(context->rule_set);
    pthread_mutex_lock(&rules->set_mutex);
    context->rule_set = rule_set_ref(rules->current);
    context->rules_generation = atomic_load(&rules->generation);
    pthread_mutex_unlock(&rules->set_mutex);
}

void rules_renew(struct service_context *context)
{
    struct rules *rules = context->service->rules;
    if (rules && context->rules_generation != atomic_load(&rules->generation)) {
        take_newest(context, rules);
    }
}

void rules_release(struct service_context *context)
{
    rule_set_unref(context->rule_set);
    context->rule_set = NULL;
}

/* ---- the start ---- */

/* Rules by number, those that are over among them. */
struct reading_rules {
    struct rules *rules;
    struct rule_entry **entries; /* [n], each with a reference */
    size_t n, room;
};

static enum status take_rule(void *cls, const struct rule *rule, struct fault *fault)
{
    struct reading_rules *reading = cls;
    if (reading->n == reading->room) {
        const size_t room = reading->room > 0 ? 2 * reading->room : 64;
        struct rule_entry **wider = reallocarray(reading->entries, room, sizeof(*wider));
        if (!wider) {
            return no_memory(fault);
        }
        reading->entries = wider;
        reading->room = room;
    }
    struct rule_entry *entry = rule_entry_create(rule);
    if (!entry) {
        return no_memory(fault);
    }
    reading->entries[reading->n++] = entry;
    return STATUS_OK;
}

/* They are in the order of their numbers. NULL: there is none. */
static struct rule_entry *find_read(const struct reading_rules *reading, int64_t number)
{
    size_t least = 0, most = reading->n; /* how many have smaller numbers */
    while (least < most) {
        const size_t middle = least + (most - least) / 2;
        if (reading->entries[middle]->rule.number < number) {
            least = middle + 1;
        } else {
            most = middle;
        }
    }
    const bool is_it = least < reading->n && reading->entries[least]->rule.number == number;
    return is_it ? reading->entries[least] : NULL;
}

/* What fired by a rule that is over has ended with it, also if the process was killed before. */
static enum status take_firing(void *cls, const struct firing *firing, struct fault *fault)
{
    const struct reading_rules *reading = cls;
    struct rule_entry *entry = find_read(reading, firing->rule);
    return !entry || rule_states_restore(reading->rules->states, entry, firing) ? STATUS_OK
                                                                                : no_memory(fault);
}

static enum status publish_read(struct reading_rules *reading, struct fault *fault)
{
    struct rule_entry **live = reallocarray(NULL, reading->n + 1, sizeof(*live));
    size_t n = 0;
    for (size_t k = 0; live && k < reading->n; k++) {
        if (reading->entries[k]->is_over) {
            rule_states_end_rule(reading->rules->states, reading->entries[k], clock_steady_ms());
        } else {
            live[n++] = reading->entries[k];
        }
    }
    struct rule_set *set = live ? rule_set_create(live, n) : NULL;
    free(live);
    if (!set) {
        return no_memory(fault);
    }
    publish(reading->rules, set);
    return STATUS_OK;
}

static enum status read_all(struct rules *rules, struct fault *fault)
{
    struct reading_rules reading = { .rules = rules };
    enum status status = rule_store_each(rules->store, take_rule, &reading, fault);
    if (status == STATUS_OK) {
        status = rule_store_each_firing(rules->store, take_firing, &reading, fault);
    }
    if (status == STATUS_OK) {
        status = publish_read(&reading, fault);
    }
    for (size_t k = 0; k < reading.n; k++) {
        rule_entry_unref(reading.entries[k]);
    }
    free(reading.entries);
    return status;
}

enum status rules_create(const struct config *config, struct rules **ret_rules, struct fault *fault)
{
    *ret_rules = NULL;
    if (config->rule_max == 0) {
        return STATUS_OK;
    }
    struct rules *rules = calloc(1, sizeof *rules);
    if (!rules) {
        return no_memory(fault);
    }
    pthread_mutex_init(&rules->mutex, NULL);
    pthread_mutex_init(&rules->set_mutex, NULL);
    enum status status = rule_states_create(config->rule_firing_max, &rules->states, fault);
    if (status == STATUS_OK) {
        status = rule_store_open(config->data, &rules->store, fault);
    }
    if (status == STATUS_OK) {
        status = read_all(rules, fault);
    }
    if (status != STATUS_OK) {
        rules_free(rules);
        return status;
    }
    *ret_rules = rules;
    return STATUS_OK;
}

void rules_free(struct rules *rules)
{
    if (!rules) {
        return;
    }
    rule_states_free(rules->states);
    rule_set_unref(rules->current);
    rule_store_close(rules->store);
    pthread_mutex_destroy(&rules->set_mutex);
    pthread_mutex_destroy(&rules->mutex);
    free(rules);
}

/* ---- verbs ---- */

static enum status check_room(const struct service_context *context, const struct rules *rules,
                              const struct rule_entry *before, struct fault *fault)
{
    const size_t most = context->service->config->rule_max;
    const size_t n = rules ? rules->current->n_entries : 0;
    return before || n < most
               ? STATUS_OK
               : fault_set(fault, STATUS_RULES_FULL, "rule",
                           "there are %zu rules, and no more may be (--rule-max %zu): delete one",
                           n, most);
}

/* With the mutex held. */
static enum status put(struct rules *rules, struct rule *wanted, struct rule_entry *before,
                       struct fault *fault)
{
    wanted->created_at_ms = clock_steady_ms();
    struct rule_entry *entry = rule_entry_create(wanted);
    struct rule_set *set = entry ? change_set(rules, before, entry) : NULL;
    enum status status =
        set ? rule_store_put(rules->store, wanted, before ? before->rule.number : 0, fault)
            : no_memory(fault);
    if (status == STATUS_OK) {
        entry->rule.number = wanted->number;
        if (before) {
            rule_states_end_rule(rules->states, before, wanted->created_at_ms);
        }
        publish(rules, set);
    } else {
        rule_set_unref(set);
    }
    rule_entry_unref(entry);
    return status;
}

enum status rule_put(struct service_context *context, struct rule *wanted, bool *ret_is_new,
                     struct fault *fault)
{
    struct service *service = context->service;
    struct rules *rules = service->rules;
    enum status status =
        webhook_url_check(wanted->url, service->config->webhook_private == CONFIG_YES, fault);
    if (status != STATUS_OK || !rules) {
        return status == STATUS_OK ? check_room(context, NULL, NULL, fault) : status;
    }
    pthread_mutex_lock(&rules->mutex);
    struct rule_entry *before = rule_set_named(rules->current, wanted->model, wanted->name);
    status = check_room(context, rules, before, fault);
    *ret_is_new = !before;
    if (status == STATUS_OK && !(before && rule_is_same(&before->rule, wanted))) {
        status = put(rules, wanted, before, fault);
        degraded_settle(service, DEGRADED_RULES, status);
    }
    pthread_mutex_unlock(&rules->mutex);
    rules_renew(context);
    return status;
}

static enum status not_found(const char *model, const char *name, struct fault *fault)
{
    return fault_set(fault, STATUS_RULE_NOT_FOUND, "rule", "model '%s' has no rule '%.*s'", model,
                     RULE_NAME_MAX, name);
}

enum status rule_delete(struct service_context *context, const char *model, const char *name,
                        struct fault *fault)
{
    struct rules *rules = context->service->rules;
    if (!rules) {
        return not_found(model, name, fault);
    }
    pthread_mutex_lock(&rules->mutex);
    struct rule_entry *entry = rule_set_named(rules->current, model, name);
    struct rule_set *set = entry ? change_set(rules, entry, NULL) : NULL;
    enum status status = !entry ? not_found(model, name, fault)
                         : !set ? no_memory(fault)
                                : rule_store_end(rules->store, entry->rule.number, fault);
    if (status == STATUS_OK) {
        rule_states_end_rule(rules->states, entry, clock_steady_ms());
        publish(rules, set);
    } else {
        rule_set_unref(set);
    }
    if (entry) {
        degraded_settle(context->service, DEGRADED_RULES, status);
    }
    pthread_mutex_unlock(&rules->mutex);
    rules_renew(context);
    return status;
}

/* ---- looking ---- */

size_t rule_list(const struct service_context *context, const char *model,
                 struct rule_entry *const **ret_entries)
{
    const struct rule_set *set = context->rule_set;
    size_t first = 0, n = 0;
    *ret_entries = NULL;
    if (!set) {
        return 0;
    }
    while (model && first < set->n_entries && strcmp(set->entries[first]->rule.model, model) != 0) {
        first++;
    }
    while (first + n < set->n_entries &&
           (!model || strcmp(set->entries[first + n]->rule.model, model) == 0)) {
        n++;
    }
    *ret_entries = set->entries + first;
    return n;
}

enum status rule_find(const struct service_context *context, const char *model, const char *name,
                      struct rule_entry **ret_entry, struct fault *fault)
{
    struct rule_entry *entry =
        context->rule_set ? rule_set_named(context->rule_set, model, name) : NULL;
    if (!entry) {
        return not_found(model, name, fault);
    }
    *ret_entry = entry;
    return STATUS_OK;
}

size_t rule_firings(const struct service_context *context, const struct rule_entry *entry,
                    size_t n_max, struct firing *ret_firings)
{
    return rule_states_list(context->service->rules->states, entry, n_max, ret_firings);
}

struct rule_figures rules_figures(const struct service_context *context)
{
    const struct rules *rules = context->service->rules;
    struct rule_figures figures = { 0 };
    if (rules) {
        figures.n_left_out = atomic_load(&rules->states->n_left_out);
        for (size_t k = 0; k < RULE_N_POSTS; k++) {
            figures.n_posts[k] = atomic_load(&rules->n_posts[k]);
        }
    }
    return figures;
}
