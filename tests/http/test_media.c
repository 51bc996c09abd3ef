/* Media types: their names, and which of a set comes first. */
#include "http/media.h"

#include "test.h"

#include <stdint.h>
#include <string.h>

TEST(each_media_type_has_the_name_of_its_row)
{
#define CHECK_NAME(name, text) ck_assert_str_eq(media_name(MEDIA_##name), text);
    MEDIA_TABLE(CHECK_NAME)
#undef CHECK_NAME
}

/* glibc compares texts that may cross a page byte by byte. */
TEST(no_name_crosses_a_page)
{
    enum { PAGE = 4096 };
    for (enum media media = 0; media < MEDIA_COUNT; media++) {
        const char *name = media_name(media);
        ck_assert_uint_le((uintptr_t)name % PAGE + strlen(name) + 1, PAGE);
        ck_assert_uint_eq((uintptr_t)name % 64, 0);
    }
}

TEST(the_first_of_a_set_is_the_first_of_the_table)
{
    for (unsigned set = 1; set < 1U << MEDIA_COUNT; set++) {
        enum media first = media_first(set);
        ck_assert(set & 1U << first);
        for (unsigned before = 0; before < (unsigned)first; before++) {
            ck_assert(!(set & 1U << before));
        }
    }
}
