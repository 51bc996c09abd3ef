/*
 * The model file. An input is one of
 *
 *     {metadata}                     a plan: the grud metadata, then a line per tensor,
 *     gru.weight_ih_l0 F32 9 2       "name F32 rows columns"; offsets are filled in and values
 *     ...                            made up, so that it gets past the container's checks
 *     #{header} LF data              the length of the header is filled in
 *     anything else                  the bytes of a file
 *
 * A file that is refused says why, and another program's what it is; a model that loads is saved
 * and loaded bit for bit, does not depend on how a run is cut, and keeps no denormal number.
 */
#include "flush_mode.h"
#include "fuzz.h"
#include "json/json.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { PREFIX = 8, DATA_MAX = 1 << 18, ROWS = 3 };

struct bytes {
    char *p;
    size_t n;
};

/* header, then n bytes of data; data NULL: values that are finite in every type. */
static struct bytes join(const char *header, size_t n_header, const char *data, size_t n_data)
{
    struct bytes file = { .n = PREFIX + n_header + n_data };
    uint64_t length = n_header;
    file.p = malloc(file.n);
    FUZZ_CHECK(file.p);
    memcpy(file.p, &length, sizeof length);
    memcpy(file.p + PREFIX, header, n_header);
    for (size_t k = 0; k < n_data; k++) {
        file.p[PREFIX + n_header + k] =
            data ? data[k] : (char)((k * 37 & 0x3f) | (k % 16 == 15 ? 0x80 : 0));
    }
    return file;
}

/* ---- files from plans ---- */

/* The bytes of a value of that type, whatever it is called. */
static size_t width_of(const char *dtype)
{
    return strcmp(dtype, "F64") == 0 ? 8 : strcmp(dtype, "F32") == 0 ? 4 : 2;
}

/* One line's tensor into the header. Returns where its data end: as much as DATA_MAX leaves. */
static size_t plan_tensor(FILE *header, const char *line, size_t at)
{
    char name[64], dtype[8], shape[32];
    unsigned rows, columns = 1;
    int n_fields = sscanf(line, "%63s %7s %9u %9u", name, dtype, &rows, &columns);
    if (n_fields < 3) {
        return at;
    }
    size_t n = (size_t)rows * columns * width_of(dtype);
    size_t end = n < DATA_MAX - at ? at + n : DATA_MAX;
    snprintf(shape, sizeof shape, n_fields == 4 ? "%u,%u" : "%u", rows, columns);
    fprintf(header, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}", name,
            dtype, shape, at, end);
    return end;
}

static struct bytes file_of_plan(const char *plan, size_t n)
{
    char *text = strndup(plan, n), *header = NULL, *rest = NULL;
    size_t n_header = 0, at = 0;
    FILE *stream = open_memstream(&header, &n_header);
    FUZZ_CHECK(text && stream);
    char *line = strtok_r(text, "\n", &rest);
    size_t n_line = line ? strlen(line) : 0;
    char *quoted = malloc(6 * n_line + 3);
    FUZZ_CHECK(quoted);
    *json_print_string(quoted, line ? line : "", n_line) = '\0';
    fprintf(stream, "{\"__metadata__\":{\"grud\":%s}", quoted);
    while ((line = strtok_r(NULL, "\n", &rest))) {
        at = plan_tensor(stream, line, at);
    }
    fprintf(stream, "}");
    FUZZ_CHECK(fclose(stream) == 0);
    struct bytes file = join(header, n_header, NULL, at);
    free(quoted);
    free(header);
    free(text);
    return file;
}

static struct bytes file_of(const char *input, size_t n)
{
    if (n > 0 && input[0] == '{') {
        return file_of_plan(input, n);
    }
    if (n > 0 && input[0] == '#') {
        const char *end = memchr(input, '\n', n);
        size_t n_header = end ? (size_t)(end - input) - 1 : n - 1;
        size_t n_data = end ? n - n_header - 2 : 0;
        return join(input + 1, n_header, end ? end + 1 : "", n_data);
    }
    return (struct bytes){ fuzz_copy(input, n), n };
}

/* ---- laws ---- */

static void check_refusal(enum gru_status status, const struct gru_error *error)
{
    FUZZ_CHECK(status != GRU_OK && status != GRU_IO);
    FUZZ_CHECK(error->message[0] != '\0' && fuzz_is_text(error->message, strlen(error->message)));
    FUZZ_CHECK(fuzz_is_text(error->param, strlen(error->param)));
}

/* What is known as another program's file is never a model, and its name is what is said of it. */
static void check_foreign(struct bytes file, const struct gru_model *model,
                          const struct gru_error *error)
{
    const char *text = gru_foreign_text(file.p, file.n);
    FUZZ_CHECK(!text || (!model && strstr(error->message, text)));
}

static void check_info(const struct gru_model *model)
{
    const struct gru_info *info = gru_model_info(model);
    const size_t n_layers = gru_model_n_layers(model);
    FUZZ_CHECK(info->n_inputs > 0 && info->n_outputs > 0 && info->n_layers > 0 && info->steps > 0);
    FUZZ_CHECK(info->y_floats == info->steps * info->n_outputs);
    FUZZ_CHECK(info->n_layers <= GRU_LAYERS_MAX);
    FUZZ_CHECK(gru_model_layer(model, 0).input_size == info->n_inputs);
    FUZZ_CHECK(gru_model_layer(model, n_layers - 1).output_size <= info->y_floats);
    for (size_t k = 0; k < info->n_inputs; k++) {
        FUZZ_CHECK(info->inputs[k].std > 0 && info->inputs[k].feeds < (int)info->n_outputs);
        FUZZ_CHECK(info->inputs[k].name[0] != '\0' &&
                   fuzz_is_text(info->inputs[k].name, strlen(info->inputs[k].name)));
    }
    for (size_t k = 0; k < info->n_outputs; k++) {
        FUZZ_CHECK(info->outputs[k].std > 0 && info->outputs[k].feeds < (int)info->n_inputs);
    }
}

/* The file that a model is saved as, and the model that it is loaded as. */
static struct bytes save(const struct gru_model *model)
{
    void *p;
    struct bytes file;
    FUZZ_CHECK(gru_model_save(model, &p, &file.n) == GRU_OK);
    file.p = p;
    return file;
}

static void check_saving(const struct gru_model *model)
{
    struct gru_model *again = NULL;
    struct gru_error error = { .message = "" };
    struct bytes file = save(model);
    enum gru_status status = gru_model_load(file.p, file.n, &again, &error);
    if (status != GRU_OK) {
        fprintf(stderr, "saved, it is refused: %s: %s\n", error.param, error.message);
    }
    FUZZ_CHECK(status == GRU_OK);
    struct bytes twice = save(again);
    FUZZ_CHECK(file.n == twice.n && memcmp(file.p, twice.p, file.n) == 0);
    gru_model_unref(again);
    free(file.p);
    free(twice.p);
}

/* All rows in one run, and one by one. */
static void check_running(const struct gru_model *model)
{
    const struct gru_info *info = gru_model_info(model);
    struct gru_work *work;
    size_t n_x = ROWS * info->n_inputs, n_y = ROWS * info->y_floats;
    double *x = calloc(n_x + 2 * n_y, sizeof *x), *y = x + n_x, *y_singly = y + n_y;
    float *state = calloc(2 * info->state_floats, sizeof *state);
    float *state_singly = state + info->state_floats;
    FUZZ_CHECK(x && state && gru_work_create(&work) == GRU_OK);
    for (size_t k = 0; k < n_x; k++) {
        x[k] = k % 5 == 3 ? (double)FLT_MIN / (double)(2 + k) : (double)k / 4 - 1;
    }
    struct gru_lane whole = { .state_out = state, .x = x, .n_rows = ROWS, .y = y };
    FUZZ_CHECK(gru_run(model, work, &whole, 1) == GRU_OK);
    bool is_well = !info->is_bidirectional || whole.status == GRU_OK; /* that has no single steps */
    gru_state_init(model, state_singly);
    for (size_t t = 0; t < ROWS && is_well && !info->is_bidirectional; t++) {
        struct gru_lane row = { .state_in = state_singly,
                                .state_out = state_singly,
                                .x = x + t * info->n_inputs,
                                .n_rows = 1,
                                .y = y_singly + t * info->y_floats };
        FUZZ_CHECK(gru_run(model, work, &row, 1) == GRU_OK);
        is_well = row.status == GRU_OK;
    }
    FUZZ_CHECK((whole.status == GRU_OK) == is_well);
    if (is_well && !info->is_bidirectional) {
        FUZZ_CHECK(memcmp(y, y_singly, n_y * sizeof *y) == 0);
        FUZZ_CHECK(memcmp(state, state_singly, info->state_floats * sizeof *state) == 0);
        for (size_t k = 0; k < gru_state_last_offset(model) && flush_mode_exists(); k++) {
            FUZZ_CHECK(fpclassify(state[k]) != FP_SUBNORMAL);
        }
        enum gru_status status = gru_forecast(model, work, state, 1, NULL, 0, y);
        FUZZ_CHECK(status == GRU_OK);
        for (size_t k = 0; k < info->n_outputs; k++) {
            FUZZ_CHECK(y[k] == gru_state_y(model, state, k));
        }
    }
    gru_work_free(work);
    free(state);
    free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct bytes file = file_of((const char *)bytes, n);
    struct gru_model *model = NULL;
    struct gru_error error = { .message = "" };
    enum gru_status status = gru_model_load(file.p, file.n, &model, &error);
    FUZZ_CHECK((status == GRU_OK) == (model != NULL));
    if (model) {
        check_info(model);
        check_saving(model);
        check_running(model);
    } else {
        check_refusal(status, &error);
    }
    check_foreign(file, model, &error);
    gru_model_unref(model);
    free(file.p);
    return 0;
}
