/* Names and shapes of single tensors and layers; see tensor_names.h. */
#include "engine/file/tensor_names.h"

#include <stdio.h>
#include <string.h>

/* ---- names ---- */

bool gru_name_ends_in(const char *name, size_t n, const char *suffix)
{
    size_t n_suffix = strlen(suffix);
    return n >= n_suffix && memcmp(name + n - n_suffix, suffix, n_suffix) == 0;
}

struct tensor_name gru_tensor_name_parse(const struct layer_kind *kind, const char *name)
{
    struct tensor_name parsed = { .role = ROLE_OTHER };
    size_t n = strlen(name);
    bool reverse = gru_name_ends_in(name, n, "_reverse");
    n -= reverse ? strlen("_reverse") : 0;
    size_t digits = n;
    while (digits > 0 && name[digits - 1] >= '0' && name[digits - 1] <= '9') {
        digits--;
    }
    if (digits < n && name[digits] == '0' && n - digits > 1) {
        return parsed;
    }
    const size_t n_mark = digits == n ? strlen("_l") : 0;
    for (size_t k = digits; k < n; k++) {
        /* beyond every limit the number itself no longer matters */
        parsed.layer = parsed.layer > GRU_LAYERS_MAX ? parsed.layer
                                                     : parsed.layer * 10 + (size_t)(name[k] - '0');
    }
    for (size_t k = 0; k < kind->n_tensors; k++) {
        const size_t n_end = strlen(kind->tensors[k].name) - n_mark;
        if (!kind->tensors[k].is_initial_state && digits >= n_end &&
            memcmp(name + digits - n_end, kind->tensors[k].name, n_end) == 0) {
            parsed.role = reverse ? ROLE_REVERSE : ROLE_LAYER;
            parsed.tensor = k;
            parsed.n_prefix = digits - n_end;
        }
    }
    if (gru_name_ends_in(name, digits, "weight_hr_l")) {
        parsed.role = ROLE_PROJECTION;
    }
    return parsed;
}

enum gru_status gru_tensor_name_check(enum tensor_role role, const char *name,
                                      struct gru_error *error)
{
    const struct shown shown = gru_show(name);
    if (role == ROLE_PROJECTION) {
        return gru_fail(
            error, GRU_BAD_TENSORS, shown.text,
            "tensor '%s' is a projection of an LSTM (proj_size), which is not supported: train "
            "the LSTM without proj_size",
            shown.text);
    }
    return GRU_OK;
}

/* ---- shapes ---- */

struct shown gru_show_shape(const struct tensor_view *tensor)
{
    struct shown shown;
    if (tensor->n_dims == 1) {
        snprintf(shown.text, sizeof shown.text, "a vector of %zu", tensor->dims[0]);
    } else if (tensor->n_dims == 2) {
        snprintf(shown.text, sizeof shown.text, "a matrix of %zu x %zu", tensor->dims[0],
                 tensor->dims[1]);
    } else {
        snprintf(shown.text, sizeof shown.text, "a tensor of %zu dimensions", tensor->n_dims);
    }
    return shown;
}

enum gru_status gru_tensor_check_shape(const struct tensor_view *tensor, size_t rows,
                                       size_t columns, const char *why, struct gru_error *error)
{
    size_t n_dims = columns > 0 ? 2 : 1;
    if (tensor->n_dims == n_dims && tensor->dims[0] == rows &&
        (n_dims == 1 || tensor->dims[1] == columns)) {
        return GRU_OK;
    }
    char expected[64];
    if (columns > 0) {
        snprintf(expected, sizeof expected, "a matrix of %zu x %zu", rows, columns);
    } else {
        snprintf(expected, sizeof expected, "a vector of %zu", rows);
    }
    return gru_fail(error, GRU_BAD_TENSORS, gru_show(tensor->name).text,
                    "tensor '%s' is %s, but expected is %s: %s", gru_show(tensor->name).text,
                    gru_show_shape(tensor).text, expected, why);
}

/* A matrix or a vector whose sizes are within the limits. */
static enum gru_status check_limits(const struct tensor_view *tensor, bool is_matrix,
                                    size_t rows_max, struct gru_error *error)
{
    const bool fits = tensor->n_dims == (is_matrix ? 2 : 1) && tensor->dims[0] >= 1 &&
                      tensor->dims[0] <= rows_max;
    if (fits && (!is_matrix || (tensor->dims[1] >= 1 && tensor->dims[1] <= GRU_WIDTH_MAX))) {
        return GRU_OK;
    }
    char expected[64];
    snprintf(expected, sizeof expected,
             is_matrix ? "matrix of at most %zu x %d" : "vector of at most %zu", rows_max,
             (int)GRU_WIDTH_MAX);
    return gru_fail(error, GRU_BAD_TENSORS, gru_show(tensor->name).text,
                    "tensor '%s' is %s, but expected is a %s", gru_show(tensor->name).text,
                    gru_show_shape(tensor).text, expected);
}

static void take_size(struct layer_shape *shape, enum layer_extent extent, size_t size)
{
    if (extent == EXTENT_INPUTS) {
        shape->n_inputs = size;
    } else if (extent == EXTENT_UNITS) {
        shape->n_units = size;
    }
}

/* From the last tensor to the first, so that a recurrent matrix, which says how many units there
 * are, is looked at before the other one, and a weight after its bias. */
enum gru_status gru_layer_find_sizes(struct recognised_layer *layer, struct gru_error *error)
{
    const struct layer_kind *kind = layer->shape.kind;
    for (size_t k = kind->n_tensors; k-- > 0;) {
        const struct layer_tensor *row = &kind->tensors[k];
        const bool is_matrix = row->columns != EXTENT_NONE;
        if (!layer->tensors[k] || row->is_initial_state ||
            (!is_matrix && row->rows == EXTENT_GATES)) {
            continue;
        }
        enum gru_status status =
            check_limits(layer->tensors[k], is_matrix, kind->n_gates * GRU_WIDTH_MAX, error);
        if (status != GRU_OK) {
            return status;
        }
        take_size(&layer->shape, row->rows, layer->tensors[k]->dims[0]);
        take_size(&layer->shape, row->columns, layer->tensors[k]->dims[1]);
    }
    return GRU_OK;
}

/* Matrices first. */
enum gru_status gru_layer_check_shapes(const struct recognised_layer *layer, const char *why,
                                       struct gru_error *error)
{
    const struct layer_shape *shape = &layer->shape;
    const size_t n = shape->kind->n_tensors;
    enum gru_status status = GRU_OK;
    for (size_t round = 0; round < 2; round++) {
        for (size_t k = 0; status == GRU_OK && k < n; k++) {
            const size_t tensor = round == 0 ? n - 1 - k : k;
            const size_t columns = gru_layer_tensor_columns(shape, tensor);
            if (layer->tensors[tensor] && !shape->kind->tensors[tensor].is_initial_state &&
                (columns > 0) == (round == 0)) {
                status = gru_tensor_check_shape(layer->tensors[tensor],
                                                gru_layer_tensor_rows(shape, tensor), columns, why,
                                                error);
            }
        }
    }
    return status;
}
