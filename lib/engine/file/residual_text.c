/* Validation residuals as text; see residual_text.h. */
#include "engine/file/residual_text.h"
#include "engine/file/metadata_fields.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What the object describes, as it is read. */
struct residual_rows {
    const char *root; /* the object's key */
    char base[GRU_BASE_SIZE];
    struct gru_residual of[GRU_RESIDUALS_MAX];
    size_t n_outputs, n_horizons;
    size_t n; /* residuals of all outputs so far */
};

/* ---- reading ---- */

/* Numbers of a list, at most `most`; *ret_n of them. */
static enum gru_status read_numbers(struct fields *r, const char *path, size_t most,
                                    double *numbers, size_t *ret_n)
{
    enum gru_status status = gru_field_array(r, path);
    size_t n = 0;
    while (status == GRU_OK && json_element(&r->j)) {
        if (n == most) {
            return gru_fail(r->error, GRU_BAD_METADATA, path, "'%s' must have %zu numbers", path,
                            most);
        }
        status = gru_field_number(r, path, &numbers[n++]);
    }
    *ret_n = n;
    return status == GRU_OK && r->j.error ? gru_fields_fail_syntax(r) : status;
}

static enum gru_status read_levels(struct fields *r, const char *path, void *target)
{
    static const double levels[GRU_RESIDUAL_QUANTILES] = GRU_RESIDUAL_LEVELS;
    double numbers[GRU_RESIDUAL_QUANTILES] = { 0 };
    size_t n;
    (void)target;
    enum gru_status status = read_numbers(r, path, GRU_RESIDUAL_QUANTILES, numbers, &n);
    bool is_same = true;
    for (size_t k = 0; k < GRU_RESIDUAL_QUANTILES; k++) {
        is_same = is_same && numbers[k] == levels[k];
    }
    if (status == GRU_OK && !is_same) {
        status = gru_fail(r->error, GRU_BAD_METADATA, path, "'%s' must be [0.5,0.8,0.9,0.95,0.99]",
                          path);
    }
    return status;
}

static enum gru_status read_count(struct fields *r, const char *path, void *target)
{
    double n;
    enum gru_status status = gru_field_number(r, path, &n);
    if (status == GRU_OK && !(n >= 0 && n <= UINT32_MAX && n == floor(n))) {
        status = gru_fail(r->error, GRU_BAD_METADATA, path,
                          "'%s' must be a whole number from 0 to %u, not %g", path, UINT32_MAX, n);
    }
    if (status == GRU_OK) {
        ((struct gru_residual *)target)->n = (size_t)n;
    }
    return status;
}

static enum gru_status read_mean(struct fields *r, const char *path, void *target)
{
    return gru_field_number(r, path, &((struct gru_residual *)target)->mean);
}

static enum gru_status read_quantiles(struct fields *r, const char *path, void *target)
{
    size_t n;
    enum gru_status status = read_numbers(r, path, GRU_RESIDUAL_QUANTILES,
                                          ((struct gru_residual *)target)->quantiles, &n);
    if (status == GRU_OK && n != GRU_RESIDUAL_QUANTILES) {
        status = gru_fail(r->error, GRU_BAD_METADATA, path, "'%s' must have %d numbers, not %zu",
                          path, (int)GRU_RESIDUAL_QUANTILES, n);
    }
    return status;
}

static enum gru_status read_residual(struct fields *r, const char *path, struct residual_rows *rows)
{
    static const struct metadata_field keys[] = {
        { "n", read_count },
        { "mean", read_mean },
        { "quantiles", read_quantiles },
    };
    unsigned seen;
    if (rows->n == GRU_RESIDUALS_MAX) {
        return gru_fail(r->error, GRU_BAD_METADATA, path, "'%s' has more than %d residuals",
                        rows->root, (int)GRU_RESIDUALS_MAX);
    }
    enum gru_status status = gru_fields_read(r, path, keys, 3, &rows->of[rows->n++], &seen);
    if (status == GRU_OK && seen != 7) {
        status = gru_fail(r->error, GRU_BAD_METADATA, path,
                          "'%s' must have 'n', 'mean' and 'quantiles'", path);
    }
    return status;
}

/* [[{"n",…} for each row ahead] for each output] */
static enum gru_status read_outputs(struct fields *r, const char *path, void *target)
{
    struct residual_rows *rows = target;
    enum gru_status status = gru_field_array(r, path);
    while (status == GRU_OK && json_element(&r->j)) {
        char output[PATH_MAX_BYTES], ahead[PATH_MAX_BYTES];
        size_t begin = rows->n;
        snprintf(output, sizeof output, "%.32s[%zu]", path, rows->n_outputs++);
        status = gru_field_array(r, output);
        while (status == GRU_OK && json_element(&r->j)) {
            snprintf(ahead, sizeof ahead, "%.60s[%zu]", output, rows->n - begin);
            status = read_residual(r, ahead, rows);
        }
        if (status == GRU_OK && rows->n_outputs > 1 && rows->n - begin != rows->n_horizons) {
            status = gru_fail(r->error, GRU_BAD_METADATA, output,
                              "'%s' has %zu rows ahead, but the output before it %zu", output,
                              rows->n - begin, rows->n_horizons);
        }
        rows->n_horizons = rows->n - begin;
    }
    return status == GRU_OK && r->j.error ? gru_fields_fail_syntax(r) : status;
}

static enum gru_status read_base(struct fields *r, const char *path, void *target)
{
    struct residual_rows *rows = target;
    struct json_text text;
    if (!json_string(&r->j, &text)) {
        return gru_fields_fail_syntax(r);
    }
    if (text.n >= sizeof rows->base) {
        return gru_fail(r->error, GRU_BAD_METADATA, path, "'%s' is longer than %zu characters",
                        path, sizeof rows->base - 1);
    }
    memcpy(rows->base, text.p, text.n);
    rows->base[text.n] = '\0';
    return GRU_OK;
}

/* keys: `base` is the last one, and only the base's residuals have it. */
static enum gru_status read_rows(const char *text, bool is_of_base, struct residual_rows *rows,
                                 struct gru_error *error)
{
    static const struct metadata_field keys[] = {
        { "levels", read_levels },
        { "outputs", read_outputs },
        { "base", read_base },
    };
    struct fields r = { .error = error, .root = rows->root, .what = "the metadata" };
    const unsigned n_keys = is_of_base ? 3 : 2;
    unsigned seen;
    json_init(&r.j, text, strlen(text));
    enum gru_status status = gru_fields_read(&r, rows->root, keys, n_keys, rows, &seen);
    if (status == GRU_OK && !json_end(&r.j)) {
        status = gru_fields_fail_syntax(&r);
    }
    if (status == GRU_OK && seen != (1U << n_keys) - 1) {
        status = gru_fail(error, GRU_BAD_METADATA, rows->root, "'%s' must have %s", rows->root,
                          is_of_base ? "'levels', 'outputs' and 'base'" : "'levels' and 'outputs'");
    }
    return status;
}

static enum gru_status set(struct gru_model *model, const struct residual_rows *rows,
                           bool is_of_base, struct gru_error *error)
{
    const struct gru_residuals residuals = { .n_outputs = rows->n_outputs,
                                             .n_horizons = rows->n_horizons,
                                             .of = rows->of };
    const enum gru_status status = is_of_base
                                       ? gru_model_set_base_residuals(model, rows->base, &residuals)
                                       : gru_model_set_residuals(model, &residuals);
    if (status == GRU_NO_MEMORY) {
        return gru_fail_no_memory(error);
    }
    return status == GRU_OK
               ? status
               : gru_fail(error, GRU_BAD_METADATA, rows->root,
                          "'%s' must have up to %d rows ahead for each of %zu outputs, and sizes "
                          "of errors in order%s; without the key the model is served, too",
                          rows->root, (int)GRU_RESIDUAL_HORIZON, model->info.n_outputs,
                          is_of_base ? ", and a digest as 'base'" : "");
}

enum gru_status gru_residual_text_read(const char *text, bool is_of_base, struct gru_model *model,
                                       struct gru_error *error)
{
    struct residual_rows *rows = gru_array_alloc(1, sizeof *rows);
    if (!rows) {
        return gru_fail_no_memory(error);
    }
    memset(rows, 0, sizeof *rows);
    rows->root = is_of_base ? "grud_base_residuals" : "grud_residuals";
    enum gru_status status = read_rows(text, is_of_base, rows, error);
    if (status == GRU_OK) {
        status = set(model, rows, is_of_base, error);
    }
    free(rows);
    return status;
}

/* ---- writing ---- */

static void put_residual(struct file_text *out, const struct gru_residual *residual)
{
    gru_text_puts(out, "{\"n\":");
    gru_text_put_int(out, residual->n);
    gru_text_puts(out, ",\"mean\":");
    gru_text_put_double(out, residual->mean);
    for (size_t k = 0; k < GRU_RESIDUAL_QUANTILES; k++) {
        gru_text_puts(out, k > 0 ? "," : ",\"quantiles\":[");
        gru_text_put_double(out, residual->quantiles[k]);
    }
    gru_text_puts(out, "]}");
}

void gru_residual_text_write(const struct gru_residuals *residuals, const char *base,
                             struct file_text *out)
{
    static const double levels[GRU_RESIDUAL_QUANTILES] = GRU_RESIDUAL_LEVELS;
    for (size_t k = 0; k < GRU_RESIDUAL_QUANTILES; k++) {
        gru_text_puts(out, k > 0 ? "," : "{\"levels\":[");
        gru_text_put_double(out, levels[k]);
    }
    for (size_t o = 0; o < residuals->n_outputs; o++) {
        gru_text_puts(out, o > 0 ? "],[" : "],\"outputs\":[[");
        for (size_t h = 0; h < residuals->n_horizons; h++) {
            gru_text_puts(out, h > 0 ? "," : "");
            put_residual(out, &residuals->of[o * residuals->n_horizons + h]);
        }
    }
    gru_text_puts(out, base ? "]],\"base\":\"" : "]]}");
    if (base) {
        gru_text_puts(out, base);
        gru_text_puts(out, "\"}");
    }
}
