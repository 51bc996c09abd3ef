/* Growing arrays and text, and names as messages show them. */
#include "engine/buffer.h"
#include "test.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

TEST(a_text_grows_and_keeps_what_it_has)
{
    struct file_text text = { 0 };
    for (int i = 0; i < 1000; i++) {
        gru_text_puts(&text, "ab");
    }
    gru_text_put_string(&text, "\"\n", 2);
    gru_text_put_int(&text, 42);
    gru_text_puts(&text, ",");
    gru_text_put_double(&text, 0.1);
    gru_text_puts(&text, ",");
    gru_text_put_float(&text, NAN);
    static const char end[] = "\"\\\"\\n\"42,0.1,null";
    ck_assert(!text.failed);
    ck_assert_uint_eq(text.n, 2000 + sizeof end - 1);
    ck_assert_mem_eq(text.p + 1998, "ab", 2);
    ck_assert_mem_eq(text.p + 2000, end, sizeof end - 1);
    gru_text_done(&text);
}

TEST(an_array_grows_and_keeps_its_elements)
{
    void *array = NULL;
    size_t capacity = 0;
    for (size_t n = 0; n < 1000; n++) {
        ck_assert(gru_array_reserve(&array, &capacity, n + 1, sizeof(size_t)));
        ck_assert_uint_gt(capacity, n);
        ((size_t *)array)[n] = n;
    }
    for (size_t n = 0; n < 1000; n++) {
        ck_assert_uint_eq(((size_t *)array)[n], n);
    }
    free(array);
}

TEST(a_size_that_overflows_gets_no_memory)
{
    void *array = NULL;
    size_t capacity = 0;
    ck_assert(!gru_array_reserve(&array, &capacity, SIZE_MAX / 2, 8));
    ck_assert(array == NULL && capacity == 0);
    ck_assert_ptr_null(gru_array_alloc(SIZE_MAX / 2, 8));
    void *nothing = gru_array_alloc(0, 8);
    ck_assert_ptr_nonnull(nothing);
    free(nothing);
}

TEST(a_shown_name_has_no_control_characters)
{
    ck_assert_str_eq(gru_show("plain").text, "plain");
    ck_assert_str_eq(gru_show("a\x1b[31m\x7f").text, "a?[31m?");
    ck_assert_str_eq(gru_show_n("cut here", 3).text, "cut");
}

TEST(a_long_name_is_cut_between_code_points)
{
    enum { ROOM = sizeof(struct shown) - sizeof "..." };
    char name[200];
    for (size_t n_before = 0; n_before < 3; n_before++) {
        memset(name, 'a', sizeof name);
        for (size_t i = n_before; i + 3 < sizeof name; i += 3) {
            memcpy(name + i, "\xe2\x82\xac", 3);
        }
        name[sizeof name - 1] = '\0';
        struct shown shown = gru_show(name);
        size_t n = strlen(shown.text) - strlen("...");
        ck_assert_str_eq(shown.text + n, "...");
        ck_assert_mem_eq(shown.text, name, n);
        ck_assert_uint_eq((n - n_before) % 3, 0);
        ck_assert_uint_gt(n, ROOM - 3);
    }
}

TEST(a_list_of_names_ends_with_dots_where_there_is_no_more_room)
{
    char list[24] = "";
    gru_list_add(list, sizeof list, "one");
    gru_list_add(list, sizeof list, "tw\no");
    ck_assert_str_eq(list, "one, tw?o");
    gru_list_add(list, sizeof list, "a name that is too long");
    ck_assert_str_eq(list, "one, tw?o, ...");
    gru_list_add(list, sizeof list, "b");
    ck_assert_str_eq(list, "one, tw?o, ...");
    for (size_t size = 8; size < 20; size++) {
        char *exact = calloc(size, 1);
        ck_assert_ptr_nonnull(exact);
        for (int k = 0; k < 9; k++) {
            gru_list_add(exact, size, "ab");
            ck_assert_uint_lt(strlen(exact), size);
        }
        ck_assert_str_eq(exact + strlen(exact) - 3, "...");
        free(exact);
    }
}
