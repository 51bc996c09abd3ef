/* Reading the metadata's text; see metadata.h. */
#include "engine/file/metadata.h"
#include "engine/file/metadata_fields.h"
#include "engine/file/metadata_words.h"
#include "engine/file/transform_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the words ---- */

#define WORD(id, word) (word),

static enum gru_status read_cell(struct fields *r, const char *path, void *target)
{
    const char *names[GRU_N_LAYER_KINDS];
    enum gru_layer_kind kinds[GRU_N_LAYER_KINDS];
    int n = 0, choice;
    for (int k = 0; k < GRU_N_LAYER_KINDS; k++) {
        if (gru_layer_kind_is_recurrent((enum gru_layer_kind)k)) {
            kinds[n] = (enum gru_layer_kind)k;
            names[n] = gru_layer_kind_name(kinds[n]);
            n++;
        }
    }
    enum gru_status status = gru_field_choice(r, path, names, n, &choice);
    if (status == GRU_OK) {
        ((struct metadata *)target)->cell = kinds[choice];
    }
    return status;
}

static enum gru_status read_reset(struct fields *r, const char *path, void *target)
{
    return gru_field_reset(r, path, &((struct metadata *)target)->reset);
}

static enum gru_status read_activation(struct fields *r, const char *path, void *target)
{
    return gru_field_activation(r, path, &((struct metadata *)target)->activation);
}

static enum gru_status read_missing(struct fields *r, const char *path, void *target)
{
    static const char *const names[] = { GRU_MISSING_POLICIES(WORD, WORD) };
    int choice;
    enum gru_status status =
        gru_field_choice(r, path, names, sizeof names / sizeof *names, &choice);
    if (status == GRU_OK) {
        ((struct metadata *)target)->has_missing = true;
        ((struct metadata *)target)->missing = (enum gru_missing)choice;
    }
    return status;
}

static enum gru_status read_gate_order(struct fields *r, const char *path, void *target)
{
    return gru_field_gate_order(r, path, &((struct metadata *)target)->gate_order);
}

static enum gru_status read_update(struct fields *r, const char *path, void *target)
{
    return gru_field_update(r, path, &((struct metadata *)target)->takes);
}

/* ---- inputs and outputs ---- */

static enum gru_status read_variable_name(struct fields *r, const char *path, void *target)
{
    return gru_field_name(r, path, ((struct metadata_variable *)target)->variable.name);
}

static enum gru_status read_unit(struct fields *r, const char *path, void *target)
{
    return gru_field_string(r, path, ((struct metadata_variable *)target)->variable.unit,
                            GRU_UNIT_MAX + 1);
}

static enum gru_status read_mean(struct fields *r, const char *path, void *target)
{
    struct metadata_variable *variable = target;
    variable->has_scaling = true;
    return gru_field_number(r, path, &variable->variable.mean);
}

static enum gru_status read_std(struct fields *r, const char *path, void *target)
{
    struct metadata_variable *variable = target;
    variable->has_scaling = true;
    return gru_field_positive(r, path, &variable->variable.std);
}

/* null says that an output feeds nothing, although it may have an input's name. */
static enum gru_status read_feeds(struct fields *r, const char *path, void *target)
{
    struct metadata_variable *variable = target;
    variable->has_feeds = true;
    if (json_peek(&r->j) == JSON_NULL) {
        return json_null(&r->j) ? GRU_OK : gru_fields_fail_syntax(r);
    }
    return gru_field_name(r, path, variable->feeds);
}

static enum gru_status read_transform(struct fields *r, const char *path, void *target)
{
    return gru_field_transform(r, path, &((struct metadata_variable *)target)->variable.transform);
}

#define VARIABLE_KEYS                                                                              \
    { "name", read_variable_name }, { "unit", read_unit }, { "mean", read_mean },                  \
    {                                                                                              \
        "std", read_std                                                                            \
    }
static const struct metadata_field input_keys[] = { VARIABLE_KEYS,
                                                    { "transform", read_transform } };
static const struct metadata_field output_keys[] = { VARIABLE_KEYS, { "feeds", read_feeds } };
enum { N_VARIABLE_KEYS = sizeof input_keys / sizeof *input_keys };

static enum gru_status read_variables(struct fields *r, const char *path,
                                      const struct metadata_field keys[N_VARIABLE_KEYS],
                                      struct metadata_variable **ret_variables, size_t *ret_n)
{
    size_t capacity = 0;
    enum gru_status status = gru_field_array(r, path);
    if (status != GRU_OK) {
        return status;
    }
    while (json_element(&r->j)) {
        void *grown = *ret_variables;
        if (*ret_n == GRU_WIDTH_MAX) {
            return gru_fail(r->error, GRU_BAD_METADATA, path, "'%s' has more than %d elements",
                            path, (int)GRU_WIDTH_MAX);
        }
        if (!gru_array_reserve(&grown, &capacity, *ret_n + 1, sizeof **ret_variables)) {
            return gru_fail_no_memory(r->error);
        }
        *ret_variables = grown;
        struct metadata_variable *variable = &(*ret_variables)[*ret_n];
        *variable = (struct metadata_variable){ .variable = { .std = 1, .feeds = -1 } };
        char inner[PATH_MAX_BYTES];
        unsigned seen;
        snprintf(inner, sizeof inner, "%s[%zu]", path, (*ret_n)++);
        status = gru_fields_read(r, inner, keys, N_VARIABLE_KEYS, variable, &seen);
        if (status != GRU_OK) {
            return status;
        }
    }
    if (r->j.error) {
        return gru_fields_fail_syntax(r);
    }
    if (*ret_n == 0) {
        return gru_fail(r->error, GRU_BAD_METADATA, path, "'%s' must not be empty", path);
    }
    return GRU_OK;
}

static enum gru_status read_inputs(struct fields *r, const char *path, void *target)
{
    struct metadata *metadata = target;
    return read_variables(r, path, input_keys, &metadata->inputs, &metadata->n_inputs);
}

static enum gru_status read_outputs(struct fields *r, const char *path, void *target)
{
    struct metadata *metadata = target;
    return read_variables(r, path, output_keys, &metadata->outputs, &metadata->n_outputs);
}

/* ---- the rest of the keys ---- */

static enum gru_status read_order(struct fields *r, const char *path, void *target)
{
    struct metadata *metadata = target;
    enum gru_status status = gru_field_array(r, path);
    while (status == GRU_OK && json_element(&r->j)) {
        char inner[PATH_MAX_BYTES];
        struct json_text text;
        if (metadata->n_order == GRU_LAYERS_MAX) {
            return gru_fail(r->error, GRU_BAD_METADATA, path, "'%s' has more than %d elements",
                            path, (int)GRU_LAYERS_MAX);
        }
        snprintf(inner, sizeof inner, "%s[%zu]", path, metadata->n_order);
        status = gru_field_text(r, inner, &text);
        if (status != GRU_OK) {
            return status;
        }
        char *prefix = gru_array_alloc(text.n + 1, 1);
        if (!prefix) {
            return gru_fail_no_memory(r->error);
        }
        metadata->order[metadata->n_order++] = prefix;
        if (!json_unescape(text, prefix, text.n + 1)) {
            return gru_fail(r->error, GRU_BAD_METADATA, inner, "'%s' holds a NUL character", inner);
        }
    }
    if (status == GRU_OK && r->j.error) {
        return gru_fields_fail_syntax(r);
    }
    if (status == GRU_OK && metadata->n_order == 0) {
        return gru_fail(r->error, GRU_BAD_METADATA, path, "'%s' must not be empty", path);
    }
    return status;
}

static enum gru_status read_network(struct fields *r, const char *path, void *target)
{
    (void)path;
    return gru_network_entries_read(r, NETWORK_OF_FILE, &((struct metadata *)target)->network);
}

static enum gru_status read_residual(struct fields *r, const char *path, void *target)
{
    enum gru_status status = gru_field_expect(r, path, JSON_BOOL);
    if (status == GRU_OK && !json_bool(&r->j, &((struct metadata *)target)->residual)) {
        status = gru_fields_fail_syntax(r);
    }
    return status;
}

static enum gru_status read_steps(struct fields *r, const char *path, void *target)
{
    return gru_field_count(r, path, GRU_WIDTH_MAX, &((struct metadata *)target)->steps);
}

static enum gru_status read_season(struct fields *r, const char *path, void *target)
{
    return gru_field_count(r, path, GRU_SEASON_MAX, &((struct metadata *)target)->season);
}

static enum gru_status read_interval(struct fields *r, const char *path, void *target)
{
    return gru_field_positive(r, path, &((struct metadata *)target)->interval_seconds);
}

/* ---- selftest ---- */

/* One row onto the end of rows->values. The row is scanned again where it did not fit the first
 * time. */
static enum gru_status read_row(struct fields *r, const char *path, struct metadata_rows *rows,
                                size_t *capacity)
{
    enum gru_status status = gru_field_expect(r, path, JSON_ARRAY);
    if (status != GRU_OK) {
        return status;
    }
    size_t used = rows->n_rows * rows->n_columns;
    void *grown = rows->values;
    if (!gru_array_reserve(&grown, capacity, used + 1, sizeof *rows->values)) {
        return gru_fail_no_memory(r->error);
    }
    rows->values = grown;
    const struct json before = r->j;
    size_t n;
    if (!json_real_array(&r->j, true, rows->values + used, *capacity - used, &n)) {
        return gru_fields_fail_syntax(r);
    }
    if (n > *capacity - used) {
        if (!gru_array_reserve(&grown, capacity, used + n, sizeof *rows->values)) {
            return gru_fail_no_memory(r->error);
        }
        rows->values = grown;
        r->j = before;
        if (!json_real_array(&r->j, true, rows->values + used, *capacity - used, &n)) {
            return gru_fields_fail_syntax(r);
        }
    }
    if (rows->n_rows > 0 && n != rows->n_columns) {
        return gru_fail(r->error, GRU_BAD_METADATA, path,
                        "'%s' has %zu numbers, but the rows before it %zu", path, n,
                        rows->n_columns);
    }
    rows->n_columns = n;
    rows->n_rows++;
    return GRU_OK;
}

static enum gru_status read_rows(struct fields *r, const char *path, void *target)
{
    struct metadata_rows *rows = target;
    size_t capacity = 0;
    enum gru_status status = gru_field_array(r, path);
    while (status == GRU_OK && json_element(&r->j)) {
        char inner[PATH_MAX_BYTES];
        snprintf(inner, sizeof inner, "%s[%zu]", path, rows->n_rows);
        if (rows->n_rows == SELFTEST_ROWS_MAX) {
            return gru_fail(r->error, GRU_BAD_METADATA, path, "'%s' has more than %d rows", path,
                            (int)SELFTEST_ROWS_MAX);
        }
        status = read_row(r, inner, rows, &capacity);
    }
    return status == GRU_OK && r->j.error ? gru_fields_fail_syntax(r) : status;
}

static enum gru_status read_x(struct fields *r, const char *path, void *target)
{
    return read_rows(r, path, &((struct metadata *)target)->x);
}

static enum gru_status read_y(struct fields *r, const char *path, void *target)
{
    return read_rows(r, path, &((struct metadata *)target)->y);
}

static enum gru_status read_selftest(struct fields *r, const char *path, void *target)
{
    static const struct metadata_field keys[] = { { "x", read_x }, { "y", read_y } };
    struct metadata *metadata = target;
    unsigned seen;
    enum gru_status status = gru_fields_read(r, path, keys, 2, metadata, &seen);
    if (status != GRU_OK) {
        return status;
    }
    if (seen != 3 || metadata->x.n_rows == 0 || metadata->x.n_rows != metadata->y.n_rows) {
        return gru_fail(
            r->error, GRU_BAD_METADATA, path,
            "'%s' must have as many rows of y as of x, and at least one; it has %zu and %zu", path,
            metadata->y.n_rows, metadata->x.n_rows);
    }
    return GRU_OK;
}

/* ---- the whole ---- */

static const struct metadata_field top_keys[] = {
    { "reset", read_reset },
    { "gate_order", read_gate_order },
    { "update", read_update },
    { "cell", read_cell },
    { "order", read_order },
    { "activation", read_activation },
    { "network", read_network },
    { "inputs", read_inputs },
    { "outputs", read_outputs },
    { "residual", read_residual },
    { "steps", read_steps },
    { "missing", read_missing },
    { "interval_seconds", read_interval },
    { "season", read_season },
    { "selftest", read_selftest },
};
enum { N_TOP_KEYS = sizeof top_keys / sizeof *top_keys };

/* In top_keys: the cell stands behind what says something of it, the network behind what its layers
 * say instead. */
enum { KEY_CELL = 3, KEY_NETWORK = 6 };

/* A cell that is not named is the one whose rows have the order that is, or what the tensors say.
 */
static void infer_cell(struct metadata *metadata, unsigned seen)
{
    const char *order = metadata->gate_order;
    metadata->is_cell_open = (seen & ((2U << KEY_CELL) - 1)) == 0;
    for (int k = 0; k < GRU_N_LAYER_KINDS && !(seen & 1U << KEY_CELL) && order; k++) {
        const struct layer_kind *kind = gru_layer_kind_row((enum gru_layer_kind)k);
        if (gru_layer_kind_order(kind, order)) {
            metadata->cell = kind->id;
            return;
        }
    }
}

/* Keys that not every cell has, in the order of top_keys. */
static enum gru_status check_cell_keys(const struct metadata *metadata, unsigned seen,
                                       struct gru_error *error)
{
    const struct layer_kind *kind = gru_layer_kind_row(metadata->cell);
    const char *order = metadata->gate_order;
    const bool applies[] = { kind->has_reset, !order || gru_layer_kind_order(kind, order),
                             kind->has_update };
    for (unsigned k = 0; k < sizeof applies / sizeof *applies; k++) {
        if ((seen & 1U << k) && !applies[k]) {
            char path[PATH_MAX_BYTES];
            snprintf(path, sizeof path, "grud.%s", top_keys[k].name);
            return gru_fail(error, GRU_BAD_METADATA, path, "'%s' does not apply to the cell %s",
                            path, gru_layer_kind_name(kind->id));
        }
    }
    return GRU_OK;
}

/* With `network`, the keys of a network of one kind are its layers'. */
static enum gru_status check_network_keys(unsigned seen, struct gru_error *error)
{
    for (unsigned k = 0; k < KEY_NETWORK && (seen & 1U << KEY_NETWORK); k++) {
        if (seen & 1U << k) {
            char path[PATH_MAX_BYTES];
            snprintf(path, sizeof path, "grud.%s", top_keys[k].name);
            return gru_fail(error, GRU_BAD_METADATA, path,
                            "'%s' stands beside 'grud.network': it is a key of its layers there",
                            path);
        }
    }
    return GRU_OK;
}

static enum gru_status read_top(struct fields *r, struct metadata *metadata)
{
    unsigned seen;
    enum gru_status status = gru_fields_read(r, "grud", top_keys, N_TOP_KEYS, metadata, &seen);
    if (status != GRU_OK) {
        return status;
    }
    if (!json_end(&r->j)) {
        return gru_fields_fail_syntax(r);
    }
    status = check_network_keys(seen, r->error);
    if (status != GRU_OK) {
        return status;
    }
    infer_cell(metadata, seen);
    return check_cell_keys(metadata, seen, r->error);
}

enum gru_status gru_metadata_read(const char *text, struct metadata *ret_metadata,
                                  struct gru_error *error)
{
    struct metadata metadata = { .cell = metadata_default_cell, .is_cell_open = true, .steps = 1 };
    struct fields r = { .error = error, .root = "grud", .what = "the metadata" };
    enum gru_status status = GRU_OK;
    if (text) {
        json_init(&r.j, text, strlen(text));
        status = read_top(&r, &metadata);
    }
    if (status != GRU_OK) {
        gru_metadata_done(&metadata);
        return status;
    }
    *ret_metadata = metadata;
    return GRU_OK;
}

void gru_metadata_done(struct metadata *metadata)
{
    for (size_t k = 0; k < metadata->n_order; k++) {
        free(metadata->order[k]);
    }
    gru_network_entries_done(&metadata->network);
    free(metadata->inputs);
    free(metadata->outputs);
    free(metadata->x.values);
    free(metadata->y.values);
    *metadata = (struct metadata){ 0 };
}
