/* The list of what cannot be served. */
#include "service/models/unserved.h"
#include "test.h"

TEST(an_entry_is_found_by_its_model_and_version_until_it_is_removed)
{
    struct unserved_list list = { .n = 0 };
    struct fault fault;
    fault_fill(&fault, STATUS_INVALID_MODEL, NULL, "for models");
    ck_assert(unserved_add(&list, "a", 0, true, &fault));
    fault_fill(&fault, STATUS_INVALID_MODEL, NULL, "for clients");
    fault_add_advice(&fault, ", and advice for operators");
    ck_assert(unserved_add(&list, "a", 7, false, &fault));
    ck_assert_str_eq(unserved_find(&list, "a", 0)->reason, "for models");
    ck_assert_str_eq(unserved_find(&list, "a", 7)->reason, "for clients");
    ck_assert(unserved_find(&list, "a", 0)->read_only && !unserved_find(&list, "a", 7)->read_only);
    ck_assert_ptr_null(unserved_find(&list, "a", 1));
    ck_assert_ptr_null(unserved_find(&list, "b", 7));
    unserved_remove(&list, "b", 7);
    unserved_remove(&list, "a", 0);
    ck_assert_uint_eq(list.n, 1);
    ck_assert_ptr_null(unserved_find(&list, "a", 0));
    ck_assert_ptr_nonnull(unserved_find(&list, "a", 7));
    unserved_free(&list);
    unserved_free(&list);
}

TEST(a_copy_is_its_own)
{
    struct unserved_list list = { .n = 0 }, copy, empty;
    struct fault fault;
    fault_fill(&fault, STATUS_INVALID_MODEL, NULL, "it is damaged");
    ck_assert(unserved_copy(&list, &empty) && empty.n == 0);
    ck_assert(unserved_add(&list, "a", 7, false, &fault));
    ck_assert(unserved_copy(&list, &copy));
    unserved_free(&list);
    ck_assert_int_eq(unserved_refuse(unserved_find(&copy, "a", 7), &fault),
                     STATUS_VERSION_UNAVAILABLE);
    ck_assert_str_eq(fault.message, "version 7 of model 'a' cannot be served: it is damaged");
    ck_assert_str_eq(fault.param, "version");
    unserved_free(&copy);
    unserved_free(&empty);
}
