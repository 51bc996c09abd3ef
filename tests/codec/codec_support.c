#include "codec_support.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

static const struct interval_levels usual_levels = { 3, { 0.8, 0.9, 0.95 } };

const struct codec_limits usual_limits = { .horizon_max = HORIZON_MAX,
                                           .interval_horizon_max = 24,
                                           .interval_levels = &usual_levels,
                                           .depth_max = DEPTH_MAX,
                                           .rows_max = ROWS_MAX,
                                           .evaluation_rows_max = ROWS_MAX };

void setup_init(struct setup *setup, struct gru_model *gru)
{
    memset(setup, 0, sizeof *setup);
    arena_init(&setup->arena, ARENA_BYTES);
    setup->pool.n_sessions = 7;
    setup->versions[0] = (struct version){ .number = 3,
                                           .created_at_ms = 1763668800250,
                                           .parent = 2,
                                           .digest = { 0x0123456789abcdef, 0xfedcba9876543210 },
                                           .gru = gru };
    setup->model = (struct model){ .name = "weather",
                                   .n_versions = 1,
                                   .versions = setup->versions,
                                   .active = setup->versions,
                                   .pool = &setup->pool,
                                   .drift = drift_create() };
    ck_assert_ptr_nonnull(setup->model.drift);
    setup->limits = usual_limits;
    text_init(&setup->text, &setup->arena, 0);
}

void setup_add_version(struct setup *setup, struct gru_model *gru)
{
    setup->versions[1] =
        (struct version){ .number = 4, .created_at_ms = 1763668801000, .gru = gru };
    setup->model.n_versions = 2;
}

void setup_done(struct setup *setup)
{
    gru_model_unref(setup->versions[0].gru);
    gru_model_unref(setup->versions[1].gru);
    drift_unref(setup->model.drift);
    arena_done(&setup->arena);
}

static struct gru_model *create(size_t n_inputs, const char *const *inputs,
                                const char *const *outputs)
{
    static const size_t hidden_sizes[] = { 3, 2 };
    struct gru_plan plan = { .n_inputs = n_inputs,
                             .inputs = inputs,
                             .n_outputs = 1,
                             .outputs = outputs,
                             .n_layers = 2,
                             .hidden_sizes = hidden_sizes,
                             .seed = 1 };
    struct gru_model *model = NULL;
    struct gru_error error;
    ck_assert_msg(gru_model_create(&plan, &model, &error) == GRU_OK, "%s", error.message);
    return model;
}

struct gru_model *model_weather(void)
{
    return create(2, (const char *const[]){ "temp", "humidity" }, (const char *const[]){ "temp" });
}

struct gru_model *model_closed(void)
{
    return create(1, (const char *const[]){ "temp" }, (const char *const[]){ "temp" });
}

struct gru_model *model_classes(void)
{
    return create(2, (const char *const[]){ "temp", "humidity" }, (const char *const[]){ "class" });
}

struct gru_model *model_wide(void)
{
    char names[N_WIDE][GRU_NAME_MAX + 1];
    const char *variables[N_WIDE];
    for (int i = 0; i < N_WIDE; i++) {
        memset(names[i], 1, sizeof names[i]);
        names[i][GRU_NAME_MAX - 2] = (char)('0' + i / 10);
        names[i][GRU_NAME_MAX - 1] = (char)('0' + i % 10);
        names[i][GRU_NAME_MAX] = '\0';
        variables[i] = names[i];
    }
    struct gru_plan plan = { .n_inputs = N_WIDE,
                             .inputs = variables,
                             .n_outputs = N_WIDE,
                             .outputs = variables,
                             .n_layers = 2,
                             .hidden_sizes = (const size_t[]){ 1, 1 } };
    struct gru_model *gru;
    ck_assert_int_eq(gru_model_create(&plan, &gru, NULL), GRU_OK);
    return gru;
}

struct gru_model *model_described(size_t n_inputs, size_t n_head, const char *metadata)
{
    enum { H = 2, GATES = 3, HEADER_MAX = 65536, LENGTH_BYTES = 8 };
    size_t ih = GATES * H * n_inputs * sizeof(float), hh = GATES * H * H * sizeof(float);
    size_t head = n_head * H * sizeof(float);
    char *file = calloc(1, LENGTH_BYTES + HEADER_MAX + ih + hh + head);
    char *escaped = malloc(6 * strlen(metadata) + 3);
    ck_assert(file != NULL && escaped != NULL);
    *json_print_string(escaped, metadata, strlen(metadata)) = '\0';
    int n = snprintf(
        file + LENGTH_BYTES, HEADER_MAX,
        "{\"__metadata__\":{\"grud\":%s},"
        "\"weight_ih_l0\":{\"dtype\":\"F32\",\"shape\":[%d,%zu],\"data_offsets\":[0,%zu]},"
        "\"weight_hh_l0\":{\"dtype\":\"F32\",\"shape\":[%d,%d],\"data_offsets\":[%zu,%zu]},"
        "\"head.weight\":{\"dtype\":\"F32\",\"shape\":[%zu,%d],\"data_offsets\":[%zu,%zu]}}",
        escaped, GATES * H, n_inputs, ih, GATES * H, H, ih, ih + hh, n_head, H, ih + hh,
        ih + hh + head);
    ck_assert(n > 0 && n < HEADER_MAX);
    for (int i = 0; i < LENGTH_BYTES; i++) {
        file[i] = (char)((uint64_t)n >> 8 * i & 0xff);
    }
    file[LENGTH_BYTES + n] = '\0';
    struct gru_model *model = NULL;
    struct gru_error error;
    enum gru_status status =
        gru_model_load(file, LENGTH_BYTES + (size_t)n + ih + hh + head, &model, &error);
    ck_assert_msg(status == GRU_OK, "%s: %s", error.param, error.message);
    free(escaped);
    free(file);
    return model;
}

const char *setup_text(struct setup *setup)
{
    ck_assert(!setup->text.failed);
    text_append(&setup->text, "", 1);
    const char *text = setup->text.p;
    text_init(&setup->text, &setup->arena, 0);
    return text;
}

/* Whether `put` stays within a text of n bytes. */
static bool fits(struct setup *setup, void (*put)(struct text *text, const void *what),
                 const void *what, size_t n)
{
    char *p = malloc(n);
    ck_assert_ptr_nonnull(p);
    struct text text = { .arena = &setup->arena, .p = p, .size = n };
    put(&text, what);
    ck_assert(!text.failed);
    free(p);
    return text.p == p;
}

size_t setup_put_tightly(struct setup *setup, void (*put)(struct text *text, const void *what),
                         const void *what)
{
    size_t least = 1, most = 1 << 20;
    while (least < most) {
        size_t middle = least + (most - least) / 2;
        if (fits(setup, put, what, middle)) {
            most = middle;
        } else {
            least = middle + 1;
        }
    }
    ck_assert(fits(setup, put, what, least));
    return least;
}
