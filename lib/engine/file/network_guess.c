/* See network_guess.h. */
#include "engine/file/network_guess.h"
#include "engine/buffer.h"
#include "engine/file/tensor_names.h"
#include "engine/layer_recurrent.h"

#include <stdio.h>
#include <string.h>

enum { PARTS_MAX = 12, TRIES_MAX = 20000, NAME_SIZE = 128 };

/* Tensors under one prefix. */
struct part {
    char prefix[NAME_SIZE]; /* without its full stop */
    enum gru_layer_kind kind;
    bool is_known; /* its kind is */
    size_t n_inputs, n_outputs;
    size_t last; /* of a stack: the number of the layer that says the outputs */
    char initial_state[NAME_SIZE], initial_cell[NAME_SIZE];
};

/* A tensor that may be a learned first state of so many units. */
struct first_state {
    const char *name;
    size_t n_units;
    bool is_cell;
};

struct guess {
    struct part parts[PARTS_MAX];
    size_t n_parts;
    struct first_state states[PARTS_MAX];
    size_t n_states;
    size_t n_tries, n_found;
    bool is_used[PARTS_MAX];
    size_t order[PARTS_MAX], found[PARTS_MAX];
    size_t heads_at; /* where the heads begin in the order found; n_parts: there are none */
};

/* ---- gathering ---- */

static struct part *find_part(struct guess *g, const char *name, size_t n)
{
    n -= n > 0 && name[n - 1] == '.';
    for (size_t k = 0; k < g->n_parts; k++) {
        if (strlen(g->parts[k].prefix) == n && memcmp(g->parts[k].prefix, name, n) == 0) {
            return &g->parts[k];
        }
    }
    if (g->n_parts == PARTS_MAX || n >= NAME_SIZE) {
        return NULL;
    }
    struct part *part = &g->parts[g->n_parts++];
    memcpy(part->prefix, name, n);
    return part;
}

static bool add_recurrent(struct guess *g, const struct tensor_view *tensor,
                          const struct tensor_name *name)
{
    struct part *part = find_part(g, tensor->name, name->n_prefix);
    if (!part || name->role == ROLE_REVERSE) {
        return false;
    }
    if (name->tensor == RECURRENT_WEIGHT_IH && name->layer == 0) {
        part->n_inputs = tensor->dims[1];
    }
    if (name->tensor == RECURRENT_WEIGHT_HH && name->layer >= part->last) {
        const size_t h = tensor->dims[1], n_gates = h > 0 ? tensor->dims[0] / h : 0;
        part->last = name->layer;
        part->n_outputs = h;
        part->kind = n_gates == 4 ? GRU_LAYER_LSTM : GRU_LAYER_GRU;
        part->is_known = n_gates == 3 || n_gates == 4;
    }
    return true;
}

/* Names that people give to a learned first state. */
static bool add_state(struct guess *g, const struct tensor_view *tensor, const char *last)
{
    static const char *const hidden[] = {
        "h0", "h_0", "hx", "initial_state", "init_hidden", "init_state", "initial_hidden"
    };
    static const char *const cell[] = { "c0", "c_0", "cx", "initial_cell", "init_cell" };
    bool is_hidden = false, is_cell = false;
    for (size_t k = 0; k < sizeof hidden / sizeof *hidden; k++) {
        is_hidden = is_hidden || strcmp(last, hidden[k]) == 0;
    }
    for (size_t k = 0; k < sizeof cell / sizeof *cell; k++) {
        is_cell = is_cell || strcmp(last, cell[k]) == 0;
    }
    if ((!is_hidden && !is_cell) || g->n_states == PARTS_MAX || strlen(tensor->name) >= NAME_SIZE ||
        (tensor->n_dims != 1 && tensor->n_dims != 3)) {
        return false;
    }
    g->states[g->n_states++] = (struct first_state){ .name = tensor->name,
                                                     .n_units = tensor->dims[tensor->n_dims - 1],
                                                     .is_cell = is_cell };
    return true;
}

static bool add_plain(struct guess *g, const struct tensor_view *tensor)
{
    const char *dot = strrchr(tensor->name, '.');
    const char *last = dot ? dot + 1 : tensor->name;
    if (add_state(g, tensor, last) || strcmp(last, "num_batches_tracked") == 0) {
        return true;
    }
    const bool is_weight = strcmp(last, "weight") == 0;
    const bool is_mean = strcmp(last, "running_mean") == 0;
    if (!is_weight && !is_mean && strcmp(last, "bias") != 0 && strcmp(last, "running_var") != 0) {
        return false;
    }
    struct part *part = find_part(g, tensor->name, (size_t)(last - tensor->name));
    if (!part) {
        return false;
    }
    if (is_weight && tensor->n_dims == 2) {
        part->kind = GRU_LAYER_DENSE;
        part->n_inputs = tensor->dims[1];
        part->n_outputs = tensor->dims[0];
        part->is_known = true;
    } else if ((is_weight || is_mean) && tensor->n_dims == 1) {
        const bool is_batch = is_mean || (part->is_known && part->kind == GRU_LAYER_BATCH_NORM);
        part->kind = is_batch ? GRU_LAYER_BATCH_NORM : GRU_LAYER_NORM;
        part->n_inputs = part->n_outputs = tensor->dims[0];
        part->is_known = true;
    }
    return !is_weight || tensor->n_dims == 1 || tensor->n_dims == 2;
}

static bool is_recurrent(const struct part *part)
{
    return gru_layer_kind_is_recurrent(part->kind);
}

/* To each first state the one recurrent part that is as wide. */
static bool place_states(struct guess *g)
{
    for (size_t s = 0; s < g->n_states; s++) {
        struct part *of = NULL;
        for (size_t k = 0; k < g->n_parts; k++) {
            struct part *part = &g->parts[k];
            const char *has = g->states[s].is_cell ? part->initial_cell : part->initial_state;
            if (!of && is_recurrent(part) && part->n_outputs == g->states[s].n_units && !*has) {
                of = part;
            }
        }
        if (!of) {
            return false;
        }
        snprintf(g->states[s].is_cell ? of->initial_cell : of->initial_state, NAME_SIZE, "%s",
                 g->states[s].name);
    }
    return true;
}

static bool gather(const struct safetensors *file, struct guess *g)
{
    const struct layer_kind *any = gru_layer_kind_row(GRU_LAYER_GRU);
    size_t n_recurrent = 0;
    for (size_t k = 0; k < file->n_tensors; k++) {
        const struct tensor_view *tensor = &file->tensors[k];
        const struct tensor_name name = gru_tensor_name_parse(any, tensor->name);
        if (name.role == ROLE_OTHER ? !add_plain(g, tensor) : !add_recurrent(g, tensor, &name)) {
            return false;
        }
    }
    for (size_t k = 0; k < g->n_parts; k++) {
        if (!g->parts[k].is_known || g->parts[k].n_inputs == 0 || g->parts[k].n_outputs == 0) {
            return false;
        }
        n_recurrent += is_recurrent(&g->parts[k]);
    }
    return n_recurrent > 0 && place_states(g);
}

/* Whether the tensors' names say all: recurrent parts of one kind, and one dense. */
static bool is_plain(const struct guess *g)
{
    const struct part *first = NULL;
    size_t n_dense = 0;
    bool is_plain = g->n_states == 0;
    for (size_t k = 0; k < g->n_parts; k++) {
        const struct part *part = &g->parts[k];
        if (is_recurrent(part)) {
            first = first ? first : part;
            is_plain = is_plain && part->kind == first->kind;
        } else {
            is_plain = is_plain && part->kind == GRU_LAYER_DENSE;
            n_dense++;
        }
    }
    return is_plain && n_dense == 1;
}

/* ---- the order ---- */

/* What stands first where several fit: a norm behind a layer of its width, then what is recurrent.
 */
static unsigned rank_of(const struct part *part, size_t depth)
{
    if (part->kind == GRU_LAYER_DENSE) {
        return 2;
    }
    return is_recurrent(part) == (depth > 0);
}

static void keep_order(struct guess *g, size_t heads_at)
{
    if (g->n_found++ == 0) {
        memcpy(g->found, g->order, sizeof g->found);
        g->heads_at = heads_at;
    }
}

/* Whether all that is left are dense layers that see the same row; they follow in the order. */
static bool are_heads(struct guess *g, size_t depth, size_t width)
{
    size_t n = depth;
    for (size_t k = 0; k < g->n_parts; k++) {
        if (!g->is_used[k]) {
            if (g->parts[k].kind != GRU_LAYER_DENSE || g->parts[k].n_inputs != width) {
                return false;
            }
            g->order[n++] = k;
        }
    }
    return depth > 0 && n > depth + 1;
}

/* Depth is at most PARTS_MAX, the number of tries at most TRIES_MAX. */
static void try_orders(struct guess *g, size_t depth, size_t width)
{
    if (depth == g->n_parts) {
        keep_order(g, g->n_parts);
        return;
    }
    const size_t n_before = g->n_found;
    for (unsigned rank = 0; rank < 3; rank++) {
        for (size_t k = 0; k < g->n_parts && g->n_found < 2 && g->n_tries < TRIES_MAX; k++) {
            const struct part *part = &g->parts[k];
            if (!g->is_used[k] && rank_of(part, depth) == rank &&
                (depth == 0 || part->n_inputs == width)) {
                g->n_tries++;
                g->is_used[k] = true;
                g->order[depth] = k;
                try_orders(g, depth + 1, part->n_outputs);
                g->is_used[k] = false;
            }
        }
    }
    if (g->n_found == n_before && are_heads(g, depth, width)) {
        keep_order(g, depth);
    }
}

/* ---- the text ---- */

static void put_name(struct file_text *out, const char *key, const char *name)
{
    if (*name != '\0') {
        gru_text_puts(out, ",\"");
        gru_text_puts(out, key);
        gru_text_puts(out, "\":");
        gru_text_put_string(out, name, strlen(name));
    }
}

static void put_part(struct file_text *out, const struct part *part, bool is_open)
{
    gru_text_puts(out, "{\"type\":\"");
    gru_text_puts(out, gru_layer_kind_name(part->kind));
    gru_text_puts(out, "\"");
    put_name(out, "prefix", part->prefix);
    put_name(out, "initial_state", part->initial_state);
    put_name(out, "initial_cell", part->initial_cell);
    gru_text_puts(out, is_open ? ",\"activation\":\"…\"}" : "}");
}

static void put_heads(struct file_text *out, const struct guess *g)
{
    gru_text_puts(out, "{\"type\":\"heads\",\"heads\":[");
    for (size_t k = g->heads_at; k < g->n_parts; k++) {
        gru_text_puts(out, k > g->heads_at ? ",{\"prefix\":" : "{\"prefix\":");
        const char *prefix = g->parts[g->found[k]].prefix;
        gru_text_put_string(out, prefix, strlen(prefix));
        gru_text_puts(out, "}");
    }
    gru_text_puts(out, "]}");
}

static bool put_text(const struct guess *g, struct network_guess *guess)
{
    struct file_text out = { 0 };
    gru_text_puts(&out, "{\"network\":[");
    for (size_t k = 0; k < g->heads_at; k++) {
        const struct part *part = &g->parts[g->found[k]];
        const bool is_open = part->kind == GRU_LAYER_DENSE && k + 1 < g->n_parts;
        guess->is_open = guess->is_open || is_open;
        gru_text_puts(&out, k > 0 ? "," : "");
        put_part(&out, part, is_open);
    }
    if (g->heads_at < g->n_parts) {
        gru_text_puts(&out, ",");
        put_heads(&out, g);
    }
    gru_text_puts(&out, "]}");
    const bool fits = !out.failed && out.n < sizeof guess->text;
    if (fits) {
        memcpy(guess->text, out.p, out.n);
        guess->text[out.n] = '\0';
    }
    gru_text_done(&out);
    return fits;
}

bool gru_network_guess(const struct safetensors *file, struct network_guess *ret_guess)
{
    struct guess g = { .n_parts = 0 };
    struct network_guess guess = { .is_open = false };
    if (!gather(file, &g) || is_plain(&g)) {
        return false;
    }
    try_orders(&g, 0, 0);
    guess.is_one_of_several = g.n_found > 1 || g.heads_at < g.n_parts;
    if (g.n_found == 0 || !put_text(&g, &guess)) {
        return false;
    }
    *ret_guess = guess;
    return true;
}
