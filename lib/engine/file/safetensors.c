/* Reading a safetensors file: the header's JSON, then the checks of the reference reader; see
 * safetensors.h. */
#include "engine/file/safetensors.h"
#include "engine/buffer.h"
#include "engine/file/safetensors_values.h"
#include "engine/model.h"
#include "json/fields.h"

#include <stdlib.h>
#include <string.h>

enum { PREFIX_BYTES = 8 };

struct parser {
    struct json j;
    struct safetensors *file; /* what is being filled */
    size_t capacity;          /* of file->tensors */
    size_t n_names, names_size;
    const unsigned char *data;
    size_t n_data;
    struct gru_error *error;
};

static enum gru_status fail_syntax(const struct parser *p)
{
    return gru_fail(p->error, GRU_BAD_FILE, "", "the header cannot be read: %s at byte %td of it",
                    p->j.error ? json_error_text(p->j.error) : "a value is missing",
                    (p->j.error ? p->j.at : p->j.p) - p->j.begin);
}

/* Keeps a name, unescaped. All names fit into as many bytes as the header has: each takes at most
 * its own length there and a NUL, and lost two quotes. */
static enum gru_status keep_name(struct parser *p, struct json_text text, const char **ret_name)
{
    char *name = p->file->names + p->n_names;
    if (!json_unescape(text, name, p->names_size - p->n_names)) {
        return gru_fail(p->error, GRU_BAD_FILE, gru_show_n(text.p, text.n).text,
                        "the name '%s' in the header holds a NUL character",
                        gru_show_n(text.p, text.n).text);
    }
    p->n_names += strlen(name) + 1;
    *ret_name = name;
    return GRU_OK;
}

/* ---- the fields of a tensor ---- */

/* A whole number, exactly: what JSON writes without sign, fraction or exponent. */
static enum gru_status read_count(struct parser *p, const char *name, const char *field,
                                  size_t *ret_count)
{
    enum json_type type = json_peek(&p->j);
    const char *c = p->j.p; /* the value's first character */
    double rounded;
    if (type == JSON_NUMBER ? !json_number(&p->j, &rounded) : !json_skip(&p->j)) {
        return fail_syntax(p);
    }
    size_t count = 0;
    bool exact = type == JSON_NUMBER;
    for (; exact && c < p->j.p; c++) {
        exact = *c >= '0' && *c <= '9' && !__builtin_mul_overflow(count, 10, &count) &&
                !__builtin_add_overflow(count, (size_t)(*c - '0'), &count);
    }
    if (!exact) {
        return gru_fail(p->error, GRU_BAD_FILE, gru_show(name).text,
                        "'%s' of tensor '%s' must hold whole numbers below 2^64", field,
                        gru_show(name).text);
    }
    *ret_count = count;
    return GRU_OK;
}

static enum gru_status fail_type(const struct parser *p, const char *name, const char *field,
                                 const char *expected, enum json_type got)
{
    return gru_fail(p->error, GRU_BAD_FILE, gru_show(name).text,
                    "'%s' of tensor '%s' must be %s, not %s", field, gru_show(name).text, expected,
                    json_type_name(got));
}

static enum gru_status read_dtype(struct parser *p, struct tensor_view *tensor)
{
    struct json_text text;
    enum json_type type = json_peek(&p->j);
    if (type != JSON_STRING && type != JSON_NONE) {
        return fail_type(p, tensor->name, "dtype", "a string", type);
    }
    if (!json_string(&p->j, &text)) {
        return fail_syntax(p);
    }
    for (int k = 0; k < N_DTYPES; k++) {
        if (json_text_is(text, gru_dtype_name(k))) {
            tensor->dtype = k;
            return GRU_OK;
        }
    }
    return gru_fail(p->error, GRU_BAD_TENSORS, gru_show(tensor->name).text,
                    "tensor '%s' has dtype %s, but only F32, F64, F16 and BF16 are taken",
                    gru_show(tensor->name).text, gru_show_n(text.p, text.n).text);
}

static enum gru_status read_shape(struct parser *p, struct tensor_view *tensor)
{
    enum json_type type = json_peek(&p->j);
    if (type != JSON_ARRAY && type != JSON_NONE) {
        return fail_type(p, tensor->name, "shape", "an array", type);
    }
    if (!json_array(&p->j)) {
        return fail_syntax(p);
    }
    tensor->n_values = 1;
    while (json_element(&p->j)) {
        size_t size = 0;
        enum gru_status status = read_count(p, tensor->name, "shape", &size);
        if (status != GRU_OK) {
            return status;
        }
        if (tensor->n_dims < SAFETENSORS_DIMS_MAX) {
            tensor->dims[tensor->n_dims] = size;
        }
        tensor->n_dims++;
        if (__builtin_mul_overflow(tensor->n_values, size, &tensor->n_values)) {
            return gru_fail(p->error, GRU_BAD_FILE, gru_show(tensor->name).text,
                            "the shape of tensor '%s' is too large to count",
                            gru_show(tensor->name).text);
        }
    }
    return p->j.error ? fail_syntax(p) : GRU_OK;
}

static enum gru_status read_offsets(struct parser *p, struct tensor_view *tensor)
{
    enum json_type type = json_peek(&p->j);
    if (type != JSON_ARRAY && type != JSON_NONE) {
        return fail_type(p, tensor->name, "data_offsets", "an array", type);
    }
    if (!json_array(&p->j)) {
        return fail_syntax(p);
    }
    size_t offsets[2] = { 0, 0 };
    size_t n = 0;
    while (json_element(&p->j)) {
        size_t offset = 0;
        enum gru_status status = read_count(p, tensor->name, "data_offsets", &offset);
        if (status != GRU_OK) {
            return status;
        }
        if (n < 2) {
            offsets[n] = offset;
        }
        n++;
    }
    if (p->j.error) {
        return fail_syntax(p);
    }
    if (n != 2) {
        return gru_fail(p->error, GRU_BAD_FILE, gru_show(tensor->name).text,
                        "'data_offsets' of tensor '%s' must hold 2 numbers, not %zu",
                        gru_show(tensor->name).text, n);
    }
    tensor->begin = offsets[0];
    tensor->end = offsets[1];
    return GRU_OK;
}

struct tensor_field {
    const char *name;
    enum gru_status (*read)(struct parser *p, struct tensor_view *tensor);
};

static const struct tensor_field tensor_fields[] = {
    { "dtype", read_dtype },
    { "shape", read_shape },
    { "data_offsets", read_offsets },
};
enum { N_FIELDS = sizeof tensor_fields / sizeof *tensor_fields };

/* The tensor's object, with each of its fields once. */
static enum gru_status read_fields(struct parser *p, struct tensor_view *tensor)
{
    struct json_fields walk = { .names = &tensor_fields->name,
                                .row_bytes = sizeof *tensor_fields,
                                .n = N_FIELDS,
                                .required = (1U << N_FIELDS) - 1 };
    if (!json_object(&p->j)) {
        return fail_syntax(p);
    }
    enum json_found found;
    while ((found = json_fields_next(&walk, &p->j)) == JSON_FIELD_NEW) {
        enum gru_status status = tensor_fields[walk.row].read(p, tensor);
        if (status != GRU_OK) {
            return status;
        }
    }
    const struct shown shown = gru_show(tensor->name);
    switch (found) {
    case JSON_FIELD_AGAIN:
        return gru_fail(p->error, GRU_BAD_FILE, shown.text, "tensor '%s' has '%s' twice",
                        shown.text, tensor_fields[walk.row].name);
    case JSON_FIELD_UNKNOWN:
        return gru_fail(p->error, GRU_BAD_FILE, shown.text, "tensor '%s' has an unknown field '%s'",
                        shown.text, gru_show_n(walk.name.p, walk.name.n).text);
    case JSON_FIELDS_MISSING:
        return gru_fail(p->error, GRU_BAD_FILE, shown.text, "tensor '%s' has no '%s'", shown.text,
                        tensor_fields[walk.row].name);
    case JSON_FIELDS_ERROR:
        return fail_syntax(p);
    case JSON_FIELD_NEW:
    case JSON_FIELDS_END:
        break;
    }
    return GRU_OK;
}

/* Shape x dtype = bytes, and the bytes are within the data. */
static enum gru_status check_range(const struct parser *p, const struct tensor_view *tensor)
{
    struct shown name = gru_show(tensor->name);
    if (tensor->begin > tensor->end || tensor->end > p->n_data) {
        return gru_fail(p->error, GRU_BAD_FILE, name.text,
                        "tensor '%s' claims the bytes %zu to %zu of %zu bytes of data", name.text,
                        tensor->begin, tensor->end, p->n_data);
    }
    size_t n_bytes;
    if (__builtin_mul_overflow(tensor->n_values, gru_dtype_bytes(tensor->dtype), &n_bytes) ||
        n_bytes != tensor->end - tensor->begin) {
        return gru_fail(p->error, GRU_BAD_FILE, name.text,
                        "tensor '%s' has a shape of %zu values of dtype %s, but %zu bytes of data",
                        name.text, tensor->n_values, gru_dtype_name(tensor->dtype),
                        tensor->end - tensor->begin);
    }
    return GRU_OK;
}

static enum gru_status read_tensor(struct parser *p, struct json_text key)
{
    struct tensor_view tensor = { 0 };
    enum gru_status status = keep_name(p, key, &tensor.name);
    if (status == GRU_OK) {
        status = read_fields(p, &tensor);
    }
    if (status == GRU_OK) {
        status = check_range(p, &tensor);
    }
    if (status != GRU_OK) {
        return status;
    }
    tensor.data = p->data + tensor.begin;
    void *tensors = p->file->tensors;
    if (!gru_array_reserve(&tensors, &p->capacity, p->file->n_tensors + 1, sizeof tensor)) {
        return gru_fail_no_memory(p->error);
    }
    p->file->tensors = tensors;
    p->file->tensors[p->file->n_tensors++] = tensor;
    return GRU_OK;
}

/* ---- __metadata__ ---- */

struct metadata_key {
    const char *name;
};

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct metadata_key *)a)->name, ((const struct metadata_key *)b)->name);
}

static enum gru_status check_keys(const struct parser *p, struct metadata_key *keys, size_t n)
{
    if (n > 1) {
        qsort(keys, n, sizeof *keys, compare_keys);
    }
    for (size_t k = 1; k < n; k++) {
        if (strcmp(keys[k - 1].name, keys[k].name) == 0) {
            return gru_fail(p->error, GRU_BAD_FILE, "__metadata__",
                            "__metadata__ has the key '%s' twice", gru_show(keys[k].name).text);
        }
    }
    return GRU_OK;
}

/* A value of ours, unescaped. */
static enum gru_status keep_value(const struct parser *p, const char *key, struct json_text value,
                                  char **ret_kept)
{
    if (*ret_kept) {
        return GRU_OK; /* a second one is found by check_keys */
    }
    *ret_kept = gru_array_alloc(value.n + 1, 1);
    if (!*ret_kept) {
        return gru_fail_no_memory(p->error);
    }
    if (!json_unescape(value, *ret_kept, value.n + 1)) {
        return gru_fail(p->error, GRU_BAD_METADATA, key,
                        "the metadata under '%s' holds a NUL character", key);
    }
    return GRU_OK;
}

/* Only values of ours are kept: nothing else in the map means anything here. ("format" is what the
 * libraries of safetensors write by themselves.) */
static enum gru_status read_metadata_value(struct parser *p, const char *key)
{
    struct json_text value;
    enum json_type type = json_peek(&p->j);
    if (type != JSON_STRING && type != JSON_NONE) {
        return gru_fail(p->error, GRU_BAD_FILE, "__metadata__",
                        "__metadata__ maps strings to strings, but '%s' is %s", gru_show(key).text,
                        json_type_name(type));
    }
    if (!json_string(&p->j, &value)) {
        return fail_syntax(p);
    }
    if (strcmp(key, "grud") == 0) {
        return keep_value(p, key, value, &p->file->grud);
    }
    if (strcmp(key, "grud_residuals") == 0) {
        return keep_value(p, key, value, &p->file->residuals);
    }
    if (strcmp(key, "grud_base_residuals") == 0) {
        return keep_value(p, key, value, &p->file->base_residuals);
    }
    if (strcmp(key, "format") != 0) {
        gru_list_add(p->file->unread, sizeof p->file->unread, key);
    }
    return GRU_OK;
}

static enum gru_status read_metadata(struct parser *p)
{
    void *keys = NULL;
    size_t capacity = 0;
    size_t n = 0;
    enum gru_status status = GRU_OK;
    if (!json_object(&p->j)) {
        return fail_syntax(p);
    }
    struct json_text text;
    while (status == GRU_OK && json_member(&p->j, &text)) {
        struct metadata_key key = { "" };
        status = keep_name(p, text, &key.name);
        if (status == GRU_OK && !gru_array_reserve(&keys, &capacity, n + 1, sizeof key)) {
            status = gru_fail_no_memory(p->error);
        }
        if (status == GRU_OK) {
            ((struct metadata_key *)keys)[n++] = key;
            status = read_metadata_value(p, key.name);
        }
    }
    if (status == GRU_OK) {
        status = p->j.error ? fail_syntax(p) : check_keys(p, keys, n);
    }
    free(keys);
    return status;
}

static enum gru_status read_header(struct parser *p)
{
    bool has_metadata = false;
    if (!json_object(&p->j)) {
        return fail_syntax(p);
    }
    struct json_text key;
    while (json_member(&p->j, &key)) {
        enum gru_status status;
        if (!json_text_is(key, "__metadata__")) {
            status = read_tensor(p, key);
        } else if (!has_metadata) {
            has_metadata = true;
            status = read_metadata(p);
        } else {
            status = gru_fail(p->error, GRU_BAD_FILE, "__metadata__",
                              "the header has '__metadata__' twice");
        }
        if (status != GRU_OK) {
            return status;
        }
    }
    return json_end(&p->j) ? GRU_OK : fail_syntax(p);
}

/* ---- the checks of the whole table; sorting keeps them fast for a million tensors too ---- */

static int compare_ranges(const void *a, const void *b)
{
    const struct tensor_view *left = a;
    const struct tensor_view *right = b;
    if (left->begin != right->begin) {
        return left->begin < right->begin ? -1 : 1;
    }
    return (left->end > right->end) - (left->end < right->end);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct tensor_view *)a)->name, ((const struct tensor_view *)b)->name);
}

/* Each tensor begins where the one before it ended, and the last one ends with the file. */
static enum gru_status check_layout(const struct parser *p)
{
    struct safetensors *file = p->file;
    size_t end = 0;
    if (file->n_tensors > 0) {
        qsort(file->tensors, file->n_tensors, sizeof *file->tensors, compare_ranges);
    }
    for (size_t k = 0; k < file->n_tensors; k++) {
        const struct tensor_view *tensor = &file->tensors[k];
        if (tensor->begin != end) {
            return gru_fail(
                p->error, GRU_BAD_FILE, gru_show(tensor->name).text,
                "tensor '%s' begins at byte %zu of the data, where %zu was expected: %s",
                gru_show(tensor->name).text, tensor->begin, end,
                tensor->begin > end ? "there is a hole" : "it overlaps another tensor");
        }
        end = tensor->end;
    }
    if (end != p->n_data) {
        return gru_fail(
            p->error, GRU_BAD_FILE, "",
            "the tensors end at byte %zu of the data, but the file holds %zu bytes of it", end,
            p->n_data);
    }
    return GRU_OK;
}

static enum gru_status check_names(const struct parser *p)
{
    struct safetensors *file = p->file;
    if (file->n_tensors > 0) {
        qsort(file->tensors, file->n_tensors, sizeof *file->tensors, compare_names);
    }
    for (size_t k = 1; k < file->n_tensors; k++) {
        const char *name = file->tensors[k].name;
        if (strcmp(file->tensors[k - 1].name, name) == 0) {
            return gru_fail(p->error, GRU_BAD_FILE, gru_show(name).text,
                            "there are two tensors named '%s'", gru_show(name).text);
        }
    }
    return GRU_OK;
}

/* Where the header is: the 8 bytes before it say how long it is. */
static enum gru_status find_header(const unsigned char *bytes, size_t n_bytes, size_t *ret_n_header,
                                   struct gru_error *error)
{
    if (n_bytes < PREFIX_BYTES) {
        return gru_fail(error, GRU_BAD_FILE, "",
                        "the file has %zu bytes, too few for the 8 bytes of a header length",
                        n_bytes);
    }
    uint64_t n_header = load_le64(bytes);
    if (n_header > SAFETENSORS_HEADER_MAX) {
        return gru_fail(error, GRU_BAD_FILE, "",
                        "the header length %ju is more than the limit of %d bytes",
                        (uintmax_t)n_header, (int)SAFETENSORS_HEADER_MAX);
    }
    if (n_header > n_bytes - PREFIX_BYTES) {
        return gru_fail(error, GRU_BAD_FILE, "",
                        "the header length %ju is more than the %zu bytes that follow it",
                        (uintmax_t)n_header, n_bytes - PREFIX_BYTES);
    }
    if (n_header == 0 || bytes[PREFIX_BYTES] != '{') {
        return gru_fail(error, GRU_BAD_FILE, "", "the header does not start with '{'");
    }
    *ret_n_header = (size_t)n_header;
    return GRU_OK;
}

enum gru_status gru_safetensors_read(const void *bytes, size_t n_bytes,
                                     struct safetensors *ret_file, struct gru_error *error)
{
    size_t n_header = 0;
    enum gru_status status = find_header(bytes, n_bytes, &n_header, error);
    if (status != GRU_OK) {
        return status;
    }
    const unsigned char *header = (const unsigned char *)bytes + PREFIX_BYTES;
    struct safetensors file = { .names = gru_array_alloc(n_header, 1) };
    struct parser p = { .file = &file,
                        .names_size = n_header,
                        .data = header + n_header,
                        .n_data = n_bytes - PREFIX_BYTES - n_header,
                        .error = error };
    json_init(&p.j, (const char *)header, n_header);
    status = file.names ? read_header(&p) : gru_fail_no_memory(error);
    if (status == GRU_OK) {
        status = check_layout(&p);
    }
    if (status == GRU_OK) {
        status = check_names(&p);
    }
    if (status != GRU_OK) {
        gru_safetensors_done(&file);
        return status;
    }
    *ret_file = file;
    return GRU_OK;
}

static int compare_name(const void *name, const void *tensor)
{
    return strcmp(name, ((const struct tensor_view *)tensor)->name);
}

const struct tensor_view *gru_safetensors_find(const struct safetensors *file, const char *name)
{
    return file->n_tensors > 0
               ? bsearch(name, file->tensors, file->n_tensors, sizeof *file->tensors, compare_name)
               : NULL;
}

void gru_safetensors_done(struct safetensors *file)
{
    free(file->tensors);
    free(file->names);
    free(file->grud);
    free(file->residuals);
    free(file->base_residuals);
    *file = (struct safetensors){ 0 };
}
