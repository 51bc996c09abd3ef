#include "config/config.h"
#include "config/config_options.h"
#include "test.h"

#include <string.h>

static char differing[256];

static void note(const char *name, bool is_taken)
{
    size_t n = strlen(differing);
    snprintf(differing + n, sizeof differing - n, "%s%c ", name, is_taken ? '!' : '?');
}

static struct config read_flags(const char *flag, const char *other)
{
    char name[] = "grud", one[100], two[100], error[512];
    char *const nothing[] = { NULL };
    char *const argv[] = { name, one, two, NULL };
    snprintf(one, sizeof one, "%s", flag);
    snprintf(two, sizeof two, "%s", other);
    struct config config;
    ck_assert_msg(config_read(3, argv, nothing, &config, error, sizeof error), "%s", error);
    return config;
}

static void expect_taken(const char *flag, const char *other, const char *expected)
{
    struct config config = read_flags("--data=/a", "--body-max=5000"),
                  next = read_flags(flag, other);
    differing[0] = '\0';
    config_take(&config, &next, note);
    ck_assert_str_eq(differing, expected);
    ck_assert_str_eq(config.data, "/a");
    ck_assert_uint_eq(config.body_max, next.body_max);
    ck_assert_int_eq(config.log_level, next.log_level);
    config_done(&next);
    config_done(&config);
}

TEST(equal_readings_change_nothing)
{
    expect_taken("--data=/a", "--body-max=5000", "");
}

TEST(live_options_are_taken)
{
    expect_taken("--data=/a", "--body-max=6000", "body-max! ");
    expect_taken("--data=/a", "--log-level=error", "body-max! log-level! ");
}

TEST(the_others_need_a_restart)
{
    expect_taken("--data=/b", "--body-max=7000", "data? body-max! ");
}

TEST(no_text_is_live)
{
    for (size_t i = 0; i < CONFIG_N_OPTIONS;
         i++) { /* readers would see a pointer change under them */
        ck_assert(config_options[i].type != OPTION_STRING ||
                  config_options[i].when == OPTION_START);
    }
}
