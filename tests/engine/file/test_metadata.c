/* The description in __metadata__["grud"]: every key, every default, every check, and the way back.
 */
#include "engine/file/metadata.h"
#include "engine/fixture.h"
#include "engine/model.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* fixture_small (2 inputs, 2 outputs) with this description. */
static struct file described(const char *grud)
{
    struct fixture f = fixture_small();
    f.grud = grud;
    return fixture_file(&f);
}

static void bad(const char *grud, const char *param, const char *part)
{
    expect_refused(described(grud), GRU_BAD_METADATA, param, part);
}

static struct gru_model *good(const char *grud)
{
    return expect_loaded(described(grud));
}

/* The description that a model is saved with; "" if none. The caller frees it. */
static char *written(const struct gru_model *model)
{
    struct file_text text = { 0 };
    gru_metadata_write(model, &text);
    gru_text_put(&text, "", 1);
    ck_assert(!text.failed);
    return text.p;
}

/* That a description is kept as `canonical`, and that this comes back as the same model. */
static void expect_written(const char *grud, const char *canonical)
{
    struct gru_model *model = good(grud);
    char *text = written(model);
    ck_assert_str_eq(text, canonical);
    struct gru_model *again = good(text);
    expect_same(model, again);
    gru_model_unref(again);
    gru_model_unref(model);
    free(text);
}

/* ---- the text ---- */

TEST(metadata_must_be_one_strict_json_object)
{
    bad("", "grud", "cannot be read");
    bad("[]", "grud", "'grud' must be an object, not an array");
    bad("{", "grud", "cannot be read");
    bad("{}x", "grud", "cannot be read");
    bad("{\"steps\":1,}", "grud", "cannot be read");
    bad("{\"steps\":NaN}", "grud", "cannot be read");
    bad("{\"steps\":01}", "grud", "cannot be read");
}

TEST(unknown_keys_are_refused_by_name)
{
    bad("{\"stepz\":1}", "grud.stepz", "unknown key 'grud.stepz'");
    bad("{\"inputs\":[{\"name\":\"a\"},{\"nam\":\"b\"}]}", "grud.inputs[1].nam", "unknown key");
    bad("{\"inputs\":[{\"feeds\":\"a\"}]}", "grud.inputs[0].feeds", "unknown key");
    bad("{\"selftest\":{\"z\":[]}}", "grud.selftest.z", "unknown key");
}

TEST(duplicate_keys_are_refused_by_name)
{
    bad("{\"steps\":1,\"steps\":1}", "grud.steps", "twice");
    bad("{\"steps\":1,\"\\u0073teps\":1}", "grud.steps", "twice");
    bad("{\"outputs\":[{\"std\":1,\"mean\":0,\"std\":1}]}", "grud.outputs[0].std", "twice");
    bad("{\"selftest\":{\"x\":[],\"x\":[]}}", "grud.selftest.x", "twice");
}

TEST(values_of_the_wrong_type_are_refused_by_name)
{
    bad("{\"cell\":1}", "grud.cell", "must be a string, not a number");
    bad("{\"reset\":null}", "grud.reset", "must be a string, not null");
    bad("{\"order\":\"gru\"}", "grud.order", "must be an array, not a string");
    bad("{\"order\":[1]}", "grud.order[0]", "must be a string, not a number");
    bad("{\"inputs\":{}}", "grud.inputs", "must be an array, not an object");
    bad("{\"inputs\":[1]}", "grud.inputs[0]", "must be an object, not a number");
    bad("{\"inputs\":[{\"name\":1}]}", "grud.inputs[0].name", "must be a string");
    bad("{\"inputs\":[{\"unit\":1}]}", "grud.inputs[0].unit", "must be a string");
    bad("{\"inputs\":[{\"mean\":\"1\"}]}", "grud.inputs[0].mean", "must be a number");
    bad("{\"outputs\":[{\"std\":true}]}", "grud.outputs[0].std", "must be a number, not a boolean");
    bad("{\"outputs\":[{\"feeds\":0}]}", "grud.outputs[0].feeds", "must be a string, not a number");
    bad("{\"residual\":1}", "grud.residual", "must be a boolean, not a number");
    bad("{\"steps\":\"1\"}", "grud.steps", "must be a number, not a string");
    bad("{\"interval_seconds\":\"1\"}", "grud.interval_seconds", "must be a number");
    bad("{\"selftest\":[]}", "grud.selftest", "must be an object");
    bad("{\"selftest\":{\"x\":1}}", "grud.selftest.x", "must be an array");
    bad("{\"selftest\":{\"x\":[1]}}", "grud.selftest.x[0]", "must be an array");
    bad("{\"selftest\":{\"x\":[[\"1\"]]}}", "grud", "cannot be read");
}

/* ---- words ---- */

TEST(unknown_words_are_refused_with_the_known_ones)
{
    bad("{\"cell\":\"lstm\"}", "grud.cell",
        "must be one of gru, gru_output_gate, gru_three_gate, not 'lstm'");
    bad("{\"reset\":\"never\"}", "grud.reset", "must be one of after, before, not 'never'");
    bad("{\"gate_order\":\"nzr\"}", "grud.gate_order", "must be one of rzn, zrn, zrh, not 'nzr'");
    bad("{\"update\":\"\"}", "grud.update", "must be one of keep, take, not ''");
    bad("{\"activation\":\"relu\"}", "grud.activation",
        "must be one of linear, sigmoid, tanh, softmax");
    bad("{\"missing\":\"zero\"}", "grud.missing", "must be one of error, last, mean, forecast");
}

TEST(every_word_is_taken)
{
    expect_written("{\"cell\":\"gru\"}", "{}");
    expect_written("{\"reset\":\"after\",\"gate_order\":\"rzn\",\"update\":\"keep\"}", "{}");
    expect_written("{\"reset\":\"before\"}", "{\"reset\":\"before\"}");
    expect_written(
        "{\"activation\":\"linear\",\"missing\":\"last\",\"residual\":false,\"steps\":1}", "{}");
    expect_written("{\"activation\":\"sigmoid\"}", "{\"activation\":\"sigmoid\"}");
    expect_written("{\"activation\":\"tanh\"}", "{\"activation\":\"tanh\"}");
    expect_written("{\"activation\":\"softmax\"}", "{\"activation\":\"softmax\"}");
    expect_written("{\"missing\":\"error\"}", "{\"missing\":\"error\"}");
    expect_written("{\"missing\":\"mean\"}", "{\"missing\":\"mean\"}");
    expect_written("{\"missing\":\"forecast\"}", "{\"missing\":\"forecast\"}");
    expect_written("{\"order\":[\"gru\"]}", "{}");
    expect_written("{\"residual\":true}", "{\"residual\":true}");
    expect_written("{\"steps\":2}", "{\"steps\":2}");
    expect_written("{\"interval_seconds\":0.1}", "{\"interval_seconds\":0.1}");
}

TEST(three_gate_cell_has_no_reset_gate_order_or_update)
{
    bad("{\"cell\":\"gru_three_gate\",\"reset\":\"after\"}", "grud.reset", "does not apply");
    bad("{\"gate_order\":\"rzn\",\"cell\":\"gru_three_gate\"}", "grud.gate_order",
        "does not apply");
    bad("{\"cell\":\"gru_three_gate\",\"update\":\"keep\"}", "grud.update", "does not apply");
}

/* ---- numbers ---- */

TEST(steps_must_be_a_whole_number_in_range)
{
    bad("{\"steps\":0}", "grud.steps", "whole number from 1 to 65536");
    bad("{\"steps\":-1}", "grud.steps", "whole number");
    bad("{\"steps\":1.5}", "grud.steps", "whole number");
    bad("{\"steps\":65537}", "grud.steps", "whole number");
}

TEST(steps_must_divide_the_rows_of_the_read_out)
{
    bad("{\"steps\":3}", "grud.steps", "2 rows, which 3 steps do not divide");
    bad("{\"steps\":4}", "grud.steps", "2 rows, which 4 steps do not divide");
    struct gru_model *model = good("{\"steps\":2}");
    ck_assert_uint_eq(gru_model_info(model)->n_outputs, 1);
    ck_assert_uint_eq(gru_model_info(model)->steps, 2);
    ck_assert_uint_eq(gru_model_info(model)->y_floats, 2);
    gru_model_unref(model);
}

TEST(interval_must_be_above_zero)
{
    bad("{\"interval_seconds\":0}", "grud.interval_seconds", "above 0");
    bad("{\"interval_seconds\":-60}", "grud.interval_seconds", "above 0");
    bad("{\"interval_seconds\":1e999}", "grud", "cannot be read");
}

TEST(std_must_be_above_zero_and_finite)
{
    bad("{\"inputs\":[{},{\"std\":0}]}", "grud.inputs[1].std", "above 0, not 0");
    bad("{\"outputs\":[{\"std\":-1},{}]}", "grud.outputs[0].std", "above 0, not -1");
    bad("{\"inputs\":[{},{\"std\":1e999}]}", "grud", "cannot be read");
    bad("{\"inputs\":[{},{\"mean\":-1e999}]}", "grud", "cannot be read");
}

/* ---- inputs and outputs ---- */

TEST(numbers_of_inputs_and_outputs_must_match_the_tensors)
{
    bad("{\"inputs\":[{}]}", "grud.inputs", "describes 1 inputs, but the tensors have 2");
    bad("{\"outputs\":[{},{},{}]}", "grud.outputs", "describes 3 outputs, but the tensors have 2");
    bad("{\"steps\":2,\"outputs\":[{},{}]}", "grud.outputs",
        "describes 2 outputs, but the tensors have 1");
    bad("{\"inputs\":[]}", "grud.inputs", "must not be empty");
    bad("{\"outputs\":[]}", "grud.outputs", "must not be empty");
}

TEST(too_many_inputs_are_refused_before_memory_is_spent_on_them)
{
    enum { N = 65537 };
    char *grud = malloc((size_t)N * 3 + 100);
    ck_assert_ptr_nonnull(grud);
    char *p = grud + sprintf(grud, "{\"inputs\":[");
    for (int k = 0; k < N; k++) {
        p += sprintf(p, k > 0 ? ",{}" : "{}");
    }
    sprintf(p, "]}");
    bad(grud, "grud.inputs", "more than 65536 elements");
    free(grud);
}

TEST(names_must_be_unique)
{
    bad("{\"inputs\":[{\"name\":\"a\"},{\"name\":\"a\"}]}", "grud.inputs[1].name", "named 'a' too");
    bad("{\"outputs\":[{\"name\":\"a\"},{\"name\":\"\\u0061\"}]}", "grud.outputs[1].name",
        "named 'a' too");
    bad("{\"inputs\":[{\"name\":\"x1\"},{}]}", "grud.inputs[1].name", "named 'x1' too");
}

TEST(names_and_units_have_limits)
{
    char grud[200];
    char name[66];
    memset(name, 'n', 64);
    name[64] = '\0';
    snprintf(grud, sizeof grud, "{\"inputs\":[{\"name\":\"%s\"},{}]}", name);
    bad(grud, "grud.inputs[0].name", "at most 63 bytes");
    snprintf(grud, sizeof grud, "{\"inputs\":[{\"name\":\"%s\"},{}]}", name + 1);
    gru_model_unref(good(grud));
    bad("{\"inputs\":[{\"name\":\"\"},{}]}", "grud.inputs[0].name", "must not be empty");
    bad("{\"inputs\":[{\"name\":\"a\\u0000\"},{}]}", "grud.inputs[0].name", "no NUL");
    bad("{\"inputs\":[{},{\"unit\":\"12345678901234567890123456789012\"}]}", "grud.inputs[1].unit",
        "at most 31 bytes");
    gru_model_unref(good("{\"inputs\":[{},{\"unit\":\"1234567890123456789012345678901\"}]}"));
    gru_model_unref(good("{\"inputs\":[{},{\"unit\":\"\"}]}"));
}

TEST(nameless_variables_get_numbered_names)
{
    struct gru_model *model = good("{\"inputs\":[{},{\"name\":\"b\"}]}");
    const struct gru_info *info = gru_model_info(model);
    ck_assert(strcmp(info->inputs[0].name, "x0") == 0 && strcmp(info->inputs[1].name, "b") == 0);
    ck_assert(strcmp(info->outputs[0].name, "y0") == 0 && strcmp(info->outputs[1].name, "y1") == 0);
    ck_assert(info->inputs[0].mean == 0 && info->inputs[0].std == 1);
    ck_assert(info->outputs[1].feeds == -1 && info->n_feeds == 0);
    gru_model_unref(model);
}

static void expect_scaling(const char *grud, double mean, double std)
{
    struct gru_model *model = good(grud);
    const struct gru_variable *output = &gru_model_info(model)->outputs[0];
    ck_assert_msg(output->mean == mean && output->std == std, "%s: %g, %g", grud, output->mean,
                  output->std);
    char *text = written(model);
    struct gru_model *again = good(text);
    expect_same(model, again);
    gru_model_unref(again);
    gru_model_unref(model);
    free(text);
}

#define INPUTS "\"inputs\":[{\"name\":\"a\"},{\"name\":\"t\",\"mean\":20,\"std\":5}]"

TEST(output_with_an_inputs_name_feeds_it_and_takes_its_scaling)
{
    struct gru_model *model = good("{" INPUTS ",\"outputs\":[{\"name\":\"t\"},{\"name\":\"u\"}]}");
    const struct gru_info *info = gru_model_info(model);
    ck_assert_int_eq(info->outputs[0].feeds, 1);
    ck_assert_int_eq(info->outputs[1].feeds, -1);
    ck_assert_int_eq(info->inputs[1].feeds, 0);
    ck_assert_uint_eq(info->n_future, 1);
    gru_model_unref(model);
    expect_scaling("{" INPUTS ",\"outputs\":[{\"name\":\"t\"},{}]}", 20, 5);
}

TEST(output_with_a_scaling_of_its_own_keeps_it)
{
    expect_scaling("{" INPUTS ",\"outputs\":[{\"name\":\"t\",\"mean\":0,\"std\":1},{}]}", 0, 1);
    expect_scaling("{" INPUTS ",\"outputs\":[{\"name\":\"t\",\"mean\":3},{}]}", 3, 1);
    expect_scaling("{" INPUTS ",\"outputs\":[{\"name\":\"t\",\"std\":2},{}]}", 0, 2);
    expect_scaling("{" INPUTS ",\"outputs\":[{\"name\":\"u\",\"std\":2},{}]}", 0, 2);
    expect_scaling("{" INPUTS
                   ",\"residual\":true,\"outputs\":[{\"name\":\"t\",\"mean\":20,\"std\":5},{}]}",
                   20, 5);
}

TEST(output_that_feeds_an_input_of_another_name_has_no_scaling_to_take)
{
    expect_scaling("{" INPUTS ",\"outputs\":[{\"name\":\"u\",\"feeds\":\"t\"},{}]}", 0, 1);
}

TEST(residual_output_takes_the_std_but_not_the_mean)
{
    expect_scaling("{" INPUTS ",\"residual\":true,\"outputs\":[{\"name\":\"t\"},{}]}", 0, 5);
    expect_scaling("{" INPUTS ",\"residual\":true,\"outputs\":[{\"feeds\":\"t\"},{}]}", 0, 5);
    expect_scaling("{" INPUTS ",\"residual\":true,\"outputs\":[{\"name\":\"u\"},{}]}", 0, 1);
}

TEST(feeds_null_says_that_an_output_feeds_nothing)
{
    expect_written("{\"outputs\":[{\"name\":\"x0\",\"feeds\":null},{}]}",
                   "{\"outputs\":[{\"name\":\"x0\",\"feeds\":null},{\"name\":\"y1\"}]}");
    expect_scaling("{" INPUTS ",\"outputs\":[{\"name\":\"t\",\"feeds\":null},{}]}", 0, 1);
}

TEST(feeds_must_name_an_input)
{
    bad("{\"outputs\":[{},{\"feeds\":\"z\"}]}", "grud.outputs[1].feeds",
        "names 'z', which is no input");
    bad("{\"outputs\":[{},{\"feeds\":\"y0\"}]}", "grud.outputs[1].feeds", "is no input");
    bad("{\"outputs\":[{},{\"feeds\":\"\"}]}", "grud.outputs[1].feeds", "must not be empty");
}

TEST(two_outputs_must_not_feed_one_input)
{
    bad("{\"outputs\":[{\"feeds\":\"x1\"},{\"feeds\":\"x1\"}]}", "grud.outputs[1].feeds",
        "'y0' and 'y1' both feed the input 'x1'");
    bad("{\"outputs\":[{\"name\":\"x1\"},{\"feeds\":\"x1\"}]}", "grud.outputs[1].feeds",
        "both feed");
}

TEST(outputs_may_feed_across)
{
    expect_written(
        "{\"outputs\":[{\"name\":\"x0\",\"feeds\":\"x1\"},{\"name\":\"x1\",\"feeds\":\"x0\"}]}",
        "{\"outputs\":[{\"name\":\"x0\",\"feeds\":\"x1\"},{\"name\":\"x1\",\"feeds\":\"x0\"}]}");
}

/* ---- order ---- */

TEST(order_must_not_be_empty_or_endless)
{
    bad("{\"order\":[]}", "grud.order", "must not be empty");
    char grud[300];
    char *p = grud + sprintf(grud, "{\"order\":[");
    for (int k = 0; k < 33; k++) {
        p += sprintf(p, k > 0 ? ",\"a\"" : "\"a\"");
    }
    sprintf(p, "]}");
    bad(grud, "grud.order", "more than 32 elements");
    bad("{\"order\":[\"a\\u0000\"]}", "grud.order[0]", "NUL");
}

/* ---- selftest ---- */

TEST(selftest_needs_rows_of_the_right_shape)
{
    bad("{\"selftest\":{}}", "grud.selftest", "as many rows of y as of x");
    bad("{\"selftest\":{\"x\":[[1,2]]}}", "grud.selftest", "as many rows");
    bad("{\"selftest\":{\"x\":[],\"y\":[]}}", "grud.selftest", "at least one");
    bad("{\"selftest\":{\"x\":[[1,2],[3,4]],\"y\":[[1,2]]}}", "grud.selftest", "1 and 2");
    bad("{\"selftest\":{\"x\":[[1,2],[3]],\"y\":[[1,2],[1,2]]}}", "grud.selftest.x[1]",
        "has 1 numbers, but the rows before it 2");
    bad("{\"selftest\":{\"x\":[[1]],\"y\":[[1,2]]}}", "grud.selftest.x",
        "rows of 1 numbers, but 2");
    bad("{\"selftest\":{\"x\":[[1,2]],\"y\":[[1,2,3]]}}", "grud.selftest.y",
        "rows of 3 numbers, but 2");
    bad("{\"selftest\":{\"x\":[[]],\"y\":[[]]}}", "grud.selftest.x", "rows of 0 numbers, but 2");
    bad("{\"selftest\":{\"x\":[[1,2]],\"y\":[[1,null]]}}", "grud.selftest.y",
        "row 0 has null at 1");
}

TEST(selftest_has_a_limit_of_rows)
{
    enum { N = SELFTEST_ROWS_MAX + 1 };
    char *grud = malloc((size_t)N * 6 + 100);
    ck_assert_ptr_nonnull(grud);
    char *p = grud + sprintf(grud, "{\"selftest\":{\"x\":[");
    for (int k = 0; k < N; k++) {
        p += sprintf(p, k > 0 ? ",[1,2]" : "[1,2]");
    }
    sprintf(p, "]}}");
    bad(grud, "grud.selftest.x", "more than 10000 rows");
    free(grud);
}

/* ---- the way back ---- */

TEST(description_is_written_in_one_order_without_defaults)
{
    expect_written(
        "{\"interval_seconds\":0.1,\"missing\":\"mean\",\"steps\":1,\"residual\":true,"
        "\"inputs\":[{\"std\":2.5,\"mean\":-0.0,\"unit\":\"\\u00b0C\",\"name\":\"a\\\"\\\\\\n\"},{}"
        "],"
        "\"outputs\":[{\"feeds\":\"x1\"},{\"mean\":-3}]}",
        "{\"inputs\":[{\"name\":\"a\\\"\\\\\\n\",\"unit\":\"\xc2\xb0"
        "C\",\"mean\":-0,\"std\":2.5},{\"name\":\"x1\"}],"
        "\"outputs\":[{\"name\":\"y0\",\"feeds\":\"x1\"},{\"name\":\"y1\",\"mean\":-3,\"std\":1}],"
        "\"residual\":true,\"missing\":\"mean\",\"interval_seconds\":0.1}");
}

TEST(numbers_come_back_bit_for_bit)
{
    static const char *const numbers[] = {
        "0.30000000000000004",    "5e-324", "2.2250738585072014e-308",
        "1.7976931348623157e308", "1e-7",   "9007199254740993"
    };
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        char grud[300];
        snprintf(grud, sizeof grud,
                 "{\"inputs\":[{\"mean\":-%s,\"std\":%s},{}],\"outputs\":[{},{\"mean\":%s}],"
                 "\"interval_seconds\":%s}",
                 numbers[k], numbers[k], numbers[k], numbers[k]);
        struct gru_model *model = good(grud);
        ck_assert(gru_model_info(model)->inputs[0].mean == -strtod(numbers[k], NULL));
        char *text = written(model);
        struct gru_model *again = good(text);
        expect_same(model, again);
        gru_model_unref(again);
        gru_model_unref(model);
        free(text);
    }
}

/* ---- mutations ---- */

TEST(every_flipped_byte_of_a_description_loads_or_fails_cleanly)
{
    static const char all[] =
        "{\"cell\":\"gru\",\"reset\":\"after\",\"gate_order\":\"zrh\",\"update\":\"take\","
        "\"order\":[\"gru."
        "\"],"
        "\"activation\":\"tanh\",\"inputs\":[{\"name\":\"a\",\"unit\":\"C\",\"mean\":1.5e2,\"std\":"
        "2},{}],"
        "\"outputs\":[{\"name\":\"a\"},{\"feeds\":\"x1\"}],\"residual\":true,\"steps\":1,"
        "\"missing\":"
        "\"error\","
        "\"interval_seconds\":60,\"selftest\":{\"x\":[[1,2],[3,4]],\"y\":[[0,0],[0,0]]}}";
    for (size_t at = 0; at + 1 < sizeof all; at++) {
        for (int mask = 1; mask < 128; mask *= 2) {
            char text[sizeof all];
            memcpy(text, all, sizeof all);
            text[at] = (char)(text[at] ^ mask);
            if (text[at] == '\0') {
                continue;
            }
            struct file file = described(text);
            struct gru_model *model = NULL;
            struct gru_error error = { .message = "" };
            enum gru_status status = gru_model_load(file.bytes, file.n, &model, &error);
            ck_assert(status == GRU_OK ? model != NULL : model == NULL && error.message[0] != '\0');
            gru_model_unref(model);
            free(file.bytes);
        }
    }
}
