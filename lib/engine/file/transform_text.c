/* See transform_text.h. */
#include "engine/file/transform_text.h"
#include "engine/model.h"

#include <stdio.h>

/* ---- reading ---- */

static enum gru_status read_season(struct fields *r, const char *path, void *target)
{
    struct gru_transform *transform = target;
    transform->kind = GRU_SEASONAL_DIFFERENCE;
    return gru_field_count(r, path, GRU_TRANSFORM_SEASON_MAX, &transform->season);
}

static enum gru_status read_level(struct fields *r, const char *path, void *target)
{
    struct gru_transform *transform = target;
    transform->kind = GRU_LEVEL;
    enum gru_status status = gru_field_number(r, path, &transform->rate);
    if (status == GRU_OK && !(transform->rate > 0 && transform->rate <= 1)) {
        status = gru_fail(r->error, GRU_BAD_METADATA, path,
                          "'%s' must be above 0 and at most 1, not %g", path, transform->rate);
    }
    return status;
}

static enum gru_status read_scale(struct fields *r, const char *path, void *target)
{
    enum gru_status status = gru_field_expect(r, path, JSON_BOOL);
    if (status == GRU_OK && !json_bool(&r->j, &((struct gru_transform *)target)->scale)) {
        status = gru_fields_fail_syntax(r);
    }
    return status;
}

static const struct metadata_field keys[] = {
    { "seasonal_difference", read_season },
    { "level", read_level },
    { "scale", read_scale },
};
enum { SEEN_SEASON = 1, SEEN_LEVEL = 2, SEEN_SCALE = 4 };

static enum gru_status read_object(struct fields *r, const char *path,
                                   struct gru_transform *transform)
{
    unsigned seen;
    enum gru_status status =
        gru_fields_read(r, path, keys, sizeof keys / sizeof *keys, transform, &seen);
    const bool is_one =
        seen == SEEN_SEASON || seen == SEEN_LEVEL || seen == (SEEN_LEVEL | SEEN_SCALE);
    if (status == GRU_OK && !is_one) {
        status = gru_fail(r->error, GRU_BAD_METADATA, path,
                          "'%s' must have either 'seasonal_difference', or 'level' with or without "
                          "'scale'",
                          path);
    }
    return status;
}

enum gru_status gru_field_transform(struct fields *r, const char *path,
                                    struct gru_transform *ret_transform)
{
    static const char *const words[] = { "none", "difference", "seasonal_difference" };
    struct gru_transform transform = { .kind = GRU_TRANSFORM_NONE };
    enum gru_status status;
    if (json_peek(&r->j) == JSON_OBJECT) {
        status = read_object(r, path, &transform);
    } else {
        int choice = 0;
        status = gru_field_choice(r, path, words, sizeof words / sizeof *words, &choice);
        transform.kind = (enum gru_transform_kind)choice;
    }
    if (status == GRU_OK) {
        *ret_transform = transform;
    }
    return status;
}

/* ---- fitting ---- */

static enum gru_status settle(struct gru_info *info, size_t i, const char *path,
                              enum gru_status failure, struct gru_error *error)
{
    struct gru_transform *transform = &info->inputs[i].transform;
    if (info->inputs[i].feeds < 0) {
        return gru_fail(error, failure, path,
                        "'%s' is of the input '%s', which no output feeds; it goes with an input "
                        "that is forecast",
                        path, gru_show(info->inputs[i].name).text);
    }
    if (transform->kind == GRU_SEASONAL_DIFFERENCE && transform->season == 0) {
        if (info->season < 1 || info->season > GRU_TRANSFORM_SEASON_MAX) {
            return gru_fail(error, failure, path,
                            "'%s' names no season, and the model's is %s; it must be from 1 to %d "
                            "readings",
                            path, info->season == 0 ? "unknown" : "longer",
                            (int)GRU_TRANSFORM_SEASON_MAX);
        }
        transform->season = info->season;
    }
    return GRU_OK;
}

enum gru_status gru_transforms_settle(struct gru_info *info, const char *root,
                                      enum gru_status failure, struct gru_error *error)
{
    size_t n_readings = 0;
    gru_model_derive_feeds(info);
    for (size_t i = 0; i < info->n_inputs; i++) {
        char path[PATH_MAX_BYTES];
        if (info->inputs[i].transform.kind == GRU_TRANSFORM_NONE) {
            continue;
        }
        snprintf(path, sizeof path, "%sinputs[%zu].transform", root, i);
        enum gru_status status = settle(info, i, path, failure, error);
        if (status != GRU_OK) {
            return status;
        }
        n_readings += info->inputs[i].transform.season;
        if (n_readings > GRU_TRANSFORM_READINGS_MAX) {
            return gru_fail(error, failure, path,
                            "with '%s' the seasonal differences keep %zu readings of each stream; "
                            "%d are allowed",
                            path, n_readings, (int)GRU_TRANSFORM_READINGS_MAX);
        }
    }
    return GRU_OK;
}

/* ---- writing ---- */

void gru_transform_write(const struct gru_transform *transform, struct file_text *out)
{
    const char *word = gru_transform_name(transform->kind);
    switch (transform->kind) {
    case GRU_SEASONAL_DIFFERENCE:
        gru_text_puts(out, "{\"seasonal_difference\":");
        gru_text_put_int(out, transform->season);
        gru_text_puts(out, "}");
        break;
    case GRU_LEVEL:
        gru_text_puts(out, "{\"level\":");
        gru_text_put_double(out, transform->rate);
        gru_text_puts(out, transform->scale ? ",\"scale\":true}" : "}");
        break;
    default:
        gru_text_puts(out, "\"");
        gru_text_puts(out, word);
        gru_text_puts(out, "\"");
    }
}
