/* The list of layers as a text: what it may and may not say (network_entries.h). */
#include "engine/file/described.h"
#include "engine/model.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A list whose other layers are those of fixture_small. */
#define GRU        "{\"type\":\"gru\",\"prefix\":\"gru\"}"
#define FC         "{\"type\":\"dense\",\"prefix\":\"fc\"}"
#define LIST(text) "{\"network\":[" text "]}"

static void bad(const char *list, const char *path, const char *part)
{
    char text[600], param[96];
    snprintf(text, sizeof text, "{\"network\":%s}", list);
    snprintf(param, sizeof param, "grud.network%s", path);
    described_bad(text, param, part);
}

TEST(a_list_says_what_the_names_would)
{
    struct gru_model *named = described_good("{}"), *listed = described_good(LIST(GRU "," FC));
    expect_same(named, listed);
    gru_model_unref(named);
    gru_model_unref(listed);
}

TEST(a_prefix_may_end_in_its_full_stop)
{
    struct gru_model *model = described_good(
        LIST("{\"prefix\":\"gru.\",\"type\":\"gru\"},{\"type\":\"dense\",\"prefix\":\"fc.\"}"));
    ck_assert_uint_eq(model->n_layers, 2);
    gru_model_unref(model);
}

TEST(what_is_no_list_of_objects_is_refused)
{
    bad("{}", "", "must be an array, not an object");
    bad("null", "", "must be an array");
    bad("[]", "", "must not be empty");
    bad("[\"gru\"]", "[0]", "must be an object, not a string");
    bad("[" GRU ",[]]", "[1]", "must be an object, not an array");
}

TEST(unknown_types_keys_and_words_are_refused_by_path)
{
    bad("[{}]", "[0].type", "is missing");
    bad("[{\"type\":\"conv1d\"}]", "[0].type", "must be one of gru, gru_output_gate");
    bad("[{\"type\":\"conv1d\"}]", "[0].type", "activation, heads, not 'conv1d'");
    bad("[{\"type\":7}]", "[0].type", "must be a string");
    bad("[{\"type\":\"gru\",\"type\":\"gru\"}]", "[0].type", "is there twice");
    bad("[{\"type\":\"gru\",\"hidden\":4}]", "[0].hidden", "unknown key");
    bad("[" GRU ",{\"type\":\"dense\",\"activation\":\"swish\"}]", "[1].activation",
        "must be one of linear");
    bad("[" GRU ",{\"type\":\"dense\",\"activation\":\"hard_sigmoid\"}]", "[1].activation",
        "Keras' is (x + 3) / 6");
    bad("[" GRU ",{\"type\":\"heads\",\"heads\":[{\"activation\":\"hard_sigmoid\"}]}]",
        "[1].heads[0].activation", "train with 'sigmoid'");
    bad("[" GRU ",{\"type\":\"heads\",\"heads\":[{\"type\":\"dense\"}]}]", "[1].heads[0].type",
        "unknown key");
    bad("[" GRU ",{\"type\":\"heads\",\"heads\":[{\"prefix\":3}]}]", "[1].heads[0].prefix",
        "must be a string");
}

TEST(keys_of_other_types_are_refused_by_path)
{
    static const struct {
        const char *type, *key, *value;
    } cases[] = {
        { "gru", "eps", "1" },
        { "gru", "activation", "\"relu\"" },
        { "gru", "heads", "[{}]" },
        { "gru", "initial_cell", "\"c0\"" },
        { "gru", "units", "4" },
        { "lstm", "reset", "\"after\"" },
        { "lstm", "update", "\"keep\"" },
        { "gru_three_gate", "gate_order", "\"rzn\"" },
        { "dense", "reset", "\"after\"" },
        { "dense", "initial_state", "\"h0\"" },
        { "dense", "eps", "1" },
        { "layer_norm", "activation", "\"relu\"" },
        { "batch_norm", "gate_order", "\"rzn\"" },
        { "activation", "prefix", "\"a\"" },
        { "heads", "prefix", "\"a\"" },
        { "heads", "activation", "\"relu\"" },
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char list[200], path[64];
        snprintf(list, sizeof list, "[{\"type\":\"%s\",\"%s\":%s}]", cases[k].type, cases[k].key,
                 cases[k].value);
        snprintf(path, sizeof path, "[0].%s", cases[k].key);
        bad(list, path, "does not apply to a layer of type");
    }
    bad("[{\"type\":\"gru\",\"gate_order\":\"iofc\"}]", "[0].gate_order",
        "is 'iofc', which 'gru' does not have");
    bad("[" GRU ",{\"type\":\"activation\"}]", "[1].activation", "is missing");
    bad("[" GRU ",{\"type\":\"heads\"}]", "[1].heads", "is missing");
}

TEST(eps_is_a_number_above_zero)
{
    static const char *const wrong[] = { "0", "-1e-5", "1e-60", "1e60", "null", "\"1e-5\"" };
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        char list[200];
        snprintf(list, sizeof list, "[{\"type\":\"layer_norm\",\"eps\":%s}," GRU "," FC "]",
                 wrong[k]);
        bad(list, "[0].eps", "must be");
    }
    described_bad(LIST("{\"type\":\"layer_norm\",\"eps\":NaN}," GRU "," FC), "grud",
                  "cannot be read");
}

TEST(heads_are_some_and_last)
{
    bad("[" GRU ",{\"type\":\"heads\",\"heads\":[]}]", "[1].heads", "must not be empty");
    bad("[" GRU ",{\"type\":\"heads\",\"heads\":{}}]", "[1].heads", "must be an array");
    bad("[{\"type\":\"heads\",\"heads\":[{\"prefix\":\"fc\"}]}," GRU "]", "[0]",
        "must be the last layer");
    bad("[" GRU ",{\"type\":\"heads\",\"heads\":[{}]},{\"type\":\"heads\",\"heads\":[{}]}]",
        "[2].heads", "once, at its end");
}

TEST(softmax_is_at_the_end)
{
    bad("[{\"type\":\"activation\",\"activation\":\"softmax\"}," GRU "," FC "]", "[0].activation",
        "only the end of a network");
    bad("[" GRU ",{\"type\":\"dense\",\"prefix\":\"fc\",\"activation\":\"softmax\"},"
        "{\"type\":\"activation\",\"activation\":\"relu\"}]",
        "[1].activation", "only the end of a network");
    struct gru_model *model =
        described_good(LIST(GRU "," FC ",{\"type\":\"activation\",\"activation\":\"softmax\"}"));
    ck_assert_int_eq(gru_model_info(model)->activation, GRU_SOFTMAX);
    gru_model_unref(model);
}

TEST(a_network_has_a_recurrent_layer)
{
    bad("[" FC "]", "", "no recurrent layer: one must be of type gru|gru_output_gate");
}

TEST(the_keys_of_one_kind_do_not_stand_beside_a_list)
{
    static const char *const keys[] = { "\"cell\":\"gru\"",       "\"reset\":\"after\"",
                                        "\"gate_order\":\"rzn\"", "\"update\":\"keep\"",
                                        "\"order\":[\"gru\"]",    "\"activation\":\"linear\"" };
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        char text[300], path[64] = "grud.";
        snprintf(text, sizeof text, "{%s,\"network\":[" GRU "," FC "]}", keys[k]);
        strncat(path, keys[k] + 1, strcspn(keys[k] + 1, "\""));
        described_bad(text, path, "a key of its layers");
    }
}

/* As many elements as one likes, all of them alike. */
static char *long_list(size_t n, const char *element)
{
    char *text = malloc(n * (strlen(element) + 1) + 200);
    ck_assert_ptr_nonnull(text);
    char *p = text + sprintf(text, "{\"network\":[" GRU);
    for (size_t k = 0; k < n; k++) {
        p += sprintf(p, ",%s", element);
    }
    sprintf(p, "," FC "]}");
    return text;
}

TEST(ten_thousand_layers_are_refused)
{
    char *text = long_list(10000, "{\"type\":\"activation\",\"activation\":\"relu\"}");
    described_bad(text, "grud.network", "has more than 64 elements");
    free(text);
}

TEST(a_chain_is_no_longer_than_the_limit)
{
    char *text = long_list(62, "{\"type\":\"activation\",\"activation\":\"relu\"}");
    struct gru_model *model = described_good(text);
    ck_assert_uint_eq(model->n_layers, 64);
    struct gru_model *again = expect_loaded(save(model));
    expect_same(model, again);
    gru_model_unref(again);
    gru_model_unref(model);
    free(text);
    text = long_list(60, "{\"type\":\"dense\",\"prefix\":\"fc\",\"activation\":\"relu\"}");
    described_bad(text, "grud.network[2].prefix", "which 'grud.network[1]' has taken already");
    free(text);
}

TEST(names_have_a_limit)
{
    char text[600];
    snprintf(text, sizeof text, "{\"network\":[{\"type\":\"gru\",\"prefix\":\"%0300d\"}]}", 0);
    described_bad(text, "grud.network[0].prefix", "at most 255 bytes");
    described_bad(LIST("{\"type\":\"gru\",\"initial_state\":\"\"}"),
                  "grud.network[0].initial_state", "must not be empty");
}
