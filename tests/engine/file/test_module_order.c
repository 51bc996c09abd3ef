/* In which order several recurrent modules follow one another: by their sizes, or as the file says.
 */
#include "engine/file/module_order.h"
#include "engine/fixture.h"
#include "engine/layer_recurrent.h"
#include "engine/model.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

TEST(modules_are_chained_in_the_order_of_their_sizes)
{
    struct fixture f = fixture_new();
    fixture_layer(&f, "a_last.", 0, 3, 9, 5);
    fixture_layer(&f, "b_first.", 0, 3, 2, 8);
    fixture_layer(&f, "b_first.", 1, 3, 8, 6);
    fixture_layer(&f, "c_middle.", 0, 3, 6, 9);
    fixture_tensor(&f, "fc.weight", 1, 5);
    struct gru_model *model = fixture_loaded(&f);
    ck_assert_uint_eq(gru_model_info(model)->n_layers, 4);
    expect_layer(model, 0, 2, 8);
    expect_layer(model, 1, 8, 6);
    expect_layer(model, 2, 6, 9);
    expect_layer(model, 3, 9, 5);
    struct gru_model *again = expect_loaded(save(model));
    expect_same(model, again);
    gru_model_unref(again);
    gru_model_unref(model);
}

TEST(read_out_decides_between_orders)
{
    struct fixture f = fixture_new(); /* 4 to 6, 6 to 4: a circle, cut by what the read-out takes */
    fixture_layer(&f, "a.", 0, 3, 4, 6);
    fixture_layer(&f, "b.", 0, 3, 6, 4);
    fixture_tensor(&f, "fc.weight", 1, 6);
    struct gru_model *model = fixture_loaded(&f);
    expect_layer(model, 0, 6, 4);
    gru_model_unref(model);
}

/* Two modules of 4 to 4, and "order" in the metadata. */
static struct fixture twins(const char *grud)
{
    struct fixture f = fixture_new();
    fixture_layer(&f, "a.", 0, 3, 4, 4);
    fixture_layer(&f, "b.", 0, 3, 4, 4);
    fixture_tensor(&f, "fc.weight", 1, 4);
    f.grud = grud;
    return f;
}

TEST(ambiguous_order_is_refused_with_the_reason)
{
    struct fixture f = twins(NULL);
    fixture_refused(
        &f, "grud.order",
        "more than one order, so \"order\" must say which: 'a.' (4 to 4), 'b.' (4 to 4); or 'b.'");
    f = fixture_new();
    for (int k = 0; k < 16; k++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "m%d.", k);
        fixture_layer(&f, prefix, 0, 3, 4, 4);
    }
    fixture_tensor(&f, "fc.weight", 1, 4);
    fixture_refused(&f, "grud.order", "more than one order");
}

TEST(orders_that_are_hopeless_to_search_are_refused_in_time)
{
    struct fixture f = fixture_new(); /* all fit one another but for one that fits none */
    for (int k = 0; k < 16; k++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "m%d.", k);
        fixture_layer(&f, prefix, 0, 3, k == 15 ? 9 : 4, 4);
        if (k == 15) {
            fixture_layer(&f, "n.", 0, 3, 8, 4);
        }
    }
    fixture_tensor(&f, "fc.weight", 1, 4);
    fixture_refused(&f, "grud.order", "repeat so often that \"order\" must say");
}

TEST(order_decides_where_sizes_do_not)
{
    static const char *const orders[] = { "{\"order\":[\"a\",\"b\"]}",
                                          "{\"order\":[\"b.\",\"a.\"]}" };
    struct gru_model *models[2];
    for (int k = 0; k < 2; k++) {
        struct fixture f = twins(orders[k]);
        models[k] = fixture_loaded(&f);
    }
    for (size_t k = 0; k <= RECURRENT_BIAS_HH; k++) {
        const struct gru_tensor *first = &models[0]->layers[0].tensors[k];
        ck_assert_mem_eq(first->values, models[1]->layers[1].tensors[k].values,
                         first->rows * sizeof(float));
        ck_assert_mem_ne(first->values, models[1]->layers[0].tensors[k].values,
                         first->rows * sizeof(float));
    }
    gru_model_unref(models[0]);
    gru_model_unref(models[1]);
}

static void bad_order(const char *grud, const char *param, const char *part)
{
    struct fixture f = twins(grud);
    expect_refused(fixture_file(&f), GRU_BAD_METADATA, param, part);
}

TEST(order_must_name_every_module_once)
{
    bad_order("{\"order\":[\"a\"]}", "grud.order",
              "names 1 recurrent modules, but the tensors make 2");
    bad_order("{\"order\":[\"a\",\"b\",\"c\"]}", "grud.order", "names 3");
    bad_order("{\"order\":[\"a\",\"c\"]}", "grud.order[1]",
              "names 'c', which is no recurrent module");
    bad_order("{\"order\":[\"a\",\"\"]}", "grud.order[1]", "is no recurrent module");
    bad_order("{\"order\":[\"a\",\"a.\"]}", "grud.order[1]", "for the second time");
}

TEST(order_must_fit_the_sizes)
{
    struct fixture f = fixture_new();
    fixture_layer(&f, "a.", 0, 3, 2, 5);
    fixture_layer(&f, "b.", 0, 3, 5, 4);
    fixture_tensor(&f, "fc.weight", 1, 4);
    f.grud = "{\"order\":[\"b\",\"a\"]}";
    expect_refused(fixture_file(&f), GRU_BAD_METADATA, "grud.order",
                   "'a.' cannot follow 'b.': it takes 2 inputs, and gets 4");
}

TEST(modules_that_fit_in_no_order_are_refused)
{
    struct fixture f = fixture_new();
    fixture_layer(&f, "a.", 0, 3, 2, 5);
    fixture_layer(&f, "b.", 0, 3, 6, 4);
    fixture_tensor(&f, "fc.weight", 1, 4);
    fixture_refused(&f, "", "fit in no order: 'a.' (2 to 5), 'b.' (6 to 4)");
}

/* ---- the law ---- */

enum { N_MODULES = 6 };

/* A chain of modules of different widths, standing in the file in the order that `at` says. */
static struct modules chain(const size_t *widths, const size_t *at)
{
    static const char *const prefixes[N_MODULES] = { "a.", "b.", "c.", "d.", "e.", "f." };
    struct modules modules = { .n = N_MODULES };
    for (size_t k = 0; k < N_MODULES; k++) {
        struct module *module = &modules.modules[at[k]];
        *module = (struct module){ .prefix = prefixes[at[k]], .n_prefix = 2, .n_layers = 1 };
        module->layers[0].shape.n_inputs = widths[k];
        module->layers[0].shape.n_units = widths[k + 1];
    }
    return modules;
}

/* However the modules stand in the file, and whether sizes or names say so: one order. */
TEST(a_chain_is_found_in_whatever_order_it_stands)
{
    static const size_t widths[N_MODULES + 1] = { 3, 9, 4, 9, 7, 5, 2 };
    size_t at[N_MODULES] = { 0, 1, 2, 3, 4, 5 };
    for (size_t round = 0; round < 200; round++) {
        const size_t i = round % N_MODULES, other = round * 5 % 7 % N_MODULES, kept = at[i];
        at[i] = at[other];
        at[other] = kept;
        struct modules modules = chain(widths, at);
        struct metadata metadata = { .n_order = 0 };
        size_t order[GRU_LAYERS_MAX];
        struct gru_error error;
        enum gru_status status = gru_chain_modules(&modules, &metadata, 2, order, &error);
        ck_assert_msg(status == GRU_OK, "%s", error.message);
        ck_assert_mem_eq(order, at, sizeof at);
        char names[N_MODULES][3];
        for (size_t k = 0; k < N_MODULES; k++) {
            snprintf(names[k], sizeof names[k], "%c%s", (char)('a' + (int)at[k]), k % 2 ? "." : "");
            metadata.order[k] = names[k];
        }
        metadata.n_order = N_MODULES;
        ck_assert_int_eq(gru_chain_modules(&modules, &metadata, 2, order, &error), GRU_OK);
        ck_assert_mem_eq(order, at, sizeof at);
    }
}

TEST(where_only_the_read_out_does_not_fit_the_order_is_known)
{
    static const size_t widths[N_MODULES + 1] = { 3, 9, 4, 8, 7, 5, 2 };
    static const size_t at[N_MODULES] = { 5, 2, 0, 3, 4, 1 };
    struct modules modules = chain(widths, at);
    struct metadata metadata = { .n_order = 0 };
    size_t order[GRU_LAYERS_MAX];
    ck_assert_int_eq(gru_chain_modules(&modules, &metadata, 99, order, NULL), GRU_OK);
    ck_assert_mem_eq(order, at, sizeof at);
}
