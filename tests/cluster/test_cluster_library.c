/* That nobody changes what nodes of released builds share without another number. */
#include "cluster/cluster_library.h"

#include "base/digest.h"
#include "test.h"

#include <string.h>

TEST(the_library_is_the_one_of_its_number)
{
    static const char head[] = "#!lua name=" CLUSTER_LIBRARY "\n";
    char text[DIGEST_TEXT];
    ck_assert_int_eq(strncmp(cluster_library_text, head, sizeof head - 1), 0);
    ck_assert_ptr_nonnull(strstr(cluster_library_text, "NAME = '" CLUSTER_LIBRARY "_'\n"));
    digest_print(digest_128(cluster_library_text, cluster_library_n), text);
    ck_assert_msg(strcmp(text, "xxh3:8432e0e6f26ffdcf5ed4ffbaa6ecf45a") == 0,
                  "the library is another one, %s: engines that have the one of its number refuse "
                  "it, so once that was released raise the number in both places",
                  text);
}
