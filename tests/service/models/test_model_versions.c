/* One model while its versions come and go. */
#include "service/models/model_versions.h"
#include "service/service_support.h"
#include "test.h"

#include <stdlib.h>

static struct version make(unsigned number, struct bytes bytes)
{
    const struct file_version file = { .number = number, .path = "nowhere" };
    struct version version;
    struct fault fault;
    ck_assert_int_eq(version_make(&file, bytes.p, bytes.n, &version, &fault), STATUS_OK);
    free(bytes.p);
    return version;
}

static struct model *make_model(const unsigned *numbers, size_t n)
{
    struct model *model = model_create("m");
    for (size_t k = 0; k < n; k++) {
        ck_assert(model_insert_version(model, make(numbers[k], network_file(HIDDEN, numbers[k]))));
    }
    return model;
}

TEST(versions_stand_in_the_order_of_their_numbers)
{
    struct model *model = make_model((const unsigned[]){ 3, 1, 7, 2 }, 4);
    ck_assert_uint_eq(model->n_versions, 4);
    for (size_t k = 1; k < model->n_versions; k++) {
        ck_assert_uint_lt(model->versions[k - 1].number, model->versions[k].number);
    }
    ck_assert_uint_eq(model_find_version(model, 7)->number, 7);
    ck_assert_ptr_null(model_find_version(model, 4));
    model_free(model);
    model_free(NULL);
}

TEST(the_active_version_stays_the_active_one)
{
    struct model *model = make_model((const unsigned[]){ 2, 4 }, 2);
    model->active = model_find_version(model, 4);
    ck_assert(model_insert_version(model, make(3, network_file(HIDDEN, 3))));
    ck_assert_uint_eq(model->active->number, 4);
    model_remove_version(model, 2);
    ck_assert_uint_eq(model->active->number, 4);
    ck_assert(model->active >= model->versions && model->active < model->versions + 2);
    model_free(model);
}

TEST(the_newest_number_outlives_its_version)
{
    struct model *model = make_model((const unsigned[]){ 1, 5 }, 2);
    model->active = model_find_version(model, 1);
    model_remove_version(model, 5);
    ck_assert_uint_eq(model->newest, 5);
    ck_assert_uint_eq(model->n_versions, 1);
    model_free(model);
}

TEST(versions_of_a_model_have_the_same_inputs_and_outputs)
{
    struct fault fault;
    struct version other = make(2, network_file_of_other_shape());
    struct version larger = make(3, network_file(33, SEED));
    struct model *model = model_create("m");
    ck_assert_int_eq(model_check_version(model, &other, &fault), STATUS_OK); /* the first one */
    ck_assert(model_insert_version(model, make(1, network_file(HIDDEN, SEED))));
    ck_assert_int_eq(model_check_version(model, &other, &fault), STATUS_INCOMPATIBLE_MODEL);
    ck_assert_str_eq(fault.param, "inputs");
    ck_assert_int_eq(model_check_version(model, &larger, &fault), STATUS_OK);
    version_done(&other);
    version_done(&larger);
    model_free(model);
}

TEST(what_is_no_model_file_is_no_version)
{
    const struct file_version file = { .number = 1, .path = "nowhere" };
    struct version version;
    struct fault fault;
    ck_assert_int_eq(version_make(&file, "not one", 7, &version, &fault), STATUS_INVALID_MODEL);
}
