#include "base/status.h"
#include "test.h"

#include <errno.h>
#include <string.h>

TEST(every_code_is_unique_and_snake_case)
{
    for (int i = 0; i < STATUS_COUNT; i++) {
        const char *code = status_code((enum status)i);
        ck_assert_ptr_nonnull(code);
        ck_assert_uint_eq(strspn(code, "abcdefghijklmnopqrstuvwxyz_"), strlen(code));
        ck_assert(code[0] != '_' && code[0] != '\0' && code[strlen(code) - 1] != '_' &&
                  !strstr(code, "__"));
        for (int k = 0; k < i; k++) {
            ck_assert_str_ne(code, status_code((enum status)k));
        }
    }
}

TEST(every_http_status_is_one)
{
    ck_assert_int_eq(status_http(STATUS_OK), 200);
    for (int i = STATUS_OK + 1; i < STATUS_COUNT; i++) {
        ck_assert_int_ge(status_http((enum status)i), 400);
        ck_assert_int_le(status_http((enum status)i), 599);
    }
}

TEST(only_success_of_the_library_is_success)
{
    static const enum gru_status statuses[] = {
#define ROW(name, text) GRU_##name,
        GRU_STATUS_TABLE(ROW)
#undef ROW
    };
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        enum status status = status_of_gru(statuses[i]);
        ck_assert_int_eq(status == STATUS_OK, statuses[i] == GRU_OK);
        ck_assert_msg(status != STATUS_INTERNAL, "%s", gru_status_text(statuses[i]));
    }
    ck_assert_int_eq(status_of_gru((enum gru_status)999), STATUS_INTERNAL);
}

TEST(a_fault_says_what_was_formatted_and_nothing_older)
{
    struct fault fault = { .has_expected = true, .expected = 7, .param = "old", .message = "old" };
    ck_assert_int_eq(fault_set(&fault, STATUS_WRONG_LENGTH, "x[3]", "%d values, not %d", 2, 3),
                     STATUS_WRONG_LENGTH);
    ck_assert_int_eq(fault.status, STATUS_WRONG_LENGTH);
    ck_assert_str_eq(fault.param, "x[3]");
    ck_assert_str_eq(fault.message, "2 values, not 3");
    ck_assert(!fault.has_expected);
    ck_assert_uint_eq(fault.expected, 0);
}

TEST(a_fault_without_param_has_an_empty_one)
{
    struct fault fault = { .param = "old" };
    fault_set(&fault, STATUS_INTERNAL, NULL, "no");
    ck_assert_str_eq(fault.param, "");
}

TEST(a_fault_may_be_made_from_its_own_texts)
{
    struct fault fault;
    fault_set(&fault, STATUS_INVALID_VALUE, "x", "too large");
    fault_set(&fault, fault.status, fault.param, "steps[%d]: %s", 4, fault.message);
    ck_assert_str_eq(fault.param, "x");
    ck_assert_str_eq(fault.message, "steps[4]: too large");
}

/* Whatever comes before, the text ends with a whole code point or one cut off before its first
 * byte. */
TEST(a_text_that_is_too_long_is_cut_between_code_points)
{
    static const char *const points[] = { "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };
    for (size_t kind = 0; kind < 4; kind++) {
        for (int shift = 0; shift < 4; shift++) {
            char text[2000] = "---";
            char *end = text + shift;
            for (int i = 0; i < 300; i++) {
                end = stpcpy(end, points[kind]);
            }
            struct fault fault;
            fault_set(&fault, STATUS_INVALID_VALUE, text, "%s%s%s", text, text, text);
            size_t n_point = kind + 1, n_param = strlen(fault.param),
                   n_message = strlen(fault.message);
            ck_assert_uint_eq((n_param - (size_t)shift) % n_point, 0);
            ck_assert_uint_ge(n_param + n_point, sizeof fault.param);
            ck_assert_str_eq(fault.message + n_message - n_point, points[kind]);
            ck_assert_uint_ge(n_message + n_point, sizeof fault.message);
        }
    }
}

TEST(who_may_not_may_not_the_next_time_either)
{
    static const int lasting[] = { EACCES,  EPERM,  EROFS, ENOENT,
                                   ENOTDIR, EISDIR, ELOOP, ENAMETOOLONG };
    for (size_t k = 0; k < sizeof lasting / sizeof *lasting; k++) {
        ck_assert(!fault_may_pass(
            &(struct fault){ .status = STATUS_STORAGE_FAILED, .error = lasting[k] }));
    }
    ck_assert(fault_may_pass(&(struct fault){ .status = STATUS_STORAGE_FAILED, .error = ENOSPC }));
    ck_assert(fault_may_pass(&(struct fault){ .status = STATUS_STORAGE_FAILED }));
    ck_assert(fault_may_pass(&(struct fault){ .status = STATUS_NO_MEMORY }));
    ck_assert(
        fault_may_pass(&(struct fault){ .status = STATUS_INVALID_VALUE, .error = EADDRINUSE }));
    ck_assert(
        !fault_may_pass(&(struct fault){ .status = STATUS_INVALID_VALUE, .error = EADDRNOTAVAIL }));
    ck_assert(!fault_may_pass(&(struct fault){ .status = STATUS_INVALID_VALUE }));
}

TEST(a_fault_that_is_filled_again_forgets_what_the_system_said)
{
    struct fault fault = { .error = EACCES };
    fault_fill(&fault, STATUS_STORAGE_FAILED, NULL, "x");
    ck_assert_int_eq(fault.error, 0);
}

TEST(advice_is_not_for_clients)
{
    struct fault fault;
    fault_fill(&fault, STATUS_STORAGE_FAILED, NULL, "cannot");
    ck_assert_str_eq(fault_for_clients(&fault).message, "cannot");
    fault_add_advice(&fault, "; chown 1 it");
    ck_assert_str_eq(fault.message, "cannot; chown 1 it");
    ck_assert_str_eq(fault_for_clients(&fault).message, "cannot");
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    fault_fill(&fault, STATUS_STORAGE_FAILED, NULL, "%s", text);
    fault_add_advice(&fault, "; chown 1 it");
    ck_assert_uint_eq(strlen(fault_for_clients(&fault).message), sizeof fault.message - 1);
}
