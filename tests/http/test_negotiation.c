/* Which form of a reply a client wants, and whether it has it. */
#include "http/negotiation.h"

#include "test.h"

#include <stddef.h>

TEST(gzip_is_sent_where_it_is_wanted_at_least_as_much)
{
    static const char *const wanted[] = {
        "gzip",
        "GZip",
        "x-gzip",
        "gzip, deflate, br, zstd",
        "br,gzip",
        "deflate , gzip ;q=0.001",
        "*",
        "*;q=1",
        "gzip;q=1.000",
        "identity;q=0.5, gzip;q=0.5",
        "gzip;Q=0.2,identity;q=0.1",
        "identity;q=0, *",
        "gzip\t;\tq=1",
        ",,gzip",
        "br;q=1.0, *;q=0.3",
    };
    static const char *const not_wanted[] = {
        "",
        "identity",
        "br",
        "deflate",
        "gzip;q=0",
        "gzip;q=0.0",
        "gzip ; q=0.000",
        "*;q=0",
        "gzip;q=0, *",
        "gzip;q=0.5, identity",
        "gzip;q=0.5,identity;q=0.6",
        "gzipped",
        "notgzip",
        "gzi",
        "br, identity;q=0",
        "gzip;q=",
        "gzip;q=high",
        "gzip;q=-1",
        "gzip;q=0.0001",
    };
    ck_assert(!negotiation_wants_gzip(NULL));
    for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++) {
        ck_assert_msg(negotiation_wants_gzip(wanted[k]), "'%s'", wanted[k]);
    }
    for (size_t k = 0; k < sizeof not_wanted / sizeof *not_wanted; k++) {
        ck_assert_msg(!negotiation_wants_gzip(not_wanted[k]), "'%s'", not_wanted[k]);
    }
}

TEST(a_tag_is_found_among_those_of_if_none_match)
{
    static const char tag[] = "\"abc\"";
    static const char *const with[] = {
        "\"abc\"",   "W/\"abc\"",       "*", "\"x\", \"abc\"", "\"x\",W/\"abc\",\"y\"",
        " \"abc\" ", "\"a,b\", \"abc\""
    };
    static const char *const without[] = { "",          "abc",          "\"ab\"", "\"abcd\"",
                                           "\"abc",     "w/\"abc\"",    "\"x\"",  "\"x,\"abc\"\"",
                                           "\"abc\"\"", "\",\\\"abc\"", "W/*" };
    ck_assert(!negotiation_has_tag(NULL, tag));
    for (size_t k = 0; k < sizeof with / sizeof *with; k++) {
        ck_assert_msg(negotiation_has_tag(with[k], tag), "'%s'", with[k]);
    }
    for (size_t k = 0; k < sizeof without / sizeof *without; k++) {
        ck_assert_msg(!negotiation_has_tag(without[k], tag), "'%s'", without[k]);
    }
}
