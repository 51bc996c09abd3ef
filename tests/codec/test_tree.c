/* Documents that are built with cJSON, but whose numbers are printed by lib/json. */
#include "codec/tree.h"
#include "codec_support.h"

#include <math.h>
#include <string.h>

TEST(a_tree_is_printed_as_it_was_built)
{
    struct setup s;
    struct tree tree;
    setup_init(&s, model_closed());
    tree_init(&tree);
    cJSON *list = tree_add_array(&tree, tree.root, "list");
    cJSON *object = tree_add_object(&tree, list, NULL);
    tree_add_string(&tree, object, "s", "a\"b");
    tree_add_bool(&tree, object, "b", false);
    tree_add_null(&tree, list, NULL);
    tree_add_json(&tree, tree.root, "as_it_stands", "{ \"k\": 1.50 }");
    tree_finish(&tree, &s.text);
    ck_assert_str_eq(setup_text(&s), "{\"list\":[{\"s\":\"a\\\"b\",\"b\":false},null],"
                                     "\"as_it_stands\":{ \"k\": 1.50 }}");
    setup_done(&s);
}

TEST(numbers_are_exact_and_what_is_none_is_null)
{
    struct setup s;
    struct tree tree;
    setup_init(&s, model_closed());
    tree_init(&tree);
    tree_add_number(&tree, tree.root, "tenth", 0.1);
    tree_add_number(&tree, tree.root, "nan", (double)NAN);
    tree_add_count(&tree, tree.root, "count", (UINT64_C(1) << 53) + 1);
    tree_add_time(&tree, tree.root, "time", 1763668800250);
    tree_add_time(&tree, tree.root, "whole", 1763668800000);
    tree_finish(&tree, &s.text);
    ck_assert_str_eq(setup_text(&s), "{\"tenth\":0.1,\"nan\":null,\"count\":9007199254740993,"
                                     "\"time\":1763668800.25,\"whole\":1763668800}");
    setup_done(&s);
}

TEST(accuracies_are_there_where_one_is_or_where_they_always_are)
{
    static const struct {
        double train_accuracy;
        bool always, expected;
    } cases[] = { { (double)NAN, false, false },
                  { (double)NAN, true, true },
                  { 0.5, false, true } };
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct setup s;
        struct tree tree;
        setup_init(&s, model_closed());
        tree_init(&tree);
        const struct job_metrics metrics = { .train_accuracy = cases[i].train_accuracy,
                                             .valid_accuracy = (double)NAN };
        tree_add_metrics(&tree, tree.root, &metrics, cases[i].always);
        tree_finish(&tree, &s.text);
        bool has = strstr(setup_text(&s), "\"valid_accuracy\":null") != NULL;
        ck_assert_int_eq(has, cases[i].expected);
        setup_done(&s);
    }
}

TEST(a_tree_that_lacks_a_part_fails_the_text)
{
    struct setup s;
    struct tree tree;
    setup_init(&s, model_closed());
    tree_init(&tree);
    tree_add_bool(&tree, NULL, "of a parent that could not be made", true);
    tree_add_bool(&tree, tree.root, "and so on", true);
    tree_finish(&tree, &s.text);
    ck_assert(s.text.failed);
    ck_assert_uint_eq(s.text.n, 0);
    setup_done(&s);
}
