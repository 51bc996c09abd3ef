/* What the engine of a cluster knows of a version, forth and back; and texts that are none. */
#include "service/models/version_entry.h"

#include "test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct version made = { .number = 7,
                                     .created_at_ms = 1796030550621,
                                     .parent = 3,
                                     .job = "ftjob-abc",
                                     .metrics = { 0.1, 1.0 / 3, NAN, INFINITY, 5e-324, -0.0 },
                                     .digest = { 0x00112233445566ff, 0x8899aabbccddeeff } };

static void expect_damaged(const char *text)
{
    struct version_entry entry = { .number = 7 };
    version_entry_read(text, strlen(text), &entry);
    ck_assert_msg(entry.is_damaged && entry.number == 7 && entry.n_file == 0, "%s", text);
}

TEST(an_entry_is_read_as_it_was_written)
{
    char text[VERSION_ENTRY_MAX];
    struct version_entry entry = version_entry_of(&made, 12188), read = { .number = 7 };
    const size_t n = version_entry_print(&entry, text);
    ck_assert_uint_eq(n, strlen(text));
    ck_assert_ptr_eq(strstr(text, "00112233445566ff8899aabbccddeeff 12188 1796030550621 3 "
                                  "ftjob-abc 0.1"),
                     text);
    version_entry_read(text, n, &read);
    ck_assert(!read.is_damaged && !read.is_deleted);
    ck_assert(digest_equals(read.digest, made.digest));
    ck_assert_uint_eq(read.n_file, 12188);
    ck_assert_int_eq(read.created_at_ms, made.created_at_ms);
    ck_assert_uint_eq(read.parent, 3);
    ck_assert_str_eq(read.job, "ftjob-abc");
    ck_assert(read.metrics.train_loss == 0.1 && read.metrics.valid_loss == 1.0 / 3);
    ck_assert(isnan(read.metrics.baseline_valid_loss));
    ck_assert(isinf(read.metrics.persistence_valid_loss));
    ck_assert(read.metrics.train_accuracy == 5e-324 && signbit(read.metrics.valid_accuracy));
}

TEST(an_entry_without_a_job_and_one_of_a_later_release)
{
    static const char later[] =
        "00112233445566ff8899aabbccddeeff 5 6 0 - nan nan nan nan nan nan and more";
    struct version_entry entry = { .number = 7 };
    version_entry_read(later, sizeof later - 1, &entry);
    ck_assert(!entry.is_damaged && !entry.is_deleted);
    ck_assert_str_eq(entry.job, "");
    ck_assert_uint_eq(entry.n_file, 5);
    version_entry_read("", 0, &entry);
    ck_assert(entry.is_deleted && !entry.is_damaged && entry.number == 7);
}

TEST(whatever_is_no_entry_is_damaged)
{
    char text[VERSION_ENTRY_MAX], cut[VERSION_ENTRY_MAX];
    const struct version_entry entry = version_entry_of(&made, 12188);
    const size_t n = version_entry_print(&entry, text);
    const char *last = strrchr(text, ' ') + 1; /* of its last word a part is a number, too */
    for (size_t k = 1; k <= (size_t)(last - text); k++) {
        snprintf(cut, sizeof cut, "%.*s", (int)k, text);
        expect_damaged(cut);
    }
    ck_assert_uint_lt((size_t)(last - text), n);
    expect_damaged("0011223344556677889900112233445g 5 6 0 - 1 1 1 1 1 1");
    expect_damaged("00112233445566ff8899aabbccddeeff0 5 6 0 - 1 1 1 1 1 1");
    expect_damaged("00112233445566ff8899aabbccddeeff -5 6 0 - 1 1 1 1 1 1");
    expect_damaged("00112233445566ff8899aabbccddeeff 99999999999999999999 6 0 - 1 1 1 1 1 1");
    expect_damaged("00112233445566ff8899aabbccddeeff 5 6 4294967296 - 1 1 1 1 1 1");
    expect_damaged("00112233445566ff8899aabbccddeeff 5 6 0 ftjob-aaaaaaaaaaaaaaaaaaaaaaaaaaaa 1 1 "
                   "1 1 1 1");
    expect_damaged("00112233445566ff8899aabbccddeeff 5 6 0 - 1 1 1 1 1 x");
    expect_damaged("00112233445566ff8899aabbccddeeff 5 6 0 - 1 1 1 1 1 "
                   "1111111111111111111111111111111111111111111111111111111");
    expect_damaged("          ");
}
