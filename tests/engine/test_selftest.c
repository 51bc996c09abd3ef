/* A model proves itself: the answers that came with it, and how far it may be from them. */
#include "test.h"
#include "engine/fixture.h"
#include "engine/model.h"

#include <math.h>
#include <string.h>

/* A model whose weights are all zero: y is fc.bias, [3, 0.5], whatever the input. */
static struct fixture constant(const char *grud)
{
    static const char *const names[] = { "gru.weight_ih_l0", "gru.weight_hh_l0", "gru.bias_ih_l0",
                                         "gru.bias_hh_l0", "fc.weight" };
    static const size_t n[] = { 24, 48, 12, 12, 8 };
    struct fixture f = fixture_small();
    for (int k = 0; k < 5; k++) {
        memset(fixture_values(&f, names[k]), 0, n[k] * sizeof(float));
    }
    fixture_values(&f, "fc.bias")[0] = 3;
    fixture_values(&f, "fc.bias")[1] = 0.5F;
    f.grud = grud;
    return f;
}

TEST(selftest_that_is_met_is_kept_and_saved)
{
    struct fixture f =
        constant("{\"selftest\":{\"x\":[[1,null],[1e30,-2.5]],\"y\":[[3,0.5],[3.0002,0.49991]]}}");
    struct gru_model *model = expect_loaded(fixture_file(&f));
    ck_assert_uint_eq(model->selftest.n_rows, 2);
    ck_assert(isnan(model->selftest.x[1]));
    ck_assert(model->selftest.x[2] == 1e30F);
    struct gru_model *again = expect_loaded(save(model));
    ck_assert_uint_eq(again->selftest.n_rows, 2);
    expect_same(model, again);
    gru_model_unref(again);
    gru_model_unref(model);
}

static void bad_selftest(const char *grud, const char *part)
{
    struct fixture f = constant(grud);
    expect_refused(fixture_file(&f), GRU_SELFTEST_FAILED, "grud.selftest", part);
}

TEST(selftest_that_is_missed_is_refused_with_both_numbers)
{
    bad_selftest(
        "{\"selftest\":{\"x\":[[1,2],[3,4]],\"y\":[[3,0.5],[3,0.51]]}}",
        "expects 0.50999999 in row 1 for the output 'y1' (column 1), but the model gives 0.5");
}

TEST(selftest_tolerance_is_relative_and_absolute_near_zero)
{
    bad_selftest("{\"selftest\":{\"x\":[[1,2]],\"y\":[[3.0004,0.5]]}}", "gives 3");
    bad_selftest("{\"selftest\":{\"x\":[[1,2]],\"y\":[[3,0.4998]]}}", "gives 0.5");
    bad_selftest("{\"selftest\":{\"x\":[[1,2]],\"y\":[[-3,0.5]]}}", "gives 3");
}

TEST(selftest_of_a_steps_model_has_all_steps_in_a_row)
{
    bad_selftest("{\"steps\":2,\"selftest\":{\"x\":[[1,2]],\"y\":[[3,1]]}}",
                 "for the output 'y0' (column 1), but the model gives 0.5");
    struct fixture f = constant("{\"steps\":2,\"selftest\":{\"x\":[[1,2]],\"y\":[[3,0.5]]}}");
    gru_model_unref(expect_loaded(fixture_file(&f)));
}

TEST(selftest_that_cannot_be_run_is_refused)
{
    bad_selftest(
        "{\"missing\":\"error\",\"selftest\":{\"x\":[[1,2],[1,null]],\"y\":[[3,0.5],[3,0.5]]}}",
        "at row 1, column 1, an input is missing");
    bad_selftest("{\"outputs\":[{\"std\":1e300},{}],\"selftest\":{\"x\":[[1,2]],\"y\":[[3,0.5]]}}",
                 "not a finite number");
}
