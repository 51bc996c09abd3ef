/* See module_order.h. */
#include "engine/file/module_order.h"

#include <stdio.h>
#include <string.h>

/* More tries than this are needed only where sizes repeat so often that "order" must say it anyway.
 */
enum { TRIES_MAX = 100000 };

/* ---- by sizes ---- */

struct search {
    const struct modules *modules;
    size_t width; /* of the last module; 0: any */
    size_t n_tries;
    size_t n_found; /* up to 2: more does not matter */
    bool used[GRU_LAYERS_MAX];
    size_t order[GRU_LAYERS_MAX]; /* the one that is being tried */
    size_t found[2][GRU_LAYERS_MAX];
};

static bool fits(const struct search *s, size_t depth, size_t candidate)
{
    const struct module *module = &s->modules->modules[candidate];
    if (s->used[candidate]) {
        return false;
    }
    if (depth > 0 && module_output_size(&s->modules->modules[s->order[depth - 1]]) !=
                         module_input_size(module)) {
        return false;
    }
    bool last = depth + 1 == s->modules->n;
    return !last || s->width == 0 || module_output_size(module) == s->width;
}

/* Depth is at most GRU_LAYERS_MAX, the number of tries at most TRIES_MAX. */
static void try_all(struct search *s, size_t depth)
{
    if (depth == s->modules->n) {
        memcpy(s->found[s->n_found++], s->order, sizeof s->order);
        return;
    }
    for (size_t k = 0; k < s->modules->n && s->n_found < 2 && s->n_tries < TRIES_MAX; k++) {
        if (fits(s, depth, k)) {
            s->n_tries++;
            s->used[k] = true;
            s->order[depth] = k;
            try_all(s, depth + 1);
            s->used[k] = false;
        }
    }
}

/* "a -> b -> c", as far as there is room. */
static void print_order(const struct modules *modules, const size_t *order, char *out, size_t size)
{
    size_t used = 0;
    for (size_t k = 0; k < modules->n && used < size; k++) {
        const struct module *module = &modules->modules[order[k]];
        int n = snprintf(out + used, size - used, "%s'%s' (%zu to %zu)", k > 0 ? ", " : "",
                         gru_show_n(module->prefix, module->n_prefix).text,
                         module_input_size(module), module_output_size(module));
        used += n > 0 ? (size_t)n : 0;
    }
}

static enum gru_status fail_ambiguous(const struct search *s, struct gru_error *error)
{
    char first[120];
    char second[120];
    if (s->n_found < 2) {
        return gru_fail(
            error, GRU_BAD_TENSORS, "grud.order",
            "the sizes of %zu recurrent modules repeat so often that \"order\" must say which "
            "comes first",
            s->modules->n);
    }
    print_order(s->modules, s->found[0], first, sizeof first);
    print_order(s->modules, s->found[1], second, sizeof second);
    return gru_fail(
        error, GRU_BAD_TENSORS, "grud.order",
        "the recurrent modules fit in more than one order, so \"order\" must say which: %s; or %s",
        first, second);
}

static enum gru_status order_by_sizes(const struct modules *modules, size_t width,
                                      size_t *ret_order, struct gru_error *error)
{
    struct search s = { .modules = modules, .width = width };
    try_all(&s, 0);
    if (s.n_found == 0 && s.n_tries < TRIES_MAX && width > 0) {
        s.width = 0; /* then what does not fit is the read-out, and its check says so */
        try_all(&s, 0);
    }
    if (s.n_found == 2 || s.n_tries >= TRIES_MAX) {
        return fail_ambiguous(&s, error);
    }
    if (s.n_found == 0) {
        char list[200];
        for (size_t k = 0; k < modules->n; k++) {
            s.order[k] = k;
        }
        print_order(modules, s.order, list, sizeof list);
        return gru_fail(error, GRU_BAD_TENSORS, "",
                        "the sizes of the recurrent modules fit in no order: %s", list);
    }
    memcpy(ret_order, s.found[0], modules->n * sizeof *ret_order);
    return GRU_OK;
}

/* ---- by "order" ---- */

/* The module whose prefix is `name`, followed by `end`; modules->n if there is none. */
static size_t find_prefix(const struct modules *modules, const char *name, const char *end)
{
    size_t n = strlen(name);
    size_t n_end = strlen(end);
    size_t m = 0;
    for (; m < modules->n; m++) {
        const struct module *module = &modules->modules[m];
        if (module->n_prefix == n + n_end && memcmp(module->prefix, name, n) == 0 &&
            memcmp(module->prefix + n, end, n_end) == 0) {
            break;
        }
    }
    return m;
}

/* "gru" and "gru." both name the module of gru.weight_ih_l0. */
static enum gru_status find_named(const struct modules *modules, const struct metadata *metadata,
                                  size_t k, size_t *order, struct gru_error *error)
{
    char path[48];
    snprintf(path, sizeof path, "grud.order[%zu]", k);
    const char *name = metadata->order[k];
    size_t m = find_prefix(modules, name, "");
    if (m == modules->n) {
        m = find_prefix(modules, name, ".");
    }
    if (m == modules->n) {
        return gru_fail(error, GRU_BAD_METADATA, path,
                        "'%s' names '%s', which is no recurrent module", path, gru_show(name).text);
    }
    for (size_t earlier = 0; earlier < k; earlier++) {
        if (order[earlier] == m) {
            return gru_fail(error, GRU_BAD_METADATA, path, "'%s' names '%s' for the second time",
                            path, gru_show(name).text);
        }
    }
    order[k] = m;
    return GRU_OK;
}

static enum gru_status check_links(const struct modules *modules, const size_t *order,
                                   struct gru_error *error)
{
    for (size_t k = 1; k < modules->n; k++) {
        const struct module *before = &modules->modules[order[k - 1]];
        const struct module *module = &modules->modules[order[k]];
        if (module_output_size(before) != module_input_size(module)) {
            return gru_fail(error, GRU_BAD_METADATA, "grud.order",
                            "'%s' cannot follow '%s': it takes %zu inputs, and gets %zu",
                            gru_show_n(module->prefix, module->n_prefix).text,
                            gru_show_n(before->prefix, before->n_prefix).text,
                            module_input_size(module), module_output_size(before));
        }
    }
    return GRU_OK;
}

static enum gru_status order_by_name(const struct modules *modules, const struct metadata *metadata,
                                     size_t *ret_order, struct gru_error *error)
{
    if (metadata->n_order != modules->n) {
        return gru_fail(error, GRU_BAD_METADATA, "grud.order",
                        "'grud.order' names %zu recurrent modules, but the tensors make %zu",
                        metadata->n_order, modules->n);
    }
    size_t order[GRU_LAYERS_MAX] = { 0 };
    for (size_t k = 0; k < modules->n; k++) {
        enum gru_status status = find_named(modules, metadata, k, order, error);
        if (status != GRU_OK) {
            return status;
        }
    }
    memcpy(ret_order, order, modules->n * sizeof *ret_order);
    return check_links(modules, order, error);
}

enum gru_status gru_chain_modules(const struct modules *modules, const struct metadata *metadata,
                                  size_t width, size_t *ret_order, struct gru_error *error)
{
    if (metadata->n_order > 0) {
        return order_by_name(modules, metadata, ret_order, error);
    }
    return order_by_sizes(modules, width, ret_order, error);
}
