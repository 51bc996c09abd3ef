/* Files whose names alone make no model: what they are called, and that the way out is one: pasted
 * into the metadata it leads to the right answers (diagnosis.h). */
#include "engine/fixture.h"
#include "engine/layer_recurrent.h"
#include "engine/model.h"
#include "test.h"
#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- files from the field, with the answers of the models that they were saved from ---- */

enum { FIELD_ROWS = 7, FIELD_INPUTS = 3, FIELD_OUTPUTS = 2 };

struct field {
    double x[FIELD_ROWS * FIELD_INPUTS], y[FIELD_ROWS * FIELD_OUTPUTS];
};

static struct field field_answers(const char *name)
{
    char path[128];
    struct field field;
    struct json j;
    struct json_text key;
    snprintf(path, sizeof path, "tests/convert/field/%s.json", name);
    struct file text = file_read(path);
    json_init(&j, (const char *)text.bytes, text.n);
    ck_assert(json_object(&j));
    while (json_member(&j, &key)) {
        const bool is_x = json_text_is(key, "x");
        if (!is_x && !json_text_is(key, "y")) {
            ck_assert(json_skip(&j));
            continue;
        }
        double *row = is_x ? field.x : field.y;
        const size_t n_columns = is_x ? FIELD_INPUTS : FIELD_OUTPUTS;
        ck_assert(json_array(&j));
        while (json_element(&j)) {
            size_t n;
            ck_assert(json_real_array(&j, false, row, n_columns, &n) && n == n_columns);
            row += n_columns;
        }
    }
    ck_assert(json_end(&j));
    free(text.bytes);
    return field;
}

static struct file field_file(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "tests/convert/field/%s.safetensors", name);
    return file_read(path);
}

static struct gru_error refusal(struct file file)
{
    struct gru_model *model = NULL;
    struct gru_error error = { .message = "" };
    ck_assert_int_eq(gru_model_load(file.bytes, file.n, &model, &error), GRU_BAD_TENSORS);
    ck_assert_ptr_null(model);
    return error;
}

/* The file with this metadata, as json.dumps writes it. Takes the file's bytes. */
static struct file with_grud(struct file file, const char *grud)
{
    const size_t n_header = file.bytes[0] | (size_t)file.bytes[1] << 8;
    const size_t n_room = file.n + 6 * strlen(grud) + 100;
    struct file with = { .bytes = malloc(n_room) };
    ck_assert_ptr_nonnull(with.bytes);
    char *p = (char *)with.bytes + 8;
    p += sprintf(p, "{\"__metadata__\":{\"grud\":");
    p = json_print_string(p, grud, strlen(grud));
    p += sprintf(p, "},");
    const size_t n = (size_t)(p - (char *)with.bytes) - 8 + n_header - 1;
    for (int k = 0; k < 8; k++) {
        with.bytes[k] = (unsigned char)((uint64_t)n >> (8 * k));
    }
    memcpy(p, file.bytes + 9, file.n - 9);
    with.n = 8 + n + file.n - 8 - n_header;
    free(file.bytes);
    return with;
}

/* The line of a message, from "grud" on; an activation that is left open becomes `activation`. */
static void pasted(const char *message, const char *activation, char out[1000])
{
    const char *from = strstr(message, "{\""), *end = from;
    ck_assert_msg(from != NULL, "%s", message);
    for (const char *p = strstr(from, "]}"); p; p = strstr(p + 1, "]}")) {
        end = p + 2;
    }
    char *to = out;
    while (from < end) {
        if (strncmp(from, "…", strlen("…")) == 0) {
            to += sprintf(to, "%s", activation);
            from += strlen("…");
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

static void expect_answers(struct file file, const struct field *field)
{
    struct gru_model *model = expect_loaded(file);
    struct gru_work *work;
    double y[FIELD_ROWS * FIELD_OUTPUTS];
    struct gru_lane lane = { .x = field->x, .n_rows = FIELD_ROWS, .y = y };
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    ck_assert_int_eq(gru_run(model, work, &lane, 1), GRU_OK);
    ck_assert_int_eq(lane.status, GRU_OK);
    for (size_t k = 0; k < FIELD_ROWS * FIELD_OUTPUTS; k++) {
        ck_assert_msg(fabs(y[k] - field->y[k]) <= 1e-5, "[%zu]: %g instead of %g", k, y[k],
                      field->y[k]);
    }
    gru_work_free(work);
    gru_model_unref(model);
}

/* The files with more layers than names can say. */
static const struct {
    const char *name, *line, *activation;
    bool is_swapped; /* of two heads, which the model has in the other order */
} cases[] = {
    { "mlp-head",
      "{\"network\":[{\"type\":\"gru\",\"prefix\":\"gru\"},"
      "{\"type\":\"dense\",\"prefix\":\"fc1\",\"activation\":\"…\"},"
      "{\"type\":\"dense\",\"prefix\":\"fc2\"}]} with what acts between the layers",
      "relu", false },
    { "layernorm",
      "{\"network\":[{\"type\":\"gru\",\"prefix\":\"gru\"},{\"type\":\"layer_norm\",\"prefix\":"
      "\"norm\"},{\"type\":\"dense\",\"prefix\":\"fc\"}]}",
      "", false },
    { "input-projection",
      "{\"network\":[{\"type\":\"dense\",\"prefix\":\"proj\",\"activation\":\"…\"},"
      "{\"type\":\"gru\",\"prefix\":\"gru\"},{\"type\":\"dense\",\"prefix\":\"fc\"}]}",
      "linear", false },
    { "two-heads",
      "{\"type\":\"heads\",\"heads\":[{\"prefix\":\"humidity\"},{\"prefix\":\"temp\"}]}]}, in the "
      "order of the model's own forward",
      "", true },
};

TEST(files_from_the_field_are_refused_with_the_line_that_serves_them)
{
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct file file = field_file(cases[k].name);
        struct field field = field_answers(cases[k].name);
        const struct gru_error error = refusal(file);
        ck_assert_str_eq(error.param, "grud.network");
        ck_assert_msg(strstr(error.message, cases[k].line), "%s", error.message);
        ck_assert_ptr_nonnull(strstr(error.message, "grud-convert FILE --model"));
        char line[1000];
        pasted(error.message, cases[k].activation, line);
        for (size_t row = 0; cases[k].is_swapped && row < FIELD_ROWS; row++) {
            const double first = field.y[2 * row];
            field.y[2 * row] = field.y[2 * row + 1];
            field.y[2 * row + 1] = first;
        }
        expect_answers(with_grud(file, line), &field);
    }
}

TEST(a_line_that_is_pasted_as_it_is_says_what_is_open)
{
    struct file file = field_file("mlp-head");
    const struct gru_error error = refusal(file);
    char line[1000];
    pasted(error.message, "…", line);
    expect_refused(with_grud(file, line), GRU_BAD_METADATA, "grud.network[1].activation",
                   "must be one of linear, sigmoid, tanh");
}

TEST(cells_of_the_field_are_served_as_they_are)
{
    const struct field field = field_answers("grucell");
    expect_answers(field_file("grucell"), &field);
}

/* It has no tensors, so the file is served: unverified, until the list or a selftest tells. */
TEST(an_activation_that_no_tensor_tells_is_told_by_the_list)
{
    struct file file = field_file("relu-before-linear");
    const struct field field = field_answers("relu-before-linear");
    struct gru_model *model;
    ck_assert_int_eq(gru_model_load(file.bytes, file.n, &model, NULL), GRU_OK);
    ck_assert(!gru_model_is_verified(model));
    gru_model_unref(model);
    char selftest[600], *p = selftest;
    p += sprintf(p, "{\"selftest\":{\"x\":[[%.9g,%.9g,%.9g]],", (double)field.x[0],
                 (double)field.x[1], (double)field.x[2]);
    sprintf(p, "\"y\":[[%.9g,%.9g]]}}", (double)field.y[0], (double)field.y[1]);
    expect_refused(with_grud(field_file("relu-before-linear"), selftest), GRU_SELFTEST_FAILED,
                   "grud.selftest", "but the model gives");
    expect_answers(with_grud(file, "{\"network\":[{\"type\":\"gru\",\"prefix\":\"gru\"},"
                                   "{\"type\":\"activation\",\"activation\":\"relu\"},"
                                   "{\"type\":\"dense\",\"prefix\":\"fc\"}]}"),
                   &field);
}

/* What remove_weight_norm does: w = g v / |v|, row by row. */
static struct file without_weight_norm(struct file file)
{
    enum { ROWS = 24, COLUMNS = 8 };
    const char *header = (const char *)file.bytes + 8;
    const size_t n_header = file.bytes[0] | (size_t)file.bytes[1] << 8;
    struct fixture f = fixture_new();
    static const struct {
        const char *name;
        size_t rows, columns;
    } tensors[] = { { "fc.bias", 2, 0 },
                    { "fc.weight", 2, 8 },
                    { "gru.bias_hh_l0", 24, 0 },
                    { "gru.bias_ih_l0", 24, 0 },
                    { "gru.weight_hh_l0_g", 24, 1 },
                    { "gru.weight_hh_l0_v", 24, 8 },
                    { "gru.weight_ih_l0", 24, 3 } };
    for (size_t k = 0; k < sizeof tensors / sizeof *tensors; k++) {
        char quoted[64], copy[4096];
        snprintf(quoted, sizeof quoted, "\"%s\"", tensors[k].name);
        snprintf(copy, sizeof copy, "%.*s", (int)n_header, header);
        const char *at = strstr(strstr(copy, quoted), "data_offsets");
        const size_t begin = (size_t)strtoul(strchr(at, '[') + 1, NULL, 10);
        const size_t n = tensors[k].rows * (tensors[k].columns ? tensors[k].columns : 1);
        fixture_raw_tensor(&f, tensors[k].name, "F32", tensors[k].rows, tensors[k].columns,
                           file.bytes + 8 + n_header + begin, n * sizeof(float));
    }
    float *v = fixture_values(&f, "gru.weight_hh_l0_v");
    const float *g = fixture_values(&f, "gru.weight_hh_l0_g");
    for (size_t row = 0; row < ROWS; row++) {
        double norm = 0;
        for (size_t k = 0; k < COLUMNS; k++) {
            norm += (double)v[row * COLUMNS + k] * (double)v[row * COLUMNS + k];
        }
        for (size_t k = 0; k < COLUMNS; k++) {
            v[row * COLUMNS + k] =
                (float)((double)v[row * COLUMNS + k] * (double)g[row] / sqrt(norm));
        }
    }
    fixture_rename(&f, "gru.weight_hh_l0_v", "gru.weight_hh_l0");
    fixture_remove(&f, "gru.weight_hh_l0_g");
    free(file.bytes);
    return fixture_file(&f);
}

TEST(weight_normalisation_of_the_field_is_called_by_its_name)
{
    struct file file = field_file("weightnorm-old-names");
    const struct field field = field_answers("weightnorm-old-names");
    const struct gru_error error = refusal(file);
    ck_assert_str_eq(error.param, "gru.weight_hh_l0_g");
    ck_assert_msg(strstr(error.message, "of a weight normalisation: "
                                        "torch.nn.utils.remove_weight_norm(model.gru, "
                                        "'weight_hh_l0')"),
                  "%s", error.message);
    expect_answers(without_weight_norm(file), &field);
}

/* ---- what has names of its own ---- */

static void known(struct fixture *f, const char *param, const char *part)
{
    expect_refused(fixture_file(f), GRU_BAD_TENSORS, param, part);
}

TEST(tensors_of_other_modules_are_called_by_their_names)
{
    static const struct {
        const char *tensor;
        size_t rows, columns, middle;
        const char *part;
    } others[] = {
        { "net.0.parametrizations.weight_hh_l0.original0", 12, 1, 0,
          "of a parametrization: "
          "torch.nn.utils.parametrize.remove_parametrizations(model.net[0], 'weight_hh_l0')" },
        { "fc.parametrizations.weight.original", 2, 4, 0,
          "remove_parametrizations(model.fc, 'weight')" },
        { "fc.weight_orig", 2, 4, 0, "remove_spectral_norm(model.fc, 'weight')" },
        { "encoder.self_attn.in_proj_weight", 12, 4, 0,
          "of an attention, which weighs all rows at once: grud serves chains of" },
        { "attention.query.weight", 4, 4, 0, "of an attention" },
        { "conv1.weight", 8, 5, 2, "of a convolution, which sees several rows at once" },
        { "embedding.weight", 10, 2, 0,
          "state_dict['embedding.weight'] = state_dict['embedding.weight'].T.contiguous()" },
        { "emb.weight", 10, 2, 0, "of an embedding, which takes numbers of classes" },
    };
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        struct fixture f = fixture_small();
        fixture_tensor(&f, others[k].tensor, others[k].rows, others[k].columns);
        f.tensors[f.n - 1].middle = others[k].middle;
        if (others[k].middle > 1) { /* as many values as three sizes have */
            struct fixture_tensor *tensor = &f.tensors[f.n - 1];
            tensor->rows /= others[k].middle;
        }
        known(&f, others[k].tensor, others[k].part);
    }
}

TEST(averages_beside_the_weights_are_told_apart)
{
    static const char *const prefixes[] = { "ema_model.gru.", "module.gru.", "ema.module.gru." };
    static const char *const parts[] = { "k.startswith('ema_model.')", "k.startswith('module.')",
                                         "k.startswith('ema.')" };
    for (size_t k = 0; k < 3; k++) {
        struct fixture f = fixture_small();
        char param[64];
        fixture_layer(&f, prefixes[k], 0, 3, 2, 4);
        snprintf(param, sizeof param, "%sbias_hh_l0", prefixes[k]);
        known(&f, param, parts[k]);
    }
    struct fixture f = fixture_small();
    const char count[8] = { 7 };
    fixture_raw_tensor(&f, "n_averaged", "I64", 1, 0, count, sizeof count);
    known(&f, "n_averaged", "del state_dict['n_averaged'], and write the rest");
}

TEST(prefixes_of_wrappers_change_nothing)
{
    static const char *const prefixes[] = { "_orig_mod.", "module.", "_orig_mod.module.model." };
    static const char *const names[] = { "gru.weight_ih_l0", "gru.weight_hh_l0", "gru.bias_ih_l0",
                                         "gru.bias_hh_l0",   "fc.weight",        "fc.bias" };
    for (size_t k = 0; k < 3; k++) {
        struct fixture f = fixture_small(), plain = fixture_small();
        for (size_t n = 0; n < 6; n++) {
            char wrapped[96];
            snprintf(wrapped, sizeof wrapped, "%s%s", prefixes[k], names[n]);
            fixture_rename(&f, names[n], wrapped);
        }
        struct gru_model *model = fixture_loaded(&f), *same = fixture_loaded(&plain);
        expect_same(model, same);
        gru_model_unref(model);
        gru_model_unref(same);
    }
}

TEST(an_encoder_and_a_decoder_are_no_chain)
{
    struct fixture f = fixture_new();
    fixture_layer(&f, "encoder.", 0, 3, 2, 4);
    fixture_layer(&f, "decoder.", 0, 3, 1, 4);
    fixture_tensor(&f, "fc.weight", 1, 4);
    known(&f, "decoder.bias_hh_l0", "of a decoder behind an encoder");
}

TEST(names_that_are_only_alike_are_left_alone)
{
    struct fixture f = fixture_new();
    fixture_layer(&f, "embedding_gru.", 0, 3, 2, 4);
    fixture_tensor(&f, "attention_free.weight", 1, 4);
    gru_model_unref(fixture_loaded(&f));
    f = fixture_small();
    fixture_remove(&f, "fc.bias");
    fixture_tensor(&f, "fc.bias", 3, 0);
    known(&f, "fc.bias", "'fc.bias' is a vector of 3, but expected is a vector of 2");
}

/* ---- scalers ---- */

TEST(scalers_become_numbers_of_the_metadata)
{
    static const struct {
        const char *mean, *std, *line;
    } scalers[] = {
        { "x_mean", "x_std", "{\"inputs\":[{\"mean\":20,\"std\":5},{\"mean\":0.5,\"std\":0.25}]}" },
        { "scaler.mean_", "scaler.scale_", "\"inputs\":[{\"mean\":20,\"std\":5}" },
        { "mean", "std", "\"inputs\":[{\"mean\":20" },
        { "y_mean", "y_std", "{\"outputs\":[{\"mean\":20,\"std\":5}" },
    };
    const float means[] = { 20, 0.5F }, stds[] = { 5, 0.25F };
    for (size_t k = 0; k < 4; k++) {
        struct fixture f = fixture_small();
        fixture_raw_tensor(&f, scalers[k].mean, "F32", 2, 0, means, sizeof means);
        fixture_raw_tensor(&f, scalers[k].std, "F32", 2, 0, stds, sizeof stds);
        struct file file = fixture_file(&f);
        const struct gru_error error = refusal(file);
        ck_assert_str_eq(error.param, scalers[k].mean);
        ck_assert_msg(strstr(error.message, "are of a scaler") &&
                          strstr(error.message, scalers[k].line),
                      "%s", error.message);
        free(file.bytes);
        char line[1000];
        pasted(error.message, "", line);
        f = fixture_small();
        f.grud = line;
        struct gru_model *model = fixture_loaded(&f);
        const struct gru_info *info = gru_model_info(model);
        const struct gru_variable *scaled = k == 3 ? info->outputs : info->inputs;
        ck_assert(scaled[0].mean == 20 && scaled[0].std == 5 && scaled[1].std == 0.25);
        gru_model_unref(model);
    }
}

TEST(a_range_is_the_scaling_of_its_least_and_most)
{
    const float least[] = { -5, 0 }, most[] = { 35, 1 };
    struct fixture f = fixture_small();
    fixture_raw_tensor(&f, "scaler.data_min_", "F32", 2, 0, least, sizeof least);
    fixture_raw_tensor(&f, "scaler.data_max_", "F32", 2, 0, most, sizeof most);
    known(&f, "scaler.data_min_", "{\"inputs\":[{\"mean\":-5,\"std\":40},{\"mean\":0,\"std\":1}]}");
}

/* ---- guesses ---- */

static void guessed(struct fixture *f, const char *line)
{
    known(f, "grud.network", line);
}

TEST(kinds_that_are_mixed_are_told_by_their_rows)
{
    struct fixture f = fixture_new();
    fixture_layer(&f, "a.", 0, 4, 2, 4);
    fixture_layer(&f, "b.", 0, 3, 4, 5);
    fixture_tensor(&f, "fc.weight", 1, 5);
    struct file file = fixture_file(&f);
    const struct gru_error error = refusal(file);
    char line[1000];
    pasted(error.message, "", line);
    ck_assert_str_eq(line, "{\"network\":[{\"type\":\"lstm\",\"prefix\":\"a\"},"
                           "{\"type\":\"gru\",\"prefix\":\"b\"},"
                           "{\"type\":\"dense\",\"prefix\":\"fc\"}]}");
    gru_model_unref(expect_loaded(with_grud(file, line)));
}

TEST(norms_and_first_states_are_told_by_their_tensors)
{
    struct fixture f = fixture_small();
    const char count[8] = { 3 };
    fixture_tensor(&f, "bn.running_mean", 4, 0);
    fixture_tensor(&f, "bn.running_var", 4, 0);
    fixture_raw_tensor(&f, "bn.num_batches_tracked", "I64", 1, 0, count, sizeof count);
    fixture_tensor(&f, "h0", 1, 4);
    f.tensors[f.n - 1].middle = 1;
    guessed(&f, "{\"network\":[{\"type\":\"gru\",\"prefix\":\"gru\",\"initial_state\":\"h0\"},"
                "{\"type\":\"batch_norm\",\"prefix\":\"bn\"},"
                "{\"type\":\"dense\",\"prefix\":\"fc\"}]}");
}

TEST(an_order_that_is_one_of_several_is_said_to_be)
{
    struct fixture f = fixture_small();
    fixture_tensor(&f, "a.weight", 4, 4);
    fixture_tensor(&f, "b.weight", 4, 4);
    guessed(&f, ", in the order of the model's own forward");
}

TEST(what_fits_in_no_order_is_refused_as_it_was)
{
    struct fixture f = fixture_small();
    fixture_tensor(&f, "a.weight", 3, 7);
    known(&f, "a.weight", "lists layers of other kinds");
    f = fixture_small();
    fixture_tensor(&f, "fd.weight", 1, 4);
    fixture_tensor(&f, "theta", 5, 0);
    known(&f, "fd.weight", "could both be the read-out");
}
