/* The canonical form of weights, saving, and memory that runs out. */
#include "engine/failing.h"
#include "engine/fixture.h"
#include "engine/golden.h"
#include "engine/layer_dense.h"
#include "engine/model.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- canonical form ---- */

/* Three rows blocks of a tensor, moved about: block k of the result is block from[k], times
 * sign[k]. */
static void permute(struct fixture *f, const char *name, size_t n_gates, size_t n, const int *from,
                    const float *sign)
{
    float *values = fixture_values(f, name);
    float *copy = malloc(n_gates * n * sizeof *copy);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, values, n_gates * n * sizeof *copy);
    for (size_t k = 0; k < n_gates * n; k++) {
        values[k] = copy[(size_t)from[k / n] * n + k % n] * sign[k / n];
    }
    free(copy);
}

/* A model in one convention is the same model as in ours, bit for bit. */
static void expect_normalised(size_t n_gates, const char *ours, const char *theirs, const int *from,
                              const float *sign)
{
    static const char *const names[] = { "gru.weight_ih_l0", "gru.weight_hh_l0", "gru.bias_ih_l0",
                                         "gru.bias_hh_l0",   "gru.weight_ih_l1", "gru.weight_hh_l1",
                                         "gru.bias_ih_l1",   "gru.bias_hh_l1" };
    static const size_t n[] = { 12, 16, 4, 4, 12, 9, 3, 3 };
    struct gru_model *models[2];
    for (int k = 0; k < 2; k++) {
        struct fixture f = fixture_new();
        fixture_layer(&f, "gru.", 0, n_gates, 3, 4);
        fixture_layer(&f, "gru.", 1, n_gates, 4, 3);
        fixture_tensor(&f, "fc.weight", 1, 3);
        f.grud = k == 0 ? ours : theirs;
        for (int i = 0; k == 1 && i < 8; i++) {
            permute(&f, names[i], n_gates, n[i], from, sign);
        }
        models[k] = fixture_loaded(&f);
    }
    expect_same(models[0], models[1]);
    gru_model_unref(models[0]);
    gru_model_unref(models[1]);
}

TEST(gate_orders_are_normalised)
{
    static const int zr[] = { 1, 0, 2, 3 };
    static const float plus[] = { 1, 1, 1, 1 };
    expect_normalised(3, "{}", "{\"gate_order\":\"zrn\"}", zr, plus);
    expect_normalised(3, "{}", "{\"gate_order\":\"zrh\"}", zr, plus);
    expect_normalised(4, "{\"cell\":\"gru_output_gate\"}",
                      "{\"cell\":\"gru_output_gate\",\"gate_order\":\"zrh\"}", zr, plus);
}

TEST(update_take_is_normalised)
{
    static const int rz[] = { 0, 1, 2, 3 };
    static const float minus[] = { 1, -1, 1, 1 };
    expect_normalised(3, "{\"reset\":\"before\"}", "{\"reset\":\"before\",\"update\":\"take\"}", rz,
                      minus);
    expect_normalised(4, "{\"cell\":\"gru_output_gate\"}",
                      "{\"cell\":\"gru_output_gate\",\"update\":\"take\"}", rz, minus);
}

TEST(gate_order_and_update_are_normalised_together)
{
    static const int zr[] = { 1, 0, 2, 3 };
    static const float minus_z[] = { -1, 1, 1, 1 };
    expect_normalised(3, "{}", "{\"update\":\"take\",\"gate_order\":\"zrn\"}", zr, minus_z);
}

/* ---- saving ---- */

TEST(goldens_save_and_load_bit_for_bit)
{
    for (size_t k = 0; golden_names[k]; k++) {
        char path[160];
        snprintf(path, sizeof path, "tests/fixtures/golden/%s.safetensors", golden_names[k]);
        struct gru_model *model = expect_loaded(file_read(path));
        struct file first = save(model);
        struct file copy = save(model);
        struct gru_model *again = expect_loaded(copy);
        expect_same(model, again);
        struct file second = save(again);
        ck_assert_uint_eq(first.n, second.n);
        ck_assert_mem_eq(first.bytes, second.bytes, first.n);
        free(first.bytes);
        free(second.bytes);
        gru_model_unref(again);
        gru_model_unref(model);
    }
}

/* The header's text without blanks at its end, and without what earlier builds left to be the
 * default; returns its length, and where the data begin. */
static size_t header_of_old(const struct file *file, char *header, size_t *ret_data)
{
    static const char missing[] = "\\\"missing\\\":\\\"forecast\\\",";
    uint64_t n;
    memcpy(&n, file->bytes, sizeof n);
    *ret_data = sizeof n + n;
    memcpy(header, file->bytes + sizeof n, n);
    header[n] = '\0';
    char *key = strstr(header, missing);
    if (key) {
        memmove(key, key + strlen(missing), strlen(key + strlen(missing)) + 1);
    }
    n = strlen(header);
    while (n > 0 && header[n - 1] == ' ') {
        n--;
    }
    return n;
}

/* What earlier builds wrote: those models are written as they were, but that the file says what
 * becomes of missing readings. */
TEST(models_of_one_kind_are_written_as_ever)
{
    for (unsigned format = 1; format <= 3; format++) {
        char path[160];
        snprintf(path, sizeof path, "tests/fixtures/formats/%u/resumed.safetensors", format);
        struct file file = file_read(path), copy = file_read(path);
        struct gru_model *model = expect_loaded(copy);
        struct file again = save(model);
        static char headers[2][16384];
        size_t data, data_again;
        const size_t n = header_of_old(&file, headers[0], &data);
        ck_assert_uint_eq(header_of_old(&again, headers[1], &data_again), n);
        ck_assert_mem_eq(headers[1], headers[0], n);
        ck_assert_uint_eq(again.n - data_again, file.n - data);
        ck_assert_mem_eq(again.bytes + data_again, file.bytes + data, file.n - data);
        free(file.bytes);
        free(again.bytes);
        gru_model_unref(model);
    }
}

TEST(other_number_formats_are_saved_as_f32)
{
    double values[4] = { 0.1, 0.2, 0.3, 0.4 };
    struct fixture f = fixture_new();
    fixture_layer(&f, "gru.", 0, 3, 2, 4);
    fixture_raw_tensor(&f, "fc.weight", "F64", 1, 4, values, sizeof values);
    struct gru_model *model = fixture_loaded(&f);
    ck_assert(gru_model_read_out(model)->tensors[DENSE_WEIGHT].values[2] == 0.3F);
    struct gru_model *again = expect_loaded(save(model));
    expect_same(model, again);
    gru_model_unref(again);
    gru_model_unref(model);
}

/* ---- memory that runs out ---- */

#ifdef FAILING_MEMORY
/* What else allocates: two modules in an order that the file says, variables with names. */
static struct file rich(void)
{
    struct fixture f = fixture_new();
    fixture_layer(&f, "a.", 0, 3, 4, 4);
    fixture_layer(&f, "b.", 0, 3, 4, 4);
    fixture_tensor(&f, "fc.weight", 1, 4);
    f.grud = "{\"order\":[\"a\",\"b\"],\"residual\":true,"
             "\"inputs\":[{\"name\":\"t\",\"std\":2},{},{},{}],\"outputs\":[{\"name\":\"t\"}]}";
    return fixture_file(&f);
}

/* What a list of layers allocates: heads, variances that are looked at, first states. */
static struct file chain(void)
{
    static const char *const norms[] = { "n.running_mean", "n.running_var" };
    struct fixture f = fixture_small();
    fixture_tensor(&f, "h0", 4, 0);
    for (size_t k = 0; k < 2; k++) {
        fixture_tensor(&f, norms[k], 4, 0);
        for (size_t i = 0; i < 4; i++) {
            fixture_values(&f, norms[k])[i] = 1;
        }
    }
    fixture_tensor(&f, "b.weight", 1, 4);
    f.grud = "{\"network\":[{\"type\":\"gru\",\"prefix\":\"gru\",\"initial_state\":\"h0\"},"
             "{\"type\":\"batch_norm\",\"prefix\":\"n\"},{\"type\":\"heads\",\"heads\":["
             "{\"prefix\":\"fc\"},{\"prefix\":\"b\",\"activation\":\"relu\"}]}]}";
    return fixture_file(&f);
}

/* A selftest that a model meets whose read-out is its bias, [3, 0.5]. */
static struct file constant(void)
{
    struct fixture f = fixture_small();
    memset(fixture_values(&f, "fc.weight"), 0, 8 * sizeof(float));
    fixture_values(&f, "fc.bias")[0] = 3;
    fixture_values(&f, "fc.bias")[1] = 0.5F;
    f.grud = "{\"selftest\":{\"x\":[[1,null]],\"y\":[[3,0.5]]},\"inputs\":[{},{}]}";
    return fixture_file(&f);
}

TEST(load_survives_every_failed_allocation)
{
    struct file files[] = { rich(), constant(), chain() };
    for (int k = 0; k < 3; k++) {
        int failed = 1;
        for (long n = 0; failed; n++) {
            struct gru_model *model = NULL;
            struct gru_error error = { 0 };
            failing_memory_start(n);
            enum gru_status status = gru_model_load(files[k].bytes, files[k].n, &model, &error);
            long live = failing_memory_live();
            failed = failing_memory_stop();
            ck_assert_int_lt(n, 1000);
            ck_assert_int_eq(status, failed ? GRU_NO_MEMORY : GRU_OK);
            ck_assert_int_eq(model == NULL, failed);
            ck_assert_str_eq(error.message, failed ? "out of memory" : "");
            ck_assert_msg(!failed || live == 0, "%ld blocks lost after allocation %ld of file %d",
                          live, n, k);
            gru_model_unref(model);
        }
        free(files[k].bytes);
    }
}

TEST(save_survives_every_failed_allocation)
{
    struct gru_model *models[] = { expect_loaded(rich()), expect_loaded(chain()) };
    for (size_t k = 0; k < 2; k++) {
        int failed = 1;
        for (long n = 0; failed; n++) {
            void *bytes = NULL;
            size_t n_bytes;
            failing_memory_start(n);
            enum gru_status status = gru_model_save(models[k], &bytes, &n_bytes);
            long live = failing_memory_live();
            failed = failing_memory_stop();
            ck_assert_int_lt(n, 1000);
            ck_assert_int_eq(status, failed ? GRU_NO_MEMORY : GRU_OK);
            ck_assert_int_eq(live, failed ? 0 : 1);
            free(bytes);
        }
        gru_model_unref(models[k]);
    }
}

TEST(create_and_load_file_survive_every_failed_allocation)
{
    static const char *const names[] = { "a", "b" };
    static const size_t sizes[] = { 4, 3 };
    const struct gru_plan plan = { .n_inputs = 2,
                                   .n_outputs = 2,
                                   .n_layers = 2,
                                   .inputs = names,
                                   .outputs = names,
                                   .hidden_sizes = sizes };
    struct gru_plan chain_plan = plan;
    chain_plan.n_layers = 0;
    chain_plan.has_selftest = true;
    chain_plan.network = "[{\"type\":\"gru\",\"units\":3},{\"type\":\"heads\",\"heads\":["
                         "{\"units\":1},{\"units\":1,\"activation\":\"relu\"}]}]";
    chain_plan.n_network = strlen(chain_plan.network);
    for (int k = 0; k < 3; k++) {
        int failed = 1;
        for (long n = 0; failed; n++) {
            struct gru_model *model = NULL;
            failing_memory_start(n);
            enum gru_status status =
                k < 2 ? gru_model_create(k == 0 ? &plan : &chain_plan, &model, NULL)
                      : gru_model_load_file("tests/fixtures/golden/torch-small.safetensors", &model,
                                            NULL);
            long live = failing_memory_live();
            failed = failing_memory_stop();
            ck_assert_int_lt(n, 1000);
            ck_assert_int_eq(status, failed ? GRU_NO_MEMORY : GRU_OK);
            ck_assert(!failed || live == 0);
            gru_model_unref(model);
        }
    }
}
#endif
