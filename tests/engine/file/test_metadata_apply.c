/* What the description says, joined with the sizes of the tensors: names, scalings, what feeds
 * what.
 */
#include "engine/file/described.h"
#include "test.h"

#include <string.h>

TEST(steps_must_divide_the_rows_of_the_read_out)
{
    described_bad("{\"steps\":3}", "grud.steps", "2 rows, which 3 steps do not divide");
    described_bad("{\"steps\":4}", "grud.steps", "2 rows, which 4 steps do not divide");
    struct gru_model *model = described_good("{\"steps\":2}");
    ck_assert_uint_eq(gru_model_info(model)->n_outputs, 1);
    ck_assert_uint_eq(gru_model_info(model)->steps, 2);
    ck_assert_uint_eq(gru_model_info(model)->y_floats, 2);
    gru_model_unref(model);
}

TEST(numbers_of_inputs_and_outputs_must_match_the_tensors)
{
    described_bad("{\"inputs\":[{}]}", "grud.inputs", "describes 1 inputs, but the tensors have 2");
    described_bad("{\"outputs\":[{},{},{}]}", "grud.outputs",
                  "describes 3 outputs, but the tensors have 2");
    described_bad("{\"steps\":2,\"outputs\":[{},{}]}", "grud.outputs",
                  "describes 2 outputs, but the tensors have 1");
    described_bad("{\"inputs\":[]}", "grud.inputs", "must not be empty");
    described_bad("{\"outputs\":[]}", "grud.outputs", "must not be empty");
}

TEST(names_must_be_unique)
{
    described_bad("{\"inputs\":[{\"name\":\"a\"},{\"name\":\"a\"}]}", "grud.inputs[1].name",
                  "named 'a' too");
    described_bad("{\"outputs\":[{\"name\":\"a\"},{\"name\":\"\\u0061\"}]}", "grud.outputs[1].name",
                  "named 'a' too");
    described_bad("{\"inputs\":[{\"name\":\"x1\"},{}]}", "grud.inputs[1].name", "named 'x1' too");
}

TEST(transforms_are_of_inputs_that_are_forecast)
{
    described_bad("{\"inputs\":[{\"transform\":\"difference\"},{}]}", "grud.inputs[0].transform",
                  "the input 'x0', which no output feeds");
    described_bad("{\"outputs\":[{\"transform\":\"difference\"},{}]}", "grud.outputs[0].transform",
                  "unknown key");
}

TEST(seasonal_difference_may_be_of_the_models_season)
{
#define SEASONAL(rest)                                                                             \
    "{\"inputs\":[{},{\"transform\":\"seasonal_difference\"}],\"outputs\":[{\"name\":\"x1\"},{}"   \
    "]" rest "}"
    described_bad(SEASONAL(""), "grud.inputs[1].transform",
                  "names no season, and the model's is unknown");
    described_bad(SEASONAL(",\"season\":10001"), "grud.inputs[1].transform", "longer");
    struct gru_model *model = described_good(SEASONAL(",\"season\":12"));
    ck_assert_uint_eq(gru_model_info(model)->inputs[1].transform.season, 12);
    described_again(model);
    gru_model_unref(model);
#undef SEASONAL
}

TEST(nameless_variables_get_numbered_names)
{
    struct gru_model *model = described_good("{\"inputs\":[{},{\"name\":\"b\"}]}");
    const struct gru_info *info = gru_model_info(model);
    ck_assert(strcmp(info->inputs[0].name, "x0") == 0 && strcmp(info->inputs[1].name, "b") == 0);
    ck_assert(strcmp(info->outputs[0].name, "y0") == 0 && strcmp(info->outputs[1].name, "y1") == 0);
    ck_assert(info->inputs[0].mean == 0 && info->inputs[0].std == 1);
    ck_assert(info->outputs[1].feeds == -1 && info->n_feeds == 0);
    gru_model_unref(model);
}

static void expect_scaling(const char *grud, double mean, double std)
{
    struct gru_model *model = described_good(grud);
    const struct gru_variable *output = &gru_model_info(model)->outputs[0];
    ck_assert_msg(output->mean == mean && output->std == std, "%s: %g, %g", grud, output->mean,
                  output->std);
    described_again(model);
    gru_model_unref(model);
}

#define INPUTS "\"inputs\":[{\"name\":\"a\"},{\"name\":\"t\",\"mean\":20,\"std\":5}]"

TEST(output_with_an_inputs_name_feeds_it_and_takes_its_scaling)
{
    struct gru_model *model =
        described_good("{" INPUTS ",\"outputs\":[{\"name\":\"t\"},{\"name\":\"u\"}]}");
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
    described_written("{\"outputs\":[{\"name\":\"x0\",\"feeds\":null},{}]}",
                      "{\"outputs\":[{\"name\":\"x0\",\"feeds\":null},{\"name\":\"y1\"}]}");
    expect_scaling("{" INPUTS ",\"outputs\":[{\"name\":\"t\",\"feeds\":null},{}]}", 0, 1);
}

TEST(feeds_must_name_an_input)
{
    described_bad("{\"outputs\":[{},{\"feeds\":\"z\"}]}", "grud.outputs[1].feeds",
                  "names 'z', which is no input");
    described_bad("{\"outputs\":[{},{\"feeds\":\"y0\"}]}", "grud.outputs[1].feeds", "is no input");
    described_bad("{\"outputs\":[{},{\"feeds\":\"\"}]}", "grud.outputs[1].feeds",
                  "must not be empty");
}

TEST(two_outputs_must_not_feed_one_input)
{
    described_bad("{\"outputs\":[{\"feeds\":\"x1\"},{\"feeds\":\"x1\"}]}", "grud.outputs[1].feeds",
                  "'y0' and 'y1' both feed the input 'x1'");
    described_bad("{\"outputs\":[{\"name\":\"x1\"},{\"feeds\":\"x1\"}]}", "grud.outputs[1].feeds",
                  "both feed");
}

/* ---- selftest ---- */

TEST(selftest_needs_rows_of_the_right_shape)
{
    described_bad("{\"selftest\":{}}", "grud.selftest", "as many rows of y as of x");
    described_bad("{\"selftest\":{\"x\":[[1,2]]}}", "grud.selftest", "as many rows");
    described_bad("{\"selftest\":{\"x\":[],\"y\":[]}}", "grud.selftest", "at least one");
    described_bad("{\"selftest\":{\"x\":[[1,2],[3,4]],\"y\":[[1,2]]}}", "grud.selftest", "1 and 2");
    described_bad("{\"selftest\":{\"x\":[[1,2],[3]],\"y\":[[1,2],[1,2]]}}", "grud.selftest.x[1]",
                  "has 1 numbers, but the rows before it 2");
    described_bad("{\"selftest\":{\"x\":[[1]],\"y\":[[1,2]]}}", "grud.selftest.x",
                  "rows of 1 numbers, but 2");
    described_bad("{\"selftest\":{\"x\":[[1,2]],\"y\":[[1,2,3]]}}", "grud.selftest.y",
                  "rows of 3 numbers, but 2");
    described_bad("{\"selftest\":{\"x\":[[]],\"y\":[[]]}}", "grud.selftest.x",
                  "rows of 0 numbers, but 2");
    described_bad("{\"selftest\":{\"x\":[[1,2]],\"y\":[[1,null]]}}", "grud.selftest.y",
                  "row 0 has null at 1");
}
