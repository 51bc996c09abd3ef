/* How a chain of layers is written (network_write.h). */
#include "engine/file/network_write.h"
#include "engine/fixture.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static void written(struct fixture *f, const char *expected)
{
    struct gru_model *model = fixture_loaded(f);
    struct file_text text = { 0 };
    gru_network_write(model, &text);
    gru_text_put(&text, "", 1);
    ck_assert_str_eq(text.p, expected);
    gru_text_done(&text);
    struct gru_model *again = expect_loaded(save(model));
    expect_same(model, again);
    gru_model_unref(again);
    gru_model_unref(model);
}

TEST(each_layer_is_an_element_under_its_place)
{
    struct fixture f = fixture_small();
    fixture_tensor(&f, "h", 4, 0);
    fixture_tensor(&f, "norm.weight", 2, 0);
    fixture_tensor(&f, "b.weight", 1, 2);
    fixture_tensor(&f, "c.weight", 3, 2);
    f.grud = "{\"network\":[{\"type\":\"gru\",\"prefix\":\"gru\",\"reset\":\"before\","
             "\"gate_order\":\"zrn\",\"update\":\"take\",\"initial_state\":\"h\"},"
             "{\"type\":\"dense\",\"prefix\":\"fc\",\"activation\":\"relu\"},"
             "{\"type\":\"layer_norm\",\"prefix\":\"norm\",\"eps\":0.001},"
             "{\"type\":\"activation\",\"activation\":\"linear\"},"
             "{\"type\":\"activation\",\"activation\":\"gelu\"},"
             "{\"type\":\"heads\",\"heads\":[{\"prefix\":\"b\"},"
             "{\"prefix\":\"c\",\"activation\":\"softmax\"}]}]}";
    written(&f, "[{\"type\":\"gru\",\"prefix\":\"layers.0\",\"reset\":\"before\","
                "\"initial_state\":\"layers.0.initial_state\"},"
                "{\"type\":\"dense\",\"prefix\":\"layers.1\",\"activation\":\"relu\"},"
                "{\"type\":\"layer_norm\",\"prefix\":\"layers.2\",\"eps\":0.001},"
                "{\"type\":\"activation\",\"activation\":\"gelu\"},"
                "{\"type\":\"heads\",\"heads\":[{\"prefix\":\"layers.4.0\"},"
                "{\"prefix\":\"layers.4.1\",\"activation\":\"softmax\"}]}]");
}

TEST(what_is_done_to_the_outputs_is_the_last_element)
{
    struct fixture f = fixture_small();
    f.grud = "{\"network\":[{\"type\":\"gru\",\"prefix\":\"gru\"},"
             "{\"type\":\"dense\",\"prefix\":\"fc\",\"activation\":\"relu\"},"
             "{\"type\":\"activation\",\"activation\":\"tanh\"}]}";
    written(&f, "[{\"type\":\"gru\",\"prefix\":\"layers.0\"},"
                "{\"type\":\"dense\",\"prefix\":\"layers.1\",\"activation\":\"relu\"},"
                "{\"type\":\"activation\",\"activation\":\"tanh\"}]");
}

TEST(one_kind_and_a_read_out_need_no_list)
{
    static const struct {
        const char *grud;
        bool is_plain;
    } cases[] = {
        { "{\"network\":[{\"type\":\"gru\",\"prefix\":\"gru\",\"reset\":\"before\"},"
          "{\"type\":\"dense\",\"prefix\":\"fc\",\"activation\":\"softmax\"}]}",
          true },
        { "{\"network\":[{\"type\":\"dense\",\"prefix\":\"fc\"},"
          "{\"type\":\"gru\",\"prefix\":\"gru\"}]}",
          false },
    };
    for (size_t k = 0; k < 2; k++) {
        struct fixture f = fixture_new();
        fixture_layer(&f, "gru.", 0, 3, 2, 4);
        fixture_tensor(&f, "fc.weight", 2, 4);
        f.grud = cases[k].grud;
        struct gru_model *model = fixture_loaded(&f);
        ck_assert(gru_network_is_plain(model) == cases[k].is_plain);
        struct file file = save(model);
        ck_assert((memmem(file.bytes, file.n, "network", 7) == NULL) == cases[k].is_plain);
        free(file.bytes);
        gru_model_unref(model);
    }
}
