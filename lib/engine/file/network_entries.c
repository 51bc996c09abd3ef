/* Reading a list of layers; see network_entries.h. */
#include "engine/file/network_entries.h"
#include "engine/buffer.h"
#include "engine/fail.h"
#include "engine/file/metadata_words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const float default_eps = 1e-5F;

/* An element while it is read: what its keys say before it is known which of them apply. */
struct entry_reader {
    struct network_entries *list;
    struct network_entry *entry;
    enum network_origin origin;
};

struct network_path gru_network_path(const struct network_entries *entries, size_t k,
                                     const char *key)
{
    struct network_path path;
    snprintf(path.text, sizeof path.text, "%s[%zu]%s%s", entries->path, k, *key ? "." : "", key);
    return path;
}

bool gru_network_heads_differ(const struct network_entries *entries)
{
    bool differ = false;
    for (size_t k = 1; k < entries->n_heads; k++) {
        differ = differ || entries->heads[k].activation != entries->heads[0].activation ||
                 entries->heads[k].activation == GRU_SOFTMAX;
    }
    return differ;
}

/* ---- the keys ---- */

static enum gru_status read_type(struct fields *r, const char *path, void *target)
{
#define WORD(id, word) (word),
    static const char *const names[] = { GRU_LAYER_KINDS(WORD, WORD) "heads" };
#undef WORD
    struct network_entry *entry = ((struct entry_reader *)target)->entry;
    int choice;
    enum gru_status status = gru_field_choice(r, path, names, GRU_N_LAYER_KINDS + 1, &choice);
    if (status == GRU_OK) {
        entry->is_heads = choice == GRU_N_LAYER_KINDS;
        entry->kind =
            gru_layer_kind_row(entry->is_heads ? GRU_LAYER_DENSE : (enum gru_layer_kind)choice);
    }
    return status;
}

static enum gru_status read_prefix(struct fields *r, const char *path, void *target)
{
    char *prefix = ((struct entry_reader *)target)->entry->prefix;
    return gru_field_string(r, path, prefix, NETWORK_NAME_MAX + 1);
}

static enum gru_status read_tensor_name(struct fields *r, const char *path, char *out)
{
    enum gru_status status = gru_field_string(r, path, out, NETWORK_NAME_MAX + 1);
    if (status == GRU_OK && *out == '\0') {
        status = gru_fail(r->error, GRU_BAD_METADATA, path, "'%s' must not be empty", path);
    }
    return status;
}

static enum gru_status read_initial_state(struct fields *r, const char *path, void *target)
{
    return read_tensor_name(r, path, ((struct entry_reader *)target)->entry->initial_state);
}

static enum gru_status read_initial_cell(struct fields *r, const char *path, void *target)
{
    return read_tensor_name(r, path, ((struct entry_reader *)target)->entry->initial_cell);
}

static enum gru_status read_reset(struct fields *r, const char *path, void *target)
{
    return gru_field_reset(r, path, &((struct entry_reader *)target)->entry->reset);
}

static enum gru_status read_gate_order(struct fields *r, const char *path, void *target)
{
    return gru_field_gate_order(r, path, &((struct entry_reader *)target)->entry->gate_order);
}

static enum gru_status read_update(struct fields *r, const char *path, void *target)
{
    return gru_field_update(r, path, &((struct entry_reader *)target)->entry->takes);
}

static enum gru_status read_activation(struct fields *r, const char *path, void *target)
{
    return gru_field_activation(r, path, &((struct entry_reader *)target)->entry->activation);
}

static enum gru_status read_eps(struct fields *r, const char *path, void *target)
{
    double eps;
    enum gru_status status = gru_field_positive(r, path, &eps);
    const float rounded = status == GRU_OK ? (float)eps : 0;
    if (status == GRU_OK && !(isnormal(rounded) && rounded > 0)) {
        return gru_fail(r->error, GRU_BAD_METADATA, path,
                        "'%s' must be a 32-bit number above 0, not %g", path, eps);
    }
    ((struct entry_reader *)target)->entry->eps = rounded;
    return status;
}

static enum gru_status read_units(struct fields *r, const char *path, void *target)
{
    return gru_field_count(r, path, GRU_WIDTH_MAX,
                           &((struct entry_reader *)target)->entry->n_units);
}

static enum gru_status read_heads(struct fields *r, const char *path, void *target);

enum entry_key {
    KEY_TYPE,
    KEY_PREFIX,
    KEY_ACTIVATION,
    KEY_UNITS, /* the last one of a head */
    KEY_RESET,
    KEY_GATE_ORDER,
    KEY_UPDATE,
    KEY_INITIAL_STATE,
    KEY_INITIAL_CELL,
    KEY_EPS,
    KEY_HEADS,
    N_KEYS
};

static const struct metadata_field entry_keys[N_KEYS] = {
    [KEY_TYPE] = { "type", read_type },
    [KEY_PREFIX] = { "prefix", read_prefix },
    [KEY_ACTIVATION] = { "activation", read_activation },
    [KEY_UNITS] = { "units", read_units },
    [KEY_RESET] = { "reset", read_reset },
    [KEY_GATE_ORDER] = { "gate_order", read_gate_order },
    [KEY_UPDATE] = { "update", read_update },
    [KEY_INITIAL_STATE] = { "initial_state", read_initial_state },
    [KEY_INITIAL_CELL] = { "initial_cell", read_initial_cell },
    [KEY_EPS] = { "eps", read_eps },
    [KEY_HEADS] = { "heads", read_heads },
};

/* Keys as bits. */
#define BIT(key) (1U << (key))

/* Those that an element may have, and those that it must have. */
struct entry_rules {
    unsigned allowed, required;
};

static struct entry_rules rules_of(const struct network_entry *entry, enum network_origin origin)
{
    const struct layer_kind *kind = entry->kind;
    const bool has_units = layer_kind_is_recurrent(kind) || kind->family == LAYER_DENSE;
    const bool is_norm = kind->family == LAYER_NORM || kind->family == LAYER_BATCH_NORM;
    struct entry_rules rules = { .allowed = BIT(KEY_TYPE), .required = 0 };
    if (entry->is_heads) {
        rules.required = BIT(KEY_HEADS);
    } else if (origin == NETWORK_OF_PLAN) {
        rules.required = has_units ? BIT(KEY_UNITS) : 0;
    } else { /* a new model's rows need no order, and its first state is zero */
        rules.allowed |= kind->n_gate_orders > 0 ? BIT(KEY_GATE_ORDER) : 0;
        rules.allowed |= kind->has_update ? BIT(KEY_UPDATE) : 0;
        rules.allowed |= kind->n_states > 0 ? BIT(KEY_INITIAL_STATE) : 0;
        rules.allowed |= kind->n_states > 1 ? BIT(KEY_INITIAL_CELL) : 0;
    }
    rules.required |= kind->family == LAYER_ACTIVATION ? BIT(KEY_ACTIVATION) : 0;
    rules.allowed |= kind->n_tensors > 0 && !entry->is_heads ? BIT(KEY_PREFIX) : 0;
    rules.allowed |= kind->has_reset ? BIT(KEY_RESET) : 0;
    rules.allowed |= is_norm ? BIT(KEY_EPS) : 0;
    rules.allowed |= kind->family == LAYER_DENSE && !entry->is_heads ? BIT(KEY_ACTIVATION) : 0;
    rules.allowed |= rules.required;
    return rules;
}

static const char *type_name(const struct network_entry *entry)
{
    return entry->is_heads ? "heads" : gru_layer_kind_name(entry->kind->id);
}

static enum gru_status check_keys(const struct fields *r, const char *path,
                                  const struct network_entry *entry, struct entry_rules rules,
                                  unsigned seen)
{
    char inner[PATH_MAX_BYTES];
    for (unsigned k = 0; k < N_KEYS; k++) {
        const bool is_there = seen & BIT(k);
        if ((is_there && !(rules.allowed & BIT(k))) || (!is_there && (rules.required & BIT(k)))) {
            snprintf(inner, sizeof inner, "%s.%s", path, entry_keys[k].name);
            return gru_fail(r->error, GRU_BAD_METADATA, inner, "'%s' %s a layer of type '%s'",
                            inner, is_there ? "does not apply to" : "is missing in",
                            type_name(entry));
        }
    }
    return GRU_OK;
}

/* ---- elements ---- */

/* A new element at the end of an array, with every key at its default. */
static enum gru_status add_entry(struct fields *r, const char *path, struct network_entry **array,
                                 size_t *n, size_t *capacity, size_t most)
{
    void *grown = *array;
    if (*n == most) {
        return gru_fail(r->error, GRU_BAD_METADATA, path, "'%s' has more than %zu elements", path,
                        most);
    }
    if (!gru_array_reserve(&grown, capacity, *n + 1, sizeof **array)) {
        return gru_fail_no_memory(r->error);
    }
    *array = grown;
    (*array)[(*n)++] = (struct network_entry){ .eps = default_eps };
    return GRU_OK;
}

static enum gru_status end_array(const struct fields *r, const char *path, size_t n)
{
    if (r->j.error) {
        return gru_fields_fail_syntax(r);
    }
    return n > 0 ? GRU_OK
                 : gru_fail(r->error, GRU_BAD_METADATA, path, "'%s' must not be empty", path);
}

/* ---- heads: elements without a type, all of them `dense` ---- */

static enum gru_status read_head(struct fields *r, const char *path, struct entry_reader *reader)
{
    enum { N_HEAD_KEYS = KEY_UNITS + 1 - KEY_PREFIX };
    unsigned seen = 0;
    reader->entry->kind = gru_layer_kind_row(GRU_LAYER_DENSE);
    enum gru_status status =
        gru_fields_read(r, path, entry_keys + KEY_PREFIX, N_HEAD_KEYS, reader, &seen);
    return status == GRU_OK
               ? check_keys(r, path, reader->entry, rules_of(reader->entry, reader->origin),
                            seen << KEY_PREFIX)
               : status;
}

static enum gru_status read_heads(struct fields *r, const char *path, void *target)
{
    const struct entry_reader *outer = target;
    struct network_entries *list = outer->list;
    size_t capacity = 0;
    if (list->n_heads > 0) {
        return gru_fail(r->error, GRU_BAD_METADATA, path,
                        "'%s': a network has 'heads' once, at its end", path);
    }
    enum gru_status status = gru_field_array(r, path);
    while (status == GRU_OK && json_element(&r->j)) {
        char inner[PATH_MAX_BYTES];
        snprintf(inner, sizeof inner, "%s[%zu]", path, list->n_heads);
        status = add_entry(r, path, &list->heads, &list->n_heads, &capacity, NETWORK_HEADS_MAX);
        if (status == GRU_OK) {
            struct entry_reader reader = { .entry = &list->heads[list->n_heads - 1],
                                           .origin = outer->origin };
            status = read_head(r, inner, &reader);
        }
    }
    return status == GRU_OK ? end_array(r, path, list->n_heads) : status;
}

/* ---- the list ---- */

static enum gru_status read_entry(struct fields *r, size_t k, struct entry_reader *reader)
{
    const struct network_entry *entry = reader->entry;
    const struct network_path path = gru_network_path(reader->list, k, "");
    unsigned seen = 0;
    enum gru_status status = gru_fields_read(r, path.text, entry_keys, N_KEYS, reader, &seen);
    if (status != GRU_OK) {
        return status;
    }
    if (!entry->kind) {
        const struct network_path type = gru_network_path(reader->list, k, "type");
        return gru_fail(r->error, GRU_BAD_METADATA, type.text, "'%s' is missing", type.text);
    }
    status = check_keys(r, path.text, entry, rules_of(entry, reader->origin), seen);
    if (status == GRU_OK && entry->gate_order &&
        !gru_layer_kind_order(entry->kind, entry->gate_order)) {
        const struct network_path order = gru_network_path(reader->list, k, "gate_order");
        status = gru_fail(r->error, GRU_BAD_METADATA, order.text,
                          "'%s' is '%s', which '%s' does not have", order.text, entry->gate_order,
                          type_name(entry));
    }
    return status;
}

/* Whether an element stands for a layer, or for an activation that changes something. */
static bool does_anything(const struct network_entry *entry)
{
    return entry->kind->family != LAYER_ACTIVATION || entry->activation != GRU_LINEAR;
}

/* What may follow what. */
static enum gru_status check_order(const struct fields *r, struct network_entries *list)
{
    size_t n_recurrent = 0;
    for (size_t k = 0; k < list->n_entries; k++) {
        list->end = does_anything(&list->entries[k]) ? k : list->end;
        n_recurrent += layer_kind_is_recurrent(list->entries[k].kind);
    }
    for (size_t k = 0; k < list->n_entries; k++) {
        const struct network_entry *entry = &list->entries[k];
        if (entry->is_heads && k + 1 < list->n_entries) {
            const struct network_path path = gru_network_path(list, k, "");
            return gru_fail(r->error, GRU_BAD_METADATA, path.text,
                            "'%s': 'heads' must be the last layer", path.text);
        }
        if (entry->activation == GRU_SOFTMAX && k != list->end) {
            const struct network_path path = gru_network_path(list, k, "activation");
            return gru_fail(r->error, GRU_BAD_METADATA, path.text,
                            "'%s' is 'softmax', which only the end of a network may have",
                            path.text);
        }
    }
    if (n_recurrent == 0) {
        return gru_fail(r->error, GRU_BAD_METADATA, list->path,
                        "'%s' has no recurrent layer: one must be of type " GRU_CELL_WORDS,
                        list->path);
    }
    return GRU_OK;
}

enum gru_status gru_network_entries_read(struct fields *r, enum network_origin origin,
                                         struct network_entries *ret_entries)
{
    const char *path = origin == NETWORK_OF_FILE ? "grud.network" : "network";
    struct network_entries *list = ret_entries;
    size_t capacity = 0;
    *list = (struct network_entries){ .path = path };
    enum gru_status status = gru_field_array(r, path);
    while (status == GRU_OK && json_element(&r->j)) {
        status = add_entry(r, path, &list->entries, &list->n_entries, &capacity, LAYER_CHAIN_MAX);
        if (status == GRU_OK) {
            struct entry_reader reader = { .list = list,
                                           .entry = &list->entries[list->n_entries - 1],
                                           .origin = origin };
            status = read_entry(r, list->n_entries - 1, &reader);
        }
    }
    if (status == GRU_OK) {
        status = end_array(r, path, list->n_entries);
    }
    return status == GRU_OK ? check_order(r, list) : status;
}

void gru_network_entries_done(struct network_entries *entries)
{
    free(entries->entries);
    free(entries->heads);
    *entries = (struct network_entries){ 0 };
}
