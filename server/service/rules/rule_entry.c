#include "service/rules/rule_entry.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rule_entry *rule_entry_create(const struct rule *rule)
{
    struct rule_entry *entry = calloc(1, sizeof *entry);
    if (!entry) {
        return NULL;
    }
    entry->n_refs = 1;
    entry->rule = *rule;
    entry->n_prefix = strlen(rule->prefix);
    entry->is_over = rule->is_over;
    pthread_mutex_init(&entry->mutex, NULL);
    TAILQ_INIT(&entry->queue);
    return entry;
}

struct rule_entry *rule_entry_ref(struct rule_entry *entry)
{
    atomic_fetch_add_explicit(&entry->n_refs, 1, memory_order_relaxed);
    return entry;
}

void rule_entry_unref(struct rule_entry *entry)
{
    if (entry && atomic_fetch_sub_explicit(&entry->n_refs, 1, memory_order_acq_rel) == 1) {
        pthread_mutex_destroy(&entry->mutex);
        free(entry);
    }
}

bool rule_is_same(const struct rule *a, const struct rule *b)
{
    return strcmp(a->model, b->model) == 0 && strcmp(a->name, b->name) == 0 &&
           strcmp(a->prefix, b->prefix) == 0 && a->kind == b->kind && a->bound == b->bound &&
           a->n_for == b->n_for && strcmp(a->output, b->output) == 0 &&
           a->is_below == b->is_below && a->threshold == b->threshold && a->horizon == b->horizon &&
           strcmp(a->url, b->url) == 0 && a->format == b->format;
}

struct rule_webhook rule_entry_webhook(struct rule_entry *entry)
{
    pthread_mutex_lock(&entry->mutex);
    const struct rule_webhook webhook = entry->webhook;
    pthread_mutex_unlock(&entry->mutex);
    return webhook;
}

void rule_entry_note_post(struct rule_entry *entry, const char *reason)
{
    const int64_t now_ms = clock_steady_ms();
    pthread_mutex_lock(&entry->mutex);
    if (reason) {
        entry->webhook.last_failure_at_ms = now_ms;
        entry->webhook.n_failures++;
        snprintf(entry->webhook.last_failure, sizeof entry->webhook.last_failure, "%s", reason);
    } else {
        entry->webhook.last_success_at_ms = now_ms;
    }
    pthread_mutex_unlock(&entry->mutex);
}
