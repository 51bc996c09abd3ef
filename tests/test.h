/*
 * test.h - what every test file includes. A test is a fact:
 *
 *     TEST(unknown_session_yields_404)
 *     {
 *         ck_assert_int_eq(...);
 *     }
 *
 * It registers itself; each file is one libcheck suite.
 */
#ifndef TEST_H
#define TEST_H

#include <check.h>

void test_register(const TTest *test);

#define TEST(name)                                                                                 \
    static void name##_fn(int _i);                                                                 \
    static const TTest name##_test = { #name, name##_fn, __FILE__, __LINE__ };                     \
    __attribute__((constructor)) static void name##_register(void)                                 \
    {                                                                                              \
        test_register(&name##_test);                                                               \
    }                                                                                              \
    static void name##_fn(int _i CK_ATTRIBUTE_UNUSED)

#endif
