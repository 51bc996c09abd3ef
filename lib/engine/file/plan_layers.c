/* See plan_layers.h. */
#include "engine/file/plan_layers.h"
#include "engine/buffer.h"
#include "engine/fail.h"
#include "engine/file/network_entries.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- one kind of layers, and a read-out ---- */

static struct layer_shape shape_of(enum gru_layer_kind kind, size_t n_inputs, size_t n_units)
{
    return (struct layer_shape){ .kind = gru_layer_kind_row(kind),
                                 .n_inputs = n_inputs,
                                 .n_units = n_units };
}

static void repeat_cell(const struct gru_plan *plan, struct plan_layers *layers)
{
    size_t width = plan->n_inputs;
    for (size_t l = 0; l < plan->n_layers; l++) {
        struct layer_shape *shape = &layers->shapes[layers->n_layers++];
        *shape = shape_of(plan->cell, width, plan->hidden_sizes[l]);
        shape->reset = shape->kind->has_reset ? plan->reset : GRU_RESET_AFTER;
        width = plan->hidden_sizes[l];
    }
    layers->shapes[layers->n_layers++] =
        shape_of(GRU_LAYER_DENSE, width, gru_plan_steps(plan) * plan->n_outputs);
    layers->activation = plan->activation;
}

/* ---- a list ---- */

static enum gru_status add_shape(const struct network_entries *list, struct layer_shape shape,
                                 struct plan_layers *layers, struct gru_error *error)
{
    if (layers->n_layers == LAYER_CHAIN_MAX) {
        return gru_fail(error, GRU_BAD_ARGUMENT, list->path,
                        "'%s' makes more than %d layers, counting the activation of a 'dense' as "
                        "one",
                        list->path, (int)LAYER_CHAIN_MAX);
    }
    layers->shapes[layers->n_layers++] = shape;
    return GRU_OK;
}

/* Several read-outs as one layer; their sizes in all. */
static enum gru_status add_heads(const struct network_entries *list, struct plan_layers *layers,
                                 size_t *ret_n_units, struct gru_error *error)
{
    size_t n_units = 0;
    for (size_t k = 0; k < list->n_heads; k++) {
        n_units += list->heads[k].n_units;
    }
    if (n_units > GRU_WIDTH_MAX) {
        return gru_fail(error, GRU_BAD_ARGUMENT, list->path,
                        "the heads of '%s' have %zu units, more than the limit of %d", list->path,
                        n_units, (int)GRU_WIDTH_MAX);
    }
    *ret_n_units = n_units;
    layers->activation = list->heads[0].activation;
    if (!gru_network_heads_differ(list)) {
        return GRU_OK;
    }
    layers->activation = GRU_LINEAR;
    layers->n_heads = list->n_heads;
    layers->heads = gru_array_alloc(list->n_heads, sizeof *layers->heads);
    if (!layers->heads) {
        return gru_fail_no_memory(error);
    }
    for (size_t k = 0; k < list->n_heads; k++) {
        layers->heads[k] = (struct gru_head){ .activation = list->heads[k].activation,
                                              .n_outputs = list->heads[k].n_units };
    }
    return GRU_OK;
}

static enum gru_status add_entry(const struct network_entries *list, size_t k, size_t *width,
                                 struct plan_layers *layers, struct gru_error *error)
{
    const struct network_entry *entry = &list->entries[k];
    const bool is_activation = entry->kind->family == LAYER_ACTIVATION;
    size_t n_units = entry->n_units > 0 ? entry->n_units : *width;
    enum gru_status status = GRU_OK;
    if (entry->is_heads) {
        status = add_heads(list, layers, &n_units, error);
    }
    if (status == GRU_OK && !is_activation) {
        struct layer_shape shape = shape_of(entry->kind->id, *width, n_units);
        shape.reset = entry->reset;
        shape.eps = entry->kind->family == LAYER_NORM || entry->kind->family == LAYER_BATCH_NORM
                        ? entry->eps
                        : 0;
        status = add_shape(list, shape, layers, error);
    }
    *width = n_units;
    if (status == GRU_OK && k == list->end && !entry->is_heads) {
        layers->activation = entry->activation;
    } else if (status == GRU_OK && entry->activation != GRU_LINEAR) {
        struct layer_shape shape = shape_of(GRU_LAYER_ACTIVATION, n_units, n_units);
        shape.activation = entry->activation;
        status = add_shape(list, shape, layers, error);
    }
    return status;
}

static enum gru_status add_entries(const struct gru_plan *plan, const struct network_entries *list,
                                   struct plan_layers *layers, struct gru_error *error)
{
    size_t width = plan->n_inputs, n_recurrent = 0;
    enum gru_status status = GRU_OK;
    for (size_t k = 0; status == GRU_OK && k < list->n_entries; k++) {
        n_recurrent += layer_kind_is_recurrent(list->entries[k].kind);
        status = add_entry(list, k, &width, layers, error);
    }
    if (status == GRU_OK && n_recurrent > GRU_LAYERS_MAX) {
        status =
            gru_fail(error, GRU_BAD_ARGUMENT, list->path, "'%s' has more than %d recurrent layers",
                     list->path, (int)GRU_LAYERS_MAX);
    }
    const size_t n_steps = gru_plan_steps(plan);
    if (status == GRU_OK && width != n_steps * plan->n_outputs) {
        char steps[80] = "";
        if (n_steps > 1) {
            snprintf(steps, sizeof steps, " and %zu steps, so that it needs %zu", n_steps,
                     n_steps * plan->n_outputs);
        }
        status = gru_fail(error, GRU_BAD_ARGUMENT, list->path,
                          "the last layer of '%s' has %zu units, but there are %zu outputs%s",
                          list->path, width, plan->n_outputs, steps);
    }
    return status;
}

static enum gru_status read_list(const struct gru_plan *plan, struct plan_layers *layers,
                                 struct gru_error *error)
{
    struct network_entries list = { 0 };
    struct fields r = { .error = error, .root = "network", .what = "'network'" };
    json_init(&r.j, plan->network, plan->n_network);
    enum gru_status status = gru_network_entries_read(&r, NETWORK_OF_PLAN, &list);
    if (status == GRU_OK && !json_end(&r.j)) {
        status = gru_fields_fail_syntax(&r);
    }
    status = status == GRU_BAD_METADATA ? GRU_BAD_ARGUMENT : status;
    if (status == GRU_OK) {
        status = add_entries(plan, &list, layers, error);
    }
    gru_network_entries_done(&list);
    return status;
}

enum gru_status gru_plan_layers(const struct gru_plan *plan, struct plan_layers *ret_layers,
                                struct gru_error *error)
{
    struct plan_layers layers = { .activation = GRU_LINEAR };
    enum gru_status status = GRU_OK;
    if (!plan->network) {
        repeat_cell(plan, &layers);
    } else {
        status = read_list(plan, &layers, error);
    }
    if (status != GRU_OK) {
        free(layers.heads);
        return status;
    }
    *ret_layers = layers;
    return GRU_OK;
}
