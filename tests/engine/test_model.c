/* The life of a model, and what follows from its description. */
#include "engine/fixture.h"
#include "engine/model.h"
#include "test.h"

#include <stdlib.h>

static struct gru_model *model_of(const char *grud, size_t n_gates)
{
    struct fixture f = fixture_new();
    fixture_layer(&f, "gru.", 0, n_gates, 3, 4);
    fixture_layer(&f, "gru.", 1, n_gates, 4, 5);
    fixture_tensor(&f, "fc.weight", 2, 5);
    f.grud = grud;
    return expect_loaded(fixture_file(&f));
}

TEST(a_model_lives_as_long_as_anyone_refers_to_it)
{
    struct gru_model *model = model_of(NULL, 3);
    ck_assert_ptr_eq(gru_model_ref(model), model);
    gru_model_unref(model);
    ck_assert_uint_eq(gru_model_info(model)->n_inputs, 3);
    struct gru_model *again = expect_loaded(save(model));
    expect_same(model, again);
    gru_model_unref(again);
    gru_model_unref(model);
    gru_model_unref(NULL);
}

TEST(a_model_may_be_given_up_at_any_stage)
{
    for (int stage = 0; stage < 4; stage++) {
        struct gru_model *model;
        ck_assert_int_eq(gru_model_alloc(&model), GRU_OK);
        if (stage > 0) {
            ck_assert_int_eq(gru_model_alloc_layers(model, 2), GRU_OK);
        }
        for (int l = 0; l < stage - 1; l++) {
            struct layer_shape *shape = &model->layers[l].shape;
            shape->kind = gru_layer_kind_row(GRU_LAYER_GRU);
            shape->n_inputs = 3;
            shape->n_units = 4;
            ck_assert_int_eq(gru_model_alloc_tensor(&model->layers[l], 0), GRU_OK);
        }
        gru_model_unref(model);
    }
}

TEST(a_tensor_that_no_size_holds_is_refused)
{
    struct gru_layer layer = { .shape = { .kind = gru_layer_kind_row(GRU_LAYER_GRU),
                                          .n_inputs = SIZE_MAX / 4,
                                          .n_units = 4 } };
    ck_assert_int_eq(gru_model_alloc_tensor(&layer, 0), GRU_NO_MEMORY);
    ck_assert_ptr_null(layer.tensors[0].values);
}

TEST(counts_follow_from_the_layers)
{
    static const struct {
        const char *grud;
        size_t n_gates, n_states; /* states of a layer, in units */
    } cases[] = { { NULL, 3, 1 },
                  { "{\"cell\":\"gru_output_gate\"}", 4, 1 },
                  { "{\"cell\":\"gru_three_gate\"}", 4, 2 },
                  { "{\"cell\":\"lstm\"}", 4, 2 },
                  { NULL, 4, 2 } };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct gru_model *model = model_of(cases[k].grud, cases[k].n_gates);
        const struct gru_info *info = gru_model_info(model);
        size_t g = cases[k].n_gates;
        ck_assert_uint_eq(info->n_layers, 2);
        ck_assert(info->layers[1].input_size == 4 && info->layers[1].hidden_size == 5);
        ck_assert_uint_eq(info->y_floats, 2);
        ck_assert_uint_eq(info->state_floats, 3 + 2 + cases[k].n_states * (4 + 5));
        ck_assert_uint_eq(info->n_parameters,
                          g * 4 * (3 + 4 + 2) + g * 5 * (4 + 5 + 2) + (size_t)2 * 5);
        ck_assert_uint_eq(model->n_stepwise, 2);
        gru_model_unref(model);
    }
}

TEST(inputs_know_which_output_feeds_them)
{
    struct gru_model *model =
        model_of("{\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"}],"
                 "\"outputs\":[{\"name\":\"q\"},{\"name\":\"b\"}]}",
                 3);
    const struct gru_info *info = gru_model_info(model);
    ck_assert(info->inputs[0].feeds == -1 && info->inputs[1].feeds == 1);
    ck_assert_int_eq(info->inputs[2].feeds, -1);
    ck_assert(info->n_feeds == 1 && info->n_future == 2);
    gru_model_unref(model);
}
